"""Sphinx extension of the book: what Jupyter Book's defaults do not do.

- Formulas become MathML when the book is built (package `math-core`): no
  script, no font file, readable by screen readers.  An unknown command is
  a build warning, which `-W` turns into a failure.
- A notebook figure takes its alt text from the output's metadata, where
  `lab1784.show` put it; a figure without one is a build warning.
- An interactive figure (lab1784/interactive.py) is such a figure, followed
  by its hidden panel; the pages that have one load one script more.
- Cells tagged `solution` are folded behind a summary.
- The search index of this English book holds Korean words too.
- The page's own links (Colab, notebook, source) stand in its header.
- When the pages are written, tools/slim.py bundles and trims what they load.
"""

from __future__ import annotations

import json
import re
import struct
import sys
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from docutils import nodes
from math_core import LatexError, LatexToMathML
from myst_nb.core.render import NbElementRenderer
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.search.en import SearchEnglish
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

sys.path.insert(0, str(Path(__file__).parent))
import slim  # noqa: E402  (a neighbour of this file, not a package)

LOG = logging.getLogger(__name__)
LATEX = LatexToMathML(fancy_error=False)
HANGUL = re.compile(r"[가-힣]+")


# ---- formulas ---------------------------------------------------------

def to_mathml(tex: str, display: bool, node=None) -> str:
    """MathML Core for a LaTeX formula; the source itself where it fails."""
    if display and r"\\" in tex and r"\begin{" not in tex:
        tex = rf"\begin{{aligned}}{tex}\end{{aligned}}"
    # Numbers are Sphinx's business: it knows the page's other equations.
    tex = re.sub(r"\\(begin|end){(align|equation|gather)}", r"\\\1{\2*}", tex)
    try:
        return LATEX.convert_with_local_state(tex, displaystyle=display)
    except LatexError as error:
        LOG.warning("formula %r: %s", tex.strip(), error, location=node)
        return f"<code>{escape(tex)}</code>"


def visit_inline(self, node):
    self.body.append('<span class="math">'
                     f"{to_mathml(node.astext(), False, node)}</span>")
    raise nodes.SkipNode


def visit_display(self, node):
    self.body.append(self.starttag(node, "div", CLASS="math"))
    self.body.append(to_mathml(node.astext(), True, node))
    if node.get("number"):
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="eqno">({number})')
        self.add_permalink_ref(node, "Link to this equation")
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


# ---- notebook cells ---------------------------------------------------

def render_image(self, data, original=NbElementRenderer.render_image):
    """myst-nb's image, with the alt text that the output carries."""
    result = original(self, data)
    meta = data.output_metadata.get(data.mime_type, {})
    for image in result:
        if meta.get("alt"):
            image["alt"] = meta["alt"]
        elif not image.get("alt"):
            self.logger.warning(
                f"figure without alt text in cell {data.cell_index}",
                subtype="alt", line=data.line)
    if panel := data.output_metadata.get("lab1784", {}).get("panel"):
        result.append(nodes.raw("", panel_html(panel), format="html"))
    return result


def panel_html(panel: dict) -> str:
    """The grid of an interactive figure, shown by interactive.js alone."""
    grid = json.dumps(panel, ensure_ascii=False, separators=(",", ":"))
    grid = grid.replace("<", "\\u003c")
    return f'<figure class="panel" hidden><script type="application/json">{grid}</script></figure>'


def before_writing(app, doctree):
    """Fold solutions; a badge that another host would draw becomes text."""
    for image in list(doctree.findall(nodes.image)):
        if "://" in image["uri"]:
            image.replace_self(nodes.inline(
                "", image.get("alt", "image"), classes=["remote-image"]))
    for cell in doctree.findall(nodes.container):
        tags = cell.get("cell_metadata", {}).get("tags", [])
        if cell.get("nb_element") == "cell_code" and "solution" in tags:
            cell["hide_mode"] = "all"
            cell["prompt_show"] = cell["prompt_hide"] = "Solution"


