"""Parked cars: what the page must survive (see test_every_page.py)."""

import math

import numpy as np
from scipy import optimize, stats
from sklearn.neighbors import KNeighborsRegressor


def with_a_pencil(page):
    """Path loss, grid and slots as read off the drawing."""
    beacons = np.array([[0.0, 0.0], [3.0, 4.0]])
    got = page["expected"](np.array([[0.0, 10.0], [0.3, 0.4]]), beacons)
    np.testing.assert_allclose(got, [
        [-62.0, -40 - 22 * math.log10(45 ** 0.5)],
        [-40.0, -40 - 22 * math.log10(4.5)]])
    np.testing.assert_allclose(
        page["expected"](np.array([0.0, 100.0]), beacons[:1], -50.0, 3.0),
        [-110.0])
    points = page["grid"](0.5)
    assert points.shape == (110 * 64, 2)
    assert {*points[:, 0]} == {k / 2 + 0.25 for k in range(110)}
    assert {*points[:, 1]} == {k / 2 + 0.25 for k in range(64)}
    for place, number in (((0.1, 0.1), 1), ((54.9, 3.0), 22),
                          ((38.75, 13.5), 38), ((38.75, 18.4), 60),
                          ((2.6, 31.0), 68), ((54.9, 31.0), 88),
                          ((1.0, 7.9), 1), ((1.0, 8.1), 23)):
        assert page["slot"](np.array(place)) == number, place


def equals_scipy(page):
    """Made by others: least squares with and without the cauchy loss, and
    the density of the normal distribution."""
    rng = np.random.default_rng(1)
    beacons = rng.random((7, 2)) * 30
    for cap, noise in ((0.0, 2.0), (0.3, 1.5), (1.7, 3.0)):
        car = 5 + rng.random(2) * 20

        def mu(p):
            d = np.hypot(*(beacons - p).T)
            return -55 - 26 * np.log10(np.maximum(d, 1))
        r = mu(car) + rng.normal(0, noise, 7)
        r[2] = np.nan
        r[4] -= 15
        heard = ~np.isnan(r)
        how = dict(loss="cauchy", f_scale=cap ** -0.5) if cap else {}

        def residuals(p):
            return ((r - mu(p)) / noise)[heard]
        if not cap:
            places = rng.random((40, 2)) * 30
            got = page["log_likelihood"](
                r[None], page["expected"](places, beacons, -55.0, 2.6),
                noise)[0]
            density = [stats.norm.logpdf(r, mu(p), noise)[heard].sum()
                       for p in places]
            np.testing.assert_allclose(got - got[0],
                                       np.subtract(density, density[0]))
        fine = np.stack(np.meshgrid(*[np.arange(0, 30, 0.25)] * 2), -1
                        ).reshape(-1, 2)
        best = fine[page["log_likelihood"](
            r[None], page["expected"](fine, beacons, -55.0, 2.6), noise,
            cap)[0].argmax()]
        found = optimize.least_squares(residuals, best, **how)
        assert np.abs(found.x - best).max() < 0.25
        at = page["expected"](found.x[None], beacons, -55.0, 2.6)
        value = page["log_likelihood"](r[None], at, noise, cap)[0, 0]
        assert abs(value + found.cost) < 1e-9


