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
# # Delivery robots: one too few, and all empty at once
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/7-building/delivery_robots.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | none that we found says how NAVER's robots are sent; one established way is a plan by queueing theory, [Erlang's C](https://mmarzolla.github.io/queueing/erlangc.html), and the [assignment problem](https://docs.scipy.org/doc/scipy/reference/generated/scipy.optimize.linear_sum_assignment.html) |
# | Official code | none of NAVER's; [open-rmf/rmf_task](https://github.com/open-rmf/rmf_task), an open task planner for fleets of robots, commit `66b2947` |
# | Rule read in | other: Open-RMF, `rmf_task/src/rmf_task/requests/Delivery.cpp`, for the battery; SciPy's documentation for the assignment |
# | In the article | section 3: robots that deliver (figure 1c) and stations where they charge (1g), without a method |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); expectation, and some Python |
# | Data | drawn orders in a drawn building of 28 floors |
# | Time | <!--=bench.delivery_robots.seconds-->23<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 건물 안에서 음료를 나르는 배달 로봇이 몇 대 필요한지, 언제 충전하러 가야 하는지, 어느 로봇이 어느 주문을 맡아야 하는지를 묻습니다.
# 네이버의 알고리즘은 공개되지 않았으므로, 대기행렬 이론과 배정 문제라는 널리 알려진 방법을 시뮬레이션으로 확인합니다.
# 먼저 종이 위에서 계산한 처리 능력을 시뮬레이션과 비교하고, 주문이 한꺼번에 몰릴 때 헝가리안 배정이 얼마나 나은지 잽니다.
# 로봇이 빠듯하면 일찍 충전할 때 배달이 빨라지지만, 그 이득은 거의 모두 아침에 모든 로봇이 가득 충전된 채 시작하기 때문이며, 배터리가 제각각이면 두 규칙은 비슷합니다.
# 건물과 주문은 모두 꾸며 낸 것이므로, 1784의 로봇이 실제로 얼마나 빠른지는 알 수 없습니다.
#
# **In short.**
# How many robots does a building need, when should one charge, and which one takes which order?
# On paper a robot brings <!--=delivery_robots-theory.mean.planned:1-->16.3<!--/--> orders an hour and in the simulation <!--=delivery_robots-theory.mean.simulated:1-->16.2<!--/-->; charging at half a battery, not at 15 %, takes a mean delivery from <!--=delivery_robots-near.mean.late:0-->483<!--/--> to <!--=delivery_robots-near.mean.early:0-->396<!--/--> seconds where robots are scarce, nearly all of it because all begin the day full (with mixed batteries the two rules are level), and changes it by <!--=delivery_robots-far.effect:0-->−5<!--/--> where they are ample.
# It does not show how the robots of 1784 are sent, nor what people there order.

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
import heapq
import math
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from lab1784 import (check, claim, compare, draw_claim, interactive, known,
                     overview, palette, show)
from lab1784.claims import interval
from lab1784.figures import subplots

# %% [markdown]
# ## Six robots, on paper
#
# A café on floor 2 takes an order every 28 seconds, for a desk anywhere on floors 3 to 27.
# A robot drives a metre a second; a lift takes 12 seconds to come and 4 a floor, and there is one wherever a robot stands.
# How many robots does the café need?

# %%
out = 12 + 4 * 13 + 19.5     # lift, thirteen floors, half of a 39 m corridor
print(f"there {out:.1f} s, and back {2 * out:.1f} s: with an order every "
      f"28 s, {2 * out / 28:.2f} robots are always on their way")

# %% [markdown]
# Six, then, and the numbers look exact.
# With six robots the queue grows as long as orders come, and the mean coffee of a six-hour day takes most of an hour.
#
# The building 1784 is full of such **delivery robots** (배달 로봇), and has stations where they charge themselves when they need to.
# The article says no more, and how NAVER sends its robots is not public; what follows is one established way.
#
# ## The idea, 1: count everything a robot does
#
# A robot that drives must be charged, and at a dock it carries nothing.
# Let a battery hold $B$ seconds of driving, and let a dock give $r$ of them a second.
# Let $d$ be the mean trip from the café to a desk, so that an order costs $2d$ seconds of driving, and let a robot go to charge when less than a share $\theta$ of the battery is left.
# It then makes about $n = (1-\theta)B/2d + \tfrac12$ orders on a charge, the half because the last one overshoots.
# Each charge costs a detour of $e$ seconds: from the last desk by way of the dock to the café, and not straight.
# Each second of driving costs another $1/r$ at a dock.
# What an order takes of a robot is its **service time** (서비스 시간)
#
# $$S = \Big(2d + \frac{e}{n}\Big)\Big(1 + \frac{1}{r}\Big).$$
#
# With $\lambda$ orders a second the **offered load** (부하) is $a = \lambda S$: the number of robots that are busy on average.
# A fleet of $c$ robots keeps up if $a < c$, and this is the **stability bound** (안정 조건).
# Beyond it the queue grows as long as orders come.
# Below it an order still waits if all robots are busy, with the probability that Erlang found for exponential service times:
#
# $$C(c, a) = \frac{\frac{a^c}{c!}\frac{1}{1-a/c}}{\sum_{k<c}\frac{a^k}{k!} + \frac{a^c}{c!}\frac{1}{1-a/c}}, \qquad \text{mean wait} = C(c,a)\,\frac{S}{c-a}.$$

# %% tags=["technique"]
# A place is (floor, metres along it), a time is in seconds.
# battery: seconds of driving; rate: how many of them a dock gives a second;
# least: share of it in the emptiest robot when the day begins; the last is
# full, the others lie evenly between, each in whole seconds.
Site = namedtuple("Site", "robots docks battery rate dock cafe least",
                  defaults=(8, 3, 2700, 4, (2, 20), (2, 0), 1.0))
# time: when it was placed; shown: when the dispatcher learns of it.
Order = namedtuple("Order", "name time shown pickup drop")


def travel(a, b):
    """Seconds of driving from place a to place b."""
    floors = abs(a[0] - b[0])
    lift = 12 + 4 * floors if floors else 0          # it has to come first
    return abs(a[1] - b[1]) + lift


DROPS = [(floor, x) for floor in range(3, 28) for x in range(40)]    # desks

# %% tags=["technique"]
def service(site, low, drops):
    """What one order takes of a robot: (seconds in all, of driving).

    low: share of the battery below which a robot goes to charge.
    drops: places, each as likely as the next; pickups are at the cafe.
    """
    d = np.mean([travel(site.cafe, p) for p in drops])
    to_dock = np.mean([travel(p, site.dock) for p in drops])
    e = to_dock + travel(site.dock, site.cafe) - d    # by way of the dock
    n = (1 - low) * site.battery / (2 * d) + 0.5      # orders on a charge
    drive = 2 * d + e / n
    return drive * (1 + 1 / site.rate), drive


def erlang_c(c, a):
    """Probability that an order finds all c robots busy at load a < c."""
    if not 0 < a < c:
        raise ValueError(f"load should lie in (0, {c}), got {a}")
    top = a ** c / math.factorial(c) / (1 - a / c)
    return top / (sum(a ** k / math.factorial(k) for k in range(c)) + top)

# %%
S, drive = service(Site(), 0.5, DROPS)
print(f"an order takes {S:.1f} s of a robot, {drive:.1f} s of them driving")
print(f"at one every 28 s the load is {S / 28:.2f} robots")
for c in (8, 9, 10, 12):
    wait = erlang_c(c, S / 28) * S / (c - S / 28)
    print(f"{c:3} robots: mean wait on paper {wait:6.1f} s")

# %% [markdown]
# So eight is the least, and eight is not comfortable.
#
# ## The idea, 2: who takes which order?
#
# Write down a table: a row for each idle robot, a column for each waiting order, and in it the robot's seconds to the order's pickup.
# To pair rows and columns so that the sum is least is the **assignment problem** (배정 문제), and the **Hungarian algorithm** (헝가리안 알고리즘) solves it exactly.
# Two greedy rules read the same table.
# *Nearest* gives each order, by age, the nearest robot that is left.
# *Cheapest* takes the smallest entry, crosses out its row and column, and goes on.
# *Random* does not look at the entries at all.

# %%
print(np.array([[10, 20], [30, 90]]))
print("nearest  10 + 90 s; Hungarian  20 + 30 s")

# %% [markdown]
# Only the oldest orders enter the table, as many as there are idle robots; otherwise a far desk waits for ever while near ones are served.
# A robot that could not bring the order *and get back to the docks* has no entry.
# Open-RMF's planner decides in this way who can take a delivery, with a reserve that is zero here.

# %% tags=["technique"]
RULES, FAR = ("random", "nearest", "cheapest", "hungarian"), 1e9


def able(robot, order, site):
    """Fetch, deliver, and still reach the docks?"""
    need = travel(robot.place, order.pickup) + travel(order.pickup, order.drop)
    return robot.battery >= need + travel(order.drop, site.dock)

# %% tags=["technique"]
def pair(rule, cost, rng=None):
    """Pairs (row, column), each row and column once, no entry FAR.
    cost: (robots, orders), seconds to the pickup; orders by age."""
    known(rule, RULES, "rule")
    if rule == "hungarian":
        pairs = zip(*linear_sum_assignment(cost))
        return [(i, j) for i, j in pairs if cost[i, j] < FAR]
    cost, pairs = cost.copy(), []
    for j in range(min(cost.shape) if rule == "cheapest" else len(cost[0])):
        if rule == "cheapest":
            i, j = np.unravel_index(cost.argmin(), cost.shape)
        elif rule == "nearest" or cost[:, j].min() == FAR:
            i = cost[:, j].argmin()
        else:
            i = rng.choice(np.flatnonzero(cost[:, j] < FAR))
        if cost[i, j] < FAR:
            pairs.append((i, j))
            cost[i], cost[:, j] = FAR, FAR
    return pairs

# %% [markdown]
# ## The idea, 3: when to charge
#
# An idle robot goes to charge if its battery is below the share `low`, or if an order waits that it is too empty to take.
# It books the dock that will be free first, waits there if need be, and stays until it is full.
# With `spare` it also goes when nothing waits and its battery is below that share.

# %% tags=["technique"]
Ride = namedtuple("Ride", "robot sent picked done left")       # left: battery
Charge = namedtuple("Charge", "robot sent came start done low")


@dataclass
class Robot:
    name: int
    place: tuple
    battery: float


class Fleet:
    """Robots and docks; what they did is in rides (by order) and charges."""

    def __init__(self, site):
        self.site, self.events, self.rides, self.charges = site, [], {}, []
        shares = np.linspace(site.least, 1, site.robots)
        self.idle = [Robot(k, site.dock, int(share * site.battery))
                     for k, share in enumerate(shares)]
        self.docks = [0.0] * site.docks              # when each is free

    def leave(self, robot, place, battery, done):
        robot.place, robot.battery = place, battery
        self.idle.remove(robot)
        heapq.heappush(self.events, (done, robot.name, robot))

# %% tags=["technique"]
def deliver(fleet, robot, order, now):
    picked = now + travel(robot.place, order.pickup)
    done = picked + travel(order.pickup, order.drop)
    left = robot.battery - (done - now)
    fleet.rides[order.name] = Ride(robot.name, now, picked, done, left)
    fleet.leave(robot, order.drop, left, done)


def charge(fleet, robot, now):
    site, way = fleet.site, travel(robot.place, fleet.site.dock)
    low = robot.battery - way                        # on arrival
    k = fleet.docks.index(min(fleet.docks))          # free first
    came = now + way
    start = max(came, fleet.docks[k])
    done = fleet.docks[k] = start + (site.battery - low) / site.rate
    fleet.charges.append(Charge(robot.name, now, came, start, done, low))
    fleet.leave(robot, site.dock, site.battery, done)

# %% [markdown]
# `simulate` goes from event to event: orders appear, or one robot becomes idle.
# After each, robots below `low` leave for the docks, then the table is made and pairs set out.
# A robot left over goes to charge if orders still wait, or by `spare`; else it stays where it is.

# %% tags=["technique"]
def simulate(orders, rule, site, low, spare=0.0, rng=None):
    """Serve all orders; returns (rides, charges) of the day."""
    fleet, waiting, shown = Fleet(site), [], {}
    for order in orders:
        shown.setdefault(order.shown, []).append(order)
    fleet.events += [(second, -1, None) for second in sorted(shown)]
    while fleet.events:
        now, _, robot = heapq.heappop(fleet.events)
        if robot:
            fleet.idle.append(robot)
        else:
            waiting += shown[now]
        for r in [r for r in fleet.idle if r.battery < low * site.battery]:
            charge(fleet, r, now)
        rows, oldest = list(fleet.idle), waiting[:len(fleet.idle)]
        cost = np.array([[travel(r.place, o.pickup) if able(r, o, site)
                          else FAR for o in oldest] for r in rows])
        for i, j in pair(rule, cost, rng) if cost.size else ():
            deliver(fleet, rows[i], oldest[j], now)
            waiting.remove(oldest[j])
        for r in list(fleet.idle):          # too empty, or nothing to do
            if waiting or r.battery < spare * site.battery:
                charge(fleet, r, now)
    return fleet.rides, fleet.charges

# %% [markdown]
# ## The experiment
#
# A day has six hours of orders at random moments, the gap between them exponential with mean `gap`; all robots start it full, at the docks, and all orders are served.
# *Late* goes to charge at 15 % of its battery, *early* at 50 %; *spare* is *late* that also uses every quiet moment below 95 %.
# `burst` orders come at one moment, for instance when meetings end.
# `anywhere` draws the pickup like the drop, from all desks.
# With a `window` the dispatcher learns of orders at full multiples of it only.

# %% tags=["experiment"]
ARMS = {"late": ("nearest", 0.15, 0.0), "early": ("nearest", 0.5, 0.0),
        "spare": ("nearest", 0.15, 0.95), "random": ("random", 0.5, 0.0),
        "nearest": ("nearest", 0.5, 0.0),            # early by another name
        "cheapest": ("cheapest", 0.5, 0.0),
        "hungarian": ("hungarian", 0.5, 0.0)}        # rule, low, spare
DAY = 6 * 3600


def traffic(seed, gap, burst=1, window=0, anywhere=False):
    """Orders of a day, Poisson bursts, at whole 1024ths of a second."""
    rng, orders = np.random.default_rng(seed), []
    n = int(2 * DAY / (gap * burst)) + 50            # more than a day's
    gaps = np.ceil(1024 * rng.exponential(gap * burst, size=n)) / 1024
    seconds = np.cumsum(gaps)
    seconds = seconds[seconds <= DAY].repeat(burst).tolist()
    places = rng.integers(len(DROPS), size=(len(seconds), 2)).tolist()
    for name, (second, (a, b)) in enumerate(zip(seconds, places)):
        shown = math.ceil(second / window) * window if window else second
        pickup = DROPS[a] if anywhere else Site().cafe
        orders.append(Order(name, second, shown, pickup, DROPS[b]))
    return orders

# %% [markdown]
# `delivery` is the mean time from the order to the desk, in seconds: lower is better.
# `slow` is the time that one order in twenty exceeds; `pickup` is the mean trip to the pickup, `moving` the mean time from the robot's setting out, `queue` the mean wait at the docks.
# A run is the mean over the orders of `steps` days.
# `strength` scales the share `low`; *early* at three tenths is *late*.

# %% tags=["experiment"]
def run(arm, seed, strength=1.0, steps=25, robots=8, docks=3, gap=28,
        least=1.0, **how):
    """Means over `steps` days; how: settings of traffic."""
    known(arm, ARMS, "arm")
    rule, low, spare = ARMS[arm]
    took, pickup, moving, queue = [], [], [], []
    for day in range(steps):
        orders = traffic((seed, day), gap, **how)
        site = Site(robots, docks, least=least)
        rng = (np.random.default_rng((seed, day, 1)) if rule == "random"
               else None)
        rides, charges = simulate(orders, rule, site, low * strength, spare,
                                  rng)
        took += [rides[o.name].done - o.time for o in orders]
        pickup += [ride.picked - ride.sent for ride in rides.values()]
        moving += [ride.done - ride.sent for ride in rides.values()]
        queue += [c.start - c.came for c in charges]
    return {"delivery": float(np.mean(took)), "pickup": float(
        np.mean(pickup)), "slow": float(np.quantile(took, 0.95)),
        "moving": float(np.mean(moving)), "queue": float(np.mean(queue))}

# %% [markdown]
# `keeps` asks for the stability bound itself.
# Each seed draws a fleet of 5 to 12 robots, a dock for each, a battery, a rate, a place for the docks and a share `low`.
# A backlog waits from the start, so that no robot is without work; the orders an hour and robot, after a warm-up, are what this fleet can keep up with.
# *Planned* is $3600/S$, *trips* the plan that forgot the charging, $3600/2d$.

# %% tags=["experiment"]
def keeps(arm, seed, each=120):
    """Orders an hour and robot, over `each` orders a robot."""
    known(arm, ("simulated", "planned", "trips"), "arm")
    rng = np.random.default_rng(seed)
    c = int(rng.integers(5, 13))
    site = Site(c, c, 100 * int(rng.integers(18, 40)),
                int(rng.integers(2, 7)), (int(rng.integers(2, 15)), 20))
    low = int(rng.integers(15, 60)) / 100
    drops = rng.integers(len(DROPS), size=c * each)
    if arm == "trips":
        d = np.mean([travel(site.cafe, p) for p in DROPS])
        return {"rate": float(3600 / (2 * d))}
    if arm == "planned":
        return {"rate": float(3600 / service(site, low, DROPS)[0])}
    orders = [Order(k, 0.0, 0.0, site.cafe, DROPS[p])
              for k, p in enumerate(drops)]
    rides, _ = simulate(orders, "nearest", site, low)
    done = sorted(ride.done for ride in rides.values())
    first, last = c * each // 6, c * each - 2 * c    # busy all the while
    hours = (done[last] - done[first]) / 3600
    return {"rate": float((last - first) / hours / c)}

# %% [markdown]
# With sixteen robots, twice the load, every arm should deliver in less than 200 seconds, for a trip there and back takes 167.

# %% tags=["results"]
print("sixteen robots, seconds   delivery   trip to the pickup")
for arm in ARMS:
    got = run(arm, 1000, steps=4, robots=16)
    print(f"{arm:25}{got['delivery']:9.1f}{got['pickup']:21.1f}")
    assert got["delivery"] < 200, "floor: the trips and little else"

# %% [markdown]
# ## Predict
#
# Eight robots, load seven and a half.
# In the morning all are full.
# Does *late* deliver sooner or *early*, and is it the same with twelve robots?
#
# - (a) Late, with both fleets: fewer detours, more time for orders.
# - (b) Early, with both fleets alike: an empty robot is of no use.
# - (c) Early, by half a minute or more with eight, by less with twelve.
#
# ## A day, one strip a robot
#
# Both panels have the same orders, of seed 1512: a day picked because the rules differ on it by about as much as on average.

# %% tags=["figure"]
# @title Draw: what each robot does, second by second
KINDS = {"deliver": "method", "idle": "grid", "way and queue to the dock":
         "rival", "charge": "other"}


def strips(day, site):
    """(robot, kind, begin, end), in order, for all robots until the end."""
    found = []
    for ride in day[0].values():
        found.append((ride.robot, "deliver", ride.sent, ride.done))
    for c in day[1]:
        found += [(c.robot, "way and queue to the dock", c.sent, c.start),
                  (c.robot, "charge", c.start, c.done)]
    for name in range(site.robots):
        busy = sorted(s[2:] for s in found if s[0] == name)
        ends = [0.0] + [end for _, end in busy]
        found += [(name, "idle", a, b) for a, (b, _) in zip(ends, busy)
                  if b > a]
    return sorted(found, key=lambda s: (s[0], s[2]))


day_orders = traffic(1512, 28)
days = {arm: simulate(day_orders, *ARMS[arm][:1], Site(), *ARMS[arm][1:])
        for arm in ("late", "early")}

# %% tags=["figure"]
# @title Draw: two days as strips
END = 3 * 3600
fig, axes = subplots(2, 1, width=7.2, height=4.4, sharex=True)
for ax, (arm, day) in zip(axes, days.items()):
    for name, kind, begin, end in strips(day, Site()):
        if begin < END:
            ax.broken_barh([(begin / 60, (min(end, END) - begin) / 60)],
                           (name + 0.6, 0.8), color=palette[KINDS[kind]])
    ax.set(ylabel="robot", yticks=range(1, 9), ylim=(0.5, 8.6),
           xlim=(0, END / 60),
           title={"late": "Late: long charges, and robots that queue for one",
                  "early": "Early: more charges, and shorter ones"}[
                      arm])
    ax.grid(visible=False)
axes[1].set(xlabel="minutes since the day began")
handles = [axes[0].broken_barh([(-9, 1)], (0, 1), color=palette[c], label=k)
           for k, c in KINDS.items()]
fig.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=9)
show(fig, "Two panels of eight horizontal strips, one a robot, over three "
          "hours. Above, the late rule: long green charges, in groups, with "
          "orange pieces of waiting before many. Below, the early rule: "
          "green pieces are short and spread, orange ones are few.")

