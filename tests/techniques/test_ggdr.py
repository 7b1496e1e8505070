"""GGDR: oracles, mistakes, null and wrong answers."""

import contextlib
import math
from collections import Counter
from functools import cache
from unittest import mock

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.metrics import jaccard_score
from torch import nn
from torch.nn import functional as F


def drawn(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def angles_place_by_place(page):
    """In numpy, one place after the other, at several weights."""
    a, b = drawn(2, 3, 4, 2, 5).numpy()
    cosines = [np.dot(a[n, :, i, j], b[n, :, i, j])
               / math.sqrt(np.dot(a[n, :, i, j], a[n, :, i, j])
                           * np.dot(b[n, :, i, j], b[n, :, i, j]))
               for n in range(3) for i in range(2) for j in range(5)]
    reg, (a, b) = page["ggdr_reg"], map(torch.tensor, (a, b))
    assert math.isclose(reg(a, b), 10 * (1 - np.mean(cosines)))
    assert math.isclose(reg(a, b, 3.0), 3 * (1 - np.mean(cosines)))


def bounds_in_closed_form(page):
    """Parallel 0, opposed twice the weight, a turn by t: 1 - cos t."""
    b = drawn(2, 6, 3, 3, seed=1)
    length = drawn(2, 1, 3, 3, seed=2).exp()
    for scale, want in ((length, 0.0), (-length, 14.0)):
        got = page["ggdr_reg"](scale * b, b, 7.0)
        assert math.isclose(got, want, abs_tol=1e-9)
    turn = torch.full((1, 2, 1, 1), 1.0, dtype=torch.float64)
    for t in (0.3, 2.0):
        other = torch.tensor([math.cos(t + math.pi / 4),
                              math.sin(t + math.pi / 4)]).view(1, 2, 1, 1)
        got = page["ggdr_reg"](other.double(), turn)
        assert math.isclose(got, 10 * (1 - math.cos(t)), rel_tol=1e-6)


def lean(h):
    return torch.where(h > 0, h, h / 5)


def doubled(h):
    """Bilinear doubling by hand: three quarters and one quarter."""
    for dim in (2, 3):
        n = h.shape[dim]
        at = torch.arange(n)
        before = h.index_select(dim, (at - 1).clamp(min=0))
        after = h.index_select(dim, (at + 1).clamp(max=n - 1))
        h = torch.stack([0.75 * h + 0.25 * before, 0.75 * h + 0.25 * after],
                        dim + 1).flatten(dim, dim + 1)
    return h


def whole_networks_by_hand(page):
    """Both networks from their weights, every setting off its default."""
    torch.manual_seed(1)
    G = page["Generator"]((6, 5, 4)).double()
    for norm in G.norms:
        nn.init.normal_(norm.weight)
        nn.init.normal_(norm.bias)
    z = drawn(8, 16, seed=3)
    h = z / (z ** 2).mean(1, keepdim=True).sqrt()
    h = (h @ G.first.weight.T + G.first.bias).reshape(8, 6, 4, 4)
    want = {}
    for i in range(3):
        if i:
            h = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
            h = F.conv2d(h, G.convs[i - 1].weight, G.convs[i - 1].bias, 1, 1)
        h = h - h.mean((0, 2, 3), keepdim=True)
        h = h / (h.square().mean((0, 2, 3), keepdim=True) + 1e-5).sqrt()
        h = lean(h * G.norms[i].weight[:, None, None]
                 + G.norms[i].bias[:, None, None])
        want[4 * 2 ** i] = h
    for longer in (1, 9):
        picture, features = G(longer * z)
        assert features.keys() == want.keys()
        for k in want:
            torch.testing.assert_close(features[k], want[k], rtol=1e-5,
                                       atol=1e-5)
        torch.testing.assert_close(picture, torch.tanh(F.conv2d(
            h, G.colours.weight, G.colours.bias, 1, 1)), rtol=1e-5,
            atol=1e-5)

    D = page["Discriminator"](3, 5, 7, out=(4, 6)).double()
    x = drawn(8, 3, 16, 16, seed=4)
    h, kept = x, {}
    for stride, conv in zip((1, 2, 2), D.convs):
        h = lean(F.conv2d(h, conv.weight, conv.bias, stride, 1))
        kept[h.shape[-1]] = h
    got = D.features(x)
    assert list(got) == [16, 8, 4]
    torch.testing.assert_close(got, kept)
    apart = [np.sqrt(h[i::2].detach().numpy().var(0) + 1e-8).mean()
             for i in (0, 1)]
    more = torch.tensor(apart).repeat(4)[:, None].expand(8, 16)
    flat = torch.cat([h.flatten(1), more], 1)
    logit = flat @ D.score.weight.T + D.score.bias
    torch.testing.assert_close(D(x), logit)
    torch.testing.assert_close(D(None, kept), logit)
    y = doubled(torch.einsum("oc,nchw->nohw", D.dec8.weight[..., 0, 0],
                             kept[4]) + D.dec8.bias[:, None, None])
    w = D.dec16.weight[..., 0, 0]
    y = (torch.einsum("oc,nchw->nohw", w[:, :4], y)
         + torch.einsum("oc,nchw->nohw", w[:, 4:], kept[8]))
    torch.testing.assert_close(D.decode(kept),
                               doubled(y + D.dec16.bias[:, None, None]))


class Toy:
    """G draws v z and has the features c z; D's only layer is u x, its
    logit <a, x> and its decoder d u x: numbers that a pencil follows."""

    def __init__(self):
        self.v, self.c, self.u, self.d = (
            torch.tensor(t, dtype=torch.float64, requires_grad=True)
            for t in (0.7, 1.3, 0.4, 0.9))
        self.a = drawn(48, seed=8).requires_grad_()
        self.x, self.z = drawn(2, 5, 3, 4, 4, seed=9)
        self.shift = drawn(1, 3, 4, 4, seed=10)

    def G(self, z):
        return self.v * z, {16: self.c * z + self.shift, 4: 0 * z}

    def parts(self):
        toy = self

        class D:
            def features(self, x):
                return {8: toy.u * x, 4: toy.u * x}

            def decode(self, kept):
                return toy.d * kept[8]

            def __call__(self, x, kept=None):
                h = kept[4] if kept else self.features(x)[4]
                return h.flatten(1) @ toy.a
        return D()


def losses_by_pencil(page):
    """In numpy, and which of the numbers each of them moves."""
    toy = Toy()
    a, x, z, shift = (t.detach().numpy() for t in (
        toy.a, toy.x, toy.z, toy.shift))

    def plus(values):
        return np.log1p(np.exp(values)).mean()

    def score(pictures):
        return 0.4 * pictures.reshape(5, 48) @ a

    def cosine(p, q):
        return ((p * q).sum(1) / np.sqrt((p * p).sum(1) * (q * q).sum(1))
                ).mean()
    adversarial = plus(score(0.7 * z)) + plus(-score(x))
    features, colours = (1 - cosine(z, q) for q in (1.3 * z + shift, z))
    D, dl = toy.parts(), page["d_loss"]
    cases = [
        (dl(toy.G, D, toy.x, toy.z), adversarial + 10 * features),
        (dl(toy.G, D, toy.x, toy.z, 4.0), adversarial + 4 * features),
        (dl(toy.G, D, toy.x, toy.z, 4.0, "colours"),
         adversarial + 4 * colours),
        (dl(toy.G, D, toy.x, toy.z, None), adversarial),
        (page["g_loss"](toy.G, D, toy.z), plus(-score(0.7 * z)))]
    numbers = [toy.v, toy.c, toy.u, toy.d, toy.a]
    moves = []
    for got, want in cases:
        assert math.isclose(got.item(), want, rel_tol=1e-9)
        moves.append([g is not None for g in torch.autograd.grad(
            got, numbers, allow_unused=True, retain_graph=True)])
    teach, plain = [False, False, True, True, True], [0, 0, 1, 0, 1]
    assert moves == [teach, teach, teach, plain, [1, 0, 1, 0, 1]]


def lessons_reach_the_layers(page):
    """The regulariser alone teaches the layers of D that the decoder
    reads, not G; the last layer of D is none of its business."""
    torch.manual_seed(2)
    G, D = page["Generator"](), page["Discriminator"]()
    x, z = drawn(8, 3, 16, 16).float(), drawn(8, 16).float()
    both, alone = (page["d_loss"](G, D, x, z, w) for w in (5.0, None))
    nets = [*D.convs.parameters(), *D.dec8.parameters(),
            *D.dec16.parameters(), *D.score.parameters()]
    got = [g is not None and bool(g.abs().max() > 1e-7) for g in
           torch.autograd.grad(both - alone, nets, allow_unused=True)]
    assert got == [True] * 10 + [False] * 2
    assert all(g is None for g in torch.autograd.grad(
        page["d_loss"](G, D, x, z), [*G.parameters()], allow_unused=True))


def penalty_of_known_slopes(page):
    """Closed form: <a, x> has the slope a, |x|^2 / 2 the slope x."""
    x, a = drawn(5, 3, 2, 2, seed=10), drawn(12, seed=11)
    flat = page["slope_penalty"](lambda t: t.flatten(1) @ a, x)
    bowl = page["slope_penalty"](
        lambda t: t.flatten(1).square().sum(1) / 2, x)
    assert math.isclose(flat.item(), float((a ** 2).sum()))
    assert math.isclose(bowl.item(), float((x ** 2).sum()) / 5)
    assert not x.requires_grad


def overlaps_by_brute_force(page):
    """scikit-learn's Jaccard score of every part, and names by counting."""
    g = torch.Generator().manual_seed(3)
    for k in (6, 9, 30):
        part = torch.randint(0, 7, (5, 16, 16), generator=g)
        part[part == 5] = 2                           # a part that is absent
        found = torch.randint(0, k, part.shape, generator=g)
        found = torch.where(torch.rand(part.shape, generator=g) < 0.5,
                            part % k, found)
        found[part == 0] = -1
        on, said = part > 0, page["named"](found, part)
        assert (said[~on] == 0).all() and (said[on] > 0).all()
        for c in range(k):
            most = Counter(part[found == c].tolist()).most_common()
            names = set(said[found == c].tolist())
            assert len(names) == 1
            assert dict(most)[names.pop()] == most[0][1]
        want = jaccard_score(part[on], said[on], labels=range(1, 7),
                             average="macro", zero_division=0)
        assert math.isclose(page["miou"](said, part), want, rel_tol=1e-5)


def clusters_do_what_they_should(page):
    """Thirty directions apart are found, however long the vectors and
    wherever their mean; the ground and its values do not count."""
    g = torch.Generator().manual_seed(4)
    kind = torch.randint(0, 9, (6, 16, 16), generator=g)
    way = torch.eye(9)[kind] + 0.01 * torch.randn(6, 16, 16, 9, generator=g)
    m = way.movedim(-1, 1)
    figure = torch.rand(6, 16, 16, generator=g) > 0.3
    m = torch.where(figure[:, None], m, 100.0)
    for angles in (True, False):
        found = page["clusters"](m, figure, 0, 9, angles)
        assert (found[~figure] == -1).all()
        pairs = set(zip(found[figure].tolist(), kind[figure].tolist()))
        assert len(pairs) == 9
    ray = torch.eye(9)[kind] - 1 / 9                  # nine rays, mean 0
    far = ray * (1 + 9 * torch.rand(6, 16, 16, 1, generator=g))
    mean = (far[figure].mean(0)).abs().max()
    assert mean < 0.5
    found = page["clusters"](far.movedim(-1, 1), figure, 0, 9)
    pairs = set(zip(found[figure].tolist(), kind[figure].tolist()))
    assert len(pairs) == 9


def again(page, reading, part, seed, k, angles=True):
    """Mean overlap of k named clusters, in numpy and scikit-learn."""
    p = np.moveaxis(reading.numpy(), 1, -1)[(part > 0).numpy()]
    if angles:
        p = p - p.mean(0)
        p = p / np.linalg.norm(p, axis=1, keepdims=True)
    c = KMeans(k, n_init=3, random_state=seed).fit(p).labels_
    truth = part[part > 0].numpy()
    said = np.array([np.bincount(truth[c == i], minlength=7).argmax()
                     for i in range(k)])[c]
    return np.mean([((said == j) & (truth == j)).sum()
                    / max(((said == j) | (truth == j)).sum(), 1)
                    for j in range(1, 7)])


@contextlib.contextmanager
def few(page):
    """Small sets of faces, for as long as it lasts."""
    faces, noise = page["faces"], page["noise"]
    small(page)
    try:
        yield
    finally:
        page["faces"], page["noise"] = faces, noise


def arms_again(page):
    """Every arm trained and read anew; the second step has no penalty."""
    data, seed, steps, recall = page["data"], 1003, 2, page["recall"]
    with few(page), mock.patch.dict(page, recall=cache(recall)):
        x, masks = data.draw_avatars(data.avatar_factors(12, 11_003))
        part = masks.argmax(1)
        told, trunk = {}, {}
        for made in ("plain", "ggdr", "pixels"):
            D, curve = trained(page, made, seed, steps)
            trunk[made] = D
            got = page["drawn"](made, seed, steps=steps)
            for k, v in got.items():
                assert abs(v - curve[-1]) < 2e-3 * v, (made, k)
            with torch.no_grad():
                kept = D.features(x)
                wide = [F.interpolate(v, size=(16, 16), mode="bilinear")
                        for v in kept.values()]
                told[made] = D.decode(kept)
                told["own layers" if made == "ggdr" else "layers",
                     made] = torch.cat(wide, 1)
                if made == "plain":
                    several = [*wide, torch.cat(wide, 1)]
        torch.manual_seed(seed)
        page["Generator"](), page["Generator"]()
        with torch.no_grad():
            raw = page["Discriminator"]()
            untrained = raw.decode(raw.features(x))
        torch.manual_seed(1000 + seed)
        with torch.no_grad():
            several_decoders = [page["Discriminator"]() for _ in range(4)]
            others = {made: [d.decode(D.features(x))
                             for d in several_decoders]
                      for made, D in trunk.items()}
        row = torch.linspace(-1, 1, 16)[:, None].expand(12, 1, 16, 16)
        both = torch.cat([x, row.mT, row], 1)
        want = {**{k: [told[k]] for k in ("plain", "ggdr", "pixels")},
                "layers": [told["layers", "plain"]],
                "own layers": [told["own layers", "ggdr"]],
                "best": several, "untrained": [untrained], "colours": [x],
                "colours and place": [both],
                "pixels layers": [told["layers", "pixels"]],
                "others": others["plain"],
                "pixels, others": others["pixels"]}
        assert want.keys() == page["ARMS"].keys()
        for arm, maps in want.items():
            said = page["says"](arm, seed, x, steps)
            assert len(said) == len(maps)
            for m, n in zip(said, maps):
                assert (m - n).abs().max() < 0.02 * n.abs().max(), arm
            got = page["run"](arm, seed, steps=steps)
            for name, k in (("parts", 30), ("six", 6)):
                values = [again(page, m, part, seed, k,
                                "colours" not in arm) for m in said]
                value = max(values) if arm == "best" else np.mean(values)
                assert abs(got[name] - value) < 0.03, (arm, name)


def points_of_the_curve(page):
    """Five points at equal gaps; GGDR's time is up at the fourth."""
    real = page["distance"]
    with few(page):
        try:
            for made, steps, last in (("plain", 5, 5.0), ("ggdr", 10, 4.0)):
                points = iter(range(1, 10))
                page["distance"] = lambda G, seed, p=points: next(p)
                got = page["drawn"](made, 1004, steps=steps)
                assert got == {"equal steps": 5.0, "equal time": last}
                assert next(points) == 6
        finally:
            page["distance"] = real


def trained(page, made, seed, steps):
    torch.manual_seed(seed)
    G, mean = page["Generator"](), page["Generator"]()
    mean.load_state_dict(G.state_dict())
    mean.eval()
    D = page["Discriminator"](out=(24, 3 if made == "pixels" else 16))
    g, noise = (torch.Generator().manual_seed(s)
                for s in (seed, seed + 1_000_000))
    adam = [torch.optim.Adam(net.parameters(), 1e-3, betas=(0.0, 0.99))
            for net in (D, G)]
    faces, curve = page["faces"](seed)[0], []
    real = page["faces"](20_000 + seed, 2048)[0]
    for t in range(steps):
        x = faces[torch.randint(len(faces), (32,), generator=g)]
        z, z2 = torch.randn(2, 32, 16, generator=noise)
        fake, features = G(z)
        loss = (F.softplus(D(fake.detach())) + F.softplus(-D(x))).mean()
        if made != "plain":
            goal = fake if made == "pixels" else features[16]
            said = D.decode(D.features(fake.detach()))
            loss = loss + 3 * (1 - F.cosine_similarity(
                said, goal.detach(), dim=1).mean())
        if t == 0:
            p = x.clone().requires_grad_()
            slope, = torch.autograd.grad(D(p).sum(), p, create_graph=True)
            loss = loss + 8 * slope.square().sum((1, 2, 3)).mean()
        for net, opt, part in ((D, adam[0], lambda loss=loss: loss), (
                G, adam[1], lambda z2=z2: F.softplus(-D(G(z2)[0])).mean())):
            value = part()
            net.zero_grad()
            value.backward()
            opt.step()
        with torch.no_grad():
            old = min(0.995, (t + 1) / (t + 10))
            for a, b in zip(mean.parameters(), G.parameters()):
                a.mul_(old).add_((1 - old) * b)
            for a, b in zip(mean.buffers(), G.buffers()):
                a.copy_(b)
            curve.append(page["scorer"]().distance(
                real, mean(page["noise"](30_000 + seed))[0]))
    return D, curve


ORACLES = [angles_place_by_place, bounds_in_closed_form,
           whole_networks_by_hand, losses_by_pencil,
           lessons_reach_the_layers, penalty_of_known_slopes,
           overlaps_by_brute_force, clusters_do_what_they_should,
           arms_again, points_of_the_curve]

COSINE = "F.cosine_similarity(decoded, feature).mean())"
MISTAKES = {
    "Cosine over the places": (
        COSINE, "F.cosine_similarity(decoded.flatten(2), "
                "feature.flatten(2), dim=2).mean())"),
    "One cosine a picture": (
        COSINE, "F.cosine_similarity(decoded.flatten(1), "
                "feature.flatten(1)).mean())"),
    "Distance for direction": (f"(1 - {COSINE}",
                               "F.mse_loss(decoded, feature)"),
    "Weight forgotten": ("return weight * (1 -", "return (1 -"),
    "Another picture's features": ("goal = features[16] if",
                                   "goal = features[16].roll(1, 0) if"),
    "Real pictures decoded": ("ggdr_reg(D.decode(kept), goal",
                              "ggdr_reg(D.decode(D.features(x)), goal"),
    "The generator is taught as well": ("with torch.no_grad():\n        fake",
                                        "if True:\n        fake"),
    "The decoder learns alone": (
        "ggdr_reg(D.decode(kept), goal",
        "ggdr_reg(D.decode({k: v.detach() for k, v in kept.items()}), goal"),
    "The skip left out": ("torch.cat([y, kept[8]], 1)",
                          "torch.cat([y, 0 * kept[8]], 1)"),
    "A decoder that bends": ("y = twice(self.dec8(kept[4]))",
                             "y = twice(leaky(self.dec8(kept[4])))"),
    "Paid for looking unreal": ("F.softplus(-D(G(z)[0]))",
                                "F.softplus(D(G(z)[0]))"),
    "Real for made": ("F.softplus(D(fake, kept))",
                      "F.softplus(-D(fake, kept))"),
    "Slope pulled to one": (
        "return slope.square().flatten(1).sum(1).mean()",
        "return (slope.flatten(1).norm(dim=1) - 1).square().mean()"),
    "Noise of any length": (
        "z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()",
        "z = 1 * z"),
}
TRAIN = dict(arm="ggdr", seed=1000, steps=1)
# strength 0: the decoder gets no gradient, and D learns as in plain
NULL = dict(arm="ggdr", baseline="plain", strength=0.0, steps=1)


def fewer(real, usual, sizes):
    def less(seed, n=usual):
        return real(seed, sizes.get(n, n))
    less.forget = real.forget
    return less


def small(space):
    """Few faces to learn from, fewer to be examined on."""
    space["faces"] = fewer(space["faces"], 6000,
                           {6000: 128, 2048: 256, 80: 12})
    space["noise"] = fewer(space["noise"], 1024, {1024: 128})


SMALL = small
WHY = ("noise for the points of the curve, and networks to be filled with the "
       "kept weights, are drawn again when all is learned")
TRACES = {"run": dict(arms=["plain", "ggdr"], steps=1, updates=2,
                      rates=[("ggdr", {}, 1e-3)], but={"seed": WHY})}
EXPERIMENT = {
    "exam: faces that it trained on": ("faces(10_000 + seed, 80)",
                                       "(v[:80] for v in faces(seed))"),
    "mode: the running mean in training mode": (
        "Generator().eval().requires_grad_(False)",
        "Generator().requires_grad_(False)"),
    "metric: the ground counts as a part": (
        "clamp(min=1))[1:].mean()", "clamp(min=1)).mean()"),
    "metric: length counts": (
        "F.normalize(p - p.mean(0), dim=1) if angles", "p if angles"),
    "rival: pixels is never asked": ('None if arm == "plain" else',
                                     'None if arm != "ggdr" else'),
    "rival: best is the worst": ("take = max if", "take = min if"),
    "rival: untrained is trained": ('if arm != "untrained":', "if True:"),
    "pairing: every seed starts alike": (
        "torch.manual_seed(seed)\n    G, mean",
        "torch.manual_seed(0)\n    G, mean"),
    "counting: the curve is a point late": (
        'state["curve"][(t + 1) // every - 1:]',
        'state["curve"][(t + 1) // every:]'),
    "search: the rate that is set is ignored": (
        "torch.optim.Adam(net.parameters(), RATE,",
        "torch.optim.Adam(net.parameters(), 2e-3,"),
}
NOT = {"labels": "parts are looked at after the last step, by the metric "
                 "alone"}
UNKNOWN = ["drawn('layers', 1000, steps=1)",
           "says('no such arm', 0, faces(1000, 8)[0])",
           "d_loss(Generator(), Discriminator(), faces(1000, 8)[0], "
           "torch.randn(8, 16), 1.0, 'sound')"]

WRONG = {
    "ggdr-1": [("regulariser = -2.5", "as right as right"),
               ("regulariser = 2.5", "mean cosine"),
               ("regulariser = 5", "opposed"),
               ("regulariser = 0.75", "the weight"),
               ("regulariser = 12.5", "one minus")],
    "ggdr-2": [("overlap = (0.75, 1, 0.29)", "not only the hat"),
               ("overlap = (1, 0.577, 0.25)", "in either"),
               ("overlap = (0.75, 0.6, 0.22)", "52 places"),
               ("overlap = (0.75, 0.577, 0.663)", "Six parts"),
               ("overlap = (0.75, 0.577, 0.3)", "by six")],
    "ggdr-3": [("by_eye = lambda x: x.mean(1)", "of the shape"),
               ("by_eye = lambda x: 0 * x", "Yours fits"),
               ("by_eye = lambda x: torch.linspace(-1, 1, 16).expand("
                "len(x), 1, 16, 16)", "Yours fits")],
    "ggdr-4": [("mended = suspect", "length"),
               ("mended = lambda a, b: 1 - F.cosine_similarity(a, b).mean()",
                "weight of 10"),
               ("mended = lambda a, b: 10 * F.cosine_similarity(a, b).mean()",
                "Another number"),
               ("mended = lambda a, b: 10 * (1 - F.cosine_similarity("
                "a, b)).sum()", "Another number"),
               ("mended = lambda a, b: 10 * (1 - F.cosine_similarity("
                "a.flatten(2), b.flatten(2), dim=2).mean())", "length")],
}
OPEN = {"ggdr-3": "whatever tells the parts by their colours is an answer"}
