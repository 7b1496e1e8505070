"""PiT: what its page must survive (see test_every_page.py)."""

import types

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lab1784 import data
from tests import anew


# ------------------------------------------- the same network, written anew

def pooled(x, conv, fc, stride, kernel):
    """Place by place and channel by channel; the class token apart."""
    weight, bias = conv.weight, conv.bias
    n, count, width = x.shape
    side, out = round((count - 1) ** 0.5), weight.shape[0]
    small = -(-side // stride)
    made = torch.zeros(n, 1 + small * small, out, dtype=x.dtype)
    made[:, 0] = x[:, 0] @ fc.weight.T + fc.bias
    for i in range(small):
        for j in range(small):
            for c in range(out):
                total = bias[c].expand(n)
                for a in range(kernel):
                    for b in range(kernel):
                        row = stride * i + a - kernel // 2
                        column = stride * j + b - kernel // 2
                        if 0 <= row < side and 0 <= column < side:
                            total = total + weight[c, 0, a, b] * x[
                                :, 1 + row * side + column, c * width // out]
                made[:, 1 + i * small + j, c] = total
    return made


class Anew(nn.Module):
    """torch's own transformer layers; pools by unfold.  Made in the order
    of the page, so that the same seed gives the same numbers."""

    def __init__(self, stages, heads, patch, stride, pool, kernel, channels,
                 classes):
        super().__init__()
        self.stride, self.pool, self.kernel = stride, pool, kernel
        side, width, _ = stages[0]
        self.embed = nn.Conv2d(channels, width, patch, stride)
        self.place = nn.Parameter(torch.randn(1, width, side, side))
        self.cls = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.parts, before = nn.ModuleList(), width
        for k, (_, width, depth) in enumerate(stages):
            if k:
                conv = nn.Conv2d(before, width, kernel, groups=before)
                self.parts.append(nn.ModuleList(
                    [conv, nn.Linear(before, width)]))
            for _ in range(depth):
                self.parts.append(layer_of(width, heads[k]))
            before = width
        self.norm = nn.LayerNorm(width, 1e-6)
        self.head = nn.Linear(width, classes)

    def forward(self, x):
        weight = self.embed.weight.flatten(1)
        patches = F.unfold(x, self.embed.kernel_size, stride=self.stride)
        tokens = (weight @ patches + self.embed.bias[:, None]
                  + self.place.flatten(2)).transpose(1, 2)
        cls = self.cls.expand(len(x), -1, -1)
        for part in self.parts:
            if isinstance(part, nn.ModuleList):
                conv, fc = part
                n, count, width = tokens.shape
                side, k = round(count ** 0.5), self.kernel
                grid = tokens.transpose(1, 2).reshape(n, width, side, side)
                seen = F.unfold(grid, k, padding=k // 2, stride=self.pool)
                seen = seen.view(n, width, 1, k * k, -1)
                w = conv.weight.view(1, width, -1, k * k, 1)
                tokens = ((seen * w).sum(3).flatten(1, 2)
                          + conv.bias[:, None]).transpose(1, 2)
                cls = fc(cls)
            else:
                both = part(torch.cat([cls, tokens], 1))
                cls, tokens = both[:, :1], both[:, 1:]
        return self.head(self.norm(cls[:, 0]))


def layer_of(width, heads):
    """torch's layer; its weights are drawn as those of the page's block."""
    linear = [nn.Linear(width, 3 * width), nn.Linear(width, width),
              nn.Linear(width, 4 * width), nn.Linear(4 * width, width)]
    with torch.random.fork_rng():
        made = nn.TransformerEncoderLayer(
            width, heads, 4 * width, 0.0, "gelu", 1e-6, batch_first=True,
            norm_first=True)
    put(made, linear)
    return made


def put(layer, linear, norms=()):
    """qkv, proj and the two of the MLP, and two norms, into torch's layer."""
    qkv, proj, up, down = linear
    mine = layer.self_attn
    with torch.no_grad():
        for a, b in ((mine.in_proj_weight, qkv.weight),
                     (mine.in_proj_bias, qkv.bias),
                     (mine.out_proj.weight, proj.weight),
                     (mine.out_proj.bias, proj.bias),
                     (layer.linear1.weight, up.weight),
                     (layer.linear1.bias, up.bias),
                     (layer.linear2.weight, down.weight),
                     (layer.linear2.bias, down.bias)):
            a.copy_(b)
        for a, b in zip((layer.norm1, layer.norm2), norms):
            a.weight.copy_(b.weight)
            a.bias.copy_(b.bias)


def stir(net):
    """Norms and biases away from where they start."""
    for m in net.modules():
        if isinstance(m, nn.LayerNorm):
            nn.init.normal_(m.weight)
            nn.init.normal_(m.bias)


def pooling_by_loop(page):
    for side, before, after, stride, kernel in (
            (7, 2, 4, 2, 3), (4, 3, 3, 1, 3), (5, 2, 6, 3, 5),
            (6, 2, 4, 2, 1)):
        torch.manual_seed(side)
        layer = page["Pooling"](before, after, stride, kernel).double()
        x = torch.randn(2, 1 + side * side, before, dtype=torch.float64)
        with torch.no_grad():
            got = layer(x)
            want_shape = (2, 1 + (-(-side // stride)) ** 2, after)
            assert layer.conv.weight.shape == (after, 1, kernel, kernel)
            assert got.shape == want_shape, (got.shape, want_shape)
            want = pooled(x, layer.conv, layer.fc, stride, kernel)
        torch.testing.assert_close(got, want)


def its_own_path(page):
    """Neither does the class token see the map, nor the map the token."""
    torch.manual_seed(0)
    layer = page["Pooling"](4, 8, 2, 3)
    x, other = torch.randn(2, 3, 50, 4)
    with torch.no_grad():
        mixed = layer(torch.cat([x[:, :1], other[:, 1:]], 1))
        assert torch.allclose(mixed[:, :1], layer(x)[:, :1], atol=1e-6)
        assert torch.allclose(mixed[:, 1:], layer(other)[:, 1:], atol=1e-6)
        alone = x[:, 0] @ layer.fc.weight.T + layer.fc.bias
        assert torch.allclose(mixed[:, 0], alone, atol=1e-6)


def blocks_by_torch(page):
    for width, heads in ((12, 3), (16, 2)):
        torch.manual_seed(heads)
        block = page["Block"](width, heads)
        stir(block)
        theirs = layer_of(width, heads)
        put(theirs, (block.qkv, block.proj, block.mlp[0], block.mlp[2]),
            (block.norm1, block.norm2))
        x = torch.randn(3, 7, width)
        with torch.no_grad():
            torch.testing.assert_close(block(x), theirs(x), rtol=1e-4,
                                       atol=1e-5)


def whole_networks(page):
    """Every setting off its default, weights copied, places far apart."""
    for seed, (plan, stages) in enumerate((
            (dict(size=13, patch=5, stride=2, heads=(1, 3), depth=(2, 1),
                  head=4, pool=3, kernel=5, channels=2, classes=4),
             [(5, 4, 2), (2, 12, 1)]),
            (dict(size=12, patch=3, stride=3, heads=(2, 2, 4),
                  depth=(1, 2, 2), head=3, pool=2, kernel=1, channels=3,
                  classes=5), [(4, 6, 1), (2, 6, 2), (1, 12, 2)]))):
        plan = page["Plan"](**plan)
        assert plan.stages() == stages, plan.stages()
        torch.manual_seed(seed)
        net = page["PiT"](plan)
        stir(net)
        mine = Anew(stages, plan.heads, plan.patch, plan.stride, plan.pool,
                    plan.kernel, plan.channels, plan.classes)
        with torch.no_grad():
            for name in ("place", "cls"):
                getattr(mine, name).copy_(getattr(net, name))
            for name in ("embed", "norm", "head"):
                getattr(mine, name).load_state_dict(
                    getattr(net, name).state_dict())
            assert len(mine.parts) == len(net.body)
            for a, b in zip(mine.parts, net.body):
                if isinstance(a, nn.ModuleList):
                    assert a[0].weight.shape == b.conv.weight.shape
                    a[0].load_state_dict(b.conv.state_dict())
                    a[1].load_state_dict(b.fc.state_dict())
                else:
                    put(a, (b.qkv, b.proj, b.mlp[0], b.mlp[2]),
                        (b.norm1, b.norm2))
            x = torch.randn(3, plan.channels, plan.size, plan.size)
            torch.testing.assert_close(net(x), mine(x), rtol=1e-4, atol=1e-5)


def by_hooks(net, x):
    """Multiply-adds that hooks on every layer see; attention from the
    shapes that go into its last linear layer."""
    seen = []

    def count(layer, given, out):
        each = (layer.in_features if isinstance(layer, nn.Linear) else
                layer.weight[0].numel())
        seen.append(out.numel() * each)

    hooks = [m.register_forward_hook(count) for m in net.modules()
             if isinstance(m, (nn.Linear, nn.Conv2d))]
    for m in net.modules():
        if hasattr(m, "qkv"):
            hooks.append(m.register_forward_hook(
                lambda m, given, out: seen.append(
                    2 * out.shape[1] ** 2 * out.shape[2])))
    net(x)
    for hook in hooks:
        hook.remove()
    return sum(seen)


def counts(page):
    """The formula, hooks, torch's counter and the README of the authors."""
    small = [*page["ARMS"].values(), page["Plan"](
        size=13, patch=5, stride=2, heads=(1, 3), depth=(2, 1), head=4,
        pool=3, kernel=5, channels=2, classes=4)]
    for plan in small:
        with torch.device("meta"), torch.no_grad():
            net = page["PiT"](plan)
            x = torch.zeros(1, plan.channels, plan.size, plan.size)
            counter = FlopCounterMode(display=False)
            with counter:
                net(x)
            want = by_hooks(net, x)
        assert counter.get_total_flops() == 2 * want
        assert page["multiply_adds"](plan) == want
        assert page["watched"](plan) == (
            sum(p.numel() for p in net.parameters()), want)
    readme = {  # heads, depth, head, patch, stride, millions, GFLOPs
        "PiT-Ti": ((2, 4, 8), (2, 6, 4), 32, 16, 8, 4.9, 0.71),
        "PiT-XS": ((2, 4, 8), (2, 6, 4), 48, 16, 8, 10.6, 1.4),
        "PiT-S": ((3, 6, 12), (2, 6, 4), 48, 16, 8, 23.5, 2.9),
        "PiT-B": ((4, 8, 16), (3, 6, 4), 64, 14, 7, 73.8, 12.5),
        "DeiT-Ti": ((3,), (12,), 64, 16, 16, 5.7, 1.3),
        "DeiT-S": ((6,), (12,), 64, 16, 16, 22.1, 4.6),
        "DeiT-B": ((12,), (12,), 64, 16, 16, 86.6, 17.6)}
    for name, (heads, depth, head, patch, stride, size, cost) in \
            readme.items():
        plan = page["Plan"](224, patch, stride, heads, depth, head,
                            channels=3, classes=1000)
        with torch.device("meta"):
            net = page["PiT"](plan)
        got = sum(p.numel() for p in net.parameters()) / 1e6
        assert abs(got - size) <= 0.06, (name, got)
        got = page["multiply_adds"](plan) / 1e9
        assert abs(got - cost) <= 0.1 or abs(got / cost - 1) < 0.02, (
            name, got)
        if name in page["PAPER"]:
            assert page["PAPER"][name] == plan


# ---------------------------------------------------- the experiment anew

ARMS = {  # patch stride, [(side, width, blocks)], heads, pool, kernel
    "short": (1, [(7, 16, 1), (4, 32, 2), (2, 64, 1)], (2, 4, 8), 2, 3),
    "vit": (2, [(4, 40, 4)], (5,), 2, 3),
    "cut": (2, [(4, 33, 4)], (3,), 2, 3),
    "pit": (1, [(7, 16, 1), (4, 32, 2), (2, 64, 1)], (2, 4, 8), 2, 3),
    "flat": (1, [(7, 27, 1), (4, 27, 2), (2, 27, 1)], (3, 3, 3), 2, 3),
    "kept": (2, [(4, 33, 1), (4, 33, 2), (4, 33, 1)], (3, 3, 3), 1, 3)}
RATE = {**dict.fromkeys(ARMS, 5e-3), "flat": 2.5e-3}


def in_double(seed, **how):
    """A fifth of the test images, for the sake of time."""
    x, y, test_x, test_y = data.digits(seed, **how)
    return x.double(), y, test_x.double()[::5], test_y[::5]


def arms_as_told(page):
    """The shapes of the page's table, and the cost of a block, by hand."""
    assert page["block_cost"](50, 16) == (153_600, 80_000)
    assert {arm: (plan.stride, plan.stages(), plan.heads, plan.pool,
                  plan.kernel) for arm, plan in page["ARMS"].items()} == ARMS


def the_experiment_anew(page):
    """Every arm again in float64, with a network and a loop of our own."""
    with anew.in_float64(page, "accuracy", in_double) as seen:
        for arm in ARMS:
            hows = [(1, 2, {}), (1, 3, {"lr": 0.003}), (0, 2, {})]
            for strength, steps, more in hows[:3 if arm == "pit" else 1]:
                got = page["run"](
                    arm, 1003, strength=strength, **more,
                    steps=5 * steps if arm == "short" else steps)
                same_run(arm if strength else "cut", steps,
                         more.get("lr", RATE[arm]), got["accuracy"],
                         *seen.pop())


def same_run(arm, steps, rate, got, theirs, asked):
    x, y, test_x, test_y = in_double(1003, labels=500, test=1000)
    x, test_x = (x - 0.3) / 0.37, (test_x - 0.3) / 0.37
    stride, stages, heads, pool, kernel = ARMS[arm]
    torch.manual_seed(1003)
    net = Anew(stages, heads, 2, stride, pool, kernel, 1, 10)
    adam = torch.optim.AdamW(net.parameters(), rate, weight_decay=0.05)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        adam, rate, total_steps=steps, pct_start=0.15)
    order = torch.Generator().manual_seed(1003)
    for _ in range(steps):
        i = torch.randint(500, (32,), generator=order)
        adam.zero_grad()
        F.cross_entropy(net(x[i]), y[i]).backward()
        adam.step()
        cycle.step()
    assert torch.equal(asked, test_x), arm
    with torch.no_grad():
        mine, logits = net(test_x), theirs(test_x)
    assert (mine - logits).abs().max() < 1e-6 * mine.std(), arm
    said = [max(range(10), key=row.__getitem__) for row in mine.tolist()]
    right = sum(a == b for a, b in zip(said, test_y.tolist()))
    assert abs(got - right / 200) < 1e-6, arm


ORACLES = [arms_as_told, its_own_path, blocks_by_torch, whole_networks,
           the_experiment_anew, pooling_by_loop, counts]  # quick ones first

GRID = "grid = tokens.transpose(1, 2).unflatten(2, (side, side))"
MISTAKES = {
    "Folded up wrong": (GRID, "grid = tokens.reshape(len(x), -1, side, "
                              "side)"),
    "Dense": ("groups=before)", "groups=1)"),
    "No padding": ("kernel, stride, kernel // 2,", "kernel, stride, 0,"),
    "Class token from the average": (
        "self.fc(cls), tokens]", "self.fc(x[:, 1:].mean(1, True)), tokens]"),
    "Class token last": ("torch.cat([self.fc(cls), tokens], dim=1)",
                         "torch.cat([tokens, self.fc(cls)], dim=1)"),
    "Place forgotten": ("(self.embed(x) + self.place).flatten",
                        "(self.embed(x) + 0 * self.place).flatten"),
    "Answer from the mean": ("self.norm(self.body(x)[:, 0])",
                             "self.norm(self.body(x).mean(1))"),
    "Norm behind the block": ("return x + self.mlp(self.norm2(x))",
                              "return self.norm2(x + self.mlp(x))"),
    "Heads dealt otherwise": (
        ".unflatten(2, (3, self.heads, -1))",
        ".unflatten(2, (self.heads, 3, -1)).transpose(2, 3)"),
    "Comparisons counted, mixing not": ("2 * tokens ** 2 * width",
                                        "tokens ** 2 * width"),
    "Rounded down": ("(side - 1) // self.pool + 1",
                     "max(side // self.pool, 1)"),
}
TRAIN = dict(arm="pit", seed=1000, steps=4)


def SMALL(space):
    """A fifth of the test images."""
    def fewer(seed, **how):
        x, y, test_x, test_y = data.digits(seed, **how)
        return x, y, test_x[::5], test_y[::5]
    space["data"] = types.SimpleNamespace(digits=fewer)


TRACES = {"run": dict(
    arms=["pit", "kept"], steps=8, updates=8,
    rates=[*((arm, {}, RATE[arm] / 25) for arm in ("pit", "flat")),
           ("pit", {"lr": 0.05}, 0.002)],
    but={"start": "the arms are networks of different shapes and cannot "
                  "start from the same numbers"})}


CHANCE = dict(scramble=anew.deal_digits, metric="accuracy", chance=0.1, room=0.05,
              arm="pit", seed=1000, steps=20)
EXPERIMENT = {
    "exam: asked about what was learned": ("accuracy(net, test_x, test_y)",
                                           "accuracy(net, x, y)"),
    "exam: fewer are asked about": ("labels=500, test=1000",
                                    "labels=500, test=500"),
    "labels: the label is a pixel": (
        "    torch.manual_seed(seed)",
        "    for a, b in ((x, y), (test_x, test_y)):\n"
        "        a[:, 0] = 3 * F.one_hot(b, 10)[:, None, :8].float()\n"
        "    torch.manual_seed(seed)"),
    "metric: the least likely class": (".argmax(1) == y", ".argmin(1) == y"),
    "rival: cut to less than the budget": ('"cut": brick(PYRAMID, 3, 11)',
                                           '"cut": brick(PYRAMID, 2, 11)'),
    "rival: the map is not kept": ("head=11, pool=1)", "head=11, pool=2)"),
    "rival: not flat": ("heads=(3, 3, 3), head=9)",
                        "heads=(1, 3, 3), head=9)"),
    "rival: short is not short": ("steps //= 5", "steps //= 1"),
    "rival: a brick with overlapping patches": (
        "plan._replace(stride=plan.patch, heads", "plan._replace(heads"),
    "rival: a brick of fewer blocks": ("depth=(sum(plan.depth),)",
                                       "depth=(max(plan.depth),)"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)",
                                         "    torch.manual_seed(0)"),
    "pairing: every seed sees the same batches": (
        "order = torch.Generator().manual_seed(seed)",
        "order = torch.Generator().manual_seed(0)"),
    "counting: one step less": ("for _ in range(steps):",
                                "for _ in range(steps - 1):"),
    "counting: the batch of one step for all": (
        "    for _ in range(steps):\n        i = torch.randint(len(x), "
        "(batch,), generator=order)\n",
        "    i = torch.randint(len(x), (batch,), generator=order)\n"
        "    for _ in range(steps):\n"),
    "search: the given rate is ignored": (
        "lr or RATE.get(arm, 5e-3)", "RATE.get(arm, 5e-3)"),
    "search: one rate for all": ("lr or RATE.get(arm, 5e-3)", "lr or 5e-3"),
    "search: a rate without its cycle": ("        schedule.step()\n", ""),
}
NOT = {"mode": "no layer of these networks behaves in another way while it "
               "is examined"}

NULL = dict(arm="pit", baseline="cut", strength=0, steps=24)

WRONG = {
    "pit-1": [("factors = (1, 1 / 8)", "one pooling"),
              ("factors = (1, 1 / 256)", "longer vectors"),
              ("factors = (1 / 16, 1 / 64)", "width squared"),
              ("factors = (4, 1 / 64)", "12 T D squared"),
              ("factors = (1, 1 / 16)", "2 T squared D"),
              ("factors = 1", "a pair of numbers")],
    "pit-2": [("sizes = (2880, 373824)", "layer of its own"),
              ("sizes = (44064, 415296)", "a bias"),
              ("sizes = (43200, 415296)", "as many windows"),
              ("sizes = (44640, 373536)", "keeps its layer"),
              ("sizes = (44640, 373824)", "a window for each"),
              ("sizes = (415296, 44640)", "a window of nine".capitalize()),
              ("sizes = 44640", "a pair of whole numbers")],
    "pit-3": [("pixels = 8", "still cheaper"), ("pixels = 16", "still"),
              ("pixels = 33", "even"), ("pixels = 2", "at least 8")],
    "pit-4": [
        ("mended = shrink", "order of columns"),
        ("mended = lambda x, conv, fc: torch.cat([conv(x[:, 1:].reshape("
         "len(x), 3, math.isqrt(x.shape[1] - 1), -1)).flatten(2).mT, "
         "fc(x[:, :1])], 1)", "class token is the first"),
        ("mended = lambda x, conv, fc: torch.cat([fc(x[:, :1]), conv("
         "x[:, 1:].reshape(len(x), 3, math.isqrt(x.shape[1] - 1), -1))"
         ".flatten(2).mT], 1)", "nine around"),
        ("mended = lambda x, conv, fc: fc(x)", "come out as")],
}
OPEN = {"pit-3": "every even side from which the first stage's attention "
                 "costs more than the brick is an answer"}
