"""AdamP: what its page must survive (see test_every_page.py)."""

import contextlib
import inspect
import io
import math

import adamp
import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tests.house import load

# How the gradients of a made-up problem lie with respect to the weights.
# w2, g2: (C, D).  Each leads the test for scale invariance elsewhere.
KINDS = ("rows", "whole", "none", "one row off", "against", "faint")


def without(w, g):
    """g without its part along w, row by row."""
    return g - w * ((w * g).sum(1) / (w * w).sum(1))[:, None]


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def gradient(kind, w, rng):
    """A gradient for the weights w (numpy, any shape) of the given kind."""
    w2 = w.reshape(len(w), -1) if w.ndim > 1 else w.reshape(1, -1)
    g2 = rng.normal(size=w2.shape)
    if kind == "rows":
        g2 = without(w2, g2)
    elif kind == "whole":
        g2 = without(w2.reshape(1, -1), g2.reshape(1, -1))
    elif kind == "none":
        g2 = g2 + w2
    elif kind == "one row off":          # |cos| of one row 0.2, others 0
        g2 = without(w2, g2)
        g2[0] = 0.2 * unit(w2)[0] + 0.98 * unit(g2)[0]
    elif kind == "against":
        g2 = without(w2, g2) - w2
    elif kind in ("faint", "tenth"):     # |cos|: 0.07; 0.2 over the root
        c = 0.07 if kind == "faint" else 0.2 / w2.shape[1] ** 0.5
        g2 = c * unit(w2) + (1 - c * c) ** 0.5 * unit(without(w2, g2))
    return g2.reshape(w.shape)


def same_paths(ours, theirs, kind, shape, scale=1.0, **settings):
    """Two optimisers, the same gradients: the same weights at every step,
    and the same again with the gradients drawn at the new weights."""
    rng = np.random.default_rng(len(kind) + len(shape))
    first = torch.tensor(rng.normal(size=shape))
    a, b = (torch.nn.Parameter(first.clone()) for _ in range(2))
    one, two = ours([a], **settings), theirs([b], **settings)
    for t in range(8):
        g = torch.tensor(scale * gradient(kind, b.detach().numpy(), rng))
        a.grad, b.grad = g.clone(), g.clone()
        one.step()
        two.step()
        np.testing.assert_allclose(
            a.detach().numpy(), b.detach().numpy(), rtol=1e-11, atol=1e-11,
            err_msg=f"{kind} {shape} {settings} step {t + 1}")


SHAPES = ((8, 6), (5, 3, 3, 3), (6, 2, 4), (7,), (1, 9))


def equals_the_adamp_package(page):
    """Made by others: the authors' own AdamP, step by step."""
    for kind in KINDS:
        for shape in SHAPES:
            for settings in ({}, {"weight_decay": 0.3, "nesterov": True},
                             {"weight_decay": 0.2, "betas": (0.8, 0.9)}):
                same_paths(page["AdamP"], adamp.AdamP, kind, shape, lr=0.02,
                           **settings)
        same_paths(page["AdamP"], adamp.AdamP, kind, (4, 5), scale=1e-6,
                   lr=0.02, wd_ratio=0.5, delta=0.3)
    # An eps so large that every cosine passes: it is handed to all three.
    same_paths(page["AdamP"], adamp.AdamP, "none", (4, 5), lr=0.02, eps=40.0,
               weight_decay=0.3)
    same_paths(page["SGDP"], adamp.SGDP, "none", (4, 5), lr=0.02, eps=40.0,
               momentum=0.9, weight_decay=0.3)


def equals_the_sgdp_package(page):
    """Made by others: the authors' SGDP, with its buffer in place."""
    for kind in KINDS:
        for shape in SHAPES:
            for settings in ({}, {"weight_decay": 0.05},
                             {"weight_decay": 0.05, "nesterov": True},
                             {"dampening": 0.3, "wd_ratio": 0.7}):
                same_paths(page["SGDP"], adamp.SGDP, kind, shape, lr=0.02,
                           momentum=0.9, **settings)
        same_paths(page["SGDP"], adamp.SGDP, kind, (4, 5), lr=0.1)


