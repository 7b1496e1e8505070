"""The built pages in a real browser, served as their host would serve them."""

import re
import unicodedata

import pytest

from lab1784.claims import VERDICTS
from tests.book.browser import DOCS, Visit, serve, site


@pytest.fixture(scope="module")
def host():
    return serve(site())[1]


@pytest.fixture
def planted(tmp_path):
    """html -> the address of a page that holds it and is sound otherwise."""
    def plant(html: str) -> str:
        (tmp_path / "index.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'
            f'<link rel="icon" href="data:,"><main><h1>A page</h1>{html}</main></html>')
        return serve(tmp_path)[1]
    return plant


NOTEBOOK = "notebooks/7-building/elevators.html"
# One page of each kind: the front, a chapter, a technique, one with a figure
# to play with, tables, a list, and what the theme makes.
DEEP = ["index.html", "chapters/3-machine-learning.html", NOTEBOOK,
        "notebooks/3-machine-learning/cutmix.html", "chapters/scoreboard.html",
        "chapters/bibliography.html", "404.html", "search.html?q=model"]
REST = [f"{doc}.html" for doc in DOCS if f"{doc}.html" not in DEEP]


@pytest.mark.parametrize("name", DEEP)
def test_one_page_of_each_kind(browser, host, name):
    with Visit(browser, host + name, wait="networkidle") as visit:
        assert not visit.foreign and not visit.errors
        # A search fetches the pages that it finds, to quote from them.
        search = "search" in name
        assert visit.bytes <= (1_000_000 if search else 200 * 1024)
        assert not visit.all_images() and not visit.foreign
        assert visit.bytes <= (1_000_000 if search else 350 * 1024)
        assert not visit.headings()
        assert not visit.axe()
        visit.dark()
        assert not visit.axe()
        assert not visit.faint_on_paper()
        assert not visit.sideways()
        assert not visit.axe("scrollable-region-focusable", "link-name", "button-name")


@pytest.mark.parametrize("name", REST)
def test_every_other_page_in_one_load(browser, host, name):
    """What a page's own words may break; the rest is like its kind's."""
    with Visit(browser, host + name) as visit:
        assert not visit.errors and visit.bytes <= 200 * 1024
        assert not visit.headings() and not visit.axe(inside="main")
        visit.dark()
        assert not visit.axe("color-contrast", inside="main")
        assert not visit.sideways()
        assert not visit.all_images() and not visit.foreign
        assert visit.bytes <= 350 * 1024


