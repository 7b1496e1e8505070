"""Sphinx extension of the book: what Jupyter Book's defaults do not do.

- Formulas become MathML when the book is built (package `math-core`): no
  script, no font file, readable by screen readers.  An unknown command is
  a build warning, which `-W` turns into a failure.
- A notebook figure takes its alt text from the output's metadata, where
  `lab1784.show` put it; a figure without one is a build warning.
- An interactive figure (lab1784/interactive.py) is such a figure, followed
  by its hidden panel; the pages that have one load one script more.
- A folded cell is one line that says what is behind it, the words of its
  first line `# @title WORDS`; a picture stands before the code that drew it.
- What `claim` says in Markdown stands in a box of its own.
- The search of this English book knows Korean: pairs of syllables.
- The page's own links (Colab, notebook, source) stand in its header.
- When the pages are written, tools/slim.py bundles and trims what they load.
"""

from __future__ import annotations

import json
import re
import struct
import sys
import textwrap
import unicodedata
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
sys.path.insert(1, str(Path(__file__).parents[1]))
from lab1784.claims import BECAUSE  # noqa: E402
from tools import board, paper_map  # noqa: E402

LOG = logging.getLogger(__name__)
LATEX = LatexToMathML(fancy_error=False)
HANGUL = re.compile(r"[가-힣]+(?:\s+[가-힣]+)*")
TITLE = re.compile(r"# @title (.+)\n+")
EDITION = Path(__file__).parents[1] / "assets" / "edition"   # the students'


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


def render_markdown(self, data, original=NbElementRenderer.render_markdown):
    """Markdown of a cell; what a claim says is marked with its verdict."""
    claim = data.output_metadata.get("lab1784", {}).get("claim")
    if not claim:
        return original(self, data)
    classes = ["claim", "claim-" + claim["verdict"].replace(" ", "-")]
    return [nodes.container("", *original(self, data), classes=classes)]


def panel_html(panel: dict) -> str:
    """The grid of an interactive figure, shown by interactive.js alone."""
    grid = json.dumps(panel, ensure_ascii=False, separators=(",", ":"))
    grid = grid.replace("<", "\\u003c")
    return f'<figure class="panel" hidden><script type="application/json">{grid}</script></figure>'


def before_writing(app, doctree):
    """A cell's title becomes the line that folds it; a badge that another
    host would draw becomes text."""
    for image in list(doctree.findall(nodes.image)):
        if "://" in image["uri"]:
            image.replace_self(nodes.inline(
                "", image.get("alt", "image"), classes=["remote-image"]))
    for cell in doctree.findall(nodes.container):
        code = next(cell.findall(nodes.literal_block), None)
        if cell.get("nb_element") != "cell_code" or code is None:
            continue
        if title := TITLE.match(code.astext()):
            cell["prompt_show"] = cell["prompt_hide"] = title[1].strip()
            code.rawsource = code.astext()[title.end():]
            code[:] = [nodes.Text(code.rawsource)]


def picture_first(doctree):
    """Of a folded cell with an output, the output stands first."""
    for cell in doctree.findall(nodes.container):
        if (cell.get("nb_element") == "cell_code" and len(cell) > 1
                and isinstance(cell[0], HideCodeCellNode)):
            cell.append(cell.pop(0))


def verdict_first(doctree, docname):
    """A technique page of the site begins with its In short and, behind it,
    what became of its claims: the first one's box, and how many of the
    others hold.  The card, a screen of a phone, comes last of its opening.
    Not in the students' edition, where bets come first."""
    boxes = [n for n in doctree.findall(nodes.container)
             if "claim" in n["classes"]]
    short = next((p for p in doctree.findall(nodes.paragraph)
                  if p.astext().startswith("In short.")), None)
    if (short is None or len(boxes) < 2 or EDITION.exists()
            or docname.startswith("notebooks/0-")):
        return
    words = [next(c for c in box["classes"] if c.startswith("claim-"))
             .removeprefix("claim-").replace("-", " ") for box in boxes[1:]]
    told = board.verdicts([{"verdict": w} for w in words]).replace("*", "")
    first = boxes[0].deepcopy()
    for said in list(first.findall(nodes.Text)):
        bar, because, _ = said.partition(BECAUSE)
        if because:                     # the reason stands below, with it
            at = said.parent.index(said)
            said.parent[at:] = [nodes.Text(bar)]
    opening = short.parent
    card = next(n for n in opening if isinstance(n, nodes.table))
    at = opening.index(card)
    korean = opening[at + 1:opening.index(short)]
    opening[at:opening.index(short) + 1] = [
        short, first, nodes.paragraph(
            "", f"That is the first claim; of the others, {told}."),
        *korean, card]


