"""The built pages as files: links, launch links, alt texts, index, bytes."""

import json
import re
import struct
import sys
import unicodedata
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from docutils import nodes

from lab1784.claims import BECAUSE
from tests.book.browser import (DOCS, REPOSITORY, ROOT, URL, dead_launches, dead_links,
                                pages, poor_images, site, soup)

sys.path.insert(0, str(ROOT / "tools"))
import book_ext  # noqa: E402
import slim  # noqa: E402


def test_every_page_of_the_contents_is_built_and_no_other():
    expected = {f"{doc}.html" for doc in DOCS} | {"search.html", "404.html"}
    assert set(pages(site())) == expected
    tree = ElementTree.parse(site() / "sitemap.xml").getroot()
    assert {e.text for e in tree.iter() if e.tag.endswith("loc")} == {
        f"{URL}{doc}.html" for doc in DOCS}


@pytest.mark.parametrize("question", [dead_links, dead_launches, poor_images])
def test_no_page_has_this_fault(question):
    assert not {p: f for p in pages(site()) if (f := question(site(), p))}


def late_verdict(folder, name):
    """A technique page whose first verdict stands behind its first part, or
    behind its card."""
    page = soup(folder / name)
    claims = page.select("div.claim")
    return len(claims) > 1 and not name.startswith("notebooks/0-") and any(
        first is None or first not in claims[0].find_all_next(first.name)
        for first in map(page.select_one, ("article h2", "article table")))


def test_the_first_verdict_stands_behind_in_short(tmp_path):
    names = [n for n in pages(site()) if n.startswith("notebooks/")]
    assert not [n for n in names if late_verdict(site(), n)]
    boxes = [found for n in names if not n.startswith("notebooks/0-")
             and len(found := soup(site() / n).select("div.claim")) > 1]
    assert len(boxes) > 9
    # The box of the opening leaves the reason to the claim itself.
    assert not any(BECAUSE.strip() in found[0].text for found in boxes)
    assert all(BECAUSE.strip() in found[1].text for found in boxes)
    box, card, part = '<div class="claim">x</div>', "<table></table>", "<h2>a</h2>"
    for n, opening in enumerate((box + card + part, part + box + card,
                                 card + box + part)):
        (tmp_path / f"{n}.html").write_text(
            f"<article><h1>t</h1>{opening}{box}</article>")
        assert late_verdict(tmp_path, f"{n}.html") == (n > 0)


@pytest.mark.parametrize("question,html", [
    (dead_links, '<a href="#no-such-place">x</a>'),
    (dead_links, '<a href="no-such-page.html">x</a>'),
    (dead_links, '<img src="/elsewhere/x.png" alt="a b">'),
    (dead_launches, '<a href="https://colab.research.google.com/'
     f'github/{REPOSITORY}/blob/main/notebooks/no.ipynb">x</a>'),
    (poor_images, '<img src="index.html">'),
    (poor_images, '<img src="a.png" alt="../_images/9ab.png">')])
def test_a_planted_fault_is_found(tmp_path, question, html):
    (tmp_path / "index.html").write_text(html)
    assert len(question(tmp_path, "index.html")) == 1


def test_every_page_says_what_and_where_it_is():
    seen = set()
    for page in pages(site()):
        html = soup(site() / page)
        about = html.find("meta", attrs={"name": "description"})["content"]
        assert 40 <= len(about) <= 300 and about not in seen, page
        seen.add(about)
        assert html.find("link", rel="canonical")["href"] == URL + page
        assert html.html["lang"] == "en"
    card = soup(site() / "index.html").find("meta", property="og:image")
    data = (site() / card["content"].removeprefix(URL)).read_bytes()
    assert struct.unpack(">II", data[16:24]) == (1200, 630)


def test_the_site_holds_nothing_that_no_page_loads():
    names = [p.name for p in site().rglob("*") if p.is_file()]
    assert not [n for n in names if re.search(
        r"\.map$|\.ttf$|fontawesome|thebe|bootstrap|mathjax", n, re.I)]


