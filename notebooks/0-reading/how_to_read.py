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
# # How to read a result here
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/0-reading/how_to_read.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | What it is | the rules by which every other page of this book judges itself, tried on coins |
# | Before this page | what a mean is |
# | Data | coin flips drawn here, where the truth is known because we made it |
# | Time | ten minutes to read, <!--=bench.how_to_read.seconds-->3<!--/--> seconds to run on one CPU core |
#
# **요약.**
# 이 책의 결과는 모두 주장과 판정으로 적혀 있으며, 이 장은 정답을 아는 동전으로 그 읽는 법을 보여 줍니다.
# 시드가 서로 다른 두 실행을 한 번씩만 비교하면 못한 동전이 세 번에 한 번꼴로 이기지만, 같은 시드끼리 짝지으면 공통된 운이 차이에서 빠집니다.
# 판정은 다섯 시드의 95 % 신뢰구간과, 실험 전에 이유와 함께 정해 둔 최소 효과로 내립니다.
# 판정은 성립, 불성립, 판정 보류의 세 가지이며, 효과가 없는데도 성립으로 판정될 확률은 40분의 1 이하입니다.
# 판정이 무엇을 증명하고 무엇을 증명하지 않는지, 페이지를 직접 실행하는 방법도 설명합니다.
#
# **In short.**
# How is a result of this book to be read?
# One comparison of one run each picks the worse of two coins about one time in three; five paired runs, an interval and a least effect stated beforehand give one of three words, and the word is wrong in a known share of cases.
# A verdict here says nothing about the size of an effect on other data than the page's own.

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
import math

import numpy as np

from lab1784 import (check, claim, compare, draw_claim, near, overview,
                     palette, show, verdict)
from lab1784.claims import t_quantile
from lab1784.figures import subplots

# %% [markdown]
# ## The worse coin wins
#
# Here are two coins.
# The plain one shows heads in half of its tosses, on average over many days, and the loaded one gains `0.05` on that.
# We know it because we built them.
# A reader of papers does not know: there, somebody tossed each coin two hundred times, once, and reported the two shares.
# How often does the worse coin win such a comparison?
# Bet: never, one time in twenty, or one time in three.
#
# In the words of this book the coins are two **arms** (실험 조건), the plain one is the **baseline** (기준 방법), and the share of heads is the **metric** (평가 지표).
# Each run is given a **seed** (시드), the number that fixes all its random draws, of three kinds.
#
# - **The data**: on some days every coin falls better, as some test sets are easier for every network.
# - **The luck**: the tosses themselves, the same for both arms, as initial weights and the order of batches are.
# - **The method's own draws**: with probability `strength` the loaded coin tosses again, with a better chance. These come from a generator of their own, so that they disturb nothing else.

# %% tags=["experiment"]
def run(arm, seed, strength=0.5, tosses=200, split=None):
    """Share of heads of one coin on one day.

    split: the seed of the data, where it is not the run's own.
    Thousandths and whole numbers only: the same on every machine.
    """
    data = np.random.default_rng([seed if split is None else split, 0])
    day, suits = data.integers(-150, 151), data.integers(-50, 51)
    luck = np.random.default_rng([seed, 1])
    heads = luck.integers(1000, size=tosses) < 500 + day
    if arm != "plain":
        own = np.random.default_rng([seed, 2])
        chance = {"loaded": 600, "bent": 400}[arm] + day + suits
        again = own.integers(1000, size=tosses) < 1000 * strength
        second = own.integers(1000, size=tosses) < chance
        heads = np.where(again, second, heads)
    return {"heads": float(heads.mean())}

# %% [markdown]
# Now the comparison, a thousand times over, in three ways: each coin on a seed of its own; both coins on the same seed; and the mean of five such pairs.
# Where a bar stands left of zero, the worse coin won.

# %%
seeds = range(1000, 2000)
plain = np.array([run("plain", s)["heads"] for s in seeds])
loaded = np.array([run("loaded", s)["heads"] for s in seeds])
paired = loaded - plain
ways = {"one run each, each on its own seed": loaded - np.roll(plain, 5),
        "one run each, both on the same seed": paired,
        "five pairs, their mean": paired.reshape(-1, 5).mean(1)}
for name, d in ways.items():
    print(f"{name + ':':36} the worse coin wins {np.mean(d < 0):.2f}")

# %% tags=["figure"]
# @title Draw: how far the two coins lie apart, in three ways of asking
fig, axes = subplots(3, 1, height=4.6, sharex=True)
fig.suptitle("Left of zero, the worse coin wins", x=0.02, ha="left",
             fontsize=11, fontweight="bold")
