"""SUMNAS: what its page must survive (see test_every_page.py)."""

import itertools
import math
import types
from unittest import mock

import numpy as np
import torch
from scipy import stats
from torch import nn

from lab1784 import data
from tests import anew

NAMES = ("stem", "in", "out", "head")
OPS = list(itertools.product(range(4), repeat=3))
SOME = slice(0, 64, 9)             # eight of the 64, all ops in all layers


class Way(nn.Module):
    """One sub-model with modules of its own, from (D, ...) weights."""

    def __init__(self, w, path):
        super().__init__()
        self.w = nn.ParameterDict({k: nn.Parameter(v.clone())
                                   for k, v in w.items()})
        self.path = [int(op) for op in path]

    def forward(self, x):
        w, h = self.w, (x @ self.w["stem"]).clamp_min(0)
        for layer, op in enumerate(self.path):
            if op == 1:
                inner = (h @ w["in"][layer, 1]).clamp_min(0)
                h = h + inner @ w["out"][layer, 1]
            elif op > 1:
                every = torch.zeros(h.shape[1], dtype=h.dtype)
                every[::(2, 4)[op - 2]] = 1
                h = h * every
        return h @ w["head"]

    def learn(self, x, y, rate, steps):
        sgd = torch.optim.SGD(self.parameters(), rate)
        for _ in range(steps):
            sgd.zero_grad(set_to_none=False)
            nn.CrossEntropyLoss()(self(x), y).backward()
            sgd.step()
        return {k: v.detach() for k, v in self.w.items()}


def start(page, seed, dtype=torch.float64):
    w = page["fresh"](torch.Generator().manual_seed(seed))
    return {k: v.to(dtype) for k, v in w.items()}


def some(seed, n=12):
    g = torch.Generator().manual_seed(seed)
    return (torch.rand(n, 64, generator=g, dtype=torch.float64) - 0.3,
            torch.randint(10, (n,), generator=g))


def every_sub_model_by_modules(page):
    """Answers of all 64, from shared weights and from own ones."""
    w, (x, _) = start(page, 1), some(2)
    own = {k: torch.cat([(1 + i / 64) * v for i in range(64)])
           for k, v in w.items()}
    with mock.patch.dict(page, KEEP=page["KEEP"].double()):
        shared, apart = (page["answers"](v, page["EVERY"], x)
                         for v in (w, own))
    for i, path in enumerate(OPS):
        assert tuple(page["EVERY"][i].tolist()) == path
        for got, v in ((shared, w), (apart, {k: v[i:i + 1]
                                             for k, v in own.items()})):
            want = Way({k: t[0] for k, t in v.items()}, path)(x)
            torch.testing.assert_close(got[i], want.detach())


def updates_by_modules(page):
    """meta_step with every setting off its default: a loop of modules, each
    with torch's own SGD, then the share of the way to the mean."""
    paths = torch.tensor([[1, 1, 0], [2, 1, 1], [1, 0, 3]])
    with mock.patch.dict(page, KEEP=page["KEEP"].double()):
        for inner, outer, rate, p in ((3, 0.7, 0.2, paths),
                                      (2, 1.0, 0.4, paths[:2]),
                                      (1, 0.3, 0.1, paths)):
            w, (x, y) = start(page, inner), some(inner)
            before = {k: v.clone() for k, v in w.items()}
            got = page["meta_step"](w, p, x, y, rate, inner, outer)
            ends = [Way({k: v[0] for k, v in w.items()}, q).learn(
                x, y, rate, inner) for q in p]
            for k in NAMES:
                assert torch.equal(w[k], before[k]), "the start was moved"
                mean = sum(e[k] for e in ends) / len(ends)
                want = (1 - outer) * before[k][0] + outer * mean
                torch.testing.assert_close(got[k][0], want)


