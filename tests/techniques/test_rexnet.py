"""ReXNet: what its page must survive (see test_every_page.py)."""

import math
import types
from fractions import Fraction

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import data
from tests import anew

PUBLISHED = [16, 27, 38, 50, 61, 72, 84, 95, 106, 117, 128, 140, 151, 162,
             174, 185]
SIZES = {1.0: 4.8, 1.3: 7.6, 1.5: 9.7}      # README, millions, rounded
STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]


# ------------------------------------------- the same network, written anew

class Anew:
    """Stem, blocks and head as one flat list, made in the page's order."""

    def __init__(self, plan, strides, gates=(), stem=32, first=2, head=1280,
                 channels=3, classes=1000, act=None, shortcut=True):
        self.act, self.shortcut, self.made = act, shortcut, []
        self.plan = list(zip([stem, *plan], plan, strides))
        self.gates, self.kept = set(gates), []
        self.pair(channels, stem, 3, first)
        for k, (a, b, stride) in enumerate(self.plan):
            wide = 6 * a if k else a
            if k:
                self.pair(a, wide)
            self.pair(wide, wide, 3, stride, wide)
            if k in self.gates:
                few = wide // 12
                self.made += [nn.Conv2d(wide, few, 1), nn.BatchNorm2d(few),
                              nn.Conv2d(few, wide, 1)]
            self.pair(wide, b)
        self.pair(plan[-1], head)
        self.made.append(nn.Linear(head, classes))

    def pair(self, a, b, kernel=1, stride=1, groups=1):
        self.made += [nn.Conv2d(a, b, kernel, stride, kernel // 2, 1, groups,
                                False), nn.BatchNorm2d(b)]

    def copy_of(self, net):
        theirs = [m for m in net.modules() if isinstance(
            m, (nn.Conv2d, nn.BatchNorm2d, nn.Linear))]
        assert len(theirs) == len(self.made)
        for mine, other in zip(self.made, theirs):
            mine.to(other.weight.dtype).load_state_dict(other.state_dict())
            mine.eval()
        return self

    def __call__(self, x):
        todo, self.kept = iter(self.made), []

        def silu(x):
            return x / (1 + torch.exp(-x))

        def take(x):
            conv, bn = next(todo), next(todo)
            return bn(conv(x))

        x = silu(take(x))
        for k, (a, b, stride) in enumerate(self.plan):
            h = x
            if k:
                h = take(h)
                h = h.clamp(0, 6) if self.act == "relu6" else silu(h)
                self.kept.append(h)
            h = take(h)
            if k in self.gates:
                g = take(h.mean((2, 3), keepdim=True)).clamp_min(0)
                h = h / (1 + torch.exp(-next(todo)(g)))
            h = take(h.clamp(0, 6))
            if self.shortcut and stride == 1 and a <= b:
                h = torch.cat([h[:, :a] + x, h[:, a:]], 1)
            x = h
        x = silu(take(x)).mean((2, 3))
        return next(todo)(x)


def by_gram(y, centred=False):
    """Effective rank from eigenvalues of Y Y', in NumPy."""
    y = np.asarray(y, dtype=np.float64)
    if centred:
        y = y - y.mean(axis=1)[:, None]
    s = np.sqrt(np.clip(np.linalg.eigvalsh(y @ y.T), 0, None))
    return s.sum() ** 2 / np.square(y).sum()


# ------------------------------------------------------------------ oracles

def published_lists(page):
    """By hand, and by exact fractions: a half goes to the even number."""
    assert page["ramp"]() == PUBLISHED
    for blocks, start, growth, width in (
            (16, 16, 180, "1"), (16, 16, 180, "2"), (16, 16, 180, "0.5"),
            (16, 16, 180, "3"), (8, 10, 36, "0.25"), (4, 7, 10, "1.5")):
        w, got = Fraction(width), page["ramp"](
            blocks, start, growth, float(Fraction(width)))
        want = [round((start / min(w, Fraction(1))
                       + i * Fraction(growth, blocks)) * w)
                for i in range(blocks)]
        assert got == want, (got, want)
    assert page["ramp"](6, 8, 24) == [8, 12, 16, 20, 24, 28]


