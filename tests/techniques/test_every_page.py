"""Gates 3 to 5 and the exercises, over every technique page of the book.

A page's own file, test_<name>.py, holds what is particular to it:
ORACLES     functions of the page's namespace that assert by value
MISTAKES    name -> (old, new): an edit of the technique that still trains
SETTINGS    optional, function or class of a technique cell -> (function
            (space, **settings) that uses it and returns what comes out,
            {setting: another value}): every parameter with a default, each
            of which must change something
NULL        arguments for gates.null_strength, or NO_NULL, the reason why not
TRAIN       arguments of run() for one small step of the mutated technique
WRONG       exercise id -> [(answer as code, a piece of the message it gets)]
OPEN        optional, exercise id -> why other answers are right as well
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
            still trains and is seen, by an oracle, TRACES, CHANCE or NULL
NOT         kind -> why this page cannot have a mistake of that kind
SMALL       optional, function(space): makes the page's data small, where
            only run() is called
STAYS       optional, mistake -> which constant of a later cell keeps what an
            edited technique made: that cell is to be run again as well

Each of the KINDS stands in EXPERIMENT or in NOT.  test_active_learning.py
is an example of all of them.
"""

import ast
import contextlib
import copy
import functools
import inspect
import re
import time
from functools import partial

import pytest

from tests import forms, gates, trace
from tests.house import (ROOT, answer, cells, defining, edited, exercises,
                         load, run_cell, sources, spec, technique_pages)
from tools import page as one_page

ALL = technique_pages()
PAGES = [p for p in ALL
         if (ROOT / f"tests/techniques/test_{p}.py").exists()]
TESTED = [n for n in sources()             # stops as well
          if (ROOT / f"tests/techniques/test_{n}.py").exists()]
KINDS = {
    "exam": "examined on what it was trained on",
    "labels": "the label in the features",
    "mode": "training mode while measuring",
    "metric": "sign, axis, sum for mean, quantile end, signed gap",
    "rival": "a rival that is not what its name says",
    "pairing": "arms of a seed see other batches or starts, seeds the same",
    "counting": "off by a batch, the last for the first, survivors only",
    "search": "the rate that is searched or set is ignored"}
NOTED = "exam", "mode", "pairing", "search"    # what traces mostly tell


def pages_and(what):
    return [(p, key) for p in PAGES for key in getattr(spec(p), what)]


def test_every_page_has_its_tests():
    missing = set(ALL) - set(PAGES)
    assert ALL and not missing, f"no tests/techniques/test_ for {missing}"


FRESH = {}        # (page, mistake) -> what run() gives with it


def rerun(page, name, edit=None):
    """run() in a fresh namespace, once for all tests."""
    if (page, name) not in FRESH:
        FRESH[page, name] = small(page, edit, "")["run"](**spec(page).TRAIN)
    return FRESH[page, name]


def stale(parts, space, edits, train, fresh):
    """Runs the page, runs each edited cell alone, and the page again: the
    numbers move where those of a fresh page move."""
    first, moved, found = space["run"](**train), 0, []
    for name, edit in edits.items():
        want = fresh(name, edit)
        if want == first:
            continue
        mutated = list(parts)
        at = edited(mutated, edit)
        run_cell(space, mutated[at][0])
        got, moved = space["run"](**train), moved + 1
        run_cell(space, parts[at][0])
        if got == first:
            found.append(f"after the edit {name!r} of a cell run() still "
                         "gives what it remembers")
    return found if moved else ["no edit moves what run() gives"]


@pytest.mark.parametrize("page", PAGES)
def test_an_edited_technique_is_used(page):
    stays = getattr(spec(page), "STAYS", {})
    edits = {m: edit for m, edit in spec(page).MISTAKES.items()
             if m not in stays}
    assert not stale(defining(page), small(page), edits, spec(page).TRAIN,
                     lambda name, edit: rerun(page, name, edit))


def test_a_memory_that_outlives_an_edit_is_caught():
    def told(memory):
        text = f"""# %% tags=["technique"]
def loss(x):
    return 2.0 * x

# %% tags=["experiment"]
import functools
from lab1784 import remember

{memory}
def run(arm, seed):
    return {{"loss": loss(seed)}}
"""
        edits = {"sign": ("2.0 * x", "-2.0 * x")}
        return stale(defining("toy", text), load("toy", text=text), edits,
                     {"arm": "a", "seed": 3}, lambda name, edit:
                     load("toy", edit, text=text)["run"]("a", 3))
    assert told("@functools.cache")
    assert not told("@remember") and not told("")


