"""Every public function refuses what is malformed in one sentence that names the argument.

One table: the call, and what its message begins with.
"""
# ruff: noqa: F401  (the calls of the table use them)

import functools
import itertools
import math

import matplotlib
import numpy as np
import pytest
import torch

import lab1784
from lab1784 import (Runs, check, claim, compare, data, draw_claim, fonts, image_grid, interactive,
                     known, near, overview, recorded, remember, show, stated, verdict)
from lab1784.claims import interval, recompute, t_quantile
from lab1784.data import (avatar_factors, coloured_digits, counterfactual, decode, digits,
                          draw_avatars, encode, mnist5k, on_all_colours, part_patterns, scenes,
                          two_part)
from lab1784.figures import subplots
from lab1784.scorer import frechet, scorer

matplotlib.use("Agg")
nan = math.nan
FACTORS = avatar_factors(20, 3)
FIG = subplots()[0]
GREY = torch.zeros(2, 4, 4)
WORDS = dict(title="A panel", alt="A line that goes up and ends.")
MENUS = [("size", ["small", "large"]), ("shots", ["0", "2", "4"])]
TABLE = {key: [["in", f"out {key}"]] for key in itertools.product(range(2), range(3))}
STORY = {key: {"texts": ["low", "high"], "values": [0.0, 1.0]}
         for key in itertools.product(range(3), repeat=2)}
RIDE = [[{"row": t / 2, "label": str(t)}, {"row": 2, "label": ""}] for t in range(5)]


def run(arm, seed):
    return {"accuracy": 0.5 + 0.1 * (arm == "b") + 0.01 * (seed % 3)}


RUNS = compare(run, ["a", "b", "bad"])
GOOD = dict(id="x-1", statement="b beats a", runs=RUNS, metric="accuracy", unit="share", arm="b",
            baseline="a", reason="a test", least=0.05)


def make(**changes):
    return claim(**GOOD | changes)


def choose(controls=MENUS, outcomes=TABLE, columns=("in", "out"), **more):
    interactive.choose(controls, outcomes, columns=columns, **dict(
        WORDS, fallback_fig=FIG) | more)


def draw(levels=("low", "mid", "high"), columns=("1", "2"), outcomes=STORY, **more):
    interactive.draw(levels, columns, outcomes, **dict(WORDS, fallback_fig=FIG) | more)


def play(frames=RIDE, rows=("1", "2", "3"), lanes=("A", "B"), **more):
    interactive.play(frames, rows=rows, lanes=lanes, **dict(
        WORDS, fallback_fig=FIG, seconds=5) | more)


def start(arm, seed, strength=1.0):
    return {"n": 0}


def step(state, t, steps, arm):
    return 0.0


def recall(**changes):
    given = dict(name="stargan", arm="skip", seed=0, start=start, step=step, weights=start,
                 strength=1.0, steps=600, space={"RECORD": {"arms": ["skip"], "seeds": [0],
                                                            "steps": 600}})
    return recorded.recall(**given | changes)


