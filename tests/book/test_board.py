"""The scoreboard and the trust page say what the results say."""

import json
import re
from pathlib import Path

import pytest

from lab1784.claims import stated
from tests.house import ROOT
from tools import board, prose


@pytest.mark.parametrize("name", board.PAGES)
def test_tables_are_in_step(name):
    text = (ROOT / "chapters" / f"{name}.md").read_text()
    assert prose.fill(board.build(text), prose.Values(ROOT)) == text, (
        "run python -m tools.board")


def test_a_planted_row_is_noticed():
    text = (ROOT / "chapters" / "scoreboard.md").read_text()
    planted = text.replace("| **does not hold** |", "| holds |", 1)
    assert planted != text and board.build(planted) != planted


def test_every_page_claim_and_failure_is_listed():
    text = (ROOT / "chapters" / "scoreboard.md").read_text()
    parts = dict(re.findall(r"<!-- table: (\w+) -->\n(.*?)<!-- end -->", text, re.S))
    for name, record in board.by_page():
        assert f"](../{record['notebook']}) |" in parts["pages"]
        said = board.settings(stated(record))
        assert parts["claims"].count(f"| {said} |") == 1, name
        assert (said in parts["failures"]) == (record["verdict"] != "holds"), name


RECORD = {"id": "x", "kind": "superior", "unit": "share of heads", "better": "lower",
          "effect": -0.002, "interval": [-0.9, 0.896], "verdict": "not settled"}


@pytest.mark.parametrize("change, said", [
    ({}, "\N{MINUS SIGN}0.002 [\N{MINUS SIGN}0.900, +0.896] in share of heads; lower is better"),
    ({"effect": 190.0, "interval": [60.2, 319.8], "better": "higher"},
     "+190.0 [+60.2, +319.8] in share of heads; higher is better"),
    ({"unit": None, "metric": "log_loss"}, "in log loss"),
    ({"kind": "exact", "verdict": "holds"}, "equal within the tolerance")])
def test_an_effect_has_unit_and_direction_and_is_never_a_round_nought(
        monkeypatch, tmp_path, change, said):
    record = RECORD | change
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/results.json").write_text(json.dumps({"x": record | {
        "arms": {}, "seeds": [0], "least_effect": 0.1, "tolerance": 0}}))
    monkeypatch.setattr(board, "ROOT", tmp_path)
    told = prose.fill(board.effect("x", record), prose.Values(tmp_path))
    assert said in re.sub("<!--.*?-->", "", told)


@pytest.mark.parametrize("text, told", [
    ("# **In short.**\n# Is it?\n# It is. Twice.\n# Not elsewhere.", "It is. Twice."),
    ("# **In short.** Is it?\n# It is.\n# By far.\n# Not elsewhere.", "It is. By far."),
    ("# Nothing is said in short.", None)])
def test_what_a_page_found_is_what_stands_between(text, told):
    assert board.found(f"# # A title\n#\n{text}\n#\n# Another paragraph.") == told


def test_what_is_planned_is_listed(monkeypatch, tmp_path):
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters/3-x.md").write_text(
        "# Title\n\n## Run now\n\n| page | q |\n|---|---|\n| CutMix | ? |\n\n"
        "## Planned\n\n| technique | q |\n|---|---|\n| ReXNet (`rexnet`) | ? |\n"
        "| One, two | ? |\n\n| other | table |\n|---|---|\n| no | ? |\n")
    monkeypatch.setattr(board, "ROOT", tmp_path)
    monkeypatch.setattr(board, "chapters", lambda: {"chapters/3-x": []})
    assert board.planned() == "- [3. Title](../chapters/3-x): ReXNet; One, two."


def test_the_trust_table_is_of_these_claims():
    """`make trust` was run for every claim, and said what it found."""
    missing, claims = board.untried(), dict(board.by_page())
    pages = {Path(claims[name]["notebook"]).name for name in missing}
    assert not missing, (f"not yet shifted: {', '.join(missing)}; make trust "
                         f"NB='{' '.join(sorted(pages))}'")
    table = json.loads((ROOT / "assets" / "trust.json").read_text())
    for row in table["pages"].values():
        assert len(set(row["shifts"])) == 3 and len(row["commit"]) == 40


def test_what_trust_did_not_find_stable_is_named_before_its_table(monkeypatch):
    kept, results = board.read("trust.json"), board.read("results.json")
    name, record = next((n, r) for n, r in board.by_page()
                        if r["kind"] == "superior" and kept["pages"][
                            r["notebook"]]["claims"][n].get("stable"))
    assert name not in board.trusted()
    kept["pages"][record["notebook"]]["claims"][name].update(
        stable=False, noise="beats itself")
    monkeypatch.setattr(board, "read", lambda file: results
                        if file == "results.json" else kept)
    wild, loud = board.trusted().splitlines()
    assert f"[{name}](" in wild and f"[{name}](" in loud


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
    ("paper", "A title that tells", "# | Rule read in | paper |\n"),
    ("paper", "A title that tells", "# | Rule read in | official code |\n"),
    ("paper", "A title that tells", "# | Rule read in | paper and official code |\n"),
    ("sketch", "A title that tells", "# | Rule read in | sketch |\n"),
    ("second hand", "A title that tells",
     "# | Rule read in | other: a translation of the paper |\n"),
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
