"""hyperclova_tokenizer: what its page must survive (see test_every_page.py)."""

import itertools
import math
import re
from collections import Counter

import numpy as np
from tokenizers import (Tokenizer, decoders, models, pre_tokenizers,
                        trainers)

from lab1784 import data

LAW = data.constitution()
CUT = [[[p for p, _ in word] for word in line] for line in LAW]
TEXT = [" ".join("".join(word) for word in line) for line in CUT]
TOY = ["법은 법이", "aaa aaaa", "법을", "a", "국회의 법", ""] + 3 * ["국회"]


def letters(text):
    return "".join(chr(256 + b) for b in text.encode())


def of_the_package(chunks, merges):
    """Made by others: merges of Hugging Face's BPE, as pairs of bytes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.train_from_iterator(
        [" ".join(letters(c) for c in chunks)], trainers.BpeTrainer(
            vocab_size=256 + merges, min_frequency=2, show_progress=False,
            initial_alphabet=[chr(256 + b) for b in range(256)]))
    return tokenizer


def pieces(page, rank, chunk):
    bytes_of = page["spelled"](rank)
    return [bytes_of[t] for t in page["encode"](chunk, rank)]


def merges_of_the_package(page):
    """Every merge in order and every encoding, for two ways to cut."""
    for way in (lambda w: w, lambda w: ["".join(w)]):
        chunks = [c for line in CUT[:60]
                  for c in page["chunks_of"](map(way, line))]
        rank, other = page["train"](chunks, 300), of_the_package(chunks, 300)
        names = sorted(other.get_vocab().items(), key=lambda x: x[1])
        assert page["spelled"](rank) == [bytes(ord(x) - 256 for x in t)
                                         for t, _ in names]
        assert list(rank.values()) == [*range(256, 256 + len(rank))]
        for c in [*chunks[:300], " 샘물이", "aaaaa", ""]:
            assert page["encode"](c, rank) == other.encode(letters(c)).ids


def gpt2_bytes(page):
    """The package's byte-level decoder reads our tokens back."""
    rank = page["train"](TOY, 50)
    known = {b: i for i, b in enumerate(page["spelled"](rank))}
    byte = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    for text in ("법은 국회의 aaa", " 샘물 ①·"):
        shown = "".join(x for x, _ in byte.pre_tokenize_str(text))
        row = page["encode"](text, rank)
        assert len(shown) == len(text.encode())
        assert decoders.ByteLevel().decode([shown]) == page["decode"](
            row, rank) == text
        assert all(t in known.values() for t in row)


def merges_by_brute_force(page):
    """Every pair of every text counted anew before every merge."""
    texts = [*TOY, *(c for line in CUT[5:12] for w in line for c in w)]
    rows, pairs = [list(t.encode()) for t in texts], []
    for new in range(256, 316):
        count = Counter(p for row in rows for p in zip(row, row[1:]))
        if not count or max(count.values()) < 2:
            break
        top = max(count.values())
        best = min(p for p, c in count.items() if c == top)
        pairs.append(best)
        rows = [merge(row, best, new) for row in rows]
    assert list(page["train"](texts, 60)) == pairs
    rank = {p: 256 + i for i, p in enumerate(pairs)}
    assert [page["encode"](t, rank) for t in texts] == rows
    assert page["train"](["ab", "cd"], 9) == {}


def merge(row, pair, new):
    out = []
    for t in row:
        if out and (out[-1], t) == pair:
            out[-1] = new
        else:
            out.append(t)
    return out


def rows_by_hand(page):
    assert page["merged"]([1, 1, 1, 2, 1, 1], (1, 1), 9) == [9, 1, 2, 9]
    assert page["merged"]([1, 2, 3], (2, 3), 9) == [1, 9]
    assert page["merged"]([], (2, 3), 9) == []
    rank = {(1, 2): 256, (3, 1): 257, (257, 2): 258}
    assert page["encode"]("\x03\x01\x02", rank) == [3, 256]
    assert page["chunks_of"]([["가", "나"], ["다"], ["라", "마"]]) == [
        "가", "나", " 다", " 라", "마"]


def every_byte_comes_back(page):
    rank = page["train"]([c for line in CUT[:40]
                          for c in page["chunks_of"](line)], 120)
    for line, text in zip(CUT, TEXT):
        chunks = page["chunks_of"](line)
        assert "".join(chunks) == text
        row = [t for c in chunks for t in page["encode"](c, rank)]
        assert page["decode"](row, rank) == text
        assert len(page["decode"](row, {**rank})) == len(text)