CALLS = """
compare(3, ["a", "b"])                                     | run should be a function
compare(run, ["a"])                                        | arms should name at least two
compare(run, ["a", "a"])                                   | arms should name at least two
compare(run, "ab")                                         | arms should be a list of
compare(run, 3)                                            | arms should be a list of
compare(run, [1, 2])                                       | arms should be a list of
compare(run, None)                                         | arms should be a list of
compare(run, ["a", "b"], 5)                                | seeds should be a list of whole
compare(run, ["a", "b"], None)                             | seeds should be a list of whole
compare(run, ["a", "b"], "012")                            | seeds should be a list of whole
compare(run, ["a", "b"], [0.5, 1, 2])                      | each of seeds should be a whole
compare(run, ["a", "b"], [True, 1, 2])                     | each of seeds should be a whole
compare(run, ["a", "b"], [])                               | seeds should be at least three
compare(run, ["a", "b"], [1, 1, 2])                        | seeds should be at least three
compare(run, ["a", "b"], [-1, 1, 2])                       | each of seeds should be a whole
compare(lambda a, s: 0.5, ["a", "b"])                      | run should return a dict
compare(lambda a, s: {}, ["a", "b"])                       | run should return a dict
compare(lambda a, s: {"m": nan}, ["a", "b"])               | run's 'm' (arm 'a', seed 0) should
compare(lambda a, s: {"m": "1"}, ["a", "b"])               | run's 'm' (arm 'a', seed 0) should
compare(lambda a, s: {"m": torch.ones(2)}, ["a", "b"])     | run's 'm' (arm 'a', seed 0) should
compare(lambda a, s: {3: 1.0}, ["a", "b"])                 | run's metrics should be a list of
compare(lambda a, s: {a: 1.0}, ["a", "b"])                 | run should return the same metrics
compare(run, ["a", "b"], nothing=1)                        | run() got an unexpected keyword
RUNS["loss"]                                               | metric should be one of 'accuracy'
RUNS[0]                                                    | metric should be one of 'accuracy'
RUNS.mean("accuracy", "c")                                 | arm should be one of 'a', 'b'
RUNS.mean(None, "a")                                       | metric should be one of 'accuracy'
RUNS.table(3)                                              | metrics should be a list of
RUNS.table("accuracy")                                     | metrics should be a list of
RUNS.table(["loss"])                                       | metric should be one of 'accuracy'
Runs((0, 1), {})                                           | values should be a dict metric
Runs(3, RUNS.values)                                       | seeds should be a list of whole
Runs((0, 1, 2), 3)                                         | values should be a dict metric
Runs((0, 1), RUNS.values)                                  | values should hold one number a seed
make(id="Upper")                                           | id should be lower case
make(id="a b")                                             | id should be lower case
make(id=3)                                                 | id should be a non-empty text
make(statement="")                                         | statement should be a non-empty
make(runs={})                                              | runs should be what compare(
make(metric=None)                                          | metric should be a non-empty text
make(metric="loss")                                        | metric should be one of 'accuracy'
make(unit="")                                              | unit should be a non-empty text
make(unit=3)                                               | unit should be a non-empty text
make(arm="c")                                              | arm should be one of 'a', 'b'
make(arm=None)                                             | arm should be one of 'a', 'b'
make(baseline=["a"])                                       | baseline should be one of 'a', 'b'
make(baseline="b")                                         | baseline should be another arm
make(reason=None)                                          | reason should be a non-empty text
make(kind="better")                                        | kind should be one of 'superior'
make(kind=None)                                            | kind should be one of 'superior'
make(least=None)                                           | least is the bar
make(margin=0.1)                                           | least is the bar
make(least=-1)                                             | least should be a finite number >= 0
make(least=nan)                                            | least should be a finite number >= 0
make(least="0.1")                                          | least should be a finite number >= 0
make(least=[0.1])                                          | least should be a finite number >= 0
make(kind="equal", least=None, margin=-0.1, bad="bad")     | margin should be a finite number
make(kind="no_worse", least=None, margin=0.1)              | bad should be given
make(bad="nobody")                                         | bad should be one of 'a', 'b'
make(bad=3)                                                | bad should be one of 'a', 'b'
make(better="up")                                          | better should be one of 'higher'
make(expect="yes")                                         | expect should be one of 'holds'
make(expect=True)                                          | expect should be one of 'holds'
make(paper=3)                                              | paper should be a non-empty text
make(picture="no")                                         | picture should be True or False
verdict([0.1, 0.2])                                        | differences should hold at least
verdict([0.1, 0.2, nan])                                   | each of differences should be a
verdict(["a", "b", "c"])                                   | each of differences should be a
verdict(3)                                                 | differences should be a list of
verdict(None)                                              | differences should be a list of
verdict([1, 2, 3], "best")                                 | kind should be one of 'superior'
verdict([1, 2, 3], threshold=-1)                           | threshold should be a finite number
verdict([1, 2, 3], threshold="x")                          | threshold should be a finite number
interval(0.5)                                              | differences should be a list of
interval(torch.ones(3, 2))                                 | each of differences should be a
t_quantile(0, 0.5)                                         | df should be a whole number >= 1
t_quantile(4, 2)                                           | p should be a number from 0 to 1
stated(3)                                                  | record should be what claim(
recompute({})                                              | record should be what claim(
draw_claim(RUNS)                                           | record should be what claim(
draw_claim({"verdict": "holds"})                           | record should be what claim(
overview()                                                 | records should be what claim(
overview([1])                                              | record should be what claim(
overview(3)                                                | record should be what claim(
known("A", ["a"], "arm")                                   | arm should be one of 'a'; got 'A' (d
known("a", "a", "arm")                                     | options should be a list of
known("a", [], "arm")                                      | options should be a list of
known("a", 3, "arm")                                       | options should be a list of
known("a", ["a"], None)                                    | name should be a non-empty text
near(1, "1")                                               | right should be a finite number
near(1, 1, rel=-1)                                         | rel should be a finite number >= 0
near(1, 1, abs=nan)                                        | abs should be a finite number >= 0
remember(8)                                                | remember should stand over a func
remember(most=0)                                           | most should be a whole number >= 1
remember(lambda arms: 1)([1])                              | <lambda> is remembered by its arg
check("", 1, print)                                        | id should be a non-empty text
check(None, 1, print)                                      | id should be a non-empty text
check("x", 1, 2)                                           | judge should be a function
check("x", 1, print, asks=3)                               | asks should be a text
check("x", 1, lambda v: False)                             | judge of 'x' returned False
show(subplots()[0], "")                                    | alt should say in at least five
show(subplots()[0], "a plot")                              | alt should say in at least five
show(subplots()[0], None)                                  | alt should say in at least five
show("figure", "a curve that goes up fast")                | fig should be a matplotlib figure
show(subplots()[0], "a curve that goes up fast", panel=3)  | panel should be a dict
subplots(0, 1)                                             | rows should be a whole number >= 1
subplots("2")                                              | rows should be a whole number >= 1
subplots(1, 1.5)                                           | columns should be a whole number
subplots(width=0)                                          | width should be a number from 0.1
subplots(height="tall")                                    | height should be a number from 0.1
subplots(height=nan)                                       | height should be a number from 0.1
image_grid(torch.zeros(2), alt="x")                        | images should be (N,H,W)
image_grid(torch.zeros(0, 4, 4), alt="x")                  | images should be (N,H,W)
image_grid(torch.zeros(2, 2, 4, 4), alt="x")               | images should be (N,H,W)
image_grid(torch.zeros(2, 0, 4), alt="x")                  | images should be (N,H,W)
image_grid([[[1.0]], [[1.0, 2.0]]], alt="x")               | images should be numbers of one shape
image_grid("picture", alt="x")                             | images should be numbers of one shape
image_grid(None, alt="x")                                  | images should be numbers of one shape
image_grid(torch.zeros(2, 3, 4, 4) + 255, alt="x")         | images in colour should lie in [0, 1]
image_grid(torch.zeros(2, 3, 4, 4) - 9, alt="x")           | images in colour should lie in [0, 1]
image_grid(torch.full((2, 4, 4), nan), alt="x")            | images should hold finite numbers
image_grid(GREY, titles=["a"], alt="x")                    | titles should be a list of 2
image_grid(GREY, titles="ab", alt="x")                     | titles should be a list of 2
image_grid(GREY, titles=3, alt="x")                        | titles should be a list of 2
image_grid(GREY, labels=["a", "b"], alt="x")               | labels should be a list of 1
image_grid(GREY, columns=0, alt="x")                       | columns should be a whole number
image_grid(GREY, columns="2", alt="x")                     | columns should be a whole number
image_grid(GREY, size=-1, alt="x")                         | size should be a number from 0.1
image_grid(GREY, alt="x")                                  | alt should say in at least five
choose(controls=[])                                        | controls should be one menu or more
choose(controls=[("size", ["small"])])                     | controls should be one menu or more
choose(controls=3)                                         | controls should be one menu or more
choose(controls=["size"])                                  | controls should be one menu or more
choose(controls=[("size", [1, 2])])                        | controls should be one menu or more
choose(controls=[("size", "small")])                       | controls should be one menu or more
choose(columns=["in"])                                     | outcomes[(0, 0)] should hold rows
choose(columns="in")                                       | columns should be a list of
choose(columns=None)                                       | columns should be a list of
choose(outcomes=3)                                         | outcomes should be a dict
choose(outcomes={})                                        | outcomes should hold the 6 comb
choose(outcomes={**TABLE, (0, 1): ["ab"]})                 | outcomes[(0, 1)] should hold rows
choose(outcomes={**TABLE, (0, 1): 3})                      | outcomes[(0, 1)] should hold rows
choose(outcomes={**TABLE, (0, 1): [3]})                    | outcomes[(0, 1)] should hold rows
choose(outcomes={**TABLE, (0, 1): [["a", 3]]})             | outcomes[(0, 1)] should hold texts
choose(outcomes={**TABLE, (9, 1): []})                     | outcomes should hold the 6 comb
choose(title=" ")                                          | title should be a non-empty text
choose(title="")                                           | title should be a non-empty text
choose(alt="short")                                        | alt should say in at least five
choose(fallback_fig=3)                                     | fig should be a matplotlib figure
draw(levels=["one"])                                       | levels should be a list of at least 2
draw(levels=3)                                             | levels should be a list of at least 2
draw(columns=[])                                           | columns should be a list of
draw(start=[0, 3])                                         | start should be one level number
draw(start=[1])                                            | start should be one level number
draw(start=1)                                              | start should be one level number
draw(start=[[1], 2])                                       | start should be one level number
draw(names=("asked",))                                     | names should be a list of 2 texts
draw(names=None)                                           | names should be a list of 2 texts
draw(outcomes=None)                                        | outcomes should be a dict
draw(outcomes={(2, 2): STORY[2, 2]})                       | outcomes should hold the 9 comb
draw(outcomes={**STORY, (0, 0): 3})                        | outcomes[(0, 0)] should have texts
draw(outcomes={**STORY, (0, 0): {"values": [0, 1]}})       | outcomes[(0, 0)] should have texts
draw(outcomes={**STORY, (0, 0): {"texts": ["a"], "values": [0]}})       | outcomes[(0, 0)] should
draw(outcomes={**STORY, (0, 0): {"texts": "ab", "values": [0, 1.2]}})   | outcomes[(0, 0)]
draw(outcomes={**STORY, (0, 0): {"texts": 3, "values": [0, 1]}})        | outcomes[(0, 0)]
draw(outcomes={**STORY, (0, 0): {"texts": ["a", "b"], "values": "01"}}) | outcomes[(0, 0)]
play(RIDE[:1])                                             | frames should be two or more
play({"a": RIDE, "b": RIDE[1:]})                           | frames should be two or more
play({})                                                   | frames should be two or more
play(3)                                                    | frames should be two or more
play([3, 4])                                               | frames[0] should have one box a lane
play([[(1, "x")] * 2] * 3)                                 | frames[0] should have one box a lane
play([[{"row": 9, "label": ""}] * 2] * 3)                  | frames[0] should have one box a lane
play([[{"row": "1", "label": ""}] * 2] * 3)                | frames[0] should have one box a lane
play([[{"row": 1}] * 2] * 3)                               | frames[0] should have one box a lane
play([[{"row": 1, "label": 3}] * 2] * 3)                   | frames[0] should have one box a lane
play(lanes=["A"])                                          | frames[0] should have one box a lane
play(lanes=3)                                              | lanes should be a list of
play(rows=None)                                            | rows should be a list of
play(seconds=0)                                            | seconds should be a finite number >=
play(seconds=nan)                                          | seconds should be a finite number >=
play(seconds="5")                                          | seconds should be a finite number >=
play(clock=["1"])                                          | clock should be a list of 5 texts
play(caption=3)                                            | caption should be a non-empty text
play(queues=3)                                             | queues should hold one whole number
play(queues=[[1, 2]] * 5)                                  | queues should hold one whole number
play(queues=[[1, 2, 3]] * 4)                               | queues should hold one whole number
play(queues=[[1, 2, "3"]] * 5)                             | queues should hold one whole number
play(queues={"a": [[1, 2, 3]] * 5})                        | queues should have the runs of frames
recorded.train(3, step, "a", 0, 5)                         | start should be a function
recorded.train(start, None, "a", 0, 5)                     | step should be a function
recorded.train(start, step, "a", 0, 0)                     | steps should be a whole number >= 1
recorded.train(start, step, "a", "0", 5)                   | seed should be a whole number >= 0
recorded.train(start, step, "a", 0, 5, until=9)            | until should be a whole number from
recorded.train(start, step, "a", 0, 5, first=-1)           | first should be a whole number from
recall(space=3)                                            | space should be the page's globals
recall(space={})                                           | space should be the page's globals
recall(name="cutmix")                                      | cutmix: arm 'skip', seed 0 is not rec
recall(name=3)                                             | name should be a non-empty text
recall(arm=3)                                              | arm should be a non-empty text
recall(weights=3)                                          | weights should be a function
recorded.losses("stargan", "nobody", 0)                    | stargan: arm 'nobody', seed 0 is not
recorded.losses("stargan", "skip", 77)                     | stargan: arm 'skip', seed 77 is not
recorded.losses("x", "skip", 0)                            | x: arm 'skip', seed 0 is not recorded
recorded.losses("x", 3, 0)                                 | arm should be a non-empty text
recorded.pack({"names": ["a"]})                            | state['names'] should be a module
scorer().factors(torch.zeros(2, 3, 8, 8))                  | images should be (N, 3, 16, 16)
scorer().factors([1])                                      | images should be (N, 3, 16, 16)
scorer().distance(torch.zeros(9, 3, 16, 16), None)         | b should be (N, 3, 16, 16)
scorer().distance(torch.zeros(9, 3, 16, 16), torch.zeros(9, 3, 16, 16)) | a and b should hold
frechet(np.zeros((9, 2)), np.zeros((9, 3)))                | a and b should be (N, d) and (M, d)
frechet(np.zeros(9), np.zeros(9))                          | a and b should be (N, d) and (M, d)
frechet("a", 3)                                            | a and b should be (N, d) and (M, d)
avatar_factors(0, 0)                                       | n should be a whole number from 1
avatar_factors(2.0, 0)                                     | n should be a whole number from 1
scenes(-1, 0)                                              | n should be a whole number from 1
scenes(nan, 0)                                             | n should be a whole number from 1
two_part(True, 0)                                          | n should be a whole number from 1
two_part("3", 0)                                           | n should be a whole number from 1
scenes(10**9, 0)                                           | n should be a whole number from 1
avatar_factors(9, 1.5)                                     | seed should be a whole number from 0
scenes(9, True)                                            | seed should be a whole number from 0
two_part(9, -1)                                            | seed should be a whole number from 0
two_part(9, None)                                          | seed should be a whole number from 0
digits(1.0)                                                | seed should be a whole number from 0
digits(False)                                              | seed should be a whole number from 0
mnist5k(-3)                                                | seed should be a whole number from 0
coloured_digits(1.0, 0.5)                                  | seed should be a whole number from 0
coloured_digits(0, -0.1)                                   | rho should be a number from 0 to 1
coloured_digits(0, 1.1)                                    | rho should be a number from 0 to 1
coloured_digits(0, "1")                                    | rho should be a number from 0 to 1
coloured_digits(0, nan)                                    | rho should be a number from 0 to 1
coloured_digits(0, None)                                   | rho should be a number from 0 to 1
coloured_digits(0, 1, test_rho=2)                          | test_rho should be a number from 0
coloured_digits(0, 1, source="x")                          | source should be one of 'digits'
on_all_colours(torch.zeros(4, 1, 8, 8))                    | images should be (N, 3, S, S)
on_all_colours(None)                                       | images should be (N, 3, S, S)
digits(0, labels=15)                                       | labels should be a multiple of 10
digits(0, labels=0)                                        | labels should be a whole number
mnist5k(0, labels=9000)                                    | labels should be a whole number
digits(0, test=5)                                          | test should be a whole number from
mnist5k(0, test=5000)                                      | test should be a whole number from
mnist5k(0, size=20)                                        | size should be one of 28, 14
scenes(9, 0, size=33)                                      | size should be even
scenes(9, 0, size=18)                                      | size should be a whole number from 20
scenes(9, 0, 500)                                          | size should be a whole number from 20
two_part(9, 0, size=7)                                     | size should be a whole number from 8
draw_avatars(FACTORS, 8)                                   | size should be a whole number from 16
draw_avatars(FACTORS, 33)                                  | size should be a whole number from 16
scenes(9, 0, two=1.5)                                      | two should be a number from 0 to 1
encode("a pink cross")                                     | caption should hold at most
encode(3)                                                  | caption should be a string
decode([3, 99])                                            | tokens should be a whole number
decode([3, -1])                                            | tokens should be a whole number
decode(3)                                                  | tokens should be a list of token ids
decode(torch.zeros(2, 2).long())                           | tokens should be a whole number
two_part(9, 0, "C")                                        | parts should be one of 'AB'
two_part(9, 0, None)                                       | parts should be one of 'AB'
two_part(9, 0, weak=10**400)                               | weak should be a number from 0 to 100
two_part(9, 0, strong=nan)                                 | strong should be a number from 0
two_part(9, 0, noise=-1)                                   | noise should be a number from 0
two_part(9, 0, noise=torch.ones(2))                        | noise should be a number from 0
part_patterns(1)                                           | classes should be a whole number
part_patterns(patch=2)                                     | patch should be a whole number
part_patterns(patterns=0.5)                                | patterns should be a whole number
draw_avatars([1])                                          | factors should be a dict of tensors
draw_avatars({k: v for k, v in FACTORS.items() if k != "hat"})  | factors should have exactly
draw_avatars(FACTORS | {"nose": FACTORS["hat"]})           | factors should have exactly
draw_avatars(FACTORS | {"skin": FACTORS["skin"][:5]})      | factors['skin'] should be of shape
draw_avatars(FACTORS | {"skin": FACTORS["skin"] * nan})    | factors['skin'] should be from 0
draw_avatars(FACTORS | {"hair": FACTORS["hair"] + 5})      | factors['hair'] should be from 0
draw_avatars(FACTORS | {"hair": FACTORS["hair"].float()})  | factors['hair'] should be a tensor
counterfactual(FACTORS)                                    | changes should name at least one
counterfactual(3, hair=1)                                  | factors should be a dict of tensors
counterfactual(FACTORS, nose=1)                            | factor should be one of
counterfactual(FACTORS, x=math.inf)                        | x should be a number from
counterfactual(FACTORS, hair=3)                            | hair should be a whole number from 0
counterfactual(FACTORS, hair=0.5)                          | hair should be a whole number from 0
"""


