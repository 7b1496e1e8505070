"""GAN metrics: oracles, mistakes, null and wrong answers."""

import functools
import itertools
from fractions import Fraction

import numpy as np
import torch
from prdc import compute_prdc
from scipy import ndimage

from lab1784 import data
from lab1784.scorer import frechet, scorer


def samples(seed, n, m, d):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 0.9 + 0.3


def measures_of_the_authors(page):
    """Made by others: the package prdc."""
    for n, m, d, k in ((40, 70, 2, 3), (80, 30, 8, 5), (20, 20, 3, 1)):
        real, fake = samples(n, n, m, d)
        want = compute_prdc(real, fake, k)
        got = page["prdc"](real, fake, k)
        assert got.keys() == want.keys()
        for name, value in want.items():
            assert abs(got[name] - value) < 1e-9, (name, n, m, k)


def balls_by_brute_force(page):
    """Whole numbers on a line, where distances are equal and the surface
    counts: every ball by a loop, every measure as a fraction."""
    rng = np.random.default_rng(4)
    for k, n, m in ((1, 9, 12), (2, 14, 8), (4, 10, 10)):
        real, fake = (rng.integers(0, 30, size=(c, 1)).astype(float)
                      for c in (n, m))

        def ball(own, i):
            return sorted(abs(own[i] - own[j]).item()
                          for j in range(len(own)) if j != i)[k - 1]

        def holds(own, i, point):
            return abs(own[i] - point).item() < ball(own, i)
        hits = [[holds(real, i, y) for y in fake] for i in range(n)]
        back = [[holds(fake, j, x) for x in real] for j in range(m)]
        np.testing.assert_array_equal(page["inside"](real, fake, k), hits)
        got = page["prdc"](real, fake, k)
        want = {"precision": Fraction(sum(map(any, zip(*hits))), m),
                "recall": Fraction(sum(map(any, zip(*back))), n),
                "density": Fraction(sum(map(sum, hits)), k * m),
                "coverage": Fraction(sum(map(any, hits)), n)}
        for name, value in want.items():
            assert abs(got[name] - float(value)) < 1e-12, name


def distance_in_closed_form(page):
    """Samples whose means and covariances are known exactly, with a common
    basis: the gap squared, and the roots' differences squared."""
    rng = np.random.default_rng(1)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    made = []
    for spread, mean in (((1, 2, 3, 0.5), 0.0), ((2, 2, 1, 0), 1.5)):
        z = rng.normal(size=(50, 4))
        z -= z.mean(axis=0)
        z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
        made.append((z * np.array(spread)) @ turn.T + mean)
    want = 4 * 1.5 ** 2 + 1 + 0 + 4 + 0.25
    assert abs(page["frechet"](*made) - want) < 1e-5
    line = np.array([[0.0], [2.0]]), np.array([[3.0], [7.0], [5.0]])
    want = 16 + (np.sqrt(2) - 2) ** 2
    assert abs(page["frechet"](*line) - want) < 1e-9


def distance_of_the_package(page):
    """The root of the matrix by scipy, on samples without a common basis."""
    x, y = samples(2, 90, 70, 5)
    y = y @ np.random.default_rng(3).normal(size=(5, 5))
    assert abs(page["frechet"](x, y) - frechet(x, y)) < 1e-8
    assert abs(page["frechet"](x, x)) < 1e-8


def coverage_by_counting_orders(page):
    """Every order of the other points around a real one is as likely as
    any other; the ball is empty where the k nearest are all real."""
    for n, m, k in ((3, 3, 2), (4, 2, 1), (5, 3, 3), (4, 4, 2)):
        kinds = "r" * (n - 1) + "f" * m
        orders = list(itertools.combinations(range(len(kinds)), n - 1))
        empty = sum(set(range(k)) <= set(order) for order in orders)
        want = 1 - Fraction(empty, len(orders))
        assert abs(page["expected_coverage"](n, m, k) - float(want)) < 1e-12


def means_of_identical_laws(page):
    """Many small pairs of samples: density 1, coverage by formula, in a
    law with wild tails as in another."""
    for law in ("normal", "standard_cauchy"):
        rng = np.random.default_rng(7)
        got = [page["prdc"](getattr(rng, law)(size=(8, 2)),
                            getattr(rng, law)(size=(6, 2)), 3)
               for _ in range(800)]
        mean = {m: np.mean([g[m] for g in got]) for m in got[0]}
        assert abs(mean["density"] - 1) < 0.05
        assert abs(mean["coverage"] - page["expected_coverage"](
            8, 6, 3)) < 0.02


