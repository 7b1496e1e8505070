"""An exercise's answer in other forms: right ones that its check should
take, and wrong ones that it should not."""

from __future__ import annotations

import ast
import numbers
from decimal import Decimal
from fractions import Fraction

import numpy as np
import torch

OFF = -1.37, 0.61      # noise: a number times the one and plus the other


def name_of(check: str) -> str:
    """What a check cell calls the answer: check(id, NAME, judge)."""
    call = next(n for n in ast.walk(ast.parse(check))
                if isinstance(n, ast.Call)
                and getattr(n.func, "id", "") == "check")
    return ast.unparse(call.args[1])


def is_number(v) -> bool:
    return isinstance(v, numbers.Number) and not isinstance(v, bool)


def is_numbers(v) -> bool:
    return (isinstance(v, (list, tuple)) and len(v) > 0
            and all(map(is_number, v)))


def right_forms(value):
    """(in words, the same answer in another form)."""
    if is_number(value):
        yield from ((kind.__name__, kind(value)) for kind in (
            float, np.float64, np.array, torch.tensor) if not (
            isinstance(value, Fraction) and kind in (np.array,
                                                     torch.tensor)))
        yield "Fraction", Fraction(value)
        yield "Decimal", Decimal(repr(float(value)))
        yield "torch.float64", torch.tensor(float(value)).double()
        if float(value) == round(float(value)):
            yield "int", round(float(value))
        elif not isinstance(value, Fraction):
            yield "three digits", float(f"{float(value):.3g}")
    elif is_numbers(value):
        plain = [float(v) for v in value]
        yield "list", list(value)
        yield "tuple", tuple(value)
        yield "np.array", np.array(plain)
        yield "torch.tensor", torch.tensor(plain).double()
        yield "of np.float64", type(value)(map(np.float64, plain))
        yield "of Fractions", type(value)(Fraction(v) for v in value)
    elif isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim:
        yield "list", value.tolist()
        yield "np.array", np.asarray(value)
        yield "torch.tensor", torch.as_tensor(value)
    elif callable(value) and not isinstance(value, type):
        yield "with other names", lambda *args: value(*args)
        yield "in place", lambda *args: into_first(args, value(*args))


def into_first(args, out):
    """The result, written into the first argument where it fits."""
    if (type(out) is type(args[0]) and hasattr(out, "dtype")
            and out.shape == args[0].shape and out.dtype == args[0].dtype
            and not getattr(out, "requires_grad", False)
            and not getattr(args[0], "requires_grad", False)):
        args[0][...] = out
        return args[0]
    return out


def wrong_forms(value):
    """(in words, noise or an answer that is right in part)."""
    if is_number(value):
        yield "noise", spoilt(value)
    elif is_numbers(value):
        yield "noise", type(value)(map(spoilt, value))
        for i in range(len(value)):
            yield f"number {i} another", type(value)(
                spoilt(v) if i == j else v for j, v in enumerate(value))
    elif isinstance(value, (torch.Tensor, np.ndarray)) and value.ndim:
        yield "noise", spoilt(value)
    elif callable(value) and not isinstance(value, type):
        yield "noise", lambda *args: spoilt(value(*args))
        yield "zeros", lambda *args: spoilt(value(*args), 0.0, 0.0)
        yield "last number off", lambda *args: last_off(value(*args))
        yield "right once", Once(value)


def spoilt(out, times=OFF[0], plus=OFF[1]):
    if isinstance(out, bool):
        return not out
    if is_number(out):
        return float(out) * times + plus
    if isinstance(out, torch.Tensor):
        return (~out if out.dtype == torch.bool else
                (out * times + plus).to(out.dtype) + (
                    not out.is_floating_point()))
    if isinstance(out, np.ndarray):
        return ~out if out.dtype == bool else (out * times + plus).astype(
            out.dtype) + (out.dtype.kind in "iu")
    if isinstance(out, (list, tuple)) and type(out) in (list, tuple):
        return type(out)(spoilt(v, times, plus) for v in out)
    return None


def last_off(out):
    if isinstance(out, (torch.Tensor, np.ndarray)) and out.ndim and len(out):
        out = out.clone() if isinstance(out, torch.Tensor) else out.copy()
        flat = out.reshape(-1)
        flat[-1] = spoilt(flat[-1:])[0]
        return flat.reshape(out.shape)
    if isinstance(out, (list, tuple)) and type(out) in (list, tuple) and out:
        return type(out)([*out[:-1], spoilt(out[-1])])
    return spoilt(out)


class Once:
    """Right on its first call, noise on all others."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        out = self.function(*args)
        return out if self.calls == 1 else spoilt(out)
