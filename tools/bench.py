"""How long things take on this machine, one thread each.

    python -m tools.bench [NAME...]

Times every notebook from start to end (or those named) into
assets/bench.json, with the date and the processor, and compares two
techniques with what others made, as ratios in one run: below one, ours is
the faster. Tests never time anything.
"""

from __future__ import annotations

import datetime
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tools import nb

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "assets" / "bench.json"


def processor() -> str:
    """The processor's name, as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(
                encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def ratio(ours: Callable[[], object], theirs: Callable[[], object],
          repeats: int = 15, seconds: float = 0.2) -> float:
    """Median of ours/theirs, timed in turns so that both see the same
    machine; each turn lasts about `seconds`."""
    ours(), theirs()
    start = time.perf_counter()
    ours()
    loops = max(1, round(seconds / (time.perf_counter() - start + 1e-9)))

    def timed(call) -> float:
        start = time.perf_counter()
        for _ in range(loops):
            call()
        return time.perf_counter() - start

    return statistics.median(timed(ours) / timed(theirs)
                             for _ in range(repeats))


def adamp_step() -> float:
    """Our AdamP step against the authors' package, same parameters."""
    import torch
    from adamp import AdamP as Theirs

    from tests.house import load
    Ours = load("adamp")["AdamP"]

    def stepper(cls):
        torch.manual_seed(0)
        net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 32, 3), torch.nn.BatchNorm2d(32),
            torch.nn.Conv2d(32, 64, 3), torch.nn.BatchNorm2d(64),
            torch.nn.Flatten(), torch.nn.Linear(64, 256),
            torch.nn.Linear(256, 10))
        for p in net.parameters():
            p.grad = torch.randn_like(p)
        return cls(net.parameters(), lr=1e-3).step

    torch.set_num_threads(1)
    return ratio(stepper(Ours), stepper(Theirs))


def cutmix_batch() -> float:
    """Our CutMix batch (torch) against a plain NumPy one, 64 images of
    3 x 32 x 32."""
    import numpy as np
    import torch

    from tests.house import load
    cutmix = load("cutmix")["cutmix"]
    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = torch.randn(64, 3, 32, 32), torch.randint(10, (64,))
    xs, ys, rng = x.numpy(), y.numpy(), np.random.default_rng(0)

    def plain():
        n, _, height, width = xs.shape
        share = np.sqrt(1 - rng.beta(1.0, 1.0))
        h, w = int(height * share), int(width * share)
        cy, cx = rng.integers(height), rng.integers(width)
        top, bottom = max(cy - h // 2, 0), min(cy + h // 2, height)
        left, right = max(cx - w // 2, 0), min(cx + w // 2, width)
        other = rng.permutation(n)
        mixed = xs.copy()
        mixed[:, :, top:bottom, left:right] = xs[
            other, :, top:bottom, left:right]
        kept = 1 - (bottom - top) * (right - left) / (height * width)
        return mixed, ys, ys[other], kept

    return ratio(lambda: cutmix(x, y, rng), plain)


RATIOS = {"adamp_step": (adamp_step, "AdamP step, ours : adamp package"),
          "cutmix_batch": (cutmix_batch, "CutMix batch, ours : plain NumPy")}


def bench(only: list[str]) -> None:
    names = [nb.source(n).stem for n in only] or list(nb.sources())
    kept = (json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists()
            else {})
    kept |= {"cpu": processor(), "date": f"{datetime.date.today()}"}
    for name in names:
        start = time.perf_counter()
        nb.execute(nb.build(nb.sources()[name]), name)
        seconds = time.perf_counter() - start
        kept[name] = {"seconds": round(seconds, 1),
                      "minutes": max(0.1, round(seconds / 60, 1))}
        print(f"{name:<24} {seconds:6.1f} s", flush=True)
    gone = {k for k, v in kept.items() if isinstance(v, dict)
            and k != "ratios"} - nb.sources().keys()
    for name in gone:
        del kept[name]
    for key, (measure, words) in RATIOS.items():
        page = key.partition("_")[0]
        if page not in nb.sources():
            continue
        kept.setdefault("ratios", {})[key] = round(measure(), 2)
        print(f"{words}: {kept['ratios'][key]:.2f}", flush=True)
    nb.write(KEPT, json.dumps(kept, indent=1, sort_keys=True) + "\n")
    nb.fill()
    times = {k: kept[k]["seconds"] for k in nb.sources() if k in kept}
    longest = max(times, key=times.__getitem__)
    print(f"Mean of {len(times)} notebooks: "
          f"{statistics.mean(times.values()):.0f} s (aim: 35); longest: "
          f"{longest}, {times[longest]:.0f} s (cap: 60).")
    print("The times are in assets/bench.json; make run and make fill put "
          "them into the prose.")


def main(arguments: list[str]) -> int:
    try:
        bench(arguments)
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
