"""Delivery robots: what the page must survive (see test_every_page.py)."""

import itertools
import math

import numpy as np
import simpy

RULES = ("random", "nearest", "cheapest", "hungarian")


def some(page, seed, n=60, mean=14, bursts=False):
    """Orders in a small building, at odd 1024ths of a second, so that what
    happens first is never a matter of ties; some come together."""
    rng, t, orders = np.random.default_rng(seed), 0, []
    for name in range(n):
        if not (bursts and name % 5):
            t += int(1024 * rng.exponential(mean)) // 2 * 2 + 1
        a, b = ((int(rng.integers(1, 9)), int(rng.integers(0, 21)))
                for _ in range(2))
        orders.append(page["Order"](name, t / 1024, t / 1024, a, b))
    return orders


def small(page, **more):
    """A site of 4 robots and 2 docks, or what is asked."""
    return page["Site"](**{"robots": 4, "docks": 2, "battery": 500, "rate": 2,
                           "dock": (4, 7), "cafe": (1, 2), **more})


def way(a, b):
    """Seconds from a to b, in other words than the page's."""
    if a[0] == b[0]:
        return abs(a[1] - b[1])
    return 12 + 4 * abs(a[0] - b[0]) + abs(a[1] - b[1])


def with_a_pencil(page):
    """One robot, two orders and a charge."""
    Order, site = page["Order"], page["Site"](
        1, 1, 400, 2, dock=(2, 20), cafe=(2, 0))
    orders = [Order(0, 10.0, 10.0, (2, 0), (5, 9)),
              Order(1, 10.0, 30.0, (2, 0), (2, 4))]
    rides, charges = page["simulate"](orders, "nearest", site, 0.9, 0.0)
    # 20 to the cafe, 12 + 12 + 9 up; then 53 of 400 are gone: below 90 %
    assert rides[0] == (0, 10, 30, 63, 347)
    # 24 + 11 to the dock, 88 to fill at 2 a second; 20 + 4 for the second
    assert charges == [(0, 63, 98, 98, 142, 312)]      # 376 are 94 %
    assert rides[1] == (0, 142, 162, 166, 376)
    Robot = page["Robot"]
    for battery, can in ((103, False), (104, True)):    # 36 + 33 + 35
        assert page["able"](Robot(0, (2, 36), battery), orders[0],
                            site) == can


def every_permutation(page):
    """Hungarian: no order of the rows is cheaper.  Greedy rules: anew."""
    rng = np.random.default_rng(3)
    for case in range(40):
        n, m = (int(k) for k in rng.integers(1, 6, size=2))
        cost = rng.permutation(1000)[:n * m].reshape(n, m).astype(float)
        if case % 2:
            cost[rng.random((n, m)) < 0.3] = page["FAR"]
        far = cost >= page["FAR"]
        k, before = min(n, m), cost.copy()
        best = min(
            sum(cost[i, j] for i, j in zip(rows, columns))
            for rows in itertools.permutations(range(n), k)
            for columns in itertools.permutations(range(m), k))
        got = page["pair"]("hungarian", cost)
        missing = k - len(got)
        assert abs(sum(cost[i, j] for i, j in got)
                   + missing * page["FAR"] - best) < 1e-3
        assert (cost == before).all()
        left, near = set(range(n)), []
        for j in range(m):
            can = [i for i in left if not far[i, j]]
            if can:
                near.append((min(can, key=lambda i: cost[i, j]), j))
                left.discard(near[-1][0])
        assert [tuple(map(int, p)) for p in page["pair"](
            "nearest", cost)] == near
        cheap = []
        for _, i, j in sorted((cost[i, j], i, j) for i in range(n)
                              for j in range(m) if not far[i, j]):
            if all(i != a and j != b for a, b in cheap):
                cheap.append((i, j))
        assert [tuple(map(int, p)) for p in page["pair"](
            "cheapest", cost)] == cheap
        drawn = page["pair"]("random", cost, np.random.default_rng(case))
        assert not any(far[i, j] for i, j in drawn)
        assert len({i for i, _ in drawn}) == len({j for _, j in drawn}) \
            == len(drawn)
    seen = {int(page["pair"]("random", np.array([[1.0], [2.0], [9.0]]),
                             np.random.default_rng(k))[0][0])
            for k in range(30)}
    assert seen == {0, 1, 2}


