"""Drawn listeners and songs, with tastes that are known."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from ..arguments import whole


def listening(seed: int, users: int = 300, songs: int = 240
              ) -> tuple[ndarray, ndarray, ndarray]:
    """Who plays which song, and how the songs sound.

    A taste and a kind of music are two numbers each; who plays what is
    drawn by how well they fit and by how much a listener plays at all.
    How a song sounds are twelve numbers: eight that follow its kind, under
    noise, and four that follow nothing.

    Returns plays (users, songs), 0 or 1 as floats; sound (songs, 12); and
    the chance (users, songs) by which each play was drawn.
    Raises TypeError or ValueError that names the argument.
    """
    rng = np.random.default_rng(whole("seed", seed, 0))
    whole("users", users, 2), whole("songs", songs, 2)
    taste, kind = rng.normal(size=(users, 2)), rng.normal(size=(songs, 2))
    much = rng.normal(-2, 0.8, (users, 1))
    sound = np.tanh(kind @ rng.normal(size=(2, 8)))
    sound += rng.normal(0, 0.5, sound.shape)
    sound = np.concatenate([sound, rng.normal(size=(songs, 4))], 1)
    chance = 1 / (1 + np.exp(-(taste @ kind.T + much)))
    return (rng.random(chance.shape) < chance) * 1.0, sound, chance
