"""One question asked three times: oracles, mistakes, null, wrong answers."""

import itertools

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from torch import nn

from lab1784 import data
from tests.anew import deal_coloured, quadruples
from tests.house import load

STEPS = dict(steps=6)


def brute_kernel(z):
    """By scipy; the median of all entries of the matrix, the lower one."""
    apart = cdist(z, z, "sqeuclidean")
    width = np.sort(apart, axis=None)[(apart.size - 1) // 2]
    return np.exp(-apart / (2 * width))


def hsic_by_all_quadruples(space):
    """Brute force: the U-statistic, every four different pictures."""
    g = torch.Generator().manual_seed(0)
    for m in (5, 6):
        a = torch.randn(m, 3, generator=g)
        b = torch.cat([a[:, :1] ** 2, torch.randn(m, 1, generator=g)], 1)
        K, L = brute_kernel(a.numpy()), brute_kernel(b.numpy())
        got = space["hsic"](a, b).item()
        assert abs(got - quadruples(K, L)) < 1e-5


def hsic_of_the_independent_has_mean_zero(space):
    """Over all orders of six rows the mean is zero; a copy is above it."""
    g = torch.Generator().manual_seed(1)
    a, b = torch.randn(2, 6, 2, generator=g)
    orders = [space["hsic"](a, b[list(p)]).item()
              for p in itertools.permutations(range(6))]
    assert abs(np.mean(orders)) < 1e-5
    assert space["hsic"](a, 2 * a + 1) > np.quantile(orders, 0.95)


def the_other_pages_agree(space):
    """One bench: ReBias's measure and CGL's rules are those of the pages
    that teach them."""
    rebias, cgl = load("rebias"), load("cgl")
    g = torch.Generator().manual_seed(2)
    a, b = torch.randn(20, 7, generator=g), torch.randn(20, 4, generator=g)
    want = rebias["hsic"](rebias["rbf"](a), rebias["rbf"](b))
    assert abs(space["hsic"](a, b) - want) < 1e-6
    rng = np.random.default_rng(0)
    y = np.r_[np.arange(10), rng.integers(10, size=400)]
    c = np.where(rng.random(410) < 0.7, y, rng.integers(10, size=410))
    c[:10] = np.arange(10)
    told = np.arange(410) < 200
    np.testing.assert_allclose(space["reweigh"](y, c), cgl["reweigh"](y, c))
    sure, right = np.round(rng.random(60), 1), rng.random(60) < 0.5
    assert space["best_threshold"](sure, right) == cgl["best_threshold"](
        sure, right)
    odds = cgl["group_given_class"](y[told], c[told])
    assert (space["draw_groups"](y, c, told, np.random.default_rng(3))
            == cgl["draw_groups"](y, odds, np.random.default_rng(3))).all()


def threshold_by_trying_all(space):
    """No curve: every confidence is tried; the highest of equals wins."""
    for seed in range(30):
        rng = np.random.default_rng(seed)
        sure = np.round(rng.random(24), 1)
        right = rng.random(24) < sure
        right[:2] = False, True
        tried = [2.0, *sorted(set(sure))[::-1]]
        hits = [np.sum(right == (sure >= t)) for t in tried]
        best = int(np.argmax(hits))
        got = space["best_threshold"](sure, right)
        assert (got > 1 if best == 0 else got == tried[best]), seed
    assert space["best_threshold"](sure, np.ones(24, bool)) == np.inf


def draws_have_the_odds(space):
    """Chi-square against the counts of those told, by pandas."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(10), 2000)
    c = np.where(rng.random(20_000) < 0.6, y,
                 (y + 1 + rng.integers(3, size=20_000)) % 10)
    told = np.arange(20_000) % 20 == 0
    odds = pd.crosstab(y[told], c[told], normalize="index").to_numpy()
    got = space["draw_groups"](y, c, told, np.random.default_rng(1))
    for k in range(10):
        may = odds[k] > 0
        seen = np.bincount(got[y == k], minlength=10)
        assert not seen[~may].any()
        assert stats.chisquare(seen[may], 2000 * odds[k][may]).pvalue > 1e-4


def weights_by_pandas(space):
    """Weighted, class and colour part; a cell has one weight."""
    rng = np.random.default_rng(1)
    y = np.r_[np.arange(10), rng.integers(10, size=500)]
    c = np.where(rng.random(510) < 0.5, y, rng.integers(10, size=510))
    frame = pd.DataFrame({"y": y, "c": c, "w": space["reweigh"](y, c)})
    joint = frame.groupby(["y", "c"]).w.sum() / len(y)
    p = [frame[k].value_counts(normalize=True) for k in "yc"]
    for (a, b), share in joint.items():
        assert abs(share - p[0][a] * p[1][b]) < 1e-12
    assert all(frame.groupby(["y", "c"]).w.nunique() == 1)


def shares_by_hand(space):
    """Picture by picture and paper by paper."""
    g = torch.Generator().manual_seed(3)
    y = torch.randint(10, (30,), generator=g)
    said = torch.randint(10, (30, 10), generator=g)
    said[:10], said[10:14] = y[:10, None], torch.arange(10)
    pairs = [(a, k, d) for row, d in zip(said.tolist(), y.tolist())
             for k, a in enumerate(row) if k != d]
    want = (np.mean([a == k for a, k, _ in pairs]),
            np.mean([a == d for a, _, d in pairs]))
    np.testing.assert_allclose(space["shares"](said, y), want, rtol=1e-6)


def papers_of_the_data(space):
    """The paper of a digit's own colour is the one that the data paint."""
    own = data.coloured_digits(5, 1.0, test_rho=1.0)
    mixed = data.coloured_digits(5, 1.0, test_rho=0.3)
    papers = space["data"].on_all_colours(mixed.test_images)
    rows = torch.arange(len(papers))
    assert torch.equal(papers[rows, own.test_labels], own.test_images)
    assert torch.equal(papers[rows, mixed.test_colours], mixed.test_images)


def measured_on_known_answers(space):
    """run() of answers whose shares a pencil can count."""
    y = torch.tensor([3, 3, 7, 0])
    said = y[:, None].repeat(1, 10)
    said[0], said[1, 3], said[2, :5] = torch.arange(10), 4, 8
    real = space["answers"]
    space["answers"] = lambda *a, **k: (said, y)
    try:
        got, follow = space["run"]("plain", 0), space["follow"]
        cues = [follow(c, 0)["share"] for c in ("colour", "digit")]
    finally:
        space["answers"] = real
    want = {"all": (1 + 9 + 5 + 10) / 40, "own": 3 / 4,
            "other": (9 + 4 + 9) / 36, "colour": 9 / 36}
    assert {k: round(v, 6) for k, v in got.items()} == {
        k: round(v, 6) for k, v in want.items()}
    np.testing.assert_allclose(cues, [want["colour"], want["other"]],
                               rtol=1e-6)


def groups_by_hand(space):
    """Who is told, guessed and drawn, from the same coins."""
    s = data.coloured_digits(1003, 0.9)
    x = s.train_images.flatten(1).numpy()
    y, c = s.train_labels.numpy(), s.train_colours.numpy()
    n = len(y)
    learn, held = space["ask"](n, 0.2, np.random.default_rng(4))
    order = np.random.default_rng(4).permutation(n)[:round(0.2 * n)]
    cut = int(0.8 * len(order))
    assert set(np.flatnonzero(learn)) == set(order[:cut])
    assert set(np.flatnonzero(held)) == set(order[cut:])
    told = learn | held
    odds = pd.crosstab(y[told], c[told], normalize="index").reindex(
        columns=range(10), fill_value=0).to_numpy()
    coins = np.random.default_rng(5).random(n)
    drawn = np.array([min(int(np.searchsorted(np.cumsum(odds[k]), u,
                                              side="right")), 9)
                      for k, u in zip(y, coins)])

    def model(rows):
        m = LogisticRegression(max_iter=3000).fit(x[rows], c[rows])
        p = m.predict_proba(x)
        return m.classes_[p.argmax(1)], p.max(1)
    mine, sure = model(learn)
    levels = [2.0, *sorted(set(sure[held]))[::-1]]
    right = (mine == c)[held]
    bar = levels[int(np.argmax([np.sum(right == (sure[held] >= t))
                                for t in levels]))]
    if right.all():
        bar = 2.0
    want = {"told": c, "true": c, "drawn": np.where(told, c, drawn),
            "believed": np.where(told, c, model(told)[0]),
            "cgl": np.where(told, c, np.where(sure >= bar, mine, drawn))}
    for arm, groups in want.items():
        got = space["groups_for"](arm, x, y, c, learn, held,
                                  np.random.default_rng(5))
        assert (got == groups).all(), arm
    assert (want["cgl"] != want["drawn"]).any()
    assert (want["cgl"] != want["believed"]).any()


def arms_again(space):
    """Every arm in a few lines: the loss, the steps, the examination."""
    seed, lr, steps, ratio = 1004, 0.02, 6, 0.1
    s = data.coloured_digits(seed, 0.9)
    x, y = 2 * s.train_images - 1, s.train_labels
    flat, labels, c = (x.flatten(1).numpy(), y.numpy(),
                       s.train_colours.numpy())
    test = torch.stack([torch.where(
        (s.test_images == 1).all(1, keepdim=True), torch.ones(()),
        (paper / 255)[:, None, None]) for paper in data.COLOURS_OF_DIGITS],
        1) * 2 - 1

    def hsic(a, b):
        K, L = (torch.exp(-d / (2 * d.detach().median())) * (
            1 - torch.eye(len(a))) for d in (
            (z[:, None] - z[None]).square().sum(2) for z in (a, b)))
        m = len(a)
        return ((K @ L).trace() + K.sum() * L.sum() / (m - 1) / (m - 2)
                - 2 * (K @ L).sum() / (m - 2)) / m / (m - 3)

    for arm in space["ARMS"]:
        rng = np.random.default_rng(seed)
        learn, held = space["ask"](len(labels), ratio, rng)
        told, w = learn | held, np.ones(len(labels))
        rows = told if arm == "told" else told | True
        if arm not in ("plain", "rebias"):
            groups = space["groups_for"](arm, flat, labels, c, learn, held,
                                         rng)
            both = pd.DataFrame({"y": labels, "c": groups})[rows]
            sizes = [both.groupby(k).y.transform("size") for k in
                     ("y", "c", ["y", "c"])]
            w[rows] = sizes[0] * sizes[1] / sizes[2] / len(both)
        w = torch.tensor(w, dtype=torch.float32)
        torch.manual_seed(seed)
        f = nn.Sequential(nn.Flatten(), nn.Linear(192, 192),
                          nn.BatchNorm1d(192), nn.ReLU(), nn.Linear(192, 48),
                          nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 10))
        g = nn.Sequential(nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.ReLU(),
                          nn.Conv2d(8, 24, 1), nn.BatchNorm2d(24), nn.ReLU(),
                          nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                          nn.Linear(24, 10))
        adams = [torch.optim.Adam(net.parameters(), weight_decay=1e-4)
                 for net in (f, g)]
        draw = torch.Generator().manual_seed(seed)
        taught = torch.tensor(np.flatnonzero(rows))
        for t in range(steps):
            i = taught[torch.randint(len(taught), (100,), generator=draw)]
            z = f[:-1](x[i])
            if arm == "rebias":
                v = g[:-1](x[i])
                losses = [F.cross_entropy(g[-1](v), y[i])
                          - hsic(v, z.detach())]
                moved(adams[1], losses[0], lr, t, steps)
                extra = 20 * hsic(z, g[:-1](x[i]).detach())
            else:
                extra = 0
            log_p = f[-1](z).log_softmax(1)[torch.arange(100), y[i]]
            moved(adams[0], -(w[i] * log_p).mean() + extra, lr, t, steps)
        f.eval()
        if arm == "rebias":
            body, head = space["fit"](x, y, w, taught, seed, 20, steps, lr)
            with torch.no_grad():
                torch.testing.assert_close(head(body(test[:, 0])),
                                           f(test[:, 0]), atol=2e-4,
                                           rtol=1e-3)
        with torch.no_grad():
            said = torch.stack([f(test[:, k]).argmax(1)
                                for k in range(10)], 1)
        hit = (said == s.test_labels[:, None]).double()
        own = hit[torch.arange(600), s.test_labels].mean()
        want = [hit.mean(), own, (hit.sum() - 600 * own) / 5400]
        got = space["run"](arm, seed, rho=0.9, ratio=ratio, steps=steps,
                           lr=lr)
        np.testing.assert_allclose([got["all"], got["own"], got["other"]],
                                   want, atol=2e-3, err_msg=arm)