edges = np.arange(-80, 101, 4) * 0.005 - 0.0025   # no edge hits a value
for ax, (name, d) in zip(axes, ways.items()):
    _, _, bars = ax.hist(d, edges, color=palette["method"], density=True)
    for bar in bars:
        if bar.get_x() < -0.01 and bar.get_height():
            bar.set_color(palette["rival"])
    ax.axvline(0, color=palette["ink"], lw=1)
    ax.set(yticks=[], ylabel="how often")
    ax.set_title(name, fontsize=9, fontweight="normal")
axes[-1].set_xlabel("loaded minus plain, share of heads")
show(fig, "Three histograms of the difference between the coins. With a "
          "seed each it is wide and much of it lies below zero; on the same "
          "seed it is narrower; the mean of five pairs is narrow and lies "
          "above zero.")

# %% [markdown]
# About one time in three was the right bet.
# A table that compares one run of ours with one run of somebody else's is the first histogram.
#
# ## A pair shares its luck
#
# Most of the width of the first histogram was the day.
# Give both coins the same seed and the day falls on both; take the difference within the seed, and it cancels.
# **Paired seeds** (짝지은 시드) are the first rule here: every arm is run on the same seeds, and only differences within a seed are looked at.
# Their mean is the **effect** (효과).
#
# A seed draws the data *and* the initialisation.
# With one split for all five runs the interval would be shorter, and it would speak of that split alone.
#
# ## The interval
#
# Five seeds give five differences $d_1, \dots, d_n$, with mean $\bar d$ and standard deviation (표준편차) $s$.
# The **confidence interval** (신뢰구간) of this book is Student's, at 95 %:
#
# $$\bar d \;\pm\; t_{n-1}\,\frac{s}{\sqrt n}, \qquad t_4 = 2.78 \text{ for five seeds}$$
#
# Of all intervals made in this way, 95 % contain the true effect, where the differences are roughly normal.
# The factor is not the familiar $1.96$, because $s$ is itself estimated, from five numbers.

# %% tags=["experiment"]
def t_interval(d):
    """Mean and ends of the 95 % Student t interval.  d: (..., n)."""
    n, mean = d.shape[-1], d.mean(-1)
    half = t_quantile(n - 1, 0.975) * d.std(-1, ddof=1) / math.sqrt(n)
    return mean, mean - half, mean + half

# %% tags=["figure"]
# @title Draw: twelve experiments, paired and unpaired
first, other = loaded.reshape(-1, 5), np.roll(plain, 5).reshape(-1, 5)
error = np.sqrt((first.var(1, ddof=1) + other.var(1, ddof=1)) / 5)
gap, half = (first - other).mean(1), t_quantile(8, 0.975) * error
both = {"Paired: short, and the day is gone": t_interval(
            paired.reshape(-1, 5)),
        "Unpaired: the day hides the gain": (gap, gap - half, gap + half)}
fig, axes = subplots(1, 2, width=7.4, height=2.9, sharex=True, sharey=True)
for ax, (title, (mean, low, high)) in zip(axes, both.items()):
    for row in range(12):
        ax.plot([low[row], high[row]], [row, row], color=palette["method"])
        ax.plot(mean[row], row, "o", ms=4, color=palette["method"])
    ax.axvline(0, color=palette["ink"], lw=1)
    ax.axvline(0.05, color=palette["rival"], ls="--", lw=1.2)
    ax.set(title=title, yticks=[], xlabel="loaded minus plain; dashed: truth")
show(fig, "Twelve experiments as horizontal intervals. Paired ones are "
          "short and centred near the truth; unpaired ones are several "
          "times as long, scattered, and nearly all of them contain zero.")

# %% [markdown]
# ## The least effect, stated before
#
# With enough tosses any two coins differ.
# So each **claim** (주장) of this book names a **least effect** (최소 효과), the smallest gain that would count, in the metric's unit.
# It comes with its reason: a share of the effect that the paper reports, or two standard deviations of the baseline, and never our own result.
# Statement, metric, rival, seeds and least effect are committed before the seeds, 0 to 4, are run for the first time; the history of the repository shows the order.
# What we try beforehand, we try on seeds from 1000 on.
# That first run is reported whatever it says.
# The coins of this page are an exception: their claims were committed together with their results.
#
# ## Three words
#
# A claim that one arm is better than another gets one of three **verdicts** (판정).
#
# - **Holds** (성립): the interval lies above zero, and the mean is at least the least effect.
# - **Does not hold** (불성립): the interval lies below the least effect.
# - **Not settled** (판정 보류): anything else. These seeds can neither confirm nor refute it.

