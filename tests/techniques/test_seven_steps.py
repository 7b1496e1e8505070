"""Seven steps: the choice of questions, the exact test, the paper."""

import contextlib
import html
import io
import math
import re
import shutil
import tempfile
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from tests.house import ROOT


def rows(gaps, classes=4):
    """Probabilities whose two largest lie so far apart."""
    p = np.full((len(gaps), classes), 0.01)
    left = 1 - 0.01 * (classes - 2)
    p[:, 0], p[:, 2] = (left + gaps) / 2, (left - gaps) / 2
    return p


def signs_as_scipy_and_binomial(space):
    """Made by others: SciPy's enumeration; a closed form where all pairs
    differ by as much.  Ties, zeros and thirds among the differences."""
    rng = np.random.default_rng(0)
    for d in (rng.normal(0.4, 1, 9), rng.integers(-3, 5, 8) / 597,
              [0.1, 0.2, 0.3, 0.0, -0.1], [0.02, 0.01, 0.03, 0.05, 0.04]):
        want = stats.permutation_test(
            (np.asarray(d),), np.sum, permutation_type="samples",
            n_resamples=np.inf).pvalue
        assert math.isclose(space["sign_flips"](d), want), (d, want)
    for k in range(12):
        d = np.where(np.arange(11) < k, 0.1, -0.1)
        np.testing.assert_allclose(space["sign_flips"](d),
                                   stats.binomtest(k, 11).pvalue)
    assert space["sign_flips"]([0.3, 0.1, 0.2, 0.1, 0.4]) == 2 / 32
    assert space["sign_flips"](np.zeros(4)) == 1


def one_cluster_by_hand(space):
    """One cluster on a line: its centre is the weighted mean, 1.875; with
    equal weights 4.67, with the margin for a weight 7.86."""
    x, p = np.array([[10.0], [0.0], [4.0]]), rows(np.array([0.9, 0.0, 0.5]))
    rng = np.random.default_rng(0)
    assert list(space["spread"](p, x, 1, 3, rng)) == [1]
    assert list(space["spread"](p, x, 1, 3, rng, weighted=False)) == [2]
    # Of two ties only, the sure one cannot pull.
    assert list(space["spread"](p, x, 2, 1, rng)) == [1, 2]
    try:
        space["spread"](p, x, 4, 1, rng)
    except ValueError:
        return
    raise AssertionError("four questions of three rows")


def spread_in_loops(space):
    """The whole rule with loops, every setting away from its default."""
    rng = np.random.default_rng(1)
    x = np.repeat(rng.normal(size=(30, 3)), 3, axis=0)
    x += 1e-2 * rng.normal(size=x.shape)
    p = rng.dirichlet(np.full(4, 0.6), len(x))
    gap = [sorted(row)[-1] - sorted(row)[-2] for row in p.tolist()]
    # Without weights two rows alone in a cluster would tie: few clusters.
    for count, beta, weighted in ((7, 3, True), (3, 9, False), (5, 2.5, True),
                                  (9, np.inf, True), (4, np.inf, False)):
        got = space["spread"](p, x, count, beta, np.random.default_rng(7),
                              weighted=weighted)
        order = sorted(range(len(x)), key=lambda i: gap[i])
        near = order[:len(x) if beta == np.inf else int(count * beta)]
        state = int(np.random.default_rng(7).integers(2**31))
        weights = [1 - gap[i] if weighted else 1.0 for i in near]
        centres = KMeans(count, n_init=1, random_state=state).fit(
            x[near], sample_weight=weights).cluster_centers_
        left = list(near)
        for centre in centres:
            left.remove(min(left, key=lambda i: math.dist(x[i], centre)))
        want = [i for i in near if i not in left]
        assert list(got) == want, (count, beta, weighted)
        assert len(set(got)) == count


def two_centres_one_row(space):
    """Two far twins: the second centre may not ask for the same row."""
    x = np.array([[0.0], [0.0], [0.0], [0.0], [9.0], [9.1]])
    for seed in range(4):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # of the twins
            got = space["spread"](rows(np.linspace(0, 0.5, 6)), x, 5, 2,
                                  np.random.default_rng(seed))
        assert len(set(got)) == 5


