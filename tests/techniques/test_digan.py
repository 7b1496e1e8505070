"""DIGAN: oracles, mistakes, null and wrong answers."""

import math

import numpy as np
import torch
from scipy import stats
from torch.nn import functional as F

from tests.anew import doubled


def drawn(*shape, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g, dtype=torch.float64)


def dense(layer, x):
    """An equalised layer in numpy."""
    return (x @ layer.weight.detach().numpy().T / math.sqrt(x.shape[1])
            + layer.bias.detach().numpy())


def bent(x, slope=0.2, gain=1.4142135623730951):
    return gain * np.where(x > 0, x, slope * x)


def noised(net):
    """Float64, and no parameter at its start."""
    torch.manual_seed(5)
    net = net.double()
    with torch.no_grad():
        for p in net.parameters():
            p += 0.3 * torch.randn_like(p)
    return net


def waves_by_numpy(page):
    """Every wave at every place from the weights alone; every setting away
    from its default, times before the film and after it."""
    torch.manual_seed(1)
    net = noised(page["CoordFuser"](5, 3, 4, sigma=0.7))
    w, z, t, xy = drawn(6, 5), drawn(6, 3, seed=1), drawn(6, seed=2), drawn(
        2, 3, 7, seed=3)
    n = {k: v.numpy() for k, v in dict(w=w, z=z, t=t, xy=xy).items()}
    mod = dense(net.xyaffine, n["w"])
    v = dense(net.affine, np.concatenate([n["w"], n["z"]], 1))
    v = v * n["t"][:, None] * 0.7
    phi = dense(net.mlp[1], bent(dense(net.mlp[0], bent(v, 0.01, 1.0))))
    want = np.zeros((6, 8, 3, 7))
    for i in range(6):
        for f in range(4):
            angle = (math.sqrt(10) * (mod[i, 2 * f] * n["xy"][0]
                                      + mod[i, 2 * f + 1] * n["xy"][1])
                     + mod[i, 8 + f] + phi[i, f])
            want[i, f], want[i, 4 + f] = np.sin(angle), np.cos(angle)
    np.testing.assert_allclose(net(w, z, t, xy).detach().numpy(), want,
                               atol=1e-9)
    fresh = page["CoordFuser"](4, 4, 3)
    assert fresh.sigma == 0.25
    assert not any(b.any() for k, b in fresh.named_parameters()
                   if "bias" in k)
    big = page["Linear"](300, 200).weight
    assert abs(big.std().item() - 1) < 0.02


def modulated(layer, h, w, rank):
    """Row by row."""
    n, (o, i) = len(h), layer.weight.shape
    base, style = layer.weight.detach().numpy(), dense(layer.affine, w)
    out = np.zeros((n, o, *h.shape[2:]))
    for k in range(n):
        left = style[k, :o * rank].reshape(o, rank)
        right = style[k, o * rank:].reshape(rank, i)
        for r in range(o):
            row = base[r] * (1 + left[r] @ right / math.sqrt(rank))
            row = row / (np.sqrt((row ** 2).sum()) + 1e-8)
            out[k, r] = np.tensordot(row, h[k], 1) + layer.bias[r].item()
    return bent(out)


def generator_by_numpy(page):
    """The whole generator, every setting away from its default; the length
    of z does not matter, that of z_m does."""
    torch.manual_seed(2)
    G = noised(page["Generator"](d=6, f=5, c=4, rank=3, sigma=0.6))
    z, z_m, t = drawn(3, 6), drawn(3, 6, seed=1), drawn(3, seed=2)
    line = np.arange(5) / 5 * 2 - 1
    xy = torch.as_tensor(np.stack([np.tile(line, (5, 1)),
                                   np.tile(line[:, None], (1, 5))]))
    w = z.numpy() / np.sqrt((z.numpy() ** 2).mean(1, keepdims=True) + 1e-8)
    for layer in G.mapping:
        w = bent(dense(layer, w))
    h = G.fuser(torch.as_tensor(w), z_m, t, xy).detach().numpy()
    for layer in G.layers:
        h = modulated(layer, h, w, 3)
    style = dense(G.style, w)
    want = np.einsum("cj,nj,njhw->nchw", G.rgb.detach().numpy(),
                     style / math.sqrt(4), h) + G.rgb_bias.detach().numpy()
    with doubled(), torch.no_grad():
        got = G(z, z_m, t, 5).numpy()
        np.testing.assert_allclose(got, want, atol=1e-6)
        assert np.allclose(G(7 * z, z_m, t, 5), got, atol=1e-6)
        assert not np.allclose(G(z, 7 * z_m, t, 5), got, atol=1e-2)
    fresh = page["Generator"]()
    assert [k.rank for k in fresh.layers] == [10, 10]
    assert (fresh.style.bias == 1).all() and not fresh.rgb_bias.any()


