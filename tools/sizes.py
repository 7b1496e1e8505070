"""The tiny GPT of the page `hyperclova_prompting` at three sizes, asked.

    python -m tools.sizes search     learning rates, on seeds 1000 and 1001
    python -m tools.sizes            writes what the page `model_sizes` scores
A finished training is kept in _build/sizes: both go on where they stopped.
"""

from __future__ import annotations

import sys

import numpy as np
import torch

from lab1784.data.sizes import COUNTS, FILE, RATES, SEEDS
from tests.house import ROOT, load

TRIED, GRID = range(1000, 1002), (4e-3, 8e-3, 16e-3, 32e-3, 64e-3)
LONG, LONG_RATE = (8, "many", 1000), 8e-3   # the smallest, four times as long


def page_at(d: int) -> dict:
    """The page with a model that is d numbers wide instead of 48."""
    page = load("hyperclova_prompting")
    one = page["TinyGPT"]
    page["TinyGPT"] = lambda: one(d)
    return page


def exam(page: dict, seed: int) -> tuple[torch.Tensor, ...]:
    """Words and labels of the page's questions, (512, 9) each, and of 256
    rows of the tasks that *few* is trained on."""
    g, few = page["stream"](seed, 8), page["few_tasks"](seed)
    own = few[torch.randint(len(few), (256,), generator=g)]
    return *page["questions"](seed), *page["episodes"](own, 9, g)


def train(d: int, arm: str, seed: int, lr: float, steps: int = 250) -> dict:
    """One model, asked: its labels and the right ones, from 0 to 7."""
    page = page_at(d)
    lm = page["pretrain"](arm, seed, steps=steps, lr=lr)

    def said(words, labels, k):
        return page["answer"](lm, lm.embed(page["prompt"](
            words[:, :k], labels[:, :k], words[:, -1])))
    words, y, own, z = exam(page, seed)
    other = torch.where(y != y[:, -1:], y, 0).amax(1)
    made = {"answers": torch.stack([said(words, y, k) for k in COUNTS]),
            "trained": said(own, z, 8), "right_trained": z[:, -1],
            "right": y[:, -1], "other": torch.where(other > 0, other, y[:, -1])}
    return {k: (v - page["WORDS"]).byte().numpy() for k, v in made.items()} | {
        "weights": np.array(sum(p.numel() for p in lm.parameters()))}


def kept(d: int, arm: str, seed: int, lr: float, steps: int = 250) -> dict:
    """`train`, or what it gave before."""
    file = ROOT / "_build" / "sizes" / f"{d}-{arm}-{seed}-{lr}-{steps}.npz"
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        np.savez(file, **train(d, arm, seed, lr, steps))
    return dict(np.load(file))


def search() -> None:
    """Right after eight shots, a mean of the seeds for trying."""
    for (d, arm, steps), grid in [*(((*run, 250), GRID) for run in RATES),
                                  (LONG, GRID[1:4])]:
        print(d, arm, steps, *("{}: {:.4f}".format(lr, np.mean([
            r["answers"][-1] == r["right"] for s in TRIED
            for r in [kept(d, arm, s, lr, steps)]])) for lr in grid))


def record() -> dict[str, np.ndarray]:
    """What `model_sizes` in lab1784/data/sizes.py gives."""
    runs = [kept(*run, s, lr) for run, lr in RATES.items() for s in SEEDS]
    made = {k: np.array([r[k] for r in runs]).reshape(
        3, 2, 5, *runs[0][k].shape) for k in runs[0]}
    long = [kept(*LONG[:2], s, LONG_RATE, LONG[2])["answers"] for s in SEEDS]
    return made | {"long": np.array(long), "weights": made["weights"][:, 0, 0],
                   **{k: made[k][0, 0] for k in (
                       "right", "other", "right_trained")}}


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["search"]:
        search()
    else:
        np.savez_compressed(FILE, **record())
        print(f"{FILE.name}: {FILE.stat().st_size} bytes")
