"""ReBias: oracles, mistakes, null and wrong answers."""

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import nn

from lab1784 import data
from tests.anew import deal_coloured, quadruples


def points(seed=0, m=9, d=3):
    g = torch.Generator().manual_seed(seed)
    a = torch.randn(m, d, generator=g, dtype=torch.float64)
    return a, a[:, :2] ** 2 + 0.3 * torch.randn(m, 2, generator=g,
                                                dtype=torch.float64)


def u_centred(K):
    """Székely and Rizzo: rows and columns of a hollow matrix centred."""
    m = len(K)
    K = np.array(K, float)
    np.fill_diagonal(K, 0)
    rows = K.sum(0) / (m - 2)
    K = K - rows - rows[:, None] + K.sum() / ((m - 1) * (m - 2))
    np.fill_diagonal(K, 0)
    return K


def kernels(a, b):
    for sigma in (0.7, 2.0):
        yield tuple(np.exp(-cdist(z, z) ** 2 / (2 * sigma ** 2))
                    for z in (a, b))
    yield (a @ a.T).numpy(), (b @ b.T).numpy()


def hsic_by_quadruples(space):
    """Every kernel, also a linear one, against the sum over quadruples."""
    a, b = points(m=7)
    for K, L in kernels(a, b):
        got = space["hsic"](torch.tensor(K), torch.tensor(L)).item()
        np.testing.assert_allclose(got, quadruples(K, L), rtol=1e-9)


def hsic_by_centring(space):
    """Closed form that shares no step: inner product of U-centred kernels;
    distances by scipy."""
    a, b = points(3, m=40)
    for K, L in kernels(a, b):
        want = (u_centred(K) * u_centred(L)).sum() / (40 * 37)
        got = space["hsic"](torch.tensor(K), torch.tensor(L)).item()
        np.testing.assert_allclose(got, want, rtol=1e-9)


def zero_when_shuffled(space):
    """Mean over 600 shuffles of one side: zero, to chance."""
    a, b = points(1, m=12)
    g = torch.Generator().manual_seed(0)
    for K, L in [*kernels(a, b)][1:]:
        K, L = torch.tensor(K), torch.tensor(L)
        null = np.array([space["hsic"](K, L[p][:, p]).item() for p in (
            torch.randperm(12, generator=g) for _ in range(600))])
        assert abs(null.mean()) < 4 * null.std() / 600 ** 0.5


def kernel_by_scipy(space):
    """Distances by scipy, the median by sorting, no gradient through it."""
    a, _ = points(2, m=11)
    square = cdist(a, a, "sqeuclidean")
    want = np.exp(-square / (2 * 1.7 ** 2))
    np.testing.assert_allclose(space["rbf"](a, 1.7), want, rtol=1e-9)
    middle = np.sort(square.ravel())[60]
    np.testing.assert_allclose(space["rbf"](a), np.exp(-square / 2 / middle),
                               rtol=1e-9)
    z = a.clone().requires_grad_()
    space["rbf"](z).sum().backward()
    y = a.clone().requires_grad_()
    torch.exp(-(y[:, None] - y).pow(2).sum(2) / (2 * middle)).sum().backward()
    torch.testing.assert_close(z.grad, y.grad)
    assert torch.isfinite(space["rbf"](torch.ones(4, 2))).all()


def networks(space):
    """g does not see where a pixel is; its representation is the mean of
    what one pixel gives; f sees both; the heads read the representation."""
    torch.manual_seed(0)
    f, g = space["Whole"]().eval(), space["OnePixel"]().eval()
    x = torch.rand(6, 3, 8, 8) * 2 - 1
    mixed = x.flatten(2)[:, :, torch.randperm(64)].view_as(x)
    for net, width, blind in ((f, 48, False), (g, 24, True)):
        logits, z = net(x)
        assert logits.shape == (6, 10) and z.shape == (6, width)
        torch.testing.assert_close(net.head(z), logits)
        assert torch.allclose(net(mixed)[1], z, atol=1e-5) == blind
        assert z.min() >= 0
    alone = torch.stack([g(x[:, :, i:i + 1, j:j + 1])[1]
                         for i in range(8) for j in range(8)])
    torch.testing.assert_close(alone.mean(0), g(x)[1])