GROUPS = {"AdamP": [dict(lr=0.03, betas=(0.8, 0.9), eps=1e-3, delta=0.3,
                         weight_decay=0.2, wd_ratio=0.6, nesterov=True),
                    dict(lr=0.01, betas=(0.5, 0.99), eps=0.05, delta=0.15,
                         weight_decay=0.4, wd_ratio=0.3)],
          "SGDP": [dict(lr=0.03, momentum=0.7, dampening=0.2, eps=0.3,
                        delta=0.3, weight_decay=0.2, wd_ratio=0.6,
                        nesterov=True),
                   dict(lr=0.01, momentum=0.4, eps=0.1, delta=0.15,
                        weight_decay=0.3, wd_ratio=0.4)]}


def every_setting_of_every_group(page):
    """Made by others: two groups, every setting away from its default and
    handed on; a scheduler halves the rates; a step before the first
    gradient changes nothing; a parameter joins late; the defaults."""
    for name, groups in GROUPS.items():
        ours, theirs = page[name], getattr(adamp, name)
        told = {k: v.default for k, v in
                inspect.signature(theirs).parameters.items() if k != "lr"}
        assert told == {k: v.default for k, v in
                        inspect.signature(ours).parameters.items()
                        if k != "lr"}, f"other defaults of {name}"
        rng = np.random.default_rng(4)
        first = [0.4 * rng.normal(size=s) for s in
                 ((4, 6), (3, 2, 2), (5,), (2, 3))]
        sets = [[torch.nn.Parameter(torch.tensor(w)) for w in first]
                for _ in range(2)]
        made = [kind([{"params": w[:3], **groups[0]},
                      {"params": w[3:], **groups[1]}], lr=1.0)
                for kind, w in zip((ours, theirs), sets)]
        falls = [torch.optim.lr_scheduler.StepLR(o, 2, 0.5) for o in made]
        made[0].step()
        assert all((w.detach().numpy() == old).all()
                   for w, old in zip(sets[0], first)), (
            "a step before the first gradient")
        for t in range(9):
            for k, (a, b) in enumerate(zip(*sets)):
                if t >= k:                  # the others have no gradient
                    g = torch.tensor(gradient(
                        ("faint", "rows", "none", "tenth")[(t + k) % 4],
                        b.detach().numpy(), rng))
                    a.grad, b.grad = g.clone(), g.clone()
            for o, fall in zip(made, falls):
                o.step()
                fall.step()
            for k, (a, b) in enumerate(zip(*sets)):
                np.testing.assert_allclose(
                    a.detach().numpy(), b.detach().numpy(), rtol=1e-10,
                    atol=1e-10, err_msg=f"{name} parameter {k} step {t + 1}")


def equals_torch_where_off(page):
    """Made by others: with delta 0 nothing passes, and torch's optimisers
    remain (AdamW, whose weight decay is outside the gradient as well)."""
    for kind in ("rows", "none"):
        for shape in ((8, 6), (7,)):
            same_paths(lambda p, **k: page["SGDP"](p, delta=0.0, **k),
                       torch.optim.SGD, kind, shape, lr=0.1, momentum=0.9)
            same_paths(lambda p, **k: page["AdamP"](p, delta=0.0, **k),
                       torch.optim.AdamW, kind, shape, lr=0.01,
                       weight_decay=0.1)