def fake(name, arm, rival, gain, least=0.5, verdict="holds"):
    """A record with numbers that are easily told apart."""
    rng = np.random.default_rng(len(name))
    base = 1 + rng.random(6)
    arms = {arm: list(base + gain + 0.2 * rng.random(6)), rival: list(base),
            "third": list(rng.random(6))}
    d = np.subtract(arms[arm], arms[rival])
    half = stats.t.ppf(0.975, 5) * d.std(ddof=1) / math.sqrt(6)
    return {"id": name, "statement": f"{arm} < {rival}", "unit": "a & b",
            "arm": arm, "baseline": rival, "arms": arms, "verdict": verdict,
            "seeds": list(range(6)), "effect": float(d.mean()),
            "interval": [float(d.mean() - half), float(d.mean() + half)],
            "least_effect": least}


RECORDS = [fake("the-one", "up", "down", 0.3, 0.25),
           fake("the-four", "left", "right", -0.7, 0.125, "does not hold"),
           fake("the-seven", "in", "out", 0.1, 0.375)]


def shown(x):
    return f"{x:+.3f}".replace("-", "\N{MINUS SIGN}")


def row_of(record):
    """The table's row of a claim, from its record by NumPy and SciPy."""
    a, b = (record["arms"][record[k]] for k in ("arm", "baseline"))
    p = stats.permutation_test((np.subtract(a, b),), np.mean, n_resamples=99,
                               permutation_type="samples").pvalue
    low, high = map(shown, record["interval"])
    return [record["id"][4:], record["arm"], record["baseline"],
            f"{np.mean(a):.3f}", f"{np.mean(b):.3f}",
            shown(record["effect"]), f"{low} to {high}", f"{p:.4f}",
            str(record["least_effect"]), record["verdict"]]


def text_of(page):
    return re.sub(r"<[^>]*>", " ", page)


def paper_says_its_records(space):
    """Every row of the table; every decimal is one of the records; a
    number that changes in a record changes in the paper."""
    page = space["paper"](RECORDS, "data:,", "a figure")
    got = [re.findall(r"<td>(.*?)</td>", row)
           for row in page.split("<tr>")[2:]]
    assert got == [row_of(r) for r in RECORDS]
    said = " ".join(text_of(page).split())
    first = row_of(RECORDS[0])
    assert (f"up ends at {first[3]}, down at {first[4]}; the difference is "
            f"{first[5]} (95 % interval {first[6]}, 6 paired seeds, exact "
            f"sign-flip test p = {first[7]})") in said
    assert "we asked for 0.25 in a &amp; b. The claim: holds" in said
    assert "Of 3 claims 2 held" in said
    assert "left &lt; right: does not hold." in said.split("Limits.")[1]
    known = set(" ".join(w for r in RECORDS for w in row_of(r)).split())
    decimals = re.findall(r"[+\u2212]?\d+\.\d+", said.split("References")[0])
    assert decimals and set(decimals) <= known
    assert not re.search(r"\d\.\d", text_of(space["PAPER"]).split(
        "References")[0])
    for key, new in (("effect", 0.987), ("interval", [-0.4, 0.6]),
                     ("least_effect", 0.0625), ("verdict", "not settled"),
                     ("arms", {**RECORDS[0]["arms"], "up": [9, 8, 7, 6, 5,
                                                            4.0]})):
        other = RECORDS[0] | {key: new}
        turned = space["paper"]([other, *RECORDS[1:]], "data:,", "a figure")
        assert turned != page
        assert re.findall(r"<td>(.*?)</td>", turned)[:10] == row_of(other)


def paper_can_be_read(space):
    """No script, no heading, every image with words; text is escaped."""
    page = space["paper"](RECORDS, "data:,", 'a "dot" a seed')
    page += space["form"](["because <b>", "no"])
    assert not re.search(r"<(script|h\d|iframe|link)", page)
    assert 'alt="a &quot;dot&quot; a seed"' in page and "&lt;b&gt;" in page
    assert page.count("aria-label=") == 3 and 'scope="col"' in page
    items = re.findall(r"<li>(.*?)</li>", page)
    chapter = (ROOT / "chapters/8-workflow.md").read_text(encoding="utf-8")
    asked = re.findall(r"(?m)^\d\. (.*)$", chapter.split(
        "**The review form**")[1].split("**Marks**")[0])
    assert len(items) == len(asked) == 7
    for item, question in zip(items, asked):
        told = html.unescape(text_of(item).split("  ")[0].strip())
        assert question.startswith(told), told


