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
# # A prompt is read, if the training made reading worth while
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/5-language/hyperclova_prompting.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | B. Kim, H. Kim, S.-W. Lee and 34 others, [*What Changes Can Large-scale Language Models Bring? Intensive Study on HyperCLOVA: Billions-scale Korean Generative Pretrained Transformers*](https://doi.org/10.18653/v1/2021.emnlp-main.274), EMNLP 2021 |
# | Official code | none for HyperCLOVA; for p-tuning, the technique it takes from X. Liu et al., [THUDM/P-tuning](https://github.com/THUDM/P-tuning), folder `LAMA/p_tuning`, read at commit `9857868` |
# | In the article | section 2.3, language, third technique |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); causal attention in PyTorch |
# | Data | drawn: 64 Korean words in 16 groups, 8 label words; the groups are known |
# | Time | <!--=bench.hyperclova_prompting.seconds-->48<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 초대규모 언어모델은 가중치를 바꾸지 않고 프롬프트에 적힌 몇 개의 보기만으로 새로운 과제를 풉니다.
# 이 장은 가중치가 5만 개가 안 되는 작은 언어모델을 직접 훈련하여 이 문맥 내 학습이 어디서 오는지 살펴봅니다.
# 훈련 때 본 적 없는 과제에서 보기의 수, 뒤섞인 레이블, 훈련 과제의 다양성이 정확도를 어떻게 바꾸는지 다섯 시드로 잽니다.
# 이어서 언어모델을 얼려 둔 채 프롬프트 벡터만 훈련하는 p-튜닝을 같은 보기를 적은 프롬프트, 전체 미세조정과 견줍니다.
# 이렇게 작은 모델은 한국어나 세상에 대한 지식을 갖지 못하므로, 여기서 보이는 것은 원리뿐입니다.

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
import copy
import functools
import hashlib

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from lab1784 import Runs, check, claim, compare, palette, show
from lab1784.exercises import Unanswered
from lab1784.figures import subplots
from lab1784.fonts import hangul
from lab1784.interactive import choose

torch.set_num_threads(1)

# %% [markdown]
# ## Four pairs, and you know the task
#
# > 감 가 · 물 나 · 배 가 · 우유 나 · 귤 ?
#
# Persimmon, water, pear and milk are each followed by 가 or 나, two syllables that number the items of a list in Korean, as a and b do in English.
# Then comes a tangerine, and the question is which syllable follows.
# You say 가.
# Nobody told you that the task was fruit against drinks, or that there was a task.
#
# A **language model** (언어모델) is a network that continues a row of tokens.
# One that is asked like this need not be trained for the task.
# The pairs stand in its input, the **prompt** (프롬프트), and its weights stay as they are.
# What it does is called **in-context learning** (문맥 내 학습), and each pair in the prompt is a **shot** (보기).
# The claims below say *example* for a shot and *episode* for a row of training.
# HyperCLOVA (하이퍼클로바), with <!--=published.hyperclova_parameters-->82<!--/--> billion weights, does it in Korean.
#
# This page trains two language models, of 48,840 weights each, from the same start and for as many steps.
# Both see prompts of this form and nothing else, and both become all but perfect at the tasks they are trained on.
# Asked about a new task by a prompt, one of them does much better than the other.
# Their difference lies in what they were trained on, and you will be asked to bet on its shape.

# %% [markdown]
# ## The idea: learn to read, or learn by heart
#
# Let $x_1, \dots, x_k$ be the words of the shots, $y_1, \dots, y_k$ their labels, and $x$ the word asked for.
# A model with weights $\theta$ is trained to continue text, and it answers with the likeliest continuation:
#
# $$\hat{y} = \arg\max_y\; p_\theta(y \mid x_1, y_1, \dots, x_k, y_k, x).$$
#
# Nothing on the right changes from task to task except the prompt.
# Whether the prompt is *used* is another matter.
# Training lowers the loss of each label given all that stands before it,
#
# $$\mathcal{L}(\theta) = -\frac{1}{n}\sum_{i=1}^{n} \log p_\theta(y_i \mid x_1, y_1, \dots, x_{i-1}, y_{i-1}, x_i),$$
#
# and there are two ways down.
# A model may look for an earlier word of the same kind and copy the label behind it, which serves any task.
# Or it may learn the tasks of its training by heart and use the prompt only to see which of them this is.
# If there are few, the second way is open.
# If there are thousands, the first should pay better, and that is what we test.
#
# The second technique of this page keeps $\theta$ frozen and trains the prompt instead.
# **P-tuning** (p-튜닝) of X. Liu et al. replaces the words of a prompt by vectors $h_0, \dots, h_m$ that need not be the vector of any word:
#
# $$\{h_0, \dots, h_i,\; e(x),\; h_{i+1}, \dots, h_m\} \to y, \qquad \hat{h}_{0:m} = \arg\min_h\; \mathcal{L}\big(\mathcal{M}(x, y)\big).$$
#
# $\mathcal{M}$ is the frozen model, $e(x)$ its own vector for the word, and $\mathcal{L}$ the loss of the right label $y$.
# Here all $m + 1 = 8$ vectors stand in front of the word, $i = m$, where shots would stand.

# %% [markdown]
# ## The technique, part 1: a prompt is a row
#
# Shots and question become one row of tokens.
# In training the loss is taken at the words, where a label comes next, and every token of the vocabulary is a possible answer.

# %% tags=["technique"]
def prompt(words, labels, query):
    """Examples, then the question, as one row of tokens.

    words, labels: (B, k).  query: (B,).  Returns (B, 2k + 1).
    """
    shots = torch.stack([words, labels], dim=2).flatten(1)    # (B, 2k)
    return torch.cat([shots, query[:, None]], dim=1)


def label_loss(lm, words, labels):
    """Cross-entropy of every label, given all that stands before it.

    words, labels: (B, n) tokens.  Returns the mean in nats.
    """
    tokens = torch.stack([words, labels], dim=2).flatten(1)   # (B, 2n)
    logits = lm(lm.embed(tokens))[:, 0::2]      # at words: what comes next
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten())

# %% [markdown]
# When we ask, the answer is the likeliest of the label words alone, as one scores a question with fixed choices.

# %% tags=["technique"]
@torch.no_grad()
def answer(lm, inputs):
    """The likeliest of the label words after the last position.

    inputs: (B, T, d) vectors.  Returns (B,) tokens.
    """
    return lm(inputs)[:, -1, WORDS:].argmax(-1) + WORDS