def by_brute_force(page):
    """Loops over rows in plain Python: the rule, from the README's words
    and the cosine's definition, with no torch in it."""
    rng = np.random.default_rng(3)
    for kind in KINDS:
        for shape in ((4, 6), (3, 2, 2), (5,)):
            w = rng.normal(size=shape)
            g, u = gradient(kind, w, rng), rng.normal(size=shape)
            expected, factor = u.copy(), 1.0
            if len(shape) > 1:
                n = int(np.prod(shape[1:]))
                for rows in ([(i * n, i * n + n) for i in range(shape[0])],
                             [(0, w.size)]):
                    parts = [(w.ravel()[i:j], g.ravel()[i:j])
                             for i, j in rows]
                    if all(abs(float(a @ b)) * (len(a) ** 0.5) < 0.1
                           * float(a @ a) ** 0.5 * float(b @ b) ** 0.5
                           for a, b in parts):
                        flat = expected.ravel()
                        for i, j in rows:
                            a = w.ravel()[i:j]
                            along = float(a @ flat[i:j]) / float(a @ a)
                            flat[i:j] -= along * a
                        expected, factor = flat.reshape(shape), 0.1
                        break
            got = torch.tensor(u)
            said = page["remove_radial"](torch.tensor(w), torch.tensor(g),
                                         got)
            np.testing.assert_allclose(got.numpy(), expected, atol=1e-6,
                                       err_msg=f"{kind} {shape}")
            assert said == factor, (kind, shape, said)


def with_a_pencil(page):
    """One step of AdamP on w = (3, 4), g = (4, -3): the update is (1, -1),
    its part along w is -0.2 (0.6, 0.8), so w becomes (2.888, 4.084)."""
    w = torch.nn.Parameter(torch.tensor([[3.0, 4.0]], dtype=torch.float64))
    w.grad = torch.tensor([[4.0, -3.0]], dtype=torch.float64)
    page["AdamP"]([w], lr=0.1).step()
    np.testing.assert_allclose(w.detach().numpy(), [[2.888, 4.084]],
                               atol=1e-8)


def growth_law(page):
    """The law holds for momentum; for SGDP Pythagoras does, at each step;
    gradients of the valley are autograd's and at a right angle to w."""
    eigenvalues = page["VALLEY"]
    w = page["starts"](1000, eigenvalues, n=4)
    f = ((w ** 2 @ eigenvalues) / (w ** 2).sum(1)).sum()
    expected, = torch.autograd.grad(f, w)
    with torch.no_grad():
        said = page["quotient"](w, eigenvalues)
    assert abs(said.sum() - f.detach()) < 1e-12
    np.testing.assert_allclose(w.grad, expected, atol=1e-12)
    w, p, p2 = page["starts"](1001, eigenvalues, n=1), 0, []
    for t in range(40):
        with torch.no_grad():
            page["quotient"](w, eigenvalues)
            p = w.grad + 0.9 * p
            p2.append(p.square().sum().item())
            w -= 0.3 * p
    law = 1 + 0.09 * sum(p2) + 0.18 * sum(
        0.9 ** (t - k) * p2[k] for t in range(40) for k in range(t))
    assert abs(law - w.square().sum().item()) < 1e-9
    optimizer = page["SGDP"]([w], 0.3, momentum=0.9)
    for _ in range(30):
        with torch.no_grad():
            page["quotient"](w, eigenvalues)
        old = w.detach().clone()
        assert (old * w.grad).sum(1).abs().max() < 1e-12
        optimizer.step()
        gap = ((w ** 2).sum(1) - (old ** 2).sum(1)
               - ((w - old) ** 2).sum(1)).abs().max()
        assert gap < 1e-7, "SGDP's step is not at a right angle to w"


def by_numpy(seed, eigenvalues, lr, beta, decay, project, limit=600):
    """Mean steps of one setting in the valley, without torch's optimisers:
    decay as in the authors' code, a tenth of it where projected."""
    g = torch.Generator().manual_seed(seed)
    w = torch.randn(32, 10, generator=g, dtype=torch.float64).numpy()
    w, p, count = unit(w), 0.0, np.full(32, limit)
    for t in range(limit):
        square = (w * w).sum(1, keepdims=True)
        f = (w * w) @ eigenvalues[:, None] / square
        count = np.where(f[:, 0] < eigenvalues.min() + 0.001,
                         np.minimum(count, t), count)
        if (count <= t).all():
            break
        p = beta * p + 2 * (eigenvalues - f) * w / square
        if project:
            p = p - w * (w * p).sum(1, keepdims=True) / square
        w = w * (1 - lr * decay * (0.1 if project else 1) / (1 - beta))
        w = w - lr * p
    return count.mean()


