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
# | In the article | not there: the rules are ours |
# | Before this page | what a mean is; PyTorch only for the last cell before the exercises |
# | Data | coin flips drawn here, where the truth is known because we made it |
# | Time | ten minutes to read, about ten seconds to run on one CPU core |
#
# **요약.**
# 이 책의 결과는 모두 주장 하나와 판정 하나로 적혀 있으며, 이 장은 그 읽는 법을 답을 미리 아는 동전으로 보입니다.
# 시드가 다른 두 실행을 한 번 비교하면 못한 동전이 자주 이기지만, 시드를 짝지으면 두 동전에 공통된 운이 차이에서 빠집니다.
# 판정은 다섯 시드의 95 % 신뢰구간과, 실험 전에 이유와 함께 정해 둔 최소 효과로 내립니다.
# 판정은 성립, 불성립, 판정 보류의 셋이고, 효과가 없는데 성립이라고 할 확률은 약 40분의 1입니다.
# 이 판정들이 무엇을 증명하고 무엇을 증명하지 않는지, 페이지를 직접 실행하는 법과 필요한 파이토치 지식도 여기에 있습니다.

# %% tags=["setup"]
# In Colab this fetches the book's helper; elsewhere it does nothing.
import importlib.util, os, subprocess, sys
if importlib.util.find_spec("lab1784") is None:
    book = "git+https://github.com/OWNER/REPO"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    os.environ.get("LAB1784_SOURCE", book)], check=True)
    importlib.invalidate_caches()
    print("Installed lab1784 only; no other package was changed.")

# %% tags=["imports"]
import math

import numpy as np

from lab1784 import check, claim, compare, palette, show, verdict
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
# In the words of this book the coins are two **arms** (실험군), the plain one is the **baseline** (기준 방법), and the share of heads is the **metric** (평가 지표).
# Each run is given a **seed** (시드), the number that fixes all its random draws.
# There are three of them, as in training a network.
#
# - **The data**: on some days every coin falls better, as some test sets are easier for every network, and some days suit the loaded coin better than others.
# - **The luck**: the tosses themselves, the same for both arms, as the initial weights and the order of the batches are.
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
    print(f"{name + ':':36} the worse coin wins {np.mean(d < 0):.2f}")
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
# Below, an experiment of five seeds is done twelve times, on the left with pairs and on the right with seeds of their own for each coin.
# The bars are the intervals that the next section explains; what matters now is how long they are, and where zero lies.

# %% tags=["experiment"]
def t_interval(d):
    """Mean and ends of the 95 % Student t interval.  d: (..., n)."""
    n, mean = d.shape[-1], d.mean(-1)
    half = t_quantile(n - 1, 0.975) * d.std(-1, ddof=1) / math.sqrt(n)
    return mean, mean - half, mean + half

# %%
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
    print(f"{title.split(':')[0]:9} mean half-length "
          f"{np.mean(high - low) / 2:.2f}")
show(fig, "Twelve experiments as horizontal intervals. Paired ones are "
          "short and centred near the truth; unpaired ones are several "
          "times as long, scattered, and nearly all of them contain zero.")

# %% [markdown]
# ## Why a seed draws the data too
#
# It would be cheaper to fix one split into training and test data, and to let the seed choose the initial weights only.
# The interval would be shorter still.
# But then all five runs share the luck of that one split, and their agreement says nothing about the next one.
# So a seed here draws the data split *and* the initialisation.
#
# The cell below asks how often the interval of five seeds contains the true gain, `0.05`, when each seed draws its own data and when one split is kept for all five.
# It should be 95 %.

# %%
def gains(seeds, **settings):
    """Paired differences, loaded minus plain.  Returns (n,)."""
    return np.array([run("loaded", s, **settings)["heads"]
                     - run("plain", s, **settings)["heads"] for s in seeds])


def contains(fixed, groups=100):
    """Share of five-seed intervals that contain the true gain."""
    inside = []
    for g in range(groups):
        five = gains(range(5000 + 5 * g, 5005 + 5 * g), tosses=1000,
                     split=g if fixed else None)
        _, low, high = t_interval(five)
        inside.append(low <= 0.05 <= high)
    return np.mean(inside)


print(f"every seed its own data: {contains(fixed=False):.2f}")
print(f"one split for all five:  {contains(fixed=True):.2f}")

