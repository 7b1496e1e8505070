"""PfLayer: what its page must survive (see test_every_page.py)."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import data
from tests import anew

LAYERS = ("conv", "depthwise", "max", "avg", "none", "kept", "hybrid")


# ------------------------------------------- the same networks, written anew

def windows(x, side, stride, fill):
    """(N, C, side * side, H', W'): every window, by unfold."""
    n, c, h, w = x.shape
    x = F.pad(x, [side // 2] * 4, value=fill)
    cells = F.unfold(x.reshape(n * c, 1, *x.shape[2:]), side, stride=stride)
    return cells.view(n, c, side * side, -(-h // stride), -(-w // stride))


def pooled(x, side, stride, layer):
    if layer == "avg":
        seen = windows(torch.ones_like(x), side, stride, 0.0).sum(2)
        return windows(x, side, stride, 0.0).sum(2) / seen
    return windows(x, side, stride, -math.inf).amax(2)


class Anew:
    """A ResNet of bottlenecks as flat lists, made in the page's order."""

    def __init__(self, layer, stem, blocks, width, side, channels, classes):
        self.layer, self.side, self.pairs, self.plan = layer, side, [], []
        self.pair(channels, width, stem, 1)
        before = width
        for stage, count in enumerate(blocks):
            w = width << stage
            for k in range(count):
                stride = 1 + (stage > 0 and k == 0)
                self.plan.append((before, w, stride))
                self.block(before, w, stride)
                before = 4 * w
        self.last = nn.Linear(before, classes)

    def pair(self, a, b, kernel, stride, groups=1):
        self.pairs.append((nn.Conv2d(a, b, kernel, stride, kernel // 2, 1,
                                     groups, False), nn.BatchNorm2d(b)))

    def learned(self, stride):
        return self.layer in ("conv", "depthwise") or (
            self.layer == "hybrid" and stride == 2)

    def block(self, a, w, stride):
        self.pair(a, w, 1, 1)
        if self.learned(stride):
            self.pair(w, w, self.side, 1 if self.layer == "hybrid" else
                      stride, w if self.layer == "depthwise" else 1)
        elif self.layer == "kept":
            self.pairs.append((None, nn.BatchNorm2d(w)))
        self.pair(w, 4 * w, 1, 1)
        if stride == 2 or a != 4 * w:
            self.pair(a, 4 * w, 1, stride)

    def layers(self):
        return [m for p in self.pairs for m in p if m is not None] + [
            self.last]

    def copy_of(self, net):
        """Take the weights of another network, in their order."""
        theirs = [v for v in net.state_dict().values() if v.dim()]
        mine = [v for m in self.layers() for v in m.state_dict().values()
                if v.dim()]
        assert [v.shape for v in mine] == [v.shape for v in theirs]
        for a, b in zip(mine, theirs):
            a.copy_(b)
        for m in self.layers():
            m.double().eval()
        return self

    def __call__(self, x):
        todo = iter(self.pairs)

        def take(x):
            conv, bn = next(todo)
            return bn(x if conv is None else conv(x))

        x = take(x).clamp_min(0)
        for a, w, stride in self.plan:
            h = take(x).clamp_min(0)
            if self.layer == "hybrid" and stride == 2:
                h = (h[..., ::2, ::2] + h[..., 1::2, ::2] + h[..., ::2, 1::2]
                     + h[..., 1::2, 1::2]) / 4
            if self.learned(stride):
                h = take(h).clamp_min(0)
            elif self.layer == "none":
                h = h[..., ::stride, ::stride]
            else:
                h = pooled(h, self.side, stride, self.layer)
                h = take(h).clamp_min(0) if self.layer == "kept" else h
            h = take(h)
            x = (h + (take(x) if stride == 2 or a != 4 * w else x)
                 ).clamp_min(0)
        return self.last(x.mean((2, 3)))


def whole_networks(page):
    """Every layer, every setting off its default, weights copied."""
    for layer in LAYERS:
        torch.manual_seed(len(layer))
        net = page["make_net"](layer, stem=5, blocks=(2, 1, 2), width=3,
                               window=5, channels=2, classes=4).double()
        for m in net.modules():
            if isinstance(m, nn.BatchNorm2d):
                for t in (m.weight, m.bias, m.running_mean):
                    nn.init.normal_(t)
                nn.init.uniform_(m.running_var, 0.5, 2.0)
        x = torch.randn(3, 2, 12, 8, dtype=torch.float64)
        with torch.no_grad():
            mine = Anew(layer, 5, (2, 1, 2), 3, 5, 2, 4).copy_of(net)(x)
            torch.testing.assert_close(net.eval()(x), mine)


