"""drawing_robot: what this stop must survive (see test_every_page.py)."""

from itertools import permutations, product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components


def smoothest_on_a_grid(page):
    """The least sum of squared third differences from rest to rest, without
    polynomials: numbers on a grid, three of them held at either end."""
    n = 401
    third = np.diff(np.eye(n), 3, axis=0)
    held = np.repeat([0.0, 1.0], 3)
    free = np.linalg.lstsq(third[:, 3:-3], -third[:, [0, 1, 2, -3, -2, -1]]
                           @ held, rcond=None)[0]
    t = (np.arange(3, n - 3) - 1) / (n - 3)
    np.testing.assert_allclose(free, page["ease"](t), atol=2e-4)


def some(seed, n, points=3):
    g = np.random.default_rng(seed)
    return list(g.normal(size=(n, points)) + 1j * g.normal(size=(n, points)))


def walked(order):
    """The way with the pen up, step by step."""
    pen, way = 0j, 0.0
    for line in order:
        way += np.hypot((line[0] - pen).real, (line[0] - pen).imag)
        pen = line[-1]
    return way + abs(pen)


def orders(lines):
    for order in permutations(lines):
        for turns in product((1, -1), repeat=len(lines)):
            yield [line[::k] for line, k in zip(order, turns)]


def shortest(lines):
    """The least way with the pen up, by integer programming: every end has
    one move, 0 has two, a closed stroke two; what comes apart is joined."""
    at, owner, moves = [0j], [0], [2]
    for k, line in enumerate(lines, 1):
        closed = abs(line[0] - line[-1]) < 1e-9
        for p in line[:1] if closed else (line[0], line[-1]):
            at.append(p)
            owner.append(k)
            moves.append(1 + closed)
    at, owner = np.array(at), np.array(owner)
    i, j = np.triu_indices(len(at), 1)
    i, j = i[owner[i] != owner[j]], j[owner[i] != owner[j]]
    every, cost = np.arange(len(i)), abs(at[i] - at[j])
    table = csr_array((np.ones(2 * len(i)),
                       (np.r_[i, j], np.r_[every, every])))
    rules = [LinearConstraint(table, moves, moves)]
    while True:
        taken = milp(cost, constraints=rules, bounds=Bounds(0, 1),
                     integrality=np.ones(len(i))).x > 0.5
        links = csr_array((np.ones(taken.sum()),
                           (owner[i[taken]], owner[j[taken]])),
                          shape=(len(lines) + 1,) * 2)
        parts, part = connected_components(links, directed=False)
        if parts == 1:
            return cost[taken].sum()
        crosses = [(part[owner[i]] == c) != (part[owner[j]] == c)
                   for c in range(parts)]
        rules.append(LinearConstraint(np.array(crosses, float), 2, np.inf))


def tours_by_brute_force(page):
    """All orders of a few strokes: no tour is shorter than the shortest,
    each has every stroke once, 2-opt leaves no run to be turned, and from
    one beginning or another it ends at the shortest."""
    for seed in range(12):
        lines = some(seed, 4)
        ways = [walked(order) for order in orders(lines)]
        np.testing.assert_allclose(shortest(lines), min(ways))
        near = page["nearest"](lines)
        left, pen = list(range(4)), 0j
        for line in near:
            k = min(left, key=lambda k: min(abs(lines[k][0] - pen),
                                            abs(lines[k][-1] - pen)))
            turned = abs(lines[k][-1] - pen) < abs(lines[k][0] - pen)
            assert np.array_equal(line, lines[k][::-1 if turned else 1])
            left.remove(k)
            pen = line[-1]
        best = page["two_opt"](near)
        assert sorted(min(p[0].real, p[-1].real) for p in best) == sorted(
            min(p[0].real, p[-1].real) for p in lines)
        for tour in (near, best):
            np.testing.assert_allclose(page["air"](tour), walked(tour))
        for a in range(4):
            for b in range(a + 1, 5):
                run = [p[::-1] for p in reversed(best[a:b])]
                assert walked(best[:a] + run + best[b:]) > walked(best) - 1e-8
        assert min(ways) - 1e-9 <= walked(best) <= walked(near) + 1e-9
        np.testing.assert_allclose(min(ways), min(
            walked(page["two_opt"](list(order)))
            for order in permutations(lines)))


