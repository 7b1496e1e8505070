"""Two-part objects: a strong part beside a weak one, each enough alone.

A stands for the head of a dog, B for its legs: either tells the class, but
A is easier to see.  A network that is shown both learns A and neglects B.
"""

import torch
from torch import Tensor

from .draws import (choice, integers, normal, number, shuffled, stream,
                    whole)


def part_patterns(classes: int = 4, patch: int = 4,
                  patterns: int = 1784) -> Tensor:
    """The drawings of part A and part B for every class.

    Each is half light, half dark, so that brightness tells nothing; any two
    differ in at least a quarter of their cells, so that neither part of one
    class can be taken for a part of another.

    Args:
        classes: number of classes, 2 to 16.
        patch: side of a part in pixels, 3 to 16.
        patterns: seed of the drawings.

    Returns:
        (classes, 2, patch, patch) float32 of -1 and +1.
    """
    classes = whole("classes", classes, 2, 16)
    cells = whole("patch", patch, 3, 16) ** 2
    g = stream(whole("patterns", patterns, 0, 2**63 - 1), "part_patterns")
    found = torch.empty(0, cells, dtype=torch.float32)
    while len(found) < 2 * classes:
        light = shuffled(g, cells) < cells // 2
        sign = light.to(torch.float32) * 2 - 1
        if ((found != sign).sum(1) >= cells // 4).all():
            found = torch.cat((found, sign[None]))
    return found.view(classes, 2, patch, patch)


def two_part(n: int, seed: int | torch.Generator, parts: str = "AB",
             strong: float = 1.0, weak: float = 0.6, noise: float = 0.25,
             size: int = 14, classes: int = 4, patch: int = 4,
             patterns: int = 1784) -> tuple[Tensor, Tensor, Tensor]:
    """Draw objects of two parts, A at the left and B at the right.

    With an integer seed, `parts` changes nothing but the part that is left
    out: labels, places and noise stay, so that pictures with and without a
    part are pairs.  A generator moves on: draw a training set, then a test
    set from the same one.  Both have the same classes, for these come from
    `patterns` alone.

    Args:
        n: number of pictures.
        seed: integer, or a `torch.Generator` on the CPU.
        parts: "AB", "A" (B is hidden) or "B" (A is hidden).
        strong, weak: contrast of A and of B; a pattern is +-1 times this.
        noise: standard deviation of the Gaussian noise on every pixel.
        size: side of a picture in pixels, 2 * patch to 256.
        classes: number of classes, 2 to 16.
        patch: side of a part in pixels, 3 to 16.
        patterns: seed of the class patterns.

    Returns:
        images (N, 1, S, S) float32, background 0;
        labels (N,) int64;
        masks (N, 2, S, S) float32, 1 where A and where B is drawn, and 0
        everywhere for a part that is hidden.

    Raises:
        TypeError, ValueError: an argument is not as described above.

    Source: this book; the question is that of CutMix (ICCV 2019), which
    parts of an object a classifier uses.
    """
    n = whole("n", n, 1, 10**6)
    shown = choice("parts", parts, ("AB", "A", "B"))
    contrast = torch.tensor([number("strong", strong, 0, 100),
                             number("weak", weak, 0, 100)],
                            dtype=torch.float32)
    noise = number("noise", noise, 0, 100)
    drawn = part_patterns(classes, patch, patterns).flatten(2)  # (K, 2, q*q)
    size = whole("size", size, 2 * patch, 256)
    g = stream(seed, "two_part")

    labels = integers(g, classes, n)
    top = integers(g, size - patch + 1, n).view(n, 1, 1)
    left = integers(g, size - 2 * patch + 1, n).view(n, 1, 1)
    images = noise * normal(g, n, 1, size, size)

    # Where is each pixel, seen from the top left corner of part 0 and 1?
    line = torch.arange(size)
    y = (line.view(1, 1, size) - top).unsqueeze(3)           # (N, 1, S, 1)
    x = line.view(1, 1, size) - left - patch * torch.tensor([[[0], [1]]])
    x = x.unsqueeze(2)                                       # (N, 2, 1, S)
    inside = (0 <= y) & (y < patch) & (0 <= x) & (x < patch)
    cell = torch.where(inside, y * patch + x, 0)             # (N, 2, S, S)
    ink = drawn[labels].gather(2, cell.flatten(2)).view(cell.shape)

    keep = torch.tensor([[part in shown] for part in "AB"]).view(1, 2, 1, 1)
    masks = (inside & keep).to(torch.float32)
    ink = ink * masks * contrast.view(1, 2, 1, 1)
    images = images + ink.sum(1, keepdim=True)
    return images, labels, masks
