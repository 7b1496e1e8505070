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
# # The same model at three sizes
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/5-language/model_sizes.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | section 2.3, language: HyperCLOVA and the word hyperscale |
# | Before this page | [HyperCLOVA: prompting](hyperclova_prompting.ipynb); model, tasks and questions are its own |
# | Data | answers of thirty-five models to that page's questions, recorded; our tests train one of them anew |
# | Library | [Pythia](https://github.com/EleutherAI/pythia): language models of one recipe from 70 million to 12 billion weights, trained on the same text in the same order |
# | Time | <!--=bench.model_sizes.seconds-->2<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 같은 방법으로 학습한 세 가지 크기의 작은 언어 모델이 프롬프트의 예시를 얼마나 읽어 내는지 기록된 답으로 비교합니다.
# 가장 작은 모델은 프롬프트에 나온 두 레이블 가운데 하나를 고를 뿐이고 큰 모델은 어느 쪽인지 맞히지만, 이 결과로 820억 개의 가중치를 가진 모델을 설명할 수는 없습니다.

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
from lab1784 import check, near, palette, show
from lab1784.data.sizes import (ARMS, COUNTS, RATES, SEEDS, WIDTHS,
                                model_sizes)
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

# %% [markdown]
# ## A strip of three
#
# > 감 가 · 물 나 · 배 가 · 우유 나 · 귤 ?
#
# Fruit is followed by 가 and drinks by 나, so the tangerine is followed by 가.
# On [the page before](hyperclova_prompting.ipynb) a GPT of 48,840 weights learned to read such prompts; HyperCLOVA (하이퍼클로바), which also does, has <!--=published.hyperclova_parameters-->82<!--/--> billion.
# Here the GPT is trained again at three widths: 8 numbers a position, its own 48, and 96.
# The rest is that page's: two blocks, four heads, 250 steps of 32 rows, the arm *few* with its 32 training tasks and the arm *many* with 5,152, and questions about pairs of groups that no training row joined.
#
# One thing must differ: a small network wants another learning rate than a large one.
# Each size and arm has the best of $0.004$, $0.008$, $0.016$, $0.032$ and $0.064$ on two seeds for trying; the five seeds below are others, and were run once.
#
# Before you look: what will the smallest be worth after eight shots?

# %% tags=["experiment"]
record = model_sizes()                 # labels that were answered, 0 to 7
right, other = record["right"], record["other"]
shares = (record["answers"] == right[:, None]).mean(-1)
# (3 sizes, 2 arms, 5 seeds, 5 counts of shots)
longer = (record["long"] == right[:, None]).mean(-1)      # (5, 5)
# The best reader: right where the question's group was shown, and else
# it guesses among the seven labels that are not the shown one.
best = [1 / 8] + [1 - 6 / 7 / 2 ** k for k in COUNTS[1:]]

# %% tags=["figure"]
# @title Draw: right answers against shots, three sizes
fig, axes = subplots(1, 3, width=6.8, height=3.1, sharey=True)
for ax, size, weights in zip(axes, shares, record["weights"]):
    for arm, of_arm, colour, dx in zip(ARMS, size, ("rival", "method"),
                                       (0.07, -0.07)):
        ax.plot(range(5), of_arm.mean(0), color=palette[colour])
        for seed in of_arm:
            ax.plot([k + dx for k in range(5)], seed, "o", ms=3,
                    color=palette[colour], alpha=0.5, mew=0)
    ax.plot(range(5), best, "--", lw=1, color=palette["ink"])
    ax.axhline(1 / 8, ls=":", lw=1, color=palette["ink"])
    ax.set(xticks=range(5), xticklabels=COUNTS, ylim=(0, 1.03),
           title=f"{weights:,} weights")
axes[0].set(ylabel="share of right answers")
axes[1].set(xlabel="shots in the prompt")
for x, y, said, colour in ((2.3, 0.9, "best reader", "ink"), (
        4.2, 0.4, "few tasks", "rival"), (4.2, 0.67, "many tasks", "method"),
                          (4.2, 0.05, "one in eight", "ink")):
    axes[0].text(x, y, said, ha="right", fontsize=9, color=palette[colour])
show(fig, "Three panels, a size each, right answers against shots, a dot a "
          "seed. All begin on the dotted line at one in eight. In the first "
          "the arm of many tasks jumps to one half at one shot and stays "
          "there, few stays near one third. In the second many rises "
          "towards the dashed best reader and few to about one half, its "
          "dots far apart. The third is hardly higher for many and a "
          "little higher for few.")

# %% [markdown]
# What do they say when they are wrong?
# A task has two labels, so a wrong answer is either the *other* one of the two or one of the six that have no part in it.

# %%
print("after eight shots    rate   right  the other  neither | 32 tasks")
for (width, arm), rate in RATES.items():
    i, j = WIDTHS.index(width), ARMS.index(arm)
    said, own = record["answers"][i, j, :, -1], record["trained"][i, j]
    hit = said == right
    swap = (said == other) & ~hit
    print(f"{record['weights'][i]:9,} {arm:9} {rate:6} {hit.mean():7.2f} "
          f"{swap.mean():9.2f} {(~hit & ~swap).mean():9.2f}   | "
          f"{(own == record['right_trained']).mean():6.2f}")
