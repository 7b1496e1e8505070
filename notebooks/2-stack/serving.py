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
# # Serving: who waits for whom in a batch
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/2-stack/serving.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | D. Crankshaw, X. Wang, G. Zhou, M. J. Franklin, J. E. Gonzalez and I. Stoica, [*Clipper: A Low-Latency Online Prediction Serving System*](https://arxiv.org/abs/1612.03079), NSDI 2017 |
# | Official code | [ucbrise/clipper](https://github.com/ucbrise/clipper), the queue and the cache in `src/libclipper`, commit `032d8f5`; nothing of NAVER's own serving is public, as far as we found |
# | Rule read in | other: TensorFlow Serving, [`shared_batch_scheduler.h`](https://github.com/tensorflow/serving), commit `52c5f33`, for the wait; Clipper's code for the rest |
# | In the article | section 2, the top of the stack: engines sold as an API, without a method |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); threads, and what an HTTP request is |
# | Data | drawn callers in simulated time; scikit-learn's digits over a real server on this machine |
# | Time | <!--=bench.serving.seconds-->10<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# API 서버는 동시에 들어온 요청을 배치 하나로 묶어 모델을 한 번만 실행합니다.
# 이 페이지는 요청을 모으려고 기다리는 규칙과 기다리지 않는 규칙을 같은 호출로 비교합니다.
# 시간은 모두 시뮬레이션에서 재고, 실제 서버로는 요청이 빠지거나 옛 답이 나오지 않는지만 확인합니다.
# 따로따로 오는 호출에는 기다리지 않는 쪽이 나았고, 한꺼번에 몰려오는 호출에는 잠깐 기다리는 쪽이 나았습니다.
# 비용 식은 우리가 정한 것이므로, 네이버 서버나 GPU의 속도에 대해서는 아무것도 알 수 없습니다.
#
# **In short.**
# What does waiting to fill a batch cost the first caller, and when does it earn something?
# In simulated time batches of sixteen carry <!--=serving-load.mean.never:0-->944<!--/--> requests a second where one by one carries <!--=serving-load.mean.one:0-->80<!--/-->; callers who come alone need no wait for that, at the worst load <!--=serving-everywhere.mean.never:3-->1.011<!--/--> times the time of the best one, and for callers in bursts of eight a wait of 2 ms brings the mean from <!--=serving-bursts.mean.never:1-->18.9<!--/--> to <!--=serving-bursts.mean.wait2:1-->15.1<!--/--> ms.
# It does not show how long a real model takes, nor how NAVER serves its models.

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
import asyncio
import contextlib
import copy
import itertools
import json
import math
import socket
import threading
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Annotated

import httpx
import numpy as np
import torch
import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from torch import nn

from lab1784 import (check, claim, compare, data, draw_claim, interactive,
                     known, near, overview, palette, remember, show)
from lab1784.figures import subplots


# %% [markdown]
# ## Eight programs call within two milliseconds
#
# A model on a server has a price for being started and a price for each request.
# Ours takes 8 ms a run, and half a millisecond more for each request in it.
# Eight programs call, all within 2 ms.
# Served one by one, the last of them waits for seven others.
# Served together, all are done after one run, but somebody had to wait for them to come.

# %%
came = [0.0, 0.2, 0.5, 0.9, 1.1, 1.4, 1.7, 1.9]          # ms
one_by_one = [8.5 * (k + 1) - t for k, t in enumerate(came)]
first_alone = [8.5] + [8.5 + 8 + 7 * 0.5 - t for t in came[1:]]
together = [2.0 + 8 + 8 * 0.5 - t for t in came]
print("mean and longest time until the answer, ms")
for name, took in (("one by one", one_by_one), ("first alone, then seven",
                   first_alone), ("wait 2 ms, then all", together)):
    print(f"{name:24}{np.mean(took):6.1f}{max(took):6.1f}")

# %% tags=["figure"]
# @title Draw: eight calls, three ways to serve them
fig, axes = subplots(3, 1, width=6.6, height=3.4, sharex=True)
ways = {"one by one": [(8.5 * k, 8.5, 1) for k in range(8)],
        "never wait": [(0, 8.5, 1), (8.5, 11.5, 7)],
        "wait 2 ms": [(2, 12, 8)]}
for ax, (name, runs_), colour in zip(axes, ways.items(),
                                     ("plain", "method", "rival")):
    ax.plot(came, [0.48] * 8, "|", ms=8, color=palette["ink"])
    for start, length, size in runs_:
        ax.barh(0, length - 0.3, left=start, height=0.5,
                color=palette[colour])
        ax.text(start + length / 2, 0, str(size), ha="center", va="center",
                color="white", fontsize=9)
    ax.set(ylim=(-0.5, 0.8), yticks=[0], yticklabels=[name], xlim=(-1, 70))
    ax.grid(axis="y", visible=False)
axes[0].set_title("Whoever starts at once starts with one request")
axes[-1].set_xlabel("ms since the first call; strokes are calls, a bar is "
                    "one run of the model")
show(fig, "Three rows of bars over time, with eight calls close together "
          "at the left. One by one: eight bars, one after "
          "the other, far to the right. Never wait: a short bar for one "
          "request and a longer one for seven. Wait: a gap, then one bar "
          "for all eight.")

# %% [markdown]
# To gather requests while a model is served is **dynamic batching** (동적 배칭).
# The time from a request to its answer is its **latency** (지연 시간), lower is better.
# The requests answered in a second are the **throughput** (처리량), higher is better.
#
# ## The idea: a line with two numbers
#
# Requests stand in a line.
# A free worker takes the next batch as soon as one of two things is true: $B$ requests are there, or the oldest has waited $w$.
# If the line is long it takes $B$ and leaves the rest.
# The $i$-th request comes at $t_i$; the worker that begins a batch with it starts at
#
# $$s = \max\{\text{worker free},\ \min(t_i + w,\ t_{i+B-1})\} .$$
#
# At $w = 0$ it takes what is there and never waits.
# TensorFlow Serving has both numbers, and in its code $w$ is 10 ms unless one says otherwise; [its guide](https://github.com/tensorflow/serving/blob/master/tensorflow_serving/batching/README.md) advises to begin with a value slightly above zero, such as 1 ms.
# [Triton](https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/batcher.html) does not delay unless told to, and Clipper's queue, in the version that we read, never does.
# So established servers disagree, and the question of this page is who is right, and when.
#
# What can be known before any run?
# A batch of $b$ costs $a + c\,b$, so one worker answers at most
#
# $$\frac{B}{a + c\,B}$$
#
# requests a unit of time, and with $B = 1$ only $1/(a + c)$.
# For one by one there is more: with a fixed service time $1/\mu$, random arrivals and a load $\rho$ below 1, the mean wait of this **M/D/1 queue** is
#
# $$W = \frac{\rho}{2\mu(1-\rho)} .$$
#
# ## The technique, part 1: the line, without a clock
#
# `Gather` knows no clock: it is told when a request came and says when the next batch may leave.
# So the same lines run in simulated time here and in a real server below.

# %% tags=["technique"]
class Gather:
    """The line of requests, oldest first: (time of arrival, request)."""

    def __init__(self, most, wait):
        self.most, self.wait, self.line = most, wait, deque()

    def put(self, item, now):
        self.line.append((now, item))

    def due(self):
        """When the next batch may leave; infinity while nobody is there."""
        line, most = self.line, self.most
        full = line[most - 1][0] if len(line) >= most else math.inf
        return min(line[0][0] + self.wait, full) if line else math.inf

    def take(self):
        count = min(self.most, len(self.line))
        return [self.line.popleft() for _ in range(count)]


# %% [markdown]
# In simulated time one worker stands behind the line.
# Of two things that may come next, an arrival and the start of a batch, the earlier is taken; a request that comes at the very moment of the start still gets in.

# %% tags=["technique"]
def simulate(arrive, most, wait, cost):
    """arrive: n times, in order.  cost(b): how long a batch of b takes.
    Returns (n,) times of the answers, and the sizes of the batches."""
    gather, done, sizes = Gather(most, wait), [0.0] * len(arrive), []
    free, i = 0.0, 0                     # when the worker is free again
    while i < len(arrive) or gather.line:
        start = max(free, gather.due())
        if i < len(arrive) and arrive[i] <= start:
            gather.put(i, arrive[i])
            i += 1
            continue
        batch = gather.take()
        free = start + cost(len(batch))
        for _, item in batch:
            done[item] = free
        sizes.append(len(batch))
    return np.array(done), sizes


# %%
done, sizes = simulate(came, 16, 2.0, lambda b: 8 + 0.5 * b)
print(f"wait 2 ms: batches of {sizes}, mean {np.mean(done - came):.1f} ms")

# %% [markdown]
# ## Predict
#
# Bet before you read on.
# Callers come one by one, at random; which $w$ answers soonest on average?
#
# - (a) About 5 ms at every load: fuller batches save work, and saved work is saved time.
# - (b) None, 0 ms, at every load, to within a few hundredths.
# - (c) None while it is quiet, and 5 ms or more when it is busy.
#
# And if they come in bursts of eight, as when one screen of an app asks for eight pictures at once?
#
# ## The experiment
#
# All arms hear the same callers and pay the same costs.
# `one` serves one by one, `never` takes what is there up to sixteen, and `wait5` waits up to 5 ms for sixteen; the grid of waits is printed in the code.
# A seed draws the callers: bursts begin at random times, and a burst of one is an ordinary caller.
# `strength` multiplies the wait of an arm: at 0 a waiting arm must be `never` to the last bit.

# %% tags=["experiment"]
FIXED, EACH, MOST = 8.0, 0.5, 16         # ms a batch, ms a request, requests
PEAK = 1000 * MOST / (FIXED + EACH * MOST)           # requests a second
WAITS = (0, 1, 2, 5, 10, 20)             # ms, the grid of all comparisons
RATES = range(40, 1001, 40)              # requests a second
LOADS = (0.05, 0.2, 0.4, 0.6, 0.8, 0.95)             # shares of PEAK
ARMS = {"one": (1, 0.0), "never": (MOST, 0.0),
        **{f"wait{w}": (MOST, float(w)) for w in WAITS[1:]}}


def cost(b):
    return FIXED + EACH * b


def arrivals(seed, n, rate, burst=1, spread=2.0):
    """n times in ms: bursts begin at random, and last `spread` ms."""
    rng = np.random.default_rng(seed)
    begin = np.cumsum(rng.exponential(1000 * burst / rate, n // burst))
    inside = rng.uniform(0, spread, (n // burst, burst)) * (burst > 1)
    return np.sort((begin[:, None] + inside).ravel())


@remember
def run(arm, seed, strength=1.0, steps=4000, rate=200.0, burst=1):
    """ms until the answer, mean and 95th percentile; share of time busy."""
    most, wait = ARMS[known(arm, ARMS, "arm")]
    arrive = arrivals(seed, steps, rate, burst)
    done, sizes = simulate(arrive.tolist(), most, strength * wait, cost)
    return {"mean": float((done - arrive).mean()),
            "late": float(np.quantile(done - arrive, 0.95)),
            "busy": float(sum(map(cost, sizes)) / done.max())}


# %% [markdown]
# Three questions are put to the arms.
# `run` asks how long answers take.
# `carried` asks for the highest of 25 rates at which 95 of 100 answers come within 50 ms, the kind of promise that an API makes.
# Its runs have 2,000 requests and begin with nobody in line, so near the peak they are kinder than an endless stream (see *Tries*).
# `everywhere` asks for the worst: over six loads, how much longer does an arm take than the best of the waits at that load?
# The best wait is chosen afterwards and at each load anew, which no server could do, so it is the strongest rival that we could think of.

# %% tags=["experiment"]
def carried(arm, seed, steps=2000, limit=50.0):
    """The highest rate at which 95 of 100 are answered in `limit` ms."""
    return {"rate": float(max((rate for rate in RATES if run(
        arm, seed, steps=steps, rate=rate)["late"] <= limit), default=0))}


def everywhere(arm, seed, steps=4000):
    """Mean time over that of the best wait above 0; at the worst load."""
    def times(load):
        took = {a: run(a, seed, steps=steps, rate=load * PEAK)["mean"]
                for a in ARMS}
        took["best"] = min(took[f"wait{w}"] for w in WAITS[1:])
        return took[known(arm, took, "arm")] / took["best"]
    return {"times": max(map(times, LOADS))}


# %% [markdown]
# First, does the simulation know what theory knows?
# One by one is an M/D/1 queue, and at one request a second every arm should take its own wait and one run of the model.

# %%
mu, rho = 1 / (FIXED + EACH), 0.7
theory = 1 / mu + rho / (2 * mu * (1 - rho))
got = np.mean([run("one", s, steps=40000, rate=1000 * rho * mu)["mean"]
               for s in range(1500, 1503)])
print(f"one by one at load 0.7: {got:.1f} ms, by the formula {theory:.1f}")
assert abs(got / theory - 1) < 0.05
for name, (_, wait) in ARMS.items():
    alone = run(name, 1500, steps=500, rate=1.0)["mean"]
    assert abs(alone - wait - FIXED - EACH) < 0.3, name
print(f"at one request a second: {FIXED + EACH} ms and the wait, all arms")

# %% [markdown]
# ## The claims in simulated time
#
# The first is the paper's: batching serves more requests.

# %% tags=["results"]
load = claim(
    "serving-load",
    "In simulated time, with 8 ms a batch and half a millisecond a request, "
    "a server that takes batches of up to sixteen and never waits for one "
    "carries more requests than a server that takes them one by one, with 95 "
    "of 100 answered within 50 ms",
    compare(carried, ["one", "never", "wait10"]), metric="rate",
    arm="never", baseline="one", least=118.0, unit="requests a second",
    reason="that is all that one by one could ever serve: one in 8.5 ms",
    paper="Batching improves the throughput of prediction serving.",
    picture=False)

# %% [markdown]
# The second is the quarrel.
# Waiting is right if it is ever much better than not waiting.

# %% tags=["results"]
quarrel = claim(
    "serving-everywhere",
    "For callers who come one by one at random, at six loads from a "
    "twentieth to nineteen twentieths of what the server can carry, a "
    "server that never waits takes at its worst load no longer on average "
    "than the best of five waits from 1 to 20 ms, chosen afterwards at each "
    "load",
    compare(everywhere, ["never", "best", "wait2", "wait10"]),
    metric="times", arm="never", baseline="best", bad="wait10",
    kind="no_worse", margin=0.05, better="lower",
    unit="mean latency at the worst load, over that of the best wait",
    reason="a twentieth of the 10 ms of a quiet hour is what one more "
    "request in the batch would cost", picture=False)

# %% [markdown]
# The third gives waiting its best case: bursts, and a wait exactly as long as a burst.

# %% tags=["results"]
bursts = compare(run, list(ARMS), burst=8)
burst = claim(
    "serving-bursts",
    "For callers who come in bursts of eight within 2 ms, 200 requests a "
    "second, a server that waits up to 2 ms answers sooner than one that "
    "never waits", bursts, metric="mean", arm="wait2", baseline="never",
    better="lower", least=2.0, unit="mean latency (ms)", picture=False,
    reason="a wait should earn at least what it costs the first caller")

# %% [markdown]
# One by one carries <!--=serving-load.mean.one:0-->80<!--/--> requests a second, batches without a wait <!--=serving-load.mean.never:0-->944<!--/-->, with a wait of 10 ms <!--=serving-load.mean.wait10:0-->944<!--/-->: at the knee the worker is never free, the line fills by itself, and the wait is over before the worker is back.
# Nearly all of that gain is the arithmetic of the two peaks; the simulation adds that the promise can be kept close to them.
# Alone, callers lose next to nothing where nobody waits: at its worst load `never` takes <!--=serving-everywhere.mean.never:3-->1.011<!--/--> times the best wait's time, `wait2` takes <!--=serving-everywhere.mean.wait2:2-->1.06<!--/--> and `wait10` <!--=serving-everywhere.mean.wait10:2-->1.59<!--/-->.
# The worst load of `never` is the busiest, and what it loses there is the luck of whoever chooses afterwards: over ten times as many requests nothing of it is left (see *Tries*).
# In bursts the mean latency changes by <!--=serving-bursts.effect:1-->−3.8<!--/--> ms, from <!--=serving-bursts.mean.never:1-->18.9<!--/--> without a wait to <!--=serving-bursts.mean.wait2:1-->15.1<!--/-->; 10 ms are too long, <!--=serving-bursts.mean.wait10:1-->20.9<!--/-->.
#
# So (b) is right for callers who come alone, and wrong for bursts.
# (a) counts the work saved and forgets that in a quiet hour the worker has nothing else to do.
# (c) forgets that a busy worker makes everybody wait anyway.
# What a burst changes is knowledge: the first call says that seven more are on their way.
#
# ## Where the knee is, and what waiting earns
#
# Seed 1500, which no claim uses: latency against throughput, at rates up to all that the server can do.

# %% tags=["figure"]
# @title Draw: latency against throughput
rates = {"one": np.arange(10, 111, 10), "never": np.arange(20, 990, 80),
         "wait10": np.arange(20, 990, 80)}
fig, axes = subplots(1, 2, width=7.4, height=3.2, sharey=True)
for ax, metric, title in zip(axes, ("mean", "late"), (
        "Mean: the wait costs while it is quiet", "One in twenty is slower "
        "than this")):
    for arm, colour in (("one", "plain"), ("wait10", "rival"),
                        ("never", "method")):
        ax.plot(rates[arm], [run(arm, 1500, steps=4000, rate=float(r))[metric]
                             for r in rates[arm]], "o-", ms=3,
                color=palette[colour], label={"one": "one by one"}.get(
                    arm, arm))
    ax.axvline(PEAK, color=palette["ink"], lw=1, ls=":")
    ax.set(xlabel="requests a second", ylim=(0, 80), title=title)
share = np.linspace(0.05, 0.93, 60)
axes[0].plot(1000 * share * mu, 1 / mu + share / (2 * mu * (1 - share)),
             "--", color=palette["ink"], lw=1, label="theory, one by one")
axes[1].axhline(50, color=palette["ink"], lw=1, ls="--")
axes[1].text(250, 51.5, "promised: 50 ms", fontsize=9)
axes[0].set_ylabel("latency (ms)")
axes[0].legend(loc="upper center", fontsize=8.5)
show(fig, "Two panels, latency against requests a second. One by one climbs "
          "steeply at about a tenth of the axis, along the dashed curve of "
          "theory. The two batching arms stay low for most of the axis and "
          "climb near its end; wait10 lies above never on the left and "
          "meets it on the right.")

# %% [markdown]
# The dotted line is $B/(a + cB)$; each curve has its **knee** a little before its own limit.
#
# Waiting does earn something, and it is not time.
# The panel shows, for the same seed, which share of the time the worker works.

# %% tags=["figure"]
# @title Draw: choose callers and load, compare the waits
kinds, speeds = {"one by one": 1, "in bursts of eight": 8}, (50, 200, 600)
outcomes = {}
for i, size in enumerate(kinds.values()):
    for j, rate in enumerate(speeds):
        table = []
        for w, arm in zip(WAITS, list(ARMS)[1:]):
            got = run(arm, 1500, rate=float(rate), burst=size)
            table.append([f"{w} ms", f"{got['mean']:.1f} ms",
                          f"{got['late']:.1f} ms", f"{got['busy']:.2f}"])
        outcomes[i, j] = table
fig, ax = subplots(width=6.6, height=2.8)
quiet = [run(arm, 1500, rate=50.0) for arm in list(ARMS)[1:]]
ax.plot(WAITS, [q["mean"] for q in quiet], "o-", color=palette["rival"],
        label="mean latency (ms)")
ax.plot(WAITS, [100 * q["busy"] for q in quiet], "s-",
        color=palette["method"], label="worker busy (% of the time)")
ax.set(xlabel="longest wait of the first caller (ms)", xticks=WAITS,
       ylabel="ms, or % of the time", ylim=(0, 60),
       title="50 callers a second, alone: waiting saves work, not time")
ax.legend(loc="upper right")
interactive.choose(
    [("Callers come", list(kinds)), ("Requests a second",
                                     [str(r) for r in speeds])], outcomes,
    columns=["wait", "mean latency", "one in twenty takes longer than",
             "worker busy"],
    title="Choose callers and load: which wait is best?",
    alt="Two curves against the wait. The mean latency rises with the wait; "
        "the share of time in which the worker is busy falls.",
    fallback_fig=fig)

# %% [markdown]
# A worker that is less busy is one that other models can use, or less current on the bill.
# Whoever pays by the machine may want the wait that callers do not.
#
# ## The technique, part 2: threads that may die
#
# Now the same line with a real clock.
# `ask` puts a row in and gives a *future*, a slot into which somebody will put the answer.
# A condition lets the worker sleep until there is news.

# %% tags=["technique"]
class Batcher:
    """predict: makes a list of rows into answers, in order.  wait: s."""

    def __init__(self, predict, most, wait):
        self.predict, self.gather = predict, Gather(most, wait)
        self.held, self.deaths, self.open = [], 0, True
        self.news = threading.Condition()
        self.boss = threading.Thread(target=watch, args=[self], daemon=True)
        self.boss.start()

    def ask(self, row):
        answer = Future()
        with self.news:
            self.gather.put((row, answer), time.monotonic())
            self.news.notify()
        return answer

    def close(self):                     # once the line is empty
        with self.news:
            self.open = False
            self.news.notify()
        self.boss.join()


# %% [markdown]
# What a worker has taken out of the line stands in `held` until it is answered.
# If it dies, whatever the reason, `watch` finds there what nobody has answered, puts that back to the front in the old order, and starts another.
# Clipper keeps such a list too, of messages in flight; the putting back is ours.
# A `predict` that stops early without an exception is not noticed: the lines trust it to give an answer for each row.

# %% tags=["technique"]
def work(b):
    """A worker.  What it has in hand stands in b.held."""
    while True:
        with b.news:
            while b.open and (left := b.gather.due() - time.monotonic()) > 0:
                b.news.wait(min(left, 60.0))     # infinity is refused
            if not b.gather.line:
                return
            b.held = b.gather.take()
        try:
            rows = [row for _, (row, _) in b.held]
            for (_, (_, answer)), y in zip(b.held, b.predict(rows)):
                answer.set_result(y)
        except Exception:                # however it dies
            return
        b.held = []


# %% tags=["technique"]
def watch(b):
    """Start workers; what a dead one held goes back to the front."""
    while True:
        worker = threading.Thread(target=work, args=[b], daemon=True)
        worker.start()
        worker.join()
        if not b.held:
            return
        left = [e for e in b.held if not e[1][1].done()]
        with b.news:
            b.gather.line.extendleft(left[::-1])
        b.held, b.deaths = [], b.deaths + 1


# %% [markdown]
# `answers_of` makes a network into something that answers a batch.
# The line `net.eval()` decides whether your answer depends on who else called (see *Break it*).
#
# A `Service` holds the versions of a model.
# Each has a line of its own, so that no batch mixes two of them, as in both systems that we read.
# The **cache** (캐시) is keyed by version *and* input, as Clipper's is, and holds futures: who asks what somebody else is just asking gets the same future.
# So a name of a version is published once: a second network under the same name would be answered for by the first.

# %% tags=["technique"]
def answers_of(net):
    """Function: list of n rows of 64 pixels -> n lists of 10 numbers."""
    net.eval()                           # BatchNorm: no look at the batch

    def predict(rows):
        with torch.no_grad():
            return net(torch.tensor(rows)).softmax(1).tolist()
    return predict


# %% tags=["technique"]
class Service:
    """A line for each version; one cache, (version, row) -> Future."""

    def __init__(self, most, wait):
        self.settings, self.lines, self.current = (most, wait), {}, None
        self.cache, self.lock = {}, threading.Lock()

    def publish(self, version, predict):
        self.lines[version] = Batcher(predict, *self.settings)
        self.current = version           # for who asks for none

    def ask(self, row, version):
        with self.lock:
            key = version, tuple(row)
            if key not in self.cache:
                self.cache[key] = self.lines[version].ask(row)
            return self.cache[key]


# %% [markdown]
# Over HTTP a request is a piece of JSON, and may be anything.
# What is wrong with the *request* gets a status from 400 to 499, and says where.
# The message must not repeat what was sent: `NaN` is no JSON, and a refusal that quotes it fails itself, with a 500.
# `strict` also refuses a pixel in quotation marks, which pydantic would otherwise turn into a number.

# %% tags=["technique"]
Pixel = Annotated[float, Field(ge=0, le=1, strict=True)]


class Ask(BaseModel):
    pixels: list[Pixel] = Field(min_length=64, max_length=64)
    version: str | None = None


def make_app(service):
    app = FastAPI()

    @app.exception_handler(RequestValidationError)
    async def refuse(request, error):    # says where, repeats nothing
        return JSONResponse({"detail": [[*map(str, e["loc"]), e["msg"]]
                                        for e in error.errors()]}, 422)

    @app.post("/predict")
    async def predict(ask: Ask):
        version = ask.version or service.current
        if version not in service.lines:
            raise HTTPException(404, f"there is no version {version}")
        answer = await asyncio.wrap_future(service.ask(ask.pixels, version))
        return {"version": version, "probabilities": answer}
    return app


# %% [markdown]
# The server runs in a thread with an event loop of its own, since a notebook has one already, and takes any free port.
# Its client says with every request that it sends JSON, for FastAPI does not guess.

# %% tags=["technique"]
@contextlib.contextmanager
def on_loopback(app):
    with socket.socket(proto=socket.IPPROTO_TCP) as door:
        door.bind(("127.0.0.1", 0))      # any port that is free
        door.listen()
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, args=[[door]])
        thread.start()
        try:
            port = door.getsockname()[1]
            with httpx.Client(base_url=f"http://127.0.0.1:{port}",
                              headers={"content-type": "application/json"},
                              timeout=120, trust_env=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


# %% [markdown]
# ## The server, tried
#
# Two versions of a small network are trained for a moment, and their workers die in every third batch, half of it answered.
# Eight threads call at once: every image four times a round, without a version or for `v1`, mixed with requests that nobody should answer.
# Then `v2` is published, and the same images are asked for again.
# The line of a version sees each image once, the rest comes from the cache.
# An answer counts as right if its version is the one that was due and its numbers are those of the network alone, one image at a time.

# %% tags=["experiment"]
def trained(seed, steps):
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(),
                        nn.Linear(32, 10))
    x, y = data.digits(seed)[:2]
    for _ in range(steps):
        loss = nn.functional.cross_entropy(net(x.flatten(1)), y)
        slopes = torch.autograd.grad(loss, list(net.parameters()))
        for p, slope in zip(net.parameters(), slopes):
            p.data -= 0.5 * slope
    return net


def dying(predict):
    """`predict` whose worker dies in every third batch, half-way."""
    calls = itertools.count()

    def fragile(rows):
        dies = next(calls) % 3 == 1
        yield from predict(rows)[:len(rows) // 2 if dies else None]
        if dies:
            raise MemoryError
    return fragile

# %% tags=["experiment"]
BAD = ["{", *(json.dumps(body) for body in (         # a 4xx for each
    {}, {"pixels": [1.5] * 64}, {"pixels": [math.nan] * 64},
    {"pixels": [0.5] * 63}, {"pixels": [0.5] * 64, "version": "v9"}))]


def fits(reply, version, wanted):
    if version is None:                  # nobody should answer this
        return 400 <= reply.status_code < 500
    return (reply.status_code == 200 and reply.json()["version"] == version
            and np.allclose(reply.json()["probabilities"], wanted, atol=1e-5))

# %% tags=["experiment"]
def over_http(arm, seed, images=24):
    """How many requests get what they should, before v2 and with it."""
    if known(arm, ("asked", "served"), "arm") == "asked":
        return {"right": 2.0 * (4 * images + len(BAD))}
    rows = data.digits(seed).test_images.flatten(1)[:images]
    service, alone, right = Service(most=8, wait=0.002), {}, 0
    with on_loopback(make_app(service)) as web, ThreadPoolExecutor(8) as many:
        for now, steps in (("v1", 30), ("v2", 120)):
            net = trained(seed, steps)
            service.publish(now, dying(answers_of(copy.deepcopy(net))))
            alone[now] = [net.eval()(row[None]).softmax(1)[0].tolist()
                          for row in rows]
            asks = [(body, None, None) for body in BAD] + 2 * [
                (json.dumps({"pixels": row.tolist(), "version": v}),
                 v or now, alone[v or now][i])
                for v in (None, "v1") for i, row in enumerate(rows)]
            right += sum(many.map(lambda k: fits(web.post(
                "/predict", content=asks[k][0]), *asks[k][1:]),
                np.random.default_rng(seed).permutation(len(asks))))
    for line in service.lines.values():
        line.close()
    return {"right": float(right)}


# %%
service = Service(most=8, wait=0.002)
net = trained(1500, 120)
digits = data.digits(1500)
with on_loopback(make_app(service)) as web:
    service.publish("v1", dying(answers_of(net)))
    replies = [web.post("/predict", content=json.dumps(
        {"pixels": x.flatten().tolist()})) for x in digits.test_images[:100]]
    refused = [web.post("/predict", content=body) for body in BAD]
service.lines["v1"].close()
named = np.array([np.argmax(r.json()["probabilities"]) for r in replies])
accuracy = np.mean(named == digits.test_labels[:100].numpy())
assert accuracy > 0.85 and service.lines["v1"].deaths > 0
print(f"100 digits named over HTTP, accuracy {accuracy:.2f}")
for body, reply in zip(BAD, refused):
    print(reply.status_code, body[:30].ljust(30), reply.text[10:68])

# %% [markdown]
# The floor is an accuracy of `0.85`: a network that had learned nothing would be served as faithfully.
# Nothing about time is claimed over HTTP, only what is answered.

# %% tags=["results"]
served = claim(
    "serving-http",
    "Over HTTP, with workers that die in every third batch and a new "
    "version published half-way, every request is answered by the version "
    "that was due, with the numbers of that network alone, and every "
    "malformed one is refused with a 4xx",
    compare(over_http, ["asked", "served"]), metric="right", arm="served",
    baseline="asked", kind="exact", margin=0.0, picture=False,
    unit="requests that get what they should",
    reason="a request is lost or it is not")

# %% tags=["figure"]
# @title Draw: all four claims
overview(load, quarrel, burst, served)

# %% tags=["details"]
# @title Every seed of every claim
for record in (load, quarrel, burst, served):
    draw_claim(record)

# %% [markdown]
# ## Break it
#
# Each of these runs and answers something; the tests plant and catch each.
#
# <details><summary>Seventeen mistakes</summary>
#
# In the line:
#
# - **Clock of the newest**: the wait is counted from the last request, so a steady trickle is never served.
# - **Full, and still waiting**: sixteen are there, and the wait goes on.
# - **Only full batches**: whoever comes last at night waits for the morning.
# - **Newest first**: the latest request is taken before the oldest.
# - **One too many**: a batch of seventeen.
# - **Two places at once**: a batch starts while the worker is still busy.
#
# In the threads:
#
# - **Lost with the worker**: what it held is forgotten.
# - **Back to the end**: who was in the dead worker's hands waits behind everybody.
# - **Back in reverse**: the youngest of them comes first.
# - **Answered again**: the half that had its answers is put back as well, and kills the next worker.
# - **Answers exchanged**: the batch is answered from its end.
# - **Closed at once**: at the end of service the line is sent home without an answer.
#
# In the service:
#
# - **Training mode**: BatchNorm looks at the batch, and your answer depends on your neighbours.
# - **Key without version**: the cache gives the old model's answers for the new one.
# - **Old version stays**: the new one is loaded and nobody is sent to it.
# - **A refusal that repeats**: the message quotes the `NaN` that it refuses.
# - **Their fault is ours**: an unknown version gives a 500.
#
# </details>
#
# Here is *Training mode*: one image, asked in the company of others.

# %%
rows = digits.test_images[:32].flatten(1).tolist()
alone = np.array(answers_of(net)(rows[:1])[0])
right = np.array(answers_of(net)(rows)[0])
with torch.no_grad():
    wrong = net.train()(torch.tensor(rows)).softmax(1)[0].numpy()
    others = net(torch.tensor(rows[:1] + rows[2:12])).softmax(1)[0].numpy()
net.eval()
print("largest change of a probability of the first image")
print(f"eval mode, alone or among 32:         {abs(right - alone).max():.4f}")
print(f"training mode, with other neighbours: {abs(wrong - others).max():.4f}")

# %% [markdown]
# ## What we shrank
#
# | | serving systems | here |
# |---|---|---|
# | time | measured on machines, with GPUs | simulated: $a + c\,b$ with numbers of ours; a real GPU need not be a straight line |
# | workers | many, in containers or on several cards | one a version, a thread that dies by an exception; no process was killed |
# | batch size | Clipper adapts the largest batch to a latency promise | fixed at sixteen |
# | a request that always kills | may be counted, and refused in the end | goes back for ever |
# | line and cache | bounded, with deadlines and evictions | unbounded |
# | inputs | of any length, padded to a common one | always 64 numbers, so nothing is padded |
#
# Of the paper we read the abstract and the first page, and print none of its numbers.
# The page cannot show what batching gains on a GPU, where the straight line comes from, or how callers of a real API come.
#
# <details><summary>Tries: six rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | four prices (a run `4` to `10` ms, a request `0.1` to `1`, batches of 8 to 32), seven loads, six waits | seeds 1000 to 1003 | alone, no wait was ahead of none by more than two per cent of the time, at any price or load |
# | the busiest load again, 40,000 requests a run | seeds 2000 to 2005 | none `29.06` ms, waits of 1 to 10 ms `29.08`, `29.08`, `29.08` and `29.10` |
# | bursts of 2 to 64 requests, four loads | seeds 1000 to 1003 | from three on, and below the knee, 2 ms gain; bursts of two at 600 a second gain nothing |
# | over HTTP with a socket that names no protocol | one run | answers came late, since small packets were held back; the socket of this page names TCP |
# | the first claim's question with 40,000 requests a run | seeds 1500 to 1502 | `never` keeps the promise up to 920 a second, and no longer at 960; `one` up to 80, as in the short runs |
# | the four claims | seeds 0 to 4, once | the experiment above |
#
# </details>
#
# ## In the lab
#
# The article puts an API at the top of the stack and says nothing of lines and batches; [chapter 2](../../chapters/2-stack.md) follows the stack from the ground up.
# The line in front of the [GPU farm](gpu_farm.ipynb) is of the other kind: there a job takes hours and nobody gathers.
# That one person's gain is another's wait is also the subject of the [elevators](../7-building/elevators.ipynb).

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# The peak of the server is $B/(a + c\,B)$ with 8 ms a batch and half a millisecond a request: 1,000 requests a second at $B = 16$.
# At which largest batch is it 1,500?

# %% tags=["exercise"]
largest = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_largest(value):
    value = float(value)
    assert not near(value, 24), (
        "Half as much again, as if the price per request were nothing. "
        "A batch of 24 takes 20 ms.")
    assert not near(value, 12), (
        "That is the batch that a price of 8 ms alone would ask for.")
    assert near(value, 48), (
        f"A batch of {value:g} takes {cost(value):g} ms, which makes "
        f"{1000 * value / cost(value):.0f} a second.")

check("serving-1", largest, judge_largest, asks="a number of requests")

# %% tags=["solution"]
# @title Solution of exercise 1
# B = 1.5 (8 + B / 2); above 2,000 a second no batch is large enough.
largest = 48
check("serving-1", largest, judge_largest)

# %% [markdown]
# **2. Change and predict.**
# Bursts of eight within 2 ms, 200 requests a second: put the waits 0, 2 and 10 ms in order, shortest mean latency first.
# The check runs all three.

# %% tags=["exercise"]
order = (..., ..., ...)

# %% tags=["check"]
# @title Check of exercise 2
def judge_order(waits):
    waits = [float(w) for w in waits]
    assert sorted(waits) == [0, 2, 10], "Name 0, 2 and 10, each once."
    took = {w: run(arm, 1007, burst=8)["mean"] for w, arm in (
        (0, "never"), (2, "wait2"), (10, "wait10"))}
    assert waits[0] != 10, (
        f"10 ms take {took[10]:.1f} ms on average: for eight of these ten "
        "milliseconds nobody else comes.")
    assert waits[0] != 0, (
        f"0 ms take {took[0]:.1f} ms: the first is served alone, and for "
        "how long do the other seven then wait?")
    assert took[waits[1]] < took[waits[2]], (
        f"0 ms take {took[0]:.1f} ms and 10 ms take {took[10]:.1f} ms.")

check("serving-2", order, judge_order)

# %% tags=["solution"]
# @title Solution of exercise 2
# Two milliseconds gather the burst; ten go on waiting for nobody.
order = (2, 0, 10)
check("serving-2", order, judge_order)

# %% [markdown]
# **3. Refute the claim.**
# "Where callers come in bursts, waiting 2 ms pays."
# Name a rate in requests a second, from 50 to 900, and a burst of 2 to 100 at which 2 ms gain less than `0.4` ms on average.

# %% tags=["exercise"]
rate, burst_size = ..., ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_burst(answer):
    per_second, size = (float(x) for x in answer)
    assert 50 <= per_second <= 900, "A rate from 50 to 900 a second."
    assert 2 <= size <= 100 and size == int(size), "A burst of 2 to 100."
    gain = np.mean([run("never", s, rate=per_second, burst=int(size))["mean"]
                    - run("wait2", s, rate=per_second, burst=int(size))[
                        "mean"] for s in range(1000, 1003)])
    assert gain < 0.4, (
        f"There 2 ms gain {gain:.1f} ms. When is the worker busy anyway, and "
        "how much does the first call of a burst then tell?")

check("serving-3", (rate, burst_size), judge_burst)

# %% tags=["solution"]
# @title Solution of exercise 3
# Small bursts on a busy server: the line fills while the worker works.
rate, burst_size = 600, 2
check("serving-3", (rate, burst_size), judge_burst)

# %% [markdown]
# **4. Find the bug.**
# Someone rewrote the rule: a function of the times of those in line, oldest first, which says when the next batch may leave.
# In a demonstration with two callers it works.
# Set `mended` to a function of `(at, most, wait)` that says what `Gather.due` says.

# %% tags=["exercise", "bug"]
def suspect(at, most, wait):
    if len(at) >= most:
        return at[most - 1]
    return at[-1] + wait

mended = suspect

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    rng = np.random.default_rng(4)
    for case in range(60):
        most, wait = int(rng.integers(1, 6)), float(rng.integers(0, 9))
        at = np.sort(rng.integers(0, 12, size=rng.integers(1, 9))) / 2
        gather = Gather(most, wait)
        for k, t in enumerate(at):
            gather.put(k, float(t))
        got, right = float(function(at.tolist(), most, wait)), gather.due()
        assert near(got, right), (
            f"Came at {at.tolist()}, at most {most}, wait {wait:g}: the "
            f"batch may leave at {right:g}, not {got:g}. Whose patience "
            "counts, and when is it over?")

check("serving-4", mended, judge_mended,
      asks="a function of (at, most, wait)")

# %% tags=["solution"]
# @title Solution of exercise 4
# The wait is that of the oldest.  With the newest every new call starts it
# afresh; and a batch that fills up late has left before it was full.
def mended(at, most, wait):
    full = at[most - 1] if len(at) >= most else math.inf
    return min(at[0] + wait, full)


check("serving-4", mended, judge_mended)
