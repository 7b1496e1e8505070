"""phone_orders: what this stop must survive (see test_every_page.py)."""

import numpy as np


def by_hand(page):
    """Worked out with a pencil: no derivation shared with the page."""
    assert list(page["waits"](np.array([0, 4, 30]), np.array([10, 3, 1]))) \
        == [0, 6, 0]


ORACLES = [by_hand]

WRONG = {
    "phone_orders-1": [("mean_wait = 10", "second one alone")],
    "phone_orders-2": [("arrivals = [0, 5, 10]", "somebody waits")],
}
OPEN = {"phone_orders-2": "many arrivals lie between ten and twenty seconds apart"}