def middles_by_unfold(page):
    """max, avg and none on signed maps, odd and even, without a block."""
    g = torch.Generator().manual_seed(0)
    for size in ((8, 8), (7, 5), (6, 9)):
        x = torch.randn(2, 3, *size, generator=g)
        for stride in (1, 2):
            for side in (3, 5):
                for layer in ("max", "avg"):
                    got = nn.Sequential(*page["spatial"](
                        layer, 3, stride, side))(x)
                    torch.testing.assert_close(
                        got, pooled(x, side, stride, layer))
            none = nn.Sequential(*page["spatial"]("none", 3, stride))(x)
            assert torch.equal(none, x[..., ::stride, ::stride])


def parameters_by_formula(page):
    """Worked out with a pencil; at ResNet-50's size, the README's."""
    extra = {"conv": lambda w, s: 9 * w * w + 2 * w,
             "depthwise": lambda w, s: 11 * w, "kept": lambda w, s: 2 * w,
             "hybrid": lambda w, s: (9 * w * w + 2 * w) * (s == 2)}
    for blocks, width, stem, channels, classes in (
            ((1, 2), 8, 3, 1, 10), ((3, 4, 6, 3), 64, 7, 3, 1000)):
        for layer in LAYERS:
            total, before = stem ** 2 * channels * width + 2 * width, width
            for stage, count in enumerate(blocks):
                w = width * 2 ** stage
                for k in range(count):
                    s = 2 if stage and not k else 1
                    total += before * w + 2 * w + 4 * w * w + 8 * w
                    total += extra.get(layer, lambda w, s: 0)(w, s)
                    total += 0 if k else before * 4 * w + 8 * w
                    before = 4 * w
            total += (before + 1) * classes
            with torch.device("meta"):
                net = page["make_net"](layer, stem, blocks, width, 3,
                                       channels, classes)
            got = page["parameters"](net)
            assert got == total, (layer, got, total)
            if width == 64 and layer in ("conv", "max", "hybrid"):
                readme = {"conv": 25.6, "max": 14.2, "hybrid": 17.3}[layer]
                assert abs(got / 1e6 - readme) < 0.05


def blind_to_mirrors(page):
    """Without strides, a maximum behind a 1×1 stem sees no direction, and
    none behind a symmetric one, which is the stem of the eight means."""
    x = torch.randn(4, 1, 7, 7, dtype=torch.float64,
                    generator=torch.Generator().manual_seed(2))
    for layer, stem, blind in (
            ("max", 1, True), ("avg", 1, True), ("max", 3, False),
            ("depthwise", 1, False), ("max", "symmetric", True)):
        torch.manual_seed(3)
        net = page["make_net"](layer, 3 if stem == "symmetric" else stem,
                               blocks=(3,)).double().eval()
        if stem == "symmetric":
            w = net[0].weight.detach().clone()
            net = page["symmetric"](net)
            corners, sides = w[..., ::2, ::2], w.flatten(2)[..., 1::2]
            for got, want in ((net[0].weight[..., 1, 1], w[..., 1, 1]),
                              (net[0].weight[..., 0, 2], corners.mean((2, 3))),
                              (net[0].weight[..., 1, 0], sides.mean(2))):
                torch.testing.assert_close(got, want)
        with torch.no_grad():
            gap = max((net(y) - net(x)).abs().max() for y in (
                x.flip(2), x.flip(3), x.transpose(2, 3), x.rot90(1, (2, 3))))
        assert (gap < 1e-12) == blind, (layer, stem, gap)


def moves_by_hand(page):
    """Answers that are sums of weighed pixels, far apart by their biases,
    which have no say in the unit."""
    x = data.digits(1000).test_images[:200].double()
    for seed in range(8):
        g = torch.Generator().manual_seed(seed)
        w = torch.randn(64, 2, generator=g, dtype=torch.float64)

        def answers(x):
            return x.flatten(1) @ w + torch.tensor([0.0, 50.0])

        before = answers(x)
        most = max((answers(y.flip(d)) - before).abs().max()
                   for y in (x, x.mT) for d in ((), (2,), (3,), (2, 3)))
        unit = (before[:, 0].std() + before[:, 1].std()) / 2
        assert abs(page["moves"](answers) - most / unit) < 1e-9


