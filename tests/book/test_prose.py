"""Numbers in prose: what is filled, what stays, what counts as typed."""

import json

import pytest

from tools import prose


@pytest.fixture
def values(tmp_path):
    assets = tmp_path / "assets"
    assets.mkdir()
    (assets / "results.json").write_text(json.dumps({"c-1": {
        "kind": "superior", "least_effect": 0.05, "effect": -0.1249,
        "interval": [-0.2, -0.0001], "seeds": [0, 1, 2], "verdict": "holds",
        "arms": {"our arm": [0.5, 0.7]}}}))
    (assets / "published.yml").write_text("top1:\n  value: 21.40\n")
    (assets / "bench.json").write_text(
        '{"c": {"seconds": 34.5, "minutes": 0.6}}')
    return prose.Values(tmp_path)


@pytest.mark.parametrize("key,text", [
    ("c-1.effect", "\N{MINUS SIGN}0.12"),
    ("c-1.effect:3", "\N{MINUS SIGN}0.125"),
    ("c-1.high", "0.00"), ("c-1.least", "0.05"), ("c-1.n", "3"),
    ("c-1.verdict", "holds"), ("c-1.mean.our arm", "0.60"),
    ("published.top1", "21.40"), ("bench.c.seconds", "34"),
    ("bench.c.minutes", "0.60"), ("bench.c.minutes:1", "0.6")])
def test_values(values, key, text):
    assert values.text(key) == text


def test_another_cpu_rewrites_nothing():
    assert prose.rounded(0.1249, 2) == "0.12"
    assert prose.rounded(0.1251, 2, "0.12") == "0.12"  # by a hair
    assert prose.rounded(0.1260, 2, "0.12") == "0.13"
    assert prose.rounded(0.1251, 2, "0.1") == "0.13"
    assert prose.rounded(0.1251, 2, "0.125") == "0.13"
    assert prose.rounded(-0.1251, 2, "0.13") == "\N{MINUS SIGN}0.13"


def test_fill(values):
    old = "By <!--=c-1.effect-->0<!--/--> or <!--=no.such-->1<!--/-->."
    new = prose.fill(old, values)
    assert new == ("By <!--=c-1.effect-->\N{MINUS SIGN}0.12<!--/--> or "
                   "<!--=no.such-->1<!--/-->.")
    assert prose.fill(new, values) == new
    assert len(list(prose.marker_problems(new, values))) == 1


TYPED = ["We got 0.83.", "It rose by .5 points.", "In 1,234.5 ms.",
         "By \N{MINUS SIGN}0.12 at once.", "1.28 million images",
         "```{note} 0.9\nx\n```", "````{tab}\n```{math}\n0.1\n```\n0.2\n````",
         ":::{figure} x.svg\n:alt: it falls to 0.3\n:::", "2.5 % of all",
         "1. first\n2. at 0.4", "Costs $5 and 0.9 of $6."]
NOT_TYPED = ["1. first\n2. second", "See `x = 0.5` and ``y ` 0.5``.",
             "$p = 0.5$ and $$\nq = 0.1\n$$", "Python 3.11 to 3.13",
             "Section 3.2, Tables 4.1 and 4.2", "CC BY 4.0", "In 2022, 39 of 66",
             "[arXiv:1905.04899](https://arxiv.org/abs/1905.04899)",
             "[![b](x-1.5.svg)](https://a.b/2.3)", "---\nx: 1.5\n---\ntext",
             "```python\nx = 0.5\n```", "```{figure} x.svg\n:width: 0.5\n```",
             "<!-- 0.5 --> and <!--=a.b-->0.50<!--/-->", "at 10:30, v2.1",
             "\\begin{align}\n0.5\n\\end{align}", "<b style='x:0.5'>x</b>"]


@pytest.mark.parametrize("text", TYPED)
def test_typed_numbers_are_seen(text):
    assert len(list(prose.typed_numbers(text))) == 1


@pytest.mark.parametrize("text", NOT_TYPED)
def test_other_numbers_are_let_through(text):
    assert not list(prose.typed_numbers(text))
