"""PCME: oracles, mistakes, null and wrong answers."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from scipy import stats
from scipy.integrate import quad
from torch.distributions import Normal, kl_divergence


def draws(seed, *shape, scale=1.0):
    return scale * torch.randn(*shape, generator=torch.Generator(
        ).manual_seed(seed))


def distance_in_closed_form(space):
    """E |z - w|^2 = |difference of means|^2 + all variances, per item; the
    items' noises are not those of each other."""
    mu = F.normalize(draws(0, 3, 1, 2), dim=-1)
    log_sigma = draws(1, 3, 2, scale=0.5) - 0.5
    z = space["sample"](mu, log_sigma, 6000, torch.Generator().manual_seed(2))
    assert z.shape == (3, 6000, 2)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        d = space["distances"](z[i:i + 1, :3000], z[j:j + 1, 3000:])
        want = ((mu[i] - mu[j]).square().sum()
                + (2 * log_sigma[[i, j]]).exp().sum())
        np.testing.assert_allclose(d.square().mean(), want, rtol=0.05)
    noise = ((z - mu) / log_sigma.exp()[:, None]).transpose(1, 2).flatten(0, 1)
    assert (np.corrcoef(noise) - np.eye(6)).max() < 0.06
    assert stats.kstest(noise.flatten().numpy(), "norm").pvalue > 1e-4


def distances_one_by_one(space):
    """Loops over items and samples, other counts on the two sides."""
    z, w = draws(3, 2, 3, 4), draws(4, 5, 2, 4)
    got = space["distances"](z, w)
    assert got.shape == (2, 5, 6)
    for i in range(2):
        for j in range(5):
            want = [math.sqrt(float((p - q).square().sum()) + 1e-6)
                    for p in z[i] for q in w[j]]
            np.testing.assert_allclose(sorted(got[i, j].tolist()),
                                       sorted(want), rtol=1e-4)


def probability_by_quadrature(space):
    """One dimension: scipy integrates what the samples estimate, for the
    probability and for its loss with either sign."""
    a, b, K = 4.0, 3.0, 400
    cases = ((0.0, 0.3, 0.2, 0.5), (1.0, 0.3, -1.0, 0.7))
    for case, (m1, s1, m2, s2) in enumerate(cases):
        z, w = (space["sample"](torch.tensor([[[m]]]), torch.tensor(
            [[math.log(s)]]), K, torch.Generator().manual_seed(case + 5 * i))
            for i, (m, s) in enumerate(((m1, s1), (m2, s2))))
        d = space["distances"](z, w)
        gap = stats.norm(m1 - m2, math.hypot(s1, s2))
        want = quad(lambda t, gap=gap: gap.pdf(t) * math.exp(b - a * abs(t))
                    / (2 * math.cosh(b - a * abs(t))), -9, 9,
                    points=(0, m1 - m2))[0]
        np.testing.assert_allclose(space["match_probability"](d, a, b),
                                   [[want]], atol=0.03)
        for sign, p in ((1, want), (-1, 1 - want)):
            got = space["soft_contrastive"](d, sign * torch.ones(1, 1), a, b)
            np.testing.assert_allclose(got.exp(), [[1 / p]], rtol=0.1)


def divergence_of_torch(space):
    """Made by others: with exp(log sigma) as the variance, summed."""
    mu, log_sigma = draws(6, 5, 3), draws(7, 5, 3)
    want = kl_divergence(Normal(mu, (log_sigma / 2).exp()),
                         Normal(0.0, 1.0)).sum()
    np.testing.assert_allclose(space["kl_to_normal"](mu, log_sigma), want,
                               rtol=1e-5)


def no_width_is_a_point(space):
    """sigma -> 0: the loss of two logistic answers, by torch's own."""
    mu, nu = (F.normalize(draws(s, 6, 1, 3), dim=-1) for s in (8, 9))
    none = torch.full((6, 3), -40.0)
    g = torch.Generator().manual_seed(1)
    z, w = (space["sample"](m, none, 5, g) for m in (mu, nu))
    got = space["pcme_loss"](z, w, none, none, 3.0, 2.0, 0.0)
    s = 2 * (2.0 - 3.0 * torch.cdist(mu[:, 0], nu[:, 0]))
    want = 2 * F.binary_cross_entropy_with_logits(s, torch.eye(6),
                                                  reduction="sum")
    np.testing.assert_allclose(got, want, rtol=1e-4)


