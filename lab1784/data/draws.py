"""What every data set here shares: checked arguments and private randomness.

Every number is drawn from a `torch.Generator` on the CPU that belongs to
one data set and one seed.  The global state of torch, NumPy and `random`
is neither read nor changed, and torch's default dtype does not matter.
"""

import zlib

import torch
from torch import Tensor

from ..arguments import choice, number, whole

__all__ = ["choice", "integers", "normal", "number", "shuffled", "stream",
           "uniform", "whole"]


def stream(seed: int | torch.Generator, name: str) -> torch.Generator:
    """A generator for the data set `name`, or the caller's own generator.

    The name is mixed into an integer seed, so that seed 0 of a data set and
    seed 0 of a network's initialisation share no numbers.

    Raises:
        TypeError, ValueError: `seed` is neither an integer of at least 0
            nor a generator on the CPU.
    """
    if isinstance(seed, torch.Generator):
        if seed.device.type != "cpu":
            raise ValueError("seed should be a generator on the CPU; "
                             f"got one on {seed.device}")
        return seed
    seed = whole("seed", seed, 0, 2**63 - 1)
    mixed = zlib.crc32(f"{name} {seed}".encode())
    return torch.Generator(device="cpu").manual_seed(mixed)


def uniform(g: torch.Generator, *shape: int) -> Tensor:
    """Uniform on [0, 1), float32."""
    return torch.rand(shape, generator=g, dtype=torch.float32, device="cpu")


def normal(g: torch.Generator, *shape: int) -> Tensor:
    """Standard normal, float32."""
    return torch.randn(shape, generator=g, dtype=torch.float32, device="cpu")


def integers(g: torch.Generator, high: int, *shape: int) -> Tensor:
    """Uniform on 0 .. high - 1, int64."""
    return torch.randint(high, shape, generator=g, device="cpu")


def shuffled(g: torch.Generator, n: int) -> Tensor:
    """A random order of 0 .. n - 1, int64."""
    return torch.randperm(n, generator=g, device="cpu")