def fold_admonitions(app, doctree, docname):
    """`:class: dropdown` without a script: a <details> of its own."""
    if app.builder.format != "html":
        return
    picture_first(doctree)
    verdict_first(doctree, docname)
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
    node["classes"] = ["folded"]
    self.body.append(self.starttag(node, "details")
                     + f"<summary>{escape(label)}</summary>\n")


def depart_folded(self, node):
    self.body.append("</details>\n")


# ---- search -----------------------------------------------------------

class Search(SearchEnglish):
    """English search that also finds Korean, however it is spaced.

    Korean glues particles to nouns (모델이, 데이터를) and nouns to nouns
    (능동학습, 능동 학습).  So the index holds every pair of neighbouring
    syllables, blanks left out, and a query asks for all pairs of its words
    (`js_splitter_code`): its particles fall off, a lone syllable joins its
    neighbour (컷 믹스), and letters typed apart are composed (NFC).
    """

    js_splitter_code = r"""
var splitQuery = function (query) {
  const korean = /[가-힣]+(?:\s+[가-힣]+)*/g;
  const particle = /^([가-힣]{2,}?)(?:에서|에게|으로|부터|까지|처럼|보다|이나|이란|라는|입니다|[은는이가을를의에로와과란])$/;
  query = query.normalize("NFC");
  const terms = query.replace(korean, " ")
    .split(/[^\p{Letter}\p{Number}_]+/u).filter(term => term);
  for (const run of query.match(korean) || [])
    for (const word of run.replace(/(^|\s)([가-힣])\s+(?=[가-힣])/g, "$1$2").split(/\s+/)) {
      const stem = word.replace(particle, "$1");
      for (let i = 0; i < Math.max(stem.length - 1, 1); i++)
        terms.push(stem.slice(i, i + 2));
    }
  return terms;
};
"""

    def split(self, text: str) -> list[str]:
        text = unicodedata.normalize("NFC", text)
        words = super().split(HANGUL.sub(" ", text))
        for run in HANGUL.findall(text):
            words += [word for word in run.split() if len(word) == 1]
            run = "".join(run.split())
            words += {run[i:i + 2] for i in range(len(run) - 1)}
        return words

    def word_filter(self, word: str) -> bool:
        """Numbers are never looked up: the page's script leaves them out."""
        return not word.isdigit() and super().word_filter(word)


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


def floor(env, chapter: str, width: int = 28) -> list[str]:
    """The pages of a chapter in at most two lines of `width` letters: the
    names of the first three, as many as fit, and how many there are more."""
    names = [env.titles[doc].astext().partition(":")[0]
             for doc in env.toctree_includes.get(f"chapters/{chapter}", [])]
    for shown in range(min(len(names), 3), 0, -1):
        more = len(names) - shown
        lines = textwrap.wrap(", ".join(names[:shown])
                              + f" and {more} more" * (more > 0), width)
        if len(lines) <= 2 or shown == 1:
            return lines[:2]
    return []


def floors(html: str, env) -> str:
    """The drawing of the building, with the names of each floor's pages."""
    def label(match):
        lines = floor(env, match[1])
        return (": " + escape(" ".join(lines)) if lines else "") + '"'

    def sign(match):
        return match[1] + "".join(
            f'<tspan x="96" dy="{16 * (n > 0)}">{escape(line)} </tspan>'
            for n, line in enumerate(floor(env, match[2])))
    return re.sub(r"(>)pages:([\w-]+)(?=</text>)", sign,
                  re.sub(r'pages:([\w-]+)"', label, html))


def papers(up: str, docs) -> str:
    """The map of papers, each a link to its page, else to its section."""
    pages = {doc.rpartition("/")[2]: doc for doc in docs
             if doc.startswith("notebooks/")}

    def address(name: str, text: str) -> str:
        chapter, mark, place = text.partition("#")
        return up + (f"{pages[name]}.html" if name in pages else
                     f"chapters/{chapter}.html{mark}{place}")
    data = paper_map.read()
    return paper_map.drawing(data, address) + "\n" + paper_map.table(data)


IMAGE = re.compile(r'<img ([^>]*?src="([^"]+\.(?:png|svg))"[^>]*)>')


