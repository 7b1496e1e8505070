"""The judge of avatars: scored anew, and its distance."""

import numpy as np
import pytest
import torch

from lab1784 import data
from lab1784.scorer import frechet, scorer
from tools.scorer import accuracy


def faces(seed, n=512, **changes):
    factors = data.avatar_factors(n, seed)
    if changes:
        factors = data.counterfactual(factors, **changes)
    return data.draw_avatars(factors, 16)[0]


def test_every_factor_is_read_on_faces_never_seen():
    for name, share in accuracy(scorer(), seed=4_711).items():
        assert share >= 0.995, name


def test_an_untrained_scorer_would_be_caught():
    torch.manual_seed(0)
    assert min(accuracy(type(scorer())().eval(), 4_711).values()) < 0.7


def test_distance_grows_with_damage():
    net, real = scorer(), faces(1)
    same = net.distance(real, faces(2))
    one_hat = net.distance(real, faces(2, hat=1))
    noise = torch.rand(512, 3, 16, 16)
    assert same < one_hat / 5 and one_hat < net.distance(real, noise)


def test_frechet_in_closed_form():
    """Two samples that differ by a shift and a scale along the axes."""
    x = np.random.default_rng(0).normal(size=(4000, 3))
    assert frechet(x, x + 2.0) == pytest.approx(12.0, abs=1e-6)
    s = np.cov(x, rowvar=False)
    assert frechet(x - x.mean(0), 3 * (x - x.mean(0))) == pytest.approx(
        4 * np.trace(s), abs=1e-6)
