"""Checked arguments: what is malformed is told in one sentence that names it.

Each function returns the value in its plain form or raises TypeError or
ValueError.  No torch is needed here.
"""

from __future__ import annotations

import difflib
import math
import operator
from collections.abc import Iterable


def whole(name: str, value: object, low: int, high: int | None = None
          ) -> int:
    """`value` as an int within [low, high]; the error names the argument."""
    wanted = (f"{name} should be a whole number from {low} to {high}"
              if high is not None else
              f"{name} should be a whole number >= {low}")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{wanted}; got {said(value)}")
    try:
        value = operator.index(value)
    except TypeError:  # for example a tensor of several or of real numbers
        raise TypeError(f"{wanted}; got {said(value)}") from None
    if value < low or high is not None and value > high:
        raise ValueError(f"{wanted}; got {said(value)}")
    return value


def number(name: str, value: object, low: float, high: float = math.inf
           ) -> float:
    """`value` as a finite float within [low, high]."""
    wanted = (f"{name} should be a number from {low:g} to {high:g}"
              if math.isfinite(high) else
              f"{name} should be a finite number" + (
                  f" >= {low:g}" if math.isfinite(low) else ""))
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"{wanted}; got {said(value)}")
    try:
        value = float(value)
    except (TypeError, ValueError, RuntimeError):   # a tensor of several
        raise TypeError(f"{wanted}; got {said(value)}") from None
    except OverflowError:
        raise ValueError(f"{wanted}; got {said(value)}") from None
    if not (math.isfinite(value) and low <= value <= high):
        raise ValueError(f"{wanted}; got {said(value)}")
    return value


def choice(name: str, value: object, options: tuple) -> object:
    """`value` if it is one of `options`."""
    if not any(type(value) is type(o) and value == o for o in options):
        raise ValueError(f"{name} should be one of "
                         f"{', '.join(map(repr, options))}; got "
                         f"{said(value)}")
    return value


def said(value: object) -> str:
    """A value as a message shows it: short, in one line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def function(name: str, value: object) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(f"{name} should be a function, got {said(value)}")


def listed(name: str, values: object, of: str) -> list:
    """`values` as a list, where they are several; a text is not."""
    try:
        if not isinstance(values, (str, bytes)):
            return list(values)
    except TypeError:
        pass
    raise TypeError(f"{name} should be a list of {of}, got {said(values)}")


def known(value: object, options: Iterable[str], name: str) -> str:
    """`value` if it is one of the names `options`, which are texts.

    name: what the argument is called.  Raises ValueError that lists the
    options and points to the one that was perhaps meant.

    >>> known("CutMix", ["plain", "cutmix"], "arm")
    ValueError: arm should be one of 'plain', 'cutmix'; got 'CutMix' (did
    you mean 'cutmix'?)
    """
    text("name", name)
    options = texts("options", options)
    if isinstance(value, str) and value in options:
        return value
    near = difflib.get_close_matches(
        str(value).lower(), [o.lower() for o in options], 1)
    hint = next((f" (did you mean {o!r}?)" for o in options
                 if [o.lower()] == near), "")
    raise ValueError(f"{name} should be one of "
                     f"{', '.join(map(repr, options))}; got "
                     f"{said(value)}{hint}")


def text(name: str, value: object) -> str:
    """`value` if it is a text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} should be a non-empty text, got "
                         f"{said(value)}")
    return value


def texts(name: str, values: object, count: int | None = None,
          least: int = 1, blank: bool = False) -> list[str]:
    """`values` as a list of texts, `count` of them or at least `least`; no
    text is empty unless `blank`.  One text alone is no list of texts."""
    many = (str(count) if count is not None else
            f"at least {least}" if least > 1 else "some")
    found = listed(name, values, f"{many} texts")
    if not all(isinstance(t, str) and (blank or t.strip())
               for t in found) or (len(found) < least if count is None
                                   else len(found) != count):
        raise ValueError(f"{name} should be a list of {many} texts, got "
                         f"{said(values)}")
    return found
