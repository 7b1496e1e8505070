"""The GPU farm: what the page must survive (see test_every_page.py)."""

import hashlib
import itertools
import math

import numpy as np
import pytest
import simpy
import torch
import torch.nn.functional as F

from lab1784 import data
from tests.house import load

RULES = list(itertools.product(("arrival", "fair", "shortest"),
                               ("none", "naive", "reserved")))


def jobs_of(page, seed, n=60, size=6, grain=64):
    """A crowd that is always too large; at grain 4 events coincide."""
    rng = np.random.default_rng(seed)

    def time(low, high):
        return int(rng.integers(low * grain, high * grain)) / grain
    rows = sorted(time(0, 40) for _ in range(n))
    made = []
    for k, arrive in enumerate(rows):
        wide = rng.random() < 0.25
        hours = time(1, 5)
        made.append(page["Job"](
            k, "ABCD"[rng.integers(4)], "", arrive,
            int(rng.integers(3, size + 1) if wide else rng.integers(1, 3)),
            hours, hours + time(0, 4)))
    return made


def in_simpy(jobs, size, order, backfill, weight=1.0, half_life=24.0):
    """Made by others: jobs are processes, the cards a simpy.Container that
    refuses to give what it has not.  The reservation by trying: may the
    job run without that the head's first possible hour moves?  The usage
    from the whole history, by its closed form.  {name: start}."""
    env = simpy.Environment()
    cards = simpy.Container(env, size, size)
    queue, past, starts, bell = [], [], {}, {}

    def first_hour(need, held):
        for t in sorted({env.now, *(until for until, _ in held)}):
            if size - sum(g for until, g in held if until > t) >= need:
                return t
        raise AssertionError("never")

    def usage(user):
        total = 0.0
        for who, gpus, start, end in past:
            if who == user:
                total += gpus * half_life / math.log(2) * (
                    2 ** ((min(end, env.now) - env.now) / half_life)
                    - 2 ** ((start - env.now) / half_life))
        return weight * total

    def worth(job):
        return ({"arrival": 0, "fair": usage(job.user),
                 "shortest": job.limit}[order], job.arrive, job.name)

    def may(job, head, held):
        if job.gpus > cards.level:
            return False
        if job is head or backfill == "naive":
            return True
        return backfill == "reserved" and first_hour(
            head.gpus, [*held, (env.now + job.limit, job.gpus)]
        ) == first_hour(head.gpus, held)

    def scheduler():
        held = []
        while True:
            bell["rings"] = env.event()
            yield bell["rings"]
            held[:] = [h for h in held if h[2] > env.now]
            queue.sort(key=worth)
            while True:
                plain = [h[:2] for h in held]
                able = [j for j in queue if may(j, queue[0], plain)]
                if not able:
                    break
                job = able[0]
                queue.remove(job)
                starts[job.name] = env.now
                past.append((job.user, job.gpus, env.now,
                             env.now + job.hours))
                held.append((env.now + job.limit, job.gpus,
                             env.now + job.hours))
                yield cards.get(job.gpus)
                env.process(work(job))

    def ring():
        if not bell["rings"].triggered:
            bell["rings"].succeed()

    def work(job):
        yield env.timeout(job.hours)
        yield cards.put(job.gpus)
        ring()

    def arrival(job):
        yield env.timeout(job.arrive)
        queue.append(job)
        ring()

    env.process(scheduler())
    for job in jobs:
        env.process(arrival(job))
    env.run()
    return starts


def equals_a_farm_in_simpy(page):
    for seed, (order, backfill) in itertools.product(range(3), RULES):
        more = ((0.5, 5.0), (1.0, 24.0), (0.0, 24.0))[seed]
        grain = 64 if order == "fair" else (64, 4, 1)[seed]
        jobs = jobs_of(page, seed, grain=grain)
        log = page["simulate"](jobs, 6, order, backfill, *more)
        theirs = in_simpy(jobs, 6, order, backfill, *more)
        assert {k: r.start for k, r in log.items()} == theirs, (
            order, backfill, seed)


def no_card_twice(page):
    """At no event is a card given to two, or more than there are; every
    job runs once, not before it came, for its own hours, by its cards."""
    for seed, (order, backfill) in itertools.product(range(3), RULES):
        jobs = jobs_of(page, 10 + seed, grain=4)
        log = page["simulate"](jobs, 6, order, backfill)
        assert set(log) == {job.name for job in jobs}
        for job in jobs:
            r = log[job.name]
            assert r.start >= job.arrive and r.end == r.start + job.hours
            assert r.until == r.start + job.limit
            assert len(set(r.gpus)) == job.gpus == len(r.gpus)
            assert set(r.gpus) <= set(range(6))
        for a, b in itertools.combinations(log.values(), 2):
            if a.start < b.end and b.start < a.end:
                assert not set(a.gpus) & set(b.gpus), "given twice"


