# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # CGL: where the guess of a group is unsure, draw it
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/3-machine-learning/cgl.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | S. Jung, S. Chun, T. Moon, [*Learning Fair Classifiers with Partially Annotated Group Labels*](https://arxiv.org/abs/2111.14581), CVPR 2022; we read the abstract |
# | Official code | [naver-ai/cgl_fairness](https://github.com/naver-ai/cgl_fairness), `main_groupclf.py` and `data_handler/ssl_dataset.py`, read at commit `268ab10` |
# | Rule read in | official code |
# | In the article | section 2.1, machine learning: fairness where group information is known for a part of the data only |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); logistic regression |
# | Data | people drawn here, so that every group is known to us |
# | Time | <!--=bench.cgl.seconds-->12<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 분류기가 두 집단에 공정하려면 누가 어느 집단인지 알아야 하지만, 그 정보는 일부 사람에게만 있습니다.
# CGL은 집단을 추측하는 분류기의 신뢰도가 문턱값 이상일 때만 추측을 쓰고, 낮으면 클래스별 집단 비율에 따라 무작위로 배정합니다.
# 이 페이지는 생성한 2,000명 가운데 열에 한 명만 집단을 밝힌 상황에서 집단 사이의 격차를 시드 다섯 개로 측정합니다.
# 절반만 집단의 흔적을 남길 때 CGL은 모든 추측을 믿는 방법보다 격차가 작지만, 신뢰도가 낮은 사람을 빼기만 해도 격차가 비슷하고 문턱값을 정할 사람이 많으면 이득이 거의 사라집니다.
# 모두가 흔적을 남기면 공식 코드의 문턱값이 추측을 모두 버리며, 이 결과는 로지스틱 회귀와 생성한 데이터로 얻은 것이므로 얼굴 사진이나 심층 신경망에 대해서는 말해 주지 않습니다.
#
# **In short.**
# Should a guessed group be believed when the guesser is unsure?
# Among drawn people of whom half leave a trace of their group and a tenth have told it, the gap between the groups is <!--=cgl-pseudo.mean.pseudo:3-->0.073<!--/--> where every guess is believed and <!--=cgl-pseudo.mean.cgl:3-->0.043<!--/--> where unsure ones are drawn, and on other seeds it is as small where the unsure are left out, and near that of believing all where thousands set the threshold; where everybody leaves a trace, the threshold of the code throws every guess away and the gap is <!--=cgl-sure.mean.cgl-->0.47<!--/-->.
# It does not show photographs, deep networks, other ways of fair learning, or what the groups of a real data set are.

# %% tags=["setup"]
# @title Set-up: in Colab this installs the book's helper
import importlib.util, os, pathlib, subprocess, sys
for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents][::-1]:
    if (folder / "lab1784" / "__init__.py").exists():
        sys.path.insert(0, str(folder))    # in a clone, the clone's own
spec, env = importlib.util.find_spec("lab1784"), os.environ
if spec is None or spec.origin is None:
    book = "git+https://github.com/OWNER/REPO"
    if not {"COLAB_RELEASE_TAG", "LAB1784_SOURCE"} & env.keys():
        raise ImportError(
            f"Rename {list(spec.submodule_search_locations)[0]}: it is in the "
            "way of the book's helper" if spec else "The book's helper is not "
            f"here: open a clone of the book, or run pip install {book}")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    env.get("LAB1784_SOURCE", book)], check=True)
    importlib.invalidate_caches()
    print("Installed lab1784 only; no other package was changed.")

# %% tags=["imports"]
# @title Imports
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from lab1784 import (check, claim, compare, draw_claim, known, near, overview,
                     palette, show)
from lab1784.figures import subplots
from lab1784.interactive import choose

# %% [markdown]
# ## Two groups, and who has said so
#
# The people of this page are made up, by a generator of random numbers; we call them drawn.
# Each has a **class**, 0 or 1, the answer that a classifier is to give, and a **group** (집단), 0 or 1.
# Class and group go together in nine of ten people, as they may in the records of an unfair past.
# A person's features are a skill, which the class moves; a trace, which the group moves in half of the people and which says nothing of the others; a proxy, moved a little by the group in everybody; and thirty numbers that say nothing.

# %% tags=["experiment"]
def draw_people(n, share, rng):
    """n people, of whom about a `share` leave a trace of their group.

    Returns features (n, 33), class (n,), group (n,) and who leaves a
    trace (n,) bool.
    """
    y = rng.integers(2, size=n)
    g = np.where(rng.random(n) < 0.9, y, 1 - y)
    shows = rng.random(n) < share
    x = rng.normal(size=(n, 33))
    x[:, 0] += 0.9 * (2 * y - 1)                          # skill
    x[:, 1] = 0.8 * x[:, 1] + 2.5 * shows * (2 * g - 1)   # trace
    x[:, 2] += 0.6 * (2 * g - 1)                          # proxy
    return x, y, g, shows

