"""Gates 6 and 7 on two notebooks: the committed trust table repeats.

Each page is run again at the table's three shifts, which a commit's hash
has drawn.  `make trust` does so for every page, at new shifts.
"""

import json

import pytest

from tests import gates
from tests.house import ROOT, records, sources, twin
from tools import trust

TABLE = ROOT / "assets" / "trust.json"
TWO = ("cutmix", "adamp")


@pytest.mark.parametrize("page", TWO)
def test_shifted_seeds(page, tmp_path, monkeypatch):
    monkeypatch.setattr(trust, "KEPT", tmp_path)  # nothing from before
    table = json.loads(TABLE.read_text())
    path = sources()[page].with_suffix("").relative_to(ROOT).as_posix()
    told = table["pages"][path]["claims"]
    runs = [trust.shifted(page, shift) for shift in table["shifts"]]
    for record in records(twin(page)):
        name = record["id"]
        again = [run[name] for run in runs]
        assert [r["seeds"] for r in again] == [
            [s + shift for s in record["seeds"]] for shift in table["shifts"]]
        noisy = [n for r in again for n in gates.noise(record, r)]
        assert bool(noisy) == (told[name]["noise"] != "passes"), noisy
        assert gates.stable(record, again) == told[name]["stable"], (
            name, [r["effect"] for r in again], told[name]["effects"])