def one_path_one_step_is_sgd(page):
    """No derivation shared: SGD and the rate, and nothing else."""
    w, (x, y) = start(page, 5), some(6)
    path = torch.tensor([[1, 2, 1]])
    with mock.patch.dict(page, KEEP=page["KEEP"].double()):
        got = page["meta_step"](w, path, x, y, 0.3, inner=1)
        two = page["meta_step"](w, path, x, y, 0.3, inner=1, outer=0.5)
        half = page["meta_step"](w, path, x, y, 0.15, inner=1)
    want = Way({k: v[0] for k, v in w.items()}, path[0]).learn(x, y, 0.3, 1)
    for k in NAMES:
        torch.testing.assert_close(got[k][0], want[k])
        torch.testing.assert_close(two[k], half[k])


def a_linear_slope_in_closed_form(page):
    """With sub-models of loss h theta squared / 2 the ends are known:
    (1 - rate h) ** K theta.  Reptile to first order, and beyond."""
    h = torch.tensor([0.5, 1.0, 2.0, 3.0])

    def answers(w, paths, x):      # (M, 1, 1): the loss of each path
        return h[paths[:, 0]].view(-1, 1, 1) * w["theta"] ** 2 / 2

    def loss(z, y):                # of all paths at once, or of one
        return z.mean()
    fake = types.SimpleNamespace(cross_entropy=loss)
    theta = {"theta": torch.tensor([[[1.7]]])}
    with mock.patch.dict(page, answers=answers, F=fake):
        for inner, outer, rate in ((1, 1.0, 0.2), (2, 0.5, 0.2), (5, 0.9,
                                                                  0.1)):
            paths = torch.arange(4)[:, None].repeat(1, 3)
            got = page["meta_step"](theta, paths, None,
                                    torch.zeros(1).long(), rate, inner,
                                    outer)["theta"]
            to = ((1 - rate * h) ** inner).mean()
            want = 1.7 * (1 + outer * (to - 1))
            assert abs(got.item() - want.item()) < 1e-5


def fair_means_once(page):
    """Each op of each layer once; all orders come, layers independent."""
    rng, seen = torch.Generator().manual_seed(0), set()
    for _ in range(300):
        paths = page["fair_paths"](rng)
        assert paths.shape == (4, 3)
        for column in paths.T.tolist():
            assert sorted(column) == [0, 1, 2, 3]
        seen |= {tuple(c) for c in paths.T.tolist()}
        seen |= {tuple(p) for p in paths.tolist()}
    assert len(seen) == 24 + 64


def digits_are_split(page):
    """600 to learn, 500 and 500 others, and no image twice."""
    for seed in (3, 4):
        (x, y), (a, b), (c, d) = page["halves"](seed)
        want = data.digits(seed, labels=600, test=1000)
        got = torch.cat([x, a, c]) + 0.3
        torch.testing.assert_close(got, torch.cat(
            [want.train_images, want.test_images]).flatten(1))
        assert [len(v) for v in (y, b, d)] == [600, 500, 500]
        assert torch.equal(torch.cat([y, b, d]), torch.cat(
            [want.train_labels, want.test_labels]))


def learned(page, arm, seed, steps, rate, inner):
    """A supernet by modules: accuracies of SOME sub-models after each
    batch, from the numbers that the page's seeds give."""
    learn, rank, _ = page["halves"](seed)
    w = page["fresh"](torch.Generator().manual_seed(seed))
    w = {k: v[0] for k, v in w.items()}
    draw = torch.Generator().manual_seed(seed)
    coin, seen = torch.Generator().manual_seed(seed + 10_000), []
    for _ in range(steps):
        i = torch.randint(600, (32,), generator=draw)
        x, y = learn[0][i], learn[1][i]
        done = 0
        while done < 8:
            if arm in ("single", "matched"):
                paths = torch.randint(4, (1, 3), generator=coin)
            else:
                paths = torch.stack([torch.randperm(4, generator=coin)
                                     for _ in range(3)], 1)
            ends = [Way(w, p).learn(x, y, rate, inner) for p in paths]
            w = {k: sum(e[k] for e in ends) / len(ends) for k in w}
            done += len(paths) * inner
        with torch.no_grad():
            seen.append([(Way(w, p)(rank[0]).argmax(1) == rank[1]).float()
                         .mean().item() for p in OPS[SOME]])
    return np.array(seen)