def any_time_and_grid(page):
    """Exact: small pictures are parts of large ones, a film is the same in
    any company, and phases moved by W delta move the picture by -delta."""
    with doubled(), torch.no_grad():
        torch.manual_seed(3)
        G = page["Generator"](d=4, f=6, c=5)
        z, z_m = drawn(2, 4, 4)
        t = torch.tensor([0.37, 1.25, -3.0, 0.0])
        small, large = G(z, z_m, t, 8), G(z, z_m, t, 24)
        assert torch.allclose(large[:, :, ::3, ::3], small)
        assert torch.allclose(G(z[1:2], z_m[1:2], t[1:2], 8), small[1:2])
        delta, one = torch.tensor([0.5, -0.25]), torch.ones(1, 4)
        W = math.sqrt(10) * G.fuser.xyaffine(one)[:, :12].reshape(1, 6, 2)
        still, xy = G.fuser.motion(one, one, t[3:]), page["grid"](16)
        rest = G.fuser(one, one, t[3:], xy + delta[:, None, None])
        G.fuser.motion = lambda w, z_m, t: still + W @ delta
        assert torch.allclose(G.fuser(one, one, t[3:], xy), rest)


def moments_by_their_laws(page):
    """Closed form: the laws of the earlier and of the later moment; a
    moment picked from both is uniform; the mean between is 2/5."""
    first, second = page["times"](40_000, torch.Generator().manual_seed(7))
    A, B = stats.beta(2, 1).cdf, stats.beta(1, 2).cdf
    for seen, law in ((first, lambda x: 1 - (1 - A(x)) * (1 - B(x))),
                      (second, lambda x: A(x) * B(x)),
                      (torch.cat([first, second]), stats.uniform.cdf)):
        assert stats.kstest(seen.numpy(), law).statistic < 0.01
    assert (first <= second).all()
    assert abs((second - first).mean() - 0.4) < 0.005


def pairs_by_hand(page):
    """Channel by channel; both frames of a video have its codes."""
    x1, x2, dt = drawn(3, 3, 2, 5), drawn(3, 3, 2, 5, seed=1), drawn(
        3, seed=2)
    got = page["stacked"](x1, x2, dt)
    assert got.shape == (3, 7, 2, 5)
    for n in range(3):
        for c in range(3):
            assert torch.equal(got[n, c], x1[n, c])
            assert torch.equal(got[n, 3 + c], x2[n, c])
        assert (got[n, 6] == dt[n]).all()
    torch.manual_seed(4)
    G = page["Generator"](d=4, f=5, c=6)
    z, z_m = torch.randn(2, 3, 4)
    t = torch.tensor([[0.1, 0.2, 0.3], [0.9, 0.25, 0.5]])
    got = page["made"](G, z, z_m, t)
    for n in range(3):
        for k in range(2):
            own = G(z[n:n + 1], z_m[n:n + 1], t[k, n:n + 1])[0]
            assert torch.allclose(got[n, 3 * k:3 * k + 3], own, atol=1e-5)
        assert torch.allclose(got[n, 6], t[1, n] - t[0, n])


class Flat(torch.nn.Module):
    """<a, x>: a discriminator that a pencil can follow."""

    def __init__(self, a):
        super().__init__()
        self.a = torch.nn.Parameter(a)

    def forward(self, x):
        return x.flatten(1) @ self.a[:, None]


