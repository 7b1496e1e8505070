"""Interactive figures: what a call leaves, and what it refuses."""

import itertools
import json

import matplotlib
import matplotlib.pyplot as plt
import pytest

from lab1784 import figures, interactive
from lab1784.figures import subplots

matplotlib.use("Agg")
WORDS = dict(title="A panel", alt="A line that goes up and ends.")
MENUS = [("size", ["small", "large"]), ("shots", ["0", "2", "4"])]
TABLE = {key: [["in", f"out {key}"]] * (key != (1, 1))
         for key in itertools.product(range(2), range(3))}
STORY = {key: {"texts": [f"level {k} <b>" for k in key],
               "values": [k / 2 for k in key]}
         for key in itertools.product(range(3), repeat=2)}
RIDE = [[{"row": t / 2, "label": str(t)}, {"row": 2, "label": ""}]
        for t in range(5)]


def choose(controls=MENUS, outcomes=TABLE, columns=("in", "out"), **more):
    interactive.choose(controls, outcomes, columns=columns,
                       fallback_fig=subplots()[0], **WORDS | more)


def draw(levels=("low", "mid", "high"), columns=("1", "2"), outcomes=STORY,
         **more):
    interactive.draw(levels, columns, outcomes, fallback_fig=subplots()[0],
                     **WORDS | more)


def play(frames=RIDE, rows=("1", "2", "3"), lanes=("A", "B"), **more):
    interactive.play(frames, rows=rows, lanes=lanes,
                     fallback_fig=subplots()[0],
                     **dict(seconds=5) | WORDS | more)


@pytest.fixture
def shown(monkeypatch):
    """What the calls display, a list of (data, metadata)."""
    kept = []
    monkeypatch.setattr(figures, "leave", lambda *a: kept.append(a))
    yield kept
    plt.close("all")


def texts(grid, numbers):
    return [" ".join(grid["words"][int(w)] for w in
                     grid["texts"][n].split(" ")) for n in numbers]


@pytest.mark.parametrize("call", [choose, draw, play])
def test_one_picture_with_its_grid_and_the_same_twice(shown, call):
    call()
    call()
    (data, meta), again = shown
    assert data["image/png"].startswith(b"\x89PNG") and len(data) == 2
    assert data["text/plain"] == f"<figure: {WORDS['alt']}>"
    assert meta["image/png"]["alt"] == WORDS["alt"]
    assert meta["lab1784"]["panel"]["kind"] == call.__name__
    assert json.dumps(meta) == json.dumps(again[1])


def test_grids_hold_every_outcome_in_order(shown):
    choose()
    draw()
    play({"a": RIDE, "b": RIDE[::-1]},
         queues={"a": [[0, 1, 2]] * 5, "b": [[3, 0, 0]] * 5})
    table, story, ride = (m["lab1784"]["panel"] for _, m in shown)
    for cell, key in zip(table["table"], TABLE, strict=True):
        assert [texts(table, row) for row in cell] == TABLE[key]
    assert texts(story, story["said"]) == [
        t for key in STORY for t in STORY[key]["texts"]]
    assert story["values"] == [50 * k for key in STORY for k in key]
    assert story["start"] == [1, 1]
    a, b = ride["runs"]
    assert a["at"] == [0, 200, 50, 200, 100, 200, 150, 200, 200, 200]
    assert texts(ride, b["label"][::2]) == ["4", "3", "2", "1", "0"]
    assert b["queues"][4] == [3, 0, 0]


def test_625_outcomes_of_four_sentences_fit(shown):
    names = "fox crow hare wolf river stone winter song bread door".split()
    cells = {key: {"texts": [" ".join(names[(k * 7 + i * j + sum(key)) % 10]
                                      for j in range(12)) + f" {key}."
                             for i, k in enumerate(key)], "values": [0.5] * 4}
             for key in itertools.product(range(5), repeat=4)}
    draw(list("abcde"), list("1234"), cells)
    panel = shown[0][1]["lab1784"]["panel"]
    assert len(panel["texts"]) == 2500
    for key in cells:
        cells[key]["texts"] = [f"{t} {i}{key}" * 3 for i, t in
                               enumerate(cells[key]["texts"])]
    with pytest.raises(ValueError, match="bytes, more than 150,000"):
        draw(list("abcde"), list("1234"), cells)


def without(grid, key, **more):
    return {k: v for k, v in grid.items() if k != key} | more
