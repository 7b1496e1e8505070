"""Draw the charts of chapter 1 from `assets/published.yml`, the stack and the visit.

    python -m tools.drawings            write the charts into assets/drawings
    python -m tools.drawings --check    exit 1 where a committed file differs

The same numbers give the same bytes: no date, no random ids, letters as
outlines, so that no reader needs our font.  Run from the repository's root.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.sax.saxutils import escape

import matplotlib
import yaml
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from lab1784.figures import STYLE, palette
from tools import nb

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


def _sheet(height: float, title: str):
    """A figure whose axes are a sheet of paper: 100 wide, 100 * height / 5.4 high."""
    figure = Figure(figsize=(5.4, height), layout="none")
    axes = figure.add_axes((0, 0, 1, 1))
    top = 100 * height / 5.4
    axes.set(xlim=(0, 100), ylim=(0, top), aspect="equal")
    axes.axis("off")
    axes.text(2, top - 5, title, fontsize=12, fontweight="bold", va="center")
    return figure, axes, top


def _box(axes, x: float, y: float, width: float, height: float, **style) -> None:
    """A box with round corners, its lower left corner at x, y."""
    axes.add_patch(FancyBboxPatch((x, y), width, height, **style,
                                  boxstyle="round,pad=0,rounding_size=1.4"))


def _spot(figure, label: str, page: str, x: float, y: float, width: float,
          height: float) -> None:
    """A link over a part of a sheet: to a notebook by its name, or to a place of the book.
    Raises ValueError where no notebook has the name."""
    if page.isidentifier():
        if page not in nb.sources():
            raise ValueError(f"drawings: no notebook is called {page!r}")
        page = nb.short(nb.sources()[page].with_suffix(".html"))
    unit, top = figure.get_figwidth() * 0.72, figure.get_figheight() * 72
    figure.spots = getattr(figure, "spots", "") + (
        f'<a href="root:{page}" aria-label="{escape(label)}"><rect x="{unit * x:.1f}" '
        f'y="{top - unit * (y + height):.1f}" width="{unit * width:.1f}" '
        f'height="{unit * height:.1f}" rx="5"/></a>\n')


# The parts of the stack in rows; what has no page is told in chapter 2.
TOLD = "chapters/2-stack.html#"
STACK = (   # x, y, width of a box, the Lab's?, its name, rows of (part, page)
    (2, 3, 96, False, "infrastructure",
     ((("farm of GPUs", "gpu_farm"), ("MLOps", TOLD + "a-run-that-can-be-found-again"),
       ("data pipelines", "data_pipeline")),)),
    (2, 25, 96, True, "AI technologies",
     ((("StarGAN", "stargan"), ("CutMix", "cutmix"), ("AdamP", "adamp"),
       ("ReXNet", "rexnet")), (("PiT", "pit"), ("PCME", "pcme"), ("CALM", "calm"),
                               ("ReBias", "rebias"), ("and others", "")))),
    (2, 56, 41, True, "Hyperscale AI",
     ((("HyperCLOVA", "hyperclova_prompting"),),
      (("Multimodal Backbone", TOLD + "hyperscale-ai-two-names-one-paper"),))),
    (47, 56, 51, True, "Core AI Engine",
     ((("ASR", "asr"), ("TTS", "tts"), ("OCR", "ocr")),
      (("images, video", "recognition"), ("forecasts", "forecasting")))),
    (2, 87, 96, False, "applications and solutions",
     ((("APIs", "serving"), ("on site  ·  apps  ·  AI speakers", "")),)))


def stack(_: Mapping[str, float]) -> Figure:
    """The layers of the AI stack from the ground up; those where the Lab works are filled."""
    figure, axes, _ = _sheet(6.15, "What is below is used above; the Lab works in blue")
    for x, y, width, lab, name, rows in STACK:
        high = 9 + 9 * len(rows)
        _box(axes, x, y, width, high, linewidth=1.6, edgecolor=LAB if lab else REST,
             facecolor=LAB if lab else palette["card"])
        ink = "white" if lab else INK
        axes.text(x + 2.5, y + high - 4.4, name, color=ink, fontsize=11, fontweight="bold",
                  va="center")
        for row, parts in enumerate(rows):
            left, low = x + 2.5, y + high - 16 - 9 * row
            for part, page in parts:
                wide = 1.64 * len(part) + 4
                if page:
                    _box(axes, left, low, wide, 7.4, linewidth=1.2, edgecolor=LAB,
                         facecolor=palette["card"])
                    _spot(figure, part, page, left, low, wide, 7.4)
                axes.text(left + (wide / 2 if page else 0), low + 3.6, part, fontsize=10,
                          va="center", ha="center" if page else "left",
                          color=LAB if page else ink, fontweight="bold" if page else None)
                left += wide + 2
    for x, y in ((50, 21), (22, 52), (72, 52), (22, 83), (72, 83)):
        axes.annotate("", (x, y + 4), (x, y), arrowprops={
            "arrowstyle": "-|>", "color": INK, "lw": 1.4, "shrinkA": 0, "shrinkB": 0})
    return figure


WALK = "chapters/7-building.html#"
STATIONS = (  # letter of the article's figure, place, what it does, its page or its section
    ("a", "the building", "seen from outside", WALK + "why-1784"),
    ("b", "robots with pens", "draw as a person would", "drawing_robot"),
    ("c", "delivery robots", "food and drinks, to any place", "delivery_robots"),
    ("d", "the gate", "recognises a face", "face_gate"),
    ("e", "elevators", "a screen names the quickest car", "elevators"),
    ("", "the telephone", "orders; no card and no cash", "phone_orders"),
    ("", "the car park", "tells where the car was left", "parked_car"),
    ("f", "the restaurant", "where a start-up's robots cook", WALK + "the-restaurant"),
    ("g", "charging stations", "robots charge themselves", "delivery_robots"),
    ("h", "space for start-ups", "of NAVER's own", WALK + "start-ups-and-a-clinic"),
    ("i", "welfare", "clinic, gym, cafés, shop, florist", WALK + "start-ups-and-a-clinic"),
    ("j", "the KAIST-NAVER centre", "for hypercreative AI", WALK + "the-kaist-naver-centre"),
    ("", "NAVER AI Lab", "robots pass here, too", WALK + "the-lab"))


def visit(_: Mapping[str, float]) -> Figure:
    """The places of the building in the order of the visit, with the figure's letters."""
    figure, axes, top = _sheet(7.2, "The visit, stop by stop")
    step, first = 9.1, top - 15
    bands = (("floors 1 and 2,\nopen to all", 1, 2), ("from floor 3:\nemployees", 3, 4),
             ("in the building,\nfloor not told", 5, 12))
    for name, start, end in bands:
        high, low = first - (start - 0.46) * step, first - (end + 0.46) * step
        _box(axes, 2, low, 96, high - low, linewidth=0, facecolor=palette["grid"], alpha=0.55)
        axes.text(4.5, (high + low) / 2, name, fontsize=10, va="center", linespacing=1.4)
    axes.plot([37, 37], [first, first - 12 * step], color=INK, lw=2, zorder=1)
    for row, (letter, place, does, page) in enumerate(STATIONS):
        y, runs = first - row * step, page.isidentifier()
        axes.plot(37, y, "o", ms=17, mew=1.8, color=LAB if runs else INK, zorder=2,
                  mfc=LAB if runs else palette["card"])
        axes.text(37, y, letter, color="white" if runs else INK, fontsize=10.5,
                  fontweight="bold", ha="center", va="center_baseline", zorder=3)
        axes.text(43, y + 1.9, place, fontsize=10.5, fontweight="bold", va="center",
                  color=LAB if runs else INK)
        axes.text(43, y - 2.1, does, fontsize=10, va="center")
        _spot(figure, f"{place}: {does}", page, 32, y - 4.2, 64, 8.4)
    axes.text(98, top - 5, "blue: a page to run", fontsize=10, color=LAB,
              ha="right", va="center", fontweight="bold")
    return figure