def test_formulas_are_mathml(caplog):
    html = "".join((site() / p).read_text() for p in pages(site()))
    assert "<math" in html
    assert not re.search(r'class="math[^>]*>\s*\\[\[(]', html)
    assert "<math" in book_ext.to_mathml(r"\hat\lambda \\ \frac12", True)
    with caplog.at_level("WARNING"):
        assert "<math" not in book_ext.to_mathml(r"\nosuch{x}", False)
    assert "nosuch" in caplog.text


def test_the_index_knows_korean_and_is_small():
    words = book_ext.Search({}).split("능동 학습을 CutMix로 the 2026 컷믹스")
    assert {"능동", "동학", "학습", "CutMix", "the", "컷믹", "믹스"} <= set(words)
    apart = unicodedata.normalize("NFD", "능동 학습")
    assert sorted(book_ext.Search({}).split(apart)) == ["능동", "동학", "학습"]
    assert not book_ext.Search({}).word_filter("2026")
    index = (site() / "searchindex.js").read_bytes()
    terms = json.loads(index[index.index(b"(") + 1:-1])["terms"]
    assert {"경사", "모델", "증강", "데이", "cutmix"} <= set(terms)
    # Half a megabyte at forty-five pages: a page adds about six kilobytes.
    books = sum(doc.startswith("notebooks/") for doc in DOCS)
    assert len(index) <= 500_000 - 6_000 * max(45 - books, 0)


@pytest.mark.parametrize("names, lines", [
    (["CutMix: a", "AdamP: b", "Cues"], ["CutMix, AdamP, Cues"]),
    (["A", "B", "C", "D", "E", "F", "G"], ["A, B, C and 4 more"]),
    (["A technique of a long name", "Another one of such a name", "The third", "D"],
     ["A technique of a long name", "and 3 more"]),    # three do not fit, nor two
    ([], [])])
def test_a_floor_names_its_pages(names, lines):
    """The first three, as many as fit on two lines, and how many more."""
    env = SimpleNamespace(toctree_includes={"chapters/3": range(len(names))},
                          titles=[nodes.title("", name) for name in names])
    told = book_ext.floor(env, "3")
    assert told == lines and all(len(line) <= 28 for line in told)
    drawn = book_ext.floors('<a aria-label="3 Xpages:3"><text>pages:3</text>', env)
    assert "pages:" not in drawn and all(drawn.count(line) for line in lines)


def test_the_building_names_the_pages_of_the_book():
    html = (site() / "index.html").read_text()
    assert "pages:" not in html and "CutMix, AdamP" in html


def test_pictures_have_a_size_and_wait_below_the_first_screen(tmp_path):
    for page in pages(site()):
        html = (site() / page).read_text()
        for image in re.finditer(r"<img [^>]*_(?:images|static)/[^>]*>", html):
            assert re.search(r' width="\d+" height="\d+"', image[0]), page
            assert ('loading="lazy"' in image[0]) == (
                image.start() > html.find("<h2")), page


def test_only_what_can_match_stays():
    css = ("/* x */@media print{.gone{a:b}}.a .gone,.a:not(.gone) b{c:d}"
           "@import 'x';.gone{e:f}:root{--x:1}@font-face{f:g}")
    lean = slim.purge(css, {"a", "b"}).replace("\n", "")
    assert lean == ".a:not(.gone) b{c:d}:root{--x:1}@font-face{f:g}"


def test_paper_takes_the_light_colours():
    css = slim.on_paper('html[data-theme="light"]{--x:1}\nhtml[data-theme="dark"] .a{--x:2}\n'
                        'html[data-theme=dark] .b:not(.dark-light){e:f}\n'
                        'html[data-theme=dark],html[data-theme=light]{--y:3}\n.a{c:d}\n')
    assert "@media screen{html[data-theme=\"dark\"] .a{--x:2}}" in css
    assert "@media screen{html[data-theme=dark] .b" in css
    assert css.endswith("@media print{html[data-theme]{--x:1}}\n")
    assert css.count("--y:3") == 1 and "\n.a{c:d}\n" in css
