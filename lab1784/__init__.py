"""The apparatus of *1784: NAVER AI Lab in miniature*.

What a chapter does not teach lives here: drawing data, running arms over
seeds, judging a claim, showing a figure, checking an exercise.  What a
chapter does teach stands in its notebook.
"""

from .arguments import known
from .claims import claim, stated, verdict
from .exercises import check, near
from .figures import draw_claim, image_grid, overview, palette, show
from .memory import remember
from .runs import SEEDS, Runs, compare

__all__ = ["SEEDS", "Runs", "check", "claim", "compare", "data",
           "draw_claim", "image_grid", "known", "near", "overview",
           "palette", "remember", "show", "stated", "verdict"]
__version__ = "0.1.0"


def __getattr__(name: str):
    """Import the data sets only where they are used: a page that draws
    nothing does not pay for them."""
    if name == "data":
        import importlib
        return importlib.import_module(".data", __name__)
    raise AttributeError(f"lab1784 has no attribute {name!r}; "
                         f"it has {', '.join(__all__)}")
