"""The numbers of a page, in one place.

`make check` counts by them (tools/page.py), the tests of the pages use
them, and CONTRIBUTING.md lists them; a test compares its numbers with
these.
"""

COLUMNS = 79            # of a line of code
WORDS = 3000            # of Markdown on a technique page; aim at 2,500
STOP_WORDS = 900        # on a stop
CLAIMS = (2, 4)         # a technique page; a stop has none
TECHNIQUE_CELL = 25     # lines
CODE = 220              # lines of technique and experiment; aim at 130
STOP_CODE = 40          # lines of a stop that run live
IN_SHORT = 3            # sentences: question, finding, what is not shown
KOREAN = 5              # sentences of the summary
STOP_KOREAN = 2
HANGUL = 0.4            # of the letters of each of them, at least
TRIES = 6               # rows
EXERCISES = (2, 5)      # find the bug is one of them
STOP_EXERCISES = 2
ORACLES = 2
MISTAKES = 4            # of technique cells, in bold under Break it
EXPERIMENT = 3          # mistakes of experiment cells

# What the card's row `Rule read in` may say; `other: NAME` names a source.
READ_IN = ("paper", "official code", "paper and official code", "sketch")

# Pages older than the limits, with what they have today.  A number here
# may only become smaller; a page within the limits leaves the table.
OVER: dict[str, dict[str, int]] = {
}
