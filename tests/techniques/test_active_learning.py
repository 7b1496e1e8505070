"""Active learning: oracles, mistakes, null and wrong answers."""

import itertools

import numpy as np
from scipy import stats
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from skactiveml.classifier import SklearnClassifier
from skactiveml.pool import UncertaintySampling

NAMES = {"least confident": "least_confident", "margin": "margin_sampling",
         "entropy": "entropy"}


def same_questions_as_scikit_activeml(space):
    """Made by others: three rounds of ten questions by each rule."""
    x, y = load_digits(return_X_y=True)
    x, y = x[:300] / 16, y[:300]
    for rule, name in NAMES.items():
        _, asked = space["active_loop"](
            x, space["fitter"](5.0), lambda i: y[i], np.arange(30),
            lambda model, _, rest:
            space["most_unsure"](model, x, rest, rule, 10), 3,
            np.random.default_rng(0))
        theirs = SklearnClassifier(LogisticRegression(
            C=5.0, tol=1e-3, max_iter=1000), classes=np.arange(10))
        known = np.where(np.arange(300) < 30, y, np.nan)
        ask, want = UncertaintySampling(method=name, random_state=0), []
        for _ in range(3):
            new = ask.query(x, known, theirs, batch_size=10)
            known[new] = y[new]
            want.append(set(new))
        got = [set(asked[k:k + 10]) for k in (30, 40, 50)]
        assert got == want, rule


def two_classes_one_order(space):
    """With two classes all three rules depend on max(p) alone: one order.
    With more, the values are those of scipy and of a loop in Python."""
    p = np.random.default_rng(1).random(200)
    two = np.stack([p, 1 - p], axis=1)
    first = [np.argsort(-space["uncertainty"](two, rule)) for rule in NAMES]
    want = sorted(range(200), key=lambda i: abs(p[i] - 0.5))
    for order in first:
        assert list(order) == want
    many = np.random.default_rng(2).dirichlet(np.full(7, 0.3), size=50)
    many[0] = np.eye(7)[3]
    np.testing.assert_allclose(space["uncertainty"](many, "entropy"),
                               stats.entropy(many, axis=1), atol=1e-12)
    pairs = [sorted(row)[-2:] for row in many.tolist()]
    np.testing.assert_allclose(space["uncertainty"](many, "margin"),
                               [a - b for a, b in pairs])


def pool_and_test_share_nothing(space):
    """Together they are the digits, each once; a spoilt pool spoils the
    test set in nothing and the readable images in nothing."""
    digits, labels = load_digits(return_X_y=True)
    both = np.column_stack([digits / 16, labels])
    for seed in (3, (3, 1)):
        x, y, _, test_x, test_y = space["draw_pool"](seed)
        drawn = np.column_stack([np.concatenate([x, test_x]),
                                 np.concatenate([y, test_y])])
        assert len(drawn) == len(both)
        np.testing.assert_array_equal(drawn[np.lexsort(drawn.T)],
                                      both[np.lexsort(both.T)])
        for kind in ("slips", "smeared", "shuffled"):
            bad, bad_y, spoilt, same_x, same_y = space["draw_pool"](
                seed, kind)
            assert spoilt.sum() == 600
            assert (same_x == test_x).all() and (same_y == test_y).all()
            assert (bad[~spoilt] == x[~spoilt]).all()
            assert (bad_y[~spoilt] == y[~spoilt]).all()
            assert (bad == x).all() == (kind == "slips")


def a_loop_that_is_watched(space):
    """Every label is that of its example, no example is asked twice, the
    latest model asks: seen by a model and a person who take notes."""
    x, y = np.arange(40.0)[:, None], np.arange(40) * 7 % 11
    seen = []

    def fit(images, labels):
        seen.append((images[:, 0].astype(int), labels))
        return len(seen)

    def query(model, asked, rest):
        assert model == len(seen), "an older model asks"
        assert not set(asked) & set(rest)
        assert len(asked) + len(rest) == 40
        return rest[:5]
    models, asked = space["active_loop"](
        x, fit, lambda i: y[i], np.array([4, 30]), query, 6,
        np.random.default_rng(0))
    assert models == [1, 2, 3, 4, 5, 6, 7]
    assert list(asked[:2]) == [4, 30] and len(set(asked)) == 32
    for k, (numbers, labels) in enumerate(seen):
        assert list(numbers) == list(asked[:2 + 5 * k])
        assert list(labels) == list(y[numbers])