def parameters_by_formula(page):
    """Worked out with a pencil; at the authors' widths, the README's."""
    for width in (0.5, 1.0, 1.3, 1.5, 2.0, 3.0):
        plan = page["ramp"](width=width)
        a, head = round(32 * max(width, 1)), int(1280 * width)
        total = 27 * a + 2 * a
        for k, b in enumerate(plan):
            wide = 6 * a if k else a
            total += (a * wide + 2 * wide) * (k > 0) + 11 * wide
            few = wide // 12
            total += (2 * wide * few + few + wide + 2 * few) * (k >= 3)
            total += wide * b + 2 * b
            a = b
        total += a * head + 2 * head + head * 1000 + 1000
        with torch.device("meta"):
            got = page["parameters"](page["official"](plan, width))
        assert got == total, (width, got, total)
        if width in SIZES:
            assert abs(got / 1e6 - SIZES[width]) < 0.05
    assert PUBLISHED[-1] == page["ramp"]()[-1]


def spoil(net):
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            for t in (m.weight, m.bias, m.running_mean):
                nn.init.normal_(t)
            nn.init.uniform_(m.running_var, 0.5, 2.0)
    return net.double().eval()


def whole_networks(page):
    """Every setting off its default, weights copied; then the authors'
    layout, thinned."""
    settings = dict(plan=[5, 4, 9, 9, 12], strides=[1, 2, 1, 1, 1],
                    gates=(1, 3), stem=7, first=1, head=11, channels=2,
                    classes=4)
    x = torch.randn(2, 2, 9, 6, dtype=torch.float64,
                    generator=torch.Generator().manual_seed(1))
    for act in (None, "relu6"):
        for shortcut in (True, False):
            torch.manual_seed(2)
            net = spoil(page["make_net"](
                **settings, drop=0.3, shortcut=shortcut,
                **({"act": nn.ReLU6} if act else {})))
            mine = Anew(**settings, act=act, shortcut=shortcut).copy_of(net)
            with torch.no_grad():
                torch.testing.assert_close(net(x), mine(x))
    torch.manual_seed(3)
    plan = page["ramp"](width=0.25)
    net = spoil(page["official"](plan, 0.25))
    mine = Anew(plan, STRIDES, range(3, 16), 32, 2, 320).copy_of(net)
    x = torch.rand(1, 3, 40, 36, dtype=torch.float64)
    with torch.no_grad():
        torch.testing.assert_close(net(x), mine(x))


def blocks_by_hand(page):
    """A block whose branch is silent gives its input back, in front."""
    for c_in, c_out, stride, keeps in ((3, 5, 1, True), (4, 4, 1, True),
                                       (5, 3, 1, False), (3, 5, 2, False)):
        block = page["Block"](c_in, c_out, stride).eval()
        nn.init.zeros_(block.branch[-1].weight)
        x = torch.randn(2, c_in, 6, 6)
        y = block(x)
        want = torch.zeros_like(y)
        if keeps:
            want[:, :c_in] = x
        torch.testing.assert_close(y, want)
    small = page["Block"](4, 6, 1, 3, True)
    assert [tuple(m.weight.shape) for m in small.modules() if isinstance(
        m, nn.Conv2d)] == [(12, 4, 1, 1), (12, 1, 3, 3), (1, 12, 1, 1),
                           (12, 1, 1, 1), (6, 12, 1, 1)]


def effective_rank_by_others(page):
    """Closed forms, NumPy's own values, and eigenvalues instead."""
    r = page["effective_rank"]
    assert abs(r(torch.eye(7)) - 7) < 1e-5
    assert abs(r(torch.ones(5, 9)) - 1) < 1e-5
    assert abs(r(torch.diag(torch.tensor([3.0, 4.0]))) - 49 / 25) < 1e-5
    rng = np.random.default_rng(0)
    for shape in ((6, 40), (9, 9), (12, 5)):
        y = rng.normal(size=shape) + rng.normal(size=(shape[0], 1))
        for centred in (False, True):
            z = y - y.mean(1, keepdims=True) if centred else y
            s = np.linalg.svd(z, compute_uv=False)
            got = r(torch.from_numpy(y), centred)
            assert abs(got - s.sum() ** 2 / (s ** 2).sum()) < 1e-9
            assert abs(got - by_gram(y, centred)) < 1e-4


