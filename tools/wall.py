"""The wall of chapter 4: the same four faces through the chapter's seven
papers, as the recorded networks of its pages make them.

    python -m tools.wall

writes what the page `same_faces` hangs; the page draws every truth anew."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lab1784 import data
from lab1784.data import same_faces
from tests.house import load


def first(page: dict) -> int:
    """The first of a page's recorded seeds."""
    return page["RECORD"]["seeds"][0]


def stargan(f: dict) -> Tensor:
    """The next hair colour, drawn by the page's `skip`."""
    page = load("stargan")
    G, _ = page["networks"]("skip", 0)
    G.load_state_dict(page["recall"]("skip", first(page)))
    asked = page["attributes"](same_faces.next_hair(f))
    return G(data.draw_avatars(f)[0], asked)


def stargan_v2(f: dict) -> Tensor:
    """In the hat, or without, and the colours of the next face."""
    page = load("stargan_v2")
    nets = page["networks"](page["recall"]("full", first(page)))
    x = data.draw_avatars(f)[0]
    return nets["G"](x, page["style"](nets, x.roll(-1, 0),
                                      f["hat"].roll(-1, 0)))


def stylemapgan(f: dict) -> Tensor:
    """The right half of the next face, set into the stylemap."""
    page = load("stylemapgan")
    arm = "plain map"
    G, E = page["loaded"](page["recall"](arm, first(page)), arm)
    x, mask = data.draw_avatars(f)[0], page["halves"](8)[:4]
    return page["transplant"](G, E(x), E(x.roll(-1, 0)), mask)


def c3gan(f: dict) -> Tensor:
    """What G draws for the cluster that D puts the face into."""
    page = load("c3gan")
    nets, _ = page["recall"]("c3", first(page))
    found = page["cluster"](nets, data.draw_avatars(f)[0])
    return page["drawn"](nets["G"], found, torch.Generator().manual_seed(1))[1]


def fsmr(f: dict) -> Tensor:
    """How far the scores of plain and of FSMR move with the palette of the
    next face, in units of how far they move with its drawing: (2, 4)."""
    page = load("fsmr")
    old, palette, drawing = (data.draw_avatars(g)[0] for g in (
        f, same_faces.next_palette(f), same_faces.next_drawing(f)))
    moved = []
    for arm in ("plain", "fsmr"):
        D = page["critic"](page["recall"](arm, first(page)))
        moved.append((D(palette) - D(old)).abs()
                     / (D(drawing) - D(old)).abs().mean())
    return torch.stack(moved)


def ggdr(f: dict) -> Tensor:
    """The parts that clusters of D's decoded map say, in one colour each;
    80 faces and the four are clustered together."""
    page = load("ggdr")
    x, part = page["faces"](10_000, 80)
    mine, masks = data.draw_avatars(f)
    x, part = torch.cat([mine, x]), torch.cat([masks.argmax(1), part])
    said, = page["says"]("ggdr", first(page), x)
    return data.tinted(page["seen"]("ggdr", said, part, 0)[:4])


def digan(f: dict) -> Tensor:
    """The face at t = 1.28, by a network that saw its film up to t = 1."""
    page = load("digan")
    page["film"] = lambda t, seed, kind: same_faces.film(f, seed, t)
    with torch.enable_grad():
        return torch.cat([page["learned"]("phase", i)(torch.tensor([1.28]))
                          for i in range(4)])


PAPERS = stargan, stargan_v2, stylemapgan, c3gan, fsmr, ggdr, digan


@torch.no_grad()
def wall() -> dict[str, np.ndarray]:
    """paper -> pictures (4, 3, 16, 16), bytes; of fsmr (2, 4) numbers."""
    torch.set_num_threads(1)
    f, hung = same_faces.four(), {}
    for paper in PAPERS:
        made = paper(f)
        hung[paper.__name__] = made.numpy() if made.dim() < 4 else (
            (made.clamp(-1, 1) + 1) * 127.5).round().byte().numpy()
    return hung


def main() -> int:
    np.savez_compressed(same_faces.FILE, **wall())
    print(f"{Path(same_faces.FILE).name}: "
          f"{Path(same_faces.FILE).stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
