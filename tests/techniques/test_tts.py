"""tts: what this stop must survive (see test_every_page.py)."""

import unicodedata

import numpy as np
import torch

from lab1784.data import speech
from tests.house import answer, exercises, load

# The articles' own examples, without marks of length; those that need a
# tense consonant or a double closing one as well are left out.
EXAMPLES = {
    9: "키읔>키윽 옷>옫 젖>젇 꽃>꼳 솥>솓 앞>압",
    12: "놓고>노코 좋던>조턴 쌓지>싸치 각하>가카 먹히다>머키다 맏형>마텽 "
        "좁히다>조피다 꽂히다>꼬치다 닿소>다쏘 놓는>논는 쌓네>싼네 낳은>나은 "
        "놓아>노아 쌓이다>싸이다",
    13: "깎아>까까 옷이>오시 있어>이써 낮이>나지 꽂아>꼬자 꽃을>꼬츨 쫓아>쪼차 "
        "밭에>바테 앞으로>아프로 덮이다>더피다",
    17: "굳이>구지 미닫이>미다지 땀받이>땀바지 밭이>바치 굳히다>구치다 "
        "닫히다>다치다 묻히다>무치다",
    18: "먹는>멍는 국물>궁물 깎는>깡는 키읔만>키응만 닫는>단는 짓는>진는 있는>인는 "
        "맞는>만는 젖멍울>전멍울 쫓는>쫀는 꽃망울>꼰망울 붙는>분는 놓는>논는 "
        "잡는>잠는 밥물>밤물 앞마당>암마당",
    20: "난로>날로 신라>실라 천리>철리 광한루>광할루 대관령>대괄령 칼날>칼랄 "
        "물난리>물랄리 할는지>할른지"}
# Words that article 20 names as those that do not obey it.
NOT_20 = "의견란>의견난 임진란>임진난 생산량>생산냥 이원론>이원논 구근류>구근뉴"


def pairs(text):
    return [pair.split(">") for pair in text.split()]


def words_of_the_articles(page):
    """Sixty-one words with the pronunciation that the articles give."""
    assert set(page["RULES"]) == set(EXAMPLES)
    for text in EXAMPLES.values():
        for written, said in pairs(text):
            assert page["spoken"](written) == said
    for written, said in pairs(NOT_20):          # the page says so
        assert page["spoken"](written) != said
    rules = page["RULES"]                        # the order matters
    page["RULES"] = {k: rules[k] for k in (17, 12, 9, 13, 18, 20)}
    try:
        assert page["spoken"]("옷이") == "오디"
    finally:
        page["RULES"] = rules


def letters_by_unicode(page):
    """Spelling as Unicode decomposes it, by the letters' names."""
    def name(jamo):
        return unicodedata.name(jamo).split()[-1]
    g = np.random.default_rng(1003)
    for k in g.integers(0xAC00, 0xD7A4, 400):
        word = chr(k) + "가"
        spelled = page["spell"](word)
        assert page["join"](spelled) == word
        assert [name(j) for j in unicodedata.normalize("NFD", chr(k))] == [
            name(j) for j in spelled.split(".")[0]]
    assert page["sounds"]("육이") == ["y", "ㅜ", "ㄱ.", "ㅣ", ""]
    for wrong in ("", "abc", "ㄱ"):
        try:
            page["spell"](wrong)
        except ValueError:
            continue
        raise AssertionError(wrong)
    try:
        page["sounds"]("밥")
    except ValueError as error:
        assert "ㅂ" in str(error)
    else:
        raise AssertionError("a sound that the voice lacks")


def lengths_one_by_one(page):
    """Each row by itself, as often as it lasts; the sum is the length."""
    g = np.random.default_rng(1003)
    for alpha in (1, 0.75, 1.3, 2):
        rows, times = g.random((9, 3)), g.integers(0, 30, 9)
        want = [row for row, n in zip(rows, times)
                for _ in range(round(alpha * int(n)))]
        got = page["regulate"](rows, times, alpha)
        assert np.array_equal(got, want)
    assert len(page["regulate"](rows, times)) == times.sum()


def steps_by_least_squares(page):
    """Two steps with a matrix of the transform, written out sample by
    sample, and NumPy's solver."""
    size, n, hop, rng = 200, 160, 40, np.random.default_rng(1003)
    window = [np.sin(np.pi * k / n) ** 2 for k in range(n)]
    slices = size // hop + 1
    A = np.zeros((slices, n, size), complex)
    for t in range(slices):
        for k in range(n):
            s = t * hop + k - n // 2
            if 0 <= s < size:
                A[t, :, s] = window[k] * np.exp(
                    -2j * np.pi * k * np.arange(n) / n)
    A = A.reshape(-1, size)
    half = rng.random((n, slices))
    S = half + half[(-np.arange(n)) % n]         # as a real wave has it
    x = start = rng.standard_normal(size)
    want = []
    for _ in range(2):
        b = S.T.ravel() * np.exp(1j * np.angle(A @ x))
        x = np.linalg.lstsq(np.r_[A.real, A.imag], np.r_[b.real, b.imag])[0]
        want.append(np.linalg.norm(np.abs(A @ x) - S.T.ravel())
                    / np.linalg.norm(S))
    got, error = page["griffin_lim"](torch.tensor(S), torch.tensor(start), 2)
    np.testing.assert_allclose(got.numpy(), x, atol=1e-9)
    np.testing.assert_allclose(error, want, atol=1e-9)


