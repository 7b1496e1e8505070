"""C3-GAN: oracles, mistakes, null and wrong answers."""

import contextlib
import itertools
import math

import numpy as np
import torch
from scipy import stats
from sklearn import metrics
from sklearn.cluster import KMeans
from torch import nn
from torch.nn import functional as F


def drawn(*shape, seed=0, double=True):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=g,
                       dtype=torch.float64 if double else torch.float32)


def pairs_one_by_one(page):
    """Brute force: a double loop over all embeddings, in numpy."""
    for n, e, tau in ((3, 4, 0.2), (5, 2, 0.1), (1, 3, 1.0)):
        a, b = drawn(2, n, e, seed=n)
        v = [t / np.linalg.norm(t) for t in torch.cat([a, b]).numpy()]
        terms = []
        for i in range(2 * n):
            twin = (i + n) % (2 * n)
            others = sum(math.exp(v[i] @ v[j] / tau)
                         for j in range(2 * n) if j != i)
            terms.append(-math.log(math.exp(v[i] @ v[twin] / tau) / others))
        got = page["nt_xent"](a, b, tau).item()
        assert math.isclose(got, np.mean(terms), rel_tol=1e-9, abs_tol=1e-9)
        centre = drawn(4, e, seed=9)
        got = page["logits"](a, centre, tau)
        for i, j in itertools.product(range(n), range(4)):
            c = centre[j].numpy()
            want = v[i] @ c / np.linalg.norm(c) / tau
            assert math.isclose(got[i, j], want, rel_tol=1e-9)
    assert math.isclose(page["nt_xent"](a, b).item(),
                        page["nt_xent"](a, b, 0.1).item())


def entropies_by_scipy(page):
    """Made by others, and the ends: sure rows 0, even ones log K."""
    p = drawn(7, 5, seed=1).softmax(1)
    one, mean = page["entropies"](p)
    assert math.isclose(one, stats.entropy(p.numpy(), axis=1).mean())
    assert math.isclose(mean, stats.entropy(p.numpy().mean(0)))
    sure, even = torch.eye(6), torch.full((4, 6), 1 / 6)
    for rows, want in ((sure, (0, math.log(6))), (even, [math.log(6)] * 2)):
        np.testing.assert_allclose(page["entropies"](rows), want, atol=1e-6)


def agreement_by_others(page):
    """All pairings of clusters and classes, and scikit-learn's NMI."""
    g = torch.Generator().manual_seed(2)
    for k, n in ((3, 40), (4, 25), (5, 60)):
        truth = torch.randint(k, (n,), generator=g)
        found = torch.where(torch.rand(n, generator=g) < 0.4,
                            (truth + 1) % k,
                            torch.randint(max(2, k - 1), (n,), generator=g))
        best = max(np.mean([names[c] == t for c, t in zip(
            found.tolist(), truth.tolist())])
            for names in itertools.permutations(range(k)))
        assert math.isclose(page["accuracy"](found, truth, k), best)
        want = metrics.normalized_mutual_info_score(
            truth, found, average_method="max")
        assert abs(page["nmi"](found, truth, k) - want) < 1e-5
        for i, j in itertools.product(range(k), range(k)):
            assert page["table"](found, truth, k)[i, j] == int(
                ((truth == i) & (found == j)).sum())


