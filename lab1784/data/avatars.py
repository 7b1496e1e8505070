"""Avatars: small faces drawn by a program, of which everything is known.

Whoever edits a photograph has no second photograph to compare with.  Here
the same face can be drawn again with one factor changed, so the right answer
to "make the hair red" exists, pixel by pixel.

Coordinates run from -1 (left, top) to 1 (right, bottom).  A picture is a
stack of flat layers, each with a soft edge one pixel wide.
"""

import torch
from torch import Tensor

from .draws import integers, number, stream, uniform, whole

CATEGORIES = {
    "hair": ("black", "blond", "red"),
    "long": ("short", "long"),
    "glasses": ("none", "dark"),
    "smile": ("frown", "smile"),
    "hat": ("none", "woollen"),
    "background": ("blue", "green", "pink", "grey"),
}
"""Factors with names: a value is an index, each is equally likely."""

RANGES = {
    "skin": (0.0, 1.0),               # light to dark
    "x": (-0.12, 0.12),               # shift of the head
    "y": (-0.04, 0.08),
    "tilt": (-0.22, 0.22),            # radians, clockwise
    "width": (0.0, 1.0),              # of the face, narrow to wide
    "hair_shade": (-1.0, 1.0),        # dark to light
    "background_shade": (-1.0, 1.0),
}
"""Factors with a size: uniform within these bounds."""

LIMITS = {**RANGES, "x": (-0.5, 0.5), "y": (-0.5, 0.5), "tilt": (-1.0, 1.0)}
"""What can be drawn: wider than what is sampled, so that a head can move."""

PARTS = ("background", "hair", "skin", "eyes", "mouth", "glasses", "hat")
"""Channels of the masks, in this order."""

AFFECTS = {
    "hair": ("hair",), "hair_shade": ("hair",), "long": ("hair",),
    "glasses": ("glasses",), "smile": ("mouth",), "hat": ("hat",),
    "background": ("background",), "background_shade": ("background",),
    "skin": ("skin",), "x": PARTS, "y": PARTS, "tilt": PARTS, "width": PARTS,
}
"""Outside the masks of these parts, taken before and after, a change of
the factor leaves every pixel as it was, to the bit."""


def _rgb(*rows: tuple[float, float, float]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float32)


_HAIR = _rgb((.13, .11, .14), (.93, .77, .31), (.80, .30, .12))
_SKIN = _rgb((1.0, .87, .77), (.88, .66, .49), (.45, .29, .21))
_BACK = _rgb((.42, .66, .92), (.52, .80, .56), (.93, .68, .80),
             (.80, .80, .83))
_EYES, _LENS = _rgb((.10, .09, .12)), _rgb((.14, .15, .22))
_LIPS, _BLUSH = _rgb((.82, .13, .20)), _rgb((.93, .40, .36))
_WOOL, _BAND = _rgb((.15, .48, .52)), _rgb((.97, .95, .88))


# One colour a part, in the order of PARTS.
_TINTS = _rgb((0.96, 0.96, 0.94), (0.35, 0.20, 0.10), (0.95, 0.75, 0.55),
              (0.10, 0.35, 0.75), (0.85, 0.10, 0.25), (0.10, 0.10, 0.10),
              (0.10, 0.60, 0.45))


def avatar_factors(n: int, seed: int | torch.Generator) -> dict[str, Tensor]:
    """Draw the factors of `n` avatars, every factor independent of the rest.

    Args:
        n: number of avatars.
        seed: integer, or a `torch.Generator` on the CPU.

    Returns:
        name -> (N,) tensor: int64 indices for the names in `CATEGORIES`,
        float32 within `RANGES` for the others.

    Raises:
        TypeError, ValueError: an argument is not as described above.
    """
    n = whole("n", n, 1, 10**6)
    g = stream(seed, "avatars")
    factors = {k: integers(g, len(v), n) for k, v in CATEGORIES.items()}
    for name, (low, high) in RANGES.items():
        factors[name] = low + (high - low) * uniform(g, n)
    return factors


