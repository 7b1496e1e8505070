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
# | In the article | section 3, the building 1784, and its figure 1b: robots that hold a pen as a person would, in one sentence |
# | Data | a line drawing by us, 46 strokes: the building, and a robot that draws |
# | Library | on Monday: [OR-Tools](https://developers.google.com/optimization/routing/tsp) for the order, [vpype](https://pypi.org/project/vpype) for the files of pen plotters |
# | Time | <!--=bench.drawing_robot.seconds-->3<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 선을 그리는 순서와 방향을 바꾸어 펜이 종이에서 떨어져 움직이는 거리를 절반쯤으로 줄이고, 가장 부드러운 움직임과 두 관절의 각도를 식으로 구합니다.
# 가까운 선부터 그리는 규칙만으로는 가장 짧은 길을 찾지 못함을 확인하고, 1784의 로봇 ARTO-1이 사람의 시연에서 무엇을 배웠는지 봅니다.

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
from itertools import combinations, permutations, product

import numpy as np
from numpy.polynomial import Polynomial

from lab1784 import check, near, palette, show
from lab1784.data.strokes import drawing
from lab1784.figures import subplots

# %% [markdown]
# ## One line, as smooth as it can be
#
# Draw a line and watch your hand: it starts slowly, is fastest half way, and ends slowly.
# In 1985 [Flash and Hogan](https://pubmed.ncbi.nlm.nih.gov/4020415/) explained such movements by one aim.
# The **jerk** (저크) is the rate at which the acceleration changes.
# Its square, added up over the movement, is to be as small as possible.
# Their abstract reports nearly straight ways and bell-shaped speeds, in the model and in people.
#
# From rest to rest in one unit of time, the share of the way that is done at time $t$ is then
#
# $$s(t) = 10\,t^3 - 15\,t^4 + 6\,t^5.$$
#
# Why is nothing smoother?
# Any rival is $s + d$, where $d$ and its first two derivatives are zero at both ends.
# Its jerk squared has three terms: that of $s$, that of $d$, and twice the mixed one.
# Integrate the mixed one by parts three times: $\int s''' d''' = -\int s^{(6)} d$.
# That is zero, since $s$ has degree five.
# What is left is the share of $s$ plus that of $d$, so more.

# %% tags=["experiment"]
ease = Polynomial([0, 0, 0, 10, -15, 6])
d = Polynomial([0, 0, 0, 1, -3, 3, -1])               # t^3 (1 - t)^3
least, more, both = [(f.deriv(3) ** 2).integ()(1)
                     for f in (ease, d, ease + d)]
assert near(least, 720, 1e-9) and near(both, least + more, 1e-9)

# %% [markdown]
# ## Many lines: which one next?
#
# Between two strokes the pen is up, and that way is lost.
# The pen starts at a corner of the sheet, the point 0, and returns there.
# Points are complex numbers, $x + iy$ in cm.
# A stroke can be drawn from either end, so $n$ strokes have $2^n\, n!$ orders.
# To find the shortest is the problem of the **travelling salesman** (순회 판매원 문제), for towns with two gates.
#
# Two rules find a good one.
# *Nearest* goes on with the stroke that has an end nearest to the pen.
# **2-opt** then takes a run of strokes and turns it round: the last comes first, and each is drawn backwards.
# Inside the run every move keeps its length; only the moves into it and out of it change.
# The first run that shortens the way stays turned, and the search begins again, until no run helps.

# %% tags=["experiment"]
def lifts(tour):
    """Every move with the pen up, from rest to rest: (n + 1, 2)."""
    ends = [0, *(p for line in tour for p in (line[0], line[-1])), 0]
    return np.reshape(ends, (-1, 2))


def air(tour):
    return np.abs(np.diff(lifts(tour))).sum()