def fold_admonitions(app, doctree, docname):
    """`:class: dropdown` without a script: a <details> of its own."""
    if app.builder.format != "html":
        return
    for box in list(doctree.findall(nodes.Admonition)):
        if "dropdown" in box["classes"]:
            title = (box.pop(0).astext() if isinstance(box[0], nodes.title)
                     else box.tagname.capitalize())
            fold = HideCodeCellNode(prompt_show=title)
            fold["ids"] = box["ids"]
            fold += box.children
            box.replace_self(fold)


def visit_folded(self, node):
    label = {"content": "Code", "source": "Code", "output": "Output",
             "outputs": "Output"}.get(node["prompt_show"],
                                      node["prompt_show"])
    self.body.append(self.starttag(node, "details", CLASS="folded")
                     + f"<summary>{escape(label)}</summary>\n")


def depart_folded(self, node):
    self.body.append("</details>\n")


# ---- search -----------------------------------------------------------

class Search(SearchEnglish):
    """English search that also finds Korean inside longer words.

    Korean glues particles to nouns (모델이, 데이터를) and nouns to nouns
    (데이터증강); Sphinx's script looks a short word up only as a whole.  So
    every stretch of two or more syllables of a Korean word is indexed.
    """

    def split(self, text: str) -> list[str]:
        words = []
        for word in super().split(text):
            runs = HANGUL.findall(word)
            words.append(word)
            if runs and runs != [word]:      # Latin and Hangul in one word
                words += [w for w in HANGUL.split(word) if w]
            for run in runs:
                words += {run[i:j] for i in range(len(run))
                          for j in range(i + 2, len(run) + 1)}
        return words


# ---- pages ------------------------------------------------------------

def describe(app, pagename, templatename, context, doctree):
    """A notebook's description: its title and how its story begins."""
    if not pagename.startswith("notebooks/"):
        return
    story = next((p.astext() for section in doctree.findall(nodes.section)
                  if isinstance(section.parent, nodes.section)
                  for p in section.children
                  if isinstance(p, nodes.paragraph)), "")
    text = re.sub("<[^>]*>", "", context["title"]) + ". "
    text += " ".join(story.split())
    short = text if len(text) < 200 else text[:200].rsplit(" ", 1)[0] + " …"
    context["metatags"] += (
        f'<meta name="description" content="{escape(short)}">\n')
    context["meta"] = (context["meta"] or {}) | {"og:description": short}


def page_context(app, pagename, templatename, context, doctree):
    """Links of the page header; scripts that only this page asks for."""
    if '<figure class="panel"' in context.get("body", ""):
        app.add_js_file("interactive.js")
    context["page_scripts"] = [
        js for js in context["script_files"]
        if js not in app.builder._orig_js_files
        and "DOCUMENTATION_OPTIONS" not in js.attributes.get("body", "")]
    context["doctree_page"] = doctree is not None
    app.book_pages = {*getattr(app, "book_pages", ()), pagename}
    repository = app.config.html_theme_options["repository_url"]
    branch = app.config.html_theme_options["repository_branch"]
    links = [{"kind": "download" if "_sources" in link["url"] else "colab",
              "url": link["url"], "icon": "fa-solid fa-" + icon,
              "text": text}
             for group in context["header_buttons"]
             for link in group.get("buttons", [])
             for icon, text, mark in [
                 ("rocket", "Run in Colab", "colab.research"),
                 ("download", "Notebook", ".ipynb")]
             if mark in link.get("url", "")
             and (mark != ".ipynb" or "_sources" in link["url"])]
    suffix = context.get("page_source_suffix", "").replace(".ipynb", ".py")
    source = f"{repository}/blob/{branch}/{pagename}{suffix}"
    source = source if doctree is not None else repository
    links.append({"kind": "source", "url": source, "text": "Source",
                  "icon": "fa-solid fa-code-branch"})
    context["page_links"] = links


def count(before: str, chapter: str, docs) -> str:
    """How many notebooks of a chapter are in the book, in words."""
    n = sum(doc.startswith(f"notebooks/{chapter}/") for doc in docs)
    return f"{before}{n} notebook{'s' * (n != 1)}" if n else ""


