"""Make what a page loads small: one stylesheet, one script, cut fonts.

The theme ships 400 kB of CSS (Bootstrap whole), 1.5 MB of icon script and
three icon fonts, of which these pages use little. Rules whose classes and
ids occur in no page and no script go, and the fonts keep the signs that
are drawn. Nothing else is rewritten.
"""

from __future__ import annotations

import hashlib
import io
import logging
import re
import shutil
from html import unescape
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

logging.getLogger("fontTools").setLevel(logging.ERROR)
NAME = r"-?[_a-zA-Z][\w-]*"
# What the theme or Jupyter Book load and no page of ours needs.
DROP = re.compile(r"thebe|fontawesome|bootstrap|toggle|interactive.js", re.I)
KEEP = {"book.css", "book.js", "interactive.js", "searchtools.js", "language_data.js"}


def can_match(selector: str, known: set[str]) -> bool:
    """Are its classes and ids known?  What stands in brackets counts so."""
    old = None
    while selector != old:
        old, selector = selector, re.sub(r"\([^()]*\)|\[[^][]*\]|\\", "", selector)
    return known.issuperset(re.findall(rf"[.#]({NAME})", selector))


def purge(css: str, known: set[str]) -> str:
    """CSS without the rules that can match nothing."""
    css, out, at = re.sub(r"/\*.*?\*/", "", css, flags=re.S), [], 0
    while start := re.compile(r"[{;]").search(css, at):
        prelude, at = css[at:start.start()].strip(), start.end()
        if start[0] == ";":                       # @import, @charset
            continue
        depth = 1
        while depth:
            brace = re.compile(r"[{}]").search(css, at)
            depth += 1 if brace[0] == "{" else -1
            at = brace.end()
        body = css[start.end():at - 1]
        if prelude.startswith(("@media", "@supports", "@container")):
            body = purge(body, known)
        elif not prelude.startswith("@"):
            prelude = ",".join(s.strip() for s in re.split(r",(?![^(]*\))", prelude)
                               if can_match(s, known))
        if prelude and body.strip():
            out.append(f"{prelude}{{{body.strip()}}}\n")
    return "".join(out)


def on_paper(css: str) -> str:
    """Dark colours are for the screen; paper takes the light ones."""
    light = []

    def rule(match):
        themes = set(re.findall(r'data-theme="?(\w+)', match[1]))
        if themes == {"light"}:
            light.append(re.sub(r"\[data-theme=[^]]*\]", "[data-theme]", match[0]))
        return f"@media screen{{{match[0]}}}" if themes == {"dark"} else match[0]

    css = re.sub(r"(?m)^([^@{}\n]+)\{[^{}]*\}$", rule, css)
    return css + "@media print{" + "\n".join(light) + "}\n"


def cut_font(source: Path, target: Path, signs: set[int]) -> None:
    """A font with these code points only, the same bytes each time."""
    font, data = TTFont(source, recalcTimestamp=False), io.BytesIO()
    tool = subset.Subsetter(subset.Options(
        layout_features=[], notdef_outline=False, hinting=False))
    tool.populate(unicodes=signs)
    tool.subset(font)
    font.flavor = "woff"
    font.save(data)
    target.write_bytes(data.getvalue())


def cut_fonts(css: str, html: str, static: Path) -> str:
    """Fonts with the signs in use; returns CSS that names no other font."""
    icons = {int(code, 16) for code in re.findall(r'"\\([0-9a-f]{4})', css)}
    icons |= {ord(c) for c in css if "\ue000" <= c <= "\uf8ff"}
    cut_font(static / "vendor/fontawesome/webfonts/fa-solid-900.ttf",
             static / "icons.woff", icons)
    # A browser draws the plain letters of a formula as italic ones, and the
    # sign of a root although it stands nowhere in the text.
    text = re.sub(r"<[^>]*>", "", "".join(re.findall(r"<math.*?</math>", html, re.S)))
    cut_font(static / "math.woff", static / "math.woff", {
        0x221A, *map(ord, unescape(text)), *range(0x1D434, 0x1D468), 0x210E, *range(0x1D6FC, 0x1D71C)})
    css = re.sub(r"@font-face{[^}]*fa-(regular|brands)[^}]*}\n", "", css)
    return re.sub(r"src:url\([^)]*fa-solid[^}]*", "src:url(icons.woff)", css)


def bundle(site: Path, first: list[str], files, last: list[str], glue: str) -> str:
    """The files' text in the order of the page, inline bodies among them."""
    parts = [(site / "_static" / name).read_text(encoding="utf-8") for name in first]
    for file in sorted(files, key=lambda f: f.priority):
        body = file.attributes.get("body") or ""
        if not DROP.search(f"{file.filename}{body}"):
            parts.append(body or (site / file.filename).read_text(encoding="utf-8"))
    parts += [(site / "_static" / name).read_text(encoding="utf-8") for name in last]
    return glue.join(re.sub(r"//# sourceMappingURL=\S+", "", part) for part in parts)


def trim(site: Path, builder) -> None:
    """Write book.css and book.js, point the pages at them, delete the rest."""
    static = site / "_static"
    if (static / "basic.css").exists():       # else no page was written anew
        pages = [p for p in site.rglob("*.html") if static not in p.parents]
        texts = [p.read_text(encoding="utf-8") for p in pages]
        html = "".join(texts)
        js = bundle(site, [], builder._js_files, ["scripts/pydata-sphinx-theme.js"], "\n;\n")
        css = bundle(site, ["basic.css", "styles/pydata-sphinx-theme.css"],
                     builder._css_files, [], "\n")
        known = set(re.findall(NAME, html + js + "".join(
            (static / name).read_text(encoding="utf-8")
            for name in ("searchtools.js", "interactive.js"))))
        new = {"book.css": on_paper(cut_fonts(purge(css, known), html, static)), "book.js": js}
        for name, text in new.items():
            (static / name).write_text(text, encoding="utf-8")
            new[name] = hashlib.sha256(text.encode()).hexdigest()[:8]
        for page, text in zip(pages, texts):
            text = re.sub(r'_static/(book\.\w+)(\?v=\w+)?"',
                          lambda m: f'_static/{m[1]}?v={new[m[1]]}"', text)
            page.write_text(text.replace("<script src=", "<script defer src="),
                            encoding="utf-8")
    for folder in ("locales", "vendor", "scripts", "styles"):
        shutil.rmtree(static / folder, ignore_errors=True)
    for path in [p for p in static.rglob("*") if p.is_file()]:
        if path.suffix in (".map", ".js", ".css") and path.name not in KEEP or (
                re.search("logo_|webpack-macros|play-solid|DS_Store", path.name)):
            path.unlink()
