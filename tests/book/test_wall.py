"""The wall of the generation chapter is what its pages' networks make."""

import numpy as np
import pytest

from lab1784.data import same_faces
from tools import wall


@pytest.fixture(scope="module")
def again():
    return wall.wall()


def test_the_wall_is_what_the_pages_make(again):
    hung = same_faces.hung()
    assert list(hung) == list(again) == [p.__name__ for p in wall.PAPERS]
    for name, made in again.items():
        near = apart(made, hung[name])
        assert near.mean() < 2 and (near > 8).mean() < 0.02, name


def test_another_face_is_seen(again):
    """A planted mistake: the pictures of a row in another order."""
    for name, made in again.items():
        assert apart(made[..., ::-1] if made.ndim == 2 else made[::-1],
                     same_faces.hung()[name]).mean() > 20, name


def apart(a, b):
    """Differences in levels of 255; of numbers in hundredths."""
    scale = 100 if a.ndim == 2 else 1
    return scale * np.abs(a.astype(float) - b.astype(float))
