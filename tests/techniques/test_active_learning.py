"""Active learning: oracles, mistakes, null and wrong answers."""

import itertools

import numpy as np
from scipy import stats
from scipy.spatial import distance
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


def ties_go_to_the_first_drawn(space):
    """Equal doubt: those asked stand first in `rest`, whose order is drawn
    anew each round, not that of the numbers."""
    x, rest = np.random.default_rng(3).random((40, 2)), np.arange(39, 9, -1)
    model = Doubt(np.full((40, 10), 0.1), x)
    for rule in NAMES:
        assert list(space["most_unsure"](model, x, rest, rule, 4)) == [
            39, 38, 37, 36]
    seen = []
    space["active_loop"](x, lambda *_: None, lambda i: i, np.arange(4),
                         lambda model, asked, rest: seen.append(list(rest))
                         or rest[:3], 2, np.random.default_rng(7))
    assert all(rest != sorted(rest) for rest in seen)
    assert [i for i in seen[0] if i in seen[1]] != seen[1]


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
            # A guess is right one time in ten, whatever the digit is.
            assert 0.06 < (bad_y == y)[spoilt].mean() < 0.15
            assert space["draw_pool"](seed, kind, 0.25)[2].sum() == 300
            rows, old = bad[spoilt], x[spoilt]
            if kind == "shuffled":   # the same pixels, in an order of its own
                np.testing.assert_array_equal(np.sort(rows), np.sort(old))
                assert rows.mean(axis=0).std() < 0.05 < old.mean(axis=0).std()
            if kind == "smeared":    # of ten, a tenth of the variance
                ratio = rows.var(axis=0).sum() / x.var(axis=0).sum()
                assert 0.08 < ratio < 0.125


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


def what_run_counts(space):
    """Curves that are known: the bar is crossed once, crossed and lost,
    never reached.  Labels by hand, the other metrics by their meaning."""
    for curve, labels, step in (
            ([.5, .9, .98, .99], 50.0, 0),          # half way, 40 to 60
            ([.5, .96, .2, .1], 20 + 20 * 44 / 46, 0),
            ([.1, .2, .3, .2], 80.0, 0.01)):
        def one(arm, seed, *_):
            return (np.array(curve) + step * seed[1], None,
                    np.arange(4) < seed[1])
        real, space["one"] = space["one"], one
        try:
            got = space["run"]("random", 5, steps=3, draws=2)
        finally:
            space["one"] = real
        mean = np.array(curve) + step / 2
        np.testing.assert_allclose(got["labels"], labels)
        np.testing.assert_allclose(got["accuracy"], mean[-1])
        np.testing.assert_allclose(
            [got[f"at {n}"] for n in (20, 40, 60, 80)], mean)
        np.testing.assert_allclose(got["spoilt"], 0.125)


def draws_of_a_seed_differ(space):
    """Three draws, one of which is far off: means, none left out; each
    draw has its own pool and its own start."""
    real = space["one"]
    space["one"] = lambda arm, seed, *_: (
        np.array([[.5, .96], [.5, .98], [.1, .2]][seed[1]]), None,
        np.array([[1, 1], [0, 0], [0, 1]][seed[1]]))
    try:
        got = space["run"]("random", 5, steps=1, draws=3)
    finally:
        space["one"] = real
    labels = [20 + 20 * 44 / 46, 20 + 20 * 44 / 48, 40]
    np.testing.assert_allclose(
        [got[k] for k in ("labels", "accuracy", "at 20", "spoilt")],
        [np.mean(labels), 2.14 / 3, 1.1 / 3, 0.5])
    starts, real = [], space["active_loop"]

    def loop(x, fit, answer, start, *rest):
        starts.append((tuple(start), x[0].tobytes()))
        return real(x, fit, answer, start, *rest)
    space["active_loop"] = loop
    try:
        for seed in ((3, 0), (3, 1), (4, 0)):
            space["one"]("random", seed, 1.0, 0, "clean", 0.5, 5.0)
    finally:
        space["active_loop"] = real
    assert [len(set(kind)) for kind in zip(*starts)] == [3, 3]


def one_draw_tells_what_was_asked(space):
    """Two rounds: the questions after the start, and which were spoilt."""
    _, asked, wasted = space["one"]("random", (3, 1), 1.0, 2, "slips", 0.4,
                                     5.0)
    spoilt = space["draw_pool"]((3, 1), "slips", 0.4)[2]
    assert len(asked) == 2 * space["BATCH"]
    assert list(wasted) == list(spoilt[asked])