def waits_of_erlang(page):
    """Closed form: jobs of one card, exponential, c cards, no memory."""
    c, load = 3, 0.7
    a = c * load
    top = a ** c / math.factorial(c) / (1 - load)
    later = top / (sum(a ** k / math.factorial(k) for k in range(c)) + top)
    want = later / (c * (1 - load))
    waits = []
    for seed in range(16):
        rng = np.random.default_rng(100 + seed)
        come = np.cumsum(rng.exponential(1 / a, size=1300))
        hours = rng.exponential(size=1300)
        jobs = [page["Job"](k, "A", "", float(t), 1, float(h), float(h))
                for k, (t, h) in enumerate(zip(come, hours))]
        log = page["simulate"](jobs, c, "arrival", "none")
        waits.append(np.mean([log[k].start - come[k]
                              for k in range(300, 1300)]))
    error = np.std(waits, ddof=1) / 4
    assert abs(np.mean(waits) - want) < 4 * error < want


def with_a_pencil(page):
    """The morning of the page; usage after half a life, and after two."""
    J, R = page["Job"], page["Run"]
    a = R(J("a", "A", "", 0, 3, 4, 5), 0, 4, 5, [0, 1, 2])
    b = R(J("b", "B", "", 0, 2, 9, 9), 0, 9, 9, [3, 4])
    c = R(J("c", "B", "", 0, 1, 5, 5), 0, 5, 5, [5])
    assert page["reservation"](4, 1, [a, b, c]) == (5, 1)
    assert page["reservation"](6, 1, [b, a, c]) == (9, 1)
    with pytest.raises(ValueError, match="never"):
        page["reservation"](8, 1, [a, b, c])
    usage = {"A": 8.0, "B": 0.0, "C": 4.0}
    page["charge"](usage, [a, b, c], 12.0, 6.0)
    got = 0.75 * 6 / math.log(2)
    np.testing.assert_allclose(list(usage.values()),
                               [2 + 3 * got, 3 * got, 1.0])
    queue = [J("x", "A", "", 1, 1, 9, 9), J("y", "B", "", 2, 1, 1, 7),
             J("z", "C", "", 3, 2, 2, 8)]
    for order, said in (("arrival", "xyz"), ("shortest", "yzx"),
                        ("fair", "zyx")):
        assert "".join(job.name for job in page["ranked"](
            queue, order, {"A": 3.0, "B": 2.0, "C": 1.0}, 1.0)) == said


def numbers_of_a_run(page):
    """Every arm of run() again, in simpy, from its own table of arms."""
    arms = {"fifo": ("arrival", "none"), "fair": ("fair", "none"),
            "backfill": ("arrival", "reserved"),
            "both": ("fair", "reserved"), "naive": ("arrival", "naive"),
            "shortest": ("shortest", "reserved")}
    assert set(page["ARMS"]) == set(arms)
    for arm, rule in arms.items():
        more = {"days": 3, "load": 1.1, "half_life": 9.0, "over": 2.0}
        jobs = page["crowd"](1003, 3, 1.1, 2.0)
        starts = in_simpy(jobs, 16, *rule, 0.5, 9.0)
        got = page["run"](arm, 1003, 0.5, **more)
        waits = {k: [starts[j.name] - j.arrive for j in jobs
                     if j.kind == k] for k in ("short", "sweep", "wide")}
        for kind, row in waits.items():
            assert abs(got[kind] - sum(row) / len(row)) < 1e-9, (arm, kind)
        every = sum(waits.values(), [])
        assert abs(got["all"] - sum(every) / len(every)) < 1e-9
        assert got["worst"] == max(waits["wide"])
        ticks = np.arange(1 / 128, 72, 1 / 64)       # each 64th of an hour
        at_work = sum(j.gpus * np.sum((starts[j.name] < ticks) & (
            ticks < starts[j.name] + j.hours)) for j in jobs)
        assert abs(got["used"] - at_work / 64 / (16 * 72)) < 1e-9, arm


