"""seven_steps: what its page must survive (see test_every_page.py)."""

import numpy as np
from scipy import stats


def equals_scipy(page):
    """Made by others: scipy's trim_mean."""
    x = np.random.default_rng(0).normal(size=(7, 23))
    for share in (0.0, 0.1, 0.25, 0.4):
        expected = stats.trim_mean(x, share, axis=-1)
        np.testing.assert_allclose(page["trimmed_mean"](x, share), expected)


def by_hand(page):
    """Worked out with a pencil: no derivation shared with the page."""
    x = np.array([100.0, 1.0, 3.0, 0.0])
    assert page["trimmed_mean"](x, 0.25) == 2.0


def experiment_by_others(page):
    """Every arm again, from the same draws, in a line each."""
    x = np.random.default_rng(1003).standard_t(3, size=(9, 40))
    others = {"mean": np.mean(x, axis=1), "median": np.median(x, axis=1),
              "trimmed": stats.trim_mean(x, 0.15, axis=1)}
    for arm, guess in others.items():
        got = page["run"](arm, 1003, strength=0.15, steps=9, tails=3)
        np.testing.assert_allclose(got["error"], np.abs(guess).mean())


ORACLES = [equals_scipy, by_hand, experiment_by_others]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Unsorted": ("np.sort(x, axis=-1)[..., k:n - k]", "x[..., k:n - k]"),
    "One end only": ("[..., k:n - k]", "[..., k:]"),
    "Divided by all": ("/ (n - 2 * k)", "/ n"),
    "Rounded up": ("int(share * n)", "int(np.ceil(share * n))"),
}

# What small runs are watched for; the same draws for every arm of a seed.
TRACES = {"run": dict(arms=["mean", "median", "trimmed"], steps=9)}
# "kind: words" -> an edit of an experiment cell, seen by value as well
EXPERIMENT = {
    "metric: the signed distance": ("np.abs(guess).mean()", "guess.mean()"),
    "rival: the mean of the middle": ("guess = x.mean(-1)",
                                      "guess = x[..., 1:-1].mean(-1)"),
    "pairing: one draw for all seeds": ("default_rng(seed)",
                                        "default_rng(0)"),
    "counting: the last value left out": ("size=(steps, 40))",
                                          "size=(steps, 39))"),
    "search: the share that is set is ignored": (
        "trimmed_mean(x, strength)", "trimmed_mean(x, 0.2)"),
}
# Kinds that this page cannot have, each with its reason.
NOT = {"exam": "nothing is trained here, so nothing can be learned",
       "labels": "there are no labels that could be among the values",
       "mode": "there is no network with a mode for training"}
TRAIN = {"arm": "trimmed", "seed": 1000, "steps": 5}

# strength at which the method's own code gives the baseline's metric
NULL = {"arm": "trimmed", "baseline": "mean", "strength": 0.0, "steps": 20}

WRONG = {
    "seven_steps-1": [("remaining = 16", "That drops one")],
    "seven_steps-2": [("freedom = 1.5", "heavy")],
    "seven_steps-3": [("mended = lambda x, share: x.mean(-1)", "At share")],
}
# Exercises that many answers solve, each with its reason.
OPEN = {"seven_steps-2": "every t distribution with light tails is an answer"}