# %% tags=["figure"]
# @title Draw: who is in which group, and what a classifier guesses
x, y, g, shows = draw_people(2000, 0.5, np.random.default_rng(1000))
guesser = LogisticRegression(C=0.03, max_iter=500).fit(x[:200], g[:200])
wrong = guesser.predict(x) != g
fig, axes = subplots(1, 2, width=7.0, height=2.8, sharey=True)
few = np.arange(200, 700)
for k, colour in ((0, "rival"), (1, "method")):
    for ax, rows in ((axes[0], few[g[few] == k]),
                     (axes[1], few[(g[few] == k) & ~wrong[few]])):
        ax.plot(x[rows, 1], x[rows, 0], ".", ms=4, color=palette[colour],
                label=f"group {k}")
missed = few[wrong[few]]
axes[1].plot(x[missed, 1], x[missed, 0], "x", ms=5, color=palette["ink"],
             label="guessed wrongly")
axes[0].set(title="the groups, which nobody has told", xlabel="trace",
            ylabel="skill")
axes[1].set(title="guesses of one trained on 200", xlabel="trace")
axes[1].legend(loc="lower right", fontsize=8, frameon=True, framealpha=0.9)
show(fig, "Two clouds of dots, trace across and skill up: two groups, apart "
          "at both ends and mixed in the middle; wrong guesses, as crosses, "
          "lie mostly in the middle.")

# %% [markdown]
# The two ends are easy.
# In the middle stand those without a trace, and nearly all the wrong guesses are about them.
#
# Why guess at all?
# A classifier of the class, trained on such records, learns that the group is a good hint, and treats two equally skilled people differently.
# Methods of fair learning can prevent that, and most of them must be told who belongs where; here one person in ten has told it.
# The paper calls the setting Fair-PG, fairness with partially annotated groups.

# %% [markdown]
# ## The idea: an unsure guess is worse than none
#
# Three things can be done with the nine in ten who have not told their group.
#
# - Leave them out, and train on a tenth of the data.
# - Believe the guess of a classifier, called a **pseudo-label** (의사 레이블), for all of them.
# - Draw the group at random, in the proportion in which the groups occur among the people of the same class who have told it.
#
# **CGL** (신뢰도 기반 그룹 레이블 할당) does the second where the guess is confident and the third where it is not.
# With $\hat p(g \mid x)$ the guesser's probabilities, $\tau$ a threshold and $y$ the class, the group of a person is
#
# $$\hat g = \begin{cases} \arg\max_g\, \hat p(g \mid x) & \text{if } \max_g \hat p(g \mid x) \ge \tau \\ g \sim P(g \mid y) & \text{otherwise.} \end{cases}$$
#
# A draw is right for one person as often as chance has it.
# If the unsure of a class are like those of it who have told, a draw still gets the *numbers* of the groups about right, and guesses in the middle of the picture need not.

# %% [markdown]
# ## The technique
#
# As in the official code, a share of every class and group has told, rounded up.
# These people are split, again in every class and group, four to one, the first part rounded down: it trains the guesser, and the second, the **held-out** part, sets the threshold.

# %% tags=["technique"]
def split_asked(y, g, ratio, rng):
    """Who has told the group, and what it is used for.

    y, g: (N,) class and group.  ratio: the share who have told it, the
    same in every class and group.  Returns two masks (N,): four in five
    of them train the guesser, the others are held out for its threshold.
    Source: pick_idxs and 'groupclf_val' in ssl_dataset.py.
    """
    learn, held = np.zeros((2, len(y)), bool)
    for c, k in np.unique(np.stack([y, g], axis=1), axis=0):
        rows = rng.permutation(np.flatnonzero((y == c) & (g == k)))
        asked = rows[int(len(rows) * (1 - ratio)):]
        cut = int(0.8 * len(asked))
        learn[asked[:cut]], held[asked[cut:]] = True, True
    return learn, held

# %% [markdown]
# The threshold asks a question of its own: from which confidence on is the guess right?
# Each held-out confidence is tried as $\tau$, and infinity, too; that one wins whose rule "right from $\tau$ on, wrong below" is true of most held-out people.
# The official code reads it off a curve of scikit-learn, and of equals it takes the highest, up to rounding.
# Where every held-out guess is right, that curve has no wrong ones to count, and what the official lines then give is infinity, or with scikit-learn before `1.3` one more than the highest confidence: no guess is believed.
# We follow them, and come back to it.

# %% tags=["technique"]
def best_threshold(confidence, right):
    """The confidence from which on a guess is taken to be right.

    confidence: (M,) largest probability of held-out people.
    right: (M,) bool, whether the guess was.  Returns a number.
    Source: measure_ood in main_groupclf.py.
    """
    if right.all():
        return np.inf          # there argmax meets nothing but nan
    fpr, tpr, thresholds = roc_curve(right, confidence)
    hits = (1 - fpr) * (~right).sum() + tpr * right.sum()
    return thresholds[np.argmax(hits)]

# %% [markdown]
# Then the draw and the choice between the two.
# Who has told a group keeps it.

