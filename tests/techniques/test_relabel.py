"""ReLabel: what its page must survive (see test_every_page.py)."""

import itertools
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from tests.anew import doubled, fitted, sampled
from tests.trace import Says


def some_boxes(n, g):
    low, high = torch.rand(2, n, 2, generator=g).sort(0).values
    return torch.cat([low, high], 1)


def pooling_by_brute_force(page):
    """On maps that are not square; softmax after pooling, from scipy."""
    from scipy.special import softmax
    g = torch.Generator().manual_seed(0)
    for height, width in ((5, 7), (3, 11), (6, 6)):
        maps = 4 * torch.randn(30, 4, height, width, generator=g)
        boxes = some_boxes(30, g)
        want = sampled(maps, boxes)
        torch.testing.assert_close(page["roi_align"](maps, boxes), want,
                                   atol=2e-4, rtol=1e-4)
        np.testing.assert_allclose(page["label_pooling"](maps, boxes),
                                   softmax(want.numpy(), 1), atol=1e-4)


def by_hand(page):
    """The whole image gives the mean, one cell itself, a constant map the
    same label everywhere, and mirroring both changes nothing."""
    g = torch.Generator().manual_seed(1)
    maps = torch.randn(30, 3, 5, 7, generator=g)
    full = torch.tensor([[0.0, 0, 1, 1]]).expand(30, 4)
    torch.testing.assert_close(page["roi_align"](maps, full),
                               maps.mean((2, 3)))
    for r, c in itertools.product(range(5), range(7)):
        cell = torch.tensor([[c / 7, r / 5, (c + 1) / 7 - 1e-5,
                              (r + 1) / 5 - 1e-5]])    # no second sample
        torch.testing.assert_close(page["roi_align"](maps[:1], cell)[0],
                                   maps[0, :, r, c], atol=1e-5, rtol=1e-5)
    boxes = some_boxes(30, g)
    same = torch.arange(3.0)[None, :, None, None].expand(30, 3, 5, 7)
    torch.testing.assert_close(page["label_pooling"](same, boxes),
                               torch.arange(3.0).softmax(0).expand(30, 3))
    wide = boxes[:, 2] - boxes[:, 0] > 1 / 7       # thinner ones are widened
    turned = torch.stack([1 - boxes[:, 2], boxes[:, 1], 1 - boxes[:, 0],
                          boxes[:, 3]], 1)
    torch.testing.assert_close(
        page["label_pooling"](maps.flip(3), turned)[wide],
        page["label_pooling"](maps, boxes)[wide], atol=1e-4, rtol=1e-4)


def what_is_stored(page):
    """The k best of each place, zeros elsewhere, by loops."""
    maps = torch.randn(2, 5, 3, 4, generator=torch.Generator().manual_seed(2))
    for k in (1, 3):
        got = page["restore"](*page["store"](maps, k), 5)
        for n, r, c in itertools.product(range(2), range(3), range(4)):
            column = maps[n, :, r, c].tolist()
            best = sorted(range(5), key=lambda i: -column[i])[:k]
            assert got[n, :, r, c].tolist() == [
                column[i] if i in best else 0.0 for i in range(5)]


