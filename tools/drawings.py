"""Draw the charts of chapter 1 from `assets/published.yml`.

    python -m tools.drawings            write assets/drawings/record-*.svg
    python -m tools.drawings --check    exit 1 where a committed file differs

The same numbers give the same bytes: no date, no random ids, letters as
outlines, so that no reader needs our font.  Run from the repository's root.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib
import yaml
from matplotlib.figure import Figure

from lab1784.figures import STYLE, palette

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "assets" / "drawings"
CHART = {**STYLE, "font.family": "DejaVu Sans", "font.size": 11,
         "svg.fonttype": "path", "svg.hashsalt": "1784",
         # A stacked bar is read along its length: no grid behind it.
         "axes.grid": False, "hatch.linewidth": 0.8}
LAB, REST, OTHERS, INK = (palette[k] for k in ("method", "plain", "rival", "ink"))


def published(path: Path = ROOT / "assets" / "published.yml") -> dict[str, float]:
    """Published values by key.  Raises OSError where the file is missing."""
    with open(path, encoding="utf-8") as stream:
        return {key: entry["value"] for key, entry in yaml.safe_load(stream).items()}


def _axes(height: float, title: str):
    """A figure as wide as a column of the book, and its only axes."""
    figure = Figure(figsize=(5.4, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.09, h_pad=0.07)
    axes = figure.add_subplot()
    # The title starts at the card's edge, above the row labels, not above the bars.
    figure.suptitle(title, x=0.015, ha="left", fontsize=12, fontweight="bold")
    axes.tick_params(left=False)
    axes.spines["left"].set_visible(False)
    return figure, axes


def _bar(axes, row: float, start: float, length: float, colour: str, text: str = "",
         hatch: str | None = None) -> None:
    """One piece of a bar, with its text in the middle."""
    fill, edge = (palette["card"], colour) if hatch else (colour, palette["card"])
    axes.barh(row, length, left=start, height=0.62, color=fill, edgecolor=edge, hatch=hatch)
    box = {"facecolor": palette["card"], "edgecolor": "none", "pad": 2.0} if hatch else None
    axes.text(start + length / 2, row, text, ha="center", va="center", bbox=box, fontsize=10.5,
              color=INK if hatch else "white", fontweight="bold")


def papers(p: Mapping[str, float]) -> Figure:
    """Papers at top venues: 2019 whole, 2021 and 2022 with the Lab's part."""
    figure, axes = _axes(3.1, "The count grows faster than the Lab's part of it")
    _bar(axes, 2, 0, p["clova_2019_papers"], REST, f"{p['clova_2019_papers']}", hatch="///")
    axes.text(p["clova_2019_papers"] + 1.5, 2, "no split by team in the source",
              va="center", fontsize=10)
    for row, year in ((1, 2021), (0, 2022)):
        whole, lab = p[f"clova_{year}_papers"], p[f"lab_{year}_papers"]
        _bar(axes, row, 0, lab, LAB, f"the Lab: {lab}")
        _bar(axes, row, lab, whole - lab, REST, f"rest: {whole - lab}")
        axes.text(whole + 1.5, row, f"{whole}", va="center", fontweight="bold")
    axes.set_yticks([2, 1, 0], ["2019, Clova", "2021, CLOVA", "2022, CLOVA,\nyear not over"])
    axes.set(xlim=(0, 100), xlabel="papers at top venues, as counted by each source")
    return figure


def shares(p: Mapping[str, float]) -> Figure:
    """Five percentages, sorted by the question that each answers."""
    figure, axes = _axes(3.2, "2022's two figures are near in size, not in kind")
    rows = {"of CLOVA's papers,\nwritten by the Lab":
            ("lab_2021_share_of_clova", "lab_2022_share_of_clova"),
            "of all NAVER's papers,\nwritten by the Lab": ("lab_2021_share_of_naver", None),
            "of the techniques,\nused in services":
            ("services_share_2021", "services_share_2022")}
    for row, (before, after) in zip((2, 1, 0), rows.values()):
        axes.axhline(row, color=palette["grid"], lw=1, zorder=0)
        axes.plot(p[before], row + 0.13, "o", ms=11, color=LAB, label="2021" if row == 2 else None)
        axes.text(p[before] + 3.2, row + 0.13, f"{p[before]} %", va="center", color=LAB,
                  fontweight="bold")
        if after is None:
            axes.text(p[before] + 3.2, row - 0.18, "2022: not given", va="center",
                      color=OTHERS, fontsize=10)
            continue
        derived = after == "lab_2022_share_of_clova"
        axes.plot(p[after], row - 0.16, "s", ms=10, color=OTHERS, mew=2,
                  mfc=palette["card"] if derived else OTHERS)
        note = ", our division" if derived else ""
        axes.text(p[after] + 3.2, row - 0.16, f"{p[after]} %{note}", va="center", color=OTHERS,
                  fontweight="bold")
    axes.plot([], [], "s", ms=9, color=OTHERS, label="2022")
    axes.plot([], [], "s", ms=9, mew=2, color=OTHERS, mfc=palette["card"], label="derived by us")
    axes.set_yticks([2, 1, 0], list(rows))
    axes.set(xlim=(0, 100), ylim=(-0.55, 2.5), xlabel="%")
    axes.legend(loc="lower center", ncols=3, bbox_to_anchor=(0.3, 0.99), fontsize=10,
                handletextpad=0.2)
    return figure


def conferences(p: Mapping[str, float]) -> Figure:
    """ICLR and ICASSP 2022: NAVER's own papers and its relatives'."""
    figure, axes = _axes(2.5, "Two digits: alone at ICLR, with LINE at ICASSP")
    for row, own, whole, rest in ((1, "iclr_2022_clova", "iclr_2022_all", "others: {}"),
                                  (0, "icassp_2022_naver", "icassp_2022_with_line", "LINE: {}")):
        _bar(axes, row, 0, p[own], LAB, f"{'CLOVA' if row else 'NAVER'}: {p[own]}")
        _bar(axes, row, p[own], p[whole] - p[own], OTHERS, rest.format(p[whole] - p[own]))
        axes.text(p[whole] + 0.3, row, f"{p[whole]}", va="center", fontweight="bold")
    axes.axvline(10, color=INK, lw=1.2, ls="--")
    axes.set_yticks([1, 0], ["ICLR 2022", "ICASSP 2022"])
    axes.set(xlim=(0, 18.6), ylim=(-0.5, 1.5), xlabel="accepted papers; dashed: ten")
    axes.set_xticks(range(0, 16, 5))
    return figure


CHARTS: dict[str, Callable[[Mapping[str, float]], Figure]] = {
    "record-papers": papers, "record-shares": shares, "record-conferences": conferences}


def draw(name: str, p: Mapping[str, float]) -> bytes:
    """The SVG file of one chart.  Raises KeyError where a value is missing."""
    with matplotlib.rc_context(CHART):
        target = io.BytesIO()
        CHARTS[name](p).savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()


def main(arguments: list[str]) -> int:
    """Write the charts, or with --check compare them."""
    p = published()
    stale = []
    for name in CHARTS:
        path, content = FOLDER / f"{name}.svg", draw(name, p)
        if path.is_file() and path.read_bytes() == content:
            continue
        stale.append(path.name)
        if "--check" not in arguments:
            FOLDER.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    if "--check" in arguments and stale:
        print(f"drawings: {', '.join(stale)} not as drawn from assets/published.yml; "
              "run python -m tools.drawings")
        return 1
    print(f"drawings: {len(CHARTS)} charts in assets/drawings, {len(stale)} rewritten")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
