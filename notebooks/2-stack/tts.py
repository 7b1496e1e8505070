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
# # Speech synthesis
#
# [Open this page in Colab](https://colab.research.google.com/github/OWNER/REPO/blob/main/notebooks/2-stack/tts.ipynb): its first cell installs the helper of this book and nothing else.
#
# | | |
# |---|---|
# | In the article | section 2.1, the AI stack: speech synthesis (TTS, 음성합성), a word of the Core AI Engine. It names no method; the three steps here are established ones, and not NAVER's own |
# | Data | the drawn voice of the page on [speech recognition](asr.ipynb): sine waves and noise, nobody's voice |
# | Library | on Monday: [g2pK](https://github.com/Kyubyong/g2pK) from letters to sounds, [librosa](https://librosa.org/doc/latest/generated/librosa.griffinlim.html) from loudness to a wave; its default adds a momentum, and `momentum=0` is the method here |
# | Time | <!--=bench.tts.seconds-->3<!--/--> seconds on one core of the machine that made this page |
#
# **요약.**
# 글자를 소리로 바꾸는 규칙 여섯 개, 소리마다 정해진 길이만큼 되풀이하는 길이 조절기, 세기만 남은 스펙트로그램에서 위상을 되찾는 그리핀-림 알고리즘을 차례로 실행합니다.
# 그리핀-림의 오차는 반복해도 결코 커지지 않으며, 이 성질을 실행 중에 그대로 확인합니다.

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
import torch
from IPython.display import Audio

from lab1784 import check, palette, show
from lab1784.data.speech import RATE, SOUNDS, column, join, sounds, spell
from lab1784.exercises import Unanswered
from lab1784.figures import subplots

torch.set_num_threads(1)

# %% [markdown]
# ## Which sounds? 국물 is spoken 궁물
#
# The word for broth is written 국물, and nobody says the ㄱ that closes 국: before the ㅁ it becomes an ㅇ.
# Such changes are listed, article by article, in Korea's **Standard Pronunciation** (표준 발음법).
# Here are six of its articles, for single closing consonants, as replacements in a word that is spelled letter by letter, with a dot after each syllable: 국물 is `ㄱㅜㄱ.ㅁㅜㄹ.`
# The numbers are the articles', the order is ours, and it matters: were 9 to come before 13, 옷이 would lose its ㅅ to a ㄷ.

# %% tags=["experiment"]
RULES = {
    17: "ㄷ.ㅇㅣ>.ㅈㅣ ㅌ.ㅇㅣ>.ㅊㅣ ㄷ.ㅎㅣ>.ㅊㅣ",              # 밭이
    12: "ㅎ.ㄱ>.ㅋ ㅎ.ㄷ>.ㅌ ㅎ.ㅈ>.ㅊ ㄱ.ㅎ>.ㅋ ㄷ.ㅎ>.ㅌ ㅂ.ㅎ>.ㅍ "
        "ㅈ.ㅎ>.ㅊ ㅎ.ㅅ>.ㅆ ㅎ.ㄴ>ㄴ.ㄴ ㅎ.ㅇ>.ㅇ",              # 놓고
    13: " ".join(f"{k}.ㅇ>.{k}" for k in "ㄱㄲㄴㄷㄹㅁㅂㅅㅆㅈㅊㅋㅌㅍ"),
    9: "ㄲ.>ㄱ. ㅋ.>ㄱ. ㅅ.>ㄷ. ㅆ.>ㄷ. ㅈ.>ㄷ. ㅊ.>ㄷ. ㅌ.>ㄷ. ㅍ.>ㅂ.",
    18: "ㄱ.ㄴ>ㅇ.ㄴ ㄱ.ㅁ>ㅇ.ㅁ ㄷ.ㄴ>ㄴ.ㄴ ㄷ.ㅁ>ㄴ.ㅁ ㅂ.ㄴ>ㅁ.ㄴ ㅂ.ㅁ>ㅁ.ㅁ",
    20: "ㄴ.ㄹ>ㄹ.ㄹ ㄹ.ㄴ>ㄹ.ㄹ"}


def spoken(word):
    """The word, spelled as it sounds."""
    text = spell(word)
    for pair in " ".join(RULES.values()).split():
        text = text.replace(*pair.split(">"))
    return join(text)

# %%
words = "밭이 놓고 옷이 꽃 국물 칼날".split()
print(*(f"{word} [{spoken(word)}]" for word in words), sep="  ")