def whole_loss_by_loops(space):
    """Every setting away from its default; other counts of samples."""
    n, a, b, beta = 4, 2.5, 1.5, 0.7
    z, w = draws(10, n, 3, 2), draws(11, n, 5, 2)
    lz, lw = draws(12, n, 2), draws(13, n, 2)
    want = 0.0
    for i in range(n):
        for j in range(n):
            p = np.mean([1 / (1 + math.exp(-2 * (b - a * math.sqrt(float(
                (x - y).square().sum()) + 1e-6)))) for x in z[i]
                for y in w[j]])
            want -= 2 * math.log(p if i == j else 1 - p)
    for s, ls in ((z, lz), (w, lw)):
        for m, v in zip(s.mean(1).flatten().tolist(), ls.flatten().tolist()):
            want += beta * 0.5 * (math.exp(v) + m * m - 1 - v)
    got = space["pcme_loss"](z, w, lz, lw, a, b, beta)
    np.testing.assert_allclose(got, want, rtol=1e-4)


def encoder_by_hand(space):
    """Two linear layers and a ReLU; each point of length one; free widths."""
    torch.manual_seed(3)
    net = space["Encoder"](12, 5, True)
    x = draws(14, 7, 3, 2, 2)
    mu, log_sigma = net(x)
    state = [v.detach().numpy() for v in net.parameters()]

    def linear(h, i):
        return h @ state[2 * i].T + state[2 * i + 1]
    h = np.maximum(linear(x.flatten(1).numpy(), 0), 0)
    want = linear(h, 1)[:, None]
    free = space["Encoder"](12, 5, False)
    free.load_state_dict(net.state_dict())
    np.testing.assert_allclose(free(x)[0].detach(), want, atol=1e-5)
    want /= np.linalg.norm(want, axis=-1, keepdims=True)
    np.testing.assert_allclose(mu.detach(), want, atol=1e-5)
    np.testing.assert_allclose(log_sigma.detach(), linear(h, 2), atol=1e-5)


