"""What a claim says and draws: the bar is part of the statement, better is
to the right, and a re-run may change numbers only."""

import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

from lab1784 import (Runs, claim, claims, draw_claim, figures, overview,
                     stated)
from lab1784.claims import signed, summary

matplotlib.use("Agg")
ROOT = Path(__file__).resolve().parents[2]


def record(kind="superior", effect=0.1, bar=0.05, better="higher",
           noise=0.01, unit="accuracy, head hidden", **more):
    rival = [0.5 + noise * k for k in range(5)]
    arm = [r + effect + noise * (-1) ** k for k, r in enumerate(rival)]
    runs = Runs((0, 1, 2, 3, 4), {"hidden": {
        "plain": rival, "cutmix": arm, "bad": [r + 9 for r in rival],
        "worse": [r - 9 for r in rival]}})
    named = "least" if kind == "superior" else "margin"
    bad = None if kind in ("superior", "exact") else (
        "worse" if better == "higher" else "bad")
    given = dict(id="x-1", statement="CutMix beats plain training.",
                 runs=runs, metric="hidden", unit=unit, arm="cutmix",
                 baseline="plain", reason="of a reason.", kind=kind,
                 better=better, bad=bad, picture=False, **{named: bar})
    given |= more
    try:
        return claim(**given)
    except AssertionError as surprise:
        return claim(**given, expect=re.findall("'([a-z ]+)'",
                                                str(surprise))[-1])


@pytest.mark.parametrize("kind,bar,words", [
    ("superior", 0.022, "by at least 0.022 in accuracy, head hidden."),
    ("superior", 60, "by at least 60 in accuracy, head hidden."),
    ("superior", 0, "by more than 0 in accuracy, head hidden."),
    ("no_worse", 0.3, "within 0.3 in accuracy, head hidden."),
    ("equal", 0.3, "within 0.3 in accuracy, head hidden."),
    ("exact", 1e-9, "to within 1e-9 in accuracy, head hidden.")])
def test_the_bar_is_part_of_the_statement(kind, bar, words):
    kept = record(kind, bar=bar)
    assert stated(kept) == f"CutMix beats plain training, {words}"
    old = {k: v for k, v in kept.items() if k != "unit"} | {
        "metric": "whole_gap"}
    assert stated(old).endswith(" in whole gap.")


@pytest.mark.parametrize("value,places,text", [
    (0.2326, 2, "+0.23"), (-0.002, 2, "\u22120.0020"), (-189.7, 1,
                                                       "\u2212189.7"),
    (0.0, 2, "0.00"), (-0.0, 2, "0.00"), (0.00004, 3, "+4.0e-05"),
    (-0.0049, 1, "\u22120.0049"), (75.0, 1, "+75.0")])
def test_what_is_not_zero_never_reads_as_zero(value, places, text):
    assert signed(value, places) == text


def test_the_verdict_stands_with_effect_and_interval():
    assert summary(record()) == (
        "Holds: cutmix \u2212 plain = +0.102 [+0.088, +0.116], 5 seeds.")
    assert summary(record(effect=0.01)).startswith("Does not hold: cutmix")
    assert summary(record(noise=0.2)).startswith("Not settled: cutmix")
    exact = record("exact", effect=0.0, noise=0.0, bar=1e-9)
    assert summary(exact) == ("Holds: cutmix \u2212 plain is at most 0.0 in "
                              "size, 5 seeds.")


def test_a_repeat_changes_what_the_sanitizer_takes_out_and_no_more():
    cfg = configparser.RawConfigParser()
    cfg.read(ROOT / "tests" / "nbval.cfg", encoding="utf-8")
    rule = cfg["decimals"]["regex"]

    def cleaned(kept):
        return re.sub(rule, "NUM", f"{stated(kept)} {summary(kept)}")
    assert len({cleaned(record(effect=e, noise=n)) for e, n in (
        (0.1, 0.01), (0.123, 0.0001), (17.0, 3.0), (0.06, 0.0))}) == 1
    assert re.sub(rule, "NUM", f"[{signed(-2e-5, 2)}, {signed(3, 2)}]") == (
        "[NUM,NUM]")
    assert len({cleaned(record("exact", effect=e, noise=0.0, bar=1))
                for e in (0.0, 1e-16, 3e-5, 0.02, 0.3)}) == 1
    assert cleaned(record()) != cleaned(record(effect=0.0)), "the verdict"
    film = '<img src="data:image/gif;base64,R0lG1e5/+8A==" alt="A face.">'
    assert re.sub(cfg["films"]["regex"], cfg["films"]["replace"],
                  film) == '<img src="FILM" alt="A face.">'


@pytest.fixture
def left(monkeypatch):
    """Outputs that are left, (data, metadata), and the figures shown."""
    kept, show = [], figures.show

    def keep(fig, *more):
        kept.append(fig)
        show(fig, *more)
    for module in (claims, figures):
        monkeypatch.setattr(module, "leave", lambda *a: kept.append(a))
    monkeypatch.setattr(figures, "show", keep)
    return kept