def losses_by_pencil(page):
    """In numpy on linear discriminators; the penalty in closed form, and
    each of the parts alone."""
    real, fake = drawn(4, 7, 2, 2), drawn(4, 7, 2, 2, seed=1)
    a, b = drawn(28, seed=2), drawn(12, seed=3)

    def plus(score):
        return np.log1p(np.exp(score)).mean()

    def scores(pairs, name):
        x = pairs.numpy()
        if name == "motion":
            return x.reshape(4, -1) @ a.numpy()
        return np.concatenate([x[:, :3], x[:, 3:6]]).reshape(
            8, -1) @ b.numpy()
    for only in (None, "motion", "image"):
        critics, names = page["Critics"](only=only), [only] if only else [
            "motion", "image"]
        assert [*critics.nets] == names
        for name in names:
            critics.nets[name] = Flat(a if name == "motion" else b)
        want = (sum(plus(-scores(fake, k)) for k in names),
                sum(plus(-scores(real, k)) + plus(scores(fake, k))
                    for k in names),
                sum(0.35 * float(((a if k == "motion" else b) ** 2).sum())
                    for k in names))
        got = (page["g_loss"](critics, fake),
               page["d_loss"](critics, real, fake),
               page["slope_penalty"](critics, real, gamma=0.7))
        np.testing.assert_allclose([v.item() for v in got], want, rtol=1e-9)
        assert math.isclose(page["slope_penalty"](critics, real).item(),
                            want[2] / 0.7, rel_tol=1e-9)


def critics_by_hand(page):
    """Both networks by torch's functions, widths away from the default."""
    torch.manual_seed(6)
    critics, pairs = page["Critics"](a=5, b=6), torch.randn(3, 7, 16, 16)
    for (D, x), k in zip(critics.views(pairs), (7, 3)):
        assert x.shape[1] == k
        h, convs = x, [m for m in D if hasattr(m, "kernel_size")]
        for conv, stride in zip(convs, (2, 2, 1)):
            h = F.conv2d(h, conv.weight, conv.bias, stride, 1)
            h = torch.where(h > 0, h, h / 5)
        assert h.shape[1:] == (6, 4, 4)
        want = h.flatten(1) @ D[-1].weight.T + D[-1].bias
        torch.testing.assert_close(D(x), want)


def scenes_by_hand(page):
    """The face's path by its formula, the ball pixel by pixel."""
    data, t = page["data"], torch.tensor([0.0, 0.3, 1.2])
    for seed in (1001, 1004, 1006):
        g = torch.Generator().manual_seed(seed + 500_000)
        sx, sy = (1.0 if k else -1.0 for k in torch.randint(
            2, (2,), generator=g))
        for kind in ("straight", "turning"):
            got = page["film"](t, seed, kind)
            for k, now in enumerate(t.tolist()):
                x = (0.5 * now - 0.3 if kind == "straight"
                     else math.sin(2 * math.pi * now) / 4)
                face = data.counterfactual(
                    data.avatar_factors(1, seed), x=sx * x, y=sy * 0.3 * x,
                    tilt=0)
                want = data.draw_avatars(face)[0][0]
                assert (got[k] - want).abs().max() < 1e-4
    middle, v, colour = page["balls"](3, torch.Generator().manual_seed(9))
    assert np.allclose(v.norm(dim=1), 0.8) and middle.abs().max() <= 0.2
    palette = [[0.8, -0.8, -0.8], [-0.8, 0.8, -0.8], [-0.8, -0.8, 0.8]]
    assert all(np.isclose(palette, c.numpy()).all(1).any() for c in colour)
    t = torch.tensor([0.0, 0.6, 1.25])
    got = page["frame"](middle, v, colour, t, 0.5)
    for n in range(3):
        at = middle[n] + v[n] * 0.5 * (t[n] - 0.5)
        for i in range(16):
            for j in range(16):
                far = math.dist(at.tolist(), (j / 8 - 1, i / 8 - 1))
                cover = min(1, max(0, 0.5 - (far - 0.4) / (2 / 16)))
                want = cover * colour[n] - (1 - cover) * 0.8
                assert (got[n, :, i, j] - want).abs().max() < 1e-4
    many = page["balls"](4000, torch.Generator().manual_seed(1))
    x = page["frame"](*many, torch.full((4000,), 0.5))
    assert (page["centre"](x)[0] - many[0]).norm(dim=1).mean() < 0.02
    assert (page["centre"](x)[1] - many[2]).abs().mean() < 0.2


def shots(page, n, g, time, right):
    """Pairs again, from the same draws in another way."""
    films, u = page["balls"](n, g), torch.rand(2, n, generator=g)
    a = torch.as_tensor(stats.beta(2, 1).ppf(u[0].numpy())).float()
    b = torch.as_tensor(stats.beta(1, 2).ppf(u[1].numpy())).float()
    early, late = torch.sort(torch.stack([a, b]), 0)[0]
    fast = torch.randint(2, (n, 1), generator=g)
    pace = 1.0 if right else torch.where(fast > 0, 2.0, 0.5)
    x = [page["frame"](*films, t, pace) for t in (early, late)]
    wide = (time * (late - early))[:, None, None, None].expand(n, 1, 16, 16)
    return torch.cat([*x, wide], 1)