def independence(z, w, sigma):
    """HSIC anew, with gradients: the centred form of two RBF kernels."""
    def kernel(v):
        square = (v[:, None] - v).pow(2).sum(2)
        width = sigma ** 2 if sigma else square.detach().flatten().sort()[0][
            (len(v) ** 2 - 1) // 2]
        return torch.exp(-square / (2 * width))

    def centred(K):
        m, off = len(K), 1 - torch.eye(len(K), dtype=K.dtype)
        K = K * off
        rows = K.sum(0) / (m - 2)
        return (K - rows - rows[:, None] + K.sum() / (m - 1) / (m - 2)) * off
    m = len(z)
    return (centred(kernel(z)) * centred(kernel(w))).sum() / (m * (m - 3))


def anew(arm, f, g, adams, x, y, lam, lam_g, sigma):
    """One step of one arm in other words: each network's gradient by
    autograd.grad, g's first."""
    def move(adam, net, loss):
        for p, grad in zip(net.parameters(), torch.autograd.grad(
                loss, list(net.parameters()), retain_graph=True)):
            p.grad = grad
        adam.step()
    logits, z = f(x)
    if arm in ("no_game", "rebias"):
        guess, w = g(x)
        loss = nn.CrossEntropyLoss()(guess, y)
        if arm == "rebias":
            loss = loss - lam_g * independence(w, z.detach(), sigma)
        move(adams[1], g, loss)
    loss = nn.CrossEntropyLoss()(logits, y)
    if arm != "vanilla":
        loss = loss + lam * independence(z, g(x)[1].detach(), sigma)
    move(adams[0], f, loss)


def twins(space):
    """Networks in float64 and plain gradient steps: Adam would blow up the
    rounding of biases that BatchNorm takes out again."""
    torch.manual_seed(4)
    f, g = space["Whole"]().double(), space["OnePixel"]().double()
    return f, g, [torch.optim.SGD(n.parameters(), lr=0.03) for n in (f, g)]


def whole_step(space):
    """Two steps of the technique, every setting away from its default:
    both networks are where the other words lead."""
    g0 = torch.Generator().manual_seed(9)
    x = torch.rand(24, 3, 8, 8, generator=g0, dtype=torch.float64) * 2 - 1
    y = torch.arange(24) % 10
    for sigma, lam, lam_g in ((1.5, 3.0, 7.0), (None, 5.0, 2.0)):
        f, g, adams = twins(space)
        p, q, others = twins(space)
        for _ in range(2):
            space["rebias_step"](f, g, *adams, x, y, lam, lam_g, sigma)
            anew("rebias", p, q, others, x, y, lam, lam_g, sigma)
        for net, other in ((f, p), (g, q)):
            for a, b in zip(net.parameters(), other.parameters()):
                torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-9)
    f, g, adams = twins(space)
    before = [p.clone() for p in g.parameters()]
    space["rebias_step"](f, g, *adams, x, y, 5.0, None)
    assert all(torch.equal(p, b) for p, b in zip(g.parameters(), before))


def test_pictures(seed, rho):
    """(train x, y, test x on all colours, test y), painted by hand."""
    c = data.coloured_digits(seed, rho)
    images = torch.zeros(len(c.test_labels), 10, 3, 8, 8)
    for j in range(10):
        colour = data.COLOURS_OF_DIGITS[j].float() / 255
        for i, picture in enumerate(c.test_images):
            ink = (picture == 1).all(0)
            images[i, j] = torch.where(ink, 1.0, colour[:, None, None])
    return c.train_images, c.train_labels, images, c.test_labels


test_pictures.__test__ = False


