"""Real digits put somewhere, and moved: where things are, and what happens."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ..arguments import whole
from .spoiled import _digits

WAYS = ("right", "left", "down", "up")     # a film backwards: way ^ 1
SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))


def canvases(seed: int, n: int) -> tuple[ndarray, ndarray, ndarray]:
    """Two digits that do not touch, in noise, on 24 by 24 pixels.

    Returns pictures (n, 24, 24), brightness about 0 to 16; boxes (n, 2, 4)
    as top, left, bottom, right in pixels; classes (n, 2).
    Raises TypeError or ValueError that names the argument.
    """
    rng = np.random.default_rng(whole("seed", seed, 0))
    x, y = _digits()
    pictures = rng.normal(0, 4, (whole("n", n, 1), 24, 24))
    rows = rng.integers(len(x), size=(n, 2))
    boxes = np.zeros((n, 2, 4), int)
    for picture, pair, two in zip(pictures, rows, boxes):
        places = rng.integers(17, size=(2, 2))
        while np.abs(places[0] - places[1]).max() < 9:
            places = rng.integers(17, size=(2, 2))
        for row, (top, left), box in zip(pair, places, two):
            picture[top:top + 8, left:left + 8] += x[row].reshape(8, 8)
            box[:] = top, left, top + 8, left + 8
    return pictures, boxes, y[rows]


def films(seed: int, n: int) -> tuple[ndarray, ndarray]:
    """n films of a digit that moves a pixel a frame, and the same n
    backwards.

    Returns films (2n, 8, 16, 16), whole numbers, brightness about 0 to 16,
    and ways (2n,), the place in WAYS.  Raises TypeError or ValueError that names the
    argument.
    """
    rng = np.random.default_rng(whole("seed", seed, 0))
    x, _ = _digits()
    shown = np.rint(rng.normal(0, 2, (whole("n", n, 1), 8, 16, 16)))
    ways = rng.integers(4, size=n)
    for film, way in zip(shown, ways):
        digit = x[rng.integers(len(x))].reshape(8, 8)
        step = np.array(SHIFTS[way])
        start = np.where(step == 0, rng.integers(9, size=2),
                         np.where(step > 0, rng.integers(2, size=2),
                                  8 - rng.integers(2, size=2)))
        for t, frame in enumerate(film):
            top, left = start + t * step
            frame[top:top + 8, left:left + 8] += digit
    return (np.concatenate([shown, shown[:, ::-1]]),
            np.concatenate([ways, ways ^ 1]))
