"""What is remembered is forgotten when other code would compute it."""

import textwrap

import pytest
import torch

from lab1784 import remember

PAGE = textwrap.dedent('''
    import functools
    import numpy as np
    from lab1784 import remember

    RATE, TABLE = 2.0, np.arange(3.0)

    def count():
        """Leaves the page's own values alone."""
        import builtins
        builtins.tried = getattr(builtins, "tried", 0) + 1

    def technique(x):
        return RATE * x

    class Net:
        scale = 1.0
        def forward(self, x):
            return technique(x) * self.scale

    def rule(x):
        return x + TABLE.sum()

    RULES = {"sum": rule}

    @remember(most=3)
    def train(arm, seed, steps=1):
        count()
        return RULES["sum"](Net().forward(seed)) + steps
''')


@pytest.fixture
def page(monkeypatch):
    import builtins
    monkeypatch.setattr(builtins, "tried", 0, raising=False)
    space = {"__name__": "a_page"}
    exec(PAGE, space)

    def tried(*args, **more):
        """(value, how often it was computed)"""
        before = builtins.tried
        return space["train"](*args, **more), builtins.tried - before
    return space, tried


def test_it_remembers_by_arguments(page):
    _, train = page
    assert train("a", 1) == (6.0, 1)
    assert train("a", seed=1, steps=1) == (6.0, 0)
    assert train("a", 2)[1] == train("b", 1)[1] == 1
    assert train("a", 1, 5)[1] == 1
    assert train("a", 1)[1] == 1, "most=3: the oldest is gone"


@pytest.mark.parametrize("edit,value", [
    ("def technique(x):\n    return RATE * x * 10", 24.0),
    ("RATE = 3.0", 7.0),
    ("TABLE = np.arange(4.0)", 9.0),
    ("class Net:\n    scale = 2.0\n    def forward(self, x):\n"
     "        return technique(x) * self.scale", 8.0),
    ("Net.scale = 3.0", 10.0),
    ("RULES['sum'] = lambda x: x", 3.0),
    ("@functools.cache\ndef technique(x):\n    return -x", 3.0)])
def test_an_edit_of_what_it_uses_is_seen(page, edit, value):
    space, train = page
    assert train("a", 1) == (6.0, 1) and train("a", 1) == (6.0, 0)
    exec(edit, space)
    assert train("a", 1) == (value, 1)


def test_what_it_does_not_use_changes_nothing(page):
    space, train = page
    train("a", 1)
    exec("def other(x):\n    return x\nSEEN = 3\n\n\ndef technique(x):\n"
         "    # a comment, and other lines\n    return RATE * x", space)
    assert train("a", 1) == (6.0, 0)


def test_who_writes_into_a_result_does_not_spoil_the_memory():
    @remember
    def pictures(n):
        return torch.ones(n), {"all": [n]}
    first, names = pictures(3)
    first[:] = 0
    names["all"].append(1)
    again, names = pictures(3)
    assert again.tolist() == [1, 1, 1] and names == {"all": [3]}
