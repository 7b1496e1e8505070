"""StarGAN v2: what its page must survive (see test_every_page.py)."""

import contextlib
import copy
import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import data
from lab1784.scorer import scorer

STYLE = ("hair", "hair_shade", "background", "background_shade", "skin")


def drawn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed),
                       dtype=torch.float64)


def adain_of_moments(page):
    """Closed form, by numpy: mean beta and deviation |1 + gamma|; and every
    value is the normalised one."""
    torch.manual_seed(0)
    layer, s = page["AdaIN"](3, 5).double(), drawn(4, 5, seed=1)
    h = 3 + 7 * drawn(4, 3, 6, 6, seed=2)
    got = layer(h, s).detach().numpy()
    w, b = (p.detach().numpy() for p in layer.fc.parameters())
    both = s.numpy() @ w.T + b
    for n in range(4):
        for c in range(3):
            v = h[n, c].numpy()
            scale, shift = 1 + both[n, c], both[n, 3 + c]
            want = scale * (v - v.mean()) / np.sqrt(v.var() + 1e-5) + shift
            np.testing.assert_allclose(got[n, c], want, rtol=1e-9)
            assert abs(got[n, c].mean() - shift) < 1e-9
            assert abs(got[n, c].std() - abs(scale)) < 1e-5


def moments(h):
    return (h - h.mean((2, 3), keepdim=True)) / (
        h.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()


def same_conv(h, conv):
    return F.conv2d(h, conv.weight, conv.bias, padding=1)


def generator_by_hand(page):
    """The whole network anew, with 6 channels and 12 pixels."""
    torch.manual_seed(1)
    G = page["Generator"](5, w=6).double()
    x, s = drawn(2, 3, 12, 12, seed=3), drawn(2, 5, seed=4)
    with torch.no_grad():
        for norm in G.encode.norms:
            norm.weight.copy_(drawn(6, seed=5))
            norm.bias.copy_(drawn(6, seed=6))

    def soft(h):
        return torch.where(h > 0, h, 0.2 * h)

    def adain(layer, h):
        g, b = (s @ layer.fc.weight.T + layer.fc.bias).split(6, 1)
        return (1 + g[:, :, None, None]) * moments(h) + b[:, :, None, None]
    cells = torch.stack([x[:, c, i::2, j::2] for c in range(3)
                         for i in (0, 1) for j in (0, 1)], 1)
    h = same_conv(cells, G.from_rgb)
    r = h
    for norm, conv in zip(G.encode.norms, G.encode.convs):
        r = moments(r) * norm.weight[:, None, None] + norm.bias[:, None, None]
        r = same_conv(soft(r), conv)
    h = (h + r) / math.sqrt(2)
    assert len(G.decode) == 2
    for block in G.decode:
        r = h
        for norm, conv in zip(block.norms, block.convs):
            r = same_conv(soft(adain(norm, r)), conv)
        h = (h + r) / math.sqrt(2)
    flat = torch.einsum("ncij,oc->noij", soft(adain(G.norm, h)),
                        G.to_rgb.weight[:, :, 0, 0])
    flat = flat + G.to_rgb.bias[:, None, None]
    want = torch.zeros_like(x)
    for c in range(3):
        for i in (0, 1):
            for j in (0, 1):
                want[:, c, i::2, j::2] = flat[:, 4 * c + 2 * i + j]
    assert (G(x, s) - want).abs().max() < 1e-9


def heads_by_loops(page):
    """F, E and D with three domains, row by row."""
    torch.manual_seed(2)
    y, z = torch.tensor([2, 0, 1, 1, 2]), drawn(5, 3, seed=7)
    x = drawn(5, 3, 16, 16, seed=8)
    M = page["MappingNetwork"](3, 4, domains=3, w=7).double()
    E = page["StyleEncoder"](4, domains=3, w=5).double()
    D = page["Discriminator"](domains=3, w=5).double()

    def line(v, layer):
        return v @ layer.weight.T + layer.bias
    first, second = [m for m in M.shared if isinstance(m, nn.Linear)]

    def soft(h):
        return torch.maximum(h, 0.2 * h)

    def features(net, v):
        for conv in (net[0], net[2]):
            v = soft(F.conv2d(v, conv.weight, conv.bias, 2, 1))
        v = soft((v * net[4].weight).sum((1, 2, 3)) + net[4].bias)
        return line(v, net[7])
    small = sum(x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)) / 4
    for i in range(5):
        own = M.unshared[int(y[i])]
        h = line(line(z[i], first).clamp(min=0), second).clamp(min=0)
        want = line(line(h, own[0]).clamp(min=0), own[2])
        assert (M(z, y)[i] - want).abs().max() < 1e-9
        h = soft(line(small[i].flatten(), E.main[2]))
        want = line(h, E.main[4])[4 * int(y[i]):4 * int(y[i]) + 4]
        assert (E(x, y)[i] - want).abs().max() < 1e-9
        want = features(D.main, x[i:i + 1])[int(y[i])]
        assert (D(x, y)[i] - want).abs() < 1e-9
    out = drawn(5, 3, 2, 2, seed=9)
    assert torch.equal(page["head"](out, y),
                       torch.stack([out[i, int(k)] for i, k in enumerate(y)]))