# %% [markdown]
# Each of these, one an article, stands in the article with the same answer.
# The rules see letters and no meaning, and article 20 itself names words that do not obey it, such as 의견란; a synthesiser needs a dictionary as well.
#
# ## How long?
#
# We describe sound by **slices** of 20 ms, and a new one begins every 5 ms.
# 국물 has six sounds and takes about a hundred slices: something must say how many each sound lasts.
# [FastSpeech](https://arxiv.org/abs/1905.09263) (2019) predicts these **durations** and repeats the vector of each sound that many times.
# Its authors call the part that repeats a **length regulator** (길이 조절기).
# A factor $\alpha$ above 1 on all durations slows the speech down; the strengths in a slice, and so the pitch, stay as they were.
# We predict nothing: a vowel lasts 24 slices, a silence 20, a consonant 12.

# %% tags=["experiment"]
def regulate(x, durations, alpha=1):
    """x: one row a sound.  Each row round(alpha * duration) times."""
    return np.repeat(x, np.rint(alpha * np.array(durations)).astype(int), 0)

# %% [markdown]
# ## From loudness to a wave
#
# A table says how strong each frequency is in each sound, where a trained synthesiser would predict it; such slices, side by side, are a **spectrogram** (스펙트로그램).
# It lacks the **phases** (위상): where in its slice each wave begins.
# Neighbouring slices overlap, so not all phases fit together; [Griffin and Lim](https://doi.org/10.1109/TASSP.1984.1164317) (1984) look for some that do, step by step.
# Take any wave $x$; keep its phases and put the wanted strengths $S$ in place of its own; make the wave whose slices come nearest to that; again.
#
# $$\text{error} = \frac{\lVert\, |\text{STFT}(x)| - S \,\rVert}{\lVert S \rVert}$$
#
# The nearest wave is a least-squares answer: add up the slices, each through its window, and divide by the sum of the squared windows.
# That is `istft`.
# Our window is a Hann window of 160 samples that moves by 40, so the squares add up to 3/2 at every sample, except near the two ends.
#
# The error never rises.
# Take the strengths with the kept phases as a target: the new wave is at least as near to it as the old one was.
# The error then takes the new wave's own phases in place of the kept ones, and that can only bring it nearer.
# For this the samples beyond the ends are zeros and both halves of the spectrum count, or `istft` is not that nearest wave.

# %% tags=["experiment"]
HOP, WINDOW = 40, torch.hann_window(160, dtype=torch.double)


def stft(x):                                 # (samples,) -> (160, slices)
    return torch.stft(x, 160, HOP, window=WINDOW, pad_mode="constant",
                      onesided=False, return_complex=True)


def griffin_lim(S, x, steps):
    """A wave near the strengths S (160, slices), begun at x; the error
    after each step."""
    error = []
    for _ in range(steps):
        z = torch.polar(S, stft(x).angle())
        x = torch.istft(z, 160, HOP, window=WINDOW, onesided=False)
        error.append(((stft(x).abs() - S).norm() / S.norm()).item())
    return x, error

# %% [markdown]
# The clip says 국물 twice, first as it is written, then as it is spoken.
# Press play: a buzz of two syllables with a short stop between them, and once more with a hum in place of the stop.

# %%
said = ["", *sounds("국물"), *sounds(spoken("국물"))]
durations = [24 if s in list("ㅏㅗㅜㅣ") else 12 if s else 20 for s in said]
rows = regulate([column(s, WINDOW.numpy()) for s in said], durations)
S, size = torch.tensor(rows.T), HOP * (sum(durations) - 1)
noise = torch.tensor(np.random.default_rng(0).standard_normal(size))
x, error = griffin_lim(S, noise, 100)
assert (np.diff(error) <= 1e-12).all()       # it never rises
Audio(x.numpy(), rate=RATE)

# %% tags=["figure"]
# @title Draw: what was wanted, and what the wave has
fig, axes = subplots(2, 2, width=7.2, height=4.6)
table = np.stack([column(s, WINDOW.numpy()) for s in SOUNDS])
truth = regulate(said, durations)
first, _ = griffin_lim(S, noise, 1)
for ax, name, A in zip(axes.flat, ("Wanted", "After 1 step",
                                   "After 100 steps"),
                       (S, stft(first).abs(), stft(x).abs())):
    ax.imshow(A[:81].sqrt(), origin="lower", aspect="auto", cmap="gray_r",
              vmax=S.max() ** 0.5, extent=(0, size / RATE, 0, RATE / 2000))
    gap = ((A.T.numpy()[:, None] - table) ** 2).sum(2)
    right = (np.array(list(SOUNDS))[gap.argmin(1)] == truth).mean()
    ax.set(xlabel="time (s)", ylabel="kHz",
           title=f"{name}: {right:.2f} read right")
    ax.set_ylim(0, 3)
    ax.grid(False)