def layers_anew(page):
    """Every activation again, in NumPy, at another size."""
    curves = {
        "linear": lambda z: z, "ReLU6": lambda z: np.clip(z, 0, 6),
        "SiLU": lambda z: z / (1 + np.exp(-z)),
        "hard-swish": lambda z: z * np.clip(z + 3, 0, 6) / 6,
        "softplus": lambda z: np.logaddexp(0, z),
        "lowered": lambda z: np.clip(z, 0, 6) - 1 / math.sqrt(2 * math.pi)}
    assert set(curves) == set(page["ACTS"])
    for size in ({}, dict(inputs=7, outputs=11, samples=60)):
        n, m, k = {**dict(inputs=48, outputs=96, samples=1000),
                   **size}.values()
        rng = np.random.default_rng(1003)
        x = rng.normal(size=(n, k))
        z = rng.normal(size=(m, n)) @ x / math.sqrt(n)
        for arm, f in curves.items():
            got, y = page["layer"](arm, 1003, **size), f(z)
            assert abs(got["rank"] - by_gram(y) / m) < 1e-5, arm
            assert abs(got["centred"] - by_gram(y, True) / m) < 1e-5, arm
            assert got["plain"] == np.linalg.matrix_rank(y), arm


def in_double(seed, **how):
    """The first hundred of the test are enough here."""
    x, y, test_x, test_y = data.digits(seed, **how)
    return x.double(), y, test_x[:100].double(), test_y[:100]


def the_experiment_anew(page):
    """Every arm again, in float64: a network and a loop of our own, plain
    Adam.  Logits agree; accuracy and ranks are worked out from them."""
    with anew.in_float64(page, "examine", in_double) as seen:
        for arm, plan in PLANS.items():
            how = (0, 0.01, 2) if arm == "relu6" else (1, None, 2)
            got = page["run"](arm, 1003, strength=how[0], lr=how[1],
                              steps=how[2])
            same_run(arm, plan if how[0] else PLANS["stairs"], how[2],
                     how[1] or RATES[arm], got, *seen.pop())


LINE = [8, 12, 16, 20, 24, 28]
PLANS = {"stairs": [8, 14, 14, 23, 23, 23], "ramp": LINE, "relu6": LINE,
         "neck": [8, 15, 15, 1, 34, 34], "bare": LINE}
RATES = {"stairs": 16e-3, "ramp": 8e-3, "neck": 32e-3, "relu6": 8e-3,
         "bare": 16e-3}


