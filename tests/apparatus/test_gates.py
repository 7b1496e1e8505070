"""Gates 2, 6 and 7 and the verdict rule, each on a planted failure."""

import copy
import json
import math

import numpy as np
import pytest

from lab1784 import Runs, compare, verdict
from lab1784.claims import _record, claim, interval, recompute, summary
from tests import gates


def made(effect=0.10, seeds=5, bad=None, **more):
    noise = [0.00, 0.01, -0.01, 0.02, -0.02, 0.015, -0.015][:seeds]
    plain = [0.60 + 2 * e for e in noise]
    arms = {"plain": plain,
            "method": [p + effect + e for p, e in zip(plain, noise)]}
    if bad:
        arms["broken"] = [p - 0.3 for p in plain]
    runs = Runs(tuple(range(seeds)), {"accuracy": arms})
    given = dict(kind="superior", least=0.03, margin=None, better="higher",
                 bad=bad, expect="holds", paper="")
    given.update(more)
    kept = _record("made-up", "method beats plain", runs, "accuracy",
                   "accuracy on tests", "method", "plain", "a test", **given)
    kept.pop("machine")            # of no known machine: the mean decides
    return kept


def test_an_honest_repeat_passes():
    assert gates.repeats(made(), made()) == []
    assert gates.repeats(made(0.10), made(0.11)) == []


@pytest.mark.parametrize("edit,word", [
    (lambda r: r.update(effect=0.2), "effect"),
    (lambda r: r["interval"].__setitem__(0, 0.0), "interval"),
    (lambda r: r.update(verdict="not settled"), "verdict"),
    (lambda r: r["seeds"].pop(), "seeds"),
    (lambda r: (r["seeds"].pop(), [v.pop() for v in r["arms"].values()]),
     "effect"),
    (lambda r: r["arms"].pop("plain"), "plain"),
    (lambda r: r.update(statement="method is fine"), "statement"),
    (lambda r: r.update(least_effect=0.01), "least_effect"),
    (lambda r: r.update(reason=""), "reason"),
    (lambda r: r.update(baseline="method", arm="plain"), "effect")])
def test_an_edited_record_is_caught(edit, word):
    planted = json.loads(json.dumps(made()))
    edit(planted)
    assert any(word in problem for problem in gates.repeats(planted, made()))


def test_a_broken_experiment_is_caught():
    assert "became" in gates.repeats(made(0.10), made(0.25))[0]


def swapped(record, *names):
    """The record with the values of two seeds of these arms exchanged."""
    record = json.loads(json.dumps(record))
    for name in names:
        values = record["arms"][name]
        values[0], values[4] = values[4], values[0]
    effect, record["interval"], record["verdict"] = recompute(record)
    record["effect"] = effect
    return record


def test_swapped_seeds_are_caught_where_a_seed_repeats():
    """The mean does not see them; another machine may differ by as much."""
    here, there = ({**made(), "machine": m} for m in ("one", "another"))
    for arms in (["plain"], ["method"], ["plain", "method"]):
        told = gates.repeats(here, swapped(here, *arms))
        assert len(told) == 2 * len(arms) and "on seed" in told[0], told
        assert gates.repeats(here, swapped(there, *arms)) == []
    assert gates.repeats(here, here) == gates.repeats(here, there) == []


def test_a_lost_and_a_new_claim_are_caught():
    other = copy.deepcopy(made())
    other["id"] = "another"
    assert len(gates.compare_records([made()], [other])) == 2


def test_noise_gate():
    plain, loud = made(), copy.deepcopy(made())
    assert gates.noise(plain, loud) == []
    loud["arms"]["plain"] = [v + 0.1 for v in loud["arms"]["plain"]]
    assert "noise" in gates.noise(plain, loud)[0]


def test_stability_needs_sign_and_two_verdicts():
    good, flat, wrong = made(0.1), made(0.01), made(-0.1)
    assert gates.stable(good, [good, good, flat])
    assert not gates.stable(good, [good, flat, flat])
    assert not gates.stable(good, [good, good, wrong])


