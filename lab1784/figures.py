"""Figures: one palette, image grids, alt text, the picture of a claim."""

from __future__ import annotations

import base64
import html
import io
import textwrap
from collections.abc import Sequence

import numpy as np

from .arguments import choice, number, said, texts, whole
from .claims import BOUND, checked, leave, unit_of

# Okabe and Ito's colours, which colour-blind readers can tell apart, a
# little darker so that each has 3:1 against the card behind it.
palette = {"method": "#0067a5", "rival": "#c14700", "plain": "#5f5f5f",
           "other": "#00795a", "fifth": "#9c4787", "sixth": "#8a6a00",
           "ink": "#1d1d1f", "card": "#fbfaf7", "grid": "#dcd9d2"}
CYCLE = [palette[k] for k in ("method", "rival", "other", "fifth", "sixth",
                              "plain")]
# Cards are opaque: dark ink on a light card is legible on light and dark
# pages alike, and prints.
STYLE = {
    "figure.facecolor": palette["card"], "axes.facecolor": palette["card"],
    "savefig.facecolor": palette["card"], "text.color": palette["ink"],
    "axes.labelcolor": palette["ink"], "axes.edgecolor": palette["ink"],
    "xtick.color": palette["ink"], "ytick.color": palette["ink"],
    "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.color": palette["grid"], "grid.linewidth": 0.6,
    "axes.axisbelow": True, "axes.titlesize": 11, "axes.titleweight": "bold",
    "axes.titlelocation": "left", "axes.labelsize": 10, "font.size": 10,
    "legend.frameon": False, "lines.linewidth": 1.8, "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "image.cmap": "gray", "image.interpolation": "nearest"}


def subplots(rows: int = 1, columns: int = 1, *, width: float = 7.0,
             height: float = 3.0, **more):
    """`plt.subplots` in the book's style; width and height in inches.

    Returns (figure, axes).  Raises TypeError or ValueError that names the
    argument.
    The style stays on for what is drawn into the axes afterwards.
    """
    whole("rows", rows, 1)
    whole("columns", columns, 1)
    width = number("width", width, 0.1, 100)
    height = number("height", height, 0.1, 100)
    import matplotlib.pyplot as plt
    from cycler import cycler
    plt.rcParams.update({**STYLE, "axes.prop_cycle": cycler(color=CYCLE)})
    return plt.subplots(rows, columns, figsize=(width, height), **more)


def show(fig, alt: str, panel: dict | None = None) -> None:
    """Display a figure as PNG with its alt text, then close it.

    fig: matplotlib figure.
    alt: what the figure shows, in words, for a reader who cannot see it;
         at least five words, and no measured number: a re-run moves it.
    panel: the grid of an interactive figure, kept in the output's
         metadata.

    Raises TypeError where fig is no figure, ValueError where alt says
    nothing.
    """
    if not hasattr(fig, "savefig"):
        raise TypeError("fig should be a matplotlib figure, got "
                        f"{said(fig)}")
    if not isinstance(alt, str) or len(alt.split()) < 5:
        raise ValueError("alt should say in at least five words what the "
                         f"figure shows, got {said(alt)}")
    if panel is not None and not isinstance(panel, dict):
        raise TypeError(f"panel should be a dict or None, got {said(panel)}")
    import matplotlib.pyplot as plt
    target = io.BytesIO()
    fig.savefig(target, format="png")
    plt.close(fig)
    meta: dict = {"image/png": {"alt": alt}}
    if panel is not None:
        meta["lab1784"] = {"panel": panel}
    leave({"image/png": lighter(target.getvalue()),
           "text/plain": f"<figure: {alt}>"}, meta)


def lighter(png: bytes) -> bytes:
    """The same picture as a palette PNG, a third of the size: with as few
    colours as keep every channel of every pixel within 12 of 255 (24 where
    all 256 are needed); with all its colours where that is not enough.
    """
    from PIL import Image, ImageChops
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    found = picture
    for colours, room in ((64, 12), (128, 12), (256, 24)):
        fewer = picture.quantize(
            colours, method=Image.Quantize.MAXCOVERAGE, kmeans=1,
            dither=Image.Dither.NONE)
        gap = ImageChops.difference(picture, fewer.convert("RGB"))
        if max(high for _, high in gap.getextrema()) <= room:
            found = fewer
            break
    target = io.BytesIO()
    found.save(target, format="png", optimize=True)
    return target.getvalue()


def image_grid(images, *, alt: str, titles: Sequence[str] | None = None,
               columns: int | None = None, size: float = 1.1,
               labels: Sequence[str] | None = None) -> None:
    """Show images in a grid.

    images: (N,H,W), (N,1,H,W) or (N,3,H,W), numbers; grey images share one
            scale, colour images lie in [0, 1] or in [-1, 1].
    titles: one an image, or None.   labels: one a row, or None.
    columns: images a row (all in one row where None).
    size:   inches an image.   alt: see `show`.

    Raises ValueError that names the argument where shapes or counts do not
    fit or a value is not finite.
    """
    try:
        x = np.asarray(images.detach() if hasattr(images, "detach")
                       else images, dtype=float)
    except (TypeError, ValueError):
        raise ValueError("images should be numbers of one shape, "
                         f"(N,H,W), got {said(images)}") from None
    if x.ndim == 0:
        raise ValueError("images should be numbers of one shape, (N,H,W), "
                         f"got {said(images)}")
    if x.ndim == 3:
        x = x[:, None]
    if x.ndim != 4 or x.shape[1] not in (1, 3) or 0 in x.shape:
        raise ValueError("images should be (N,H,W), (N,1,H,W) or (N,3,H,W) "
                         f"with N >= 1, got shape {tuple(x.shape)}")
    if not np.isfinite(x).all():
        raise ValueError("images should hold finite numbers only")
    low, high = x.min(), x.max()
    if x.shape[1] == 3 and (low < -2 or high > 2):
        raise ValueError("images in colour should lie in [0, 1] or in "
                         f"[-1, 1], got {low:g} to {high:g}")
    columns = len(x) if columns is None else whole("columns", columns, 1)
    rows = -(-len(x) // columns)
    size = number("size", size, 0.1, 20)
    if titles is not None:
        titles = texts("titles", titles, len(x), blank=True)
    if labels is not None:
        labels = texts("labels", labels, rows, blank=True)
    fig, axes = subplots(rows, columns, squeeze=False,
                         width=size * columns + (0.9 if labels else 0.0),
                         height=size * rows + 0.28 * sum(
                             any((titles or [])[r * columns:][:columns])
                             for r in range(rows)))
    if x.shape[1] == 3 and low < 0:
        x = (x + 1) / 2
    for i, ax in enumerate(axes.flat):
        ax.set(xticks=[], yticks=[])
        ax.grid(False)
        for side in ax.spines.values():
            side.set_visible(False)
        if i >= len(x):
            continue
        if x.shape[1] == 3:
            ax.imshow(x[i].transpose(1, 2, 0).clip(0, 1))
        else:
            ax.imshow(x[i, 0], vmin=low, vmax=high, cmap="gray",
                      interpolation="nearest")
        if titles is not None and titles[i]:
            ax.set_title(titles[i], fontsize=9, fontweight="normal",
                         loc="center")
        if labels is not None and i % columns == 0:
            ax.set_ylabel(labels[i // columns], rotation=0, ha="right",
                          va="center")
    show(fig, alt)


def draw_claim(record: dict) -> None:
    """The picture of a claim: left, every seed of every arm a dot, pairs
    joined; right, the paired differences, their interval, the bar as a
    dashed line, the verdict in words.

    record: what `claim` returned.
    """
    checked(record)
    fig, (left, right) = subplots(1, 2, width=7.6, height=3.1,
                                  width_ratios=[1.25, 1])
    arm, rival = record["arm"], record["baseline"]
    order = [k for k in record["arms"] if k not in (arm, rival)]
    order += [rival, arm]
    colours = {arm: palette["method"], rival: palette["rival"]}
    for k, name in enumerate(order):
        values = record["arms"][name]
        left.plot([k] * len(values), values, "o", ms=5, alpha=0.85,
                  color=colours.get(name, palette["plain"]))
    for a, b in zip(record["arms"][rival], record["arms"][arm]):
        left.plot([len(order) - 2, len(order) - 1], [a, b], lw=0.8,
                  color=palette["plain"], zorder=1)
    turn = 20 if max(map(len, order)) * len(order) > 34 else 0
    left.set_xticks(range(len(order)), order, rotation=turn,
                    ha="right" if turn else "center")
    left.set_xlim(-0.5, len(order) - 0.5)
    exact, unit = record["kind"] == "exact", unit_of(record)
    left.set_ylabel(_lines(unit, 34) + (
        "" if exact else f"\n{record['better']} is better"), fontsize=9)
    differences = [a - b for a, b in zip(record["arms"][arm],
                                         record["arms"][rival])]
    left.set_title(_lines(_came_out(record, differences), 38), fontsize=10)
    low, high = record["interval"]
    right.plot(differences, [0.0] * len(differences), "o", ms=5,
               color=palette["method"], alpha=0.6)
    right.plot([low, high], [-0.35] * 2, lw=3, color=palette["method"])
    right.plot(record["effect"], -0.35, "D", ms=7, color=palette["method"])
    right.axvline(0, color=palette["ink"], lw=0.8)
    bound = record[BOUND[record["kind"]]]
    sign = 1 if record["better"] == "higher" else -1
    lines = {"superior": [sign * bound], "no_worse": [-sign * bound]}.get(
        record["kind"], [-bound, bound])
    for x in lines:
        right.axvline(x, color=palette["rival"], lw=1.2, ls="--")
    right.margins(x=0.12)
    right.locator_params(axis="x", nbins=5)
    ends = right.get_xlim()
    inner = lines[-1] < sum(ends) / 2
    right.text(lines[-1], 0.97, f" {BOUND[record['kind']]} ".replace("_", " "),
               color=palette["rival"], fontsize=8, va="top",
               ha="left" if inner else "right",
               transform=right.get_xaxis_transform())
    right.set(yticks=[], ylim=(-0.7, 0.75))
    right.set_xlabel(_lines(f"{arm} \u2212 {rival}, {unit}", 42)
                     + "\ndots: seeds; thick: 95 % interval", fontsize=9)
    right.set_title(f"The claim {_said(record['verdict'])}", fontsize=10)
    show(fig, f"Claim {record['id']}. Left: {unit} of "
         f"{', '.join(order)}, one dot a seed. Right: paired differences of "
         f"{arm} and {rival} with their interval and the "
         f"{BOUND[record['kind']].replace('_', ' ')}. "
         f"Verdict: {record['verdict']}.")


def overview(*records: dict) -> None:
    """One picture of all claims of a page, a row each: the effect and its
    interval in units of the claim's bar, better to the right, with zero,
    the bar as a dashed line and the verdict in words.

    records: what `claim` returned, one or more.  Where a bar is zero, the
    unit is the end of the interval that is farther from zero.
    What lies outside of the picture is an arrow at its edge.
    """
    if not records:
        raise ValueError("records should be what claim(...) returned, one "
                         "or more")
    for record in records:
        checked(record)
    height = 0.85 + 0.62 * len(records)
    fig, ax = subplots(width=7.6, height=height)
    rows = [_in_bars(record) for record in records]
    spots = [x for row in rows for x in (*row[:3], *row[3])]
    left, right = (max(1.2 * min(spots), -4.0) - 0.2,
                   min(1.2 * max(spots), 4.5) + 0.2)
    ax.set(xlim=(left, right), ylim=(len(records) - 0.45, -0.55))
    ax.axvline(0, color=palette["ink"], lw=0.8, zorder=1)
    for y, (record, (effect, low, high, bars)) in enumerate(
            zip(records, rows)):
        colour = COLOURS[record["verdict"]]
        for bar in bars:
            ax.plot([bar] * 2, [y - 0.34, y + 0.34], lw=1.4, ls="--",
                    color=palette["ink"])
        ax.plot([low, high], [y, y], lw=3, color=colour, zorder=2)
        ax.plot(effect, y, "D", ms=7, color=colour, zorder=3)
        for edge, mark, beyond in ((left, "<", low < left),
                                   (right, ">", high > right)):
            if beyond:
                ax.plot(edge, y, mark, ms=8, color=colour, clip_on=False)
        ax.text(1.02, y, record["verdict"], color=colour, va="center",
                fontweight="bold", transform=ax.get_yaxis_transform())
    pairs = [f"{r['arm']} against {r['baseline']}\n"
             f"{_lines(unit_of(r), 36)}" for r in records]
    ax.set_yticks(range(len(records)), [
        pair if pairs.count(pair) == 1 else
        f"{r['id'].replace('-', ' ')}: {pair}"
        for r, pair in zip(records, pairs)], fontsize=9)
    ax.tick_params(axis="y", length=0)
    ax.grid(False, axis="y")
    ax.set_xlabel("effect in units of its bar (dashed); better is to the "
                  "right \u2192", fontsize=9)
    ax.set_title(_count([r["verdict"] for r in records]), fontsize=10)
    show(fig, f"Overview of {len(records)} claims, a row each: effect and 95 "
         "% interval in units of the claim's bar, better to the right. "
         + " ".join(f"{r['arm']} against {r['baseline']} in {unit_of(r)}: "
                    f"{r['verdict']}." for r in records))


def draw_start(live: Sequence[float], kept: dict, *, arm: str, loss: str,
               title: str, alt: str, smooth: int = 1, **axis) -> None:
    """First steps of a training, laid over the curves of recorded ones.

    live: losses of the steps trained here, of `arm`.
    kept: arm -> the recorded loss of every step; `arm` is one of them.
    loss: name of the loss, with its unit.   title, alt: see `show`.
    smooth: the recorded curves are means over so many steps.
    axis: what else `Axes.set` takes, such as ylim or yscale.

    Raises ValueError where `arm` is not among `kept`, or `smooth` is not a
    whole number from 1 on.
    """
    choice("arm", arm, tuple(kept))
    smooth = whole("smooth", smooth, 1)
    fig, ax = subplots(width=6.4, height=2.5)
    for name, colour in zip(kept, CYCLE):
        y = np.asarray(kept[name], dtype=float)
        y = y[:len(y) // smooth * smooth].reshape(-1, smooth).mean(1)
        x = smooth * np.arange(len(y)) + (smooth - 1) / 2
        ax.plot(x, y, color=colour, lw=0.8, label=f"{name}, recorded")
    ax.plot(live, color=palette["ink"], lw=1.8,
            label=f"{arm}, {len(live)} steps live")
    ax.set(xlabel="step", ylabel=loss, title=title, **axis)
    ax.legend(fontsize=8)
    show(fig, alt)


def strip(rows: dict, alt: str, after: int = 0) -> None:
    """Films as rows of frames, the last `after` of each in a red border.

    rows: name -> frames (T, 3, S, S) in [-1, 1], the same T for all.
    alt: see `show`.   Raises ValueError where the rows do not fit.
    """
    films = _films(rows, after)
    n = len(films[0])
    fig, axes = subplots(len(films), n, squeeze=False, width=0.62 * n + 1.5,
                         height=0.64 * len(films) + 0.1)
    for line, name, frames in zip(axes, rows, films):
        for i, (ax, frame) in enumerate(zip(line, frames)):
            ax.imshow(frame)
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            for side in ax.spines.values():
                side.set(visible=i >= n - after, color=RED, lw=2.5)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    show(fig, alt)


def film(rows: dict, alt: str, after: int = 0, fps: int = 6) -> None:
    """A strip for paper, and under it the same films side by side, which a
    reader opens and closes: nothing moves unasked.  See `strip`.

    fps: frames a second, at most 6: faster flicker can do harm.
    """
    from PIL import Image, ImageOps
    whole("fps", fps, 1, 6)
    strip(rows, alt, after)
    shots = []
    for i, row in enumerate(zip(*_films(rows, after))):
        late = i >= len(next(iter(rows.values()))) - after
        tiles = [ImageOps.expand(Image.fromarray((255 * frame).astype(
            np.uint8)), 1, RED if late else palette["card"])
            for frame in row]
        side = tiles[0].width + 1                  # a line between two
        shot = Image.new("RGB", (side * len(tiles), side), palette["card"])
        for k, tile in enumerate(tiles):
            shot.paste(tile, (side * k, 0))
        shots.append(shot)         # small; the page draws it eight times so
    target = io.BytesIO()
    shots[0].save(target, "gif", save_all=True, append_images=shots[1:],
                  duration=1000 // fps, loop=0)
    code = base64.b64encode(target.getvalue()).decode()
    told = html.escape(f"{', '.join(rows)}, from left to right. {alt}")
    names = html.escape(", ".join(rows))
    leave({"text/html": f"<details><summary>Play the film: {names}</summary>"
           f'<img src="data:image/gif;base64,{code}" alt="{told}" '
           f'width="{150 * len(rows)}" height="150" loading="lazy" '
           'style="image-rendering: pixelated">'
           "</details>", "text/plain": f"<film: {alt}>"}, {})


def _films(rows: dict, after: int) -> list:
    """Frames (T, S, S, 3) in [0, 1] of every row."""
    if not isinstance(rows, dict) or not rows:
        raise ValueError("rows should be a dict, name -> frames, got "
                         f"{said(rows)}")
    films = [np.asarray(frames, dtype=float) for frames in rows.values()]
    if any(f.ndim != 4 or f.shape[1] != 3 or f.shape != films[0].shape
           for f in films):
        raise ValueError("rows should hold frames (T, 3, S, S), the same for"
                         f" all; got {', '.join(str(f.shape) for f in films)}")
    whole("after", after, 0, len(films[0]))
    return [(f.transpose(0, 2, 3, 1).clip(-1, 1) + 1) / 2 for f in films]


RED = "#d00000"
COLOURS = {"holds": palette["method"], "does not hold": palette["rival"],
           "not settled": palette["plain"]}


def _in_bars(record: dict) -> tuple[float, float, float, list[float]]:
    """Effect, low and high in units of the bar, better is larger; where
    the bars stand."""
    bound = record[BOUND[record["kind"]]]
    sign = 1 if record["better"] == "higher" else -1
    low, high = sorted(sign * x for x in record["interval"])
    unit = bound or max(abs(low), abs(high)) or 1.0
    at = bound / unit
    bars = {"superior": [at], "no_worse": [-at]}.get(record["kind"],
                                                     [-at, at])
    return sign * record["effect"] / unit, low / unit, high / unit, bars


def _said(verdict: str, many: bool = False) -> str:
    """The verdict as a predicate of one claim or of many."""
    if verdict == "not settled":
        return f"{'are' if many else 'is'} not settled"
    return {"holds": "hold", "does not hold": "do not hold"}[
        verdict] if many else verdict


def _count(verdicts: list[str]) -> str:
    """'2 claims hold, 1 does not hold'."""
    counts = [(verdicts.count(v), v) for v in COLOURS if v in verdicts]
    said = [f"{n} {_said(v, n > 1)}" for n, v in counts]
    n = counts[0][0]
    said[0] = said[0].replace(" ", " claims " if n > 1 else " claim ", 1)
    return ", ".join(said)


def _came_out(record: dict, differences: list[float]) -> str:
    """cutmix above plain on every seed."""
    arm, rival, n = record["arm"], record["baseline"], len(differences)
    if record["kind"] in ("exact", "equal"):
        worst = max(abs(d) for d in differences)
        inside = worst <= record[BOUND[record["kind"]]]
        kind = BOUND[record["kind"]]
        return f"{arm} within the {kind} of {rival} on " + (
            "every seed" if inside else "some seeds only")
    above = sum(d > 0 for d in differences)
    below = sum(d < 0 for d in differences)
    word, k = ("above", above) if above >= below else ("below", below)
    where = "every seed" if k == n else f"{k} of {n} seeds"
    return (f"{arm} {word} {rival} on {where}" if k else
            f"{arm} equals {rival} on every seed")


def _lines(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width))