def same_run(arm, plan, steps, rate, got, theirs, asked):
    x, y, test_x, test_y = in_double(1003, labels=700, test=1000)
    torch.manual_seed(1003)
    net = Anew(plan, [1, 2, 1, 2, 1, 1], (), 8, 1, 64, 1, 10,
               arm if arm == "relu6" else None, arm != "bare")
    order = torch.Generator().manual_seed(1003)

    def loss():
        i = torch.randint(700, (32,), generator=order)
        return F.cross_entropy(net(x[i]), y[i])
    anew.descend([p for m in net.made for p in m.parameters()], loss, steps,
                 rate)
    for m in net.made:
        m.eval()
    assert torch.equal(asked, test_x), arm
    with torch.no_grad():
        mine, logits = net(test_x), theirs.eval()(test_x)
    assert (mine - logits).abs().max() < 1e-6 * mine.std(), arm
    right = np.mean(mine.numpy().argmax(1) == test_y.numpy())
    assert abs(got["accuracy"] - right) < 1e-6, arm
    for name, centred in (("rank", False), ("centred", True)):
        shares = []
        for h in net.kept:
            n, c, high, wide = h.shape
            take = -(-4000 // (high * wide))
            rows = h[:take].permute(1, 0, 2, 3).reshape(c, -1)[:, :4000]
            shares.append(by_gram(rows, centred) / c)
        assert abs(got[name] - np.mean(shares)) < 1e-4, (arm, name)


ORACLES = [published_lists, parameters_by_formula, whole_networks,
           blocks_by_hand, effective_rank_by_others, layers_anew,
           the_experiment_anew]

BRANCH = ("        grow = [*conv_bn(c_in, wide), act()] if self.expands "
          "else []\n        self.branch = nn.Sequential(\n            *grow, "
          "*conv_bn(wide, wide, 3, stride, groups=wide),\n            "
          "*([Gate(wide)] if gate else []), nn.ReLU6(),")
SUM = "y + F.pad(x, (0, 0, 0, 0, 0, self.new)) if self.keeps else y"
MISTAKES = {
    "Rounded before adding": ("channels += growth / blocks  ",
                              "channels = round(channels + growth / blocks)"
                              "  "),
    "Half goes up": ("round(channels * width)",
                     "int(channels * width + 0.5)"),
    "One gap less": ("+= growth / blocks", "+= growth / (blocks - 1)"),
    "First block thinned": ("start / min(width, 1), []", "start, []"),
    "Centred by sample": ("y.mean(1, keepdim=True)",
                          "y.mean(0, keepdim=True)"),
    "Powers of powers": ("torch.linalg.svdvals(y)",
                         "torch.linalg.svdvals(y) ** 2"),
    "Shortcut to the last channels": ("0, 0, self.new))",
                                      "0, self.new, 0))"),
    "Only equal shapes": ("self.new >= 0", "self.new == 0"),
    "Activation behind the sum": (SUM, f"F.silu({SUM})"),
    "SiLU at the wrong place": (BRANCH, BRANCH.replace(
        "act()", "nn.ReLU6()").replace(", nn.ReLU6(),", ", act(),")),
    "Gate behind ReLU6": ("*([Gate(wide)] if gate else []), nn.ReLU6(),",
                          "nn.ReLU6(), *([Gate(wide)] if gate else []),"),
    "Projection with an activation": (
        "*conv_bn(wide, c_out))", "*conv_bn(wide, c_out), nn.ReLU6())"),
    "Stride in the expansion": (BRANCH, BRANCH.replace(
        "conv_bn(c_in, wide)", "conv_bn(c_in, wide, 1, stride)").replace(
        "3, stride, groups", "3, 1 if grow else stride, groups")),
    "Bias kept": ("bias=False", "bias=True"),
}
TRAIN = dict(arm="ramp", seed=1000, steps=3)


def SMALL(space):
    """A hundred digits are examined: the ranks of a thousand take long."""
    def few(seed, **how):
        x, y, test_x, test_y = data.digits(seed, **how)
        return x, y, test_x[:100], test_y[:100]
    space["data"] = types.SimpleNamespace(digits=few)



def out_of(make, shape):
    def call(space, **settings):
        torch.manual_seed(0)
        made = make(space, settings)
        made = nn.Sequential(*made) if isinstance(made, list) else made
        spoil(made)
        with torch.no_grad():
            return made(torch.randn(shape, dtype=torch.float64))
    return call


SETTINGS = {
    "ramp": (lambda space, **s: torch.tensor(space["ramp"](**s)),
             dict(blocks=8, start=8, growth=90, width=0.5)),
    "effective_rank": (lambda space, **s: torch.tensor(space[
        "effective_rank"](torch.arange(12.0).view(3, 4) ** 2, **s)),
        dict(centred=True)),
    "conv_bn": (out_of(lambda space, s: space["conv_bn"](4, 4, **s),
                       (2, 4, 6, 6)), dict(kernel=3, stride=2, groups=2)),
    "Gate": (out_of(lambda space, s: space["Gate"](24, **s), (2, 24, 3, 3)),
             dict(ratio=6)),
    "Block": (out_of(lambda space, s: space["Block"](4, 6, **s),
                     (2, 4, 6, 6)),
              dict(stride=2, expand=3, gate=True, act=nn.ReLU6,
                   shortcut=False)),
}

TRACES = {
    "run": dict(arms=["ramp", "relu6", "bare"], steps=3, updates=3,
                rates=[("ramp", {}, 8e-3), ("stairs", {}, 16e-3),
                       ("neck", {}, 32e-3), ("bare", {}, 16e-3),
                       ("ramp", {"lr": 0.01}, 0.01)]),
    "layer": dict(arms=["SiLU", "ReLU6", "lowered", "softplus"], inputs=5,
                  outputs=9, samples=30, updates=0)}


CHANCE = dict(scramble=anew.deal_digits, metric="accuracy", chance=0.1, room=0.05,
              arm="ramp", seed=1000, steps=20)
EXPERIMENT = {
    "exam: asked about what was learned": ("examine(net, test_x, test_y)",
                                           "examine(net, x, y)"),
    "mode: BN of the batch in the exam": ("net.eval()(x)", "net(x)"),
    "metric: the least likely class": (".argmax(1) == y", ".argmin(1) == y"),
    "metric: a tenth of the samples": ("[:, :4000]", "[:, :400]"),
    "metric: directions, not their share": (
        "effective_rank(y) / len(y)", "effective_rank(y)"),
    "metric: the rank of the whole layer is centred": (
        '"rank": effective_rank(y)', '"rank": effective_rank(y, True)'),
    "metric: images are the channels": (
        "m.transpose(0, 1).flatten(1)", "m.flatten(1)"),
    "rival: ReLU6 that is SiLU": ('"relu6": {"act": nn.ReLU6}',
                                  '"relu6": {"act": nn.SiLU}'),
    "rival: a staircase of more parameters": ("[8, 14, 14, 23, 23, 23]",
                                              "[8, 16, 16, 26, 26, 26]"),
    "rival: lowered too far": ("(2 * math.pi) ** -0.5", "0.5"),
    "rival: softplus that is SiLU": ("F.softplus", "F.silu"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)",
                                         "    torch.manual_seed(0)"),
    "pairing: every seed sees the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "pairing: one random layer for all seeds": ("default_rng(seed)",
                                                "default_rng(0)"),
    "counting: one step less": ("for _ in range(steps):",
                                "for _ in range(steps - 1):"),
    "counting: a gate in every block": ("range(3, 16)", "range(16)"),
    "counting: the map shrinks a block too late": ("(1, 3, 5, 11)",
                                                   "(1, 3, 6, 11)"),
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
UNKNOWN = ["small_net('stair')", "output('relu', 1000)"]

