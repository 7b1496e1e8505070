"""serving: what its page must survive (see test_every_page.py).

Nothing here depends on speed: what waits has a minute, and every order is
forced by an event."""

import json
import math
import threading
import types

import numpy as np
import simpy
import torch

from tests.house import load

SOON = 15                # seconds that nobody should need


# ------------------------------------------------------ in simulated time

def in_simpy(arrive, most, wait, fixed, each):
    """Made by others: callers and one worker as processes of simpy."""
    env, line, news = simpy.Environment(), [], []
    done, sizes = np.zeros(len(arrive)), []

    def callers():
        for k, t in enumerate(arrive):
            yield env.timeout(t - env.now)
            line.append((t, k))
            while news:
                news.pop().succeed()

    def worker():
        while True:
            while len(line) < most and (
                    not line or env.now < line[0][0] + wait - 1e-9):
                news.append(env.event())
                patience = ([env.timeout(line[0][0] + wait - env.now)]
                            if line else [])
                yield simpy.AnyOf(env, [news[-1], *patience])
            batch = line[:most]
            del line[:most]
            yield env.timeout(fixed + each * len(batch))
            sizes.append(len(batch))
            for _, k in batch:
                done[k] = env.now

    env.process(callers())
    env.process(worker())
    env.run(until=arrive[-1] + 1e5)
    return done, sizes


def with_a_pencil(page):
    """Six callers, worked out by hand."""
    came = [0.0, 1.0, 2.0, 10.0, 10.5, 40.0]

    def go(most, wait):
        done, sizes = page["simulate"](came, most, wait, lambda b: 3.0 + b)
        return list(done), list(sizes)
    assert go(1, 0.0) == ([4, 8, 12, 16, 20, 44], [1] * 6)
    assert go(4, 0.0) == ([4, 9, 9, 14, 18, 44], [1, 2, 1, 1, 1])
    assert go(4, 1.5) == ([6.5, 6.5, 10.5, 16.5, 16.5, 45.5],
                          [2, 1, 2, 1])
    assert go(2, 50.0) == ([6, 6, 15, 15, 45, 45], [2, 2, 2])
    # who comes at the very moment of the start still gets in
    done, sizes = page["simulate"]([0.0, 1.0, 4.0], 2, 0.0, lambda b: 3.0 + b)
    assert (list(done), list(sizes)) == ([4, 9, 9], [1, 2])


def the_line(page):
    """Who is due when, and who is taken."""
    for most, wait, at, due, taken in (
            (3, 5.0, [1, 2], 6, [0, 1]), (3, 5.0, [1, 2, 3], 3, [0, 1, 2]),
            (3, 0.5, [1, 2, 3, 4], 1.5, [0, 1, 2]),
            (2, 9.0, [1, 2, 3, 4], 2, [0, 1]), (1, 4.0, [7], 7, [0])):
        gather = page["Gather"](most, wait)
        assert gather.due() == math.inf
        for k, t in enumerate(at):
            gather.put(k, float(t))
        assert gather.due() == due
        assert [item for _, item in gather.take()] == taken
        assert [item for _, item in gather.line] == list(
            range(len(taken), len(at)))


def equals_a_simulation_in_simpy(page):
    rng = np.random.default_rng(5)
    for gap, most, wait, fixed, each in (
            (9.0, 1, 0.0, 4.0, 1.0), (1.0, 5, 0.0, 4.0, 0.3),
            (3.0, 4, 2.5, 5.0, 0.5), (1.2, 7, 30.0, 3.0, 0.2),
            (40.0, 3, 6.0, 2.0, 1.0)):
        arrive = np.cumsum(rng.exponential(gap, 300))
        done, sizes = page["simulate"](
            arrive.tolist(), most, wait, lambda b: fixed + each * b)
        theirs, cut = in_simpy(arrive, most, wait, fixed, each)
        assert list(sizes) == list(cut), (most, wait)
        np.testing.assert_allclose(done, theirs, atol=1e-6)