def world_as_told(space):
    """Who fits whom from the words; pictures from the words' masks."""
    for i, (c, s) in enumerate(space["CAPTIONS"]):
        assert space["TRUE"][i].tolist() == [
            float((not c or c == k) and (not s or s == h))
            for k, h in space["KINDS"]]
    kind = torch.arange(9).repeat_interleave(400)
    x = space["draw_pictures"](kind, torch.Generator().manual_seed(0))
    centre = x.unflatten(0, (9, 400)).mean(1)
    at = np.abs(np.arange(6) - 2.5)
    r2 = at[:, None] ** 2 + at ** 2
    masks = [(3 < r2) & (r2 < 9), np.minimum(at[:, None], at) < 1,
             np.eye(6) + np.eye(6)[::-1] > 0]
    for i in range(9):
        want = np.zeros((3, 6, 6))
        want[i // 3] = masks[i % 3]
        np.testing.assert_allclose(centre[i], want, atol=0.08)
    np.testing.assert_allclose((x - centre[kind]).std(), 0.3, atol=0.01)


def batches_as_told(space):
    """Counts of captions and kinds against what each way of drawing says."""
    fits = space["TRUE"]
    n = fits.sum(1)
    for arm, want in (("pcme", (fits / n[:, None] / 16)),
                      ("often", fits * n[:, None] / 144)):
        g = torch.Generator().manual_seed(4)
        x, said = space["draw_batch"](arm, 20_000, fits, g)
        count = torch.bincount(said, minlength=16) / 20_000
        np.testing.assert_allclose(count, want.sum(1), atol=0.01)
        mean = torch.stack([x[said == i].mean(0) for i in range(16)])
        clean = torch.stack([space["draw_pictures"](torch.full(
            (800,), k), g).mean(0) for k in range(9)])
        np.testing.assert_allclose(
            mean, torch.einsum("ck,kxyz->cxyz", fits / n[:, None], clean),
            atol=0.15)


def measured_by_hand(space):
    """R-precision and the correlations, from an untrained network."""
    from sklearn.metrics import precision_score
    score, fits = draws(20, 30, 12), (draws(21, 30, 12) > 0.3).float()
    fits[:, 0] = 1
    want = []
    for s, f in zip(score.numpy(), fits.numpy()):
        bar = np.sort(s)[::-1][int(f.sum()) - 1]
        want.append(precision_score(f, s >= bar))
    np.testing.assert_allclose(space["r_precision"](score, fits),
                               np.mean(want), rtol=1e-6)


def arms_again(space):
    """Every arm in a few lines: the same starts, batches and noise."""
    seed, steps, N, K, D, beta, rate = 1003, 12, 8, 3, 3, 0.3, 2e-2
    for arm in ("point", "free", "double", "no kl", "pcme", "single",
                "often"):
        torch.manual_seed(seed)
        dims = D * (1 + (arm == "double"))
        pic, cap = (space["Encoder"](k, dims, arm != "free")
                    for k in (108, 16))
        ab = torch.tensor([5.0, 5.0], requires_grad=True)
        data, noise = (torch.Generator().manual_seed(k)
                       for k in (2 * seed, 2 * seed + 1))
        fits = space["TRUE"]
        if arm == "single":
            fits = torch.eye(9)[torch.multinomial(fits, 1, generator=data
                                                  )[:, 0]]
        flat = arm in ("point", "free", "double")

        def samples(net, x):
            mu, ls = net(x)
            if flat:
                return mu, ls
            return mu + ls.exp()[:, None] * torch.randn(
                len(mu), K, dims, generator=noise), ls

        def p_match(z, w):
            d = ((z[:, None, :, None] - w[None, :, None]) ** 2).sum(-1)
            d = (d + 1e-6).sqrt().flatten(2)
            return torch.sigmoid(2 * (ab[1] - ab[0] * d)).mean(-1)
        weights = [*pic.parameters(), *cap.parameters(), ab]
        adam = torch.optim.Adam(weights)
        for step in range(steps):
            adam.param_groups[0]["lr"] = rate * (
                1 + math.cos(math.pi * step / steps)) / 2
            x, said = space["draw_batch"](arm, N, fits, data)
            (z, lz), (w, lw) = samples(pic, x), samples(
                cap, F.one_hot(said, 16).float())
            p = p_match(z, w)
            same = torch.eye(N)
            loss = -2 * (same * p.log() + (1 - same) * (-p).log1p()).sum()
            if not flat and arm != "no kl":
                for s, ls in ((z, lz), (w, lw)):
                    loss = loss + beta * 0.5 * (
                        ls.exp() + s.mean(1) ** 2 - 1 - ls).sum()
            adam.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 2.0)
            adam.step()
        with torch.no_grad():
            kind = torch.arange(45) // 5
            x = space["draw_pictures"](kind, data)
            z, (w, ls) = samples(pic, x)[0], samples(cap, torch.eye(16))
            p, mean = p_match(w, z), p_match(cap(torch.eye(16))[0],
                                             pic(x)[0])
            fit, n = space["TRUE"][:, kind], space["TRUE"].sum(1)
            best = [p.T.argsort(1, descending=True)[:, :4],
                    mean.T.argsort(1, descending=True)[:, :4]]
            right = [fit.T.gather(1, order) for order in best]
            shown = [fit[i, p[i].argsort(descending=True)[
                :int(fit[i].sum())]].mean() for i in range(15)]
            wide = ls.mean(1).exp()
            want = {"captions": right[0].mean(), "means": right[1].mean(),
                    "pictures": np.mean(shown), "first": right[0][:, 0].mean(),
                    "width": stats.spearmanr(wide, n)[0],
                    "doubt": stats.spearmanr(p.max(1)[0], n)[0] * -1,
                    **{f"wide {k}": wide[n == k].mean() for k in (1, 3, 9)}}
        got = space["run"](arm, seed, steps=steps, N=N, K=K, D=D, beta=beta,
                           rate=rate)
        assert got.keys() == want.keys()
        np.testing.assert_allclose(list(got.values()), [
            float(v) for v in want.values()], atol=0.02, err_msg=arm)