def damages_by_hand(page):
    """Each damage at two strengths: what it changes, and what it leaves."""
    g = torch.Generator().manual_seed(0)
    n = 400
    factors, old = data.avatar_factors(n, g), data.avatar_factors(50, g)
    clean, train = data.draw_avatars(factors)[0], data.draw_avatars(old)[0]

    def made(arm, strength):
        return page["damaged"](arm, factors, train, strength,
                               torch.Generator().manual_seed(1))

    def differs(x):
        return (x != clean).flatten(1).any(1).numpy()
    for arm in page["ARMS"]:
        assert torch.equal(made(arm, 0.0), clean), arm
    assert torch.equal(made("fresh", 1.0), clean)
    soft = np.stack([ndimage.uniform_filter(x.numpy(), (0, 3, 3),
                                            mode="nearest") for x in clean])
    for s in (0.5, 1.0):
        np.testing.assert_allclose(made("blur", s), (1 - s) * clean.numpy()
                                   + s * soft, atol=1e-5)
        noise = (made("noise", s) - clean)[clean.abs() < 0.1]
        assert abs(noise.std().item() - 0.4 * s) < 0.02
        assert abs(noise.mean().item()) < 0.02
        assert made("noise", s).abs().max() == 1
        hats = (factors["hat"] == 1).numpy()
        for arm, share in (("rare hats", 0.8 * s), ("no hats", s)):
            gone = differs(made(arm, s))
            assert not gone[~hats].any()
            assert abs(gone[hats].mean() - share) < 0.08
            bare = data.draw_avatars(data.counterfactual(factors, hat=0))[0]
            assert torch.equal(made(arm, s)[gone], bare[gone])
        turned = differs(made("mirror", s))
        assert abs(turned.mean() - s) < 0.08
        assert torch.equal(made("mirror", s)[turned], clean.flip(3)[turned])
        for arm, many in (("copies", 50), ("few copies", 5)):
            got = made(arm, s)
            swapped = differs(got)
            assert abs(swapped.mean() - s) < 0.08
            hit = (train.flatten(1) == got[swapped].flatten(1)[:, None]
                   ).all(2)                         # (swapped, 50)
            at = hit.nonzero()[:, 1].tolist()
            assert len(at) == swapped.sum()
            assert len(set(at)) == many and max(at) < many


def worlds(seed, n):
    g = torch.Generator().manual_seed(seed)
    return [data.avatar_factors(n, g) for _ in range(3)]


def seen(images):
    with torch.no_grad():
        return scorer().features(images).numpy().astype(float)


def drawn(factors):
    return data.draw_avatars(factors)[0]


def noisy(seed, n, strength):
    """The noisy fakes of a seed, from the numbers that they are made of."""
    g = torch.Generator().manual_seed(10**6 + seed)
    torch.rand(n, generator=g)                   # who would lose a hat
    x = drawn(worlds(seed, n)[2])
    return seen((x + 0.4 * strength * torch.randn(
        x.shape, generator=g)).clamp(-1, 1))


def arms_again(page):
    """Generators by every measure, with the packages of others; means of
    two worlds."""
    seed, n, k, strength = 1003, 150, 3, 0.7
    made = []
    for world in (10 * seed, 10 * seed + 1):
        train, held, new = map(drawn, worlds(world, n))
        made.append((world, train, new, seen(train), seen(held)))
    for arm in ("fresh", "noise", "copies"):
        rows = []
        for world, train, new, real, other in made:
            g = torch.Generator().manual_seed(10**6 + world)
            torch.rand(n, generator=g)
            pick = torch.randint(n, (n,), generator=g)
            keep = torch.rand(n, generator=g) >= strength
            some = torch.where(keep[:, None, None, None], new, train[pick])
            fake = (noisy(world, n, strength) if arm == "noise" else
                    seen(new if arm == "fresh" else some))
            rows.append({"FD": frechet(real, fake),
                         **compute_prdc(real, fake, k),
                         "FD held out": frechet(other, fake)})
        got = page["run"](arm, seed, strength=strength, n=n, k=k, draws=2)
        for name in rows[0]:
            want = (rows[0][name] + rows[1][name]) / 2
            assert abs(got[name] - want) < 1e-4 * max(1, want), (arm, name)


