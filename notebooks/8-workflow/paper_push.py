# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Daily push
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/8-workflow/paper_push.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | the interview of 2020: a program of the team's own that fetches the day's papers from arXiv and pushes them over Telegram; we know of no public code |
# | Data | two days of a feed in arXiv's format, invented by us, so that we know which paper is whose |
# | Library | on Monday: [arxiv.py](https://github.com/lukasschwab/arxiv.py) to fetch, [python-telegram-bot](https://python-telegram-bot.org) to send |
# | Time | <!--=bench.paper_push.seconds-->4<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 하루치 논문 목록을 읽고, 관심사와 가까운 순서로 골라, 길이 제한에 맞춰 나누어 보내는 작은 프로그램을 만듭니다.
# 보낸 것을 적어 두므로 다시 실행해도, 새 버전이 나와도 같은 논문은 또 가지 않지만, 낱말이 겹치지 않는 논문은 놓칩니다.

# %% tags=["setup"]
# @title Set-up: in Colab this installs the book's helper
import importlib.util, os, pathlib, subprocess, sys
for folder in [pathlib.Path.cwd(), *pathlib.Path.cwd().parents][::-1]:
    if (folder / "lab1784" / "__init__.py").exists():
        sys.path.insert(0, str(folder))    # in a clone, the clone's own
spec, env = importlib.util.find_spec("lab1784"), os.environ
if spec is None or spec.origin is None:
    book = "git+https://github.com/OWNER/REPO"
    if not {"COLAB_RELEASE_TAG", "LAB1784_SOURCE"} & env.keys():
        raise ImportError(
            f"Rename {list(spec.submodule_search_locations)[0]}: it is in the "
            "way of the book's helper" if spec else "The book's helper is not "
            f"here: open a clone of the book, or run pip install {book}")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    env.get("LAB1784_SOURCE", book)], check=True)
    importlib.invalidate_caches()
    print("Installed lab1784 only; no other package was changed.")

# %% tags=["imports"]
# @title Imports
import re
from xml.etree import ElementTree

import numpy as np
from matplotlib.patches import FancyBboxPatch
from sklearn.feature_extraction.text import TfidfVectorizer

from lab1784 import check, near, palette, show
from lab1784.data.feed import feed, subjects
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

# %% [markdown]
# ## What came in this morning
#
# [arXiv's API](https://info.arxiv.org/help/api/user-manual.html) answers in Atom, a kind of XML, with one `<entry>` a paper.
# Its id ends with the version: `http://arxiv.org/abs/0000.00102v2` is the second version of `0000.00102`.
# A new version of a paper that was sent is no news, and in our feed a paper may stand twice on one day.
# So what we remember is the id without its version.

# %% tags=["experiment"]
def papers(xml):
    """Atom XML -> [(id, title, abstract), ...] in the feed's order."""
    return [tuple(" ".join(entry.findtext("{*}" + part, "").split())
                  for part in ("id", "title", "summary"))
            for entry in ElementTree.fromstring(xml).iterfind("{*}entry")]


def key(address):
    """An id without its version: .../abs/0000.00102v2 -> 0000.00102."""
    return re.sub(r"v\d+$", "", address.partition("/abs/")[2])

# %% [markdown]
# ## Whose is it?
#
# A reader says in a few words what they work on.
# **Tf-idf** counts the words of a text and weighs each: the fewer of the day's texts have it, the more.
# Words that are everywhere, such as *of*, are left out; the reader's words count as one more text.
# The **cosine** (코사인) of the angle between two such lists of weights is 1 for the same mixture of words, and 0 where no word is shared.

# %% tags=["experiment"]
def closeness(found, interest):
    """(n,) cosines of n papers' words with the reader's, from 0 to 1."""
    texts = [" ".join(p[1:]) for p in found] + [interest]
    table = TfidfVectorizer(stop_words="english").fit_transform(texts)
    return (table[:-1] @ table[-1].T).toarray().ravel()

