"""phone_orders: what this stop must survive (see test_every_page.py)."""

import contextlib
import io
from itertools import product
from math import factorial

import numpy as np
import simpy
from scipy.special import lambertw

from tests.house import cells, run_cell, tagged


def lunch_by_simpy(page):
    """People who walk, queue and are served, as processes of SimPy: when
    each eats, for every share of those who phone and walk at once."""
    def person(env, cook, wish, ahead, work, walk, eats, i):
        yield env.timeout(wish)
        if not ahead:
            yield env.timeout(walk)
        with cook.request() as turn:
            yield turn
            yield env.timeout(work)
        eats[i] = max(env.now, wish + walk)

    g = np.random.default_rng(1000)
    for n, share in ((60, 0), (60, 0.3), (90, 0.7), (60, 1)):
        walk = float(g.uniform(1, 6))
        wish, work = g.uniform(0, 30, n), g.exponential(0.4, n)
        ahead, eats = g.random(n) < share, np.zeros(n)
        env = simpy.Environment()
        cook = simpy.Resource(env)
        for i in range(n):
            env.process(person(env, cook, wish[i], ahead[i], work[i], walk,
                               eats, i))
        env.run()
        end = page["ready"](wish + walk * ~ahead, work)
        np.testing.assert_allclose(np.maximum(end, wish + walk), eats)


def lunch_in_one_formula(page):
    """The longest chain of orders without a pause; the wait that has only
    moved; Little's law by counting heads a thousandth of a minute apart."""
    t, s, walk = page["wish"], page["work"], page["walk"]
    end = page["ready"](t, s)
    chains = [max(t[j] + s[j:i + 1].sum() for j in range(i + 1))
              for i in range(len(t))]
    np.testing.assert_allclose(end, chains)
    np.testing.assert_allclose(page["ready"](t + walk, s), end + walk)
    clock = np.arange(t.min(), end.max(), 0.001)
    heads = (np.searchsorted(t, clock) - np.searchsorted(np.sort(end),
                                                         clock))
    np.testing.assert_allclose(heads.mean() * (end.max() - t.min()),
                               (end - t).sum(), rtol=1e-3)


def other_lunches(page):
    """What the page says of the halves holds on other draws: those who
    phone gain, the mean of the others moves by less than a minute; and on
    its own lunch, where single walkers lose or gain minutes."""
    wish, work, half = page["wish"], page["work"], page["half"]
    later = (page["ready"](wish + 3 * ~half, work)
             - page["ready"](wish + 3, work))[~half]
    assert later.max() > 2 and later.min() < -1 and abs(later.mean()) < 0.2
    for seed in range(1000, 1010):
        g = np.random.default_rng(seed)
        wish, work = np.sort(g.normal(60, 20, 180)), g.exponential(1 / 3, 180)
        half = g.random(180) < 0.5
        walked, mixed = (np.maximum(page["ready"](order, work), wish + 3)
                         for order in (wish + 3, wish + 3 * ~half))
        assert (walked - mixed)[half].mean() > 0.5
        assert abs((walked - mixed)[~half].mean()) < 1


def orders_by_clock(page):
    """Requests and answers as events in time, against a kitchen that keeps
    a list; and the counts in closed form."""
    def made(fates, keyed):
        events, answered = [], None
        for i, fate in enumerate(fates):      # a try a second
            if fate != "lost":
                events.append((i + (100 if fate == "late" else 0.1), i))
            if fate == "fine":
                answered = i
                break
        book = []
        for _, sender in sorted(events):
            if not (keyed and book):
                book.append(sender)
        return len(book), answered is not None

    n, twice, silent = 5, 0, []
    for fates in product(page["FATES"], repeat=n):
        for key in (None, "a"):
            orders = {}
            told = page["phone"](orders, fates, key)
            assert (len(orders), told) == made(fates, key is not None)
            assert set(orders.values()) <= {"paid"}
            twice += key is None and len(orders) > 1
        if not told:
            silent.append(len(orders))
    assert len(silent) == 3 ** n and sum(silent) == 3 ** n - 1
    assert twice == 3 ** n - 1 - 2 * n + sum(
        (3 ** (m - 1) - 1) * 4 ** (n - m) for m in range(1, n + 1))


def one_step_at_a_time(page):
    """Every row of five messages: an order is as far as the longest
    paid-ready-fetched that the row holds in this order; a late one under
    its name begins nothing, two names are two orders."""
    way = ["paid", "ready", "fetched"]
    for row in product(way, repeat=5):
        orders, rest = {}, iter(row)
        for to in row:
            page["move"](orders, "a", to)
        far = [step for step in way if step in rest]
        assert orders.get("a") == (far[-1] if far else None)
    orders = {}
    for name, to in (("a", "paid"), ("a", "ready"), ("b", "paid"),
                     ("a", "fetched"), ("a", "paid")):
        page["move"](orders, name, to)
    assert orders == {"a": "fetched", "b": "paid"}


def robot_in_closed_form(page):
    """The picture's last curve by the method of steps; the delay margin by
    the rightmost root of s + k exp(-s delay), Lambert's function."""
    space = dict(page)
    with contextlib.redirect_stdout(io.StringIO()):
        for cell in cells("phone_orders"):
            if "figure" in tagged(cell):
                run_cell(space, cell.source)
    k, late = 20, 0.1
    exact = np.array([1 - sum(
        (-k) ** n * (now - (n - 1) * late) ** n / factorial(n)
        for n in range(int(now / late + 1e-9) + 2))
        for now in np.arange(800) / 1000])
    off = np.abs(space["x"][:800] - exact).max()
    assert off < 0.05 * np.ptp(exact), off
    for k in (20, 10 * np.pi):        # the text's, and that of exercise 1
        margin = np.pi / 2 / k
        for delay in (0.99 * margin, margin, 1.01 * margin):
            root = lambertw(-k * delay).real / delay
            assert np.sign(round(root, 9)) == np.sign(delay - margin)
    # An example of MathWorks' allmargin: degrees, rad/s, seconds.
    assert abs(np.deg2rad(29.1104) / 1.7844 - 0.2847) < 1e-4


ORACLES = [lunch_by_simpy, lunch_in_one_formula, other_lunches,
           orders_by_clock, one_step_at_a_time, robot_in_closed_form]

WRONG = {
    "phone_orders-1": [("largest = 1 / 0.05", "which angle"),
                       ("largest = 1 / 0.05 / np.e", "first swings past"),
                       ("largest = np.pi / 0.05", "Half a turn"),
                       ("largest = 90 / 0.05", "radians")],
    "phone_orders-2": [("minute = -1", "later than Ann"),
                       ("minute = 0.5", "done by the time"),
                       ("minute = 1", "done by the time"),
                       ("minute = 4", "has ordered")],
}
OPEN = {"phone_orders-2": "every minute between one and three will do"}