def slopes_of_known_critics(page):
    """Closed form: <a, x> has the slope a, |x|^2 / 2 the slope x."""
    a, x = drawn(12, seed=10), drawn(5, 3, 2, 2, seed=11).requires_grad_()
    got = page["r1"](x.flatten(1) @ a, x)
    assert math.isclose(got.item(), float((a ** 2).sum()) / 2)
    got = page["r1"](x.flatten(1).square().sum(1) / 2, x)
    assert math.isclose(got.item(), float((x.detach() ** 2).sum()) / 10)
    assert got.requires_grad


class Toy:
    """Linear G, F, E and D of 12 pixels and 2 style numbers, so that a
    pencil can follow; F, E, D have a matrix for each of two domains."""

    def __init__(self):
        self.v, self.b = drawn(2, 12, seed=12), drawn(2, 12, 2, seed=13) / 5
        self.m, self.a = drawn(2, 3, 2, seed=14), drawn(2, 12, seed=15) / 5
        self.x = drawn(4, 3, 2, 2, seed=16)
        self.refs = drawn(2, 4, 3, 2, 2, seed=17)
        self.z = drawn(2, 4, 3, seed=18)
        self.org = torch.tensor([0, 1, 1, 0])
        self.trg = torch.tensor([1, 1, 0, 0])
        self.nets = {
            "G": lambda x, s: 0.8 * x + (s @ self.v).view_as(x),
            "F": lambda z, y: (z[:, None] @ self.m[y])[:, 0],
            "E": lambda x, y: (x.flatten(1)[:, None] @ self.b[y])[:, 0],
            "D": lambda x, y: (x.flatten(1) * self.a[y]).sum(1)}

    def numbers(self, guide, guide2):
        """Every term anew in numpy, a picture at a time."""
        v, b, m, a = (t.detach().numpy() for t in (
            self.v, self.b, self.m, self.a))
        terms = {k: [] for k in ("adv", "sty", "ds", "cyc", "real", "fake",
                                 "r1")}
        for i, (o, t) in enumerate(zip(self.org.tolist(), self.trg.tolist())):
            x = self.x[i].numpy().ravel()
            one, two = (g[i].numpy().ravel() for g in (guide, guide2))
            read = m[t] if len(one) == 3 else b[t]
            s, s2 = one @ read, two @ read
            fake, other = 0.8 * x + s @ v, 0.8 * x + s2 @ v
            back = 0.8 * fake + (x @ b[o]) @ v
            terms["adv"] += [np.log1p(np.exp(-fake @ a[t]))]
            terms["fake"] += [np.log1p(np.exp(fake @ a[t]))]
            terms["real"] += [np.log1p(np.exp(-x @ a[o]))]
            terms["r1"] += [(a[o] ** 2).sum() / 2]
            terms["sty"] += [np.abs(fake @ b[t] - s).mean()]
            terms["ds"] += [np.abs(fake - other).mean()]
            terms["cyc"] += [np.abs(back - x).mean()]
        return {k: float(np.mean(w)) for k, w in terms.items()}


@contextlib.contextmanager
def weighed(page, **values):
    """Other weights of the losses, for as long as it lasts."""
    before = {k: page[k] for k in values}
    page.update(values)
    try:
        yield
    finally:
        page.update(before)


