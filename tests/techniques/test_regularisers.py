"""Regularisers on one bench: what its page must survive (see
test_every_page.py)."""

import itertools
import math
import types
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import data
from tests.anew import doubled, fitted, sampled


class Fixed:
    """A generator that returns what it was given, call by call."""

    def __init__(self, random=(), beta=(), partner=(), integers=()):
        self.lists = {k: list(v) for k, v in dict(
            random=random, beta=beta, integers=integers).items()}
        self.partner, self.asked = partner, []

    def random(self):
        return self.lists["random"].pop(0)

    def beta(self, a, b):
        self.asked.append((a, b))
        return self.lists["beta"].pop(0)

    def integers(self, high, size=None):
        return self.lists["integers"].pop(0)

    def permutation(self, n):
        return np.array(self.partner)


def batch_of(n, g, classes=5, size=(2, 6, 7)):
    """Images, and labels that are soft already."""
    x = torch.randn(n, *size, generator=g)
    return x, torch.randn(n, classes, generator=g).softmax(1)


# ------------------------------------------------------------- technique

def losses_by_torch(page):
    """The issue's exact part: torch's cross-entropy with soft labels, with
    its own label smoothing, and as a mean of two with hard ones."""
    g = torch.Generator().manual_seed(0)
    z, y = torch.randn(9, 5, generator=g), torch.arange(9) % 5
    partner = torch.randperm(9, generator=g)
    t, loss = F.one_hot(y, 5).float(), page["soft_loss"]
    soft = torch.randn(9, 5, generator=g).softmax(1)
    torch.testing.assert_close(loss(z, soft), F.cross_entropy(z, soft))
    for share in (0.0, 0.1, 0.7):
        torch.testing.assert_close(
            loss(z, page["smooth"](t, share)),
            F.cross_entropy(z, y, label_smoothing=share))
    x = torch.rand(9, 1, 6, 7, generator=g)
    for lam in (0.2, 0.9):
        _, mixed = page["mixup"](x, t, 0.3, Fixed(beta=[lam],
                                                  partner=partner))
        want = lam * F.cross_entropy(z, y) + (1 - lam) * F.cross_entropy(
            z, y[partner])
        torch.testing.assert_close(loss(z, mixed), want)
    _, mixed = page["cutmix"](x, t, 0.5, Fixed(
        random=[0.1, 0.5], partner=partner, integers=[3, 3]))
    lam = 1 - 4 * 4 / 42                    # sides 4.2 and 4.9, cut to 4
    want = lam * F.cross_entropy(z, y) + (1 - lam) * F.cross_entropy(
        z, y[partner])
    torch.testing.assert_close(loss(z, mixed), want)
    maps = 3 * torch.randn(9, 5, 1, 1, generator=g)
    whole = torch.tensor([[0.0, 0, 1, 1]]).expand(9, 4)
    for share in (0.3, 1.0):
        got = loss(z, page["relabel"](t, maps, whole, share))
        want = (1 - share) * F.cross_entropy(z, y) + share * F.cross_entropy(
            z, maps[:, :, 0, 0].softmax(1))
        torch.testing.assert_close(got, want)


