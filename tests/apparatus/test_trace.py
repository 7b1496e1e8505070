"""The watch over experiments, on a small honest one and on spoilt copies."""

import numpy as np
import pytest

from tests import trace
from tests.house import mutate

PAGE = '''
import functools
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


def points(n, seed):
    g = torch.Generator().manual_seed(seed)
    y = torch.randint(3, (n,), generator=g)
    return torch.randn(n, 6, generator=g) + 2 * F.one_hot(y, 6), y


def train(arm, seed, steps, lr):
    x, y = points(60, seed)
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.ReLU(),
                        nn.Linear(8, 3))
    optimizer = torch.optim.SGD(net.parameters(), lr)
    order = torch.Generator().manual_seed(seed)
    coins = np.random.default_rng(seed)
    for _ in range(steps):
        i = torch.randint(len(x), (16,), generator=order)
        lam = coins.beta(1, 1) if arm == "mixed" else 1.0
        j = torch.from_numpy(coins.permutation(16))
        out = net(lam * x[i] + (1 - lam) * x[i][j])
        loss = (lam * F.cross_entropy(out, y[i])
                + (1 - lam) * F.cross_entropy(out, y[i][j]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net.eval()


@functools.cache
def examine(arm, seed, steps, lr):
    net = train(arm, seed, steps, lr)
    x, y = points(300, 10_000 + seed)
    with torch.no_grad():
        return (net(x).argmax(1) == y).float().mean().item()


def run(arm, seed, steps=3, lr=None):
    rate = lr or {"plain": 0.1, "mixed": 0.2}[arm]
    return {"accuracy": examine(arm, seed, steps, rate)}
'''
HOW = dict(arms=["plain", "mixed"], updates=3,
           rates=[("mixed", {}, 0.2), ("plain", {"lr": 0.5}, 0.5)])
START = "torch.manual_seed(seed)"
ORDER = "order = torch.Generator().manual_seed(seed)"
PLANTED = {
    "repeat": [(START, "pass")],
    "start": [(START, "torch.manual_seed(seed + len(arm) + (arm > 'n'))"),
              (START, "torch.manual_seed(seed); torch.rand(int(arm == 'mixed'))")],
    "every start": [(START, "torch.manual_seed(0)")],
    "batches": [(ORDER, ORDER[:-1] + " + (arm > 'n'))"),
                ("1.0\n", "1.0\n        arm < 'n' and torch.rand(1, "
                          "generator=order)\n")],
    "every batch": [(ORDER, "order = torch.Generator().manual_seed(0)")],
    "every seed": [("default_rng(seed)", "default_rng(7)")],
    "test": [("10_000 + seed", "10_000 + seed + (arm > 'n')")],
    "every test": [("10_000 + seed", "10_000")],
    "exam": [("x, y = points(300, 10_000 + seed)",
              "x, y = points(60, seed)")],
    "seed": [("10_000 + seed", "seed")],
    "mode": [("return net.eval()", "return net"),
             ("    with torch.no_grad():\n        return (net(x)",
              "    net.train()\n    if True:\n        return (net(x)")],
    "updates": [("range(steps)", "range(steps - 1)"),
                ("range(steps)", "range(steps + (arm > 'n'))")],
    "rate": [("rate = lr or {", "rate = {"), ('"mixed": 0.2', '"mixed": 2.0'),
             ("parameters(), lr)", "parameters(), 0.1)")]}


def page(*edit):
    space = {"__name__": "page_toy"}
    exec(mutate(PAGE, *edit) if edit else PAGE, space)
    return space


def test_an_honest_experiment_passes():
    assert list(trace.problems(page(), **HOW)) == []


@pytest.mark.parametrize("key,edit", [(k, e) for k, edits in PLANTED.items()
                                      for e in edits])
def test_a_spoilt_experiment_is_seen(key, edit):
    told = list(trace.problems(page(*edit), **HOW))
    assert key in {said.partition(":")[0] for said in told}, told


def test_what_is_by_design_is_not_told():
    edit, why = PLANTED["every test"][0], "one test for all"
    but = {"every test": why, "every seed": why}
    assert not list(trace.problems(page(*edit), **HOW, but=but))


BY_HAND = '''
import numpy as np
from sklearn.linear_model import LogisticRegression


def run(arm, seed, strength=1.0):
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=80)
    x = rng.normal(size=(80, 3)) + y[:, None]
    model = LogisticRegression(C=strength).fit(x[:40], y[:40])
    return {"accuracy": model.score(x[40:], y[40:])}
'''
DRAWN = '''
import numpy as np


def run(arm, seed, n=20):
    rng = np.random.default_rng(seed)
    return {"wait": float(np.mean([rng.exponential() for _ in range(n)]))}
'''


@pytest.mark.parametrize("source,how,edits", [
    (BY_HAND, dict(arms=["a", "b"], updates=1,
                   rates=[("a", {"strength": 3.0}, 3.0)]),
     {"exam": ("x[40:], y[40:]", "x[:40], y[:40]"),
      "rate": ("(C=strength)", "()"),
      "every start": ("default_rng(seed)", "default_rng(0)")}),
    (DRAWN, dict(arms=["a", "b"]),
     {"batches": ("default_rng(seed)", "default_rng(seed + (arm > 'a'))"),
      "every batch": ("default_rng(seed)", "default_rng(0)")})])
def test_pages_without_torch_are_watched(source, how, edits):
    for key, edit in {"": None, **edits}.items():
        space = {"__name__": "page_toy"}
        exec(mutate(source, *edit) if edit else source, space)
        told = list(trace.problems(space, **how))
        assert (not told) if not key else any(
            said.startswith(key + ":") for said in told), (key, told)


def test_everything_is_as_before():
    """The watch leaves nothing behind in torch, NumPy and scikit-learn."""
    import torch
    from sklearn.linear_model import LogisticRegression
    before = (torch.Generator, np.random.default_rng,
              LogisticRegression.fit, LogisticRegression.score)
    space = {"__name__": "page_toy"}
    exec(BY_HAND, space)
    trace.traced(space, "a", 0)
    assert before == (torch.Generator, np.random.default_rng,
                      LogisticRegression.fit, LogisticRegression.score)
    assert not torch.overrides._get_current_function_mode_stack()