# %% [markdown]
# ## The claims
#
# The first claim is the pencil's.
# The plan without charging must fail its margin.

# %% tags=["results"]
backlog = compare(keeps, ["simulated", "planned", "trips"])
theory = claim(
    "delivery_robots-theory",
    "In drawn fleets of five to twelve robots with a dock for each, the "
    "orders an hour and robot that are brought from a backlog are those of "
    "the plan on paper, charging and detours included",
    backlog, metric="rate", arm="simulated", baseline="planned",
    kind="equal", margin=0.85, bad="trips", unit="orders an hour and robot",
    picture=False, reason="a robot brings about seventeen an hour, and a "
    "twentieth of it is less than one robot in a fleet of twelve",
    paper="A queue is stable where load is less than the number of servers.")

# %% [markdown]
# The second and the third are the question of *Predict*.
# Both are about days that all robots begin full.
# With mixed batteries the gain in the second is all but gone, as *Why early* shows.

# %% tags=["results"]
CHARGING = ["late", "early", "spare"]
fleets = {8: compare(run, CHARGING), 12: compare(run, CHARGING, robots=12)}
scarce = claim(
    "delivery_robots-near",
    "In a simulated building with three docks, an order every 28 seconds and "
    "all robots full in the morning, eight robots that go to charge at half "
    "a battery deliver sooner than eight that go at 15 % of it",
    fleets[8], metric="delivery", arm="early", baseline="late",
    better="lower", least=30.0, unit="mean delivery time (s)", picture=False,
    reason="half a minute is the least that somebody who waits may notice",
    paper="A robot charges itself whenever it needs to (the article).")
