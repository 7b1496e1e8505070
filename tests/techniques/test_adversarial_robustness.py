"""Adversarial robustness: what its page must survive (see
test_every_page.py)."""

import itertools
import math
import types
from functools import partial
from unittest import mock

import numpy as np
import torch
from torch import nn

from lab1784 import data
from tests.anew import deal_digits, descend, doubled


def crowd(seed, n=6, size=(1, 4, 4), classes=4):
    """A small net in float64, images in [0, 1], classes that it half
    gets right."""
    g = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    d = math.prod(size)
    net = nn.Sequential(nn.Flatten(), nn.Linear(d, 9), nn.Tanh(),
                        nn.Linear(9, classes)).double()
    with torch.no_grad():
        net[1].weight.mul_(3)
        net[3].weight.mul_(3)
    x = torch.rand(n, *size, generator=g, dtype=torch.float64)
    x[0], x[1] = x[0].round(), 0.1 * x[1]           # near the edges
    y = net(x).argmax(1)
    y[::3] = (y[::3] + 1) % classes
    return net, x, y


def walk(say, x, y, eps, n, a, start=None, loss=None):
    """Projected steps, written anew: one interval a pixel."""
    low, high = (x - eps).clamp(min=0), (x + eps).clamp(max=1)
    z = x if start is None else torch.clamp(x + eps * start, low, high)
    for _ in range(n):
        z = z.detach().requires_grad_()
        out = say(z)
        height = (-out.log_softmax(1)[torch.arange(len(y)), y] if loss is None
                  else loss(out, y)).sum()
        up = torch.autograd.grad(height, z)[0]
        z = torch.clamp(z.detach() + a * torch.sign(up), low, high)
    return z.detach()


def drawn(g, x):
    return 2 * torch.rand(x.shape, generator=g) - 1


def ahead(j):
    """By how much the j-th class after y leads, image by image."""
    def loss(out, y):
        k = torch.arange(len(y))
        return out[k, (y + j) % out.shape[1]] - out[k, y]
    return loss


def standing(say, x, y, eps, g, starts=2, rivals=9, steps=20):
    """Which survive: those that stand are attacked again, one by one."""
    up = [i for i in range(len(y)) if say(x[i:i + 1]).argmax(1) == y[i]]
    for loss in [None] * starts + [ahead(j) for j in range(1, rivals + 1)]:
        noise = None if g is None else drawn(g, x[up])
        z = walk(say, x[up], y[up], eps, steps, eps / 8, noise, loss)
        hit = say(z).argmax(1) == y[up]
        up = [i for i, stays in zip(up, hit) if stays]
    return torch.tensor([i in up for i in range(len(y))])


# ------------------------------------------------------------- technique

def attacks_of_torchattacks(page):
    """FGSM and PGD of a package, every setting away from its default."""
    import torchattacks
    with doubled():
        for seed, eps, a, n in ((0, 0.23, 0.07, 5), (1, 0.06, 0.05, 3)):
            net, x, y = crowd(seed)
            kept = x.clone()
            torch.testing.assert_close(
                page["one_step"](net, x, y, eps),
                torchattacks.FGSM(net, eps=eps)(x, y))
            still = torchattacks.PGD(net, eps=eps, alpha=a, steps=n,
                                     random_start=False)
            torch.testing.assert_close(
                page["several_steps"](net, x, y, eps, n, a), still(x, y))
            begun = torchattacks.PGD(net, eps=eps, alpha=a, steps=n,
                                     random_start=True)
            for make in (begun, lambda x, y: x):
                torch.manual_seed(7)
                want = make(x, y)
                if make is not begun:            # no step: the start alone
                    torch.manual_seed(7)
                    want = (x + torch.empty_like(x).uniform_(-eps, eps)
                            ).clamp(0, 1)
                torch.testing.assert_close(page["several_steps"](
                    net, x, y, eps, n if make is begun else 0, a,
                    torch.Generator().manual_seed(7)), want)
            assert torch.equal(x, kept) and all(
                p.grad is None for p in net.parameters())


