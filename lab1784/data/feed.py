"""Two days of a feed of papers, in arXiv's format; all of it is invented."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ..arguments import choice

# number, whose subject, title, abstract
_PAPERS = (
    (101, "pictures", "Smoother faces from a smaller generator",
     "A generator of face images keeps its style vector and loses half of "
     "its layers; translation between styles stays as good."),
    (102, "language", "When a Korean dialogue changes its mind",
     "A dialogue model that tracks what the user asked for, also where the "
     "user takes it back two turns later."),
    (103, "", "Bounds for shortest first on two machines",
     "We prove that serving the shortest job first is within a factor of "
     "the best order on two machines."),
    (104, "pictures", "Painting what the crop cut off",
     "Photographs are widened by a network that continues lines and "
     "textures beyond their edge."),
    (105, "", "Salt & temperature in the western current",
     "Ten years of buoys show how salt follows temperature."),
    (106, "language", "Fewer examples, longer prompts",
     "A language model answers as well with four examples in its prompt as "
     "with forty, if they are chosen by the question."),
    (107, "", "A gripper that feels a ripe peach",
     "A soft hand for robots that measures how far a fruit gives way."),
    (108, "pictures", "One image generator, thirty styles of comic",
     "Style is read from one page and a generator draws new images in it."),
    (109, "", "Counting bats with one microphone",
     "Calls at dusk are counted without a label for a single one."),
    (110, "language", "Words that a tokenizer tears apart",
     "Korean words are cut at their morphemes before a language model "
     "reads them, and short texts become shorter."),
    (111, "", "A wind generator that faces the gust",
     "The generator turns before the wind does, by a forecast."),
    (112, "pictures", "A generator that knows how old a face looks",
     "Images of a face at every age from one generator and one style code."),
)
_DAYS = {1: [(n, 1) for n in range(101, 109)],
         # Two come again in a new version, and one stands in two lists.
         2: [(102, 2), (109, 1), (110, 1), (108, 3), (111, 1), (110, 1),
             (112, 1)]}


def feed(day: int) -> str:
    """A day's list as Atom XML: one <entry> a paper, with <id>, <title> and
    <summary>; an id ends with the paper's version.

    day: 1 (8 entries) or 2 (7 entries).
    Raises ValueError for another day.
    """
    told = {number: (title, text) for number, _, title, text in _PAPERS}
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/0000.00{number}v{version}</id>\n"
        f"<title>{escape(told[number][0])}</title>\n"
        f"<summary>{escape(told[number][1])}</summary></entry>\n"
        for number, version in _DAYS[choice("day", day, tuple(_DAYS))])
    return f'<feed xmlns="http://www.w3.org/2005/Atom">\n{entries}</feed>'


def subjects() -> dict[str, str]:
    """Whose subject each invented paper is: "pictures", "language" or ""."""
    return {f"0000.00{number}": whose for number, whose, *_ in _PAPERS}