@pytest.mark.parametrize("picture", [True, False])
def test_the_record_travels_with_the_words(left, picture):
    kept = record(picture=picture, unit="a*b_c [s]")
    data, meta = left[0]
    assert meta == {"lab1784": {"claim": kept}} and json.dumps(meta)
    assert data["text/markdown"] == (
        "CutMix beats plain training, by at least 0.05 in a\\*b\\_c \\[s\\]."
        " That much because of a reason.\n\n**Holds**: cutmix \u2212 plain "
        "= +0.102 \\[+0.088, +0.116\\], 5 seeds.")
    assert data["text/plain"].endswith("\n" + summary(kept))
    assert len(left) == (3 if picture else 1)
    assert all("lab1784" not in m for _, m in left[2:])


def test_plain_python_prints_it():
    code = ("from lab1784 import claim, compare; runs = compare(lambda a, s:"
            "{'m': s + (a == 'b')}, ['a', 'b']); claim('x', 'b beats a', "
            "runs, metric='m', unit='m', arm='b', baseline='a', least=0.5, "
            "reason='so it is')")
    out = subprocess.run([sys.executable, "-c", code], check=True, text=True,
                         cwd=ROOT, capture_output=True).stdout.splitlines()
    assert out[0].startswith("b beats a, by at least 0.5 in m. That much")
    assert out[1].startswith("Holds: b \u2212 a = +1.0 [")
    assert out[2].startswith("<figure: ") and len(out) == 3


MIXED = [dict(effect=0.1), dict(effect=-0.1, better="lower"),
         dict(effect=-0.02, kind="no_worse", bar=0.1),
         dict(effect=0.01, kind="equal", bar=0.1, better="lower"),
         dict(effect=0.0, noise=0.0, kind="exact", bar=1e-9),
         dict(effect=0.1, bar=0), dict(effect=-3.0, unit="log loss")]


def test_an_overview_has_a_row_a_claim_in_units_of_its_bar(left):
    kept = [record(**given) for given in MIXED]
    left.clear()
    overview(*kept)
    fig, (data, meta) = left
    ax = fig.axes[0]
    said = {t.get_text() for t in ax.texts}
    assert said == {"holds", "does not hold"}
    lines = [line.get_xdata() for line in ax.lines]
    spots = [x[0] for x, line in zip(lines, ax.lines)
             if line.get_marker() == "D"]
    assert spots[0] == pytest.approx(2.04, abs=0.01), "0.102 of 0.05"
    assert spots[1] > 0, "lower is better: better is to the right"
    assert spots[2] == pytest.approx(-0.18, abs=0.01) and spots[3] < 0
    assert spots[4] == 0 and 0 < spots[5] < 1 and spots[6] < -50
    bars = [list(x) for x, line in zip(lines, ax.lines)
            if line.get_linestyle() == "--"]
    assert bars == [[b] * 2 for b in (1, 1, -1, -1, 1, -1, 1, 0, 1)]
    assert [line.get_marker() for line in ax.lines].count("<") == 1
    assert ax.get_title(loc="left") == "6 claims hold, 1 does not hold"
    labels = [t.get_text() for t in ax.get_yticklabels()]
    assert labels[-1] == "cutmix against plain\nlog loss"
    assert labels[0].startswith("x 1: cutmix"), "two rows of one label"
    alt = meta["image/png"]["alt"]
    assert not re.search(r"\d\.\d", alt) and alt.count("holds.") == 6
    assert "better to the right" in alt


@pytest.mark.parametrize("given,title", [
    ({}, "cutmix above plain on every seed"),
    (dict(effect=-0.1), "cutmix below plain on every seed"),
    (dict(effect=0.001), "cutmix above plain on 3 of 5 seeds"),
    (dict(effect=0.0, noise=0.0, bar=0.1), "cutmix equals plain on every"),
    (dict(kind="exact", effect=0.0, bar=1), "cutmix within the tolerance of"),
    (dict(kind="equal", bar=0.111), "cutmix within the margin of plain on")])
def test_the_picture_says_what_came_out(left, given, title):
    kept = record(**given)
    left.clear()
    draw_claim(kept)
    fig, (_, meta) = left
    one, two = fig.axes
    assert one.get_title(loc="left").replace("\n", " ").startswith(title)
    assert two.get_title(loc="left").startswith("The claim ")
    assert "accuracy, head hidden" in one.get_ylabel()
    assert "cutmix \u2212 plain, accuracy, head hidden" in two.get_xlabel()
    assert not re.search(r"\d\.\d", meta["image/png"]["alt"])


@pytest.mark.parametrize("verdicts, said", [
    (["holds"], "1 claim holds"),
    (["not settled"] * 2, "2 claims are not settled"),
    (["holds", "does not hold", "not settled", "holds", "does not hold"],
     "2 claims hold, 2 do not hold, 1 is not settled")])
def test_verdicts_are_counted_in_words(verdicts, said):
    assert figures._count(verdicts) == said
