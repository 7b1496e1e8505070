"""CALM: oracles, mistakes, null and wrong answers."""

import math
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from scipy.signal import correlate
from scipy.special import logsumexp, softmax
from torch import nn


def logits(n=4, kinds=3, height=4, width=5, seed=0):
    """Logits, attention and classes in 64 bits, on maps not square."""
    g = torch.Generator().manual_seed(seed)
    h = 2 * torch.randn(n, kinds, height, width, generator=g).double()
    a = torch.randn(n, 1, height, width, generator=g).double().exp()
    return h, a, torch.randint(kinds, (n,), generator=g)


def drawn_by_lot(space):
    """No formula: a place is drawn, then a class at it, 200,000 times, by
    the largest of logs with Gumbel noise; the map is what is counted."""
    rng = np.random.default_rng(0)
    h, a, _ = logits(1, 3, 2, 3)
    flat, log_a = h[0].flatten(1).numpy(), a.flatten().log().numpy()
    z = (log_a + rng.gumbel(size=(200_000, 6))).argmax(1)
    y = (flat[:, z].T + rng.gumbel(size=(200_000, 3))).argmax(1)
    seen = np.zeros((3, 6))
    np.add.at(seen, (y, z), 1 / len(y))
    for k in range(3):
        at = torch.tensor([k])
        for name, want in (("class_map", seen[k]),
                           ("posterior", seen[k] / seen[k].sum())):
            got = space[name](h, a, at).flatten().numpy()
            np.testing.assert_allclose(got, want, atol=0.012)
    np.testing.assert_allclose(space["predict"](h, a)[0].numpy(),
                               seen.sum(1), atol=0.005)


def sums(space):
    """One over classes and places, the class's probability over places;
    what one picture's map is does not hang on the others."""
    h, a, y = logits()
    ones = torch.ones(len(y)).double()
    for exact in (True, False):
        torch.testing.assert_close(
            space["joint"](h, a, exact).sum((1, 2, 3)), ones)
    p = space["predict"](h, a)
    torch.testing.assert_close(p.sum(1), ones)
    for k in range(3):
        at = torch.full_like(y, k)
        m = space["class_map"](h, a, at)
        torch.testing.assert_close(m.sum((1, 2)), p[:, k])
        torch.testing.assert_close(space["posterior"](h, a, at),
                                   m / p[:, k, None, None])
        alone = space["class_map"](h[1:2], a[1:2], at[1:2])
        torch.testing.assert_close(alone[0], m[1])


def em_is_ml(space):
    """One gradient, detached or not, and the one of the closed form; the
    values from scipy."""
    h, a, y = logits()
    rows, n = torch.arange(len(y)), len(y)
    log_p = (h.log_softmax(1) + a.log() - a.sum((2, 3), True).log()).numpy()
    mine = log_p[np.arange(n), y]                       # (n, H, W)
    q = torch.tensor(softmax(mine.reshape(n, -1), 1).reshape(mine.shape))
    share = torch.tensor(softmax(a.log().flatten(1).numpy(), 1)).view_as(a)
    for exact in (True, False):
        u, v = h.clone().requires_grad_(), a.log().requires_grad_()
        values, grads = [], []
        for name in ("ml_loss", "em_loss"):
            value = space[name](u, v.exp(), y, exact)
            values.append(value.item())
            grads.append(torch.autograd.grad(
                value, (u, v), materialize_grads=True))
        np.testing.assert_allclose(values, [
            -logsumexp(mine, (1, 2)).mean(),
            -(q.numpy() * mine).sum((1, 2)).mean()], rtol=1e-6)
        want_a = (exact * share - q[:, None]) / n
        what = F.one_hot(y, 3)[:, :, None, None] - h.softmax(1)
        for got_h, got_a in grads:
            torch.testing.assert_close(got_a, want_a, atol=1e-9, rtol=1e-6)
            torch.testing.assert_close(got_h, -q[:, None] * what / n,
                                       atol=1e-9, rtol=1e-6)
    h[0, 0, 0, 0], a[0, 0, 0, 0] = 3.0, 1e-30      # no place with log 0
    assert math.isfinite(space["em_loss"](h, a, rows * 0).item())


def cam_by_numpy(space):
    """Loss and drawings, picture by picture."""
    h, _, y = logits(seed=1)
    mean = h.numpy().mean((2, 3))
    want = np.mean([logsumexp(row) - row[k] for row, k in zip(mean, y)])
    np.testing.assert_allclose(space["cam_loss"](h, y).item(), want)
    one = h[:, 0]
    for way, how in (("cut", lambda m: np.where(m > 0, m, 0)),
                     ("min-max", lambda m: m - m.min()),
                     ("softmax", softmax)):
        got = space["drawn"](one, way).numpy()
        np.testing.assert_allclose(got, [how(m) for m in one.numpy()])


