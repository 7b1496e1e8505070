"""Checks are fair to people: one line, in words, whatever the answer is."""

import decimal
import fractions
import functools
import sys

import numpy as np
import pytest
import torch

from lab1784 import check, near
from lab1784.exercises import Unanswered

TABLE = torch.ones(3)
COUNTS = [1, 2, 3]


def told(capsys, answer, judge, *asks):
    check("x-1", answer, judge, *asks)
    out = capsys.readouterr().out
    assert out.startswith("x-1: ") and len(out.splitlines()) == 1, out
    return out[5:].strip()


def judge(value):
    assert value != 3, "That is the number of sides."
    assert value == 4, "Count the corners again."


def raises(error=Unanswered):
    raise error


@pytest.mark.parametrize("given,said", [
    (..., "not answered yet."), (None, "not answered yet."),
    ((1, ...), "not answered yet."), ([[...], 2], "not answered yet."),
    ({"a": ...}, "not answered yet."), ({1, ...}, "not answered yet."),
    (3, "not yet. That is the number of sides."),
    (5, "not yet. Count the corners again."), (4, "right.")])
def test_check(capsys, given, said):
    assert told(capsys, given, judge) == said


def measure(value):
    assert near(value, 0.0197), "Divide by n - 1."


@pytest.mark.parametrize("value", [
    0.0197, 0.02, 0.0195, fractions.Fraction(197, 10_000),
    decimal.Decimal("0.0197"), np.float32(0.0197), np.float64(0.0197),
    np.array(0.0197), np.array([0.0197]), torch.tensor(0.0197),
    torch.tensor([0.0197], requires_grad=True)])
def test_a_number_is_right_in_every_form(capsys, value):
    assert told(capsys, value, measure) == "right."


@pytest.mark.parametrize("value,said", [
    (0.0191, "Divide"), (0.0203, "Divide"), (-0.0197, "Divide"),
    ("0.0197", "without quotation marks"), ([0.0197], "yours is a list"),
    (True, "yours is a bool"), (torch.ones(2), "yours are 2"),
    (float("nan"), "finite"), (10 ** 400, "finite"), (1j, "a complex"),
    (np.array(["a"]), "quotation"), (measure, "yours is a function")])
def test_what_is_not_that_number_is_told(capsys, value, said):
    assert said in told(capsys, value, measure)


def test_precision_is_the_pages_choice():
    assert near(4, 4, rel=0) and near(np.int64(4), 4, rel=0)
    assert not near(4.001, 4, rel=0) and near(4.001, 4, rel=0, abs=0.01)
    assert near(1e-12, 0) and not near(1e-3, 0)


@pytest.mark.parametrize("returned", [False, True, 0.5])
def test_a_judge_that_returns_something_is_a_mistake(returned):
    """It used to print 'right.', whatever the answer was."""
    with pytest.raises(TypeError, match="judge of 'x-1' returned"):
        check("x-1", 4, lambda value: returned)


def needs_a_cell(x):
    return draw_box(x)                                       # noqa: F821


def needs_itself(x):
    y = x + later                                            # noqa: F821
    later = y                                                # noqa: F841
    return y


@pytest.mark.parametrize("answer,judged,said", [
    (needs_a_cell, lambda f: f(1),
     "run the cells above first: 'draw_box' is not there, unless it is a "
     "slip of the pen."),
    (1, lambda v: v + technique,                             # noqa: F821
     "run the cells above first: 'technique' is not there."),
    (needs_itself, lambda f: f(1), "your answer raised UnboundLocalError"),
    (lambda x: [][x], lambda f: f(1), "your answer raised IndexError"),
    (functools.partial(raises, OSError("a\nb")), lambda f: f(),
     "your answer raised OSError: a"),
    (functools.partial(raises, SystemExit), lambda f: f(),
     "your answer raised SystemExit"),
    (lambda: sys.exit("bye"), lambda f: f(), "raised SystemExit: bye"),
    (raises, lambda f: f(), "not answered yet."),
    ("?", lambda v: v + 1, "Answer with the kind of value that the exercise"
     " asks for; yours is a str."),
    (7, lambda v: v(1), "Answer with a function; yours is an int."),
    (lambda x: x, lambda f: f(1, 2), "check cannot use your function (Type"),
    (lambda x: None, lambda f: f(1) + 1, "Your function returns None: is"),
    (lambda x: "a", lambda f: f(1) + 1, "it should take and return."),
    (lambda x: 1, lambda f: f(1) / 0, "ZeroDivisionError"),
    (0, lambda v: 1 / v, "cannot use this answer (ZeroDivisionError"),
    ([1, 2], lambda v: dict(v), "yours is a list."),
    (1, lambda v: raises(AssertionError("one\ntwo")), "not yet. one"),
    (1, lambda v: raises(AssertionError), "not yet. The value differs."),
])
def test_any_answer_gets_one_line(capsys, answer, judged, said):
    assert said.lower() in told(capsys, answer, judged).lower()


def test_the_type_that_is_asked_is_named(capsys):
    def pair(value):
        a, b = value
    assert told(capsys, 45, pair, "a pair of whole numbers") == (
        "not yet. Answer with a pair of whole numbers; yours is an int.")
    assert "answer with a function of x." in told(
        capsys, lambda: 1, lambda f: f(1), "a function of x")


def test_warnings_of_numpy_make_no_second_line(capsys):
    def loud(value):
        assert np.log(np.array(value)) == 0, "No."
    assert told(capsys, -1.0, loud) == "not yet. No."
    assert capsys.readouterr().err == ""


def test_ctrl_c_ends_it():
    with pytest.raises(KeyboardInterrupt):
        check("x-1", raises, lambda f: f(KeyboardInterrupt))


def test_a_try_in_place_does_not_spoil_the_next(capsys):
    def uses_the_pages_table(function):
        assert function(TABLE).sum() == 3, f"It sums to {TABLE.sum():.0f}."
        assert function(COUNTS)[0] == 1, "The first is one."

    def spoils(x):
        x[:] = x[:] * 0 if hasattr(x, "sum") else []
        return x
    for _ in range(2):
        assert "It sums to 0." in told(capsys, spoils, uses_the_pages_table)
        assert TABLE.tolist() == [1, 1, 1] and COUNTS == [1, 2, 3]
    assert told(capsys, lambda x: x, uses_the_pages_table) == "right."
