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
# # Phone orders
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/7-building/phone_orders.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | section 3, the building 1784: with 5G, lunch is ordered by phone and fetched at the counter; in one sentence, without a method |
# | Data | drawn by us: messages that are lost, and a lunch hour with one cook |
# | Library | on Monday: [SimPy](https://simpy.readthedocs.io) for queues, [transitions](https://github.com/pytransitions/transitions) for state machines, [python-control](https://python-control.readthedocs.io) for margins of loops |
# | Time | <!--=bench.phone_orders.seconds-->1<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 주문 메시지가 사라지거나 늦게 도착해도 멱등 키가 있으면 주문이 두 번 접수되지 않음을 여섯 번 보내는 모든 경우를 세어 확인하고, 미리 주문하면 점심 대기가 줄어드는지 아니면 자리만 옮겨 가는지 요리사 한 명으로 계산합니다.
# 음식 주문과 달리 클라우드에서 조종하는 로봇은 100밀리초만 늦어도 흔들림이 점점 커질 수 있으며, 얼마나 늦어도 되는지는 위상 여유로 알 수 있습니다.

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
from itertools import product

import numpy as np

from lab1784 import check, near, palette, show
from lab1784.figures import subplots

# %% [markdown]
# ## Never twice, whatever is lost
#
# The phone sends an order and hears nothing.
# Was the order lost, or the answer?
# The phone cannot tell, so it sends again, and there may be two lunches.
#
# The remedy is a name.
# The phone chooses it before the first try and sends it with every try.
# It is called an **idempotency key** (멱등 키); it is in an [Internet-Draft](https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-06), not yet a standard.
#
# Under each name the kitchen keeps a **state machine** (상태 기계): nothing, paid, ready, fetched, one step at a time.
# Any other step changes nothing: what is not ready cannot be fetched, and nothing is fetched twice.
# So a known name begins no second order.
# A try without a key counts as a new name.
#
# A try has one of four fates:
#
# - `lost`: the request never arrives.
# - `mute`: it arrives, and the answer is lost.
# - `late`: it arrives after all the others, too late for an answer.
# - `fine`: it arrives, the answer too, and the phone stops.

# %% tags=["experiment"]
NEXT = {None: "paid", "paid": "ready", "ready": "fetched"}
FATES = "lost", "mute", "late", "fine"


def move(orders, name, to):
    """One step of the order called name; any other changes nothing."""
    if NEXT.get(orders.get(name)) == to:
        orders[name] = to


def phone(orders, fates, key=None):
    """Tries until an answer comes; returns whether one came."""
    sent = fates[:fates.index("fine") + 1] if "fine" in fates else fates
    for fate in sorted(sent, key=lambda fate: fate == "late"):
        if fate != "lost":           # without a key each gets a new name
            move(orders, key or len(orders), "paid")
    return "fine" in fates

# %% [markdown]
# Six fates make $4^6$ patterns.

# %%
patterns = list(product(FATES, repeat=6))
for key in (None, "7f3a"):
    kitchens = [{} for _ in patterns]
    told = np.array([phone(k, p, key) for k, p in zip(kitchens, patterns)])
    made = np.array([len(k) for k in kitchens])
    print(f"{key or 'no key':6}: at most {made.max()} orders; two or more in "
          f"{(made > 1).sum()} of {len(patterns)} patterns")
assert made.max() == 1 == made[told].min()
print(f"no answer in {(~told).sum()}, ordered there: {made[~told].sum()}")

# %% [markdown]
# With the key no pattern orders twice, and where an answer came there is exactly one order.
# Where none came the phone knows nothing: the order is there in all these patterns but one, where all six were lost.
# "Exactly once" takes a phone that tries again and a kitchen that remembers, and it ends where either gives up.
# A kitchen that forgets a key takes a late try for a new order.
#
# ## Does it shorten the wait?
#
# One cook, **first come, first served** (선착순).
# The order that comes as number $i$ arrives at $t_i$ and takes $s_i$ minutes.
# The cook begins it when it has arrived and the one before is done, so it is ready at
#
# $$R_i = \max(R_{i-1},\, t_i) + s_i$$
#
# The counter is three minutes from every desk.
# If all phone from the desk, every $t_i$ is three minutes earlier than if all walk first, and so is every $R_i$.
# Who stays at the desk until the meal is ready eats at the same minute as before: the wait has only moved.
# Who sets out at once walks while the queue moves, and gains three minutes at most.

# %% tags=["experiment"]
def ready(ordered, work):
    """When one cook has each order ready, in minutes."""
    end, free = np.empty(len(work)), -np.inf
    for i in ordered.argsort():
        end[i] = free = max(free, ordered[i]) + work[i]
    return end


rng, walk = np.random.default_rng(1784), 3            # minutes
wish, work = np.sort(rng.normal(60, 20, 180)), rng.exponential(1 / 3, 180)
half = rng.random(180) < 0.5

# %% [markdown]
# Now half of 180 people phone and set out at once.
# How many minutes pass from wish to food, and do the others pay for it?

# %%
for who, ahead in (("nobody", half & ~half), ("half", half),
                   ("all", half | ~half)):
    end = ready(wish + walk * ~ahead, work)
    total = np.maximum(end, wish + walk) - wish
    print(f"phone: {who:6}  that half {total[half].mean():4.1f} min, "
          f"the others {total[~half].mean():4.1f} min")
t = np.sort(np.r_[wish, end])
count = [(wish <= u).sum() - (end <= u).sum() for u in t[:-1]]
assert np.isclose(count @ np.diff(t), (end - wish).sum())

