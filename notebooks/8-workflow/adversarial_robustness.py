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
# # Adversarial robustness
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/8-workflow/adversarial_robustness.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | authors, *title*, true venue and year, with a link |
# | Official code | link, and the commit that was read |
# | In the article | the section that names it |
# | Before this page | what the reader should have read |
# | Data | what it is and whether it is real or drawn |
# | Rule read in | ??? |
# | Time | under a minute |
#
# **요약.**
# 무엇이 문제인지 첫 문장에 씁니다.
# 이 기법이 무엇을 바꾸는지 둘째 문장에 씁니다.
# 무엇을 재는지 셋째 문장에 씁니다.
# 무엇이 나왔는지 넷째 문장에 씁니다.
# 무엇을 보이지 못하는지 다섯째 문장에 씁니다.
#
# **In short.**
# What does this page ask, in one sentence?
# What was found, with a number of the records: on heavy tails the error changes by <!--=adversarial_robustness-heavy.effect-->0.00<!--/-->.
# What the page does not show, in one sentence.

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

from lab1784 import (check, claim, compare, draw_claim, known, near,
                     overview, show)
from lab1784.figures import subplots

# %% [markdown]
# ## One wild value moves the mean
#
# Begin with a thing that can be looked at, and a number that shows the failure.
# Then name it.
# This page is a template that runs.
# Its technique is the **trimmed mean** (절사평균), which you replace by yours.

# %%
x = np.array([1.0, 2.0, 3.0, 4.0, 90.0])
print(f"mean {x.mean():.1f}, median {np.median(x):.1f}")

# %% [markdown]
# ## The idea
#
# One picture, and the equations in the paper's notation:
#
# $$\bar{x}_{s} = \frac{1}{n - 2k} \sum_{i=k+1}^{n-k} x_{(i)}, \qquad k = \lfloor s n \rfloor$$

# %% tags=["figure"]
# @title Draw: five values and their mean
fig, ax = subplots(height=1.6)
ax.plot(x, np.zeros_like(x), "o")
ax.axvline(x.mean(), ls="--", label="mean")
ax.set(yticks=[], xlabel="value", title="The mean lies where no value is")
ax.legend()
show(fig, "Five values on a line: four close together, one far to the "
          "right; the mean lies in the empty space between them.")

# %% [markdown]
# ## The technique
#
# The paragraph of the paper, then the lines that realise it, with shapes in the comments.
# Where the official code and the paper differ, say which one this page follows.

# %% tags=["technique"]
def trimmed_mean(x, share):
    """Mean without the smallest and the largest values.

    x: (..., n) numbers.  share: of n, dropped at each end, 0 <= share < 0.5.
    Returns (...,).  Raises ValueError where share lies outside.
    Source: author, year, equation.
    """
    if not 0 <= share < 0.5:
        raise ValueError(f"share should lie in [0, 0.5), got {share}")
    n = x.shape[-1]
    k = int(share * n)                          # dropped at each end
    kept = np.sort(x, axis=-1)[..., k:n - k]    # (..., n - 2k)
    return kept.sum(-1) / (n - 2 * k)

# %% [markdown]
# ## Predict
#
# Draws with heavy tails, true centre zero: which estimate lies closest to it?
#
# - (a) The mean, because it uses every value.
# - (b) The trimmed mean, because wild values are among those dropped.
# - (c) The median, because it drops the most.
#
# And on draws that are nearly normal?

# %% [markdown]
# ## The experiment
#
# Say what is measured, in which unit, and which direction is better, before anything is run.
# Show here that every arm masters the ordinary task, above a floor that is stated with its reason.

# %% tags=["experiment"]
ARMS = ("mean", "median", "trimmed")


def run(arm, seed, strength=0.2, steps=400, tails=2):
    """Mean absolute error of one estimator over `steps` samples of 40.

    tails: degrees of freedom of the t distribution; few are heavy tails.
    """
    known(arm, ARMS, "arm")
    rng = np.random.default_rng(seed)
    # Sorted, so that all arms add in the same order.
    x = np.sort(rng.standard_t(tails, size=(steps, 40)), axis=-1)
    if arm == "trimmed":
        guess = trimmed_mean(x, strength)       # (steps,), the centre is 0
    elif arm == "median":
        guess = np.median(x, axis=-1)
    else:
        guess = x.mean(-1)
    return {"error": float(np.abs(guess).mean())}

# %% [markdown]
# ## The claims
#
# Statement, metric, rival, least effect and its reason are written here and committed before seeds 0 to 4 are run for the first time.
# Develop on seeds from 1000 on, with `make try`.