def a_crowd_is_as_asked(page):
    """Numbers, bounds and shares of the jobs; who sends them."""
    bounds = {"short": (1, 2, 0.25, 2, "ABCDEF"),
              "sweep": (1, 1, 2, 8, "GH"), "wide": (8, 12, 4, 12, "IJ")}
    jobs = page["crowd"](1004, 100, 0.8, 2.5)
    asked = 0.8 * 16 * 2400
    for (kind, (g0, g1, h0, h1, users)), share, burst in zip(
            bounds.items(), (0.15, 0.45, 0.40), (1, 24, 1)):
        mine = [j for j in jobs if j.kind == kind]
        assert {j.gpus for j in mine} == set(range(g0, g1 + 1))
        hours = [j.hours for j in mine]
        assert h0 <= min(hours) < h0 + 0.2 and h1 - 0.2 < max(hours) <= h1
        assert {j.user for j in mine} == set(users)
        assert abs(sum(j.gpus * j.hours for j in mine) / asked - share) < .03
        together = {}
        for j in mine:
            together.setdefault((j.arrive, j.user), []).append(j)
        assert min(map(len, together.values())) == burst
        ratio = [j.limit / j.hours for j in mine]
        assert 1 <= min(ratio) < 1.1 and 2.4 < max(ratio) < 2.6
    assert [j.arrive for j in jobs] == sorted(j.arrive for j in jobs)
    assert 0 <= jobs[0].arrive < 24 and 2376 < jobs[-1].arrive <= 2400
    one = page["crowd"](1004, 5, 0.8, senders=("X", "Y", "Z"))
    assert {(j.kind, j.user) for j in one} == {
        ("short", "X"), ("sweep", "Y"), ("wide", "Z")}


def trained_again(x, y, seed, steps, rate=3e-3, batch=32, noise=0.5):
    """The training in a loop of its own, with Adam written out."""
    g = torch.Generator().manual_seed(seed)
    w = [torch.empty(32, 64), torch.empty(32), torch.empty(10, 32),
         torch.empty(10)]
    for p in w:
        p.normal_(0, 0.1, generator=g).requires_grad_()
    m, v = ([torch.zeros_like(p) for p in w] for _ in range(2))
    losses, rows = [], []
    for t in range(1, steps + 1):
        if len(rows) < batch:
            rows = torch.randperm(len(x), generator=g).tolist()
        now, rows = rows[:batch], rows[batch:]
        seen = x[now] + noise * torch.randn(batch, 64, generator=g)
        out = F.linear(F.relu(F.linear(seen, w[0], w[1])), w[2], w[3])
        loss = F.cross_entropy(out, y[now])
        losses.append(float(loss.detach()))
        for p, a, b, grad in zip(w, m, v, torch.autograd.grad(loss, w)):
            a.mul_(0.9).add_(0.1 * grad)
            b.mul_(0.999).add_(0.001 * grad ** 2)
            with torch.no_grad():
                p -= rate * (a / (1 - 0.9 ** t)) / (
                    (b / (1 - 0.999 ** t)).sqrt() + 1e-8)
    return w, losses


def training_by_others(page):
    for seed, more in ((1000, {}), (1001, dict(rate=1e-3, batch=20,
                                               noise=0.2))):
        x, y = data.digits(seed, 100)[:2]
        training = page["Training"](x.flatten(1), y, seed, **more)
        losses = [training.step() for _ in range(14)]
        w, theirs = trained_again(x.flatten(1), y, seed, 14, **more)
        np.testing.assert_allclose(losses, theirs, rtol=1e-4)
        for p, q in zip(training.net.parameters(), w):
            torch.testing.assert_close(p.data, q.data, rtol=1e-3, atol=1e-5)


def resumed_bit_for_bit(page):
    """At every cut, also twice and after the first has gone on; and each
    part that is left out is missed."""
    x, y = data.digits(1005, 100)[:2]
    x = x.flatten(1)

    def fresh(steps=0):
        training = page["Training"](x, y, 5)
        return training, [training.step() for _ in range(steps)]
    whole, losses = fresh(9)
    for cut in range(9):
        first, _ = fresh(cut)
        saved = page["snapshot"](first)
        for _ in range(3):
            first.step()
        second, _ = fresh()
        page["restore"](second, saved)
        assert [second.step() for _ in range(9 - cut)] == losses[cut:]
        for p, q in zip(second.net.parameters(), whole.net.parameters()):
            assert torch.equal(p, q)
    saved = page["snapshot"](fresh(4)[0])
    tails = set()
    for part in ("", "weights", "optimiser", "generator", "place"):
        again, _ = fresh()
        page["restore"](again, saved, part)
        tails.add(tuple(again.step() for _ in range(3)))
    assert len(tails) == 5


