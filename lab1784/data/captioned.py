"""Captioned scenes: one or two coloured shapes, where they are, in words.

Picture, caption and boxes come from the same few integers, so that each can
serve as the ground truth for another.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ..arguments import listed
from .draws import integers, number, stream, uniform, whole

SHAPES = ("square", "circle", "triangle", "cross")
COLOURS = ("red", "green", "blue", "yellow")
PLACES = ("top left", "top right", "bottom left", "bottom right")
RELATIONS = ("left of", "right of", "above", "below")
VOCABULARY = ("<pad>", "<start>", "<end>", "a", "at", "the", "of", "left",
              "right", "top", "bottom", "above", "below", *COLOURS, *SHAPES)
"""Every word a caption can hold; a token id is an index into this."""
CAPTION_LENGTH = 10

_PAPER = (0.94, 0.93, 0.90)
_PAINT = ((0.84, 0.20, 0.18), (0.20, 0.62, 0.32),
          (0.18, 0.38, 0.80), (0.93, 0.75, 0.16))


class Scenes(NamedTuple):
    """N scenes; an absent second object has class and colour -1, box 0."""

    images: Tensor          # (N, 3, S, S) float32 in [0, 1]
    captions: list[str]     # "a red circle left of a blue cross"
    tokens: Tensor          # (N, 10) int64: <start>, words, <end>, <pad> ..
    boxes: Tensor           # (N, 2, 4) float32 x1, y1, x2, y2 in [0, 1]
    classes: Tensor         # (N, 2) int64, index into SHAPES
    colours: Tensor         # (N, 2) int64, index into COLOURS


def scenes(n: int, seed: int | torch.Generator, size: int = 32,
           two: float = 0.5) -> Scenes:
    """Draw scenes with captions and boxes.

    One object stands within a quarter of the picture, and its caption says
    which: "a red circle at the top left".  Two stand in opposite halves, and
    the caption relates the first to the second: "a red circle left of a blue
    cross", or above, or below.  Objects never overlap, edges are hard, and a
    box is exactly what the pixels of its object fill.

    Args:
        n: number of scenes.
        seed: integer, or a `torch.Generator` on the CPU.
        size: side S of a picture in pixels, even, 20 to 128; in
            smaller ones a cross and a circle can be the same pixels.
        two: probability that a scene has two objects.

    Raises:
        TypeError, ValueError: an argument is not as described above.
    """
    n = whole("n", n, 1, 10**6)
    two = number("two", two, 0, 1)
    size = whole("size", size, 20, 128)
    if size % 2:
        raise ValueError(f"size should be even; got {size}")
    g = stream(seed, "scenes")

    pair = uniform(g, n) < two
    place = integers(g, 4, n)               # of PLACES or of RELATIONS
    present = torch.stack((torch.ones_like(pair), pair), 1)
    classes = torch.where(present, integers(g, len(SHAPES), n, 2), -1)
    colours = torch.where(present, integers(g, len(COLOURS), n, 2), -1)

    # The room an object may use: from (0 or half) to (half or all), in x, y.
    half, object_id = size // 2, torch.arange(2)
    alone = torch.stack((place % 2, place // 2), 1)             # (N, 2) x, y
    alone = alone[:, None].expand(n, 2, 2)
    far = (place[:, None] % 2) ^ object_id                      # (N, 2)
    axis = (place // 2)[:, None, None] == torch.arange(2)       # (N, 1, 2)
    low = torch.where(pair[:, None, None], axis * far[:, :, None], alone)
    free = pair[:, None, None] & ~axis      # along this, the whole picture
    room = torch.where(free, size, half).expand(n, 2, 2)
    sides = size // 4 + integers(g, size // 4, n, 2)
    slack = room - sides[:, :, None] + 1
    start = low * half + (uniform(g, n, 2, 2) * slack).long()   # x1, y1

    images = torch.tensor(_PAPER, dtype=torch.float32)
    images = images.view(1, 3, 1, 1).repeat(n, 1, size, size)
    paint = torch.tensor(_PAINT, dtype=torch.float32)
    for i in range(2):
        inside = _shape(classes[:, i], sides[:, i], start[:, i], size)
        images = torch.where(inside[:, None],
                             paint[colours[:, i]][:, :, None, None], images)

    boxes = torch.cat((start, start + sides[:, :, None]), 2)
    boxes = (boxes * present[:, :, None]).to(torch.float32) / size
    captions = [_caption(*row) for row in zip(
        pair.tolist(), place.tolist(), classes.tolist(), colours.tolist())]
    tokens = torch.tensor([encode(c) for c in captions])
    return Scenes(images, captions, tokens, boxes, classes, colours)


def encode(caption: str) -> list[int]:
    """Token ids of a caption, CAPTION_LENGTH of them.

    Raises:
        TypeError: `caption` is not a string.
        ValueError: a word is not in VOCABULARY, or there are too many.
    """
    if not isinstance(caption, str):
        raise TypeError(f"caption should be a string; got {caption!r}")
    words = ["<start>", *caption.split(), "<end>"]
    unknown = [w for w in words if w not in VOCABULARY]
    if unknown or len(words) > CAPTION_LENGTH:
        raise ValueError("caption should hold at most "
                         f"{CAPTION_LENGTH - 2} words of VOCABULARY; "
                         f"got {caption!r}")
    words += ["<pad>"] * (CAPTION_LENGTH - len(words))
    return [VOCABULARY.index(w) for w in words]


def decode(tokens: Tensor | list[int]) -> str:
    """The caption of a row of token ids, without the three special ones.

    Raises:
        TypeError, ValueError: `tokens` holds something that is no token id.
    """
    ids = [whole("tokens", t, 0, len(VOCABULARY) - 1)
           for t in listed("tokens", tokens, "token ids")]
    return " ".join(VOCABULARY[i] for i in ids if i > 2)


def _caption(pair: bool, place: int, shape: list[int],
             colour: list[int]) -> str:
    first = f"a {COLOURS[colour[0]]} {SHAPES[shape[0]]}"
    if not pair:
        return f"{first} at the {PLACES[place]}"
    second = f"a {COLOURS[colour[1]]} {SHAPES[shape[1]]}"
    return f"{first} {RELATIONS[place]} {second}"


def _shape(shape: Tensor, side: Tensor, start: Tensor, size: int) -> Tensor:
    """Which pixels (N, S, S) an object fills; it touches its box all round.

    All in integers: u and v are twice the offset of a pixel's centre from
    the centre of the box, between -side and side.
    """
    line = torch.arange(size)
    side = side[:, None, None]
    u = 2 * (line[None, None, :] - start[:, 0, None, None]) + 1 - side
    v = 2 * (line[None, :, None] - start[:, 1, None, None]) + 1 - side
    box = (u.abs() < side) & (v.abs() < side)
    forms = (box, u**2 + v**2 <= side**2, 2 * u.abs() <= v + side + 1,
             torch.minimum(u.abs(), v.abs()) * 3 <= side)
    shape = shape[:, None, None]
    chosen = [(shape == k) & form for k, form in enumerate(forms)]
    return box & torch.stack(chosen).any(0)
