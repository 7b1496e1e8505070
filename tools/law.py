"""Makes lab1784/data/constitution.txt: the Constitution, cut and tagged.

Not a part of the book's environment.  In an environment of its own:

    pip install kiwipiepy==0.24.1 kiwipiepy_model==0.24.0
    pip download --no-deps konlpy==0.6.0 && unzip konlpy-0.6.0-*.whl
    python tools/law.py konlpy/data/corpus/kolaw/constitution.txt

The text file of konlpy's wheel is read, konlpy itself is not imported.
"""

import pathlib
import sys


def words(line, tokens):
    """The words of a line, each cut where the analyser begins a morpheme.

    tokens: kiwipiepy's, with start and tag.  Where two begin at one place,
    as in a syllable that a stem and an ending share, the first gives the
    tag.  Returns "piece/TAG|piece/TAG" a word."""
    tag = {}
    for token in tokens:
        tag.setdefault(token.start, token.tag)
    cut, at = [], 0
    for word in line.split(" "):
        starts = sorted({at} | {s for s in tag if at < s < at + len(word)})
        ends = [*starts[1:], at + len(word)]
        cut.append("|".join(f"{line[a:b]}/{tag.get(a, 'X')}"
                            for a, b in zip(starts, ends)))
        at += len(word) + 1
    return cut


def main(source):
    from kiwipiepy import Kiwi
    kiwi, out = Kiwi(num_workers=1), []
    for line in pathlib.Path(source).read_text("utf-8").split("\n"):
        line = " ".join(line.split())
        if line:
            out.append(" ".join(words(line, kiwi.tokenize(line))))
    target = pathlib.Path(__file__).parents[1] / "lab1784" / "data"
    (target / "constitution.txt").write_text("\n".join(out) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