def rows():
    return [tuple(map(str.strip, line.rsplit("  |", 1) if "  |" in line else line.rsplit(" | ", 1)))
            for line in CALLS.strip().splitlines()]


@pytest.mark.parametrize("call,begins", rows(), ids=lambda text: text[:40])
def test_the_argument_is_named_in_one_sentence(call, begins):
    with pytest.raises((TypeError, ValueError, FileNotFoundError)) as told:
        eval(call)
    assert str(told.value).startswith(begins)
    assert len(str(told.value).splitlines()) == 1 and len(str(told.value)) < 400


@pytest.mark.parametrize("call", [
    "make(least=np.float32(0.05))", "make(least=torch.tensor(0.05))", "make(least=0)",
    "verdict(np.ones(4), threshold=np.float32(0.5))", "verdict(torch.ones(4))",
    "compare(run, ('a', 'b'), range(3))", "compare(run, {'a': 1, 'b': 2}, np.arange(3))",
    "image_grid(GREY.numpy(), alt='Two black squares side by side.', columns=np.int64(2))",
    "image_grid([[[0, 1]], [[1, 0]]], alt='Two rows of two grey squares.', titles=('a', ''))",
    "image_grid(torch.rand(1, 3, 4, 4) * 2 - 1, alt='One square of many random colours.')",
    "functools.partial(recorded.train, start, step, 'a', 0)(3)"])
def test_what_is_meant_well_is_taken(call, monkeypatch):
    monkeypatch.delenv("PYTEST_VERSION")
    eval(call)


def test_names_that_are_not_there_are_told():
    with pytest.raises(AttributeError, match="lab1784 has no attribute 'nothing'; it has"):
        lab1784.nothing                                          # noqa: B018
    with pytest.raises(TypeError, match="unit"):
        claim(**{k: v for k, v in GOOD.items() if k != "unit"})
    assert data.digits is digits and fonts.hangul()