def no_token_across(page):
    """A merge never joins two chunks, however often they meet."""
    chunks = page["chunks_of"]([["xy", "zw"]] * 50)
    made = page["spelled"](page["train"](chunks, 20))[256:]
    assert set(made) == {b"xy", b"zw", b" xy"}


LIST = ("은 는 이 가 을 를 의 에 에서 에게 와 과 로 으로 도 만 까지 부터 에는 에도 "
        "으로부터 로부터 으로서 로서 이나 나").split()


def split_off(word):
    """Stem and particle by an expression, longest particle first."""
    tails = "|".join(sorted(LIST, key=len, reverse=True))
    got = re.match(f"(..+?)({tails})$", word)
    return got.groups() if got else (word, "")


def cuts_by_hand(page):
    assert tuple(page["PARTICLES"]) == tuple(LIST)
    for arm, word, want in (
            ("words", ["국회", "의"], ["국회의"]),
            ("morphemes", ["국회", "의"], ["국회", "의"]),
            ("particles", ["국회의원", "으로부터", ","],
             ["국회의원", "으로부터", ","]),
            ("particles", ["나", "의"], ["나의"]),
            ("particles", ["국", "회의"], ["국회", "의"]),
            ("syllables", ["국회", "의."], list("국회의."))):
        rng = np.random.default_rng(0)
        whole = "".join(word)
        assert page["cut_at"](whole, page["places_of"](
            arm, whole, word, rng)) == want, arm
    first = {}
    for line in CUT:
        for word in line:
            first.setdefault("".join(word), len(word))
            assert page["particle"]("".join(word)) == split_off(
                "".join(word))[1]
    whole = [page["chunks_of"]([["".join(w)] for w in line])
             for line in CUT]
    assert page["cut_text"]("words", 1000, 1.0) == whole
    assert page["cut_text"]("syllables", 1000, 1.0) == [
        re.findall(" ?[^ ]", t) for t in TEXT]
    assert page["cut_text"]("morphemes", 1000, 1.0) == [
        page["chunks_of"](line) for line in CUT]
    made = {}
    for line, text in zip(page["cut_text"]("random", 1000, 1.0), TEXT):
        assert "".join(line) == text
        words = "".join(f"|{c}" for c in line).replace("| ", " ").split(" ")
        for word in words:
            parts = tuple(word.strip("|").split("|"))
            assert made.setdefault("".join(parts), parts) == parts
            assert len(parts) == first["".join(parts)]
    assert len(set(map(len, made.values()))) > 3
    for arm in page["ARMS"]:
        assert page["cut_text"](arm, 1000, 0.0) == whole
    half = page["cut_text"]("syllables", 1000, 0.5)
    kept = sum(c in whole[i] for i, line in enumerate(half) for c in line
               if len(c.strip()) > 3)
    assert 0.3 < kept / sum(len(c.strip()) > 3 for line in whole
                            for c in line) < 0.7
    assert half != page["cut_text"]("syllables", 1001, 0.5)


def coder_by_recursion(page):
    """Witten and Bell's mixture, from the definition; it sums to one."""
    rng = np.random.default_rng(0)
    rows = [rng.integers(5, size=n).tolist() for n in (9, 1, 6, 12)]
    test = [0, 3, 4, 1, 5, 5, 0]

    def p(t, h, longest):
        if h is None:
            return 1 / 7
        after = Counter(
            row[i] for row in ([-1] * (longest - 1) + r for r in rows)
            for i in range(longest - 1, len(row))
            if tuple(row[i - len(h):i]) == h)
        back = p(t, h[1:] if h else None, longest)
        if not after:
            return back
        return ((after[t] + len(after) * back)
                / (sum(after.values()) + len(after)))
    for order in (1, 2, 3):
        bits = page["coder"](rows, order, 7)
        padded = [-1] * (order - 1) + test
        want = [-math.log2(p(t, tuple(padded[i:i + order - 1]), order))
                for i, t in enumerate(test)]
        np.testing.assert_allclose(bits(test), want)
        total = sum(2 ** -bits([*test[:3], t])[3] for t in range(7))
        assert abs(total - 1) < 1e-9


