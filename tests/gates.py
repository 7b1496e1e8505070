"""Gates 2, 5, 6 and 7: what a record must survive.  Each function returns a
list of problems in words, empty where there is none, so that the tests can
show each gate at work on a planted failure."""

from __future__ import annotations

import math

from lab1784.claims import BOUND, recompute, t_quantile, verdict

WORDS = ("id", "statement", "kind", "metric", "unit", "better", "reason",
         "arm", "baseline", "bad", "expect", "paper", "seeds", "verdict",
         "least_effect", "margin", "tolerance")


def differences(record: dict, arm: str | None = None) -> list[float]:
    """Paired differences, larger is better for the claimed arm."""
    sign = 1.0 if record["better"] == "higher" else -1.0
    a = record["arms"][arm or record["arm"]]
    return [sign * (x - y) for x, y in zip(a, record["arms"][
        record["baseline"]])]


def spread(values: list[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((v - mean) ** 2 for v in values)
                     / (len(values) - 1))


def integrity(record: dict) -> list[str]:
    """The record says what its own values say."""
    try:
        effect, interval, word = recompute(record)
    except (ValueError, KeyError) as error:
        return [str(error)]
    found = []
    if not math.isclose(effect, record["effect"], abs_tol=1e-9):
        found.append(f"{record['id']}: effect {record['effect']:.4f} is not "
                     f"that of its values, {effect:.4f}")
    if any(not math.isclose(a, b, abs_tol=1e-9)
           for a, b in zip(interval, record["interval"])):
        found.append(f"{record['id']}: interval {record['interval']} is not "
                     f"that of its values, {interval}")
    if word != record["verdict"]:
        found.append(f"{record['id']}: verdict {record['verdict']!r} is not "
                     f"that of its values, {word!r}")
    return found


def repeats(committed: dict, fresh: dict) -> list[str]:
    """Gate 2: same words, arms, seeds, verdict; the effect within what a
    repeat may differ by (99.9 %: t sd sqrt(2/n)).  On a machine of the
    committed kind every seed gives its value again."""
    name = committed["id"]
    found = integrity(committed) + integrity(fresh)
    for key in WORDS:
        if committed.get(key) != fresh.get(key):
            found.append(f"{name}: {key} was {committed.get(key)!r}, the "
                         f"re-run says {fresh.get(key)!r}")
    if list(committed["arms"]) != list(fresh["arms"]):
        found.append(f"{name}: arms were {list(committed['arms'])}, the "
                     f"re-run has {list(fresh['arms'])}")
    if found:
        return found
    n = len(committed["seeds"])
    room = (t_quantile(n - 1, 0.9995) * spread(differences(committed))
            * math.sqrt(2 / n)) + 1e-6
    if committed["kind"] != "exact":
        # Five equal seeds have no spread, and one answer of another
        # processor is no broken experiment.
        room = max(room, 0.1 * committed[BOUND[committed["kind"]]])
    gap = abs(committed["effect"] - fresh["effect"])
    if gap > room:
        found.append(f"{name}: effect {committed['effect']:.4f} became "
                     f"{fresh['effect']:.4f}; a repeat may differ by "
                     f"{room:.4f}")
    return found + seed_by_seed(committed, fresh)


def seed_by_seed(committed: dict, fresh: dict) -> list[str]:
    """Where both were made on one kind of machine: arms and seeds whose
    value is another, by more than a tenth of the bound.  (The bound, since
    a library may add numbers in another order on the next day.)"""
    machine = committed.get("machine")
    if machine is None or machine != fresh.get("machine"):
        return []
    room = 0.1 * committed[BOUND[committed["kind"]]] + 1e-9
    return [f"{committed['id']}: {arm} on seed {seed} was {old:.4f}, the "
            f"re-run gives {new:.4f} on such a machine"
            for arm, values in committed["arms"].items()
            for seed, old, new in zip(committed["seeds"], values,
                                      fresh["arms"][arm])
            if abs(old - new) > room]


def compare_records(committed: list[dict], fresh: list[dict]) -> list[str]:
    """Gate 2 over a notebook: the same claims, each of which repeats."""
    old, new = ({r["id"]: r for r in rs} for rs in (committed, fresh))
    found = [f"{k}: in the committed notebook, not in the re-run"
             for k in sorted(old.keys() - new.keys())]
    found += [f"{k}: in the re-run, not in the committed notebook"
              for k in sorted(new.keys() - old.keys())]
    for key in sorted(old.keys() & new.keys()):
        found += repeats(old[key], new[key])
    return found


def null_strength(run, *, arm: str, baseline: str, strength: float,
                  seed: int = 1000, **settings) -> list[str]:
    """Gate 5: at its null the method's own code gives the baseline's
    metrics on the same seed, to the last bit."""
    method = run(arm, seed, strength=strength, **settings)
    plain = run(baseline, seed, **settings)
    full = run(arm, seed, **settings)
    found = [f"{arm} at strength {strength} gives {key} = {method[key]!r}, "
             f"{baseline} gives {plain[key]!r}"
             for key in plain if method[key] != plain[key]]
    if full == plain:
        found.append(f"{arm} at full strength also equals {baseline}: the "
                     "placebo proves nothing")
    return found


def noise(committed: dict, shifted: dict) -> list[str]:
    """Gate 6: the baseline against itself on fresh seeds must not hold.

    For no_worse and equal a baseline against itself should hold; there the
    record's bad arm must fail, which `claim` has already demanded."""
    if committed["kind"] == "exact":
        return []
    bound = committed[BOUND[committed["kind"]]]
    if committed["kind"] != "superior":
        word = verdict(differences(committed, committed["bad"]),
                       committed["kind"], bound)
        return [f"{committed['id']}: holds for its bad arm"] * (
            word == "holds")
    rival = committed["baseline"]
    sign = 1.0 if committed["better"] == "higher" else -1.0
    gaps = [sign * (a - b) for a, b in zip(shifted["arms"][rival],
                                           committed["arms"][rival])]
    if verdict(gaps, "superior", bound) == "holds":
        return [f"{committed['id']}: {rival} on fresh seeds 'beats' {rival}"
                f" on the claim's seeds by {math.fsum(gaps) / len(gaps):.4f}"
                " or more: the least effect is within the noise"]
    return []


def stable(committed: dict, shifted: list[dict]) -> bool:
    """Gate 7: every shift keeps the sign and two thirds give the expected
    verdict again."""
    directed = (committed["kind"] == "superior"
                and committed["expect"] == "holds")
    turned = directed and any(r["effect"] * committed["effect"] <= 0
                              for r in shifted)
    again = sum(r["verdict"] == committed["expect"] for r in shifted)
    return not turned and 3 * again >= 2 * len(shifted)