def md1(page):
    """The formula of the M/D/1 queue: one by one, mean wait."""
    rng = np.random.default_rng(6)
    for rho in (0.3, 0.6, 0.8):
        arrive = np.cumsum(rng.exponential(2.0 / rho, 60000))
        done, _ = page["simulate"](arrive.tolist(), 1, 0.0, lambda b: 2.0)
        wait = (done - arrive).mean() - 2.0
        assert abs(wait / (rho * 2.0 / (2 * (1 - rho))) - 1) < 0.08, rho


def markov(lam, most, fixed, each, top=400):
    """Mean latency where nobody waits for company, exactly: a Markov chain
    of the line that each batch leaves behind, and Little's law."""
    move, cycle, people = np.zeros((top, top)), np.zeros(top), np.zeros(top)
    for left in range(top):
        b = min(max(left, 1), most)
        service = fixed + each * b
        behind = max(left, 1) - b
        p = np.exp(-lam * service)
        for more in range(top - behind):
            move[left, behind + more] = p
            p *= lam * service / (more + 1)
        move[left, -1] += 1 - move[left].sum()
        cycle[left] = service + (left == 0) / lam
        people[left] = max(left, 1) * service + lam * service ** 2 / 2
    share = np.linalg.solve(
        (np.eye(top) - move).T + 1.0, np.ones(top))      # sums to one
    return share @ people / (share @ cycle) / lam


def batches_have_a_theory_too(page):
    rng = np.random.default_rng(7)
    for lam, most, fixed, each in ((0.3, 4, 4.0, 1.0), (0.1, 8, 6.0, 0.5),
                                   (0.9, 16, 8.0, 0.5)):
        arrive = np.cumsum(rng.exponential(1 / lam, 60000))
        done, _ = page["simulate"](arrive.tolist(), most, 0.0,
                                   lambda b: fixed + each * b)
        want = markov(lam, most, fixed, each)
        assert abs((done - arrive).mean() / want - 1) < 0.05, lam


def numbers_of_a_run(page):
    """Every arm again in simpy, from the same callers, in a few lines."""
    grid = {"one": (1, 0), "never": (16, 0), "wait1": (16, 1),
            "wait2": (16, 2), "wait5": (16, 5), "wait10": (16, 10),
            "wait20": (16, 20)}
    assert set(page["ARMS"]) == set(grid)
    for arm, (most, wait) in grid.items():
        for strength, rate, burst in ((1.0, 90.0, 1), (0.5, 400.0, 4)):
            arrive = page["arrivals"](1003, 80, rate, burst)
            done, sizes = in_simpy(arrive, most, wait * strength, 8.0, 0.5)
            took = np.sort(done - arrive)
            got = page["run"](arm, 1003, strength, 80, rate, burst)
            late = took[75] + 0.05 * (took[76] - took[75])
            busy = (8 * len(sizes) + 0.5 * 80) / done.max()
            np.testing.assert_allclose(
                [got["mean"], got["late"], got["busy"]],
                [took.sum() / 80, late, busy], rtol=1e-7)
    assert page["PEAK"] == 1000


def callers_are_as_asked(page):
    """Rate, spread and size of bursts, within four errors."""
    for rate, burst in ((50.0, 1), (200.0, 8), (600.0, 3)):
        n = 6000 // burst * burst
        t = page["arrivals"](1004, n, rate, burst)
        assert len(t) == n and (np.diff(t) >= 0).all()
        share = 4 * (burst / n) ** 0.5
        assert abs(t[-1] / n * rate / 1000 - 1) < share
        if burst == 1:           # random: the spread of the gaps is a mean
            assert abs(np.diff(t).std() * rate / 1000 - 1) < 2 * share
    t = page["arrivals"](1004, 800, 1.0, 8).reshape(-1, 8)
    long = np.ptp(t[np.ptp(t, 1) < 3], 1)
    assert 1.3 < long.mean() < 1.8 and long.max() < 2 and len(long) > 90


