"""Korean words letter by letter, and the drawn voice of the speech page."""

from __future__ import annotations

import numpy as np
from numpy import ndarray

RATE = 8000                              # samples a second
FIRST = "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"
VOWELS = "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"
LAST = ["", *"ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]
# sound -> first and second resonance (Hz), loudness of voice and of noise
SOUNDS = {"ㅣ": (280, 2300, 1, 0), "ㅏ": (800, 1300, 1, 0),
          "ㅗ": (450, 850, 1, 0), "ㅜ": (330, 1000, 1, 0),
          "y": (280, 2100, .8, 0), "ㅅ": (300, 1500, 0, .6),
          "ㅊ": (300, 2300, 0, .4), "ㅍ": (300, 900, 0, .25),
          "ㄱ": (300, 1200, .1, .15), "ㅁ": (250, 1000, .45, 0),
          "ㄹ": (350, 1500, .6, 0), "ㅇ.": (250, 1350, .45, 0),
          "ㄱ.": (330, 1000, .05, 0), "": (300, 1500, 0, 0)}


def spell(word: str) -> str:
    """Letters of a word in Hangul, a dot after each syllable."""
    at = [ord(s) - 0xAC00 for s in word]
    if not at or min(at) < 0 or max(at) >= 11172:
        raise ValueError(f"word should be Hangul syllables, got {word!r}")
    return "".join(FIRST[k // 588] + VOWELS[k // 28 % 21] + LAST[k % 28] + "."
                   for k in at)


def join(text: str) -> str:
    """The word of which `spell` makes `text`."""
    return "".join(chr(0xAC00 + 588 * FIRST.index(s[0])
                       + 28 * VOWELS.index(s[1]) + LAST.index(s[2:]))
                   for s in text.split(".")[:-1])


def sounds(word: str) -> list[str]:
    """What is heard of a word spelled as it sounds, and a silence."""
    out = []
    for s in spell(word).split(".")[:-1]:
        heard = [*s[s[0] == "ㅇ":].replace("ㅠ", "yㅜ")]
        if len(s) > 2 and s[2] + "." in SOUNDS:
            heard[-1] += "."
        out += heard
    if missing := sorted(set(out) - set(SOUNDS)):
        raise ValueError(f"this voice lacks {' '.join(missing)}")
    return [*out, ""]


def column(sound: str, window: ndarray) -> ndarray:
    """How strong each of the n = len(window) frequencies of a steady sound
    is in one slice: (n,), the sum of squares of its tones and its noise."""
    low, high, voice, hiss = SOUNDS[sound]
    n = len(window)
    turn = 2 * np.pi * np.arange(n) / RATE
    tones = voice * (np.sin(low * turn) + 0.6 * np.sin(high * turn))
    noise = hiss * 2 * np.abs(np.sin(np.pi * np.arange(n) / n))
    return np.hypot(np.abs(np.fft.fft(window * tones)),
                    noise * np.linalg.norm(window))
