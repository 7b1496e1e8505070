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
# | In the article | section 2.4, interfaces with large language models |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); conditional probability, Bayes' rule, a network that predicts the next word |
# | Data | sentences drawn from a grammar of 40 words, whose probabilities are known exactly |
# | Time | <!--=bench.talebrush.seconds-->36<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 언어모델은 그럴듯한 다음 문장을 쓰지만, 이야기가 어디로 가야 하는지는 모릅니다.
# 테일브러시(TaleBrush)는 사람이 그린 선의 높이를 주인공의 운으로 읽고, 문장마다 그 높이에 맞는 단어를 고르도록 언어모델을 이끕니다.
# 작은 조건부 언어모델이 '맞다'와 '아니다' 두 코드로 매긴 확률을 베이즈 규칙으로 견주어, 큰 모델의 다음 단어 확률에 곱합니다.
# 이 장은 단어 40개짜리 문법에서 선과 이야기의 차이, 배우지 않은 높이에서의 차이, 문장이 얼마나 어색해지는지를 다섯 시드로 잽니다.
# 사람이 읽고 좋아하는지, 긴 이야기가 앞뒤로 이어지는지는 이 크기에서 물을 수 없습니다.

# %% tags=["setup"]
# In Colab this fetches the book's helper; elsewhere it does nothing.
import importlib.util, os, subprocess, sys
if importlib.util.find_spec("lab1784") is None:
    book = "git+https://github.com/OWNER/REPO"
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps",
                    os.environ.get("LAB1784_SOURCE", book)], check=True)
    importlib.invalidate_caches()
    print("Installed lab1784 only; no other package was changed.")

# %% tags=["imports"]
import functools
import itertools
import math
import textwrap

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from lab1784 import Runs, check, claim, compare, interactive, palette, show
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## A cheerful sentence can be bad news
#
# Every sentence on this page comes from the grammar below.
# It begins with one of four places and has eight slots, each with its own words: who, in what mood, did what to which thing, and how it ended.
# Mina is the heroine of the story and Rex is her rival.
# Each word has **points** (점수), from two down to minus two; most have none.
# What is good for Rex is bad for Mina, so in a sentence about Rex all points count with the opposite sign.
#
# Let $v$ be the **fortune** (운) of the heroine, from 0 to 100.
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
# Because the grammar is known, so is the exact probability with which a sentence was meant as good or as bad news.
# `fortune` is the judge of this page: the expected value of $v$ after reading, if 0, 50 and 100 were equally likely before.
# Here it reads six sentences.

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
# The first two differ in one name and lie at opposite ends.
# A reader who judges by the tone alone gets every sentence about Rex upside down.
#
# ## A base that writes, and a small model that knows
#
# Suppose that you have a good writer that has read a great deal and knows nothing of fortune: the **base** (기반 언어모델) $p_{LM}(x_t \mid x_{<t})$.
# For GPT-3 or GPT-Neo nobody is going to label the training text, and few can train it again.
# You also have a few thousand short sentences whose fortune somebody has noted, as bad, neutral or good: 0, 50 and 100, nothing between.
# You want sentences that the base might have written, with the fortune that you draw.
#
# **GeDi**, the engine inside **TaleBrush** (테일브러시), trains a small class-conditional language model on the labelled sentences and lets it judge each next word of the base.
# It sees a sentence behind two tokens.
# The first is a code, *true* or *false*; the second is the level.
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
# One case is exact, and the last claim of this page checks it.
# Let the base be the mixture $\tfrac12 P(x \mid \mathrm{true}) + \tfrac12 P(x \mid \mathrm{false})$, let $\omega = 1$ and leave the exponent $\alpha/t$ out.
# Then $P_w$ is Bayes' rule itself, and equals $P(x_t \mid x_{<t}, \mathrm{true})$.
# All else is a departure from it in the hope of obedience.
#
# ## The technique
#
# First the level.
# The labels know three heights, and a line has every height.
# TaleBrush runs as a server, which the drawing page asks for sentences at two addresses, the endpoints: one continues a story, one fills a gap.
# The server takes the embeddings of the words *bad*, *neutral* and *good*, which stand for 0, 50 and 100 in training, and for a height between two of them it mixes the two in proportion.

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
# Both networks of this page are of one kind, after the first neural language models rather than GPT: every position adds its own linear view of its word to a running sum, and two hidden layers predict the next word from it.
# That is the cheapest network that can see who a sentence is about.
# The base reads the place and the words so far; `Gedi` reads the code, the level and the words of the new sentence, *without* the place.
# It is the same in the official code: the story so far is context for the base only.

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
# The repository holds a script that makes such pairs for news topics; the labelled fortunes are not in it, and we make ours in the same way.
# Half of the sentences come with their own level and the answer *true*, half with a wrong one and the answer *false*.
# The loss has two parts.
# The **generative** part asks the right code to predict the words; it is the mean negative log-probability a word.
# The **discriminative** part reads both predictions of the whole sentence as one vote by the formula above and asks that it be right; here the scale $\alpha$ is learned, starting at one.
# $\lambda$ (`gen_weight`) weighs the first and $1-\lambda$ the second; the released training script sets `lambda_=0.80`.

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
# After the weighting comes a **filter** (거르기) with two thresholds.
# Candidates are put in order of the vote, least liked first, and struck off until the share `filter_p` of the probability is gone; the candidate with which the share is reached stays, and one whose vote reaches `target_p` is spared wherever it stands.
# Both are `0.8` in the server's settings.
# The probability that is summed up is the *weighted* one, and at least one candidate always stays, because the last sum is one.

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
def write(base, gedi, place, v, rng, omega=1.0, filter_p=0.8, target_p=0.8):
    """One guided sentence a row.

    place: (N, 1) words that the base continues.  v: (N,) levels.
    Returns (N, 1 + LENGTH) words.  Source: server_code.ipynb and
    modeling_utils.py; temperature 1, no penalty on repeated words."""
    text, likelihood = place, torch.zeros(2, len(v), 1)
    for t in range(LENGTH):
        new = text[:, 1:]                          # gedi sees only these
        step = torch.stack([gedi(TRUE, v, new, -1)[:, 0],
                            gedi(FALSE, v, new, -1)[:, 0]])  # (2, N, 40)
        true, false = likelihood + step
        logits = guide(base(text, -1)[:, 0], true, false, t + 1,
                       gedi.scale, omega, filter_p, target_p)
        word = torch.multinomial(logits.softmax(1), 1, generator=rng)
        likelihood = torch.stack([true.gather(1, word),
                                  false.gather(1, word)])
        text = torch.cat([text, word], 1)
    return text

