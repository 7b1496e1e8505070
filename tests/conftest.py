"""Two workers share the tests by page: what concerns one page stays in one
worker, because loading a page costs more than most of its tests.  What
takes longest is begun first, so that no worker waits for the other."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Seconds of a whole file or of one page in it, about; others take less
# than these.  A notebook takes what assets/bench.json says.
SECONDS = {"book/test_shift": 200, "book/test_browser": 180,
           "book/test_interactive": 130, "book/test_commands": 120,
           "book/test_student": 60, "book/test_contributor": 60,
           "book/test_recorded": 40, "book/test_two_processes": 40,
           "techniques/test_every_page": 20}


def seconds(group: str) -> float:
    """How long a group, 'file' or 'file:page', is known to take."""
    file, _, page = group.partition(":")
    if file == "book/test_alone" and page:
        known = json.loads((ROOT / "assets" / "bench.json").read_text(
            encoding="utf-8")).get(page, {"seconds": 60})
        return known["seconds"]
    return SECONDS.get(file, 5)


def pytest_configure(config):
    config.option.loadscopereorder = False    # xdist: our order, not its own


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        about = getattr(item, "callspec", None)
        page = str(about.params.get("page", "")) if about else ""
        file = f"{item.path.parent.name}/{item.path.stem}"
        item.group = f"{file}:{page}" if page else file
        item.add_marker(pytest.mark.xdist_group(item.group))
    items.sort(key=lambda item: -seconds(item.group))