def scenes_and_crops(page):
    """Glyphs stand where they are said to; a crop shows what lies in it,
    seen on an image whose pixels tell their own place."""
    ink, side = page["INK"], page["SIDE"]
    with mock.patch.dict(page, NOISE=0.0):
        x, kinds, corners = page["scenes"](
            200, 2, torch.Generator().manual_seed(3))
    rebuilt = torch.zeros_like(x)
    for i in range(200):
        for kind, (r, c) in zip(kinds[i].tolist(), corners[i].tolist()):
            assert not rebuilt[i, 0, r:r + side, c:c + side].any()
            rebuilt[i, 0, r:r + side, c:c + side] = ink[kind]
    assert torch.equal(x, rebuilt)
    assert (kinds[:, 0] != kinds[:, 1]).all()
    counts = kinds.flatten().bincount(minlength=len(ink))
    assert counts.min() > 0.6 * counts.float().mean()
    rows, columns, size = page["ROWS"], page["COLUMNS"], page["CROP"]
    place = torch.stack([torch.arange(rows * 1.0)[:, None].expand(
        rows, columns), torch.arange(columns * 1.0).expand(rows, columns)])
    boxes = page["draw_boxes"](400, torch.Generator().manual_seed(4))
    assert boxes.min() >= 0 and boxes.max() <= 1 + 1e-6
    across, down = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    ratio = across * columns / (down * rows)
    free = (across < 0.999) & (down < 0.999)
    assert (across * down)[free].min() < 0.12
    assert ratio[free].min() >= 0.749 and ratio[free].max() <= 1.334
    got = [page["crop"](p.expand(400, 1, rows, columns), boxes)[:, 0]
           for p in place]
    u = (torch.arange(size) + 0.5) / size
    for axis, (low, length, count) in enumerate(
            ((boxes[:, 1], down, rows), (boxes[:, 0], across, columns))):
        want = ((low[:, None] + length[:, None] * u) * count - 0.5).clamp(
            0, count - 1)
        seen = got[axis].mean(2 - axis)
        torch.testing.assert_close(seen, want, atol=1e-3, rtol=1e-3)


def counted_in_small_pixels(page):
    """How much of an object is in a crop, by counting."""
    corners = torch.tensor([[[2, 3], [10, 15]], [[0, 21], [13, 0]]])
    boxes = torch.tensor([[0.1, 0.15, 0.6, 0.7], [0.25, 0.3, 0.9, 1.0]])
    got = page["visible"](corners, boxes)
    fine = (np.arange(7 * 200) + 0.5) / 200
    for i, j in itertools.product(range(2), range(2)):
        r, c = corners[i, j].tolist()
        x1, y1, x2, y2 = boxes[i].tolist()
        down = ((r + fine) / 20 > y1) & ((r + fine) / 20 < y2)
        across = ((c + fine) / 28 > x1) & ((c + fine) / 28 < x2)
        assert abs(got[i, j].item() - down.mean() * across.mean()) < 5e-3


def what_is_measured(page):
    """Known predictors on known crops; the counts by hand."""
    g = torch.Generator().manual_seed(5)
    x, kinds, corners = page["scenes"](300, 2, g)
    boxes = page["draw_boxes"](300, g)
    seen, classes = page["visible"](corners, boxes), len(page["INK"])
    best = seen.argmax(1)
    y = kinds[torch.arange(300), best]
    got = page["measure"](Says(y, classes), x, kinds, corners, boxes)
    assert got["any"] == 1 and got["whole"] == 1
    lost = torch.tensor([next(k for k in range(classes) if k not in pair)
                         for pair in kinds.tolist()])
    got = page["measure"](Says(lost, classes), x, kinds, corners, boxes)
    assert got["any"] == got["whole"] == got["both"] == 0
    first = [pair[0] for pair in kinds.tolist()]
    got = page["measure"](Says(kinds[:, 0], classes), x, kinds, corners,
                          boxes)
    some = [row for row in seen.tolist() if max(row) >= 0.5]
    assert abs(got["any"] - np.mean([row[0] >= 0.5 for row in some])) < 1e-6
    two = [i for i, row in enumerate(seen.tolist()) if min(row) >= 0.5]
    second = [0 if first[i] else 1 for i in two]    # the next best: a tie
    want = np.mean([kinds[i, 1].item() == s for i, s in zip(two, second)])
    assert abs(got["both"] - want) < 0.2

    class Both(nn.Module):
        def forward(self, x):
            return sum(k * F.one_hot(kinds[:, j], classes).float()
                       for j, k in ((0, 3.0), (1, 2.0)))
    assert page["measure"](Both(), x, kinds, corners, boxes)["both"] == 1


