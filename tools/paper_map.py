"""The map of the papers: assets/papers.yml as a drawing and a table.

Made while the site is built, where a page holds MARK.  A paper is a link,
to its page where the book has one, else to the section that tells it.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path

import yaml

DATA = Path(__file__).resolve().parent.parent / "assets" / "papers.yml"
MARK = '<div id="papers"></div>'
HOW = {"builds on": "on", "trains with": "with", "is tested with": "test"}
WIDE, HIGH, STEP, ROW = 140, 54, 160, 150     # a box; from one to the next
STYLE = """.papers{display:block;width:100%;height:auto;margin:1rem 0;font-family:inherit}
.papers rect{fill:var(--pst-color-on-background);stroke:var(--pst-color-text-muted);stroke-width:1.5}
.papers text{fill:var(--pst-color-text-base);text-anchor:middle;font-size:14px}
.papers .name{font-size:18px;font-weight:650}
.papers .line{fill:none;stroke-width:2.5;stroke:var(--pst-color-text-muted)}
.papers .on{stroke:var(--pst-color-primary);stroke-width:4}
.papers .with{stroke:var(--pst-color-secondary)}
.papers .test{stroke-dasharray:3 5}
.papers .key{text-anchor:start;font-size:16px}
.papers a{text-decoration:none}.papers a:hover rect{stroke-width:3}
.papers a:focus-visible{outline:none}
.papers a:focus-visible rect{stroke:var(--pst-color-primary);stroke-width:4}"""


def read(path: Path = DATA) -> dict:
    """Papers and lines.  Raises ValueError for a line that goes nowhere."""
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    for one, how, other, what, source in data["lines"]:
        for paper in (one, other):
            if paper not in data["papers"]:
                raise ValueError(f"papers.yml: no paper {paper!r}; add it")
        if how not in HOW or not source.startswith("https://") or not what:
            raise ValueError(f"papers.yml: {one} to {other} needs one of "
                             f"{', '.join(HOW)}, words and an address")
        if data["papers"][one]["at"][1] <= data["papers"][other]["at"][1]:
            raise ValueError(f"papers.yml: {one} must stand above {other}")
    return data


def place(paper: dict) -> tuple[float, float]:
    """The middle of a paper's box, in pixels."""
    column, row = paper["at"]
    return 74 + STEP * column, 40 + ROW * (2 - row)


def drawing(data: dict, address: Callable[[str, str], str]) -> str:
    """The boxes and the lines.  address: a paper's key and its `text` ->
    the link of its box."""
    papers, drawn = data["papers"], []
    for one, how, other, *_ in data["lines"]:
        (x, y), (u, v) = place(papers[one]), place(papers[other])
        y, v = y + HIGH / 2, v - HIGH / 2
        x, u = x + (u - x) * .12, u + (x - u) * .12   # lines do not meet
        drawn.append(f'<path class="line {HOW[how]}" d="M{x:.0f} {y:.0f}'
                     f'C{x:.0f} {y + 45:.0f} {u:.0f} {v - 45:.0f} '
                     f'{u:.0f} {v:.0f}"/>')
        drawn.append(f'<circle cx="{u:.0f}" cy="{v:.0f}" r="5" '
                     'fill="var(--pst-color-text-base)"/>')
    for key, paper in papers.items():
        x, y = place(paper)
        uses = [f"{how} {papers[other]['name']}"
                for one, how, other, *_ in data["lines"] if one == key]
        says = f"{paper['name']}, {paper['venue']}" + (
            ": " + ", ".join(uses) if uses else "")
        drawn.append(
            f'<a href="{address(key, paper["text"])}" '
            f'aria-label="{escape(says)}">'
            f'<rect x="{x - WIDE / 2:.0f}" y="{y - HIGH / 2:.0f}" '
            f'width="{WIDE}" height="{HIGH}" rx="6"/>'
            f'<text class="name" x="{x:.0f}" y="{y - 2:.0f}">{paper["name"]}'
            f'</text><text x="{x:.0f}" y="{y + 18:.0f}">{paper["venue"]}'
            "</text></a>")
    for n, (how, style) in enumerate(HOW.items()):
        x = 20 + 210 * n
        drawn.append(f'<path class="line {style}" d="M{x} 402H{x + 40}"/>'
                     f'<text class="key" x="{x + 48}" y="407">{how}</text>')
    return ('<svg class="papers" xmlns="http://www.w3.org/2000/svg" '
            'viewBox="0 0 842 424" role="group" aria-label="Which of the '
            f"Lab's papers uses which: {len(papers)} boxes, each a link, and "
            'lines from a paper down to those that it uses">\n<style>' + STYLE
            + "</style>\n" + "\n".join(drawn) + "\n</svg>")


def table(data: dict) -> str:
    """The lines in words, each with the address where it was read."""
    papers = data["papers"]
    rows = "\n".join(
        f"<tr><td>{papers[one]['name']} {how} {papers[other]['name']}</td>"
        f'<td>{escape(what)}</td><td><a class="reference external" '
        f'href="{source}">{source.split("/")[-1] if "blob" in source else "paper"}'
        "</a></td></tr>" for one, how, other, what, source in data["lines"])
    return ("<details><summary>The lines of the map in words, each with its "
            'source</summary>\n<div class="pst-scrollable-table-container">'
            '<table class="table">\n<thead><tr><th>line</th><th>how</th>'
            f"<th>read in</th></tr></thead>\n<tbody>\n{rows}\n</tbody>"
            "</table></div></details>")
