"""Recorded runs: both ends are proved here; `make trust` trains one anew.

The planted failures use a toy page, since they need whole trainings.
"""

import json
import textwrap

import pytest
import torch

from lab1784 import recorded
from tools import record
from tests.house import load

TOY = textwrap.dedent('''
    import torch
    from torch import nn
    from lab1784 import recorded

    RECORD = {"arms": ["plain", "half rate"], "seeds": [0, 1, 2], "steps": 40}
    RATE = 0.2

    class Net(nn.Linear):
        def forward(self, x):
            return super().forward(x)

    def start(arm, seed, strength=1.0):
        torch.manual_seed(seed)
        net = Net(4, 1)
        rate = RATE if arm == "plain" else RATE / 2
        return {"net": net, "opt": torch.optim.Adam(net.parameters(), rate),
                "draws": torch.Generator().manual_seed(seed)}

    def batch(draws):
        return torch.randn(32, 4, generator=draws)

    def step(state, t, steps, arm):
        x = batch(state["draws"])
        loss = (state["net"](x) - x.sum(1, keepdim=True)).square().mean()
        state["opt"].zero_grad()
        loss.backward()
        state["opt"].step()
        return loss.item()

    def weights(state, arm):
        return state["net"].state_dict()

    def measure(kept, arm, seed):
        return {"error": float((kept["weight"] - 1).abs().max())}

    def run(arm, seed, strength=1.0, steps=RECORD["steps"]):
        kept = recorded.recall("toy", arm, seed, start, step, weights,
                               strength=strength, steps=steps,
                               space=globals())
        return measure(kept, arm, seed)
''')


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A recorded page in a folder of its own: name, folder, namespace."""
    space: dict = {"__name__": "toy"}
    exec(TOY, space)
    folder = tmp_path / "toy"
    folder.mkdir()
    monkeypatch.setattr(recorded, "FOLDER", tmp_path)
    monkeypatch.setattr(record, "load", lambda name: space)
    monkeypatch.setattr(record, "code", lambda name: TOY)
    for arm in space["RECORD"]["arms"]:
        for seed in space["RECORD"]["seeds"]:
            record.one("toy", arm, seed, folder, space)
    record.write_index("toy", folder)
    return "toy", folder, space


def whole(toy, source=TOY):
    name, folder, space = toy
    found = record.problems(name, folder, space, source)
    for arm in space["RECORD"]["arms"]:
        found += record.begins(name, arm, space, folder)
    return found + record.ends(name, space, folder)


def sign(folder, path):
    """What a forger does who also rewrites the log and its chain."""
    lines, before = [], ""
    for entry in record.entries(folder):
        if entry.get("finished") == path.stem:
            entry["file"] = record.digest(path.read_bytes())
        entry["before"] = before
        lines.append(json.dumps(entry))
        before = record.digest(lines[-1].encode())
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps(index | {"log": before}))


def test_an_honest_record_passes(toy):
    assert not whole(toy)
    assert record.anew("toy", "plain", 1, toy[2], toy[1]) == "to the last bit"
    assert not record.unfinished(toy[1])


@pytest.mark.parametrize("old,new", [
    ("RATE = 0.2", "RATE = 0.3"), ("super().forward(x)", "-x"),
    ("torch.randn(32", "torch.randn(31"), ("_dict()", "_dict() or 0"),
    ('"steps": 40', '"steps": 41')])
def test_a_stale_key_is_caught(toy, old, new):
    """Also where a function is reached only through another one."""
    name, folder, space = toy
    changed = TOY.replace(old, new)
    space = {**space, "RECORD": {**space["RECORD"], "steps": 41}
             } if "steps" in old else space
    assert any("the code" in p for p in record.problems(
        name, folder, space, changed))


@pytest.mark.parametrize("old,new", [
    ("    x = batch", "    # fresh\n    x = batch"),
    ("def batch(", "@functools.cache\ndef batch("),
    ("def batch(draws):", 'def batch(draws):\n    """A batch."""'),
    ("def batch(draws):", 'def batch(draws):\n    known(draws, [], "d")'),
    ("- 1).abs()", "- 2).abs()"), ("RATE = 0.2", "RATE = 0.2\nOTHER = 1")])
def test_what_changes_no_weight_leaves_the_key(toy, old, new):
    """A comment, a docstring, a memory, a check of a name; the measure,
    which is taken live; what training does not use."""
    assert TOY.count(old) == 1 and not whole(toy, TOY.replace(old, new))


def test_the_key_counts_the_functions_of_lab1784_that_are_used():
    found = record.parts("from lab1784 import data, known\n"
                         "def start(arm):\n"
                         "    known(arm, ['a'], 'arm')\n"
                         "    return data.avatar_factors(9, 1)\n")
    names = {name for _, name in found}
    assert {"start", "avatar_factors", "stream", "RANGES"} <= names
    assert not {"draw_avatars", "counterfactual", "known", "whole"} & names


def test_the_judge_may_be_reached_in_training():
    """Its module calls methods of values that another module gave it."""
    found = record.parts("from lab1784.scorer import scorer\n"
                         "def start():\n    return scorer()\n")
    assert ("lab1784.scorer", "Scorer") in found


def test_a_foreign_checkpoint_is_caught(toy):
    folder = toy[1]
    theirs = (folder / "half_rate-0.pt").read_bytes()
    (folder / "plain-0.pt").write_bytes(theirs)
    assert any("not the file" in p for p in whole(toy))
    sign(folder, folder / "plain-0.pt")
    found = whole(toy)
    assert any("recorded was" in p for p in found), found
    assert any("does not resume" in p for p in found), found


def test_a_begin_of_another_arm_is_caught(toy):
    path = toy[1] / "half_rate-0.pt"
    kept = torch.load(path, weights_only=True)
    kept["losses"][3] += 0.1
    torch.save(kept, path)
    sign(toy[1], path)
    (found,) = whole(toy)
    assert "step 3 of half rate" in found


def test_one_state_is_kept_and_no_other_passes_for_it(toy):
    name, folder, space = toy
    (state,) = folder.glob("*.resume.pt")
    packed = torch.load(state, weights_only=True)
    packed["net"]["bias"] += 1e-7
    torch.save(packed, state)
    assert any("is not the one whose hash" in p for p in whole(toy))
    state.unlink()
    assert any("kept state of plain-0" in p for p in record.problems(
        name, folder, space))


def test_the_hash_of_a_state_that_is_not_kept_binds_it(toy):
    name, folder, space = toy
    assert len(record.states(folder)) == 6
    index = json.loads((folder / "index.json").read_text())
    index["states"]["half_rate-1"] = "0" * 16
    (folder / "index.json").write_text(json.dumps(index))
    assert any("other functions, values or states" in p for p in whole(toy))
    record.note(folder, states={"half_rate-1": "0" * 16})
    record.write_index(name, folder)
    assert not whole(toy), "only a training in whole can see this one"
    assert record.anew(name, "half rate", 1, space, folder) == (
        "differs: the state five steps before the end")


def test_a_middle_replaced_is_seen_by_training_anew_only(toy):
    """First steps, last state and log agree: CI cannot see it."""
    name, folder, space = toy
    path = folder / "plain-1.pt"
    kept = torch.load(path, weights_only=True)
    kept["losses"][10:20] *= 0.5
    kept["weights"]["weight"] = kept["weights"]["weight"] + 0.5
    torch.save(kept, path)
    sign(folder, path)
    assert not whole(toy)
    assert record.anew(name, "plain", 1, space, folder).startswith("differs")


def test_an_unfinished_run_left_out_of_the_log_is_caught(toy):
    name, folder, space = toy
    record.note(folder, started="plain-1", day="2026-11-22")
    record.note(folder, started="plain-2", day="2026-11-22")
    record.write_index(name, folder)
    assert not whole(toy) and record.unfinished(folder) == ["plain-1",
                                                            "plain-2"]
    lines = (folder / "log.jsonl").read_text().splitlines()
    (folder / "log.jsonl").write_text("\n".join(lines[:-2] + lines[-1:])
                                      + "\n")
    assert any("line of the log is missing" in p for p in whole(toy))
    (folder / "log.jsonl").write_text("\n".join(lines[:-2]) + "\n")
    assert any("not the one that the index" in p for p in whole(toy))


def test_recall_gives_what_was_recorded_and_trains_the_rest(toy):
    name, folder, space = toy
    assert space["run"]("plain", 0) == {"error": pytest.approx(
        space["measure"](recorded.read(folder / "plain-0.pt")["weights"],
                         "plain", 0)["error"])}
    assert space["run"]("plain", 0, steps=3) != space["run"]("plain", 0)
    (folder / "plain-2.pt").unlink()
    with pytest.raises(FileNotFoundError, match="make record NB=toy"):
        space["run"]("plain", 2)


@pytest.mark.parametrize("text,told", [
    ("def step(state, t, steps, arm):\n    return 0.0\n", r"step\(\)"),
    ("def batch(draws):\n    return 0.0\n", r"batch\(\)"),
    ("class Net:\n    def forward(self, x):\n        return x\n",
     r"Net\(\)"), ("RATE = 0.5\n", "RATE")])
def test_a_changed_function_class_or_value_is_told(toy, tmp_path, text,
                                                   told):
    name, folder, space = toy
    path = tmp_path / "theirs.py"
    path.write_text(text)
    theirs: dict = {}
    exec(compile(text, str(path), "exec"), theirs)
    theirs.pop("__builtins__")
    with pytest.raises(ValueError, match=told + " is not the one"):
        recorded.recall(name, "plain", 0, space["start"], space["step"],
                        space["weights"], strength=1.0, steps=40,
                        space=space | theirs)


def test_functions_have_one_fingerprint_on_disk_and_in_memory(tmp_path,
                                                              monkeypatch):
    source = ('import functools\n\n@functools.cache\ndef weights(x):\n'
              '    """Two."""\n    return f"{x!r:>4}" * 2  # a comment\n'
              'class Net(dict):\n    def start(self):\n        return 1\n'
              'def start():\n    return Net()\n')
    (tmp_path / "decorated.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = __import__("decorated")
    assert {n: p for (_, n), p in record.parts(source).items()} == {
        n: recorded.fingerprint_of(getattr(module, n))
        for n in ("weights", "Net", "start")}


def test_a_state_that_cannot_be_kept_is_told():
    with pytest.raises(TypeError, match="state\\['names'\\] should be"):
        recorded.pack({"names": ["a"]})


# ------------------------------------------------------ the pages themselves

@pytest.mark.parametrize("page", record.pages())
def test_kept_runs_of_a_page(page):
    space = load(page)
    assert not record.problems(page)
    for arm in space["RECORD"]["arms"]:
        assert not record.begins(page, arm, space)
    assert not record.ends(page, space)


def test_all_kept_runs_are_small():
    total = sum(p.stat().st_size for p in recorded.FOLDER.rglob("*.pt"))
    assert total <= record.ALL_LIMIT