# %% [markdown]
# ## The interval
#
# Five seeds give five differences $d_1, \dots, d_n$, with mean $\bar d$ and standard deviation (표준편차) $s$.
# The **confidence interval** (신뢰구간) of this book is Student's, at 95 %:
#
# $$\bar d \;\pm\; t_{n-1}\,\frac{s}{\sqrt n}, \qquad t_4 = 2.78 \text{ for five seeds}$$
#
# The promise is about the procedure: of all intervals made in this way, 95 % contain the true effect.
# The factor is not the familiar $1.96$, because $s$ is itself estimated, from five numbers.
#
# Many papers use the **bootstrap** (부트스트랩) instead: draw new sets of five from the five differences, and keep the middle 95 % of their means.
# It needs no assumption of a normal distribution, and it is good with many seeds.
# Here is how often each interval contains the truth, on normal differences; and, dotted, Student's interval on differences that are far from normal.

# %%
def coverage(n, repeats=2000, resamples=300):
    """How often an interval of n differences contains the truth, 0."""
    rng = np.random.default_rng(n)
    d = rng.standard_normal((repeats, n))
    means = [np.take_along_axis(d, rng.integers(n, size=d.shape), 1).mean(1)
             for _ in range(resamples)]
    ends = np.quantile(means, [0.025, 0.975], axis=0)
    skewed = rng.exponential(size=(10 * repeats, n)) - 1
    pairs = [t_interval(d)[1:], ends, t_interval(skewed)[1:]]
    return [np.mean((low <= 0) & (0 <= high)) for low, high in pairs]

# %%
counts = [3, 5, 10, 20]
table = np.array([coverage(n) for n in counts])       # (4, 3)
fig, ax = subplots(width=6.0, height=2.9)
for name, line, style in zip(("Student t", "bootstrap", "t, skewed data"),
                             table.T, ("o-", "s--", "^:")):
    ax.plot(counts, line, style, label=name)
    print(f"{name:15}", "".join(f"  {v:.2f}" for v in line))
ax.axhline(0.95, color=palette["ink"], lw=0.8)
ax.set(xticks=counts, ylim=(0.6, 1), xlabel="seeds",
       ylabel="contains the truth", title="At five seeds the bootstrap is "
       "too sure")
ax.legend()
show(fig, "Share of intervals that contain the truth against the number of "
          "seeds. Student's stays at the promised level; the bootstrap "
          "starts far below and rises towards it; Student's on skewed data "
          "lies below the promise throughout.")

# %% [markdown]
# That is why no bootstrap is used here below twenty seeds.
# The dotted line is a limit of ours: where differences are very skewed, our 95 % are fewer.

# %% [markdown]
# ## The least effect, stated before
#
# With enough tosses any two coins differ.
# "Greater than zero" is therefore a question about patience.
# The better question is whether the gain is large enough to care about, and it must be asked before the result is known, or the answer will be yes.
#
# Each **claim** (주장) of this book names a **least effect** (최소 효과), the smallest gain that would count, in the metric's unit.
# It comes with its reason: a share of the effect that the paper reports, or two standard deviations of the baseline.
# Our own result is never the reason.
# Statement, metric, rival, seeds and least effect are committed before the seeds, 0 to 4, are run for the first time; the history of the repository shows the order.
# What we try beforehand, we try on seeds from 1000 on.
# That first run is reported whatever it says.
# The coins of this page are an exception: their claims were written first, and committed together with their results.
#
# ## Three words
#
# A claim that one arm is better than another gets one of three **verdicts** (판정).
#
# - **Holds** (성립): the interval lies above zero, and the mean is at least the least effect.
# - **Does not hold** (불성립): the interval lies below the least effect.
# - **Not settled** (판정 보류): anything else. These seeds can neither confirm nor refute it.
#
# Six intervals, and what the rule calls them.

# %%
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
# The fifth holds although its lower end is below the least effect, which exercise 3 takes up.
#
# Now three real claims about the coins.
# The first: over a thousand tosses the loaded coin shows more heads than the plain one.
# Before it was run on seeds 0 to 4, we asked other seeds how often five of them would make it hold.
# Here is that share, and then what seeds 0 to 4 said.

# %%
before = gains(range(1000, 2500), tosses=1000).reshape(-1, 5)
held = [verdict(five, "superior", 0.03) == "holds" for five in before]
print(f"seeds from 1000 on: it holds in {np.mean(held):.2f} of experiments")
five = gains(range(5), tosses=1000)
print("seeds 0 to 4:", "  ".join(f"{g:+.3f}" for g in five))
mean, low, high = t_interval(five)
print(f"effect {mean:+.3f}, interval {low:+.3f} to {high:+.3f}: "
      f"{verdict(five, 'superior', 0.03)}")