def seen_by_one_cell(page):
    """Exercise 2: 19 pixels with windows of 5, and 3 without."""
    x = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(4))
    for layer, want in (("max", 19), ("none", 3)):
        torch.manual_seed(5)
        net = page["make_net"](layer, window=5)[:-3].eval()
        moved = []
        with torch.no_grad():
            for column in range(48):
                far = x.clone()
                far[..., column] += 50
                if (net(far) - net(x))[..., 12].abs().max() > 1e-6:
                    moved.append(column)
        assert moved[-1] - moved[0] + 1 == want, (layer, moved)


def in_double(seed, **how):
    x, y, test_x, test_y = data.digits(seed, **how)
    return x.double(), y, test_x.double(), test_y


def the_experiment_anew(page):
    """Every arm again, in float64: a network and a loop of our own, plain
    Adam.  The logits agree, and accuracy is counted from them."""
    rates = {"depthwise": 0.032, "max": 0.032, "kept": 0.032, "max1": 0.032}
    with anew.in_float64(page, "accuracy", in_double) as seen:
        for arm in ("max1", "depthwise1", *LAYERS):
            hows = [(1, None, 3), (2, 0.01, 2)]
            # The arms part in `spatial`; two show what is handed on.
            for strength, lr, steps in hows[:1 + (arm in ("conv",
                                                          "max"))]:
                got = page["run"](arm, 1003, strength=strength,
                                  steps=steps, lr=lr)["accuracy"]
                rate = lr or rates.get(arm, 0.016)
                same_run(arm, strength, steps, rate, got, *seen.pop())


def same_run(arm, strength, steps, rate, got, theirs, asked):
    x, y, test_x, test_y = in_double(1003, labels=700, test=1000)
    torch.manual_seed(1003)
    net = Anew(arm.rstrip("1"), 1 if arm[-1] == "1" else 3, (1, 2), 8,
               1 + 2 * strength, 1, 10)
    order = torch.Generator().manual_seed(1003)

    def loss():
        i = torch.randint(700, (32,), generator=order)
        return F.cross_entropy(net(x[i]), y[i])
    anew.descend([p for m in net.layers() for p in m.parameters()], loss, steps,
                 rate)
    for m in net.layers():
        m.eval()
    assert torch.equal(asked, test_x), arm
    with torch.no_grad():
        mine, logits = net(test_x), theirs.eval()(test_x)
    assert (mine - logits).abs().max() < 1e-6 * mine.std(), arm
    said = [max(range(10), key=row.__getitem__) for row in mine.tolist()]
    right = sum(a == b for a, b in zip(said, test_y.tolist()))
    assert abs(got - right / 1000) < 1e-6, arm


ORACLES = [whole_networks, middles_by_unfold, parameters_by_formula,
           blind_to_mirrors, moves_by_hand, seen_by_one_cell, the_experiment_anew]

POOL = "return [nn.MaxPool2d(window, stride, window // 2), *after]"
MISTAKES = {
    "BN and ReLU kept": ('if layer == "kept" else []',
                         'if layer != "none" else []'),
    "Padded on one side": (
        POOL, "return [nn.ZeroPad2d((0, window - 1, 0, window - 1)),\n"
        "            nn.MaxPool2d(window, stride), *after]"),
    "Average in place of maximum": (
        POOL, "return [nn.AvgPool2d(window, stride, window // 2), *after]"),
    "Border counted": ("count_include_pad=False", "count_include_pad=True"),
    "Stride in the squeeze": (
        "*conv_bn(c_in, width), nn.ReLU(),              # squeeze\n"
        "            *spatial(layer, width, stride, window),",
        "*conv_bn(c_in, width, 1, stride), nn.ReLU(),\n"
        "            *spatial(layer, width, 1, window),"),
    "Pool before the squeeze": (
        "*conv_bn(c_in, width), nn.ReLU(),              # squeeze\n"
        "            *spatial(layer, width, stride, window),",
        "*spatial(layer, c_in, stride, window),\n"
        "            *conv_bn(c_in, width), nn.ReLU(),"),
    "Hybrid the wrong way round": ('"hybrid" and stride == 2',
                                   '"hybrid" and stride == 1'),
    "Hybrid without its mean": (
        "return [nn.AvgPool2d(stride), *conv_bn(width, width, window),",
        "return [*conv_bn(width, width, window, stride),"),
    "No shortcut": ("F.relu(self.branch(x) + self.shortcut(x))",
                    "F.relu(self.branch(x))"),
    "Bias kept": ("bias=False", "bias=True"),
}
TRAIN = dict(arm="max", seed=1000, steps=12)