IMAGE = re.compile(r'<img ([^>]*?src="([^"]+\.png)"[^>]*)>')


# Names and roles that the theme and docutils leave out or get wrong.
NAMES = [
    ('<dialog id="pst-primary-sidebar-modal"',
     '<dialog id="pst-primary-sidebar-modal" aria-label="Book"'),
    ('<dialog id="pst-secondary-sidebar-modal"',
     '<dialog id="pst-secondary-sidebar-modal" aria-label="On this page"'),
    ('<summary><span class="toctree-toggle"',
     '<summary aria-label="Pages below"><span class="toctree-toggle"'),
    ('<th class="head"><p></p></th>', '<td class="head"></td>'),
    ('<div role="list" class="citation-list">',
     '<div class="citation-list">'),
    (' role="doc-biblioentry"', ""),
]
# A formula wider than the page scrolls by keyboard too.  Figures come when
# they are near, so that the text is there first, and the rest soon after,
# so that the page can be read where there is no network.
SCRIPT = """addEventListener("load", function () {
  function mark() {
    var all = [...document.querySelectorAll("div.math")];
    all.map(e => e.scrollWidth > e.clientWidth).forEach(function (wide, i) {
      if (wide) all[i].tabIndex = 0;
      else all[i].removeAttribute("tabindex");
    });
  }
  mark();
  addEventListener("resize", mark);
  setTimeout(function () {
    document.querySelectorAll("img[loading=lazy]").forEach(i => i.loading = "eager");
  }, 2000);
});"""


ONE_LINE = re.compile(r'(<div class="output [^"]*)("><div class="highlight"><pre>'
                      r'<span></span>[^\n]*\n</pre>)')


def finish_page(page: Path, site: Path, root: str, docs) -> None:
    """What is easier on the finished HTML than in the writer."""
    html = page.read_text(encoding="utf-8")
    # The drawing of the building is the same file wherever it stands.
    up = "../" * (len(page.relative_to(site).parts) - 1)
    html = html.replace('href="root:', f'href="{up}')
    html = re.sub(r"count:(.{0,2}?):([\w-]+)", lambda m: count(*m.groups(), docs),
                  html)

    def image(match):
        rest, target = match[1].rstrip("/ "), page.parent / match[2]
        if target.exists() and " width=" not in rest and "style=" not in rest:
            width, height = struct.unpack(">II", target.read_bytes()[16:24])
            rest += f' width="{width}" height="{height}"'
        return f'<img {rest} loading="lazy" decoding="async">'

    html = IMAGE.sub(image, html)
    # A verdict is one line: on a phone it wraps; a table never does.
    html = ONE_LINE.sub(r"\1 one-line\2", html)
    for old, new in NAMES:
        html = html.replace(old, new)
    if page.name == "404.html":     # served for any address, at any depth
        html = re.sub(r'\b(href|src|action|data-content_root)="'
                      r'(?!#|/|[a-z]+:)(?:\./)?',
                      rf'\1="{root}', html)
    page.write_text(html, encoding="utf-8")


def build_finished(app, error):
    if error or app.builder.name != "html":
        return
    site = Path(app.outdir)
    root = urlsplit(app.config.html_baseurl).path or "/"
    for name in getattr(app, "book_pages", ()):    # those written just now
        finish_page(site / f"{name}.html", site, root, app.env.found_docs)
    slim.trim(site, app.builder)


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None),
                               (visit_display, None))
    app.add_search_language(Search)
    app.add_node(HideCodeCellNode, override=True,
                 html=(visit_folded, depart_folded))
    NbElementRenderer.render_image = render_image
    app.add_js_file(None, body=SCRIPT)
    app.connect("doctree-read", before_writing)
    app.connect("doctree-resolved", fold_admonitions)
    app.connect("html-page-context", describe, priority=400)
    app.connect("html-page-context", page_context, priority=900)
    app.connect("build-finished", build_finished, priority=900)
    return {"version": "1", "parallel_read_safe": True,
            "parallel_write_safe": True}