def pdf_where_a_browser_is(space):
    """One page of PDF, or a line that says why not."""
    out = io.StringIO()
    with mock.patch.object(shutil, "which", lambda name: None), \
            contextlib.redirect_stdout(out):
        assert space["to_pdf"]("<p>x", "never.pdf") is None
    assert "browser" in out.getvalue().lower() and not Path("never.pdf").exists()
    if not any(map(shutil.which, space["BROWSERS"])):
        return
    with tempfile.TemporaryDirectory() as folder:
        path = space["to_pdf"](space["paper"](RECORDS, "data:,", "a figure"),
                               Path(folder) / "paper.pdf")
        made = path.read_bytes()
    assert made.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", made)) == 1


def pool_and_test(space):
    """Copies differ by their noise alone; the test is clean and apart."""
    digits, labels = load_digits(return_X_y=True)
    for copies in (1, 3):
        x, y, origin, test_x, test_y = space["draw_pool"]((5, 1), copies)
        assert x.shape == (1200 * copies, 64) and len(test_y) == 597
        assert np.bincount(origin).tolist() == [copies] * 1200
        clean = {row.tobytes(): t for row, t in zip(digits / 16, labels)}
        assert all(clean[row.tobytes()] == t
                   for row, t in zip(test_x, test_y))
        twins = {row.tobytes() for row in test_x}
        rest = np.array([d for d in digits / 16 if d.tobytes() not in twins])
        near = ((x[::97, None] - rest) ** 2).mean(axis=2)
        noise = np.sqrt(near.min(axis=1))
        np.testing.assert_allclose(noise.mean(), 0.1 * (digits / 16).std(),
                                   rtol=0.1)
        assert (y[::97] == [clean[rest[i].tobytes()]
                            for i in near.argmin(axis=1)]).all()
        if copies == 3:
            assert (y[::3] == y[1::3]).all() and (x[::3] != x[1::3]).any()


def who_asks(space):
    """Each arm's questions on a pool of twins, worked out by loops."""
    rng = np.random.default_rng(3)
    x = np.repeat(rng.normal(size=(40, 2)), 3, axis=0)
    origin = np.repeat(np.arange(40), 3)
    gap = 0.9 * rng.random(40)[origin] ** 0.4 + 0.05 * rng.random(120)
    p, order = rows(gap), sorted(range(120), key=lambda i: gap[i])
    done = {origin[order[0]], origin[order[4]]}

    def asks(arm):
        return list(space["choose"](arm, p, x, origin, np.array([*done]), 6,
                                    4, np.random.default_rng(9)))
    assert asks("random") == [0, 1, 2, 3, 4, 5]
    assert asks("margin") == order[:6]
    loose = asks("loose")
    picks = np.random.default_rng(9).choice(24, 6, replace=False)
    assert loose == [order[i] for i in sorted(picks)]
    once, seen = [], set(done)
    for i in order:
        if origin[i] not in seen and len(once) < 6:
            once.append(i)
            seen.add(origin[i])
    assert asks("once") == once
    for arm, beta, weighted in (("spread", 4, True), ("no weights", 4, False),
                                ("clusters only", np.inf, False)):
        assert asks(arm) == list(space["spread"](
            p, x, 6, beta, np.random.default_rng(9), weighted)), arm


def what_run_counts(space):
    """Curves that are known: the last value, the first, means of draws;
    settings are the arm's own, by the search, unless they are given."""
    asked = []

    def one(arm, seed, strength, steps, copies, batch, C, beta):
        asked.append((seed, C, beta))
        return [0.5 + seed[1], 0.9, 0.1 * (1 + seed[1])], 0.25 * seed[1]
    with mock.patch.dict(space, one=one):
        got = space["run"]("spread", 7)
        space["run"]("loose", 7, copies=1, draws=1, C=0.3, beta=4)
    np.testing.assert_allclose(
        [got[k] for k in ("accuracy", "first", "copies")], [0.2, 1.5, 0.25])
    assert asked == [((7, k), *space["BEST"][3]["spread"])
                     for k in range(3)] + [((7, 0), 0.3, 4)]