# %% [markdown]
# ## Send it, once
#
# Telegram takes [at most 4,096 characters](https://core.telegram.org/bots/api#sendmessage) in a message.
# A **card** is a paper's title and abstract, and it is never cut: what does not fit begins the next message.
# (A card that is too long by itself would be refused; ours have a few hundred characters.)
# A paper is written into the **journal** after it was posted, and what stands there is not posted again.

# %% tags=["experiment"]
def messages(cards, limit=4096):
    """Cards in order, an empty line between, as many a message as fit."""
    made = []
    for card in cards:
        fits = made and len(made[-1]) + 2 + len(card) <= limit
        made[-1:] = [f"{made[-1]}\n\n{card}"] if fits else made[-1:] + [card]
    return made


def push(xml, interest, journal, post, least=0.1):
    """Post what is new and close, the closest first; return their keys."""
    day = {key(p[0]): p for p in papers(xml)}
    close = closeness(list(day.values()), interest) if day else []
    chosen = sorted((-c, k) for c, k in zip(close, day)
                    if c >= least and k not in journal)
    for text in messages([f"{day[k][1]}\n{day[k][2]}" for _, k in chosen]):
        post(text)
    journal.update(k for _, k in chosen)
    return [k for _, k in chosen]

# %% [markdown]
# All papers of the day are weighed, also those that were sent.
# (Without them the weights would be others at a second start, and a paper could slip over the line.)
#
# Two readers, two days, and each day the program is started twice, as happens when somebody is not sure that it ran.
# On day 2 two papers of day 1 return in a new version, and one new paper stands there twice.
# Nobody gets a paper twice.

# %%
readers = {"pictures": "image generator, style, translation of faces",
           "language": "Korean language model, prompts, dialogue"}
for name, interest in readers.items():
    journal, inbox = set(), []
    told = [push(feed(day), interest, journal, inbox.append)
            for day in (1, 1, 2, 2)]
    sent = sum(told, [])
    assert len(set(sent)) == len(sent) and not told[1] + told[3]
    wrong = set(sent) ^ {k for k, who in subjects().items() if who == name}
    print(f"{name}: sent {len(sent)}; not theirs, or missed: {sorted(wrong)}")

# %% tags=["figure"]
# @title Draw: a morning on the telephone, and how it was chosen
fig, (phone, left, right) = subplots(1, 3, width=7.2, height=3.6)
phone.add_patch(FancyBboxPatch((0.05, 0.02), 0.9, 0.96, fill=False, lw=2,
                               boxstyle="round,pad=0,rounding_size=0.08"))
cards = []
push(feed(1), readers["pictures"], set(), cards.append)
for n, card in enumerate(cards[0].split("\n\n")):
    words, lines = card.split("\n")[0].split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 19:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    phone.text(0.13, 0.88 - 0.3 * n, "\n".join(lines), fontsize=9, va="top",
               bbox={"boxstyle": "round", "fc": palette["grid"], "lw": 0})
phone.set(xlim=(0, 1), ylim=(0, 1), title="Day 1, for pictures")
phone.axis("off")
for ax, (name, interest) in zip((left, right), readers.items()):
    close = {}                       # of a paper's first day
    for day in (2, 1):
        found = {key(p[0]): p for p in papers(feed(day))}
        close |= zip(found, closeness(list(found.values()), interest))
    found, close = zip(*sorted(close.items()))
    mine = [subjects()[k] == name for k in found]
    wrong = sum((c >= 0.1) != m for c, m in zip(close, mine))
    ax.barh(range(len(found)), close, hatch=["///" * m for m in mine],
            color=[palette["method" if m else "plain"] for m in mine],
            edgecolor=palette["card"])
    ax.plot([0.006] * sum(mine), np.flatnonzero(mine), "o", ms=6, mew=1,
            color=palette["ink"], mfc=palette["card"], label="theirs")
    ax.axvline(0.1, ls="--", color=palette["ink"], lw=1)
    ax.set(yticks=range(len(found)), ylim=(len(found) - 0.4, -0.6),
           yticklabels=[k[-3:] for k in found], xlabel="cosine",
           title=f"For {name}: {wrong} wrong")
