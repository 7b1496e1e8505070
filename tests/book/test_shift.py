"""Gate 7 on one page: a row of the committed trust table repeats.

The commit's hash draws a short page and some of its row's shifts, as many
as take about a minute; the page is run again there.  `make trust` does so
for every page, at new shifts.
"""

import json
import random
import subprocess

from tests import gates
from tests.house import ROOT, records, sources, twin
from tools import board, trust

TABLE = json.loads((ROOT / "assets" / "trust.json").read_text("utf-8"))
SECONDS, TOGETHER = 40, 80


def drawn(head: str, pages: dict, times: dict, untried: set[str]
          ) -> tuple[str, list[int]]:
    """(page, which of its shifts): a live page of under SECONDS, at as many
    shifts as fit into TOGETHER; none of `untried`, whose claims the table
    does not have."""
    short = {path.rsplit("/", 1)[1]: row for path, row in pages.items()}
    short = {name: row for name, row in short.items()
             if times.get(name, {}).get("seconds", SECONDS) < SECONDS
             and "anew" not in row and name not in untried}
    draw = random.Random(head)
    name = draw.choice(sorted(short))
    many = max(1, int(TOGETHER // times[name]["seconds"]))
    return name, sorted(draw.sample(range(3), min(3, many)))


def disagreements(record: dict, told: dict, at: int, shift: int,
                  fresh: dict | None) -> list[str]:
    """What a run at the row's shift number `at` says other than the row."""
    name = record["id"]
    if fresh is None:
        return [f"{name}: the shifted run failed"]
    found = []
    if fresh["seeds"] != [s + shift for s in record["seeds"]]:
        found.append(f"{name}: ran on the seeds {fresh['seeds']}, which are "
                     f"not the claim's moved by {shift}")
    low, high = fresh["interval"]
    gap = abs(fresh["effect"] - told["effects"][at])
    if gap > (high - low) / 2 + 1e-6:
        found.append(f"{name}: the table says {told['effects'][at]:.4f} at "
                     f"{shift}, this run {fresh['effect']:.4f}")
    if told["noise"] == "passes":
        found += gates.noise(record, fresh)
    return found


def test_a_shifted_page_repeats(tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "KEPT", tmp_path)  # nothing from before
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True,
                          capture_output=True).stdout
    claims = board.read("results.json")
    page, which = drawn(head, TABLE["pages"], board.read("bench.json"),
                        {claims[name]["notebook"].rsplit("/", 1)[1]
                         for name in board.untried()})
    row = TABLE["pages"][sources()[page].with_suffix("").relative_to(
        ROOT).as_posix()]
    for at in which:
        run = trust.shifted(page, row["shifts"][at])
        for record in records(twin(page)):
            found = disagreements(
                record, row["claims"][record["id"]], at, row["shifts"][at],
                run.get(record["id"]))
            assert not found, f"{found}; make trust NB={page}"


def test_what_does_not_repeat_is_seen():
    """Planted: seeds that stayed, an effect that turned, noise, no run."""
    arms = {"method": [0.9, 0.8, 0.9], "rival": [0.5, 0.6, 0.5]}
    record = {"id": "x", "kind": "superior", "least_effect": 0.1, "baseline":
              "rival", "arm": "method", "better": "higher", "arms": arms,
              "seeds": [0, 1, 2]}
    fresh = record | {"seeds": [7, 8, 9], "effect": 0.33,
                      "interval": [0.2, 0.46]}
    told = {"effects": [0.3, -0.2], "noise": "passes"}

    def seen(at=0, shift=7, **change):
        return " ".join(disagreements(record, told, at, shift,
                                      fresh | change))
    assert seen() == ""
    assert "not the claim's moved by 8" in seen(shift=8)
    assert "the table says -0.2000" in seen(at=1)
    loud = {"method": arms["method"], "rival": [0.9, 0.95, 0.85]}
    assert "within the noise" in seen(arms=loud)
    assert disagreements(record, told, 0, 7, None)


def test_short_pages_alone_are_drawn():
    pages = {f"notebooks/1-x/{name}": {"claims": {name: {}}}
             for name in ("quick", "half", "slow", "new")}
    pages["notebooks/1-x/taped"] = {"claims": {}, "anew": {}}
    times = {"quick": {"seconds": 10}, "half": {"seconds": 39},
             "slow": {"seconds": 50}, "taped": {"seconds": 9},
             "new": {"seconds": 9}}
    seen = {drawn(str(n), pages, times, {"new"})[0]: len(
        drawn(str(n), pages, times, {"new"})[1]) for n in range(40)}
    assert seen == {"quick": 3, "half": 2}
