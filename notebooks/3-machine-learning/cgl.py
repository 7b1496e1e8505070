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
# | Time | <!--=bench.cgl.seconds-->20<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 분류기가 두 집단에 공정하려면 누가 어느 집단인지 알아야 하지만, 그 정보는 일부 사람에게만 있습니다.
# CGL은 집단을 추측하는 분류기의 신뢰도가 문턱값보다 높을 때만 추측을 쓰고, 낮으면 클래스별 집단 비율에 따라 무작위로 배정합니다.
# 이 페이지는 생성한 2,000명 가운데 열에 한 명만 집단을 밝힌 상황에서 집단 사이의 격차를 시드 다섯 개로 측정합니다.
# 절반만 집단의 흔적을 남길 때 CGL은 모든 추측을 믿는 방법보다 격차가 작지만, 거의 모두가 흔적을 남기면 공식 코드의 문턱값이 추측을 모두 버리는 일이 생깁니다.
# 로지스틱 회귀와 생성한 데이터로 얻은 결과이므로, 얼굴 사진이나 심층 신경망에 대해서는 말해 주지 않습니다.
#
# **In short.**
# Should a guessed group be believed when the guesser is unsure?
# Among drawn people of whom half leave a trace of their group and a tenth have told it, the gap between the groups is <!--=cgl-pseudo.mean.pseudo:3-->0.000<!--/--> where every guess is believed and <!--=cgl-pseudo.mean.cgl:3-->0.000<!--/--> where unsure ones are drawn; where nine in ten leave one, the threshold of the code may throw every guess away.
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
# The people of this page are drawn.
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
axes[1].legend(loc="lower right", fontsize=8)
show(fig, "Two clouds of dots, trace across and skill up: two groups, apart "
          "at both ends and mixed in the middle; wrong guesses, as crosses, "
          "lie in the middle.")

# %% [markdown]
# The two ends are easy.
# In the middle stand those without a trace, and there lie nearly all the wrong guesses.
#
# Why guess at all?
# A classifier of the class, trained on such records, learns that the group is a good hint, and treats two equally skilled people differently.
# Methods of fair learning can prevent that, and nearly all of them must be told who belongs where; here one person in ten has told it.
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
# A draw is right for one person as often as chance has it, and still gets the *numbers* of the groups right, class by class.
# Guesses in the middle of the picture need not.

# %% [markdown]
# ## The technique
#
# The people who have told their group are split, in every class and group, four to one: the first part trains the guesser, the second, the **held-out** part, sets the threshold.

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
# Each held-out confidence is tried as $\tau$, and that one wins whose rule "right from $\tau$ on, wrong below" is true of most held-out people.
# The official code reads it off a curve of scikit-learn, and of equals it takes the highest.
# Where every held-out guess is right, that curve has no wrong ones to count, and what the official lines then give is infinity: no guess is believed.
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
# Ours is the oldest and shortest, **reweighing** (재가중, Kamiran and Calders, 2012): every person weighs $P(y)\,P(g) / P(y, g)$, so that class and group look independent.

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
# Now nine in ten leave a trace, so that nearly every guess is right.
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
# | `pseudo` | guessed for everybody else, by a guesser trained on all who told: the strongest rival |
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


def groups_for(arm, x, y, g, learn, held, strength, C, rng):
    """The groups an arm trains with, (N,), and who was guessed, (N,)."""
    asked, nobody = learn | held, np.zeros(len(y), bool)
    if arm in ("plain", "labelled", "true"):
        return g, nobody
    chances = group_given_class(y[asked], g[asked])
    if arm == "random":
        return np.where(asked, g, draw_groups(y, chances, rng)), nobody
    taught = asked if arm == "pseudo" else learn
    guesser = LogisticRegression(C=C, max_iter=500).fit(x[taught], g[taught])
    p = guesser.predict_proba(x)                          # (N, 2)
    right = p[held].argmax(axis=1) == g[held]
    bar = strength * min(best_threshold(p[held].max(axis=1), right), 2)
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


def one(arm, seed, strength, share, ratio, C):
    """One draw of people: gap, accuracy, share of guesses believed."""
    rng = np.random.default_rng(seed)
    x, y, g, _ = draw_people(2000, share, rng)
    test_x, test_y, test_g, _ = draw_people(10_000, share, rng)
    learn, held = split_asked(y, g, ratio, rng)
    groups, guessed = groups_for(arm, x, y, g, learn, held, strength, C,
                                 np.random.default_rng([1, *seed]))
    rows = learn | held if arm == "labelled" else np.ones(len(y), bool)
    weights = None if arm == "plain" else reweigh(y[rows], groups[rows])
    model = LogisticRegression(max_iter=500).fit(x[rows], y[rows], weights)
    right = model.predict(test_x) == test_y
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

# %% tags=["results"]
half = compare(run, ARMS)
pseudo = claim(
    "cgl-pseudo", "Where half of two thousand drawn people leave a trace of "
    "their group and a tenth have told it, reweighing with CGL's groups "
    "leaves a smaller gap between the groups than reweighing with the "
    "guesses of a classifier", half, metric="gap", arm="cgl",
    baseline="pseudo", better="lower", least=0.02, unit="gap between groups",
    reason="two standard deviations of that rival over the seeds for trying "
    "are less", paper="CGL is better than vanilla pseudo-labels",
    picture=False)
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
# PROSE-A

# %% [markdown]
# ## Where it does not help
#
# PROSE-B

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

# %% tags=["figure"]
# @title Draw: all four claims
overview(pseudo, uniform, alone, sure)

# %% tags=["details"]
# @title Every seed of every claim
for record in (pseudo, uniform, alone, sure):
    draw_claim(record)