# %% tags=["figure"]
# @title Draw: six intervals, and what the rule calls them
spread = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
spread = spread / t_interval(spread)[2]            # half-length one
colours = {"holds": palette["method"], "does not hold": palette["rival"],
           "not settled": palette["plain"]}
fig, ax = subplots(width=7.0, height=2.7)
for row, (mean, half) in enumerate([(-0.03, 0.02), (0.013, 0.01),
                                    (0.025, 0.02), (0.035, 0.06),
                                    (0.045, 0.03), (0.065, 0.025)]):
    word = verdict(mean + half * spread, "superior", 0.03)
    ax.plot([mean - half, mean + half], [row] * 2, lw=3, color=colours[word])
    ax.plot(mean, row, "D", color=colours[word])
    ax.text(0.105, row, word, color=colours[word], va="center")
ax.axvline(0, color=palette["ink"], lw=1)
ax.axvline(0.03, color=palette["rival"], ls="--", lw=1.2)
ax.set(yticks=[], xlim=(-0.06, 0.14), xticks=[-0.05, 0, 0.05, 0.1],
       ylim=(-0.6, 5.6),
       xlabel="effect; dashed: least effect",
       title="Two lines decide: zero, and the least effect")
ax.grid(axis="y", visible=False)
show(fig, "Six intervals with their verdicts. Those wholly left of the "
          "least effect do not hold, even one right of zero. Those right of "
          "zero with their mean beyond the least effect hold. The two "
          "others are not settled.")

# %% [markdown]
# The second from below is the one to remember: surely above zero, surely too small.
#
# ## Three claims about the coins
#
# `compare` runs the arms; `claim` judges, draws and keeps the record.
# The first claim was asked of seeds 0 to 4 once, was not settled there, and that stays said: these are the next ten, 5 to 14.
# On the left of its picture each seed is a dot and pairs are joined; on the right are the differences, their interval, and the least effect, dashed.

# %% tags=["results"]
runs = compare(run, ["plain", "loaded"], seeds=range(5, 15), tosses=1000)
record = claim(
    "coin-holds",
    "Over a thousand tosses the loaded coin shows more heads than the "
    "plain one.",
    runs, metric="heads", arm="loaded", baseline="plain", least=0.03,
    unit="share of heads",
    reason="three fifths of the gain that the coin was built to have, 0.05",
    paper="At strength 0.5 the loaded coin gains 0.05.")

# %% [markdown]
# The second coin was loaded less.
# A verdict that we expect to be other than "holds" is announced with `expect`, and `claim` speaks up where the run says something else.

# %% tags=["results"]
faint = compare(run, ["plain", "loaded"], tosses=1000, strength=0.1)
faint_record = claim(
    "coin-not",
    "Loaded at a fifth of that strength, the coin shows more heads than the "
    "plain one.",
    faint, metric="heads", arm="loaded", baseline="plain", least=0.03,
    unit="share of heads", picture=False,
    reason="the gain that counts is the one of the coin at full strength",
    expect="does not hold", paper="At strength 0.1 the coin gains 0.01.")

# %% [markdown]
# "Does not hold" means that we looked closely, and an effect of the size that counts was not there.
# A smaller one may be, as here.
#
# The third is the first coin again, at full strength, tossed thirty times a day.

# %% tags=["results"]
short = compare(run, ["plain", "loaded"], tosses=30)
short_record = claim(
    "coin-open",
    "Over thirty tosses the loaded coin shows more heads than the plain "
    "one.",
    short, metric="heads", arm="loaded", baseline="plain", least=0.03,
    unit="share of heads", picture=False,
    reason="the gain that counts does not depend on how often one tosses",
    expect="not settled",
    paper="At strength 0.5 the loaded coin gains 0.05.")

# %% [markdown]
# The interval runs from <!--=coin-open.low-->−0.03<!--/--> to <!--=coin-open.high-->0.13<!--/-->: it contains zero, and gains several times the least effect.
# Here we know that the effect is real; "not settled" is no polite form of "no".
# A page with several claims ends them with one picture of all, each in units of its own bar.

# %% tags=["figure"]
# @title Draw: all three claims
overview(record, faint_record, short_record)

# %% tags=["details"]
# @title Every seed of the second and the third claim
for one in (faint_record, short_record):
    draw_claim(one)

