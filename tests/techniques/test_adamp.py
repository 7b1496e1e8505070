"""AdamP: what its page must survive (see test_every_page.py)."""

import contextlib
import io

import adamp
import numpy as np
import pytest
import torch

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
    elif kind == "faint":                # |cos| 0.07: below 0.1 only
        g2 = 0.07 * unit(w2) + 0.998 * unit(without(w2, g2))
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
    for seed in (1000, 1001):
        assert abs(page["growth"]("measured", seed)["|w|^2"]
                   - page["growth"]("law", seed)["|w|^2"]) < 1e-9
    eigenvalues = page["VALLEY"]
    w = page["starts"](1000, eigenvalues, n=4)
    f = ((w ** 2 @ eigenvalues) / (w ** 2).sum(1)).sum()
    expected, = torch.autograd.grad(f, w)
    with torch.no_grad():
        page["quotient"](w, eigenvalues)
    np.testing.assert_allclose(w.grad, expected, atol=1e-12)
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


def valley_without_projection(page):
    """Null strength of the drawn problem: momentum, to the last count."""
    off = page["valley"]("sgdp", 1000, strength=0.0)
    assert off == page["valley"]("momentum", 1000)
    assert off != page["valley"]("sgdp", 1000)


def layers_by_scaling(page):
    """Rescaling says of the three matrices what their neighbours say."""
    net, _, _ = next(page["training"]("sgdp", 1000, steps=1))
    said = [page["by_scaling"](net, w, page["IMAGES"][:50])
            for w in page["matrices"](net)]
    assert said == [page["channel_view"], page["layer_view"], None]


ORACLES = [with_a_pencil, by_brute_force, equals_the_adamp_package,
           equals_the_sgdp_package, equals_torch_where_off, growth_law,
           valley_without_projection, layers_by_scaling]

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

# strength multiplies delta: at 0 the test never passes
NULL = {"arm": "sgdp", "baseline": "momentum", "strength": 0.0, "steps": 40}

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
    "adamp-3": [("w_and_g = [1.0, 0.0], [0.0, 2.0]", "no difference"),
                ("w_and_g = [1.0, 1.0], [1.0, 0.0]", "cos(w, g) is 0.707"),
                ("w_and_g = [1.0, 1.0], [0.0, 0.0]", "Neither")],
    "adamp-4": [("eigenvalues = VALLEY", "Gradient descent needs"),
                ("eigenvalues = [1.0] * 10", "nothing to minimise"),
                ("eigenvalues = [1.0, 2.0]", "Ten numbers")],
    "adamp-5": [
        ("suspect = lambda w, g, u: remove_radial(w, g, u.clone())",
         "Case 'rows pass': the update is off"),
        ("suspect = lambda w, g, u: (remove_radial(w, g, u), 1.0)[1]",
         "the factor should be 0.1"),
    ],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_every_mistake_trains_with_both_optimisers(mistake):
    with contextlib.redirect_stdout(io.StringIO()):
        page = load("adamp", edit=MISTAKES[mistake])
    for arm in ("sgdp", "adamp"):
        got = page["run"](arm, 1000, steps=2)
        assert all(np.isfinite(v) for v in got.values())