def valley_by_numpy(page):
    """Every arm of the valley, its search and its count, by a loop of its
    own on a bowl where it is quick, and with a limit on the valley."""
    bowl, kept = torch.linspace(0.1, 2.0, 10).double(), page["GRID"]
    grid, decays = (0.5, 2.0, 0.1), (0.03, 0.1)
    page["GRID"], page["DECAYS"], old = grid, decays, page["DECAYS"]
    arms = {"gd": (0.0, False), "momentum": (0.9, False),
            "sgdp": (0.9, True)}
    try:
        for seed in (1000, 1001):
            for arm in page["VALLEY_ARMS"]:
                beta, project = arms[arm.partition("+")[0]]
                want = min(by_numpy(seed, bowl.numpy(), lr, beta, d, project)
                           for lr in grid
                           for d in (decays if "+" in arm else (0.0,)))
                got = page["valley"](arm, seed, eigenvalues=bowl)
                assert abs(got["iterations"] - want) < 0.05, (arm, got, want)
        got = page["iterations"](lambda w: torch.optim.SGD(w, 1.0), 1000,
                                 page["VALLEY"], limit=60)
        assert abs(got - by_numpy(1000, page["VALLEY"].numpy(), 1.0, 0.0,
                                  0.0, False, 60)) < 0.05
        assert set(page["VALLEY_ARMS"]) == {*arms, "momentum+wd", "sgdp+wd"}
    finally:
        page["GRID"], page["DECAYS"] = kept, old
    np.testing.assert_allclose(
        page["VALLEY"], [0, *(0.01 * 100 ** (k / 8) for k in range(9))])


def valley_without_projection(page):
    """Null strength of the drawn problem: momentum, to the last count."""
    bowl = torch.linspace(0.1, 2.0, 10).double()
    for decay in ("", "+wd"):
        off, rival, on = (page["valley"](arm + decay, 1000, strength, bowl)
                          for arm, strength in (("sgdp", 0.0),
                                                ("momentum", 1.0),
                                                ("sgdp", 1.0)))
        assert off == rival and off != on


def layers_by_scaling(page):
    """Rescaling says of the three matrices what their neighbours say, and
    the counts of `detect` are those of gradients made by hand."""
    net, _, _ = next(page["training"]("sgdp", 1000, steps=1))
    said = [page["by_scaling"](net, w, page["IMAGES"][:50])
            for w in page["matrices"](net)]
    views = page["channel_view"], page["layer_view"]
    assert said == [*views, None]
    rng, real = np.random.default_rng(6), page["training"]
    kinds = [("rows", "whole", "faint"), ("rows", "whole", "rows"),
             ("none", "faint", "none"), ("rows", "rows", "none")]

    def made(arm, seed, steps):
        assert (arm, seed, steps) == ("sgdp", 7, 3)
        for row in kinds:
            for kind, w in zip(row, page["matrices"](net)):
                w.grad = torch.tensor(gradient(
                    kind, 14 * w.detach().double().numpy(), rng)).float()
            yield net, 0.0, None

    # faint: |cos| 0.07 in every row; 0.1 / 8 is less for 64 weights.
    want = {"scaled": (5 / 8, 1 / 4), "small": (5 / 8, 1 / 4),
            "fixed": (5 / 8, 2 / 4)}
    page["training"] = made
    try:
        got = {rule: page["detect"](rule, 7, steps=3) for rule in want}
    finally:
        page["training"] = real
    for rule, (found, wrong) in want.items():
        assert got[rule] == {"found": found, "wrong": wrong}, (rule, got)


