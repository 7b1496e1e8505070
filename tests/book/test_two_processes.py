"""The tiny GPT trained by two processes, and what they must agree on."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.house import ROOT, mutate

SCRIPT = ROOT / "notebooks" / "5-language" / "two-processes.py"


def launch(script, *options, processes=2):
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone",
         "--nproc-per-node", str(processes), str(script), *options],
        capture_output=True, text=True, timeout=120, cwd=script.parent)
    return done.returncode, done.stdout + done.stderr


def gaps(script, *options):
    """Largest differences to one process: part after part, whole batch."""
    code, said = launch(script, "--check", *options)
    assert code == 0, said[-2000:]
    return [float(x) for x in re.findall(r"weight (\S+), of", said)]


@pytest.fixture
def edited(tmp_path):
    """A copy of the script with a mistake, its page and package in reach."""
    def plant(old, new):
        folder = tmp_path / "notebooks" / "5-language"
        folder.mkdir(parents=True)
        (tmp_path / "lab1784").symlink_to(ROOT / "lab1784")
        shutil.copy(SCRIPT.with_name("hyperclova_prompting.py"), folder)
        target = folder / SCRIPT.name
        target.write_text(mutate(SCRIPT.read_text(), old, new))
        return target
    return plant


def test_two_processes_are_one_bit_for_bit():
    parts, whole = gaps(SCRIPT, "--steps", "20")
    assert parts == 0.0 and 0 < whole < 0.05


def test_in_double_precision_they_are_the_whole_batch():
    parts, whole = gaps(SCRIPT, "--steps", "5", "--dtype", "float64")
    assert parts == 0.0 and whole < 1e-12


@pytest.mark.parametrize("old, new", [
    ("if wrapped is None else wrapped", "# the mean is not taken"),
    ("settings.seed, 2)", "settings.seed + (part or 0), 2)")],
    ids=["called past the wrapper", "batches of their own"])
def test_a_planted_mistake_is_seen(edited, old, new):
    parts, _ = gaps(edited(old, new), "--steps", "5")
    assert parts > 1e-4


def test_a_batch_that_cannot_be_shared_is_refused():
    code, said = launch(SCRIPT, "--batch", "31")
    assert code != 0 and "a multiple of 2, the number of processes" in said
