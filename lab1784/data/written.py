"""Characters pasted into lines of text, and lines onto a page."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy import ndarray

from ..arguments import number, whole
from ..fonts import PATH


def trimmed(glyph: ndarray) -> ndarray:
    """A character (h, w), brightness 0 to 1, without the columns at its
    sides in which nothing is above 0.2."""
    used = np.flatnonzero(glyph.max(0) > 0.2)
    return glyph[:, used[0]:used[-1] + 1]


def text_lines(glyphs: Sequence[ndarray], codes: Sequence[int], seed: int,
               count: int, gap: tuple[int, int] | None,
               size: tuple[int, int] = (12, 60), most: int = 5,
               noise: float = 0.1, cell: int = 12
               ) -> tuple[ndarray, ndarray]:
    """Lines of 1 to `most` characters, and what stands in them.

    Args:
        glyphs: characters (h, w), ink is 1; codes: the label of each, >= 1.
        seed: of what stands where; the characters are drawn with it, too.
        count: how many lines.
        gap: least and largest number of pixels between two characters,
            whose empty sides are cut away; below zero they overlap.  None:
            uncut, one in each `cell` pixels.
        size: height and width of a line; a character that no longer fits
            ends it.
        noise: standard deviation of a pixel.

    Returns lines (count, H, W) float32 and codes (count, most) int64, 0
    after the end.  Each character lies up to a pixel high or low.  Raises
    TypeError or ValueError that names the argument.
    """
    rng, h = np.random.default_rng(whole("seed", seed, 0)), len(glyphs[0])
    x = np.zeros((whole("count", count, 1), *size), np.float32)
    texts = np.zeros((count, whole("most", most, 1)), np.int64)
    for line, text in zip(x, texts):
        at = int(rng.integers(0, 5))
        for k in range(int(rng.integers(1, most + 1))):
            i = int(rng.integers(len(glyphs)))
            glyph = glyphs[i] if gap is None else trimmed(glyphs[i])
            if gap is None:
                at = cell * k + 2
            elif k:
                at += int(rng.integers(gap[0], gap[1] + 1))
            if at + glyph.shape[1] > size[1]:
                break
            y = (size[0] - h) // 2 + int(rng.integers(-1, 2))
            place = line[y:y + h, at:at + glyph.shape[1]]
            np.maximum(place, glyph, out=place)
            at, text[k] = at + glyph.shape[1], codes[i]
    noise = number("noise", noise, 0)
    x += noise * rng.standard_normal(x.shape).astype(np.float32)
    return x, texts


def text_page(lines: ndarray, seed: int, sinks: int = 0, noise: float = 0.1
              ) -> tuple[ndarray, list[tuple[int, int, int, int]]]:
    """A page with these lines (n, h, w), free of noise, one below another.

    sinks: pixels by which the page's right edge lies too low.  Returns the
    page (n (h + 2) + 12, w + 24) float32 and the box of each line's ink:
    left, top, right, bottom, where right and bottom are just outside.
    Raises TypeError or ValueError that names the argument.
    """
    n, h, w = lines.shape
    rng = np.random.default_rng(whole("seed", seed, 0))
    page, found = np.zeros((n * (h + 2) + 12, w + 24), np.float32), []
    sinks = whole("sinks", sinks, 0, 12)
    for k, line in enumerate(lines):
        alone = np.zeros_like(page)
        x, y = int(rng.integers(2, 22)), (h + 2) * k + 3
        for column in range(w):
            top = y + sinks * (x + column) // (w + 24)
            alone[top:top + h, x + column] = line[:, column]
        there = np.argwhere(alone > 0.2)
        (top, left), (bottom, right) = there.min(0), there.max(0) + 1
        found.append((int(left), int(top), int(right), int(bottom)))
        page = np.maximum(page, alone)
    noise = number("noise", noise, 0)
    return (page + noise * rng.standard_normal(page.shape).astype(np.float32),
            found)


@functools.cache
def _font(size: int):
    from PIL import ImageFont
    return ImageFont.truetype(str(PATH), size)


def syllable(text: str, size: int = 13) -> ndarray:
    """One square of Hangul in the book's font, (13, 16) float32, ink is 1.
    size: of the font, in pixels, 8 to 13."""
    from PIL import Image, ImageDraw
    image = Image.new("L", (16, 13))
    ImageDraw.Draw(image).text(
        (1, 6.5), text, fill=255, font=_font(whole("size", size, 8, 13)),
        anchor="lm")
    return np.asarray(image, np.float32) / 255
