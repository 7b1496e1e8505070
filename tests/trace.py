"""A run seen from outside: what it drew, learned from and was examined on.

`traced` runs one arm on one seed and takes notes, without a word in the
page: torch and NumPy are watched while it runs.  `problems` compares the
notes of arms and seeds, and says what an experiment must not do.
"""

from __future__ import annotations

import contextlib
import hashlib
import random
import sys
from collections import Counter
from collections.abc import Iterator
from unittest import mock

import numpy as np
import torch
from torch import nn
from torch.nn.modules import batchnorm, dropout, module
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.overrides import TorchFunctionMode

DRAWS = ("randint", "randperm", "multinomial")
FEW = 8      # shorter draws may be equal by chance


def digest(*arrays) -> str:
    made = hashlib.blake2b(digest_size=8)
    for x in arrays:
        x = x.detach().numpy() if isinstance(x, torch.Tensor) else x
        made.update(repr(np.shape(x)).encode())
        made.update(np.ascontiguousarray(x).tobytes())
    return made.hexdigest()


class Trace(TorchFunctionMode):
    """Notes of one run.

    values: what run() returned.   updates: steps of all optimizers, fits.
    start: the weights before each optimizer's first step, or the rows of
        scikit-learn's first fit.
    rates: the learning rate of each optimizer's first step; for a fit of
        scikit-learn, its C.
    batches: counts of what was drawn and picked from the first update to
        the last; where nothing learns, of all that NumPy drew.
    learned, examined: rows that a network saw and then learned from, and
        those that it saw after its last update, in order.
    loud: layers that were in training mode while the network was examined.
    reused: seeds used before the last update, and anew after it.
    seeds: those that the page itself gave to generators.
    """

    def __init__(self):
        super().__init__()
        self.values, self.updates, self.start, self.rates = {}, 0, [], []
        self.batches, self.learned, self.examined = Counter(), set(), []
        self.drawn = []          # since the last update
        self.loud, self.reused, self.streams = set(), set(), []
        self.seeds = set()
        self.seen, self.used, self.fresh, self.depth = [], set(), set(), 0
        self.open = []           # (rows, loud layers, with gradient?)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        got, name = func(*args, **(kwargs or {})), func.__name__
        if name in DRAWS:
            self.pick(got)
        elif name == "__getitem__":
            i = args[1][0] if isinstance(args[1], tuple) and args[1] else \
                args[1]
            if (isinstance(i, torch.Tensor) and i.dtype == torch.int64
                    and i.dim() == 1 and len(i) < len(args[0])):
                self.pick(i)
        elif name in ("backward", "grad"):
            self.learn()
        return got

    def seed(self, seed, frame):
        self.fresh.add(repr(seed))
        if frame.f_globals.get("__name__", "").startswith("page_"):
            self.seeds.add(repr(seed))

    def pick(self, numbers):
        if numbers.numel() >= FEW:
            self.drawn.append(digest(numbers))

    def learn(self):
        """What was seen with a gradient has been learned from."""
        for rows, _, graded in self.open:
            self.learned |= set(rows) if graded else set()
        self.open = [saw for saw in self.open if not saw[2]]

    def update(self):
        if self.updates:         # what came before also drew the data
            self.batches.update(self.drawn)
        self.updates += 1
        self.used |= self.fresh
        self.open, self.fresh, self.drawn = [], set(), []

    def before_step(self, optimizer, args, kwargs):
        weights = [p for o in optimizer.param_groups for p in o["params"]]
        if all(p.grad is None for p in weights):
            return
        if not any(optimizer is o for o in self.seen):
            self.seen.append(optimizer)
            self.start.append(digest(*weights))
            self.rates.append(float(optimizer.param_groups[0]["lr"]))
        self.update()

    def before_layer(self, layer, inputs):
        if self.depth == 0:
            self.open.append((rows_of(inputs), set(),
                              torch.is_grad_enabled()))
        self.depth += 1
        if layer.training and self.open and isinstance(
                layer, (batchnorm._BatchNorm, dropout._DropoutNd)):
            self.open[-1][1].add(type(layer).__name__)

    def after_layer(self, *_):
        self.depth -= 1

    def end(self, values):
        self.values, self.reused = values, self.used & self.fresh
        for rows, loud, _ in self.open:
            self.examined += rows
            self.loud |= loud
        if not self.updates:
            self.batches.update(s.hexdigest() for s in self.streams)


def rows_of(inputs) -> list[str]:
    """A digest of each row of the first tensor or array among inputs."""
    for x in inputs:
        if isinstance(x, (torch.Tensor, np.ndarray)) and x.ndim:
            try:
                return [digest(row) for row in x]
            except RuntimeError:     # within vmap a tensor has no values
                return []
    return []