# %% tags=["technique"]
def group_given_class(y, g):
    """P(g | y), counted.  y, g: (M,) class and group of those who have
    told it.  Returns (classes, groups); every row sums to one."""
    counts = np.zeros((y.max() + 1, g.max() + 1))
    np.add.at(counts, (y, g), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def draw_groups(y, chances, rng):
    """A group for everybody, by P(g | y).  y: (N,) classes.
    chances: (classes, groups).  rng: numpy Generator.  Returns (N,)."""
    ends = chances.cumsum(axis=1)[y]                   # (N, groups)
    return (rng.random(len(y))[:, None] >= ends[:, :-1]).sum(axis=1)


def assign(probability, y, threshold, chances, rng):
    """CGL: the guess where it is confident, else a draw by P(g | y).

    probability: (N, groups) of the guesser.  y: (N,) classes.
    Returns (N,) groups.  Source: version 'cgl' in ssl_dataset.py.
    """
    drawn = draw_groups(y, chances, rng)
    sure = probability.max(axis=1) >= threshold
    return np.where(sure, probability.argmax(axis=1), drawn)

# %% [markdown]
# Any method of fair learning can be trained on the result.
# Ours is one of the shortest, **reweighing** (재가중, Kamiran and Calders, 2012): every person weighs $P(y)\,P(g) / P(y, g)$, so that class and group look independent.

# %% tags=["technique"]
def reweigh(y, g):
    """Weights that make class and group independent.

    y, g: (N,) class and group.  Returns (N,) P(y) P(g) / P(y, g).
    Source: Kamiran and Calders, 2012.
    """
    joint = np.zeros((y.max() + 1, g.max() + 1))
    np.add.at(joint, (y, g), 1 / len(y))
    apart = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
    return apart[y, g] / joint[y, g]

# %% [markdown]
# ## Predict
#
# Half of the people leave a trace; a tenth have told their group.
#
# - (a) Believing every guess gives the smaller gap: a guesser is right more often than a lottery.
# - (b) CGL does: where nobody can know, a lottery with the right odds harms less.
# - (c) The tenth who told it are enough, for they at least are true.
#
# Now everybody leaves a trace, so that nearly every guess is right.
#
# - (d) Then CGL and believing every guess come to the same.
# - (e) Then CGL falls behind.

# %% [markdown]
# ## The experiment
#
# The **gap** (격차) is the difference of equalised odds: of the people of a class, by how much is one group answered rightly more often than the other, and that on average over the classes.
# Lower is better.
# It is measured on 10,000 new people, and each value below is a mean over eight draws of people.
#
# | arm | groups that the weights are made from |
# |---|---|
# | `plain` | none: no weights |
# | `labelled` | those of the tenth who told them; nobody else is trained on |
# | `random` | drawn for everybody else: CGL with no guess believed |
# | `pseudo` | guessed for everybody else, by a guesser trained on all who told, as in the official code: the rival |
# | `believe` | the same by CGL's own guesser, which has four fifths of them: CGL with every guess believed |
# | `uniform` | CGL, with a coin in the place of $P(g \mid y)$ |
# | `cgl` | CGL |
# | `mended` | CGL; where every held-out guess is right, every guess is believed |
# | `true` | the true ones of everybody |
#
# Both classifiers are logistic regressions.
# `C`, the only setting of the guesser, was searched over `0.003`, `0.01`, `0.03`, `0.1` and 1 on seeds from 1000 on; `pseudo` is at its best at `0.03` or as good there, and all arms use that.

# %% tags=["experiment"]
ARMS = ("plain", "labelled", "random", "pseudo", "believe", "uniform",
        "cgl", "mended", "true")


def guess(x, g, taught, held, C=0.03):
    """A guesser of groups, taught on some people: the model, its p(g | x)
    (N, 2), which held-out guesses are right, and the threshold."""
    model = LogisticRegression(C=C, max_iter=500).fit(x[taught], g[taught])
    p = model.predict_proba(x)
    right = p[held].argmax(axis=1) == g[held]
    return model, p, right, best_threshold(p[held].max(axis=1), right)


def groups_for(arm, x, y, g, learn, held, strength, C, rng):
    """The groups an arm trains with, (N,), and who was guessed, (N,)."""
    asked, nobody = learn | held, np.zeros(len(y), bool)
    if arm in ("plain", "labelled", "true"):
        return g, nobody
    chances = group_given_class(y[asked], g[asked])
    if arm == "random":
        return np.where(asked, g, draw_groups(y, chances, rng)), nobody
    taught = asked if arm == "pseudo" else learn
    _, p, right, bar = guess(x, g, taught, held, C)
    bar = strength * min(bar, 2)
    if arm in ("pseudo", "believe") or arm == "mended" and right.all():
        bar = 0
    if arm == "uniform":
        chances = np.full((2, 2), 0.5)
    given = assign(p, y, bar, chances, rng)
    return np.where(asked, g, given), ~asked & (p.max(axis=1) >= bar)

# %% [markdown]
# `strength` scales the threshold: at 0 every guess is believed, and CGL must give what `believe` gives.

# %% tags=["experiment"]
def gap(right, y, g):
    """Difference of equalised odds, averaged over the two classes.
    right, y, g: (N,) whether the answer is right, class, group."""
    return float(np.mean([abs(
        right[(y == c) & (g == 0)].mean() - right[(y == c) & (g == 1)].mean())
        for c in (0, 1)]))


def answers(x, y, groups, rows, new_x, new_y):
    """Trained on `rows`, weighed by their groups, or not if None: which
    answers on new people are right."""
    weights = None if groups is None else reweigh(y[rows], groups[rows])
    model = LogisticRegression(max_iter=500).fit(x[rows], y[rows], weights)
    return model.predict(new_x) == new_y


def one(arm, seed, strength, share, ratio, C):
    """One draw of people: gap, accuracy, share of guesses believed."""
    rng = np.random.default_rng(seed)
    x, y, g, _ = draw_people(2000, share, rng)
    test_x, test_y, test_g, _ = draw_people(10_000, share, rng)
    learn, held = split_asked(y, g, ratio, rng)
    groups, guessed = groups_for(arm, x, y, g, learn, held, strength, C,
                                 np.random.default_rng([1, *seed]))
    rows = learn | held if arm == "labelled" else np.ones(len(y), bool)
    right = answers(x, y, None if arm == "plain" else groups, rows, test_x,
                    test_y)
    return (gap(right, test_y, test_g), right.mean(),
            guessed[~(learn | held)].mean())


def run(arm, seed, strength=1.0, share=0.5, ratio=0.1, draws=8, C=0.03):
    """Means over `draws` draws of people.

    gap:      between the groups, on new people.   accuracy: on the same.
    believed: share of those who have not told whose guess is believed.
    """
    known(arm, ARMS, "arm")
    got = [one(arm, (seed, k), strength, share, ratio, C)
           for k in range(draws)]
    return {name: float(np.mean([values[i] for values in got]))
            for i, name in enumerate(("gap", "accuracy", "believed"))}

# %% [markdown]
# ## The claims
#
# Statement, rival and least effect were written down before the seeds below were run for the first time.
# A floor comes first: every arm should be right for three in four of the new people.

# %% tags=["results"]
half = compare(run, ARMS)
FLOOR = 0.75        # the skill alone allows Phi(0.9) = 0.82
assert all(half.mean("accuracy", arm) > FLOOR for arm in ARMS)
pseudo = claim(
    "cgl-pseudo", "Where half of two thousand drawn people leave a trace of "
    "their group and a tenth have told it, reweighing with CGL's groups "
    "leaves a smaller gap between the groups than reweighing with the "
    "guesses of a classifier that does not see the class", half,
    metric="gap", arm="cgl", baseline="pseudo", better="lower", least=0.02,
    unit="gap between groups", reason="two standard deviations of that rival "
    "over the seeds for trying are less", paper="by theory, CGL is better "
    "than vanilla pseudo-labels in fairness", picture=False)
uniform = claim(
    "cgl-uniform", "Where half of two thousand drawn people leave a trace of "
    "their group and a tenth have told it, drawing unsure groups by class "
    "leaves a smaller gap between the groups than tossing a coin for them",
    half, metric="gap", arm="cgl", baseline="uniform", better="lower",
    least=0.02, unit="gap between groups", reason="two standard deviations "
    "of that rival over the seeds for trying are less", picture=False)
alone = claim(
    "cgl-labelled", "Where half of two thousand drawn people leave a trace "
    "of their group and a tenth have told it, reweighing everybody with "
    "CGL's groups leaves a smaller gap between the groups than reweighing "
    "the tenth alone", half, metric="gap", arm="cgl", baseline="labelled",
    better="lower", least=0.04, unit="gap between groups", reason="two "
    "standard deviations of that rival over the seeds for trying are less",
    picture=False)
print(half.table())

# %% [markdown]
# (b), by the numbers; its reason is looked at below.
# Believing every guess leaves a gap of <!--=cgl-pseudo.mean.pseudo:3-->0.073<!--/-->, CGL one of <!--=cgl-pseudo.mean.cgl:3-->0.043<!--/-->, the true groups of everybody one of <!--=cgl-pseudo.mean.true:3-->0.025<!--/-->; without weights it is <!--=cgl-pseudo.mean.plain:3-->0.313<!--/-->.
# With a coin in the place of $P(g \mid y)$, CGL leaves <!--=cgl-uniform.mean.uniform:3-->0.093<!--/-->: if there is a draw, its odds matter.
# (c) overlooks how few a tenth are: their groups are true, and the gap on new people is <!--=cgl-labelled.mean.labelled:3-->0.149<!--/-->.
#
# On these new people a smaller gap has its price in accuracy, for the true groups as for CGL's: class and group go together among them, too, so the group is a good hint, and fairness forbids it.
#
# What do the unsure look like, and what are they given?

# %% tags=["results"]
def unsure(draw, share=0.5):
    """Of those who have not told and whose guess is not believed: share,
    then (class and group differ) in truth, by guess and by draw."""
    rng = np.random.default_rng((1000, draw))
    x, y, g, _ = draw_people(2000, share, rng)
    learn, held = split_asked(y, g, 0.1, rng)
    asked = learn | held
    _, p, _, bar = guess(x, g, learn, held)
    rows = ~asked & (p.max(axis=1) < bar)
    chances = group_given_class(y[asked], g[asked])
    drawn = draw_groups(y, chances, np.random.default_rng([1, draw]))
    return [rows[~asked].mean(), *((who != y)[rows].mean()
                                   for who in (g, p.argmax(1), drawn)),
            *((who == g)[rows].mean() for who in (p.argmax(1), drawn))]


seen = np.mean([unsure(k) for k in range(8)], axis=0)
print(f"unsure, of those who have not told: {seen[0]:.2f}")
print(f"class and group differ: in truth {seen[1]:.2f}, by guess "
      f"{seen[2]:.2f}, by draw {seen[3]:.2f}")
print(f"the right group: by guess {seen[4]:.2f}, by draw {seen[5]:.2f}")

# %% [markdown]
# Few are unsure, and of these the guesses say far too often that class and group differ; the draw says it somewhat too seldom, for the unsure are not quite like the others.
# Those are the people whom reweighing makes heavy, because there are few of them; so a handful of wrong ones weighs much.
# That they weigh much is in the formula; that this is *why* the gap grows, we did not test.
#
# ## What else would do
#
# Four questions are open.
#
# - Does the draw help, or only that the unsure are not believed? We leave the unsure out.
# - The draw knows the class and the guesser does not. We tell it, as one more feature.
# - Does the threshold find its place, or do forty people put it there by chance? We set it on 5,000 more people whose groups we know, and by hand at `0.7`.
# - What is the accuracy where every class and group counts alike, as in the official tests on photographs of faces?
#
# The runs are on five of the seeds for trying, and no claim is made of them.

# %% tags=["results"]
def other_ways(seed):
    """People, {way: (groups, who is trained on)}, new people, thresholds."""
    rng = np.random.default_rng(seed)
    x, y, g, _ = draw_people(2000, 0.5, rng)
    new = draw_people(10_000, 0.5, rng)
    learn, held = split_asked(y, g, 0.1, rng)
    more, _, more_g, _ = draw_people(5000, 0.5, rng)
    asked, seen = learn | held, np.c_[x, 2 * y - 1]      # with the class
    own, p, _, bar = guess(x, g, learn, held)
    q = own.predict_proba(more)
    far = best_threshold(q.max(axis=1), q.argmax(axis=1) == more_g)
    odds = group_given_class(y[asked], g[asked])
    ways = {"plain": (0 * g, asked | True)}              # all weigh one
    for way, tau in (("believe", 0), ("cgl", bar), ("cgl, 5,000 held", far),
                     ("cgl, bar at 0.7", 0.7)):
        given = assign(p, y, tau, odds, np.random.default_rng([1, *seed]))
        ways[way] = np.where(asked, g, given), asked | True
    ways["unsure left out"] = ways["believe"][0], asked | (p.max(1) >= bar)
    for c in (0.03, 1):
        told = LogisticRegression(C=c, max_iter=500).fit(seen[asked], g[asked])
        ways[f"told class, C={c}"] = (
            np.where(asked, g, told.predict(seen)), asked | True)
    return x, y, {**ways, "true": (g, asked | True)}, new, (bar, far)

# %% [markdown]
# Each of these ways is measured as the arms are, and once more with the four cells of class and group alike.

# %% tags=["results"]
def measured(seed):
    """{way: (gap, accuracy, that with the four cells alike)}, thresholds."""
    x, y, ways, (new, new_y, new_g, _), bars = other_ways(seed)
    got = {}
    for way, (groups, who) in ways.items():
        right = answers(x, y, groups, who, new, new_y)
        cells = [right[(new_y == c) & (new_g == k)].mean()
                 for c in (0, 1) for k in (0, 1)]
        got[way] = gap(right, new_y, new_g), right.mean(), np.mean(cells)
    return got, bars


tried = [measured((seed, k)) for seed in range(1000, 1005) for k in range(8)]
print(f"{'':20}gap (sd of 5 seeds)   accuracy   cells alike")
for way in tried[0][0]:
    of_seeds = np.array([got[way] for got, _ in tried]).reshape(
        5, 8, 3).mean(axis=1)
    mean, sd = of_seeds.mean(axis=0), of_seeds.std(axis=0, ddof=1)
    print(f"{way:20}{mean[0]:.3f} ({sd[0]:.3f})"
          f"{mean[1]:16.3f}{mean[2]:14.3f}")
few_held, many_held = np.median([bars for _, bars in tried], axis=0)
print(f"median threshold: some forty held out {few_held:.2f}, "
      f"5,000 held out {many_held:.2f}")

# %% [markdown]
# The draw is not what helps here: with the unsure left out, the gap and the accuracy are those of CGL, to within the spread.
# Either way of not believing them helps; the coin of `uniform` does not.
#
# A guesser that is told the class leaves a gap no larger than CGL's, and at `C` of 1 a smaller one; its accuracy is lower in both columns.
# So CGL is ahead of a guesser that does not see the class, and the first claim says no more.
#
# The gain, here, is one of few held-out people.
# With 5,000 the threshold sinks towards one half, nearly every guess is believed, and most of the gain is gone.
# That is arithmetic: where of the guesses with confidence $c$ a share $c$ is right, and there are two groups, every guess is right at least as often as wrong, so "right from $\tau$ on" is true of most people where $\tau$ is one half.
# The rule asks where the guess is right, not which threshold makes the gap small; one at `0.7`, picked after a look at seven on these seeds, does better than either.
#
# And the price in accuracy belongs to the new people.
# With every class and group alike, the weights raise it.
# The abstract says that accuracy and fairness improve jointly over the baselines: against no weights we see that in the last column, against believed guesses in neither.

# %% [markdown]
# ## Where it does not help
#
# (d) sounds safe: with better guesses the threshold should fall.
# But it is read off the held-out people, some forty here, and the better the guesser, the fewer of them it gets wrong.
# When it gets all of them right, the curve has nothing to count, and the official lines end at infinity.
# Now everybody leaves a trace.

# %% tags=["results"]
clear = compare(run, ("plain", "pseudo", "believe", "cgl", "mended"),
                share=1.0)
sure = claim(
    "cgl-sure", "Where each of two thousand drawn people leaves a trace of "
    "the group and a tenth have told it, CGL that believes every guess when "
    "all held-out guesses are right leaves a smaller gap between the groups "
    "than CGL by the official lines, which then believe none", clear,
    metric="gap", arm="mended", baseline="cgl", better="lower", least=0.25,
    unit="gap between groups", reason="that is half of what believing every "
    "guess gains over no weights on the seeds for trying", picture=False)
print(clear.table())

# %% [markdown]
# (e), and by a long way: nearly every guess is right, CGL believes none of them, and its gap is <!--=cgl-sure.mean.cgl-->0.47<!--/--> where that of believing all is <!--=cgl-sure.mean.pseudo-->0.03<!--/-->.
# The arm `mended` differs in that one case and is level with `pseudo`, so the case is the cause.
# If a share $e$ of guesses is wrong, none of $m$ held-out ones is wrong with chance $(1 - e)^m$: the case is one of good guessers and few held out.
# We do not know whether it came up in the runs of the authors.
# Up to nine in ten CGL is ahead of `pseudo`; above, `cgl` and `mended` part, so the case has come up, and the gap leaps (two of the seeds for trying).

# %% tags=["figure"]
# @title Draw: the gap against the share who leave a trace
shares = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 1.0)
lines = {arm: [np.mean([run(arm, seed, share=s, draws=4)["gap"]
                        for seed in (1000, 1001)]) for s in shares]
         for arm in ("labelled", "cgl", "pseudo", "mended")}