# %% [markdown]
# Bad luck, and it stays on the page.
# To try other seeds and keep quiet about these is the oldest way to make a claim hold.
# What the rule allows is to ask better, on *unused* seeds, and to report the change.
# Here it is: the next ten seeds, 5 to 14, in place of five, and nothing else.
#
# `compare` runs the arms, `claim` judges, draws and keeps the record.
# On the left of its picture each seed is a dot and pairs are joined; on the right are the differences, the interval below them, and the least effect, dashed.

# %% tags=["results"]
runs = compare(run, ["plain", "loaded"], seeds=range(5, 15), tosses=1000)
record = claim(
    "coin-holds",
    "Over a thousand tosses the loaded coin shows more heads than the "
    "plain one.",
    runs, metric="heads", arm="loaded", baseline="plain", least=0.03,
    reason="three fifths of the gain that the coin was built to have, 0.05",
    paper="At strength 0.5 the loaded coin gains 0.05.")

# %% [markdown]
# The loaded coin gains <!--=coin-holds.effect-->0.06<!--/--> over the plain one, interval <!--=coin-holds.low-->0.04<!--/--> to <!--=coin-holds.high-->0.07<!--/-->, where at least <!--=coin-holds.least-->0.03<!--/--> was asked for.
# The verdict is *<!--=coin-holds.verdict-->holds<!--/-->*.
#
# The second coin was loaded less, and has its five seeds from 0 on.
# The question stays the same, so the least effect does too.
# A verdict that we expect to be other than "holds" is announced with `expect`, and `claim` stops the page where the run says something else.

# %% tags=["results"]
faint = compare(run, ["plain", "loaded"], tosses=1000, strength=0.1)
record = claim(
    "coin-not",
    "Loaded at a fifth of that strength, the coin shows more heads than the "
    "plain one.",
    faint, metric="heads", arm="loaded", baseline="plain", least=0.03,
    reason="the same as for the coin at full strength",
    expect="does not hold", paper="At strength 0.1 the coin gains 0.01.")

# %% [markdown]
# The gain is <!--=coin-not.effect:3-->0.007<!--/-->, interval <!--=coin-not.low:3-->−0.002<!--/--> to <!--=coin-not.high:3-->0.016<!--/-->.
# All of that is less than what would have counted, so the verdict is *<!--=coin-not.verdict-->does not hold<!--/-->*.
# "Does not hold" means that we looked closely, and an effect of the size that counts was not there.
# A smaller one may be, as here.
#
# The third is the first coin again, at full strength, tossed thirty times a day.

# %% tags=["results"]
short = compare(run, ["plain", "loaded"], tosses=30)
record = claim(
    "coin-open",
    "Over thirty tosses the loaded coin shows more heads than the plain "
    "one.",
    short, metric="heads", arm="loaded", baseline="plain", least=0.03,
    reason="the same as over a thousand tosses", expect="not settled",
    paper="At strength 0.5 the loaded coin gains 0.05.")

# %% [markdown]
# The interval runs from <!--=coin-open.low-->−0.03<!--/--> to <!--=coin-open.high-->0.13<!--/-->: it contains zero, and gains several times the least effect.
# The verdict is *<!--=coin-open.verdict-->not settled<!--/-->*, and here we know that the effect is real.
# "Not settled" is no polite form of "no".

# %% [markdown]
# ## Four kinds of claim
#
# Not every claim says "better".
#
# | kind | it says | it holds where | it does not hold where |
# |---|---|---|---|
# | `superior` | better by what counts | lower end above 0 and mean at least the least effect | upper end below the least effect |
# | `no_worse` | cheaper, and not worse by more than the margin | lower end above −margin | upper end below −margin |
# | `equal` | no difference larger than the margin | whole interval inside ±margin | whole interval outside |
# | `exact` | an identity or a count | every seed within the tolerance | anything else |
#
# Between "holds" and "does not hold" lies "not settled", for all but `exact`.
# Where lower is better, as with an error, everything is mirrored and a good effect is negative.
#
# A **margin** (허용 차이) invites cheating: make it wide, and anything is "no worse".
# So a claim of these kinds names a **bad arm** (손상된 실험군), a method with known damage, and `claim` refuses to go on where the bad arm would pass.
# Here the bent coin, which loses what the loaded one gains, is judged with two margins.

