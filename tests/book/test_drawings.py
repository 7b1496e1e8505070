"""The charts are what the published numbers draw; the drawings say what they show."""

import re

import pytest

from tests.book.browser import site
from tools import drawings, paper_map


@pytest.mark.parametrize("name", drawings.CHARTS)
def test_drawing_again_gives_the_committed_file(name):
    committed = (drawings.FOLDER / f"{name}.svg").read_bytes()
    assert drawings.draw(name, drawings.published()) == committed


@pytest.mark.parametrize("name, key", [
    ("record-papers", "lab_2021_papers"),
    ("record-shares", "services_share_2022"),
    ("record-conferences", "icassp_2022_naver")])
def test_another_number_draws_another_chart(name, key):
    """Planted: a chart that did not read the number would stay the same."""
    values = drawings.published()
    changed = drawings.draw(name, values | {key: values[key] + 1})
    assert changed != drawings.draw(name, values)


def test_a_missing_number_is_named():
    values = drawings.published()
    del values["clova_2022_papers"]
    with pytest.raises(KeyError, match="clova_2022_papers"):
        drawings.draw("record-papers", values)


@pytest.mark.parametrize("name", drawings.WORDS)
def test_a_drawing_has_a_title_and_a_description(name):
    svg = (drawings.FOLDER / f"{name}.svg").read_text()
    title, text = drawings.WORDS[name]
    assert f"<title>{title}</title><desc>{text}</desc>" in svg


def test_the_visit_is_drawn_in_the_order_of_the_text(monkeypatch):
    """The letters of the article's figure follow each other; another order draws otherwise."""
    letters = [letter for letter, *_ in drawings.STATIONS if letter]
    assert letters == list("abcdefghij")
    before = drawings.draw("visit", {})
    monkeypatch.setattr(drawings, "STATIONS", drawings.STATIONS[::-1])
    assert drawings.draw("visit", {}) != before


def test_the_map_of_papers_is_as_its_data_say():
    data, html = paper_map.read(), (site() / "chapters/3-machine-learning.html").read_text()
    assert paper_map.table(data) in html and paper_map.MARK not in html
    assert html.count('<path class="line ') == len(data["lines"]) + len(paper_map.HOW)
    drawn = paper_map.drawing(data, lambda name, text: name)
    unlinked = re.compile(r'<a href="[^"]+"')
    assert unlinked.sub("<a", drawn) in unlinked.sub("<a", html)


@pytest.mark.parametrize("old, new, said", [
    ("[relabel, trains with, adamp", "[relabel, trains with, adam", "no paper 'adam'"),
    ("[relabel, trains with, adamp", "[relabel, likes, adamp", "needs one of"),
    ("[relabel, trains with, adamp", "[adamp, trains with, relabel", "must stand above")])
def test_a_line_that_cannot_be_drawn_is_refused(tmp_path, old, new, said):
    told = paper_map.DATA.read_text()
    assert told.count(old) == 1
    (tmp_path / "papers.yml").write_text(told.replace(old, new))
    with pytest.raises(ValueError, match=said):
        paper_map.read(tmp_path / "papers.yml")


def leads(link: str) -> bool:
    """Whether a chapter's link leads to a page and to its place there."""
    page, _, place = link.partition("#")
    target = site() / "chapters" / page
    return target.is_file() and (not place or f'id="{place}"' in target.read_text())


def lost(html: str) -> list[str]:
    """Links of the map that lead nowhere, and papers without a link."""
    data = paper_map.read()
    links = dict(zip(data["papers"],
                     re.findall(r'<a href="([^"]+)" aria-label="[^"]+"><rect', html)))
    found = [f"{name}: {link}" for name, link in links.items() if not leads(link)]
    return found + [name for name in data["papers"] if name not in links]


def test_every_paper_of_the_map_leads_to_its_page_or_section():
    html = (site() / "chapters/3-machine-learning.html").read_text()
    assert not lost(html)
    assert re.search(r'href="\.\./notebooks/3-machine-learning/cutmix.html" '
                     'aria-label="CutMix', html)
    assert lost(html.replace("machine-learning/cutmix.html\" aria", "nowhere.html\" aria"))
    # A paper without a page leads to its section, while there is one.
    section = re.compile(r'(chapters/[\w-]+\.html#)[\w-]+(" aria-label)')
    assert len(lost(section.sub(r"\1nowhere\2", html))) == len(section.findall(html))


def dead(html: str) -> list[str]:
    """Links of a drawing inside a chapter that lead nowhere."""
    links = re.findall(r'<a href="([^"]+)" aria-label="[^"]+"><rect x', html)
    return [link for link in links if not leads(link)]


@pytest.mark.parametrize("chapter, links, one", [
    ("2-stack", 19, "notebooks/2-stack/ocr.html"),
    ("7-building", len(drawings.STATIONS), "notebooks/7-building/face_gate.html")])
def test_the_parts_of_a_drawing_lead_to_their_pages(chapter, links, one):
    html = (site() / f"chapters/{chapter}.html").read_text()
    drawn = html[html.index('<svg class="linked"'):]
    assert drawn.count('"><rect x') == links and "root:" not in html
    assert not dead(html) and dead(html.replace(f'{one}" aria', 'nowhere.html" aria'))


def test_a_drawing_refuses_a_page_that_is_not_there(monkeypatch):
    stops = [(*drawings.STATIONS[1][:3], "drawing_robots")]
    monkeypatch.setattr(drawings, "STATIONS", stops)
    with pytest.raises(ValueError, match="no notebook is called 'drawing_robots'"):
        drawings.draw("visit", {})
