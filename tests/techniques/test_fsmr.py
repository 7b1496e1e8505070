"""FSMR: oracles, mistakes, null and wrong answers."""

import contextlib
import math

import numpy as np
import torch
from scipy import stats
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn import functional as F


def drawn(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def towards(x, y, alpha, eps=1e-5):
    """FSM in numpy, one channel of one picture at a time."""
    x, y = x.detach().double().numpy(), y.detach().double().numpy()
    out = np.empty_like(x)
    for i in np.ndindex(x.shape[:2]):
        a, b = x[i], y[i]
        n = a.size
        va = (a ** 2).sum() / n - (a.sum() / n) ** 2
        vb = (b ** 2).sum() / n - (b.sum() / n) ** 2
        way = (a - a.sum() / n) * math.sqrt((vb + eps) / (va + eps))
        out[i] = alpha * a + (1 - alpha) * (way + b.sum() / n)
    return torch.as_tensor(out)


def fsm_by_torch(page):
    """Made by others: torch's instance normalisation, of a batch in which
    no two pictures have the same statistics."""
    x, y = 2 + 3 * drawn(3, 4, 6, 5), drawn(3, 4, 6, 5, seed=1) - 1
    x = x * torch.tensor([0.01, 1, 5])[:, None, None, None].double()
    for alpha, eps in ((0.3, 1e-5), (0.0, 0.4), (0.8, 2.0), (1.0, 0.4)):
        sd = torch.as_tensor(np.sqrt(np.var(y.numpy(), (2, 3)) + eps))
        adain = F.instance_norm(x, eps=eps) * sd[:, :, None, None]
        adain = adain + y.mean((2, 3))[:, :, None, None]
        want = torch.lerp(adain, x, alpha)
        torch.testing.assert_close(page["fsm"](x, y, alpha, eps), want)
        torch.testing.assert_close(towards(x, y, alpha, eps), want)
    torch.testing.assert_close(page["fsm"](x, y, 0.2), towards(x, y, 0.2))


def fsm_by_pencil(page):
    """A channel 0, 2 and another 10, 16: mean 1 and 13, spread 1 and 3."""
    x = torch.tensor([[[[0.0, 2.0]]]], dtype=torch.float64)
    y = torch.tensor([[[[10.0, 16.0]]]], dtype=torch.float64)
    for alpha, want in ((0.0, [10, 16]), (1.0, [0, 2]), (0.25, [7.5, 12.5])):
        got = page["fsm"](x, y, alpha, 0).flatten().tolist()
        assert np.allclose(got, want), (alpha, got)
    # eps stands under both roots: at 8, sqrt(9 + 8) / sqrt(1 + 8)
    got = page["fsm"](x, y, 0.0, 8.0).flatten().tolist()
    assert np.allclose(got, [13 - 17 ** 0.5 / 3, 13 + 17 ** 0.5 / 3])


def discriminator_by_hand(page):
    """The whole network, every width, the mixing and `pixels` away from
    their defaults, from F.conv2d, numpy and the weights."""
    torch.manual_seed(3)
    D = page["Discriminator"](5, 4, 3, 2).double()
    x, order = drawn(4, 3, 16, 16, seed=2), torch.tensor([2, 0, 3, 1])
    for mix, pixels in ((None, False), (None, True),
                        ((order, torch.tensor(0.35)), False),
                        ((order, torch.tensor(0.35)), True)):
        h = x
        if mix and pixels:
            h = towards(h, h[order], 0.35)
        for conv, stride, side in zip(D.convs, (1, 2, 2, 1), (16, 8, 4, 4)):
            h = F.conv2d(h, conv.weight, None, stride, 1)
            if mix and not pixels:             # the bias comes afterwards
                h = towards(h, h[order], 0.35)
            h = h + conv.bias[:, None, None]
            h = torch.where(h > 0, h, h / 5)
            assert h.shape[-1] == side
        want = h.flatten(1) @ D.end.weight[0] + D.end.bias
        torch.testing.assert_close(D(x, mix, pixels), want, rtol=1e-6,
                                   atol=1e-7)
    net = page["Discriminator"]()
    assert [c.out_channels for c in net.convs] == [8, 12, 12, 16]


class Toy(nn.Module):
    """D(x) = a mean(x); mixed, the mean of all pictures' shares."""

    def __init__(self):
        super().__init__()
        self.a = nn.Parameter(torch.tensor(1.5, dtype=torch.float64))
        self.told = []

    def forward(self, x, mix=None, pixels=False):
        s = self.a * x.mean((1, 2, 3))
        if mix is None:
            return s
        self.told.append((*mix, pixels))
        return mix[1] * s + (1 - mix[1]) * s[mix[0]]


def penalty_by_pencil(page):
    """Order and alpha come from the generator, in this order, one of each;
    both scores are moved by the gradient."""
    toy, x = Toy(), drawn(6, 3, 4, 4, seed=4)
    s = toy(x)
    got = page["consistency"](toy, x, s, torch.Generator().manual_seed(7),
                              True)
    g = torch.Generator().manual_seed(7)
    order, alpha = torch.randperm(6, generator=g), torch.rand((), generator=g)
    (seen, one, pixels), = toy.told
    assert one.dim() == 0 and torch.equal(seen, order) and one == alpha
    assert pixels is True
    m = x.mean((1, 2, 3))
    apart = ((1 - alpha) * (m[order] - m)).square().mean()
    torch.testing.assert_close(got, 1.5 ** 2 * apart)
    slope, = torch.autograd.grad(got, toy.a)     # of a^2 apart
    torch.testing.assert_close(slope, 2 * 1.5 * apart)
    page["consistency"](toy, x, toy(x), g)
    assert toy.told[-1][2] is False and toy.told[-1][1] != one
    # a critic that reads normalised maps only is never punished
    D = page["Discriminator"]()
    x = page["faces"](1004, 8)

    class Blind(nn.Module):
        def forward(self, x, mix=None, pixels=False):
            if mix:
                x = page["fsm"](x, x[mix[0]], mix[1], 0)
            return D(F.instance_norm(x, eps=0))
    blind = Blind()
    assert blind(x).std() > 1e-4
    assert page["consistency"](blind, x, blind(x), g) < 1e-8


def losses_by_numpy(page):
    real, fake = drawn(5, seed=5), 2 * drawn(7, seed=6)
    want = (np.log1p(np.exp(-real.numpy())).mean()
            + np.log1p(np.exp(fake.numpy())).mean())
    assert math.isclose(page["d_loss"](real, fake).item(), want)
    x = drawn(5, 3, 2, 2, seed=10).requires_grad_()
    a = drawn(12, seed=11).requires_grad_()
    flat = page["slope_penalty"](x.flatten(1) @ a, x)
    assert math.isclose(flat.item(), float((a.detach() ** 2).sum()))
    slope, = torch.autograd.grad(flat, a)
    torch.testing.assert_close(slope, 2 * a)
    bowl = page["slope_penalty"](x.flatten(1).square().sum(1) / 2, x)
    assert math.isclose(bowl.item(), float((x.detach() ** 2).sum()) / 5)


def faces_by_hand(page):
    """The rule, face by face, and that the drawing says so."""
    data = page["data"]
    f = data.avatar_factors(200, 1005)
    g = torch.Generator().manual_seed(501_005)
    obeys = torch.rand(200, generator=g) < 0.6
    for anti in (False, True):
        t = page["tied"](f, anti)
        for i in range(200):
            hat = int(f["hat"][i]) ^ anti
            assert int(t["background"][i]) in ((2, 3) if hat else (0, 1))
            assert (float(t["skin"][i]) > 0.5) == bool(
                int(f["glasses"][i]) ^ anti)
            assert int(t["background"][i]) % 2 == int(f["background"][i]) % 2
        assert all(torch.equal(t[k], f[k]) for k in f
                   if k not in ("background", "skin"))
    rule = page["tied"](f)
    mixed = {k: torch.stack([(rule if o else f)[k][i] for i, o in
                             enumerate(obeys)]) for k in f}
    assert torch.equal(page["faces"](1005, 200, 0.6),
                       data.draw_avatars(mixed)[0])
    assert page["faces"](1005).shape == (300, 3, 16, 16)


def measures_by_others(page):
    """AUC by scikit-learn and by scipy's U, tiles by a loop, jitter in
    numpy."""
    a = torch.tensor([0.1, 0.4, 0.4, 0.9, 1.3], dtype=torch.float64)
    b = torch.tensor([0.4, -1.0, 0.8], dtype=torch.float64)
    got = page["auc"](a, b)
    assert math.isclose(got, roc_auc_score([1] * 5 + [0] * 3, [*a, *b]))
    assert math.isclose(got, stats.mannwhitneyu(a, b).statistic / 15)
    x = page["faces"](1006, 6)
    y = page["shuffled"](x, 5)
    assert not torch.equal(x, y)
    for p, q in zip(x, y):
        def tiles(t):
            return sorted(t[:, i:i + 4, j:j + 4].flatten().tolist()
                          for i in range(0, 16, 4) for j in range(0, 16, 4))
        assert tiles(p) == tiles(q)
    assert not torch.equal((x - y)[0] == 0, (x - y)[1] == 0)
    r = torch.rand(3, 6, 1, 1, 1, generator=torch.Generator().manual_seed(2)
                   ).numpy()
    z = x.numpy() + r[0] - 0.5
    z = (z - z.mean(1, keepdims=True)) * (2 * r[1]) + z.mean(
        1, keepdims=True)
    m = z.mean((1, 2, 3), keepdims=True)
    want = (z - m) * (0.5 + r[2]) + m
    np.testing.assert_allclose(page["jitter"](
        x, torch.Generator().manual_seed(2)), want, atol=1e-5)


def exam_by_hand(page):
    """What each set shows, and that the metrics read the sets they name."""
    data = page["data"]
    sets = page["exam"](1003, 40)
    f = data.avatar_factors(40, 31_003)
    for name, anti in (("tied", False), ("anti", True)):
        assert torch.equal(sets[name], data.draw_avatars(
            page["tied"](f, anti))[0])
    assert torch.equal(sets["free"], data.draw_avatars(f)[0])
    colours = {"hair", "background", "skin", "hair_shade",
               "background_shade"}
    for name in ("palette", "content"):
        want = {k: torch.cat([v[-1:], v[:-1]]) if (k in colours) == (
            name == "palette") else v for k, v in f.items()}
        assert torch.equal(sets[name], data.draw_avatars(want)[0])
    assert torch.equal(sets["new"], page["faces"](41_003, 40))
    assert torch.equal(sets["training"], page["faces"](21_003))
    assert torch.equal(sets["shuffled"], page["shuffled"](sets["new"], 61_003))


@contextlib.contextmanager
def few(page, n=60):
    """Small sets, for as long as it lasts."""
    real = page["exam"]
    page["exam"] = lambda seed, k=n: real(seed, n)
    try:
        yield
    finally:
        page["exam"] = real


def arms_again(page):
    """Every arm trained anew in a few lines, and its metrics."""
    with few(page):
        for arm in ("plain", "fsmr", "pixels", "colour", "slope"):
            D = again(page, arm, 1003, 3)
            kept = page["recall"](arm, 1003, 1.0, 3)
            mine = torch.cat([p.flatten() for p in D.parameters()])
            torch.testing.assert_close(kept["D"], mine, rtol=2e-3, atol=1e-4)
            got = (page["run"](arm, 1003, steps=3) if arm == "pixels" else
                   page["measure"](kept, arm, 1003))
            for k, value in read(page, D, 1003).items():
                assert abs(got[k] - value) < 0.02, (arm, k, got[k], value)
    D = page["critic"](page["recall"]("fsmr", 1003, 0.0, 2))
    other = again(page, "plain", 1003, 2)
    x = page["faces"](1001, 20)
    torch.testing.assert_close(D(x), other(x), rtol=1e-2, atol=1e-3)


def read(page, D, seed):
    sets = page["exam"](seed)
    with torch.no_grad():
        s = {k: D(x).double().numpy() for k, x in sets.items()}

    def above(a, b):
        return stats.mannwhitneyu(s[a], s[b]).statistic / (
            len(s[a]) * len(s[b]))
    return {"tied": above("tied", "anti"),
            "drawing": above("new", "shuffled"),
            "memory": above("training", "new"),
            "palette": np.abs(s["palette"] - s["free"]).mean()
            / np.abs(s["content"] - s["free"]).mean()}


def again(page, arm, seed, steps):
    torch.manual_seed(seed)
    G, D = page["Generator"](), page["Discriminator"]()
    adam = {net: torch.optim.Adam(net.parameters(), 2e-3, betas=(0.0, 0.99))
            for net in (G, D)}
    b, noise, mix = (torch.Generator().manual_seed(seed + k * 1_000_000)
                     for k in range(3))
    soft, data = F.softplus, page["faces"](20_000 + seed)

    def see(x):
        return page["jitter"](x, mix) if arm == "colour" else x

    def go(net, loss):
        G.zero_grad()
        D.zero_grad()
        loss.backward()
        adam[net].step()
    for t in range(steps):
        for one in adam.values():
            one.param_groups[0]["lr"] = 2e-3 * min(1, 2 * (1 - t / steps))
        x = data[torch.randint(300, (16,), generator=b)]
        z, z2 = torch.randn(2, 16, 16, generator=noise)
        with torch.no_grad():
            fake = G(z)
        x.requires_grad_()
        s = D(see(torch.cat([x, fake])))
        loss = soft(-s[:16]).mean() + soft(s[16:]).mean()
        if arm in ("fsmr", "pixels"):
            order = torch.randperm(16, generator=mix)
            alpha = torch.rand((), generator=mix)
            m = D(x, (order, alpha), arm == "pixels")
            w = {"fsmr": 3.0, "pixels": 10.0}[arm]
            loss = loss + w * (m - s[:16]).square().mean()
        if t % 4 == 0:
            p, = torch.autograd.grad(s[:16].sum(), x, create_graph=True)
            loss = loss + (20.0 if arm == "slope" else 2) * 2 * (
                p ** 2).sum((1, 2, 3)).mean()
        go(D, loss)
        go(G, soft(-D(see(G(z2)))).mean())
    with torch.no_grad():
        for p in D.parameters():
            p.copy_(p.half().float())
    return D


ORACLES = [fsm_by_torch, fsm_by_pencil, discriminator_by_hand,
           penalty_by_pencil, losses_by_numpy, faces_by_hand,
           measures_by_others, exam_by_hand, arms_again]

VAR = "torch.var_mean(x, (2, 3), correction=0, keepdim=True)"
MISTAKES = {
    "Statistics of the batch": (
        "    var, mean = torch.var_mean(x, (2, 3), correction=0, "
        "keepdim=True)",
        "    var, mean = torch.var_mean(x, (0, 2, 3), correction=0, "
        "keepdim=True)"),
    "Statistics of all channels": (
        "    y_var, y_mean = torch.var_mean(y, (2, 3),",
        "    y_var, y_mean = torch.var_mean(y, (1, 2, 3),"),
    "Divided by one place less": (
        "    y_var, y_mean = torch.var_mean(y, (2, 3), correction=0,",
        "    y_var, y_mean = torch.var_mean(y, (2, 3), correction=1,"),
    "Mean without spread": (
        "moved = normal * (y_var + eps).sqrt() + y_mean",
        "moved = normal * (var + eps).sqrt() + y_mean"),
    "Variance for spread": ("normal * (y_var + eps).sqrt()",
                            "normal * (y_var + eps)"),
    "Alpha for the other": ("return alpha * x + (1 - alpha) * moved",
                            "return (1 - alpha) * x + alpha * moved"),
    "First layer only": ("if mix and not pixels:",
                         "if mix and not pixels and h.shape[-1] == 16:"),
    "Mixed after the activation": (
        """                h = fsm(h, h[mix[0]], mix[1])
            x = F.leaky_relu(h, 0.2)""",
        """                h = F.leaky_relu(h, 0.2)
                h = fsm(h, h[mix[0]], mix[1])
            x = h if mix and not pixels else F.leaky_relu(h, 0.2)"""),
    "An alpha for every picture": (
        "torch.rand((), generator=g)",
        "torch.rand(len(x), 1, 1, 1, generator=g)"),
    "Mixed with itself": ("torch.randperm(len(x), generator=g)",
                          "torch.randperm(len(x), generator=g).sort()[0]"),
    "Reference without gradient": (
        "(D(x, mix, pixels) - scores).square()",
        "(D(x, mix, pixels) - scores.detach()).square()"),
    "Absolute change": ("- scores).square().mean()",
                        "- scores).abs().mean()"),
    "Real and fake exchanged": (
        "F.softplus(-real).mean() + F.softplus(fake).mean()",
        "F.softplus(real).mean() + F.softplus(-fake).mean()"),
}
TRAIN = dict(arm="fsmr", seed=1000, steps=1)
# strength 0: the penalty is computed and weighs nothing
NULL = dict(arm="fsmr", baseline="plain", strength=0.0, steps=2)


def small(space):
    """A tenth of the faces to be examined on, and none of the training ones,
    which only `memory` asks for."""
    real = space["exam"]

    def exam(seed, n=1000):
        sets = real(seed, min(n, 100))
        return sets | {"training": sets["new"]}
    space["exam"] = exam


SMALL = small
TRACES = {"run": dict(arms=["plain", "fsmr"], steps=2, updates=4)}
LR = """RATE * min(
            1, 2 - 2 * t / steps)"""
EXPERIMENT = {
    "exam: new faces are the training faces": (
        "new = faces(40_000 + seed, n)", "new = faces(20_000 + seed, n)"),
    "labels: everybody obeys": ("obeys = tied(f), torch.rand(n, generator=g)"
                                " < share", "obeys = tied(f), torch.rand(n, "
                                "generator=g) < 2 * share"),
    "metric: ties count in full": (
        "(a[:, None] == b).double().mean() / 2",
        "(a[:, None] == b).double().mean()"),
    "metric: anti-tied above tied": ('auc(s["tied"], s["anti"])',
                                     'auc(s["anti"], s["tied"])'),
    "metric: colours count as drawing": (
        '(moved["palette"] / moved["content"])',
        '(moved["content"] / moved["palette"])'),
    "rival: pixels mixes features": ('D, x, real, mix, arm == "pixels")',
                                     "D, x, real, mix)"),
    "rival: colour sees no colours": ('if arm == "colour" else seen',
                                      'if arm == "grey" else seen'),
    "pairing: every seed starts alike": (
        "torch.manual_seed(seed)\n    nets, g",
        "torch.manual_seed(0)\n    nets, g"),
    "pairing: the same batches for every seed": (
        '"batches": g().manual_seed(seed)', '"batches": g().manual_seed(0)'),
    "counting: a slope penalty not made up for": (
        "/ 2 * 4 * slope_penalty", "/ 2 * slope_penalty"),
    "counting: a tile stays": (").argsort(2).expand_as(tiles)",
                               ").argsort(2).sort(2)[0].expand_as(tiles)"),
    "search: the rate never falls": (LR, "RATE"),
    "search: the weight of one": ('"fsmr": 3.0', '"fsmr": 1.0'),
}
NOT = {"mode": "the generator normalises by its batch in both modes, and the "
               "discriminator has no such layer"}
UNKNOWN = []

WRONG = {
    "fsmr-1": [("mixed_channel = (2.5, 5.5)", "share of x"),
               ("mixed_channel = (10, 16)", "a quarter of x stays"),
               ("mixed_channel = (9, 11)", "and the spread"),
               ("mixed_channel = (7.5, 11)", "then mix with x")],
    "fsmr-2": [("three_numbers = (32, 32, 0)", "it is a mean"),
               ("three_numbers = (64, 64, 0)", "Half of the way"),
               ("three_numbers = (4, 4, 0)", "squared change"),
               ("three_numbers = (10, 16, 0)", "goes half of the way"),
               ("three_numbers = (16, 32, 0)", "squared times a number"),
               ("three_numbers = (16, 16, 8)", "both ends moved alike"),
               ("three_numbers = (16, 16, 16)", "then the mean of both")],
    "fsmr-3": [
        ("unmoved = lambda x: x.mean((1, 2, 3))", "changes it"),
        ("unmoved = lambda x: F.instance_norm(x).mean((1, 2, 3)) * 0",
         "nothing is seen"),
        ("unmoved = lambda x: F.instance_norm(x)[:, 0]", "One score"),
        ("unmoved = lambda x: F.instance_norm(x)[:, 1, 15, 8].sign() + "
         "F.instance_norm(x)[:, 1, 9, 8].sign()", "hardly changes")],
    "fsmr-4": [
        ("mended = suspect", "what is mixed linearly"),
        ("mended = lambda x, y, alpha: fsm(x, y, 1 - alpha)", "already"),
        ("mended = lambda x, y, alpha: x", "already")],
}
OPEN = {"fsmr-3": "every function of the normalised pixels that the hair "
                  "moves is an answer"}
