"""Arms over paired seeds."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SEEDS = (0, 1, 2, 3, 4)


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

    def __getitem__(self, metric: str) -> dict[str, list[float]]:
        if metric not in self.values:
            raise KeyError(f"metric {metric!r} was not measured; "
                           f"choose from {sorted(self.values)}")
        return self.values[metric]

    def mean(self, metric: str, arm: str) -> float:
        """Mean of one arm over the seeds, in the metric's unit."""
        values = self[metric]
        if arm not in values:
            raise KeyError(f"arm {arm!r} was not run; "
                           f"choose from {list(values)}")
        return math.fsum(values[arm]) / len(values[arm])

    def table(self, metrics: Sequence[str] | None = None) -> str:
        """Arms down, metrics across, means over the seeds, three decimals."""
        metrics = list(metrics or self.values)
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
    if not callable(run):
        raise TypeError("run should be a function run(arm, seed) that "
                        "returns a dict of metrics")
    arms = [arms] if isinstance(arms, str) else list(arms)
    if len(arms) < 2 or len(set(arms)) < len(arms):
        raise ValueError(f"arms should name at least two different arms, "
                         f"got {arms}")
    seeds = list(seeds)
    if any(isinstance(s, bool) or int(s) != s for s in seeds):
        raise ValueError(f"seeds should be whole numbers, got {seeds}")
    if len(seeds) < 3 or len(set(seeds)) < len(seeds):
        raise ValueError("seeds should be at least three different seeds "
                         f"(five are the rule), got {seeds}")
    seeds = [int(s) + shift() for s in seeds]
    values: dict[str, dict[str, list[float]]] = {}
    bar = Bar(len(seeds) * len(arms))
    for seed in seeds:
        for arm in arms:
            got = run(arm, seed, **settings)
            if not isinstance(got, dict) or not got:
                raise TypeError("run should return a dict metric -> number,"
                                f" got {type(got).__name__} for {arm!r}")
            if values and set(got) != set(values):
                raise ValueError(f"run should return the same metrics for "
                                 f"every arm: {arm!r} gave {sorted(got)}, "
                                 f"before it was {sorted(values)}")
            for metric, value in got.items():
                if not math.isfinite(float(value)):
                    raise ValueError(f"run gave {value} for {metric!r}, arm"
                                     f" {arm!r}, seed {seed}: every metric "
                                     "should be a finite number")
                values.setdefault(metric, {}).setdefault(arm, []).append(
                    float(value))
            bar.step()
    return Runs(tuple(seeds), values)


class Bar:
    """A progress bar for a person; silent where outputs are recorded.

    A bar that ends up in a committed output would differ in every run, so
    it is off under LAB1784_QUIET and under pytest (nbval runs kernels from
    there).  At its end it wipes its own line.
    """

    def __init__(self, total: int, stream=None):
        quiet = ("LAB1784_QUIET" in os.environ
                 or "PYTEST_VERSION" in os.environ)
        self.stream = None if quiet else (stream or sys.stderr)
        self.total, self.done = total, 0

    def step(self) -> None:
        self.done += 1
        if self.stream is None:
            return
        full = round(24 * self.done / self.total)
        text = f"\r{'#' * full}{'.' * (24 - full)} {self.done}/{self.total}"
        if self.done == self.total:
            text = "\r" + " " * (len(text) - 1) + "\r"
        self.stream.write(text)
        self.stream.flush()
