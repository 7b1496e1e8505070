"""Gates 5 to 7 over the whole book: null strength, noise, shifted seeds.

    python -m tools.trust [NAME...]
    JOBS=2 sets how many notebooks run at once

Each notebook is run three times with every seed shifted; the shifts are
drawn from the hash of the commit that changed it or the apparatus last, so
that nobody chooses them.  What a run gave is kept in _build/trust under a
key of its sources: a second call goes on where the first one stopped.  A
page's rows go to assets/trust.json, beside those of the others, and from
there to chapters/trust.md.

A page with recorded runs is too long for three shifts.  Of it one run,
drawn from the hash as well, is trained anew and compared.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests import gates
from tests.house import cells, load, records, sources, spec, technique_pages, twin
from tools import board, nb, record
from tools.bench import processor

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "_build" / "trust"
STABLE = {True: "stable", False: "NOT STABLE", None: "recorded"}
# Away from the seeds of the claims, of development, and of one another.
SHIFTS = range(20_000, 900_000, 1_000)


def commit(name: str) -> str:
    """The commit that changed the page or the apparatus last.  Raises
    nb.Stop where a change is not committed: it would have no hash."""
    about = [sources()[name].relative_to(ROOT).as_posix(), "lab1784"]
    told = [subprocess.run(["git", *words, "--", *about], cwd=ROOT,
                           encoding="utf-8",
                           capture_output=True).stdout.strip()
            for words in (("status", "--porcelain"),
                          ("log", "-1", "--format=%H"))]
    if told[0] or not told[1]:
        raise nb.Stop(f"{name}: commit {' and '.join(about)} first: the "
                      "shifts are drawn from the commit's hash.")
    return told[1]


def key(name: str, shift: int) -> str:
    """Changes when the page's code or the apparatus does."""
    code = hashlib.sha256("\n".join(
        c.source for c in cells(name) if c.cell_type == "code").encode())
    for path in sorted((ROOT / "lab1784").rglob("*.py")):
        code.update(path.read_bytes())
    return f"{name}-{code.hexdigest()[:12]}-{shift}"