def nearest(strokes):
    tour, left = [np.zeros(1)], list(strokes)
    while left:
        ways = [line[::k] for line in left for k in (1, -1)]
        best = np.argmin([abs(way[0] - tour[-1][-1]) for way in ways])
        tour.append(ways[best])
        left.pop(best // 2)
    return tour[1:]


def two_opt(tour):
    for i, j in combinations(range(len(tour) + 1), 2):
        turned = [line[::-1] for line in tour[i:j][::-1]]
        new = [*tour[:i], *turned, *tour[j:]]
        if air(new) < air(tour) - 1e-9:
            return two_opt(new)
    return tour

# %% [markdown]
# ## Two joints
#
# Our arm has a shoulder below the sheet, an elbow, and two links of 15 cm.
# The links and the distance $r$ from shoulder to pen make a triangle with two equal sides; halving it gives both angles.
# To go from a point to the angles is **inverse kinematics** (역기구학).
#
# Let $e$ be the angle by which the elbow is bent, zero at full stretch.
# From $r = 30 \cos(e/2)$ follows $\mathrm{d}r/\mathrm{d}e = -15 \sin(e/2)$.
# Near full stretch that is almost zero: for a little way outwards the elbow must turn a lot.
# So a centimetre has no fixed price.
#
# The pen goes along a line as $s(t)$ says.
# How many seconds must that take, if no joint may turn faster than one radian a second (our choice)?

# %% tags=["experiment"]
def joints(pen, link=15, base=12 - 9j):
    """Angles of shoulder and elbow, in radians, that put the pen there."""
    elbow = 2 * np.arccos(np.abs(pen - base) / (2 * link))
    return np.array([np.angle(pen - base) - elbow / 2, elbow])


def seconds(line, most=1):
    """The least time along the line, no joint above most rad/s."""
    way = np.append(0, np.abs(np.diff(line)).cumsum())
    pen = np.interp(ease(np.linspace(0, 1, 401)) * way[-1], way, line)
    return np.abs(np.diff(joints(pen))).max() * 400 / most

# %%
strokes = drawing()
tours = {"as listed": strokes, "nearest": nearest(strokes)}
tours["2-opt"] = two_opt(tours["nearest"])
for name, t in tours.items():
    print(f"{name:9} {air(t):4.0f} cm, {sum(map(seconds, lifts(t))):3.0f} s")

# %% [markdown]
# With the pen up, the file's order goes about twice as far as 2-opt's.
# The lines themselves take as long in any order.
#
# Is 2-opt's way the shortest?
# No: the tests of this page find the shortest by integer programming, and ours is longer by less than a twentieth.
# Where 2-opt stops depends on where it begins and on which run is turned first.
# Begun with the file's order, it stops at a longer way.

# %% tags=["figure"]
# @title Draw: two orders, one speed, one price
fig, axes = subplots(2, 2, width=7.2, height=6.6, height_ratios=[2.4, 1])
base, pen = 12 - 9j, 6.4 + 17.3j
shoulder, elbow = joints(pen)
arm = np.array([base, base + 15 * np.exp(1j * shoulder), pen])
for ax, name in zip(axes[0], ("as listed", "2-opt")):
    for line in tours[name]:
        ax.plot(line.real, line.imag, color=palette["ink"], lw=1.2)
    for a, b in lifts(tours[name]):
        ax.plot([a.real, b.real], [a.imag, b.imag], ls=":",
                color=palette["rival"], lw=1.6)
    ax.plot(0, 0, "o", color=palette["rival"], ms=5)
    ax.set(title=f"{name}: {air(tours[name]):.0f} cm with the pen up",
           aspect="equal", xlim=(-1, 25), ylim=(-10, 18.5))
    ax.axis("off")
axes[0, 1].plot(arm.real, arm.imag, "-o", color=palette["method"], lw=5,
                ms=9, alpha=0.5, solid_capstyle="round")
t, r = np.linspace(0, 1, 100), np.linspace(8, 29.9, 200)
axes[1, 0].plot(t, ease.deriv()(t))
axes[1, 0].set(title="Smooth: slow, fast, slow", xlabel="share of the time",
               ylabel="speed / mean speed")
axes[1, 1].plot(r, np.degrees(1 / np.sqrt(15 ** 2 - r ** 2 / 4)))
axes[1, 1].set(title="Near full stretch the elbow races", xlim=(8, 30.5),
               ylim=(0, None), xlabel="from shoulder to pen (cm)",
               ylabel="elbow (° per cm)")
show(fig, "Above, the same drawing twice, a building with windows, a robot, "
          "a tree and a sun, and dotted the moves with the pen up. As "
          "listed they cross the drawing many times; after 2-opt they run "
          "along the rows of windows and round the sun, and a blue arm of "
          "two links reaches from below to the house number. Below left, a "
          "bell: the speed of the smoothest movement. Below right, how far "
          "the elbow turns for a centimetre outwards, level at first and "
          "very steep before thirty centimetres.")

# %% [markdown]
# ## What ARTO-1 learned from people
#
# ARTO-1, the robot of 1784, was made for what our three steps leave out.
# Where a tool touches a canvas and colours blend, what happens is complex and partly chance, says the abstract on its [project page](https://drawing-robot.github.io/).
# A plan made in simulation may ask for strokes that the robot cannot make accurately.
# So people demonstrated strokes: in a film there a person moves one arm, a second arm repeats the movement on an iPad, and forces are passed both ways.
#
# Each stroke becomes a point $z$.
# From $z$ one decoder makes commands for the arm, and a renderer makes the picture of the stroke.
# So a plan that is made in pictures comes with its commands.
# To paint, a series of points is chosen whose strokes, one over the other, come near the picture that is wanted.
#
# There the order can change the picture, since a later stroke may cover an earlier one; our order is free.
# We have read that page and seen three of its films, not the paper.
# Left out as well: braking at corners, and the lifting itself.
#
# ## Exercises
#
# **1. Compute.**
# A pen goes 30 cm in 2 seconds, as smoothly as possible.
# How fast is it half way, in cm a second?

# %% tags=["exercise"]
fastest = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_fastest(value):
    assert not near(value, 15), "That is the mean; half way it is faster."
    assert not near(value, 15 / 8), "That is for a way of 1 in a time of 1."
    assert not near(value, 225 / 4), "So fast it is if it has one second."
    assert near(value, 225 / 8), "Differentiate s and put in one half."

check("drawing_robot-1", fastest, judge_fastest, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 1
fastest = 30 / 2 * ease.deriv()(1 / 2)
check("drawing_robot-1", fastest, judge_fastest)

# %% [markdown]
# **2. Refute.**
# "Whoever always goes on with the nearest stroke cannot lose much."
# Give three strokes, each as two complex numbers, for which *nearest* goes at least a quarter further through the air than the best of all 48 orders.
# The pen starts at 0 and returns there.

# %% tags=["exercise"]
bad = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_bad(value):
    three = [np.array([complex(p) for p in line]) for line in value]
    assert [line.shape for line in three] == [(2,)] * 3, (
        "Give three strokes, and two complex numbers for each.")
    best = min(air([line[::k] for line, k in zip(order, turns)])
               for order in permutations(three)
               for turns in product((1, -1), repeat=3))
    assert best > 0, "Where no way is lost, nothing can be longer."
    assert air(nearest(three)) > best * 1.001, "Here nearest is the best."
    assert air(nearest(three)) >= best * 1.25, (
        "Nearest loses something here: now a quarter, please.")

check("drawing_robot-2", bad, judge_bad,
      asks="three strokes, each of them two complex numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
bad = [(7 + 3j, 9 - 5j), (-2j, 6 - 2j), (1 - 2j, 9 - 3j)]
check("drawing_robot-2", bad, judge_bad)