ample = claim(
    "delivery_robots-far",
    "In a simulated building with three docks, an order every 28 seconds and "
    "all robots full in the morning, twelve robots that go to charge at half "
    "a battery deliver sooner than twelve that go at 15 % of it",
    fleets[12], metric="delivery", arm="early", baseline="late",
    better="lower", least=30.0, unit="mean delivery time (s)", picture=False,
    reason="half a minute is the least that somebody who waits may notice",
    expect="does not hold",
    paper="A robot charges itself whenever it needs to (the article).")

# %% [markdown]
# The last is about pairs: twenty robots, pickups anywhere, and twenty orders at a time.
# Its rival is the stronger of the two greedy rules, its metric what the table holds; the delivery is printed beside it.

# %% tags=["results"]
bursts = compare(run, RULES, robots=20, docks=6, gap=30, burst=20,
                 anywhere=True, steps=12)
matched = claim(
    "delivery_robots-hungarian",
    "In a simulated building with twenty robots and twenty orders at a time, "
    "pickups anywhere, robots paired by the Hungarian algorithm have shorter "
    "trips to the pickup than robots paired by taking the cheapest pair first",
    bursts, metric="pickup", arm="hungarian", baseline="cheapest",
    better="lower", least=1.0, unit="mean trip to the pickup (s)",
    picture=False, reason="a second is a quarter of what one floor takes, "
    "and less is not worth another rule",
    paper="The assignment of minimal cost.")