# %%
pair = compare(run, ["plain", "bent"], seeds=range(1000, 1005),
               tosses=1000, strength=1.0)["heads"]
damage = np.subtract(pair["bent"], pair["plain"])
for margin in (0.25, 0.02):
    word = verdict(damage, "no_worse", margin)
    print(f"margin {margin:.2f}: 'the bent coin is no worse' {word}")

# %% [markdown]
# The first margin proves nothing, and a claim that used it would stop with an error.
#
# ## Three ways to catch ourselves
#
# **Null strength** (영 강도).
# Every `run` takes a `strength`, and at strength zero the method's own code must give the baseline's value to the last bit.
# That is a placebo.
# It shows that both arms spend the same budget on the same data, and that the pairs are pairs.
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
# The baseline on the claim's seeds is compared with the baseline on fresh seeds.
# It must not beat itself; where it does, the least effect lies within the noise.
# On the plain coin, once, and then a hundred times:

# %%
old, new = plain.reshape(-1, 5)[:100], plain.reshape(-1, 5)[100:]
print("the plain coin on fresh seeds beats itself:",
      verdict(new[0] - old[0], "superior", 0.03))
mean, low, _ = t_interval(new - old)
print(f"share of 'holds' in 100 such tests: "
      f"{np.mean((low > 0) & (mean >= 0.03)):.2f}")

# %% [markdown]
# **Shift.**
# The environment variable `LAB1784_SEED=n` adds `n` to every seed of `compare`.
# A claim counts as *stable* where three such shifts keep its sign and two of them its verdict.
# The shifts are drawn from the hash of the commit, so nobody can choose them.

# %% [markdown]
# ## How often the words are wrong
#
# Suppose that a method does nothing.
# The lower end of its interval lies above zero in one experiment of forty, with any number of seeds: 95 % are inside, and the rest is shared by two sides.
# That is the rate of false "holds" in the first column, where the least effect is zero; a larger least effect makes it smaller.
#
# The other columns are the **power** (검정력): how often a true effect gets its "holds".
# Effects are measured in standard deviations of the paired difference.

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
# With a least effect, all three words come into play.
# Below it is one standard deviation, and the true effect moves from left to right.

# %%
grid = np.linspace(-0.5, 3.5, 41)
fig, axes = subplots(1, 2, width=7.4, height=3.3, sharey=True)
titles = {5: "Five seeds: a wide grey band", 10: "Ten: a narrower one"}
for ax, (n, title) in zip(axes, titles.items()):
    shares = np.array([chances(e, 1.0, n, 4000) for e in grid]).T
    areas = ax.stackplot(grid, shares, colors=[
        palette["method"], palette["grid"], palette["rival"]])
    ax.axvline(1, color=palette["ink"], ls="--", lw=1.2)
    ax.set(title=title, xlim=(-0.5, 3.5), ylim=(0, 1),
           xlabel="true effect (standard deviations)")
axes[0].set_ylabel("share of experiments")
fig.legend(areas, ["holds (below)", "not settled (between)",
                   "does not hold (above)"], loc="outside lower center",
           ncols=3)
show(fig, "Two stacked area charts, for five and for ten seeds, against the "
          "true effect. 'Does not hold' fills the left, 'holds' the right, "
          "and a wide band of 'not settled' lies between, which is "
          "narrower for ten seeds.")

# %% [markdown]
# Two things to see.
# At the dashed line, where the true effect equals the least effect, "holds" comes at most half of the time, because the mean lies on either side of it equally often.
# And a false "does not hold" is as rare as a false "holds": right of the dashed line the upper area is nearly gone.
#
# ## What is proved, and what is not
#
# Proved, by running it again at every change: the code on the page gives the verdict on the page.
# Each notebook is run alone in an empty folder, and its words, seeds, verdicts and effects are compared with the committed ones.
# The technique in it is checked against something that others made, and against wrong versions that must be caught.
#
# Not proved:
#
# - **Other machines.** All of this ran on CPUs of one kind. Ours may differ from yours in the last digits, which the comparison allows.
# - **Other sizes.** A **miniature** (축소판) has a small network and a small problem. It shows that a mechanism exists. How large the effect is on the authors' data, it cannot say.
# - **Other problems.** We chose problems in which the mechanism can be seen. What was tried before stands under *Tries* on the page of each technique.
# - **All claims at once.** Each "holds" takes a risk of up to one in forty. Of forty claims about methods that do nothing, up to one would be expected to hold. Read a book of forty claims as one that may contain a false one, and nobody knows which.
# - **Five seeds are few.** They cannot show whether differences are normal, and the dotted line above shows what it costs if they are not.
#
# ## Where a number comes from
#
# Nobody typed the <!--=coin-holds.effect-->0.06<!--/--> that the first claim measured.
# When a page is run, `claim` stores its record in the notebook, and a command copies each number from there into the sentence that quotes it, between two invisible markers.
# In the source the sentence reads `gains <!--=coin-holds.effect-->0.06<!--/-->`, and a test fails where text and record differ.
# Numbers that others published are kept in one file with the table and the address where we read them, and are filled in in the same way.
# So a decimal in a sentence is measured or published, and a setting stands in code.
#
# The [scoreboard](../../chapters/scoreboard.md) has all claims with their verdicts, those that did not hold among them.
# The page on [trust](../../chapters/trust.md) has the outcome of null strength, noise and shift for every notebook, with date and machine.

