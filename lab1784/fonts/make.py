"""Make Lab1784Hangul.ttf from NanumGothic Regular; see README.md here.

    python lab1784/fonts/make.py PATH/TO/NanumGothic.ttf

The same font and the same fonttools give the same file, byte for byte.
"""

import sys
from collections import Counter
from pathlib import Path

FAMILY = "Lab1784 Hangul"
VERSION = "Version 3.021; subset by the authors of 1784: NAVER AI Lab in miniature"
LICENCE = ("This Font Software is licensed under the SIL Open Font License, Version 1.1. "
           "It is a Modified Version: see OFL.txt and README.md beside it.")


def syllables() -> set[int]:
    """The 2,350 syllables of KS X 1001: rows 16 to 40 of its table."""
    return {ord(bytes((row, cell)).decode("euc-kr"))
            for row in range(0xB0, 0xC9) for cell in range(0xA1, 0xFF)}


def wanted() -> set[int]:
    """Code points to keep, where the source has them."""
    keep = syllables() | set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))
    keep |= set(range(0x3131, 0x318F))        # jamo as letters of their own
    keep |= set(range(0x391, 0x3CA))          # Greek, for formulas
    return keep | {ord(c) for c in "–—‘’“”†‡•…‰′″※₩€™←↑→↓↔⇒∂∇∏∑√∞≈≠≤≥　、。「」『』〈〉《》【】〜"}


def share_contours(font) -> None:
    """Store a contour that several glyphs draw once, and refer to it.

    The jamo of Hangul recur all over the syllables; the source repeats their
    outlines.  Every glyph looks the same afterwards, to the unit.
    """
    from fontTools.ttLib.tables.ttProgram import Program
    from fontTools.ttLib.tables._g_l_y_f import Glyph, GlyphComponent, GlyphCoordinates

    table, metrics, order = font["glyf"], font["hmtx"].metrics, list(font.getGlyphOrder())

    def simple(contours) -> Glyph:
        glyph = Glyph()
        glyph.numberOfContours = len(contours)
        glyph.coordinates = GlyphCoordinates([p for points, _ in contours for p in points])
        glyph.flags = bytearray(f for _, flags in contours for f in flags)
        glyph.endPtsOfContours = [
            sum(len(points) for points, _ in contours[:i + 1]) - 1 for i in range(len(contours))]
        glyph.program = Program()
        glyph.program.fromBytecode(b"")
        glyph.recalcBounds(table)
        return glyph

    drawn, count = {}, Counter()
    for name in order:
        if table[name].numberOfContours > 0:
            coordinates, ends, flags = table[name].getCoordinates(table)
            drawn[name], start = [], 0
            for end in ends:
                points = [(int(x), int(y)) for x, y in coordinates[start:end + 1]]
                on = [flag & 1 for flag in flags[start:end + 1]]
                start, first = end + 1, points.index(min(points))
                points, on = points[first:] + points[:first], on[first:] + on[:first]
                left, low = points[0]
                moved = tuple((x - left, y - low) for x, y in points)
                drawn[name].append(((moved, tuple(on)), left, low))
            count.update(shape for shape, _, _ in drawn[name])

    parts = {}

    def part(shape: tuple) -> str:
        """The name of the glyph that holds these contours and nothing else."""
        if shape not in parts:
            parts[shape] = f"part{len(parts):05d}"
            table[parts[shape]] = glyph = simple(shape)
            metrics[parts[shape]] = (0, glyph.xMin)
        return parts[shape]

    for name, contours in drawn.items():
        shared = [c for c in contours if count[c[0]] > 1]
        if not shared:
            continue
        uses = [(part((shape,)), x, y) for shape, x, y in shared]
        own = tuple((tuple((px + x, py + y) for px, py in points), on)
                    for (points, on), x, y in contours if count[points, on] == 1)
        uses += [(part(own), 0, 0)] if own else []
        glyph = Glyph()
        glyph.numberOfContours, glyph.components = -1, []
        for held, x, y in uses:
            component = GlyphComponent()
            component.glyphName, component.x, component.y, component.flags = held, x, y, 0
            glyph.components.append(component)
        table[name] = glyph
    font.setGlyphOrder(order + list(parts.values()))
    table.glyphOrder = font.getGlyphOrder()


def main(source: str) -> None:
    """Write the font of this folder from the file `source`."""
    from fontTools import subset
    from fontTools.ttLib import TTFont

    font = TTFont(source, recalcTimestamp=False)
    # Axes write -1 with U+2212, which the source lacks: the en dash serves.
    for table in font["cmap"].tables:
        if table.isUnicode():
            table.cmap[0x2212] = table.cmap[0x2013]
    for tag in [tag for tag in font.keys() if tag.startswith("TSI")]:
        del font[tag]                         # notes of the hinting tool
    options = subset.Options(
        hinting=False, legacy_kern=True, notdef_outline=True, glyph_names=False,
        name_IDs=[0, 7, 9], name_languages=[1033], name_legacy=False)
    cut = subset.Subsetter(options)
    cut.populate(unicodes=wanted() | {0x2212})
    cut.subset(font)
    share_contours(font)
    compact = FAMILY.replace(" ", "")
    for number, text in {1: FAMILY, 2: "Regular", 3: f"{compact}-Regular-3.021", 4: FAMILY,
                         5: VERSION, 6: f"{compact}-Regular", 13: LICENCE,
                         14: "https://openfontlicense.org"}.items():
        font["name"].setName(text, number, 3, 1, 1033)
    font["OS/2"].fsType = 0                   # may be embedded, as the OFL says
    font.save(Path(__file__).with_name(f"{compact}.ttf"))


if __name__ == "__main__":
    main(sys.argv[1])