print("twenty at once  delivery (s)   trip to the pickup (s)")
for rule in RULES:
    print(f"{rule:16}{bursts.mean('delivery', rule):12.1f}"
          f"{bursts.mean('pickup', rule):25.1f}")

# %% tags=["figure"]
# @title Draw: all four claims
overview(theory, scarce, ample, matched)

# %% tags=["details"]
# @title Every seed of every claim
for record in (theory, scarce, ample, matched):
    draw_claim(record)

# %% [markdown]
# The plan says <!--=delivery_robots-theory.mean.planned:1-->16.3<!--/--> orders an hour and robot, the simulation <!--=delivery_robots-theory.mean.simulated:1-->16.2<!--/-->, and the plan that forgot the docks <!--=delivery_robots-theory.mean.trips:1-->21.6<!--/-->.
# With eight robots *late* delivers in <!--=delivery_robots-near.mean.late:0-->483<!--/--> seconds and *early* in <!--=delivery_robots-near.mean.early:0-->396<!--/-->; with twelve it is <!--=delivery_robots-far.mean.late:0-->171<!--/--> and <!--=delivery_robots-far.mean.early:0-->166<!--/-->.
# (c) is right, for a morning with all robots full; without it the rules are level.
# (a) counts detours, but here a detour takes ten seconds.
# (b) forgets that an absent robot hurts only if an order waits for it.
#
# Hungarian pairs shorten the trip to the pickup from <!--=delivery_robots-hungarian.mean.nearest:1-->39.4<!--/--> seconds by *nearest* and <!--=delivery_robots-hungarian.mean.cheapest:1-->36.8<!--/--> by *cheapest* to <!--=delivery_robots-hungarian.mean.hungarian:1-->35.1<!--/-->.
# Not to look at distances costs far more, <!--=delivery_robots-hungarian.mean.random:1-->59.6<!--/--> seconds: most of the gain comes from any rule that looks.
#
# ## The cliff
#
# The same for fleets of six to twelve.

