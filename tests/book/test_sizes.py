"""The record of three sizes is what the page's own functions make."""

import numpy as np
import pytest
import torch

from lab1784.data import sizes
from tools import sizes as tool

KEPT = sizes.model_sizes()


@pytest.fixture(scope="module")
def again():
    torch.set_num_threads(1)
    return tool.train(8, "few", 40, sizes.RATES[8, "few"])


def apart(made, i, j, s):
    """Largest difference of the shares that are right, and the share of
    the answers that differ; another CPU's last bits move a few."""
    old = KEPT["answers"][i, j, s]
    share = [(a == KEPT["right"][s]).mean(1) for a in (made, old)]
    return np.abs(share[0] - share[1]).max(), (made != old).mean()


def test_the_smallest_model_answers_again_as_it_did(again):
    gap, changed = apart(again["answers"], 0, 0, 0)
    assert gap <= 0.03 and changed <= 0.1
    own = [(a == KEPT["right_trained"][0]).mean()
           for a in (again["trained"], KEPT["trained"][0, 0, 0])]
    assert abs(own[0] - own[1]) <= 0.05
    assert again["weights"] == KEPT["weights"][0]


@pytest.mark.parametrize("place", [(0, 1, 0), (0, 0, 1), (1, 0, 0)])
def test_another_arm_seed_or_size_is_seen(again, place):
    assert apart(again["answers"], *place)[1] > 0.3


def test_answers_in_another_order_are_seen(again):
    assert apart(again["answers"][:, ::-1], 0, 0, 0)[0] > 0.03


def test_every_question_is_the_pages_own():
    page = tool.page_at(8)
    for s, seed in enumerate(sizes.SEEDS):
        _, labels, _, own = (x.numpy() - page["WORDS"]
                             for x in tool.exam(page, seed))
        assert (labels[:, -1] == KEPT["right"][s]).all()
        assert (own[:, -1] == KEPT["right_trained"][s]).all()
        for row, right, other in zip(labels, KEPT["right"][s],
                                     KEPT["other"][s]):
            assert set(row) == {right, other}


def test_a_model_of_each_width_has_its_weights():
    for width, weights in zip(sizes.WIDTHS, KEPT["weights"]):
        page = tool.page_at(width)
        assert sum(p.numel() for p in page["TinyGPT"]().parameters()
                   ) == weights
        assert page["TinyGPT"]().embed.embedding_dim == width
    assert set(sizes.RATES) == {(d, a) for d in sizes.WIDTHS
                                for a in sizes.ARMS}
    assert set(sizes.RATES.values()) <= set(tool.GRID)
    assert not set(tool.TRIED) & set(sizes.SEEDS)


def test_the_record_is_as_its_docstring_says():
    shapes = {k: v.shape for k, v in KEPT.items()}
    assert shapes == {
        "answers": (3, 2, 5, 5, 512), "long": (5, 5, 512), "right": (5, 512),
        "other": (5, 512), "trained": (3, 2, 5, 256),
        "right_trained": (5, 256), "weights": (3,)}
    assert all(v.dtype == np.uint8 and v.max() == 7
               for k, v in KEPT.items() if k != "weights")
    mine = sizes.model_sizes()
    mine["right"][:] = 0
    assert sizes.model_sizes()["right"].any()