def leads_by_hand(page):
    """The lead of each rival; its slope by differences."""
    out = torch.tensor([[3.0, 1.0, 0.5], [0.0, 2.0, 7.0]])
    y = torch.tensor([0, 2])
    assert page["lead"](out, y, 1).item() == (1 - 3) + (0 - 7)
    assert page["lead"](out, y, 2).item() == (0.5 - 3) + (2 - 7)
    assert abs(page["cross"](out, y).item() - sum(
        math.log(sum(math.exp(v - row[k]) for v in row))
        for row, k in zip(out.tolist(), y.tolist()))) < 1e-5
    net, x, y = crowd(3, n=2, size=(3,))
    for loss in (page["cross"], partial(page["lead"], j=2)):
        got = page["slope"](net, x, y, loss)
        for i, j in itertools.product(range(2), range(3)):
            e = torch.zeros_like(x)
            e[i, j] = 1e-5
            rise = (loss(net(x + e), y) - loss(net(x - e), y)).item() / 2e-5
            assert abs(got[i, j].item() - rise) < 1e-5 * max(1, abs(rise))


def survivors_by_loops(page):
    """Every attack again; who has fallen is not asked again."""
    with doubled():
        for seed, eps, more in ((0, 0.1, dict(steps=4, starts=1, rivals=2)),
                                (1, 0.05, dict(steps=7, starts=3, rivals=0)),
                                (2, 0.08, dict(steps=3, starts=0, rivals=3)),
                                (4, 0.12, dict(rivals=3))):
            net, x, y = crowd(seed, n=24)
            for g in (lambda: torch.Generator().manual_seed(seed),
                      lambda: None):
                got = page["survives"](net, x, y, eps, g(), **more)
                want = standing(net, x, y, eps, g(), **more)
                assert torch.equal(got, want)
                before = net(x).argmax(1) == y
                assert torch.equal(page["right"](net, x, y), before)
                assert 0 < want.sum() < before.sum()


def changed_batches(page):
    with doubled():
        for k, seed in ((1, 0), (2, 1), (7, 2)):
            net, x, y = crowd(seed)
            noise = drawn(torch.Generator().manual_seed(5), x)
            want = walk(net, x, y, 0.2, k, 0.2 if k == 1 else 0.05,
                        None if k == 1 else noise)
            torch.testing.assert_close(page["changed"](
                net, x, y, 0.2, k, torch.Generator().manual_seed(5)), want)


def margin_by_corners(page):
    """A linear score is worst in a corner: all corners are tried.  With two
    classes and room for all, the margin less eps times the L1 norm."""
    g = torch.Generator().manual_seed(0)
    for classes, eps in ((2, 0.1), (3, 0.3), (5, 0.15)):
        weight = torch.randn(classes, 4, generator=g)
        bias = torch.randn(classes, generator=g)
        x, y = torch.rand(6, 4, generator=g), torch.arange(6) % classes
        got = page["worst_margin"](weight, bias, x, y, eps)
        for i in range(6):
            ends = [(max(v - eps, 0.0), min(v + eps, 1.0))
                    for v in x[i].tolist()]
            worst = math.inf
            for corner in itertools.product(*ends):
                score = weight @ torch.tensor(corner) + bias
                rival = max(s.item() for k, s in enumerate(score)
                            if k != y[i])
                worst = min(worst, score[y[i]].item() - rival)
            assert abs(got[i].item() - worst) < 1e-5
    w, x = torch.randn(30, generator=g), 0.3 + 0.4 * torch.rand(
        5, 30, generator=g)
    sign, both = torch.tensor([1.0, -1, 1, 1, -1]), torch.stack([0 * w, w])
    b = torch.tensor([0.0, 0.2])
    y = (sign > 0).long()
    want = sign * (x @ w + 0.2) - 0.25 * w.abs().sum()
    torch.testing.assert_close(page["worst_margin"](both, b, x, y, 0.25),
                               want)
    moved = page["one_step"](lambda v: v @ both.T + b, x, y, 0.25)
    torch.testing.assert_close(sign * (moved @ w + 0.2), want)


