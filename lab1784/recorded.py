"""Recorded runs: networks trained for longer than a page may take.

`make record NB=name` runs the page's own cells at their full budget and
keeps, in `lab1784/weights/name/`: one file a run with the weights in half
precision, the loss of every step and the seconds; for the first seed of
every arm what is needed to go on from five steps before the end; a log in
which every started run stands; and a key of the code that made them.

A page that is recorded defines, in its experiment cells, `RECORD` (arms,
seeds, steps), `start`, `step`, `weights` and `measure`: see `train`.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import json
import linecache
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .arguments import function, said, text, whole
from .runs import progress

FOLDER = Path(__file__).parent / "weights"
MEMORIES = ("cache", "lru_cache", "remember")
LAST = 5     # how many steps before its end a run's whole state is kept


def train(start: Callable, step: Callable, arm: str, seed: int, steps: int,
          *, strength: float = 1.0, state: dict | None = None,
          first: int = 0, until: int | None = None
          ) -> tuple[dict[str, Any], list[float]]:
    """Steps `first` to `until` (all of them where not given) of one run.

    start(arm, seed, strength): a dict of all that changes: modules,
        optimizers, generators, tensors, numbers.
    step(state, t, steps, arm): one step in place, t in 0..steps-1; returns
        the loss to be drawn.
    state: where to go on, instead of start.

    Returns the state and the losses, one float a step.
    """
    function("start", start)
    function("step", step)
    seed, steps = whole("seed", seed, 0), whole("steps", steps, 1)
    until = steps if until is None else whole("until", until, 1, steps)
    first = whole("first", first, 0, until)
    torch.manual_seed(seed)  # should a page forget: runs stay repeatable
    state = start(arm, seed, strength) if state is None else state
    losses = []
    with progress(until - first) as bar:
        for t in range(first, until):
            losses.append(float(step(state, t, steps, arm)))
            bar.update()
    return state, losses


def recall(name: str, arm: str, seed: int, start: Callable, step: Callable,
           weights: Callable, *, strength: float, steps: int,
           space: dict) -> dict[str, Tensor]:
    """The recorded weights of a run at full budget; others are trained.

    weights(state, arm): dict of the tensors that a measurement needs.
    space: the page's `globals()`, which holds RECORD and the functions.

    Returns name -> tensor, rounded to half precision, as float32.
    Raises FileNotFoundError where a run of RECORD has not been recorded,
    ValueError where a function of the page is no longer the recorded one.
    """
    if not isinstance(space, dict) or "RECORD" not in space:
        raise ValueError("space should be the page's globals(), with RECORD,"
                         f" got {said(space)}")
    function("weights", weights)
    budget, arm = space["RECORD"], text("arm", arm)
    listed = arm in budget["arms"] and seed in budget["seeds"]
    if strength != 1.0 or steps != budget["steps"] or not listed:
        return halved(weights(train(start, step, arm, seed, steps,
                                    strength=strength)[0], arm))
    path = kept_run(name, arm, seed)
    index = json.loads((FOLDER / name / "index.json").read_text("utf-8"))
    edited = [f"{k}()" for k, old in index["functions"].items()
              if fingerprint_of(space.get(k)) not in (None, old)]
    edited += [k for k, old in index["values"].items()
               if k in space and repr(space[k]) != old]
    if edited:
        raise ValueError(
            f"{edited[0]} is not the one that the recorded runs of {name} "
            f"were made with: give run() other steps than {steps} to train "
            f"yours here, or make record NB={name}")
    return read(path)["weights"]


def losses(name: str, arm: str, seed: int) -> Tensor:
    """The recorded loss of every step, (steps,), to be drawn."""
    return read(kept_run(name, arm, seed))["losses"]


def kept_run(name: str, arm: str, seed: int) -> Path:
    """The file of a run; FileNotFoundError where it is not recorded."""
    path = FOLDER / text("name", name) / f"{run_name(arm, seed)}.pt"
    if not path.exists():
        raise FileNotFoundError(
            f"{name}: arm {arm!r}, seed {seed} is not recorded; run make "
            f"record NB={name}, or train it here with other steps")
    return path


def read(path: Path) -> dict:
    """One kept run: weights (float32 again), losses (steps,), seconds."""
    kept = torch.load(path, map_location="cpu", weights_only=True)
    kept["weights"] = single(kept["weights"])
    return kept


def half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """As weights are kept: real numbers in half precision, copies."""
    return {k: v.detach().half() if v.is_floating_point()
            else v.detach().clone() for k, v in tensors.items()}


def single(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """As kept weights are used: real numbers in single precision."""
    return {k: v.float() if v.is_floating_point() else v
            for k, v in tensors.items()}


def halved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Through half precision and back, as the recorded weights went."""
    return single(half(tensors))