def who_asks(space):
    """The rivals: random takes the next in the drawn order, k-center the
    farthest by distances from SciPy; at half strength, what coins say."""
    rng, size = np.random.default_rng(0), space["BATCH"]
    x, asked = rng.random((200, 64)), np.arange(10)
    rest, heads = rng.permutation(np.arange(10, 200)), 15
    x[rest[0]] += 3                  # next in order, and asked by every rule
    model = Doubt(rng.dirichlet(np.ones(10), 200), x)
    model.p[rest[0]] = 0.1
    for arm in ("random", "k-center", "margin", "entropy"):
        new = space["make_query"](arm, x, Coins(heads), 0.5)(
            model, asked, rest)
        led = wanted(arm, model.p, x, asked, rest, heads)
        rest_of = [i for i in rest if i not in led][:size - len(led)]
        assert list(new) == [*led, *rest_of], arm


class Coins:
    """A generator of which `heads` of the numbers lie below a half."""

    def __init__(self, heads):
        self.heads = heads

    def random(self, n):
        return np.where(np.arange(n) < self.heads, 0.1, 0.9)


class Doubt:
    """A model whose probabilities are given: a row of x, a row of p."""

    def __init__(self, p, x):
        self.p, self.x = p, x

    def predict_proba(self, x):
        return self.p[(x[:, None] == self.x).all(2).argmax(1)]


def wanted(arm, p, x, asked, rest, count):
    if arm == "random":
        return []
    if arm != "k-center":
        top = -np.sort(-p[rest], axis=1)
        doubt = {"margin": top[:, 1] - top[:, 0],
                 "entropy": stats.entropy(top, axis=1)}[arm]
        return list(rest[np.argsort(-doubt)[:count]])
    known, new = list(asked), []
    for _ in range(count):
        far = distance.cdist(x[rest], x[known]).min(axis=1)
        new.append(rest[far.argmax()])
        known.append(new[-1])
    return new


ORACLES = [ties_go_to_the_first_drawn, draws_of_a_seed_differ,
           same_questions_as_scikit_activeml, two_classes_one_order,
           pool_and_test_share_nothing, a_loop_that_is_watched,
           farthest_by_brute_force, what_run_counts,
           one_draw_tells_what_was_asked, who_asks]

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


def scramble(space):
    """Each digit gets the label of another, in pool and test alike."""
    target = space["DIGITS"].target
    space["DIGITS"].target = np.random.default_rng(0).permutation(target)


TRACES = {"run": dict(
    arms=["random", "k-center", "entropy", "margin"], steps=2, draws=1,
    updates=3, rates=[("margin", {"C": {"margin": 0.3}}, 0.3)],
    but={"batches": "which examples are asked for is what the arms differ "
                    "in; the start is the same"})}
CHANCE = dict(scramble=scramble, metric="accuracy", chance=0.1, room=0.05,
              arm="random", seed=1000, steps=5)
EXPERIMENT = {
    "rival: one new order of pixels for all images": (
        "rng.permuted(x[:POOL][spoilt], axis=1)",
        "x[:POOL][spoilt][:, rng.permutation(64)]"),
    "counting: draws that reach the bar only": (
        "for g in got]))", "for g in got if g['accuracy'] >= BAR] or [0]))"),
    "exam: scored on the pool": ("m.score(test_x, test_y)",
                                 "m.score(x, y)"),
    "exam: the test lies in the pool": ("x[POOL:], y[POOL:]",
                                        "x[:597], y[:597]"),
    "labels: the label is a pixel": (
        "    spoilt = np.zeros(POOL, bool)",
        "    x[:, 0], spoilt = y, np.zeros(POOL, bool)"),
    "metric: share of the labels, not of the questions": (
        "spoilt[asked[START:]]", "spoilt[asked]"),
    "metric: a test per draw, one mean of all but the last": (
        "np.mean([g[name] for g in got])",
        "np.mean([g[name] for g in got[:-1] or got])"),
    "rival: random asks in the order of the file": (
        "return rest[:BATCH]", "return np.sort(rest)[:BATCH]"),
    "rival: k-center by the sum for the smallest distance": (
        ".min(axis=1), []", ".sum(axis=1), []"),
    "rival: a coin turned": ("(coins.random(BATCH) < strength)",
                             "(coins.random(BATCH) > strength)"),
    "pairing: the start is that of every seed": (
        "np.random.default_rng([k, *seed]) for",
        "np.random.default_rng([k, 0]) for"),
    "pairing: the pool is that of every seed": (
        "rng = np.random.default_rng(seed)",
        "rng = np.random.default_rng(0)"),
    "counting: any crossing": (
        "best = np.maximum.accumulate(curve)", "best = curve"),
    "counting: a batch too few": ("counts = START + BATCH * np.arange(steps "
                                  "+ 1)", "counts = BATCH * np.arange(steps "
                                  "+ 1)"),
    "search: one C for all": ("C[arm])", "CLEAN[arm])"),
}
NOT = {"mode": "logistic regression has no layer that learns and measures "
               "in two ways"}
UNKNOWN = ["uncertainty(np.eye(3), 'least_confident')",
           "draw_pool(3, 'blurred')"]

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