left.legend(loc="center right")
show(fig, "Left, a telephone with the titles of two papers. Then two bar "
          "charts over the twelve papers, one a reader, the reader's own "
          "papers marked by a ring. Of the pictures reader's four, three "
          "pass the dashed line at 0.1, and so does number 111, which is "
          "not theirs; their number 104 has no bar. Of the language "
          "reader's three all pass, and nothing else.")

# %% [markdown]
# Number 111 is about a power station: to a counter of words a *generator* is a *generator*.
# Number 104 is about pictures and has not one word of the reader's: a *photograph* is no *image*.
# We drew the line at `0.1` by hand; on these two days any line up to `0.2` chooses the same.
#
# A reader who answers "more like this one" can add that paper's words to their own.
# Another way, not tried here, compares vectors of meaning, as the page on [SG-OPT](../5-language/sg_opt.ipynb) does for sentences.
#
# Where all went well, the journal makes a second start harmless.
# Where it did not, holes are left; exercise 2 mends one.
# Another: Telegram has the message, but its answer is lost, and the program believes that nothing was sent.
# Writing the journal first would lose papers instead.
# [Phone orders](../7-building/phone_orders.ipynb) shows what would close it: a number that the receiver remembers.
# [Chapter 8](../../chapters/8-workflow.md) tells what the push was for.
#
# ## Exercises
#
# **1. Compute.**
# Three cards have 2,000, 2,090 and 5 characters.
# How many messages does `messages` make of them, in this order?

# %% tags=["exercise"]
count = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_count(value):
    assert not near(value, 1), "Each empty line takes two characters, too."
    assert not near(value, 3), "The first two fit: 2000 + 2 + 2090."
    assert near(value, 2), "Fill each message up to 4,096 characters."

check("paper_push-1", count, judge_count, asks="a number of messages")

# %% tags=["solution"]
# @title Solution of exercise 1
count = len(messages(["x" * 2000, "x" * 2090, "x" * 5]))
check("paper_push-1", count, judge_count)

# %% [markdown]
# **2. Mend a hole.**
# A long morning makes three messages, and at the second the network fails: `post` raises `ConnectionError`, and nothing was delivered by that call.
# `push` has then written nothing, and its next start sends the first message again.
# Write `deliver(texts, journal, post)`, which posts each text that is not in the set `journal`, in order, and lets the error out; after a new start, each text has arrived once.

# %% tags=["exercise"]
def deliver(texts, journal, post):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 2
def judge_deliver(function):
    for n, bad in ((3, 1), (3, 0), (4, 3), (2, 2)):      # 2 of 2: none
        texts = [f"text {i}" for i in range(n, 0, -1)]
        journal, inbox, fails = {"had before"}, [], texts[bad:bad + 1]

        def post(text):
            if text in fails:
                fails.clear()
                raise ConnectionError
            inbox.append(text)
        for start in range(2):
            try:
                function([*texts, "had before"], journal, post)
            except ConnectionError:
                assert start == 0, "The second start raises no error."
            else:
                assert start or bad == n, (
                    "Let the error out, so that somebody starts again.")
        assert "had before" not in inbox, "That one was in the journal."
        assert set(inbox) == set(texts), "A text was lost: write afterwards."
        assert inbox == texts, (
            "Twice, or in another order: write each at once.")

check("paper_push-2", deliver, judge_deliver, asks="a function")

# %% tags=["solution"]
# @title Solution of exercise 2
def deliver(texts, journal, post):
    for text in texts:
        if text not in journal:
            post(text)
            journal.add(text)

check("paper_push-2", deliver, judge_deliver)
