"""What several tests of the book share."""

import pytest

from tests.book.commands import made, small, whole  # noqa: F401


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    from tests.book.browser import launch
    with sync_playwright() as playwright:
        chromium = launch(playwright)
        yield chromium
        chromium.close()