fig, ax = subplots(width=6.4, height=2.8)
for (arm, line), colour, style in zip(
        lines.items(), ("plain", "method", "rival", "other"),
        ("-", "-", "-", "--")):
    ax.plot(shares, line, style, marker="o", ms=4, label=arm,
            color=palette[colour])
ax.set(xlabel="share of people who leave a trace of their group",
       ylabel="gap, lower is better", ylim=0,
       title="CGL is ahead until nobody held out is wrong")
ax.legend()
show(fig, "Four lines of the gap against the share who leave a trace: the "
          "labelled tenth highest and rising; CGL below the guesses up to "
          "nine in ten, then leaping above all others; the mended rule stays "
          "lowest.")

# %% tags=["figure"]
# @title Draw: all four claims
overview(pseudo, uniform, alone, sure)

# %% tags=["details"]
# @title Every seed of every claim
for record in (pseudo, uniform, alone, sure):
    draw_claim(record)

# %% [markdown]
# ## Break it
#
# Each of these mistakes trains without complaint; our tests plant each of them.
#
# <details><summary>Nine mistakes</summary>
#
# - **A coin for the unsure**: the draw ignores the class; the arm `uniform` does that, too.
# - **Turned threshold**: the guess is kept where it is unsure and drawn where it is sure.
# - **The class of a group**: the odds are counted the other way round, $P(y \mid g)$; exercise 4 is about it.
# - **Wrong ones counted as right**: the threshold looks for confidence in error.
# - **The lowest of equals**: a tie is settled at its other end.
# - **By group alone**: each group is split once a class, classes mixed, so that too many have told and some people both train the guesser and set its threshold.
# - **The class left out**: people weigh $P(g) / P(y, g)$, which with two equal classes is a common factor and hard to see.
# - **Upside down**: people weigh $P(y, g)$ over the product, and the gap widens.
# - **Threshold of those it learned from**: the guesser's own people set the threshold, and on them it is right more often.
#
# </details>
#
# Run the second, on one draw of people.