CHARTS: dict[str, Callable[[Mapping[str, float]], Figure]] = {
    "record-papers": papers, "record-shares": shares, "record-conferences": conferences,
    "stack": stack, "visit": visit}
# Title and description inside the file, for whoever opens it by itself.
WORDS = {
    "stack": ("The AI stack of NAVER CLOVA", "Infrastructure below, AI technologies above it, "
              "then Hyperscale AI beside the Core AI Engine, applications and solutions on top. "
              "The three boxes in which NAVER AI Lab works are filled."),
    "visit": ("The visit of the building 1784, stop by stop", "Thirteen stops on a line from top "
              "to bottom: " + "; ".join(place for _, place, _, _ in STATIONS) + ". Each has "
              "the letter of the article's figure, where it has one, and a few words.")}


def draw(name: str, p: Mapping[str, float]) -> bytes:
    """The SVG file of one chart.  Raises KeyError where a value is missing."""
    with matplotlib.rc_context(CHART):
        target = io.BytesIO()
        figure = CHARTS[name](p)
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    svg = target.getvalue()
    if spots := getattr(figure, "spots", ""):
        # Links of the site (tools/book_ext.py); `root:` as in building.svg.
        svg = svg.replace(b"</svg>", f'<g class="spots" fill="none" '
                          f'pointer-events="all">\n{spots}</g>\n</svg>'.encode(), 1)
    if name in WORDS:
        title, text = (f"<{tag}>{escape(words)}</{tag}>"
                       for tag, words in zip(("title", "desc"), WORDS[name]))
        svg = svg.replace(b"<metadata>", f"{title}{text}\n <metadata>".encode(), 1)
    return svg


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