def carried_and_worst(page):
    """The best of 25 rates, and the worst of six loads, again."""
    for arm in ("one", "never"):
        ok = [r for r in range(40, 1001, 40) if page["run"](
            arm, 1001, steps=200, rate=r)["late"] <= 30]
        assert page["carried"](arm, 1001, steps=200, limit=30.0) == {
            "rate": float(ok[-1])}
    worst = {"never": 0.0, "wait10": 0.0, "wait20": 0.0}
    for rate in (50, 200, 400, 600, 800, 950):
        took = {f"wait{w}": page["run"](f"wait{w}", 1001, steps=200,
                                        rate=rate)["mean"]
                for w in (1, 2, 5, 10, 20)}
        best = min(took.values())
        took["never"] = page["run"]("never", 1001, steps=200,
                                    rate=rate)["mean"]
        worst = {k: max(v, took[k] / best) for k, v in worst.items()}
    for arm, times in worst.items():
        got = page["everywhere"](arm, 1001, steps=200)["times"]
        assert abs(got - times) < 1e-9, arm
    assert page["everywhere"]("best", 1001, steps=200) == {"times": 1.0}


# ------------------------------------------------------------ the threads

def answered(future):
    """What a caller gets; no answer in time is a wrong answer."""
    try:
        return future.result(timeout=SOON)
    except Exception as error:
        raise AssertionError(f"no answer: {error!r}") from None


def closed(b):
    closer = threading.Thread(target=b.close, daemon=True)
    closer.start()
    closer.join(SOON)
    assert not closer.is_alive(), "the batcher does not end"


def ended(b):
    """Closes b, also where a planted mistake keeps its workers dying."""
    b.predict = lambda rows: []
    closed(b)


def all_answered(b, futures):
    """Closes b, after which nobody may be left without an answer."""
    closed(b)
    lost = [k for k, f in enumerate(futures) if not f.done()]
    assert not lost, f"lost: {lost}"
    return [f.result() for f in futures]


