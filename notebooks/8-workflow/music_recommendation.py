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
# # Music recommendation
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/8-workflow/music_recommendation.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | the interview of 2020: a recommender by content, made for NAVER Music; which paper it is the text does not say, so this is one established way |
# | Data | 300 listeners and 240 songs, drawn by us, with tastes that we know |
# | Library | on Monday: [implicit](https://benfred.github.io/implicit/) for who plays what, [librosa](https://librosa.org/doc/latest/index.html) for how it sounds |
# | Time | <!--=bench.music_recommendation.seconds-->4<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 아무도 듣지 않은 새 노래를 소리만으로 취향 지도에 놓아, 들을 사람을 음악을 많이 듣는 순서로 고를 때보다 잘 찾는 것을 봅니다.
# 정답이 새어 들어간 추천기는 진짜 취향을 아는 것보다도 점수가 높게 나온다는 것, 그래서 어떻게 알아채는지도 봅니다.

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
import numpy as np
from sklearn.linear_model import Ridge

from lab1784 import check, near, palette, show
from lab1784.data.songs import listening
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

# %% [markdown]
# ## A song that nobody has played
#
# Of our 240 songs 60 came out this morning.
# A recommender gives every listener a score for every new song.
# For each song we pick the 20 best of the 300 listeners and ask later how many of these play it.

# %% tags=["experiment"]
plays, sound, chance = listening(0)     # (300, 240), (240, 12), (300, 240)
old, new = slice(0, 180), slice(180, 240)


def hits(score, played, most=20):
    """Share of the `most` best listeners of each song that play it.

    score, played: (listeners, songs).
    """
    best = np.argsort(-score, axis=0)[:most]
    return np.take_along_axis(played, best, 0).mean()

# %% [markdown]
# ## A map of taste
#
# **Collaborative filtering** (협업 필터링) looks at who plays what and at nothing else.
# Take from the table of plays the mean of each song and that of each listener, and add the mean of all, which was taken twice.
# Approximate the rest by a few numbers a listener and as many a song, which are multiplied and added up.
# In squares the best is the truncated **singular value decomposition** (특잇값 분해).
# We take six numbers, as if we did not know that a taste has two here.
# Their product says how much more than expected somebody plays a song.

# %% tags=["experiment"]
def taste_map(table, rank=6):
    """(listeners, songs) of plays -> (listeners, rank), (songs, rank)."""
    rest = table - table.mean(0) - table.mean(1, keepdims=True) + table.mean()
    left, size, right = np.linalg.svd(rest, full_matrices=False)
    return left[:, :rank] * size[:rank], right[:rank].T

# %% [markdown]
# A song without a play has no place on this map.
# But the old songs have one, and they also have a sound.
# So learn, on the old ones, to tell the place from the sound, and put a new song where its sound says.
# [Van den Oord and colleagues](https://papers.nips.cc/paper/5004-deep-content-based-music-recommendation) did so in 2013, with another factorisation and a deep network on real audio.
# We take ridge regression (릿지 회귀) on twelve numbers.

# %% tags=["experiment"]
def by_sound(plays, sound):
    """Scores (listeners, new songs), from plays of old songs alone."""
    listeners, songs = taste_map(plays[:, old])
    places = Ridge(10.0).fit(sound[old], songs).predict(sound[new])
    return listeners @ places.T + plays[:, old].mean(1, keepdims=True)


def leaky(plays, sound):
    """The same listeners and songs, and a map that has seen the answer."""
    listeners, songs = taste_map(plays)
    return listeners @ songs[new].T + plays[:, old].mean(1, keepdims=True)

# %% [markdown]
# The last summand is how much a listener plays at all: whoever plays everything plays a new song, too.
# That alone is one rival.
# The other has no map: one ridge regression a listener, from the sound to the plays.

# %%
much = np.repeat(plays[:, old].mean(1, keepdims=True), 60, 1)
drawn = np.random.default_rng(0).random((300, 60))
alone = Ridge(10.0).fit(sound[old], plays[:, old].T).predict(sound[new]).T
for name, score in {"anybody": drawn, "who plays most": much,
                    "without a map": alone,
                    "by sound": by_sound(plays, sound),
                    "true taste": chance[:, new],
                    "leaky": leaky(plays, sound)}.items():
    print(f"{name:14} {hits(score, plays[:, new]):.2f} of the picked play it")

# %% [markdown]
# Most of the gain comes from the sound, and a little from the map, on which listeners help each other.
#
# The last line is better than the truth, by which the plays were drawn.
# Without the answer nothing can be, except by luck, and luck moves these numbers by about one hundredth.
# `leaky` has seen the answer: it drew its map with the plays of the new songs in it.
#
# Where the truth is not known there is a test that needs none: change what must not be known, and nothing may move.

# %%
other = plays.copy()
other[:, new] = 1 - other[:, new]
assert (by_sound(other, sound) == by_sound(plays, sound)).all()
assert (leaky(other, sound) != leaky(plays, sound)).any()

