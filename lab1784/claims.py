"""A claim: stated in advance, judged by one rule, kept as a record."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path

from .runs import Runs

KINDS = ("superior", "no_worse", "equal", "exact")
VERDICTS = ("holds", "does not hold", "not settled")
BOUND = {"superior": "least_effect", "no_worse": "margin",
         "equal": "margin", "exact": "tolerance"}


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean and two-sided 95 % Student t interval of paired differences.

    differences: (n,) floats, n >= 3, finite.  Returns (mean, low, high) in
    the same unit.  No bootstrap: below twenty seeds it is too narrow.
    """
    d = [float(x) for x in differences]
    if len(d) < 3:
        raise ValueError("differences should hold at least three seeds, "
                         f"got {len(d)}")
    if not all(map(math.isfinite, d)):
        raise ValueError("differences should be finite numbers, got "
                         f"{d}")
    n = len(d)
    mean = math.fsum(d) / n
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in d) / (n - 1))
    half = t_quantile(n - 1, 0.975) * spread / math.sqrt(n)
    return mean, mean - half, mean + half


def t_quantile(df: int, p: float) -> float:
    """Quantile of Student's t with df degrees of freedom (scipy)."""
    from scipy.special import stdtrit  # scipy.stats takes a second to load
    return float(stdtrit(df, p))


def verdict(differences: Sequence[float], kind: str = "superior",
            threshold: float = 0.0) -> str:
    """'holds', 'does not hold' or 'not settled'.

    differences: (n,) paired differences, oriented so that larger is better
        for the arm that is claimed about.
    kind and threshold: 'superior' with the least effect, 'no_worse' and
        'equal' with the margin, 'exact' with the tolerance; all >= 0.
    """
    if kind not in KINDS:
        raise ValueError(f"kind should be one of {', '.join(KINDS)}; "
                         f"got {kind!r}")
    if not (isinstance(threshold, (int, float)) and threshold >= 0):
        raise ValueError(f"threshold ({BOUND[kind]}) should be a number >= 0,"
                         f" got {threshold}")
    mean, low, high = interval(differences)
    if kind == "exact":
        worst = max(abs(float(x)) for x in differences)
        return "holds" if worst <= threshold else "does not hold"
    if kind == "superior":
        yes, no = low > 0 and mean >= threshold, high < threshold
    elif kind == "no_worse":
        yes, no = low > -threshold, high < -threshold
    else:
        yes = -threshold < low and high < threshold
        no = low > threshold or high < -threshold
    return "holds" if yes else "does not hold" if no else "not settled"


def claim(id: str, statement: str, runs: Runs, *, metric: str, arm: str,
          baseline: str, reason: str, kind: str = "superior",
          least: float | None = None, margin: float | None = None,
          better: str = "higher", bad: str | None = None,
          expect: str = "holds", paper: str = "") -> dict:
    """Judge one claim, draw it, keep its record; raise where it surprises.

    id:        lower-case name, unique in the book, e.g. 'cutmix-hidden'.
    statement: one sentence that can be false.
    runs:      what `compare` returned.
    metric, arm, baseline: keys of `runs`; the baseline is the strongest
               rival, named before the run.
    kind:      'superior' (needs `least`), 'no_worse', 'equal' or 'exact'
               (need `margin`; for 'exact' it is the tolerance).
    least, margin: in the metric's unit; `reason` says where it comes from.
    better:    'higher' or 'lower'.
    bad:       for no_worse and equal: an arm with known damage; the claim
               must fail on it, or it would pass for anything.
    expect:    the verdict that the page reports.
    paper:     what the paper claims, in one sentence.

    Returns the record (a dict, all of it JSON).  Raises TypeError or
    ValueError where an argument is malformed, AssertionError where the bad
    arm passes or, where pages are made and tested (see `strict`), the
    verdict is not the expected one; a reader is told so in one line.
    """
    record = _record(id, statement, runs, metric, arm, baseline, reason,
                     kind, least, margin, better, bad, expect, paper)
    from . import figures  # matplotlib only where something is drawn
    figures.draw_claim(record)
    print(summary(record))
    folder = os.environ.get("LAB1784_RECORDS")
    if folder:
        path = Path(folder) / f"{id}.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1))
    if record["verdict"] != expect:
        said = (f"claim {id!r}: the page reports {expect!r}, this run says "
                f"{record['verdict']!r}")
        if strict():
            raise AssertionError(f"{said}; look for what changed, or report "
                                 "the new verdict with expect=")
        print(f"{said}. Another processor or other seeds may turn a verdict "
              "that was close: see the trust table.")
    return record


def strict() -> bool:
    """Whether a surprising verdict raises: where pages are made and tested
    (make run, make test), and not on a reader's machine, where *Run all*
    must go on after a claim that was close."""
    return bool({"LAB1784_RECORDS", "LAB1784_QUIET",
                 "PYTEST_VERSION"} & os.environ.keys())


