"""paper_push: what this stop must survive (see test_every_page.py)."""

import math
import re
from collections import Counter

import numpy as np
import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from lab1784.data.feed import feed, subjects


def parsed_by_pattern(page):
    """The entries by regular expressions, entities by hand."""
    for day in (1, 2):
        found = [(a, *(w.replace("&amp;", "&") for w in rest))
                 for a, *rest in re.findall(
            r"<entry><id>(.*?)</id>\s*<title>(.*?)</title>\s*"
            r"<summary>(.*?)</summary>", feed(day), re.S)]
        assert page["papers"](feed(day)) == found and len(found) == 9 - day
    assert any("&" in title for _, title, _ in page["papers"](feed(1)))


def keys_by_hand(page):
    """Old and new forms of an id, with and without a version."""
    base = "http://arxiv.org/abs/"
    for address, want in (("2107.00652v12", "2107.00652"),
                          ("2107.00652", "2107.00652"),
                          ("math/0211159v1", "math/0211159"),
                          ("solv-int/9901001v2", "solv-int/9901001")):
        assert page["key"](base + address) == want


def tf_idf_by_the_formula(page):
    """Smoothed inverse document frequencies, unit vectors, their cosine."""
    found, interest = page["papers"](feed(1)), "korean image model of prompts"
    texts = [[w for w in re.findall(r"\w\w+", text.lower())
              if w not in ENGLISH_STOP_WORDS]
             for text in [f"{t} {a}" for _, t, a in found] + [interest]]
    seen = Counter(w for text in texts for w in set(text))
    idf = {w: math.log((1 + len(texts)) / (1 + n)) + 1
           for w, n in seen.items()}
    rows = [{w: n * idf[w] for w, n in Counter(t).items()} for t in texts]
    length = [math.sqrt(sum(v * v for v in r.values())) for r in rows]
    want = [sum(v * rows[-1].get(w, 0) for w, v in r.items()) / n / length[-1]
            for r, n in zip(rows[:-1], length)]
    np.testing.assert_allclose(page["closeness"](found, interest), want)


def cards_packed_greedily(page):
    """No message is too long, none could take the next card, nothing lost."""
    g = np.random.default_rng(0)
    for _ in range(50):
        cards = ["x" * int(n) for n in g.integers(1, 40, 12)]
        made = page["messages"](cards, 60)
        assert "\n\n".join(made) == "\n\n".join(cards)
        assert max(map(len, made)) <= 60
        for one, after in zip(made, made[1:]):
            assert len(one) + 2 + len(after.split("\n\n")[0]) > 60
    assert page["messages"]([]) == []


def closest_first_and_once(page):
    """A second start is silent; the order is that of closeness."""
    interest, journal, inbox = "Korean words, dialogue", set(), []
    first = page["push"](feed(2), interest, journal, inbox.append)
    found = {page["key"](p[0]): p for p in page["papers"](feed(2))}
    close = dict(zip(found, page["closeness"](list(found.values()), interest)))
    assert first == sorted((k for k in close if close[k] >= 0.1),
                           key=lambda k: -close[k]) and len(first) > 1
    assert page["push"](feed(2), interest, journal, inbox.append) == []
    assert len(inbox) == 1 and journal == set(first)
    assert page["push"](feed(2), interest, journal, inbox.append, 0.0)


def second_start_is_silent(page):
    """Wherever the line lies, and where sending changes what is left: here
    three papers share the reader's words, and a fourth has them once."""
    def starts(xml, interest, least):
        journal = set()
        return [page["push"](xml, interest, journal, lambda _: None, least)
                for _ in range(2)]
    for day in (1, 2):
        for least in np.linspace(0, 0.45, 46):
            assert starts(feed(day), "image generator, style, faces",
                          least)[1] == []
    texts = ["image generator"] * 3 + [
        "image generator salt buoys water stations western current measured "
        "daily sensors temperature depth pressure wind speed cloud cover",
        "salt buoys", "salt current"]
    xml = ('<feed xmlns="http://www.w3.org/2005/Atom">' + "".join(
        f"<entry><id>http://arxiv.org/abs/0000.0000{i}v1</id><title>{t}"
        "</title></entry>" for i, t in enumerate(texts)) + "</feed>")
    close = page["closeness"](page["papers"](xml), "image generator")
    first, second = starts(xml, "image generator", close[3] + 1e-9)
    assert len(first) == 3 and second == []


def broken_post(page):
    """What was not posted is not in the journal."""
    def post(_):
        raise ConnectionError
    journal = set()
    with pytest.raises(ConnectionError):
        page["push"](feed(1), "image generator", journal, post)
    assert not journal


ORACLES = [parsed_by_pattern, keys_by_hand, tf_idf_by_the_formula,
           cards_packed_greedily, closest_first_and_once,
           second_start_is_silent, broken_post]

WRONG = {
    "paper_push-1": [("count = 1", "takes two characters"),
                     ("count = 3", "first two fit")],
    "paper_push-2": [
        ("def deliver(texts, journal, post):\n    for text in texts:\n"
         "        if text not in journal:\n            journal.add(text)\n"
         "            post(text)", "was lost"),
        ("def deliver(texts, journal, post):\n    for text in texts:\n"
         "        if text not in journal:\n            post(text)\n"
         "    journal.update(texts)", "write each at once"),
        ("def deliver(texts, journal, post):\n    for text in texts:\n"
         "        if text in journal:\n            continue\n"
         "        try:\n            post(text)\n"
         "            journal.add(text)\n"
         "        except ConnectionError:\n            pass",
         "Let the error out"),
        ("def deliver(texts, journal, post):\n"
         "    for text in texts[len(journal):]:\n        post(text)\n"
         "        journal.add(text)", "was in the journal"),
        ("def deliver(texts, journal, post):\n"
         "    for text in sorted(set(texts) - journal):\n"
         "        post(text)\n        journal.add(text)", "another order"),
    ],
}
OPEN = {"paper_push-2": "it is what the function posts, not what it returns"}


def test_the_feed_is_invented_and_its_days_are_two():
    assert len(subjects()) == 12
    with pytest.raises(ValueError, match="day"):
        feed(3)