@functools.cache
def moved_by_hand(seed, n, k, strays):
    """What strays raise, one at a time, and what noise costs."""
    world = 10 * seed
    real = seen(drawn(worlds(world, n)[0]))
    drowned = noisy(world, n, 2)
    g = torch.Generator().manual_seed(2 * 10**6 + seed)
    x = drawn(data.avatar_factors(strays, g))
    torch.rand(strays, generator=g)
    lost = seen((x + 0.8 * torch.randn(x.shape, generator=g)).clamp(-1, 1))
    before = compute_prdc(real, drowned, k)
    after = [compute_prdc(np.r_[real, one[None]], drowned, k)
             for one in lost]
    good = compute_prdc(real, seen(drawn(worlds(world, n)[2])), k)
    bad = compute_prdc(real, noisy(world, n, 1), k)
    return {m: (sum(a[m] - before[m] for a in after) / strays,
                good[m] - bad[m]) for m in before}


def moves_again(page):
    how = dict(seed=1002, n=120, k=2, strays=3)
    for m, (raised, lost) in moved_by_hand(**how).items():
        got = page["moved"](m, **how)
        assert abs(got["raised"] - raised) < 1e-9, m
        assert abs(got["lost"] - lost) < 1e-9, m
        assert m != "density" or got["raised"] <= 1 / how["k"]


def same_again(page):
    """A few pairs of samples, by the authors' package and by the formula."""
    rows = []
    for draw in range(3):
        real, fake = np.random.default_rng((1001, draw)).normal(
            size=(2, 40, 6))
        rows.append(compute_prdc(real, fake, 4))
    how = dict(n=40, d=6, k=4, draws=3)
    for m in rows[0]:
        got = page["same"](m, 1001, **how)["value"]
        assert abs(got - sum(row[m] for row in rows) / 3) < 1e-9, m
    want = 1 - (39 * 38 * 37 * 36) / (79 * 78 * 77 * 76)
    assert abs(page["same"]("closed form", 1001, **how)["value"]
               - want) < 1e-12


def copies_of_copies(page):
    """Six fakes that are one real point: their balls have no inside."""
    real = np.arange(8.0)[:, None] ** 2
    got = page["prdc"](real, np.full((6, 1), 4.0), 2)
    assert got["recall"] == 0 and got["precision"] == 1


def copies_by_the_formula(page):
    """Copies drawn with replacement: a ball without its surface holds its
    centre and k - 1 neighbours; all M draws must miss these."""
    real = 2.0 ** np.arange(9)[:, None]              # no distances equal
    rng = np.random.default_rng(5)
    for m, k in ((9, 2), (6, 3)):
        got = [page["prdc"](real, real[rng.integers(9, size=m)],
                            k)["coverage"] for _ in range(400)]
        assert abs(np.mean(got) - 1 + (1 - k / 9) ** m) < 0.02


ORACLES = [measures_of_the_authors, balls_by_brute_force,
           distance_in_closed_form, distance_of_the_package,
           coverage_by_counting_orders, copies_of_copies,
           copies_by_the_formula, same_again, moves_again, damages_by_hand,
           arms_again, means_of_identical_laws]

MISTAKES = {
    "Its own neighbour": ("np.partition(own, k, axis=1)[:, k]",
                          "np.partition(own, k, axis=1)[:, k - 1]"),
    "With the surface": ("< radii[:, None]", "<= radii[:, None]"),
    "One radius for all": (
        "np.partition(own, k, axis=1)[:, k]",
        "np.partition(own, k, axis=1)[:, k].mean(keepdims=True)"),
    "The other way round": ('"recall": float(in_fake.any(axis=0).mean())',
                            '"recall": float(in_real.any(axis=1).mean())'),
    "Any for how many": ("in_real.sum(axis=0).mean() / k",
                         "in_real.any(axis=0).mean() / k"),
    "Not divided by k": ("in_real.sum(axis=0).mean() / k",
                         "in_real.sum(axis=0).mean()"),
    "Fakes for reals": ('"coverage": float(in_real.any(axis=1).mean())',
                        '"coverage": float(in_real.any(axis=0).mean())'),
    "Roots left out": ("np.trace(t) - 2 * roots.sum())", "np.trace(t))"),
    "Root of each entry": (
        "roots = np.sqrt(np.linalg.eigvals(s @ t).real.clip(0))",
        "roots = np.sqrt(np.abs(np.diag(s * t)))"),
    "Gap not squared": ("float(gap @ gap + np", "float((gap @ gap) ** .5 + "
                        "np"),
    "One factor too few": ("np.arange(1, k + 1)", "np.arange(1, k)"),
}
TRAIN = dict(arm="few copies", seed=1000, n=60, draws=1)
STAYS = {"One factor too few": "run() does not ask for the closed form"}
NULL = dict(arm="noise", baseline="fresh", strength=0.0, n=60, draws=1)
UNKNOWN = ["moved('FD', 1000, n=20)", "same('FD', 1000, n=20)",
           "run('sharp', 1000, n=20)"]
