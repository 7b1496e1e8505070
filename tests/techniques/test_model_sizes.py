"""model_sizes: what this stop must survive (see test_every_page.py)."""

import itertools
from fractions import Fraction

import numpy as np

from lab1784.data.sizes import ARMS, COUNTS, WIDTHS, model_sizes


def scored_one_by_one(page):
    """Every share counted answer by answer."""
    record = model_sizes()
    for i, j, s, k in itertools.product(*map(range, (
            len(WIDTHS), len(ARMS), 5, len(COUNTS)))):
        hits = 0
        for q in range(512):
            hits += int(record["answers"][i, j, s, k, q]
                        ) == int(record["right"][s, q])
        assert page["shares"][i, j, s, k] == hits / 512
    for s, k in itertools.product(range(5), range(len(COUNTS))):
        assert page["longer"][s, k] == sum(
            a == b for a, b in zip(record["long"][s, k].tolist(),
                                   record["right"][s].tolist())) / 512


def the_best_reader_of_every_row(page):
    """All rows of k shots and a question: sure where the group was shown,
    one of the labels never shown where it was not."""
    for k, got in zip(COUNTS, page["best"]):
        right = Fraction(0)
        for sides in itertools.product((0, 1), repeat=k + 1):
            *shown, asked = sides
            left = 8 - len(set(shown))        # labels that may be its own
            right += Fraction(1, 1 if asked in shown else left)
        assert abs(got - right / 2 ** (k + 1)) < 1e-12


def each_label_once(page):
    """The page's questions: eight in a row, each label right in one."""
    for row in page["right"].reshape(5, 64, 8):
        assert (np.sort(row, axis=1) == np.arange(8)).all()


ORACLES = [scored_one_by_one, the_best_reader_of_every_row, each_label_once]

WRONG = {
    "model_sizes-1": [
        ("def count(d): return 17 * d * d + 200 * d", "read-out has biases"),
        ("def count(d): return 16 * d * d + 200 * d + 72", "vector before"),
        ("def count(d): return 9 * d * d + 189 * d + 72", "two blocks"),
        ("def count(d): return 17 * d * d + 168 * d + 72", "Positions"),
        ("def count(d): return 12 * 2 * d * d", "At 8 it is another")],
    "model_sizes-2": [('against = "all", 8, 43', "'few' or 'many'"),
                      ('against = "few", 3, 43', "0, 1, 2, 4 or 8"),
                      ('against = "few", 8, 0', "40 to 44"),
                      ('against = "few", 0, 43', "one in eight"),
                      ('against = "many", 1, 43', "ahead of the smaller")],
}
OPEN = {"model_sizes-2": "eleven choices are behind the next smaller model"}