def experiment_again(space):
    """Two batches of every arm, again in a few lines; the share with a
    copy by counting pairs."""
    for arm, copies in (("random", 3), ("margin", 3), ("once", 3),
                        ("spread", 3), ("loose", 2)):
        x, y, origin, tx, ty = space["draw_pool"]((3, 1), copies)
        rng, own = (np.random.default_rng([k, 3, 1]) for k in (1, 2))
        first, asked = rng.permutation(1200) * copies, []
        for k in range(10):
            asked += [i for i in first if y[i] == k][:2]
        curve, shares = [], []
        for turn in range(3):
            model = LogisticRegression(C=4.0, tol=1e-3, max_iter=1000).fit(
                x[asked], y[asked])
            curve += [model.score(tx, ty)]
            if turn == 2:
                break
            rest = rng.permutation([i for i in range(len(x))
                                    if i not in set(asked)])
            new = rest[space["choose"](
                arm, model.predict_proba(x[rest]), x[rest], origin[rest],
                origin[asked], 30, 2.5, own)]
            shares += [np.mean([any(origin[i] == origin[j] for j in new
                                    if j != i) for i in new])]
            asked += list(new)
        got, share = space["one"](arm, (3, 1), 0.5, 2, copies, 30, 4.0, 4)
        assert got == curve[1:], arm
        np.testing.assert_allclose(share, np.mean(shares))


def ask_asks_what_is_missing(space):
    """Labels scattered over the rows; the same as spread on the rest."""
    x, y = load_digits(return_X_y=True)
    x, y = x[:200] / 16, y[:200]
    labels = np.where(np.arange(200) % 4 == 1, y, -1)
    got = space["ask"](x, list(labels), count=12, beta=3, C=0.7, seed=5)
    have, rest = labels >= 0, np.flatnonzero(labels < 0)
    model = LogisticRegression(C=0.7, max_iter=1000).fit(x[have], y[have])
    want = rest[space["spread"](model.predict_proba(x[rest]), x[rest], 12, 3,
                                np.random.default_rng(5))]
    assert list(got) == list(want) and (labels[got] == -1).all()


ORACLES = [signs_as_scipy_and_binomial, one_cluster_by_hand,
           spread_in_loops, two_centres_one_row, paper_says_its_records,
           paper_can_be_read, who_asks, what_run_counts,
           ask_asks_what_is_missing, pool_and_test, experiment_again,
           pdf_where_a_browser_is]

MISTAKES = {
    "Weights lost": ("weight = 1 - gap[near] if weighted else None",
                     "weight = None"),
    "Weight for the sure": ("weight = 1 - gap[near]", "weight = gap[near]"),
    "Nearest taken twice": ("        row[taken] = np.inf\n", ""),
    "Surest kept": ('np.argsort(gap, kind="stable")[:reach]',
                    'np.argsort(-gap, kind="stable")[:reach]'),
    "No filter": ("reach = int(min(beta * count, len(p)))",
                  "reach = len(p)"),
    "Place for number": ("return near[np.sort(taken)]",
                         "return np.sort(taken)"),
    "One-sided p": ("(np.abs(sums) >= abs(d.sum()) - room)",
                    "(sums >= d.sum() - room)"),
    "Seen signs forgotten": ("(np.abs(sums) >=", "(np.abs(sums[1:]) >="),
    "Equal sums lost": ("abs(d.sum()) - room", "abs(d.sum()) + room"),
    "Wrong sign": ('signed(record["effect"], 3)',
                   'signed(-record["effect"], 3)'),
    "Ends of the interval turned": ('low, high = record["interval"]',
                                    'high, low = record["interval"]'),
    "Numbers of another claim": ("told(record) for record in records]",
                                 "told(records[0]) for _ in records]"),
    "Unpaired": ("pairs = np.subtract(arms[arm], arms[rival])",
                 "pairs = np.subtract(arms[arm], np.sort(arms[rival]))"),
    "Best of seeds": ('"its mean": f"{np.mean(arms[arm]):.3f}"',
                      '"its mean": f"{np.max(arms[arm]):.3f}"'),
    "Failures left out": ("held=len(rows) - len(failed)", "held=len(rows)"),
    "Labelled again": ("np.flatnonzero(labels < 0)",
                       "np.arange(len(labels))"),
}


def batch(space, **settings):
    x, y = load_digits(return_X_y=True)
    p = LogisticRegression(max_iter=1000).fit(x[:50] / 16, y[:50])
    return space["spread"](p.predict_proba(x[50:200] / 16), x[50:200] / 16,
                           10, 8, np.random.default_rng(0), **settings)


def next_labels(space, **settings):
    x, y = load_digits(return_X_y=True)
    return space["ask"](x[:300] / 16, np.where(np.arange(300) < 30, y[:300],
                                               -1), **{"count": 12,
                                                       "beta": 4, **settings})


SETTINGS = {"spread": (batch, {"weighted": False}),
            "ask": (next_labels, {"count": 9, "beta": 7, "C": 0.1,
                                  "seed": 3})}