# %% tags=["results"]
rng = np.random.default_rng((1000, 0))
x, y, g, _ = draw_people(2000, 0.5, rng)
new_x, new_y, new_g, _ = draw_people(10_000, 0.5, rng)
learn, held = split_asked(y, g, 0.1, rng)
asked = learn | held
_, p, _, bar = guess(x, g, learn, held)
chances = group_given_class(y[asked], g[asked])


def gap_with(groups, rows=slice(None)):
    """The gap on new people after reweighing `rows` with these groups."""
    return gap(answers(x, y, np.where(asked, g, groups), rows, new_x, new_y),
               new_y, new_g)


drawn = draw_groups(y, chances, np.random.default_rng(1))
turned = np.where(p.max(axis=1) < bar, p.argmax(axis=1), drawn)
right = assign(p, y, bar, chances, np.random.default_rng(1))
print(f"turned threshold {gap_with(turned):.2f}, all drawn "
      f"{gap_with(drawn):.2f}, CGL {gap_with(right):.2f}")

# %% [markdown]
# ## Move the threshold
#
# The same draw of people, with a threshold of your choice in the place of the one that the held-out people chose, and three ways to treat those below it.
# Where is the gap smallest, and is that where the held-out people put the threshold?
# One draw of people says little; the table of *What else would do* has forty.