def arms_again(space):
    """Every arm in a few lines: batches of a hundred out of one order, the rate a
    tenth after two thirds, and the three numbers counted one by one."""
    seed, rho, lam, rate, steps = 1003, 0.9, 60.0, 0.004, 6
    x, y, images, want = test_pictures(seed, rho)
    for arm in space["ARMS"]:
        torch.manual_seed(seed)
        f = space["Whole"]()
        g = space["Whole"]() if arm == "whole" else space["OnePixel"]()
        adams = [torch.optim.Adam(n.parameters(), lr=rate,
                                  weight_decay=1e-4) for n in (f, g)]
        draw = torch.Generator().manual_seed(seed)
        rows = torch.randperm(len(y), generator=draw).split(100)
        for step in range(steps):
            for adam in adams:
                adam.param_groups[0]["lr"] = rate * (
                    0.1 if 3 * step >= 2 * steps else 1)
            b = rows[step]
            anew(arm, f, g, adams, 2 * x[b] - 1, y[b], lam, lam, 2.0)
        theirs = space["trained"](arm, seed, 1.0, rho, lam, 2.0, steps, rate)
        for net, other in zip((f, g), theirs):
            far = (net.eval()(2 * x - 1)[0] - other(2 * x - 1)[0]).abs()
            assert not other.training and far.mean() < 2e-3, (arm, far.mean())
        with torch.no_grad():
            told = [f(2 * images[:, j] - 1)[0].argmax(1).tolist()
                    for j in range(10)]
        triples = [(told[j][i], j, int(k))
                   for j in range(10) for i, k in enumerate(want)]
        counted = {
            "unbiased": np.mean([t == k for t, _, k in triples]),
            "follows": np.mean([t == j for t, j, k in triples if j != k]),
            "own": np.mean([t == k for t, j, k in triples if j == k])}
        got = space["run"](arm, seed, rho=rho, lam=lam, sigma=2.0,
                           steps=steps, lr=rate)
        for name, value in counted.items():
            assert abs(got[name] - value) < 0.004, (arm, name, got, counted)


def searched_rate_and_median(space):
    """The default setting of one step is what the page says it is."""
    f, g = space["trained"]("rebias", 1001, 1.0, 0.95, 20.0, None, 2, 0.01)
    x, y, _, _ = test_pictures(1001, 0.95)
    torch.manual_seed(1001)
    p, q = space["Whole"](), space["OnePixel"]()
    others = [torch.optim.Adam(n.parameters(), lr=0.01, weight_decay=1e-4)
              for n in (p, q)]
    order = torch.randperm(len(y), generator=torch.Generator(
        ).manual_seed(1001))
    for step in range(2):
        b = order[100 * step:][:100]
        anew("rebias", p, q, others, 2 * x[b] - 1, y[b], 20.0, 20.0, None)
    for net, other in ((f, p), (g, q)):
        far = (net(2 * x - 1)[0] - other.eval()(2 * x - 1)[0]).abs().max()
        assert not net.training and far < 0.02, far


ORACLES = [hsic_by_quadruples, hsic_by_centring, zero_when_shuffled,
           kernel_by_scipy, networks, whole_step, arms_again,
           searched_rate_and_median]

MISTAKES = {
    "The row in place of the diagonal": (
        "K, L = K * off, L * off",
        "K, L = K - torch.diag(K), L - torch.diag(L) + 0 * off"),
    "The diagonal kept": ("K, L = K * off, L * off",
                          "K, L = K + 0 * off, L + 0 * off"),
    "One degree too few": ("(K.sum(0) @ L.sum(0)) / (m - 2)",
                           "(K.sum(0) @ L.sum(0)) / (m - 1)"),
    "The sign of the game": ("loss = loss - lam_g * alike",
                             "loss = loss + lam_g * alike"),
    "The sign of f": ("F.cross_entropy(logits, y) + lam * alike",
                      "F.cross_entropy(logits, y) - lam * alike"),
    "g does not play": ("if lam_g != 0:", "if lam_g is None:"),
    "g before its move": (
        "    with torch.no_grad():\n        z_g = g(x)[1]\n",
        "    with torch.no_grad():\n        z_g = g(x)[1] if lam_g is None "
        "else z_g.detach()\n"),
    "A gradient through the width": ("apart.detach().median()",
                                     "apart.median()"),
    "Width for variance": ("variance = sigma ** 2", "variance = sigma"),
    "g sees three pixels": (
        "nn.Conv2d(3, 8, 1)", "nn.Conv2d(3, 8, 3, padding=1)"),
    "The brightest pixel for the mean": ("mean(dim=(2, 3))",
                                         "amax(dim=(2, 3))"),
    "The answers for the representation": (
        "        z = self.body(x)\n        return self.head(z), z",
        "        z = self.head(self.body(x))\n        return z, z"),
}
SMALL_STEPS = dict(steps=3)
TRAIN = dict(arm="rebias", seed=1000, **SMALL_STEPS)
NULL = dict(arm="rebias", baseline="vanilla", strength=0.0, steps=30)
TRACES = {"run": dict(
    arms=["rebias", "untrained", "vanilla"], **SMALL_STEPS,
    rates=[("rebias", {"lr": 0.003}, 0.003),
           ("vanilla", {"lr": 0.003}, 0.003)],
    but={"start": "where g learns its optimizer moves first, and where it "
                  "does not, f's is the only one"})}