# %% [markdown]
# ## Four kinds of claim
#
# | kind | it says | it holds where | it does not hold where |
# |---|---|---|---|
# | `superior` | better by what counts | lower end above 0 and mean at least the least effect | upper end below the least effect |
# | `no_worse` | not worse by more than the margin | lower end above −margin | upper end below −margin |
# | `equal` | no difference larger than the margin | whole interval inside ±margin | whole interval outside |
# | `exact` | an identity or a count | every seed within the tolerance | anything else |
#
# Where lower is better, as with an error, everything is mirrored and a good effect is negative.
#
# A **margin** (허용 차이) invites cheating: make it wide, and anything is "no worse".
# So a claim of these kinds names a **bad arm** (손상된 실험 조건), a method with known damage, and `claim` refuses to go on where the bad arm would pass.
# Here the bent coin, which loses what the loaded one gains, is judged with two margins.

# %%
pair = compare(run, ["plain", "bent"], seeds=range(1000, 1005),
               tosses=1000, strength=1.0)["heads"]
damage = np.subtract(pair["bent"], pair["plain"])
for margin in (0.25, 0.02):
    word = verdict(damage, "no_worse", margin)
    print(f"margin {margin:.2f}: 'the bent coin is no worse' {word}")

# %% [markdown]
# ## Three ways to catch ourselves
#
# **Null strength** (영 강도).
# Every `run` takes a `strength`, and at strength zero the method's own code must give the baseline's value to the last bit.
# It is a placebo: both arms spend the same budget on the same data, and the pairs are pairs.
# The careless version below draws the method's numbers from the common generator.
# At strength zero it never tosses again, and still its tosses are others.

# %%
def careless(arm, seed, strength):
    rng = np.random.default_rng(seed)      # one generator for everything
    if arm == "loaded":
        rng.integers(1000, size=200)       # whether to toss again
    return {"heads": float((rng.integers(1000, size=200) < 500).mean())}


for name, function in (("run", run), ("careless", careless)):
    same = all(function("loaded", s, strength=0.0)
               == function("plain", s, strength=0.0)
               for s in range(1000, 1010))
    print(f"{name}: at strength 0 both arms agree to the last bit: {same}")

# %% [markdown]
# **Noise.**
# The baseline on the claim's seeds is compared with the baseline on fresh seeds, and must not beat itself.
#
# **Shift.**
# Every seed is shifted, three times, by numbers drawn from the hash of the commit.
# A claim is *stable* where its sign stays three times and its verdict at least twice.
#
# ## How often the words are wrong
#
# Suppose that a method does nothing.
# The lower end of its interval lies above zero in one experiment of forty: 95 % are inside, and the rest is shared by two sides.
# That is the first column below, where the least effect is zero; a larger least effect makes it smaller.
# The other columns are the **power** (검정력): how often a true effect, in standard deviations of the paired difference, gets its "holds".

# %% tags=["experiment"]
def chances(true, least, n, repeats=20_000):
    """How often each verdict comes: holds, not settled, does not hold.

    true, least: true and least effect, in standard deviations of the
    paired differences.  n: seeds.
    """
    rng = np.random.default_rng(n)
    d = true + rng.standard_normal((repeats, n))
    mean, half = d.mean(1), d.std(1, ddof=1) / math.sqrt(n)
    half *= t_quantile(n - 1, 0.975)
    yes = np.mean((mean - half > 0) & (mean >= least))
    no = np.mean(mean + half < least)
    return float(yes), float(1 - yes - no), float(no)

# %%
effects = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0]
print("chance of 'holds', least effect zero")
print("true effect" + "".join(f"{e:8.1f}" for e in effects))
for n in (3, 5, 10):
    row = [chances(e, 0.0, n)[0] for e in effects]
    print(f"{n:2d} seeds   " + "".join(f"{c:8.3f}" for c in row))