def the_worst_by_scipy(page):
    """Tiny nets: SciPy's search without slopes finds no digit to fall that
    survives our attacks, and none to stand that falls."""
    from scipy.optimize import differential_evolution
    for seed in (0, 1):
        net, x, y = crowd(seed, n=8, size=(2,), classes=3)
        y = net(x).argmax(1)
        eps = 0.12
        with doubled():
            got = page["survives"](net, x, y, eps, torch.Generator(
                ).manual_seed(1), rivals=2)
        w, b, v, c = (p.detach().numpy() for p in net.parameters())

        def margin(at, k):
            out = v @ np.tanh(w @ at + b[:, None]) + c[:, None]
            rest = np.delete(out, k, 0).max(0)
            return out[k] - rest
        for i in range(8):
            ends = [(max(p - eps, 0), min(p + eps, 1)) for p in x[i].tolist()]
            low = differential_evolution(
                lambda at, k=int(y[i]): margin(at, k), ends, seed=1,
                maxiter=25, vectorized=True, updating="deferred",
                polish=False).fun
            assert bool(got[i]) == (low > 0), (seed, i, low)
        assert 0 < got.sum() < 8


# ------------------------------------------------------------ experiment

def few(seed, labels):
    """The same digits to learn from, twenty in the exam, in float64."""
    x, y, fresh, answer = data.digits(seed, labels=labels, test=20)
    return x.double(), y, fresh.double(), answer


class Anew(nn.Module):
    def __init__(self, linear=False):
        super().__init__()
        sizes = [64, 10] if linear else [64, 128, 128, 10]
        self.layers = nn.ModuleList(map(nn.Linear, sizes, sizes[1:]))

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = layer(x).clamp(min=0)
        return self.layers[-1](x)


def learned_anew(arm, seed, s, steps, lr, linear=False):
    x, y = few(seed, 1000)[:2]
    g, own = (torch.Generator().manual_seed(k) for k in (seed,
                                                         400_000 + seed))
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    net = Anew(linear)

    def loss():
        i = torch.randint(1000, (64,), generator=g)
        image, t, r = x[i], torch.eye(10)[y[i]], 0.15 * s
        if arm == "noise":
            image = (image + r * drawn(own, image)).clamp(0, 1)
        if arm == "smoothing":
            t = t - s * t + s * torch.full((64, 10), 0.1)
        if arm == "one":
            image = walk(net, image, y[i], r, 1, r)
        if arm == "quick":
            image = walk(net, image, y[i], r, 1, 1.25 * r, drawn(own, image))
        if arm in ("several", "far"):
            image = walk(net, image, y[i], r, 7, r / 4, drawn(own, image))
        if arm == "cutmix" and rng.random() < s:
            side = int(8 * math.sqrt(1 - rng.random())) // 2
            j = rng.permutation(64)
            cy, cx = rng.integers(8, size=2)
            rows = [k for k in range(8) if cy - side <= k < cy + side]
            columns = [k for k in range(8) if cx - side <= k < cx + side]
            mixed = image.clone()
            for r, c in itertools.product(rows, columns):
                mixed[:, :, r, c] = image[j][:, :, r, c]
            part = len(rows) * len(columns) / 64
            image, t = mixed, (1 - part) * t + part * t[j]
        return -(t * net(image).log_softmax(1)).sum() / 64
    more = {"long": 8, "quick": 4}            # equal passes, see the page
    descend(net.parameters(), loss, steps * more.get(arm, 1), lr)
    return net


def alone(page):
    """The page in float64 on few digits, for as long as it lasts."""
    return mock.patch.dict(page, data=types.SimpleNamespace(digits=few))


def the_arms_anew(page):
    """Every arm again: own network, own loop, each method in a few lines;
    the weights agree by what they say."""
    with doubled(page, "learn", "world"), alone(page):
        x, y = few(1003, 1000)[2:]
        for arm in page["ARMS"]:
            rate, best = page["SETTING"][arm]
            for s, lr in ((best, rate), (0.7 if best else 0.0, 0.007)):
                want = learned_anew(arm, 1003, s, 2, lr)
                got = page["learn"](arm, 1003, s, 2, lr)
                with torch.no_grad():
                    torch.testing.assert_close(got(x), want(x))


