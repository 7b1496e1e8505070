"""Visitors: faces drawn by a program, ten traits a person, no one's photo."""

from __future__ import annotations

import torch
from torch import Tensor

from .draws import normal, stream, uniform, whole

TRAITS = ("face width", "face height", "eye distance", "eye height",
          "eye size", "skin", "nose length", "nose width", "mouth height",
          "mouth width")


def people(n: int, seed: int | torch.Generator) -> Tensor:
    """Persons: (n, 10) traits, uniform in [-1, 1), in the order of TRAITS.

    Raises TypeError or ValueError that names the argument.
    """
    n = whole("n", n, 1, 10**5)
    return 2 * uniform(stream(seed, "people"), n, len(TRAITS)) - 1


def photos(traits: Tensor, k: int, seed: int | torch.Generator,
           mask: bool = False, size: int = 24) -> Tensor:
    """k pictures of each person: (n * k, 1, size, size), person by person.

    Tilt, place, size, light and noise are drawn anew for each picture.
    traits: (n, 10).   mask: a white cloth from the nose down, in place of
    what is under it.   size: side in pixels, 12 to 64.
    Raises TypeError or ValueError that names the argument.
    """
    k, size = whole("k", k, 1, 10**4), whole("size", size, 12, 64)
    if not isinstance(traits, Tensor) or traits.shape[1:] != (len(TRAITS),):
        raise ValueError(f"traits should be a tensor (n, {len(TRAITS)})")
    g = stream(seed, "photos")
    t = traits.repeat_interleave(k, 0).T[..., None, None]   # (10, N, 1, 1)

    def chance(spread: float) -> Tensor:
        return spread * normal(g, t.shape[1], 1, 1)
    tilt, right, down, zoom = (chance(s) for s in (.08, .05, .05, .05))
    line = torch.linspace(-1, 1, size, dtype=torch.float32)
    x, y = line[None, :], line[:, None]
    u = (x * torch.cos(tilt) - y * torch.sin(tilt) - right) * (1 + zoom)
    v = (x * torch.sin(tilt) + y * torch.cos(tilt) - down) * (1 + zoom)

    def spot(cx, cy, wide, high) -> Tensor:
        return torch.exp(-((u - cx) / wide) ** 2 - ((v - cy) / high) ** 2)
    r = (u / (.72 + .12 * t[0])) ** 2 + (v / (.9 + .08 * t[1])) ** 2
    eye = .3 + .09 * t[2], -.25 + .1 * t[3], .11 + .04 * t[4], .08
    im = (.75 + .12 * t[5]) * torch.sigmoid(12 * (1 - r))
    im = im - .6 * (spot(*eye) + spot(-eye[0], *eye[1:]))
    im = im - .35 * spot(0, .1 + .08 * t[6], .06 + .03 * t[7], .16)
    im = im - .5 * spot(0, .5 + .08 * t[8], .2 + .09 * t[9], .07)
    if mask:
        im = torch.where((v > .2) & (r < 1), .9, im)
    im = im * (1 + .25 * torch.tanh(chance(1.) * u + chance(.6) * v))
    return (im + chance(.05) + .05 * normal(g, *im.shape))[:, None] - .4