def warps_by_hand(page):
    """Every point of a grid again, with a matrix in numpy; and a shift by
    whole pixels moves figure and mask and leaves the wall."""
    how = dict(low=0.5, high=2.0, degrees=40.0, shift=0.3)
    line = np.linspace(-1, 1, 16)
    for more in ({}, how):
        u = torch.rand(4, 3, generator=torch.Generator().manual_seed(3)
                       ).numpy()
        got = page["warps"](3, torch.Generator().manual_seed(3), **more)
        low, high, degrees, shift = {
            "low": 0.8, "high": 1.5, "degrees": 15, "shift": 0.15,
            **more}.values()
        assert got.shape == (3, 16, 16, 2)
        for n in range(3):
            s = low + (high - low) * u[0, n]
            a = np.pi * degrees / 180 * (2 * u[1, n] - 1)
            turn = s * np.array([[np.cos(a), -np.sin(a)],
                                 [np.sin(a), np.cos(a)]])
            to = shift * (2 * u[2:, n] - 1)
            for i, j in itertools.product((0, 5, 15), (0, 8, 15)):
                want = turn @ [line[j], line[i]] + to
                np.testing.assert_allclose(got[n, i, j], want, atol=1e-5)
    wall, figure = drawn(2, 2, 3, 16, 16, seed=4, double=False)
    mask = torch.rand(2, 1, 16, 16,
                      generator=torch.Generator().manual_seed(5))
    m, x = page["lay"](wall, mask, figure)
    assert torch.equal(m, mask)
    torch.testing.assert_close(x, wall + mask * (figure - wall))
    theta = torch.tensor([[1, 0, 6 / 15], [0, 1, 0.0]]).expand(2, 2, 3)
    grid = F.affine_grid(theta, (2, 1, 16, 16), align_corners=True)
    m, x = page["lay"](wall, mask, figure, grid)         # from 3 to the right
    assert torch.equal(x[..., 13:][m[:, :, :, 13:].expand(-1, 3, -1, -1)
                                   == 0], wall[..., 13:].flatten()[
        (m[:, :, :, 13:].expand(-1, 3, -1, -1) == 0).flatten()])
    near, part = mask[..., 3:], wall[..., :13]
    torch.testing.assert_close(m[..., :13], near, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(
        x[..., :13], part + near * (figure[..., 3:] - part), rtol=1e-3,
        atol=1e-3)
    assert m[..., 14:].abs().max() == 0


def leaky(h):
    return torch.where(h > 0, h, h / 5)


def normed(h, layer):
    """Batch normalisation while it learns, by hand."""
    axes = [d for d in range(h.dim()) if d != 1]
    h = h - h.mean(axes, keepdim=True)
    h = h / (h.square().mean(axes, keepdim=True) + 1e-5).sqrt()
    shape = [1, -1] + [1] * (h.dim() - 2)
    return h * layer.weight.view(shape) + layer.bias.view(shape)


def networks_by_hand(page):
    """Each network from torch.nn.functional and its weights alone, every
    setting away from its default."""
    torch.manual_seed(0)
    wall = page["background"](z=3, width=5).double()
    z = drawn(6, 3)
    h = normed(z @ wall[0].weight.T + wall[0].bias, wall[1]).relu()
    h = (h @ wall[3].weight.T + wall[3].bias).reshape(6, 3, 4, 4)
    h = F.interpolate(h, size=16, mode="bilinear", align_corners=False)
    torch.testing.assert_close(wall(z), h.tanh())

    net = page["Foreground"](4, z=3, noise=2, a=6, b=5, q=7).double()
    noise, c = drawn(6, 2, seed=1), torch.eye(4).double()[[0, 3, 1, 1, 2, 0]]
    look = c @ net.look.weight.T + net.look.bias
    code = look[:, :2] + look[:, 2:].exp() * noise
    first, _, bn0, _, up1, bn1, _, up2, bn2, _ = net.grow
    h = torch.cat([z, code], 1) @ first.weight.T + first.bias
    h = leaky(normed(h.reshape(6, 6, 4, 4), bn0))
    for up, bn in ((up1, bn1), (up2, bn2)):
        h = leaky(normed(F.conv_transpose2d(h, up.weight, up.bias, 2, 1),
                         bn))
    assert h.shape == (6, 5, 16, 16)
    mask, paint = net(z, noise, c)
    m = net.mask[0]
    torch.testing.assert_close(mask, 1 / (1 + (-F.conv2d(
        h, m.weight, m.bias, 1, 1)).exp()))
    h = torch.cat([h, c.reshape(6, 4, 1, 1).repeat(1, 1, 16, 16)], 1)
    a, b = net.paint[0], net.paint[2]
    h = leaky(F.conv2d(h, a.weight, a.bias, 1, 1))
    torch.testing.assert_close(paint, F.conv2d(h, b.weight, b.bias, 1, 1
                                               ).tanh())

    D, x = page["Critic"](4, w=3, e=5).double(), drawn(6, 3, 16, 16, seed=2)
    one, _, two, bn, _ = D.trunk
    h = leaky(F.conv2d(x, one.weight, one.bias, 2, 1))
    h = leaky(normed(F.conv2d(h, two.weight, two.bias, 2, 1), bn))
    real = D.real[0]
    score = F.conv2d(h, real.weight, real.bias).reshape(6, 1)
    one, bn, _, two, _ = D.embed
    h = leaky(normed(F.conv2d(h, one.weight, one.bias, 2, 1), bn))
    h = F.conv2d(h, two.weight, two.bias).reshape(6, 5)
    for got, want in zip(D(x), (h, score)):
        torch.testing.assert_close(got, want)
    assert D.centroids.shape == (4, 5)


class Toy(nn.Module):
    """h = A x and a score <a, x>: numbers that numpy can follow."""

    def __init__(self, k=3):
        super().__init__()
        self.A, self.a = drawn(4, 12, seed=6), drawn(12, 1, seed=7)
        self.centroids = drawn(k, 4, seed=8)

    def forward(self, x):
        return x.flatten(1) @ self.A.T, x.flatten(1) @ self.a


def losses_by_pencil(page):
    """In numpy, every term, settings away from their defaults."""
    D, n = Toy(), 5
    x, twin, fake = drawn(3, n, 3, 2, 2, seed=9)
    mask = torch.rand(n, 1, 2, 2, generator=torch.Generator().manual_seed(1),
                      dtype=torch.float64)
    mask[0], mask[1] = 0.02, 0.97
    c = torch.tensor([0, 2, 1, 1, 0])
    C = D.centroids.numpy()
    C = C / np.linalg.norm(C, axis=1, keepdims=True)

    def shares(p):
        h = p.reshape(n, 12) @ D.A.numpy().T
        h = np.exp(h / np.linalg.norm(h, axis=1, keepdims=True) @ C.T / 0.1)
        return h / h.sum(1, keepdims=True)

    def told(p):
        return -np.log(shares(p)[np.arange(n), c]).mean()

    def score(p):
        return p.reshape(n, 12) @ D.a.numpy()
    real, f, m = x.numpy(), fake.numpy(), mask.numpy()
    info = 5 * told(f) + told(m * f)
    p = shares(real)
    pair = page["nt_xent"](D(x)[0], D(twin)[0]).item()
    for weight in (1.0, 0.3):
        want = (np.maximum(0, 1 - score(real)).mean()
                + np.maximum(0, 1 + score(f)).mean() + info + weight * pair
                + 0.1 * stats.entropy(p, axis=1).mean()
                - 0.1 * stats.entropy(p.mean(0)))
        got = page["d_loss"](D, x, twin, fake, mask, c, weight).item()
        assert math.isclose(got, want, rel_tol=1e-9)
    assert math.isclose(page["d_loss"](D, x, twin, fake, mask, c).item(),
                        want + 0.7 * pair, rel_tol=1e-9)
    got, whole = page["meant"](D, fake, mask, c)
    assert math.isclose(got.item(), info, rel_tol=1e-9)
    np.testing.assert_allclose(whole, score(f))
    area = m.mean((1, 2, 3))
    bits = -m * np.log2(m + 1e-6) - (1 - m) * np.log2(1 - m + 1e-6)
    for how in ({}, {"high": 0.5, "weight": 7.0}):
        high, weight = {"high": 0.9, "weight": 1.0, **how}.values()
        extra = bits.mean() + weight * (np.maximum(0, 0.1 - area) + np.maximum(
            0, area - high)).mean()
        assert math.isclose(page["mask_loss"](mask, **how).item(), extra,
                            rel_tol=1e-9)
        loss, part = page["g_loss"](D, fake, mask, c, **how)
        assert math.isclose(part.item(), info, rel_tol=1e-9)
        assert math.isclose(loss.item(), info - score(f).mean() + extra,
                            rel_tol=1e-9)


def faces_by_hand(page):
    """Who is drawn, before which wall; twins; the place of faces."""
    faces, data = page["faces"], page["data"]
    x, who, figure = faces(1007, 12)
    f = data.avatar_factors(12, 1007)
    cast = dict(hair="001122", long="100101", glasses="010101", hat="001000")
    for i in range(12):
        assert who[i] == i % 6
        for name, row in cast.items():
            f[name][i] = int(row[i % 6])
    drawing, masks = data.draw_avatars(f)
    colour = 1.8 * torch.rand(12, 3, 1, 1, generator=torch.Generator(
        ).manual_seed(1007)) - 0.9
    for i in range(12):
        wall = masks[i, 0]
        was = data.avatars._BACK[f["background"][i]] + 0.06 * f[
            "background_shade"][i]
        want = drawing[i] + wall * (colour[i] - 2 * was[:, None, None] + 1)
        assert (x[i] - want).abs().max() < 1e-5
        assert torch.equal(figure[i, 0], 1 - wall)
    real = faces(20_000)[2].numpy()
    g = drawn(1, 16, 16, seed=3, double=False).sigmoid()
    often = real.mean(0)[0]
    want = (g[0].numpy()[often > 0.9].mean()
            - g[0].numpy()[often < 0.1].mean())
    assert abs(page["found"](g) - want) < 1e-6
    got = page["altered"](x, torch.Generator().manual_seed(4))
    rng = torch.Generator().manual_seed(4)
    grid = page["warps"](12, rng, low=0.6, high=1.0, degrees=10.0)
    u = torch.rand(12, 5, 1, 1, generator=rng)
    for i in range(12):
        p = F.grid_sample(x[i:i + 1], grid[i:i + 1], align_corners=True,
                          padding_mode="border")[0]
        p = p.flip(2) if u[i, 0] < 0.5 else p
        p = p * (0.6 + 0.8 * u[i, 1]) + 0.6 * u[i, 2:] - 0.3
        assert (got[i] - p.clamp(-1, 1)).abs().max() < 1e-5


@contextlib.contextmanager
def few(page):
    """Small scenes, for as long as it lasts."""
    real = page["faces"]
    small(page)
    try:
        yield
    finally:
        page["faces"] = real


def small(space):
    """Two hundred faces to learn from, sixty to be examined on."""
    real = space["faces"]
    space["faces"] = lambda seed, n=2000: real(
        seed, {2000: 240, 1200: 60}.get(n, n))


def arms_again(page):
    """Runs trained anew in a few lines, and what is measured of them."""
    with few(page):
        for arm in page["ARMS"]:
            want, got = again(page, arm, 1003, 2), page["run"](
                arm, 1003, steps=2)
            assert got.keys() == want.keys()
            for k, value in want.items():
                assert abs(got[k] - value) < 2e-3, (arm, k, got, want)


def again(page, arm, seed, steps):
    train, (x, who, _) = page["faces"](seed)[0], page["faces"](
        10_000 + seed, 1200)
    mask, K = torch.zeros(1, 16, 16), 6
    if arm in ("pixels", "middle"):
        cut = slice(4, 12) if arm == "middle" else slice(0, 16)
        rows = [t[:, :, cut, cut].reshape(len(t), -1) for t in (train, x)]
    else:
        D, mask = trained(page, arm, seed, steps, train)
        with torch.no_grad():
            rows = [F.normalize(D(t)[0], dim=1) for t in (train, x)]
            centre = F.normalize(D.centroids, dim=1)
    if arm in ("pixels", "middle", "pairs"):
        got = KMeans(K, n_init=10, random_state=0).fit(
            rows[0].numpy()).predict(rows[1].numpy())
    else:
        got = (rows[1] @ centre.T).argmax(1).numpy()
    best = max(np.mean(np.array(names)[got] == who.numpy())
               for names in itertools.permutations(range(K)))
    often = page["faces"](20_000)[2].mean(0)
    return {"accuracy": best, "nmi": metrics.normalized_mutual_info_score(
        who, got, average_method="max"), "area": mask.mean().item(),
        "found": (mask[often > 0.9].mean()
                  - mask[often < 0.1].mean()).item()}


def trained(page, arm, seed, steps, real):
    torch.manual_seed(seed)
    D, G = page["Critic"](6), None
    if arm != "pairs":
        front, back = page["Foreground"](6), page["background"]()
        G = nn.ModuleList([front, back])
    how = dict(lr=2e-3, betas=(0.5, 0.999), fused=True)
    adams = [torch.optim.Adam(n.parameters(), **how) for n in (D, G) if n]
    batches, noise = (torch.Generator().manual_seed(s)
                      for s in (seed, seed + 1_000_000))
    c = torch.arange(24) % 6

    def pictures(c, rng):
        z = torch.randn(len(c), 12, generator=rng)
        grid = page["warps"](len(c), rng)
        m, fg = front(z[:, :8], z[:, 8:], torch.eye(6)[c])
        if arm != "prior" and len(c) == 24:
            m, fg = (F.grid_sample(t, grid, align_corners=True)
                     for t in (m, fg))
        return m, back(z[:, :8]) * (1 - m) + fg * m      # to the last bit
    for _ in range(steps):
        x = real[torch.randint(len(real), (24,), generator=batches)]
        twin = page["altered"](x, noise)
        D.zero_grad()
        if arm == "pairs":
            page["nt_xent"](D(x)[0], D(twin)[0]).backward()
            adams[0].step()
            continue
        with torch.no_grad():
            m, fake = pictures(c, noise)
        page["d_loss"](D, x, twin, fake, m, c,
                       0.0 if arm == "no pairs" else 1.0).backward()
        adams[0].step()
        m, fake = pictures(c, noise)
        G.zero_grad()
        page["g_loss"](D, fake, m, c, *((0.9, 1) if arm == "warp" else
                                        (0.6, 20)))[0].backward()
        adams[1].step()
    mask = torch.zeros(1, 16, 16)
    if G:
        G.eval()
        with torch.no_grad():
            mask = pictures(torch.arange(120) % 6, torch.Generator(
                ).manual_seed(seed))[0].mean(0).half().float()
    for v in D.state_dict().values():
        if v.is_floating_point():
            v.copy_(v.half().float())
    return D.eval(), mask


def arms_differ_as_told(page):
    """What each arm gives its losses: bounds and weight of the mask's
    area, which no short run feels, and weight of the contrastive loss."""
    seen, real = [], {k: page[k] for k in ("d_loss", "g_loss")}

    def noted(name):
        def loss(D, *pictures):
            seen.append(pictures[3:] if name == "g_loss" else pictures[5:])
            return real[name](D, *pictures)
        return loss
    try:
        page.update({k: noted(k) for k in real})
        with few(page):
            for arm in ("c3", "warp", "prior", "no pairs"):
                state = page["start"](arm, 1003, 0.7)
                page["step"](state, 0, 1, arm)
    finally:
        page.update(real)
    ours, theirs = (0.6, 20.0), (0.9, 1.0)
    assert seen == [(0.7,), ours, (0.7,), theirs, (0.7,), ours, (0.0,), ours]


ORACLES = [pairs_one_by_one, entropies_by_scipy, agreement_by_others,
           warps_by_hand, networks_by_hand, losses_by_pencil, faces_by_hand,
           arms_differ_as_told, arms_again]

LAID = "return mask, background * (1 - mask) + foreground * mask"
MISTAKES = {
    "Lengths count": (
        "return F.normalize(h, dim=1) @ F.normalize(centroids, dim=1).T / "
        "tau", "return h @ centroids.T / tau"),
    "Itself among the others": ("alike.fill_diagonal_(-torch.inf)", "pass"),
    "The neighbour for the twin": (".roll(len(a))", ".roll(1)"),
    "Entropies exchanged": ("+ 0.1 * sure - 0.1 * even",
                            "- 0.1 * sure + 0.1 * even"),
    "Warped after laying": (
        f"        mask, foreground = (F.grid_sample(t, grid, "
        f"align_corners=True)\n                            for t in (mask, "
        f"foreground))\n    {LAID}",
        "        return [F.grid_sample(t, grid, align_corners=True) for t in "
        "(\n            mask, lay(background, mask, foreground)[1])]\n    "
        f"{LAID}"),
    "The mask stays": ("for t in (mask, foreground))",
                       "if t is foreground else t\n"
                       "                            for t in (mask, "
                       "foreground))"),
    "The figure behind the wall": (
        LAID, "return mask, background * mask + foreground * (1 - mask)"),
    "Deviation as it is": ("log_sd.exp() * noise", "log_sd * noise"),
    "Degrees taken for radians": ("math.radians(degrees)", "degrees"),
    "A full mask is free": ("F.relu(area - high)", "F.relu(high - area)"),
    "The figure is not asked": ("return 5 * whole + part, score",
                                "return 5 * whole, score"),
    "Real enough at zero": ("F.relu(1 - score).mean()",
                            "F.relu(-score).mean()"),
    "Paid for looking unreal": ("info - score.mean()",
                                "info + score.mean()"),
    "Each cluster votes": (
        "pairs = linear_sum_assignment(-counts.numpy())",
        "pairs = counts.argmax(0), torch.arange(k)"),
    "Mean for maximum": ("/ max(rows, columns)", "/ (rows + columns) * 2"),
}
TRAIN = dict(arm="c3", seed=1000, steps=1)
# strength 0: the contrastive loss of real pictures weighs nothing
NULL = dict(arm="c3", baseline="no pairs", strength=0.0, steps=1)

SMALL = small
TRACES = {"run": dict(arms=["c3", "no pairs", "warp", "prior"], steps=2,
                      updates=4, rates=[("c3", {}, 2e-3)], but={
    "seed": "after learning, noise for 120 masks comes from the number that "
            "chose the batches; no picture is examined by it"})}
EXPERIMENT = {
    "exam: faces that it learned from": ("faces(10_000 + seed, 1200)",
                                         "faces(seed, 1200)"),
    "mode: batch statistics while measuring": (
        "networks(arm).eval().requires_grad_(False)",
        "networks(arm).requires_grad_(False)"),
    "metric: all pixels that are seldom figure": ("often < 0.1]",
                                                  "often < 0.5]"),
    "metric: the mask at any point": ("(mask[often > 0.9].mean() - mask",
                                      "(mask.mean() - mask"),
    "rival: no pairs has them": ('0.0 if arm == "no pairs" else',
                                 '1.0 if arm == "no pairs" else'),
    "rival: middle is the whole": ("t[..., 4:12, 4:12]", "t[..., :16, :16]"),
    "rival: prior is warped": (
        "    mask, fake = drawn(G, c, rng, arm != \"prior\")\n    loss",
        "    mask, fake = drawn(G, c, rng, True)\n    loss"),
    "rival: warp has the prior": ('(0.9, 1.0) if arm == "warp"',
                                  '(0.6, 20.0) if arm == "warp"'),
    "rival: k-means starts once": ("n_init=10", "n_init=1"),
    "pairing: every seed starts alike": (
        "torch.manual_seed(seed)\n    nets, rng = networks(arm)",
        "torch.manual_seed(0)\n    nets, rng = networks(arm)"),
    "pairing: the same batches for every seed": (
        '"batches": rng().manual_seed(seed)',
        '"batches": rng().manual_seed(0)'),
    "counting: three clusters are meant": (
        "torch.arange(BATCH) % K", "torch.arange(BATCH) % 3"),
    "counting: wall and figure share no noise": (
        'lay(G["bg"](z),', 'lay(G["bg"](z.flip(0)),'),
    "search: another rate": ("2e-3, (0.5", "1e-3, (0.5"),
}
NOT = {"labels": "nothing learns from a label; the characters serve the "
                 "exam alone"}
UNKNOWN = ["run('no such arm', 1000, steps=1)"]

WRONG = {
    "c3gan-1": [("two_accuracies = (13 / 30, 16 / 30)", "diagonal"),
                ("two_accuracies = (15, 16)", "share of the thirty"),
                ("two_accuracies = (12 / 30, 16 / 30)", "six pairings"),
                ("two_accuracies = (0.5, 0.5)", "same class")],
    "c3gan-2": [("two_losses = (3.871, 0.551)", "with itself"),
                ("two_losses = (3.178, 0.551)", "Both views"),
                ("two_losses = (0, 0.551)", "equally likely"),
                ("two_losses = (3.850, 0.3133)", "has a twin, too"),
                ("two_losses = (3.850, 0.9)", "One cosine of 1")],
    "c3gan-3": [
        ("blind_masks = lambda n: torch.ones(n, 1, 16, 16)", "has 0"),
        ("blind_masks = lambda n: torch.ones(n, 16, 16)", "Return"),
        ("blind_masks = lambda n: 2 * torch.ones(n, 1, 16, 16)", "in [0"),
        ("blind_masks = lambda n: torch.rand(n, 1, 16, 16)", "be the same"),
        ("blind_masks = lambda n: F.pad(torch.ones(n, 1, 6, 6), [5] * 4)",
         "where do most")],
    "c3gan-4": [
        ("mended = suspect", "nearest to itself"),
        ("mended = lambda a, b, tau: F.cross_entropy(logits(a, b, tau), "
         "torch.arange(len(a)))", "Both views")],
}
OPEN = {"c3gan-3": "every outline of where faces stand is an answer"}