def arms_again(page):
    """Every arm trained anew in a few lines; the last step has a smaller
    rate, and only the first a penalty."""
    for arm in ("judge", "judge without time", "digan", "images alone"):
        want = again(page, arm, 1003, 5)
        got = page["run"](arm, 1003, steps=5)
        assert want.keys() == got.keys()
        for k, value in want.items():
            assert abs(got[k] - value) < 2e-3 * max(value, 0.1), (arm, k)


def again(page, arm, seed, steps):
    torch.manual_seed(seed)
    judge, time = arm.startswith("judge"), float(arm != "judge without time")
    D = page["Critics"](only="motion" if judge else "image" if
                        arm == "images alone" else None)
    G, soft = page["Generator"](d=8, f=16, c=16), F.softplus
    adam = {k: torch.optim.Adam(net.parameters(), 0.004, betas=(0.0, 0.99))
            for k, net in (("D", D), ("G", G))}
    films, noise = (torch.Generator().manual_seed(s)
                    for s in (seed, seed + 1_000_000))

    def fake():
        if judge:
            return shots(page, 16, noise, time, False)
        z, z_m = torch.randn(2, 16, 8, generator=noise)
        u = torch.rand(2, 16, generator=noise)
        t = torch.stack([u[0] ** 0.5, 1 - (1 - u[1]) ** 0.5]).sort(0)[0]
        x = [G(z, z_m, k) for k in t]
        return page["stacked"](*x, t[1] - t[0])

    def sees(pairs):
        x = torch.cat([pairs[:, :3], pairs[:, 3:6]])
        return [(D.nets[k], pairs if k == "motion" else x) for k in D.nets]
    for i in range(steps):
        for one in adam.values():
            one.param_groups[0]["lr"] = 0.004 * min(1, 4 * (1 - i / steps))
        D.zero_grad()
        real, made = shots(page, 16, films, time, True), fake().detach()
        loss = sum(soft(-net(x)).mean() + soft(net(y)).mean()
                   for (net, x), (_, y) in zip(sees(real), sees(made)))
        if i == 0:
            for net, x in sees(real):
                x = x.clone().requires_grad_()
                s, = torch.autograd.grad(net(x).sum(), x, create_graph=True)
                loss = loss + 8 * s.square().sum() / len(x)
        loss.backward()
        adam["D"].step()
        if not judge:
            G.zero_grad()
            sum(soft(-net(x)).mean() for net, x in sees(fake())).backward()
            adam["G"].step()
    net, g = D if judge else G, torch.Generator().manual_seed(10_000 + seed)
    net.load_state_dict({k: v.half().float()
                         for k, v in net.state_dict().items()})
    with torch.no_grad():
        if judge:
            s = [D.nets["motion"](shots(page, 1000, g, time, k))[:, 0].numpy()
                 for k in (True, False)]
            u = stats.mannwhitneyu(*s).statistic
            ties = (s[0][:, None] == s[1]).mean() / 2
            return {"auc": u / 1e6 - ties}
        z, z_m = torch.randn(2, 300, 8, generator=g)
        ends = []
        for t in (0.0, 1.0):
            x = G(z, z_m, torch.full((300,), t)).numpy()
            far = np.maximum(np.abs(x + 0.8).sum(1) - 0.3, 0)
            far = far / np.maximum(far.sum((1, 2), keepdims=True), 1e-6)
            line = np.arange(16) / 8 - 1
            ends.append(np.stack([(far.sum(1) * line).sum(1),
                                  (far.sum(2) * line).sum(1)], 1))
        way = np.sqrt(((ends[1] - ends[0]) ** 2).sum(1))
        return {"way": way.mean(), "miss": np.abs(way - 0.8).mean()}


def one_film_again(page):
    """The arms that learn one film, their networks as sums over waves."""
    for arm, c, scale in (("phase", 40, None), ("coordinate", 56, 1.0),
                          ("slow", 56, 0.25)):
        for kind in ("straight", "turning"):
            want = learned_again(page, c, scale, kind)
            got = page["after"](arm, 1003, kind=kind, steps=3)
            for k, value in want.items():
                assert abs(got[k] - value) < 2e-3 * value, (arm, k)
            assert abs(2 ** got["doublings"] - got["after"]) < 1e-9