# %% [markdown]
# Four points where the released code leaves a choice, and what this page does.
#
# - The server's settings cell has `disc_weight` 30, and so has the default of its functions, but both of its endpoints pass 1. We take 1 and run 30 beside it.
# - The code counts the level as the first word of the sentence, and adds to both likelihoods that of its placeholder, the word *positive*. We count and add the words of the sentence alone, as the formula above does.
# - The endpoints read each new sentence with a trained recogniser, and draw again when it lies 20 or more from the line, as often as the interface asks, and keep the nearest. That is a second technique; it stands among the rivals below.
# - There is a penalty on repeated words, and the interface sends a temperature. We use neither.
#
# ## Predict
#
# Lines are drawn at random: 21 heights, from 0 to 100 in steps of 5, of which only 0, 50 and 100 were ever labelled.
# Every writer gets the same heights and the same places, and the judge measures how far each sentence lies from its height.
# Bet before you read on.
#
# - (a) The stronger the vote the closer the story, so $\omega = 30$ follows the line best and only reads worse.
# - (b) The base is a detour: let the small model write by itself after *true* and the level, and the story is as close.
# - (c) Three unguided sentences, with the nearest kept, cost as many passes through a network as one guided sentence and come about as close.
# - (d) Guidance at $\omega = 1$ comes closer than all of these, at little cost in fluency.
# - (e) Between the labelled heights the model can do no better than at the nearest of them.
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


@functools.lru_cache(maxsize=8)                # all arms share a seed's nets
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
# The rivals are plain, and each is as strong as we could make it.
#
# - *unguided*: the base by itself.
# - *three*: three unguided sentences, of which the judge itself keeps the one nearest to the line. A guided word costs three passes through a network, one of the base and two of the small model; so does this. No real system has a judge that knows the truth, so the rival is favoured.
# - *direct*: the small model writes alone after *true* and the level. It is sampled at a temperature that is searched below.
# - *nearest*: guided, but the height is first moved to the nearest labelled level, 25 to 0 and 75 to 100.
# - *hard*: guided with $\omega = 30$.
#
# `strength` multiplies $\omega$ and `filter_p`; at 0 the guided writer is the base.

# %% tags=["experiment"]
@torch.no_grad()
def alone(model, place, rng):
    """Sentences of one model by itself; (N, 1 + LENGTH) words."""
    text = place
    for _ in range(LENGTH):
        p = model(text, -1)[:, 0].softmax(1)
        text = torch.cat([text, torch.multinomial(p, 1, generator=rng)], 1)
    return text


def sentences(arm, base, gedi, place, v, rng, strength=1.0, cold=0.5, n=3):
    """What one arm writes for (N,) heights; (N, 1 + LENGTH) words."""
    if arm == "unguided":
        return alone(base, place, rng)
    if arm == "three":
        tries = torch.stack([alone(base, place, rng) for _ in range(n)])
        gap = torch.stack([(fortune(x) - v).abs() for x in tries])
        return tries[gap.argmin(0), torch.arange(len(v))]
    if arm == "direct":
        return alone(lambda x, first: gedi(TRUE, v, x[:, 1:], first) / cold,
                     place, rng)
    v = 50 * (v / 50).round() if arm == "nearest" else v
    return write(base, gedi, place, v, rng,
                 strength * (30 if arm == "hard" else 1), 0.8 * strength)

# %% [markdown]
# `error` is the mean distance of the realised fortune from the drawn height, in points of the scale of 100, lower is better; `between` is the same over the heights 15 to 35 and 65 to 85, which are farthest from any label.
# `surprise` is the base's mean negative log-probability of a sentence, in nats a word: lower reads more like the base.
# `distinct` is the share of different sentences among all that were written, higher is better; `correlation` is that of height and fortune; `slips` is the share of sentences that the grammar writes only by a slip of the pen.

