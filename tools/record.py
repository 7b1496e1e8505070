"""Recorded runs: make them, and say what is wrong with those that are kept.

    python -m tools.record NAME [WORKERS]

Runs every (arm, seed) of the page's RECORD that is not kept yet, one thread
each; interrupted, it goes on where it stopped.  Every run that is started
stands in the log, whose lines are chained by their hashes, so that a run
that came out badly cannot be left out of it.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import inspect
import json
import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from importlib.util import find_spec, resolve_name
from pathlib import Path

import torch

from lab1784 import recorded
from lab1784.recorded import (fingerprint, pack, run_name, state_hash, train,
                              unpack)
from tests.house import cells, load, sources, tagged

CELLS = {"imports", "technique", "experiment"}
ENTRY = ("start", "step", "weights")   # what `measure` does, it does live
# What these modules do decides nothing about a network.
APPARATUS = {f"lab1784.{m}" for m in (
    "arguments", "claims", "exercises", "figures", "interactive", "memory",
    "recorded", "runs")}
PLAIN = (bool, int, float, str, tuple)
TORCH = ".".join(torch.__version__.split(".")[:2])
RUN_LIMIT, ALL_LIMIT = 500_000, 20_000_000     # bytes


def pages() -> list[str]:
    """Notebooks with recorded runs."""
    return [n for n in sources() if "RECORD = {" in
            sources()[n].read_text(encoding="utf-8")]


def code(name: str) -> str:
    return "\n".join(c.source for c in cells(name) if c.cell_type == "code"
                     and tagged(c) & CELLS)


def outline(source: str, package: str = "") -> tuple[dict, dict]:
    """name -> its top-level statements; name -> (module, name there)."""
    defined: dict[str, list] = {}
    imported: dict[str, tuple[str, str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = "." * getattr(node, "level", 0) + (
                getattr(node, "module", "") or "")
            for a in node.names:
                imported[a.asname or a.name] = (
                    (resolve_name(module, package), a.name) if module else
                    (a.name, ""))
        names = ([node.name] if hasattr(node, "name") else
                 [n.id for n in ast.walk(node) if isinstance(n, ast.Name)
                  and isinstance(n.ctx, ast.Store)])
        for name in names:
            defined.setdefault(name, []).append(node)
    return defined, imported


def parts(source: str) -> dict[tuple[str, str], str]:
    """(module, name) -> fingerprint of every function, class and value that
    training reaches by name: of the page (module '') and of lab1784."""
    outlines, found = {"": outline(source)}, {}
    todo = [("", name) for name in ENTRY]
    while todo:
        where, name = todo.pop()
        if where not in outlines:
            module = import_module(where)
            outlines[where] = outline(inspect.getsource(module),
                                      module.__package__)
        defined, imported = outlines[where]
        if (where, name) in found or where in APPARATUS:
            continue
        if name in defined:
            found[where, name] = fingerprint("\n".join(
                map(ast.unparse, defined[name])))
            for node in (n for d in defined[name] for n in ast.walk(d)):
                if isinstance(node, ast.Name):
                    todo.append((where, node.id))
                elif isinstance(node, ast.Attribute):
                    module = ".".join(imported.get(
                        getattr(node.value, "id", ""), ("", "")))
                    # data.digits, and not the method of a value: NAMES.items
                    if module.startswith("lab1784.") and find_module(module):
                        todo.append((module, node.attr))
        elif imported.get(name, ("", ""))[0].startswith("lab1784") \
                and find_module(".".join(imported[name])) is None:
            todo.append(imported[name])
    return found


def find_module(name: str):
    try:
        return find_spec(name)
    except ModuleNotFoundError:       # its parent is a module, no package
        return None


def key(name: str, space: dict | None = None, source: str | None = None
        ) -> str:
    """Of all that decides what comes out: what training reaches by name in
    the page's cells and in lab1784, the settings, the version of torch."""
    source = code(name) if source is None else source
    space = load(name) if space is None else space
    known = sorted((n, p) for (_, n), p in parts(source).items())
    text = json.dumps([known, space["RECORD"], TORCH], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# ----------------------------------------------------------------- the log

def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def lines(folder: Path) -> list[str]:
    log = folder / "log.jsonl"
    return (log.read_text(encoding="utf-8").splitlines() if log.exists()
            else [])


def entries(folder: Path) -> list[dict]:
    return [json.loads(x) for x in lines(folder)]


def head(log: list[str]) -> str:
    """The hash of the last line, which the next one and the index name."""
    return digest(log[-1].encode()) if log else ""


def note(folder: Path, **entry) -> None:
    """Append to the log; each line holds the hash of the one before."""
    with (folder / "log.jsonl").open("a+", encoding="utf-8") as log:
        fcntl.flock(log, fcntl.LOCK_EX)
        log.seek(0)
        entry["before"] = head(log.read().splitlines())
        log.write(json.dumps(entry) + "\n")


# --------------------------------------------------------------- recording

def one(name: str, arm: str, seed: int, folder: Path, space=None) -> str:
    """Make and keep one run."""
    torch.set_num_threads(1)
    space = load(name) if space is None else space
    record, made = space["RECORD"], run_name(arm, seed)
    work = (space["start"], space["step"], arm, seed, record["steps"])
    note(folder, started=made, day=time.strftime("%Y-%m-%d"))
    began, cut = time.process_time(), record["steps"] - recorded.LAST
    state, losses = train(*work, until=cut)
    packed = pack(state)
    if (arm, seed) == (record["arms"][0], record["seeds"][0]):
        torch.save(packed, folder / f"{made}.resume.pt")
    hashed = state_hash(packed)
    state, more = train(*work, state=state, first=cut)
    seconds = time.process_time() - began
    path = folder / f"{made}.pt"
    torch.save({"weights": recorded.half(space["weights"](state, arm)),
                "losses": torch.tensor(losses + more), "seconds": seconds},
               path)
    note(folder, finished=made, seconds=round(seconds),
         file=digest(path.read_bytes()), states={made: hashed})
    return f"{name}: {made} recorded in {seconds:.0f} s"


def record(name: str, workers: int = 1) -> str:
    """All runs of a page that are not kept yet, then the index."""
    folder = recorded.FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    space, index = load(name), folder / "index.json"
    now = key(name, space)
    if index.exists() and json.loads(index.read_text("utf-8"))["key"] != now:
        for old in folder.glob("*.pt"):   # of other code; the log stays
            old.unlink()
        note(folder, discarded="the code has changed", key=now)
    write_index(name, folder)
    todo = [(arm, seed) for seed in space["RECORD"]["seeds"]
            for arm in space["RECORD"]["arms"]
            if not (folder / f"{run_name(arm, seed)}.pt").exists()]
    with ProcessPoolExecutor(workers) as pool:
        for said in pool.map(one, *zip(*[(name, a, s, folder)
                                         for a, s in todo])) if todo else ():
            print(said, flush=True)
    write_index(name, folder)
    bad = problems(name)
    return "\n".join(bad) or (f"{name}: {len(space['RECORD']['seeds'])}"
                              " seeds of every arm are recorded in "
                              f"lab1784/weights/{name}")


def write_index(name: str, folder: Path) -> None:
    text = index_of(folder, load(name), code(name))
    (folder / "index.json").write_text(json.dumps(text, indent=1) + "\n",
                                       encoding="utf-8")


def index_of(folder: Path, space: dict, source: str) -> dict:
    """What the index should say: the key, and what `recall` looks at."""
    mine = {n: p for (where, n), p in sorted(parts(source).items())
            if not where}
    values = {n: repr(space[n]) for n in mine if type(space[n]) in PLAIN}
    return {"key": key("", space, source), "torch": TORCH,
            "log": head(lines(folder)),
            "functions": {n: p for n, p in mine.items()
                          if callable(space[n])},
            "values": values, "states": states(folder)}


def states(folder: Path) -> dict[str, str]:
    """Run -> hash of its state five steps before the end."""
    found: dict[str, str] = {}
    for entry in entries(folder):
        found |= entry.get("states", {})
    return found


# ---------------------------------------------------- what CI can see of it

def problems(name: str, folder: Path | None = None, space=None,
             source: str | None = None) -> list[str]:
    """Each fault of a page's kept runs, as a sentence; no training."""
    folder = folder or recorded.FOLDER / name
    again = f"(make record NB={name})"
    if not (folder / "index.json").exists():
        return [f"{name}: nothing is recorded {again}"]
    space = load(name) if space is None else space
    source = code(name) if source is None else source
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    found, should = [], index_of(folder, space, source)
    if index["key"] != should["key"]:
        found.append(f"{name}: the code, its settings or torch are not those"
                     f" of the recorded runs {again}")
    elif {**index, "log": ""} != {**should, "log": ""}:
        found.append(f"{name}: the index names other functions, values or "
                     "states than the code and the log")
    written, log = lines(folder), entries(folder)
    for number, entry in enumerate(log):
        if entry["before"] != head(written[:number]):
            found.append(f"{name}: a line of the log is missing before "
                         f"{next(iter(entry.items()))}")
    if index["log"] != head(written):
        found.append(f"{name}: the log is not the one that the index names")
    hashes, first = states(folder), first_run(space)
    state = folder / f"{first}.resume.pt"
    if not state.exists() or state_hash(torch.load(
            state, weights_only=True)) != hashes.get(first):
        found.append(f"{name}: the kept state of {first} is not the one "
                     "whose hash the log names")
    files = {e["finished"]: e["file"] for e in log if "finished" in e}
    for arm in space["RECORD"]["arms"]:
        for seed in space["RECORD"]["seeds"]:
            made = run_name(arm, seed)
            path = folder / f"{made}.pt"
            if not path.exists() or made not in files:
                found.append(f"{name}: {made} is not recorded {again}")
            elif digest(path.read_bytes()) != files[made]:
                found.append(f"{name}: {made} is not the file that the log "
                             "names")
            elif path.stat().st_size > RUN_LIMIT:
                found.append(f"{name}: {made} takes {path.stat().st_size} "
                             f"bytes, {RUN_LIMIT} are allowed")
    return found


def first_run(space: dict) -> str:
    """The run whose state is kept whole."""
    return run_name(space["RECORD"]["arms"][0], space["RECORD"]["seeds"][0])


def unfinished(folder: Path) -> list[str]:
    """Runs that were started once more often than they were finished."""
    log = entries(folder)
    starts = [e["started"] for e in log if "started" in e]
    ends = [e["finished"] for e in log if "finished" in e]
    return sorted({s for s in starts if starts.count(s) > ends.count(s)})


def begins(name: str, arm: str, space: dict, folder: Path | None = None
           ) -> list[str]:
    """The first five steps of an arm, live, against the recorded losses.

    The first two agree to rounding.  From the third on another processor's
    last bits may show: of a gradient near zero they decide the sign, and
    Adam makes a whole step of it.
    """
    folder = folder or recorded.FOLDER / name
    seed = space["RECORD"]["seeds"][0]
    _, live = train(space["start"], space["step"], arm, seed,
                    space["RECORD"]["steps"], until=5)
    kept = recorded.read(folder / f"{run_name(arm, seed)}.pt")["losses"]
    return [f"{name}: step {t} of {arm}, seed {seed} has the loss {a:.6f}, "
            f"recorded was {b:.6f}" for t, (a, b) in
            enumerate(zip(live, kept.tolist()))
            if not math.isclose(a, b, rel_tol=1e-4 if t < 2 else 1e-2,
                                abs_tol=1e-6)]


def ends(name: str, space: dict, folder: Path | None = None) -> list[str]:
    """From the kept state five steps before the end to the weights."""
    folder = folder or recorded.FOLDER / name
    arm, seed = space["RECORD"]["arms"][0], space["RECORD"]["seeds"][0]
    steps = space["RECORD"]["steps"]
    made = run_name(arm, seed)
    state = unpack(space["start"](arm, seed, 1.0), torch.load(
        folder / f"{made}.resume.pt", weights_only=True))
    state, live = train(space["start"], space["step"], arm, seed, steps,
                        state=state, first=steps - recorded.LAST)
    kept = recorded.read(folder / f"{made}.pt")
    found = [f"{name}: one of the last losses of {made} is {a:.6f}, recorded"
             f" was {b:.6f}" for a, b in
             zip(live, kept["losses"].tolist()[-recorded.LAST:])
             if not math.isclose(a, b, rel_tol=1e-3, abs_tol=1e-5)]
    fresh = recorded.halved(space["weights"](state, arm))
    for part, old in kept["weights"].items():
        near = torch.isclose(fresh[part].float(), old.float(), rtol=2e-3,
                             atol=1e-3)
        if (~near).float().mean() > 0.01:   # another CPU's last bits: a few
            found.append(f"{name}: {made} does not resume to the recorded "
                         f"weights in {part}")
    return found


def anew(name: str, arm: str, seed: int, space: dict,
         folder: Path | None = None) -> str:
    """Train one run whole and say how it compares: what CI cannot do.

    'to the last bit'; 'within the seeds' where no metric moved by more than
    three sds of the arm's other seeds (another CPU drifts in the last
    bits); otherwise what differs."""
    folder = folder or recorded.FOLDER / name
    record = space["RECORD"]
    work = (space["start"], space["step"], arm, seed, record["steps"])
    cut, made = record["steps"] - recorded.LAST, run_name(arm, seed)
    state, losses = train(*work, until=cut)
    hashed = state_hash(pack(state))
    state, more = train(*work, state=state, first=cut)
    losses += more
    fresh = recorded.halved(space["weights"](state, arm))
    kept = recorded.read(folder / f"{made}.pt")
    if torch.equal(torch.tensor(losses), kept["losses"]) and all(
            torch.equal(fresh[k], v) for k, v in kept["weights"].items()):
        if states(folder).get(made, hashed) != hashed:
            return "differs: the state five steps before the end"
        return "to the last bit"
    measure = space["measure"]
    others = [measure(recorded.read(
        folder / f"{run_name(arm, s)}.pt")["weights"], arm, s)
        for s in record["seeds"] if s != seed]
    far = []
    old = measure(kept["weights"], arm, seed)
    for metric, value in measure(fresh, arm, seed).items():
        values = torch.tensor([o[metric] for o in others])
        room = 3 * float(values.std()) + 1e-6
        if abs(value - old[metric]) > room:
            far.append(f"{metric} {old[metric]:.3f} became {value:.3f}")
    drift = max(abs(a - b) for a, b in zip(losses, kept["losses"].tolist()))
    if far:
        return "differs: " + ", ".join(far)
    return f"within the seeds (loss apart by at most {drift:.2g})"


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in pages():
        print(f"make record NB=name, where name is one of: "
              f"{', '.join(pages()) or 'no page is recorded yet'}",
              file=sys.stderr)
        return 1
    print(record(arguments[0], int((arguments + ["1"])[1])))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