def drawing_against_the_shortest(page):
    """What the page says of its drawing."""
    lines = page["drawing"]()
    found = page["two_opt"](page["nearest"](lines))
    best = shortest(lines)
    assert len(lines) == 46
    assert 1 < walked(found) / best < 1.05
    assert walked(found) < walked(page["two_opt"](lines)) - 1
    assert 1.9 < walked(lines) / walked(found) < 2.1
    air = [sum(map(page["seconds"], page["lifts"](tour)))
           for tour in (lines, found)]
    assert 1.8 < air[0] / air[1] < 2.2
    for line in lines:
        assert ((line.real >= 0) & (line.real <= 24)
                & (line.imag >= 0) & (line.imag <= 18)).all()
        np.testing.assert_allclose(page["seconds"](line),
                                   page["seconds"](line[::-1]))


def arm_goes_there(page):
    """Rods put end to end reach the pen; speeds by the inverse Jacobian."""
    for link, base in ((15, 12 - 9j), (11, 3j)):
        g = np.random.default_rng(link)
        pen = base + link * 2 * g.uniform(0.1, 0.99, 50) * np.exp(
            1j * g.uniform(0.3, 2.8, 50))
        a, e = page["joints"](pen, link, base)
        assert ((e > 0) & (e < np.pi)).all()
        np.testing.assert_allclose(link * (np.cos(a) + np.cos(a + e)),
                                   (pen - base).real)
        np.testing.assert_allclose(link * (np.sin(a) + np.sin(a + e)),
                                   (pen - base).imag, atol=1e-9)
        out = 1e-6 * np.exp(1j * np.angle(pen - base))
        rate = (page["joints"](pen + out, link, base)[1] - e) / 1e-6
        np.testing.assert_allclose(rate, -1 / (link * np.sin(e / 2)),
                                   rtol=1e-3)
    start, end = 2 + 17j, 21 + 3j
    t = np.linspace(0, 1, 4001)
    pen = start + page["ease"](t) * (end - start)
    a, e = page["joints"](pen)
    speed = 30 * t ** 2 * (1 - t) ** 2 * (end - start)
    rows = np.array([[-np.sin(a) - np.sin(a + e), -np.sin(a + e)],
                     [np.cos(a) + np.cos(a + e), np.cos(a + e)]]) * 15
    turn = np.linalg.solve(np.moveaxis(rows, 2, 0),
                           np.stack([speed.real, speed.imag], 1)[..., None])
    for most in (1, 2.5):
        np.testing.assert_allclose(
            page["seconds"](np.array([start, end]), most),
            abs(turn).max() / most, rtol=1e-3)


ORACLES = [smoothest_on_a_grid, tours_by_brute_force,
           drawing_against_the_shortest, arm_goes_there]

WRONG = {
    "drawing_robot-1": [("fastest = 15", "the mean"),
                        ("fastest = 1.875", "way of 1"),
                        ("fastest = 56.25", "one second"),
                        ("fastest = 30", "Differentiate")],
    "drawing_robot-2": [
        ("bad = [(1, 2), (3, 4), (5, 6)]", "nearest is the best"),
        ("bad = [(1, 1.1), (-1.2, -1.3), (4, 4.1)]", "a quarter, please"),
        ("bad = [(1, 2, 3), (3, 4), (5, 6)]", "two complex numbers"),
        ("bad = [((7, 3), (9, -5)), ((0, -2), (6, -2)), ((1, -2), (9, -3))]",
         "two complex numbers"),
        ("bad = [(0, 0), (0, 0), (0, 0)]", "nothing can be longer")],
}
OPEN = {"drawing_robot-2": "many triples lead the greedy pen astray"}
