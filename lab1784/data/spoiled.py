"""Digits as they come in before a pipeline: noisy, and with planted defects."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ..arguments import whole
from .handwriting import _all_digits


def _digits() -> tuple[ndarray, ndarray]:
    """(1797, 64) in whole numbers from 0 to 16, (1797,); not to be written
    to."""
    images, target = _all_digits()
    return (16 * images.double()).flatten(1).numpy(), target.numpy()


def noisy_digits(seed: int, noise: float = 4.0) -> tuple[ndarray, ndarray]:
    """scikit-learn's digits in an order of the seed, under drawn noise.

    noise: standard deviation, of brightness that goes from 0 to 16.

    Returns pictures (1797, 64), whole numbers from 0 to 16 as floats, and
    labels (1797,).  Raises TypeError or ValueError that names the argument.
    """
    rng = np.random.default_rng(whole("seed", seed, 0))
    x, y = _digits()
    i = rng.permutation(len(x))
    x = np.rint((x[i] + rng.normal(0, noise, x.shape)).clip(0, 16))
    return x, y[i]


def spoiled(seed: int) -> tuple[ndarray, ndarray, ndarray]:
    """740 noisy digits of which 140 are bad, in an order of the seed.

    30 in a unit sixteen times as small, 30 with a wrong label, 40 copies
    and 40 near copies, each after the row that it is like.

    Returns pictures (740, 64), labels (740,), and what is wrong: "unit",
    "label", "copy", "near copy", or "" where nothing is.
    Raises TypeError or ValueError that names the argument.
    """
    x, y = (v[:660] for v in noisy_digits(seed))
    rng = np.random.default_rng(1_000_000 + seed)
    step = rng.integers(-1, 2, (40, 64)) * (rng.random((40, 64)) < 0.2)
    x = np.concatenate([x, x[:40], (x[40:80] + step).clip(0, 16)])
    y = np.concatenate([y, y[:80]])
    x[600:630] *= 16
    y[630:660] = (y[630:660] + rng.integers(1, 10, 30)) % 10
    wrong = np.repeat(["", "unit", "label", "copy", "near copy"],
                      [600, 30, 30, 40, 40])
    i = np.concatenate([rng.permutation(660), 660 + rng.permutation(80)])
    return x[i], y[i], wrong[i]