def the_runs_anew(page):
    """What run() and judge() count, on networks that have learned."""
    with doubled(page, "learn", "world"), alone(page):
        x, y = few(1003, 1000)[2:]
        for arm, s, lr in (("several", 0.6, None), ("smoothing", None, 0.02),
                           ("plain", None, None)):
            rate, best = page["SETTING"][arm]
            got = page["run"](arm, 1003, strength=s, steps=25, lr=lr)
            net = learned_anew(arm, 1003, best if s is None else s, 25,
                               lr or rate)
            g = torch.Generator().manual_seed(500_000 + 1003)
            moved = walk(net, x, y, 0.15, 1, 0.15)
            first = standing(net, x, y, 0.15, g, rivals=0)
            last = first.clone()
            last[first] = standing(net, x[first], y[first], 0.15, g,
                                   starts=0)
            want = {"clean": net(x).argmax(1) == y,
                    "one": net(moved).argmax(1) == y, "several": first,
                    "all": last}
            assert got == {k: v.sum().item() / 20 for k, v in want.items()}
        for eps in (0.05, 0.1):
            net = learned_anew("plain", 1003, 0.0, 60, 1e-2, linear=True)
            weight, bias = net.layers[0].weight, net.layers[0].bias
            exact = []
            for image, k in zip(x.flatten(1), y.tolist()):
                leads = []
                for j in set(range(10)) - {k}:
                    w = weight[k] - weight[j]
                    at = torch.where(w > 0, (image - eps).clamp(min=0),
                                     (image + eps).clamp(max=1))
                    leads.append((w @ at + bias[k] - bias[j]).item())
                exact.append(min(leads) > 0)
            moved = walk(net, x, y, eps, 1, eps)
            want = {"exact": np.array(exact),
                    "one": net(moved).argmax(1) == y}
            for name, rivals in (("several", 0), ("all", 9)):
                g = torch.Generator().manual_seed(500_000 + 1003)
                want[name] = standing(net, x, y, eps, g, rivals=rivals)
            for arm, hit in want.items():
                got = page["judge"](arm, 1003, eps=eps, steps=60)
                assert abs(got["kept"] - hit.sum().item() / 20) < 1e-9, arm


ORACLES = [attacks_of_torchattacks, leads_by_hand, survivors_by_loops,
           changed_batches, margin_by_corners, the_worst_by_scipy,
           the_arms_anew, the_runs_anew]

STEP = "        z = project(z + a * slope(net, z, y, loss).sign(), x, eps)"
MISTAKES = {
    "Sign dropped": (STEP, STEP.replace(".sign()", "")),
    "Downhill": ("x + eps * slope(net, x, y, cross)",
                 "x - eps * slope(net, x, y, cross)"),
    "Never brought back": (
        "torch.max(torch.min(z, x + eps), x - eps).clamp", "z.clamp"),
    "Out of the box": ("x - eps).clamp(0, 1)", "x - eps)"),
    "Clipped before the step": (
        STEP, "        z = project(z, x, eps) + a * slope(net, z, y, loss)"
        ".sign()"),
    "Round the last point": (STEP, STEP.replace(", x, eps)", ", z, eps)")),
    "Start outside": ("z = project(x + eps * noise, x, eps)",
                      "z = x + 2 * eps * noise"),
    "Slopes piled up": (
        "    for _ in range(steps):\n" + STEP,
        "    total = 0\n    for _ in range(steps):\n"
        "        total = total + slope(net, z, y, loss)\n"
        "        z = project(z + a * total.sign(), x, eps)"),
    "Its own guess for the label": (
        "grad(loss(net(x), y), x)",
        "grad(loss(net(x), net(x).argmax(1)), x)"),
    "The last attack counts": ("i = alive.nonzero()[:, 0]",
                               "i = right(net, x, y).nonzero()[:, 0]"),
    "Wrong before, right after": (
        "alive = right(net, x, y)\n    leads",
        "alive = torch.ones(len(y), dtype=torch.bool)\n    leads"),
    "Rival given away": ("rival = (y + j)", "rival = (logits.argmax(1) + j)"),
    "Trained on the clean batch": (
        "return several_steps(net, x, y, eps, k, eps / 4, g)",
        "several_steps(net, x, y, eps, k, eps / 4, g)\n    return x"),
    "Ball without a box": ("(x - eps).clamp(min=0) - x", "(x - eps) - x"),
    "Mean over rivals": (
        ".masked_fill(own, math.inf).amin(1)",
        ".masked_fill(own, 0.0).sum(1) / (len(bias) - 1)"),
}
TRAIN = dict(arm="several", seed=1000, steps=4)
NULL = dict(arm="several", baseline="plain", strength=0.0, steps=8, lr=0.003)
LOOKS = {"exam": "the attacks take slopes at the exam's digits, and no weight "
                 "is updated with them"}