def bound_in_closed_form(page):
    """A ring has a formula; elsewhere, derivatives by small steps and the
    scatter of the score over many draws."""
    for count, radius, noise, n in ((3, 4.0, 1.0, 2.0), (12, 10.0, 4.0,
                                                         3.1)):
        angle = 2 * math.pi * np.arange(count) / count
        ring = radius * np.stack([np.cos(angle), np.sin(angle)], 1) + 7
        want = 2 * radius * noise * math.log(10) / (10 * n * count ** 0.5)
        got = page["bound"](np.array([7.0, 7.0]), ring, noise, n)
        assert abs(got - want) < 1e-9
    rng = np.random.default_rng(2)
    beacons, noise = rng.random((5, 2)) * 20, 2.5
    places = rng.random((6, 2)) * 20
    places[0] = beacons[0] + 0.4        # nearer than a metre it says nothing
    got = page["bound"](places, beacons, noise)
    for p, value in zip(places, got):
        def mu(x, y):
            return -22 * np.log10(np.maximum(
                np.hypot(beacons[:, 0] - x, beacons[:, 1] - y), 1))
        h = 1e-5
        J = np.stack([mu(p[0] + h, p[1]) - mu(p[0] - h, p[1]),
                      mu(p[0], p[1] + h) - mu(p[0], p[1] - h)]) / (2 * h)
        r = rng.normal(0, noise, (200_000, 5))
        score = r @ J.T / noise ** 2
        want = np.trace(np.linalg.inv(J @ J.T / noise ** 2)) ** 0.5
        assert abs(value / want - 1) < 1e-4
        drawn = np.trace(np.linalg.inv(np.cov(score.T))) ** 0.5
        assert abs(value / drawn - 1) < 0.02


def region_by_counting(page):
    """Brute force: places are taken one by one, the likeliest first."""
    rng = np.random.default_rng(3)
    logl = rng.normal(0, 2, (20, 30)) - 400
    for share in (0.3, 0.95):
        got = page["region"](logl, share)
        for row, said in zip(logl, got):
            weight = [math.exp(x + 400) for x in row]
            left, held, taken = list(range(30)), 0.0, set()
            while held < share * sum(weight):
                k = max(left, key=lambda i: weight[i])
                left.remove(k)
                held += weight[k]
                taken.add(k)
            assert taken == {*np.flatnonzero(said)}
    wanted = page["region"](logl)
    assert (wanted == page["region"](logl, 0.95)).all()


def cars_are_as_asked(page):
    """Places fill the floor; noise, fault and fixed part as stated."""
    beacons = np.array([(x, y) for y in (4, 16, 28)
                        for x in (5, 20, 35, 50)], float)

    def apart(**more):
        p, r = page["park"](1001, 800, **more)
        d = np.hypot(p[:, :1] - beacons[:, 0], p[:, 1:] - beacons[:, 1])
        return p, r - (-40 - 22 * np.log10(np.maximum(d, 1)))
    p, off = apart(samples=4)
    assert 0 <= p.min() and (p.max(0) < [55, 32]).all()
    np.testing.assert_allclose(p.mean(0), [27.5, 16], atol=1.7)
    np.testing.assert_allclose(p.std(0), [55 / 12 ** .5, 32 / 12 ** .5],
                               rtol=0.06)
    assert abs(off.std() / 2 - 1) < 0.03 and abs(off.mean()) < 0.08
    q, weak = apart(samples=4, fault=9.0)
    assert (p == q).all()
    hit = np.abs(weak - off + 9) < 1e-9
    assert (hit.sum(1) == 1).all() and (hit.sum(0) > 30).all()
    assert np.allclose(weak[~hit], off[~hit])
    same = apart(samples=4, fixed=3.0)[1] - off
    assert abs(same.std() / 3 - 1) < 0.03
    silent = np.isnan(apart(samples=4, fault=70.0)[1])
    assert (silent.sum(1) == 1).all()
    assert abs(apart(samples=1)[1].std() / 4 - 1) < 0.03