def losses_by_pencil(page):
    """Both losses, from noise and from references, all weights other than
    one; and what they teach."""
    toy = Toy()
    with weighed(page, LAMBDA_STY=0.7, LAMBDA_CYC=1.9, LAMBDA_REG=0.4):
        for guides in (toy.z, toy.refs):
            n = toy.numbers(*guides)
            for lam in (0.0, 1.3):
                got = page["g_loss"](toy.nets, toy.x, toy.org, toy.trg,
                                     *guides, lam).item()
                want = (n["adv"] + 0.7 * n["sty"] - lam * n["ds"]
                        + 1.9 * n["cyc"])
                assert abs(got - want) < 1e-9
            got = page["d_loss"](toy.nets, toy.x, toy.org, toy.trg,
                                 guides[0]).item()
            want = n["real"] + n["fake"] + 0.4 * n["r1"]
            assert abs(got - want) < 1e-9
    for w in (toy.v, toy.b, toy.m, toy.a):
        w.requires_grad_()
    loss = page["d_loss"](toy.nets, toy.x, toy.org, toy.trg, toy.z[0])
    moved = torch.autograd.grad(loss, [toy.v, toy.b, toy.m, toy.a],
                                allow_unused=True)
    assert [g is not None for g in moved] == [False, False, False, True]


def second_picture_stands_still(page):
    """By differences: the reward's slope is that of the first picture."""
    one, two = (drawn(3, 3, 2, 2, seed=k).requires_grad_() for k in (19, 20))
    got = page["diversity"](one, two)
    slope, still = torch.autograd.grad(got, (one, two), allow_unused=True)
    assert still is None or not still.any()
    gap = (one - two).detach().numpy()
    assert math.isclose(got.item(), np.abs(gap).mean())
    np.testing.assert_allclose(slope.numpy(), np.sign(gap) / gap.size)


def iteration_again(page):
    """Four updates written anew after core/solver.py, with plain descent,
    on networks of odd sizes and weights other than one."""
    torch.manual_seed(3)
    nets = nn.ModuleDict({
        "G": page["Generator"](5, w=4), "F": page["MappingNetwork"](
            3, 5, domains=3, w=6), "E": page["StyleEncoder"](
            5, domains=3, w=4), "D": page["Discriminator"](
            domains=3, w=4)}).double()
    mine = copy.deepcopy(nets)
    x, r1, r2 = (drawn(4, 3, 16, 16, seed=k) for k in (21, 22, 23))
    z = drawn(2, 4, 3, seed=24)
    org, trg = torch.tensor([0, 2, 1, 0]), torch.tensor([1, 2, 2, 0])
    adams = {k: torch.optim.SGD(net.parameters(), 0.05)
             for k, net in nets.items()}
    with weighed(page, LAMBDA_STY=0.7, LAMBDA_CYC=1.9, LAMBDA_REG=0.4):
        loss = page["iteration"](nets, adams, x, org, trg, z, (r1, r2), 1.3)
    bce = F.binary_cross_entropy_with_logits

    def go(names, value):
        flat = [p for k in names for p in mine[k].parameters()]
        for p, g in zip(flat, torch.autograd.grad(value, flat,
                                                  allow_unused=True)):
            if g is not None:
                p.data -= 0.05 * g
    G, M, E, D = (mine[k] for k in "GFED")
    for read, guide in ((M, z[0]), (E, r1)):
        real = x.clone().requires_grad_()
        out = D(real, org)
        slope, = torch.autograd.grad(out.sum(), real, create_graph=True)
        fake = G(x, read(guide, trg)).detach()
        value = (bce(out, torch.ones(4).double())
                 + 0.4 * 0.5 * slope.pow(2).sum() / 4
                 + bce(D(fake, trg), torch.zeros(4).double()))
        go("D", value)
    assert abs(loss - value.item()) < 1e-9
    for read, (one, two), names in ((M, z, "GFE"), (E, (r1, r2), "G")):
        s = read(one, trg)
        fake, other = G(x, s), G(x, read(two, trg)).detach()
        go(names, bce(D(fake, trg), torch.ones(4).double())
           + 0.7 * F.l1_loss(E(fake, trg), s)
           - 1.3 * F.l1_loss(fake, other)
           + 1.9 * F.l1_loss(G(fake, E(x, org)), x))
    for got, want in zip(nets.parameters(), mine.parameters()):
        assert (got - want).abs().max() < 1e-9
    kept = torch.cat([p.detach().flatten() for k in "GFE"
                      for p in nets[k].parameters()])
    assert torch.equal(page["averaged"](None, nets, 0.5), kept)
    old = drawn(len(kept), seed=25)
    got = page["averaged"](old.clone(), nets, 0.9)
    assert (got - 0.9 * old - 0.1 * kept).abs().max() < 1e-9


