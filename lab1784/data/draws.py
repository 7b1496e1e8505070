"""What every data set here shares: checked arguments and private randomness.

Every number is drawn from a `torch.Generator` on the CPU that belongs to
one data set and one seed.  The global state of torch, NumPy and `random`
is neither read nor changed, and torch's default dtype does not matter.
"""

import math
import operator
import zlib

import torch
from torch import Tensor


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


def whole(name: str, value: object, low: int, high: int) -> int:
    """`value` as an int within [low, high]; the error names the argument."""
    wanted = f"{name} should be a whole number from {low} to {high}"
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{wanted}; got {value!r}")
    try:
        value = operator.index(value)
    except TypeError:  # for example a tensor of several or of real numbers
        raise TypeError(f"{wanted}; got {value!r}") from None
    if not low <= value <= high:
        raise ValueError(f"{wanted}; got {value}")
    return value


def number(name: str, value: object, low: float, high: float) -> float:
    """`value` as a finite float within [low, high]."""
    wanted = f"{name} should be a number from {low:g} to {high:g}"
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"{wanted}; got {value!r}")
    try:
        value = float(value)
    except (TypeError, ValueError, RuntimeError):   # a tensor of several
        raise TypeError(f"{wanted}; got {value!r}") from None
    except OverflowError:
        raise ValueError(f"{wanted}; got {value!r}") from None
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{wanted}; got {value}")
    return value


def choice(name: str, value: object, options: tuple) -> object:
    """`value` if it is one of `options`."""
    if not any(type(value) is type(o) and value == o for o in options):
        listed = ", ".join(repr(o) for o in options)
        raise ValueError(f"{name} should be one of {listed}; got {value!r}")
    return value


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
