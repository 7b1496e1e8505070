"""CGL: oracles, mistakes, null and wrong answers."""

import numpy as np
import pandas as pd
from fairlearn.metrics import equalized_odds_difference
from scipy import stats
from sklearn.linear_model import LogisticRegression


def people(seed, n=400, groups=3):
    """Classes and groups that do not mirror each other."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.3).astype(int)
    g = rng.choice(groups, size=n, p=np.arange(1, groups + 1)
                   / np.arange(1, groups + 1).sum())
    g = np.where(rng.random(n) < 0.4, y, g)
    return y, g


def gap_of_fairlearn(space):
    """Made by others: the difference of equalised odds, mean of the two."""
    for seed in range(3):
        y, g = people(seed, groups=2)
        answer = np.random.default_rng(seed).integers(2, size=len(y))
        want = equalized_odds_difference(y, answer, sensitive_features=g,
                                         agg="mean")
        np.testing.assert_allclose(space["gap"](answer == y, y, g), want)


def threshold_by_trying_all(space):
    """No curve: the rule "right from here on, wrong below" is counted for
    every confidence and for one above all; the highest of equals wins."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        confidence = np.round(rng.random(30) / 2 + 0.5, 2)
        right = rng.random(30) < confidence ** (seed % 3)
        right[:2] = False, True
        tried = [*sorted(set(confidence))[::-1]]
        hits = [np.sum(right == (confidence >= t)) for t in (2, *tried)]
        best = np.argmax(hits)
        got = space["best_threshold"](confidence, right)
        assert (got > 1 if best == 0 else got == tried[best - 1]), seed
    sure = space["best_threshold"](confidence, np.ones(30, bool))
    assert sure > 1


def split_cell_by_cell(space):
    """Sizes by the formula, nobody twice, others for another seed."""
    y, g = people(1)
    first = space["split_asked"](y, g, 0.25, np.random.default_rng(0))
    for c in (0, 1):
        for k in range(3):
            cell = (y == c) & (g == k)
            asked = cell.sum() - int(cell.sum() * 0.75)
            assert [(part & cell).sum() for part in first] == [
                int(0.8 * asked), asked - int(0.8 * asked)]
    assert not (first[0] & first[1]).any()
    other = space["split_asked"](y, g, 0.25, np.random.default_rng(1))
    assert (other[0] != first[0]).any() and (other[1] != first[1]).any()


def odds_and_weights_by_pandas(space):
    """Counted by a table of pandas; weighted, class and group part."""
    y, g = people(2)
    table = pd.crosstab(y, g, normalize="index").to_numpy()
    np.testing.assert_allclose(space["group_given_class"](y, g), table)
    w = space["reweigh"](y, g)
    frame = pd.DataFrame({"y": y, "g": g, "w": w})
    joint = frame.groupby(["y", "g"]).w.sum().unstack().to_numpy() / len(y)
    p = [frame[c].value_counts(normalize=True).sort_index() for c in "yg"]
    np.testing.assert_allclose(joint, np.outer(*p))
    assert all(frame.groupby(["y", "g"]).w.nunique() == 1)


def draws_have_the_odds(space):
    """Three groups, two classes, twenty thousand draws: chi-square."""
    y = np.repeat([1, 0], 20_000)
    chances = np.array([[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]])
    got = space["draw_groups"](y, chances, np.random.default_rng(0))
    for c in (0, 1):
        seen = np.bincount(got[y == c], minlength=3)
        assert stats.chisquare(seen, 20_000 * chances[c]).pvalue > 1e-4
    again = space["draw_groups"](y, chances, np.random.default_rng(1))
    assert (got != again).any()


def assigned_by_hand(space):
    """At the threshold a guess is believed; below it, the draw stands."""
    p = np.array([[0.9, 0.1], [0.3, 0.7], [0.45, 0.55], [0.6, 0.4]])
    never = np.array([[0.0, 1.0], [1.0, 0.0]])   # class 0 draws group 1
    y = np.array([0, 1, 1, 0])
    got = space["assign"](p, y, 0.7, never, np.random.default_rng(0))
    assert list(got) == [0, 1, 0, 1]
    all_sure = space["assign"](p, y, 0.0, never, np.random.default_rng(0))
    assert list(all_sure) == [0, 1, 1, 0]


def people_are_as_told(space):
    """Nine in ten agree; who shows is drawn apart; the means by the text."""
    x, y, g, shows = space["draw_people"](40_000, 0.3,
                                          np.random.default_rng(0))
    assert x.shape == (40_000, 33)
    np.testing.assert_allclose(
        [y.mean(), (y == g).mean(), shows.mean(), shows[y == 1].mean(),
         shows[g == 1].mean()], [0.5, 0.9, 0.3, 0.3, 0.3], atol=0.015)
    way, side = 2 * g - 1, 2 * y - 1
    np.testing.assert_allclose(
        [(x[:, 0] * side).mean(), (x[shows, 1] * way[shows]).mean(),
         (x[~shows, 1] * way[~shows]).mean(), (x[:, 2] * way).mean()],
        [0.9, 2.5, 0, 0.6], atol=0.03)
    rest = x - np.stack([0.9 * side, 2.5 * shows * way, 0.6 * way,
                         *[0 * y] * 30], axis=1)
    np.testing.assert_allclose(rest.std(axis=0), [1, 0.8] + [1] * 31,
                               atol=0.02)
    assert np.abs(np.corrcoef(rest.T) - np.eye(33)).max() < 0.03


