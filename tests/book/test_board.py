"""The scoreboard and the trust page say what the results say."""

import json
from pathlib import Path

import pytest

from tests.house import ROOT
from tools import board, prose


@pytest.mark.parametrize("name", board.PAGES)
def test_tables_are_in_step(name):
    text = (ROOT / "chapters" / f"{name}.md").read_text()
    assert prose.fill(board.build(text), prose.Values(ROOT)) == text, (
        "run python -m tools.board")


def test_a_planted_row_is_noticed():
    text = (ROOT / "chapters" / "scoreboard.md").read_text()
    planted = text.replace("does not hold |", "**holds** |", 1)
    assert planted != text and board.build(planted) != planted


def test_every_claim_and_every_failure_is_listed():
    text = (ROOT / "chapters" / "scoreboard.md").read_text()
    rows, failed = text.split("## All claims")[1], text.split("## All")[0]
    for name, record in board.by_page():
        assert f"<!--={name}.effect-->" in rows, name
        assert (f"<!--={name}.effect-->" in failed) == (
            record["verdict"] != "holds"), name


def test_the_trust_table_is_of_these_claims():
    """`make trust` was run for every claim, and said what it found."""
    missing, claims = board.untried(), dict(board.by_page())
    pages = {Path(claims[name]["notebook"]).name for name in missing}
    assert not missing, (f"not yet shifted: {', '.join(missing)}; make trust "
                         f"NB='{' '.join(sorted(pages))}'")
    table = json.loads((ROOT / "assets" / "trust.json").read_text())
    for row in table["pages"].values():
        assert len(set(row["shifts"])) == 3 and len(row["commit"]) == 40


def test_a_claim_on_other_seeds_reads_not_yet(monkeypatch):
    name, record = board.by_page()[0]
    before = board.trust()
    results = {name: record | {"seeds": [5, 6, 7, 8, 9]}}
    kept = board.read("trust.json")
    monkeypatch.setattr(board, "read", lambda file: results
                        if file == "results.json" else kept)
    assert board.untried() == [name]
    assert f"[{name}](../{record['notebook']}) | not yet |" in board.trust()
    assert before.count("\n") > board.trust().count("\n") == 2


PAGE = """# ---
# jupyter:
# ---

# %% [markdown]
# # {title}
#
# | | |
# |---|---|
# | Paper | A. Author, *A Paper*, 2001 |
{row}# | Official code | none |

# %% [markdown]
# | Rule read in | a table that is not the card |
"""


@pytest.mark.parametrize("kind, title, row", [
    ("paper", "A title that tells", ""),
    ("second hand", "A title that tells",
     "# | Rule read in | a translation of the paper |\n"),
    ("sketch", "A sketch after a paper", ""),
    ("sketch", "A sketch after a paper",
     "# | Rule read in | a translation of the paper |\n"),
])
def test_how_faithful_a_page_says_it_is(kind, title, row):
    assert board.faithful(PAGE.format(title=title, row=row)) == kind


def test_a_secondary_source_has_a_name():
    with pytest.raises(ValueError, match="names no source"):
        board.faithful(PAGE.format(title="A title that tells",
                                   row="# | Rule read in | |\n"))


def test_every_page_is_counted_once():
    pages = {r["notebook"] for _, r in board.by_page()}
    kinds = [board.faithful((ROOT / f"{p}.py").read_text()) for p in pages]
    said = board.count()
    for kind, words in board.FAITHFUL.items():
        assert f"{words}: {kinds.count(kind)}" in said