def steady_by_hand(page):
    """Five places of one stem, pairs counted one by one."""
    lines = ["국회의 법", "국회에 ", "그 국회를 ", "국회의", "나의 법도"]
    assert page["stems_of"](lines) == {
        "국회": [(0, 0, "의"), (1, 0, "에"), (2, 2, "를"), (3, 0, "의")]}
    edges = [{0, 3, 6, 9, 13}, {0, 3, 6, 9, 10}, {0, 3, 7, 10, 13, 14},
             {0, 9}, {0, 13}]
    # 의 and 에, 의 and 를, 에 and 를 of the first four; the last has none
    assert page["steady"](lines, edges) == 3 / 5
    edges[2] = {0, 3, 10, 13}           # a left space inside the token
    assert page["steady"](lines, edges) == 1 / 5
    edges[1] = {0, 9, 10}
    assert page["steady"](lines, edges) == 0


def again(page, arm, seed, strength, merges, order):
    """One run, with the package's merges and everything else by hand."""
    draw = np.random.default_rng(seed).permutation(len(TEXT)).tolist()
    old, held = draw[:275], draw[275:]
    text = page["cut_text"](arm, seed, strength)
    other = of_the_package([c for n in old for c in text[n]], merges)
    name = {t: bytes(ord(x) - 256 for x in s)
            for s, t in other.get_vocab().items()}
    rows = [[t for c in line for t in other.encode(letters(c)).ids]
            for line in text]
    bits = page["coder"]([rows[n] for n in old], order, len(name))
    size = sum(len(TEXT[n]) for n in held)
    known = {w for n in old for w in TEXT[n].split()}
    unseen, seen = [], []
    ends = [[0, *itertools.accumulate(len(name[t]) for t in row)]
            for row in rows]
    for n in held:
        per_byte = [b / len(name[t]) for t, b in zip(rows[n], bits(rows[n]))
                    for _ in name[t]]
        flags = [w not in known and w != " "
                 for w in re.split("( )", TEXT[n]) for _ in w.encode()]
        unseen += [b for b, f in zip(per_byte, flags) if f]
        seen += [len(w) for w in TEXT[n].split() if w not in known]
    places, hits = {}, []
    for n, line in enumerate(TEXT):
        for m in re.finditer("[가-힣]+", line):
            stem, tail = split_off(m[0])
            if tail:
                a = len(line[:m.start()].encode())
                b = a + len(stem.encode())
                ok = b in ends[n] and (a in ends[n] or (
                    line[m.start() - 1:m.start()] == " "
                    and a - 1 in ends[n]))
                inner = (tuple(e - a for e in ends[n] if a < e < b)
                         if ok else object())
                places.setdefault(stem, []).append((tail, inner))
    shares = []
    for at in places.values():
        pairs = [x[1] == y[1] for x, y in itertools.combinations(at, 2)
                 if x[0] != y[0]]
        shares += [np.mean(pairs)] if pairs else []
    for n in held:
        at = 0
        for word in LAW[n]:
            for piece, tag in word:
                end = at + len(piece.encode())
                first = at == 0 or (at - 1 in ends[n] and TEXT[n].encode()[
                    at - 1:at] == b" ") or at in ends[n]
                if tag[:2] == "NN" and tag != "NNB" and len(piece) > 1:
                    hits.append(first and end in ends[n])
                at = end
            at += 1
    return {"stems": np.mean(shares), "nouns": np.mean(hits),
            "length": sum(len(rows[n]) for n in held) / size,
            "bits": sum(sum(bits(rows[n])) for n in held) / size,
            "unseen": sum(unseen) / sum(seen)}


def arms_again(page):
    for arm, strength, merges, order in (
            ("morphemes", 0.6, 500, 1), ("random", 1.0, 300, 2)):
        got = page["run"](arm, 1003, strength, merges, order)
        want = again(page, arm, 1003, strength, merges, order)
        assert got.keys() == want.keys()
        for name in want:
            assert abs(got[name] - want[name]) < 1e-9, (arm, name)


ORACLES = [merges_of_the_package, gpt2_bytes, merges_by_brute_force,
           rows_by_hand, every_byte_comes_back, no_token_across,
           cuts_by_hand, coder_by_recursion, steady_by_hand, arms_again]