def resume_by_others(page):
    """The arms of resume() from the plain loop: the loss of whole, and
    which of them end where it does."""
    for seed in (1000, 1003):
        x, y, test, truth = data.digits(seed, 300)
        w, losses = trained_again(x.flatten(1), y, seed, 12)
        with torch.no_grad():
            out = F.linear(F.relu(F.linear(test.flatten(1), w[0], w[1])),
                           w[2], w[3])
        watch = []
        got = page["resume"]("whole", seed, 12, 5, watch)
        assert abs(got["loss"] - float(F.cross_entropy(out, truth))) < 1e-4
        right = float((out.argmax(1) == truth).float().mean())
        assert abs(got["accuracy"] - right) < 0.006
        np.testing.assert_allclose(watch, losses, rtol=1e-4)
        for arm in page["RESUMES"]:
            mine = []
            one = page["resume"](arm, seed, 12, 5, mine)
            assert (one["hash"] == got["hash"]) == (arm in ("whole",
                                                            "resumed"))
            assert mine[:5] == watch[:5]
            assert (mine[5:] == watch[5:]) == (one == got)
            # the cut comes before step 5; Adam's moments show a step later
            seen = [k for k in range(12) if mine[k] != watch[k]]
            assert seen[:1] == {"whole": [], "resumed": [],
                                "no optimiser": [6]}.get(arm, [5]), arm
    net = torch.nn.Linear(2, 1)
    first = page["result_hash"](net)
    made = hashlib.sha256(b"".join(p.detach().numpy().tobytes()
                                   for p in net.parameters())).hexdigest()
    assert first == int(made[:13], 16) / 2 ** 52
    net.bias.data += 1e-6
    assert page["result_hash"](net) != first


def names_of_sessions(page):
    """Every part counts, none runs into the next, order does not."""
    S, name = page["Session"], page["name_of"]
    first = S("a1", b"xy", {"rate": 0.1, "batch": 32}, 1)
    others = [S("a2", b"xy", first.settings, 1), S("a1", b"xz",
              first.settings, 1), S("a1", b"xy", first.settings, 2),
              S("a1", b"xy", {"rate": 0.2, "batch": 32}, 1),
              S("a1x", b"y", first.settings, 1)]
    names = {name(s) for s in [first, *others]}
    assert len(names) == 6 and all(len(n) == 12 for n in names)
    again = S("a1", b"xy", {"batch": 32, "rate": 0.1}, 1)
    assert name(again) == name(first)
    results = {"p": {"acc": 0.7, "loss": 1.0}, "q": {"acc": 0.9,
               "loss": 2.0}, "r": {"acc": 0.8, "loss": 0.5}}
    board = page["leaderboard"]
    assert board(results, "acc") == [("q", 0.9), ("r", 0.8), ("p", 0.7)]
    assert [n for n, _ in board(results, "loss", "lower")] == list("rpq")


ORACLES = [with_a_pencil, no_card_twice, equals_a_farm_in_simpy,
           names_of_sessions, resumed_bit_for_bit, training_by_others,
           resume_by_others, a_crowd_is_as_asked, numbers_of_a_run,
           waits_of_erlang]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "GPU freed twice": ("free = sorted(free + run.gpus)",
                        "free = sorted(free + run.gpus + run.gpus[:1])"),
    "The head starves": ('if backfill == "reserved":',
                         'if backfill == "sometime":'),
    "True hours for declared": ("in_time = now + job.limit <= shadow",
                                "in_time = now + job.hours <= shadow"),
    "Reserved at the first end": ("if have >= need:",
                                  "if have >= min(need, have):"),
    "Spare cards forgotten": ("(in_time or job.gpus <= spare)", "in_time"),
    "Usage never fades": ("usage[user] *= keep", "usage[user] *= 1.0"),
    "Jobs counted, not cards": ("(len(run.gpus) * (1 - keep)",
                                "(1 * (1 - keep)"),
    "Most used first": ("lambda job: weight * usage",
                        "lambda job: -weight * usage"),
    "Shortest by size": ('"shortest": lambda job: job.limit',
                         '"shortest": lambda job: job.gpus'),
    "Optimiser forgotten": ('if without != "optimiser":', "if False:"),
    "Generator forgotten": ('if without != "generator":', "if False:"),
    "Place forgotten": ('if without != "place":', "if False:"),
    "Seed not recorded": ("str(session.seed).encode()", 'b"seed"'),
    "Leaderboard upside down": ('reverse=better == "higher"',
                                'reverse=better == "lower"'),
}
TRAIN = {"arm": "both", "seed": 1000, "days": 3, "load": 1.2}

# strength is the weight of usage: at 0 the order is that of arrival
NULL = {"arm": "both", "baseline": "backfill", "strength": 0.0,
        "days": 4, "load": 1.2}

CUT = "by design a resumed run has a second optimizer and, where a part is "\
    "left out, other batches after the cut"