print(f"the smallest, many, four times as long: {longer[:, 1].mean():.2f} "
      f"after one shot, {longer[:, -1].mean():.2f} after eight")

# %% [markdown]
# Trained on many tasks, the smallest is right on half of the questions, after one shot as after eight.
# Its other half is nearly always the other label: it names a label that it sees in the prompt, and does not know which of the two belongs to the word.
# It is no better on the 32 tasks, which were among its own.
# Four times as many steps, at the best of three rates, do not help.
#
# The middle one knows which, and comes near the best reader; the largest comes a little nearer.
#
# Trained on few tasks, they are better with more weights, too, but from 48 on they are right on all of their 32 tasks and, asked about others, often name labels that stand nowhere in the prompt.
# That is learning by heart; twice the width takes a part of it away and leaves them far behind *many*.
# The smallest has not learned all of its 32 tasks; at larger rates, on the seeds for trying, it did, and read no better.
# The page before has one rate for all; on the seeds for trying *few* gained from one of its own, and was still behind.
#
# ## Exactly one in eight
#
# Each question is asked eight times, its labels moved on by one each time.
# Without a shot a model cannot know which time it is, so it is right once, whatever its size.

# %%
assert (shares[..., 0] == 1 / 8).all() and (longer[:, 0] == 1 / 8).all()
print("one in eight: every size, arm and seed")

# %% [markdown]
# ## What a strip can teach, and what it cannot
#
# It can teach to look at wrong answers before at averages: *one half* was no half-understood task but another strategy.
# It can teach that size and training tasks answer different questions, and that a size is judged unfairly at a rate that suits another.
#
# Three sizes on one drawn task are no scaling law: a width of 16, tried on other seeds, fell between the first two, and a line through four points can be bent in many ways.
# Nor do they say whether abilities of large models come [suddenly](https://arxiv.org/abs/2206.07682) or [only by the choice of the measure](https://arxiv.org/abs/2304.15004).
# Nothing here knows Korean or the world; a model that never met a tangerine cannot know one.
# HyperCLOVA's abstract asks how models of different sizes perform, and names one size, <!--=published.hyperclova_parameters-->82<!--/--> billion.
# That is hundreds of thousands of times our largest, trained on text that nobody arranged into tasks; that it reads prompts as well, and why, cannot be seen from here.
#
# ## Exercises
#
# **1. Derive.**
# Write a function of the width $d$ that gives the number of weights.
# There are 72 word vectors and 32 positions; one matrix from $d$ to $d$ for the vector before, without a bias.
# Each of two blocks has two norms of $2d$, and layers with biases from $d$ to $3d$, $d$ to $d$, $d$ to $2d$ and $2d$ to $d$.
# At the end stand a norm and a layer with biases from $d$ to 72.

# %% tags=["exercise"]
def count(d):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 1
def judge_count(function):
    off = 2760 - float(function(8))
    assert off != 72, "The read-out has biases."
    assert off != 64, "One matrix is for the vector before."
    assert off != 600, "There are two blocks."
    assert off != 256, "Positions have vectors, too."
    for d, n in zip((*WIDTHS, 4), (*record["weights"], 1144)):
        assert near(function(d), int(n), rel=0), f"At {d} it is another."

check("model_sizes-1", count, judge_count, asks="a function of the width")

# %% tags=["solution"]
# @title Solution of exercise 1
def count(d):
    block = 2 * 2 * d + 3 * d * (d + 1) + d * (d + 1) + (
        2 * d * (d + 1) + d * (2 * d + 1))
    return 72 * d + 32 * d + d * d + 2 * block + 2 * d + 72 * (d + 1)

check("model_sizes-1", count, judge_count)

# %% [markdown]
# **2. Refute.**
# "Of two models of one recipe the one with more weights is right more often."
# Name an arm, a number of shots and a seed (40 to 44) for which a model is *behind* the next smaller one.
# How many of the five seeds would you ask for, before you believe that the order is reversed?

# %% tags=["exercise"]
against = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_against(value):
    arm, shots, seed = value
    assert arm in ARMS, "The arm is 'few' or 'many'."
    assert shots in COUNTS, "The shots are 0, 1, 2, 4 or 8."
    assert seed in SEEDS, "The seed is 40 to 44."
    assert shots, "Without a shot all are right on one in eight."
    row = shares[:, ARMS.index(arm), SEEDS.index(int(seed)),
                 COUNTS.index(shots)]
    assert (row[1:] < row[:-1]).any(), "There each is ahead of the smaller."

check("model_sizes-2", against, judge_against,
      asks="an arm, a number of shots and a seed")

# %% tags=["solution"]
# @title Solution of exercise 2
against = "few", 8, 43    # 2,760 weights ahead of 48,840, and one seed
check("model_sizes-2", against, judge_against)