def what_run_measures(page):
    """Weights, losses and answers that are given: norm, step, loss and
    accuracy by NumPy.  Half of the digits held out are read as they are."""
    rng, real = np.random.default_rng(8), page["training"]
    paths = rng.normal(size=(7, 2, 64, 64)) + 3
    losses, held = [5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 0.25], torch.arange(40, 80)
    digits = load_digits()
    answers = np.where(np.arange(40) % 2, digits.target[40:80],
                       digits.target[40:80] + 1) % 10
    net = page["network"]()

    class Reads(torch.nn.Sequential):
        def forward(self, x):
            np.testing.assert_allclose(x, digits.data[40:80] / 16)
            assert not self.training, "scored in training mode"
            return torch.eye(10)[torch.tensor(answers)]

    def made(arm, seed, **settings):
        assert (arm, seed) == ("sgdp", 7) and settings["steps"] == 6
        assert settings["strength"] == 0.5 and settings["lr"] == 0.2
        told = Reads(*net)
        for pair, loss in zip(paths, losses):
            with torch.no_grad():
                for w, v in zip(page["matrices"](told), pair):
                    w.copy_(torch.tensor(v))
            yield told, loss, held

    page["training"] = made
    try:
        got = page["run"]("sgdp", 7, 0.5, 6, lr=0.2)
    finally:
        page["training"] = real
    flat = paths.reshape(7, 2, -1)
    size = np.linalg.norm(flat, axis=2)
    turns = np.linalg.norm(np.diff(flat / size[:, :, None], axis=0), axis=2)
    np.testing.assert_allclose(got["norm"], (size[-1] / size[0]).mean(),
                               rtol=1e-5)
    np.testing.assert_allclose(got["step"], 1000 * turns[3:].mean(),
                               rtol=1e-5)
    np.testing.assert_allclose(got["loss"], np.mean(losses[3:]))
    assert got["accuracy"] == 0.5


def how_it_trains(page):
    """The schedule, the rates and deltas of the arms, the batches: by an
    optimiser that only takes notes."""
    class Notes(torch.optim.SGD):
        def step(self):
            assert all(w.grad is not None for w in
                       self.param_groups[0]["params"]), "no gradients yet"
            rates.append(self.param_groups[0]["lr"])

    cos = [0.4 * (1 + math.cos(math.pi * t / 5)) / 2 for t in range(5)]
    for settings, want in (({}, cos), ({"constant": True}, [0.4] * 5),
                           ({"lr": 0.2}, [r / 2 for r in cos]),
                           ({"constant": True, "lr": 0.1}, [0.1] * 5)):
        rates, deltas = [], []
        page["OPTIMIZERS"]["notes"] = lambda w, delta: (
            deltas.append(delta), Notes(w, 0.4))[1]
        try:
            held = [h for _, _, h in page["training"](
                "notes", 1000, 0.5, 5, **settings)]
        finally:
            del page["OPTIMIZERS"]["notes"]
        np.testing.assert_allclose(rates, want, atol=1e-12)
        assert deltas == [0.05] and len(held) == 6
        assert len(held[0]) == 797
    some = [torch.nn.Parameter(torch.ones(2, 2))]
    made = {arm: make(some, 0.07) for arm, make in page["OPTIMIZERS"].items()}
    assert {arm: type(o) for arm, o in made.items()} == {
        "momentum": torch.optim.SGD, "sgdp": page["SGDP"],
        "adam": torch.optim.Adam, "adamp": page["AdamP"]}
    for arm, theirs in (("momentum", torch.optim.SGD(some, 0.1, 0.9)),
                        ("adam", torch.optim.Adam(some, 0.01)),
                        ("sgdp", adamp.SGDP(some, 0.1, 0.9, delta=0.07)),
                        ("adamp", adamp.AdamP(some, 0.01, delta=0.07))):
        assert made[arm].defaults == theirs.defaults, arm
    net = page["network"]()
    assert [type(x).__name__ for x in net] == [
        "Linear", "BatchNorm1d", "ReLU", "Linear", "LayerNorm", "ReLU",
        "Linear"]


ORACLES = [with_a_pencil, by_brute_force, every_setting_of_every_group,
           equals_the_adamp_package, equals_the_sgdp_package,
           equals_torch_where_off, growth_law, how_it_trains,
           what_run_measures, layers_by_scaling, valley_without_projection,
           valley_by_numpy]