# %% tags=["results"]
for size in (6, 7, 9, 10):
    fleets[size] = compare(run, CHARGING, robots=size, steps=6)
sizes = sorted(fleets)
print("robots, mean delivery (s)" + "".join(f"{n:9}" for n in sizes))
for arm in CHARGING:
    print(f"{arm:25}" + "".join(f"{fleets[n].mean('delivery', arm):9.1f}"
                                for n in sizes))
print("trip to the café, twelve robots (s): " + ", ".join(
    f"{arm} {fleets[12].mean('pickup', arm):.1f}" for arm in CHARGING))

# %% tags=["figure"]
# @title Draw: fleets of six to twelve, and where theory puts the cliff
fig, ax = subplots(width=6.8, height=3.6)
for arm, colour in zip(CHARGING, ("rival", "method", "other")):
    mean, low, high = np.array([interval(fleets[n]["delivery"][arm])
                                for n in sizes]).T / 60
    ax.plot(sizes, mean, "o-", color=palette[colour], label=arm)
    ax.fill_between(sizes, low, high, color=palette[colour], alpha=0.2)
fine = [8, 9, 10, 11, 12]
ax.plot(fine, [(2 * out + erlang_c(c, S / 28) * S / (c - S / 28)) / 60
               for c in fine], ":", color=palette["ink"],
        label="trips + Erlang's wait")
ax.axvline(S / 28, color=palette["ink"], lw=1)
ax.axvline(2 * out / 28, color=palette["plain"], lw=1, ls="--")
ax.text(S / 28 + 0.06, 25, "load with\ncharging", fontsize=9)
ax.text(2 * out / 28 + 0.06, 3, "load of the\ntrips alone", fontsize=9)
ax.set(xlabel="robots", ylabel="mean delivery (minutes)", yscale="log",
       yticks=(2, 3, 5, 10, 20, 50), yticklabels=(2, 3, 5, 10, 20, 50),
       title="Fewer robots than the load: a quarter of an hour and more")
