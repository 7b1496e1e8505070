"""music_recommendation: what this stop must survive."""

import numpy as np
from scipy.sparse.linalg import svds

from lab1784.data.songs import listening


def hits_one_by_one(page):
    """Songs and listeners counted in loops."""
    g = np.random.default_rng(0)
    score, played = g.random((30, 9)), (g.random((30, 9)) < 0.3) * 1.0
    for most in (1, 4, 30):
        want = [sum(played[u, s] for u in sorted(
            range(30), key=lambda u: -score[u, s])[:most]) / most
            for s in range(9)]
        np.testing.assert_allclose(page["hits"](score, played, most),
                                   np.mean(want))


def map_by_another_solver(page):
    """scipy's iterative solver, and no rank-two table is nearer."""
    table = listening(1003, 60, 40)[0]
    left, right = page["taste_map"](table, 2)
    rest = table - table.mean(1, keepdims=True)
    rest = rest - rest.mean(0)
    u, s, v = svds(rest, 2)
    np.testing.assert_allclose(left @ right.T, u * s @ v, atol=1e-9)
    np.testing.assert_allclose(right.T @ right, np.eye(2), atol=1e-9)


def taste_without_noise_is_found(page):
    """A table that is two tastes and two means is approximated exactly."""
    g = np.random.default_rng(1)
    a, b = g.normal(size=(50, 2)), g.normal(size=(40, 2))
    a, b = a - a.mean(0), b - b.mean(0)
    table = a @ b.T + g.normal(size=(50, 1)) + g.normal(size=(1, 40))
    left, right = page["taste_map"](table, 2)
    np.testing.assert_allclose(left @ right.T, a @ b.T, atol=1e-9)


def sound_by_the_normal_equations(page):
    """Ridge regression solved by hand, the intercept not shrunk."""
    plays, sound, _ = listening(1004)
    left, right = page["taste_map"](plays[:, :180])
    mean, at = sound[:180].mean(0), right.mean(0)
    x = sound[:180] - mean
    w = np.linalg.solve(x.T @ x + 10 * np.eye(12), x.T @ (right - at))
    want = left @ (at + (sound[180:] - mean) @ w).T
    want += plays[:, :180].mean(1)[:, None]
    np.testing.assert_allclose(page["by_sound"](plays, sound), want)


def order_of_the_lines(page):
    """On other draws as on the page: above the truth stands only the leak."""
    g = np.random.default_rng(2)
    for seed in range(1000, 1006):
        plays, sound, chance = listening(seed)
        new = plays[:, 180:]
        much = np.repeat(plays[:, :180].mean(1, keepdims=True), 60, 1)
        a, b = sound[:180] - sound[:180].mean(0), sound[180:]
        alone = plays[:, :180].mean(1) + (b - sound[:180].mean(0)) @ (
            np.linalg.solve(a.T @ a + 10 * np.eye(12),
                            a.T @ plays[:, :180].T))
        line = [page["hits"](score, new) for score in (
            g.random(new.shape), much, alone.T,
            page["by_sound"](plays, sound), chance[:, 180:])]
        assert (np.diff(line) > [0.15, 0.07, 0.01, 0.02]).all()
        best = np.sort(chance[:, 180:], 0)[-20:]
        assert np.sqrt((best * (1 - best)).sum()) / best.size < 0.015
        assert page["hits"](page["leaky"](plays, sound), new) > line[3] + 0.02


ORACLES = [hits_one_by_one, map_by_another_solver,
           taste_without_noise_is_found, sound_by_the_normal_equations,
           order_of_the_lines]

WRONG = {
    "music_recommendation-1": [("share = 0.5", "but of those picked"),
                               ("share = 0.2", "Divide by those"),
                               ("share = 1", "of the three")],
    "music_recommendation-2": [
        ("def peeks(recommender):\n    return False", "popular a new song"),
        ("def peeks(recommender):\n    return True", "`by_sound`"),
        ("def peeks(recommender):\n"
         "    return recommender(1 - plays, sound).sum() != "
         "recommender(plays, sound).sum()", "`by_sound`"),
        ("def peeks(recommender):\n"
         "    return hits(recommender(plays, sound), plays[:, new]) > 0.5",
         "you say"),
        ("def peeks(recommender):\n"
         "    seen = plays.copy()\n"
         "    seen[:, 180] = 1 - seen[:, 180]\n"
         "    return (recommender(seen, sound) != "
         "recommender(plays, sound)).any()", "last song alone"),
        ("def peeks(recommender):\n"
         "    seen = plays.copy()\n"
         "    seen[:, new] = 1 - seen[:, new]\n"
         "    return (recommender(seen, sound)[0] != "
         "recommender(plays, sound)[0]).any()", "last song alone"),
        ("def peeks(recommender):\n"
         "    first = recommender(plays, sound)\n"
         "    plays[:, new] = 0\n"
         "    return (recommender(plays, sound) != first).any()",
         "a copy")],
}
OPEN = {"music_recommendation-2": "any change of the new songs' plays will do"}
