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
# # TITLE
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/CHAPTER/NAME.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | authors, *title*, true venue and year, with a link |
# | Official code | link, and the commit that was read |
# | In the article | the section that names it |
# | Before this page | what the reader should have read |
# | Data | what it is and whether it is real or drawn |
# | Time | less than a minute on one CPU core |
#
# **요약.**
# 무엇이 문제인지 첫 문장에 씁니다.
# 이 기법이 무엇을 바꾸는지 둘째 문장에 씁니다.
# 무엇을 재는지 셋째 문장에 씁니다.
# 무엇이 나왔는지 넷째 문장에 씁니다.
# 무엇을 보이지 못하는지 다섯째 문장에 씁니다.

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
import numpy as np

from lab1784 import check, claim, compare, show
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

# %%
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
# Draws with heavy tails, true centre zero.
# Which estimate lies closer to the centre?
#
# - (a) The mean, because it uses every value.
# - (b) The trimmed mean, because wild values are among those dropped.
# - (c) Neither, because both aim at the same centre.

# %% [markdown]
# ## The experiment
#
# Say what is measured, in which unit, and which direction is better, before anything is run.

# %% tags=["experiment"]
def run(arm, seed, strength=0.2, steps=200):
    """Mean absolute error of one estimator over `steps` samples."""
    rng = np.random.default_rng(seed)
    x = rng.standard_t(2, size=(steps, 40))     # (steps, n), centre 0
    if arm == "trimmed":
        guess = trimmed_mean(x, strength)
    else:
        # Sorted first, so that both arms add in the same order.
        guess = np.sort(x, axis=-1).mean(-1)
    return {"error": float(np.abs(guess).mean())}

# %% [markdown]
# ## The claim
#
# Statement, metric, rival, least effect and its reason are written here and committed before seeds 0 to 4 are run for the first time.
# Develop on seeds from 1000 on.

# %% tags=["results"]
runs = compare(run, ["mean", "trimmed"])
record = claim(
    "NAME-error",
    "On heavy-tailed samples the trimmed mean lies closer to the centre "
    "than the mean.",
    runs, metric="error", arm="trimmed", baseline="mean", better="lower",
    least=0.02,
    reason="two standard deviations of the mean's error, measured on seeds "
           "from 1000 on", paper="what the paper claims, in one sentence")

# %% [markdown]
# The error changes by <!--=NAME-error.effect-->0.00<!--/-->, from <!--=NAME-error.mean.mean-->0.00<!--/--> to <!--=NAME-error.mean.trimmed-->0.00<!--/-->.
# Say what each wrong option of *Predict* overlooked.

# %% [markdown]
# ## Break it
#
# Every mistake that the tests plant has its line here, and one of them is run.
#
# - **Unsorted**: the values are cut in the order in which they came.
# - **One end only**: nothing is cut at the top.
# - **Divided by all**: the sum of those kept is divided by the number of all.
# - **Rounded up**: one value too many goes wherever the share is no whole number.

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
# ## Tries
#
# None yet: the first run on seeds 0 to 4 is the one reported.
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

# %% tags=["check", "hide-input"]
def judge_remaining(value):
    assert value != 16, "That drops one end only; both ends are cut."
    assert value == 12, "Count what goes at each end, then take it twice."

check("NAME-1", remaining, judge_remaining)

# %% tags=["solution", "hide-cell"]
remaining = 20 - 2 * int(0.2 * 20)
check("NAME-1", remaining, judge_remaining)

# %% [markdown]
# **2. Refute the claim.**
# Give the degrees of freedom of a Student t distribution whose samples the plain mean estimates no worse.

# %% tags=["exercise"]
freedom = ...

# %% tags=["check", "hide-input"]
def judge_freedom(value):
    draws = np.random.default_rng(7).standard_t(value, size=(4000, 40))
    plain = np.abs(draws.mean(-1)).mean()
    cut = np.abs(trimmed_mean(draws, 0.2)).mean()
    assert plain <= cut, "Tails are still heavy there: the mean loses."

check("NAME-2", freedom, judge_freedom)

# %% tags=["solution", "hide-cell"]
freedom = 100.0
check("NAME-2", freedom, judge_freedom)

# %% [markdown]
# **3. Find the bug.**
# This version runs, and its numbers look plausible.
# Set `mended` to a function that is right.

# %% tags=["bug"]
def buggy(x, share):
    n = x.shape[-1]
    k = int(share * n)
    kept = np.sort(x, axis=-1)[..., k:n - k]
    return kept.sum(-1) / n

# %% tags=["exercise"]
mended = ...

# %% tags=["check", "hide-input"]
def judge_mended(function):
    x = np.array([3.0, 1.0, 70.0, 2.0, 5.0, 4.0, 0.0, 6.0, 9.0, 8.0])
    for share in (0.0, 0.1, 0.25):
        got, right = function(x, share), trimmed_mean(x, share)
        assert np.isclose(got, right), (
            f"At share {share} it gives {got:.3f}, not {right:.3f}.")

check("NAME-3", mended, judge_mended)

# %% tags=["solution", "hide-cell"]
def mended(x, share):
    k = int(share * x.shape[-1])
    return np.sort(x, axis=-1)[..., k:x.shape[-1] - k].mean(-1)

check("NAME-3", mended, judge_mended)