def experiment_by_others(page):
    """Every arm again from the same readings: scikit-learn's neighbours,
    and sums written out beacon by beacon, place by place."""
    beacons = [(x, y) for y in (4.0, 16.0, 28.0)
               for x in (5.0, 20.0, 35.0, 50.0)]
    xs, ys = np.arange(0.25, 55, 0.5), np.arange(0.25, 32, 0.5)
    points = np.array([(x, y) for x in xs for y in ys])

    def fade(places):
        d = np.stack([np.hypot(places[:, 0] - x, places[:, 1] - y)
                      for x, y in beacons], 1)
        return d, -40 - 22 * np.log10(np.maximum(d, 1))
    d, mu = fade(points)
    for seed, fault, samples, cap in ((1003, 0.0, 3, 0.3),
                                      (1004, 18.0, 5, 0.8),
                                      (1005, 80.0, 2, 0.1)):
        more = dict(cars=25, samples=samples, fault=fault)
        p, r = page["park"](seed, 25, samples, fault)
        log, noise = np.where(np.isnan(r), -95, r), 4 / samples ** 0.5
        survey = np.array([(x, y) for x in np.arange(1.25, 55, 2.5)
                           for y in np.arange(1.25, 32, 2.5)])[:286]
        walked = np.random.default_rng([seed, 1]).normal(
            0, 4, (20, 286, 12)).mean(0)
        knn = KNeighborsRegressor(4).fit(fade(survey)[1] + walked, survey)
        said = {"fingerprint": knn.predict(log), "booked":
                KNeighborsRegressor(1).fit(mu, points).predict(log)}
        for name in ("strongest", "centroid", "distances", "likelihood",
                     "robust"):
            said[name] = np.zeros((25, 2))
        for k in range(25):
            w = [10 ** (v / 10) for v in log[k]]
            said["strongest"][k] = beacons[w.index(max(w))]
            said["centroid"][k] = [sum(a * b[c] for a, b in zip(
                w, beacons)) / sum(w) for c in (0, 1)]
            cost, plain, capped = (np.zeros(len(points)) for _ in range(3))
            for i in range(12):
                cost += (d[:, i] / 10 ** ((-40 - log[k, i]) / 22) - 1) ** 2
                if not np.isnan(r[k, i]):
                    z2 = (r[k, i] - mu[:, i]) ** 2 / noise ** 2
                    plain += z2
                    capped += np.log(1 + cap * z2)
            said["distances"][k] = points[cost.argmin()]
            said["likelihood"][k] = points[plain.argmin()]
            said["robust"][k] = points[capped.argmin()]
        assert set(said) == set(page["ARMS"])
        for arm, places in said.items():
            got = page["run"](arm, seed, cap, **more)
            off = np.hypot(*(places - p).T)
            assert abs(got["error"] - sum(off) / 25) < 1e-9, (arm, seed)
            assert abs(got["rms"] - (sum(off ** 2) / 25) ** .5) < 1e-9, arm
            right = sum(page["slot"](a) == page["slot"](b)
                        for a, b in zip(places, p)) / 25
            assert abs(got["slot"] - right) < 1e-9
            if not fault:
                assert page["against"](arm, seed, strength=cap, cars=25,
                                       samples=samples) == {
                    "rms": got["rms"]}
        least = [page["bound"](q, np.array(beacons), noise) for q in p]
        got = page["against"]("bound", seed, cars=25, samples=samples)
        assert abs(got["rms"] - np.mean(np.square(least)) ** 0.5) < 1e-9