# At one rate: the page gives each arm the rate that suits it.
NULL = dict(arm="ramp", baseline="stairs", strength=0, steps=10, lr=16e-3)

OPEN = {"rexnet-3": "any cut with its mean taken away is an answer"}
WRONG = {
    "rexnet-1": [("ranks = (96, 96)", "count the products"),
                 ("ranks = (144, 156)", "the same product"),
                 ("ranks = (66, 78)", "12 squares"),
                 ("ranks = (78, 78)", "The inputs themselves"),
                 ("ranks = 78", "a pair of whole numbers")],
    "rexnet-2": [("shortcuts = (12, 0)", "Behind the stem"),
                 ("shortcuts = (16, 0)", "Stride 1"),
                 ("shortcuts = (11, 1)", "two neighbours")],
    "rexnet-3": [
        ("blunt = lambda z: F.relu(z - 0.05)", "what do all channels still share"),
        ("blunt = lambda z: z - 1.0 * z.sign()", "not more than half"),
        ("blunt = ACTS['lowered']", "0.497 of all z"),
        ("blunt = lambda z: F.relu6(z) - F.relu6(z).mean() * 2",
         "more than one z"),
        ("blunt = lambda z: z.relu().sum(0)", "shape of z")],
    "rexnet-4": [
        ("mended = add_input", "new channels get something"),
        ("mended = lambda x, y: torch.cat([y[:, :y.shape[1] - x.shape[1]], "
         "y[:, y.shape[1] - x.shape[1]:] + x], 1)",
         "first channels are not"),
        ("mended = lambda x, y: x", "The branch gives")],
}