def size(file: Path) -> tuple[int, int]:
    """Width and height of a PNG or an SVG file in CSS pixels."""
    if file.suffix == ".png":
        return struct.unpack(">II", file.read_bytes()[16:24])
    head = re.search(r"<svg[^>]*>", file.read_text(encoding="utf-8"))[0]
    _, _, width, height = re.search(r'viewBox="([^"]+)"', head)[1].split()
    point = 4 / 3 if re.search(r'width="[\d.]+pt"', head) else 1
    return round(float(width) * point), round(float(height) * point)



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
# A formula or code wider than the page scrolls by keyboard too, at once (the
# theme's own script waits after a change of width).  Figures come when
# they are near, so that the text is there first; the rest once somebody
# reads on or puts the page aside, so that it can be read on a plane.
SCRIPT = """addEventListener("load", function () {
  function mark() {
    var all = [...document.querySelectorAll(
      "div.math, pre, .pst-scrollable-table-container")];
    all.map(e => e.scrollWidth > e.clientWidth).forEach(function (wide, i) {
      if (wide) all[i].tabIndex = 0;
      else all[i].removeAttribute("tabindex");
    });
  }
  mark();
  addEventListener("resize", mark);
  function all() {
    document.querySelectorAll("img[loading=lazy]").forEach(i => i.loading = "eager");
  }
  addEventListener("scroll", all, {once: true, passive: true});
  document.addEventListener("visibilitychange", all, {once: true});
});"""


def with_links(drawn: str, rest: str, up: str) -> str:
    """A drawing with links, in the page itself: in an <img> none works.
    rest: the attributes of the image; its alt text names the group."""
    alt = re.search(r'alt="([^"]*)"', rest)
    drawn = drawn[drawn.index("<svg"):].replace('href="root:', f'href="{up}')
    return drawn.replace("<svg", '<svg class="linked" role="group" '
                         f'aria-label="{alt[1] if alt else ""}"', 1)


ONE_LINE = re.compile(r'(<div class="output [^"]*)("><div class="highlight"><pre>'
                      r'<span></span>[^\n]*\n</pre>)')


def finish_page(page: Path, site: Path, root: str, env) -> None:
    """What is easier on the finished HTML than in the writer."""
    html = page.read_text(encoding="utf-8")
    # The drawing of the building is the same file wherever it stands.
    up = "../" * (len(page.relative_to(site).parts) - 1)
    html = html.replace('href="root:', f'href="{up}')
    html = floors(html, env)
    if paper_map.MARK in html:
        html = html.replace(paper_map.MARK, papers(up, env.found_docs))

    first_screen = html.find("<h2")

    def image(match):
        rest, target = match[1].rstrip("/ "), page.parent / match[2]
        if target.suffix == ".svg" and 'href="root:' in (
                drawn := target.read_text(encoding="utf-8")):
            return with_links(drawn, rest, up)
        if target.exists() and " height=" not in rest:
            rest += ' width="{}" height="{}"'.format(*size(target))
        if match.start() > first_screen:
            rest += ' loading="lazy" decoding="async"'
        return f"<img {rest}>"

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
        finish_page(site / f"{name}.html", site, root, app.env)
    slim.trim(site, app.builder)
    places = "".join(f"<url><loc>{app.config.html_baseurl}{doc}.html</loc></url>\n"
                     for doc in sorted(app.env.found_docs))
    (site / "sitemap.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<urlset xmlns='
        f'"http://www.sitemaps.org/schemas/sitemap/0.9">\n{places}</urlset>\n',
        encoding="utf-8")
    index = site / "searchindex.js"     # Sphinx writes six bytes a syllable
    terms = json.loads(index.read_text(encoding="utf-8")[len("Search.setIndex("):-1])
    terms = json.dumps(terms, ensure_ascii=False, separators=(",", ":"))
    index.write_text(f"Search.setIndex({terms})", encoding="utf-8")
    # To quote from a page the search fetches all of it: the ten best will do.
    tools = site / "_static" / "searchtools.js"
    tools.write_text(re.sub(
        r"else if \(showSearchSummary\)",
        "else if (showSearchSummary && Search.output.children.length < 10)",
        tools.read_text(encoding="utf-8")), encoding="utf-8")


def setup(app):
    app.add_html_math_renderer("mathml", (visit_inline, None),
                               (visit_display, None))
    app.add_search_language(Search)
    app.add_node(HideCodeCellNode, override=True,
                 html=(visit_folded, depart_folded))
    NbElementRenderer.render_image = render_image
    NbElementRenderer.render_markdown = render_markdown
    app.add_js_file(None, body=SCRIPT)
    app.connect("doctree-read", before_writing)
    app.connect("doctree-resolved", fold_admonitions)
    app.connect("html-page-context", describe, priority=400)
    app.connect("html-page-context", page_context, priority=900)
    app.connect("build-finished", build_finished, priority=900)
    return {"version": "1", "parallel_read_safe": True,
            "parallel_write_safe": True}