SGDP_STEP = '''\
                p.mul_(beta).add_(g, alpha=1 - o["dampening"])
                q = g + beta * p if o["nesterov"] else p
                r = self.project(w, g, q, o["delta"], o["wd_ratio"], o["eps"])
'''
SGDP_EARLY = '''\
                r = self.project(w, g, g, o["delta"], o["wd_ratio"], o["eps"])
                p.mul_(beta).add_(g, alpha=1 - o["dampening"])
                q = g + beta * p if o["nesterov"] else p
'''

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Square root missing": ("delta / math.sqrt(dim)", "delta"),
    "Mean instead of maximum": ("cosine.abs().max() < delta",
                                "cosine.abs().mean() < delta"),
    "Absolute value missing": ("cosine.abs().max() < delta",
                               "cosine.max() < delta"),
    "Layer view first": ("for view in (channel_view, layer_view):\n        "
                         "dim", "for view in (layer_view, channel_view):\n"
                         "        dim"),
    "Test on the update": ("scale_invariant_view(w, grad, delta, eps)",
                           "scale_invariant_view(w, update, delta, eps)"),
    "Gradient projected before the moments": (SGDP_STEP, SGDP_EARLY),
    "One length for all rows": (
        "w_hat = w / (view(w).norm(dim=1) + eps).reshape(rows)",
        "w_hat = w / (view(w).norm() + eps)"),
    "One-dimensional parameters projected": ("if w.dim() > 1\n",
                                             "if w.dim() > 0\n"),
    "Reduced decay for every parameter": ("return 1.0", "return wd_ratio"),
    "Buffer not projected": ('if o["nesterov"] else p\n',
                             'if o["nesterov"] else p.clone()\n'),
    "Decay not divided by one minus momentum": (" * r / (1 - beta))",
                                                " * r)"),
    "Epsilon inside the root": ("v.sqrt() /", "(v + eps).sqrt() /"),
    "Bias correction of v missing": (
        ' / math.sqrt(1 - beta2 ** state["t"])', ""),
}
TRAIN = {"arm": "sgdp", "seed": 1000, "steps": 3}



def drawn(kind, shape=(4, 3, 2)):
    rng = np.random.default_rng(9)
    w = rng.normal(size=shape)
    return [torch.tensor(x) for x in (w, gradient(kind, w, rng),
                                      rng.normal(size=shape))]


def view_of(space, **settings):
    w, g, _ = drawn("none")
    view = space["scale_invariant_view"](w, g, **settings)
    return np.array([view is space["channel_view"], view is None])


def projected(space, **settings):
    w, g, u = drawn("rows")
    return [np.array(space["remove_radial"](w, g, u, **settings)), u]


def stepped(name, base):
    def call(space, **settings):
        w, *gradients = drawn("rows")
        w = torch.nn.Parameter(w)
        optimizer = space[name]([w], **base | settings)
        for g in gradients:
            w.grad = g.clone()
            optimizer.step()
        return w
    return call


SETTINGS = {
    "scale_invariant_view": (view_of, {"delta": 5.0, "eps": 100.0}),
    "remove_radial": (projected, {"delta": 0.0, "wd_ratio": 0.5,
                                  "eps": 0.5}),
    "SGDP": (stepped("SGDP", dict(lr=0.1, momentum=0.9, weight_decay=0.1)),
             {"momentum": 0.5, "dampening": 0.3, "weight_decay": 0.2,
              "nesterov": True, "eps": 0.5, "delta": 0.0, "wd_ratio": 0.5}),
    "AdamP": (stepped("AdamP", dict(weight_decay=0.1)),
              {"lr": 0.1, "betas": (0.5, 0.9), "weight_decay": 0.2,
               "nesterov": True, "eps": 0.5, "delta": 0.0,
               "wd_ratio": 0.5})}


def scramble(space):
    """Each digit gets the label of another, held out or not."""
    space["LABELS"] = space["LABELS"][torch.randperm(
        1797, generator=torch.Generator().manual_seed(0))]


TRACES = {
    "run": dict(arms=["momentum", "sgdp", "adam", "adamp"], steps=3,
                updates=3, rates=[("sgdp", {}, 0.1), ("adam", {}, 0.01),
                                  ("sgdp", {"lr": 0.03}, 0.03),
                                  ("adamp", {"lr": 0.03}, 0.03)]),
    "detect": dict(arms=["scaled", "small", "fixed"], steps=3, updates=3,
                   but={"exam": "nothing is examined: gradients are read "
                                "while the network learns"})}