def learned_again(page, c, scale, kind):
    torch.manual_seed(1003)
    fuser = page["CoordFuser"](1, 0, 32)
    convs = [torch.nn.Conv2d(*k, 1) for k in ((64, c), (c, c), (c, 3))]
    xy = page["grid"](16)
    weights = [*fuser.parameters(), *(p for k in convs
                                      for p in k.parameters())]
    adam = torch.optim.Adam(weights, 0.03)

    def draw(t):
        mod = fuser.xyaffine(torch.ones(1, 1))[0]
        W, b = math.sqrt(10) * mod[:64].reshape(32, 2), mod[64:]
        omega = fuser.affine(torch.ones(1, 1))[0]
        if scale is None:
            v = F.leaky_relu(omega * t[:, None] / 4)
            v = math.sqrt(2) * F.leaky_relu(fuser.mlp[0](v), 0.2)
            phi = fuser.mlp[1](v)
        else:
            phi = math.sqrt(10) * scale * omega * t[:, None]
        angle = (W[:, :1, None] * xy[0] + W[:, 1:, None] * xy[1]
                 + b[:, None, None] + phi[:, :, None, None])
        h = torch.cat([angle.sin(), angle.cos()], 1)
        for i, conv in enumerate(convs):
            h = conv(h)
            h = F.leaky_relu(h, 0.2) if i < 2 else h
        return h
    seen = torch.arange(8) / 7
    for i in range(3):
        adam.param_groups[0]["lr"] = 0.03 * min(1, 2 * (1 - i / 3))
        adam.zero_grad()
        (draw(seen) - page["film"](seen, 1003, kind)).square().mean(
            ).backward()
        adam.step()
    with torch.no_grad():
        return {k: (draw(t) - page["film"](t, 1003, kind)).square().mean()
                .item() for k, t in (
            ("seen", seen), ("after", 1 + 0.07 * torch.arange(1, 5)))}


ORACLES = [waves_by_numpy, generator_by_numpy, any_time_and_grid,
           moments_by_their_laws, pairs_by_hand, losses_by_pencil,
           critics_by_hand, scenes_by_hand, arms_again, one_film_again]

MLP = "return self.mlp[1](bend(self.mlp[0](F.leaky_relu(v))))"
MISTAKES = {
    "A motion code for each frame": (
        "z_m.repeat(2, 1), t.flatten())",
        "torch.cat([z_m, z_m.flip(0)]), t.flatten())"),
    "Time between left out": ("expand_as(x1[:, :1])",
                              "expand_as(x1[:, :1]) * 0"),
    "Time between turned round": ("chunk(2), t[1] - t[0])",
                                  "chunk(2), t[0] - t[1])"),
    "Moments not sorted": (
        "torch.stack([torch.minimum(a, b), torch.maximum(a, b)])",
        "torch.stack([a, b])"),
    "Uniform moments": ("a, b = u[0].sqrt(), 1 - (1 - u[1]).sqrt()",
                        "a, b = u"),
    "Time as a third coordinate": (
        MLP, "return 10 ** 0.5 * v / self.sigma"),
    "Frequencies move, not phases": (
        "phase = mod[:, 2 * self.f:] + self.motion(w, z_m, t)",
        "phase = mod[:, 2 * self.f:]\n"
        "        W = W * (1 + self.motion(w, z_m, t)[..., None])"),
    "Time after the network": (
        " * t[:, None] * self.sigma\n        " + MLP,
        " * self.sigma\n        " + MLP + " * t[:, None]"),
    "Sines alone": ("[wave.sin(), wave.cos()]", "[wave.sin(), wave.sin()]"),
    "A grid with both ends": ("torch.arange(size) / size * 2 - 1",
                              "torch.linspace(-1, 1, size)"),
    "Modulation without the one": ("self.weight * (1 + change)",
                                   "self.weight * change"),
    "Rows not divided by their length": (
        "W = W / (W.norm(dim=2, keepdim=True) + 1e-8)", "W = W / 1"),
    "Noise of any length": (
        "w = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()",
        "w = z * 1"),
    "First frames alone": (
        "pairs[:, :6].reshape(-1, 3, *pairs.shape[2:])", "pairs[:, :3]"),
    "Slope of one discriminator": (
        "in critics.views(real.detach()):",
        "in critics.views(real.detach())[:1]:"),
    "Paid for looking unreal": (
        "sum(F.softplus(-D(x)).mean() for D, x in critics.views(fake))",
        "sum(F.softplus(D(x)).mean() for D, x in critics.views(fake))"),
}
TRAIN = dict(arm="digan", seed=1000, steps=1)
# strength 0: the judge is told that no time lies between the frames
NULL = dict(arm="judge", baseline="judge without time", strength=0.0,
            steps=2)