TRACES = {"run": dict(
    arms=["max", "none", "avg"], steps=3, updates=3,
    rates=[("max", {}, 32e-3), ("conv", {}, 16e-3), ("none", {}, 16e-3),
           ("depthwise1", {}, 16e-3), ("max", {"lr": 0.01}, 0.01)])}


CHANCE = dict(scramble=anew.deal_digits, metric="accuracy", chance=0.1, room=0.05,
              arm="max", seed=1000, steps=30)
EXPERIMENT = {
    "exam: asked about what was learned": ("accuracy(net, test_x, test_y)",
                                           "accuracy(net, x, y)"),
    "mode: BN of the batch in the exam": ("net.eval()(x)", "net(x)"),
    "metric: the least likely class": (".argmax(1) == y", ".argmin(1) == y"),
    "metric: moves are counted in units of the last bias": (
        "answers[0].std(0).mean()", "answers[0].std()"),
    "metric: the digit is turned and not mirrored": (
        "for y in (x, x.flip(3)) for k", "for y in (x, x) for k"),
    "rival: a symmetric stem of one window": (
        "torch.stack(eight(weight)).mean(0)", "eight(weight)[0]"),
    "rival: a stem that is not 1×1": ('"max1": ("max", 1)',
                                      '"max1": ("max", 3)'),
    "rival: the stem is forgotten": ("make_net(layer, stem, window=",
                                     "make_net(layer, window="),
    "rival: every block of a later stage shrinks the map": (
        "if stage > 0 and k == 0", "if stage > 0"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)",
                                         "    torch.manual_seed(0)"),
    "pairing: every seed sees the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "counting: one step less": ("for _ in range(steps):",
                                "for _ in range(steps - 1):"),
    "search: the given rate is ignored": ("lr or RATE.get(arm, 16e-3)",
                                          "RATE.get(arm, 16e-3)"),
    "search: one rate for all": ("lr or RATE.get(arm, 16e-3)",
                                 "lr or 16e-3"),
    "labels: the label is a pixel": (
        "    torch.manual_seed(seed)",
        "    for a, b in ((x, y), (test_x, test_y)):\n"
        "        a[:, 0] = F.one_hot(b, 10)[:, None, :8].float()\n"
        "    torch.manual_seed(seed)"),
}
NOT = {}
UNKNOWN = ["spatial('pool', 4, 1)", "make_net('maximum')"]

# At one rate: the page gives each arm the rate that suits it.
NULL = dict(arm="max", baseline="none", strength=0, steps=20, lr=16e-3)

WRONG = {
    "pflayer-1": [("lost = 36864", "goes as well"),
                  ("lost = 9 * 64 ** 2 + 64", "two parameters a channel"),
                  ("lost = 704", "depthwise"),
                  ("lost = 64 * 64 * 3", "times channels out"),
                  ("lost = 36990", "times channels out")],
    "pflayer-2": [("widths = (15, 3)", "one cell to the side is two"),
                  ("widths = (11, 3)", "windows of 3"),
                  ("widths = (19, 1)", "The stem looks"),
                  ("widths = (17, 3)", "Start from the stem"),
                  ("widths = (19, 5)", "Nothing behind the stem"),
                  ("widths = 19", "a pair of whole numbers")],
    "pflayer-3": [
        ("witness = torch.ones(1, 1, 4, 4)", "Both are the same"),
        ("witness = torch.rand(1, 1, 5, 5)", "odd width"),
        ("witness = torch.rand(8, 8)", "shape (1, 1, H, W)"),
        ("witness = 0.5", "shape (1, 1, H, W)")],
    "pflayer-4": [
        ("mended = pooled_tokens", "which axis is the channels"),
        ("mended = lambda x, up, down: down(F.gelu(F.max_pool1d("
         "F.gelu(up(x)).transpose(1, 2), 3, 1, 1).transpose(1, 2)))",
         "two directions"),
        ("mended = lambda x, up, down: down(F.gelu(F.gelu(up(x))))",
         "which axis is the channels"),
        ("mended = lambda x, up, down: up(x)", "come out as")],
}