# %% tags=["results"]
runs = compare(run, ARMS)
heavy = claim(
    "adversarial_robustness-heavy",
    "On samples with heavy tails the trimmed mean lies closer to the centre "
    "than the mean", runs, metric="error", unit="mean distance to the centre",
    arm="trimmed", baseline="mean", better="lower", least=0.02,
    reason="it is two standard deviations of the mean's error over seeds "
           "from 1000 on", paper="what the paper claims, in one sentence",
    picture=False)

# %% tags=["results"]
light = claim(
    "adversarial_robustness-light",
    "On samples that are nearly normal the trimmed mean lies closer to the "
    "centre than the median", compare(run, ARMS, tails=30), metric="error",
    unit="mean distance to the centre", arm="trimmed", baseline="median",
    better="lower", least=0.005,
    reason="a third of what the median loses to the mean there would be "
           "worth the choice of a share", picture=False)

# %% tags=["figure"]
# @title Draw: both claims, in units of their bars
overview(heavy, light)

# %% tags=["details"]
# @title Every seed of every claim
for record in (heavy, light):
    draw_claim(record)

# %% [markdown]
# On heavy tails the error changes by <!--=adversarial_robustness-heavy.effect-->0.00<!--/-->, from <!--=adversarial_robustness-heavy.mean.mean-->0.00<!--/--> to <!--=adversarial_robustness-heavy.mean.trimmed-->0.00<!--/-->.
# Say what each wrong option of *Predict* overlooked.

# %% [markdown]
# ## Break it
#
# Every mistake that the tests plant has its line in the list, and one of them is run.
#
# <details><summary>Four mistakes</summary>
#
# - **Unsorted**: the values are cut in the order in which they came.
# - **One end only**: nothing is cut at the top.
# - **Divided by all**: the sum of those kept is divided by the number of all.
# - **Rounded up**: one value too many goes wherever the share is no whole number.
#
# </details>

# %%
k = 1
print(f"unsorted: {x[::-1][k:-k].mean():.1f}, "
      f"trimmed: {trimmed_mean(x, 0.2):.1f}")

# %% [markdown]
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | data | what the paper used | 40 drawn values |
# | the gain | the paper's number, with its marker and source | error of the centre |
#
# Say what this page cannot show.
#
# <details><summary>Tries</summary>
#
# None yet: the first run on seeds 0 to 4 is the one reported.
#
# </details>
#
# ## In the lab
#
# Where the technique is used, and which pages of the book answer it.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Of twenty values, how many remain at a share of one fifth?

# %% tags=["exercise"]
remaining = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_remaining(value):
    assert not near(value, 16), "That drops one end only; both are cut."
    assert near(value, 12), "Count what goes at each end, take it twice."

check("adversarial_robustness-1", remaining, judge_remaining, asks="a whole number")

# %% tags=["solution"]
# @title Solution of exercise 1
remaining = 20 - 2 * int(0.2 * 20)
check("adversarial_robustness-1", remaining, judge_remaining)

# %% [markdown]
# **2. Refute the claim.**
# Give the degrees of freedom of a Student t distribution whose samples the plain mean estimates no worse.

# %% tags=["exercise"]
freedom = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_freedom(value):
    value = float(value)
    assert value > 0, "Degrees of freedom are more than zero."
    plain, cut = [run(arm, 1007, steps=4000, tails=value)["error"]
                  for arm in ("mean", "trimmed")]
    assert plain <= cut, "Tails are still heavy there: the mean loses."

check("adversarial_robustness-2", freedom, judge_freedom, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 2
freedom = 100
check("adversarial_robustness-2", freedom, judge_freedom)

# %% [markdown]
# **3. Find the bug.**
# This version runs, and its numbers look plausible.
# Mend it: set `mended` to a function of `(x, share)` that returns what `trimmed_mean` returns.

# %% tags=["exercise", "bug"]
def suspect(x, share):
    n = x.shape[-1]
    k = int(share * n)
    kept = np.sort(x, axis=-1)[..., k:n - k]
    return kept.sum(-1) / n

mended = suspect

# %% tags=["check"]
# @title Check of exercise 3
def judge_mended(function):
    rng = np.random.default_rng(3)
    for share in (0.0, 0.1, 0.25, 0.4):
        x = rng.normal(size=(3, 10))
        right = trimmed_mean(x, share)
        wrong = ~np.isclose(function(x.copy(), share), right)
        assert not wrong.any(), f"At share {share} it gives another value."

check("adversarial_robustness-3", mended, judge_mended,
      asks="a function of (x, share)")

# %% tags=["solution"]
# @title Solution of exercise 3
def mended(x, share):
    k = int(share * x.shape[-1])
    return np.sort(x, axis=-1)[..., k:x.shape[-1] - k].mean(-1)

check("adversarial_robustness-3", mended, judge_mended)