def trained_alone(page, seed, part, steps):
    """Eight of the 64, each by itself, judged by the other half."""
    learn, *two = page["halves"](seed)
    g = torch.Generator().manual_seed(seed + 20_000 + part)
    first = page["fresh"](g, 64)
    got = page["alone"](seed, part, steps)
    for k in range(64)[SOME]:
        way = Way({n: v[k] for n, v in first.items()}, OPS[k])
        draw = torch.Generator().manual_seed(seed)
        for step in range(steps):
            i = torch.randint(600, (32,), generator=draw)
            rate = 0.2 * (1 + math.cos(math.pi * step / steps)) / 2
            way.learn(learn[0][i], learn[1][i], rate, 1)
        for half, values in zip(two, got):
            with torch.no_grad():
                right = (way(half[0]).argmax(1) == half[1]).float().mean()
            assert abs(values[k] - right) < 0.005, (k, values[k], right)


def the_experiment_anew(page):
    """Every arm again, by modules; truth and measures from scipy."""
    trained_alone(page, 1003, 1, 3)
    right = sum(page["alone"](1003, part, 3)[1] for part in (0, 1))
    for arm, rate, inner in (("single", 0.2, 1), ("matched", 0.1, 1),
                             ("fair", 0.4, 1), ("sumnas", 0.4, 2),
                             ("slow", 0.1, 1)):
        want = learned(page, arm, 1003, 3, rate, inner)
        got = page["run"](arm, 1003, steps=3, truth_steps=3)
        seen = page["supernet"](arm, 1003, 3, inner, rate).numpy()
        assert seen.shape == (3, 64)
        assert abs(seen[:, SOME] - want).max() < 0.005
        assert abs(got["accuracy"] - seen.mean()) < 1e-6, arm
        assert abs(got["best"] - seen.max(1).mean()) < 1e-6, arm
        pairs = [stats.kendalltau(a, b)[0] for a, b in zip(seen, seen[1:])]
        assert abs(got["steady"] - np.mean(pairs)) < 1e-9, arm
        pairs = [stats.kendalltau(a, right)[0] for a in seen]
        assert abs(got["tau"] - np.mean(pairs)) < 1e-9, arm
    assert page["run"]("fair", 1003, steps=3, truth_steps=3, rate=0.3)[
        "accuracy"] != page["run"]("fair", 1003, steps=3, truth_steps=3)[
        "accuracy"]
    assert len(page["supernet"]("fair", 1003, 34, 1, 0.4)) == 32
    assert page["tau"]([1, 2, 3], [1, 1, 1]) == 0


def turns_anew(page):
    """Eight and their partners, who share no op with them, by modules; and
    that on the page it is all 64."""
    whole, paths = page["fresh"], page["EVERY"]
    assert len(paths) == 64

    def eight(rng, count=1):
        assert count == 64
        return {k: v[SOME] for k, v in whole(rng, 64).items()}
    with mock.patch.dict(page, fresh=eight, EVERY=paths[SOME]):
        turns_of_eight(page)


def turns_of_eight(page):
    learn, rank, _ = page["halves"](1003)
    got, means = page["turns"](1003, 8, 1), []
    first = page["fresh"](torch.Generator().manual_seed(1003), 64)
    draw = torch.Generator().manual_seed(1003)
    w = [{k: v[m] for k, v in first.items()} for m in range(8)]
    for step in range(17):
        if step % 8 == 0:
            with torch.no_grad():
                means.append(np.mean([(Way(v, p)(rank[0]).argmax(1)
                                       == rank[1]).float().mean()
                                      for v, p in zip(w, OPS[SOME])]))
        i = torch.randint(600, (32,), generator=draw)
        turn = step // 8 % 2 * 2
        w = [Way(v, [(op + turn) % 4 for op in p]).learn(
            learn[0][i], learn[1][i], 0.2, 1) for v, p in zip(w, OPS[SOME])]
    assert got.shape == (17,)
    assert np.abs(got[::8].numpy() - means).max() < 0.003
    two = page["turns"](1003, 8, 2)
    for arm, ends in (("own turn", (8, 24)), ("others' turn", (16, 32))):
        value = page["forgetting"](arm, 1003, 8, 2)["accuracy"]
        assert abs(value - two[list(ends)].mean().item()) < 1e-6