# %% [markdown]
# The model is a GPT of two blocks.
# A block lets each position take from itself and from those before it, never from those behind: the labels of a row are its own targets.
# Each half of a block normalises its input first, and the dense half is twice as wide as the model, where a GPT has four times.

# %% tags=["technique"]
class Block(nn.Module):
    """Causal attention, then two layers: (B, T, d) -> (B, T, d)."""

    def __init__(self, d, heads=4):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.mlp = nn.Sequential(nn.Linear(d, 2 * d), nn.GELU(),
                                 nn.Linear(2 * d, d))

    def forward(self, x):
        B, T, d = x.shape
        q, k, v = (self.qkv(self.norm1(x))
                   .view(B, T, 3, self.heads, d // self.heads)
                   .permute(2, 0, 3, 1, 4))     # each (B, heads, T, d/heads)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(B, T, d))
        return x + self.mlp(self.norm2(x))

# %% [markdown]
# The model takes vectors and not tokens, so that a prompt can be something that no word spells.
# One line is ours: each position is also handed the vector just before it, so that the place of a label knows which word it belongs to.
# It goes through a matrix of its own and is added, with zeros before the first position.
# A larger model can learn to do this in a block; we hand it over to keep the training short.
# Each of up to 32 places has a trained vector too.

# %% tags=["technique"]
class TinyGPT(nn.Module):
    """Two blocks.  Takes vectors, so that a prompt need not be words.

    (B, T, d) vectors, T up to 32 -> (B, T, WORDS + LABELS) logits of
    what follows.
    """

    def __init__(self, d=48, blocks=2):
        super().__init__()
        self.embed = nn.Embedding(WORDS + LABELS, d)
        self.position = nn.Parameter(0.02 * torch.randn(32, d))
        self.before = nn.Linear(d, d, bias=False)
        self.blocks = nn.Sequential(*[Block(d) for _ in range(blocks)])
        self.norm, self.read = nn.LayerNorm(d), nn.Linear(d, WORDS + LABELS)

    def forward(self, inputs):
        shifted = F.pad(inputs, (0, 0, 1, 0))[:, :-1]    # the one before
        x = inputs + self.position[:inputs.size(1)] + self.before(shifted)
        return self.read(self.norm(self.blocks(x)))

# %% [markdown]
# ## The technique, part 2: a prompt that is trained
#
# Liu et al. do not train the vectors $h$ as they are.
# They say that neighbouring vectors of a prompt should depend on each other, and they make them with a small network, a bidirectional LSTM and two dense layers:
#
# $$h_i = \mathrm{MLP}\big([\overrightarrow{h_i} : \overleftarrow{h_i}]\big).$$
#
# The arrows are the states of the LSTM at place $i$, read from the left and from the right; its input is one trained vector a place.
# The official code is followed: two LSTM layers of half the width in each direction, a ReLU between the dense layers, no dropout by default.
# After training the network is called once more, its output is kept, and it is thrown away.

# %% tags=["technique"]
class PromptEncoder(nn.Module):
    """Makes the vectors of a prompt: calling it gives (length, d).

    Source: LAMA/p_tuning/prompt_encoder.py of the official code.
    """

    def __init__(self, length=8, d=48):
        super().__init__()
        self.embedding = nn.Embedding(length, d)
        self.lstm = nn.LSTM(d, d // 2, num_layers=2, bidirectional=True,
                            batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(d, d), nn.ReLU(),
                                 nn.Linear(d, d))

    def forward(self):
        states, _ = self.lstm(self.embedding.weight[None])  # (1, length, d)
        return self.mlp(states)[0]

# %% [markdown]
# The frozen model is run on `prompt, word`.
# Several tasks are done side by side to save time, each word behind the prompt of its own task.

# %% tags=["technique"]
def prompted(lm, prompts, words):
    """Logits after `prompt, word`, each task behind its own prompt.

    prompts: (T, P, d) vectors.  words: (T, n) tokens.
    Returns (T, n, WORDS + LABELS).
    """
    T, n = words.shape
    front = prompts[:, None].expand(-1, n, -1, -1)       # (T, n, P, d)
    inputs = torch.cat([front, lm.embed(words)[:, :, None]], dim=2)
    return lm(inputs.flatten(0, 1))[:, -1].view(T, n, -1)

# %% [markdown]
# To tune is to switch off the gradients of the model's weights, for good, and to follow the gradient through the frozen model back to the encoder.
# The loss is the sum over tasks, and Adam treats every number by itself, so each task, with an encoder of its own, is tuned as if it were alone; the tests check this.

# %% tags=["technique"]
def p_tune(lm, encoders, words, labels, lr, steps):
    """Train a prompt for each of T tasks; the language model stays.

    encoders: T modules that return (P, d).  words, labels: (T, n).
    Returns the prompts, (T, P, d).
    """
    lm.requires_grad_(False)
    optimizer = torch.optim.Adam(nn.ModuleList(encoders).parameters(), lr,
                                 fused=True)
    for _ in range(steps):
        logits = prompted(lm, torch.stack([e() for e in encoders]), words)
        loss = len(words) * F.cross_entropy(logits.flatten(0, 1),
                                            labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.stack([e() for e in encoders]).detach()

# %% [markdown]
# ## The experiment: groups of words, pairs of labels
#
# There are 16 groups of four words, and 8 label words.
# A task picks two groups and a label for each: 120 pairs of groups, 56 ordered pairs of labels.
# The pairs of groups whose numbers add up to a multiple of four are held out: 28 pairs, which no training row ever joins.
# The other 92 make 5,152 tasks, of which the first arm below will draw `FEW`.

# %% tags=["experiment"]
GROUPS, EACH, LABELS, FEW = 16, 4, 8, 32
WORDS = GROUPS * EACH
PAIRS = torch.combinations(torch.arange(GROUPS))         # (120, 2)
HELD = PAIRS[PAIRS.sum(1) % 4 == 0]                      # (28, 2): unseen
SEEN = torch.tensor([[a, b, i, j] for a, b in PAIRS.tolist()
                     for i in range(LABELS) for j in range(LABELS)
                     if (a + b) % 4 and i != j])         # (5152, 4)


def episodes(tasks, n, g):
    """n words of each task (B, 4) and their labels: (B, n) tokens each."""
    side = torch.randint(2, (len(tasks), n), generator=g)
    member = torch.randint(EACH, side.shape, generator=g)
    words = tasks[:, :2].gather(1, side) * EACH + member
    return words, tasks[:, 2:].gather(1, side) + WORDS

# %% [markdown]
# The words are for your eyes, one group in each pair of brackets.
# The model meets numbers, and what it knows about 감 and 배 it has learned from the company they keep.

# %%
VOCABULARY = """소 말 개 양 감 배 귤 사과 빨강 노랑 파랑 검정 눈 코 입 귀
엄마 아빠 누나 동생 비 바람 구름 안개 망치 톱 못 삽 물 우유 커피 녹차
바지 치마 모자 신발 버스 기차 택시 트럭 꽃 나무 풀 잎 문 창문 지붕 벽
책 연필 공책 칠판 노래 피아노 북 기타 아침 점심 저녁 밤 산 강 바다 섬
가 나 다 라 마 바 사 아""".split()
groups = [" ".join(VOCABULARY[i:i + EACH]) for i in range(0, WORDS, EACH)]
print("words  " + " ".join(f"({g})" for g in groups[:8]))
print("       " + " ".join(f"({g})" for g in groups[8:]))
print("labels " + " ".join(VOCABULARY[WORDS:]))

# %% [markdown]
# Two arms.
# *few* draws every training row from 32 tasks, *many* from all 5,152.
# In the five seeds every group occurs at least once among the 32 tasks and every label at least four times, so nothing that is asked later is unknown to either model.
# Batches, steps, learning rate and first weights are the same.
# `strength` is the share of rows for which *many* draws from the whole set, with a generator of its own; at 0 it is *few*, bit for bit.

# %% tags=["experiment"]
def few_tasks(seed):
    g = torch.Generator().manual_seed(seed)
    return SEEN[torch.randperm(len(SEEN), generator=g)[:FEW]]


@functools.lru_cache(maxsize=None)
def pretrain(arm, seed, strength, steps, lr=8e-3, batch=32, shots=8):
    """A language model, trained with weight decay 0.01, then frozen."""
    torch.manual_seed(seed)
    lm, few = TinyGPT(), few_tasks(seed)
    g = torch.Generator().manual_seed(seed)
    wide = torch.Generator().manual_seed(seed + 1)       # the arm's own
    optimizer = torch.optim.AdamW(lm.parameters(), lr, fused=True)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda t: min(1, (t + 1) / 50) * (1 - t / steps))
    for _ in range(steps):
        tasks = few[torch.randint(FEW, (batch,), generator=g)]
        if arm == "many":
            other = SEEN[torch.randint(len(SEEN), (batch,), generator=wide)]
            swap = torch.rand(batch, 1, generator=wide) < strength
            tasks = torch.where(swap, other, tasks)
        loss = label_loss(lm, *episodes(tasks, shots + 1, g))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(lm.parameters(), 1.0)
        optimizer.step()
        rate.step()
    return lm.requires_grad_(False)

# %% [markdown]
# The questions join groups that training kept apart.
# Two precautions make them honest.
# The word asked for never stands among its own shots, so copying the label of the same *word* is no use.
# And each question is asked eight times, with the labels moved on by one each time, so that each label is the right one exactly once.
# A model that sees no shot gives the same answer all eight times, and is right exactly once.

# %% tags=["experiment"]
def questions(seed, n=64, shots=8):
    """n prompts on groups that no training row joined, eight labels each.

    Returns words and labels, (8n, shots + 1); the last is the question.
    """
    g = torch.Generator().manual_seed(10_000 + seed)
    draw = functools.partial(torch.randint, generator=g)
    side = draw(2, (n, shots + 1))
    asked = draw(EACH, (n, 1))
    others = (asked + draw(1, EACH, (n, shots))) % EACH
    words = (HELD[draw(len(HELD), (n,))].gather(1, side) * EACH
             + torch.cat([others, asked], dim=1))
    first = torch.arange(LABELS).expand(n, -1)
    both = torch.stack([first, (first + draw(1, LABELS, (n, 1))) % LABELS],
                       dim=2)                            # (n, 8, 2)
    labels = both.gather(2, side[:, None].expand(-1, LABELS, -1)) + WORDS
    return words.repeat_interleave(LABELS, 0), labels.flatten(0, 1)


def accuracy(lm, words, labels, shots, given=None):
    """Share of right answers; `given` replaces the labels of the shots."""
    given = labels if given is None else given
    tokens = prompt(words[:, :shots], given[:, :shots], words[:, -1])
    right = answer(lm, lm.embed(tokens)) == labels[:, -1]
    return right.double().mean().item()

# %% [markdown]
# `run` measures the share of right answers after 0, 1, 2, 4 and 8 shots, higher is better, and three more things.
# `8 shuffled` keeps the eight words and the eight labels and deals the labels anew among the words.
# `8 random` draws eight labels that have nothing to do with the task, the same for all eight turns of a question.
# `trained tasks` asks about the 32 tasks of *few*, after eight shots.
# `prior`, the label prior of the first claim, is the share of the commonest right answer.

# %% tags=["experiment"]
def run(arm, seed, strength=1.0, steps=250):
    lm = pretrain(arm, seed, strength, steps)
    words, labels = questions(seed)
    got = {f"{k} shots": accuracy(lm, words, labels, k)
           for k in (0, 1, 2, 4, 8)}
    got["prior"] = labels[:, -1].bincount().max().item() / len(labels)
    g = torch.Generator().manual_seed(20_000 + seed)
    n = len(words) // LABELS             # one draw for all eight labels
    order = torch.rand(n, 8, generator=g).argsort(1).repeat_interleave(8, 0)
    got["8 shuffled"] = accuracy(lm, words, labels, 8,
                                 labels.gather(1, order))
    noise = torch.randint(LABELS, (n, 8), generator=g) + WORDS
    got["8 random"] = accuracy(lm, words, labels, 8,
                               noise.repeat_interleave(LABELS, 0))
    own = few_tasks(seed)[torch.randint(FEW, (512,), generator=g)]
    got["trained tasks"] = accuracy(lm, *episodes(own, 9, g), 8)
    return got

# %% [markdown]
# Then the tuning, on new tasks again, with very little: two labelled words of each group.
# The other two words of each group are asked, for twelve tasks a seed, which makes 48 answers.
# Four ways to use the same four labelled words are compared:
#
# - `4 shots`: the words in the prompt, in an order of its own for each question, nothing trained;
# - `fine-tuned`: **fine-tuning** (미세조정), all 48,840 weights of a copy, trained on the words without a prompt;
# - `vectors`: eight free vectors in front of the word, the model frozen;
# - `p-tuned`: eight vectors made by the encoder, the model frozen.
#
# `untrained` is the encoder before its first step.

# %% tags=["experiment"]
def four_words(seed, n=12):
    """n unseen tasks: four words given, four asked, labels; (n, 4) each."""
    g = torch.Generator().manual_seed(30_000 + seed)
    pair = HELD[torch.randint(len(HELD), (n,), generator=g)]
    order = torch.rand(n, 2, EACH, generator=g).argsort(2)
    words = pair[:, :, None] * EACH + order              # (n, 2, 4)
    two = torch.rand(n, LABELS, generator=g).argsort(1)[:, :2] + WORDS
    return (words[:, :, :2].flatten(1), words[:, :, 2:].flatten(1),
            two.repeat_interleave(2, 1))


@sdpa_kernel(SDPBackend.MATH)            # the one that vmap can take apart
def fine_tune(lm, words, labels, asked, lr, steps):
    """Logits after the (T, n) words asked: a copy of the model a task."""
    weights = {name: p.expand(len(words), *p.shape).clone().requires_grad_()
               for name, p in lm.named_parameters()}

    @torch.func.vmap                     # over the tasks and their copies
    def after(weights, words):
        x = F.embedding(words[:, None], weights["embed.weight"])
        return torch.func.functional_call(lm, weights, x)[:, -1]

    optimizer = torch.optim.Adam(weights.values(), lr, fused=True)
    for _ in range(steps):
        logits = after(weights, words).flatten(0, 1)
        optimizer.zero_grad()
        (len(words) * F.cross_entropy(logits, labels.flatten())).backward()
        optimizer.step()
    return after(weights, asked).detach()

# %% [markdown]
# All weights of a copy are trained on the words of its task.
# The copies are trained side by side, as the prompts are; the tests train them one by one.
#
# Learning rate and number of steps belong to a recipe.
# Each way of training was searched over three to five rates and two lengths on seeds 1000 to 1002, for the model trained on many tasks.
# *few* is tuned by the same recipes.
# Searched again later, on both models, `p-tuned` keeps its recipe on both; `fine-tuned` and `vectors` could do better by others, on *few* above all (see Tries).

# %% tags=["experiment"]
RECIPE = {"p-tuned": (1e-2, 40), "vectors": (1e-1, 20),
          "fine-tuned": (1e-2, 20), "untrained": (0.0, 0), "4 shots": (0, 0)}


class Vectors(nn.Embedding):
    """A prompt of free vectors: Vectors(length, d), called, gives them."""

    def forward(self):
        return self.weight


def run_tuning(arm, seed, base="many", recipe=None):
    """Accuracy on the four words asked; recipe: rate and steps."""
    lm = pretrain(base, seed, 1.0, 250)
    lr, steps = recipe or RECIPE[arm]
    given, asked, labels = four_words(seed)
    torch.manual_seed(seed)
    if arm == "4 shots":
        order = torch.rand(len(given), 4, 4).argsort(2)  # each word asked
        ids = [prompt(w[o], y[o], q) for w, y, q, o in
               zip(given, labels, asked, order)]
        said = answer(lm, lm.embed(torch.cat(ids))).view(-1, 4)
    elif arm == "fine-tuned":
        said = fine_tune(lm, given, labels, asked, lr,
                         steps)[..., WORDS:].argmax(-1) + WORDS
    else:
        kind = Vectors if arm == "vectors" else PromptEncoder
        prompts = p_tune(lm, [kind(8, 48) for _ in given], given, labels,
                         lr, steps)
        said = prompted(lm, prompts, asked)[..., WORDS:].argmax(-1) + WORDS
    return {"accuracy": (said == labels).double().mean().item()}

# %% [markdown]
# How much is trained, and how much is kept?
# Each square below is drawn to scale.

# %%
from matplotlib.patches import Rectangle


def count(module):
    return sum(p.numel() for p in module.parameters())


sizes = {"language model,\nfrozen": count(TinyGPT()),
         "encoder, thrown\naway at the end": count(PromptEncoder()),
         "kept for\na task": count(Vectors(8, 48))}
fig, ax = subplots(width=7.0, height=2.2)
left = 0.0
for (name, n), colour in zip(sizes.items(), ("plain", "rival", "method")):
    side = n ** 0.5
    ax.add_patch(Rectangle((left, 0), side, side, color=palette[colour]))
    ax.text(left + side + 12, 0, f"{n:,}\n{name}", va="bottom", fontsize=9)
    left += side + 210
ax.set(xlim=(-5, left - 90), ylim=(-12, 230), aspect="equal",
       title="What a task needs afterwards, beside what stays as it was")
ax.axis("off")
show(fig, "Three squares to scale: the frozen language model, a somewhat "
          "smaller one for the encoder, and a tiny one for the vectors that "
          "are kept for a task.")
assert 100 * count(Vectors(8, 48)) < count(TinyGPT())

# %% [markdown]
# The 384 numbers that are kept are less than one hundredth of the model.
# The encoder that makes them is *not* small beside this model: 33,504 weights are trained and then dropped.
# Exercise 2 asks at how many layers that changes.
# Free vectors train 384 numbers and keep them.

# %% [markdown]
# ## Predict
#
# After as many steps, on as many rows, both models are asked about groups that they never saw together.
# Bet before you read on.
#
# - (a) Both rise alike with the shots: both have read thousands of prompts with shots in them.
# - (b) *few* stays at one in eight whatever the prompt says: it has learned its tasks by heart and looks at no label.
# - (c) *few* gains from the first shot and hardly from the others; *many* goes on rising.
# - (d) *many* keeps most of its gain with shuffled labels: shots only tell it which two labels are in play.
#
# And a second bet, on a prompt of 384 trained numbers in front of the frozen *few*, which has learned its own tasks by heart:
#
# - (e) it does not help, since a model that cannot be prompted by words cannot be prompted by vectors either;
# - (f) it makes the model answer questions of a kind it could not be asked before.

# %% [markdown]
# ## The claims
#
# Statement, rival and least effect of each were written down before the seeds below were run for the first time.
# A claim **holds** where the mean over five paired seeds reaches the least effect and the 95 % interval excludes zero, or, for *no worse*, where the interval stays above minus the margin.
# There are six, and nothing is corrected for their number.

# %% tags=["results"]
runs = compare(run, ["few", "many"])
print(runs.table(["0 shots", "1 shots", "2 shots", "4 shots", "8 shots"]))
print(runs.table(["8 shuffled", "8 random", "trained tasks"]))
many = Runs(runs.seeds, {"accuracy": {
    name: runs[metric]["many"] for name, metric in (
        ("label prior", "prior"), ("no example", "0 shots"),
        ("1 example", "1 shots"), ("8 shuffled", "8 shuffled"),
        ("8 examples", "8 shots"))}})

# %% [markdown]
# First, what must be so: without a shot nothing can be known, and the questions are balanced, so every model is right exactly once in eight.
# The column `8 random` says the same of labels that carry nothing.
# This is a test of our questions rather than of the model; a leak would show here.

# %% tags=["results"]
record = claim(
    "hyperclova-zero",
    "Without an example the accuracy on unseen tasks is the label prior, "
    "one in eight.",
    many, metric="accuracy", arm="no example", baseline="label prior",
    kind="exact", margin=1e-12,
    reason="every label is the right one equally often behind the same "
           "question: an identity, up to rounding",
    paper="HyperCLOVA is reported with zero-shot and with few-shot results.")

# %% [markdown]
# Second: more shots, more right answers.
# The rival is one shot.
# A perfect reader of one shot is right in 4 cases of 7: half of the words asked are of the shot's group, and for the others seven labels are left to guess from.
# Exercise 1 asks for two shots.

# %% tags=["results"]
record = claim(
    "hyperclova-shots",
    "On tasks that no training episode contained, the model trained on many "
    "tasks is right more often after eight examples than after one.",
    many, metric="accuracy", arm="8 examples", baseline="1 example",
    least=0.14,
    reason="a third of the 3/7 that the best reader of one example, right in "
           "4 cases of 7, has left to gain",
    paper="HyperCLOVA is reported to do Korean tasks from a few examples in "
          "its prompt, with no weight changed.")

# %% [markdown]
# Third: does the model read the *pairs*, or only collect the labels?
# The rival has the same words and the same labels, dealt anew.

# %% tags=["results"]
record = claim(
    "hyperclova-reads",
    "Eight examples with their own labels serve the model better than the "
    "same eight with their labels shuffled among them.",
    many, metric="accuracy", arm="8 examples", baseline="8 shuffled",
    least=0.16,
    reason="a third of the half that a coin between the two labels in the "
           "prompt leaves to gain",
    paper="The paper makes no such test; this one is ours.")

# %% [markdown]
# Fourth, the cause.
# *few* is the rival: the same network, words, labels, steps and shots, and fewer tasks.

# %% tags=["results"]
record = claim(
    "hyperclova-diversity",
    "After eight examples of an unseen task, a model trained on 5,152 tasks "
    "is right more often than one trained on 32, by as many steps on as "
    "many episodes.",
    runs, metric="8 shots", arm="many", baseline="few", least=0.1,
    reason="two standard deviations of the few-task model, below 0.05 each "
           "on seeds from 1000 on",
    paper="The paper makes no such test; this one is ours.")

# %% [markdown]
# All of it in one picture.

# %% tags=["results"]
fig, (left, right) = subplots(1, 2, width=7.6, height=3.1, sharey=True,
                              width_ratios=[1.7, 1])
shots = (0, 1, 2, 4, 8)
for arm, colour in (("many", "method"), ("few", "rival")):
    curves = list(zip(*(runs[f"{k} shots"][arm] for k in shots)))
    for curve in curves:
        left.plot(shots, curve, color=palette[colour], lw=0.7, alpha=0.5)
    left.plot(shots, [sum(c) / len(c) for c in zip(*curves)], "o-",
              color=palette[colour], label=f"trained on {arm} tasks")
    for x, metric in enumerate(("8 shots", "8 shuffled", "8 random",
                                "trained tasks")):
        values = runs[metric][arm]
        right.plot([x + (0.12 if arm == "few" else -0.12)] * len(values),
                   values, "o", ms=4, color=palette[colour], alpha=0.8)
for ax in (left, right):
    ax.axhline(1 / 8, ls=":", lw=1, color=palette["ink"])
left.set(xlabel="shots in the prompt", xticks=shots, ylim=(0, 1.03),
         ylabel="share of right answers",
         title="Few tasks: one shot helps, more hardly")
left.legend(loc=(0.3, 0.52), fontsize=9)
left.text(8, 0.05, "dotted: one in eight", ha="right", fontsize=8)
right.set_xticks(range(4), ["right\nlabels", "dealt\nanew", "random",
                            "trained\ntasks"], fontsize=8)
right.set_title("Eight shots")
show(fig, "Left, right answers on unseen tasks against the number of shots, "
          "a line a seed: trained on many tasks they rise from the dotted "
          "line at one in eight towards one; trained on few they rise at "
          "the first shot and stay below one half. Right, after eight "
          "shots: with labels dealt anew many falls to about one half and "
          "few falls a little; with random labels all lie on the dotted line; "
          "on trained tasks all lie at one.")

# %% [markdown]
# Now the bets.
# (a) is wrong: after eight shots *many* is right on <!--=hyperclova-diversity.mean.many-->0.94<!--/--> of the questions and *few* on <!--=hyperclova-diversity.mean.few-->0.45<!--/-->, a difference of <!--=hyperclova-diversity.effect-->0.49<!--/--> with an interval from <!--=hyperclova-diversity.low-->0.45<!--/--> to <!--=hyperclova-diversity.high-->0.53<!--/-->.
# To have read many prompts is no reason to read the next one.
# (b) is wrong as well: one shot lifts *few* well above one in eight, for a label in the prompt is likely to come again, in its training as here.
# (c) is what happened.
# (d) is wrong by the third claim: with the labels dealt anew *many* falls from <!--=hyperclova-reads.mean.8 examples-->0.94<!--/--> to <!--=hyperclova-reads.mean.8 shuffled-->0.48<!--/-->, about what a coin between the two labels of the prompt would give.
# For *few* it matters little which word carries which label: look at the right panel.
# In every seed it loses something when the labels are dealt anew, so it reads a little.
# But it does not even collect labels well: counted afterwards, about one answer in four is a label that does not stand among its eight shots.
# On its own tasks it is all but perfect.
#
# So a test on its own tasks cannot tell the two models apart, and a test with shots alone would say of *few* that it learns from the prompt.
# It takes new tasks, and labels dealt anew, to see who reads.

# %% [markdown]
# ## Four words, four uses
#
# The fifth claim is about *many*.
# How near does a tuned prompt come to training all the weights, on the same four words?
# Fine-tuning trains 127 times as many numbers as are kept here, and less than twice as many as the encoder trains.

# %% tags=["results"]
tuning = compare(run_tuning, ["untrained", "4 shots", "fine-tuned",
                              "vectors", "p-tuned"])
print(tuning.table())

# %% tags=["results"]
record = claim(
    "hyperclova-ptuning",
    "With the language model frozen, a tuned prompt of 384 numbers is no "
    "worse on new words than training all weights on the same four words.",
    tuning, metric="accuracy", arm="p-tuned", baseline="fine-tuned",
    kind="no_worse", margin=0.1, bad="untrained",
    reason="less than two standard deviations of fine-tuning, 0.09 each, on "
           "seeds from 1000 on",
    paper="P-tuning is reported to serve frozen and tuned models.")

# %% [markdown]
# The tuned prompt is right on <!--=hyperclova-ptuning.mean.p-tuned-->0.92<!--/--> of the new words, fine-tuning on <!--=hyperclova-ptuning.mean.fine-tuned-->0.72<!--/-->.
# The words asked are of the same groups as the words given, and were not shown.
# Our guess is that a prompt, tuned or written, goes through the machinery that compares words by their group, and that fine-tuning without a prompt goes around it.
# We did not test it, nor fine-tuning with the shots in the row.
# Four shots in the prompt, with nothing trained, are right on <!--=hyperclova-ptuning.mean.4 shots-->0.95<!--/-->: for a model that reads, tuning added nothing here.
#
# The sixth claim turns to *few*, which does not read.

# %% tags=["results"]
rescue = compare(functools.partial(run_tuning, base="few"),
                 ["4 shots", "fine-tuned", "vectors", "p-tuned"])
print(rescue.table())

# %% tags=["results"]
record = claim(
    "hyperclova-rescue",
    "The model trained on few tasks is right more often behind a prompt "
    "tuned on four labelled words than behind the same four as examples.",
    rescue, metric="accuracy", arm="p-tuned", baseline="4 shots",
    least=0.12,
    reason="two standard deviations of the prompt of examples, 0.06 each, "
           "on seeds from 1000 on",
    paper="HyperCLOVA's abstract reports that prompt-based learning adds to "
          "performance.")

# %% [markdown]
# (e) is wrong and (f) is right.
# Behind the four words as shots *few* is right on <!--=hyperclova-rescue.mean.4 shots-->0.39<!--/--> of the questions, behind a tuned prompt on <!--=hyperclova-rescue.mean.p-tuned-->0.83<!--/-->: a difference of <!--=hyperclova-rescue.effect-->0.44<!--/-->, interval <!--=hyperclova-rescue.low-->0.33<!--/--> to <!--=hyperclova-rescue.high-->0.56<!--/-->.
# No weight has changed.
# The model knew the groups all along, and there was a point of its input space from which it uses them for this task; the row of four shots did not lead there.
# That is the case for tuning a prompt rather than writing one, on a model that may not be touched.
#
# And the LSTM?
# Free vectors do about as well in both tables, <!--=hyperclova-ptuning.mean.vectors-->0.93<!--/--> on *many* and <!--=hyperclova-rescue.mean.vectors-->0.83<!--/--> on *few*, with half the steps and no encoder.
# Liu et al. report that free vectors are unstable on their tasks and can do much worse; at this size we saw nothing of it, and we make no claim about it.
# Fine-tuning, behind on *many*, is right on <!--=hyperclova-rescue.mean.fine-tuned-->0.83<!--/--> on *few*, as often as the tuned prompt.
# That is not its best: tried afterwards at a third of the rate, it is right there on about nine words in ten.
# So the sixth claim is about prompts tuned against prompts written, and not about fine-tuning.
#
# Frozen means frozen.
# The cell below tunes a prompt, compares a hash of all weights before and after, and counts the weight tensors that got a gradient.

# %%
def fingerprint(module):
    raw = b"".join(p.detach().numpy().tobytes() for p in module.parameters())
    return hashlib.sha256(raw).hexdigest()


lm = pretrain("many", runs.seeds[0], 1.0, 250)
lm.zero_grad()                  # what its own training left there
given, asked, labels = four_words(1000)
before = fingerprint(lm)
p_tune(lm, [PromptEncoder() for _ in given], given, labels, 1e-2, 5)
print("same hash after tuning:", fingerprint(lm) == before)
left = [p for p in lm.parameters() if p.grad is not None]
print("weights of the model that got a gradient:", len(left))

# %% [markdown]
# ## Break it
#
# Each of these mistakes trains without complaint; our tests contain each of them and fail on each.
# Some spoil the model:
#
# - **Future in view**: attention without its mask, so a label helps to predict itself.
# - **The one behind instead of the one before**: the vector that is handed over comes from the wrong side, and at a word it is the answer.
# - **Loss at the labels**: the logits are taken one position late.
# - **Label before its word**: the prompt's pairs are turned round; training never showed such a row.
#
# Some spoil the questions:
#
# - **Question among the examples**: the word asked for may stand among its own shots, with its label.
# - **Held-out groups in training**: the new tasks are not new.
# - **Labels drawn freely**: without the eight turns, chance is no longer exactly one in eight.
# - **Tested on the words given**: tuning is judged on the words it was given.
#
# Some spoil the tuning:
#
# - **Language model not frozen**: the optimiser gets the model's weights too. Exercise 4 is about it.
# - **One prompt for all tasks**: every task is answered behind the first one's prompt.
# - **LSTM that reads one way**: the encoder sees only what stands before.
# - **No bend in the encoder**: the two dense layers are one.
#
# Run one of them: **Label before its word**.
# One model of each kind is asked the same questions with each pair of the prompt turned round.
# A person reads such a prompt as easily as before.

# %%
words, labels = questions(1000)
pairs = torch.stack([labels[:, :-1], words[:, :-1]], dim=2).flatten(1)
turned = torch.cat([pairs, words[:, -1:]], dim=1)
for arm in ("few", "many"):
    lm = pretrain(arm, runs.seeds[0], 1.0, 250)
    right = (answer(lm, lm.embed(turned)) == labels[:, -1]).double().mean()
    print(f"{arm:4s}  word, label: {accuracy(lm, words, labels, 8):.2f}   "
          f"label, word: {right:.2f}")

# %% [markdown]
# The model trained on many tasks drops below one half: it reads well only in the one form that its training had.

# %% [markdown]
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | weights | <!--=published.hyperclova_parameters-->82<!--/--> billion | 48,840 |
# | training text | <!--=published.hyperclova_tokens-->560<!--/--> billion tokens, mainly Korean | rows of 18 tokens, drawn; 250 batches of 32 |
# | tasks | various ones in Korean, as text | two groups of words, two labels |
# | zero shots | an instruction can tell the task | nothing can, hence one in eight |
# | p-tuning | on models of billions of weights | in front of one word, four examples |
# | headline | few-shot results on Korean tasks, and the gain of a tuned prompt | not measured |
#
# The paper's tables are not quoted: we had its abstract and no table in a form that we could check.
# It trains on text in which nobody marked any task.
# Our models see nothing but tasks, so this page cannot show that reading arises from plain text; it shows what follows once text contains many tasks or few.
# A large model knows many usual tasks from its training, and may need a prompt only to be told which one is meant; wrong labels would then cost it less than they cost *many*.
# We did not measure that.
# The line that hands over the vector before is a help that a GPT does not have.

# %% [markdown]
# ## Tries
#
# | what was tried | where | outcome |
# |---|---|---|
# | four attributes of 32 words, 48 tasks, a quarter held out | before this page | the model learned the tasks by heart, and held-out accuracy fell with the shots: the reason for the fourth claim |
# | 16, 32 and 64 tasks for *few*, 300 to 800 steps | seeds 1000 and 1001 | with 64 tasks *few* comes to about two thirds after eight shots, with 32 and 16 to less than one half; 32 kept; the 250 steps of the page are fewer, and were set before seeds 0 to 4 were run |
# | learning rates of three sizes, the same for both arms | seeds 1000 and 1001 | the largest best for both |
# | three to five rates and 20 or 40 steps for each way of tuning | seeds 1000 to 1002 | the recipes above |
# | the experiment above | seeds 0 to 4, once | the verdicts above |
# | afterwards: fine-tuning by four more recipes on *many*, rates from a third to three times as large | seeds 0 to 4 | none better than the recipe above, all below the tuned prompt |
# | afterwards: the search once more, three or four rates and 20 or 40 steps, on *many* and on *few* | seeds 1000 to 1002 | `p-tuned`: the recipe above is the best on both; of 144 answers `fine-tuned` could have 4 more right on *many* at three times its rate, and 10 more on *few* at a third of it; `vectors` 3 and 7 more at three times its rate |
# | afterwards: fine-tuning at lower rates on *few* | seeds 0 to 4 | about nine words in ten, above the tuned prompt |

# %% [markdown]
# ## In the lab
#
# The article names HyperCLOVA as the first Korean model of its size and says that it serves CLOVA Studio (클로바 스튜디오), where prompts are edited without code.
# [TaleBrush](../6-interaction/talebrush.ipynb) puts trained prompt vectors in front of a story.
# The page on [shortcut cues](../3-machine-learning/shortcut_cues.ipynb) shows the same fault in another place: a network does what its training made sufficient.
#
# ## A Studio of three prompts
#
# The paper's HyperCLOVA Studio lets somebody who writes no code edit a prompt and look at what comes back.
# Here is its smallest relative.
# Choose a task, what stands in the prompt, and what the labels say, and compare both models of the first seed.
# All outcomes were computed beforehand; without a script you see the first of them, where *many* follows and *few* says 나 four times.
# *8 tuned vectors* takes the four labelled words as training material instead of shots.
# In *swapped* the two labels change places, and so does the answer that is meant.
# In *half wrong* two of four labels are wrong, or one of two, and the answer that is meant stays.

# %% tags=["results", "hide-input"]
TASKS = {"fruit or drink": (1, 7), "weather or place": (5, 15),
         "animal or family": (0, 4)}
SHOTS = {"four": 4, "two": 2, "one": 1, "none": 0, "8 tuned vectors": None}
SAID = {"right": (0, 1, 0, 1), "swapped": (1, 0, 1, 0),
        "half wrong": (0, 0, 1, 1)}
models = [pretrain(arm, runs.seeds[0], 1.0, 250)
          for arm in ("many", "few")]
given = torch.tensor([[a * EACH, b * EACH, a * EACH + 1, b * EACH + 1]
                      for a, b in TASKS.values()])       # (3, 4)
asked = given + 2
outcomes = {}
for s, (how, said) in enumerate(SAID.items()):
    labels = WORDS + torch.tensor(said).expand(3, -1)
    meant = WORDS + torch.tensor([said[0], said[1]] * 2 if how == "swapped"
                                 else [0, 1, 0, 1])
    torch.manual_seed(0)
    fronts = [p_tune(lm, [Vectors(8, 48) for _ in TASKS], given, labels,
                     *RECIPE["vectors"]) for lm in models]
    for t in range(3):
        for e, k in enumerate(SHOTS.values()):
            shown = [f"{VOCABULARY[w]} {VOCABULARY[y]}" for w, y in
                     zip(given[t][:k], labels[t][:k])]
            shown = ["▮" * 8] if k is None else shown
            answers = []
            for lm, front in zip(models, fronts):
                row = (front[t].expand(4, -1, -1) if k is None else
                       lm.embed(prompt(given[t, :k].expand(4, -1),
                                       labels[t, :k].expand(4, -1),
                                       asked[t])[:, :-1]))
                answers.append(answer(lm, torch.cat(
                    [row, lm.embed(asked[t])[:, None]], dim=1)))
            outcomes[t, e, s] = [
                [" · ".join([*shown, f"{VOCABULARY[q]} ?"]), VOCABULARY[m],
                 VOCABULARY[x], VOCABULARY[y]]
                for q, m, x, y in zip(asked[t], meant, *answers)]

# %% tags=["results", "hide-input"]
columns = ["prompt", "meant", "many tasks", "few tasks"]
fig, ax = subplots(width=6.6, height=1.9)
ax.axis("off")
for y, row in enumerate([columns, *outcomes[0, 0, 0]]):
    for x, text in zip((0, 0.6, 0.74, 0.89), row):
        ax.text(x, 0.95 - 0.21 * y, text, family=["DejaVu Sans", hangul()],
                color=palette["ink" if y else "method"], fontsize=9.5,
                transform=ax.transAxes)
choose([("task", list(TASKS)), ("shots", list(SHOTS)),
        ("labels", list(SAID))], outcomes, columns=columns,
       title="Edit a prompt, and see who follows",
       alt="A table of four prompts about fruit and drinks, each with four "
           "shots and a question, with the answer that is meant and the "
           "answers of the models trained on many and on few tasks.",
       fallback_fig=fig)

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# A reader who knows all groups, but not the task, is given two shots and a question.
# Each of the three words is of either group of the task with equal chance; the second label is any of the other seven.
# What share of right answers can it reach at best?
# Give a fraction or three decimals.

# %% tags=["exercise"]
best = ...

# %% tags=["check", "hide-input"]
def judge_best(value):
    assert abs(value - 4 / 7) > 1e-3, "That is for one shot."
    assert abs(value - 3 / 4) > 1e-3, (
        "It may still guess when both shots are of the other group.")
    assert abs(value - 25 / 32) > 1e-3, (
        "One of the eight labels is known to be wrong there.")
    assert abs(value - 11 / 14) < 1e-3, (
        "Right for sure if a shot is of the word's group: how often is "
        "that, and how often is it right in the other case?")

check("hyperclova-1", best, judge_best)

# %% tags=["solution", "hide-cell"]
# A shot of the word's group, in 3 cases of 4: certain.  None: one of the
# seven labels that are left.
best = 3 / 4 + 1 / 4 * 1 / 7
check("hyperclova-1", best, judge_best)

# %% [markdown]
# The model trained on many tasks is right on <!--=hyperclova-shots.mean.1 example-->0.58<!--/--> after one shot, a little more than 4 in 7.
# It is not as good as can be: in the questions drawn here the first shot is of the word's group more often than in one case of two, and a reader who knows the groups would be right on about five in eight.
# *many* stays below that reader in all five seeds, after one shot and after two.
#
# **2. Derive.**
# Count the weights of `PromptEncoder` at width $d$: only terms in $d^2$ matter when $d$ is large.
# A GPT has about $12\,d^2$ weights a layer.
# What is the smallest number of layers at which the encoder is less than one hundredth of the model?

# %% tags=["exercise"]
layers = ...

# %% tags=["check", "hide-input"]
def judge_layers(value):
    assert value != 84, (
        "Each LSTM layer has two directions of width d / 2: look again at "
        "what a direction reads and what it keeps.")
    assert value == int(value), "Whole layers, please."
    assert value >= 117, (
        f"There it is still {14 / (12 * value):.4f} of the "
        "model.")
    assert value == 117, "Fewer layers are enough."

check("hyperclova-2", layers, judge_layers)

# %% tags=["solution", "hide-cell"]
# A direction has 4 gates, d/2 wide, that read d inputs and d/2 states:
# 4 * d/2 * 3d/2 = 3 d^2.  Two directions, two layers: 12 d^2.  The two
# dense layers: 2 d^2.  So 14 d^2 < 12 d^2 L / 100, or L > 116.7.
layers = 117
check("hyperclova-2", layers, judge_layers)

# %% [markdown]
# **3. Refute the claim.**
# "A frozen model can be prompted to an unseen task only if its training made it read examples."
# Name the model, "few" or "many", and the row of our tables, which together speak against it.
# The check runs the pair, and the four shots beside it.

# %% tags=["exercise"]
against = (..., ...)

# %% tags=["check", "hide-input"]
def judge_against(pair):
    base, arm = pair
    if base is ... or arm is ...:
        raise Unanswered
    assert base in ("few", "many"), "The model is 'few' or 'many'."
    assert arm in RECIPE, f"Choose a row from {list(RECIPE)}."
    assert base == "few", "That one does read examples: look at the other."
    assert arm != "fine-tuned", "There the weights are not frozen."
    ours, shots = (run_tuning(a, 0, base)["accuracy"]
                   for a in (arm, "4 shots"))
    assert ours > shots + 0.2, (
        f"Right on {ours:.2f} there, and on {shots:.2f} behind four shots.")

check("hyperclova-3", against, judge_against)

# %% tags=["solution", "hide-cell"]
against = ("few", "vectors")      # "p-tuned" would do as well
check("hyperclova-3", against, judge_against)

# %% [markdown]
# **4. Find the bug.**
# This version has tuned prompts for weeks, on models that somebody had frozen for it.
# Then a model arrives as training left it.
# The prompts come out well, and the tasks of last week have become worse.
# Mend it: set `mended` to a function that does what `p_tune` does.

# %% tags=["exercise", "bug"]
def suspect(lm, encoders, words, labels, lr, steps):
    wanted = [p for module in (lm, *encoders)
              for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(wanted, lr)
    for _ in range(steps):
        logits = prompted(lm, torch.stack([e() for e in encoders]), words)
        loss = len(words) * F.cross_entropy(logits.flatten(0, 1),
                                            labels.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return torch.stack([e() for e in encoders]).detach()

mended = suspect

# %% tags=["check", "hide-input"]
def judge_mended(function):
    torch.manual_seed(0)
    lm = TinyGPT()
    given, _, labels = four_words(5, n=2)
    vectors = [Vectors(3, 48) for _ in given]
    start = torch.stack([v() for v in vectors]).detach().clone()
    old = [p.detach().clone() for p in lm.parameters()]
    prompts = function(lm, vectors, given, labels, 0.05, 3)
    assert prompts.shape == (2, 3, 48), "It should return (T, P, d) vectors."
    gap = max((a - b).abs().max().item()
              for a, b in zip(old, lm.parameters()))
    assert gap == 0, (f"A weight of the language model has moved by "
                      f"{gap:.2f}. Which weights does the optimiser get?")
    assert (prompts - start).abs().max() > 0.05, "The prompts did not move."
    assert all(p.grad is None for p in lm.parameters()), (
        "The model stays, but gradients are still computed for its weights "
        "and pile up: freeze them.")

check("hyperclova-4", mended, judge_mended)

# %% tags=["solution", "hide-cell"]
def mended(lm, encoders, words, labels, lr, steps):
    lm.requires_grad_(False)       # before anybody asks who wants gradients
    return suspect(lm, encoders, words, labels, lr, steps)

check("hyperclova-4", mended, judge_mended)

# %% [markdown]
# Its curve, beside the right one, on a copy of the model that nobody has frozen.
# Both fall, and the faulty one falls further.

# %% tags=["results"]
def losses(tune, every=4, parts=8):
    """Loss on the given words, in nats, while `tune` runs on."""
    lm = copy.deepcopy(models[0]).requires_grad_(True)
    torch.manual_seed(0)
    encoders, seen = [Vectors(8, 48) for _ in given], []
    for _ in range(parts + 1):
        with torch.no_grad():
            now = prompted(lm, torch.stack([e() for e in encoders]), given)
        seen.append(F.cross_entropy(now.flatten(0, 1),
                                    said.flatten()).item())
        tune(lm, encoders, given, said, 1e-2, every)
    return seen, fingerprint(lm) == fingerprint(models[0])


given, _, said = four_words(1000)
fig, ax = subplots(width=5.4, height=2.4)
for name, tune, colour in (("suspect", suspect, "rival"),
                           ("p_tune", p_tune, "method")):
    seen, same = losses(tune)
    ax.plot(range(0, 36, 4), seen, color=palette[colour], label=name)
    print(f"{name}: the same model afterwards: {same}")
ax.set(xlabel="step", ylabel="loss, nats", ylim=(0, None),
       title="The faulty one looks better")
ax.legend()
show(fig, "Loss on the given words over 32 steps: both versions fall, the "
          "suspect faster than p_tune.")
