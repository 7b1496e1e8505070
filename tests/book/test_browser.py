"""The built pages in a real browser, served as their host would serve them."""

import pytest

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


@pytest.mark.parametrize("name", [
    *(f"{doc}.html" for doc in DOCS), "404.html", "search.html?q=model"])
def test_page(browser, host, name):
    with Visit(browser, host + name) as visit:
        assert not visit.foreign and not visit.errors
        visit.page.wait_for_function("[...document.images].every(i => i.complete)")
        plots = visit.page.query_selector("main img[src*='_images']")
        # A search fetches the pages that it finds, to quote from them.
        assert visit.bytes <= (1_000_000 if plots or "search" in name else 300 * 1024)
        assert not visit.headings()
        assert not visit.axe()
        visit.dark()
        assert not visit.axe()
        assert not visit.sideways()
        assert not visit.axe("scrollable-region-focusable", "link-name", "button-name")


@pytest.mark.parametrize("question,html", [
    (None, "<h2>A page without a fault</h2>"),
    ("foreign", '<script src="https://example.org/x.js"></script>'),
    ("errors", "<script>nosuch()</script>"),
    ("errors", "<script>console.error('no')</script>"),
    ("axe", '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">'),
    ("axe", '<p style="color:#bbb;background:#fff">Too pale to read.</p>'),
    ("headings", "<h3>Skipped</h3>"), ("headings", "<h1>Another</h1>"),
    ("sideways", '<table style="width:500px"><tr><td>wide</table>')])
def test_a_planted_fault_is_found(browser, planted, question, html):
    with Visit(browser, planted(html)) as visit:
        found = {"foreign": visit.foreign, "errors": visit.errors, "axe": visit.axe(),
                 "headings": visit.headings(), "sideways": visit.sideways()}
        assert found[question] if question else not any(found.values())


@pytest.mark.parametrize("word", ["경사", "모델", "CutMix", "데이터 증강", "꽃가루알레르기"])
def test_search_finds_what_is_there(browser, host, word):
    with Visit(browser, f"{host}search.html?q={word}") as visit:
        visit.page.wait_for_selector(".search-summary:not(:empty)")
        found = visit.page.query_selector("#search-results li a")
        assert bool(found) == (word != "꽃가루알레르기")
        if found:
            found.click()
            text = visit.page.inner_text("main").lower()
            assert all(part.lower() in text for part in word.split())


def test_the_building_by_keyboard(browser, host):
    """Tab goes up the floors, each shows that it is chosen, Enter enters."""
    with Visit(browser, host) as visit:
        page, order = visit.page, []
        page.click("main p")
        for _ in range(15):
            page.keyboard.press("Tab")
            page.wait_for_timeout(200)      # the frame fades in
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


def test_solutions_are_folded_and_open_by_keyboard(browser, host):
    with Visit(browser, f"{host}notebooks/3-machine-learning/cutmix.html") as v:
        fold = v.page.locator("details.folded").first
        assert fold.get_attribute("open") is None
        fold.locator("summary").focus()
        v.page.keyboard.press("Enter")
        assert fold.get_attribute("open") is not None


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
    """Outputs of one line wrap; a table keeps its columns and scrolls."""
    with Visit(browser, f"{host}notebooks/3-machine-learning/cutmix.html",
               width=360) as v:
        wide = "e => e.filter(p => p.scrollWidth > p.clientWidth).length"
        verdict, table = (v.page.locator(".output.stream pre", has_text=text)
                          for text in ("(superior):", "log_loss"))
        assert verdict.count() > 4 and verdict.evaluate_all(wide) == 0
        assert table.count() == 1 == table.evaluate_all(wide)
        v.page.add_style_tag(content="pre { white-space: pre !important }")
        assert verdict.evaluate_all(wide) == verdict.count()