ORACLES = [distance_in_closed_form, distances_one_by_one,
           probability_by_quadrature, divergence_of_torch,
           no_width_is_a_point, whole_loss_by_loops, encoder_by_hand,
           world_as_told, batches_as_told, measured_by_hand, arms_again]

MISTAKES = {
    "Mean of the logarithms": (
        "return math.log(d.shape[-1]) - log_p.logsumexp(-1)",
        "return -log_p.mean(-1)"),
    "Sigmoid of s": ("F.logsigmoid(2 * m[..., None] * (b - a * d))",
                     "F.logsigmoid(m[..., None] * (b - a * d))"),
    "Sigmoid of s, at the test": ("torch.sigmoid(2 * (b - a * d))",
                                  "torch.sigmoid(b - a * d)"),
    "Samples of length one": (
        "return mu + log_sigma.exp()[:, None] * eps",
        "return F.normalize(mu + log_sigma.exp()[:, None] * eps, dim=-1)"),
    "One noise for all": ("torch.randn(len(mu), K, mu.shape[-1],",
                          "torch.randn(1, K, mu.shape[-1],"),
    "Log variance": ("return mu + log_sigma.exp()",
                     "return mu + (log_sigma / 2).exp()"),
    "Only the written pairs": (
        "soft_contrastive(distances(z, w), m, a, b).sum()",
        "soft_contrastive(distances(z, w), m, a, b).trace()"),
    "Sample with its twin": (
        "d = z[:, None, :, None] - w[None, :, None]",
        "d = (z[:, None, :w.shape[1]] - w[None, :, :z.shape[1]])"
        "[:, :, :, None]"),
    "No root": ("(d.square().sum(-1) + 1e-6).sqrt()",
                "(d.square().sum(-1) + 1e-6)"),
    "Turned divergence": ("return -0.5 * (1 + log_sigma",
                          "return 0.5 * (1 + log_sigma"),
    "Mean left out": ("(1 + log_sigma - mu ** 2 - log_sigma.exp())",
                      "(1 + log_sigma - 0 * mu - log_sigma.exp())"),
    "One way": ("both_ways = 2 * soft_contrastive",
                "both_ways = 1 * soft_contrastive"),
    "Means of any length": ("if self.sphere:", "if False:"),
    "First sample alone in the divergence": ("kl_to_normal(z.mean(1), log_z)",
                                             "kl_to_normal(z[:, 0], log_z)"),
}
TRAIN = dict(arm="pcme", seed=1000, steps=12, N=8, K=3)
NULL = dict(arm="pcme", baseline="point", strength=0.0, steps=25, N=8, K=1,
            rate=1e-2)
TRACES = {"run": dict(
    arms=["pcme", "point", "no kl"], steps=10, N=8, K=3, updates=10,
    rates=[("point", {"rate": 3e-3}, 3e-3), ("point", {}, 4e-2),
           ("double", {}, 2e-2), ("pcme", {}, 2e-2)],
    but={"exam": "the sixteen captions are all that there are, in training "
                 "and in the examination; the pictures are new"})}


def scramble(space):
    """Who fits whom is dealt anew after training, for the examination."""
    real = space["trained"]

    def trained(*args):
        space["TRUE"] = true
        got = real(*args)
        space["TRUE"] = true[torch.randperm(16, generator=torch.Generator(
            ).manual_seed(3))]
        return got
    true, space["trained"] = space["TRUE"], trained


CHANCE = dict(scramble=scramble, metric="captions", chance=0.25, room=0.15,
              arm="point", seed=1000, steps=100)
