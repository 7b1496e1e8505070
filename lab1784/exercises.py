"""Exercises that check themselves: by value, on the reader's machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def check(id: str, answer: Any, judge: Callable[[Any], None]) -> None:
    """Judge an answer and say in one line how it stands.

    id:     name of the exercise, e.g. 'cutmix-1'.
    answer: a value or a function; `...` or None means 'not answered yet'.
    judge:  raises AssertionError with a message that helps where the
            answer is wrong; it sees the answer and nothing else.

    Prints one line in any case and lets no error of the answer escape, so
    that Run all goes on.
    Raises ValueError where id is empty, TypeError where judge cannot be
    called: both are mistakes of the page, not of the reader.
    """
    if not isinstance(id, str) or not id.strip():
        raise ValueError(f"id should be a non-empty text, got {id!r}")
    if not callable(judge):
        raise TypeError("judge should be a function of the answer")
    if answer is None or answer is ...:
        print(f"{id}: not answered yet.")
        return
    try:
        judge(answer)
    except Unanswered:
        print(f"{id}: not answered yet.")
    except AssertionError as error:
        said = str(error).splitlines() or ["The value differs."]
        print(f"{id}: not yet. {said[0]}")
    except Exception as error:  # the reader's code: any error may come
        print(f"{id}: your answer raised {type(error).__name__}: {error}")
    else:
        print(f"{id}: right.")


class Unanswered(NotImplementedError):
    """What a stub raises: `raise Unanswered` reads as 'your turn'."""


def near(value: Any, right: float, rel: float = 0.02) -> bool:
    """Whether an answer is the number `right`, up to the share `rel`."""
    return abs(float(value) - right) <= rel * abs(right) + 1e-9
