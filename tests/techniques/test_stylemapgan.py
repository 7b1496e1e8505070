"""StyleMapGAN: oracles, mistakes, null and wrong answers."""

import contextlib
import math

import numpy as np
import torch
from scipy.linalg import expm
from torch import nn
from torch.nn import functional as F


def drawn(*shape, seed=0, double=True):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g,
                       dtype=torch.float64 if double else torch.float32)


def modulation_by_torch(page):
    """Made by others: nn.LayerNorm over (c, H, W) as in the official code,
    and the two convolutions as sums over shifted styles."""
    for kernel, side in ((3, 5), (1, 1), (3, 1), (1, 5)):
        torch.manual_seed(kernel)
        layer = page["Modulation"](4, 6, kernel).double()
        assert (layer.gamma.bias == 1).all() and (layer.beta.bias == 0).all()
        nn.init.normal_(layer.beta.bias)
        h, style = 3 + 2 * drawn(2, 4, 5, 5), drawn(2, 6, side, side, seed=1)
        normed = nn.LayerNorm((4, 5, 5), elementwise_affine=False)(h)
        wide = F.pad(style, [kernel // 2] * 4)
        made = {}
        for name in ("gamma", "beta"):
            conv = getattr(layer, name)
            made[name] = conv.bias[:, None, None] + sum(
                torch.einsum("cd,ndij->ncij", conv.weight[:, :, i, j],
                             wide[:, :, i:i + side, j:j + side])
                for i in range(kernel) for j in range(kernel))
        torch.testing.assert_close(layer(h, style), made["gamma"] * normed
                                   + made["beta"])


def whole_networks_by_hand(page):
    """All parts from torch.nn.functional and their weights alone, every
    setting away from its default."""
    def leaky(h):
        return torch.where(h > 0, h, h / 5)
    for side, k in ((4, 3), (1, 1)):
        torch.manual_seed(side)
        resize, paint = (net.double() for net in (
            page["Resizer"](5, side), page["Painter"](5, k, a=6, b=4, c=3)))
        w, made = drawn(2, 5, side, side), []
        for conv in resize.convs:
            if made and side > 1:
                w = w.repeat_interleave(2, 2).repeat_interleave(2, 3)
            w = leaky(F.conv2d(w, conv.weight, conv.bias, 1, k // 2))
            made.append(w)
        torch.testing.assert_close(resize(drawn(2, 5, side, side)), made)
        h = paint.constant.repeat(2, 1, 1, 1)
        assert h.shape == (2, 6, 4, 4)
        for i, (mod, conv) in enumerate(zip(paint.modulate, paint.convs)):
            h = h - h.mean((1, 2, 3), keepdim=True)
            h = h / (h.square().mean((1, 2, 3), keepdim=True) + 1e-5).sqrt()
            scale, shift = (F.conv2d(made[i // 2], c.weight, c.bias, 1,
                                     k // 2) for c in (mod.gamma, mod.beta))
            h = h * scale + shift
            h = (F.conv_transpose2d(h, conv.weight, conv.bias, 2, 1)
                 if i in (1, 3) else
                 F.conv2d(h, conv.weight, conv.bias, 1, int(i < 5)))
            h = leaky(h) if i < 5 else h
        torch.testing.assert_close(paint(made), h)
        x = drawn(2, 3, 16, 16, seed=2)
        for places in (True, False):
            E = page["Encoder"](5, side if not places else 4, places,
                                c=6).double()
            h = x
            for i in (0, 2):
                conv = E.trunk[i]
                h = leaky(F.conv2d(h, conv.weight, conv.bias, 2, 1))
            if places:
                h = F.conv2d(h, E.end.weight, E.end.bias, 1, 1)
            else:
                end = E.end[1]
                h = (h.reshape(2, -1) @ end.weight.T + end.bias).reshape(
                    2, 5, side, side)
            torch.testing.assert_close(E(x), h)


def codes_from_noise(page):
    """Closed form: the length of z does not matter, its mean square is
    one, and number 16 k + 4 i + j of the last layer is channel k, row i,
    column j."""
    torch.manual_seed(0)
    G = page["Generator"](3, 4).double()
    z = drawn(4, 16, seed=3)
    h = z / (z ** 2).mean(1, keepdim=True).sqrt()
    for i in (0, 2, 4):
        h = h @ G.mapping[i].weight.T + G.mapping[i].bias
        h = torch.where(h > 0, h, h / 5) if i < 4 else h
    want = torch.stack([torch.stack([torch.stack([
        h[:, 16 * k + 4 * i + j] for j in range(4)], 1) for i in range(4)],
        1) for k in range(3)], 1)
    for length in (1, 7):
        torch.testing.assert_close(G.code(length * z), want, rtol=1e-6,
                                   atol=1e-6)
    torch.testing.assert_close(G(want), G.paint(G.styles(want)))


def masks():
    g = torch.Generator().manual_seed(5)
    mask = (torch.rand(6, 1, 16, 16, generator=g) > 0.97).float()
    mask[0], mask[1] = 0, 1
    mask[2] = 0
    mask[2, :, 3:9, 7:12] = 1
    return mask


def mixed_cell_by_cell(page):
    """Brute force, bit for bit; a full mask, an empty one, and back."""
    mask = masks()
    for side in (4, 8, 16, 2):
        src, ref = drawn(2, 6, 3, side, side, seed=side, double=False)
        got, k = page["mix"](src, ref, mask), 16 // side
        for n in range(6):
            for i in range(side):
                for j in range(side):
                    hit = any(mask[n, 0, r, c] for r in range(
                        k * i, k * i + k) for c in range(k * j, k * j + k))
                    own = (ref if hit else src)[n, :, i, j]
                    assert torch.equal(got[n, :, i, j], own)
        assert torch.equal(got[0], src[0]) and torch.equal(got[1], ref[1])
        assert torch.equal(page["mix"](got, src, mask), src)


def transplants_are_exact(page):
    """In W one code is mixed, in W+ each of the three styles; an empty
    mask draws the source and a full one the reference, bit for bit."""
    torch.manual_seed(2)
    G, mask = page["Generator"](3, 4), masks()
    src, ref = drawn(2, 6, 3, 4, 4, seed=6, double=False)
    small = [F.adaptive_max_pool2d(mask, k) for k in (4, 8, 16)]
    with torch.no_grad():
        for plus in (False, True):
            got = page["transplant"](G, src, ref, mask, plus)
            torch.testing.assert_close(got[:2], torch.cat(
                [G(src)[:1], G(ref)[1:2]]), rtol=1e-6, atol=1e-6)
            if plus:
                want = G.paint([m * b + (1 - m) * a for m, a, b in zip(
                    small, G.styles(src), G.styles(ref))])
            else:
                want = G(small[0] * ref + (1 - small[0]) * src)
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
            for m, own in ((0 * mask, src), (0 * mask + 1, ref)):
                assert torch.equal(page["transplant"](G, src, ref, m, plus),
                                   G(own))


class Toy:
    """E(x) = u x, G(w) = v w, code(z) = c z and D(x) = <a, x>: numbers
    that a pencil can follow."""

    def __init__(self):
        self.u, self.v, self.c = (torch.tensor(t, dtype=torch.float64,
                                               requires_grad=True)
                                  for t in (0.7, 1.3, 0.4))
        self.a = drawn(12, seed=8).requires_grad_()
        self.x, self.z = drawn(2, 5, 3, 2, 2, seed=9)
        toy = self

        class Drawer:
            code = staticmethod(lambda z: toy.c * z)

            def __call__(self, w):
                return toy.v * w
        self.G = Drawer()

    def E(self, x):
        return self.u * x

    def D(self, x):
        return x.flatten(1) @ self.a


def losses_by_pencil(page):
    """In numpy, and which of the four numbers each of them moves."""
    toy = Toy()
    a, x, z = (t.detach().numpy() for t in (toy.a, toy.x, toy.z))

    def plus(values):                       # log(1 + e^s), a mean
        return np.log1p(np.exp(values)).mean()

    def score(pictures):
        return pictures.reshape(5, 12) @ a
    real, fake, again = x, 1.3 * 0.4 * z, 1.3 * 0.7 * x
    for_g, for_e = page["noise_losses"](toy.G, toy.E, toy.D, toy.z)
    for_d = page["d_loss"](toy.G, toy.E, toy.D, toy.x, toy.z)
    both = page["picture_loss"](toy.G, toy.E, toy.D, toy.x)
    alone = page["picture_loss"](toy.G, toy.E, None, toy.x)
    apart = ((again - x) ** 2).mean()
    want = [plus(-score(fake)), ((0.7 * fake - 0.4 * z) ** 2).mean(),
            plus(-score(real)) + plus(score(fake)) + plus(score(again)),
            apart + plus(-score(again)), apart]
    got = [for_g, for_e, for_d, both, alone]
    np.testing.assert_allclose([v.item() for v in got], want, rtol=1e-9)
    moves = [[g is not None and bool((g != 0).any()) for g in
              torch.autograd.grad(v, [toy.u, toy.v, toy.c, toy.a],
                                  allow_unused=True, retain_graph=True)]
             for v in got]
    assert moves == [[False, True, True, True], [True, False, False, False],
                     [False, False, False, True], [True, True, False, True],
                     [True, True, False, False]]


def penalty_of_known_slopes(page):
    """Closed form: <a, x> has the slope a, |x|^2 / 2 the slope x."""
    x, a = drawn(5, 3, 2, 2, seed=10), drawn(12, seed=11)
    flat = page["slope_penalty"](lambda t: t.flatten(1) @ a, x)
    bowl = page["slope_penalty"](
        lambda t: t.flatten(1).square().sum(1) / 2, x)
    assert math.isclose(flat.item(), float((a ** 2).sum()))
    assert math.isclose(bowl.item(), float((x ** 2).sum()) / 5)
    assert not x.requires_grad


def scenes_by_hand(page):
    """Every pixel again: the face in front, behind it the colour of the
    patch that the shifts put there."""
    scene, data = page["scene"], page["data"]
    got, flat = scene("wallpaper", 1007, 4), scene("plain", 1007, 4)
    x, mask = data.draw_avatars(data.avatar_factors(4, 1007))
    assert torch.equal(flat, x)
    g = torch.Generator().manual_seed(1007)
    colour = torch.rand(4, 5, 5, 3, generator=g) * 1.6 - 0.8
    down, right = (torch.randint(5, (4, 1), generator=g) for _ in range(2))
    for n in range(4):
        for i in range(16):
            for j in range(16):
                patch = colour[n, (down[n, 0] + i) // 5,
                               (right[n, 0] + j) // 5]
                b = mask[n, 0, i, j]
                want = x[n, :, i, j] + b * (patch - x[n, :, 0, 0])
                assert (got[n, :, i, j] - want).abs().max() < 1e-6
    big, part = data.draw_avatars(data.avatar_factors(300, 5))
    assert (part[:, 0, 0, 0] == 1).all() and big.abs().max() <= 1
    half = page["halves"](5)
    assert half.shape == (5, 1, 16, 16) and half.mean() == 0.5
    assert half[:2, :, :, 8:].all() and half[2:, :, 8:].all()


@contextlib.contextmanager
def few(page, n=96):
    """Small scenes, for as long as it lasts."""
    real = page["scene"]
    page["scene"] = lambda kind, seed, k=4000: real(kind, seed, min(k, n))
    try:
        yield
    finally:
        page["scene"] = real


def edits_by_hand(page):
    """What each arm makes and what is measured, on known networks: E is
    a projection and G its transpose; the rotation is scipy's."""
    base = torch.linalg.qr(drawn(768, 128, seed=12).float())[0]
    a = torch.randn(128, 128, generator=torch.Generator().manual_seed(9))
    with few(page):
        x = page["scene"]("wallpaper", 11_002)
        ref = torch.cat([x[-1:], x[:-1]])
        mask = torch.zeros(96, 1, 16, 16)
        mask[:48, :, :, 8:] = mask[48:, :, 8:] = 1
        answer = x * (1 - mask) + ref * mask
        cell = mask[:, :, ::4, ::4].expand(-1, 8, -1, -1).reshape(96, 128)

        def flat(p):
            return p.flatten(1) @ base
        u, v = flat(x), flat(ref)
        for arm, shape in (("map", (8, 4, 4)), ("spread", (8, 4, 4)),
                           ("mixed", (8, 4, 4)), ("vector", (128, 1, 1)),
                           ("answer", (128, 1, 1)), ("damaged", (128, 1, 1))):
            def E(p, shape=shape):
                return flat(p).reshape(-1, *shape)

            def G(w):
                return (w.flatten(1) @ base.T).reshape(-1, 3, 16, 16)
            turn = torch.as_tensor(expm(0.3 * (a - a.T).numpy())).float()
            code = {"map": u * (1 - cell) + v * cell,
                    "mixed": ((u @ turn) * (1 - cell) + (v @ turn) * cell)
                    @ turn.T, "vector": (u + v) / 2, "answer": flat(answer)}
            code["spread"], code["damaged"] = code["map"], code["vector"]
            kept = u * (torch.arange(128) % 4 > 0) if arm == "damaged" else u
            want = {"rebuild": (G(kept) - x).square().mean().item(),
                    "edit": (G(code[arm]) - answer).square().mean().item()}
            real = page["loaded"]
            page["loaded"] = lambda kept, made, G=G, E=E: (G, E)
            try:
                got = page["measure"]({}, "map", 1002, arm, 0.3)
            finally:
                page["loaded"] = real
            for k in want:
                assert abs(got[k] - want[k]) < 2e-5, (arm, k)


def arms_again(page):
    """Runs trained anew in a few lines, and their metrics; the second step
    has no penalty, the last a smaller rate."""
    with few(page):
        for arm, made, kind, lr in (
                ("answer", "vector", "wallpaper", 2e-3),
                ("spread", "spread", "wallpaper", 4e-3),
                ("full", "full", "wallpaper", 2e-3),
                ("map", "plain map", "plain", 4e-3),
                ("vector", "plain vector", "plain", 2e-3)):
            want = again(page, arm, made, kind, lr, seed=1003, steps=3)
            got = page["run"](arm, 1003, steps=3, kind=kind)
            for k, value in want.items():
                assert abs(got[k] - value) < 1e-3 * value, (made, k)


def again(page, arm, made, kind, lr, seed, steps):
    vector = made in ("vector", "plain vector")
    torch.manual_seed(seed)
    d, side = (128, 1) if vector else (8, 4)
    G = page["Generator"](d, side)
    E = page["Encoder"](d, side, made in ("map", "full", "plain map"))
    D = nn.Sequential(
        nn.Conv2d(3, 24, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(24, 48, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
        nn.Linear(768, 1))
    assert G.shape[0] * G.shape[1] * G.shape[2] == 128
    adam = {k: torch.optim.Adam(net.parameters(), lr, betas=(0.0, 0.99))
            for k, net in (("G", G), ("E", E), ("D", D))}

    def go(names, loss):
        for net in (G, E, D):
            net.zero_grad()
        loss.backward()
        for k in names:
            adam[k].step()
    soft, x = F.softplus, page["scene"](kind, seed)
    g, noise = (torch.Generator().manual_seed(s)
                for s in (seed, seed + 1_000_000))
    for t in range(steps):
        for one in adam.values():
            one.param_groups[0]["lr"] = lr * min(1, 2 * (1 - t / steps))
        b = x[torch.randint(len(x), (32,), generator=g)]
        if made == "full":
            z, z2 = torch.randn(2, 32, 16, generator=noise)
            w = G.code(z)
            fake = G(w)
            w, still = w.detach(), fake.detach()
            go("G", soft(-D(fake)).mean())
            go("E", (E(still) - w).square().mean())
            one, two = G(G.code(z2)).detach(), G(E(b)).detach()
            go("D", (soft(-D(b)) + soft(D(one)) + soft(D(two))).mean())
            if t == 0:
                p = b.clone().requires_grad_()
                s, = torch.autograd.grad(D(p).sum(), p, create_graph=True)
                go("D", 80 * s.square().sum((1, 2, 3)).mean())
        y = G(E(b))
        go("GE", (y - b).square().mean() + (soft(-D(y)).mean()
                                            if made == "full" else 0))
    for net in (G, E):
        net.load_state_dict({k: v.half().float()
                             for k, v in net.state_dict().items()})
    with torch.no_grad():
        x = page["scene"](kind, 10_000 + seed)
        ref, m = x.roll(1, 0), page["halves"](len(x))
        answer = torch.where(m > 0, ref, x)
        cells = m[:, :, ::4, ::4]
        y = (G(E(answer)) if arm == "answer" else
             G((E(x) + E(ref)) / 2) if vector else
             G(E(ref) * cells + E(x) * (1 - cells)))
        return {"rebuild": (G(E(x)) - x).square().mean().item(),
                "edit": (y - answer).square().mean().item()}


ORACLES = [modulation_by_torch, whole_networks_by_hand, codes_from_noise,
           mixed_cell_by_cell, transplants_are_exact, losses_by_pencil,
           penalty_of_known_slopes, scenes_by_hand, edits_by_hand,
           arms_again]

NORM = "h = F.layer_norm(h, h.shape[1:])         # over c, H and W together"
MISTAKES = {
    "Normalised channel by channel": ("F.layer_norm(h, h.shape[1:])",
                                      "F.instance_norm(h)"),
    "Not normalised": (NORM, "h = 1 * h"),
    "One scale for all places": (
        "return h * self.gamma(style) + self.beta(style)",
        "return sum(p * f(style).mean((2, 3), keepdim=True)\n"
        "                   for p, f in ((h, self.gamma), "
        "(1, self.beta)))"),
    "Scale begins at zero": ("nn.init.ones_(self.gamma.bias)",
                             "nn.init.zeros_(self.gamma.bias)"),
    "Source and reference exchanged": ("> 0, ref, src)", "> 0, src, ref)"),
    "Average for maximum": ("F.max_pool2d(mask, size) > 0",
                            "F.avg_pool2d(mask, size) > 0.5"),
    "Coarsest style only": (
        "[mix(*pair, mask) for pair in",
        "[mix(*pair, mask) if pair[0].shape[-1] < 5 else pair[0]\n"
        "                    for pair in"),
    "Map read by rows": (
        "return self.mapping(z).reshape(-1, *self.shape)",
        "return self.mapping(z).reshape(-1, *self.shape[::-1]).movedim(3, 1)"
    ),
    "Noise of any length": (
        "z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()",
        "z = 1 * z"),
    "Styles that do not build on each other": (
        "w = F.leaky_relu(conv(w), 0.2)\n            styles.append(w)",
        "styles.append(F.leaky_relu(conv(w), 0.2))"),
    "Fakes from noise alone": ("fakes = G(G.code(z)), G(E(x))",
                               "fakes = G(G.code(z)), G(G.code(z))"),
    "Redrawn pictures need not look real": (
        "real = 0.0 if D is None else F.softplus(-D(y)).mean()",
        "real = 0.0"),
    "Slope pulled to one": (
        "return slope.square().flatten(1).sum(1).mean()",
        "return (slope.flatten(1).norm(dim=1) - 1).square().mean()"),
    "Paid for looking unreal": ("return (F.softplus(-D(fake)).mean(),",
                                "return (F.softplus(D(fake)).mean(),"),
}
TRAIN = dict(arm="full", seed=1000, steps=1)
# strength 0: mixed does not rotate, and exchanges the cells as map does
NULL = dict(arm="mixed", baseline="map", strength=0.0, steps=2)


def small(space):
    """Two hundred pictures to train on, fifty to be examined on."""
    real = space["scene"]
    space["scene"] = lambda kind, seed, n=4000: real(
        kind, seed, {4000: 200, 500: 50}.get(n, n))


SMALL = small
TRACES = {"run": dict(
    arms=["map", "vector"], steps=2, updates=4,
    rates=[("vector", {}, 2e-3)],
    but={"start": "a map and a vector have networks of different shapes"})}
LR = """state["rate"] * min(
            1, 2 - 2 * t / steps)"""
EXPERIMENT = {
    "exam: pictures that it trained on": ("10_000 + seed, 500)",
                                          "seed)[:500]"),
    "metric: the absolute error": ('F.mse_loss(G(code), x).item()',
                                   'F.l1_loss(G(code), x).item()'),
    "metric: the edit against the reference alone": (
        "F.mse_loss(y, torch.where(mask > 0, ref, x))",
        "F.mse_loss(y, ref)"),
    "rival: nobody shows the answer": (
        "return G(E(torch.where(mask > 0, ref, x)))", "return G(E(x))"),
    "rival: spread has places": ('places=not vector and arm != "spread"',
                                 "places=not vector"),
    "rival: mixed is not turned": ("turn = rotation(strength)",
                                   "turn = rotation(0.0)"),
    "rival: damaged is whole": ("code[:, ::4] = 0", "code[:, ::4] *= 1"),
    "rival: wallpaper of the map's cells": ("+ torch.arange(16)) // 5",
                                            "+ torch.arange(16)) // 4"),
    "pairing: every seed starts alike": (
        "torch.manual_seed(seed)\n    nets, rate",
        "torch.manual_seed(0)\n    nets, rate"),
    "pairing: the same batches for every seed": (
        '"batches": g().manual_seed(seed)', '"batches": g().manual_seed(0)'),
    "counting: a penalty at every step": ("if t % 16 == 0:", "if True:"),
    "counting: more than half is exchanged": ("mask[:n // 2, :, :, 8:]",
                                              "mask[:n // 2, :, :, 7:]"),
    "counting: pictures train the encoder alone": (
        'return descend(state, "EG",', 'return descend(state, "E",'),
    "search: the rate never falls": (LR, 'state["rate"]'),
    "search: the vector has the map's rate": ('{"vector": 2e-3,',
                                              '{"vector": 4e-3,'),
}
NOT = {"labels": "nothing here reads a label; the answers are pictures",
       "mode": "no network has a layer that learns and measures in two ways"}
UNKNOWN = ["scene('sand', 1000, 4)", "run('map', 1000, steps=1, kind='sand')"]

WRONG = {
    "stylemapgan-1": [("exchanged = (35 / 16, 12)", "count whole cells"),
                      ("exchanged = (1, 12)", "One pixel"),
                      ("exchanged = (9, 12)", "Rows 5 to 9"),
                      ("exchanged = (6, 8)", "2 by 2 pixels")],
    "stylemapgan-2": [("last_channel = (1.162, 0)", "not by n - 1"),
                      ("last_channel = (1.5, 0)", "standard deviation, too"),
                      ("last_channel = (1.2, 0)", "square root"),
                      ("last_channel = (0.5, 0)", "all four channels"),
                      ("last_channel = (1.3416, 1.3416)", "its own mean")],
    "stylemapgan-3": [
        ("elsewhere = mix", "right half have changed"),
        ("elsewhere = lambda s, r, m: s", "a full one the reference"),
        ("elsewhere = lambda s, r, m: torch.where("
         "m.mean((1, 2, 3), keepdim=True) == 1, r, s)", "Nothing was"),
        ("elsewhere = lambda s, r, m: mix(r, s, 1 - m.flip(3)).where("
         "m.mean() > 0.9, (mix(s, r, m.flip(3)) + s) / 2 if "
         "m.mean() else s)", "not the source")],
    "stylemapgan-4": [
        ("mended = suspect", "Thin masks"),
        ("mended = lambda s, r, m: torch.where("
         "F.adaptive_avg_pool2d(m, s.shape[-2:]) > 0.5, r, s)", "Thin"),
        ("mended = lambda s, r, m: mix(r, s, m)", "Half a picture")],
}
OPEN = {"stylemapgan-3": "every exchange by other cells than the mask's is "
                         "an answer"}