def shifted(name: str, shift: int) -> dict[str, dict]:
    """Records of the notebook's claims with every seed shifted.

    A verdict may differ there and raise: that is what we came to see, so
    the run goes on after an error and the records are taken as they are.
    """
    kept = KEPT / f"{key(name, shift)}.json"
    if kept.exists():
        return json.loads(kept.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        env = os.environ | nb.THREADS | {
            "LAB1784_SEED": str(shift), "LAB1784_RECORDS": folder,
            "LAB1784_QUIET": "1", "PYTHONPATH": str(ROOT)}
        nb.play(nb.read_twin(sources()[name]), Path(folder), env,
                timeout=1800, allow_errors=True)
        found = {p.stem: json.loads(p.read_text(encoding="utf-8"))
                 for p in Path(folder).glob("*.json")}
    kept.parent.mkdir(parents=True, exist_ok=True)
    nb.write(kept, json.dumps(found))
    return found


def null(name: str) -> str:
    """Gate 5 at the page's full budget; a recorded page's at the small one
    of its tests, for its full one takes minutes and half precision."""
    page = spec(name)
    if getattr(page, "NULL", None) is None:
        return "none: " + page.NO_NULL
    short = name in record.pages()
    settings = {k: v for k, v in page.NULL.items() if k != "steps" or short}
    found = gates.null_strength(load(name)["run"], **settings)
    return "; ".join(found) or "equal to the last bit"


def judge(name: str, shifts: list[int]) -> dict:
    """Every claim of one page at every shift."""
    committed = {r["id"]: r for r in records(twin(name))}
    if name in record.pages():
        return recorded(name, shifts[0], committed)
    runs = [shifted(name, s) for s in shifts]
    return {"null": null(name), "claims": {
        k: told(old, [r.get(k) for r in runs])
        for k, old in committed.items()}}


def told(old: dict, again: list[dict | None]) -> dict:
    """What shifted runs (None: it failed) say of the committed claim."""
    row = {"seeds": old["seeds"], "noise": "run failed", "effects": [],
           "again": 0, "stable": False}
    if None in again:
        return row
    noisy = [n for r in again for n in gates.noise(old, r)]
    return row | {"noise": "; ".join(noisy) or "passes",
                  "effects": [r["effect"] for r in again],
                  "again": sum(r["verdict"] == old["expect"] for r in again),
                  "stable": gates.stable(old, again)}


def recorded(name: str, draw: int, committed: dict) -> dict:
    """One of a page's recorded runs, trained anew in whole."""
    space, folder = load(name), record.recorded.FOLDER / name
    budget = space["RECORD"]
    runs = [(a, s) for a in budget["arms"] for s in budget["seeds"]]
    arm, seed = random.Random(draw).choice(runs)
    kept = KEPT / f"{key(name, draw)}-anew.txt"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(record.anew(name, arm, seed, space), encoding="utf-8")
    return {"null": null(name), "anew": {
        "arm": arm, "seed": seed, "repeats": kept.read_text(encoding="utf-8"),
        "runs": len(runs), "unfinished": record.unfinished(folder)},
        "claims": {k: {"seeds": r["seeds"], "noise": "not run", "effects": [],
                       "again": 0, "stable": None}
                   for k, r in committed.items()}}


def merge(path: str, row: dict) -> None:
    """Put one page's row into the table; the others stay, but for pages
    that are no more."""
    out = ROOT / "assets" / "trust.json"
    table = json.loads(out.read_text(encoding="utf-8")) if out.exists() \
        else {"pages": {}}
    pages = table["pages"] | {path: row}
    nb.write(out, json.dumps({"pages": {
        k: pages[k] for k in sorted(pages)
        if (ROOT / f"{k}.py").exists()}}, indent=1) + "\n")
    board.update()


def trust(names: list[str]) -> None:
    """Run and judge these pages; each is written down when it is done."""
    names = [nb.source(n).stem for n in names] or technique_pages()
    drawn = {n: commit(n) for n in names}
    shifts = {n: random.Random(h).sample(SHIFTS, 3) for n, h in drawn.items()}
    live = [n for n in names if n not in record.pages()]
    children: list[subprocess.Popen] = []

    def apart(job: tuple[str, int]) -> None:
        if not (KEPT / f"{key(*job)}.json").exists():
            children.append(subprocess.Popen(
                [sys.executable, "-m", "tools.trust", "--shift", job[0],
                 str(job[1])], cwd=ROOT))
            children[-1].wait()

    with ThreadPoolExecutor(int(os.environ.get("JOBS", 2))) as pool:
        jobs = {n: [pool.submit(apart, (n, s)) for s in shifts[n]]
                for n in live}
        try:
            for name in names:
                for job in jobs.get(name, ()):
                    job.result()
                path = nb.short(sources()[name].with_suffix(""))
                row = {"commit": drawn[name], "cpu": processor(),
                       "date": datetime.date.today().isoformat(),
                       "shifts": shifts[name]} | judge(name, shifts[name])
                merge(path, row)
                print(f"{name}: " + ", ".join(
                    f"{k} {STABLE[c['stable']]}"
                    for k, c in row["claims"].items()), flush=True)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in children:
                child.terminate()
            raise


def main(arguments: list[str]) -> int:
    os.environ["LAB1784_QUIET"] = "1"   # no bar of a run trained anew
    try:
        if arguments[:1] == ["--shift"]:
            shifted(arguments[1], int(arguments[2]))
        else:
            trust(arguments)
            print("The trust table is in assets/trust.json and "
                  "chapters/trust.md")
    except nb.Stop as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        if arguments[:1] != ["--shift"]:
            print("Interrupted: what is finished is kept, and the same "
                  "command goes on from there.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