def arms_again(space):
    """Every arm in a few lines, from the same people and the same coins."""
    seed, share, ratio, C = (1003, 0), 0.6, 0.2, 0.1
    rng = np.random.default_rng(seed)
    x, y, g, _ = space["draw_people"](2000, share, rng)
    new, new_y, new_g, _ = space["draw_people"](10_000, share, rng)
    learn, held = space["split_asked"](y, g, ratio, rng)
    asked = learn | held
    told = {c: g[asked & (y == c)].mean() for c in (0, 1)}
    coins = np.random.default_rng([1, *seed]).random(2000)

    def drawn(odds):                  # group 1 where the coin is high
        return (coins >= 1 - np.array([odds[c] for c in y])).astype(int)

    def guessed(rows):
        p = LogisticRegression(C=C, max_iter=500).fit(
            x[rows], g[rows]).predict_proba(x)[:, 1]
        return (p > 0.5).astype(int), np.maximum(p, 1 - p)
    (mine, sure), (theirs, _) = guessed(learn), guessed(asked)
    bars = sorted({2.0, *sure[held]})[::-1]
    bar = bars[int(np.argmax([np.sum(
        (mine == g)[held] == (sure[held] >= t)) for t in bars]))]
    kept = sure >= bar
    groups = {"plain": None, "labelled": g, "true": g, "pseudo": theirs,
              "believe": mine, "random": drawn(told),
              "cgl": np.where(kept, mine, drawn(told)),
              "mended": np.where(kept, mine, drawn(told)),
              "uniform": np.where(kept, mine, drawn({0: 0.5, 1: 0.5}))}
    believed = {"pseudo": 1.0, "believe": 1.0, "cgl": kept[~asked].mean()}
    believed["mended"] = believed["uniform"] = believed["cgl"]
    for arm, own in groups.items():
        rows = asked if arm == "labelled" else asked | True
        weight = None
        if own is not None:
            both = pd.Series(list(zip(y, np.where(asked, g, own))))[rows]
            one = [both.map(lambda t, i=i: t[i]).pipe(
                lambda s: s.map(s.value_counts())) for i in (0, 1)]
            weight = one[0] * one[1] / both.map(both.value_counts()) / len(
                both)
        right = LogisticRegression(max_iter=500).fit(
            x[rows], y[rows], weight).predict(new) == new_y
        want = [equalized_odds_difference(new_y, np.where(
            right, new_y, 1 - new_y), sensitive_features=new_g, agg="mean"),
            right.mean(), believed.get(arm, 0.0)]
        got = space["run"](arm, 1003, share=share, ratio=ratio, draws=1, C=C)
        np.testing.assert_allclose(list(got.values()), want, atol=5e-4,
                                   err_msg=arm)


def nobody_wrong(space):
    """Everybody shows the group: no guess is believed by the official
    lines, all of them by the mended ones."""
    got = {arm: space["run"](arm, 1001, share=1.0, draws=2)
           for arm in ("cgl", "mended", "random")}
    assert got["cgl"]["believed"] == 0 and got["mended"]["believed"] == 1
    assert got["cgl"]["gap"] == got["random"]["gap"]


def means_over_draws(space):
    """Known values: means of all draws, each on a seed of its own."""
    real, asked = space["one"], []
    space["one"] = lambda arm, seed, *_: (
        asked.append(seed) or (seed[1], 10.0 * seed[1], 0.5))
    try:
        got = space["run"]("cgl", 7, draws=4)
    finally:
        space["one"] = real
    assert asked == [(7, k) for k in range(4)]
    assert got == {"gap": 1.5, "accuracy": 15.0, "believed": 0.5}


ORACLES = [gap_of_fairlearn, threshold_by_trying_all, split_cell_by_cell,
           odds_and_weights_by_pandas, draws_have_the_odds, assigned_by_hand,
           means_over_draws, people_are_as_told, arms_again, nobody_wrong]

