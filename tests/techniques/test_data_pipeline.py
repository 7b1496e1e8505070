"""data_pipeline: what this stop must survive (see test_every_page.py)."""

import numpy as np


def jaccard(a, b):
    return len(a & b) / len(a | b)


def minhash_is_unbiased(page):
    """Against Python's own sets; the standard deviation as stated."""
    rng = np.random.default_rng(0)
    items = np.arange(64) * 5 + rng.integers(5, size=(4, 64))
    items[1, :40] = items[0, :40]
    sig = page["signatures"](items, 20_000, rng)
    for i in range(4):
        for j in range(i):
            true = jaccard(set(items[i]), set(items[j]))
            seen = (sig[i] == sig[j]).mean()
            assert abs(seen - true) < 4 * (true * (1 - true) / 20_000) ** 0.5
    many = (sig[0] == sig[1]).reshape(100, 200).mean(1)
    true = jaccard(set(items[0]), set(items[1]))
    assert 0.8 < many.std() / (true * (1 - true) / 200) ** 0.5 < 1.2


def every_row_by_hand(page):
    """The rules again, by loops and exact sets: every picture's set has one
    item a place, so that two share as many as their places agree."""
    for seed in (0, 1000, 1001):
        x, y, wrong = page["spoiled"](seed)
        got = page["find"](x, y, np.random.default_rng(seed))
        kept, places = [], x.shape[1]
        for i, row in enumerate(x):
            both = (x[kept] // 4 == row // 4).sum(1)
            name = "unit" if max(row) > 16 else "copy" if (
                row == x[:i]).all(1).any() else "near copy" if (
                both / (2 * places - both) >= 0.65).any() else ""
            if not name:
                kept.append(i)
            assert name == got[i] or got[i] == "label" and not name, (i, name)
            assert name == wrong[i] or wrong[i] == "label" and not name
        a, b = ({(p, v // 4) for p, v in enumerate(x[i])} for i in kept[:2])
        both = (x[kept[0]] // 4 == x[kept[1]] // 4).sum()
        assert jaccard(a, b) == both / (2 * places - both)
        rows = np.array(kept)
        for i in rows:
            far = ((x[rows] - x[i]) ** 2).sum(1).astype(float)
            far[rows == i] = np.inf
            five = set(y[rows[np.sort(far)[4] >= far]].tolist())
            if len(five) == 1 and (far <= np.sort(far)[4]).sum() == 5:
                assert (got[i] == "label") == (five != {y[i]})


def twins_by_hand(page):
    """What learning by heart gives, picture by picture."""
    model = page["KNeighborsClassifier"](1)
    x, y = page["noisy_digits"](3)
    for share in (0.0, 0.2, 0.4):
        train = [*range(100, 100 + round(200 * share)),
                 *range(round(200 * share), 100)]
        right = 0
        for i in range(100, 300):
            far = [((x[i] - x[j]) ** 2).sum() for j in train]
            right += y[train[int(np.argmin(far))]] == y[i]
        assert page["score"](share, 3, model) == right / 200


ORACLES = [minhash_is_unbiased, every_row_by_hand, twins_by_hand]

WRONG = {
    "data_pipeline-1": [("orders = 8", "once more"),
                        ("orders = 20", "square root"),
                        ("orders = 2000", "Both")],
    "data_pipeline-2": [
        ("def split(group, rng):\n    return rng.random(len(group)) < 0.5",
         "both sides"),
        ("def split(group, rng):\n    return group == group[0]",
         "too small"),
        ("def split(group, rng):\n    return np.flatnonzero(group < 45)",
         "every row")],
}
OPEN = {"data_pipeline-2": "every way to share out whole groups"}