ax.minorticks_off()
ax.legend(loc="upper right")
show(fig, "Mean delivery against fleet size. All three curves fall steeply "
          "from six to eight robots and are nearly flat from ten on. A line "
          "marks the load with charging, between seven and eight, a dashed "
          "one the load of trips alone, just below six. A dotted curve by "
          "Erlang's formula runs close to the points from eight robots on.")

# %% [markdown]
# With six or seven robots the queue grows until orders end, so a longer day has a longer mean.
# At eight Erlang's formula is above both *late* and *early*, from nine on it is near them, although nothing here is exponential but the gaps.
# It knows neither the queue at the docks nor the end of a day.
#
# *Spare* is the best of the three at every size.
# With twelve robots that is hardly the charge: whoever has nothing to do is at the docks, near the café, and sets out from there.

# %% tags=["figure"]
# @title Draw: saw-teeth of one battery and of all
def teeth(day, name, site):
    """(seconds, seconds of driving left) of one robot, corner by corner."""
    corners = [(0.0, site.battery)]
    for ride in day[0].values():
        if ride.robot == name:
            corners += [(ride.sent, ride.left + ride.done - ride.sent),
                        (ride.done, ride.left)]
    for c in day[1]:
        if c.robot == name:
            corners += [(c.start, c.low), (c.done, site.battery)]
    return np.array(sorted(corners)).T


fig, axes = subplots(2, 1, width=7.0, height=3.8, sharex=True)
for ax, (arm, day) in zip(axes, days.items()):
    for name in range(8):
        seconds, left = teeth(day, name, Site())
        ax.plot(seconds / 60, 100 * left / Site().battery, lw=2.2 if
                name == 0 else 0.6, color=palette["method" if name == 0 else
                                                  "plain"])
    ax.axhline(100 * ARMS[arm][1], color=palette["rival"], lw=1, ls="--")
    ax.set(ylabel="battery (%)", ylim=(0, 104), xlim=(0, END / 60),
           title={"late": "Late: eight batteries empty in the same minutes",
                  "early": "Early: the teeth are smaller, and soon lie "
                           "apart"}[arm])
axes[1].set(xlabel="minutes since the day began")
show(fig, "Battery against time for eight robots, one of them bold, in two "
          "panels. Above, late: deep saw-teeth that fall together in the "
          "first hour and are charged one group after another. Below, "
          "early: shallow teeth between half and full, together at first and "
          "soon out of step.")

# %% [markdown]
# ## Why early, if it means more detours?
#
# There are three suspects: the queue at the docks, the morning in which all robots are full, and the length of an absence.
# The first is gone with a dock for each robot, the second if the day begins with batteries from 30 % to full.

# %% tags=["results"]
print("eight robots, seconds        late   early    gain   wait at a dock")
for least, morning in ((1.0, "all full"), (0.3, "mixed")):
    for docks in (3, 8):
        late, early = ([run(arm, seed, steps=8, docks=docks, least=least)
                        for seed in range(1000, 1004)]
                       for arm in ("late", "early"))
        a, b = (np.mean([g["delivery"] for g in got])
                for got in (late, early))
        print(f"{docks} docks, {morning:15}{a:9.1f}{b:8.1f}{a - b:8.1f}"
              f"{np.mean([g['queue'] for g in late]):8.1f} and "
              f"{np.mean([g['queue'] for g in early]):.1f}")

# %% [markdown]
# Nearly all of the gain comes from the morning.
# Under *late* all robots are empty together, an hour after all were full, and a charge takes $0.85 B/r$ seconds or more, over nine minutes, beside the queue.
# Under *early* they gather as well, but a charge takes some six minutes.
# The orders that pile up meanwhile take hours to go away, since eight robots are hardly more than the load.
# With mixed batteries nobody gathers, and the two rules are within ten seconds of each other.
# So before a threshold is tuned, look at how the day begins.
#
# ## Where there is nothing to choose
#
# The three rules that look at the table can differ only if two robots are idle and two orders wait.
# If orders come one at a time, that does not happen: before each event either no order waits or no robot is idle.

# %% tags=["results"]
print("one at a time, delivery (s)   window 0   30 s    60 s")
for rule in ("nearest", "cheapest", "hungarian"):
    got = [run(rule, 1000, steps=4, robots=14, docks=5, gap=15,
               window=window, anywhere=True)["delivery"]
           for window in (0, 30, 60)]
    print(f"{rule:30}" + "".join(f"{g:8.1f}" for g in got))
for how in ({}, {"robots": 14, "docks": 5, "gap": 15, "anywhere": True}):
    same = {run(rule, 1001, steps=2, **how)["delivery"]
            for rule in ("nearest", "cheapest", "hungarian")}
    assert len(same) == 1, "without a choice the rules are one rule"

# %% [markdown]
# In the first column the three rules agree to the last bit.
# Let orders wait for the next full minute, and there is something to choose: the Hungarian algorithm is ahead of *nearest* again, and all three deliver later than *nearest* did at once.
# Batches that come by themselves are worth a better rule; here, batches made by waiting are not.
#
# ## The building at work
#
# The picture counts the orders that wait; on the book's site it plays a hundred minutes under both rules.