TRACES = {"run": dict(arms=["plain", "noise", "cutmix", "one", "several"],
                      steps=3, updates=3,
                      rates=[("one", {"lr": 0.007}, 0.007)], but=LOOKS),
          "judge": dict(arms=["all", "several"], steps=3, updates=3,
                        but=LOOKS)}


def SMALL(space):
    space["data"] = types.SimpleNamespace(
        digits=lambda seed, labels: data.digits(seed, labels=labels, test=60))


CHANCE = dict(scramble=deal_digits, metric="clean", chance=0.1, room=0.06,
              arm="plain", seed=1000, steps=60)
EXPERIMENT = {
    "exam: digits of the training": (
        "    x, y = world(seed)[2:]\n"
        "    g = torch.Generator().manual_seed(500_000 + seed)\n    share",
        "    x, y = world(seed)[:2]\n"
        "    g = torch.Generator().manual_seed(500_000 + seed)\n    share"),
    "labels: the class in a corner": (
        "    x, y = world(seed)[:2]\n",
        "    x, y = world(seed)[:2]\n"
        "    x[:, 0, 0, 0] = y / 10\n"),
    "metric: one step of half the radius": (
        '"one": right(net, one_step(net, x, y, EPS), y)',
        '"one": right(net, one_step(net, x, y, EPS / 2), y)'),
    "metric: leads are climbed in the column of cross-entropy": (
        "EPS, g, rivals=0)", "EPS, g)"),
    "metric: all attacks are those on cross-entropy": (
        "survives(net, x[i], y[i], EPS, g, starts=0)",
        "survives(net, x[i], y[i], EPS, g, rivals=0)"),
    "metric: the exact margin may be anything": (
        "x.flatten(1), y, eps) > 0", "x.flatten(1), y, eps) > -1"),
    "rival: noise of the whole radius only": (
        "strength * EPS, 0, 0.0, g), t", "EPS, 0, 0.0, g), t"),
    "rival: smoothing forgets a class": ("+ strength / 10", "+ strength / 9"),
    "rival: CutMix keeps the label": (
        "            (1 - share) * t + share * t[partner])",
        "            t)"),
    "rival: long is not longer": ('"long": 8', '"long": 1'),
    "rival: quick costs less": ('"quick": 4}', '"quick": 2}'),
    "rival: quick starts at the digit": ("1.25 * r, g), t", "1.25 * r), t"),
    "rival: quick steps as far as one": ("r, 1, 1.25 * r", "r, 1, r"),
    "pairing: every seed starts alike": ("torch.manual_seed(seed)\n    net",
                                         "torch.manual_seed(0)\n    net"),
    "pairing: each arm its own batches": (
        "g, rng = torch.Generator().manual_seed(seed)",
        "g, rng = torch.Generator().manual_seed(seed + len(arm))"),
    "counting: six steps for seven": ('"several": 7', '"several": 6'),
    "search: the rate is ignored": ("lr or rate)", "rate)"),
    "search: the strength is ignored": (
        "best if strength is None else strength", "best"),
}
NOT = {"mode": "the network has no layer that behaves in another way while "
               "it learns"}
UNKNOWN = ["treat('no such arm', None, torch.zeros(1, 2), torch.zeros(1)"
           ".long(), 0, None, None)"]
OPEN = {"adversarial_robustness-2": "every way to spoil the slope and keep "
                                    "the guesses is an answer"}
WRONG = {
    "adversarial_robustness-1": [("margin = -0.55", "less room"),
                                 ("margin = 0.15", "before the attack"),
                                 ("margin = 0.7", "Subtract"),
                                 ("margin = 0.0", "How far")],
    "adversarial_robustness-2": [
        ("hide = lambda net: net", "Twenty steps"),
        ("hide = lambda net: lambda x: 1e-4 * net(x)", "Twenty steps"),
        ("hide = lambda net: lambda x: -net(x)", "name the digits"),
        ("hide = lambda net: learn('several', 1001, 1.0, 400, 1e-2)",
         "hide, not defend")],
    "adversarial_robustness-3": [
        ("mended = strong", "more than eps"),
        ("mended = lambda net, x, y, eps, steps, a, g: x", "ends elsewhere"),
        ("mended = lambda net, x, y, eps, steps, a, g: x + eps",
         "left the range"),
        ("mended = lambda net, x, y, eps, steps, a, g: None",
         "Return changed")],
}