@contextlib.contextmanager
def few(page, train=60, n=44):
    """Small data and a small exam, for as long as it lasts."""
    real, exam = page["faces"], page["exam"]
    page["faces"] = lambda seed, k=4000: real(seed, min(k, train))
    page["exam"] = lambda seed: exam(seed, n)
    try:
        yield
    finally:
        page["faces"], page["exam"] = real, exam


@functools.cache
def arms_face_by_face(n):
    """The arms without networks, and every metric of them: once for all
    mistakes, none of which this reads."""
    def drawn_as(own, style, hat):
        own = {k: v.clone() for k, v in own.items()}
        for k in STYLE:
            own[k] = style[k]
        own["hat"] = hat
        return data.draw_avatars(own)[0]
    src, ref = (data.avatar_factors(n, k + 1002) for k in (10_000, 20_000))
    more = data.avatar_factors(32 * n, 31_002)
    x, r = (data.draw_avatars(f)[0] for f in (src, ref))
    want = drawn_as(src, ref, ref["hat"])
    true = torch.stack([drawn_as(
        {k: v[i].expand(32) for k, v in src.items()},
        {k: v[32 * i:32 * i + 32] for k, v in more.items()},
        (1 - src["hat"][i]).expand(32)) for i in range(n)])
    with_ref = torch.stack([drawn_as(
        {k: v[i].expand(32) for k, v in src.items()},
        {k: v[32 * i:32 * i + 32] for k, v in more.items()},
        ref["hat"][i].expand(32)) for i in range(n)])
    others = [r[ref["hat"] == k][:10] for k in (0, 1)]
    ones = {"copy": x, "paste": r, "mean": with_ref.mean(1), "truth": want}
    tens = {"copy": x[:, None].repeat(1, 10, 1, 1, 1),
            "paste": torch.stack([others[1 - int(k)] for k in src["hat"]]),
            "mean": true.mean(1, keepdim=True).repeat(1, 10, 1, 1, 1),
            "truth": true[:, 10:20]}
    judge, found = scorer(), {}
    for arm in ones:
        one, ten = ones[arm], tens[arm]
        pairs = [(ten[:, i] - ten[:, j]).abs().mean().item()
                 for i in range(10) for j in range(10) if i != j]
        near = np.mean([min(((true[i, k] - ten[i, j]) ** 2).mean().item()
                            for j in range(10))
                        for i in range(0, n) for k in range(10)])
        read = judge.factors(one)
        hats = judge.factors(ten.flatten(0, 1))["hat"].view(n, 10)

        def share(keys, f, read=read):
            return np.mean([(read[k] == f[k]).float().mean().item()
                            for k in keys])
        found[arm] = {
            "spread": np.mean(pairs), "reach": near,
            "error": ((one - want) ** 2).mean().item(),
            "domain": (hats != src["hat"][:, None]).float().mean().item(),
            "taken": share(("hair", "background"), ref),
            "kept": share(("long", "glasses", "smile"), src)}
    return found


def exam_by_hand(page):
    with few(page, 4000):
        for arm, right in arms_face_by_face(44).items():
            got = page["run"](arm, 1002)
            assert got.keys() == right.keys()
            for k, value in right.items():
                assert abs(got[k] - value) < 1e-5, (arm, k)


def steps_by_hand(page):
    """What a step hands to an iteration: pictures with their domains, two
    references of the target domain, and a reward that fades."""
    seen, real = [], page["iteration"]
    with few(page):
        state = page["start"]("full", 1005, 0.8)
        page["iteration"] = lambda *given: seen.append(given) or 0.0
        try:
            for t in range(6):
                page["step"](state, t, 6, "full")
        finally:
            page["iteration"] = real
        x, y, _ = page["faces"](1005)
    hats = {picture.numpy().tobytes(): int(k) for picture, k in zip(x, y)}
    for t, (_, _, src, org, trg, noise, refs, lam) in enumerate(seen):
        assert abs(lam - 0.8 * (6 - t) / 6) < 1e-9
        for pictures, domains in ((src, org), (refs[0], trg), (refs[1], trg)):
            assert [hats[p.numpy().tobytes()] for p in pictures] == (
                domains.tolist())
        assert not torch.equal(*refs) and not torch.equal(*noise)


