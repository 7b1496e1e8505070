"""recognition: what this stop must survive (see test_every_page.py)."""

import numpy as np
from sklearn.metrics import average_precision_score


def precision_by_sklearn(page):
    """The same area where every object is found; else a share of it."""
    g = np.random.default_rng(0)
    for truths in (7, 12, 30):
        scores, hits = g.random(40), np.zeros(40, bool)
        hits[g.permutation(40)[:7]] = True
        got = page["average_precision"](scores, hits, truths)
        want = average_precision_score(hits, scores) * 7 / truths
        np.testing.assert_allclose(got, want)


def boxes_by_pixels(page):
    """Overlap by counting pixels."""
    g = np.random.default_rng(1)
    for _ in range(200):
        a, b = (np.r_[p, p + s] for p, s in (
            (g.integers(8, size=2), g.integers(1, 9, size=2))
            for _ in range(2)))
        grid = np.zeros((2, 20, 20), bool)
        for one, (top, left, bottom, right) in zip(grid, (a, b)):
            one[top:bottom, left:right] = True
        np.testing.assert_allclose(
            page["iou"](a, b), grid.all(0).sum() / grid.any(0).sum())


def places_one_by_one(page):
    """Every window by itself; what overlaps a better one is struck out."""
    means = page["means"]
    for picture in page["canvases"](1003, 3)[0]:
        all_ = []
        for r in range(17):
            for c in range(17):
                z = picture[r:r + 8, c:c + 8].ravel()
                fits = [z @ (m - m.mean()) / np.linalg.norm(m - m.mean())
                        for m in means]
                all_.append((max(fits), int(np.argmax(fits)), r, c))
        kept = []
        for s, k, r, c in sorted(all_, reverse=True):
            if all(max(abs(r - a), abs(c - b)) > 5 for *_, a, b in kept):
                kept.append((s, k, r, c))
        for mine, (s, k, box) in zip(kept, page["detect"](picture)):
            assert (k, *box[:2]) == mine[1:] and abs(s - mine[0]) < 1e-9


def films_move(page):
    """A film shows what its way says, the second half is the first one
    backwards; a digit never leaves the picture."""
    shown, ways = page["films"](1003, 40)
    assert np.array_equal(shown[40:], shown[:40, ::-1])
    for film, way in zip(shown, ways):
        moved = [np.roll(film[t], {0: (0, 7 - t), 1: (0, t - 7),
                                   2: (7 - t, 0), 3: (t - 7, 0)}[way],
                         (0, 1)) for t in range(8)]
        assert np.std(moved, 0).mean() < 2.2 < np.std(film, 0).mean()
        ink = film.sum()
        assert ink > 8 * 150


ORACLES = [precision_by_sklearn, boxes_by_pixels, places_one_by_one,
           films_move]

WRONG = {
    "recognition-1": [("overlap = 24", "shared area"),
                      ("overlap = 24 / 64", "either box"),
                      ("overlap = 24 / 128", "counted twice")],
    "recognition-2": [
        ("def movement(average):\n    return np.zeros(len(average), int)",
         "Along which"),
        ("def movement(average):\n    a = average.clip(0)\n"
         "    return np.where(a.sum(1).std(1) > a.sum(2).std(1), 0, 2)",
         "Across"),
        ("def movement(average):\n    return average.mean((1, 2)) > 3",
         "Along which"),
    ],
}
OPEN = {"recognition-2": "many measures of a smear's axis will do"}