def true_strengths_stay(page):
    """A wave with its own strengths is left as it is, and from noise the
    error falls whatever the strengths are."""
    g = torch.Generator().manual_seed(1003)
    x = torch.randn(2000, generator=g, dtype=torch.double)
    same, error = page["griffin_lim"](page["stft"](x).abs(), x, 3)
    torch.testing.assert_close(same, x, atol=1e-12, rtol=0)
    assert max(error) < 1e-12
    squares = np.zeros(2000 + 160)               # windows that add up
    for t in range(51):
        squares[40 * t:40 * t + 160] += page["WINDOW"].numpy() ** 2
    inside = np.isclose(squares[80:-80], 1.5)
    assert inside[40:-40].all() and not inside[:20].any()
    for _ in range(5):
        half = torch.rand(160, 51, generator=g, dtype=torch.double) ** 4
        S = half + half.roll(-1, 0).flip(0)
        start = torch.randn(2000, generator=g, dtype=torch.double)
        assert np.diff(page["griffin_lim"](S, start, 40)[1]).max() <= 1e-12


def no_wave_has_them(page):
    """After a silence only the last 40 samples of a slice may sound; then
    its autocorrelation ends at lag 39, and the wanted one's does not."""
    for sound in ("ㄱ", "ㅜ", "ㅁ", "ㅣ"):
        S = page["column"](sound, page["WINDOW"].numpy())
        lags = np.fft.ifft(S ** 2).real
        assert np.abs(lags[40:121]).max() > 0.01 * lags[0]


def spoken_by_this_page(page, text, rng, noise, steps):
    """A telephone number by the page's three steps; samples (NumPy)."""
    said = [""] + [s for d in text for s in page["sounds"](
        page["spoken"]("공일이삼사오육칠팔구"[d]))]
    lasts = [24 if s in list("ㅏㅗㅜㅣ") else 12 if s else 20 for s in said]
    rows = page["regulate"]([page["column"](s, page["WINDOW"].numpy())
                             for s in said], lasts, 0.75)
    start = torch.tensor(rng.standard_normal(40 * (len(rows) - 1)))
    x, _ = page["griffin_lim"](torch.tensor(rows.T), start, steps)
    return x.numpy() + noise * rng.standard_normal(len(x))


def read_by_the_speech_page(page):
    """The recogniser of asr, trained as there, hears forty numbers, and
    what the page says of it holds; the voice is that page's."""
    asr = load("asr")
    ours = dict(zip(("i", "a", "o", "u", "y", "s", "c", "p", "g", "m", "l",
                     "ng", "k", ""), speech.SOUNDS.values()))
    assert ours == asr["SOUNDS"] and speech.RATE == asr["RATE"]
    net, _ = asr["train"]("ctc", 1000, 1.0, 350)
    cer = {}
    for noise, steps in ((0.3, 20), (0.3, 1), (0.0, 20)):
        rng = np.random.default_rng(1003)
        texts = rng.integers(0, 10, (40, 4)).tolist()
        read = []
        for text in texts:
            x = asr["hear"](spoken_by_this_page(page, text, rng, noise,
                                                steps))
            path = asr["read"](net, x[None], torch.tensor([len(x)]))[0]
            read.append([k - 1 for k in asr["collapse"](path)])
        cer[noise, steps] = asr["error_rate"](read, texts)
    assert cer[0.3, 20] <= 0.05 and cer[0.3, 1] <= 0.1, cer
    assert cer[0.0, 20] >= 0.1, cer


ORACLES = [words_of_the_articles, letters_by_unicode, lengths_one_by_one,
           steps_by_least_squares, true_strengths_stay, no_wave_has_them,
           read_by_the_speech_page]

WRONG = {
    "tts-1": [("two_words = '국물', '국물'", "written differently"),
              ("two_words = '국물', '굿물'", "sound different")],
    "tts-2": [
        ("def other(wave):\n    return wave.clone()", "same wave"),
        ("def other(wave):\n    return wave.flip(0)", "Backwards"),
        ("def other(wave):\n    return 2 * wave", "louder"),
        ("def other(wave):\n    return wave.roll(40)", "strengths differ"),
        ("def other(wave):\n    return wave[1:]", "As many samples"),
    ],
}


def test_other_forms_of_a_right_answer_pass():
    """Single precision and a list are the same wave."""
    check = exercises("tts")[1]["check"]
    for form in ("-wave.float()", "(-wave).tolist()", "-wave.numpy()"):
        said = answer(load("tts"), f"def other(wave):\n    return {form}",
                      check)
        assert said == "tts-2: right.\n", said


OPEN = {"tts-1": "many pairs of words sound alike"}