@pytest.mark.parametrize("page", PAGES)
def test_unknown_names_are_refused(page):
    space, train = load(page), dict(spec(page).TRAIN)
    del train["arm"]
    runs = getattr(spec(page), "TRACES", {"run": {}})
    calls = [f"{run}('no such arm', 1000)" for run in runs if run != "run"]
    with pytest.raises(ValueError, match="should be one of"):
        space["run"]("no such arm", **train)
    for call in [*calls, *getattr(spec(page), "UNKNOWN", ())]:
        with pytest.raises(ValueError):
            eval(call, space)


KNOWN = {}        # (page, watcher) -> seconds in all, how often asked, and saw


def asked(page, name, watcher):
    """What a watcher tells: something, or nothing."""
    seconds, often, saw = KNOWN.get((page, name), (0, 0, 0))
    begun = time.process_time()
    told = watcher()
    KNOWN[page, name] = (seconds + time.process_time() - begun, often + 1,
                         saw + bool(told))
    return told


def costs(page, name):
    """Seconds until this watcher sees something, about."""
    seconds, often, saw = KNOWN.get((page, name), (1, 1, 0))
    return seconds / often * (often + 1) / (saw + 1)


def seen(page, watchers, odds=()):
    """Whether a watcher tells something.  Who is quick and has seen much is
    asked first; who is in `odds` counts as so many times quicker.  To crash
    is not to see; where nobody sees, the first crash is raised."""
    crashes = []
    for name in sorted(watchers, key=lambda name: costs(page, name)
                       / dict(odds).get(name, 1)):
        try:
            if asked(page, name, watchers[name]):
                return True
        except Exception as crash:
            crashes.append(crash)
    if crashes:
        raise crashes[0]
    return False


def oracles(page, watch=lambda oracle: oracle):
    return {f"{i} {oracle.__name__}": watch(oracle)
            for i, oracle in enumerate(spec(page).ORACLES)}


def dying(page, space):
    """Of each oracle: whether it dies by an assertion on a value."""
    def dies(oracle):
        try:
            oracle(space)
        except AssertionError:
            return True
        return False
    return oracles(page, lambda oracle: partial(dies, oracle))


def test_a_crash_is_no_death_by_value():
    def crashes():
        raise KeyError("a")
    def seen_by(last):
        return seen("toy", {"first": crashes, "last": lambda: last})
    assert seen_by("a word")
    with pytest.raises(KeyError):
        seen_by("")


@pytest.mark.parametrize("page", TESTED)
def test_oracles(page):
    space = load(page)
    for name, oracle in oracles(page).items():
        asked(page, name, partial(oracle, space))


@pytest.mark.parametrize("page,mistake", pages_and("MISTAKES"))
def test_mistake_trains_and_dies(page, mistake):
    edit = spec(page).MISTAKES[mistake]
    space, got = load(page, edit), rerun(page, mistake, edit)
    assert all(isinstance(v, float) for v in got.values())
    assert seen(page, dying(page, space)), (
        f"no oracle sees the mistake {mistake!r}")


def defaults(page):
    """Functions and classes of technique cells -> their parameters with a
    default."""
    found = {}
    for source, tags in defining(page):
        for node in ast.parse(source).body if "technique" in tags else ():
            made = [node] if isinstance(node, ast.FunctionDef) else [
                n for n in getattr(node, "body", ()) if isinstance(
                    n, ast.FunctionDef) and n.name == "__init__"]
            for function in made:
                a = function.args
                names = [*(x.arg for x in a.args[len(a.args)
                                                 - len(a.defaults):]),
                         *(x.arg for x, d in zip(a.kwonlyargs, a.kw_defaults)
                           if d is not None)]
                if names:
                    found[node.name] = set(names)
    return found


def ignored(call, space, settings):
    """Settings whose change changes nothing."""
    before = trace.digest(*flat(call(space)))
    return [name for name, value in settings.items()
            if trace.digest(*flat(call(space, **{name: value}))) == before]


def flat(out):
    return out if isinstance(out, (list, tuple)) else [out]


@pytest.mark.parametrize("page", [p for p in PAGES
                                  if hasattr(spec(p), "SETTINGS")])
