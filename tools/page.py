"""One page's source, looked at without running it: roles, parts, limits.

`problems` lists what is wrong as 'LINE: sentence'.  `make check` shows
them and the tests of the pages ask for none; the numbers stand in
tools/limits.py.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tools import limits

ROOT = Path(__file__).resolve().parents[1]
# role -> the tag by which the site folds such a cell, or None
ROLES = {"setup": "hide-input", "imports": "hide-input", "technique": None,
         "experiment": None, "results": None, "figure": "hide-input",
         "details": "hide-cell", "exercise": None, "bug": None,
         "check": "hide-input", "solution": "hide-cell"}
TITLE = re.compile(r"# @title (\S.*)")
# What draws, of lab1784 and its modules; a page's own `draw` is its own.
DRAW = {"subplots", "image_grid", "show", "overview", "draw_claim",
        "choose", "draw", "play"}


class Cell(NamedTuple):
    """A cell of a percent source; `line` is that of its first line."""
    line: int
    markdown: bool
    tags: tuple[str, ...]
    source: str

    def lines(self) -> Iterator[tuple[int, str]]:
        return enumerate(self.source.split("\n"), self.line)


def cells(text: str) -> list[Cell]:
    """The cells of a source; Markdown without its comment signs."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if line.startswith("# %%")]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)]):
        head, body = lines[start], lines[start + 1:end]
        markdown = head.startswith("# %% [markdown]")
        if markdown:
            body = [b.removeprefix("#").removeprefix(" ") for b in body]
        tags = re.search(r"tags=\[([^]]*)\]", head)
        found.append(Cell(start + 2, markdown, tuple(re.findall(
            r'"([^"]+)"', tags[1])) if tags else (),
            "\n".join(body).strip("\n")))
    return found


def fold(tags: Iterable[str], source: str) -> dict:
    """Metadata of a code cell in the twin: its tags and, where its role
    folds it, what Jupyter, Colab and the book's site need for that."""
    tags = [t for t in tags if t not in ("hide-input", "hide-cell")]
    how = next((ROLES[t] for t in tags if ROLES.get(t)), None)
    if how is None:
        return {"tags": tags} if tags else {}
    made = {"cellView": "form", "jupyter": {"source_hidden": True},
            "tags": [*tags, how]}
    title = TITLE.match(source)
    if title:
        made["mystnb"] = {"code_prompt_show": title[1].strip(),
                          "code_prompt_hide": title[1].strip()}
    return made