TRACES = {
    "run": dict(arms=["fifo", "fair", "backfill", "both", "naive",
                      "shortest"], days=2),
    "resume": dict(arms=["whole", "resumed", "no weights", "no optimiser",
                         "no generator", "no place"], steps=12, cut=5,
                   updates=12, rates=[("whole", {}, 3e-3)],
                   but={"start": CUT, "batches": CUT})}
EXPERIMENT = {
    "metric: until the end, not the start": (
        "log[job.name].start - job.arrive", "log[job.name].end - job.arrive"),
    "metric: work after the last day counts": (
        "max(min(r.end, close) - r.start, 0.0)", "(r.end - r.start)"),
    "metric: the unluckiest of all kinds": (
        'for job in jobs if job.kind == "wide"', "for job in jobs"),
    "rival: backfill without a reservation": (
        '"backfill": ("arrival", "reserved")',
        '"backfill": ("arrival", "naive")'),
    "rival: nothing is left out": ('arm.removeprefix("no ")', '""'),
    "pairing: every seed has the same crowd": (
        "np.random.default_rng(seed), []", "np.random.default_rng(0), []"),
    "pairing: one start for all seeds": (
        "training, losses = Training(x, y, seed), []",
        "training, losses = Training(x, y, 0), []"),
    "counting: one job of a sweep": (
        "for _ in range(kind.burst):", "for _ in range(1):"),
    "search: the weight is ignored": ("*ARMS[arm], strength, half_life)",
                                      "*ARMS[arm], 1.0, half_life)"),
    "search: the half-life is ignored": (
        "*ARMS[arm], strength, half_life)", "*ARMS[arm], strength)"),
    "exam: on the digits of the training": (
        "said = training.net(test)", "said, truth = training.net(x), y"),
}
NOT = {"labels": "features are the pixels of the digits, no label among them",
       "mode": "the net has no layer that training mode changes"}
UNKNOWN = ["pick([Job(0, 'A', '', 0, 1, 1, 1)], 0, 1, [], 'sometimes')",
           "ranked([], 'youngest', {}, 1.0)",
           "leaderboard({}, 'loss', 'best')"]

WRONG = {
    "gpu_farm-1": [("reserved = (12, 0)", "The head needs 8"),
                   ("reserved = (20, 8)", "wait for all"),
                   ("reserved = (13, 4)", "first time"),
                   ("reserved = (14, 2)", "Two jobs end at 14"),
                   ("reserved = (14, 12)", "minus the eight")],
    "gpu_farm-2": [("sooner = (1, 1)", "What does a shadow time"),
                   ("sooner = (10, 10)", "Whose reservation"),
                   ("sooner = (5, 1)", "1 or 10")],
    "gpu_farm-3": [("senders = SENDERS", "By what does fair share"),
                   ("senders = ('AB', 'CD', 'EF')", "the gain is"),
                   ("senders = ('AB', 'AB', 'AB')", "still passes it"),
                   ("senders = ('AB', 'CD', '')", "Three texts")],
    "gpu_farm-4": [("mended = lambda t: {'weights': t.net.state_dict()}",
                    "the four parts"),
                   ("mended = lambda t: {**suspect(t), "
                    "'optimiser': t.adam.state_dict()}", "go on changing")],
}
OPEN = {"gpu_farm-3": "few users, each with sweeps as well as short jobs"}


@pytest.mark.parametrize("rule", RULES, ids="-".join)
def test_a_day_later_is_the_same_schedule(rule):
    page = load("gpu_farm")
    jobs = jobs_of(page, 9)
    later = [job._replace(arrive=job.arrive + 24) for job in jobs]
    one, two = (page["simulate"](some, 6, *rule) for some in (jobs, later))
    assert all(two[k].start == r.start + 24 and two[k].gpus == r.gpus
               for k, r in one.items())


def test_a_head_with_a_reservation_is_never_delayed():
    """At exact limits, in order of arrival: each job's start is no later
    than the hour it was promised when it became the head."""
    page = load("gpu_farm")
    for seed in range(4):
        jobs = [j._replace(limit=j.hours) for j in jobs_of(page, seed)]
        promised, real = {}, page["reservation"]

        def noted(need, free, running, real=real, promised=promised):
            got = real(need, free, running)
            promised.setdefault("heads", []).append((need, got[0]))
            return got
        page["reservation"] = noted
        log = page["simulate"](jobs, 6, "arrival", "reserved")
        page["reservation"] = real
        starts = {(len(r.gpus), r.start) for r in log.values()}
        assert set(promised["heads"]) <= starts
