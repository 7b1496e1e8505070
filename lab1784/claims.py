"""A claim: stated in advance, judged by one rule, kept as a record."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Sequence
from pathlib import Path

from .arguments import known, listed, number, said, text, whole
from .runs import Runs, machine, shift

KINDS = ("superior", "no_worse", "equal", "exact")
VERDICTS = ("holds", "does not hold", "not settled")
BOUND = {"superior": "least_effect", "no_worse": "margin",
         "equal": "margin", "exact": "tolerance"}
BECAUSE = " That much because "     # between a claim's bar and its reason


def interval(differences: Sequence[float]) -> tuple[float, float, float]:
    """Mean and two-sided 95 % Student t interval of paired differences.

    differences: (n,) floats, n >= 3, finite.  Returns (mean, low, high) in
    the same unit.  No bootstrap: below twenty seeds it is too narrow.
    """
    d = [number("each of differences", x, -math.inf)
         for x in listed("differences", differences, "numbers")]
    n = len(d)
    if n < 3:
        raise ValueError("differences should hold at least three seeds, "
                         f"got {n}")
    mean = math.fsum(d) / n
    spread = math.sqrt(math.fsum((x - mean) ** 2 for x in d) / (n - 1))
    half = t_quantile(n - 1, 0.975) * spread / math.sqrt(n)
    return mean, mean - half, mean + half


def t_quantile(df: int, p: float) -> float:
    """Quantile of Student's t with df degrees of freedom (scipy)."""
    whole("df", df, 1)
    number("p", p, 0, 1)
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
    known(kind, KINDS, "kind")
    threshold = number("threshold", threshold, 0)
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


def claim(id: str, statement: str, runs: Runs, *, metric: str, unit: str,
          arm: str, baseline: str, reason: str, kind: str = "superior",
          least: float | None = None, margin: float | None = None,
          better: str = "higher", bad: str | None = None,
          expect: str = "holds", paper: str = "",
          picture: bool = True) -> dict:
    """Judge one claim, say it, keep its record; speak up where it surprises.

    id:        lower-case name, unique in the book, e.g. 'cutmix-hidden'.
    statement: one sentence that can be false; its bar is added to it.
    runs:      what `compare` returned.
    metric, arm, baseline: keys of `runs`; the baseline is the strongest
               rival, named before the run.
    unit:      the metric in words, with its unit where there is one, as it
               reads after "in": 'accuracy, head hidden', 'mean waiting
               time (s)'.
    kind:      'superior' (needs `least`), 'no_worse', 'equal' or 'exact'
               (need `margin`; for 'exact' it is the tolerance).
    least, margin: in `unit`; `reason` says where it comes from, as a clause
               that can follow "because".
    better:    'higher' or 'lower'.
    bad:       for no_worse and equal: an arm with known damage; the claim
               must fail on it, or it would pass for anything.
    expect:    the verdict that the page reports.
    paper:     what the paper claims, in one sentence.
    picture:   whether to draw the claim, as `draw_claim(record)` does.

    Returns the record (a dict, all of it JSON).  Raises TypeError or
    ValueError where an argument is malformed, AssertionError where the bad
    arm passes or, where pages are made and tested (see `strict`), the
    verdict is not the expected one; a reader is told so in one line.
    """
    if not isinstance(picture, bool):
        raise TypeError("picture should be True or False, got "
                        f"{said(picture)}")
    record = _record(id, statement, runs, metric, unit, arm, baseline,
                     reason, kind, least, margin, better, bad, expect, paper)
    told = [f"{stated(record)}{BECAUSE}"
            f"{record['reason'].strip().rstrip('.')}.", summary(record)]
    word, _, rest = summary(record).partition(":")
    leave({"text/markdown": f"{_escaped(told[0])}\n\n**{word}**:"
           f"{_escaped(rest)}", "text/plain": "\n".join(told)},
          {"lab1784": {"claim": record}})
    if picture:
        from . import figures  # matplotlib only where something is drawn
        figures.draw_claim(record)
    folder = os.environ.get("LAB1784_RECORDS")
    if folder:
        path = Path(folder) / f"{id}.json"
        path.write_text(json.dumps(record, ensure_ascii=False, indent=1),
                        encoding="utf-8")
    if record["verdict"] != expect:
        turned = (f"claim {id!r}: the page reports {expect!r}, this run says"
                  f" {record['verdict']!r}")
        if strict():
            raise AssertionError(f"{turned}; look for what changed, or report "
                                 "the new verdict with expect=")
        print(f"{turned}. Another processor or other seeds may turn a verdict "
              "that was close: see the trust table.")
    return record


def strict() -> bool:
    """Whether a surprising verdict raises: where pages are made and tested
    (make run, make test), and not on a reader's machine, where *Run all*
    must go on after a claim that was close, nor on shifted seeds, which are
    run to see what other verdicts come."""
    return not shift() and bool({"LAB1784_RECORDS", "LAB1784_QUIET",
                                 "PYTEST_VERSION"} & os.environ.keys())


def leave(data: dict, metadata: dict) -> None:
    """Leave one output: data by mime type, 'text/plain' among them.  In
    plain Python, where nothing shows outputs, the text is printed."""
    from IPython import get_ipython
    from IPython import display as shown
    if get_ipython() is None:
        print(data["text/plain"])
    else:
        shown.display(data, raw=True, metadata=metadata)


# ---------------------------------------------------------- a claim in words

