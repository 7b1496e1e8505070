"""Gates 3 to 5 and the exercises, over every technique page of the book.

A page's own file, test_<name>.py, holds what is particular to it:
ORACLES     functions of the page's namespace that assert by value
MISTAKES    name -> (old, new): an edit of the technique that still trains
NULL        arguments for gates.null_strength, or NO_NULL, the reason why not
TRAIN       arguments of run() for one small step of the mutated technique
WRONG       exercise id -> [(answer as code, a piece of the message it gets)]
UNKNOWN     texts of calls with a name that the page does not know, besides
            run("no such arm", ...): each raises ValueError

and of its experiment:
TRACES      function -> arguments of trace.problems: the arms, a few steps,
            `updates` (steps of optimizers or fits in one run), `rates`
            [(arm, settings, learning rate)], `but` {key: reason} for what
            the page does by design
CHANCE      how labels without meaning are made, and what a run gives then:
            {"scramble": function(space), "metric": name, "chance": value,
            "room": distance, then arguments of run()}
EXPERIMENT  "kind: words" -> (old, new): an edit of an experiment cell that
            still trains and is seen, by an oracle, by TRACES or by CHANCE
NOT         kind -> why this page cannot have a mistake of that kind
SMALL       optional, function(space): makes the page's data small, before
            TRACES and CHANCE

Each of the KINDS stands in EXPERIMENT or in NOT.  test_active_learning.py
is an example of all of them.
"""

import ast
import re

import pytest

from tests import gates, trace
from tests.house import (ROOT, answer, cells, exercises, load, spec, tagged,
                         technique_pages)

ALL = technique_pages()
PAGES = [p for p in ALL
         if (ROOT / f"tests/techniques/test_{p}.py").exists()]
LONGEST, ORACLES_LEAST, MISTAKES_LEAST, EXPERIMENT_LEAST = 25, 2, 4, 3
KINDS = {
    "exam": "examined on what it was trained on",
    "labels": "the label in the features",
    "mode": "training mode while measuring",
    "metric": "sign, axis, sum for mean, quantile end, signed gap",
    "rival": "a rival that is not what its name says",
    "pairing": "arms of a seed see other batches or starts, seeds the same",
    "counting": "off by a batch, the last for the first, survivors only",
    "search": "the rate that is searched or set is ignored"}


def pages_and(what):
    return [(p, key) for p in PAGES for key in getattr(spec(p), what)]


def test_every_page_has_its_tests():
    missing = set(ALL) - set(PAGES)
    assert ALL and not missing, f"no tests/techniques/test_ for {missing}"


def dies(page, space):
    """Whether at least one oracle dies by an assertion on a value."""
    for oracle in spec(page).ORACLES:
        try:
            oracle(space)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize("page", PAGES)
def test_oracles(page):
    space = load(page)
    assert len(spec(page).ORACLES) >= ORACLES_LEAST
    for oracle in spec(page).ORACLES:
        oracle(space)


@pytest.mark.parametrize("page,mistake", pages_and("MISTAKES"))
def test_mistake_trains_and_dies(page, mistake):
    space = load(page, edit=spec(page).MISTAKES[mistake])
    got = space["run"](**spec(page).TRAIN)
    assert all(isinstance(v, float) for v in got.values())
    assert dies(page, space), f"no oracle sees the mistake {mistake!r}"


HAVE = [p for p in PAGES if hasattr(spec(p), "TRACES")]


def small(page, edit=None):
    space = load(page, edit, "experiment")
    getattr(spec(page), "SMALL", lambda space: None)(space)
    return space


def traces(page, edit=None):
    """What the notes of small runs tell: see trace.problems."""
    space = small(page, edit)
    return [f"{run}: {told}" for run, how in spec(page).TRACES.items()
            for told in trace.problems(space, run=run, **how)]


def chance(page, edit=None):
    """With labels that mean nothing nobody is better than chance."""
    if not hasattr(spec(page), "CHANCE"):
        return []
    how, space = dict(spec(page).CHANCE), small(page, edit)
    how.pop("scramble")(space)
    metric, want, room = (how.pop(k) for k in ("metric", "chance", "room"))
    got = space[how.pop("run", "run")](**how)[metric]
    return [f"labels without meaning: {metric} is {got:.3f}, by chance it "
            f"would be {want:.3f}"] * (abs(got - want) > room)


@pytest.mark.parametrize("page", HAVE)
def test_traces(page):
    assert not traces(page)


@pytest.mark.parametrize("page", HAVE)
def test_labels_without_meaning(page):
    assert not chance(page)


@pytest.mark.parametrize("page", HAVE)
def test_every_kind_of_mistake_is_thought_of(page):
    made = {m.partition(":")[0] for m in spec(page).EXPERIMENT}
    told = {k for k, why in spec(page).NOT.items() if len(why.split()) > 4}
    assert len(spec(page).EXPERIMENT) >= EXPERIMENT_LEAST
    assert made | told == set(KINDS), (
        f"EXPERIMENT or NOT should speak of {set(KINDS) ^ (made | told)}")
    assert all(len(why.split()) > 4 for how in spec(page).TRACES.values()
               for why in how.get("but", {}).values())


@pytest.mark.parametrize("page,mistake", [
    (p, m) for p in HAVE for m in spec(p).EXPERIMENT])