# %% tags=["figure"]
# @title Draw: robots in the building, to play
def where(day, name, site, second):
    """(floor, share of the battery, charging?) of one robot."""
    place, at = site.dock, site.battery
    mine = sorted([(r.sent, 0, r, k) for k, r in day[0].items()
                   if r.robot == name]
                  + [(c.sent, 1, c, None) for c in day[1]
                     if c.robot == name], key=lambda m: m[0])
    for sent, kind, what, k in mine:
        if sent > second:
            break
        stops = ([(sent, place[0]), (sent + travel(place, site.dock), 2)]
                 if kind else [(sent, place[0]), (what.picked, 2),
                               (what.done, day_orders[k].drop[0])])
        floor = np.interp(second, *np.array(stops, float).T)
        now = min(second, what.start if kind else what.done)
        level = max(at - (now - sent), what.low) if kind else at - now + sent
        if kind and second > what.start:
            level = min(site.battery, what.low + site.rate
                        * (second - what.start))
        place = site.dock if kind else day_orders[k].drop
        at = site.battery if kind else what.left
        state = floor, level / site.battery, bool(
            kind and what.start <= second < what.done)
    return state if mine and mine[0][0] <= second else (2.0, 1.0, False)

# %% tags=["figure"]
# @title Draw: a hundred minutes under two rules
times, hours = np.arange(1800, 7801, 50), np.arange(0, 3 * 3600, 20)
frames, queues, counts = {}, {}, {}
for arm, day in days.items():
    sent = np.array([day[0][o.name].sent for o in day_orders])
    placed = np.array([o.time for o in day_orders])
    counts[arm] = [((placed <= t) & (t < sent)).sum() for t in hours]
    queues[arm] = [[0] * 2 + [int(((placed <= t) & (t < sent)).sum())]
                   + [0] * 25 for t in times]
    frames[arm] = [[
        {"row": float(floor), "label": f"{'+' * on}{100 * level:.0f}"}
        for floor, level, on in (where(day, name, Site(), t)
                                 for name in range(8))] for t in times]
fig, ax = subplots(width=6.8, height=2.8)
for arm, colour in (("late", "rival"), ("early", "method")):
    ax.step(hours / 60, counts[arm], where="post", color=palette[colour],
            lw=1.2, label=arm)
ax.set(xlabel="minutes since the day began", ylabel="orders that wait",
       title="Robots gather at the docks, and the café's queue grows")
ax.legend(loc="upper left")
interactive.play(
    frames, rows=["basement 2", "lobby", "café 2"]
    + [str(k) for k in range(3, 28)],
    lanes=[f"robot {k}" for k in range(1, 9)], seconds=40, queues=queues,
    title="A hundred minutes of one day, two rules for charging",
    caption="A robot's number is its battery in per cent, with + while it "
            "charges; dots at the café are orders that wait.",
    clock=[f"{t // 60} min" for t in times],
    alt="Orders that wait against time, over three hours, for two rules. "
        "The early curve has its first hill after half an hour, the late one "
        "after an hour, and the late one's hills are higher and wider.",
    fallback_fig=fig)

# %% [markdown]
# ## Break it
#
# Each runs without complaint; the tests plant and catch it.
#
# <details><summary>Fifteen mistakes</summary>
#
# - **Charging forgotten**: $S$ is the driving alone.
# - **One way only**: $d$ in place of $2d$.
# - **Detour forgotten**: as if docks were always on the way.
# - **Everybody waits**: $C(c, a)$ without the sum.
# - **No way back**: after the order the robot cannot reach the docks.
# - **Fetching is free**: the trip to the pickup is not in what the battery must hold.
# - **Maximised**: the dearest pairs.
# - **Farthest robot**: *nearest* takes the largest entry.
# - **Far desks starve**: all waiting orders enter the table.
# - **Trip to the dock is free**: the battery does not pay for it.
# - **Two at one dock**: the dock is not booked.
# - **The first dock always**: others stand empty.
# - **Back at the café by magic**: the robot stands at the pickup after its delivery.
# - **Charged on the way**: the charge begins when the robot leaves for the dock.
# - **Low and idle**: nobody looks at the share `low`.
#
# </details>
#
# One more needs no wrong line there: the clock that starts when the robot does.

# %%
print("robots   seconds from the order   from the robot's setting out")
for size in (6, 8, 12):
    print(f"{size:6}{fleets[size].mean('delivery', 'early'):25.1f}"
          f"{fleets[size].mean('moving', 'early'):31.1f}")

# %% [markdown]
# By that clock six robots are as good as twelve.
#
# ## What we shrank
#
# | | fleets in use | here |
# |---|---|---|
# | building | robots of 1784 ride a lift of their own ([chapter 7](../../chapters/7-building.md)), among people on the floors | a lift at every metre of a corridor, 12 seconds away, always; nobody is in the way |
# | dock | Open-RMF's documentation [assumes one for each robot](https://osrf.github.io/ros2multirobotbook/task.html) | three for eight robots; no charge is broken off |
# | pairing | Open-RMF gives a robot several orders to come, greedily or by a search (A*) | one order, when a robot is idle |
# | battery | ageing, slower near full | linear, standing costs nothing |
# | loading, and opening the lid | takes time | takes none |
#
# <details><summary>Tries: five rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | single days, `low` from 15 to 70 % | seeds 1000 to 1029 | near the bound the earlier the better; one day is too noisy, hence many a run |
# | all robots that end in the same second enter one table | seeds 1000 to 1004 | *hungarian* and *nearest* differ by a second for single orders; one robot at a time, and they agree |
# | a window of 60 seconds in place of bursts, 14 to 40 robots | seeds 1000 to 1005 | *hungarian* ahead by about a second, and thirty behind *nearest* at once |
# | bursts of 6 to 30 orders, delivery as the metric | seeds 1000 to 1004 | *hungarian* ahead of *cheapest* by one to two seconds a trip; in deliveries the noise is nearly as large |
# | the four claims, as stated | seeds 0 to 4, once | the experiment above |
#
# </details>
#
# ## In the lab
#
# [Chapter 7](../../chapters/7-building.md) follows the visit, and [Elevators](elevators.ipynb) asks whose seconds count.
# A [GPU farm](../2-stack/gpu_farm.ipynb) is planned with the same load, cards for robots.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# Another building has an order every 20 seconds and batteries that a dock fills with three seconds of driving a second; all else is as in `Site()`, with `low` at one half.
# How many robots does it need at the least, and how many docks?
# Answer with two whole numbers.