def everything_adds_up(page):
    """Every order once, by a robot that was there; batteries never below
    zero, by a ledger of its own; no more at the docks than there are."""
    for seed, rule in itertools.product(range(2), RULES):
        site = small(page, battery=360 if seed else 500, least=0.6)
        orders = some(page, seed, 80, bursts=bool(seed))
        rides, charges = page["simulate"](
            orders, rule, site, 0.3, 0.5 * seed, np.random.default_rng(7))
        assert sorted(rides) == list(range(80)), "an order was not brought"
        by_name = {o.name: o for o in orders}
        for name in range(site.robots):
            place, second = site.dock, 0.0
            battery = int((0.6 + 0.4 * name / 3) * site.battery)
            mine = sorted([(r.sent, 0, k) for k, r in rides.items()
                           if r.robot == name]
                          + [(c.sent, 1, k) for k, c in enumerate(charges)
                             if c.robot == name])
            for sent, is_charge, k in mine:
                assert sent >= second, f"robot {name} is in two places"
                if is_charge:
                    c = charges[k]
                    battery -= way(place, site.dock)
                    assert c.came == sent + way(place, site.dock)
                    assert c.start >= c.came and c.low == battery >= 0
                    assert c.done == c.start + (site.battery - battery) / 2
                    place, battery = site.dock, site.battery
                    second = c.done
                    continue
                r, o = rides[k], by_name[k]
                assert sent >= o.shown
                assert r.picked == sent + way(place, o.pickup)
                assert r.done == r.picked + way(o.pickup, o.drop)
                battery -= r.done - sent
                assert r.left == battery >= way(o.drop, site.dock), (
                    f"robot {name} cannot get back")
                place, second = o.drop, r.done
        for c in charges:
            at_once = sum(d.start <= c.start < d.done for d in charges)
            assert at_once <= site.docks, "two robots at one dock"


def in_simpy(orders, site, low, spare):
    """Made by others: robots as processes, docks as a resource that is
    asked for on leaving; nearest robot for the oldest order."""
    env, log = simpy.Environment(), {}
    docks = simpy.Resource(env, site.docks)
    idle, waiting = [], []

    def bring(robot, order):
        first, second = way(robot["at"], order.pickup), way(order.pickup,
                                                            order.drop)
        robot["fuel"] -= first + second
        robot["at"] = order.drop
        log[order.name] = [robot["name"], env.now]
        yield env.timeout(first + second)
        log[order.name].append(env.now)
        yield from ready(robot)

    def fill(robot):
        distance = way(robot["at"], site.dock)
        robot["fuel"] -= distance
        with docks.request() as place:
            yield env.timeout(distance) & place
            yield env.timeout((site.battery - robot["fuel"]) / site.rate)
        robot["fuel"], robot["at"] = site.battery, site.dock
        yield from ready(robot)

    def ready(robot):            # at one second: the lower number first
        second = round(4096 * env.now) / 4096 + 1e-9 * (1 + robot["name"])
        yield env.timeout(max(0.0, second - env.now))
        idle.append(robot)
        decide()

    def decide():
        for robot in list(idle):
            if robot["fuel"] < low * site.battery:
                idle.remove(robot)
                env.process(fill(robot))
        for order in waiting[:len(idle)]:
            fit = [r for r in idle if r["fuel"] >= way(r["at"], order.pickup)
                   + way(order.pickup, order.drop)
                   + way(order.drop, site.dock)]
            if fit:
                robot = min(fit, key=lambda r: way(r["at"], order.pickup))
                idle.remove(robot)
                waiting.remove(order)
                env.process(bring(robot, order))
        for robot in list(idle):
            if waiting or robot["fuel"] < spare * site.battery:
                idle.remove(robot)
                env.process(fill(robot))

    def people():
        for order in orders:
            yield env.timeout(order.shown - env.now)
            waiting.append(order)
            decide()

    idle += [{"name": k, "at": site.dock, "fuel": site.battery}
             for k in range(site.robots)]
    env.process(people())
    env.run()
    return log


def equals_a_simulation_in_simpy(page):
    """Who brings what, and when, with every setting away from its own."""
    for seed, (low, spare, more) in enumerate((
            (0.5, 0.0, {}), (0.2, 0.0, {}), (0.2, 0.8, {}),
            (0.4, 0.0, {"docks": 1}), (0.0, 0.0, {"robots": 3}))):
        orders, site = some(page, 20 + seed, 120, 16), small(page, **more)
        rides, _ = page["simulate"](orders, "nearest", site, low, spare)
        theirs = in_simpy(orders, site, low, spare)
        assert len(theirs) == len(rides) == 120
        for name, (robot, sent, done) in theirs.items():
            mine = rides[name]
            assert mine.robot == robot and abs(mine.sent - sent) < 1e-6 \
                and abs(mine.done - done) < 1e-6, (seed, name)


