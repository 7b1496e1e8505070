"""The built pages as files: links, launch links, alt texts, index, bytes."""

import json
import re
import struct
import sys
from xml.etree import ElementTree

import pytest

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


def test_the_index_holds_korean_stems():
    words = book_ext.Search({}).split("데이터증강은 CutMix로 the 모델이")
    assert {"데이터", "증강", "모델", "CutMix", "the"} <= set(words)
    index = (site() / "searchindex.js").read_text(encoding="utf-8")
    terms = json.loads(index[index.index("(") + 1:-1])["terms"]
    assert {"경사", "모델", "증강", "데이터", "cutmix"} <= set(terms)


def test_only_what_can_match_stays():
    css = ("/* x */@media print{.gone{a:b}}.a .gone,.a:not(.gone) b{c:d}"
           "@import 'x';.gone{e:f}:root{--x:1}@font-face{f:g}")
    lean = slim.purge(css, {"a", "b"}).replace("\n", "")
    assert lean == ".a:not(.gone) b{c:d}:root{--x:1}@font-face{f:g}"