def labels_of_the_arms(page):
    """Each arm's label, from the brute force."""
    g = torch.Generator().manual_seed(6)
    maps = 3 * torch.randn(40, len(page["INK"]), 5, 7, generator=g)
    nominal = torch.randint(len(page["INK"]), (40,), generator=g)
    boxes = some_boxes(40, g)
    here, everywhere = sampled(maps, boxes), maps.mean((2, 3))
    soft = {"global": everywhere, "true global": everywhere,
            "relabel": here, "true map": here}
    for arm in page["ARMS"]:
        got = page["target"](arm, nominal, maps, boxes, 1)
        if arm in soft:
            want = soft[arm].double().exp()
            want = (want / want.sum(1, keepdim=True)).float()
        else:
            best = nominal if arm == "one-hot" else here.argmax(1)
            want = torch.eye(maps.shape[1])[best]
        torch.testing.assert_close(got, want, atol=1e-3, rtol=1e-3)
    half = torch.tensor([0.0, 0, 1, 1]).lerp(boxes, 0.5)
    torch.testing.assert_close(
        page["target"]("relabel", nominal, maps, boxes, 0.5),
        sampled(maps, half).softmax(1), atol=1e-3, rtol=1e-3)


class Anew(nn.Module):
    """Three convolutions, each with BN and ReLU, in the page's order."""

    def __init__(self, width, last, head):
        super().__init__()
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        before = 1
        for c, s in ((width, 2), (2 * width, 2), (2 * width, 1)):
            self.convs.append(nn.Conv2d(before, c, 3, s, 1))
            self.norms.append(nn.BatchNorm2d(c))
            before = c
        self.last, self.head = last(), head

    def forward(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = norm(conv(x)).clamp(min=0)
        return self.head(self.last, x)


def world_anew(page, seed, teach):
    classes = len(page["INK"])
    g = torch.Generator().manual_seed(300_000 + seed)
    torch.manual_seed(300_000 + seed)
    x, kinds, _ = page["scenes"](3000, 1, g)
    net = Anew(16, lambda: nn.Conv2d(32, classes, 1),
               lambda last, z: last(z).mean((2, 3)))

    def batch():
        i = torch.randint(3000, (64,), generator=g)
        t = torch.full((64, classes), 0.1 / classes)
        t[torch.arange(64), kinds[i, 0]] += 0.9
        return x[i], t
    net = fitted(net, batch, teach, 1e-2)
    net.head = lambda last, z: last(z)
    g = torch.Generator().manual_seed(200_000 + seed)
    x, kinds, corners = page["scenes"](1000, 2, g)
    exam = (*page["scenes"](1000, 2, g), page["draw_boxes"](1000, g))
    with torch.no_grad():
        maps = net(x)
    kept = maps.argsort(1).argsort(1) >= classes - 3
    full = torch.zeros(1000, classes, 20, 28)
    for i in range(1000):
        for j in range(2):
            r, c = corners[i, j].tolist()
            full[i, kinds[i, j], r:r + 7, c:c + 7] = 40
    true = full.view(1000, classes, 5, 4, 7, 4).mean((3, 5))
    return x, kinds, maps * kept, true, exam


def the_experiment_anew(page):
    """Every arm again: own networks, own loop, own pooling; the logits on
    the exam agree."""
    with doubled(page, "world", "annotator"):
        every_arm_anew(page)


def every_arm_anew(page):
    classes, seed, teach, steps = len(page["INK"]), 1003, 4, 3
    x, kinds, maps, true, exam = world_anew(page, seed, teach)
    got = page["world"](seed, teach)
    for mine, theirs in ((x, got[0]), (kinds, got[1]), (true, got[4])):
        torch.testing.assert_close(theirs, mine)
    torch.testing.assert_close(got[3], maps)
    seen = []

    def noted(net, *exam):
        seen.append((net, exam))
    full = torch.tensor([[0.0, 0, 1, 1]]).expand(64, 4)
    for arm in page["ARMS"]:
        for lr in (None, 0.005) if arm == "relabel" else (None,):
            with mock.patch.dict(page, measure=noted):
                page["run"](arm, seed, steps=steps, teach=teach, lr=lr)
            g = torch.Generator().manual_seed(seed)
            torch.manual_seed(seed)
            net = Anew(16, lambda: nn.Linear(32, classes),
                       lambda last, z: last(z.amax((2, 3))))

            def batch(arm=arm, g=g):
                i = torch.randint(1000, (64,), generator=g)
                boxes = page["draw_boxes"](64, g)
                m = (true if arm[:4] == "true" else maps)[i]
                z = sampled(m, full if "global" in arm else boxes)
                t = z.softmax(1)
                if arm in ("one-hot", "located"):
                    best = kinds[i, 0] if arm == "one-hot" else z.argmax(1)
                    t = torch.eye(classes)[best]
                return page["crop"](x[i], boxes), t
            fitted(net, batch, steps, lr or page["RATE"][arm])
            theirs, asked = seen.pop()
            for a, b in zip(asked, exam):
                torch.testing.assert_close(a, b)
            with torch.no_grad():
                shown = page["crop"](exam[0], exam[3])
                torch.testing.assert_close(theirs(shown), net(shown))


ORACLES = [pooling_by_brute_force, by_hand, what_is_stored, scenes_and_crops,
           counted_in_small_pixels, what_is_measured, labels_of_the_arms,
           the_experiment_anew]

MISTAKES = {
    "Softmax before pooling": (
        "return roi_align(maps, boxes).softmax(dim=1)",
        "return roi_align(maps.softmax(dim=1), boxes)"),
    "Whole image": ("return roi_align(maps, boxes).softmax(dim=1)",
                    "return maps.mean((2, 3)).softmax(dim=1)"),
    "Axes swapped": ("x1, y1, x2, y2 = boxes.T", "y1, x1, y2, x2 = boxes.T"),
    "Size for corner": (
        "x1, y1, x2, y2 = boxes.T",
        "x1, y1, x2, y2 = boxes.T\n    x2, y2 = x2 - x1, y2 - y1"),
    "Minus infinity": ("maps = torch.zeros(n, K, height, width)",
                       "maps = torch.full((n, K, height, width), -1e4)"),
    "Fractions for cells": ("start = low * size - 0.5",
                            "start, high = low - 0.5, high / size"),
    "Half a cell off": ("start = low * size - 0.5\n"
                        "    span = (high * size - 0.5 - start)",
                        "start = low * size\n"
                        "    span = (high * size - start)"),
    "Corners aligned": ("start = low * size - 0.5\n"
                        "    span = (high * size - 0.5 - start)",
                        "start = low * (size - 1)\n"
                        "    span = (high * (size - 1) - start)"),
    "One sample": ("count = span.ceil()[:, None]",
                   "count = torch.ones_like(span)[:, None]"),
    "Thinner than a cell": (".clamp(min=1)      # at least a cell",
                            ".clamp(min=1e-3)"),
}
TRAIN = dict(arm="relabel", seed=1000, steps=3, teach=10)
NULL = dict(arm="relabel", baseline="global", strength=0, steps=3, teach=5,
            lr=0.02)


def SMALL(space):
    """A fifth of the scenes, for learning and for the exam."""
    scenes, boxes = space["scenes"], space["draw_boxes"]
    space["scenes"] = lambda n, objects, g: scenes(n // 5, objects, g)
    space["draw_boxes"] = lambda n, g: boxes(200 if n == 1000 else n, g)


TRACES = {"run": dict(
    arms=["one-hot", "located", "true global"], steps=3, teach=0, updates=3,
    rates=[("relabel", {}, 1e-2), ("relabel", {"lr": 0.007}, 0.007)])}


def scramble(space):
    """Glyphs are drawn as ever; their names are dealt by lot."""
    real = space["scenes"]

    def scenes(n, objects, g):
        x, kinds, corners = real(n, objects, g)
        lots = torch.Generator().manual_seed(n + objects)
        dealt = torch.rand(len(x), len(space["INK"]), generator=lots)
        return x, dealt.argsort(1)[:, :objects], corners
    space["scenes"] = scenes


CHANCE = dict(scramble=scramble, metric="whole", chance=1 / 3, room=0.1,
              arm="relabel", seed=1000, steps=60, teach=60)
EXPERIMENT = {
    "exam: the scenes of the training": (
        "exam = (*scenes(1000, 2, g), draw_boxes(1000, g))",
        "exam = (x, kinds, corners, draw_boxes(1000, g))"),
    "labels: the nominal class in a pixel": (
        "    x = NOISE * torch.randn(n, 1, ROWS, COLUMNS, generator=g)",
        "    x = NOISE * torch.randn(n, 1, ROWS, COLUMNS, generator=g)\n"
        "    x[:, 0, 0, 0] = kinds[:, 0].float()"),
    "labels: the nominal glyph is the brighter": (
        "image[0, r:r + SIDE, c:c + SIDE] += INK[kind]",
        "image[0, r:r + SIDE, c:c + SIDE] += INK[kind] * (\n"
        "                1 + (kind == many[0]))"),
    "mode: BN still learns": ("return net.eval()", "return net"),
    "metric: only the nominal class is right": (
        "1, kinds, (visible(corners, boxes) >= 0.5).float())\n    hit",
        "1, kinds[:, :1], (visible(corners, boxes) >= 0.5).float())\n"
        "    hit"),
    "metric: the best of two guesses": (
        "hit[some, 0].mean()", "hit[some].amax(1).mean()"),
    "metric: sum of the sides for their product": (
        "inside.clamp(min=0).prod(2) / SIDE ** 2",
        "inside.clamp(min=0).sum(2) / SIDE / 2"),
    "rival: the global label follows the crop": (
        "        strength = 0\n", "        strength = 1\n"),
    "rival: located is the nominal class": (
        "F.one_hot(label.argmax(1), len(INK))",
        "F.one_hot(nominal, len(INK))"),
    "rival: a faint true map": ("c:c + SIDE] = 40.0", "c:c + SIDE] = 4.0"),
    "rival: every logit is stored": ("store(label(x), 3)",
                                     "store(label(x), len(INK))"),
    "pairing: each arm its own crops": (
        "boxes = draw_boxes(64, g)",
        "boxes = draw_boxes(64, g.manual_seed(len(arm)))"),
    "pairing: every seed starts alike": (
        "    torch.manual_seed(seed)\n    net", "    torch.manual_seed(0)\n"
        "    net"),
    "pairing: every seed has the same scenes": ("manual_seed(200_000 + seed)",
                                                "manual_seed(200_000)"),
    "counting: crops without an object count": ("hit[some, 0].mean()",
                                                "hit[:, 0].mean()"),
    "search: the rate is ignored": ("lr or RATE[arm]", "RATE[arm]"),
}
NOT = {}
UNKNOWN = ["target('one hot', torch.zeros(1).long(), torch.zeros(1, 6, 5, 7),"
           " torch.tensor([[0.0, 0.0, 1.0, 1.0]]), 1)"]
OPEN = {"relabel-3": "many thin boxes read a cell that they do not touch"}
WRONG = {
    "relabel-1": [("pooled = 2.0", "how many samples"),
                  ("pooled = 8 / 3", "mean by area"),
                  ("pooled = 4", "two neighbours"),
                  ("pooled = 1.0", "In cells the box")],
    "relabel-2": [("shares = (0.375, 0.709)", "other way round"),
                  ("shares = (0.9, 0.375)", "After"),
                  ("shares = (0.709, 0.709)", "Before")],
    "relabel-3": [("leak = (0, 0, 1, 1)", "Every cell"),
                  ("leak = (0.5, 0.5, 0.4, 0.6)", "lie in the image"),
                  ("leak = (0.2, 0.2, 2, 2)", "lie in the image")],
    "relabel-4": [("mended = pooled_label", "another crop"),
                  ("mended = roi_align", "sum to one"),
                  ("mended = lambda maps, boxes: maps.softmax(1).mean((2, 3))",
                   "Close to no box"),
                  ("mended = lambda maps, boxes: label_pooling(maps, boxes)"
                   "[:1]", "one label a crop")],
}