# %% tags=["figure"]
# @title Panel: a threshold, and what the unsure are given
bars = (0.5, 0.55, 0.6, 0.7, 0.8, 0.9, 1.01)
below = {"drawn by class": drawn,
         "a coin": np.random.default_rng(1).integers(2, size=len(y)),
         "left out": None}


def row_of(level, given):
    sure = p.max(axis=1) >= level
    if given is not None:
        value = gap_with(np.where(sure, p.argmax(axis=1), given))
    else:
        value = gap_with(p.argmax(axis=1), sure | asked)
    return [[f"{sure[~asked].mean():.2f}", "█" * round(60 * value)
             + f" {value:.3f}"]]


outcomes = {(i, j): row_of(level, given) for i, level in enumerate(bars)
            for j, given in enumerate(below.values())}
fig, ax = subplots(width=6.4, height=2.6)
for name, keep, colour in (("right", p.argmax(1) == g, "method"),
                           ("wrong", p.argmax(1) != g, "rival")):
    ax.hist(p.max(axis=1)[keep & ~asked], bins=np.linspace(0.5, 1, 26),
            color=palette[colour], alpha=0.8, label=f"guess {name}")
ax.axvline(bar, color=palette["ink"], ls="--", lw=1)
ax.set(xlabel="confidence of the guess", ylabel="people",
       title="Right and wrong guesses, and the threshold that was chosen")