CHANCE = dict(scramble=scramble, metric="accuracy", chance=0.1, room=0.05,
              arm="adam", seed=1000, steps=60)
EXPERIMENT = {
    "exam: examined on what it learned from": ("order[1000:]",
                                               "order[:1000]"),
    "exam: the batches come from all digits": (
        "torch.randint(1000, (50,)", "torch.randint(1797, (50,)"),
    "labels: the label is a pixel": (
        "    net = network()\n",
        "    net = network()\n    IMAGES[:, 0] = 5.0 * LABELS\n"),
    "mode: scored in training mode": ("net.eval()(IMAGES[held_out])",
                                      "net(IMAGES[held_out])"),
    "metric: the turn of w, not of its direction": (
        "turns = (hats[1:] - hats[:-1])", "turns = (pairs[1:] - pairs[:-1])"),
    "metric: steps of the first half": ("turns[len(turns) // 2:]",
                                        "turns[:len(turns) // 2]"),
    "metric: length at the end, not its growth": (
        "(norms / norms[0]).mean(1)", "norms.mean(1)"),
    "metric: two matrices summed": (".norm(dim=2).mean(1)",
                                    ".norm(dim=2).sum(1)"),
    "metric: a view of any kind is a right one": (
        "found.append(said is view)", "found.append(said is not None)"),
    "metric: the last layer's silence is wrong": (
        "wrong.append(said is not None)", "wrong.append(said is None)"),
    "rival: momentum without momentum": (
        "torch.optim.SGD(w, 0.1, 0.9)", "torch.optim.SGD(w, 0.1, 0.0)"),
    "rival: Adam at another rate": ("torch.optim.Adam(w, 0.01)",
                                    "torch.optim.Adam(w, 0.001)"),
    "rival: gradient descent with momentum": (
        'beta = 0.0 if rule == "gd" else 0.9',
        'beta = 0.5 if rule == "gd" else 0.9'),
    "rival: the decay of momentum is a tenth": (
        "weight_decay=decay,", "weight_decay=decay * 0.1,"),
    "rival: the fixed threshold has a root": (
        "cosine.abs().max() < RULES[rule]",
        "cosine.abs().max() < RULES[rule] / view(w).size(1) ** 0.5"),
    "pairing: every seed starts as seed 0": ("torch.manual_seed(seed)\n",
                                             "torch.manual_seed(0)\n"),
    "pairing: an arm starts where the last one left off": (
        "    torch.manual_seed(seed)\n", ""),
    "pairing: the batches of every seed": (
        "order = torch.randperm(len(IMAGES), generator=g)",
        "order = torch.randperm(len(IMAGES), generator=g)\n"
        "    g = torch.Generator().manual_seed(3)"),
    "pairing: the valley's starts of every seed": (
        "g = torch.Generator().manual_seed(seed)\n    w = torch.randn",
        "g = torch.Generator().manual_seed(0)\n    w = torch.randn"),
    "counting: a step too many": ("        if t < steps:\n",
                                  "        if True:\n"),
    "counting: a step that is not there yet": (
        "    for t in range(steps + 1):\n        i =",
        "    for t in range(steps + 1):\n        optimizer.step()\n"
        "        i ="),
    "counting: arrived and gone counts as never": (
        "arrived |= quotient(w, eigenvalues) < goal",
        "arrived = quotient(w, eigenvalues) < goal"),
    "counting: survivors only": ("return steps.mean().item()",
                                 "return steps[arrived].mean().item()"),
    "counting: from one": ("steps += ~arrived\n        optimizer.step()",
                           "optimizer.step()\n        steps += 1"),
    "search: the rate is not handed on": (
        'top = lr or optimizer.defaults["lr"]',
        'top = optimizer.defaults["lr"]'),
    "search: the last, not the best": (
        "best = min(best, iterations(", "best = min(math.inf, iterations("),
    "search: the decay is not searched": (
        "DECAYS if decayed else (0.0,)", "DECAYS[:1] if decayed else (0.0,)"),
    "search: constant is forgotten": ("top * (1.0 if constant else",
                                      "top * (1.0 if False else"),
}
NOT = {}
UNKNOWN = ["valley('SGDP', 1000)", "valley('adam', 1000)",
           "detect('Scaled', 1000)", "reads('none', None, None)",
           "follow('Momentum', 1000)"]