def batches_of_a_real_line(page):
    """The worker is held in its first batch until ten more are in line."""
    held, free, seen = threading.Event(), threading.Event(), []

    def predict(rows):
        seen.append(list(rows))
        held.set()
        assert free.wait(SOON)
        return [2 * row for row in rows]
    b = page["Batcher"](predict, 4, 0.0)
    try:
        futures = [b.ask(0)]
        assert held.wait(SOON)
        futures += [b.ask(k) for k in range(1, 11)]
        free.set()
        assert all_answered(b, futures) == [2 * k for k in range(11)]
        assert seen == [[0], [1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    finally:
        free.set()
        ended(b)


def a_full_batch_need_not_wait(page):
    """An hour of patience: two are kept, three go at once; who closes
    gets rid of nobody."""
    b = page["Batcher"](lambda rows: [len(rows)] * len(rows), 3, 3600.0)
    try:
        first = [b.ask(0), b.ask(1)]
        assert not any(f.done() for f in first)
        first.append(b.ask(2))
        assert [answered(f) for f in first] == [3, 3, 3]
        assert all_answered(b, [b.ask(3)]) == [1]
    finally:
        ended(b)


def a_dead_worker_loses_nobody(page):
    """The second batch dies half-way, the third at once."""
    held, free, seen = threading.Event(), threading.Event(), []

    def predict(rows):
        seen.append(list(rows))
        held.set()
        assert free.wait(SOON)
        for k, row in enumerate(rows):
            if (len(seen), k) in ((2, 2), (3, 0)):
                raise MemoryError("gone")
            yield 10 + row
    b = page["Batcher"](predict, 4, 0.0)
    try:
        futures = [b.ask(0)]
        assert held.wait(SOON)
        futures += [b.ask(k) for k in range(1, 10)]
        free.set()
        assert all_answered(b, futures) == list(range(10, 20))
        assert seen == [[0], [1, 2, 3, 4], [3, 4, 5, 6], [3, 4, 5, 6],
                        [7, 8, 9]]
        assert b.deaths == 2
    finally:
        free.set()
        ended(b)


def many_callers(page):
    """Forty threads at once: each gets its own answer, each row is run
    once."""
    seen, got = [], {}

    def predict(rows):
        seen.extend(rows)
        return [row + 0.5 for row in rows]
    b = page["Batcher"](predict, 8, 0.001)

    def call(k):
        got[k] = answered(b.ask(k))
    try:
        threads = [threading.Thread(target=call, args=[k], daemon=True)
                   for k in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(2 * SOON)
        assert got == {k: k + 0.5 for k in range(40)}
        assert sorted(seen) == list(range(40))
    finally:
        ended(b)


# ------------------------------------------------------------- the service

def like_each_alone(page):
    """BatchNorm by its formula, in NumPy and one row at a time."""
    net = page["trained"](1002, 12)
    state = {k: v.double().numpy() for k, v in net.state_dict().items()}
    x = np.random.default_rng(8).random((5, 64))
    got = page["answers_of"](net)(x.astype(np.float32).tolist())
    for row, answer in zip(x, got):
        h = state["0.weight"] @ row + state["0.bias"]
        h = ((h - state["1.running_mean"])
             / np.sqrt(state["1.running_var"] + 1e-5)
             * state["1.weight"] + state["1.bias"])
        z = np.exp(state["3.weight"] @ np.maximum(h, 0) + state["3.bias"])
        np.testing.assert_allclose(answer, z / z.sum(), atol=1e-5)
    assert len(got) == 5
    # and trained by gradient descent, once more
    torch.manual_seed(1002)
    again = torch.nn.Sequential(
        torch.nn.Linear(64, 32), torch.nn.BatchNorm1d(32), torch.nn.ReLU(),
        torch.nn.Linear(32, 10))
    split = page["data"].digits(1002)
    for _ in range(12):
        loss = torch.nn.functional.cross_entropy(
            again(split.train_images.view(-1, 64)), split.train_labels)
        again.zero_grad()
        loss.backward()
        with torch.no_grad():
            for p in again.parameters():
                p.copy_(p - 0.5 * p.grad)
    for a, b in zip(net.state_dict().values(), again.state_dict().values()):
        torch.testing.assert_close(a, b)


def versions_and_the_cache(page):
    """The same row costs one run a version, and no version answers for
    another."""
    runs, service = [], page["Service"](4, 0.0)

    def version(name):
        def predict(rows):
            runs.extend((name, *row) for row in rows)
            return [(name, sum(row)) for row in rows]
        return predict
    try:
        service.publish("a", version("a"))
        assert service.current == "a"
        assert answered(service.ask([1, 2], "a")) == ("a", 3)
        service.publish("b", version("b"))
        assert service.current == "b"
        for _ in range(3):
            assert answered(service.ask([1, 2], "b")) == ("b", 3)
            assert answered(service.ask([1, 2], "a")) == ("a", 3)
            assert answered(service.ask([2, 1], "b")) == ("b", 3)
        assert sorted(runs) == [("a", 1, 2), ("b", 1, 2), ("b", 2, 1)]
    finally:
        for b in service.lines.values():
            ended(b)


def every_third_dies(page):
    fragile, told = page["dying"](lambda rows: [-r for r in rows]), []
    for n in (3, 4, 5, 2, 1, 6):
        got = []
        try:
            got.extend(y for y in fragile(list(range(n))))
            told.append(got)
        except MemoryError:
            told.append("dead")
    assert told == [[0, -1, -2], "dead", [0, -1, -2, -3, -4], [0, -1],
                    "dead", [0, -1, -2, -3, -4, -5]]
    half, fragile = [], page["dying"](lambda rows: rows)
    list(fragile([1]))
    try:
        for y in fragile([1, 2, 3, 4, 5]):
            half.append(y)
    except MemoryError:
        half.append("dead")
    assert half == [1, 2, "dead"]


def over_a_real_socket(page):
    """Every kind of malformed request, and its neighbours that are fine."""
    service = page["Service"](4, 0.0)

    def post(body):
        text = body if isinstance(body, str) else json.dumps(body)
        reply = web.post("/predict", content=text)
        return reply.status_code, reply.json()
    try:
        with page["on_loopback"](page["make_app"](service)) as web:
            service.publish("a", lambda rows: [[r[0]] * 10 for r in rows])
            service.publish("b", lambda rows: [[-r[0]] * 10 for r in rows])
            for body in ([], {}, 3, "{", "", {"pixels": None},
                         {"pixels": [0.5] * 63}, {"pixels": [0.5] * 65},
                         {"pixels": [0.5] * 63 + ["0.5"]},
                         {"pixels": [0.5] * 63 + [-0.01]},
                         {"pixels": [0.5] * 63 + [1.01]},
                         {"pixels": [0.5] * 63 + [math.nan]},
                         {"pixels": [0.5] * 63 + [math.inf]},
                         {"pixels": [0.5] * 64, "version": 7}):
                code, told = post(body)
                assert code == 422 and told["detail"], body
            assert "63" in post({"pixels": [0.5] * 63 + [2]})[1]["detail"][0]
            assert post({"pixels": [0.5] * 64, "version": "c"})[0] == 404
            assert web.get("/predict").status_code == 405
            assert post({"pixels": [1] * 64}) == (200, {
                "version": "b", "probabilities": [-1.0] * 10})
            assert post({"pixels": [1] * 64, "version": "a"}) == (200, {
                "version": "a", "probabilities": [1.0] * 10})
    except json.JSONDecodeError as error:
        raise AssertionError(f"the reply is no JSON: {error}") from None
    finally:
        for b in service.lines.values():
            ended(b)
    assert not [t for t in threading.enumerate() if not t.daemon
                and t is not threading.main_thread()], "a server goes on"


def what_counts_as_right(page):
    def reply(code, **told):
        return types.SimpleNamespace(status_code=code, json=lambda: told)
    fits, p = page["fits"], [0.25, 0.75]
    good = dict(version="v1", probabilities=p)
    assert fits(reply(200, **good), "v1", p)
    assert not fits(reply(200, **good), "v2", p)
    assert not fits(reply(201, **good), "v1", p)
    assert not fits(reply(200, **good), "v1", [0.2501, 0.7499])
    for code, right in ((422, True), (404, True), (200, False), (500, False)):
        assert bool(fits(reply(code), None, None)) == right


def all_of_it_over_http(page):
    """2 rounds of 4 questions an image and of every malformed one."""
    assert len(page["BAD"]) == 6
    asked = page["over_http"]("asked", 1000, images=16)["right"]
    assert asked == 2 * (4 * 16 + 6)
    assert page["over_http"]("served", 1000, images=16)["right"] == asked


ORACLES = [with_a_pencil, the_line, equals_a_simulation_in_simpy,
           numbers_of_a_run, callers_are_as_asked, carried_and_worst,
           batches_of_a_real_line, a_full_batch_need_not_wait,
           a_dead_worker_loses_nobody, many_callers, like_each_alone,
           versions_and_the_cache, every_third_dies, over_a_real_socket,
           what_counts_as_right, all_of_it_over_http, md1,
           batches_have_a_theory_too]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Clock of the newest": ("return min(line[0][0] + self.wait, full)",
                            "return min(line[-1][0] + self.wait, full)"),
    "Full, and still waiting": ("return min(line[0][0] + self.wait, full)",
                                "return (line[0][0] + self.wait)"),
    "Only full batches": ("return min(line[0][0] + self.wait, full)",
                          "return min(line[0][0] + 1e9, full)"),
    "Newest first": ("self.line.popleft() for", "self.line.pop() for"),
    "One too many": ("count = min(self.most, len(self.line))",
                     "count = min(self.most + 1, len(self.line))"),
    "Two places at once": ("start = max(free, gather.due())",
                           "start = gather.due()"),
    "Lost with the worker": ("b.gather.line.extendleft(left[::-1])",
                             "b.gather.line.extendleft([])"),
    "Back to the end": ("b.gather.line.extendleft(left[::-1])",
                        "b.gather.line.extend(left)"),
    "Back in reverse": ("b.gather.line.extendleft(left[::-1])",
                        "b.gather.line.extendleft(left)"),
    "Answered again": ("[e for e in b.held if not e[1][1].done()]",
                       "list(b.held)"),
    "Answers exchanged": ("in zip(b.held, b.predict(rows)):",
                          "in zip(b.held[::-1], b.predict(rows)):"),
    "Closed at once": ("if not b.gather.line:\n", "if not b.open:\n"),
    "Training mode": ("    net.eval()      ", "    net.train()      "),
    "Key without version": ("key = version, tuple(row)",
                            "key = tuple(row)"),
    "Old version stays": ("self.current = version ",
                          "self.current = self.current or version "),
    "A refusal that repeats": ('*map(str, e["loc"]), e["msg"]]',
                               '*map(str, e["loc"]), e["msg"], e["input"]]'),
    "Their fault is ours": ("HTTPException(404,", "HTTPException(500,"),
}

TRAIN = {"arm": "wait5", "seed": 1000, "steps": 60}
# strength multiplies the wait: at 0 the worker takes what is there
NULL = {"arm": "wait10", "baseline": "never", "strength": 0.0, "steps": 200}

TRACES = {
    "run": dict(arms=["one", "never", "wait1", "wait2", "wait5", "wait10",
                      "wait20"], steps=40, burst=4),
    "carried": dict(arms=["never", "one", "wait10"], steps=40),
    "everywhere": dict(arms=["never", "best", "wait10"], steps=40),
}
# "kind: words" -> an edit of an experiment cell, seen by value as well
EXPERIMENT = {
    "metric: the fastest twentieth": ("np.quantile(done - arrive, 0.95)",
                                      "np.quantile(done - arrive, 0.05)"),
    "metric: the middle for the mean": ("(done - arrive).mean()",
                                        "np.median(done - arrive)"),
    "metric: a request for its batch": ("sum(map(cost, sizes))",
                                        "EACH * sum(sizes)"),
    "metric: an error counts as a refusal": (
        "return 400 <= reply.status_code < 500",
        "return 400 <= reply.status_code < 600"),
    "rival: one by one takes two": ('"one": (1, 0.0)', '"one": (2, 0.0)'),
    "rival: the worst wait for the best": ('took["best"] = min(',
                                           'took["best"] = max('),
    "rival: nobody dies": ("dies = next(calls) % 3 == 1", "dies = False"),
    "pairing: one draw for all seeds": (
        "rng = np.random.default_rng(seed)\n",
        "rng = np.random.default_rng(0)\n"),
    "counting: a burst for a request": ("1000 * burst / rate", "1000 / rate"),
    "counting: the mean of the loads": (
        'max(map(times, LOADS))', 'sum(map(times, LOADS)) / len(LOADS)'),
    "counting: the lowest rate": ("float(max((rate for",
                                  "float(min((rate for"),
    "search: the wait that is set is ignored": ("strength * wait, cost)",
                                                "wait, cost)"),
    "search: the promise is ignored": ('["late"] <= limit',
                                       '["late"] <= 50.0'),
}
# Kinds that this page cannot have, each with its reason.
NOT = {"exam": "the network is compared with itself, and nothing is said of "
               "how well it learned",
       "labels": "no label goes into what is compared over HTTP",
       "mode": "in training mode BatchNorm refuses the single row with which "
               "answers are compared"}

WRONG = {
    "serving-1": [("largest = 24", "Half as much again"),
                  ("largest = 12", "alone would ask"),
                  ("largest = 32", "a second")],
    "serving-2": [("order = (10, 2, 0)", "nobody else comes"),
                  ("order = (0, 2, 10)", "the first is served alone"),
                  ("order = (2, 10, 0)", "and 10 ms take"),
                  ("order = (2, 2, 0)", "each once")],
    "serving-3": [("rate, burst_size = 200, 8", "2 ms gain"),
                  ("rate, burst_size = 900, 32", "2 ms gain"),
                  ("rate, burst_size = 50, 1", "of 2 to 100"),
                  ("rate, burst_size = 50, 5000", "of 2 to 100"),
                  ("rate, burst_size = 600, 2.5", "of 2 to 100"),
                  ("rate, burst_size = 2000, 2", "from 50 to 900")],
    "serving-4": [
        ("mended = lambda at, most, wait: at[0] + wait", "Whose patience"),
        ("mended = lambda at, most, wait: at[most - 1] if len(at) >= most "
         "else at[0] + wait", "when is it over")],
}


def test_a_page_without_a_server_leaves_no_thread():
    before = threading.active_count()
    load("serving")
    assert threading.active_count() == before