ORACLES = [every_sub_model_by_modules, updates_by_modules,
           one_path_one_step_is_sgd, a_linear_slope_in_closed_form,
           fair_means_once, digits_are_split, the_experiment_anew,
           turns_anew]

DESCEND = "    ends = descend(start, paths, x, y, rate, inner)\n"
WAY = "v + outer * (ends[name] - v).mean(0, keepdim=True)"
MISTAKES = {
    "One after another": (
        DESCEND,
        "    ends, at = [], {k: v[:1] for k, v in start.items()}\n"
        "    for path in paths:\n"
        "        at = descend(at, path[None], x, y, rate, inner)\n"
        "        ends.append(at)\n"
        "    ends = {k: torch.cat([e[k] for e in ends]) for k in w}\n"),
    "Last path only": (WAY, "v + outer * (ends[name] - v)[-1:]"),
    "Sum for mean": (WAY, WAY.replace(".mean(", ".sum(")),
    "Outer rate forgotten": (WAY, WAY.replace("outer * ", "")),
    "One inner step": (DESCEND, DESCEND.replace("inner)", "1)")),
    "Ends without start": (WAY, "outer * ends[name].mean(0, keepdim=True)"),
    "Paths drawn freely": ("torch.randperm(4, generator=rng)",
                           "torch.randint(4, (4,), generator=rng)"),
    "Mean over the paths": ("(len(z) * loss).backward()",
                            "loss.backward()"),
    "Momentum left in": ("torch.optim.SGD(w.values(), rate)",
                         "torch.optim.SGD(w.values(), rate, 0.9)"),
    "Half for quarter": ("for n in (1, 1, 2, 4)", "for n in (1, 1, 4, 2)"),
}
SETTINGS = {"meta_step": (
    lambda space, **settings: list(space["meta_step"](
        {k: v.float() for k, v in start(space, 1).items()},
        torch.tensor([[1, 1, 0], [2, 1, 1]]),
        some(2)[0].float(), some(2)[1], 0.2, **settings).values()),
    {"inner": 3, "outer": 0.5})}
TRAIN = dict(arm="sumnas", seed=1000, steps=3, truth_steps=2)
NULL = dict(arm="sumnas", baseline="fair", strength=0, steps=3, truth_steps=2)



def SMALL(space):
    """A fifth of the digits to rank and to judge by."""
    whole = space["halves"]

    def halves(seed):
        learn, *two = whole(seed)
        return learn, *((x[:100], y[:100]) for x, y in two)
    space["halves"] = halves


TRACES = {
    "run": dict(
        arms=["single", "fair", "sumnas"], steps=2, truth_steps=1,
        rates=[("matched", {}, 0.1), ("fair", {"rate": 0.3}, 0.3)],
        but={"start": "an arm's first step has one copy of the weights or "
                      "four; the_experiment_anew sees that they are the same"
             }),
    "forgetting": dict(arms=["own turn", "others' turn"], steps=8,
                       cycles=1, updates=16)}


CHANCE = dict(scramble=anew.deal_digits, metric="accuracy", chance=0.1, room=0.03,
              arm="sumnas", seed=1000, steps=30, truth_steps=1)
