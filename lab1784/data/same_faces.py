"""Four faces, what each paper of the generation chapter is asked about
them, and what the networks of its pages answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .avatars import avatar_factors, counterfactual, draw_avatars

FILE = Path(__file__).with_name("same_faces.npz")
COLOURS = ("hair", "hair_shade", "background", "background_shade", "skin")


def four() -> dict[str, Tensor]:
    """Factors of four faces that no page has trained on: black long hair, a
    hat, long hair with glasses, short red hair."""
    cast = {"hair": [0, 1, 1, 2], "long": [1, 0, 1, 0],
            "glasses": [0, 0, 1, 0], "hat": [0, 1, 0, 0],
            "background": [0, 1, 2, 3]}
    return counterfactual(avatar_factors(4, 50_003), **{
        k: torch.tensor(v) for k, v in cast.items()})


def next_hair(f: dict[str, Tensor]) -> dict[str, Tensor]:
    """The faces with the next colour of hair: black, blond, red, black."""
    return counterfactual(f, hair=(f["hair"] + 1) % 3)


def next_style(f: dict[str, Tensor]) -> dict[str, Tensor]:
    """The faces with hat or none, and the colours, of the next face."""
    return counterfactual(f, **{k: f[k].roll(-1, 0)
                                for k in ("hat", *COLOURS)})


def next_palette(f: dict[str, Tensor]) -> dict[str, Tensor]:
    """The faces in the colours of the next face."""
    return counterfactual(f, **{k: f[k].roll(-1, 0) for k in COLOURS})


def next_drawing(f: dict[str, Tensor]) -> dict[str, Tensor]:
    """The next face in the colours of each."""
    return {k: v if k in COLOURS else v.roll(-1, 0) for k, v in f.items()}


def film(f: dict[str, Tensor], i: int, t: Tensor) -> Tensor:
    """Frames (T, 3, 16, 16) of face i at times t (T,): it goes straight on,
    to the right and up."""
    one = {k: v[i:i + 1].expand(len(t)).clone() for k, v in f.items()}
    one["x"], one["y"] = t / 2 - 0.3, 0.1 - 0.15 * t
    return draw_avatars(one)[0]


def hung() -> dict[str, np.ndarray]:
    """paper -> the four answers, bytes (4, 3, 16, 16); of fsmr numbers
    (2, 4), plain and FSMR.  Written by tools/wall.py."""
    with np.load(FILE) as file:
        return {k: file[k] for k in file.files}