MISTAKES = {
    "A coin for the unsure": (
        "return (rng.random(len(y))[:, None] >= ends[:, :-1]).sum(axis=1)",
        "return rng.integers(ends.shape[1], size=len(y))"),
    "Turned threshold": ("max(axis=1) >= threshold",
                         "max(axis=1) < threshold"),
    "The class of a group": ("counts.sum(axis=1, keepdims=True)",
                             "counts.sum(axis=0, keepdims=True)"),
    "Wrong ones counted as right": ("roc_curve(right, confidence)",
                                    "roc_curve(~right, confidence)"),
    "The lowest of equals": ("thresholds[np.argmax(hits)]",
                             "thresholds[::-1][np.argmax(hits[::-1])]"),
    "By group alone": ("np.flatnonzero((y == c) & (g == k))",
                       "np.flatnonzero(g == k)"),
    "The class left out": (
        "joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)",
        "0 * joint + joint.sum(axis=0)"),
    "Upside down": ("return apart[y, g] / joint[y, g]",
                    "return joint[y, g] / apart[y, g]"),
}
TRAIN = dict(arm="cgl", seed=1000, draws=1)
NULL = dict(arm="cgl", baseline="believe", strength=0.0, draws=1)
TRACES = {"run": dict(arms=["cgl", "believe", "uniform", "mended", "pseudo"],
                      draws=1, updates=2, rates=[("cgl", {"C": 0.3}, 0.3)],
                      but={"start": "the rival's guesser is taught by all "
                                    "who have told, CGL's by four fifths"})}


def scramble(space):
    """Everybody gets the class of another, old and new people alike."""
    real = space["draw_people"]

    def draw_people(n, share, rng):
        x, y, g, shows = real(n, share, rng)
        return x, np.random.default_rng(n).permutation(y), g, shows
    space["draw_people"] = draw_people


CHANCE = dict(scramble=scramble, metric="accuracy", chance=0.5, room=0.03,
              arm="plain", seed=1000, draws=1)
EXPERIMENT = {
    "exam: the people it was trained on": (
        "test_x, test_y, test_g, _ = draw_people(10_000, share, rng)",
        "test_x, test_y, test_g = x, y, g"),
    "exam: threshold of those it learned from": (
        "    right = p[held].argmax(axis=1) == g[held]\n",
        "    held = taught\n    right = p[held].argmax(axis=1) == g[held]\n"),
    "labels: the proxy is the class": ("x[:, 2] += 0.6 * (2 * g - 1)",
                                       "x[:, 2] = y"),
    "metric: a signed gap": ("np.mean([abs(\n", "np.mean([(\n"),
    "metric: the larger of the two": ("return float(np.mean([abs(",
                                      "return float(np.max([abs("),
    "metric: believed among all": ("guessed[~(learn | held)].mean()",
                                   "guessed.mean()"),
    "rival: taught by four fifths": (
        'taught = asked if arm == "pseudo" else learn', "taught = learn"),
    "rival: those who told are guessed as well": (
        "return np.where(asked, g, given)", "return np.where(nobody, g, "
        "given)"),
    "rival: weights for plain": ('None if arm == "plain" else groups',
                                 'None if arm == "none" else groups'),
    "rival: the labelled part joins everybody": (
        'rows = learn | held if arm == "labelled"',
        'rows = learn | held if arm == "told"'),
    "rival: the coin is not fair": ("np.full((2, 2), 0.5)",
                                    "np.array([[0.6, 0.4]] * 2)"),
    "rival: mended believes nobody": ('or arm == "mended" and right.all()',
                                      'or arm == "mended" and not any(right)'),
    "pairing: the people are those of every seed": (
        "rng = np.random.default_rng(seed)",
        "rng = np.random.default_rng(seed[1])"),
    "pairing: the coins are those of every seed": (
        "np.random.default_rng([1, *seed])", "np.random.default_rng(1)"),
    "counting: the first draw left out": ("for k in range(draws)]",
                                          "for k in range(1, draws + 1)]"),
    "search: C is not handed on": ("LogisticRegression(C=C,",
                                   "LogisticRegression(C=1.0,"),
}
NOT = {"mode": "logistic regression has no layer that learns and measures "
               "in two ways"}

WRONG = {
    "cgl-1": [("right_by_draw, right_by_rule = 0.9, 0.9", "where it and"),
              ("right_by_draw, right_by_rule = 0.81, 0.9", "group 0, too"),
              ("right_by_draw, right_by_rule = 0.5, 0.9", "two ways"),
              ("right_by_draw, right_by_rule = 0.82, 0.5", "Always")],
    "cgl-2": [("weight_true, weight_coin = 0.2, 1", "upside down"),
              ("weight_true, weight_coin = 10, 1", "how many are both"),
              ("weight_true, weight_coin = 5, 5", "independent")],
    "cgl-3": [("against = (0.5, 0.1)", "ahead, or level"),
              ("against = (2, 0.1)", "between 0.05"),
              ("against = (0.5, 0.9)", "between 0.05")],
    "cgl-4": [("mended_odds = odds", "which people"),
              ("mended_odds = lambda y, g: odds(y, g).T", "other shares"),
              ("mended_odds = lambda y, g: np.ones((2, g.max() + 1)) / "
               "(g.max() + 1)", "other shares"),
              ("mended_odds = lambda y, g: 0.5", "A row a class")],
}
OPEN = {"cgl-3": "many worlds with few wrong guesses held out are answers"}