def test_mistake_of_the_experiment_is_seen(page, mistake):
    edit = spec(page).EXPERIMENT[mistake]
    space = load(page, edit, "experiment")
    got = space["run"](**spec(page).TRAIN)
    assert all(isinstance(v, float) for v in got.values())
    assert traces(page, edit) or dies(page, space) or chance(page, edit), (
        f"nothing sees the mistake {mistake!r}")


@pytest.mark.parametrize("page", PAGES)
def test_mistakes_are_on_the_page(page):
    assert len(spec(page).MISTAKES) >= MISTAKES_LEAST
    prose = "\n".join(c.source for c in cells(page)
                      if c.cell_type == "markdown")
    missing = [m for m in spec(page).MISTAKES
               if f"**{m}**".lower() not in prose.lower()]
    assert not missing, f"Break it should name {missing} in bold"


@pytest.mark.parametrize("page", PAGES)
def test_null_strength(page):
    null = getattr(spec(page), "NULL", None)
    if null is None:
        assert len(spec(page).NO_NULL.split()) > 5
        return
    assert not gates.null_strength(load(page)["run"], **null)


def test_a_placebo_that_would_pass_is_caught():
    def deaf(arm, seed, strength=1.0):  # ignores strength: no null at all
        return {"accuracy": 0.5 + 0.1 * (arm == "method")}

    def dead(arm, seed, strength=1.0):  # the method does nothing, ever
        return {"accuracy": 0.5}

    arms = dict(arm="method", baseline="plain", strength=0.0)
    assert gates.null_strength(deaf, **arms)
    assert gates.null_strength(dead, **arms)


@pytest.mark.parametrize("page", PAGES)
def test_shape_of_the_page(page):
    long = [c.source.splitlines()[0] for c in cells(page)
            if "technique" in tagged(c)
            and len(c.source.splitlines()) > LONGEST]
    assert not long, f"technique cells over {LONGEST} lines: {long}"
    lines = [line for c in cells(page) if c.cell_type == "code"
             for line in c.source.splitlines()]
    assert max(map(len, lines)) <= 79
    code = sum(bool(line.strip()) for c in cells(page)
               if tagged(c) & {"technique", "experiment"}
               for line in c.source.splitlines())
    assert code <= 220, f"technique and experiment take {code} lines"


def page_exercises():
    return [(p, e) for p in PAGES for e in exercises(p)]


@pytest.mark.parametrize("page,exercise", page_exercises(),
                         ids=lambda x: x if isinstance(x, str) else x["id"])
def test_exercise(page, exercise):
    assert not judge_exercise(load(page), exercise,
                              spec(page).WRONG.get(exercise["id"], []))


def judge_exercise(space, exercise, wrong):
    """Stub fails, solution passes, wrong answers get their own message."""
    name, found = exercise["id"], []
    if not exercise["solution"]:
        return [f"{name}: no solution follows the check"]
    right = f"{name}: right."
    if right in answer(space, exercise["stub"], exercise["check"]):
        found.append(f"{name}: the stub passes its check")
    if right not in answer(space, exercise["stub"], exercise["check"],
                           exercise["solution"]):
        found.append(f"{name}: the solution fails its check")
    if not wrong:
        found.append(f"{name}: no wrong answer is tried in the tests")
    for code, message in wrong:
        out = answer(space, exercise["stub"], code, exercise["check"])
        if right in out or message not in out:
            found.append(f"{name}: the answer {code!r} should be told "
                         f"{message!r}, it is told {out!r}")
    return found


def test_a_stub_that_passes_is_caught():
    exercise = {"id": "x-1", "stub": "value = 2", "solution":
                "value = 2\ncheck('x-1', value, judge)",
                "check": "def judge(v):\n    assert v > 0\n"
                         "check('x-1', value, judge)"}
    from lab1784 import check
    told = judge_exercise({"check": check}, exercise, [("value = -1",
                                                       "not yet")])
    assert told == ["x-1: the stub passes its check"]


def test_an_edit_that_no_longer_matches_is_caught():
    with pytest.raises(AssertionError, match="matches in 0"):
        load(PAGES[0], edit=("this stands nowhere in the page", ""))


@pytest.mark.parametrize("page", PAGES)
def test_exercises_are_enough(page):
    ids = [e["id"] for e in exercises(page)]
    prose = "\n".join(c.source for c in cells(page)
                      if c.cell_type == "markdown").lower()
    assert 2 <= len(ids) <= 5
    assert "refute" in prose and "find the bug" in prose


@pytest.mark.parametrize("page", PAGES)
def test_claims_are_stated_with_a_reason(page):
    """Every claim of the source is a literal call, so that what was
    committed first can be read in the history."""
    calls = [node for c in cells(page) if c.cell_type == "code"
             for node in ast.walk(ast.parse(re.sub(r"(?m)^[%!].*$", "",
                                                   c.source)))
             if isinstance(node, ast.Call)
             and getattr(node.func, "id", "") == "claim"]
    assert calls
    for call in calls:
        keys = {k.arg: k.value for k in call.keywords}
        assert {"reason", "baseline", "metric"} <= keys.keys()
        bound = keys.get("least") or keys.get("margin")
        assert isinstance(bound, ast.Constant) and bound.value is not None