def farthest_by_brute_force(space):
    """k-center on a line, where the greedy choice is seen by eye."""
    line = np.array([0.0, 1, 2, 3, 10, 20])
    gaps = (line[:, None] - line) ** 2
    new = space["far_away"](gaps, np.array([0]), np.array([1, 2, 3, 4, 5]), 3)
    assert list(new) == [5, 4, 3]
    best = {}
    for pair in itertools.combinations(range(1, 6), 2):
        best[pair] = max(min(abs(line[i] - line[j]) for j in (0, *pair))
                         for i in range(6))
    assert best[tuple(sorted(new[:2]))] <= 2 * min(best.values())


ORACLES = [same_questions_as_scikit_activeml, two_classes_one_order,
           pool_and_test_share_nothing, a_loop_that_is_watched,
           farthest_by_brute_force]

MISTAKES = {
    "Largest margin": ("return ranked[:, 1] - ranked[:, 0] ",
                       "return ranked[:, 0] - ranked[:, 1] "),
    "Two least likely": ("ranked = np.sort(p, axis=1)[:, ::-1] ",
                         "ranked = np.sort(p, axis=1) "),
    "Sign of the entropy": ("return -(p * logs)", "return (p * logs)"),
    "Not refitted": ("query(models[-1], asked, rest)",
                     "query(models[0], asked, rest)"),
    "Asked twice": ("np.setdiff1d(np.arange(len(x)), asked)",
                    "np.arange(len(x))"),
    "Place for number": (
        'return rest[np.argsort(-score, kind="stable")[:count]]',
        'return np.argsort(-score, kind="stable")[:count]'),
    "Labels of others": ("answer(new)])", "answer(new)[::-1]])"),
    "Test in the pool": ("x[POOL:], y[POOL:]", "x[1000:], y[1000:]"),
}
TRAIN = dict(arm="margin", seed=1000, steps=1, draws=1)
NULL = dict(arm="margin", baseline="random", strength=0.0, steps=2, draws=1)

WRONG = {
    "active_learning-1": [
        ("disagree = [[.5, .5], [.9, .1]]", "three classes"),
        ("disagree = [[.5, .5, .5], [.4, .3, .3]]", "sum to one"),
        ("disagree = [[.9, .05, .05], [.4, .3, .3]]", "Margin does not"),
        ("disagree = [[.34, .33, .33], [.9, .05, .05]]", "Entropy also")],
    "active_learning-2": [("can_change = (3, 3)", "distance of two logits"),
                          ("can_change = (0, 0)", "other eight"),
                          ("can_change = (0, 2)", "other eight")],
    "active_learning-3": [
        ("against = ('margin', 'clean', 'accuracy')", "better than random"),
        ("against = ('margin', 'clean', 'at 40')", "some seeds only"),
        ("against = ('margin', 'smeared', 'labels')", "neither got"),
        ("against = ('margin', 'smeared', 'spoilt')", "what was learned"),
        ("against = ('margin', 'noisy', 'accuracy')", "no pool of that"),
        ("against = ('doubt', 'clean', 'accuracy')", "Choose margin"),
        ("against = ('margin', 'smeared', 'loss')", "Choose a metric")],
    "active_learning-4": [
        ("mended = tied", "which two compete"),
        ("mended = lambda p: 1 - p.max(1)", "best class only"),
        ("mended = lambda p: uncertainty(p, 'entropy')", "all classes"),
        ("mended = lambda p: 0.5", "one score a row"),
        ("mended = lambda p: p.argsort(1)[:, 0] * 0. + [0.9, 0, 0.5] if "
         "len(p) == 3 else p[:, 0]", "order is another")],
}
