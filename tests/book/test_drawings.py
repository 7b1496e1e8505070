"""The charts of chapter 1 are what the published numbers draw."""

import pytest

from tools import drawings


@pytest.mark.parametrize("name", drawings.CHARTS)
def test_drawing_again_gives_the_committed_file(name):
    committed = (drawings.FOLDER / f"{name}.svg").read_bytes()
    assert drawings.draw(name, drawings.published()) == committed


@pytest.mark.parametrize("name, key", [
    ("record-papers", "lab_2021_papers"),
    ("record-shares", "services_share_2022"),
    ("record-conferences", "icassp_2022_naver")])
def test_another_number_draws_another_chart(name, key):
    """Planted: a chart that did not read the number would stay the same."""
    values = drawings.published()
    changed = drawings.draw(name, values | {key: values[key] + 1})
    assert changed != drawings.draw(name, values)


def test_a_missing_number_is_named():
    values = drawings.published()
    del values["clova_2022_papers"]
    with pytest.raises(KeyError, match="clova_2022_papers"):
        drawings.draw("record-papers", values)