# %% tags=["exercise"]
robots_and_docks = (..., ...)

# %% tags=["check"]
# @title Check of exercise 1
def judge_fleet(answer):
    robots, docks = (float(v) for v in answer)
    S, drive = service(Site(rate=3), 0.5, DROPS)
    assert robots != math.ceil(drive / 20), (
        "That many drive; who stands at the docks meanwhile?")
    assert robots != math.floor(S / 20), (
        "The load is larger than that: round up, or the queue grows.")
    assert robots == math.ceil(S / 20), "Least whole number above a."
    assert docks != robots, "A dock for each is comfortable, not the least."
    assert docks != math.floor(drive / 60), (
        "Docks have a load as well, and it is larger than that.")
    assert docks == math.ceil(drive / 60), (
        "How many seconds does an order keep a dock busy?")

check("delivery_robots-1", robots_and_docks, judge_fleet,
      asks="two whole numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
# S = 168 * 4/3 = 224 s, hence 11.2 robots; a dock is busy for 56 s of 20.
robots_and_docks = (12, 3)
check("delivery_robots-1", robots_and_docks, judge_fleet)

# %% [markdown]
# **2. Change and predict.**
# You may buy batteries of 1,350, 2,700 or 5,400 seconds for the eight robots, which go on charging *late*, at 15 %.
# Put the three in order, shortest mean delivery first.
# The check drives all three.

# %% tags=["exercise"]
order = (..., ..., ...)

# %% tags=["check"]
# @title Check of exercise 2
def judge_order(batteries):
    batteries = [float(b) for b in batteries]
    assert sorted(batteries) == [1350, 2700, 5400], "Each of the three, once."
    took = {}
    for size in batteries:
        gone = []
        for day in range(12):
            orders = traffic((1000, day), 28)
            rides = simulate(orders, "nearest", Site(battery=size), 0.15)[0]
            gone += [rides[o.name].done - o.time for o in orders]
        took[size] = np.mean(gone)
    assert batteries[0] != 5400, (
        f"With 5,400 s a delivery takes {took[5400]:.0f} s, with 1,350 s "
        f"{took[1350]:.0f} s. How long is a robot away for one charge?")
    assert batteries[2] == 5400, "And the largest battery?"
    assert took[batteries[0]] < took[batteries[1]], (
        f"1,350 s: {took[1350]:.0f} s; 2,700 s: {took[2700]:.0f} s.")

check("delivery_robots-2", order, judge_order, asks="three numbers")

# %% tags=["solution"]
# @title Solution of exercise 2
# The share of time at a dock is the same.  With a large battery the hour at
# which all are empty comes later, and each is away for longer.
order = (1350, 2700, 5400)
check("delivery_robots-2", order, judge_order)

# %% [markdown]
# **3. Refute the claim.**
# "Eight robots that charge early deliver at least half a minute sooner."
# Put the docks on another floor, from 2 to 27, so that this is false, with an order every 28 seconds as before.

# %% tags=["exercise"]
dock_floor = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_floor(floor):
    assert float(floor) == int(floor), "A floor is a whole number."
    floor = int(floor)
    assert 2 <= floor <= 27, "The building has floors 2 to 27."
    took = {0.15: [], 0.5: []}
    for day in range(40):
        orders = traffic((1000, day), 28)
        for low, seen in took.items():
            site = Site(dock=(floor, 20))
            rides = simulate(orders, "nearest", site, low)[0]
            seen += [rides[o.name].done - o.time for o in orders]
    gain = np.mean(took[0.15]) - np.mean(took[0.5])
    assert gain < 30, (
        f"There early is still {gain:.0f} s ahead. What would make a detour "
        "to the docks dear?")

check("delivery_robots-3", dock_floor, judge_floor, asks="a floor")

# %% tags=["solution"]
# @title Solution of exercise 3
# From the top floor the way back to the cafe takes two minutes, and early
# makes it two thirds more often: its load is above eight robots, late's not.
dock_floor = 27
check("delivery_robots-3", dock_floor, judge_floor)

# %% [markdown]
# **4. Find the bug.**
# This test of a battery has let every robot home so far, since no battery was that low.
# Set `mended` to a function of `(robot, order, site)` that is right.

# %% tags=["exercise", "bug"]
def suspect(robot, order, site):
    home = travel(robot.place, site.dock)
    need = travel(robot.place, order.pickup) + travel(order.pickup, order.drop)
    return robot.battery >= need + home

mended = suspect

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    rng = np.random.default_rng(4)
    for _ in range(200):
        a, b, c, d = (DROPS[k] for k in rng.integers(len(DROPS), size=4))
        site, order = Site(dock=d), Order(0, 0.0, 0.0, b, c)
        need = travel(a, b) + travel(b, c) + travel(c, d)
        for spare in (-1, 0, 1):
            robot = Robot(0, a, need + spare)
            assert bool(function(robot, order, site)) == (spare >= 0), (
                f"From {a} by {b} to {c}, docks at {d}, takes {need} s; with "
                f"{need + spare} s in the battery it decides otherwise. "
                "Where is the robot when it wants to go home?")

check("delivery_robots-4", mended, judge_mended,
      asks="a function of (robot, order, site)")

# %% tags=["solution"]
# @title Solution of exercise 4
# It goes home from the desk, not from where it stands now.
def mended(robot, order, site):
    need = travel(robot.place, order.pickup) + travel(order.pickup, order.drop)
    return robot.battery >= need + travel(order.drop, site.dock)


check("delivery_robots-4", mended, judge_mended)