def arms_again(page):
    """Both arms trained anew in a few lines, and their metrics."""
    with few(page):
        for arm, lam in (("full", 0.6), ("none", 0.0)):
            want = again(page, lam, 1003, 3)
            got = page["run"](arm, 1003, strength=0.6, steps=3)
            for k, value in want.items():
                assert abs(got[k] - value) < 2e-3 * abs(value) + 1e-6, (arm, k)


def again(page, lam, seed, steps):
    torch.manual_seed(seed)
    nets = nn.ModuleDict({"G": page["Generator"](8),
                          "F": page["MappingNetwork"](8, 8),
                          "E": page["StyleEncoder"](8),
                          "D": page["Discriminator"]()})
    adams = {k: torch.optim.Adam(nets[k].parameters(), 1.0, betas=(0.0, 0.99))
             for k in nets}
    f = page["data"].avatar_factors(60, seed)
    x, y = page["data"].draw_avatars(f)[0], f["hat"]
    g = torch.Generator().manual_seed(seed)
    kept = [p.detach().clone() for k in "GFE" for p in nets[k].parameters()]
    for t in range(steps):
        i, j = torch.randint(60, (2, 8), generator=g)
        u = torch.rand(8, generator=g)
        mine = [torch.where(y == k)[0] for k in (0, 1)]
        second = torch.stack([x[mine[int(k)][int(v * len(mine[int(k)]))]]
                              for k, v in zip(y[j], u)])
        z = torch.randn(2, 8, 8, generator=g)
        for k, adam in adams.items():
            adam.param_groups[0]["lr"] = (2e-4 if k == "F" else 2e-3) * min(
                1, 2 * (1 - t / steps))
        page["iteration"](nets, adams, x[i], y[i], y[j], z, (x[j], second),
                          lam * (steps - t) / steps)
        beta = min(0.99, (t + 1) / (t + 10))
        now = [p.detach() for k in "GFE" for p in nets[k].parameters()]
        kept = [beta * a + (1 - beta) * b for a, b in zip(kept, now)]
    for p, a in zip([p for k in "GFE" for p in nets[k].parameters()], kept):
        p.data = a.half().float()
    e = page["exam"](seed)
    noise = torch.randn(10, 8, generator=torch.Generator().manual_seed(
        40_000 + seed))
    with torch.no_grad():
        one = nets["G"](e["x"], nets["E"](e["ref"], e["f_ref"]["hat"]))
        ten = [nets["G"](e["x"], nets["F"](z.repeat(len(e["x"]), 1),
                                           1 - e["f"]["hat"])).clamp(-1, 1)
               for z in noise]
    pairs = [F.l1_loss(a, b).item() for a in ten for b in ten if a is not b]
    return {"error": F.mse_loss(one.clamp(-1, 1), e["answer"]).item(),
            "spread": float(np.mean(pairs))}


ORACLES = [adain_of_moments, generator_by_hand, heads_by_loops,
           slopes_of_known_critics, losses_by_pencil,
           second_picture_stands_still, steps_by_hand, iteration_again,
           exam_by_hand, arms_again]

MISTAKES = {
    "Diversity punished": ("- lambda_ds * diversity", "+ lambda_ds * diversity"
                           ),
    "Gradient through both pictures": (
        "return (fake - other.detach()).abs().mean()",
        "return (fake - other).abs().mean()"),
    "Wrong head for the fake": ('F.softplus(nets["D"](fake, y_trg)).mean()',
                                'F.softplus(nets["D"](fake, y_org)).mean()'),
    "One head for the batch": ("return out[torch.arange(len(y)), y]",
                               "return out[:, y[0]]"),
    "Cycle closed with the target style": ("G(fake, E(x, y_org))",
                                           "G(fake, s)"),
    "Half of R1 lost": ("flatten(1).sum(1).mean() / 2",
                        "flatten(1).sum(1).mean()"),
    "R1 as a mean": ("slope.square().flatten(1).sum(1).mean() / 2",
                     "slope.square().mean() / 2"),
    "Scale begins at zero": ("(1 + gamma) * F.instance_norm(h)",
                             "gamma * F.instance_norm(h)"),
    "Layer normalisation": ("(1 + gamma) * F.instance_norm(h)",
                            "(1 + gamma) * F.layer_norm(h, h.shape[1:])"),
    "Style taken from the source's domain": ("(E(fake, y_trg) - s)",
                                             "(E(fake, y_org) - s)"),
    "References teach the encoder": ('(refs, "G")', '(refs, "GE")'),
    "Frozen mapping network": ('(noise, "GFE")', '(noise, "GE")'),
    "Average turned around": ("kept.lerp(now, 1 - beta)",
                              "kept.lerp(now, beta)"),
}
TRAIN = dict(arm="full", seed=1000, steps=2)
NULL = dict(arm="full", baseline="none", strength=0.0, steps=2)


