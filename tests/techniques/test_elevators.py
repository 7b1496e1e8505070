"""Elevators: what the page must survive (see test_every_page.py)."""

import itertools

import numpy as np
import pytest
import simpy

from tests.house import load

RULES = ("nearest", "first", "fastest", "everyone")


def crowd(page, seed, n=40, floors=9, gap=16):
    """n passengers in a small tower, close together; a third of them press
    in a burst in the lobby.  Presses at eighths of a second, all different:
    what simpy does first at one instant is its own affair."""
    rng = np.random.default_rng(seed)
    press = np.sort(rng.integers(0, 8 * gap * n // 4, size=n)) / 8
    trips = [rng.choice(floors, 2, replace=False) for _ in range(n)]
    for k in range(n // 3):
        press[n // 3 + k] = press[n // 3] + k / 8
        trips[n // 3 + k] = (0, rng.integers(1, floors))
    order = np.argsort(press, kind="stable")
    while (np.diff(press[order]) <= 0).any():
        press[order[1:]] += np.diff(press[order]) <= 0
        order = np.argsort(press, kind="stable")
    return [page["Passenger"](k, float(press[i]), *map(int, trips[i]))
            for k, i in enumerate(order)]


def small(page, **more):
    return page["Building"](**{"floors": 9, "cars": 3, "room": 4, **more})


def everyone_once(page):
    """Conservation: all are carried, by the car that was announced, in the
    way they want to go, never more in a car than it holds."""
    for seed, rule in itertools.product(range(4), RULES):
        people, b = crowd(page, seed), small(page)
        log = page["simulate"](people, rule, b)
        missing = [p.name for p in people if (p.name, "out") not in log]
        assert not missing, f"{rule}: never carried: {missing}"
        assert len(log) == 4 * len(people)
        events = []
        for p in people:
            told, car = log[p.name, "told"], log[p.name, "car"]
            start, end = log[p.name, "in"], log[p.name, "out"]
            assert told == car, f"{rule}: told {told}, carried by {car}"
            assert p.press + b.t_p <= start
            assert end - start >= b.t_v * abs(p.goal - p.start)
            events += [(start, car, p.start, 1), (end, car, p.goal, -1)]
        for car in range(b.cars):
            load, mine = 0, sorted(e for e in events if e[1] == car)
            for _, group in itertools.groupby(mine, key=lambda e: e[0]):
                load += sum(e[3] for e in group)
                assert 0 <= load <= b.room, f"{rule}: {load} in a car"
        for p in people:
            low, high = sorted((p.start, p.goal))
            way = [f for t, car, f, _ in events
                   if car == log[p.name, "car"]
                   and log[p.name, "in"] < t < log[p.name, "out"]]
            assert all(low <= f <= high for f in way), (
                f"{rule}: {p} was taken the other way")


def with_a_pencil(page):
    """One car, one passenger: t_v |0 - a| + t_s + t_p, then t_v |a - b| +
    t_s + t_p.  And a second one who comes while the doors are open, for
    whom the doors need not open again."""
    P, b = page["Passenger"], page["Building"](cars=1)
    for rule in RULES:
        for a, c in ((0, 17), (17, 0), (5, 9), (9, 5)):
            log = page["simulate"]([P("x", 40.0, a, c)], rule, b)
            tied = page["simulate"]([P("x", 40.0, a, c)], rule,
                                    b._replace(cars=3))
            assert tied["x", "told"] == 0, "ties: the first car"
            assert log["x", "in"] == 40 + 1.5 * a + 7
            assert log["x", "out"] == 40 + 1.5 * (a + abs(a - c)) + 14
    log = page["simulate"]([P("x", 0.0, 0, 4), P("y", 3.0, 0, 6)],
                           "fastest", b)
    assert (log["x", "in"], log["y", "in"]) == (7, 8)
    assert (log["x", "out"], log["y", "out"]) == (8 + 6 + 7, 21 + 3 + 7)
    # one passenger of the page's own traffic, measured from the press
    for seed in range(1000, 1004):
        p, = page["traffic"](seed, 0.1, 1)
        expected = 1.5 * (p.start + abs(p.goal - p.start)) + 14
        for rule in RULES:
            got = page["run"](rule, seed, steps=1)
            assert got["journey"] == expected
            assert got["wait"] == 1.5 * p.start + 7


def by_counting(page):
    """S and H over every list of goals: distinct floors, highest floor."""
    for N, P in ((3, 2), (5, 3), (6, 4), (2, 6), (7, 1)):
        lists = list(itertools.product(range(1, N + 1), repeat=P))
        S = np.mean([len(set(goals)) for goals in lists])
        H = np.mean([max(goals) for goals in lists])
        b = page["Building"](t_v=2.0, t_s=5.0, t_p=0.5)
        np.testing.assert_allclose(
            page["round_trip"](N, P, b),
            [2 * H * 2 + (S + 1) * 5 + 2 * P * 0.5, S, H], rtol=1e-12)
        for seed in (1000, 1001):
            assert abs(page["trip"]("formula", seed)["rtt"]
                       - page["trip"]("simulated", seed)["rtt"]) < 1e-9


def one_car_leaves_no_choice(page):
    """With one car every rule does the same; with three, they differ."""
    people = crowd(page, 5)
    for cars, distinct in ((1, 1), (3, 4)):
        logs = [page["simulate"](people, rule, small(page, cars=cars))
                for rule in RULES]
        assert len({tuple(sorted(map(str, g.items())))
                    for g in logs}) == distinct


EPS = 1e-6        # a press comes just after whatever a car does then


def in_simpy(people, told, b):
    """Made by others: the same lifts as processes of simpy, floor by floor,
    with the cars given.  Returns {(name, "in" or "out"): second}."""
    env, log = simpy.Environment(), {}
    calls = [simpy.Store(env) for _ in range(b.cars)]

    def kiosk():
        for p in people:
            yield env.timeout(p.press + EPS - env.now)
            yield calls[told[p.name]].put(p)

    def lift(store):
        at, up, doors, aboard, queue = 0, True, False, [], []
        while True:
            queue += store.items
            store.items.clear()
            if not (aboard or queue):
                queue.append((yield store.get()))
                up = True
                continue

            def wanted(upwards):
                side = (lambda x: x > at) if upwards else (lambda x: x < at)
                return (any(side(p.goal) for p in aboard)
                        or any(side(p.start) for p in queue)
                        or any(p.start == at and side(p.goal)
                               for p in queue))
            if not wanted(up):
                up = not wanted(False)
            leaving = [p for p in aboard if p.goal == at]
            free = b.room - len(aboard) + len(leaving)
            joining = [p for p in queue if p.start == at
                       and (p.goal > at) == up][:free]
            if leaving or joining:
                if not doors:
                    yield env.timeout(b.t_s)
                yield env.timeout(b.t_p * (len(leaving) + len(joining)))
                doors = True
                for p in leaving:
                    aboard.remove(p)
                    log[p.name, "out"] = env.now
                for p in joining:
                    queue.remove(p)
                    aboard.append(p)
                    log[p.name, "in"] = env.now
            else:
                yield env.timeout(b.t_v)
                at, doors = at + (1 if up else -1), False

    env.process(kiosk())
    for store in calls:
        env.process(lift(store))
    env.run(until=people[-1].press + 3000)
    return log


def equals_a_simulation_in_simpy(page):
    for seed, rule in itertools.product(range(3), RULES):
        people, b = crowd(page, seed, n=60), small(page)
        log = page["simulate"](people, rule, b)
        theirs = in_simpy(people, {p.name: log[p.name, "told"]
                                   for p in people}, b)
        assert set(theirs) == {k for k in log if k[1] in ("in", "out")}
        for key, second in theirs.items():
            assert abs(second - log[key]) < 1e-3, (rule, key)


def best_by_trying(page):
    """Brute force: the last passenger is sent to each car in turn, in
    simpy, and the rule must have taken the best for whom it minds."""
    differ = set()
    for seed in range(12):
        b = small(page, cars=3, room=3)
        people = crowd(page, 50 + seed, n=14, gap=6)
        last = people[-1].name
        for rule, weight in (("first", 1), ("fastest", 1), ("everyone", 1),
                             ("everyone", 0.25)):
            log = page["simulate"](people, rule, b, weight)
            told = {p.name: log[p.name, "told"] for p in people}
            scores = []
            for car in range(b.cars):
                got = in_simpy(people, {**told, last: car}, b)
                outs = {k[0]: t for k, t in got.items() if k[1] == "out"}
                scores.append(
                    got[last, "in"] if rule == "first" else
                    outs[last] if rule == "fastest" else
                    (1 - weight) * outs[last] + weight * sum(outs.values()))
            chosen = scores[told[last]]
            assert chosen < min(scores) + 1e-3, (rule, weight, seed, scores)
            differ.add((rule, told[last]))
    assert len(differ) > 6


def cost_is_delay(page):
    """In simpy, with the last passenger and without: what that costs him
    and, weighed, the others.  In a full car some of them gain."""
    gains = 0
    for seed in range(40):
        b, people = small(page, cars=1, room=2), crowd(page, seed, 12, gap=4)
        last, costs = people[-1], []
        page["simulate"](people, "everyone", b, watch=lambda p, group: (
            p is last and costs.extend(page["cost"](
                "everyone", group[0], p, b, w) for w in (0.0, 1.0, 0.25))))
        with_him, without = (
            {k: t for k, t in in_simpy(some, dict.fromkeys(range(12), 0),
                                       b).items() if k[1] == "out"}
            for some in (people, people[:-1]))
        own = with_him[last.name, "out"] - last.press
        more = [with_him[k] - t for k, t in without.items()]
        gains += min(more) < -1
        np.testing.assert_allclose(
            costs, [own + w * sum(more) for w in (0.0, 1.0, 0.25)],
            atol=1e-3)
    assert gains, "no case in which others gain"


def suitability_by_hand(page):
    P, Car, b = page["Passenger"], page["Car"], page["Building"]()
    busy = Car(floor=5, way=1, riders=[P("r", 0.0, 0, 20)])
    idle = Car(floor=5)
    called = Car(floor=5, way=1, waiting=[P("w", 0.0, 20, 8)])
    for start, goal, moving, resting in (
            (9, 20, 25, 24), (9, 2, 24, 24), (3, 20, 1, 26), (3, 0, 1, 26),
            (5, 6, 29, 28), (27, 0, 6, 6)):
        p = P("x", 0.0, start, goal)
        assert page["suitability"](busy, p, b) == moving
        assert page["suitability"](called, p, b) == moving
        assert page["suitability"](idle, p, b) == resting
        assert page["cost"]("nearest", busy, p, b) == -moving


def numbers_of_a_run(page):
    """run() against its own log, read anew: waits, journeys, the slowest
    twentieth, the weight handed on; and the load by the pencil's formula."""
    b = page["TOWER"]
    capacity = 4 * 12 / page["round_trip"](27, 12, b)[0]
    for rule, weight, share, mix in (
            ("first", 1.0, 0.4, (0.45, 0.45)), ("nearest", 1.0, 1.0, ()),
            ("fastest", 1.0, 0.7, (0.2, 0.1)),
            ("everyone", 0.5, 1.0, (0.1, 0.7)), ("everyone", 1.0, 1.0, ())):
        mix = (mix,) if mix else ()
        people = page["traffic"](1003, share * capacity, 150, *mix)
        log = page["simulate"](people, rule, b, weight)
        got = page["run"](rule, 1003, weight, 150, share, *mix)
        rides = sorted(log[p.name, "out"] - p.press for p in people)
        at = 0.95 * 149
        low = int(at)
        late = rides[low] + (at - low) * (rides[low + 1] - rides[low])
        waits = sum(log[p.name, "in"] - p.press for p in people)
        assert abs(got["journey"] - sum(rides) / 150) < 1e-9
        assert abs(got["wait"] - waits / 150) < 1e-9
        assert abs(got["late"] - late) < 1e-9


def a_crowd_is_as_asked(page):
    """Rate, mix and floors of many passengers, within four errors."""
    n, rate = 6000, 0.25
    people = page["traffic"](1004, rate, n, (0.6, 0.3))
    up = sum(p.start == 0 for p in people) / n
    down = sum(p.goal == 0 for p in people) / n
    assert abs(up - 0.6) < 0.026 and abs(down - 0.3) < 0.024
    assert all(p.start != p.goal for p in people)
    assert {p.start for p in people} == set(range(28))
    assert abs(people[-1].press / n - 1 / rate - 1 / 16) < 4 * 4 / n ** 0.5
    assert all(p.press * 8 == int(p.press * 8) for p in people)
    gaps = np.diff([p.press for p in people])      # Poisson: mean = spread
    assert abs(gaps.std() - 1 / rate) < 4 * 4 * (2 / n) ** 0.5
    low = page["traffic"](1004, rate, 400, (0.1, 0.1), floors=9)
    assert {p.start for p in low} == {p.goal for p in low} == set(range(9))


def buttons_know_the_way_only(page):
    """Half of the way to the end of the building, above the start if up,
    below if down; no seed has the building of another."""
    P, b = page["Passenger"], page["Building"]()
    for start, goal, told in ((3, 5, 15), (0, 27, 14), (26, 27, 27),
                              (9, 8, 4), (27, 0, 13), (1, 0, 0)):
        got = page["halfway"](P("x", 2.0, start, goal), b)
        assert got == P("x", 2.0, start, told)
    assert len({page["trip"]("formula", seed)["rtt"]
                for seed in range(1000, 1006)}) == 6


ORACLES = [with_a_pencil, by_counting, suitability_by_hand, everyone_once,
           one_car_leaves_no_choice, equals_a_simulation_in_simpy,
           best_by_trying,
           numbers_of_a_run, a_crowd_is_as_asked,
           buttons_know_the_way_only, cost_is_delay]

REASSIGN = '''\
moved = [q for c in group for q in c.waiting if q.start == p.start]
        for c in group:
            c.waiting = [q for q in c.waiting if q.start != p.start]
        car.waiting = [*car.waiting, *moved, p]'''

# name, in bold under "Break it" -> an edit that matches exactly once
MISTAKES = {
    "Clock started at the doors": (
        '[log[p.name, "out"] - p.press for p in people]',
        '[log[p.name, "out"] - log[p.name, "in"] for p in people]'),
    "Boarding the other way": (
        "if p.start == f and (p.goal - f) * d > 0]\n", "if p.start == f]\n"),
    "Capacity ignored": ("into = into[:b.room - len(car.riders) + len(out)]",
                         "into = into[:]"),
    "Reassigned after the announcement": ("car.waiting = [*car.waiting, p]",
                                          REASSIGN),
    "Lobby counted as a goal": (
        "S = N * (1 - (1 - 1 / N) ** P)",
        "S = (N + 1) * (1 - (1 - 1 / (N + 1)) ** P)"),
    "Left without you": (
        "car.waiting = [p for p in car.waiting if p not in into]",
        "car.waiting = [p for p in car.waiting if p.start != f]"),
    "Doors that open twice": ("b.t_s * (not car.open) +", "b.t_s +"),
    "Gone before the press": ("car.clock = max(car.clock, p.press)",
                              "car.clock = car.clock"),
    "Riders forgotten": ('if key[1] == "out")', 'if key[1] == "in")'),
    "Arrival instead of delay": ("sum(plan[key] - t for key",
                                 "sum(plan[key] for key"),
    "Way back forgotten": ("return 2 * H * b.t_v", "return H * b.t_v"),
    "Highest floor always the top": (
        "H = N - sum((i / N) ** P for i in range(1, N))", "H = N"),
    "Farthest car": ("return -suitability(car, p, b)",
                     "return suitability(car, p, b)"),
    "Moving away unnoticed": ("if (p.start - car.floor) * car.way < 0:",
                              "if False:"),
}
TRAIN = {"arm": "everyone", "seed": 1000, "steps": 6}

# strength is the weight on the others' delay: at 0 only yours counts
NULL = {"arm": "everyone", "baseline": "fastest", "strength": 0.0,
        "steps": 150}

TRACES = {"run": dict(arms=list(RULES), steps=20)}
EXPERIMENT = {
    "rival: arrivals are regular": (
        "rng.exponential(1 / rate)", "(0.5 + rng.random()) / rate"),
    "rival: nearest minds the distance only": (
        "simulate(people, arm, TOWER", "simulate(people, (lambda car, p, b: "
        "abs(car.floor - p.start)) if arm == 'nearest' else arm, TOWER"),
    "metric: the fastest twentieth": ("np.quantile(journey, 0.95)",
                                      "np.quantile(journey, 0.05)"),
    "metric: the ride for the wait": (
        'wait = [log[p.name, "in"] - p.press for',
        'wait = [log[p.name, "out"] - log[p.name, "in"] for'),
    "rival: goals of which none comes twice": (
        "itertools.product(range(1, N + 1), repeat=P)",
        "itertools.permutations(range(1, N + 1), P)"),
    "pairing: every seed has the same crowd": (
        "rng, t, people = np.random.default_rng(seed), 0.0, []",
        "rng, t, people = np.random.default_rng(0), 0.0, []"),
    "counting: up and down exchanged": ("if u < mix[0] else",
                                        "if u < mix[1] else"),
    "counting: seconds for a rate": ("rng.exponential(1 / rate)",
                                     "rng.exponential(rate)"),
    "counting: the load of one car": ("CAPACITY = TOWER.cars * TOWER.room /",
                                      "CAPACITY = TOWER.room /"),
    "counting: empty lists of goals": ("total / N ** P", "total / (N + 1) ** "
                                       "P"),
    "search: the weight is ignored": (
        "log = simulate(people, arm, TOWER, strength)",
        "log = simulate(people, arm, TOWER)"),
}
NOT = {"exam": "nothing is trained here, hence nothing examined",
       "labels": "nothing is trained here, there are no labels",
       "mode": "nothing is trained here, there is no network"}
STAYS = {name: "CAPACITY, made once by round_trip" for name in (
    "Lobby counted as a goal", "Highest floor always the top",
    "Way back forgotten")}
UNKNOWN = ["cost('slowest', Car(), Passenger('x', 0, 0, 3), TOWER)"]

WRONG = {
    "elevators-1": [
        ("upper_trip = round_trip(27, 12, TOWER)[0]", "all 27 floors"),
        ("upper_trip = round_trip(13, 12, TOWER)[0]", "floors that it passes"),
        ("upper_trip = round_trip(13, 12, TOWER)[0] + 14 * TOWER.t_v",
         "twice, up and down"),
        ("upper_trip = 100.0", "S and H from 13"),
    ],
    "elevators-2": [("order = (4, 1, 0)", "who is forgotten"),
                    ("order = (0, 1, 4)", "what the claim beat"),
                    ("order = (1, 4, 0)", "dearer than selfishness"),
                    ("order = (1, 1, 0)", "each once")],
    "elevators-3": [
        ("mix, larger_step = LUNCH, 'ride'", "less than one floor"),
        ("mix, larger_step = (0.0, 0.0), 'floor'", "less than one floor"),
        ("mix, larger_step = (0.9, 0.9), 'ride'", "together at most 1"),
        ("mix, larger_step = (1.0, 0.0), 'wait'", "Answer"),
        ("mix, larger_step = (1.0, 0.0), 'floor'", "counting a ride gains"),
        ("mix, larger_step = (0.0, 1.0), 'ride'", "counting a ride gains")],
    "elevators-4": [("mended = lambda car, p, b: cost('fastest', car, p, b)",
                     "Whose delay is missing"),
                    ("mended = lambda car, p, b: cost('everyone', car, p, b,"
                     " 2.0)", "should be")],
}


@pytest.mark.parametrize("rule", RULES)
def test_a_minute_later_is_the_same_day(rule):
    """Shifting every press by a whole minute shifts the log, no more."""
    page = load("elevators")
    people = crowd(page, 9)
    later = [p._replace(press=p.press + 60) for p in people]
    one = page["simulate"](people, rule, small(page))
    two = page["simulate"](later, rule, small(page))
    assert all(two[k] == v + 60 * (k[1] in ("in", "out"))
               for k, v in one.items())