def checked(record: dict) -> dict:
    """The record of a claim; refuses what is none."""
    if not isinstance(record, dict) or not {
            "id", "kind", "arms", "interval", "verdict"} <= record.keys():
        raise ValueError("record should be what claim(...) returned, got "
                         f"{said(record)}")
    return record


def stated(record: dict) -> str:
    """The statement as one sentence, with its bar in words and unit.

    Records from before `unit` was asked for give the metric's name.
    """
    checked(record)
    bar, unit = record[BOUND[record["kind"]]], unit_of(record)
    bar = {"superior": f"by at least {plain(bar)}" if bar else
           "by more than 0", "exact": f"to within {plain(bar)}"}.get(
               record["kind"], f"within {plain(bar)}")
    return f"{record['statement'].strip().rstrip('.')}, {bar} in {unit}."


def unit_of(record: dict) -> str:
    """What the record's numbers are of, in words."""
    return record.get("unit") or record["metric"].replace("_", " ")


def summary(record: dict) -> str:
    """What came out, in one line: verdict, effect, interval, seeds."""
    count = f"{len(record['seeds'])} seeds"
    word, arm, rival = (record["verdict"].capitalize(), record["arm"],
                        record["baseline"])
    if record["kind"] == "exact":
        worst = max(abs(x - y) for x, y in zip(record["arms"][arm],
                                               record["arms"][rival]))
        size = (f"{worst:.1e}" if 0 < worst < 1e-3 else
                f"{worst:.{digits(worst)}f}")
        return (f"{word}: {arm} \u2212 {rival} is at most {size} in size, "
                f"{count}.")
    effect, (low, high) = record["effect"], record["interval"]
    places = digits((high - low) / 2 or effect)
    effect, low, high = (signed(x, places) for x in (effect, low, high))
    return (f"{word}: {arm} \u2212 {rival} = {effect} [{low}, {high}], "
            f"{count}.")


def plain(x: float) -> str:
    """A bar as it was typed: 0.022, 60, 1e-9."""
    return re.sub(r"e-0*", "e-", f"{x:.6g}")


def digits(scale: float) -> int:
    """Decimals that show two digits of `scale`; one at least, since measured
    values are printed as decimals, six at most."""
    if not scale or not math.isfinite(scale):
        return 1
    return min(max(1 - math.floor(math.log10(abs(scale))), 1), 6)


def signed(x: float, places: int) -> str:
    """A measured value with its sign; what is not zero never reads 0.00."""
    if not x:
        return f"{0:.{places}f}"
    shown = f"{x:+.{places}f}"
    if not float(shown):
        shown = f"{x:+.1e}" if abs(x) < 1e-4 else f"{x:+.{digits(x)}f}"
    return "\u2212" + shown[1:] if x < 0 else shown


def _escaped(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_<$\[\]])", r"\\\1", text)


def _record(id, statement, runs, metric, unit, arm, baseline, reason, kind,
            least, margin, better, bad, expect, paper) -> dict:
    """Check every argument, then judge."""
    for name, given in (("id", id), ("statement", statement),
                        ("metric", metric), ("unit", unit),
                        ("reason", reason), ("paper", paper or "none")):
        text(name, given)
    if id != id.lower() or " " in id:
        raise ValueError(f"id should be lower case without blanks, got "
                         f"{id!r}")
    if not isinstance(runs, Runs):
        raise TypeError("runs should be what compare(...) returned, got "
                        f"{said(runs)}")
    known(kind, KINDS, "kind")
    known(better, ("higher", "lower"), "better")
    known(expect, VERDICTS, "expect")
    named, other, threshold = (
        ("least", "margin", least) if kind == "superior"
        else ("margin", "least", margin))
    if threshold is None or (least is not None and margin is not None):
        raise ValueError(f"{named} is the bar of a claim of kind {kind!r}: "
                         f"give it, and no {other}=")
    threshold = number(named, threshold, 0)
    table = runs[metric]
    for name, value in (("arm", arm), ("baseline", baseline), ("bad", bad)):
        if not (name == "bad" and value is None):
            known(value, table, name)
    if arm == baseline:
        raise ValueError(f"baseline should be another arm than {arm!r}")
    if kind in ("no_worse", "equal") and bad is None:
        raise ValueError(f"bad should be given for a claim of kind {kind!r}:"
                         " an arm with known damage that must fail it")
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
        "unit": unit, "better": better, BOUND[kind]: threshold,
        "reason": reason,
        "arm": arm, "baseline": baseline, "bad": bad,
        "arms": {k: table[k] for k in kept
                 + [k for k in table if k not in kept]},
        "seeds": list(runs.seeds), "effect": effect, "interval": ends,
        "verdict": verdict(oriented, kind, threshold), "expect": expect,
        "paper": paper, "machine": machine()}


def recompute(record: dict) -> tuple[float, list[float], str]:
    """Effect, interval and verdict anew from the record's own values, so
    that a number edited by hand shows.  Source: the rule above."""
    sign = 1.0 if checked(record)["better"] == "higher" else -1.0
    arm, rival = (record["arms"][record[k]] for k in ("arm", "baseline"))
    if not len(arm) == len(rival) == len(record["seeds"]):
        raise ValueError(f"record {record['id']!r} should hold one value an "
                         f"arm for each of its {len(record['seeds'])} seeds")
    oriented = [sign * (a - b) for a, b in zip(arm, rival)]
    mean, low, high = interval(oriented)
    return (sign * mean, sorted((sign * low, sign * high)),
            verdict(oriented, record["kind"],
                    record[BOUND[record["kind"]]]))