def run_name(arm: str, seed: int) -> str:
    """File name of a run: letters, digits, - and _ only."""
    return re.sub(r"[^a-z0-9]+", "_", text("arm", arm).lower()) + f"-{seed}"


# ------------------------------------------------------- what code was run

def parsed(node: Any) -> Any:
    """A piece of Python as nested lists, without comments, layout and what
    differs between the versions of Python that parse it."""
    if isinstance(node, ast.AST):
        fields = [[k, parsed(v)] for k, v in ast.iter_fields(node)
                  if k not in ("kind", "type_comment", "type_params")]
        body = [[k, v] for k, v in fields if v not in (None, [])]
        return [type(node).__name__, body]
    if isinstance(node, list):
        return [parsed(x) for x in node]
    return node if node is None else repr(node)


def fingerprint(source: str) -> str:
    """Hash of parsed Python.  What changes no result changes nothing: a
    comment, a docstring, a memory over a function, a line `known(...)` that
    only refuses."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            node.decorator_list = [d for d in node.decorator_list
                                   if called(d) not in MEMORIES]
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:]
            node.body = [n for n in node.body if not (
                isinstance(n, ast.Expr) and called(n.value) == "known")]
    text = json.dumps(parsed(tree))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def called(node: ast.AST) -> str:
    """The last name of `a.name` or `name(...)`."""
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "attr", getattr(node, "id", ""))


def fingerprint_of(thing: Any) -> str | None:
    """That of a function or class which is there; None where its text is
    not, as in plain `exec`."""
    thing = inspect.unwrap(thing) if callable(thing) else thing
    inner = vars(thing).values() if isinstance(thing, type) else ()
    codes = [v.__code__ for v in (thing, *inner) if hasattr(v, "__code__")]
    text = "".join(linecache.getlines(codes[0].co_filename)) if codes else ""
    try:
        body = ast.parse(text).body
    except SyntaxError:                # a cell with a magic command
        return None
    mine = [n for n in body if getattr(n, "name", "") == thing.__name__]
    return fingerprint(ast.unparse(mine[-1])) if mine else None


# -------------------------------------------------------- a state on disk

def pack(state: dict[str, Any]) -> dict[str, Any]:
    """A training state as tensors, numbers and dicts alone."""
    packed = {}
    for key, value in state.items():
        if isinstance(value, torch.Generator):
            value = value.get_state()
        elif hasattr(value, "state_dict"):
            value = value.state_dict()
        elif not isinstance(value, (Tensor, int, float)):
            raise TypeError(f"state[{key!r}] should be a module, an "
                            "optimizer, a torch.Generator, a tensor or a "
                            f"number, got {type(value).__name__}")
        packed[key] = value
    return packed


def state_hash(packed: Any) -> str:
    """Hash of a packed state's content, the same for the same bits."""
    digest = hashlib.sha256()

    def add(thing: Any) -> None:
        if isinstance(thing, dict):
            thing = [x for key in sorted(thing, key=str)
                     for x in (key, thing[key])]
        if isinstance(thing, (list, tuple)):
            for x in thing:
                add(x)
        elif isinstance(thing, Tensor):
            digest.update(thing.detach().contiguous().numpy().tobytes())
        else:
            digest.update(repr(thing).encode())

    add(packed)
    return digest.hexdigest()[:16]


def unpack(state: dict[str, Any], packed: dict[str, Any]) -> dict[str, Any]:
    """Put a packed state into a fresh one; returns it."""
    if state.keys() != packed.keys():
        raise ValueError(f"the kept state holds {sorted(packed)}, this page "
                         f"needs {sorted(state)}: make record anew")
    for key, value in packed.items():
        if isinstance(state[key], torch.Generator):
            state[key].set_state(value)
        elif hasattr(state[key], "load_state_dict"):
            state[key].load_state_dict(value)
        else:
            state[key] = value
    return state
