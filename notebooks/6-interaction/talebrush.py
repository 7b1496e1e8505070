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
# # TaleBrush: draw a line, and the story follows it
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/6-interaction/talebrush.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | J. J. Y. Chung, W. Kim, K. M. Yoo, H. Lee, E. Adar, M. Chang, [*TaleBrush: Sketching Stories with Generative Pretrained Language Models*](https://doi.org/10.1145/3491102.3501819), CHI 2022 |
# | Its engine | B. Krause et al., [*GeDi: Generative Discriminator Guided Sequence Generation*](https://arxiv.org/abs/2009.06367), Findings of EMNLP 2021 |
# | Official code | [naver-ai/talebrush](https://github.com/naver-ai/talebrush), `TaleBrush_Backend/`: `server_code.ipynb`, `modeling_utils.py`, `train_GeDi_fortune.py`, read at commit `e19c3b2` |
# | Rule read in | official code |
# | In the article | section 2.4, interfaces with large language models |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); conditional probability, Bayes' rule, a network that predicts the next word |
# | Data | sentences drawn from a grammar of 40 words, whose probabilities are known exactly |
# | Time | <!--=bench.talebrush.seconds-->23<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 언어 모델은 그럴듯한 다음 문장을 쓰지만, 이야기가 어디로 가야 하는지는 알지 못합니다.
# 테일브러시(TaleBrush)는 사람이 그린 선의 높이를 주인공의 운으로 읽고, 작은 조건부 언어 모델로 기반 언어 모델의 단어 선택을 조절합니다.
# 이 페이지에서는 단어 40개로 된 문법을 배운 모델이 쓴 문장이 선에서 얼마나 벗어나는지 측정하고, 세 번 써서 고르는 방법, 작은 모델이 혼자 쓰는 방법과 비교합니다.
# 가중치와 거르기를 하나씩 떼어 보고, 문장이 얼마나 다양하게 남는지도 시드 다섯 개로 측정합니다.
# 사람이 읽고 좋아하는지, 긴 이야기가 앞뒤로 이어지는지는 이 페이지로 알 수 없습니다.
#
# **In short.**
# Can a drawn line steer a language model that has never heard of fortune, and at what price?
# Steered by the filter alone, sentences miss the drawn line by <!--=talebrush-filter.mean.filter:1-->10.6<!--/--> points of 100, by filter and weight together by <!--=talebrush-filter.mean.guided:1-->10.5<!--/-->, by the weight alone, as strong as in the released code, by <!--=talebrush-filter.mean.vote:1-->18.1<!--/-->, and unguided by <!--=talebrush-filter.mean.unguided:1-->35.3<!--/-->; the price is novelty, for the share of different sentences falls from <!--=talebrush-distinct.mean.unguided-->0.91<!--/--> to <!--=talebrush-distinct.mean.guided-->0.63<!--/-->.
# It does not show whether anybody likes to write so, or whether a long story hangs together.

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
import itertools
import math
import textwrap

import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import (check, claim, compare, draw_claim, interactive, known,
                     near, overview, palette, remember, show)
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## Draw a line
#
# A story of four sentences, at home, in town, in jail and at sea, about Mina.
# You draw the height of her **fortune** (운) for each, and a machine writes a sentence that should lie there; the dots are where a judge finds it.
# None was picked.
# Some are about Rex, Mina's rival, whose luck is hers turned round.

# %% tags=["figure"]
# @title Draw: a line of four heights and the story that follows it
HEIGHTS, PLACES = [0.0, 25.0, 50.0, 75.0, 100.0], [0, 1, 3, 2]
STORY = [                # what `tell` wrote, below: reading and sentence
    (1, "At home, Mina sadly got a rotten wolf and sighed."),
    (22, "At home, Rex gladly got a lovely treasure but wept."),
    (40, "At home, Rex gladly took the rotten horse but smiled."),
    (93, "At home, Rex wearily got a rotten horse but wept."),
    (99, "At home, Rex wearily saw a cruel wolf and sighed."),
    (2, "In town, Mina wearily took that cruel debt but fell."),
    (9, "In town, Mina wearily got a rotten debt but wept."),
    (24, "In town, Rex wearily got a golden debt but sang."),
    (42, "In town, Mina proudly took that rotten debt but waited."),
    (89, "In town, Rex wearily got a small wolf but sighed."),
    (11, "In jail, Mina calmly saw that cruel horse and sighed."),
    (37, "In jail, Rex calmly saw a lovely treasure and sighed."),
    (23, "In jail, Rex calmly got a lovely letter and danced."),
    (95, "In jail, Rex sadly found the cruel horse and sighed."),
    (92, "In jail, Rex calmly got the rotten letter but fell."),
    (2, "At sea, Rex gladly took that golden treasure and slept."),
    (30, "At sea, Rex gladly found the plain treasure but wept."),
    (66, "At sea, Rex wearily got the plain treasure but fell."),
    (95, "At sea, Rex wearily found the cruel wolf and waited."),
    (81, "At sea, Rex wearily got the cruel horse but waited."),
]
story = [[text for _, text in STORY[5 * k:5 * k + 5]] for k in range(4)]
value = [[read / 100 for read, _ in STORY[5 * k:5 * k + 5]]
         for k in range(4)]
outcomes = {key: {"texts": [story[k][i] for k, i in enumerate(key)],
                  "values": [value[k][i] for k, i in enumerate(key)]}
            for key in itertools.product(range(5), repeat=4)}
start = (1, 3, 0, 4)
fig, ax = subplots(width=7.0, height=3.6)
ax.plot(range(4), [HEIGHTS[i] for i in start], "o-", label="drawn",
        color=palette["plain"])
ax.plot(range(4), [100 * value[k][i] for k, i in enumerate(start)], "D",
        ms=8, label="the story", color=palette["method"])
ax.set(xticks=range(4), ylabel="fortune", ylim=(-5, 135), xlim=(-0.4, 3.6),
       yticks=HEIGHTS, title="Low, up, into a hole and out again")
ax.set_xticklabels(["\n".join(textwrap.wrap(story[k][i], 20))
                    for k, i in enumerate(start)], fontsize=9)
ax.legend(loc="upper left", ncols=2)
interactive.draw(
    [f"{x:.0f}" for x in HEIGHTS], ["home", "town", "jail", "sea"], outcomes,
    title="Draw the fortune of Mina", start=start, fallback_fig=fig,
    names=("drawn", "the story"),
    alt="A line of four heights, low, high, lowest, highest, and a dot "
        "for the fortune of each sentence that was written, with the four "
        "sentences below.")

# %% [markdown]
# Each sentence hears only its place and height; in the real system a new one answers the last.
#
# ## A cheerful sentence can be bad news
#
# Every sentence of this page comes from the grammar below.
# It begins with a place and has eight slots, each with its own words: who, in what mood, did what to which thing, and how it ended.
# Each word has **points** (점수), from two down to minus two; most have none.
# In a sentence about Rex all points count with the opposite sign.
#
# Let $v$ be the fortune, from 0 to 100.
# In a slot the probability of a word is proportional to $\exp(\text{habit} + \kappa\,(v/50 - 1)\,\text{points})$, where the habit depends on the place and on the word before, and $\kappa$ is `PULL` in the code.
# At $v = 50$ points do not matter.
# Once in a thousand words the pen slips and writes any of the forty.

# %% tags=["experiment"]
SLOTS = ["Mina Rex", "proudly gladly calmly wearily sadly",
         "found saw got took", "a the that",
         "golden lovely plain small rotten cruel",
         "treasure friend letter horse debt wolf", "and but",
         "danced sang smiled waited slept sighed wept fell"]
POINTS = [[0, 0], [1, 1, 0, -1, -1], [0] * 4, [0] * 3, [2, 1, 0, 0, -1, -2],
          [2, 1, 0, 0, -1, -2], [0, 0], [2, 1, 1, 0, 0, -1, -1, -2]]
WORDS = ("home town sea jail " + " ".join(SLOTS)).split()   # 40 of them
LENGTH, SLIP, PULL = len(SLOTS), 1e-3, 0.9
SLOT = torch.tensor([-1] * 4 + [k for k, slot in enumerate(SLOTS)
                                for _ in slot.split()])
VALUE = torch.tensor([0.0] * 4 + [float(p) for row in POINTS for p in row])
HABIT = torch.randn(40, 40, generator=torch.Generator().manual_seed(1784))

# %% tags=["experiment"]
def grammar(text, v):
    """Log-probability of every next word: (N, T) words and (N,) fortunes
    to (N, 40) nats.  text[:, 0] is the place, text[:, 1] who it is about."""
    slot = text.shape[1] - 1
    rex = text[:, 1] == WORDS.index("Rex") if slot else v < 0
    side = (1 - 2.0 * rex) * (v / 50 - 1)                  # (N,)
    logits = (HABIT[text[:, -1]] + 0.7 * HABIT[text[:, 0]]
              + PULL * side[:, None] * VALUE)
    p = logits.masked_fill(SLOT != slot, -math.inf).softmax(1)
    return ((1 - SLIP) * p + SLIP / 40).log()


def draw(v, rng):
    """One sentence from the grammar for every fortune: (N, 1 + LENGTH)."""
    text = torch.randint(4, (len(v), 1), generator=rng)
    for _ in range(LENGTH):
        p = grammar(text, v).exp()
        text = torch.cat([text, torch.multinomial(p, 1, generator=rng)], 1)
    return text


def fortune(text):
    """Expected fortune of (N, 1 + LENGTH) words given that it was 0, 50 or
    100, each as likely before reading: Bayes' rule under the grammar."""
    log_p = []
    for level in (0.0, 50.0, 100.0):
        v = torch.full((len(text),), level)
        log_p.append(sum(grammar(text[:, :t], v).gather(1, text[:, t:t + 1])
                         for t in range(1, LENGTH + 1)))
    return torch.cat(log_p, 1).softmax(1) @ torch.tensor([0.0, 50.0, 100.0])

# %% [markdown]
# Because the grammar is known, so is the probability with which a sentence was meant as good or as bad news.
# `fortune` is the judge: the expected value of $v$ after reading, if 0, 50 and 100 were equally likely before.

# %%
def render(words):
    """Words by number to English."""
    words = [WORDS[i] for i in words]
    start = "At" if words[0] in ("home", "sea") else "In"
    return f"{start} {words[0]}, {' '.join(words[1:])}."


def read(sentence):
    words = sentence.replace(",", "").replace(".", "").split()
    return torch.tensor([[WORDS.index(w) for w in words[1:]]])


for sentence in ("At sea, Mina proudly found the golden treasure and danced.",
                 "At sea, Rex proudly found the golden treasure and danced.",
                 "In town, Mina sadly got a cruel debt and wept.",
                 "In town, Rex sadly got a cruel debt and wept.",
                 "At home, Mina calmly saw that small horse and slept.",
                 "At home, Mina gladly saw that rotten horse and waited."):
    print(f"{fortune(read(sentence))[0]:5.1f}  {sentence}")

# %% [markdown]
# The first two differ in one name and lie at opposite ends: who judges by the tone alone gets every sentence about Rex upside down.
#
# ## A base that writes, and a small model that knows
#
# You have a good writer that has read a great deal and knows nothing of fortune: the **base** (기반 언어 모델) $p_{LM}(x_t \mid x_{<t})$.
# You also have a few thousand short sentences whose fortune somebody has noted, as bad, neutral or good: 0, 50 and 100, nothing between.
#
# **GeDi**, the engine inside **TaleBrush** (테일브러시), trains a small class-conditional language model on the labelled sentences and lets it judge each next word of the base.
# It sees a sentence behind two tokens: a code, *true* or *false*, and the level.
# After *true* and 100 it predicts sentences that are good news, after *false* and 100 sentences that are anything else.
# For every candidate $x_t$ Bayes' rule turns the two predictions into the **vote** (표), a probability that the level is kept:
#
# $$P(\mathrm{true} \mid x_{1:t}, v) = \frac{P(x_{1:t} \mid \mathrm{true}, v)^{\alpha/t}}{P(x_{1:t} \mid \mathrm{true}, v)^{\alpha/t} + P(x_{1:t} \mid \mathrm{false}, v)^{\alpha/t}}$$
#
# The exponent divides the log-likelihoods by the number of words and multiplies them by a learned scale $\alpha$ (`logit_scale`).
# The base's distribution is then weighted by the vote, with a strength $\omega$ (`disc_weight`):
#
# $$P_w(x_t \mid x_{<t}, v) \propto P_{LM}(x_t \mid x_{<t})\; P(\mathrm{true} \mid x_{1:t}, v)^{\omega}$$
#
# One case is exact.
# Let the base be the mixture $\tfrac12 P(x \mid \mathrm{true}) + \tfrac12 P(x \mid \mathrm{false})$, let $\omega = 1$ and leave the exponent $\alpha/t$ out.
# Then $P_w$ is Bayes' rule itself, and equals $P(x_t \mid x_{<t}, \mathrm{true})$; our tests find it so, by listing every sentence of a small language.
#
# ## The technique
#
# First the level.
# The labels know three heights, and a line has every height.
# For a height between two labels TaleBrush mixes the embeddings of the words *bad*, *neutral* and *good* in proportion.

# %% tags=["technique"]
def interpolate(ends, v):
    """Embedding of a level between those of bad, neutral and good.

    ends: (3, D), for the levels 0, 50 and 100.  v: (N,) in [0, 100].
    Returns (N, D).  Source: _generate_no_beam_search, modeling_utils.py.
    """
    bad, neutral, good = ends
    low = (v / 50).clamp(0, 1)[:, None]            # 0 ... 1 up to neutral
    high = (v / 50 - 1).clamp(0, 1)[:, None]       # 0 ... 1 from there on
    return (1 - low) * bad + (low - high) * neutral + high * good

# %% [markdown]
# Both networks here are of one kind: every position adds its own linear view of its word to a running sum, and two hidden layers predict the next word from it.
# The base reads the place and the words so far; `Gedi` reads the code, the level and the words of the new sentence, *without* the place.
# It is so in the official code: the story so far is context for the base only.

# %% tags=["technique"]
class Writer(nn.Module):
    """Next-word model: (N, T) words to (N, T, 40) log-probabilities."""

    def __init__(self, width=96, size=24):
        super().__init__()
        self.word = nn.Embedding(40, size)
        self.view = nn.Parameter(torch.randn(LENGTH + 2, size, width)
                                 / math.sqrt(3 * size))
        self.bias = nn.Parameter(torch.zeros(LENGTH + 2, width))
        self.top = nn.Sequential(nn.ReLU(), nn.Linear(width, width),
                                 nn.ReLU(), nn.Linear(width, 40))

    def predict(self, x, first):       # (N, T, size); first=-1: last only
        t = x.shape[1]
        seen = torch.einsum("ntd,tdh->nth", x, self.view[:t]).cumsum(1)
        return self.top((seen + self.bias[:t])[:, first:]).log_softmax(-1)

    def forward(self, words, first=0):
        return self.predict(self.word(words), first)

# %% tags=["technique"]
FALSE, TRUE = 0, 1


class Gedi(Writer):
    """Class-conditional model: a code and a level before the words."""

    def __init__(self):
        super().__init__()
        self.code = nn.Embedding(2, 24)
        self.level = nn.Embedding(3, 24)           # bad, neutral, good
        self.scale = nn.Parameter(torch.tensor(1.0))            # alpha

    def forward(self, code, v, words, first=0):
        """code: 0 or 1.  v: (N,) levels.  words: (N, T), may be empty.
        Returns (N, T + 1, 40): the words' own and the next one's."""
        head = torch.stack([self.code.weight[code].expand(len(v), -1),
                            interpolate(self.level.weight, v)], 1)
        log_p = self.predict(torch.cat([head, self.word(words)], 1), first)
        return log_p[:, -1 - words.shape[1]:]

# %% [markdown]
# Training shows a sentence with a level and says whether the two belong together.
# Half of the sentences come with their own level and the answer *true*, half with a wrong one and the answer *false*.
# The **generative** part of the loss asks the right code to predict the words.
# The **discriminative** part reads both predictions of the whole sentence as one vote and asks that it be right; here $\alpha$ is learned, starting at one.
# $\lambda$ (`gen_weight`) weighs the first and $1-\lambda$ the second; the released script sets `lambda_=0.80`.

# %% tags=["technique"]
def per_word(log_p, words):
    """Mean log-probability of (N, T) words under (N, T, 40); (N,) nats."""
    return log_p.gather(2, words[..., None])[..., 0].mean(1)


def gedi_loss(gedi, words, v, belongs, lam=0.8):
    """lam * generative + (1 - lam) * discriminative loss, in nats.

    words: (N, T).  v: (N,) levels.  belongs: (N,), 1 where v is the
    sentence's own, else 0.  Source: train() in train_GeDi_fortune.py.
    """
    log_p = torch.stack([per_word(gedi(code, v, words[:, :-1]), words)
                         for code in (FALSE, TRUE)], 1)          # (N, 2)
    generative = -log_p.gather(1, belongs[:, None]).mean()
    discriminative = F.cross_entropy(gedi.scale * log_p, belongs)
    return lam * generative + (1 - lam) * discriminative

# %% [markdown]
# Then the vote.
# `guide` gets the base's log-probabilities of the next word and, for both codes, the log-likelihood of the new sentence *with* each candidate at its end.
# After the weighting comes a **filter** (거르기).
# Candidates are put in order of the vote, least liked first, and struck off until the share `filter_p` of the weighted probability is gone; the candidate with which the share is reached stays, and one whose vote reaches `target_p` is spared wherever it stands.
# Both are `0.8` in the server's settings, so at least a fifth of the probability stays.

# %% tags=["technique"]
def guide(base, true, false, words, scale, omega, filter_p, target_p):
    """Next-word logits of the base, steered by the vote.

    base:  (N, V) log P_LM of the next word.
    true, false: (N, V) log-likelihood of the new sentence up to and with
           each candidate, after either code.   words: how many words that
           is.   scale: alpha.   omega, filter_p, target_p: see above.
    Returns (N, V).  Source: _generate_no_beam_search, modeling_utils.py.
    """
    votes = scale * torch.stack([true, false], 2) / words
    vote = votes.log_softmax(2)[..., 0]            # log P(true | x, v)
    logits = base + omega * vote
    ascending, order = vote.sort(1)
    mass = logits.softmax(1).gather(1, order).cumsum(1)
    drop = (mass < filter_p) & (ascending < math.log(target_p))
    drop = torch.zeros_like(drop).scatter(1, order, drop)
    return logits.masked_fill(drop, -1e4)

# %% [markdown]
# Last the loop that writes.
# The log-likelihoods start at zero with each new sentence and take up the word that was chosen.

# %% tags=["technique"]
@torch.no_grad()
def write(base, gedi, place, v, rng, omega=1.0, filter_p=0.8, target_p=0.8,
          steer=None):
    """One guided sentence a row.

    place: (N, 1) words that the base continues.  v: (N,) levels.
    steer: what is used in place of guide.
    Returns (N, 1 + LENGTH) words.  Source: server_code.ipynb and
    modeling_utils.py; temperature 1, no penalty on repeated words."""
    text, likelihood = place, torch.zeros(2, len(v), 1)
    for t in range(LENGTH):
        new = text[:, 1:]                          # gedi sees only these
        step = torch.stack([gedi(TRUE, v, new, -1)[:, 0],
                            gedi(FALSE, v, new, -1)[:, 0]])  # (2, N, 40)
        true, false = likelihood + step
        logits = (steer or guide)(base(text, -1)[:, 0], true, false, t + 1,
                                  gedi.scale, omega, filter_p, target_p)
        word = torch.multinomial(logits.softmax(1), 1, generator=rng)
        likelihood = torch.stack([true.gather(1, word),
                                  false.gather(1, word)])
        text = torch.cat([text, word], 1)
    return text

# %% [markdown]
# Where the released code leaves a choice: its settings have `disc_weight` 30, but both of its endpoints pass 1, and so do we.
# It counts the level as the first word of the sentence; we count the words alone.
# It redraws a sentence that a trained recogniser finds too far from the line; that is a second technique, and stands among the rivals.
# Its penalty on repeated words and its temperature are left out.
#
# ## Predict
#
# Lines are drawn at random: 21 heights, from 0 to 100 in steps of 5.
# Every writer gets the same heights and places, and the judge measures how far each sentence lies from its height.
# Bet before you read on.
#
# - (a) The weight $\omega$ steers and the filter tidies up: with the filter alone the sentences stay far from the line.
# - (b) The base is a detour: let the small model write by itself after *true* and the level, and the story is as close.
# - (c) Three unguided sentences, with the nearest kept, cost as many passes through a network as one guided sentence and come about as close.
# - (d) Guidance comes closer than all of these, and its sentences are as varied as the base's own.
# - (e) Guidance comes closer, the filter does it, and variety pays.
#
# ## The experiment
#
# The base reads 6,000 sentences of every fortune, unlabelled.
# The small model reads 4,000 sentences of the levels 0, 50 and 100.
# Both are trained once a seed, and all writers share them.

# %% tags=["experiment"]
def fit(parameters, loss, steps):
    """Adam with a cosine schedule; loss() draws its own batch."""
    optimizer = torch.optim.Adam(parameters, 1e-2, fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        schedule.step()

# %% tags=["experiment"]
@remember(most=8)                              # all arms share a seed's nets
def train(seed, steps):
    torch.manual_seed(seed)
    rng = torch.Generator().manual_seed(seed)
    base, gedi = Writer(), Gedi()
    heap = draw(100 * torch.rand(6000, generator=rng), rng)
    third = torch.arange(4000) % 3                 # bad, neutral, good
    noted = draw(50.0 * third, rng)[:, 1:]

    def base_loss():
        x = heap[torch.randint(6000, (128,), generator=rng)]
        return -per_word(base(x[:, :-1]), x[:, 1:]).mean()

    def noted_loss():
        i = torch.randint(4000, (64,), generator=rng)
        belongs = torch.randint(2, (64,), generator=rng)
        other = third[i] + 1 + torch.randint(2, (64,), generator=rng)
        v = 50.0 * torch.where(belongs == 1, third[i], other % 3)
        return gedi_loss(gedi, noted[i], v, belongs)

    fit(base.parameters(), base_loss, steps)
    rest = [p for p in gedi.parameters() if p is not gedi.scale]
    fit([{"params": rest}, {"params": [gedi.scale], "lr": 0.1}],
        noted_loss, steps + steps // 3)
    return base.eval(), gedi.eval()

# %% [markdown]
# - *unguided*: the base by itself.
# - *three*: three unguided sentences, of which the judge itself keeps the one nearest to the line. A guided word costs three passes, one of the base and two of the small model; so does this. No real system has a judge that knows the truth, so the rival is favoured.
# - *direct*: the small model writes alone after *true* and the level, with a temperature and with **top-p**: only the likeliest words, until they hold the share $p$.
# - *vote*: the weight $\omega = 1$ without the filter. *filter*: the filter with $\omega = 0$. *guided*: both.
# - *cold*: the base at a temperature of `0.2`; a check on the measure of variety.
#
# `strength` multiplies $\omega$ and `filter_p`; at 0 the guided writer is the base.

# %% tags=["experiment"]
PARTS = {"vote": (1.0, 0.0), "filter": (0.0, 0.8), "guided": (1.0, 0.8)}
ARMS = ("unguided", "cold", "three", "direct", *PARTS)


def top(log_p, top_p):
    """Only the likeliest of (N, V) words that together hold top_p."""
    ascending, order = log_p.softmax(1).sort(1)
    drop = ascending.cumsum(1) < 1 - top_p
    return log_p.masked_fill(torch.zeros_like(drop).scatter(1, order, drop),
                             -1e4)


@torch.no_grad()
def alone(model, place, rng):
    """Sentences of one model by itself; (N, 1 + LENGTH) words."""
    text = place
    for _ in range(LENGTH):
        p = model(text).softmax(1)
        text = torch.cat([text, torch.multinomial(p, 1, generator=rng)], 1)
    return text


def sentences(arm, base, gedi, place, v, rng, strength=1.0, cold=0.7,
              top_p=0.8):
    """What one arm writes for (N,) heights; (N, 1 + LENGTH) words."""
    known(arm, ARMS, "arm")
    if arm in PARTS:
        return write(base, gedi, place, v, rng,
                     *(strength * x for x in PARTS[arm]))
    if arm == "direct":
        return alone(lambda text: top(
            gedi(TRUE, v, text[:, 1:], -1)[:, 0] / cold, top_p), place, rng)
    if arm == "cold":
        return alone(lambda text: base(text, -1)[:, 0] / 0.2, place, rng)
    tries = torch.stack([
        alone(lambda text: base(text, -1)[:, 0], place, rng)
        for _ in range(3 if arm == "three" else 1)])
    gap = torch.stack([(fortune(text) - v).abs() for text in tries])
    return tries[gap.argmin(0), torch.arange(len(v))]

# %% [markdown]
# `error` is the mean distance of the sentence from the drawn height, in points of the scale of 100, lower is better.
# `distinct` is the share of different sentences among all thousand, higher is better.
# `surprise` is the base's mean negative log-probability, in nats a word; `correlation` is that of height and fortune; `slips` is the share of sentences that the grammar writes only by a slip of the pen.

# %% tags=["experiment"]
@torch.no_grad()
def measure(base, text, v):
    got = fortune(text)
    fits = (SLOT[text[:, 1:]] == torch.arange(LENGTH)).all(1)
    return {"error": (got - v).abs().mean().item(),
            "distinct": len(text.unique(dim=0)) / len(text),
            "surprise": -per_word(base(text[:, :-1]),
                                  text[:, 1:]).mean().item(),
            "correlation": torch.corrcoef(torch.stack([v, got]))[0, 1].item(),
            "slips": 1 - fits.float().mean().item()}


def heights(seed, count=1000):
    rng = torch.Generator().manual_seed(10_000 + seed)
    return (5.0 * torch.randint(21, (count,), generator=rng),
            torch.randint(4, (count, 1), generator=rng))


def run(arm, seed, strength=1.0, steps=300, **settings):
    base, gedi = train(seed, steps)
    v, place = heights(seed)
    rng = torch.Generator().manual_seed(20_000 + seed)     # the arm's own
    text = sentences(arm, base, gedi, place, v, rng, strength, **settings)
    return measure(base, text, v)

# %% [markdown]
# The guided writer takes the values of the released endpoints, unsearched.
# *Direct* gets twelve settings on two seeds that no claim uses, and writes at the one with the smallest error.

# %%
print("direct, error   top-p 1.0    0.9    0.8    0.6")
for cold in (1.0, 0.7, 0.5):
    row = [sum(run("direct", seed, cold=cold, top_p=p)["error"]
               for seed in (1000, 1001)) / 2 for p in (1.0, 0.9, 0.8, 0.6)]
    print(f"temperature {cold}    ", " ".join(f"{x:6.1f}" for x in row))

# %% [markdown]
# The best is `0.7` with `0.8`, with neighbours on all sides.
#
# ## The claims
#
# Each claim was written down before its seeds were run.

# %% tags=["results"]
runs = compare(run, ARMS, seeds=range(10, 15))
print(runs.table())

# %% tags=["results"]
three = claim(
    "talebrush-three",
    "In a grammar of forty words a guided sentence lies closer to the drawn "
    "fortune than the nearest of three unguided ones, which cost as many "
    "passes through networks of one size",
    runs, metric="error", arm="guided", baseline="three", better="lower",
    least=1.2, unit="distance from the line (points)", picture=False,
    reason="two standard deviations of the rival are that much, 0.6 points "
           "each, on seeds from 1000 on",
    paper="The pipeline reliably controls story generation.")
alone_too = claim(
    "talebrush-filter",
    "In a grammar of forty words the filter alone, with the weight at zero, "
    "follows the drawn line no worse than filter and a weight of one",
    runs, metric="error", arm="filter", baseline="guided", kind="no_worse",
    better="lower", margin=1.2, unit="distance from the line (points)",
    bad="vote", picture=False,
    reason="a lead of less would not count as one against three draws",
    paper="The server's settings have both; the paper's rule has the weight.")
direct = claim(
    "talebrush-direct",
    "In a grammar of forty words a guided sentence lies closer to the drawn "
    "fortune than one that the small conditional model writes by itself, at "
    "the best of twelve pairs of temperature and top-p",
    runs, metric="error", arm="guided", baseline="direct", better="lower",
    least=2.7, unit="distance from the line (points)", picture=False,
    reason="two standard deviations of the rival are that much, 1.35 points "
           "each, on seeds from 1000 on",
    paper="GeDi controls better than the class-conditional model alone.")

# %% [markdown]
# The abstract says that the novelty of the sentences is maintained.
# By our measure, on the development seeds, it is not, so the claim is stated as the paper says it, and we expect it to fail.

# %% tags=["results"]
distinct = claim(
    "talebrush-distinct",
    "In a grammar of forty words as many of a thousand guided sentences are "
    "different as of a thousand of the base's own",
    runs, metric="distinct", arm="guided", baseline="unguided",
    kind="no_worse", margin=0.03, unit="share of different sentences",
    bad="cold", picture=False, expect="does not hold",
    reason="two standard deviations of the rival are that much, 0.015 each, "
           "on seeds from 1000 on",
    paper="The pipeline maintains the novelty of generated sentences.")

# %% tags=["figure"]
# @title Draw: all four claims
overview(three, alone_too, direct, distinct)

# %% tags=["details"]
# @title Every seed of every claim
for record in (three, alone_too, direct, distinct):
    draw_claim(record)

# %% [markdown]
# (e) is right.
#
# (a) has it the wrong way round.
# Filter and weight miss the line by <!--=talebrush-filter.mean.guided:1-->10.5<!--/--> points, the filter alone by <!--=talebrush-filter.mean.filter:1-->10.6<!--/-->, the weight alone by <!--=talebrush-filter.mean.vote:1-->18.1<!--/-->, the base by <!--=talebrush-filter.mean.unguided:1-->35.3<!--/-->.
# A weight makes a disliked word rarer; the filter takes it away.
# At about equal error the weight keeps more variety: on seeds 1000 to 1002 $\omega = 3$ alone misses by `13.9` with `0.91` different, and a filter of `0.5` alone by `14.5` with `0.71`.
#
# (b): *direct* misses by <!--=talebrush-direct.mean.direct:1-->15.2<!--/--> points.
# Given the vote and the filter on its own words it comes about as close as the guided writer (see *Tries*).
# What the base brings is the place.
#
# (c): *three* misses by <!--=talebrush-three.mean.three:1-->15.8<!--/--> points.
# With five draws it came about as close as guidance.
#
# (d) is wrong in its second half.
# Of the base's own sentences <!--=talebrush-distinct.mean.unguided-->0.91<!--/--> are different, of guided ones <!--=talebrush-distinct.mean.guided-->0.63<!--/-->, of those by the filter alone <!--=talebrush-distinct.mean.filter-->0.61<!--/-->.
# The weight alone keeps <!--=talebrush-distinct.mean.vote-->0.90<!--/-->.
# The line itself does not ask for it: on seeds 1000 to 1002 the nearest of five unguided sentences misses by `10.3` points and a guided one by `11.1`, and of the former `0.92` are different.
# The authors measured novelty in their own way, on real English; ours counts repeats in a grammar of forty words, where a filter leaves few.
#
# ## What the weight does, and what the filter does
#
# Seven weights, with the filter and without, on a seed of the search.
# The dotted lines are sentences of the grammar itself, drawn at the asked fortune.

# %% tags=["results"]
base, gedi = train(1000, 300)
v, place = heights(1000)
weights, swept = (0, 0.1, 0.3, 1, 3, 10, 30), {}
truth = measure(base, draw(v, torch.Generator().manual_seed(2)), v)
for filter_p in (0.8, 0.0):
    swept[filter_p] = [measure(base, write(
        base, gedi, place, v, torch.Generator().manual_seed(1), float(w),
        filter_p), v) for w in weights]
print(f"learned scale alpha: {gedi.scale.item():.1f}")

# %% tags=["figure"]
# @title Draw: error, variety and surprise over the weight
fig, axes = subplots(1, 3, width=7.8, height=2.8)
for ax, key, title in zip(axes, ("error", "distinct", "surprise"), (
        "Error (points)", "Share of different", "Surprise (nats a word)")):
    for filter_p, name, colour in ((0.8, "with the filter", "method"),
                                   (0.0, "without", "rival")):
        ax.plot(range(7), [got[key] for got in swept[filter_p]], "o-",
                label=name, color=palette[colour])
    ax.axhline(truth[key], ls=":", color=palette["ink"], label="the grammar")
    ax.set(xticks=range(7), xlabel="weight ω", title=title)
    ax.set_xticklabels([f"{w:g}" for w in weights], fontsize=8)
axes[1].set_ylim(0, 1.05)
axes[2].legend(fontsize=8)
show(fig, "Three panels over the weight, from zero to thirty. With the "
          "filter the error is low and flat up to weight three and rises "
          "beyond; without it the error falls steeply from weight zero to "
          "three and then rises. The share of different sentences is near "
          "six in ten with the filter and near nine in ten without, up to "
          "weight three. Surprise is flat up to weight three and then "
          "climbs steeply.")

# %% [markdown]
# With the filter the weight hardly matters up to 3, and zero is as good as any.
# Without it the weight 3 comes closest, and keeps the base's variety: if novelty is wanted, that is the setting, at some points of error.
# At 30, the number in the settings, some nine sentences in ten hold a word that fits no slot and was hardly ever seen there in training.
# Held to the words of each slot, the weight 30 alone misses by `11.2` points, with `0.76` different (seeds 1000 to 1002): near the filter, and more varied.
# So it is noise in the vote, on rare words, that keeps a large weight from doing the filter's work here.
# The learned $\alpha$ is close to the eight words of a sentence, so at its end the division by $t$ is nearly undone.
#
# And the heights that nobody labelled?
# The next picture asks what comes out at each; on the right the height is first moved to the nearest label.
# The band holds half of the sentences.

# %% tags=["figure"]
# @title Draw: fortune of the sentences at every height
fig, axes = subplots(1, 2, width=7.4, height=3.1, sharey=True)
scale = 5.0 * torch.arange(21)
for ax, asked, title in (
        (axes[0], scale, "Mixed levels: a ramp"),
        (axes[1], 50 * (scale / 50).round(), "Nearest label: a staircase")):
    rows = fortune(write(
        base, gedi, place[:200].repeat(21, 1), asked.repeat_interleave(200),
        torch.Generator().manual_seed(3))).view(21, 200)
    low, high = rows.quantile(torch.tensor([0.25, 0.75]), dim=1)
    ax.fill_between(scale, low, high, alpha=0.25, lw=0,
                    color=palette["method"])
    ax.plot(scale, rows.mean(1), "o-", ms=4, color=palette["method"])
    ax.plot([0, 100], [0, 100], "--", lw=1, color=palette["ink"])
    for label in (0, 50, 100):
        ax.axvline(label, color=palette["rival"], lw=1, ls=":")
    ax.set(xlabel="height of the line", title=title)
axes[0].set_ylabel("fortune of the sentences")
show(fig, "Mean fortune of the sentences against the height of the line, "
          "with the middle half as a band, the diagonal dashed and the "
          "labelled heights as dotted lines. Left, with mixed levels: flat "
          "near 10 at first, then up near the diagonal with dips, and flat "
          "above 90 from height 80 on. Right, with the nearest "
          "label: three level steps, near 10, 45 and 92, with jumps after "
          "25 and after 70; the band of the middle one is the widest.")

# %% [markdown]
# Mixing the embeddings gives a crooked ramp.
#
# Here the machine writes the story of the panel anew.

# %% tags=["results"]
def tell(base, gedi):
    """(reading, sentence) for every place and height of the panel."""
    place = torch.tensor(PLACES).repeat_interleave(5)[:, None]
    text = write(base, gedi, place, torch.tensor(HEIGHTS).repeat(4),
                 torch.Generator().manual_seed(1784))
    return [(round(read), render(row))
            for read, row in zip(fortune(text).tolist(), text)]


same = sum(a == b for a, b in zip(tell(base, gedi), STORY)) / len(STORY)
print(f"share of the panel's sentences written again: {same:.2f}")

# %% [markdown]
# ## Break it
#
# Our tests plant each of these mistakes, and fail on each.
#
# <details><summary>Fourteen mistakes</summary>
#
# In the vote:
#
# - **Mirrored level**: the second likelihood is that of the opposite level, $100 - v$, after *true*.
# - **No vote**: $\omega$ is set to 0, and the filter does what is left.
# - **No division**: the likelihoods are not divided by the number of words.
# - **Vote for false**: the probability of the wrong code is taken.
# - **Forgotten sentence**: the candidate is judged without the words before it.
# - **Gedi reads the place**: the small model gets the prompt too, where it has only ever seen a name.
#
# In the filter:
#
# - **Ordered by the base**: the rarest are struck off first.
# - **Liked words struck**: the order is turned round.
# - **Unweighted mass**: the share of probability is the base's.
# - **Threshold not in logs**: a log-probability is compared with `target_p` itself.
#
# In the level and in training:
#
# - **Straight mix**: bad and good are mixed, and neutral is never used.
# - **Wrong code praised**: the generative loss asks the wrong code to predict the words.
# - **Weights exchanged**: $\lambda$ goes to the discriminative part.
# - **Sum for mean**: the loss adds the words up.
#
# </details>
#
# Run the first.
# Below is the mean fortune of 400 sentences at each of five heights.

# %%
class Mirrored:
    """Gedi whose false is the opposite level after true."""
    scale = gedi.scale

    def __call__(self, code, v, words, first):
        return gedi(TRUE, v if code == TRUE else 100 - v, words, first)


print("height     0    25    50    75   100")
for name, model in (("guided", gedi), ("mirrored", Mirrored())):
    row = []
    for height in HEIGHTS:
        text = write(base, model, place[:400], torch.full((400,), height),
                     torch.Generator().manual_seed(1))
        row.append(fortune(text).mean().item())
    print(f"{name:8}", " ".join(f"{x:5.1f}" for x in row))

# %% [markdown]
# The mirrored writer no longer follows the order of the line: what is drawn at 25 ends below what is drawn at 0, and 75 above 100.
# What tells 25 from 75 best is not a sentence a little below the middle but the worst news there is.
# At 50 the opposite is 50 itself, the vote is even for every word, and which words are struck off is an accident of sorting.
#
# ## What we shrank
#
# | | paper and code | here |
# |---|---|---|
# | base | `gpt-neo-2.7B`, with learned prompts | a network with two hidden layers, 6,000 sentences |
# | small model | a GPT-2; medium in the training script | the same network, 4,000 labelled sentences |
# | fortune | labelled sentences, which the repository does not hold | known from a grammar of 40 words |
# | reading the result back | a recogniser on the base's last hidden state | the exact posterior, had only 0, 50 and 100 been possible |
# | judged by | <!--=published.talebrush_participants-->14<!--/--> participants, and measures on the sentences | distance, variety, surprise |
#
# We have read the abstract and the code, no table of the paper, and compare with none.
# The page cannot show whether fortune can be told from tone in real English.
# Filling a gap between two sentences is left out, and so is drawing the recogniser's reading back over the sketch.
# Our two networks have one size and learn from one grammar; in the paper the base is the larger by far, and three draws from it cost more than a guided sentence.
#
# ## Tries
#
# <details><summary>Tries: six rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | recurrent networks, a transformer, the generative loss alone | seeds from 1000 on | guided less well |
# | *direct* with the vote and the filter on its own words | seeds 0 to 4, once | at most `2.6` points farther than guided: held, `0.5` on average; more surprising to the base |
# | five unguided sentences, the nearest kept | seeds 0 to 4, once, and three shifts | at most `1.2` points farther than guided: not settled, mean `0.0`, interval `-1.5` to `1.6`; held on the shifts; taken back |
# | guided against *three*, *direct* without top-p, the nearest label (between labels), the base in surprise | seeds 0 to 4, once | all held: `-5.6`, `-4.6`, `-4.0` points, and `0.05` nats within `0.25` |
# | top-p for *direct*, eight seeds | seeds 1000 to 1007 | best at `0.7` and `0.8`, `15.5` points where without top-p `16.0` |
# | *direct* with top-p, the filter alone and variety, which those claims left out; *three* anew | seeds 10 to 14, once | the experiment above |
#
# </details>
#
# ## In the lab
#
# The article gives this paper as its example of [interfaces to large language models](../../chapters/6-interaction.md), beside simulated users.
# [Prompting](../5-language/hyperclova_prompting.ipynb) is another handle on the same kind of model: it changes what the base reads, where guidance changes what the base says.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# The base gives three candidates the probabilities $0.5$, $0.3$ and $0.2$; the vote for them is $0.9$, $0.6$ and $0.1$.
# With $\omega = 2$, what is the probability of the first without the filter, and how many candidates are left with `filter_p` and `target_p` at `0.8`?
# Give the probability to three places.

# %% tags=["exercise"]
weighted = (..., ...)

# %% tags=["check"]
# @title Check of exercise 1
def judge_weighted(pair):
    first, left = pair
    whole = [0.5 * 0.9 ** 2, 0.3 * 0.6 ** 2, 0.2 * 0.1 ** 2]
    once = 0.5 * 0.9 / (0.5 * 0.9 + 0.3 * 0.6 + 0.2 * 0.1)
    assert not near(first, once, rel=0, abs=2e-3), "That is omega = 1."
    assert not near(first, whole[0], rel=0, abs=1e-3), (
        "Now divide by the sum of all three.")
    assert near(first, whole[0] / sum(whole), rel=0, abs=1e-3), (
        "Multiply each probability by the square of its vote.")
    assert not near(left, 2, rel=0), (
        "The second: by then less than 0.8 of the weighted mass is struck, "
        "and its vote is below 0.8.")
    assert near(left, 1, rel=0), (
        "Start with the candidate that is liked least.")

check("talebrush-1", weighted, judge_weighted, asks="a pair of numbers")

# %% tags=["solution"]
# @title Solution of exercise 1
# 0.405, 0.108 and 0.002 before the division.  Ascending by vote the running
# sums are 0.004, 0.214 and 1: the first two are struck, for neither vote
# reaches 0.8.
weighted = (0.405 / 0.515, 1)
check("talebrush-1", weighted, judge_weighted, asks="a pair of numbers")

# %% [markdown]
# **2. Derive.**
# The exact case had a base in which both codes are equally likely.
# Let one sentence in five be *true* instead, $P_{LM} = \tfrac15 P(x \mid \mathrm{true}) + \tfrac45 P(x \mid \mathrm{false})$.
# The official code can add a constant, `class_bias`, to the scaled log-likelihood after *true* before the vote is taken.
# Which constant makes guidance exact again?
# The server leaves it at 0.

# %% tags=["exercise"]
class_bias = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_bias(value):
    assert not near(value, 0.0), "With 0 both codes count as equally likely."
    assert not near(value, -math.log(0.2)) and float(value) < 0, (
        "True is the rarer code: it should start behind.")
    assert not near(value, math.log(0.2), rel=1e-3), (
        "The prior of false matters, too: a vote compares both.")
    p = torch.tensor([[[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]]).double()
    base = (0.2 * p[:, 0] + 0.8 * p[:, 1]).log()
    true, false = p[:, 0].log() + float(value), p[:, 1].log()
    got = guide(base, true, false, 1, 1.0, 1.0, 0.0, 1.0).softmax(1)
    gap = (got - p[:, 0]).abs().max().item()
    assert gap < 2e-3, f"Some candidate is off by {gap:.3f}."

check("talebrush-2", class_bias, judge_bias)

# %% tags=["solution"]
# @title Solution of exercise 2
class_bias = math.log(0.2 / 0.8)      # the log of the prior odds
check("talebrush-2", class_bias, judge_bias)

# %% [markdown]
# **3. Refute the claim.**
# "A filter is a weight by another name: what it does, a weight does as well."
# Give a pair `(omega, filter_p)` with a weight of at most `0.1` that comes closer to the line than $\omega = 3$ without the filter.
# Of the weights in the figure, that is the best one without it.

# %% tags=["exercise"]
steering = (..., ...)

# %% tags=["check"]
# @title Check of exercise 3
def judge_steering(pair):
    omega, filter_p = map(float, pair)
    assert 0 <= omega <= 0.1, "The weight should lie between 0 and 0.1."
    assert 0 <= filter_p < 1, "filter_p is a share of probability."
    base, gedi = train(1000, 300)
    v, place = heights(1000, 300)
    ours, rival = (measure(base, write(
        base, gedi, place, v, torch.Generator().manual_seed(1), *setting),
        v)["error"] for setting in ((omega, filter_p), (3.0, 0.0)))
    assert ours < rival, f"Yours misses by {ours:.1f}, it by {rival:.1f}."

check("talebrush-3", steering, judge_steering, asks="a pair of numbers")

# %% tags=["solution"]
# @title Solution of exercise 3
steering = (0.0, 0.8)      # no weight at all: the filter alone steers
# Where no vote is noise, above, a weight of 30 comes near it.
check("talebrush-3", steering, judge_steering, asks="a pair of numbers")

# %% [markdown]
# **4. Find the bug.**
# This version of `guide` steers, and its sentences can be read.
# Mend it without calling `guide`: set `mended` to a function with the same arguments that returns what `guide` returns.

# %% tags=["exercise", "bug"]
def strict(base, true, false, words, scale, omega, filter_p, target_p):
    votes = scale * torch.stack([true, false], 2) / words
    vote = votes.log_softmax(2)[..., 0]
    logits = base + omega * vote
    ascending, order = vote.sort(1)
    mass = logits.softmax(1).gather(1, order).cumsum(1)
    drop = (mass < filter_p) & (ascending < target_p)
    drop = torch.zeros_like(drop).scatter(1, order, drop)
    return logits.masked_fill(drop, -1e4)

mended = strict

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    assert function is not guide, "That is the page's own: mend `strict`."
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    assert "guide" not in names, "It calls `guide`: mend `strict` itself."
    rng = torch.Generator().manual_seed(0)
    for words, *settings in ((1, 1.0, 0.8, 0.8), (3, 1.0, 0.8, 0.8),
                             (8, 1.0, 0.8, 0.8), (3, 2.0, 0.7, 0.6)):
        base, true, false = torch.randn(
            3, 5, 7, generator=rng).log_softmax(2)
        right = guide(base, true, false, words, 4.0, *settings)
        got = function(base.clone(), true.clone(), false.clone(), words,
                       4.0, *settings)
        vote = (4.0 * (true - false) / words).sigmoid()
        for i, j in itertools.product(range(5), range(7)):
            gone, spared = got[i, j] < -1e3, right[i, j] > -1e3
            assert not (gone and spared), (
                f"A candidate with the vote {vote[i, j]:.2f} is struck "
                "off and should stay.")
            assert gone or spared, (
                f"A candidate with the vote {vote[i, j]:.2f} stays and "
                "should be struck off.")
        kept = right > -1e3          # the others may be minus infinity
        assert torch.allclose(got[kept], right[kept]), (
            "Those left have other logits.")

check("talebrush-4", mended, judge_mended)

# %% tags=["solution"]
# @title Solution of exercise 4
def mended(base, true, false, words, scale, omega, filter_p, target_p):
    votes = scale * torch.stack([true, false], 2) / words
    vote = votes.log_softmax(2)[..., 0]
    logits = base + omega * vote
    ascending, order = vote.sort(1)
    mass = logits.softmax(1).gather(1, order).cumsum(1)
    drop = (mass < filter_p) & (ascending.exp() < target_p)
    drop = torch.zeros_like(drop).scatter(1, order, drop)
    return logits.masked_fill(drop, -1e4)


check("talebrush-4", mended, judge_mended)

# %% [markdown]
# What it writes, beside the right one.
# Every vote is below one and its logarithm below zero, so no candidate was ever spared.
# A sentence whose fortune is settled keeps losing words that nobody objected to, and variety goes; the error does not show it.

# %% tags=["results"]
for name, version in (("strict", strict), ("right", guide)):
    text = write(base, gedi, place, v, torch.Generator().manual_seed(1),
                 steer=version)
    got = measure(base, text, v)
    print(f"{name:6}  error {got['error']:5.1f}  distinct "
          f"{got['distinct']:5.2f}  surprise {got['surprise']:5.2f}")