ax.legend(loc="upper left")
choose([("threshold", [f"{level:.2f}" for level in bars[:-1]]
         + ["above all"]), ("below it", list(below))], outcomes,
       columns=["guesses believed", "gap, lower is better"],
       title="Choose a threshold and see the gap",
       alt="Two histograms over the confidence of a guess: right guesses "
           "grow towards certainty, wrong ones crowd at the lower end; a "
           "dashed line is the chosen threshold.", fallback_fig=fig)

# %% [markdown]
# ## What we shrank
#
# | | paper and code | here |
# |---|---|---|
# | people | photographs of faces, tables of a census and of courts, by the code | 2,000 drawn people, 33 numbers each |
# | guesser | a deep network on images, a small one on tables, whose loss weighs rare groups more and sure answers less | logistic regression |
# | threshold | read off held-out people by the same lines | the same lines, some forty people |
# | new people | photographs: as many of every class and group | class and group go together in nine of ten |
# | fair learning | three methods, among them one that learns weights | weights by one formula |
# | groups and classes | two or more | two of each |
#
# What this page cannot show: whether a face gives a group away, and at which confidence; whether the draw helps a method that does more than weigh.
# Our trace is there or not, and nothing in between; the three kinds of feature were chosen so that believing every guess does harm.
# With more than two groups an honest confidence can lie below one half, and the threshold may then keep its place; we did not try.
# That a gap is small on average over two classes says nothing of each person, and which groups a data set should have is not a question for a threshold.
#
# ## Tries
#
# <details><summary>Tries: five rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | a guesser that sees the trace only; a stronger proxy; 0 to 100 numbers that say nothing; other shares of those who told | seeds from 1000 on | CGL ahead of guesses where a tenth or less have told and half leave a trace; level with them where features are few; the labelled part alone catches up where half have told |
# | the counter-case with nine in ten leaving a trace | seeds from 1000 on | in the same direction and not settled: how many draws meet the threshold at infinity is chance; so the claim takes everybody |
# | the first run | seeds 0 to 4, once | the one that is reported |
# | a guesser that is told the class, the unsure left out, more held-out people, other thresholds | seeds from 1000 on, after the first run | the table of *What else would do*; the first claim, which had said "the guesses of a classifier", now says which; runs and bars as before |
# | guesses drawn by the guesser's own probabilities, or shared out by them | seeds from 1000 on, after the first run | a larger gap than with believed guesses at `C` of `0.003`, `0.03` and `0.1` |
#
# </details>
#
# ## In the lab
#
# CGL was made by Seoul National University and the Lab; one of the three methods in its code measures independence, and that measure is taken from [ReBias](rebias.ipynb).
# [One question asked three times](three_cures.ipynb) puts the two on one bench, where CGL's draw does no good.
# [Shortcut cues](shortcut_cues.ipynb) shows how readily a network takes the hint that fairness forbids.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Of the people of class 1, nine in ten are of group 1, and a group is drawn for each by $P(g \mid y)$.
# For which share of them is the draw right?
# And for which share would "always group 1" be right?

