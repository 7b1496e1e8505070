"""A line drawing by us: a building, a robot that draws it, a tree, the sun."""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def _arc(centre: complex, r: float, start: float = 0,
         turns: float = 1) -> ndarray:
    """A piece of a circle; start in turns from three o'clock."""
    way = start + turns * np.linspace(0, 1, 2 + int(22 * turns))
    return centre + r * np.exp(2j * np.pi * way)


def _box(corner: complex, w: float, h: float) -> ndarray:
    return corner + np.array([0, w, w + 1j * h, 1j * h, 0])


def drawing() -> list[ndarray]:
    """The strokes, in the order in which a file lists them: kind by kind.

    A stroke is an array of points, each a complex number x + iy in cm on a
    sheet 24 wide and 18 high, whose lower left corner is 0.
    """
    sun = 21.2 + 15.2j
    return [np.asarray(s, complex) for s in [
        [0.6 + 1.5j, 23.4 + 1.5j],                                  # ground
        [3 + 1.5j, 3 + 15.5j, 12.6 + 15.5j, 12.6 + 1.5j],           # walls
        [6.8 + 1.5j, 6.8 + 3.6j, 8.8 + 3.6j, 8.8 + 1.5j],           # door
        *[_box(3.9 + 2.1 * k + 1j * y, 1.3, 1.4)                    # windows
          for y in (5.0, 7.6, 10.2, 12.8) for k in range(4)],
        _box(15.6 + 2.5j, 3.2, 3.4), _box(16 + 6.5j, 2.4, 1.8),     # robot
        _arc(16.3 + 1.95j, 0.45), _arc(18.1 + 1.95j, 0.45),         # wheels
        _arc(16.7 + 7.5j, 0.2), _arc(17.7 + 7.5j, 0.2),             # eyes
        _arc(17.2 + 7.2j, 0.45, 0.5, 0.5),                          # mouth
        [17.2 + 5.9j, 17.2 + 6.5j], [17.2 + 8.3j, 17.2 + 9.3j],     # neck
        [15.6 + 5j, 14.4 + 4.2j, 13.9 + 6j],                        # its arm
        [13.7 + 5.6j, 14.2 + 6.6j],                                 # its pen
        [20.8 + 1.5j, 20.8 + 5j], [21.4 + 1.5j, 21.4 + 5j],         # trunk
        _arc(21.1 + 7.2j, 2.2, -0.21, 0.92),                        # crown
        _arc(sun, 1.2), *[sun + np.array([1.5, 2.2])
                          * np.exp(1j * np.pi * k / 4) for k in range(8)],
        *[at + np.array(figure) for at, figure in (                 # 1784
            (4.9 + 15.9j, [1j, 0.4 + 1.4j, 0.4]),
            (6.4 + 15.9j, [1.4j, 0.8 + 1.4j, 0.3]),
            (8.2 + 16.6j, [*_arc(0.35j, 0.35, -0.25),
                           *_arc(-0.35j, 0.35, 0.25)]),
            (9.6 + 15.9j, [0.6, 0.6 + 1.4j, 0.5j, 0.9 + 0.5j]))],
    ]]