def moved(adam, loss, lr, t, steps):
    adam.param_groups[0]["lr"] = lr if t < steps * 2 / 3 else lr / 10
    adam.zero_grad()
    loss.backward()
    adam.step()


def weights_at_no_strength_are_none(space):
    """The power 0 of every weight is one: plain training, to the bit."""
    plain = space["run"]("plain", 1000, **STEPS)
    for arm in ("true", "believed", "cgl"):
        assert space["run"](arm, 1000, strength=0.0, **STEPS) == plain
        assert space["run"](arm, 1000, **STEPS) != plain


ORACLES = [shares_by_hand, hsic_by_all_quadruples,
           hsic_of_the_independent_has_mean_zero, threshold_by_trying_all,
           draws_have_the_odds, weights_by_pandas, papers_of_the_data,
           measured_on_known_answers, groups_by_hand,
           weights_at_no_strength_are_none, arms_again,
           the_other_pages_agree]

MISTAKES = {
    "Own colour counted": ("apart = labels[:, None] != colours",
                           "apart = labels[:, None] != colours - 99"),
    "Shares changed over": ("for cue in (colours, labels[:, None]))",
                            "for cue in (labels[:, None], colours))"),
    "The diagonal left in": (
        "torch.exp(-apart / (2 * variance)) * (1 - torch.eye(len(z)))",
        "torch.exp(-apart / (2 * variance))"),
    "The last term once": ("- 2 * (K.sum(0) @", "- (K.sum(0) @"),
    "Width by the mean": ("apart.detach().median()", "apart.detach().mean()"),
    "The lowest of equals": ("levels[np.argmax(hits)]",
                             "levels[::-1][np.argmax(hits[::-1])]"),
    "The class of a group": ("counts / counts.sum(axis=1, keepdims=True)",
                             "counts / counts.sum(axis=0)"),
    "Upside down": ("return apart[y, g] / joint[y, g]",
                    "return joint[y, g] / apart[y, g]"),
}
TRAIN = dict(arm="cgl", seed=1000, ratio=0.2, **STEPS)
NULL = dict(arm="rebias", baseline="plain", strength=0.0, **STEPS)
TRACES = {
    "run": dict(arms=["plain", "rebias", "true", "drawn"], **STEPS,
                rates=[("plain", {}, 0.01), ("rebias", {"lr": 0.3}, 0.3),
                       ("true", {"lr": 0.3}, 0.3)],
                but={"start": "the optimizer of g moves first where there "
                              "is a g, and f's start is the same"}),
    "follow": dict(arms=["colour", "digit"], steps=6, updates=6)}