TRAIN = dict(arm="spread", seed=1000, steps=1, draws=1, batch=30)
NULL = dict(arm="spread", baseline="margin", strength=0.0, draws=1, C=5.0,
            beta=4, batch=40)
TRACES = {"run": dict(
    arms=["random", "margin", "loose", "clusters only", "no weights",
          "spread", "once"], steps=1, draws=1, batch=30,
    rates=[("margin", {"C": 0.3}, 0.3), ("spread", {}, 10.0)],
    but={"batches": "which questions are asked is what the arms differ in; "
                    "the start is the same",
         "rate": "k-means has no C, and the first fit is watched instead"})}


def scramble(space):
    """Each digit gets the label of another, in pool and test alike."""
    target = space["DIGITS"].target
    space["DIGITS"].target = np.random.default_rng(0).permutation(target)


CHANCE = dict(scramble=scramble, metric="accuracy", chance=0.1, room=0.05,
              arm="random", seed=1000, draws=1)
EXPERIMENT = {
    "exam: scored on the pool": (".score(test_x, test_y)", ".score(x, y)"),
    "exam: the test lies in the pool": ("x[POOL:], y[POOL:]",
                                        "x[:597], y[:597]"),
    "labels: the label is a pixel": (
        "    origin = np.repeat(",
        "    x[:, 0] = y\n    origin = np.repeat("),
    "metric: the better of the rounds, chosen afterwards": (
        "(curve[-1], curve[0], twice)", "(max(curve), curve[0], twice)"),
    "metric: a batch counted as twice what stands in it once": (
        "(times[where] > 1)", "(times[where] > 0)"),
    "metric: the best draw": ("np.mean(rows, axis=0)",
                              "np.max(rows, axis=0)"),
    "rival: loose draws from the whole pool": (
        "rng.choice(int(beta * count),", "rng.choice(len(ties),"),
    "rival: once skips the labelled only": ("            seen.add(origin[i])"
                                            "\n", ""),
    "rival: once forgets what is labelled": ("set(labelled), []",
                                             "set(), []"),
    "rival: clusters only still filters": ("np.inf if arm ==",
                                           "beta if arm =="),
    "rival: no weights has them": ('weighted=arm == "spread"',
                                   'weighted=arm != "clusters only"'),
    "pairing: the start is that of every seed": (
        "np.random.default_rng([k, *seed]) for",
        "np.random.default_rng([k, 0]) for"),
    "pairing: the pool is that of every seed": (
        "rng = np.random.default_rng([0, *seed])",
        "rng = np.random.default_rng(0)"),
    "counting: the accuracy before the last batch": (
        "        model = fitted(x[asked], y[asked], C)\n",
        "        model = fitted(x[asked[:-9]], y[asked[:-9]], C)\n"),
    "counting: the start is short of a label": (
        "[:START // 10]", "[:START // 10 - (k == 9)]"),
    "search: one setting for all": ("BEST[copies][arm]",
                                    'BEST[copies]["random"]'),
}
NOT = {"mode": "logistic regression and k-means have no layer that learns "
               "and measures in two ways"}
UNKNOWN = ["choose('doubt', *[None] * 7)"]

WRONG = {
    "seven_steps-1": [("pairs_needed = 7", "one side"),
                      ("pairs_needed = 100", "smallest value")],
    "seven_steps-2": [("p_with_zero = 2 / 32", "two signs and one value"),
                      ("p_with_zero = 1 / 32", "Both ends"),
                      ("p_with_zero = 1 / 16 + 1 / 32", "Count the signs")],
    "seven_steps-3": [("asked_so = (100, 2)", "by the bar or more"),
                      ("asked_so = (300, 1)", "by the bar or more"),
                      ("asked_so = (1, 20)", "At least two"),
                      ("asked_so = (100, 11)", "At least two"),
                      ("asked_so = (2, 20)", "100 to 800"),
                      ("asked_so = 20", "Two numbers")],
    "seven_steps-4": [
        ("mended = lambda a, b: sign_flips(np.subtract(a, b)) / 2",
         "another value"),
        ("mended = lambda a, b: sign_flips(np.subtract(np.sort(a), "
         "np.sort(b)))", "another value"),
        ("mended = suspect", "those of other seeds")],
}
OPEN = {"seven_steps-3": "batches of about ten to thirty are answers where "
                         "they are many, and so is a pool that is asked "
                         "nearly empty"}
