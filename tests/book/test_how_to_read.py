"""Chapter 0: its exercises, its coin and the chances it prints."""

import pytest

from tests import gates
from tests.house import cells, exercises, load
from tests.techniques.test_every_page import judge_exercise, unfair

PAGE = "how_to_read"
WRONG = {
    "reading-1": [
        ("half_length = 0.01386", "1.96 belongs to a known spread"),
        ("half_length = 0.0439", "varies less than one difference"),
        ("half_length = 0.01756", "one degree went to the mean"),
        ("half_length = 0.03926", "the whole length"),
        ("half_length = 0.00707", "now multiply it by t"),
        ("half_length = 0.5", "over the root of n")],
    "reading-2": [
        ("more_frequent = 'yes'", "Answer with one of"),
        ("more_frequent = 'holds'", "closes in on the true effect"),
        ("more_frequent = 'not settled'", "more seeds settle more")],
    "reading-3": [
        ("counterexample = [0.04, 0.05]", "one a seed"),
        ("counterexample = [-0.2, 0.1, 0.2, 0.1, 0.3]", "contains zero"),
        ("counterexample = [0.01, 0.02, 0.01, 0.02, 0.01]", "mean is below"),
        ("counterexample = [0.05, 0.06, 0.05, 0.06, 0.05]", "supports")]}

OPEN = {"reading-3": "any five differences with these properties"}


@pytest.fixture(scope="module")
def page():
    return load(PAGE)


@pytest.mark.parametrize("exercise", exercises(PAGE), ids=lambda e: e["id"])
def test_exercise(page, exercise):
    assert not judge_exercise(page, exercise, WRONG[exercise["id"]])
    assert not unfair(page, exercise, OPEN)


def test_the_coin_at_null_strength(page):
    for arm in ("loaded", "bent"):
        assert not gates.null_strength(page["run"], arm=arm,
                                       baseline="plain", strength=0.0)


def test_the_interval_is_the_one_that_judges(page):
    from lab1784.claims import interval
    values = page["np"].array([0.3, -0.1, 0.25, 0.4])
    assert page["t_interval"](values) == pytest.approx(interval(values))


def test_chances_agree_with_theory(page):
    """One in forty without an effect; else scipy's noncentral t."""
    from scipy.stats import nct, t
    for n in (3, 5, 10):
        for effect in (0.0, 1.0, 2.0):
            exact = nct.sf(t.ppf(0.975, n - 1), n - 1, effect * n ** 0.5)
            got = page["chances"](effect, 0.0, n)
            assert got[0] == pytest.approx(exact, abs=0.012)
            assert sum(got) == pytest.approx(1)


def test_shape_of_the_page():
    code = [c.source.splitlines() for c in cells(PAGE)
            if c.cell_type == "code"]
    assert max(len(cell) for cell in code) <= 25
    assert max(len(line) for cell in code for line in cell) <= 79