def test_every_setting_is_used(page):
    space, said = load(page), spec(page).SETTINGS
    assert {k: set(v[1]) for k, v in said.items()} == defaults(page)
    for name, (call, settings) in said.items():
        assert not ignored(call, space, settings), name


def test_a_setting_that_is_not_handed_on_is_caught():
    space = {"f": lambda x, beta=1.0, eps=0.1: beta * x}

    def call(space, **settings):
        return space["f"](3.0, **settings)
    assert ignored(call, space, {"beta": 2.0, "eps": 0.5}) == ["eps"]


HAVE = [p for p in PAGES if hasattr(spec(p), "TRACES")]


def small(page, edit=None, role="experiment"):
    space = load(page, edit, role)
    getattr(spec(page), "SMALL", lambda space: None)(space)
    return space


def traces(page, edit=None):
    """What the notes of small runs tell: see trace.problems."""
    space = small(page, edit)
    return (f"{run}: {told}" for run, how in spec(page).TRACES.items()
            for told in trace.problems(space, run=run, **how))


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
    assert not asked(page, "traces", lambda: list(traces(page)))


@pytest.mark.parametrize("page", HAVE)
def test_labels_without_meaning(page):
    assert not asked(page, "chance", lambda: chance(page))


@pytest.mark.parametrize("page", HAVE)
def test_every_kind_of_mistake_is_thought_of(page):
    made = {m.partition(":")[0] for m in spec(page).EXPERIMENT}
    told = {k for k, why in spec(page).NOT.items() if len(why.split()) > 4}
    assert made | told == set(KINDS), (
        f"EXPERIMENT or NOT should speak of {set(KINDS) ^ (made | told)}")
    assert all(len(why.split()) > 4 for how in spec(page).TRACES.values()
               for why in how.get("but", {}).values())


@pytest.mark.parametrize("page,mistake", [
    (p, m) for p in HAVE for m in spec(p).EXPERIMENT])
def test_mistake_of_the_experiment_is_seen(page, mistake):
    edit = spec(page).EXPERIMENT[mistake]
    space = load(page, edit, "experiment")
    got = small(page, edit)["run"](**spec(page).TRAIN)
    assert all(isinstance(v, float) for v in got.values())
    watchers = {"traces": lambda: next(traces(page, edit), ""),
                **dying(page, space), "chance": lambda: chance(page, edit),
                "nulls": lambda: nulls(page, space)}
    noted = mistake.partition(":")[0] in NOTED
    odds = {"traces": 10 if noted else 0.1, "chance": 0.1, "nulls": 0.1}
    assert seen(page, watchers, odds), f"nothing sees the mistake {mistake!r}"


@pytest.mark.parametrize("page", TESTED)
def test_page_and_its_tests_keep_the_limits(page):
    """All that `make check` says of the source and of its test file."""
    text = sources()[page].read_text(encoding="utf-8")
    tests = ROOT / f"tests/techniques/test_{page}.py"
    told = one_page.problems(page, text) + list(one_page.test_problems(
        page, tests.read_text(encoding="utf-8"), one_page.cells(text)))
    assert not told, "\n".join(told)


def nulls(page, space):
    null = getattr(spec(page), "NULL", None)
    return gates.null_strength(space["run"], **null) if null else []


@pytest.mark.parametrize("page", PAGES)
def test_null_strength(page):
    if not hasattr(spec(page), "NULL"):
        assert len(spec(page).NO_NULL.split()) > 5
    assert not nulls(page, load(page))


def test_a_placebo_that_would_pass_is_caught():
    def deaf(arm, seed, strength=1.0):  # ignores strength: no null at all
        return {"accuracy": 0.5 + 0.1 * (arm == "method")}

    def dead(arm, seed, strength=1.0):  # the method does nothing, ever
        return {"accuracy": 0.5}

    arms = dict(arm="method", baseline="plain", strength=0.0)
    assert gates.null_strength(deaf, **arms)
    assert gates.null_strength(dead, **arms)


def plain(given):
    return isinstance(given, (str, float, int, type(None))) or (
        isinstance(given, tuple) and all(map(plain, given)))


def recalled(function):
    """Is asked once for the same plain arguments."""
    kept = {}

    @functools.wraps(function)
    def again(*args, **settings):
        given = args, tuple(sorted(settings.items()))
        if plain(given) and repr(given) in kept:
            return copy.deepcopy(kept[repr(given)])
        made = function(*args, **settings)
        if plain(given):
            with contextlib.suppress(TypeError, RuntimeError):
                kept[repr(given)] = copy.deepcopy(made)   # what has copies
        return made
    return again