def counterfactual(factors: dict[str, Tensor],
                   **changes: int | float | Tensor) -> dict[str, Tensor]:
    """The same avatars with the named factors changed, and no other.

    Args:
        factors: as `avatar_factors` returns them; left as they are.
        changes: factor name -> one value for all, or an (N,) tensor.

    Returns:
        a new dictionary; draw it to see the exact counterfactual.

    Raises:
        TypeError, ValueError: a name is no factor, a value out of range.
    """
    changed = dict(_checked(factors))
    n = len(changed["hair"])
    if not changes:
        raise ValueError("changes should name at least one factor")
    for name, value in changes.items():
        if name not in changed:
            raise ValueError(f"factor should be one of {', '.join(changed)};"
                             f" got {name!r}")
        if not isinstance(value, Tensor):
            if name in CATEGORIES:
                value = whole(name, value, 0, len(CATEGORIES[name]) - 1)
            else:
                value = number(name, value, *LIMITS[name])
            value = torch.full((n,), value, dtype=changed[name].dtype)
        changed[name] = value
    return _checked(changed)


def draw_avatars(factors: dict[str, Tensor],
                 size: int = 16) -> tuple[Tensor, Tensor]:
    """Draw avatars.  No chance is involved: same factors, same picture.

    Args:
        factors: name -> (N,) tensor, as `avatar_factors` returns them.
        size: side S of a picture in pixels, 16 to 32.

    Returns:
        images (N, 3, S, S) float32 in [-1, 1];
        masks (N, 7, S, S) float32: the share of each pixel that shows the
        part, in the order of `PARTS`; they sum to one.

    Raises:
        TypeError, ValueError: a factor is missing, unknown, of another
            length than the rest, or out of range; or `size` is.
    """
    f = _checked(factors)
    size = whole("size", size, 16, 32)
    layers = _layers(f, size)
    shade = 0.06 * f["background_shade"][:, None]
    images = (_BACK[f["background"]] + shade)[:, :, None, None]
    for cover, colour, _ in layers:
        cover = cover.unsqueeze(1)
        images = images * (1 - cover) + cover * colour[:, :, None, None]

    # What a layer shows of itself is what the layers above leave free.
    masks = images.new_zeros(len(images), len(PARTS), size, size)
    free = torch.ones_like(masks[:, 0])
    for cover, _, part in reversed(layers):
        masks[:, PARTS.index(part)] += cover * free
        free = free * (1 - cover)
    masks[:, 0] = free
    return images * 2 - 1, masks


def tinted(part: Tensor) -> Tensor:
    """Parts as colours that a reader can tell apart.

    part: (N, S, S) int64, numbers into `PARTS`.
    Returns (N, 3, S, S) in [-1, 1].
    """
    return _TINTS[part].movedim(-1, 1) * 2 - 1