def small(space):
    """Sixty faces to train on, forty-four to be examined on."""
    real, exam = space["faces"], space["exam"]
    space["faces"] = lambda seed, n=4000: real(seed, min(n, 60))
    space["exam"] = lambda seed: exam(seed, 44)


SMALL = small
TRACES = {"run": dict(arms=["full", "none"], steps=2, updates=12,
                      rates=[("full", {}, 2e-3)])}
EXPERIMENT = {
    "exam: the faces of training": ("faces(10_000 + seed, n)",
                                    "faces(seed, n)"),
    "metric: the absolute error": ('F.mse_loss(one, e["answer"])',
                                   'F.l1_loss(one, e["answer"])'),
    "metric: all drawings for the nearest": ("far.amin(2)", "far.mean(2)"),
    "metric: the source's colours are read": (
        'right(("hair", "background"), e["f_ref"])',
        'right(("hair", "background"), e["f"])'),
    "rival: the mean of the other domain": ("for hat in (1 - y, y_ref))",
                                            "for hat in (1 - y, 1 - y_ref))"),
    "rival: none has the reward": ('strength if arm == "full" else 0.0',
                                   "strength"),
    "rival: copies are pasted": ('"copy": (e["x"], e["x"][:, None]',
                                 '"copy": (e["ref"], e["x"][:, None]'),
    "pairing: every seed starts alike": ("torch.manual_seed(seed)\n",
                                         "torch.manual_seed(0)\n"),
    "pairing: the same batches for every seed": (
        '"rng": torch.Generator().manual_seed(seed)',
        '"rng": torch.Generator().manual_seed(0)'),
    "counting: pairs of one": ("mean() / 0.9", "mean() / 1.0"),
    "counting: a second reference of any domain": (
        "order[pick.long() + y[j] * size[0]]", "order[pick.long()]"),
    "counting: the reward never fades": (
        'state["lambda_ds"] * (1 - t / steps)', 'state["lambda_ds"]'),
    "counting: the style of another face": ("{k: style[k] for k in STYLE}",
                                            "{k: style[k].roll(1) "
                                            "for k in STYLE}"),
    "search: F at the others' rate": ('F_RATE if name == "F" else RATE',
                                      'RATE if name == "F" else RATE'),
    "search: the rate never falls": ("* min(1, 2 - 2 * t / steps)", "* 1"),
}
NOT = {"labels": "a domain is given to the networks on purpose, and no "
                 "metric asks them to guess it",
       "mode": "no network has a layer that learns and measures in two ways"}
UNKNOWN = []

WRONG = {
    "stargan_v2-1": [("share_left = 1", "depends on them"),
                     ("share_left = 0", "still learns"),
                     ("share_left = 0.25", "Exchange the names")],
    "stargan_v2-2": [("after = (-4, 2)", "taken away first"),
                     ("after = (0, 2)", "all that a mean of zero"),
                     ("after = (4, -2)", "never negative"),
                     ("after = (4, 3)", "is 1 + gamma"),
                     ("after = (4, 4.47)", "scaled by what")],
    "stargan_v2-3": [
        ("bought = lambda x, z: x", "too much alike"),
        ("bought = lambda x, z: 3 * z[:, :3, None, None] + 0 * x",
         "Pictures lie in"),
        ("bought = lambda x, z: x[:1]", "A picture for every face"),
        ("bought = lambda x, z: (x + z[:, :3, None, None].sign() * 0.45)"
         ".clamp(-1, 1)", "nearer to the truth")],
    "stargan_v2-4": [
        ("mended = suspect", "another value"),
        ("mended = lambda a, b: (a - b).abs().mean()", "no gradient"),
        ("mended = lambda a, b: (a.detach() - b).abs().mean() + 0 * a.sum()",
         "another gradient"),
        ("mended = lambda a, b: (a - b.detach()).square().mean()",
         "another value")],
}
OPEN = {"stargan_v2-3": "every loud and useless painter is an answer"}