ORACLES = [with_a_pencil, bound_in_closed_form, region_by_counting,
           equals_scipy, cars_are_as_asked, experiment_by_others]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Natural logarithm": ("10 * n * np.log10(", "10 * n * np.log("),
    "Nearer than a metre": ("np.maximum(d, 1.0)", "np.maximum(d, 1e-3)"),
    "Corners for centres": ("np.arange(step / 2, side, step)",
                            "np.arange(0.0, side, step)"),
    "Silence for a number": (
        "heard = ~np.isnan(row)  ",
        "row = np.nan_to_num(row, nan=-95.0); heard = row < 0  "),
    "Cap not divided out": ("np.log1p(cap * z2) / cap",
                            "np.log1p(cap * z2)"),
    "Least likely first": ("np.argsort(-p, axis=1)", "np.argsort(p, axis=1)"),
    "One place short": ("likelier < share", "likelier + ranked < share"),
    "Noise not squared": ("@ J / noise ** 2", "@ J / noise"),
    "Distance not squared": ("* d / d2 * (d2 > 1)",
                             "* d / np.sqrt(d2) * (d2 > 1)"),
    "Trace before the inverse": (
        "np.trace(np.linalg.inv(F), axis1=-2, axis2=-1)",
        "1 / np.trace(F, axis1=-2, axis2=-1)"),
}
TRAIN = {"arm": "robust", "seed": 1000, "cars": 4, "fault": 60.0}

# strength is the cap: at 0 a squared residual counts as it is
NULL = {"arm": "robust", "baseline": "likelihood", "strength": 0.0,
        "cars": 20, "fault": 20.0}

TRACES = {
    "run": dict(arms=["strongest", "centroid", "fingerprint", "distances",
                      "booked", "likelihood", "robust"], cars=3),
    "against": dict(arms=["likelihood", "fingerprint", "bound"], cars=3)}
EXPERIMENT = {
    "metric: squared metres for metres": ('"error": float(off.mean())',
                                          '"error": float((off ** 2).mean())'
                                          ),
    "metric: half of the bound": ("return {\"rms\": float((least ** 2).mean()"
                                  " ** 0.5)}",
                                  "return {\"rms\": float((least ** 2).mean()"
                                  " ** 0.5 / 2 ** 0.5)}"),
    "rival: a centroid weighted by amplitudes": (
        "milliwatts = 10 ** (r / 10)", "milliwatts = 10 ** (r / 20)"),
    "rival: one fingerprint alone": ("axis=1)[:, :4]].mean(1)",
                                     "axis=1)[:, :1]].mean(1)"),
    "rival: far distances count most": (
        "((AWAY / d_hat - 1) ** 2)", "((AWAY - d_hat) ** 2)"),
    "rival: booked leaves silence out": (
        "r = np.nan_to_num(r, nan=DEAF)\n    if arm == \"booked\":",
        "if arm != \"booked\":\n        r = np.nan_to_num(r, nan=DEAF)\n"
        "    if arm == \"booked\":"),
    "pairing: every seed has the same cars": (
        "np.random.default_rng(seed)", "np.random.default_rng(0)"),
    "counting: the noise of one sample": (
        "answer(arm, r, SIGMA / samples ** 0.5,", "answer(arm, r, SIGMA,"),
    "counting: the bound of one sample": (
        'SIGMA / how["samples"] ** 0.5', "SIGMA"),
    "counting: rows without the last slot": ("return 22 * row",
                                             "return 21 * row"),
    "search: the cap is ignored": ("strength, seed)", "0.3, seed)"),
}
NOT = {"exam": "nothing is trained on cars that are examined later",
       "labels": "readings are drawn from places, no label is among them",
       "mode": "there is no network with a mode for training"}
STAYS = {"Corners for centres": "PLACES, made once by grid"}
UNKNOWN = ["answer('nearest', park(1000, 2, 1)[1], 4.0, 0.3, 1000)"]

WRONG = {
    "parked_car-1": [("ring = 2.418", "Five samples"),
                     ("ring = 0.7646", "one coordinate"),
                     ("ring = 0.4696", "ln 10"),
                     ("ring = 0.5", "multiple of the identity")],
    "parked_car-2": [("same = 0", "Which noise"), ("same = 40", "Between")],
    "parked_car-3": [
        ("middle = lambda logl, places: places[logl.argmax(1)]",
         "most likely place"),
        ("middle = lambda logl, places: np.exp(logl) @ places / "
         "np.exp(logl).sum(1, keepdims=True)", "subtract the largest"),
        ("middle = lambda logl, places: logl @ places / "
         "logl.sum(1, keepdims=True)", "weighted by its probability"),
        ("middle = lambda logl, places: places.mean(0)", "Return (cars, 2)")],
    "parked_car-4": [("mended = lambda p, samples: bound(p, BEACONS, SIGMA)",
                      "At 4 samples"),
                     ("mended = lambda p, samples: bound(p, BEACONS, SIGMA "
                      "/ samples)", "At 4 samples")],
}
OPEN = {"parked_car-2": "any fixed part that outweighs the mean's noise"}