# %% tags=["figure"]
# @title Draw: where two new songs land
listeners, songs = taste_map(plays[:, old], 2)
places = Ridge(10.0).fit(sound[old], songs).predict(sound[new])
pair = sorted(range(60), key=lambda k: -np.linalg.norm(places[k]))[:20]
pair = [pair[0], min(pair[1:], key=lambda k: places[k] @ places[pair[0]])]
fig, axes = subplots(1, 2, width=7.2, height=3.4, sharex=True, sharey=True)
for ax, k, name in zip(axes, pair, ("One new song", "Another")):
    play = plays[:, 180 + k] > 0
    ax.plot(*listeners[~play].T, ".", color=palette["grid"], ms=5,
            label="do not play it")
    ax.plot(*listeners[play].T, "o", color=palette["method"], ms=5,
            label="play it")
    x, y = places[k] / np.linalg.norm(places[k])
    ax.annotate("", 2.4 * np.array([x, y]), (0, 0), arrowprops={
        "arrowstyle": "-|>", "color": palette["rival"], "lw": 3})
    ax.set(title=f"{name}: its sound points here",
           xlabel="taste, first number")
axes[0].set_ylabel("taste, second number")
axes[0].legend(loc="upper left", fontsize=8)
show(fig, "Two maps of 300 listeners as dots, the same dots in both. In each "
          "an arrow shows in which direction a new song lands by its sound "
          "alone; the dots of those who turn out to play it lie mostly on "
          "the arrow's side. The two arrows point nearly opposite ways.")

# %% [markdown]
# The picture has a map of two numbers, and two songs among the twenty that land farthest from its middle: those with a clear direction.
#
# What is left between *by sound* and *true taste* is in part what these twelve numbers do not tell.
# A [paper of 2018](https://arxiv.org/abs/1807.06786) from KAIST and NAVER learns both halves, sound and listeners, in one network, and reports that this beats earlier work; [chapter 8](../../chapters/8-workflow) has the story.
# A recommender also decides who is heard: a new song of average sound lands in the middle of the map, and is offered to those who play everything.
#
# ## Exercises
#
# **1. Compute.**
# Ten listeners, and four of them play a song.
# The three best by score are one who plays it, one who does not, and one who plays it.
# What is `hits` with `most=3`?

# %% tags=["exercise"]
share = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_share(value):
    assert not near(value, 0.5), "Of the four, yes; but of those picked?"
    assert not near(value, 0.2), "Divide by those that were picked."
    assert near(value, 2 / 3), "How many of the three play it?"

check("music_recommendation-1", share, judge_share, asks="a number")

# %% tags=["solution"]
# @title Solution of exercise 1
share = 2 / 3
check("music_recommendation-1", share, judge_share)

# %% [markdown]
# **2. Find the leak.**
# A recommender is a function of `plays` and `sound`, like the two above.
# Write `peeks(recommender)`, which is True where its scores depend on the plays of new songs, and False where they do not.
# The truth is not at hand: only `plays` and `sound` are.

# %% tags=["exercise"]
def peeks(recommender):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 2
def judge_peeks(function):
    def popular(plays, sound):
        return np.ones((300, 1)) @ plays[:, new].mean(0, keepdims=True)

    def fitted_on_all(plays, sound):
        table = Ridge(10.0).fit(sound, plays.T)
        return table.predict(sound[new]).T

    def fitted_on_old(plays, sound):
        table = Ridge(10.0).fit(sound[old], plays[:, old].T)
        return table.predict(sound[new]).T

    def busy(plays, sound):
        return np.repeat(plays[:, old].mean(1, keepdims=True), 60, 1)

    def late_half(plays, sound):
        score = busy(plays, sound)
        score[150:, -1] += plays[150:, -1]
        return score
    kept = plays.copy()
    for name, one, truth in (
            ("one that uses how popular a new song becomes", popular, True),
            ("`leaky`", leaky, True), ("`by_sound`", by_sound, False),
            ("one that learned from all songs", fitted_on_all, True),
            ("one that learned from the old ones", fitted_on_old, False),
            ("one that ranks by how much is played", busy, False),
            ("one that looks at the last song alone", late_half, True)):
        said = function(one)
        assert (plays == kept).all(), "Change a copy, not `plays` itself."
        assert isinstance(said, (bool, np.bool_)), "Return True or False."
        assert said == truth, (
            f"Of {name} you say {bool(said)}: change the plays of new songs, "
            "of nothing else, and compare all scores.")

check("music_recommendation-2", peeks, judge_peeks, asks="a function")

# %% tags=["solution"]
# @title Solution of exercise 2
def peeks(recommender):
    changed = plays.copy()
    changed[:, new] = np.random.default_rng(1).random((300, 60)) < 0.5
    return bool((recommender(changed, sound)
                 != recommender(plays, sound)).any())

check("music_recommendation-2", peeks, judge_peeks)
