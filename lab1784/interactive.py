"""Interactive figures: `choose`, `draw` and `play`.

Each call computes nothing: it takes a finished grid of outcomes, at most
150 kB, and leaves ONE output, the picture `fallback_fig` with its alt text.
That picture is what Colab, Jupyter, paper and a browser without scripts
show.  The grid travels in the output's metadata, where a re-run on another
machine is not compared letter by letter; the book's pages put a panel in
the place of the picture (assets/styles/interactive.js).  So the prose
around it must be true of the picture alone.

Of all three: title is the panel's heading and says what to try or see; alt
says in five words or more what the picture shows (see `figures.show`);
fallback_fig is a matplotlib figure, closed by the call.  All raise
ValueError that names the malformed argument, and where the grid is too big.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from .arguments import listed, number, said, text, texts, whole
from .figures import show

LIMIT = 150_000           # bytes of JSON; design.md, Budgets


def choose(controls: Sequence[tuple[str, Sequence[str]]],
           outcomes: Mapping[tuple[int, ...], Sequence[Sequence[str]]], *,
           columns: Sequence[str], title: str, alt: str,
           fallback_fig) -> None:
    """Menus above, a table below: every combination has its own rows.

    controls: (label, options) one a menu, two options or more, drawn as
              buttons.  The first of each is what the reader meets: let the
              fallback show the same.
    outcomes: option numbers, one a control -> rows, each one text a column,
              e.g. {(0, 0): [["input", "answer"], ...], (0, 1): ...}; every
              combination must be there.  A row may be missing: [].
    columns:  headings of the table.
    """
    try:
        controls = [[text("label", label), texts("options", options, least=2)]
                    for label, options in controls]
    except (TypeError, ValueError):
        controls = []
    if not controls:
        raise ValueError("controls should be one menu or more, each (label, "
                         "two options or more)")
    columns, book = texts("columns", columns), _Book()
    table = []
    for key in _keys(outcomes, [len(o) for _, o in controls]):
        where = f"outcomes[{key}]"
        rows = outcomes[key]
        if not isinstance(rows, (list, tuple)) or not all(
                isinstance(row, (list, tuple)) and len(row) == len(columns)
                for row in rows):
            raise ValueError(f"{where} should hold rows of {len(columns)} "
                             f"texts, got {said(rows)}")
        table.append([[book.page(cell, where) for cell in row]
                      for row in rows])
    _panel("choose", fallback_fig, title, alt, book, columns=columns,
           table=table, controls=controls)


def draw(levels: Sequence[str], columns: Sequence[str],
         outcomes: Mapping[tuple[int, ...], Mapping], *, title: str,
         alt: str, fallback_fig, names: tuple[str, str] = ("asked",
                                                           "came out"),
         start: Sequence[int] | None = None) -> None:
    """One handle a column, moved by pointer or arrow keys: the reader draws
    a curve, and a text a column and the realised values follow.

    levels:   names of the levels, lowest first, e.g. five of them.
    columns:  names of the columns, e.g. the sentences of a story.
    outcomes: level numbers, one a column -> {"texts": one a column,
              "values": one number in [0, 1] a column, 0 drawn at the lowest
              level and 1 at the highest}; all len(levels)**len(columns)
              combinations.  Texts are kept as numbers of words: 625 times
              four sentences of twelve words fit.
    names:    legend: of the handles, of the dots.
    start:    levels of the first view (all in the middle where None): let
              the fallback show the same.
    """
    levels = texts("levels", levels, least=2)
    columns = texts("columns", columns)
    if start is None:
        start = [len(levels) // 2] * len(columns)
    if not _numbers(start, len(columns), len(levels) - 1, whole):
        raise ValueError("start should be one level number a column, got "
                         f"{said(start)}")
    book, spoken, values = _Book(), [], []
    for key in _keys(outcomes, [len(levels)] * len(columns)):
        one, where = outcomes[key], f"outcomes[{key}]"
        if not isinstance(one, Mapping) or not _numbers(
                one.get("values"), len(columns), 1, number) or not (
                isinstance(one.get("texts"), (list, tuple))
                and len(one["texts"]) == len(columns)):
            raise ValueError(f"{where} should have texts and values in "
                             f"[0, 1], one a column ({len(columns)}), got "
                             f"{said(one)}")
        spoken += [book.page(t, where) for t in one["texts"]]
        values += [round(100 * float(v)) for v in one["values"]]
    _panel("draw", fallback_fig, title, alt, book, levels=levels,
           columns=columns, said=spoken, values=values,
           start=[int(s) for s in start], names=texts("names", names, 2))


def play(frames, *, rows: Sequence[str], lanes: Sequence[str], title: str,
         alt: str, fallback_fig, seconds: float, queues=None,
         caption: str | None = None, clock: Sequence[str] | None = None
         ) -> None:
    """Boxes that move in lanes, with play, pause and a slider for time.

    frames:  over time, equally spaced: one box a lane, {"row": position,
             "label": short text}; position 0 is the first row, 1.5 halfway
             between the second and third.  Or several runs by name, {"rule
             A": frames, "rule B": frames}, all of one length: the reader
             switches between them at the same moment.
    rows:    names from the bottom up (floors).   lanes: left to right.
    seconds: how long a whole run plays, at least 1.
    queues:  as frames: at each time how many wait at each row, whole
             numbers; drawn as dots left of the lanes.  None: no dots.
    caption: one sentence below.    clock: what the slider says at each
             frame, e.g. "08:31"; the frame's number where None.
    It never starts by itself, and jumps from frame to frame where the
    reader's machine asks for less motion.
    """
    rows, lanes, book = texts("rows", rows), texts("lanes", lanes), _Book()
    runs = frames if isinstance(frames, Mapping) else {"": frames}
    waits = queues if isinstance(queues, Mapping) else {"": queues}
    length = {len(run) if isinstance(run, (list, tuple)) else 0
              for run in runs.values()}
    if len(length) != 1 or min(length) < 2:
        raise ValueError("frames should be two or more, as many in each "
                         f"run, got {sorted(length)}")
    if queues is not None and waits.keys() != runs.keys():
        raise ValueError("queues should have the runs of frames: "
                         f"{[*runs]}, got {[*waits]}")
    seconds = number("seconds", seconds, 1)
    caption = caption if caption is None else text("caption", caption)
    made = []
    for name, run in runs.items():
        for t, frame in enumerate(run):
            if not isinstance(frame, (list, tuple)) or len(frame) != len(
                    lanes) or not all(
                    isinstance(b, Mapping) and isinstance(b.get("label"), str)
                    and _numbers([b.get("row")], 1, len(rows) - 1, number)
                    for b in frame):
                raise ValueError(
                    f"frames[{t}] should have one box a lane ({len(lanes)}), "
                    f'each {{"row": 0 to {len(rows) - 1}, "label": text}}, '
                    f"got {said(frame)}")
        wait = waits.get(name)
        if wait is not None and not (
                isinstance(wait, (list, tuple)) and {len(wait)} == length
                and all(_numbers(w, len(rows), 10**6, whole) for w in wait)):
            raise ValueError("queues should hold one whole number a row "
                             f"({len(rows)}) at each of {min(length)} times, "
                             f"got {said(wait)}")
        made.append({
            "name": name, "queues": wait and [[int(n) for n in w]
                                              for w in wait],
            "at": [round(100 * float(b["row"])) for f in run for b in f],
            "label": [book.page(b["label"], "frames") for f in run
                      for b in f]})
    _panel("play", fallback_fig, title, alt, book, rows=rows, lanes=lanes,
           runs=made, seconds=seconds, caption=caption,
           clock=clock and texts("clock", clock, *length))


class _Book:
    """Texts by number, each a list of word numbers: short in JSON."""

    def __init__(self):
        self.texts: dict[str, int] = {}

    def page(self, said: str, where: str) -> int:
        if not isinstance(said, str):
            raise ValueError(f"{where} should hold texts, got {said!r}")
        return self.texts.setdefault(said, len(self.texts))

    def packed(self) -> dict:
        count = Counter(w for text in self.texts for w in text.split(" "))
        number = {w: str(i) for i, (w, _) in enumerate(count.most_common())}
        return {"words": [*number], "texts": [
            " ".join(number[w] for w in text.split(" "))
            for text in self.texts]}


def _numbers(values, count: int, high: int, kind) -> bool:
    """Whether values are `count` numbers from 0 to `high`."""
    try:
        return len([kind("", v, 0, high) for v in listed(
            "", values, "")]) == count
    except (TypeError, ValueError):
        return False


def _keys(outcomes, sizes: list[int]) -> list[tuple[int, ...]]:
    """Every combination in order, all of which must be there."""
    if not isinstance(outcomes, Mapping):
        raise TypeError(f"outcomes should be a dict, got {said(outcomes)}")
    keys = [*itertools.product(*map(range, sizes))]
    odd = [k for k in keys if k not in outcomes] or [
        k for k in outcomes if k not in set(keys)]
    if odd:
        raise ValueError(f"outcomes should hold the {len(keys)} combinations"
                         f" {keys[0]} to {keys[-1]}; look at {odd[0]}")
    return keys


def _panel(kind: str, fig, title: str, alt: str, book: _Book, **grid) -> None:
    grid = {"kind": kind, "title": text("title", title), **grid,
            **book.packed()}
    size = len(json.dumps(grid, ensure_ascii=False).encode())
    if size > LIMIT:
        raise ValueError(f"the grid of this panel takes {size:,} bytes, more "
                         f"than {LIMIT:,}: fewer outcomes or shorter texts")
    show(fig, alt, panel=grid)
