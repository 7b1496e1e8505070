"""What the oracles of several pages share: training, pooling and HSIC
written anew, a page watched while it computes in float64, digits without
meaning."""

import contextlib
import inspect
import itertools
import math
import types
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F

from lab1784 import data, remember


def descend(parameters, loss, steps, rate):
    """Adam whose rate falls as half a cosine; loss() draws its batch."""
    adam = torch.optim.Adam(parameters)
    for step in range(steps):
        adam.param_groups[0]["lr"] = rate * (
            1 + math.cos(math.pi * step / steps)) / 2
        adam.zero_grad()
        loss().backward()
        adam.step()


def fitted(net, batch, steps, rate):
    """The network after so many batches of images and soft labels."""
    def loss():
        x, t = batch()
        return (-(t * net(x).log_softmax(1)).sum(1)).mean()
    descend(net.parameters(), loss, steps, rate)
    return net.eval()


def sampled(maps, boxes):
    """RoIAlign with one cell by brute force: grid_sample at every sample."""
    n, k, height, width = maps.shape
    out = torch.zeros(n, k, dtype=maps.dtype)
    for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        spans = [max((b - a) * size, 1.0) for a, b, size in
                 ((x1, x2, width), (y1, y2, height))]
        counts = [math.ceil(round(s, 4)) for s in spans]
        xs, ys = ([a + s * (j + 0.5) / c / size for j in range(c)]
                  for a, s, c, size in zip((x1, y1), spans, counts,
                                           (width, height)))
        at = torch.tensor([[[2 * x - 1, 2 * y - 1] for x in xs] for y in ys],
                          dtype=maps.dtype)[None]
        out[i] = F.grid_sample(maps[i:i + 1], at, align_corners=False,
                               padding_mode="border").mean((2, 3))[0]
    return out


def quadruples(K, L):
    """HSIC by brute force: all ordered quadruples of different indices."""
    return np.mean([K[i, j] * (L[i, j] + L[k, n] - 2 * L[i, k])
                    for i, j, k, n in itertools.permutations(
                        range(len(K)), 4)])


@contextlib.contextmanager
def doubled(page=None, *remembered):
    """Float64, for as long as it lasts: Adam's first steps go by the sign
    of a gradient, which in single precision the processor decides.  What
    the page remembers of its functions `remembered` is left alone: they
    have a memory of their own."""
    torch.set_default_dtype(torch.float64)
    try:
        with mock.patch.dict({} if page is None else page, {
                name: remember(inspect.unwrap(page[name]))
                for name in remembered}):
            yield
    finally:
        torch.set_default_dtype(torch.float32)


@contextlib.contextmanager
def in_float64(page, examiner, digits):
    """While it lasts the page computes in float64 on `digits`; the list
    given out gets (network, images) at every call of its `examiner`."""
    real, seen = page[examiner], []

    def noted(net, x, y):
        seen.append((net, x))
        return real(net, x, y)

    with doubled(), mock.patch.dict(page, {
            examiner: noted, "data": types.SimpleNamespace(digits=digits)}):
        yield seen


def deal_digits(space):
    """Labels dealt anew, to the learned and to the examined digits."""
    def dealt(seed, **how):
        x, y, test_x, test_y = data.digits(seed, **how)
        g = torch.Generator().manual_seed(seed)
        return (x, y[torch.randperm(len(y), generator=g)], test_x,
                test_y[torch.randperm(len(test_y), generator=g)])
    space["data"] = types.SimpleNamespace(digits=dealt)


def deal_coloured(space):
    """Digits dealt anew to all coloured pictures; the colours stay."""
    def dealt(seed, rho):
        c = data.coloured_digits(seed, rho)
        g = torch.Generator().manual_seed(seed)
        return c._replace(**{name: y[torch.randperm(len(y), generator=g)]
                             for name, y in c._asdict().items()
                             if name.endswith("_labels")})
    space["data"] = types.SimpleNamespace(
        coloured_digits=dealt, on_all_colours=data.on_all_colours)