# %% [markdown]
# Read the row of three seeds before you believe a negative result from three seeds.
# A true effect of two standard deviations is missed there more often than it is found.
#
# ## What is proved, and what is not
#
# Proved, by running it again at every change: the code on the page gives the verdict on the page.
# The technique in it is checked against something that others made, and against wrong versions that must be caught.
#
# Not proved:
#
# - **Other sizes and problems.** A **miniature** (축소판) shows that a mechanism exists, on a problem chosen so that it can be seen. How large the effect is on the authors' data, it cannot say. What was tried before stands under *Tries* on each page.
# - **All claims at once.** Each "holds" takes a risk of up to one in forty. Of forty claims about methods that do nothing, up to one would be expected to hold.
# - **Other machines.** All of this ran on CPUs of one kind. Last digits may differ, which the comparison allows.
# - **Five seeds are few.** They cannot show whether differences are normal, and where they are very skewed, our 95 % are fewer.
#
# No measured number is typed: the <!--=coin-holds.effect-->0.06<!--/--> of the first claim was copied from its record into this sentence by a command, and a test compares the two.
# The [scoreboard](../../chapters/scoreboard.md) has all claims with their verdicts; [trust](../../chapters/trust.md) has null strength, noise and shift for every page.
#
# ## Run it yourself
#
# **In Colab**: the badge at the top of a page, then *Runtime*, *Run all*.
# **On your machine**: clone the repository; `make run NB=cutmix` makes its environment and executes that page.
# **On other seeds**: `make try NB=cutmix SEED=1000`, or in Colab a cell above the first one with `%env LAB1784_SEED=1000`.
#
# A page assumes that you can read a training loop in PyTorch: tensors and their shapes, `nn.Sequential`, a loss on logits, the three lines that make a step, `no_grad`, and `train` against `eval`.
# If not, the official [Learn the Basics](https://docs.pytorch.org/tutorials/beginner/basics/intro.html) takes an afternoon.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Five seeds gave the differences below.
# How far does the 95 % interval reach to each side of its mean?
# For four degrees of freedom $t = 2.776$.

# %% tags=["exercise"]
differences = [0.02, 0.05, 0.03, 0.06, 0.04]
half_length = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_half_length(value):
    d = np.array([0.02, 0.05, 0.03, 0.06, 0.04])
    error = d.std(ddof=1) / math.sqrt(5)
    value = float(value)
    for wrong, why in (
            (1.96 * error, "1.96 belongs to a known spread; yours comes "
                           "from five numbers."),
            (2.776 * d.std(ddof=1), "A mean of five varies less than one "
                                    "difference: by the root of five."),
            (2.776 * d.std() / math.sqrt(5), "The spread was divided by n; "
                                             "one degree went to the mean."),
            (2 * 2.776 * error, "That is the whole length, not half."),
            (error, "That is the standard error; now multiply it by t.")):
        assert abs(value - wrong) > 2e-4, why
    assert near(value, 2.776 * error, rel=0.01), (
        "Standard deviation with n - 1, over the root of n, times t.")

check("reading-1", half_length, judge_half_length)

# %% tags=["solution"]
# @title Solution of exercise 1
half_length = 2.776 * np.std(differences, ddof=1) / math.sqrt(5)
check("reading-1", half_length, judge_half_length)

# %% [markdown]
# **2. Change and predict.**
# A method's true effect is half of the least effect, and the least effect is one standard deviation of the paired differences.
# Five seeds become ten.
# Which verdict becomes *more* frequent: "holds", "does not hold" or "not settled"?
# Answer before you run `chances`; the check runs it.

# %% tags=["exercise"]
more_frequent = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_more(word):
    words = ("holds", "not settled", "does not hold")
    assert word in words, f"Answer with one of {words}."
    five, ten = (chances(0.5, 1.0, n)[words.index(word)] for n in (5, 10))
    told = f"At five seeds it comes in {five:.2f}, at ten in {ten:.2f}: "
    assert word != "holds", told + (
        "the interval closes in on the true effect, which is too small.")
    assert ten > five, told + "more seeds settle more."

check("reading-2", more_frequent, judge_more)

# %% tags=["solution"]
# @title Solution of exercise 2
# More seeds shorten the interval around the true effect.  That lies below
# the least effect, so the upper end drops below it more often.
more_frequent = "does not hold"
check("reading-2", more_frequent, judge_more)

# %% [markdown]
# **3. Refute the claim.**
# "A verdict *holds* means that, with 95 % confidence, the effect is at least the least effect."
# Give five differences that hold at the least effect `0.03` although their interval reaches below it.

# %% tags=["exercise"]
counterexample = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_counterexample(values):
    d = np.array(values, dtype=float)
    assert d.shape == (5,), "Give five numbers, one a seed."
    mean, low, high = t_interval(d)
    at = f"Mean {mean:.3f}, interval {low:.3f} to {high:.3f}: "
    assert low > 0, at + "it contains zero or worse, so it cannot hold."
    assert mean >= 0.03, at + "the mean is below the least effect."
    assert low < 0.03, at + (
        "this one holds and supports the sentence; spread it a little.")
    assert verdict(d, "superior", 0.03) == "holds"

check("reading-3", counterexample, judge_counterexample)

# %% tags=["solution"]
# @title Solution of exercise 3
# "Holds" says: surely above zero, and the best guess is large enough.
counterexample = [0.01, 0.07, 0.03, 0.06, 0.04]
check("reading-3", counterexample, judge_counterexample)