def network_by_scipy(space):
    """The whole network from its weights: other width, moved statistics,
    pictures not square, both activations; then its map, sum detached."""
    g = torch.Generator().manual_seed(2)
    for relu in (True, False):
        net = space["Net"](relu, width=5)
        with torch.no_grad():
            for p in [*net.parameters(), *net.buffers()]:
                if p.dtype == torch.float32:
                    p.copy_(torch.rand(p.shape, generator=g) + 0.1
                            if p is getattr(p, "data", None) else
                            torch.rand(p.shape, generator=g) - 0.3)
            for layer in net.modules():
                if isinstance(layer, nn.BatchNorm2d):
                    layer.running_var.abs_().add_(0.2)
        net.eval()
        x = torch.randn(3, 1, 6, 8, generator=g)
        with torch.no_grad():
            h, a = net(x)
        w = {k: v.double().numpy() for k, v in net.state_dict().items()}

        def conv(f, name, w=w):
            return np.stack([sum(correlate(c, k, "same") for c, k in zip(
                f, kernel)) + b for kernel, b in zip(
                w[name + ".weight"], w[name + ".bias"])])
        for i in range(3):
            f = x[i].double().numpy()
            for k in (0, 3):
                f = conv(f, f"body.{k}")
                at = {n: w[f"body.{k + 1}.{n}"][:, None, None] for n in (
                    "running_mean", "running_var", "weight", "bias")}
                f = ((f - at["running_mean"]) / np.sqrt(
                    at["running_var"] + 1e-5) * at["weight"] + at["bias"])
                f = np.maximum(f, 0)
            u = conv(f, "attention")
            u = np.maximum(u, 0) if relu else np.logaddexp(0, u)
            z = conv(f, "last")
            np.testing.assert_allclose(h[i], z, rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(a[i], u, rtol=1e-3, atol=1e-3)
            u = u + 1e-8
            want = softmax(z, 0) * u / u.sum()
            for exact in (True, False):
                np.testing.assert_allclose(
                    space["joint"](h, a, exact)[i], want, atol=1e-4)


def pictures_are_as_told(space):
    """Without noise, every pixel is rebuilt from masks and classes."""
    side, ink = space["SIDE"], space["GLYPHS"]
    stripes = torch.full((6, 6), 0.9)
    stripes[::2] = 0.54
    for parts in (1, 2):
        with mock.patch.dict(space, NOISE=0.0):
            x, y, glyph, body = space["pictures"](
                600, parts, torch.Generator().manual_seed(3))
        assert x.shape == (600, 1, side, side)
        assert (y.bincount(minlength=4) > 110).all()
        assert not (glyph & body).any()
        assert (glyph.sum((1, 2)) == 9 * parts).all()
        assert (body.sum((1, 2)) == 36 - parts).all()
        assert not x[:, 0][~(glyph | body)].any()
        places = []
        for i in range(600):
            at = body[i].nonzero()
            r, c = at.min(0).values.tolist()
            torch.testing.assert_close(
                x[i, 0][body[i]], stripes[body[i, r:r + 6, c:c + 6]])
            found = {}
            for k, (down, right) in enumerate(
                    ((-2, -2), (-2, 5), (5, -2), (5, 5))):
                cut = (i, slice(r + down, r + down + 3),
                       slice(c + right, c + right + 3))
                if glyph[cut].all():
                    gap = (x[:, 0][cut] - 1.2 * ink).abs().amax((1, 2))
                    assert gap.min() < 1e-6
                    found[k] = int(gap.argmin())
            assert len(found) == parts
            places.append(min(found))
            kinds = sorted(found.values())
            assert kinds == ([int(y[i])] if parts == 1 else
                             [int(y[i]) % 2, 2 + int(y[i]) // 2])
            if parts == 2:
                assert sum(found) == 3              # opposite corners
        assert len(set(places)) == 5 - parts - (parts == 2)
    x, y, glyph, body = space["pictures"](
        2000, 1, torch.Generator().manual_seed(4))
    empty = x[:, 0][~(glyph | body)]
    assert abs(empty.std() - 0.2) < 0.005 and abs(empty.mean()) < 0.003
    lit = x[:, 0][glyph].view(2000, 9) - 1.2 * ink[y].view(2000, 9)
    assert abs(lit.std() - 0.2) < 0.01
    means = [x[:, 0][body].view(2000, 35)[y == k].mean() for k in range(4)]
    np.testing.assert_allclose(means, means[0], atol=0.01)


def measured_by_loops(space):
    """Every number of `measure`, picture by picture."""
    exam = space["pictures"](40, 1, torch.Generator().manual_seed(5))
    x, y, glyph, body = exam
    torch.manual_seed(5)
    net = space["Net"](False, width=6).eval()
    with torch.no_grad():
        for p in net.parameters():
            p.mul_(3)

    def asked(arm, x):
        with torch.no_grad():
            h, a = (t.double().numpy() for t in net(x))
        if arm in ("cam", "places"):
            a = np.ones_like(a)
        where = a / a.sum((1, 2, 3), keepdims=True)
        if arm == "attention":
            h = h * where * 196
        full = h if arm in ("cam", "attention") else softmax(h, 1) * where
        return full, full.sum((2, 3)).argmax(1)
    for arm in space["ARMS"]:
        full, guess = asked(arm, x)
        less, rows = x.clone(), {k: [] for k in (*space["WAYS"], "body")}
        for i in range(40):
            m = full[i, y[i]]
            for j in np.argsort(-m, axis=None)[:9]:
                less[i, 0, j // 14, j % 14] = 0
            own = arm not in ("cam", "attention")
            maps = {"cut": m.clip(0), "min-max": m if own else m - m.min(),
                    "softmax": m if own else softmax(m)}
            for k, v in maps.items():
                rows[k].append(v[glyph[i]].sum() / max(v.sum(), 1e-9))
            v = maps["cut"]
            rows["body"].append(v[body[i]].sum() / max(v.sum(), 1e-9))
        want = {"accuracy": np.mean(guess == y.numpy()),
                **{k: np.mean(v) for k, v in rows.items()},
                "removed": np.mean(asked(arm, less)[1] == y.numpy())}
        shown = []
        got = space["measure"](arm, lambda x, shown=shown: (
            shown.append(x), net(x))[1], *exam, 1.0)
        same = (shown[-1] == less).flatten(1).all(1).float().mean()
        assert arm == "places" or same > 0.9, arm    # equal places: ties
        assert set(got) == set(want)
        for k in want:
            assert abs(got[k] - want[k]) < 2e-3 + 0.03 * (k == "removed"), (
                arm, k)


class Anew(nn.Module):
    """The same layers in the same order of birth."""

    def __init__(self):
        super().__init__()
        self.c1, self.n1 = nn.Conv2d(1, 12, 3, 1, 1), nn.BatchNorm2d(12)
        self.c2, self.n2 = nn.Conv2d(12, 12, 3, 1, 1), nn.BatchNorm2d(12)
        self.last, self.att = nn.Conv2d(12, 4, 1), nn.Conv2d(12, 1, 1)

    def forward(self, x):
        f = self.n1(self.c1(x)).clamp(min=0)
        f = self.n2(self.c2(f)).clamp(min=0)
        return self.last(f), self.att(f)


def log_likelihood(arm, h, u):
    """log p(y | x) by logarithms of sums: (n, 4)."""
    if arm == "cam":
        return h.mean((2, 3)).log_softmax(1)
    a = (u.clamp(min=0) if arm in ("relu", "as coded")
         else torch.log1p(u.exp())) + 1e-8
    if arm == "places":
        a = torch.ones_like(a)
    total = a.sum((2, 3), keepdim=True)
    if arm == "attention":
        return (h * a / total).sum((2, 3)).log_softmax(1)
    if arm in ("detached", "as coded"):
        total = total.detach()
    return (h.log_softmax(1) + a.log() - total.log()).logsumexp((2, 3))


def arms_again(space):
    """Every arm trained anew, by marginal likelihood: own network, loop
    and losses, for which EM's gradient is the same."""
    seen, steps, real = [], 4, space["measure"]

    def noted(arm, net, *exam):
        seen.append((net, exam))
        return real(arm, net, *exam)
    rates = {"cam": 0.1, "attention": 0.03, "places": 0.01, "calm": 0.03,
             "detached": 0.01, "relu": 0.01, "as coded": 0.03}
    asked = [(arm, 1, None, rates[arm]) for arm in space["ARMS"]]
    asked += [("cam", 2, None, 0.03), ("calm", 2, None, 0.003),
              ("calm", 1, 0.02, 0.02)]
    for arm, parts, lr, rate in asked:
        with mock.patch.dict(space, measure=noted):
            space["run"](arm, 1003, parts=parts, steps=steps, lr=lr)
        g = torch.Generator().manual_seed(1003)
        x, y, _, _ = space["pictures"](600, parts, g)
        exam = space["pictures"](300, parts, g)
        torch.manual_seed(1003)
        net = Anew()
        adam = torch.optim.Adam(net.parameters())
        for step in range(steps):
            adam.param_groups[0]["lr"] = rate * (
                1 + math.cos(math.pi * step / steps)) / 2
            i = torch.randint(600, (32,), generator=g)
            loss = -log_likelihood(arm, *net(x[i]))[range(32), y[i]].mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
        theirs, given = seen.pop()
        for mine, other in zip(exam, given):
            assert torch.equal(mine, other), arm
        net.eval()
        with torch.no_grad():
            h, a = space["heard"](arm, theirs, exam[0], 1.0)
            got = space["scores"](arm, h, a)
            got = (got.log_softmax(1) if arm in ("cam", "attention")
                   else got.log())
            want = log_likelihood(arm, *net(exam[0]))
        torch.testing.assert_close(got, want, atol=0.03, rtol=0.03)


ORACLES = [sums, em_is_ml, cam_by_numpy, network_by_scipy, drawn_by_lot,
           measured_by_loops, pictures_are_as_told, arms_again]

MISTAKES = {
    "Softmax over places": (
        "return h.softmax(dim=1) * prior(a, exact)",
        "return h.flatten(2).softmax(2).view_as(h) * prior(a, exact)"),
    "A mean for the sum": ("return joint(h, a).sum(dim=(2, 3))",
                           "return joint(h, a).mean(dim=(2, 3))"),
    "The posterior learns as well": ("held = posterior(h, a, y).detach()",
                                     "held = posterior(h, a, y)"),
    "No gradient through the sum": ("total if exact else total.detach()",
                                    "total.detach()"),
    "Shares of the batch": ("total = a.sum(dim=(2, 3), keepdim=True)",
                            "total = a.sum()"),
    "The best class for the given one": (
        "return joint(h, a)[torch.arange(len(y)), y]",
        "return joint(h, a)[torch.arange(len(y)), predict(h, a).argmax(1)]"),
    "Min-max on a probability": (
        "return joint(h, a)[torch.arange(len(y)), y]",
        "m = joint(h, a)[torch.arange(len(y)), y]\n"
        "    return m - m.amin(dim=(1, 2), keepdim=True)"),
    "A place forgotten by EM": (" + prior(a, exact).clamp(min=1e-8).log()",
                                ""),
    "Softmax before the average": (
        "return F.cross_entropy(h.mean(dim=(2, 3)), y)",
        "return F.nll_loss(h.softmax(1).mean((2, 3)).log(), y)"),
    "Stretched by columns": ("scores.amin(dim=(1, 2), keepdim=True)",
                             "scores.amin(dim=1, keepdim=True)"),
}


def slope(space, name, **settings):
    """The gradient for the attention of what a function gives."""
    h, a, y = logits()
    a.requires_grad_()
    given = {"prior": (a,), "joint": (h, a)}.get(name, (h, a, y))
    out = space[name](*given, **settings)
    weights = torch.linspace(1, 2, out.numel()).double().view(out.shape)
    return torch.autograd.grad((out * weights).sum(), a)[0]


SETTINGS = {name: (lambda space, name=name, **s: slope(space, name, **s),
                   {"exact": False})
            for name in ("prior", "joint", "em_loss", "ml_loss")}
TRAIN = dict(arm="calm", seed=1000, steps=3)
NULL = dict(arm="calm", baseline="places", strength=0.0, steps=3, lr=0.01)
TRACES = {"run": dict(
    arms=["cam", "calm", "detached"], steps=3, updates=3,
    rates=[("calm", {"lr": 0.02}, 0.02), ("calm", {"parts": 2}, 0.003)])}


def scramble(space):
    """Every picture gets the class of another, old and new alike."""
    real = space["pictures"]

    def pictures(n, parts, g):
        x, y, *masks = real(n, parts, g)
        return x, y[torch.randperm(n, generator=g)], *masks
    space["pictures"] = pictures


CHANCE = dict(scramble=scramble, metric="accuracy", chance=0.25, room=0.09,
              arm="cam", seed=1000, steps=30)
EXPERIMENT = {
    "exam: the pictures of the training": (
        "    x, y, _, _ = pictures(600, parts, g)\n"
        "    exam = pictures(300, parts, g)\n",
        "    exam = pictures(600, parts, g)\n    x, y, _, _ = exam\n"),
    "labels: the class in a pixel": (
        "    return x[:, None], y, glyph", "    x[:, 0, 0] = y.float()\n"
        "    return x[:, None], y, glyph"),
    "labels: the body tells": (
        "BODY.expand(n, 6, 6)", "BODY * (1 + y[:, None, None] / 4)"),
    "mode: BN still learns": ("return net.eval(), exam", "return net, exam"),
    "metric: a ratio of sums": (
        "return ((maps * mask).sum((1, 2)) / total).mean().item()",
        "return ((maps * mask).sum() / total.sum()).item()"),
    "metric: the map of the guess": (
        "raw = class_map(h, a, y) if own",
        "raw = class_map(h, a, scores(arm, h, a).argmax(1)) if own"),
    "metric: the nine lowest pixels": (".topk(9)", ".topk(9, largest=False)"),
    "metric: the glyph for the body": ('share(maps["cut"], body)',
                                       'share(maps["cut"], glyph)'),
    "metric: CALM's map is drawn as well": ("way: raw if own else",
                                            "way:"),
    "rival: CAM's network is trained as CALM": (
        'cam_loss(h, y[i]) if arm in ("cam", "attention") else',
        'cam_loss(h, y[i]) if arm == "attention" else'),
    "rival: detached passes a gradient": (
        'exact = arm not in ("detached", "as coded")', "exact = True"),
    "rival: places have attention": ('if arm in ("cam", "places"):',
                                     'if arm == "cam":'),
    "rival: softplus for ReLU": ('relu=arm in ("relu", "as coded")',
                                 "relu=False"),
    "rival: attention forgotten": (
        'SIDE ** 2 * prior(a) * h if arm == "attention" else h',
        "h"),
    "pairing: every seed starts alike": ("    torch.manual_seed(seed)\n",
                                         "    torch.manual_seed(0)\n"),
    "pairing: every seed has the same pictures": (
        "g = torch.Generator().manual_seed(seed)",
        "g = torch.Generator().manual_seed(0)"),
    "pairing: each arm its own batches": (
        "    for _ in range(steps):",
        "    g.manual_seed(seed + len(arm))\n    for _ in range(steps):"),
    "counting: a step too few": ("in range(steps):", "in range(steps - 1):"),
    "counting: eight pixels for nine": (".topk(9)", ".topk(8)"),
    "search: the rate is ignored": ("lr or RATE[parts][arm]",
                                    "RATE[parts][arm]"),
    "search: one kind's rates for both": ("lr or RATE[parts][arm]",
                                          "lr or RATE[1][arm]"),
}
NOT = {}
UNKNOWN = ["drawn(torch.zeros(1, 2, 2), 'clip')"]
OPEN = {"calm-3": "every power above some four is an answer"}
WRONG = {
    "calm-1": [
        ("map_1, map_2, p_class, q_1 = 0.5, 0.9, 0.58, 0.69", "who looks"),
        ("map_1, map_2, p_class, q_1 = 0.4, 0.3, 0.58, 0.69", "a product"),
        ("map_1, map_2, p_class, q_1 = 0.4, 0.18, 0.29, 0.69", "no mean"),
        ("map_1, map_2, p_class, q_1 = 0.4, 0.18, 0.7, 0.69",
         "sum of its map"),
        ("map_1, map_2, p_class, q_1 = 0.4, 0.18, 0.58, 0.8", "the prior"),
        ("map_1, map_2, p_class, q_1 = 0.4, 0.18, 0.58, 0.5",
         "divided by its sum")],
    "calm-2": [
        ("true_both, shared_both, true_one, shared_one = 1, 0.375, 0.5, 0.5",
         "more than one glyph"),
        ("true_both, shared_both, true_one, shared_one = 0.7, 0.3, 0.5, 0.5",
         "Add what"),
        ("true_both, shared_both, true_one, shared_one = 0.5, 0.75, 0.5, 0.5",
         "this class one half"),
        ("true_both, shared_both, true_one, shared_one = 0.5, 0.2, 0.5, 0.5",
         "Only the first"),
        ("true_both, shared_both, true_one, shared_one = 0.5, 0.375, 1, 0",
         "gives both classes")],
    "calm-3": [("power = 1", "CALM is ahead"),
               ("power = 0.5", "between 1 and 20"),
               ("power = 50", "between 1 and 20")],
    "calm-4": [("mended_map = map_of", "should be others"),
               ("mended_map = posterior", "the posterior"),
               ("mended_map = lambda h, a, y: class_map(h, a, y)[0]",
                "One map a picture")],
}