TRACES = {
    "run": dict(arms=["judge", "judge without time"], steps=2, updates=2,
                rates=[("judge", {}, 4e-3), ("digan", {}, 4e-3)],
                but={"test": "the judge without time is shown a zero in the "
                             "place of the time, in the exam as well"}),
    "after": dict(arms=["coordinate", "slow"], steps=2, updates=2,
                  rates=[("phase", {}, 0.03), ("slow", {}, 0.03)],
                  but={"exam": "what it learned is measured as well, as "
                               "the floor, and the times are few",
                       "seed": "the film is drawn again, to be compared "
                               "with what the network draws",
                       "every test": "the times are the same for every "
                                     "film, the films are not"})}
EXPERIMENT = {
    "exam: films of the training's own stream": ("10_000 + seed)", "seed)"),
    "metric: ways too long and too short cancel": (
        "miss = (way - SPEED).abs()", "miss = way - SPEED"),
    "metric: each right film against one wrong one": (
        "(right > wrong.T)", "(right > wrong)"),
    "rival: nobody is left without the time": (
        '"time": strength * (arm != "judge without time")',
        '"time": strength * 1.0'),
    "rival: images alone have a motion discriminator": (
        '"images alone": "image"}', '"images alone": None}'),
    "rival: slow is as fast as space": ("10 ** 0.5 / 4", "10 ** 0.5"),
    "rival: wrong films are slow or right": (
        "pace = 4.0 ** torch.randint(2, (n, 1), generator=g) / 2",
        "pace = 2.0 ** torch.randint(2, (n, 1), generator=g) / 2"),
    "pairing: every seed starts alike": (
        "torch.manual_seed(seed)\n    only", "torch.manual_seed(0)\n    only"),
    "pairing: the same films for every seed": (
        '"films": torch.Generator().manual_seed(seed)',
        '"films": torch.Generator().manual_seed(0)'),
    "counting: a penalty at every step": ("if t % 16 == 0", "if True"),
    "counting: a frame of the film is not learned": (
        "F.mse_loss(net(SEEN), x)", "F.mse_loss(net(SEEN[:-1]), x[:-1])"),
    "search: the rate never falls": ("RATE * min(1, 4 - 4 * t / steps)",
                                     "RATE"),
    "search: one film is learned at a steady rate": (
        "0.03 * min(1, 2 - 2 * i / steps)", "0.03"),
}
NOT = {"labels": "nothing here reads a label; a film is the answer itself",
       "mode": "no network has a layer that learns and measures in two ways"}
STAYS = {name: "Generator has the fuser as a default, fixed by its cell"
         for name in ("Time as a third coordinate", "Sines alone",
                      "Frequencies move, not phases",
                      "Time after the network")}
UNKNOWN = ["film(SEEN, 1000, 'round')", "learned('still', 1000, steps=1)"]

WRONG = {
    "digan-1": [("means = (1 / 3, 2 / 3)", "before sorting"),
                ("means = (0.7, 0.3)", "is the earlier one"),
                ("means = (0.3, 0.6)", "changes no sum"),
                ("means = (0.25, 0.75)", "lie apart")],
    "digan-2": [("phases = (1.0, -0.25)", "the other way"),
                ("phases = (-1.0, -1.25)", "where y is smaller"),
                ("phases = (0.5, 0.25)", "of the place the shift before"),
                ("phases = (-1.0, 0.75)", "feels both directions")],
    "digan-3": [("path = lambda t: 0.5 * t - 0.3", "still right"),
                ("path = lambda t: 0 * t", "is not met"),
                ("path = lambda t: 0.5 * t - 0.3 + (t > 1.01)", "jumps"),
                ("path = lambda t: 0.5 * t - 0.3 + torch.sin(7 * math.pi "
                 "* t) / 3", "still right")],
    "digan-4": [
        ("mended = suspect", "frequencies or the phases"),
        ("mended = lambda W, b, phi, xy: suspect(W, b, 0 * phi, xy)",
         "frequencies or the phases"),
        ("mended = lambda W, b, phi, xy: suspect(W, phi, 0 * b, xy)",
         "as before")],
}
OPEN = {"digan-3": "every path that leaves the line after the last frame is "
                   "an answer"}