ends = np.cumsum(durations)
for letter, a, b in zip("·gukmul·gungmul·".replace("ng", "ŋ"),
                        [0, *ends], ends):
    axes[0, 0].text((a + b) / 2 * HOP / RATE, 2.6, letter, ha="center")
axes[1, 1].loglog(range(1, 101), error, color=palette["method"])
axes[1, 1].set(xlabel="step", ylabel="error", title="The error only falls",
               yticks=[0.2, 0.4], yticklabels=["0.2", "0.4"])
axes[1, 1].minorticks_off()
show(fig, "Three spectrograms of the clip and a curve. Wanted: level bars "
          "for each sound, a grey column for the first of a word, its letter "
          "above, with sharp ends; between the "
          "syllables of the first word there is next to nothing, in the "
          "second a bar. After one step the bars are speckled, after a "
          "hundred smooth again, with soft ends. The curve of the error "
          "falls at every step.")

# %% [markdown]
# The error stops short of nought, because no wave has these strengths.
# The first slice after a silence shares three quarters of its samples with the silence, and the table wants it as strong as the next.
#
# Is the wave still understood?
# The titles tell which share of the slices is nearest to the right sound of the table, and after a single step it is most of them.
# This reader looks at strengths only, and it was given the table: it says little about how the wave sounds to an ear.
#
# A better listener is the [speech page](asr.ipynb)'s own recogniser.
# Its code stands in that notebook, so our tests let it listen: to forty telephone numbers made in these three steps, with twenty of Griffin and Lim.
# There the durations are three quarters of ours, as long as the digits that it learned from.
# With the noise that it was trained with added, at most one digit in twenty is read wrong.
# Without that noise, which it never heard, at least one in ten is.
#
# ## Exercises
#
# **1. Refute.**
# "What is written differently sounds different, so a recogniser can always write down what was said."
# Give two words in Hangul for which the six rules say otherwise.

# %% tags=["exercise"]
two_words = ...

# %% tags=["check"]
# @title Check of exercise 1
def judge_words(value):
    one, two = value
    assert one != two, "Give two words that are written differently."
    heard = spoken(one), spoken(two)
    assert heard[0] == heard[1], (
        f"They sound different: [{heard[0]}] and [{heard[1]}].  Which "
        "letters at the end of a syllable become the same?")

check("tts-1", two_words, judge_words, asks="two words")

# %% tags=["solution"]
# @title Solution of exercise 1
two_words = "낮", "낯"            # day, face: both [낟], and so is 낫, a sickle
check("tts-1", two_words, judge_words)

# %% [markdown]
# **2. Refute.**
# "The strengths at all slices and frequencies decide the wave, so Griffin and Lim could find the very one that was spoken."
# Write a function of a wave, a tensor of samples, that returns another wave with exactly the same strengths.

# %% tags=["exercise"]
def other(wave):
    raise Unanswered

# %% tags=["check"]
# @title Check of exercise 2
def judge_other(function):
    for seed in (3, 4):
        wave = np.random.default_rng(seed).standard_normal(2000)
        made = torch.as_tensor(function(torch.tensor(wave)))
        wave = torch.tensor(wave)
        assert made.shape == wave.shape, "As many samples as before, please."
        assert (made - wave).abs().max() > 1e-3, "That is the same wave."
        assert not torch.allclose(made.double(), wave.flip(0)), (
            "Backwards, the last slice is the first.")
        mine, wanted = stft(made.double()).abs(), stft(wave).abs()
        same = (mine - wanted).norm() < 1e-5 * wanted.norm()
        scaled = mine / mine.norm() * wanted.norm()
        assert same or (scaled - wanted).norm() > 1e-5 * wanted.norm(), (
            "That is louder or softer.")
        assert same, (
            "Its strengths differ; what may all phases have in common?")

check("tts-2", other, judge_other, asks="a function")

# %% tags=["solution"]
# @title Solution of exercise 2
def other(wave):
    return -wave                  # every phase turned by half a turn

check("tts-2", other, judge_other)