# %% tags=["exercise"]
right_by_draw, right_by_rule = ..., ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_right(pair):
    draw, rule = pair
    assert near(rule, 0.9), "Always group 1 is right for all of group 1."
    assert not near(draw, 0.9), ("The draw is right where it and the truth "
                                 "are both 1, or both 0.")
    assert not near(draw, 0.81, rel=0.005), "Both may be group 0, too."
    assert near(draw, 0.82, rel=0.005), "Add the two ways of being right."

check("cgl-1", (right_by_draw, right_by_rule), judge_right,
      asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
right_by_draw, right_by_rule = 0.9 ** 2 + 0.1 ** 2, 0.9
check("cgl-1", (right_by_draw, right_by_rule), judge_right)

# %% [markdown]
# The rule is right more often, and by it nobody of class 1 is in group 0.
# A draw is wrong more often and keeps the numbers.
#
# **2. Change and predict.**
# A thousand people are of class 1, a hundred of them of group 0; as many are of class 0, with the groups the other way round.
# What does a person of class 1 and group 0 weigh by reweighing?
# And what if a coin had given everybody's group?

# %% tags=["exercise"]
weight_true, weight_coin = ..., ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_weights(pair):
    truth, coin = pair
    y = np.repeat([0, 1], 1000)
    g = np.repeat([0, 1, 0, 1], [900, 100, 100, 900])
    want = reweigh(y, g)[1000]
    assert not near(truth, 1 / want), "That is the weight upside down."
    assert near(truth, want), ("Half are of class 1 and half of group 0; how "
                               "many are both?")
    assert near(coin, 1), "With a coin, class and group are independent."

check("cgl-2", (weight_true, weight_coin), judge_weights,
      asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
weight_true, weight_coin = 0.5 * 0.5 / 0.05, 1.0
check("cgl-2", (weight_true, weight_coin), judge_weights)

# %% [markdown]
# **3. Refute the claim.**
# "CGL leaves a smaller gap than believing every guess."
# Give a `share` of people who leave a trace and a `ratio` of people who have told their group, each from `0.05` to 1 and the ratio at most `0.6`, that speak against it.
# The check runs both arms on three seeds, two draws each, and CGL must be worse on every one.

# %% tags=["exercise"]
against = (..., ...)

# %% tags=["check"]
# @title Check of exercise 3
def judge_against(pair):
    share, ratio = (float(v) for v in pair)
    assert 0.05 <= share <= 1 and 0.05 <= ratio <= 0.6, (
        "Both lie between 0.05 and 1, and the ratio is at most 0.6.")
    gaps = np.array([[run(arm, seed, share=share, ratio=ratio, draws=2)["gap"]
                      for arm in ("cgl", "pseudo")]
                     for seed in (1000, 1001, 1002)])
    worse = gaps[:, 0] > gaps[:, 1] + 0.01
    assert worse.any(), ("There CGL is ahead, or level. When does it draw "
                         "for everybody?")
    assert worse.all(), ("There CGL is worse on some seeds only, and chance "
                         "can do that.")

check("cgl-3", against, judge_against, asks="two numbers")

# %% tags=["solution"]
# @title Solution of exercise 3
against = (1.0, 0.1)
check("cgl-3", against, judge_against)

# %% [markdown]
# **4. Find the bug.**
# On the people of this page, whose classes and groups mirror each other, this function gives what it should, up to chance.
# On others it does not.
# Mend it: set `mended_odds` to a function of `(y, g)` that returns $P(g \mid y)$, a row a class.

# %% tags=["exercise", "bug"]
def odds(y, g):
    counts = np.zeros((y.max() + 1, g.max() + 1))
    np.add.at(counts, (y, g), 1)
    return counts / counts.sum(axis=0, keepdims=True)

mended_odds = odds

# %% tags=["check"]
# @title Check of exercise 4
def judge_odds(function):
    rng = np.random.default_rng(0)
    for groups in (2, 3):
        y = np.r_[0, 1, rng.integers(2, size=60), np.zeros(90, int)]
        g = np.r_[0, groups - 1, rng.integers(groups, size=150)]
        got = np.asarray(function(y.copy(), g.copy()), float)
        assert got.shape == (2, groups), "A row a class, a column a group."
        want = np.array([[(g[y == c] == k).mean() for k in range(groups)]
                         for c in (0, 1)])
        assert np.allclose(got.sum(axis=1), 1), (
            "A row should sum to one: which people are counted in it?")
        assert np.allclose(got, want), "The rows hold other shares."

check("cgl-4", mended_odds, judge_odds, asks="a function of (y, g)")

# %% tags=["solution"]
# @title Solution of exercise 4
def mended_odds(y, g):
    counts = np.zeros((y.max() + 1, g.max() + 1))
    np.add.at(counts, (y, g), 1)
    return counts / counts.sum(axis=1, keepdims=True)   # within a class

check("cgl-4", mended_odds, judge_odds)
