"""A judge of avatars: reads the factors of a face, and compares two sets.

The drawing program knows the factors of what it drew, but not of what a
generator made of it.  This small network, trained on drawn avatars and kept
in half precision, reads them.  Its distance is called avatar-FD and is no
FID: other features, other pictures.  `python -m tools.scorer` trains it.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .arguments import said
from .data import CATEGORIES
from .recorded import FOLDER

SIZE = 16
FILE = FOLDER / "scorer" / "scorer.pt"


class Scorer(nn.Module):
    """Four convolutions, 64 features, one linear head a factor."""

    def __init__(self):
        super().__init__()
        def block(a, b, stride):
            return [nn.Conv2d(a, b, 3, stride, 1), nn.BatchNorm2d(b),
                    nn.ReLU()]
        self.trunk = nn.Sequential(
            *block(3, 24, 1), *block(24, 32, 2), *block(32, 48, 1),
            *block(48, 48, 2), nn.Flatten(), nn.Linear(48 * 16, 64))
        self.heads = nn.ModuleDict({k: nn.Linear(64, len(v))
                                    for k, v in CATEGORIES.items()})

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(N, 3, 16, 16), as `draw_avatars` gives -> factor -> logits."""
        h = F.relu(self.features(images))
        return {k: head(h) for k, head in self.heads.items()}

    def features(self, images: Tensor) -> Tensor:
        """The last layer before the heads, (N, 64)."""
        return self.trunk(_faces("images", images))

    @torch.no_grad()
    def factors(self, images: Tensor) -> dict[str, Tensor]:
        """Factor -> the value that the network reads, (N,) int64."""
        return {k: v.argmax(1) for k, v in self(images).items()}

    @torch.no_grad()
    def distance(self, a: Tensor, b: Tensor) -> float:
        """avatar-FD: Fréchet distance of two sets of images in features.

        a, b: (N, 3, 16, 16) and (M, 3, 16, 16), N and M at least 128.
        """
        if min(len(_faces("a", a)), len(_faces("b", b))) < 128:
            raise ValueError("a and b should hold at least 128 images each:"
                             " a covariance of 64 features needs them")
        return frechet(*(self.features(x).double().numpy() for x in (a, b)))


def _faces(name: str, images: Tensor) -> Tensor:
    shape = getattr(images, "shape", ())
    if not isinstance(images, Tensor) or tuple(shape[1:]) != (3, SIZE, SIZE):
        raise ValueError(f"{name} should be (N, 3, {SIZE}, {SIZE}), got "
                         f"{tuple(shape) or said(images)}")
    return images


def frechet(a: np.ndarray, b: np.ndarray) -> float:
    """Squared Fréchet distance of the Gaussians that fit two samples.

    a: (N, d), b: (M, d).  Source: Dowson and Landau, 1982.
    """
    shapes = [getattr(x, "shape", ()) for x in (a, b)]
    if [*map(len, shapes)] != [2, 2] or shapes[0][1] != shapes[1][1]:
        raise ValueError("a and b should be (N, d) and (M, d), got "
                         f"{said(shapes)}")
    from scipy.linalg import sqrtm
    s, t = (np.cov(x, rowvar=False) for x in (a, b))
    root = sqrtm(s @ t).real
    gap = a.mean(0) - b.mean(0)
    return float(gap @ gap + np.trace(s + t - 2 * root))


@functools.cache
def scorer() -> Scorer:
    """The trained network, in evaluation mode, without gradients to its
    own weights (gradients to the images still pass)."""
    if not FILE.exists():
        raise FileNotFoundError("the scorer is not recorded: run python -m "
                                "tools.scorer")
    net = Scorer()
    kept = torch.load(FILE, map_location="cpu", weights_only=True)
    net.load_state_dict({k: v.float() if v.is_floating_point() else v
                         for k, v in kept.items()})
    return net.eval().requires_grad_(False)
