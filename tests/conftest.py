"""Two workers share the tests by page: what concerns one page stays in one
worker, because loading a page costs more than most of its tests."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        about = getattr(item, "callspec", None)
        page = str(about.params.get("page", "")) if about else ""
        item.add_marker(pytest.mark.xdist_group(
            f"{item.path.stem}:{page}" if page else item.path.stem))
