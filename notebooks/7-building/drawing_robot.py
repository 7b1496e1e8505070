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
# # The robot that draws
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/7-building/drawing_robot.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | the section that names it |
# | Data | what it is and whether it is real or drawn |
# | Library | the one to use on Monday: [SimPy](https://simpy.readthedocs.io) |
# | Time | seconds |
#
# **요약.**
# 무엇을 보여 주는지 첫 문장에 씁니다.
# 무엇이 나왔고 어디에 쓰는지 둘째 문장에 씁니다.

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

from lab1784 import check, near, show
from lab1784.figures import subplots

# %% [markdown]
# ## Who waits, and for how long
#
# Begin with a thing that can be looked at, then name it.
# One counter serves in the order of arrival (선착순); whoever comes while it is busy waits for what the one before leaves.
#
# $$w_i = \max(0,\; w_{i-1} + s_{i-1} - (a_i - a_{i-1}))$$

# %% tags=["experiment"]
def waits(arrive, serve):
    """Seconds that each one waits at one counter, first come first served.

    arrive, serve: (n,) seconds, in the order of arrival.  Returns (n,).
    Source: author, year, equation.
    """
    wait = np.zeros(len(arrive))
    for i in range(1, len(arrive)):
        gap = arrive[i] - arrive[i - 1]
        wait[i] = max(0, wait[i - 1] + serve[i - 1] - gap)
    return wait

# %% tags=["figure"]
# @title Draw: eight people at one counter
rng = np.random.default_rng(0)
arrive, serve = np.sort(rng.integers(0, 60, 8)), rng.integers(5, 15, 8)
start = arrive + waits(arrive, serve)
fig, ax = subplots(height=2.4)
ax.barh(range(8), start - arrive, left=arrive, label="waits")
ax.barh(range(8), serve, left=start, label="is served")
ax.set(xlabel="time (s)", ylabel="person", title="Each begins where the "
       "one before ends")
ax.legend()
show(fig, "Eight bars over time, one a person: a first part waiting, a "
          "second being served; no two of the second parts overlap.")

# %% [markdown]
# ## Is it right?
#
# The same answer from another derivation: a clock that remembers when the counter is free.

# %%
free, again = 0, []
for a, s in zip(arrive, serve):
    again.append(max(free, a) - a)
    free = max(free, a) + s
assert (waits(arrive, serve) == again).all()
print("equal for all eight people")

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Two people arrive at once, and each takes ten seconds: how long do they wait on average, in seconds?

# %% tags=["exercise"]
mean_wait = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_wait(value):
    assert not near(value, 10), "That is the second one alone."
    assert near(value, 5), "The first does not wait; take the mean of both."

check("drawing_robot-1", mean_wait, judge_wait, asks="a number of seconds")

# %% tags=["solution"]
# @title Solution of exercise 1
mean_wait = (0 + 10) / 2
check("drawing_robot-1", mean_wait, judge_wait)

# %% [markdown]
# **2. Change and predict.**
# Everybody takes twice as long: give a list of three arrivals for which nobody waits at ten seconds each, and somebody does at twenty.

# %% tags=["exercise"]
arrivals = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_arrivals(value):
    times = np.asarray(list(value), float)
    assert times.shape == (3,), "Give three arrivals."
    assert (np.diff(times) >= 0).all(), "Give them in order."
    assert not waits(times, [10] * 3).any(), "At ten seconds somebody waits."
    assert waits(times, [20] * 3).any(), "At twenty seconds nobody waits."

check("drawing_robot-2", arrivals, judge_arrivals, asks="three numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
arrivals = [0, 15, 30]
check("drawing_robot-2", arrivals, judge_arrivals)
