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
# # Data pipeline: twins across the split
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/2-stack/data_pipeline.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | section 2.1, the AI stack: the data pipelines on its lowest level |
# | Data | scikit-learn's handwritten digits, real, under noise that is drawn; the defects are planted, so it is known which rows are bad |
# | Library | on Monday: [datasketch](https://ekzhu.com/datasketch/) for MinHash, [pandera](https://pandera.readthedocs.io) for ranges and types, [cleanlab](https://docs.cleanlab.ai) for labels |
# | Time | <!--=bench.data_pipeline.seconds-->5<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 훈련 데이터와 시험 데이터에 같은 그림이 조금만 겹쳐도 점수가 얼마나 부풀려지는지, 심어 둔 중복으로 잽니다.
# 단위 오류, 복사본, 거의 같은 그림, 잘못된 라벨을 차례로 찾아내는 규칙 네 개를 심어 둔 정답과 비교합니다.

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
from scipy.spatial.distance import pdist, squareform
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid

from lab1784 import check, near, palette, show
from lab1784.data.spoiled import noisy_digits, spoiled
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

# %% [markdown]
# ## Four ways for a row to be bad
#
# A **data pipeline** (데이터 파이프라인) turns what came in into what a model may learn from.
# What came in here is 740 pictures of digits, 64 numbers from 0 to 16 each, and we spoiled 140 of them.
# In 30 the numbers are sixteen times too large, as if another camera had counted to 256.
# In 30 the label is a wrong one.
# And 80 are **duplicates** (중복) of others: 40 to the last bit, 40 with about an eighth of the pixels one step brighter or darker, as after being saved again.

# %% [markdown]
# ## Four rules, in an order that matters
#
# A wrong unit shows in the range of the numbers.
# A copy is found by comparing with the rows before it.
# A near copy has no row equal to it, so likeness must be measured.
# Take a picture as a set of 64 items, each a pixel with its brightness in steps of four.
# The **Jaccard index** (자카드 지수) of two sets $A$ and $B$ is $J = |A \cap B| / |A \cup B|$.
# **MinHash** (민해시), by [Broder (1997)](https://doi.org/10.1109/SEQUEN.1997.666900), estimates it from short signatures: put all possible items in a random order and note the first that is in the set.
# Two sets note the same item with probability $J$, since the first item of $A \cup B$ is as likely as any other to be one that both have.
# So the share of $k$ orders in which two signatures agree estimates $J$ without bias, with standard deviation $\sqrt{J(1-J)/k}$.
#
# A wrong label is only suspected: the five nearest other pictures all say the same and something else.
# This rule comes last, because a copy would vote for its own mistake.

# %% tags=["experiment"]
def signatures(items, k, rng):
    """MinHash in k random orders of 320 items: (n, 64) -> (n, k)."""
    place = rng.random((k, 320)).argsort(1)          # place of every item
    return np.stack([p[items].min(1) for p in place], 1)


def find(x, y, rng):
    """What is wrong with each row, as far as it shows: (n,) names."""
    bad = np.where(x.max(1) > 16, "unit", "copy").astype("<U9")
    bad[np.unique(x, axis=0, return_index=True)[1]] = ""
    bad[x.max(1) > 16] = "unit"
    sig = signatures(np.arange(64) * 5 + x.clip(0, 16).astype(int) // 4, 128,
                     rng)
    like = 1 - squareform(pdist(sig, "hamming"))
    for i in np.flatnonzero(bad == ""):
        if (like[i, :i][bad[:i] == ""] >= 0.65).any():
            bad[i] = "near copy"
    ok = np.flatnonzero(bad == "")
    near_by = KNeighborsClassifier(6).fit(x[ok], y[ok]).kneighbors(
        x[ok], return_distance=False)[:, 1:]         # without itself
    votes = y[ok][near_by]
    bad[ok[(votes == votes[:, :1]).all(1) & (votes[:, 0] != y[ok])]] = "label"
    return bad

# %%
x, y, wrong = spoiled(0)
bad = find(x, y, np.random.default_rng(0))
print("rule       planted  found  false alarms")
for rule in ("unit", "copy", "near copy", "label"):
    print(f"{rule:9}  {(wrong == rule).sum():7}"
          f"  {((bad == rule) & (wrong == rule)).sum():5}"
          f"  {((bad == rule) & (wrong != rule)).sum():12}")
told = np.isin(wrong, ["unit", "copy", "near copy"])
assert (bad[told] == wrong[told]).all()
assert not np.isin(bad[~told], ["unit", "copy", "near copy"]).any()