def erlang(page):
    """One and two servers in closed form; and a simulation in which every
    order takes an exponential time, wherever the robot stands."""
    C = page["erlang_c"]
    for rho in (0.1, 0.5, 0.93):
        assert abs(C(1, rho) - rho) < 1e-12
        assert abs(C(2, 2 * rho) - 2 * rho ** 2 / (1 + rho)) < 1e-12
    rng, n, c, mean = np.random.default_rng(5), 12_000, 3, 10.0
    seconds = np.cumsum(rng.exponential(mean / 2.1, size=n))
    lengths = rng.exponential(mean, size=n)
    orders = [page["Order"](k, float(t), float(t), (1, 0), (1, float(x)))
              for k, (t, x) in enumerate(zip(seconds, lengths))]
    site = page["Site"](c, c, 1e9, 1, (1, 0), (1, 0))
    kept, page["travel"] = page["travel"], lambda a, b: b[1]
    try:
        rides, _ = page["simulate"](orders, "nearest", site, 0.0)
    finally:
        page["travel"] = kept
    wait = np.mean([rides[o.name].sent - o.time for o in orders])
    theory = C(c, 2.1) * mean / (c - 2.1)
    assert abs(wait / theory - 1) < 0.12, (wait, theory)


def an_order_on_paper(page):
    """S by sums over all places, and by a robot that drives alone."""
    drops = [(f, x) for f in (2, 5, 9) for x in (0, 7, 20)]
    for site, low in ((small(page), 0.2), (small(page, rate=7, battery=3000,
                                                 dock=(9, 0)), 0.6)):
        d = sum(way(site.cafe, p) for p in drops) / 9
        home = sum(way(p, site.dock) for p in drops) / 9
        n = (1 - low) * site.battery / 2 / d + 1 / 2
        drive = 2 * d + (home + way(site.dock, site.cafe) - d) / n
        np.testing.assert_allclose(page["service"](site, low, drops),
                                   [drive + drive / site.rate, drive])
    rng, site = np.random.default_rng(8), small(page, robots=1, battery=3000,
                                                dock=(9, 0))
    orders = [page["Order"](k, 0.0, 0.0, site.cafe, drops[p])
              for k, p in enumerate(rng.integers(9, size=900))]
    rides, charges = page["simulate"](orders, "nearest", site, 0.3)
    one = page["service"](site, 0.3, drops)[0]
    assert abs(max(r.done for r in rides.values()) / 900 / one - 1) < 0.02
    # one dock, many robots: the dock sets the pace
    site = small(page, robots=12, docks=1, rate=1, battery=3000)
    rides, _ = page["simulate"](orders, "nearest", site, 0.3)
    done = np.sort([r.done for r in rides.values()])
    pace = (done[880] - done[300]) / 580
    assert abs(pace / page["service"](site, 0.3, drops)[1] - 1) < 0.08


def the_oldest_first(page):
    """Far desks do not starve: orders set out in the order of their age."""
    orders = some(page, 3, 60, 3)
    for rule in RULES:
        rides, _ = page["simulate"](orders, rule, small(page, robots=2), 0.3,
                                    rng=np.random.default_rng(1))
        sent = [rides[o.name].sent for o in orders]
        assert all(b - a > -60 for a, b in zip(sent, sent[1:])), rule