CHANCE = dict(scramble=deal_coloured, metric="all", chance=0.1, room=0.03,
              arm="plain", seed=1000, rho=0.1, steps=40)
EXPERIMENT = {
    "exam: the digits that were taught": (
        "on_all_colours(s.test_images).flatten(0, 1) - 1))\n"
        "    return out.argmax(1).view(-1, 10), s.test_labels",
        "on_all_colours(s.train_images).flatten(0, 1) - 1))\n"
        "    return out.argmax(1).view(-1, 10), s.train_labels"),
    "exam: held-out pictures teach the guesser": (
        "guess(x, c, learn, held)", "guess(x, c, learn | held, held)"),
    "labels: the guesser is shown the colours": (
        "    model = Log", "    x = np.c_[x, 9 * (c[:, None] == np.arange("
        "10))]\n    model = Log"),
    "mode: asked while training": ("return f.eval(), head.eval()",
                                   "return f, head"),
    "metric: own weighs as much as the nine": ("0.1 * own + 0.9 * digit",
                                               "0.5 * own + 0.5 * digit"),
    "metric: the cue's share is the digit's": (
        'got["colour" if cue == "colour" else "other"]',
        'got["other" if cue == "colour" else "colour"]'),
    "metric: what does not follow the colour": ('"colour": colour}',
                                                '"colour": 1 - colour}'),
    "rival: plain has the penalty": ('if arm == "rebias" else None',
                                     'if arm in ("plain", "rebias") else '
                                     "None"),
    "rival: a tenth of the strength": ("20 * strength if", "2 * strength if"),
    "rival: g stands still": (
        "descend(g_opt, F.cross_entropy(g_head(v), y[i])\n"
        "                    - hsic(v, z.detach()))",
        "hsic(v, z.detach())"),
    "rival: g works against f's penalty": ("- hsic(v, z.detach())",
                                           "+ hsic(v, z.detach())"),
    "rival: no guess is believed": ('if arm == "believed":',
                                    'if arm == "never":'),
    "rival: the told tenth joins all": ('(arm != "told")', '(arm != "none")'),
    "pairing: the start is that of every seed": ("torch.manual_seed(seed)\n"
                                                 "    (f",
                                                 "torch.manual_seed(1)\n"
                                                 "    (f"),
    "pairing: the batches are those of every seed": (
        "rng = torch.Generator().manual_seed(seed)",
        "rng = torch.Generator().manual_seed(1)"),
    "pairing: those asked are those of every seed": (
        "rng = np.random.default_rng(seed)", "rng = np.random.default_rng(1)"),
    "pairing: the pictures are those of every seed": (
        "data.coloured_digits(seed, rho)", "data.coloured_digits(1, rho)"),
    "counting: a step too few": ("for t in range(steps)",
                                 "for t in range(steps - 1)"),
    "counting: the rate falls early": ("3 * t < 2 * steps", "3 * t < steps"),
    "counting: one in five holds nobody out": ("int(0.8 * len(order))",
                                               "int(0.9 * len(order))"),
    "search: the rate is not handed on": ("lr * (1 if", "0.01 * (1 if"),
}
NOT = {}

WRONG = {
    "three-1": [("weight_own, weight_odd = 9.5, 18", "upside down"),
                ("weight_own, weight_odd = 0.5, 18", "how many pictures"),
                ("weight_own, weight_odd = 0.10526, 0.2", "nine colours"),
                ("weight_own, weight_odd = 0.10526, 2", "A cell of")],
    "three-2": [("share_found, heavier = 0.45, 1", "however few"),
                ("share_found, heavier = 0.1, 2", "Ninety"),
                ("share_found, heavier = 0.9, 1", "Half as many")],
    "three-3": [("rho_against = 0.95", "weights are ahead"),
                ("rho_against = 0.5", "between 0.8")],
    "three-4": [("mended_share = colour_share", "on every paper"),
                ("mended_share = lambda a, y: ((a == torch.arange(10)) & "
                 "(torch.arange(10) != y[:, None])).float().mean()",
                 "Out of how many"),
                ("mended_share = lambda a, y: 0.5", "another")],
}
OPEN = {"three-3": "all shares with hardly an exception are answers"}
