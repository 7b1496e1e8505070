"""What the students' edition promises: no solution, no answer that passes
by itself, no outcome before the bet, pages that run."""

import json
import re
from pathlib import Path

import pytest

from tools import nb

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "_build" / "html"
PAGES = nb.sources()


def cells(name: str) -> list:
    return nb.read_twin(PAGES[name]).cells


def tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


def written(cell) -> str:
    """What a cell printed."""
    return "".join(o.get("text", "") for o in cell.get("outputs", []))


def outcomes(found: list) -> list[str]:
    """What tells before Break it how the bets of *Predict* end."""
    text = [c.source for c in found]
    asked = [n for n, t in enumerate(text) if re.search("(?m)^## Predict", t)]
    if not asked:
        return []
    end = next(n for n, t in enumerate(text) if re.search(
        "(?m)^## (Break it|What we shrank|Tries|In the lab|Exercises)", t))
    bare = [re.sub("(?s)<details.*?</details>", "", t) for t in text[:end]]
    told = [t for t in bare if re.search(
        r"\*\*In short\.|\*\*요약\.|<!--=(?!published\.|bench\.)", t)]
    return told + [c.source for c in found[asked[0]:end] if c.get("outputs")
                   and not {"hide-cell", "hide-output"} <= set(tags(c))]


@pytest.mark.parametrize("name", PAGES)
def test_no_solution_and_no_outcome(name):
    for cell in cells(name):
        assert "solution" not in tags(cell)
        if "check" in tags(cell):
            assert ": right." not in written(cell), cell.source
    assert '"solution"' not in PAGES[name].read_text(encoding="utf-8")
    assert not outcomes(cells(name))


def test_an_outcome_is_seen():
    made = nb.nbformat.v4
    page = [made.new_markdown_cell("## Predict"), made.new_code_cell(
        "1", outputs=[made.new_output("stream", text="(b) wins")]),
        made.new_markdown_cell("It is <!--=x.effect-->0.1<!--/-->."),
        made.new_markdown_cell("## Break it")]
    assert len(outcomes(page)) == 2


def test_the_shortest_page_runs():
    known = json.loads((ROOT / "assets/bench.json").read_text())
    name = min(PAGES, key=lambda n: known.get(n, {}).get("seconds", 60))
    page = nb.read_twin(PAGES[name])
    before = nb.records(page)
    after = nb.records(nb.execute(page, name))
    assert [r["verdict"] for r in after] == [r["verdict"] for r in before]


def test_the_book_has_these_pages_and_none_for_teachers():
    html = {p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html")}
    assert {f"{nb.short(p.with_suffix('.html'))}" for p in PAGES.values()
            } <= html
    assert not [h for h in html if "teaching" in h or
                "teaching.html" in (SITE / h).read_text(encoding="utf-8")]
