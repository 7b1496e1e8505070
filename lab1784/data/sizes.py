"""What small language models of three sizes answered to the questions of
the page `hyperclova_prompting`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("sizes.npz")
WIDTHS, ARMS, COUNTS = (8, 48, 96), ("few", "many"), (0, 1, 2, 4, 8)
SEEDS = range(40, 45)
# Learning rates: the best of five on two other seeds, by tools/sizes.py.
RATES = {(8, "few"): 8e-3, (8, "many"): 64e-3, (48, "few"): 64e-3,
         (48, "many"): 16e-3, (96, "few"): 16e-3, (96, "many"): 8e-3}


def model_sizes() -> dict[str, np.ndarray]:
    """Labels from 0 to 7, bytes, on five seeds.  Written by tools/sizes.py.

    answers (3 widths, 2 arms, 5 seeds, 5 counts of shots, 512 questions),
    long (5, 5, 512): of 8 numbers, *many*, 1,000 steps in place of 250,
    right, other (5, 512): the question's label, the task's other label,
    trained (3, 2, 5, 256), right_trained (5, 256): eight shots of *few*'s
    own tasks.  And weights (3,): how many a model has."""
    with np.load(FILE) as file:
        return {k: file[k] for k in file.files}