TRACES = {"run": dict(arms=["fresh", "blur", "no hats", "copies"], n=40, draws=2),
          "moved": dict(arms=["precision", "density"], n=40, strays=2),
          "same": dict(arms=["precision", "coverage"], n=20, draws=2)}

EXPERIMENT = {
    "exam: the faces held out are the training faces": (
        "features(data.draw_avatars(other)[0]), new)",
        "features(data.draw_avatars(real)[0]), new)"),
    "exam: the new faces are the training faces": (
        "features(data.draw_avatars(other)[0]), new)",
        "features(data.draw_avatars(other)[0]), real)"),
    "metric: a loss for a gain": ('"lost": good[m] - bad[m]',
                                  '"lost": bad[m] - good[m]'),
    "metric: the highest for the mean": (
        "np.mean([a[m] - before[m] for a in after])",
        "np.max([a[m] - before[m] for a in after])"),
    "metric: two sets change places": (
        '"FD held out": frechet(held, fake)',
        '"FD held out": frechet(held, real)'),
    "rival: the stray takes the place of all": (
        "np.vstack([real, one])", "np.vstack([real, lost])"),
    "rival: hats are put on": ("torch.where(bare, 0,",
                               "torch.where(bare, 1,"),
    "rival: few copies are as many": (
        'if arm == "copies" else len(train) // 10',
        'if arm != "mirror" else len(train) // 10'),
    "rival: noise is not clamped": ("noise).clamp(-1, 1)", "noise)"),
    "rival: the closed form is one": (
        'return {"value": expected_coverage(n, n, k)}',
        'return {"value": 1.0}'),
    "pairing: one damage for all seeds": ("manual_seed(10**6 + world)",
                                          "manual_seed(10**6)"),
    "pairing: one world for all seeds": (
        "g = torch.Generator().manual_seed(world)",
        "g = torch.Generator().manual_seed(0)"),
    "pairing: one pair of samples for all seeds": (
        "default_rng((seed, draw))", "default_rng(draw)"),
    "counting: the first pair left out": ("for draw in range(draws):\n"
                                          "        rng",
                                          "for draw in range(1, draws):\n"
                                          "        rng"),
    "counting: the first world left out": (
        "range(10 * seed, 10 * seed + draws)",
        "range(10 * seed + 1, 10 * seed + draws + 1)"),
    "counting: the first stray left out": ("for one in lost]",
                                           "for one in lost[1:]]"),
    "search: k is not handed on": ("**prdc(real, fake, k),",
                                   "**prdc(real, fake, 5),"),
    "search: half the blur": ("x + strength * (soft - x)",
                              "x + strength / 2 * (soft - x)"),
}
NOT = {"labels": "there are no labels that could be among the features",
       "mode": "the package gives out its network in evaluation mode, and "
               "nothing here trains it"}

WRONG = {
    "gan_metrics-1": [("mean_of_three, least_k = 0.1, 5", "empty ball"),
                      ("mean_of_three, least_k = 0.8, 5", "no neighbour"),
                      ("mean_of_three, least_k = 0.5, 5", "two nearest"),
                      ("mean_of_three, least_k = 0.9, 4", "one k after")],
    "gan_metrics-2": [("precision_then, density_then = 0.2, 0.2",
                       "Every fake"),
                      ("precision_then, density_then = 1, 1",
                       "divide by k"),
                      ("precision_then, density_then = 1, 5", "How many")],
    "gan_metrics-3": [("refuting_k = 5", "more. By what"),
                      ("refuting_k = 3", "more. By what"),
                      ("refuting_k = 0", "from 1 to 10")],
    "gan_metrics-4": [
        ("mended = covered", "Which point is nearest"),
        ("mended = lambda real, fake, k: prdc(real, fake, k + 1)"
         "['coverage']", "another value"),
        ("mended = lambda real, fake, k: prdc(real, fake, k)['precision']",
         "another value")],
}