def _layers(f: dict[str, Tensor],
            size: int) -> list[tuple[Tensor, Tensor, str]]:
    """From back to front: cover (N, S, S), colour (N or 1, 3), part."""
    hair = _HAIR[f["hair"]] + 0.07 * f["hair_shade"][:, None]
    skin = f["skin"][:, None]
    skin = torch.where(skin < 0.5, _SKIN[0].lerp(_SKIN[1], 2 * skin),
                       _SKIN[1].lerp(_SKIN[2], 2 * skin - 1))

    f = {k: v.to(torch.float32)[:, None, None] for k, v in f.items()}
    line = (torch.arange(size, dtype=torch.float32) + 0.5) / size * 2 - 1
    x, y = line[None, None, :] - f["x"], line[None, :, None] - f["y"]
    cos, sin = torch.cos(f["tilt"]), torch.sin(f["tilt"])
    x, y = cos * x + sin * y, cos * y - sin * x
    side = x.abs()                      # faces are symmetric: draw one half

    def soft(distance: Tensor) -> Tensor:
        """Cover of a pixel at a signed distance (< 0: inside) to an edge."""
        return (0.5 - distance * size / 2).clamp(0, 1)

    def ellipse(u, cx, cy, a, b) -> Tensor:
        """Centre (cx, cy), half axes a, b; distance is approximate."""
        r = (((u - cx) / a) ** 2 + ((y - cy) / b) ** 2).sqrt()
        return soft((r - 1) * torch.minimum(a + 0 * f["x"], b + 0 * f["x"]))

    def box(u, cx, cy, a, b) -> Tensor:
        """Centre (cx, cy), half sides a, b."""
        return soft(torch.maximum((u - cx).abs() - a, (y - cy).abs() - b))

    face = 0.47 + 0.08 * f["width"]     # half the width of the face
    curl = 0.11 - (side / 0.24) ** 2 * 0.20
    mouth = 0.43 + torch.where(f["smile"] > 0, curl, -curl)
    fringe = -0.24 + 0.30 * x * (0.6 + x)
    hair_back = torch.maximum(
        ellipse(x, 0.0, -0.10, face + 0.15, 0.70),
        f["long"] * box(x, 0.0, 0.34, face + 0.15, 0.44))
    return [
        (hair_back, hair, "hair"),
        (box(x, 0.0, 0.90, 0.22, 0.32), 0.88 * skin, "skin"),      # neck
        (ellipse(side, face, 0.10, 0.10, 0.13), 0.94 * skin, "skin"),
        (ellipse(x, 0.0, 0.11, face, 0.61), skin, "skin"),
        (0.35 * ellipse(side, 0.32, 0.29, 0.11, 0.08), _BLUSH, "skin"),
        (torch.minimum(ellipse(x, 0.0, -0.08, face + 0.11, 0.70),
                       soft(y - fringe)), hair, "hair"),
        (ellipse(side, 0.21, 0.06, 0.075, 0.105), _EYES, "eyes"),
        (torch.minimum(soft((y - mouth).abs() - 0.06), soft(side - 0.24)),
         _LIPS, "mouth"),
        (f["glasses"] * torch.maximum(
            ellipse(side, 0.23, 0.07, 0.19, 0.16),
            box(x, 0.0, 0.02, face, 0.04)), _LENS, "glasses"),
        (f["hat"] * torch.minimum(
            ellipse(x, 0.0, -0.34, face + 0.13, 0.50),
            soft(y + 0.34)), _WOOL, "hat"),
        (f["hat"] * box(x, 0.0, -0.36, face + 0.16, 0.10), _BAND, "hat"),
        (f["hat"] * ellipse(x, 0.0, -0.84, 0.13, 0.13), _BAND, "hat"),
    ]


def _checked(factors: dict[str, Tensor]) -> dict[str, Tensor]:
    """`factors` if every one is there, of one length and within bounds."""
    if not isinstance(factors, dict):
        raise TypeError("factors should be a dict of tensors, as "
                        f"avatar_factors returns; got {type(factors)}")
    names = [*CATEGORIES, *RANGES]
    for name in [*factors, *names]:
        if name not in names or name not in factors:
            raise ValueError("factors should have exactly the names "
                             f"{', '.join(names)}; see {name!r}")
    n = None
    for name in names:
        value = factors[name]
        kind = torch.int64 if name in CATEGORIES else torch.float32
        if not isinstance(value, Tensor) or value.dtype != kind:
            raise TypeError(f"factors[{name!r}] should be a tensor of {kind}")
        n = len(value) if n is None and value.dim() == 1 else n
        if value.shape != (n,) or not n:
            raise ValueError(f"factors[{name!r}] should be of shape (N,), "
                             "with one N for all factors and at least 1; "
                             f"got {tuple(value.shape)}")
        low, high = LIMITS.get(name) or (0, len(CATEGORIES[name]) - 1)
        if not ((low <= value) & (value <= high)).all():
            raise ValueError(f"factors[{name!r}] should be from {low} to "
                             f"{high}, and not NaN")
    return {name: factors[name] for name in names}