MISTAKES = {
    "Across the cut": (
        'return [" " * (i > 0 and j == 0) + part\n            for i, word '
        "in enumerate(words) for j, part in enumerate(word)]",
        'return [" " * (i > 0) + "".join(word)\n            for i, word '
        "in enumerate(words)]"),
    "Space lost": ('" " * (i > 0 and j == 0) + part', "part"),
    "Rarest pair": ("most = max(total.values(), default=0)",
                    "most = min((n for n in total.values() if n > 1), "
                    "default=0)"),
    "Each chunk once": ("list(count.values())", "[1] * len(count)"),
    "Larger numbers first": ("best = min(p for p, n in total",
                             "best = max(p for p, n in total"),
    "Once is enough": ("if most < 2:", "if most < 1:"),
    "One number off": ("for new in range(256, 256 + merges):",
                       "for new in range(255, 255 + merges):"),
    "Token left in place": ("            out.append(new)\n            i += 2",
                            "            out.append(new)\n            i += 1"),
    "Last merge first": ("key=lambda p: rank.get(p, math.inf)",
                         "key=lambda p: -rank.get(p, -math.inf)"),
    "Letter by letter": (
        'return b"".join(bytes_of[t] for t in row).decode()',
        'return "".join(bytes_of[t].decode(errors="ignore") for t in row)'),
}
TRAIN = dict(arm="morphemes", seed=1000, merges=60, order=2)
STAYS = {"Letter by letter": "run() never decodes",
         "Once is enough": "no pair is that rare among the first merges"}
NULL = dict(arm="morphemes", baseline="words", strength=0.0, merges=60)
UNKNOWN = []
TRACES = {"run": dict(arms=["words", "morphemes", "syllables"], merges=60)}

EXPERIMENT = {
    "exam: merges learned from all paragraphs": (
        "train([c for n in order[:len(order) * 4 // 5]",
        "train([c for n in order"),
    "exam: the coder has read what it codes": (
        "coder([rows[n] for n in seen]", "coder([rows[n] for n in draw]"),
    "metric: bits a token": ('"bits": total / characters',
                             '"bits": total / sum(len(rows[n]) for n in '
                             'held)'),
    "metric: two missed stems count as the same": (
        "if tokens is not None:", "if True:"),
    "metric: places with one particle are pairs as well": (
        "/ pairs(tails))", "/ (tails.total() * (tails.total() - 1) / 2))"),
    "metric: only the end of a noun counts": (
        '''if last not in edges or not {first, first - (
            line[:start].endswith(" "))} & edges:''',
        "if last not in edges:"),
    "rival: a cut too few": ("[:len(morphemes) - 1]",
                             "[:len(morphemes) // 2]"),
    "rival: the shortest particle": ('key=len, default=""',
                                     'key=lambda p: -len(p), default=""'),
    "rival: words without their first syllable": (
        "range(len(word) if arm == \"syllables\" else 0)",
        "range(len(word) if arm == \"syllables\" else 2)"),
    "pairing: one split for all seeds": (
        "np.random.default_rng(seed).permutation",
        "np.random.default_rng(0).permutation"),
    "pairing: random cuts of every seed": ("default_rng((seed, 1))",
                                           "default_rng((0, 1))"),
    "counting: the first paragraph held out is left out": (
        "draw[:len(draw) * 4 // 5], draw[len(draw) * 4 // 5:]",
        "draw[:len(draw) * 4 // 5], draw[len(draw) * 4 // 5 + 1:]"),
    "counting: spaces count as unseen": (
        "end = at + len(word.encode())\n",
        "end = at + len(word.encode()) + 1\n"),
    "search: the coder's length is ignored": (
        "for n in seen], order,", "for n in seen], 3,"),
    "search: the number of merges is ignored": (
        "= learned(arm, seed, strength, merges)",
        "= learned(arm, seed, strength, 800)"),
}
NOT = {"labels": "nothing is classified: there are no labels",
       "mode": "no network, so no mode for training"}

WRONG = {
    "hyperclova_tokenizer-1": [("before, enough = 1250, 800", "letters"),
                               ("before, enough = 3750, 800", "A space"),
                               ("before, enough = 3000, 800", "Three bytes"),
                               ("before, enough = 3250, 400", "A merge joins"),
                               ("before, enough = 3250, 1200",
                                "How often")],
    "hyperclova_tokenizer-2": [("few = 800", "hold particles"),
                               ("few = 900", "From 50 to 800"),
                               ("few = 0", "From 50 to 800"),
                               ("few = 20.5", "whole number")],
    "hyperclova_tokenizer-3": [("short = 3", "reads back"),
                               ("short = 2", "reads back"),
                               ("short = 4", "reads back"),
                               ("short = 0", "from 1 to 4")],
    "hyperclova_tokenizer-4": [
        ("mended = suspect", "Letters are lost"),
        ("mended = lambda row, rank: b''.join(spelled(rank)[t] for t in "
         "row)", "return a text"),
        ("mended = lambda row, rank: ''.join(spelled(rank)[t].decode("
         "errors='replace') for t in row)", "Letters are lost")],
}
OPEN = {"hyperclova_tokenizer-2": "every small number of merges will do"}