EXPERIMENT = {
    "exam: ranked by what was learned": (
        "seen.append(accuracies(w, *rank))\n    return torch.stack",
        "seen.append(accuracies(w, *learn))\n    return torch.stack"),
    "exam: truth by the half that ranks": (
        "return (alone(seed, 0, steps)[1]", "return (alone(seed, 0, steps)[0]"),
    "labels: the label is a pixel": (
        "x, test_x = x.flatten(1) - 0.3, test_x.flatten(1) - 0.3",
        "x, test_x = x.flatten(1) - 0.3, test_x.flatten(1) - 0.3\n"
        "    x[:, 0], test_x[:, 0] = y, test_y"),
    "metric: the least likely class": (".argmax(2) == y", ".argmin(2) == y"),
    "metric: steady against the last ranking": ("zip(seen, seen[1:])",
                                                "zip(seen, seen[-1:])"),
    "metric: the best of one ranking": ("seen.max(1).values.mean()",
                                        "seen.max()"),
    "metric: the end of the other's turn for one's own": (
        'int(arm != "own turn")', 'int(arm == "own turn")'),
    "rival: matched at the rate of the inner steps": ('"matched": 0.1',
                                                      '"matched": 0.4'),
    "rival: the other shares ops": ("(EVERY + 2) % 4", "EVERY.flip(0)"),
    "rival: fair with two inner steps": (
        'if arm == "sumnas" else 1', 'if arm != "single" else 1'),
    "rival: single takes one path for all steps": (
        "        for _ in range(GRADIENTS):\n"
        "            path = torch.randint(4, (1, LAYERS), generator=rng)\n"
        "            w = descend(w, path, x, y, rate, 1)\n",
        "        path = torch.randint(4, (1, LAYERS), generator=rng)\n"
        "        for _ in range(GRADIENTS):\n"
        "            w = descend(w, path, x, y, rate, 1)\n"),
    "pairing: every seed sees the same batches": (
        "    rng = torch.Generator().manual_seed(seed)\n    while True",
        "    rng = torch.Generator().manual_seed(0)\n    while True"),
    "pairing: every seed starts alike": (
        "    w, seen = fresh(torch.Generator().manual_seed(seed)), []",
        "    w, seen = fresh(torch.Generator().manual_seed(0)), []"),
    "counting: the last ranking is left out": ("steps - step <= LAST",
                                               "1 < steps - step <= LAST"),
    "counting: a turn's first eighth for its end": (
        "cycles)[8::8]", "cycles)[1::8]"),
    "counting: an update too few": ("range(GRADIENTS // (4 * inner))",
                                    "range(GRADIENTS // (8 * inner) or 1)"),
    "search: the given rate is ignored": ("inner, rate or ARMS[arm])",
                                          "inner, ARMS[arm])"),
}
NOT = {"mode": "no layer of these sub-models learns and measures in two "
               "ways"}

WRONG = {
    "sumnas-1": [("factor = 0.6", "first order"),
                 ("factor = 0.4", "and epsilon"),
                 ("factor = 0.5512", "first one ended"),
                 ("factor = 0.6856", "first one ended"),
                 ("factor = 0.5", "1 - alpha h")],
    "sumnas-2": [("gradients = (5, 1)", "each of them takes K"),
                 ("gradients = (12, 3)", "M paths take K"),
                 ("gradients = (15, 15)", "has no gradient"),
                 ("gradients = (15, 1)", "which takes K steps"),
                 ("gradients = (15, 5)", "On how many")],
    "sumnas-3": [("calm = 0.4", "SUMNAS's by"),
                 ("calm = 1e9", "SUMNAS's by"),
                 ("calm = -0.1", "more than zero")],
    "sumnas-4": [
        ("mended = suspect", "where does each path start"),
        ("def mended(theta, grad, paths, alpha, steps, epsilon):\n"
         "    for _ in range(steps):\n"
         "        theta = theta - epsilon * alpha * sum("
         "grad(theta, p) for p in paths) / len(paths)\n"
         "    return theta", "goes elsewhere"),
        ("mended = lambda theta, *rest: theta", "goes elsewhere")],
}
OPEN = {"sumnas-3": "many small rates leave the ranking nearly as it was"}