def test_rule():
    base = np.array([-0.01, 0.0, 0.01, 0.0, 0.0])
    assert verdict(base + 0.1, "superior", 0.05) == "holds"
    assert verdict(base + 0.1, "superior", 0.3) == "does not hold"
    assert verdict(30 * base + 0.1, "superior", 0.05) == "not settled"
    assert verdict(base, "superior", 0.05) == "does not hold"
    assert verdict(base - 0.01, "no_worse", 0.05) == "holds"
    assert verdict(base - 0.2, "no_worse", 0.05) == "does not hold"
    assert verdict(base, "equal", 0.05) == "holds"
    assert verdict(base + 0.2, "equal", 0.05) == "does not hold"
    assert verdict(20 * base, "equal", 0.05) == "not settled"
    assert verdict(base, "exact", 0.05) == "holds"
    assert verdict(base, "exact", 0.001) == "does not hold"


def test_interval_is_scipys():
    from scipy import stats
    values = [0.31, 0.12, 0.27, 0.18, 0.22]
    mean, low, high = interval(values)
    want = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert math.isclose(low, want.low) and math.isclose(high, want.high)
    assert math.isclose(mean, np.mean(values))


@pytest.mark.parametrize("n", [3, 5, 10])
def test_false_holds_are_rare(n):
    """Without an effect and with the smallest least effect, the rule says
    'holds' in one half of five per cent of all experiments."""
    rng = np.random.default_rng(n)
    trials = rng.standard_normal((20_000, n))
    half = gates.t_quantile(n - 1, 0.975) / math.sqrt(n)
    fast = (trials.mean(1) - half * trials.std(1, ddof=1) > 0).mean()
    slow = np.mean([verdict(t, "superior", 0.0) == "holds"
                    for t in trials[:2000]])
    assert abs(fast - 0.025) < 0.004
    assert abs(slow - 0.025) < 0.012


def test_power_table():
    """Chance of 'holds' at a true effect of d sds, from the noncentral t;
    the simulated rule agrees with theory."""
    from scipy import stats
    rng = np.random.default_rng(0)
    for n in (3, 5, 10):
        for d in (1.0, 2.0, 3.0):
            want = stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1,
                                d * math.sqrt(n))
            trials = rng.standard_normal((1000, n)) + d
            got = np.mean([verdict(t, "superior", 0.0) == "holds"
                           for t in trials])
            assert abs(got - want) < 0.05, (n, d, got, want)


def test_a_bad_arm_that_passes_is_caught():
    good = made(effect=0.0, kind="equal", least=None, margin=0.1,
                bad="broken")
    assert good["verdict"] == "holds"
    with pytest.raises(AssertionError, match="damaged arm"):
        made(effect=0.0, kind="equal", least=None, margin=0.9, bad="broken")


def run(arm, seed):
    return {"accuracy": 0.5 + 0.1 * (arm == "b") + 0.01 * (seed % 3)}


def test_shift(monkeypatch):
    monkeypatch.setenv("LAB1784_SEED", "100")
    assert compare(run, ["a", "b"]).seeds == (100, 101, 102, 103, 104)
    monkeypatch.setenv("LAB1784_SEED", "many")
    with pytest.raises(ValueError, match="LAB1784_SEED"):
        compare(run, ["a", "b"])


def test_a_surprise_raises_after_the_record_is_written(tmp_path,
                                                       monkeypatch):
    monkeypatch.setenv("LAB1784_RECORDS", str(tmp_path))
    runs = compare(run, ["a", "b"])
    with pytest.raises(AssertionError, match="expect="):
        claim("x-1", "b beats a", runs, metric="accuracy", unit="share", arm="b",
              baseline="a", reason="a test", least=0.5)
    kept = json.loads((tmp_path / "x-1.json").read_text())
    assert kept["verdict"] == "does not hold"
    assert gates.integrity(kept) == []
    assert summary(kept).startswith("Does not hold: b")


def test_a_surprise_is_told_to_a_reader(capsys, monkeypatch):
    """On a reader's machine Run all goes on, and one line says what turned."""
    for name in ("LAB1784_RECORDS", "LAB1784_QUIET", "PYTEST_VERSION"):
        monkeypatch.delenv(name, raising=False)
    claim("x-1", "b beats a", compare(run, ["a", "b"]), metric="accuracy", unit="share",
          arm="b", baseline="a", reason="a test", least=0.5)
    assert "this run says 'does not hold'. Another" in capsys.readouterr().out


def test_a_surprise_on_shifted_seeds_stops_nothing(capsys, monkeypatch):
    """They are run to see what comes; the claims after it are run, too."""
    monkeypatch.setenv("LAB1784_SEED", "100")
    claim("x-1", "b beats a", compare(run, ["a", "b"]), metric="accuracy",
          unit="share", arm="b", baseline="a", reason="a test", least=0.5)
    assert "this run says 'does not hold'" in capsys.readouterr().out
