"""Exercises that check themselves: by value, on the reader's machine.

A judge is fair: right answers in other forms pass, plausible wrong ones get
a message of their own.  So it

- takes numbers by `near`, which reads every kind of number and gives two
  per cent of room, unless the exercise asks for another precision;
- raises AssertionError with a message that helps (`assert near(value,
  0.0197), "Divide by n - 1."`), and returns nothing;
- builds what it hands to a reader's function anew for every call, since
  the function may write into it.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import math
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from .arguments import function, number, said, text
from .memory import reached


def check(id: str, answer: Any, judge: Callable[[Any], None],
          asks: str = "") -> None:
    """Judge an answer and say in one line how it stands.

    id:     name of the exercise, e.g. 'cutmix-1'.
    answer: a value or a function; `...` or None means 'not answered yet',
            also within a tuple, list, set or dict.
    judge:  raises AssertionError with a message that helps where the
            answer is wrong; it sees the answer and nothing else.
    asks:   what kind of answer is asked, as it reads after "Answer with":
            'a pair of whole numbers', 'a function of (x, y, rng)'.

    Prints one line in any case and lets no error of the answer escape, so
    that Run all goes on; only Ctrl-C does.  What an answer writes into the
    page's own values is undone, so that the next try finds them whole.
    Raises ValueError where id is empty, TypeError where judge cannot be
    called or returns something: these are mistakes of the page, not of the
    reader.
    """
    text("id", id)
    function("judge", judge)
    if not isinstance(asks, str):
        raise TypeError(f"asks should be a text, got {said(asks)}")
    if _open(answer):
        print(f"{id}: not answered yet.")
        return
    try:
        with warnings.catch_warnings(), _kept_whole(judge, answer):
            warnings.simplefilter("ignore")      # they would be more lines
            returned = judge(answer)
    except (Exception, SystemExit) as error:     # any may come from there
        print(f"{id}: {_told(error, answer, asks)}")
        return
    if returned is not None:
        raise TypeError(f"judge of {id!r} returned {returned!r}: a judge "
                        "raises AssertionError or returns nothing")
    print(f"{id}: right.")


def near(value: Any, right: float, rel: float = 0.02, abs: float = 1e-9
         ) -> bool:
    """Whether an answer is the number `right`, with some room: for judges.

    value: any kind of number: int, float, Fraction, Decimal, a NumPy
           scalar, an array or a tensor of one element.
    right: the number that is asked.
    rel:   room as a share of `right`; rel=0 where it should be met.
    abs:   room in the answer's own unit; the larger of both counts.

    Raises AssertionError, for the reader, where `value` is no number;
    TypeError or ValueError where another argument is malformed.
    """
    right = number("right", right, -math.inf)
    room = max(number("rel", rel, 0) * math.fabs(right),
               number("abs", abs, 0))
    told = "Answer with one number"
    if hasattr(value, "item") and hasattr(value, "shape"):
        count = math.prod(value.shape)
        assert count == 1, f"{told}; yours are {count}."
        value = value.item()
    assert not isinstance(value, str), f"{told}, without quotation marks."
    assert not isinstance(value, bool) and hasattr(value, "__float__"), (
        f"{told}; yours is {_kind(value)}.")
    try:
        value = float(value)
    except OverflowError:
        value = math.inf
    assert math.isfinite(value), f"{told} that is finite."
    return math.fabs(value - right) <= room


class Unanswered(NotImplementedError):
    """What a stub raises: `raise Unanswered` reads as 'your turn'."""


def _open(answer: Any) -> bool:
    if isinstance(answer, dict):
        answer = [*answer.values()]
    return answer is None or answer is ... or (
        isinstance(answer, (tuple, list, set)) and any(map(_open, answer)))


def _told(error: BaseException, answer: Any, asks: str) -> str:
    """What the reader is told of an error, in one line."""
    said = next((x for x in str(error).splitlines() if x.strip()), "")[:300]
    what = f"{type(error).__name__}: {said}" if said else type(
        error).__name__
    if isinstance(error, Unanswered):
        return "not answered yet."
    theirs = _codes(answer) & set(_frames(error))
    if isinstance(error, NameError) \
            and not isinstance(error, UnboundLocalError):
        return (f"run the cells above first: {error.name!r} is not there"
                + (", unless it is a slip of the pen." if theirs else "."))
    if isinstance(error, AssertionError):
        return f"not yet. {said or 'The value differs.'}"
    if theirs or isinstance(error, SystemExit):
        return f"not yet: your answer raised {what}"
    if not asks and "not callable" in said:
        asks = "a function"
    if callable(answer) and "NoneType" in said:
        return "not yet. Your function returns None: is a `return` missing?"
    if callable(answer):
        return (f"not yet. The check cannot use your function ({what}); "
                + (f"answer with {asks}." if asks else
                   "look again at what it should take and return."))
    if asks or isinstance(error, (TypeError, AttributeError)):
        return ("not yet. Answer with " + (asks or "the kind of value that "
                                           "the exercise asks for")
                + f"; yours is {_kind(answer)}.")
    return f"not yet. The check cannot use this answer ({what})."


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"


def _frames(error: BaseException) -> Iterator:
    trace = error.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code
        trace = trace.tb_next


def _codes(answer: Any) -> set:
    """The code of an answer's functions."""
    if isinstance(answer, functools.partial):
        return _codes(answer.func)
    if isinstance(answer, (tuple, list)):
        return set().union(*map(_codes, answer))
    if isinstance(answer, dict):
        return _codes([*answer.values()])
    function = inspect.unwrap(answer) if callable(answer) else answer
    if hasattr(function, "__code__"):
        return {function.__code__}
    kind = answer if isinstance(answer, type) else type(answer)
    return {v.__code__ for v in vars(kind).values()
            if hasattr(v, "__code__")}


@contextlib.contextmanager
def _kept_whole(*functions: Any):
    """Undo what is written meanwhile into tensors, arrays, lists and dicts
    that functions of the page reach by name."""
    plain = [f for f in functions if hasattr(f, "__code__")]
    before = [(thing, _copy(thing)) for _, thing in
              (reached(*plain) if plain else ()) if _written(thing)]
    try:
        yield
    finally:
        for thing, old in before:
            if isinstance(thing, dict):
                thing.clear()
                thing.update(old)
            elif isinstance(thing, list):
                thing[:] = old
            elif thing.shape == old.shape:
                (thing.data if hasattr(thing, "detach") else thing)[...] = old


def _written(thing: Any) -> bool:
    """Whether a function can write into the thing, and we undo it."""
    return isinstance(thing, (list, dict)) or (
        type(thing).__module__.split(".")[0] in ("torch", "numpy")
        and hasattr(thing, "shape") and hasattr(thing, "__setitem__")
        and getattr(getattr(thing, "flags", None), "writeable", True))


def _copy(thing: Any) -> Any:
    return (thing.detach().clone() if hasattr(thing, "detach") else
            copy.copy(thing))
