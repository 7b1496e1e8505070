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
# # Speech recognition by CTC: learn the words, never told when
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/2-stack/asr.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | Paper | A. Graves, S. Fernández, F. Gomez, J. Schmidhuber, [*Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent Neural Networks*](https://doi.org/10.1145/1143844.1143891), ICML 2006 |
# | Official code | none that we know; the loss is compared with PyTorch's [`ctc_loss`](https://docs.pytorch.org/docs/stable/generated/torch.nn.functional.ctc_loss.html) |
# | Rule read in | other: a [Chinese translation](https://github.com/sailordiary/paper-translations) of the whole paper |
# | In the article | section 2, the Core AI Engine of the stack: speech recognition (ASR, 음성인식). It names no method, and we found nothing public on what NAVER's engine uses |
# | Before this page | [How to read a result](../0-reading/how_to_read.ipynb); adding probabilities as logarithms |
# | Data | synthetic speech: ten Korean digits (공, 일, 이, 삼 …) made of sine waves and noise, so that the true timing is known |
# | Time | <!--=bench.asr.seconds-->38<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 음성 녹음에는 글자보다 훨씬 많은 프레임이 있지만, 어느 프레임이 어느 글자인지는 적혀 있지 않습니다.
# CTC(연결주의 시간 분류)는 프레임마다 글자나 블랭크(blank)를 출력하게 하고, 반복을 합치고 블랭크를 지우면 정답이 되는 모든 경로의 확률을 더해 학습합니다.
# 이 페이지는 그 손실과 기울기를 직접 구현해 PyTorch와 대조하고, 합성한 숫자 음성에서 글자 오류율을 측정합니다.
# 녹음을 같은 길이로 나누어 학습한 인식기와는 시드 다섯 개로, 실제 정렬로 학습한 인식기와는 시드 여덟 개로 비교합니다.
# 네이버의 음성인식 엔진이 어떤 방법을 쓰는지 공개된 자료는 찾지 못했고, 사람의 목소리에서 무엇이 달라지는지는 이 페이지로 알 수 없습니다.
#
# **In short.**
# Can a recogniser learn from recordings and their texts, without being told which moment is which digit?
# Per spoken synthetic digit, a recogniser trained by CTC makes <!--=asr-aligned.mean.ctc:3-->0.011<!--/--> errors, one trained on equal parts of each recording <!--=asr-uniform.mean.uniform-->0.25<!--/--> and one trained on the true timing <!--=asr-aligned.mean.aligned:3-->0.006<!--/-->, which eight seeds did not settle.
# It shows nothing about people's voices, large vocabularies or NAVER's own engine.

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
import io
import itertools
import math
import wave

import numpy as np
import torch
import torch.nn.functional as F
from IPython.display import Audio
from torch import nn

from lab1784 import (check, claim, compare, draw_claim, known, overview,
                     palette, remember, show)
from lab1784.exercises import Unanswered
from lab1784.figures import subplots
from lab1784.runs import Runs

torch.set_num_threads(1)

# %% [markdown]
# ## Four digits, and nobody says when
#
# Our speaker is a handful of sine waves.
# A vowel is two of them, at heights that suit it; an *s* is noise; a nasal is weak and low.
# The sounds are the Korean digits, as in a telephone number: 공 일 이 삼 사 오 육 칠 팔 구.
# Some share their sounds on purpose: 이, 일 and 칠 all hold the same vowel, and 사 is the beginning of 삼.
# Each recording has a speaker of its own, who draws the digits out or hurries them and pauses at will.

# %% tags=["experiment"]
RATE, HOP = 8000, 200                # samples a second; samples a frame
# sound -> first and second resonance (Hz), loudness of voice and of noise
SOUNDS = {"i": (280, 2300, 1, 0), "a": (800, 1300, 1, 0),
          "o": (450, 850, 1, 0), "u": (330, 1000, 1, 0),
          "y": (280, 2100, .8, 0), "s": (300, 1500, 0, .6),
          "c": (300, 2300, 0, .4), "p": (300, 900, 0, .25),
          "g": (300, 1200, .1, .15), "m": (250, 1000, .45, 0),
          "l": (350, 1500, .6, 0), "ng": (250, 1350, .45, 0),
          "k": (330, 1000, .05, 0), "": (300, 1500, 0, 0)}
DIGITS = ["g o o ng", "i i l", "i i", "s a a m", "s a a",
          "o o", "y u u k", "c i i l", "p a a l", "g u u"]


def speak(digits, rng, noise=0.3):
    """Samples (float64) and, a frame, the true label: digit + 1 or 0."""
    track, spans = [""] * 5 * int(rng.integers(1, 9)), []    # 5 ms steps
    for d in digits:
        sounds, first = DIGITS[d].split(), len(track)
        n = 5 * int(rng.integers(3, 9))
        cut = np.linspace(0, n, len(sounds) + 1).round().astype(int)
        for sound, a, b in zip(sounds, cut, cut[1:]):
            track += [sound] * (b - a)
        spans.append((first // 5, len(track) // 5))
        rest = (1, 4) if rng.random() < 0.7 else (4, 11)     # or a pause
        track += [""] * 5 * int(rng.integers(*rest))
    steps, size = len(track), 40 * len(track)
    rows = np.array([SOUNDS[s] for s in track], float).T     # (4, steps)
    rows = [np.convolve(r, np.ones(3) / 3, "valid") for r in np.pad(
        rows, ((0, 0), (1, 1)), "edge")]         # one sound runs into the next
    at = np.arange(size) / 40 - 0.5
    low, high, voice, hiss = (np.interp(at, np.arange(steps), r)
                              for r in rows)
    throat = 2 * np.pi * rng.uniform(0.85, 1.15) / RATE      # the speaker
    sound = voice * (np.sin(throat * np.cumsum(low))
                     + 0.6 * np.sin(throat * np.cumsum(high)))
    sound += hiss * np.diff(rng.standard_normal(size + 1))
    label = np.zeros(steps // 5, int)
    for d, (a, b) in zip(digits, spans):
        label[a:b] = d + 1
    return sound + noise * rng.standard_normal(size), label

# %% [markdown]
# The network does not hear samples.
# Forty times a second it gets a **frame** (프레임): the loudness in each of twenty bands of pitch.

# %% tags=["experiment"]
BANDS, WINDOW = 20, 256
edges = 700 * ((1 + RATE / 2 / 700) ** np.linspace(0, 1, BANDS + 2) - 1)
pitch = np.fft.rfftfreq(WINDOW, 1 / RATE)
MEL = np.stack([np.clip(np.minimum((pitch - a) / (b - a),
                                   (c - pitch) / (c - b)), 0, None)
                for a, b, c in zip(edges, edges[1:], edges[2:])], 1)


def hear(sound):
    """Samples -> (frames, BANDS) log loudness, mean 0 a recording."""
    rows = np.lib.stride_tricks.sliding_window_view(
        np.pad(sound, (WINDOW - HOP) // 2), WINDOW)[::HOP]
    power = np.abs(np.fft.rfft(rows * np.hanning(WINDOW))) ** 2
    loud = np.log(power @ MEL + 1e-2)
    return torch.tensor(loud - loud.mean(0), dtype=torch.float32)

# %% [markdown]
# Here is the number of this book's building, spoken once.
# Press play.

# %%
sound, truth = speak([1, 7, 8, 4], np.random.default_rng(1784))
file = io.BytesIO()
with wave.open(file, "wb") as clip:              # 8 bits, one channel
    clip.setnchannels(1)
    clip.setsampwidth(1)
    clip.setframerate(RATE)
    level = 127 * sound / np.abs(sound).max()
    clip.writeframes((128 + level).round().astype(np.uint8).tobytes())
Audio(data=file.getvalue())

# %% [markdown]
# Below is what the network gets, and what only we know.
# The text says "1784", four labels.
# A choice of one label, or of silence, for every frame is an **alignment** (정렬).
# How many are there, if the labels keep their order, each lasts as long as it likes, and silence may stand before, between and after?

# %%
x = hear(sound)
T = len(x)
print(f"{T} frames, 4 labels, {math.comb(T + 4, 8):,} alignments")

# %% tags=["figure"]
# @title Draw: what the network gets, and what only we know
def mark_truth(ax, truth, colour="rival"):
    """Lines where a digit begins and ends; its name above."""
    turn = np.flatnonzero(np.diff(truth, prepend=0, append=0))
    for t in turn:
        ax.axvline(t - 0.5, color=palette[colour], lw=1)
    for a, b in zip(turn[::2], turn[1::2]):
        ax.text((a + b - 1) / 2, 1.02, str(truth[a] - 1), ha="center",
                transform=ax.get_xaxis_transform())


fig, ax = subplots(width=7.0, height=2.4)
ax.imshow(x.T, origin="lower", aspect="auto", cmap="gray_r")
ax.grid(False)
mark_truth(ax, truth)
ax.set(xlabel="frame (a fortieth of a second each)",
       ylabel="band, low to high")
ax.set_title("Digits and pauses of any length", pad=18)
show(fig, "Loudness by frame and band of the spoken number; lines mark "
          "where each of the four digits begins and ends, with pauses of "
          "different length between them.")

# %% [markdown]
# A network that is trained frame by frame needs one of them, so somebody, or another recogniser, must choose it first.
# **Connectionist temporal classification** (연결주의 시간 분류, CTC) chooses none and adds up all of them.

# %% [markdown]
# ## The idea: many paths, one text
#
# At every frame $t$ the network gives a probability $y^t_k$ to each label $k$ and to one more, the **blank** (블랭크), which says "nothing new".
# A **path** (경로) $\pi$ names one of them a frame, and the frames are independent given the recording $\mathbf{x}$:
#
# $$p(\pi \mid \mathbf{x}) = \prod_{t=1}^{T} y^t_{\pi_t}$$
#
# The map $\mathcal{B}$ turns a path into a text: merge what is repeated without a break, *then* drop the blanks.
# So `1 1 - 7 7 -` and `1 - - - 7 7` both become `17`, and `1 1 - 1` becomes `11`, with `-` for the blank.
# The probability of a labelling $\mathbf{l}$ is the sum over all paths that become it, and training makes it large:
#
# $$p(\mathbf{l} \mid \mathbf{x}) = \sum_{\pi \in \mathcal{B}^{-1}(\mathbf{l})} p(\pi \mid \mathbf{x}), \qquad \text{loss} = -\ln p(\mathbf{l} \mid \mathbf{x})$$
#
# The logarithm is the natural one, so the loss is counted in **nats**.
# There are too many paths to list.
# Put blanks around the labels, $\mathbf{l}' = (-, l_1, -, l_2, \dots, -)$, and let $\alpha_t(s)$ be the probability of all beginnings of paths that stand at place $s$ of $\mathbf{l}'$ at frame $t$.
# A path stays, goes one place on, or jumps over a blank:
#
# $$\alpha_t(s) = \bigl(\alpha_{t-1}(s) + \alpha_{t-1}(s-1) + [\text{jump}]\,\alpha_{t-1}(s-2)\bigr)\; y^t_{l'_s}$$
#
# The jump is allowed to a label that differs from the one two places before.
# Between two equal labels the blank must not be skipped, or $\mathcal{B}$ would merge them.
#
# A path begins on the first blank or on the first label, so at $t = 1$ only these two places hold anything: their own $y^1$.
# It ends on the last label or on the last blank:
#
# $$p(\mathbf{l} \mid \mathbf{x}) = \alpha_T(|\mathbf{l}'|) + \alpha_T(|\mathbf{l}'| - 1)$$

# %% [markdown]
# ## The technique
#
# Labels are numbers from 1 on, and 0 is the blank.
# A batch holds texts of several lengths, filled up with 0.
# First the places of $\mathbf{l}'$ and the jumps, then the recursion, in logarithms, where a product of fifty probabilities does not vanish.
# Where a path cannot be, the logarithm is a very large negative number, and `bar` adds it where no jump is allowed.
# The paper rescales at every frame instead.

# %% tags=["technique"]
NEVER = -1e30                        # a logarithm of zero that can be added


def lattice(labels):
    """labels: (N, L), 0 after the end.  Returns z (N, 2L + 1), the places
    of l', and jump (N, 2L + 1): may a path come from two places before?"""
    z = labels.new_zeros(len(labels), 2 * labels.shape[1] + 1)
    z[:, 1::2] = labels
    before = F.pad(z, (2, 0))[:, :-2]
    return z, (z != 0) & (z != before)


def sweep(emit, start, jump):
    """Log probability of all beginnings of paths, frame by frame.
    emit: (T, N, S) log probability of each place's label at each frame.
    start, jump: (N, S) bool.  Returns (T, N, S)."""
    emit = emit.transpose(1, 2).contiguous()       # (T, S, N) is faster
    bar = torch.where(jump.T, 0.0, NEVER).to(emit)
    alpha = [torch.where(start.T, emit[0], NEVER)]
    for e in emit[1:]:
        wide = F.pad(alpha[-1], (0, 0, 2, 0), value=NEVER)   # (S + 2, N)
        stay, step, two = wide[2:], wide[1:-1], wide[:-2] + bar
        ways = torch.logaddexp(torch.logaddexp(stay, step), two)
        alpha.append(ways + e)
    return torch.stack(alpha).transpose(1, 2)

# %% [markdown]
# The picture counts instead of weighing: every $y$ is set to one, so that $\alpha$ is a number of paths.
# The text is `112` on six frames.
# Jumps are the orange lines.
# A path begins at the two lowest places and ends at the two highest, and the way from the first 1 to the second always leads through a blank.

# %%
z, jump = lattice(torch.tensor([[1, 1, 2]]))
S = z.shape[1]
ways = sweep(torch.zeros(6, 1, S, dtype=torch.double),
             torch.arange(S)[None] < 2, jump)[:, 0].exp()
print(f"paths that become 112: {ways[-1, -2:].sum():.0f}")

# %% tags=["figure"]
# @title Draw: the lattice of 112 on six frames
fig, ax = subplots(width=5.6, height=2.9)
for t in range(6):
    for s in range(S):
        if ways[t, s] > 0:
            ax.text(t, s, f"{ways[t, s]:.0f}", ha="center", va="center",
                    bbox=dict(boxstyle="circle", fc="white",
                              ec=palette["method"]))
        for back in (0, 1, 2):
            if t and s >= back and ways[t - 1, s - back] > 0 and (
                    back < 2 or jump[0, s]):
                ax.plot([t - 1, t], [s - back, s], lw=0.8, zorder=0,
                        color=palette["rival" if back == 2 else "plain"])
names = ["-" if k == 0 else str(k) for k in z[0].tolist()]
ax.set_yticks(range(S), names)
ax.set(xlabel="frame", ylabel="place in l'", xlim=(-0.5, 5.5),
       ylim=(-0.6, S - 0.4), title="Jumps lead to new labels only")
ax.grid(False)
show(fig, "A lattice of six frames and seven places; each node holds the "
          "number of beginnings of paths that reach it; jumps over a blank "
          "lead to the 2 but not from the first 1 to the second.")

# %% [markdown]
# Training needs the slope of the loss.
# Let $\beta_t(s)$ be the probability of all endings of paths that stand at place $s$ at frame $t$, frame $t$ counted in.
# It comes from the same recursion, run from the last frame and the last place backwards.
# With it the paper finds the slope for the network's output $u$ before the softmax:
#
# $$\begin{aligned} \frac{\partial\,\text{loss}}{\partial u^t_k} &= y^t_k - \gamma^t_k \\ \gamma^t_k &= \frac{1}{p(\mathbf{l} \mid \mathbf{x})} \sum_{s:\, l'_s = k} \frac{\alpha_t(s)\,\beta_t(s)}{y^t_k} \end{aligned}$$
#
# Both $\alpha$ and $\beta$ hold the factor of frame $t$, so one of them is divided out.
# Read $\gamma^t_k$: of all the probability that reaches the right text, the share that passes label $k$ at frame $t$.
# The $\gamma$ of a frame add up to one.
# And $y - \gamma$ is the slope of an ordinary cross-entropy with $\gamma$ as its target.
# So CTC is frame-by-frame training after all, on an alignment that the network itself proposes, softly, and that is computed anew at every step.
#
# A short recording is filled up with frames that are blank for certain.
# They cost nothing, and every path that was complete stays complete.
# `occupancy` gives $\ln p(\mathbf{l} \mid \mathbf{x})$ of each recording and $\gamma$, which is set to zero in the frames that were filled up.
# A text that no path can spell, because the recording is too short for it, has probability zero: its logarithm is minus infinity, as PyTorch has it, and its $\gamma$ is zero, so that it teaches nothing.
# `make` is the function that gives places and jumps, so that exercise 4 can exchange it.

# %% tags=["technique"]
def occupancy(log_y, labels, frames, make=None):
    """Log probability of the texts, and the share gamma of each label.

    log_y: (T, N, K) log probabilities.  labels: (N, L), 0 after the end.
    frames: (N,) lengths.  make: lattice, where not given.  Returns log p
    (N,), -inf where no path spells the text, and gamma (T, N, K), zero
    there and after the end.  Source: equations 5-16.
    """
    z, jump = (make or lattice)(labels)
    (T, N, _), S = log_y.shape, z.shape[1]
    over = torch.arange(T)[:, None, None] >= frames[:, None]
    filler = torch.where(z == 0, 0.0, NEVER).to(log_y)
    emit = torch.where(over, filler, log_y.gather(2, z.expand(T, N, S)))
    place, last = torch.arange(S), 2 * (labels != 0).sum(1, keepdim=True)
    start, end = (place < 2).expand(N, S), (place <= last) & (
        place >= last - 1)
    mirrored = F.pad(jump, (0, 2))[:, 2:].flip(1)    # jumps, seen backwards
    both = sweep(torch.cat((emit, emit.flip(0, 2)), 1),
                 torch.cat((start, end.flip(1))), torch.cat((jump, mirrored)))
    alpha, beta = both[:, :N], both[:, N:].flip(0, 2)
    log_p = torch.logsumexp(torch.where(end, alpha[-1], NEVER), 1)
    share = (alpha + beta - emit - log_p[:, None]).exp()     # (T, N, S)
    gamma = torch.zeros_like(log_y).scatter_add_(2, z.expand(T, N, S), share)
    none = log_p < NEVER / 2
    return log_p.masked_fill(none, -math.inf), gamma * ~(over | none[:, None])

# %% [markdown]
# To read a network's answer, take the likeliest label at every frame and apply $\mathcal{B}$.
# The paper calls this **best path decoding** (최적 경로 디코딩); it is quick and, as the paper says and exercise 3 shows, not always right.
# Two texts are compared by the **edit distance** (편집 거리), the least number of insertions, deletions and substitutions.
# Their sum over a test set, divided by the number of labels that were spoken, is the **character error rate** (글자 오류율, CER); the paper calls it label error rate.
# It can exceed one.

# %% tags=["technique"]
def collapse(path):
    """The map B: merge repeats, then drop blanks (0).  Lists of ints."""
    return [k for k, _ in itertools.groupby(path) if k != 0]


def edit_distance(guess, text):
    """Fewest insertions, deletions, substitutions from guess to text."""
    row = list(range(len(text) + 1))
    for i, a in enumerate(guess, 1):
        corner, row[0] = row[0], i
        for j, b in enumerate(text, 1):
            corner, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1,
                                         corner + (a != b))
    return row[-1]


def error_rate(guesses, texts):
    """Character error rate: edits a spoken label, over all recordings."""
    edits = sum(map(edit_distance, guesses, texts))
    return edits / sum(map(len, texts))

# %% [markdown]
# ## Predict
#
# Three networks of one kind start from the same weights and hear the same 500 recordings in the same order.
# *Aligned* is told the truth: which digit sounds at which frame, and where there is silence.
# *Uniform* is told the text and cuts every recording into equal parts, silence, digit, silence, digit, and so on.
# *CTC* is told the text and cuts nothing.
# Bet before you read on.
#
# - (a) *Aligned* makes by far the fewest errors: it was told the most.
# - (b) *CTC* comes close to *aligned*, and *uniform* falls far behind both.
# - (c) All three end up close: over 500 recordings the wrong cuts average out.
# - (d) *CTC* reads well because it finds the true timing: where it names a digit, it names it for as long as it sounds.

# %% [markdown]
# ## The experiment
#
# Texts have three to five digits, drawn anew each, so doubled digits occur.
# The recordings have noise.

# %% tags=["experiment"]
@remember(most=16)
def corpus(seed, count):
    """Recordings (N, T, BANDS), frames (N,), texts (N, L), truth (N, T)."""
    rng = np.random.default_rng(seed)
    texts = [rng.integers(0, 10, rng.integers(3, 6)) for _ in range(count)]
    spoken = [speak(text, rng) for text in texts]
    heard = [hear(sound) for sound, _ in spoken]

    def pad(rows):
        return nn.utils.rnn.pad_sequence(rows, batch_first=True)
    return (pad(heard), torch.tensor([len(x) for x in heard]),
            pad([torch.from_numpy(text + 1) for text in texts]),
            pad([torch.from_numpy(label) for _, label in spoken]))


def equal_parts(texts, frames, size):
    """The uniform alignment (N, size): every place of l' lasts as long."""
    out = torch.zeros(len(texts), size, dtype=torch.long)
    for row, text, n in zip(out, texts, frames.tolist()):
        z = lattice(text[text > 0][None])[0][0]
        row[:n] = z[torch.arange(n) * len(z) // n]
    return out

# %% [markdown]
# The network is three convolutions over time; each output sees about a third of a second of sound.
# A batch is laid out as one picture, a row a recording, with kernels one pixel high, which is faster than `Conv1d` and computes the same.
#
# All arms share one loss, the cross-entropy against a target for every frame, and differ in the target alone.
# For *aligned* and *uniform* the target is their alignment.
# For *CTC* it is $\gamma$, so that the step is the CTC step.
# `strength` mixes: at 1 the target is all $\gamma$, at 0 it is the true alignment, and CTC's own code becomes *aligned*.

# %% tags=["experiment"]
def make_net(width=40, labels=11):
    def block(a, b):
        return [nn.Conv2d(a, b, (1, 5), padding=(0, 2)), nn.BatchNorm2d(b),
                nn.ReLU()]
    net = nn.Sequential(*block(BANDS, width), *block(width, width),
                        *block(width, width), nn.Conv2d(width, labels, 1))
    return net.to(memory_format=torch.channels_last)


def listen(net, x):
    """(N, T, BANDS) -> log probabilities (T, N, 11)."""
    y = net(x.permute(2, 0, 1)[None])[0]                     # (11, N, T)
    return y.permute(2, 1, 0).log_softmax(2)


ARMS = ("aligned", "uniform", "ctc")


@remember(most=32)
def train(arm, seed, strength, steps, make=None, lr=1e-2, batch=16):
    """A trained network, and -ln p(text) a recording, step by step."""
    known(arm, ARMS, "arm")
    x, frames, texts, truth = corpus(seed, 500)
    if arm == "uniform":
        truth = equal_parts(texts, frames, x.shape[1])
    inside = torch.arange(x.shape[1]) < frames[:, None]
    hard = F.one_hot(truth, 11) * inside[:, :, None].float()
    torch.manual_seed(seed)
    net, curve = make_net(), []
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(net.parameters(), lr, (0.9, 0.95),
                                 fused=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        i = torch.randint(len(x), (batch,), generator=order)
        T = int(frames[i].max())
        log_y = listen(net, x[i, :T])
        target = hard[i, :T].transpose(0, 1)                 # (T, N, 11)
        if arm == "ctc":
            log_p, gamma = occupancy(log_y.detach(), texts[i], frames[i],
                                     make)
            target = strength * gamma + (1 - strength) * target
            curve.append(-log_p.mean().item())
        loss = -(target * log_y).sum() / batch
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return net.eval(), curve

# %% [markdown]
# Each network reads 200 fresh recordings.
# A network that was trained frame by frame flickers: it names a digit for one frame and takes it back.
# So a run of equal labels counts only where it lasts a least number of frames, which was searched for each arm over 1 to 4 on seeds 1000 to 1007: 2 for *aligned* and for *uniform*, 1 for *ctc*, whose digits last no longer.
# `cer` is the character error rate, lower is better; `unmerged` is that of the same answers where repeats are not merged.

# %% tags=["experiment"]
LEAST = {"aligned": 2, "uniform": 2, "ctc": 1}


@torch.no_grad()
def read(net, x, frames):
    """Best path of each recording, cut to its length: lists of ints."""
    best = listen(net, x).argmax(2).T.tolist()
    return [path[:n] for path, n in zip(best, frames.tolist())]


def steady(path, least):
    """The path, with blanks for runs of fewer than `least` frames."""
    runs = [(k, len(list(run))) for k, run in itertools.groupby(path)]
    return [k if n >= least else 0 for k, n in runs for _ in range(n)]


def run(arm, seed, strength=1.0, steps=350):
    net, _ = train(arm, seed, strength, steps)
    x, frames, texts, _ = corpus(10_000 + seed, 200)
    texts = [[k for k in text if k] for text in texts.tolist()]
    paths = read(net, x, frames)
    # At strength 0 CTC's code has learned what `aligned` has.
    least = LEAST[arm if strength else "aligned"]
    return {"cer": error_rate([collapse(steady(p, least)) for p in paths],
                              texts),
            "unmerged": error_rate([[k for k in p if k] for p in paths],
                                   texts)}

# %% [markdown]
# ## The claims
#
# First what the paper is about: training without segmented data.
# Both arms are told the text alone.

# %% tags=["results"]
cut = compare(run, ["uniform", "ctc"], seeds=range(10, 15))
print(cut.table())
uniform = claim(
    "asr-uniform",
    "After 350 steps on 500 synthetic recordings of Korean digits, a "
    "recogniser trained by CTC makes fewer errors than one trained on equal "
    "parts of each recording",
    cut, metric="cer", arm="ctc", baseline="uniform", better="lower",
    least=0.12, unit="character error rate", picture=False,
    reason="that is half of what the true alignment saves over the uniform "
           "one on seeds from 1000 on",
    paper="CTC needs no segmented training data.")

# %% [markdown]
# Then the rival that is told more.
# In the paper, CTC with best path decoding makes about as many errors as the better of two recognisers trained on an alignment; both joined a recurrent network to a hidden Markov model, ours is a network alone.
# A claim of the kind *no worse* must also fail for an arm that is known to be damaged: here CTC's own answers with repeats left unmerged.

# %% tags=["results"]
runs = compare(run, ["aligned", "ctc"], seeds=range(10, 18))
both = Runs(runs.seeds, {"cer": {**runs["cer"],
                                 "unmerged": runs["unmerged"]["ctc"]}})
print(both.table())
aligned = claim(
    "asr-aligned",
    "After 350 steps on 500 synthetic recordings of Korean digits, a "
    "recogniser trained by CTC makes no more errors than one trained on the "
    "true alignment and read without labels named for one frame only",
    both, metric="cer", arm="ctc", baseline="aligned", better="lower",
    kind="no_worse", margin=0.012, bad="unmerged",
    unit="character error rate", picture=False, expect="not settled",
    reason="that is a twentieth of what a uniform alignment costs against "
           "the true one on seeds from 1000 on",
    paper="On TIMIT, CTC with best path decoding errs about as often as the "
          "better BLSTM-HMM hybrid trained on an alignment.")

# %% [markdown]
# Last an identity.
# On random outputs for random texts, our loss and its slope must be those of PyTorch.
# Each seed gives one number: the loss, plus the slope along a random direction, so that an error in either shows.

# %% tags=["experiment"]
def identity(arm, seed):
    """-ln p summed, plus its slope along a random direction; float64."""
    g = torch.Generator().manual_seed(seed)
    u = torch.randn(40, 8, 11, generator=g, dtype=torch.double)
    frames = torch.randint(15, 41, (8,), generator=g)
    texts = torch.randint(1, 4, (8, 6), generator=g)     # many repeats
    texts[:4, 4:] = 0                                    # and two lengths
    way = torch.randn(u.shape, generator=g, dtype=torch.double)
    if known(arm, ("page", "torch"), "arm") == "page":
        log_p, gamma = occupancy(u.log_softmax(2), texts, frames)
        inside = torch.arange(40)[:, None, None] < frames[:, None]
        loss, slope = -log_p.sum(), u.softmax(2) * inside - gamma
    else:
        u.requires_grad_()
        loss = F.ctc_loss(u.log_softmax(2), texts, frames,
                          (texts != 0).sum(1), reduction="sum")
        slope, = torch.autograd.grad(loss, u)
    return {"loss and slope": (loss + (slope * way).sum()).item()}

# %% tags=["results"]
exact = claim(
    "asr-exact",
    "On random outputs, the loss from the forward recursion and the slope "
    "from both recursions equal PyTorch's ctc_loss and its gradient",
    compare(identity, ["torch", "page"]), metric="loss and slope",
    arm="page", baseline="torch", kind="exact", margin=1e-9,
    unit="loss (nats) plus slope", picture=False,
    reason="double precision on a sum of some hundred rounds to less",
    paper="The derivative of the objective follows from the forward and "
          "backward variables (equations 13 to 16).")

# %% tags=["figure"]
# @title Draw: all three claims
overview(uniform, aligned, exact)

# %% tags=["details"]
# @title Every seed of every claim
for record in (uniform, aligned, exact):
    draw_claim(record)

# %% [markdown]
# Now the bets.
# (a) and (b) part on a difference that is not settled: *aligned* makes <!--=asr-aligned.mean.aligned:3-->0.006<!--/--> errors a spoken digit, and CTC, told only the text, <!--=asr-aligned.mean.ctc:3-->0.011<!--/-->.
# Seven of CTC's eight networks are within half the margin of their rival, above or below; one errs more than twice as often as the next.
# (b) is right about *uniform*, which makes <!--=asr-uniform.mean.uniform-->0.25<!--/--> errors a spoken digit.
# (c) fails for the same number: the wrong cuts do not average out.
# Why they do not, we did not test.
# There remains (d), and it needs a picture.
#
# ## Spikes, and where the truth lies
#
# Here is the clip again, as two of the networks hear it, both from the first seed.
# Each curve is the probability of one digit.
# The last picture is the lattice of CTC's network for the text 1784: at every frame, how $\alpha_t$ is shared among the places.

# %% tags=["results"]
first = runs.seeds[0]
nets = {arm: train(arm, first, 1.0, 350)[0] for arm in ("aligned", "ctc")}
for arm, net in nets.items():
    path = read(net, x[None], torch.tensor([len(x)]))[0]
    said = "".join(str(k - 1) for k in collapse(path))
    print(f"{arm:>7}: {said}, named in {sum(k > 0 for k in path) / 4:.1f} "
          "frames a digit")

# %% tags=["figure"]
# @title Draw: what two networks say at each frame, and the lattice
fig, axes = subplots(3, 1, width=7.0, height=5.4, sharex=True,
                     height_ratios=[1, 1, 1.5])
with torch.no_grad():
    heard = {arm: listen(net, x[None]) for arm, net in nets.items()}
for ax, (arm, log_y) in zip(axes, heard.items()):
    for k, colour in zip((2, 8, 9, 5), ("method", "rival", "other",
                                        "fifth")):
        ax.plot(log_y[:, 0, k].exp(), color=palette[colour], lw=1.8)
    ax.set(ylabel="probability", ylim=(-0.05, 1.05))
    ax.set_title(f"{arm}: " + ("a digit lasts as long as it sounds"
                 if arm == "aligned" else "a digit is a spike"), pad=18)
    mark_truth(ax, truth, "plain")
z, jump = lattice(torch.tensor([[2, 8, 9, 5]]))
alpha = sweep(heard["ctc"][:, :, z[0]], torch.arange(9)[None] < 2, jump)
axes[2].imshow(alpha[:, 0].softmax(1).T, origin="lower", aspect="auto",
               cmap="Greys", vmin=0, vmax=1)
axes[2].set_yticks(range(9), ["-" if k == 0 else str(k - 1)
                              for k in z[0].tolist()])
axes[2].set(xlabel="frame", ylabel="place in l'",
            title="The mass climbs at the spikes")
axes[2].grid(False)
show(fig, "Three panels over the frames of the clip. Aligned: each digit's "
          "probability is high for as long as the digit sounds. CTC: each "
          "is a spike of a frame or two at its digit. Lattice: "
          "the mass stands on blanks and climbs past a label at each spike.")

# %% [markdown]
# Now take CTC's networks of all seeds, and in the test recordings every frame in which they name a digit.
# How many such frames has a digit, what share of them lies where that digit truly sounds, and what share there or one frame beside it?

# %% tags=["results"]
print("seed   frames a digit   inside it   or one frame beside")
for seed in runs.seeds:
    x_test, frames, _, true = corpus(10_000 + seed, 200)
    paths = read(train("ctc", seed, 1.0, 350)[0], x_test, frames)
    named = [(k == row[t], k in row[max(t - 1, 0):t + 2])
             for path, row in zip(paths, true.tolist())
             for t, k in enumerate(path) if k]
    digits = ((true > 0) & (true != F.pad(true, (1, 0))[:, :-1])).sum()
    inside, beside = np.mean(named, 0)
    print(f"{seed:>4}   {len(named) / digits:14.1f}   {inside:9.2f}   "
          f"{beside:19.2f}")

# %% [markdown]
# (d) is wrong.
# A path may stay on a label or leave it for the blank, and $\mathcal{B}$ does not mind which.
# So the loss does not ask for the length of a sound, and the networks learned not to give it: on average no more than two frames, then blanks until the next digit.
#
# Nor does the loss fix where the spike lies; a network of limited view can only name what it sees.
# In the clip the spike of the 1 begins a frame before the 1 does, and the table tells how different eight networks of one recipe are.
# The paper shows spikes for real speech (its figure 1) and finds them near enough for tasks that need rough timing.
# If you need more, for subtitles say, measure it first.

# %% [markdown]
# ## Break it
#
# Each of these runs without complaint; our tests plant each.
#
# <details><summary>Ten mistakes</summary>
#
# In the lattice:
#
# - **Skip across equal labels**: the jump asks for a label but not for a different one. Paths that say 1 are then counted for 11. Exercise 4 is about it.
# - **No skip at all**: blanks become compulsory between all labels, also where no silence is.
# - **Must end on the blank**: only the highest place counts as an end, and the paths that end on the last label are lost.
# - **Must start on the blank**: the same at the beginning.
#
# In the slope and the lengths:
#
# - **Emission counted twice**: $\alpha\beta$ is not divided by $y$. The $\gamma$ of a frame no longer add up to one.
# - **Jumps not mirrored**: the backward sweep uses the jumps as the forward sweep has them, one label off.
# - **Lengths ignored**: the silence that fills up a short recording is read as sound.
# - **Padding counted as text**: the end is looked for behind the longest text of the batch.
#
# In the reading and the measure:
#
# - **Blanks dropped first**: then repeats merge across the blank, and 77 becomes 7.
# - **Divided by the guess**: edits over the length of what was guessed, so that a digit too many costs less than one too few.
#
# </details>
#
# Here is the ninth.
# Of the recordings in the test set, take those whose text holds a doubled digit, and read CTC's network in both orders.

# %% tags=["results"]
x_test, frames, texts, _ = corpus(10_000 + first, 200)
texts = [[k for k in text if k] for text in texts.tolist()]
paths = read(nets["ctc"], x_test, frames)
doubled = [i for i, text in enumerate(texts)
           if any(a == b for a, b in zip(text, text[1:]))]
asked = [texts[i] for i in doubled]
print("character error rate where a digit is doubled")
for name, reading in (
        ("merge, then drop", collapse),
        ("drop, then merge", lambda path: [
            k for k, _ in itertools.groupby(k for k in path if k)])):
    wrong = error_rate([reading(paths[i]) for i in doubled], asked)
    print(f"{name}: {wrong:.2f}")

# %% [markdown]
# ## What we shrank
#
# | | paper | here |
# |---|---|---|
# | speech | TIMIT, people reading English sentences | ten digits made of sine waves |
# | labels | 61 phonemes | 10 digits |
# | network | bidirectional LSTM, 114,662 weights | three convolutions, about 21,000 weights |
# | the rival | BLSTM joined to a hidden Markov model, which finds the alignment and smooths the answers | the same network, told the truth, its short runs dropped |
# | decoding | best path, and prefix search | best path |
# | label error rate on TIMIT | <!--=published.ctc_timit_hmm-->35.21<!--/--> % context-dependent hidden Markov model, <!--=published.ctc_timit_hybrid-->33.84<!--/--> % BLSTM-HMM hybrid, <!--=published.ctc_timit_hybrid_weighted-->31.57<!--/--> % the same with a weighted error, <!--=published.ctc_timit_best_path-->31.47<!--/--> % CTC with best path, <!--=published.ctc_timit_prefix_search-->30.51<!--/--> % CTC with prefix search | not measured |
#
# The numbers come from five transcriptions of the paper's table, which agree; the rest from a Chinese translation.
# Its equation 16 writes our slope with rescaled $\alpha$ and $\beta$.
#
# What this page cannot show: anything about people's voices, about thousands of words, or about a language model, which knows likely sentences.
# *Uniform* is where recognisers used to start; they then realigned with what they had learned, again and again, which was not run as an arm.
#
# ## Tries
#
# <details><summary>Tries: six rows</summary>
#
# | what was tried | where | outcome |
# |---|---|---|
# | *uniform* at rates `0.003`, `0.005` and `0.02`, for `1000` steps, without parts for silence, with pauses of equal length | seeds 1000 and 1001 | none clearly better than the form above; with equal pauses counting frames nearly sufficed |
# | *uniform*, realigned five times with the best path through its own lattice, and trained anew each time | seeds 1000 and 1001 | about a quarter fewer errors than *uniform*, far behind CTC |
# | Adam with its usual memory of squared slopes; then `0.95`, rates `0.005` and `0.01` for both contenders | seeds 1000 to 1004 | CTC learned more slowly with the usual memory, we did not test why; the experiment above, with the rate that suited both |
# | every run of *aligned* counted, flickers of one frame among them; a margin of `0.03` | seeds 0 to 4, once | CTC no worse, and the two level; nearly all errors of *aligned* were such flickers, unfair to it |
# | a least run for each arm, searched over 1 to 4; a margin of `0.012` | searched on seeds 1000 to 1007 (*aligned* `0.015` with 1, `0.006` with 2; *ctc* `0.007` with 1, `0.36` with 2); claims on seeds 5 to 9, once | CTC no worse: *not settled*, effect `+0.005`, from `-0.004` to `0.014`; ahead of *uniform*, holds |
# | the same with eight seeds for the first claim, and unmerged answers as its damaged arm | seeds 10 to 17, once | the experiment above: again not settled; since then only words changed |
#
# </details>
#
# ## In the lab
#
# The article puts speech recognition into the Core AI Engine, the third level of the [AI stack](../../chapters/2-stack.md), and cites no paper for it.
# CLOVA Speech runs on a [Neural End-to-end Speech Transcriber](https://api.ncloud-docs.com/docs/en/ai-application-service-clovaspeech), says its manual; we found no account of its inside.
# On the [ClovaCall](https://github.com/clovaai/ClovaCall) corpus Clova published a recogniser of another kind, which attends to the sound while it spells.

# %% [markdown]
# ## Exercises
#
# **1. Derive.**
# How many paths of six frames become 1784, and how many become 1774?
# Give the pair.
# Give each of the four labels one frame, and the compulsory blank, where there is one, another.
# The frames left over may go to any of the nine places of $\mathbf{l}'$.

# %% tags=["exercise"]
paths_of = (..., ...)

# %% tags=["check"]
# @title Check of exercise 1
def judge_paths(pair):
    plain, doubled = pair
    if plain is ... or doubled is ...:
        raise Unanswered
    assert plain != math.comb(6, 4), (
        "You placed four labels on six frames; a label may also last.")
    assert plain == math.comb(6 + 4, 8), (
        "Count 12 on three frames "
        "by hand first: there are 5.")
    assert doubled != plain, (
        "Between the two 7s a blank is compulsory, so fewer remain.")
    assert doubled == math.comb(6 - 1 + 4, 8), (
        "Give the compulsory blank its frame, then count as before.")

check("asr-1", paths_of, judge_paths)

# %% tags=["solution"]
# @title Solution of exercise 1
# T frames, L labels, r compulsory blanks: choose 2 L of T + L - r places.
paths_of = (math.comb(6 + 4, 8), math.comb(6 + 4 - 1, 8))
check("asr-1", paths_of, judge_paths)

# %% [markdown]
# **2. Change and predict.**
# To save time, somebody lets the network answer once every eight frames.
# A recording of 40 frames then has five answers.
# Which of the texts 1784, 17841, 1778, 11784, 77844 can still be read from it, and which have probability zero?
# Predict the set of those that can.

# %% tags=["exercise"]
readable = ...

# %% tags=["check"]
# @title Check of exercise 2
def judge_readable(found):
    found = {str(text) for text in found}
    asked = {"1784", "17841", "1778", "11784", "77844"}
    assert found <= asked, f"Choose from {sorted(asked)}."
    assert "17841" in found, (
        "Blanks are compulsory between equal neighbours only.")
    assert not {"11784", "77844"} & found, (
        "A doubled digit needs a frame more, for the blank between.")
    can = set()
    for text in asked:
        labels = torch.tensor([[int(k) + 1 for k in text]])
        flat = torch.zeros(5, 1, 11)
        if occupancy(flat, labels, torch.tensor([5]))[0] > -1e9:
            can.add(text)
    assert found == can, "One of them you left out has paths."

check("asr-2", readable, judge_readable)

# %% tags=["solution"]
# @title Solution of exercise 2
readable = {"1784", "17841", "1778"}       # labels plus doubled ones <= 5
check("asr-2", readable, judge_readable)

# %% [markdown]
# **3. Refute the claim.**
# "The likeliest path becomes the likeliest text."
# Give probabilities $y^t_k$, two frames (rows) by the blank and the label 1 (columns), for which this is false.
# One path must be likelier than each of the others.

# %% tags=["exercise"]
refuting = ...

# %% tags=["check"]
# @title Check of exercise 3
def judge_refuting(table):
    y = torch.as_tensor(table, dtype=torch.double)
    assert y.shape == (2, 2), "Two frames (rows) by blank and 1 (columns)."
    assert (y >= 0).all() and torch.allclose(y.sum(1), torch.ones(2).double(
        )), "Each row should be probabilities that add up to one."
    chance = {}
    for path in itertools.product((0, 1), repeat=2):
        text = tuple(collapse(path))
        chance[text] = chance.get(text, 0.0) + float(
            y[0, path[0]] * y[1, path[1]])
    assert (y[:, 0] - y[:, 1]).abs().min() > 1e-9, (
        "Two paths are equally likely here; which one is the likeliest?")
    best = tuple(collapse(y.argmax(1).tolist()))
    assert chance[best] < max(chance.values()) - 1e-9, (
        f"Here the likeliest path says {list(best)}, and so does the "
        "likeliest text. Let three weak paths share a text.")

check("asr-3", refuting, judge_refuting)

# %% tags=["solution"]
# @title Solution of exercise 3
# Two blanks: 0.36, the likeliest path.  The text 1 has three paths, 0.64.
refuting = [[0.6, 0.4], [0.6, 0.4]]
check("asr-3", refuting, judge_refuting)

# %% [markdown]
# **4. Find the bug.**
# A network trains on this lattice, and its loss falls like the right one's.
# Mend it without calling `lattice`: set `mended` to a function of `labels` that returns what `lattice` returns.

# %% tags=["exercise", "bug"]
def careless(labels):
    z = labels.new_zeros(len(labels), 2 * labels.shape[1] + 1)
    z[:, 1::2] = labels
    return z, z != 0

mended = careless

# %% tags=["check"]
# @title Check of exercise 4
def judge_mended(function):
    z, jump = function(torch.tensor([[5, 5, 2], [3, 0, 0]]))
    assert z.tolist() == [[0, 5, 0, 5, 0, 2, 0], [0, 3, 0, 0, 0, 0, 0]], (
        "The places should be the labels with a blank around each.")
    assert not jump[0, 3], (
        "A path may jump from 5 to 5 here; the map B then merges them.")
    assert jump[0, 5], "From 5 to 2 a path may jump."
    assert not jump[z == 0].any(), "Nobody jumps onto a blank."
    assert function(torch.tensor([[5, 2, 5]]))[1][0, 5], (
        "Only the label two places before counts: 525 may jump twice.")

check("asr-4", mended, judge_mended)

# %% tags=["solution"]
# @title Solution of exercise 4
def mended(labels):
    z = labels.new_zeros(len(labels), 2 * labels.shape[1] + 1)
    z[:, 1::2] = labels
    jump = z != 0
    jump[:, 2:] &= z[:, 2:] != z[:, :-2]      # not onto an equal label
    return z, jump


check("asr-4", mended, judge_mended)

# %% [markdown]
# Its curve, beside the right one.
# By the curve you would not know: only texts with a doubled digit differ.
# Nor by the errors: on seeds 1000 to 1006, after all 350 steps, networks trained with the bug make `0.014` errors a digit in such texts, the right ones `0.013`.

# %% tags=["figure"]
# @title Draw: the curve of the bug
fig, ax = subplots(width=5.4, height=2.6)
for name, make in (("careless", careless), ("lattice", lattice)):
    _, curve = train("ctc", first, 1.0, 70, make)
    ax.plot(np.convolve(curve, np.ones(10) / 10, "valid"), label=name,
            color=palette["method" if make is lattice else "rival"])
ax.set(xlabel="step", ylabel="loss (nats a recording)", ylim=(0, 20),
       title="The bug trains, too")
ax.legend()
show(fig, "Two training curves, one of the buggy lattice and one of the "
          "right one; they fall together and can hardly be told apart.")