def numbers_of_a_run(page):
    """run() and keeps() against the page's logs, read anew."""
    low = {"late": 0.15, "early": 0.5, "spare": 0.15}
    for arm, rule, strength, how in (
            ("late", "nearest", 1.0, {}), ("early", "nearest", 0.7, {}),
            ("spare", "nearest", 1.0, {"window": 45}),
            ("random", "random", 1.0, {"anywhere": True, "burst": 3}),
            ("hungarian", "hungarian", 1.0, {"anywhere": True, "burst": 9}),
            ("cheapest", "cheapest", 1.0, {"anywhere": True, "burst": 9})):
        took, pickup, moving, queue = [], [], [], []
        for day in range(2):
            orders = page["traffic"]((1003, day), 25, **how)
            rides, charges = page["simulate"](
                orders, rule, page["Site"](9, 2, least=0.8),
                low.get(arm, 0.5) * strength, 0.95 * (arm == "spare"),
                np.random.default_rng((1003, day, 1)))
            took += [rides[o.name].done - o.time for o in orders]
            pickup += [r.picked - r.sent for r in rides.values()]
            moving += [r.done - r.sent for r in rides.values()]
            queue += [c.start - c.came for c in charges]
        got = page["run"](arm, 1003, strength, 2, 9, 2, 25, 0.8, **how)
        at = 0.95 * (len(took) - 1)
        a, b = sorted(took)[int(at)], sorted(took)[int(at) + 1]
        for key, value in (
                ("delivery", sum(took) / len(took)),
                ("pickup", sum(pickup) / len(pickup)),
                ("moving", sum(moving) / len(moving)),
                ("queue", sum(queue) / len(queue)),
                ("slow", a + (at - int(at)) * (b - a))):
            assert abs(got[key] - value) < 1e-6, (arm, key)
    for seed in (1001, 1006):
        got = {arm: page["keeps"](arm, seed, 60)["rate"]
               for arm in ("simulated", "planned", "trips")}
        assert abs(got["trips"] - 3600 / 167) < 1e-9
        assert abs(got["simulated"] - got["planned"]) < 1.2
        assert got["planned"] < 20
    a, b = (page["keeps"]("simulated", 1001, each)["rate"]
            for each in (60, 90))
    assert a != b
    rng = np.random.default_rng(1001)
    c, battery, rate, floor, low = (int(rng.integers(*r)) for r in (
        (5, 13), (18, 40), (2, 7), (2, 15), (15, 60)))
    orders = [page["Order"](k, 0.0, 0.0, (2, 0), page["DROPS"][p]) for k, p in
              enumerate(rng.integers(1000, size=c * 60))]
    site = page["Site"](c, c, 100 * battery, rate, (floor, 20))
    done = sorted(r.done for r in page["simulate"](
        orders, "nearest", site, low / 100)[0].values())
    hours = (done[58 * c] - done[10 * c]) / 3600
    assert abs(a - 48 / hours) < 1e-9


def orders_are_as_asked(page):
    """Rate, bursts, windows and places, within four errors."""
    day = page["traffic"](1004, 3)
    n = len(day)
    assert abs(n - 7200) < 4 * 7200 ** 0.5
    gaps = np.diff([o.time for o in day])             # Poisson: mean = spread
    assert abs(gaps.mean() - 3) < 0.15 and abs(gaps.std() - 3) < 0.2
    assert all(o.time == o.shown and o.pickup == (2, 0) and
               1024 * o.time == int(1024 * o.time) for o in day)
    assert day[-1].time <= 21600 and [o.name for o in day] == list(range(n))
    assert {o.drop for o in day} == set(itertools.product(range(3, 28),
                                                          range(40)))
    day = page["traffic"](1004, 10, 4, 60, True)
    assert abs(len(day) - 2160) < 4 * 4 * 540 ** 0.5
    for o in day:
        assert o.shown == 60 * math.ceil(o.time / 60)
    assert all(len({o.time for o in day[k:k + 4]}) == 1
               for k in range(0, len(day), 4))
    assert len({o.pickup for o in day}) > 800


ORACLES = [with_a_pencil, every_permutation, everything_adds_up,
           the_oldest_first, equals_a_simulation_in_simpy, an_order_on_paper,
           orders_are_as_asked, erlang, numbers_of_a_run]

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Charging forgotten": ("return drive * (1 + 1 / site.rate), drive",
                           "return drive, drive"),
    "One way only": ("    drive = 2 * d + e / n", "    drive = d + e / n"),
    "Detour forgotten": ("    drive = 2 * d + e / n", "    drive = 2 * d"),
    "Everybody waits": (
        "return top / (sum(a ** k / math.factorial(k) for k in range(c)) + "
        "top)", "return top / (0 * a + top)"),
    "No way back": ("need + travel(order.drop, site.dock)", "need"),
    "Fetching is free": (
        "need = travel(robot.place, order.pickup) + travel(order.pickup, "
        "order.drop)", "need = travel(order.pickup, order.drop)"),
    "Maximised": ("zip(*linear_sum_assignment(cost))",
                  "zip(*linear_sum_assignment(cost, maximize=True))"),
    "Farthest robot": (
        "            i = cost[:, j].argmin()\n",
        "            i = np.where(cost[:, j] < FAR, cost[:, j], -1).argmax()\n"
    ),
    "Far desks starve": ("waiting[:len(fleet.idle)]", "waiting[:]"),
    "Trip to the dock is free": (
        "    low = robot.battery - way ", "    low = robot.battery "),
    "Two at one dock": ("done = fleet.docks[k] = start +", "done = start +"),
    "The first dock always": ("k = fleet.docks.index(min(fleet.docks))",
                              "k = 0"),
    "Back at the café by magic": (
        "fleet.leave(robot, order.drop, left, done)",
        "fleet.leave(robot, order.pickup, left, done)"),
    "Charged on the way": ("start = max(came, fleet.docks[k])",
                           "start = max(now, fleet.docks[k])"),
    "Low and idle": ("if r.battery < low * site.battery]", "if False]"),
}
TRAIN = {"arm": "hungarian", "seed": 1000, "steps": 1, "burst": 6,
         "anywhere": True}