# %% tags=["experiment"]
@torch.no_grad()
def measure(base, text, v):
    got = fortune(text)
    gap = (got - v).abs()
    fits = (SLOT[text[:, 1:]] == torch.arange(LENGTH)).all(1)
    return {"error": gap.mean().item(),
            "between": gap[(v % 50 - 25).abs() <= 10].mean().item(),
            "correlation": torch.corrcoef(torch.stack([v, got]))[0, 1].item(),
            "surprise": -per_word(base(text[:, :-1]),
                                  text[:, 1:]).mean().item(),
            "distinct": len(text.unique(dim=0)) / len(text),
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
# Guided writing and *direct* get the same search: four settings each, on a seed that no claim uses.
# A cold *direct* might come closer to the line by saying the same few safe sentences again and again.
# So its temperature is the one with the smallest error among those at which it writes at least as many different sentences as the guided writer at the smallest error of its own.

# %%
base, gedi = train(1000, 300)
v, place = heights(1000)
found = {}                                     # drawn in a figure below
print("               error  distinct  surprise")
for arm, name, grid in (("guided", "omega", (1, 3, 10, 30)),
                        ("direct", "cold ", (1.0, 0.5, 0.2, 0.1))):
    for setting in grid:
        rng = torch.Generator().manual_seed(1)
        text = (write(base, gedi, place, v, rng, setting) if arm == "guided"
                else sentences(arm, base, gedi, place, v, rng, cold=setting))
        got = found[arm, setting] = measure(base, text, v)
        print(f"{arm} {name} {setting:4.1f} {got['error']:5.1f}"
              f"  {got['distinct']:8.2f}  {got['surprise']:8.2f}")
print(f"learned scale alpha: {gedi.scale.item():.1f}")

# %% [markdown]
# The guided writer gets no better than at the weight 1 that the endpoints use, so it keeps it, and *direct* writes at the temperature `0.5`.
# There *direct* also has its smallest error of the four, so the condition on variety cost it nothing.
# The learned scale $\alpha$ is close to the eight words of a sentence: at its end the division by $t$ has nearly been undone, and at the first word the two log-likelihoods count about nine times as much as under Bayes' rule.
#
# ## The claims

#
# A claim **holds** where the mean over five paired seeds reaches the least effect and the 95 % interval excludes zero; it **does not hold** where the whole interval lies short of the least effect; otherwise it is **not settled**.
# Statement, rival and least effect were written down before the seeds below were run for the first time.
#
# First, the line is followed more closely than by drawing three and keeping the nearest.

# %% tags=["results"]
runs = compare(run, ["unguided", "three", "direct", "nearest", "hard",
                     "guided"])
print(runs.table())

# %% tags=["results"]
record = claim(
    "talebrush-three",
    "A guided sentence lies closer to the drawn fortune than the nearest of "
    "three unguided ones, which cost as many passes.",
    runs, metric="error", arm="guided", baseline="three", better="lower",
    least=1.2,
    reason="two standard deviations of the rival, 0.6 points each, on seeds "
           "from 1000 on",
    paper="The pipeline reliably controls story generation.")

# %% [markdown]
# The mean error of the guided writer is <!--=talebrush-three.mean.guided:1-->10.1<!--/--> points, that of *three* <!--=talebrush-three.mean.three:1-->15.7<!--/--> and of the base alone <!--=talebrush-three.mean.unguided:1-->34.5<!--/-->.
# *Three* had the true judge to choose with, and still could only choose among what the base happened to say.
# Three is the number that costs the same, and the claim goes no further: with five draws the judge comes about as close, as a table [below](#the-parts-one-at-a-time) shows.
# Guidance saves draws, and it needs no judge while it writes.
#
# Second, the small model by itself.

# %% tags=["results"]
record = claim(
    "talebrush-direct",
    "A guided sentence lies closer to the drawn fortune than one that the "
    "small conditional model writes by itself.",
    runs, metric="error", arm="guided", baseline="direct", better="lower",
    least=2.6,
    reason="two standard deviations of the rival, 1.3 points each, on seeds "
           "from 1000 on",
    paper="The pipeline reliably controls story generation while "
          "maintaining the novelty of generated sentences.")

# %% [markdown]
# The difference is <!--=talebrush-direct.effect:1-->−4.6<!--/--> points, interval <!--=talebrush-direct.low:1-->−7.0<!--/--> to <!--=talebrush-direct.high:1-->−2.3<!--/-->.
# The interval excludes zero, but it reaches to the near side of the least effect: that the mean gain is as large as we asked is less sure than that there is one.
# *Direct* knows the same labels; what it lacks is the comparison with *false*, which guidance has.
# Give it the vote and the filter on its own words, and it comes about as close as the guided writer; that, too, is measured [below](#the-parts-one-at-a-time).
# What the base brings is something else: the place, which the small model never saw, and sentences that the base would have written.
# The column `surprise` shows it: *direct* stands above the guided writer.
#
# Third, the heights that nobody labelled.

# %% tags=["results"]
record = claim(
    "talebrush-between",
    "Far from any labelled height, guidance towards the interpolated level "
    "comes closer than guidance towards the nearest labelled one.",
    runs, metric="between", arm="guided", baseline="nearest",
    better="lower", least=1.4,
    reason="two standard deviations of the rival, 0.7 points each, on seeds "
           "from 1000 on",
    paper="The server mixes the embeddings of bad, neutral and good for "
          "heights between them.")

# %% [markdown]
# Between the labels the error falls from <!--=talebrush-between.mean.nearest:1-->15.3<!--/--> to <!--=talebrush-between.mean.guided:1-->11.3<!--/--> points.
# No label told the small model that 25 lies between 0 and 50; the mixed embedding did.
# The judge has a part in this: it knows three levels, too, and reads 25 where it finds, say, 0 and 50 equally likely.
# A judge that holds all 21 heights for possible puts guided first as well (see Tries).
#
# Fourth, the price.
# The bad arm is *hard*: the margin means something only if the weight 30 breaks it.

# %% tags=["results"]
record = claim(
    "talebrush-price",
    "A guided sentence surprises the base by less than a quarter of a nat a "
    "word more than the base's own sentences do.",
    runs, metric="surprise", arm="guided", baseline="unguided",
    kind="no_worse", better="lower", margin=0.25, bad="hard",
    reason="about the standard deviation of surprise from one unguided "
           "sentence to the next, 0.27 on seeds from 1000 on: the base's "
           "own sentences differ by more",
    paper="The pipeline maintains the novelty of generated sentences; what "
          "it costs in fluency is our question.")

# %% [markdown]
# Guidance costs <!--=talebrush-price.effect-->0.05<!--/--> nats a word, interval <!--=talebrush-price.low-->0.02<!--/--> to <!--=talebrush-price.high-->0.07<!--/-->: there is a price, and it is small.
# At the weight 30 surprise is <!--=talebrush-price.mean.hard-->2.55<!--/-->, where the base's own sentences have <!--=talebrush-price.mean.unguided-->1.06<!--/-->.
# The table says what that means: in the column `slips`, nearly all of its sentences leave the grammar.
#
# Surprise is not the whole price.
# The column `distinct` stands at nine in ten without guidance, and below two in three with it.
# *Direct* keeps three in four.
# The paper reports that novelty is maintained, by a measure of its own; ours, in a grammar of forty words, falls, and no claim here covers it.
#
# Fifth, the exact part.
# The base is now the mixture of the two codes of a trained small model, weighted by what each makes of the words so far.
# *guided* is the log-probability that `guide` gives a sentence of the grammar at $\omega = 1$, without scale, division or filter; *conditional* is that of the small model after *true*; *divided* is guided with the division by the number of words left in.

# %% tags=["experiment"]
@torch.no_grad()
def run_identity(arm, seed, steps=300):
    """Mean log-probability of 200 sentences, in nats, float64."""
    gedi = train(seed, steps)[1]
    v = heights(seed, 200)[0]
    text = draw(v, torch.Generator().manual_seed(seed))[:, 1:]
    likelihood, total = torch.zeros(2, len(v), 1).double(), 0.0
    for t in range(LENGTH):
        word = text[:, t:t + 1]
        step = torch.stack([gedi(code, v, text[:, :t])[:, -1].double()
                            for code in (TRUE, FALSE)])      # (2, N, 40)
        base = (likelihood.log_softmax(0) + step).logsumexp(0)  # mixture
        logits = step[0] if arm == "conditional" else guide(
            base, *(likelihood + step), t + 1 if arm == "divided" else 1,
            1.0, 1.0, 0.0, 1.0)
        total = total + logits.log_softmax(1).gather(1, word).mean().item()
        likelihood = likelihood + step.gather(2, word.expand(2, -1, -1))
    return {"nats": total}

# %% tags=["results"]
same = compare(run_identity, ["conditional", "guided", "divided"])
print(same.table())
record = claim(
    "talebrush-identity",
    "Where the base is the mixture of both codes, omega is 1 and nothing is "
    "divided, guidance gives the conditional distribution itself.",
    same, metric="nats", arm="guided", baseline="conditional", kind="exact",
    margin=1e-9,
    reason="sums of eight double-precision terms of this size are rounded "
           "at about 1e-15",
    paper="GeDi weights the base by a classification probability that "
          "Bayes' rule gives.")

# %% [markdown]
# The two agree as closely as double precision can tell, for networks that were trained and for sentences of every height.
# With the division they part: dividing a log-likelihood by $t$ is a choice, and Bayes' rule does not make it.
#
# Now the bets.
# (d) holds for closeness and for surprise, the two that it names; it said nothing of variety, and there guidance pays.
# (a) is wrong twice over: at the weight 30 the error is <!--=talebrush-three.mean.hard:1-->30.0<!--/--> points, closer to that of no guidance than to any other writer's, and the text is lost as well.
# (b) is off by the difference of the second claim, (c) by that of the first, (e) by that of the third.
# If you chose (b), look at the search table again: colder, *direct* repeats itself until hardly any sentence is new, and does not come closer on that seed.

# %% [markdown]
# ## The parts, one at a time
#
# Two sentences above speak of writers that no table showed yet.
# Four arms, on the same heights and places, take the guided writer apart:
#
# - *five*: five unguided sentences, of which the judge keeps the nearest.
# - *vote*: the base with the vote at $\omega = 1$ and no filter.
# - *filter*: the base with the filter and $\omega = 0$; the vote only decides who is struck off.
# - *voted*: the small model writes alone, with the vote and the filter on its own words, and no base.
#
# The claim below was written after the five above, and before these four arms were run on seeds 0 to 4.

# %% tags=["results"]
def run_part(arm, seed):
    if arm == "five":
        return run("three", seed, n=5)
    base, gedi = train(seed, 300)
    v, place = heights(seed)

    def itself(text, first):             # the small model, and no base
        return gedi(TRUE, v, text[:, 1:], first)

    rng = torch.Generator().manual_seed(20_000 + seed)
    return measure(base, write(
        itself if arm == "voted" else base, gedi, place, v, rng,
        omega=0.0 if arm == "filter" else 1.0,
        filter_p=0.0 if arm == "vote" else 0.8), v)


parts = compare(run_part, ["five", "vote", "filter", "voted"])
print(parts.table())
error = {**runs["error"], **parts["error"]}


def among(*arms):
    return Runs(runs.seeds, {"error": {arm: error[arm] for arm in arms}})


record = claim(
    "talebrush-voted",
    "The small conditional model, writing alone with the vote and the filter "
    "on its own words, misses the drawn fortune by at most 2.6 points more "
    "than guidance of the base does.",
    among("unguided", "five", "vote", "filter", "direct", "voted", "guided"),
    metric="error", arm="voted", baseline="guided", kind="no_worse",
    better="lower", margin=2.6, bad="direct",
    reason="the least effect that was asked of guidance over the small model "
           "alone",
    paper="The paper makes no such test; this one is ours.")

# %% [markdown]
# *Five* is off by <!--=talebrush-voted.mean.five:1-->10.1<!--/--> points, as near as guided, and no claim is made of it.
# One was: that five draws miss by at most `1.2` points more, the least effect that was asked of guidance over *three*.
# It came out *not settled* on these seeds and held on each of three other fives; a verdict that turns with the seeds would fail on the next machine, and ten seeds take longer than a page has, so it was taken back (see Tries).
# They cost five passes and a judge who knows the truth, where a guided sentence costs three passes and no judge; and they keep the variety of the base, which guidance does not.
#
# *Voted* holds: without any base the small model is off by <!--=talebrush-voted.mean.voted:1-->10.6<!--/--> points, where *direct* is off by <!--=talebrush-voted.mean.direct:1-->14.7<!--/--> and guided by <!--=talebrush-voted.mean.guided:1-->10.1<!--/-->.
# So the obedience is the vote's and the filter's.
# The base brings what it knows: the column `surprise` has *voted* far above the base's own sentences, and guided hardly.
#
# The other two arms carry one ingredient each, and no claim is made about them.
# The vote alone takes the error of the base from <!--=talebrush-voted.mean.unguided:1-->34.5<!--/--> to <!--=talebrush-voted.mean.vote:1-->18.0<!--/--> points, the filter alone to <!--=talebrush-voted.mean.filter:1-->9.9<!--/-->, as near as both together.

# %% [markdown]
# ## What the weight does, and what the filter does
#
# The search table stopped at four weights with the filter on.
# Here is a wider range, with the filter and without, on the nets of the search.
# The dotted lines are sentences of the grammar itself, drawn *at* the asked fortune.

# %% tags=["results"]
weights = (0.1, 0.3, 1, 3, 10, 30)
truth = measure(base, draw(v, torch.Generator().manual_seed(2)), v)
keys = ("error", "correlation", "surprise")
fig, axes = subplots(1, 3, width=7.8, height=2.8)
for filter_p, name, colour in ((0.8, "with the filter", "method"),
                               (0.0, "without", "rival")):
    got = []
    for omega in weights:
        rng = torch.Generator().manual_seed(1)
        got.append(found["guided", omega] if filter_p and omega >= 1 else
                   measure(base, write(base, gedi, place, v, rng, omega,
                                       filter_p), v))
    for ax, key in zip(axes, keys):
        ax.plot(weights, [g[key] for g in got], "o-", label=name,
                color=palette[colour])
for ax, key, title in zip(axes, keys, (
        "Error (points)", "Correlation", "Surprise (nats a word)")):
    ax.axhline(truth[key], ls=":", color=palette["ink"], label="the grammar")
    ax.set(xscale="log", xlabel="weight ω", title=title)
axes[1].set_ylim(-0.1, 1)
axes[2].legend(fontsize=8)
show(fig, "Three panels over the weight, on a logarithmic axis. With the "
          "filter the error is low and the correlation high up to weight "
          "three, and both get worse beyond; without it they improve at "
          "first and then get worse. Surprise stays low up to weight three "
          "and then climbs steeply.")

# %% [markdown]
# At small weights nearly all of the steering comes from the filter, which strikes off what the vote dislikes whatever $\omega$ says.
# With the filter, the weight `0.1` comes as close as the weight `1`.
# That goes for the claims above, too: at $\omega = 1$ without the filter the error is a little above that of the grammar's own sentences, and on this seed neither *three* nor *direct* would be beaten.
# At $\omega = 3$ without the filter both would be, at hardly any added surprise, but by less than with the filter at `1`.
# At large ones the vote is taken where it knows nothing.
# A word that fits no slot was hardly ever seen there in training, so its two likelihoods are mostly noise; thirty times noise outweighs all that the base has learnt.
# Sentences of the grammar drawn at the asked fortune miss the line by more than guided ones do: a draw is free to be unlucky, and guidance at $\omega = 1$ with the filter is not.
#
# The next picture asks what comes out at each height, on the same seed.
# The band holds half of the sentences.

# %% tags=["results"]
fig, axes = subplots(1, 2, width=7.4, height=3.1, sharey=True)
scale = 5.0 * torch.arange(21)
for ax, arm, title in ((axes[0], "guided", "Mixed levels: a ramp"),
                       (axes[1], "nearest", "Nearest label: a staircase")):
    rows = fortune(sentences(
        arm, base, gedi, place[:200].repeat(21, 1),
        scale.repeat_interleave(200),
        torch.Generator().manual_seed(3))).view(21, 200)
    low, high = rows.quantile(torch.tensor([0.25, 0.75]), dim=1)
    ax.fill_between(scale, low, high, alpha=0.25, lw=0,
                    color=palette["method"])
    ax.plot(scale, rows.mean(1), "o-", ms=4, color=palette["method"])
    ax.plot([0, 100], [0, 100], "--", lw=1, color=palette["ink"])
    for known in (0, 50, 100):
        ax.axvline(known, color=palette["rival"], lw=1, ls=":")
    ax.set(xlabel="height of the line", title=title)
axes[0].set_ylabel("fortune of the sentences")
show(fig, "Mean fortune of the sentences against the height of the line, "
          "with the middle half as a band, the diagonal dashed and the "
          "labelled heights as dotted lines. Left, with mixed levels: flat "
          "near 10 up to height 20, then up near the diagonal with dips, "
          "and flat above 90 from height 80 on. Right, with the nearest "
          "label: three level steps, near 10, 45 and 92, with jumps after "
          "25 and after 70; the band of the middle one is the widest.")

# %% [markdown]
# Mixing the embeddings gives a ramp, though not a straight one.
# Below 20 and above 80 it is flat, and in between it stumbles.
# A likely reason for the flat ends: the vote asks for what sets a level apart from others, and news that is rather bad is told from the rest by the same words as news that is very bad.
#
# ## Draw a line
#
# Now draw one.
# The story has four sentences, at home, in town, in jail and at sea.
# For each you choose one of five heights; 25 and 75 were never labelled.
# The dots are the judge's reading.
# The line to begin with starts low, climbs, falls into a hole and ends high.
# Every sentence is the first that the guided writer wrote for its place and height; none was picked.
# Three of the four to begin with are about Rex, whose luck is hers turned round: a lovely treasure for him is a low point of her line.

# %% tags=["results"]
levels, stops = [0.0, 25.0, 50.0, 75.0, 100.0], [0, 1, 3, 2]
v = torch.tensor(levels).repeat(4)
place = torch.tensor(stops).repeat_interleave(5)[:, None]
text = write(base, gedi, place, v, torch.Generator().manual_seed(1784))
story = [[render(row) for row in text[5 * k:5 * k + 5]] for k in range(4)]
value = (fortune(text) / 100).view(4, 5).tolist()
outcomes = {key: {"texts": [story[k][i] for k, i in enumerate(key)],
                  "values": [value[k][i] for k, i in enumerate(key)]}
            for key in itertools.product(range(5), repeat=4)}
start = (1, 3, 0, 4)
fig, ax = subplots(width=7.0, height=3.6)
ax.plot(range(4), [levels[i] for i in start], "o-", label="drawn",
        color=palette["plain"])
ax.plot(range(4), [100 * value[k][i] for k, i in enumerate(start)], "D",
        ms=8, label="the story", color=palette["method"])
ax.set(xticks=range(4), ylabel="fortune", ylim=(-5, 135), xlim=(-0.4, 3.6),
       yticks=levels, title="Low, up, into a hole and out again")
ax.set_xticklabels(["\n".join(textwrap.wrap(story[k][i], 20))
                    for k, i in enumerate(start)], fontsize=9)
ax.legend(loc="upper left", ncols=2)
interactive.draw(
    [f"{x:.0f}" for x in levels], ["home", "town", "jail", "sea"], outcomes,
    title="Draw the fortune of Mina", start=start, fallback_fig=fig,
    names=("drawn", "the story"),
    alt="A line of four heights, low, high, lowest, highest, and a dot near "
        "each for the fortune of the sentence that was written, with the "
        "four sentences below.")

# %% [markdown]
# Each sentence hears only its place and its own height, so moving one handle changes one sentence.
# In the real system the base reads the story so far, and a new sentence answers the last.
#
# ## Break it
#
# Our tests plant each of these mistakes, and fail on each.
# Every one of them trains and writes.
#
# In the vote:
#
# - **Mirrored level**: instead of *not this level* the second likelihood is that of the opposite level, $100 - v$, after *true*.
# - **No vote**: $\omega$ is set to 0, and the filter does what is left.
# - **No division**: the likelihoods are not divided by the number of words, so the vote hardens from word to word.
# - **Vote for false**: the probability of the wrong code is taken.
# - **Forgotten sentence**: only the candidate is judged and not the words before it; who the sentence is about stops counting.
# - **Gedi reads the place**: the small model gets the prompt too, in a position where it has only ever seen a name.
#
# In the filter:
#
# - **Ordered by the base**: candidates are put in the base's order before the rarest are struck off.
# - **Liked words struck**: the order is turned round.
# - **Unweighted mass**: the share of probability is that of the base instead of the weighted one.
# - **Threshold not in logs**: a log-probability is compared with `target_p` itself.
#
# In the level and in training:
#
# - **Straight mix**: bad and good are mixed, and neutral is never used.
# - **Wrong code praised**: the generative loss asks the wrong code to predict the words.
# - **Weights exchanged**: $\lambda$ goes to the discriminative part.
# - **Sum for mean**: the loss adds the words up where it should average.
#
# Run the first.
# It sounds reasonable: what is the opposite of a good day, if not a bad one?
# Below is the mean fortune of 400 sentences at each of five heights.

# %%
class Mirrored:
    """Gedi whose false is the opposite level after true."""
    scale = gedi.scale

    def __call__(self, code, v, words, first):
        return gedi(TRUE, v if code == TRUE else 100 - v, words, first)


_, place = heights(1000, 400)
print("height     0    25    50    75   100")
for name, model in (("guided", gedi), ("mirrored", Mirrored())):
    row = []
    for height in levels:
        text = write(base, model, place, torch.full((400,), height),
                     torch.Generator().manual_seed(1))
        row.append(fortune(text).mean().item())
    print(f"{name:8}", " ".join(f"{x:5.1f}" for x in row))

# %% [markdown]
# The mirrored writer no longer follows the order of the line: what is drawn at 25 ends below what is drawn at 0, and 75 above 100.
# At 0 and 100 it falls short of the guided one, at 0 by nearly twice the distance: the vote asks only that a sentence be told from the opposite end, and a word that is nothing special does that, too.
# At 25 the opposite is 75, and what tells 25 from 75 best is not a sentence a little below the middle but the worst news there is; at 75 it is the best.
# At 50 the opposite is 50 itself, the vote is even for every word, and all that is left is the filter, which strikes words in the order of the dictionary.
# There *Mina* stands before *Rex* and the good words before the bad ones; what is left is mostly bad luck for Rex, and the mean lands above the middle.
#
# ## What we shrank
#
# | | paper and code | here |
# |---|---|---|
# | base | `gpt-neo-2.7B`, with learned prompts for continuing and for filling a gap | a network with two hidden layers, 6,000 sentences |
# | small model | a GPT-2; medium in the training script | the same network, 4,000 labelled sentences |
# | fortune | labelled sentences, which the repository does not hold | known from a grammar of 40 words |
# | reading the result back | a recogniser on the base's last hidden state, clipped to 0 and 1 | the exact posterior, had only 0, 50 and 100 been possible |
# | judged by | <!--=published.talebrush_participants-->14<!--/--> writers, and measures on the sentences | distance, surprise, variety |
#
# The number of writers is in the abstract; we have read no table of the paper, and compare with none.
#
# What this page cannot show: whether a writer wants to draw, whether a longer story hangs together, and whether fortune can be told from tone in real English, where no grammar gives the answer.
# Infilling, where the system writes towards a sentence that is already there, is left out, and so is the drawing back of the recogniser's reading that makes the sketch a conversation.
# Our two networks have one size, so a pass of each costs the same; in the paper the base is the larger by far, and three draws from it would cost more than one guided sentence.
# Our base and our small model learn from one grammar; in the paper they are two models with different reading behind them, and the vote has to carry over.
# What it does show, with the truth known: the vote and its filter move a writer that never saw a label, to heights that nobody labelled, and the weight 30 that the settings name is not one to use at this size.
#
# ## Tries
#
# | what was tried | where | outcome |
# |---|---|---|
# | words in any order, contrast with the mirrored level | before this page, another grammar | heights 25 and 75 land at the ends |
# | recurrent networks, 600 labelled sentences | seeds from 1000 on | the small model had not learnt who a sentence is about |
# | a transformer of one layer, 2,000 labelled sentences | seeds from 1000 on | slower, and guided less well |
# | the generative loss alone, λ of one, for the small model | seeds from 1000 on | worse for guided and for direct writing |
# | the network above, 4,000 labelled sentences | seeds 0 to 4, once | the experiment above |
# | four and five unguided sentences, the nearest kept by the judge | after the experiment, seeds 1000 to 1002 | four are still farther from the line than guided; five were closer on each seed, and with other draws, on seeds 1000 to 1003, closer on two of four |
# | *direct* with the vote and the filter on its own words | after the experiment, seeds 1000 to 1002 | as close as guided to within about one point, more varied, and more surprising to the base |
# | two claims on the parts | seeds 0 to 4, once, after the others were known | *voted* holds; *five* at most `1.2` points worse than guided: not settled, mean `0.0`, interval `-1.5` to `1.6`; on three other fives, the shifts of our trust run, it held, with means of `0.3`, `-0.2` and `-0.7`; taken back |
# | a judge for whom all 21 heights are equally likely | after the experiment, seeds 1000 to 1002 | guided is still closest, *nearest* second |
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

# %% tags=["check", "hide-input"]
def judge_weighted(pair):
    first, left = pair
    if first is ... or left is ...:
        raise Unanswered
    base, vote = np.array([0.5, 0.3, 0.2]), np.array([0.9, 0.6, 0.1])
    right = base * vote ** 2 / (base * vote ** 2).sum()
    once = base * vote / (base * vote).sum()
    assert abs(first - once[0]) > 2e-3, "That is omega = 1."
    assert abs(first - 0.405) > 1e-3, "Now divide by the sum of all three."
    assert abs(first - right[0]) < 1e-3, (
        "Multiply each probability by the square of its vote.")
    assert left != 2, (
        "The second: by then less than 0.8 of the weighted mass is struck, "
        "and its vote is below 0.8.")
    assert left == 1, "Start with the candidate that is liked least."

check("talebrush-1", weighted, judge_weighted)

# %% tags=["solution", "hide-cell"]
# 0.405, 0.108 and 0.002 before the division.  Ascending by vote the running
# sums are 0.004, 0.214 and 1: the first two are struck, for neither vote
# reaches 0.8.
weighted = (0.405 / 0.515, 1)
check("talebrush-1", weighted, judge_weighted)

# %% [markdown]
# **2. Derive.**
# The exact case had a base in which both codes are equally likely.
# Let one sentence in five be *true* instead, $P_{LM} = \tfrac15 P(x \mid \mathrm{true}) + \tfrac45 P(x \mid \mathrm{false})$.
# The official code can add a constant, `class_bias`, to the scaled log-likelihood after *true* before the vote is taken.
# Which constant makes guidance exact again?
# The server leaves it at 0.

# %% tags=["exercise"]
class_bias = ...

# %% tags=["check", "hide-input"]
def judge_bias(value):
    assert abs(value) > 1e-6, "With 0 both codes count as equally likely."
    p = torch.tensor([[[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]]).double()
    base = (0.2 * p[:, 0] + 0.8 * p[:, 1]).log()
    true, false = p[:, 0].log() + value, p[:, 1].log()
    got = guide(base, true, false, 1, 1.0, 1.0, 0.0, 1.0).softmax(1)
    gap = (got - p[:, 0]).abs().max().item()
    assert abs(value + math.log(0.2)) > 1e-3 and value < 0, (
        "True is the rarer code: it should start behind.")
    assert abs(value - math.log(0.2)) > 1e-3, (
        "The prior of false matters, too: a vote compares both.")
    assert gap < 1e-3, f"Some candidate is off by {gap:.3f}."

check("talebrush-2", class_bias, judge_bias)

# %% tags=["solution", "hide-cell"]
class_bias = math.log(0.2 / 0.8)      # the log of the prior odds
check("talebrush-2", class_bias, judge_bias)

# %% [markdown]
# **3. Refute the claim.**
# "The weight $\omega$ does the steering; the filter tidies up."
# Give a pair `(omega, filter_p)` with a weight of at most `0.1` that comes closer to the line than $\omega = 3$ without the filter.
# Of the weights in the figure, that is the best one without it.
# The check lets both write on the seed of the search, and compares.

# %% tags=["exercise"]
steering = (..., ...)

# %% tags=["check", "hide-input"]
def judge_steering(pair):
    omega, filter_p = pair
    if omega is ... or filter_p is ...:
        raise Unanswered
    assert 0 <= omega <= 0.1, "The weight should lie between 0 and 0.1."
    assert 0 <= filter_p < 1, "filter_p is a share of probability."
    base, gedi = train(1000, 300)
    v, place = heights(1000)
    ours, rival = (measure(base, write(
        base, gedi, place, v, torch.Generator().manual_seed(1), *setting),
        v)["error"] for setting in ((omega, filter_p), (3.0, 0.0)))
    assert ours < rival, f"Yours misses by {ours:.1f}, it by {rival:.1f}."

check("talebrush-3", steering, judge_steering)

# %% tags=["solution", "hide-cell"]
steering = (0.0, 0.8)      # no weight at all: the filter alone steers
check("talebrush-3", steering, judge_steering)

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

# %% tags=["check", "hide-input"]
def judge_mended(function):
    global guide
    own, rng = guide, torch.Generator().manual_seed(0)
    assert function is not own, "That is the page's own: mend `strict`."

    def absent(*given):
        raise AssertionError("It calls `guide`: mend `strict` itself.")

    for words, *settings in ((1, 1.0, 0.8, 0.8), (3, 1.0, 0.8, 0.8),
                             (8, 1.0, 0.8, 0.8), (3, 2.0, 0.7, 0.6)):
        base, true, false = torch.randn(
            3, 5, 7, generator=rng).log_softmax(2)
        given = (base, true, false, words, 4.0, *settings)
        right = own(*given)
        try:
            guide = absent
            got = function(*given)
        finally:
            guide = own
        vote = (4.0 * (true - false) / words).sigmoid()
        for i in range(5):
            for j in range(7):
                gone, spared = got[i, j] < -1e3, right[i, j] > -1e3
                assert not (gone and spared), (
                    f"A candidate with the vote {vote[i, j]:.2f} is struck "
                    "off and should stay.")
                assert gone or spared, (
                    f"A candidate with the vote {vote[i, j]:.2f} stays and "
                    "should be struck off.")
        assert torch.allclose(got, right), "Those left have other logits."

check("talebrush-4", mended, judge_mended)

# %% tags=["solution", "hide-cell"]
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
# What it writes, beside the right one, on the seed of the search.
# Every vote is below one and its logarithm below zero, so no candidate was ever spared.
# A sentence whose fortune is settled keeps losing words that nobody objected to, and variety goes.
# The error does not show it: the most obedient writer has little to say.

# %% tags=["results"]
v, place = heights(1000)
right = guide
for name, version in (("strict", strict), ("right", right)):
    guide = version
    text = write(base, gedi, place, v, torch.Generator().manual_seed(1))
    got = measure(base, text, v)
    print(f"{name:6}  error {got['error']:5.1f}  distinct "
          f"{got['distinct']:5.2f}  surprise {got['surprise']:5.2f}")
guide = right