# %% [markdown]
# The first three rules find every planted row and nothing else, which the page asserts.
# Labels are another matter: under this noise most wrong ones go unseen, and a raised alarm is a reason for somebody to look, no more.
#
# ## What twins do to a score
#
# Now let a share $s$ of 200 test pictures stand among the 100 training pictures as well, each in the place of another.
# A model that learns by heart is right on its twins and as good as ever on the rest.
# Its score should go from $a$ to $a + s(1 - a)$, though it has learned nothing.
# And a model that cannot learn by heart, because it keeps one mean picture of each class and goes by the nearest?
# Bet, and look.

# %% tags=["experiment"]
def score(share, seed, model):
    """Accuracy on 200 digits of which a share stands in the training set."""
    x, y = noisy_digits(seed)
    train, test = np.arange(100), np.arange(100, 300)
    train[:round(share * 200)] = test[:round(share * 200)]
    return model.fit(x[train], y[train]).score(x[test], y[test])

# %% tags=["figure"]
# @title Draw: the score by the share of twins
SHARES = np.array([0, 0.05, 0.1, 0.2, 0.3, 0.4])
MODELS = {"nearest neighbour": KNeighborsClassifier(1),
          "nearest mean": NearestCentroid()}
fig, ax = subplots(width=5.4, height=3.2)
for (name, model), colour, mark in zip(
        MODELS.items(), (palette["rival"], palette["method"]), "os"):
    seen = np.array([[score(s, k, model) for s in SHARES] for k in range(20)])
    ax.plot(SHARES, seen.mean(0), mark + "-", color=colour, label=name)
    ax.plot(np.tile(SHARES, 20), seen.ravel(), ".", color=colour, alpha=0.3)
    if name == "nearest neighbour":
        a = seen[:, 0].mean()
        ax.plot(SHARES, a + SHARES * (1 - a), ":", color=colour,
                label="what learning by heart gives")
ax.set(xlabel="share of the test set that is in the training set",
       ylabel="accuracy (higher looks better)",
       title="Twins lift the score and change the winner")
ax.legend()
show(fig, "Accuracy against the share of test pictures that stand in the "
          "training set, from none to two in five, twenty seeds each. The "
          "nearest neighbour starts lower and rises along the dotted "
          "straight line of learning by heart; the nearest mean rises about "
          "half as much, and the two lines cross.")

# %% [markdown]
# The means gain as well, since every twin pulls a mean towards itself, but less.
# So twins do not only flatter: without them the means are the better model, and with many the neighbour looks better.
# Whoever chooses a model by such a score chooses the one that remembers.
#
# So duplicates are looked for *before* the split, and what belongs together, as frames of one film or recordings of one speaker, goes to one side whole.
# What this page does not show: pictures that were cropped or turned, which share hardly a pixel; there the sets are made from what a network sees.
# And data that drift: next year's digits, from other hands.
#
# ## Exercises
#
# **1. Compute.**
# Two sets have $J = 0.8$.
# How many orders does MinHash need for a standard deviation of $0.02$?

# %% tags=["exercise"]
orders = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_orders(value):
    assert not near(value, 8), "Divide by 0.02 once more."
    assert not near(value, 20), "That is its square root."
    assert not near(value, 2000), "Both J and 1 - J are in the variance."
    assert near(value, 400), "Set the standard deviation equal to 0.02."

check("data_pipeline-1", orders, judge_orders, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 1
orders = 0.8 * 0.2 / 0.02 ** 2
check("data_pipeline-1", orders, judge_orders)

# %% [markdown]
# **2. Change.**
# Rows of one `group` (n whole numbers) belong together, as pictures by one writer do.
# Write a split that returns `True` for the rows to learn from: from a third to two thirds of all, and no group on both sides.
# There are ten groups or more, all of one size; `rng` is a NumPy generator.

# %% tags=["exercise"]
def split(group, rng):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 2
def judge_split(function):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        group = rng.permutation(np.repeat(rng.permutation(90)[:20], 12))
        got = np.asarray(function(group.copy(), rng))
        assert got.shape == group.shape, "One answer for every row, please."
        assert got.dtype == bool, "Return True and False."
        both = np.intersect1d(group[got], group[~got])
        assert not len(both), "A group stands on both sides."
        assert 1 / 3 <= got.mean() <= 2 / 3, "One side is too small."

check("data_pipeline-2", split, judge_split, asks="a function")

# %% tags=["solution"]
# @title Solution of exercise 2
def split(group, rng):
    names = rng.permutation(np.unique(group))
    return np.isin(group, names[:len(names) // 2])

check("data_pipeline-2", split, judge_split)
