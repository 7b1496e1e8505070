"""The gate: what its page must survive (see test_every_page.py)."""

import contextlib
import math
from unittest import mock

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_metric_learning import losses
from sklearn.metrics import roc_curve
from torch import nn

from lab1784.data.visitors import people, photos
from tests import anew
from tests.house import answer, exercises, load


def losses_of_a_package(page):
    """Made by others: pytorch-metric-learning, values and gradients, also
    beyond half a turn."""
    g = torch.Generator().manual_seed(0)
    for s, m in ((16.0, 0.3), (5.0, 0.5), (9.0, 0.1)):
        z, W = (torch.randn(k, 6, generator=g, dtype=torch.float64)
                for k in (12, 5))
        y = torch.arange(12) % 5
        z[:3] -= 9 * W[y[:3]]                # almost opposite
        b = torch.zeros(5, dtype=torch.float64)
        for name, theirs in (
                ("arcface", losses.ArcFaceLoss(5, 6, math.degrees(m), s)),
                ("cosface", losses.CosFaceLoss(5, 6, margin=m, scale=s)),
                ("norm", losses.NormalizedSoftmaxLoss(5, 6, 1 / s))):
            theirs.W.data = W.T.clone()
            got = []
            for loss in (theirs, lambda z, y: F.cross_entropy(
                    page["logits"](z, W, b, y, name, s, m), y)):
                x = z.clone().requires_grad_()
                value = loss(x, y)
                value.backward()
                got += [value.detach(), x.grad]
            torch.testing.assert_close(got[2].double(), got[0].double())
            torch.testing.assert_close(got[3], got[1], rtol=1e-5, atol=1e-7)
        torch.testing.assert_close(
            page["logits"](z, W, b + 3, y, "softmax", s, m),
            F.linear(z, W, b + 3))


def no_margin_is_norm(page):
    """To the last bit; and a worse angle never gets more."""
    g = torch.Generator().manual_seed(1)
    z, W = torch.randn(9, 4, generator=g), torch.randn(7, 4, generator=g)
    y, b = torch.arange(9) % 7, torch.zeros(7)
    for loss in ("arcface", "cosface"):
        assert torch.equal(page["logits"](z, W, b, y, loss, m=0.0),
                           page["logits"](z, W, b, y, "norm"))
    angles = torch.linspace(0.001, math.pi - 0.001, 2000).double()
    for m in (0.1, 0.5, 1.0):
        assert (page["turned"](angles.cos(), m).diff() < 0).all()


def roc_of_scikit_learn(page):
    """Made by others: the best point of the curve at each FAR."""
    rng = np.random.default_rng(2)
    genuine, impostor = rng.normal(1.5, 1, 203), rng.normal(0, 1, 997)
    far, tar, _ = roc_curve([1] * 203 + [0] * 997,
                            np.concatenate([genuine, impostor]),
                            drop_intermediate=False)
    a, b = torch.tensor(genuine), torch.tensor(impostor)
    for asked in (0.0015, 0.01, 0.1, 0.33):
        got = page["rates"](a, b, page["threshold"](b, asked))
        best = far <= asked
        np.testing.assert_allclose(got, (far[best].max(),
                                         1 - tar[best].max()))


def templates_by_hand(page):
    z = np.random.default_rng(3).normal(size=(4, 5, 3)) * [[[1], [2], [3],
                                                           [4], [5]]]

    def unit(v):
        return v / (v @ v) ** 0.5
    for k in (2, 3):
        own, other = [], []
        made = [unit(sum(unit(v) for v in p[:k]) / k) for p in z]
        cos = [[[unit(v) @ t for t in made] for v in p[k:]] for p in z]
        for i, j, n in np.ndindex(np.shape(cos)):
            (own if i == n else other).append(cos[i][j][n])
        got = page["scores"](torch.tensor(z), k)
        for one, two in zip(got, (own, other, cos)):
            np.testing.assert_allclose(one, two)
    np.testing.assert_allclose(page["scores"](torch.tensor(z))[0].shape, 4)