@pytest.mark.parametrize("question,html", [
    (None, "<h2>A page without a fault</h2>"),
    ("foreign", '<script src="https://example.org/x.js"></script>'),
    ("errors", "<script>nosuch()</script>"),
    ("errors", "<script>console.error('no')</script>"),
    ("axe", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
    ("axe", '<p style="color:#bbb;background:#fff">Too pale to read.</p>'),
    ("axe", "<details><summary></summary>What is behind it?</details>"),
    ("headings", "<h3>Skipped</h3>"), ("headings", "<h1>Another</h1>"),
    ("images", '<img src="no.png" alt="a b" height="9">'),
    ("images", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="a b">'),
    ("paper", '<style>@media print { p { color: #ddd } }</style><p>Pale</p>'),
    ("paper", "<style>img { filter: brightness(.8) }</style>"
     '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="a b" height="9">'),
    ("paper", "<style>@media print { body { background: #14181d } }</style>"),
    ("sideways", '<table style="width:340px"><tr><td>wide</table>')])
def test_a_planted_fault_is_found(browser, planted, question, html):
    with Visit(browser, planted(html)) as visit:
        found = {"foreign": visit.foreign, "errors": visit.errors}
        found |= {"axe": visit.axe(inside="main"), "headings": visit.headings(),
                  "paper": visit.faint_on_paper(), "images": visit.all_images(),
                  "sideways": visit.sideways()}
        assert found[question] if question else not any(found.values())


def found(visit) -> list[str]:
    """Where the results of a search lead."""
    visit.page.wait_for_selector(".search-summary:not(:empty)")
    visit.page.wait_for_function("Search.output.children.length >= "
                                 "(Search.status.textContent.match(/\\d+/) || [0])[0]")
    return [a.get_attribute("href").split("?")[0].split("#")[0] for a in
            visit.page.query_selector_all("#search-results li > a")]


@pytest.mark.parametrize("words, same", [
    ("경사", ""), ("모델", ""), ("CutMix", ""), ("데이터 증강", "데이터증강"),
    ("능동학습", "능동 학습"), ("능동학습으로", "능동 학습"), ("컷믹스", "컷믹스는"),
    ("컷믹스", unicodedata.normalize("NFD", "컷믹스"))])
def test_search_finds_what_is_there(browser, host, words, same):
    """However Korean is spaced, inflected or composed."""
    with Visit(browser, f"{host}search.html?q={words}") as visit:
        pages = found(visit)
        assert pages
        visit.page.goto(visit.page.url.split("search")[0] + pages[0].replace("../", ""))
        text = "".join(visit.page.inner_text("main").lower().split())
        assert re.sub("으로$", "", "".join(words.lower().split())) in text
    if same:
        with Visit(browser, f"{host}search.html?q={same}") as visit:
            assert set(found(visit)) == set(pages)


def test_a_lone_syllable_joins_its_neighbour(browser, host):
    with Visit(browser, f"{host}search.html?q=컷 믹스") as visit:
        apart = set(found(visit))
    with Visit(browser, f"{host}search.html?q=컷믹스") as visit:
        assert apart == set(found(visit)) and apart
    with Visit(browser, f"{host}search.html?q=꽃가루알레르기") as visit:
        assert not found(visit)


def test_the_building_by_keyboard(browser, host):
    """Tab goes up the floors, each shows that it is chosen, Enter enters."""
    with Visit(browser, host) as visit:
        page, order = visit.page, []
        page.click("text=Pick a floor.")
        for _ in range(15):
            page.keyboard.press("Tab")
            order.append(page.evaluate("""(() => {
                const a = document.activeElement;
                const frame = getComputedStyle(a.querySelector('.room, .win'));
                return [a.getAttribute('href'), frame.stroke, a.textContent.trim()]; })()"""))
        assert {stroke for _, stroke, _ in order} == {"rgb(193, 71, 0)"}
        assert "".join(name[0] for *_, name in order[:9]) == "012345678"
        assert all((site() / link).is_file() for link, *_ in order)
        page.focus(f".building a[href='{order[3][0]}']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/3-machine-learning.html")


def test_the_building_on_a_phone(browser, host):
    with Visit(browser, host, width=360) as visit:
        sizes = visit.page.evaluate("""(() => {
            const svg = document.querySelector('svg.building'), scale =
                svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            return [...svg.querySelectorAll('text')].filter(t => t.getClientRects().length)
                .map(t => scale * parseFloat(getComputedStyle(t).fontSize)); })()""")
        assert len(sizes) == 24 and min(sizes) >= 12


def test_switches_work(browser, host):
    with Visit(browser, f"{host}chapters/3-machine-learning.html") as visit:
        page = visit.page
        page.click(".theme-switch-button")
        page.reload()
        page.wait_for_selector("html[data-theme=dark]")
        page.click(".primary-toggle")
        page.wait_for_selector(".book-title", state="hidden")
        page.keyboard.press("Control+k")
        page.wait_for_selector("#pst-search-dialog[open]")
        page.keyboard.type("모델")
        page.keyboard.press("Enter")
        page.wait_for_selector("#search-results li a")
        page.set_viewport_size({"width": 360, "height": 740})
        page.click(".primary-toggle")
        page.wait_for_selector("#pst-primary-sidebar-modal .book-title")
        assert not visit.errors


def test_folds(browser, host):
    """A cell is one line with its title, opened by keyboard; a picture
    stands before its code; what folds in prose is open on paper."""
    with Visit(browser, f"{host}{NOTEBOOK}") as v:
        fold = v.page.locator("details.folded", has_text="Imports").first
        assert fold.get_attribute("open") is None
        assert "@title" not in v.page.text_content("main")
        fold.locator("summary").focus()
        v.page.keyboard.press("Enter")
        assert fold.get_attribute("open") is not None
        drawn = v.page.locator("div.cell.tag_figure:has(img)")
        assert drawn.count() >= 3 and not drawn.evaluate_all(
            "all => all.filter(e => !e.lastElementChild.matches('details')).length")
        seen = "d => d.lastElementChild.checkVisibility({contentVisibilityAuto: true})"
        prose = v.page.locator("main details:not(.folded)").first
        assert not prose.evaluate(seen)
        v.page.emulate_media(media="print")
        assert prose.evaluate(seen)


def test_a_lost_reader_finds_the_way(browser, host):
    with Visit(browser, f"{host}chapters/no/such/page.html") as visit:
        assert "404" in visit.errors.pop() and not visit.errors
        visit.page.click("article a >> nth=0")
        visit.page.wait_for_selector("svg.building")


def test_roots_are_drawn(browser, host):
    """The sign of a root stands in no text, so a cut font may lack it."""
    with Visit(browser, f"{host}notebooks/3-machine-learning/cutmix.html") as v:
        wider = v.page.evaluate("""document.fonts.ready.then(() => {
            const w = e => e.getBoundingClientRect().width;
            return [...document.querySelectorAll('msqrt')].map(
                e => w(e) - w(e.firstChild)); })""")
        assert wider and min(wider) > 5


def test_a_verdict_is_read_on_a_phone_without_scrolling(browser, host):
    """A claim's box wraps; the verdict stands out of it by day and night."""
    with Visit(browser, f"{host}{NOTEBOOK}", width=320) as v:
        boxes = v.page.locator("div.claim")
        assert boxes.count() >= 2 and not boxes.evaluate_all(
            "all => all.filter(e => e.scrollWidth > e.clientWidth).length")
        for box in boxes.all():
            verdict = box.locator("p:last-child strong").first
            assert verdict.inner_text().lower() in VERDICTS
            assert f"claim-{verdict.inner_text().lower().replace(' ', '-')}" in (
                box.get_attribute("class"))