@contextlib.contextmanager
def watching(space, trace):
    """All that is watched, for as long as the block lasts."""
    class Generator(torch.Generator):
        def manual_seed(self, seed):
            trace.seed(seed, sys._getframe(1))
            return super().manual_seed(seed)

    class Noted(np.random.Generator):
        def __getattribute__(self, name):
            found = super().__getattribute__(name)
            if name.startswith("_") or not callable(found):
                return found

            def noted(*args, **kwargs):
                got = found(*args, **kwargs)
                vars(self)["made"].update(np.asarray(got).tobytes())
                return got
            return noted

    def default_rng(seed=None):
        if isinstance(seed, np.random.Generator):
            return seed
        trace.seed(seed, sys._getframe(1))
        rng = Noted(np.random.PCG64(seed))
        vars(rng)["made"] = hashlib.blake2b(digest_size=8)
        trace.streams.append(vars(rng)["made"])
        return rng

    def fit(real):
        def noted(self, x, *args, **kwargs):
            rows = rows_of([np.asarray(x)])
            if not trace.updates:
                trace.start.append(digest(np.asarray(x)))
                trace.rates.append(getattr(self, "C", np.nan))
            trace.drawn.append(digest(np.asarray(x)))
            trace.learned |= set(rows)
            trace.update()
            return real(self, x, *args, **kwargs)
        return noted

    def exam(real):
        def noted(self, x, *args, **kwargs):
            trace.open.append((rows_of([np.asarray(x)]), set(), False))
            return real(self, x, *args, **kwargs)
        return noted

    with contextlib.ExitStack() as on:
        on.enter_context(mock.patch.object(torch, "Generator", Generator))
        on.enter_context(mock.patch.object(np.random, "default_rng",
                                           default_rng))
        for made in {v for v in space.values() if isinstance(v, type)
                     and v.__module__.startswith("sklearn.")}:
            for name, how in (("fit", fit), ("predict", exam),
                              ("score", exam)):
                if hasattr(made, name):
                    on.enter_context(mock.patch.object(
                        made, name, how(getattr(made, name))))
        for hook in (register_optimizer_step_pre_hook(trace.before_step),
                     module.register_module_forward_pre_hook(
                         trace.before_layer),
                     module.register_module_forward_hook(
                         trace.after_layer, always_call=True)):
            on.callback(hook.remove)
        on.enter_context(trace)
        yield trace


def forget(space):
    """Empties the memories of a page's functions."""
    for thing in list(space.values()):
        for name in ("cache_clear", "forget"):
            if callable(getattr(thing, name, None)):
                getattr(thing, name)()


def traced(space, arm, seed, run="run", state=0, **settings) -> Trace:
    """The notes of run(arm, seed, **settings).

    state: of the generators that nobody should draw from unseeded.
    """
    forget(space)
    torch.manual_seed(state)
    np.random.seed(state)
    random.seed(state)
    with watching(space, Trace()) as trace:
        values = space[run](arm, seed, **settings)
    trace.end(values)
    forget(space)
    return trace


def problems(space, arms, run="run", seed=1000, updates=None, rates=(),
             but=None, **settings) -> Iterator[str]:
    """What is wrong with the experiment, each 'key: sentence', as soon as
    it is known.

    arms: those that share start, batches and exam on one seed.
    updates: how many steps of optimizers (or fits) one run takes.
    rates: [(arm, settings, learning rate of the first step)].
    but: key -> reason, for what the page does so by design.
    """
    def go(arm, seed=seed, **more):
        return traced(space, arm, seed, run, **{**settings, **more})

    def told():
        first, other = go(arms[0]), go(arms[0], seed=seed + 13)
        yield from of_seeds(first, other)
        for arm in arms:
            one = first if arm == arms[0] else go(arm)
            yield from of_one(one, arm, other.reused)
            yield from of_arms(one, first, arm, arms[0])
            if updates is not None and one.updates != updates:
                yield f"updates: {arm} takes {one.updates} of {updates}"
        again = go(arms[0], state=1)
        if (first.values, first.batches) != (again.values, again.batches):
            yield "repeat: the same arm and seed give other numbers"
        for arm, more, rate in rates:
            got = go(arm, **more).rates[:1]
            if not np.allclose(got, [rate]):
                yield f"rate: {arm} {more} starts at {got}, not {rate}"

    return (said for said in told()
            if said.partition(":")[0] not in (but or {}))


def of_one(one, arm, always) -> Iterator[str]:
    """always: seeds that runs of any seed reuse, a constant of the data."""
    new = set(one.examined)
    if one.loud:
        yield f"mode: {arm} is examined with {one.loud} in training mode"
    if one.learned and not new - one.learned:
        yield f"exam: {arm} is examined on nothing new"
    elif len(one.learned & new) > 0.01 * len(new):
        yield f"exam: {arm} learned rows it is examined on"
    if one.reused - always:
        yield (f"seed: {arm} draws from {one.reused} again after it has "
               "learned")


def of_arms(one, first, arm, other) -> Iterator[str]:
    if one.start != first.start:
        yield f"start: {arm} does not start as {other} does"
    if one.batches - first.batches and first.batches - one.batches:
        yield f"batches: {arm} and {other} see others"
    if one.examined[:1] != first.examined[:1]:
        yield f"test: {arm} and {other} have other tests"


def of_seeds(first, other) -> Iterator[str]:
    if set(first.start) & set(other.start):
        yield "every start: two seeds start from the same weights"
    if set(first.batches) & set(other.batches):
        yield "every batch: two seeds draw the same numbers"
    if first.seeds & other.seeds:
        yield (f"every seed: {first.seeds & other.seeds} seeds a generator "
               "of every run")
    if first.examined and first.examined[:1] == other.examined[:1]:
        yield "every test: two seeds have the same test"


class Says(nn.Module):
    """A network that gives known answers, whatever it sees.

    answers: (N,) class numbers.  sure: the logit of the answer, others 0.
    For the page's own scoring: perfect, constant, always wrong.
    """

    def __init__(self, answers, classes, sure=30.0):
        super().__init__()
        self.logits = sure * nn.functional.one_hot(answers, classes).float()

    def forward(self, x):
        return self.logits[:len(x)]
