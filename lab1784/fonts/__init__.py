"""A font for Korean words in figures, as matplotlib's own has no Hangul."""

from pathlib import Path

FAMILY = "Lab1784 Hangul"
PATH = Path(__file__).with_name("Lab1784Hangul.ttf")


def hangul() -> str:
    """The family name of the book's Hangul font, ready for matplotlib.

    The first call registers the file with matplotlib's font manager; later
    calls change nothing.  Nothing is installed outside this process.

        plt.title("경사하강법", family=hangul())

    For a whole figure, keep matplotlib's font for everything else:

        plt.rcParams["font.family"] = ["DejaVu Sans", hangul()]

    The font holds the 2,350 syllables of KS X 1001, the jamo, ASCII,
    Latin-1, Greek, arrows and common punctuation, but no Hanja.
    """
    from matplotlib.font_manager import fontManager

    if all(entry.fname != str(PATH) for entry in fontManager.ttflist):
        fontManager.addfont(PATH)
    return FAMILY
