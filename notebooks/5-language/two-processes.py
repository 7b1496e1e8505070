"""The tiny GPT of the page beside this file, trained by several processes.

    torchrun --standalone --nproc-per-node 2 two-processes.py --check
    torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d \\
        --rdzv-endpoint HOST:29500 two-processes.py --device cuda

Each process draws the whole batch from the same generator and trains on its
own part of it; torch's DistributedDataParallel takes the mean of the
gradients.  With --check, the first process then trains alone, part after
part, and says how far the two models are apart: with two processes on CPUs,
nowhere.
"""

import argparse
import contextlib
import copy
import os
import re
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

PAGE = Path(__file__).with_name("hyperclova_prompting.py")
sys.path.insert(0, str(PAGE.resolve().parents[2]))     # the clone's lab1784


def page():
    """The page's definitions: its cells of imports, technique, experiment."""
    space = {"__name__": "page"}
    for cell in PAGE.read_text(encoding="utf-8").split("\n# %%")[1:]:
        head, _, code = cell.partition("\n")
        if re.search('"(imports|technique|experiment)"', head):
            exec(compile(code, str(PAGE), "exec"), space)
    return space


def train(space, lm, part, parts, settings, wrapped=None):
    """Trains lm in place; returns its last loss.

    part: the part of each batch that this process takes, or None: all of
    them, one after the other, their gradients added up before the step.
    wrapped: lm in DistributedDataParallel, which takes the mean."""
    tasks, g = space["few_tasks"](settings.seed), space["stream"](
        settings.seed, 2)
    optimizer = torch.optim.AdamW(lm.parameters(), 8e-3)
    for _ in range(settings.steps):
        rows = tasks[torch.randint(len(tasks), (settings.batch,),
                                   generator=g)]
        words, labels = (t.to(settings.device).chunk(parts)
                         for t in space["episodes"](rows, 9, g))
        optimizer.zero_grad()
        for i in range(parts) if part is None else [part]:
            model = Loss(space, lm) if wrapped is None else wrapped
            loss = model(words[i], labels[i])
            (loss / parts if part is None else loss).backward()
        nn.utils.clip_grad_norm_(lm.parameters(), 1.0)
        optimizer.step()
    return loss.item()


class Loss(nn.Module):
    """The loss as a module: what is called through DistributedDataParallel
    gets its gradients averaged, and nothing else does."""

    def __init__(self, space, lm):
        super().__init__()
        self.lm, self.loss = lm, space["label_loss"]

    def forward(self, words, labels):
        return self.loss(self.lm, words, labels)


def gap(a, b):
    """Largest difference of two models' weights."""
    return max((p - q).abs().max().item()
               for p, q in zip(a.parameters(), b.parameters()))


def main():
    ask = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ask.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    ask.add_argument("--dtype", choices=("float32", "float64"),
                     default="float32")
    ask.add_argument("--steps", type=int, default=20)
    ask.add_argument("--batch", type=int, default=32,
                     help="rows a step, of all processes together")
    ask.add_argument("--seed", type=int, default=1000)
    ask.add_argument("--check", action="store_true",
                     help="train alone, too, and compare")
    settings = ask.parse_args()
    if "RANK" not in os.environ:
        ask.error("start it with torchrun --standalone --nproc-per-node 2")
    dist.init_process_group("nccl" if settings.device == "cuda" else "gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    if settings.batch % world:
        ask.error(f"--batch should be a multiple of {world}, the number of "
                  f"processes; got {settings.batch}")
    torch.set_num_threads(1)
    torch.set_default_dtype(getattr(torch, settings.dtype))
    own = None
    if settings.device == "cuda":
        own = [int(os.environ["LOCAL_RANK"])]
        torch.cuda.set_device(own[0])
    space = page()
    torch.manual_seed(settings.seed)
    lm = space["TinyGPT"]().to(settings.device)
    first = copy.deepcopy(lm)
    wrapped = DistributedDataParallel(Loss(space, lm), device_ids=own)
    loss = train(space, lm, rank, world, settings, wrapped)
    if rank == 0:
        print(f"{world} processes: after {settings.steps} steps the first "
              f"one's loss is {loss:.4f}")
        if settings.check:
            for parts, name in ((world, "part after part"),
                                (1, "on the whole batch")):
                alone = copy.deepcopy(first)
                train(space, alone, None, parts, settings)
                print(f"one process, {name}: largest difference of a "
                      f"weight {gap(alone, lm):.1e}, of "
                      f"{gap(first, lm):.1e} that it moved")
    with contextlib.suppress(RuntimeError):    # the others may have gone
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