# %% [markdown]
# The half that phones gains; the others, on average, next to nothing.
# An order from a desk overtakes those who are on their way, but the cook also begins earlier.
# Single walkers lose or gain minutes.
# On ten other lunches, in the tests, their mean moves by less than a minute.
#
# **Little's law** (리틀의 법칙), $L = \lambda W$, says: open orders on average are orders a minute, times the minutes that each is open.
# The last line checks it.
#
# ## The honest part of 5G
#
# A lunch does not mind a tenth of a second.
# A robot that is steered from a cloud may.
# The cloud sees where the robot was, $x$, a delay $\tau$ ago.
# It sends a speed, $k$ times the way that it thinks is left:
#
# $$\dot x(t) = k\,\bigl(1 - x(t - \tau)\bigr)$$
#
# Suppose that the robot swings about its goal with frequency $\omega$.
# The correction is a speed, so what it does to the position is $k/\omega$ times as large as the swing, and comes a quarter turn late.
# Half a turn late it would push, not brake.
# At the **crossover frequency** (교차 주파수) $\omega_c = k$ it is as large as the swing itself.
# A quarter turn, $\pi/2$, is then left before it pushes: the **phase margin** (위상 여유).
# A delay takes $\omega_c\tau$ of that, and all of it at $\tau = (\pi/2)/k$, the **delay margin** (지연 여유).
# With $k = 20$ per second that is $\pi/40 \approx 0.079$ seconds; beyond it the swings grow.

# %% tags=["figure"]
# @title Draw: the lunch hour, and a robot with three delays
fig, axes = subplots(1, 2, width=7.4, height=3.2)
minutes = np.linspace(0, 120, 481)
walked, phoned = ready(wish + walk, work), ready(wish, work)


def between(a, b):
    return [(a <= m).sum() - (b <= m).sum() for m in minutes]


axes[0].plot(minutes, between(wish + walk, walked), color=palette["rival"],
             label="at the counter, all walk")
axes[0].plot(minutes, between(wish, phoned), "--", color=palette["plain"],
             lw=1.2, label="open orders, all phone")
axes[0].plot(minutes, between(wish + walk, np.maximum(phoned, wish + walk)),
             color=palette["method"], label="at the counter, all phone")
axes[0].set(xlabel="time (min)", ylabel="people, or orders",
            title="The kitchen is as full as before")
axes[0].set_ylim(0, 1.45 * max(between(wish, phoned)))
axes[0].legend(fontsize=8, loc="upper left")
for late, style in ((10, "-"), (50, "--"), (100, ":")):
    x = np.zeros(1200)                                # one step a ms
    for i in range(1, 1200):
        x[i] = x[i - 1] + 0.001 * 20 * (1 - x[max(i - 1 - late, 0)])
    axes[1].plot(x, style, color=palette["rival" if late > 78 else
                                         "method"], label=f"{late} ms late")
axes[1].set(xlabel="time (ms)", ylabel="position (goal: 1)", ylim=(-3, 5.5),
            title="Too late, and it swings up")
axes[1].legend(fontsize=8, loc="upper left")
show(fig, "Left, people at the counter over a lunch hour: one hump if all "
          "walk, a dashed one of the same shape a little earlier for the "
          "open orders if all phone, and a lower hump below it for those "
          "who then stand at the counter. Right, the position of a robot: "
          "with the smallest delay it goes to the goal and stays, with the "
          "middle one it swings past and settles, with the largest the "
          "swings grow.")

# %% [markdown]
# Left, if all phone, the open orders make the same curve as if all walk, three minutes earlier, and fewer people stand.
# It is one drawn lunch, and nobody fetches late.
#
# Right, a smaller $k$ bears more delay, and is slower.
# So a faster network buys speed, not food.
# How late messages in 1784 are, we have not found, and real delays vary.
# See [delivery robots](delivery_robots), [elevators](elevators).
#
# ## Exercises
#
# **1. Derive.**
# The position comes 50 ms late.
# How large may $k$ be, per second, before the swings grow?

# %% tags=["exercise"]
largest = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_largest(value):
    assert not near(value, 20), "One over the delay: which angle is left?"
    assert not near(value, 20 / np.e), "There it first swings past the goal."
    assert not near(value, 20 * np.pi), "Half a turn; a quarter is left."
    assert not near(value, 90 / 0.05), "Angles in radians, please."
    assert near(value, 10 * np.pi), "Solve delay = (pi / 2) / k for k."

check("phone_orders-1", largest, judge_largest, asks="a number per second")

# %% tags=["solution"]
# @title Solution of exercise 1
largest = np.pi / 2 / 0.05
check("phone_orders-1", largest, judge_largest)

# %% [markdown]
# **2. Refute.**
# "Whoever phones takes nothing from those who walk."
# One cook, two minutes a meal.
# Ann wants lunch at minute 0, walks, orders at minute 3 and eats at 5.
# Bob wants lunch later than she does.
# Give a minute at which he can phone and make her eat later.

# %% tags=["exercise"]
minute = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_minute(value):
    bob = float(np.asarray(value).item())
    assert bob > 0, "Bob wants lunch later than Ann."
    assert bob < 3, "Ann has ordered by then."
    eats = ready(np.array([3.0, bob]), np.array([2.0, 2.0]))[0]
    assert eats > 5, "Bob's meal is done by the time Ann orders."

check("phone_orders-2", minute, judge_minute, asks="a number of minutes")

# %% tags=["solution"]
# @title Solution of exercise 2
minute = 2
check("phone_orders-2", minute, judge_minute)