def summary(record: dict) -> str:
    """The record in one line: verdict, effect, interval, threshold."""
    low, high = record["interval"]
    word = BOUND[record["kind"]]
    if record["kind"] == "exact":
        a, b = (record["arms"][record[k]] for k in ("arm", "baseline"))
        worst = max(abs(x - y) for x, y in zip(a, b))
        return (f"{record['id']} (exact): {record['verdict']}. largest "
                f"|{record['arm']} - {record['baseline']}| = {worst:.1e}, "
                f"tolerance {record[word]:.1e}, "
                f"{len(record['seeds'])} seeds")
    return (f"{record['id']} ({record['kind']}): {record['verdict']}. "
            f"{record['arm']} - {record['baseline']} = "
            f"{record['effect']:+.3f} [{low:+.3f}, {high:+.3f}], "
            f"{word.replace('_', ' ')} {record[word]:.3g}, "
            f"{len(record['seeds'])} seeds")


def _record(id, statement, runs, metric, arm, baseline, reason, kind,
            least, margin, better, bad, expect, paper) -> dict:
    """Check every argument, then judge."""
    for name, text in (("id", id), ("statement", statement),
                       ("reason", reason)):
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"{name} should be a non-empty text, got "
                             f"{text!r}")
    if id != id.lower() or " " in id:
        raise ValueError(f"id should be lower case without blanks, got "
                         f"{id!r}")
    if not isinstance(runs, Runs):
        raise TypeError("runs should be what compare(...) returned, got "
                        f"{type(runs).__name__}")
    if kind not in KINDS:
        raise ValueError(f"kind should be one of {', '.join(KINDS)}; "
                         f"got {kind!r}")
    if better not in ("higher", "lower"):
        raise ValueError(f"better should be 'higher' or 'lower', got "
                         f"{better!r}")
    if expect not in VERDICTS:
        raise ValueError(f"expect should be one of {', '.join(VERDICTS)}; "
                         f"got {expect!r}")
    named, other, threshold = (
        ("least", "margin", least) if kind == "superior"
        else ("margin", "least", margin))
    if threshold is None or (least is not None and margin is not None):
        raise ValueError(f"a claim of kind {kind!r} takes {named}= and no "
                         f"{other}=")
    if (isinstance(threshold, bool) or not isinstance(threshold, (int, float))
            or not threshold >= 0 or math.isinf(threshold)):
        raise ValueError(f"{named} should be a finite number >= 0 in the "
                         f"unit of {metric!r}, got {threshold}")
    try:
        table = runs[metric]
    except KeyError as error:
        raise ValueError(f"metric: {error.args[0]}") from None
    for name, value in (("arm", arm), ("baseline", baseline), ("bad", bad)):
        if value not in table and not (name == "bad" and value is None):
            raise ValueError(f"{name} should be one of the arms that were "
                             f"run, {list(table)}; got {value!r}")
    if arm == baseline:
        raise ValueError(f"baseline should be another arm than {arm!r}")
    if kind in ("no_worse", "equal") and bad is None:
        raise ValueError(f"a claim of kind {kind!r} needs bad=, an arm with "
                         "known damage that must fail it")
    for name, values in table.items():
        if len(values) != len(runs.seeds):
            raise ValueError(f"runs should hold one value a seed: arm "
                             f"{name!r} has {len(values)} for "
                             f"{len(runs.seeds)} seeds")
    sign = 1.0 if better == "higher" else -1.0
    oriented = [sign * (a - b) for a, b in zip(table[arm], table[baseline])]
    mean, low, high = interval(oriented)
    if bad is not None:
        damaged = [sign * (a - b)
                   for a, b in zip(table[bad], table[baseline])]
        if verdict(damaged, kind, threshold) == "holds":
            raise AssertionError(
                f"claim {id!r} also holds for the damaged arm {bad!r}: the "
                "margin proves nothing; choose a metric that sees the damage")
    effect = sign * mean
    ends = sorted((sign * low, sign * high))
    kept = [arm, baseline] + ([bad] if bad else [])
    return {
        "id": id, "statement": statement, "kind": kind, "metric": metric,
        "better": better, BOUND[kind]: float(threshold), "reason": reason,
        "arm": arm, "baseline": baseline, "bad": bad,
        "arms": {k: table[k] for k in kept
                 + [k for k in table if k not in kept]},
        "seeds": list(runs.seeds), "effect": effect, "interval": ends,
        "verdict": verdict(oriented, kind, threshold), "expect": expect,
        "paper": paper}


def recompute(record: dict) -> tuple[float, list[float], str]:
    """Effect, interval and verdict anew from the record's own values, so
    that a number edited by hand shows.  Source: the rule above."""
    sign = 1.0 if record["better"] == "higher" else -1.0
    arm, rival = (record["arms"][record[k]] for k in ("arm", "baseline"))
    if not len(arm) == len(rival) == len(record["seeds"]):
        raise ValueError(f"record {record['id']!r} should hold one value an "
                         f"arm for each of its {len(record['seeds'])} seeds")
    oriented = [sign * (a - b) for a, b in zip(arm, rival)]
    mean, low, high = interval(oriented)
    return (sign * mean, sorted((sign * low, sign * high)),
            verdict(oriented, record["kind"],
                    record[BOUND[record["kind"]]]))