# strength multiplies delta: at 0 the test never passes
NULL = {"arm": "sgdp", "baseline": "momentum", "strength": 0.0, "steps": 40}



def partly(w_hat, radial="view(w_hat * update).sum(dim=1).reshape(rows)"):
    """Exercise 5 with these two lines."""
    return f"""def suspect(w, grad, update, delta=0.1, wd_ratio=0.1, eps=1e-8):
    view = (scale_invariant_view(w, grad, delta, eps) if w.dim() > 1
            else None)
    if view is None:
        return 1.0
    rows = [-1] + [1] * (w.dim() - 1)
    w_hat = {w_hat}
    radial = {radial}
    update -= w_hat * radial
    return wd_ratio
"""


WRONG = {
    "adamp-1": [
        ("chance = lambda rows, delta=0.1: "
         "(0.5 + math.erf(delta / math.sqrt(2)) / 2) ** rows", "both signs"),
        ("chance = lambda rows, delta=0.1: math.erf(delta / math.sqrt(2))",
         "all 2 must"),
        ("chance = lambda rows, delta=0.1: "
         "1 - math.erf(delta / math.sqrt(2)) ** rows", "the test fails"),
        ("chance = lambda rows, delta=0.1: delta ** rows", "drawn rows pass"),
    ],
    "adamp-2": [("factors = (3, 3)", "Count both"),
                ("factors = (9, 9)", "one of the two"),
                ("factors = (1, 1)", "SGDP takes another path"),
                ("factors = (1 / 9, 1 / 3)", "SGDP: longer weights"),
                ("factors = (9, 1 / 3)", "AdamP: longer weights")],
    "adamp-3": [("stays = ('sgdp', 0.03)", "the other one"),
                ("stays = ('momentum', 0.1)", "nats above"),
                ("stays = ('momentum', 1e-4)", "nats above"),
                ("stays = ('momentum', 0.0)", "larger than zero"),
                ("stays = ('adam', 0.03)", "first")],
    "adamp-4": [("eigenvalues = VALLEY", "Gradient descent needs"),
                ("eigenvalues = [0] * 9 + [3]", "Ten different"),
                ("eigenvalues = [*np.linspace(0, .02, 9), 3]",
                 "Gradient descent needs"),
                ("eigenvalues = [*np.linspace(1, 1.018, 10)]",
                 "before it begins"),
                ("eigenvalues = [1.0] * 10", "Ten different"),
                ("eigenvalues = [1.0, 2.0]", "Ten numbers")],
    "adamp-5": [
        ("suspect = lambda w, g, u: remove_radial(w, g, u.clone())",
         "Case 'rows pass', shape (3, 4), settings (): the update is off"),
        ("suspect = lambda *a: (remove_radial(*a), 1.0)[1]",
         "the factor should be 0.1"),
        ("suspect = lambda w, g, u, *k: remove_radial(w, g, u)",
         "settings (0.3, 0.5, 0.2)"),
        (partly("w / (view(w).norm(dim=1, keepdim=True) + eps)"),
         "shape (2, 2, 2)"),
        (partly("w / (view(w).norm(dim=1) + 1e-8).reshape(rows)"),
         "0.2): the update is off"),
        (partly("w / (w.norm(dim=1) + eps).reshape(rows)"), "answer raised"),
        (partly("w / (view(w).norm(dim=1) + eps).reshape(rows)",
                "view(w_hat * update).sum()"), "the update is off"),
    ],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_trains_with_both_optimisers(mistake):
    with contextlib.redirect_stdout(io.StringIO()):
        page = load("adamp", edit=MISTAKES[mistake])
    for arm in ("sgdp", "adamp"):
        got = page["run"](arm, 1000, steps=2)
        assert all(np.isfinite(v) for v in got.values())