EXPERIMENT = {
    "exam: the first batch's pictures": (
        "inputs = draw_pictures(kind, data), torch.eye(16)",
        "data = torch.Generator().manual_seed(2 * seed)\n"
        "    inputs = draw_pictures(kind, data), torch.eye(16)"),
    "labels: one true word is enough": (
        'float(c in ("", colour) and s in ("", shape))',
        'float(c in ("", colour) and s in ("", shape) or s == shape)'),
    "metric: the wrong end of the ranking": (
        "row[s.topk(int(row.sum())).indices]",
        "row[(-s).topk(int(row.sum())).indices]"),
    "metric: four for every query": ("s.topk(int(row.sum()))", "s.topk(4)"),
    "metric: doubt is certainty": ("spearmanr(-p.amax(1), n)",
                                   "spearmanr(p.amax(1), n)"),
    "metric: the width of the pictures' last batch": (
        "width = log_w.mean(1).exp()", "width = log_w.mean(1).exp() ** -1"),
    "rival: points with width": (
        'WIDE = ("no kl", "pcme", "single", "often")',
        'WIDE = ("no kl", "pcme", "single", "often", "double")'),
    "rival: double has four dimensions": (
        'wide = 2 * D if arm == "double" else D', "wide = D"),
    "rival: free is on the sphere": ('arm != "free") for', "True) for"),
    "rival: no kl has it": (
        '(arm in WIDE and arm != "no kl")', "(arm in WIDE)"),
    "rival: often draws equally often": ('if arm == "often":',
                                         'if arm == "seldom":'),
    "rival: single has all its kinds": ("fits = F.one_hot(one, 9).float()",
                                        "fits = fits + 0"),
    "pairing: data of another seed for points": (
        "data, noise = (torch.Generator().manual_seed(2 * seed + i)",
        "data, noise = (torch.Generator().manual_seed(2 * seed + i "
        "+ 99 * (arm in WIDE))"),
    "pairing: the start is that of every seed": ("torch.manual_seed(seed)\n",
                                                 "torch.manual_seed(0)\n"),
    "pairing: the batches are those of every seed": (
        "manual_seed(2 * seed + i)", "manual_seed(i)"),
    "counting: a step too few": ("for _ in range(steps):",
                                 "for _ in range(steps - 1):"),
    "search: the rate is not handed on": (
        "torch.optim.Adam(weights, rate, fused=True)",
        "torch.optim.Adam(weights, 1e-2, fused=True)"),
    "search: all take the rate of the points": (
        "RATES.get(arm, 2e-2) if", 'RATES["point"] if'),
}
NOT = {"mode": "the encoders have no layer that learns and measures in two "
               "ways"}

WRONG = {
    "pcme-1": [("best_one, best_nine = 0.75, 1", "true of every picture"),
               ("best_one, best_nine = 0.75, 0.2", "3 other pictures"),
               ("best_one, best_nine = 1, 0.25", "red ring"),
               ("best_one, best_nine = 0.75, 0.9", "for how many")],
    "pcme-2": [("apart_two, apart_same = 1.2, 0.32", "four dimensions"),
               ("apart_two, apart_same = 3.4, 0.32", "not standard"),
               ("apart_two, apart_same = 1.8, 0", "samples are two"),
               ("apart_two, apart_same = 1.8, 0.16", "Twice"),
               ("apart_two, apart_same = 1, 0.32", "all variances")],
    "pcme-3": [("mean_narrow_wide = 0, 0.1, 1", "matches less"),
               ("mean_narrow_wide = 2, 1, 0.1", "First the narrow"),
               ("mean_narrow_wide = 2, 0.1, 0.2", "too little"),
               ("mean_narrow_wide = 2, 0, 1", "First the narrow")],
    "pcme-4": [("mended_loss = loss_of", "Of what is the mean"),
               ("mended_loss = lambda d, m, a, b: -F.logsigmoid(2 * "
                "m[..., None] * (b - a * d)).logsumexp(-1)", "are others"),
               ("mended_loss = lambda d, m, a, b: loss_of(d, m, a, b).sum()",
                "One loss for each")],
}
OPEN = {"pcme-3": "any far picture and a width that reaches it is an answer"}