# ------------------------------------------- the same experiment, written anew

def net_anew(d):
    conv, more = nn.Conv2d(1, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
    line, norm = nn.Linear(1152, d), nn.BatchNorm1d(d)
    parts = [conv, more, line, norm]

    def go(x):
        return norm(line(more(conv(x).clamp_min(0)).clamp_min(0).flatten(1)))
    return parts, go


def learned(x, n, loss, seed, steps, m, d, s, lr):
    """A network and its directions, in float64, with a loop of our own."""
    torch.manual_seed(seed)
    parts, net = net_anew(d)
    W = torch.randn(n, d) / 10
    if d == 2:
        W = torch.tensor([[math.cos(2 * math.pi * j / n),
                           math.sin(2 * math.pi * j / n)] for j in range(n)])
    W, b = W.requires_grad_(), torch.zeros(n, requires_grad=True)
    mine = [p for part in parts for p in part.parameters()] + [W, b]
    adam = torch.optim.Adam(mine)
    order = torch.Generator().manual_seed(seed)
    y = torch.tensor([j for j in range(n) for _ in range(len(x) // n)])
    for step in range(steps):
        adam.param_groups[0]["lr"] = lr * (steps - step) / steps
        i = torch.randint(len(x), (64,), generator=order)
        z, own = net(x[i]), F.one_hot(y[i], n)
        if loss == "softmax":
            out = z @ W.T + b
        else:
            angle = F.cosine_similarity(z[:, None], W[None], dim=2).clamp(
                -1 + 1e-12, 1 - 1e-12).acos()
            turn = m * own * (loss == "arcface")
            over = angle + turn > math.pi
            out = s * (torch.where(over, angle.cos() - m * math.sin(m),
                                   (angle + turn).cos())
                       - m * own * (loss == "cosface"))
        adam.zero_grad()
        F.nll_loss(out.log_softmax(1), y[i]).backward()
        adam.step()
    for part in parts:
        part.eval()
    return net, W.detach()


def photos64(*args, **settings):
    return photos(*args, **settings).double()


@contextlib.contextmanager
def small64(page, persons=20, visitors=8):
    """The page in float64, with few persons; notes (network, images)."""
    real, seen = page["at_gate"], []

    def noted(net, x):
        seen.append((net, x))
        return real(net, x)
    with anew.doubled(page, "drawn"), mock.patch.dict(page, dict(
            PERSONS=persons, VISITORS=visitors, photos=photos64,
            at_gate=noted)):
        yield seen


def sets_anew(seed, share, gate_share, persons=20, visitors=8):
    made = []
    for i, (n, k, part) in enumerate(((persons, 12, share),
                                      (visitors, 10, gate_share),
                                      (visitors, 10, gate_share))):
        x = photos64(people(n, 3 * seed + i), k, 3 * seed + i)
        light = len(x) - round(part * len(x))
        made.append(torch.cat([x[:light], -x[light:]]))
    cloth = photos64(people(visitors, 3 * seed + 2), 6, 3 * seed + 2,
                     mask=True)
    return *made, cloth


def cosines_anew(net, x, visitors, cloth=None):
    with torch.no_grad():
        z = F.normalize(net(x)).reshape(visitors, 10, -1)
        came = z[:, 4:]
        if cloth is not None:
            came = F.normalize(net(cloth)).reshape(visitors, 6, -1)
        return torch.einsum("pkd,qd->pkq", came,
                            F.normalize(z[:, :4].sum(1), dim=1)).numpy()


def split(cos):
    own = [cos[i, j, i] for i in range(len(cos)) for j in range(6)]
    rest = [cos[i, j, q] for i in range(len(cos)) for j in range(6)
            for q in range(len(cos)) if q != i]
    return np.array(own), np.sort(rest)


def bound(rest, far):
    return rest[len(rest) - 1 - int(far * len(rest))]


def the_arms_anew(page):
    """run() of every arm, settings off their defaults."""
    best = {"softmax": (1, 16e-3), "norm": (4, 16e-3),
            "cosface": (8, 16e-3), "arcface": (8, 16e-3)}
    with small64(page) as seen:
        for arm, s, lr in [(a, *v) for a, v in best.items()] + [
                ("arcface", 5, 4e-3)]:
            got = page["run"](arm, 1003, strength=0.2, steps=3, far=0.05,
                              best=None if (s, lr) == best[arm] else (s, lr))
            learn, others, gate, cloth = sets_anew(1003, 0, 0)
            net, _ = learned(learn, 20, arm, 1003, 3, 0.2, 32, s, lr)
            theirs, x = seen[-2]
            seen.clear()
            assert torch.equal(x, gate), arm
            with torch.no_grad():
                torch.testing.assert_close(theirs(x), net(x), rtol=1e-5,
                                           atol=1e-6)
            t = bound(split(cosines_anew(net, others, 8))[1], 0.05)
            cos = cosines_anew(net, gate, 8)
            own, rest = split(cos)
            masked = split(cosines_anew(net, gate, 8, cloth))[0]
            first = np.mean([cos[i, j, i] == cos[i, j].max()
                             for i in range(8) for j in range(6)])
            np.testing.assert_allclose(
                [got[k] for k in ("refused", "passed", "first", "masked")],
                [np.mean(own <= t), np.mean(rest > t), first,
                 np.mean(masked <= t)], err_msg=arm)


def the_groups_anew(page):
    with small64(page):
        for arm, share in (("rare", 0.1), ("even", 0.5)):
            got = page["groups"](arm, 1004, strength=0.2, steps=3, far=0.1)
            learn, others, gate, _ = sets_anew(1004, share, 0.5)
            net, _ = learned(learn, 20, "arcface", 1004, 3, 0.2, 32, 8, 16e-3)
            t, want = bound(split(cosines_anew(net, others, 8))[1], 0.1), {}
            for name, a in (("pencil", 0), ("chalk", 40)):
                own, rest = split(cosines_anew(net, gate[a:a + 40], 4))
                mine = bound(split(cosines_anew(
                    net, others[a:a + 40], 4))[1], 0.1)
                want |= {f"passed {name}": np.mean(rest > t),
                         f"refused {name}": np.mean(own <= t),
                         f"apart {name}": np.mean(own <= mine)}
            assert got.keys() == want.keys()
            for key in want:
                assert abs(got[key] - want[key]) < 1e-9, (arm, key)


def the_circle_anew(page):
    with small64(page):
        for arm in ("norm", "arcface"):
            got = page["toy"](arm, 1005, strength=0.4, steps=3)
            who = people(8, 1005).sign()
            net, W = learned(photos64(who, 60, 1005), 8, arm, 1005, 3, 0.4,
                             2, 32, 5e-3)
            with torch.no_grad():
                z = net(photos64(who, 20, 1001005))
            angle = F.cosine_similarity(z[:, None], W[None], dim=2).acos()
            own = [angle[i, i // 20].item() for i in range(160)]
            named = np.mean([angle[i].min().item() == own[i]
                             for i in range(160)])
            assert abs(got["angle"] - math.degrees(sorted(own)[79])) < 1e-4
            assert abs(got["named"] - named) < 1e-9


def faces_as_said(page):
    """The drawing: who it is, what chance moves, what a mask hides."""
    who = people(500, 7)
    assert who.shape == (500, 10) and -1 <= who.min() and who.max() < 1
    assert (who.mean(0).abs() < 0.13).all()
    x = photos(who[:3], 4, 8)
    assert x.shape == (12, 1, 24, 24) and x.dtype == torch.float32
    assert torch.equal(x, photos(who[:3], 4, 8))
    assert not torch.equal(x[0], x[1]) and not torch.equal(
        x, photos(who[:3], 4, 9))
    mean = photos(torch.zeros(1, 10), 300, 1).mean((0, 1))   # tilt averaged
    row, left, right = 9, 8, 15                  # eyes: y -.25, x -.3, .3
    for column in (left, right):
        assert mean[row, column] < mean[row, 11] - 0.1
        assert mean[row, column] < mean[13, column] - 0.1
    assert mean[17, 11] < mean[20, 11] - 0.1     # the mouth, y .5
    torch.testing.assert_close(mean, mean.flip(1), atol=0.06, rtol=0)
    other = who[:3].clone()
    other[:, 8:] *= -1                           # another mouth
    a, b = (photos(w, 4, 8, mask=True) for w in (who[:3], other))
    assert (a - b).abs().max() < 0.01
    assert (x - photos(other, 4, 8)).abs().max() > 0.1
    other[:, 2] *= -1                            # other eyes are seen
    assert (a - photos(other, 4, 8, mask=True)).abs().max() > 0.05


ORACLES = [no_margin_is_norm, losses_of_a_package, roc_of_scikit_learn,
           templates_by_hand, faces_as_said, the_arms_anew, the_groups_anew,
           the_circle_anew]

LAST = "return s * cos.scatter(1, y[:, None], own)"
MISTAKES = {
    "Margin on everybody": (
        LAST, "own = turned(cos, m) if loss == 'arcface' else cos - m\n"
        "    return s * own"),
    "Margin on the wrong person": (
        LAST, "return s * cos.scatter(1, (y[:, None] + 1) % len(W), own)"),
    "Margin the wrong way": ("cos * math.cos(m) - sin * math.sin(m),",
                             "cos * math.cos(m) + sin * math.sin(m),"),
    "Beyond half a turn": ("torch.where(cos > math.cos(math.pi - m),",
                           "torch.where(cos > -2.0,"),
    "No scale": (LAST, "return cos.scatter(1, y[:, None], own)"),
    "Lengths kept": ("cos = F.normalize(z) @ F.normalize(W).T          #",
                     "cos = z @ F.normalize(W).T  #"),
    "Template of raw vectors": (
        "z = F.normalize(z, dim=-1)\n"
        "    template = F.normalize(z[:, :enrolled].mean(1), dim=-1)",
        "template = F.normalize(z[:, :enrolled].mean(1), dim=-1)\n"
        "    z = F.normalize(z, dim=-1)"),
    "Wrong end": ("impostor.sort(descending=True)", "impostor.sort()"),
    "Errors exchanged": (
        "((impostor > t).double().mean().item(),\n"
        "            (genuine <= t).double().mean().item())",
        "((genuine <= t).double().mean().item(),\n"
        "            (impostor > t).double().mean().item())"),
}
SETTINGS = {
    "logits": (lambda space, **how: space["logits"](
        torch.eye(3)[:2] + 0.1, torch.eye(3), torch.zeros(3),
        torch.tensor([0, 2]), "arcface", **how), {"s": 3.0, "m": 0.1}),
    "scores": (lambda space, **how: space["scores"](
        torch.randn(3, 6, 4, generator=torch.Generator().manual_seed(0)),
        **how)[0], {"enrolled": 2}),
}
TRAIN = {"arm": "arcface", "seed": 1000, "steps": 3}

# strength is the margin: at 0 the loss is normalised softmax
NULL = {"arm": "arcface", "baseline": "norm", "strength": 0.0, "steps": 12,
        "best": (8, 16e-3)}


def SMALL(space):
    space["PERSONS"], space["VISITORS"] = 20, 10


TRACES = {
    "run": dict(arms=["softmax", "norm", "arcface"], steps=3, updates=3,
                rates=[("softmax", {}, 16e-3), ("norm", {}, 16e-3),
                       ("arcface", {}, 16e-3),
                       ("arcface", {"best": (8, 0.01)}, 0.01)]),
    "groups": dict(arms=["rare", "even"], steps=3, updates=3),
    "toy": dict(arms=["norm", "arcface"], steps=3, updates=3, but={
        "seed": "the same eight persons are drawn again, for new photos"}),
}
EXPERIMENT = {
    "exam: the threshold is chosen at the gate": (
        "t = threshold(at_gate(net, others)[1], far)\n",
        "t = threshold(at_gate(net, gate)[1], far)\n"),
    "exam: those at the gate were learned": ("people(n, 3 * seed + i)",
                                             "people(n, 3 * seed)"),
    "mode: BN of the batch at the gate": ("return net.eval(), W.detach()",
                                          "return net, W.detach()"),
    "metric: the farthest template": ("(cos.argmax(-1) == own)",
                                      "(cos.argmin(-1) == own)"),
    "metric: radians for degrees": (".acos().rad2deg()", ".acos()"),
    "rival: softmax at another rate": ('"softmax": (1, 16e-3)',
                                       '"softmax": (1, 1e-3)'),
    "rival: even is not half": ('"even": 0.5', '"even": 0.4'),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)",
                                         "    torch.manual_seed(0)"),
    "pairing: every seed sees the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "counting: one step less": ("for step in range(steps):",
                                "for step in range(steps - 1):"),
    "counting: the share that stays": ("round(len(x) * (1 - share))",
                                       "round(len(x) * share)"),
    "search: the given setting is ignored": ("(s, lr), k = best or BEST[",
                                             "(s, lr), k = BEST["),
    "search: the margin is ignored": ("steps, strength, best=best)",
                                      "steps, 0.3, best=best)"),
}
NOT = {"labels": "a photo holds pixels alone, and the order of the persons "
                 "says nothing about their faces"}
UNKNOWN = ["logits(torch.ones(1, 2), torch.ones(3, 2), torch.zeros(3), "
           "torch.tensor([0]), 'sphereface')"]

WRONG = {
    "face_gate-1": [("needed = 0.01", "5,000 chances"),
                    ("needed = 1 - 0.01 ** (1 / 5000)", "99 %"),
                    ("needed = 1 - 0.99 ** 5000", "all 5,000")],
    "face_gate-2": [("largest = 45", "without a margin"),
                    ("largest = 45 - math.degrees(0.5)", "half of the"),
                    ("largest = (math.pi / 2 - 0.5) / 2", "In degrees"),
                    ("largest = 60", "angle to the other")],
    "face_gate-3": [
        ("gate_a = gate_b = [0.5] * 200, [0.0] * 200", "Equal error rates"),
        ("gate_a, gate_b = ([0.5] * 200, [0.0] * 200), ([0.5] * 150 + "
         "[-1.0] * 50, [0.0] * 200)", "very high scores"),
        ("gate_a = gate_b = [0.5] * 20, [0.0] * 20", "from 200")],
    "face_gate-4": [
        ("mended = lambda z, W, y, s, m: s * (F.normalize(z) @ F.normalize("
         "W).T).clamp(-1, 1)", "right person's"),
        ("mended = lambda z, W, y, s, m: s * ((F.normalize(z) @ F.normalize("
         "W).T).clamp(-0.9999, 0.9999).acos() + m).cos()", "have no margin"),
        ("mended = lambda z, W, y, s, m: torch.zeros(9)", "a row for each")],
}


@pytest.mark.parametrize("form", ["", ".float()", ".numpy()", ".tolist()",
                                  ".requires_grad_()"])
def test_the_mended_loss_may_come_in_any_form(form):
    """Exercise 4: the numbers count, not what holds them."""
    four = exercises("face_gate")[3]
    told = answer(load("face_gate"), four["stub"],
                  "mended = lambda z, W, y, s, m: logits(z, W, 0, y, "
                  f"'arcface', s, m){form}", four["check"])
    assert "face_gate-4: right." in told


@pytest.mark.parametrize("call,told", [
    (lambda: people(0, 1), "n should"), (lambda: people(3, -1), "seed"),
    (lambda: photos(torch.zeros(3, 9), 1, 1), "traits"),
    (lambda: photos([0.0] * 10, 1, 1), "traits"),
    (lambda: photos(people(2, 1), 0, 1), "k should"),
    (lambda: photos(people(2, 1), 1, 1, size=5), "size should")])
def test_a_wrong_drawing_is_refused(call, told):
    with pytest.raises((TypeError, ValueError), match=told):
        call()