def pixel_by_pixel(page):
    """Holes, boxes and blends from the words, by loops; labels counted in
    pixels, soft ones too; what came in is left alone."""
    g = torch.Generator().manual_seed(1)
    x, t = batch_of(4, g)
    before, partner = x.clone(), [2, 0, 3, 1]
    for side in (0, 1, 2, 4, 5):
        centre = [np.array([[0], [3], [5], [2]]), np.array([[6], [1], [3],
                                                            [0]])]
        got = page["cutout"](x, side, Fixed(integers=centre))
        for i, r, c in itertools.product(range(4), range(6), range(7)):
            hole = all(k[i, 0] - side // 2 <= at < k[i, 0] + side // 2
                       for at, k in zip((r, c), centre))
            assert torch.equal(got[i, :, r, c],
                               0 * x[i, :, r, c] if hole else x[i, :, r, c])
    for lam in (0.25, 1.0):
        rng = Fixed(beta=[lam], partner=partner)
        got, label = page["mixup"](x, t, 0.4, rng)
        assert rng.asked == [(0.4, 0.4)]
        for i, j in enumerate(partner):
            torch.testing.assert_close(got[i], lam * x[i] + (1 - lam) * x[j])
            torch.testing.assert_close(label[i],
                                       lam * t[i] + (1 - lam) * t[j])
    for drawn, cy, cx in itertools.product((0.05, 0.4, 0.8, 0.97),
                                           range(6), range(7)):
        got, label = page["cutmix"](x, t, 0.5, Fixed(
            random=[0.49, drawn], partner=partner, integers=[cy, cx]))
        h, w = (int(n * math.sqrt(1 - drawn)) // 2 for n in (6, 7))
        inside = torch.tensor([[cy - h <= r < cy + h and cx - w <= c < cx + w
                                for c in range(7)] for r in range(6)])
        own = 1 - inside.sum().item() / 42
        for i, j in enumerate(partner):
            assert torch.equal(got[i], torch.where(inside, x[j], x[i]))
            torch.testing.assert_close(label[i],
                                       own * t[i] + (1 - own) * t[j])
    for name, strength in (("mixup", 0.0), ("cutmix", 0.0)):
        got, label = page[name](x, t, strength, Fixed(random=[0.0],
                                                      partner=partner))
        assert torch.equal(got, x) and torch.equal(label, t)
    assert torch.equal(x, before)


def labels_of_crops(page):
    """ReLabel on maps that are not square, softmax from scipy."""
    from scipy.special import softmax
    g = torch.Generator().manual_seed(2)
    for height, width in ((5, 7), (3, 11), (5, 5)):
        maps = 4 * torch.randn(20, 4, height, width, generator=g)
        low, high = torch.rand(2, 20, 2, generator=g).sort(0).values
        boxes = torch.cat([low, high], 1)
        t = torch.randn(20, 4, generator=g).softmax(1)
        for share in (0.0, 0.4, 1.0):
            pooled = softmax(sampled(maps, boxes).numpy(), 1)
            want = (1 - share) * t.numpy() + share * pooled
            np.testing.assert_allclose(page["relabel"](t, maps, boxes, share),
                                       want, atol=2e-4, rtol=1e-3)


def calibration_by_sklearn(page):
    """The gap from scikit-learn's calibration curve; and by hand."""
    from sklearn.calibration import calibration_curve
    g = torch.Generator().manual_seed(3)
    for bins, sharp in ((15, 1.0), (15, 4.0), (7, 2.0)):
        p = (sharp * torch.randn(500, 6, generator=g)).softmax(1)
        y = torch.randint(6, (500,), generator=g)
        sure = p.max(1).values.double().numpy()
        right = (p.argmax(1) == y).numpy()
        accuracy, confidence = calibration_curve(right, sure, n_bins=bins)
        held = np.histogram(sure, np.linspace(0, 1, bins + 1))[0]
        want = (held[held > 0] * np.abs(accuracy - confidence)).sum() / 500
        assert abs(page["ece"](p, y, bins=bins) - want) < 1e-5
        if bins == 15:
            assert abs(page["ece"](p, y) - want) < 1e-5
    p = torch.tensor([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    y = torch.tensor([0, 1, 1, 1])
    assert abs(page["ece"](p, y) - (0.5 * 0.4 + 0.25 * 0.4 + 0.25 * 0.3)
               ) < 1e-6
    one = torch.tensor([[1.0, 0.0]])
    assert page["ece"](one, torch.tensor([0])) == 0
    assert page["ece"](one, torch.tensor([1])) == 1


def the_step_of_a_line(page):
    """Two classes, a linear net: the slope is known; and by differences."""
    w = torch.tensor([[1.0, -2.0, 0.5], [-1.0, 1.0, 3.0]])
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(4))
    y, kept = torch.tensor([0, 1, 0, 1, 1]), x.clone()
    got = page["fgsm"](lambda v: v @ w.T, x, y, 0.25)
    sign = torch.sign(w[1 - y] - w[y])        # towards the other class
    torch.testing.assert_close(got, x + 0.25 * sign)
    assert torch.equal(x, kept) and not got.requires_grad
    torch.manual_seed(4)
    net = nn.Sequential(nn.Linear(3, 7), nn.Tanh(), nn.Linear(7, 4)).double()
    x, y = x.double(), torch.tensor([0, 1, 2, 3, 3])
    got = page["fgsm"](net, x, y, 0.1)
    for i, j in itertools.product(range(5), range(3)):
        up, down = x[i].clone(), x[i].clone()
        up[j], down[j] = up[j] + 1e-5, down[j] - 1e-5
        rise = (F.cross_entropy(net(up[None]), y[i:i + 1])
                - F.cross_entropy(net(down[None]), y[i:i + 1])).item()
        assert abs((got - x)[i, j].item() - 0.1 * np.sign(rise)) < 1e-6


# ------------------------------------------------------------ experiment

class Anew(nn.Module):
    """The page's network, written out."""

    def __init__(self):
        super().__init__()
        self.a, self.na = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.b, self.nb = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.c, self.d = nn.Linear(128, 64), nn.Linear(64, 10)

    def forward(self, x):
        for conv, norm in ((self.a, self.na), (self.b, self.nb)):
            x = F.max_pool2d(norm(conv(x)).clamp(min=0), 2)
        return self.d(self.c(x.flatten(1)).clamp(min=0))


class Teacher(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.na = nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16)
        self.b, self.nb = nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.c, self.nc = nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32)
        self.d = nn.Conv2d(32, 10, 1)

    def places(self, x):
        x = self.na(self.a(x)).clamp(min=0)
        x = F.max_pool2d(self.nb(self.b(x)).clamp(min=0), 2)
        return self.d(self.nc(self.c(x)).clamp(min=0))

    def forward(self, x):
        return self.places(x).mean((2, 3))


def world_anew(seed, teach):
    """Training digits, labels, maps, the exam: by loops."""
    g = torch.Generator().manual_seed(200_000 + seed)
    torch.manual_seed(300_000 + seed)
    x, y, fresh, answer = data.digits(seed, labels=700, test=1000)
    padded = torch.zeros(700, 1, 10, 10)
    padded[:, :, 1:9, 1:9] = x
    padded += 0.1 * torch.randn(700, 1, 10, 10, generator=g)
    mine, rest, held = [], [], [0] * 10
    for i in torch.randperm(700, generator=g).tolist():
        (mine if held[y[i]] < 10 else rest).append(i)
        held[y[i]] += 1
    assert len(mine) == 100 and len(rest) == 600

    def batch():
        i = torch.randint(600, (64,), generator=g)
        t = torch.full((64, 10), 0.01)
        t[torch.arange(64), y[rest][i]] += 0.9
        return padded[rest][i], t
    label = fitted(Teacher(), batch, teach, 1e-2)
    noise = 0.1 * torch.randn(1000, 1, 8, 8, generator=g)
    cut = fresh.clone()
    for image, side in zip(cut, torch.randint(4, (1000,), generator=g)):
        image[:, (slice(0, 4), slice(4, 8), slice(None), slice(None))[side],
              (slice(None), slice(None), slice(0, 4), slice(4, 8))[side]] = 0
    with torch.no_grad():
        maps = label.places(padded[mine])
    return (padded[mine], y[mine], maps, fresh + noise, cut + noise, answer)


def world_by_loops(page):
    with doubled(page, "world"):
        for mine, theirs in zip(world_anew(1003, 3), page["world"](1003, 3)):
            torch.testing.assert_close(theirs, mine)


def the_experiment_anew(page):
    """Every arm again: own network, own loop, each method in a few lines;
    weights agree by what they say on the exam, and so do all measures."""
    with doubled(page, "world"):
        every_arm_anew(page)


def every_arm_anew(page):
    seed, steps, teach = 1003, 3, 3
    x, y, maps, whole, hidden, answer = page["world"](seed, teach)
    real, seen = page["fgsm"], []

    def noted(net, *args):
        seen.append((net, args))
        return real(net, *args)
    for arm in page["ARMS"]:
        for lr, strength in ((None, None), (0.007, {
                "cutout": 6, "mixup": 0.7, "cutmix": 0.9, "smoothing": 0.3,
                "relabel": 0.8}.get(arm, 0))):
            rate, best = page["SETTING"][arm]
            s = best if strength is None else strength
            with mock.patch.dict(page, fgsm=noted):
                got = page["run"](arm, seed, steps=steps, teach=teach, lr=lr,
                                  strength=strength)
            g = torch.Generator().manual_seed(seed)
            rng = np.random.default_rng(seed)
            torch.manual_seed(seed)

            def batch(arm=arm, g=g, rng=rng, s=s):
                i = torch.randint(100, (32,), generator=g)
                corner = torch.randint(3, (32, 2), generator=g).tolist()
                crops = torch.stack([x[k, :, r:r + 8, c:c + 8]
                                     for k, (r, c) in zip(i, corner)])
                t = torch.eye(10)[y[i]]
                if arm == "smoothing":
                    t = t * (1 - s) + s / 10
                if arm == "relabel":
                    boxes = torch.tensor([[c, r, c + 8.0, r + 8.0]
                                          for r, c in corner]) / 10
                    t = (1 - s) * t + s * sampled(maps[i], boxes).softmax(1)
                if arm == "cutout":
                    for image, cy, cx in zip(crops, *(
                            rng.integers(8, size=(32, 1))[:, 0]
                            for _ in range(2))):
                        image[:, max(cy - s // 2, 0):cy + s // 2,
                              max(cx - s // 2, 0):cx + s // 2] = 0
                if arm == "mixup":
                    lam = rng.beta(s, s)
                    j = rng.permutation(32)
                    return (lam * crops + (1 - lam) * crops[j],
                            lam * t + (1 - lam) * t[j])
                if arm == "cutmix" and rng.random() < s:
                    half = int(8 * math.sqrt(1 - rng.random())) // 2
                    j = rng.permutation(32)
                    cy, cx = rng.integers(8), rng.integers(8)
                    box = torch.zeros(8, 8)
                    box[max(cy - half, 0):cy + half,
                        max(cx - half, 0):cx + half] = 1
                    lam = 1 - box.mean()
                    return (torch.where(box > 0, crops[j], crops),
                            lam * t + (1 - lam) * t[j])
                return crops, t
            net = fitted(Anew(), batch, steps, lr or rate)
            theirs, (asked, labels, step) = seen.pop()
            assert torch.equal(asked, whole) and torch.equal(labels, answer)
            assert step == 0.1
            moved = real(theirs, whole, answer, step)
            with torch.no_grad():
                torch.testing.assert_close(theirs(whole), net(whole))
                said = [theirs(v).softmax(1) for v in (whole, hidden, moved)]
            for name, p in zip(("whole", "hidden", "moved"), said):
                share = np.mean([a == b for a, b in zip(p.argmax(1).tolist(),
                                                        answer.tolist())])
                assert abs(got[name] - share) < 1e-6
            for name, p in (("gap", said[0]), ("hidden_gap", said[1])):
                assert abs(got[name] - page["ece"](p, answer)) < 1e-6


def what_the_arms_are_told(page):
    """ReLabel's label of each of the nine crops, from maps that differ from
    place to place; plain training's and Cutout's is the one-hot label."""
    g = torch.Generator().manual_seed(5)
    maps = 4 * torch.randn(9, 10, 5, 5, generator=g)
    corner = torch.tensor(list(itertools.product(range(3), range(3))))
    x, t = torch.rand(9, 1, 8, 8, generator=g), torch.eye(10)[:9]

    def told(arm, strength):
        return page["treat"](arm, x, t, maps, corner, strength,
                             np.random.default_rng(0))
    boxes = torch.tensor([[c, r, c + 8.0, r + 8.0] for r, c in
                          corner.tolist()]) / 10
    for share in (0.3, 1.0):
        seen, label = told("relabel", share)
        assert torch.equal(seen, x)
        torch.testing.assert_close(label, (1 - share) * t + share * sampled(
            maps, boxes).softmax(1), atol=1e-3, rtol=1e-3)
    for arm, strength in (("plain", 0), ("cutout", 4)):
        seen, label = told(arm, strength)
        assert torch.equal(label, t)
        assert torch.equal(seen, x) == (arm == "plain")


ORACLES = [losses_by_torch, pixel_by_pixel, labels_of_crops,
           calibration_by_sklearn, the_step_of_a_line, world_by_loops,
           what_the_arms_are_told, the_experiment_anew]

MISTAKES = {
    "Not a label": ("share / t.shape[1]", "share / (t.shape[1] - 1)"),
    "Twice the hole": ("half = int(side) // 2", "half = int(side)"),
    "Images only": ("            lam * t + (1 - lam) * t[partner])",
                    "            t)"),
    "Label by the draw": (
        "lam = 1 - x[0, 0][box[2:]].numel() / (height * width)",
        "lam = 1 - ratio ** 2"),
    "Swapped shares": (
        "lam = 1 - x[0, 0][box[2:]].numel() / (height * width)",
        "lam = x[0, 0][box[2:]].numel() / (height * width)"),
    "Another partner": ("mixed[box] = x[partner][box]",
                        "mixed[box] = x.flip(0)[box]"),
    "Axes swapped": ("x1, y1, x2, y2 = boxes.T", "y1, x1, y2, x2 = boxes.T"),
    "Softmax first": (
        '"nkhw,nh,nw->nk", maps,', '"nkhw,nh,nw->nk", maps.softmax(1),'),
    "Signed gap": ("abs(gap.item())", "gap.item()"),
    "Bins alike": ("some.float().mean().item() * abs(gap.item())",
                   "abs(gap.item()) / len(which.unique())"),
    "Summed loss": (".sum(1).mean()", ".sum()"),
    "Downhill": ("x + step * slope.sign()", "x - step * slope.sign()"),
    "Raw slope": ("step * slope.sign()", "step * slope"),
}
TRAIN = dict(arm="cutmix", seed=1000, steps=4, teach=2)
NULL = dict(arm="cutmix", baseline="plain", strength=0.0, steps=8, teach=2,
            lr=0.003)
TRACES = {"run": dict(
    arms=["plain", "mixup", "cutmix", "relabel"], steps=3, teach=0,
    updates=3,
    rates=[("mixup", {"lr": 0.007}, 0.007)],
    but={"exam": "the gradient-sign step takes a gradient at the exam's "
                 "digits, and no weight is updated with it"})}


def fewer(seed, labels, test):
    """A fifth of the exam."""
    return data.digits(seed, labels=labels, test=test // 5)


def SMALL(space):
    space["data"] = types.SimpleNamespace(digits=fewer)


def scramble(space):
    """The digits are as ever; their names are dealt by lot."""
    def digits(seed, labels, test):
        x, y, fresh, answer = fewer(seed, labels, test)
        g = torch.Generator().manual_seed(17)
        return (x, y[torch.randperm(len(y), generator=g)], fresh,
                answer[torch.randperm(len(answer), generator=g)])
    space["data"] = types.SimpleNamespace(digits=digits)


CHANCE = dict(scramble=scramble, metric="whole", chance=0.1, room=0.06,
              arm="cutout", seed=1000, steps=60, teach=0)
EXPERIMENT = {
    "exam: digits of the training": (
        "test=1000)\n    x = F.pad", "test=1000)\n"
        "    fresh[:100], answer[:100] = x[:100], y[:100]\n    x = F.pad"),
    "labels: the class in a corner": (
        "    order = torch.randperm(len(x), generator=g)",
        "    x[:, 0, 1, 1] = y.float()\n"
        "    order = torch.randperm(len(x), generator=g)"),
    "mode: BN still learns": ("return net.eval()", "return net"),
    "metric: the error of whole digits for that of halves": (
        "hidden_gap=ece(q, y)", "hidden_gap=ece(p, y)"),
    "metric: blanked digits lose their noise": (
        "half(fresh, side) + noise", "half(fresh + noise, side)"),
    "metric: the step is taken from halves": (
        "fgsm(net, whole, y, STEP)", "fgsm(net, hidden, y, STEP)"),
    "rival: plain is smoothed": (
        "at + 0.8], 1), strength)\n    return x, t",
        "at + 0.8], 1), strength)\n    return x, smooth(t, 0.1)"),
    "rival: the teacher learns from all": (
        "teacher(x[~mine], y[~mine], g, teach)", "teacher(x, y, g, teach)"),
    "rival: ReLabel's box is the whole digit": (
        "torch.cat([at, at + 0.8], 1)",
        "torch.cat([0 * at, 0 * at + 1], 1)"),
    "pairing: each arm its own crops": (
        "corner = torch.randint(3, (32, 2), generator=g)",
        "corner = torch.randint(3, (32, 2), generator=g.manual_seed(\n"
        "            len(arm)))"),
    "pairing: every seed starts alike": (
        "    torch.manual_seed(seed)\n    net", "    torch.manual_seed(0)\n"
        "    net"),
    "counting: nine of each class": (" <= 10)[:, 0]", " <= 9)[:, 0]"),
    "search: the rate is ignored": ("lr or rate", "rate"),
    "search: the strength is ignored": (
        "best if strength is None else strength", "best"),
}
NOT = {}
UNKNOWN = ["treat('no such arm', None, None, None, None, 0, None)"]
OPEN = {"regularisers-3": "every list with a tenth of right guesses and a "
                          "confidence of about a tenth is an answer"}
WRONG = {
    "regularisers-1": [("error = 0.04", "no sign"),
                       ("error = 0.275", "mean over bins"),
                       ("error = 0.32", "bin by bin"),
                       ("error = 0.5", "Two gaps")],
    "regularisers-2": [("gap = 0.0", "how sure"),
                       ("gap = 0.82", "its confidence"),
                       ("gap = 0.2", "gets its part"),
                       ("gap = 0.5", "lowest where")],
    "regularisers-3": [("answers_given = 10 * [(0.5, True)]",
                        "more accurate than guessing"),
                       ("answers_given = [(0.1, False)]", "at least ten"),
                       ("answers_given = 10 * [(0.0, False)]", "a tenth at"),
                       ("answers_given = 10 * [(0.6, False)]",
                        "larger than 0.02")],
    "regularisers-4": [("mended = pasted", "near the edge"),
                       ("mended = lambda x, t, c, rng: x", "images and"),
                       ("mended = lambda x, t, c, rng: (x, t)",
                        "right before"),
                       ("mended = lambda x, t, c, rng: (cutmix(x, t, c, rng)"
                        "[0], 2 * t)", "sum to one")],
}