# %% [markdown]
# ## Run it yourself
#
# **In Colab**: the badge at the top of a page, then *Runtime*, *Run all*.
# The first cell fetches the book's helper and leaves Colab's own packages alone.
#
# **On your machine**: clone the repository; `make run NB=cutmix` makes its environment, executes that page and fills its numbers in.
#
# **On other seeds**: add a cell above the first one with `%env LAB1784_SEED=100` and run all.
# A claim whose verdict changes will stop the page with an error that says so, and you have found something out.
#
# **In a seminar**: collect the bets under *Predict*, and give every student a number $k$ from 1 to 40.
# Everybody runs the page with `LAB1784_SEED` set to $20k$, so that no two share a seed, and draws the effect as a dot on the board.
# The spread of the dots is what the interval promised.
# Exercises check themselves, and [teaching](../../chapters/teaching.md) says how to hand them out without solutions.

# %% [markdown]
# ## What PyTorch we assume
#
# You should be able to read the next cell without looking anything up: tensors and their shapes, `nn.Sequential`, a loss on logits, the three lines that make a step, and why evaluation stands under `no_grad`.
# It trains a network of two layers to tell the quadrants of a plane apart.

# %%
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1000)
x = torch.randn(256, 2)                             # (N, 2)
y = (x[:, 0] * x[:, 1] > 0).long()                  # (N,), two classes
net = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
for step in range(200):
    loss = F.cross_entropy(net(x), y)               # logits (N, 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
with torch.no_grad():
    right = (net(x).argmax(1) == y).float().mean()
print(f"loss {loss.item():.2f}, right on {right.item():.2f} of its own data")

# %% [markdown]
# If a line of it is new to you, these official tutorials take an afternoon: [Learn the Basics](https://docs.pytorch.org/tutorials/beginner/basics/intro.html), and in it [tensors](https://docs.pytorch.org/tutorials/beginner/basics/tensorqs_tutorial.html), [automatic differentiation](https://docs.pytorch.org/tutorials/beginner/basics/autogradqs_tutorial.html) and [the training loop](https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html).
# Two more habits are assumed on some pages: `net.train()` and `net.eval()` where a layer behaves differently in the two, and a `torch.Generator` of one's own for draws that must not disturb others.

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

# %% tags=["check", "hide-input"]
def judge_half_length(value):
    d = np.array([0.02, 0.05, 0.03, 0.06, 0.04])
    error = d.std(ddof=1) / math.sqrt(5)
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
    assert abs(value - 2.776 * error) < 2e-4, (
        "Standard deviation with n - 1, over the root of n, times t.")

check("reading-1", half_length, judge_half_length)

# %% tags=["solution", "hide-cell"]
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

# %% tags=["check", "hide-input"]
def judge_more(word):
    words = ("holds", "not settled", "does not hold")
    assert word in words, f"Answer with one of {words}."
    five, ten = (chances(0.5, 1.0, n)[words.index(word)] for n in (5, 10))
    told = f"At five seeds it comes in {five:.2f}, at ten in {ten:.2f}: "
    assert word != "holds", told + (
        "the interval closes in on the true effect, which is too small.")
    assert ten > five, told + "more seeds settle more."

check("reading-2", more_frequent, judge_more)

# %% tags=["solution", "hide-cell"]
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

# %% tags=["check", "hide-input"]
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

# %% tags=["solution", "hide-cell"]
# "Holds" says: surely above zero, and the best guess is large enough.
counterexample = [0.01, 0.07, 0.03, 0.06, 0.04]
check("reading-3", counterexample, judge_counterexample)