# strength scales the share `low`: three tenths of a half are late's share
NULL = {"arm": "early", "baseline": "late", "strength": 0.3, "steps": 1}

TRACES = {"run": dict(arms=["late", "early", "spare", "random", "nearest",
                            "cheapest", "hungarian"], steps=1, gap=120),
          "keeps": dict(arms=["simulated", "planned", "trips"], each=12)}
# "kind: words" -> an edit of an experiment cell, seen by value as well
EXPERIMENT = {
    "metric: from the robot's setting out": (
        "took += [rides[o.name].done - o.time for",
        "took += [rides[o.name].done - rides[o.name].sent for"),
    "metric: the fastest twentieth": ("np.quantile(took, 0.95)",
                                      "np.quantile(took, 0.05)"),
    "metric: the way to the dock is a queue": ("c.start - c.came for",
                                               "c.start - c.sent for"),
    "rival: cheapest is nearest": ('"cheapest": ("cheapest",',
                                   '"cheapest": ("nearest",'),
    "rival: late is early": ('"late": ("nearest", 0.15, 0.0)',
                             '"late": ("nearest", 0.5, 0.0)'),
    "rival: the plan of the trips for the plan": (
        "service(site, low, DROPS)[0])}", "service(site, low, DROPS)[1])}"),
    "pairing: every seed has the same orders": (
        "rng, orders = np.random.default_rng(seed), []",
        "rng, orders = np.random.default_rng(0), []"),
    "counting: the warm-up counts": ("first, last = c * each // 6,",
                                     "first, last = 0 * each // 6,"),
    "counting: bursts at the rate of orders": (
        "rng.exponential(gap * burst, size=n)",
        "rng.exponential(gap, size=n)"),
    "counting: shown before they are placed": ("math.ceil(second / window)",
                                               "math.floor(second / window)"),
    "search: the share that is set is ignored": ("low * strength, spare,",
                                                 "low, spare,"),
}
NOT = {"exam": "nothing is trained here, hence nothing examined",
       "labels": "nothing is trained here, there are no labels",
       "mode": "nothing is trained here, there is no network"}
UNKNOWN = ["pair('fastest', np.ones((1, 1)))", "erlang_c(3, 3.0)",
           "erlang_c(3, 0.0)"]

WRONG = {
    "delivery_robots-1": [
        ("robots_and_docks = 9, 3", "who stands at the docks"),
        ("robots_and_docks = 11, 3", "round up"),
        ("robots_and_docks = 14, 3", "Least whole number"),
        ("robots_and_docks = 12, 12", "comfortable"),
        ("robots_and_docks = 12, 2", "larger than that"),
        ("robots_and_docks = 12, 5", "keep a dock busy")],
    "delivery_robots-2": [
        ("order = (5400, 2700, 1350)", "away for one charge"),
        ("order = (1350, 5400, 2700)", "And the largest"),
        ("order = (2700, 1350, 5400)", "1,350 s:"),
        ("order = (1, 2, 3)", "Each of the three")],
    "delivery_robots-3": [("dock_floor = 3", "still"),
                          ("dock_floor = 40", "floors 2 to 27"),
                          ("dock_floor = 4.5", "whole number")],
    "delivery_robots-4": [
        ("mended = lambda robot, order, site: robot.battery >= travel("
         "robot.place, order.pickup) + travel(order.pickup, order.drop)",
         "wants to go home"),
        ("mended = lambda robot, order, site: True", "decides otherwise")],
}
# Exercises that many answers solve, each with its reason.
OPEN = {"delivery_robots-3": "every floor far enough from the café is right"}
