"""Arms over paired seeds."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from .arguments import (function, known, listed, number, said, texts,
                        whole)

SEEDS = (0, 1, 2, 3, 4)


@functools.cache
def machine() -> str:
    """The kind of machine, on which a run repeats to the last bits: its
    processor, NumPy, and torch where it is installed."""
    told: dict[str, str] = {}
    with contextlib.suppress(OSError):
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        for line in text.splitlines():
            key, _, value = line.partition(":")
            told.setdefault(key.strip(), value.strip())
    cpu = " ".join(told[k] for k in ("model name", "cpu family", "model")
                   if k in told)
    made = [cpu or platform.processor() or platform.machine()]
    for name in ("numpy", "torch"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            made.append(f"{name} {metadata.version(name)}")
    return ", ".join(made)


def shift() -> int:
    """The shift that LAB1784_SEED adds to every seed (0 where it is unset).

    Raises ValueError where the variable is not a whole number.
    """
    text = os.environ.get("LAB1784_SEED", "0")
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"LAB1784_SEED should be a whole number, "
                         f"got {text!r}") from None


@dataclass(frozen=True)
class Runs:
    """What `compare` measured.

    seeds:  the seeds that were run, shift included.
    values: metric -> arm -> one float a seed, in the order of `seeds`.
    """

    seeds: tuple[int, ...]
    values: dict[str, dict[str, list[float]]]

    def __post_init__(self):
        seeds = _seeds(self.seeds)
        if not isinstance(self.values, dict) or not self.values or not all(
                isinstance(t, dict) and t for t in self.values.values()):
            raise TypeError("values should be a dict metric -> arm -> one "
                            f"number a seed, got {said(self.values)}")
        for metric, table in self.values.items():
            for arm, row in table.items():
                if len(listed("values", row, "numbers")) != len(seeds):
                    raise ValueError(
                        f"values should hold one number a seed: {metric!r} "
                        f"of arm {arm!r} has {len(row)}, there are "
                        f"{len(seeds)} seeds")

    def __getitem__(self, metric: str) -> dict[str, list[float]]:
        return self.values[known(metric, self.values, "metric")]

    def mean(self, metric: str, arm: str) -> float:
        """Mean of one arm over the seeds, in the metric's unit."""
        values = self[metric][known(arm, self[metric], "arm")]
        return math.fsum(values) / len(values)

    def table(self, metrics: Sequence[str] | None = None) -> str:
        """Arms down, metrics across, means over the seeds, three decimals."""
        metrics = texts("metrics", self.values if metrics is None
                        else metrics)
        arms = list(self[metrics[0]])
        wide = max(map(len, arms))
        lines = [" " * wide + "".join(f"  {m:>10}" for m in metrics)]
        for arm in arms:
            cells = [f"  {self.mean(m, arm):10.3f}" for m in metrics]
            lines.append(f"{arm:<{wide}}" + "".join(cells))
        return "\n".join(lines)


def compare(run: Callable[..., dict[str, float]], arms: Sequence[str],
            seeds: Sequence[int] = SEEDS, **settings) -> Runs:
    """Run every arm on every seed: `run(arm, seed, **settings)`.

    run:   returns metric -> float; the same metrics for every arm.
    arms:  names, the first to be run first; at least two, no name twice.
    seeds: at least three different whole numbers; LAB1784_SEED=n adds n
           to each, so that a whole notebook can be run on fresh seeds.

    A seed is finished for all arms before the next one starts.  Raises
    TypeError or ValueError that names the argument and what it should be.
    """
    function("run", run)
    arms = texts("arms", arms)
    if len(arms) < 2 or len(set(arms)) < len(arms):
        raise ValueError(f"arms should name at least two different arms, "
                         f"got {arms}")
    seeds = _seeds(seeds)
    if len(seeds) < 3 or len(set(seeds)) < len(seeds):
        raise ValueError("seeds should be at least three different seeds "
                         f"(five are the rule), got {seeds}")
    seeds = [s + shift() for s in seeds]
    values: dict[str, dict[str, list[float]]] = {}
    with progress(len(seeds) * len(arms)) as bar:
        for seed in seeds:
            for arm in arms:
                got = _measured(run(arm, seed, **settings), arm, seed)
                if values and set(got) != set(values):
                    raise ValueError(
                        "run should return the same metrics for every arm: "
                        f"{arm!r} gave {sorted(got)}, before it was "
                        f"{sorted(values)}")
                for metric, value in got.items():
                    values.setdefault(metric, {}).setdefault(
                        arm, []).append(value)
                bar.update()
    return Runs(tuple(seeds), values)


def _seeds(seeds) -> list[int]:
    return [whole("each of seeds", s, 0)
            for s in listed("seeds", seeds, "whole numbers")]


def _measured(got, arm: str, seed: int) -> dict[str, float]:
    """What a run returned, as metric -> finite float."""
    if not isinstance(got, dict) or not got:
        raise TypeError("run should return a dict metric -> number, got "
                        f"{type(got).__name__} for {arm!r}")
    texts("run's metrics", got)
    return {metric: number(f"run's {metric!r} (arm {arm!r}, seed {seed})",
                           +value if isinstance(value, bool) else value,
                           -math.inf) for metric, value in got.items()}


def progress(total: int):
    """A progress bar for a person (tqdm): `update()` after each step; used
    as a context, it leaves nothing behind.

    A bar that ends up in a committed output would differ in every run, so
    it is off under LAB1784_QUIET and under pytest (nbval runs kernels from
    there).
    """
    from tqdm import tqdm
    quiet = {"LAB1784_QUIET", "PYTEST_VERSION"} & os.environ.keys()
    return tqdm(total=total, leave=False, disable=bool(quiet))