CHANCE = dict(scramble=deal_coloured, metric="unbiased", chance=0.1, room=0.03,
              arm="vanilla", seed=1000, steps=40)
EXPERIMENT = {
    "exam: the digits it was trained on": (
        "images, y = data.on_all_colours(c.test_images), "
        "c.test_labels[:, None]",
        "images, y = data.on_all_colours(c.train_images), "
        "c.train_labels[:, None]"),
    "labels: the colour is the label": (
        "2 * c.train_images - 1, c.train_labels",
        "2 * c.train_images - 1, c.train_colours"),
    "mode: the answers of a training network": (
        "return f.eval(), g.eval()", "return f.train(), g.train()"),
    "metric: pictures on their own colour count": (
        "[~own].float()", "[own].float()"),
    "metric: right on all colours for their own": (
        '"own": (told == y)[own]', '"own": (told == y)[own | ~own]'),
    "rival: a third of the pictures": (
        "F.cross_entropy(f(x[rows])[0], y[rows])",
        "F.cross_entropy(f(x[rows[:33]])[0], y[rows[:33]])"),
    "rival: whole is one pixel wide": ('if arm == "whole" else OnePixel()',
                                       'if arm == "all" else OnePixel()'),
    "rival: untrained is trained": (
        '"untrained": None, "no_game": 0.0', '"no_game": 0.0'),
    "rival: no_game plays": ('"untrained": None, "no_game": 0.0',
                             '"untrained": None'),
    "pairing: every seed starts alike": ("torch.manual_seed(seed)\n",
                                         "torch.manual_seed(1)\n"),
    "pairing: every seed draws alike": (
        "torch.Generator().manual_seed(seed), torch.empty(0)",
        "torch.Generator().manual_seed(1), torch.empty(0)"),
    "counting: a step too few": ("for step in range(steps):",
                                 "for step in range(steps - 1):"),
    "counting: half of every batch": ("order[:100], order[100:]",
                                      "order[:50], order[100:]"),
    "search: the rate is not handed on": (
        "lr / 10 if late else lr", "0.001 if late else 0.01"),
    "search: lam is not handed on": ("    lam *= strength\n",
                                     "    lam = 20.0 * strength\n"),
}
NOT = {}
UNKNOWN = ["trained('rebias', 1000, 1.0, 1.5, 20.0, None, 1, 0.01)"]

WRONG = {
    "rebias-1": [("on_all, on_training = 0.7, 0.985", "own colour"),
                 ("on_all, on_training = 0.3, 0.985", "Right by reading"),
                 ("on_all, on_training = 0.73, 0.95", "95 of 100")],
    "rebias-2": [("factor_median, factor_linear = 3, 9", "became larger"),
                 ("factor_median, factor_linear = 1, 3", "two factors"),
                 ("factor_median, factor_linear = 1, 81", "one entry")],
    "rebias-3": [("against = (0.95, 20)", "ahead, or level"),
                 ("against = (0.99, 20)", "between 0.5"),
                 ("against = (0.95, 5000)", "between 0.5")],
    "rebias-4": [("mended_hsic = dependence", "entry by entry"),
                 ("mended_hsic = lambda K, L: ((K - K.mean(0)) @ "
                  "(L - L.mean(0))).trace() / (len(K) - 1) ** 2",
                  "mean over quadruples"),
                 ("mended_hsic = lambda K, L: dependence(K - K.mean(), "
                  "L - L.mean())", "mean over quadruples")],
}
OPEN = {"rebias-3": "every weight that is large enough is an answer"}
