"""same_faces: what this stop must survive (see test_every_page.py)."""

import numpy as np
import torch

from lab1784 import data
from lab1784.data.avatars import _TINTS


def truths_one_by_one(page):
    """Brute force: each face drawn by itself, each pixel by itself."""
    f = {k: v.clone() for k, v in page["faces"].items()}
    truth = page["truths"](f)
    for i in range(4):
        one = {k: v[i:i + 1] for k, v in f.items()}
        after = {k: v[[(i + 1) % 4]] for k, v in f.items()}
        x, y = (data.draw_avatars(g)[0][0] for g in (one, after))
        hair = {**one, "hair": torch.tensor([[1, 2, 0][one["hair"]]])}
        colours = {k: after[k] for k in (
            "hair", "hair_shade", "background", "background_shade", "skin")}
        late = {**one, "x": torch.tensor([0.34]), "y": torch.tensor([-0.092])}
        last = {**one, "x": torch.tensor([0.2]), "y": torch.tensor([-0.05])}
        want = {"StarGAN": hair, "C3-GAN": one, "DIGAN": late,
                "FSMR": {**one, **colours},
                "StarGAN v2": {**one, **colours, "hat": after["hat"]}}
        for name, g in want.items():
            torch.testing.assert_close(truth[name][0][i],
                                       data.draw_avatars(g)[0][0],
                                       rtol=0, atol=1e-5)
        torch.testing.assert_close(truth["DIGAN"][1][i],
                                   data.draw_avatars(last)[0][0],
                                   rtol=0, atol=1e-5)
        masks = data.draw_avatars(one)[1][0].numpy()
        for r in range(16):
            for c in range(16):
                own = y if c >= 8 else x
                assert torch.equal(truth["StyleMapGAN"][0][i, :, r, c],
                                   own[:, r, c])
                part = int(np.argmax(masks[:, r, c]))
                for k, shown in enumerate((part, 2 if part else 0)):
                    torch.testing.assert_close(
                        truth["GGDR"][k][i, :, r, c],
                        2 * _TINTS[shown] - 1)


ORACLES = [truths_one_by_one]

WRONG = {
    "same_faces-1": [("error = 0.64", "wrong pixels"),
                     ("error = 0.24", "number of colours"),
                     ("error = 0.1", "Square")],
    "same_faces-2": [
        ("def go_on(frames):\n    return frames", "how many pixels"),
        ("def go_on(frames):\n    return frames.roll(-1, 3)", "which way")],
}
OPEN = {"same_faces-2": "every way to move the frames that comes nearer"}
