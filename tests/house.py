"""What every test of a page needs: its cells, its record, its gates."""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import json
import re
from pathlib import Path

import jupytext

from tools.nb import records, sources  # noqa: F401  (tests take them here)

ROOT = Path(__file__).resolve().parent.parent
DEFINING = ("imports", "technique", "experiment")


def cells(name: str, text: str | None = None) -> list:
    """Cells of a notebook's source, or of `text` in the same format."""
    return list(read(text if text is not None else
                     sources()[name].read_text()))


@functools.cache
def read(text: str) -> list:
    """Every mistake loads its page anew: its text is read once."""
    return jupytext.reads(text, fmt="py:percent").cells


def tagged(cell) -> set[str]:
    return set(cell.metadata.get("tags", []))


def technique_pages() -> list[str]:
    """Notebooks that hold a technique: each needs a test file."""
    return [n for n in sources()
            if any("technique" in tagged(c) for c in cells(n))]


def spec(name: str):
    """The test file of a page: see test_every_page for what it holds."""
    return importlib.import_module(f"tests.techniques.test_{name}")


def mutate(text: str, old: str, new: str) -> str:
    """Edit `text` where `old` stands, which must be exactly once."""
    count = text.count(old)
    assert count == 1, f"the edit should match once, it matches {count} times"
    return text.replace(old, new)


def defining(name: str, text: str | None = None) -> list[tuple[str, set]]:
    """(source, tags) of the page's imports, technique and experiment."""
    return [(c.source, tagged(c)) for c in cells(name, text)
            if c.cell_type == "code" and tagged(c) & set(DEFINING)]


def edited(parts: list, edit: tuple[str, str], role: str = "") -> int:
    """Plants (old, new) in the one cell that holds `old`, among those of
    `role`; returns its place in `parts`, which changes."""
    hits = [i for i, (source, tags) in enumerate(parts)
            if edit[0] in source and (not role or role in tags)]
    assert len(hits) == 1, (f"the edit should match in one cell, it "
                            f"matches in {len(hits)}")
    source, tags = parts[hits[0]]
    parts[hits[0]] = (mutate(source, *edit), tags)
    return hits[0]


def run_cell(space: dict, source: str) -> None:
    # This file's own __future__ is not the page's.
    exec(compile(source, f"<{space['__name__']}>", "exec",
                 dont_inherit=True), space)


def load(name: str, edit: tuple[str, str] | None = None, role: str = "",
         text: str | None = None) -> dict:
    """The namespace after the page's imports, technique and experiment
    cells; `edit` = (old, new) plants a mistake first, in a cell of `role`
    where one is named."""
    parts = defining(name, text)
    if edit:
        edited(parts, edit, role)
    space: dict = {"__name__": f"page_{name}"}
    for source, _ in parts:
        run_cell(space, source)
    return space


def twin(name: str) -> dict:
    return json.loads(sources()[name].with_suffix(".ipynb").read_text())


def exercises(name: str, text: str | None = None) -> list[dict]:
    """id, stub, check and solution of every exercise that checks itself."""
    found, stub = [], ""
    for cell in cells(name, text):
        tags = tagged(cell)
        if cell.cell_type != "code":
            continue
        if "exercise" in tags:
            stub = cell.source
        elif "check" in tags:
            found.append({"id": re.search(r'check\("([^"]+)"',
                                          cell.source).group(1),
                          "stub": stub, "check": cell.source,
                          "solution": ""})
        elif "solution" in tags:
            assert found and not found[-1]["solution"], (
                "a solution should follow its check, one each")
            found[-1]["solution"] = cell.source
    return found


def answer(space: dict, *sources: str, keep: dict | None = None) -> str:
    """What the cells print, run one after the other in a copy, or in
    `keep`."""
    space, out = dict(space) if keep is None else keep, io.StringIO()
    with contextlib.redirect_stdout(out):
        for source in sources:
            exec(compile(source, "<exercise>", "exec", dont_inherit=True), space)
    return out.getvalue()