def test_no_other_run_is_recalled():
    asked = []
    run = recalled(lambda arm, lr=1: asked.append((arm, lr)) or [arm, lr])
    for lr in (1, 1.0, [1], 1, [1]):
        run("a", lr=lr).append("mine")
    assert run("a", lr=1.0) == ["a", 1.0]
    assert asked == [("a", 1), ("a", 1.0), ("a", [1]), ("a", [1])]


@functools.cache
def practised(page):
    """The page before its exercises.  Many answers ask for one run: it
    gives the same numbers again, see test_traces."""
    space = load(page)
    for name, made in list(space.items()):
        if inspect.isfunction(made) and made.__module__ == space["__name__"]:
            if "seed" in inspect.signature(made).parameters:
                space[name] = recalled(made)
    return space


def page_exercises():
    return [(p, e) for p in TESTED for e in exercises(p)]


@pytest.mark.parametrize("page,exercise", page_exercises(),
                         ids=lambda x: x if isinstance(x, str) else x["id"])
def test_exercise(page, exercise):
    told = judge_exercise(practised(page), exercise,
                          spec(page).WRONG.get(exercise["id"], []))
    assert not told, "\n".join(told)


@pytest.mark.parametrize("page,exercise", page_exercises(),
                         ids=lambda x: x if isinstance(x, str) else x["id"])
def test_exercise_is_fair(page, exercise):
    told = unfair(practised(page), exercise, getattr(spec(page), "OPEN", {}))
    assert not told, "\n".join(told)


def unfair(space, exercise, free=()):
    """Right answers in other forms pass, noise and half an answer do not;
    `free` holds the exercises that many answers solve."""
    name, found = forms.name_of(exercise["check"]), []
    if not name.isidentifier():      # several names: WRONG is all there is
        return []
    space, right = dict(space), f"{exercise['id']}: right."
    answer(space, exercise["stub"], exercise["check"], exercise["solution"],
           keep=space)
    value = space[name]
    for how, form in forms.right_forms(value):
        out = answer(space | {name: form}, exercise["check"])
        if right not in out:
            found.append(f"the solution as {how} is told {out!r}")
    for how, form in () if exercise["id"] in free else forms.wrong_forms(
            value):
        out = answer(space | {name: form}, exercise["check"])
        if right in out and getattr(form, "calls", 2) > 1:
            found.append(f"{how} is told to be right")
    return found


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


@pytest.mark.parametrize("solution,judge,told", [
    ("value = 2.5", "assert abs(float(v) - 2.5) < 0.01", ""),
    ("value = 2.5", "assert isinstance(v, float) and v == 2.5", "Fraction"),
    ("value = 2.5", "assert float(v) < 9", "noise"),
    ("value = (1, 2)", "assert tuple(map(float, v)) == (1, 2)", ""),
    ("value = (1, 2)", "assert v == (1, 2)", "list"),
    ("value = (1, 2)", "assert float(v[1]) == 2", "number 0"),
    ("def value(x): return 2 * x",
     "assert (v(np.arange(3.)) == [0, 2, 4]).all()", ""),
    ("def value(x): return 2 * x",
     "x = np.arange(3.)\n    assert (v(x) == 2 * x).all()", "in place"),
    ("def value(x): return 2 * x",
     "assert v(x=np.arange(3.))[1] == 2", "other names"),
    ("def value(x): return 2 * x",
     "assert v(np.arange(3.))[1] == 2", "last number"),
    ("def value(x): return 2 * x", "assert len(v(np.arange(3.))) == 3",
     "noise")])
def test_an_unfair_check_is_caught(solution, judge, told):
    import numpy as np

    from lab1784 import check
    exercise = {"id": "x-1", "stub": "value = ...", "solution": solution,
                "check": f"def judge(v):\n    {judge}\n"
                         "check('x-1', value, judge)"}
    found = unfair({"check": check, "np": np}, exercise)
    assert any(told in f for f in found) if told else not found, found


def test_an_edit_that_no_longer_matches_is_caught():
    with pytest.raises(AssertionError, match="matches in 0"):
        load(PAGES[0], edit=("this stands nowhere in the page", ""))


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
