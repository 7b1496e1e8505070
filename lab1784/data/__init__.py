"""Data that is drawn here, or ships with a package: nothing is downloaded.

| function | what it gives | truth that comes with it |
|---|---|---|
| `digits`, `mnist5k` | handwritten digits, real | the class |
| `coloured_digits` | the same, the background betrays the class | colour |
| `on_all_colours` | a coloured digit's ink on each colour | colour |
| `two_part` | a strong part beside a weak one | where each part is |
| `avatar_factors`, `draw_avatars` | faces | factors, masks, counterfactuals |
| `scenes` | coloured shapes with a caption | boxes, words, classes |
| `constitution` | a law text in Korean, real | none: an analyser's cuts |

A seed is an integer or a `torch.Generator` on the CPU.  An integer gives the
same data on every machine, up to the last bits of real numbers.
"""

from .avatars import (AFFECTS, CATEGORIES, LIMITS, PARTS, RANGES,
                      avatar_factors, counterfactual, draw_avatars, tinted)
from .captioned import (CAPTION_LENGTH, COLOURS, PLACES, RELATIONS, SHAPES,
                        VOCABULARY, Scenes, decode, encode, scenes)
from .handwriting import (COLOURS_OF_DIGITS, ColouredSplit, Split,
                          coloured_digits, digits, mnist5k, on_all_colours)
from .law import constitution
from .objects import part_patterns, two_part

__all__ = ["AFFECTS", "CAPTION_LENGTH", "CATEGORIES", "COLOURS",
           "COLOURS_OF_DIGITS", "ColouredSplit", "LIMITS", "PARTS", "PLACES",
           "RANGES", "RELATIONS", "SHAPES", "Scenes", "Split", "VOCABULARY",
           "avatar_factors", "coloured_digits", "constitution",
           "counterfactual", "decode", "digits", "draw_avatars", "encode",
           "mnist5k", "on_all_colours", "part_patterns", "scenes", "tinted",
           "two_part"]
