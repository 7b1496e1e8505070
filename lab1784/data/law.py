"""A law text in Korean, cut into morphemes before it came here.

The Constitution of the Republic of Korea of 1987, 344 paragraphs, as konlpy
0.6.0 ships it, with single spaces; cut and tagged by kiwipiepy 0.24.1
(model 0.24.0) with tools/law.py.  The analyser makes mistakes, and nobody
has mended them.  No copyright: see LICENSE-constitution.txt.
"""

from __future__ import annotations

import pathlib


def constitution() -> list[list[list[tuple[str, str]]]]:
    """Paragraphs, each a list of words, each a list of (piece, tag).

    The pieces of a word are its letters, whole; words are parted by one
    space.  Tags are those of the Sejong corpus, as NNG for a common noun;
    X where a word begins inside what the analyser took for one morpheme.
    """
    path = pathlib.Path(__file__).with_name("constitution.txt")
    return [[[tuple(piece.rsplit("/", 1)) for piece in word.split("|")]
             for word in line.split(" ")]
            for line in path.read_text("utf-8").splitlines()]
