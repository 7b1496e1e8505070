"""Interactive figures in a real browser: each question answers with a list
of faults, and a planted fault shows that it is able to find one."""

import re
import sys

import pytest
from playwright.sync_api import TimeoutError

from tests.apparatus import test_interactive as made
from tests.apparatus.test_interactive import shown  # noqa: F401  (a fixture)
from tests.book.browser import ROOT, Visit, pages, serve, site

sys.path.insert(0, str(ROOT / "tools"))
import book_ext  # noqa: E402

STYLES = ROOT / "assets/styles"
SCRIPT = (STYLES / "interactive.js").read_text()
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
CALLS = {"choose": made.choose, "draw": made.draw, "play": lambda **more: made.play(
    {"one": made.RIDE, "two": made.RIDE[::-1]}, seconds=1, clock=list("abcde"),
    queues={"one": [[0, 1, 9]] * 5, "two": [[2, 0, 0]] * 5}, **more)}


@pytest.fixture
def plant(tmp_path, shown):  # noqa: F811
    """kind, script -> the folder of a page that holds such a panel."""
    def page(kind: str, script: str = SCRIPT):
        CALLS[kind](title="Look </script> here")
        panel = book_ext.panel_html(shown[0][1]["lab1784"]["panel"])
        css = "".join((STYLES / f"{n}.css").read_text() for n in ("custom", "interactive"))
        (tmp_path / "interactive.js").write_text(script)
        (tmp_path / "index.html").write_text(
            '<!doctype html><html lang="en"><meta charset="utf-8"><title>A page</title>'
            '<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">'
            f"<style>{css}</style><script>const d = document.documentElement.dataset, dark ="
            "matchMedia('(prefers-color-scheme: dark)'); (dark.onchange = () => d.theme ="
            "dark.matches ? 'dark' : 'light')()</script><script defer src='interactive.js'></script>"
            f'<body class="bd-article"><main><h1>A page</h1><p><a href="#">Before</a></p><div>'
            f'<img src="{PIXEL}" alt="The picture of it." width="50" height="50">{panel}</div></main>')
        return tmp_path
    return page


def looks(v: Visit) -> list[str]:
    """Does the panel stand where the picture was, and the picture on paper?"""
    def seen(what):
        return [v.page.is_visible("img"), v.page.is_visible("figure.panel")] != what
    faults = ["both or none on the screen"] * seen([False, True])
    v.page.emulate_media(media="print")
    faults += ["no picture on paper"] * seen([True, False])
    v.page.emulate_media(media="screen")
    title = v.page.text_content("figcaption")
    return faults + v.errors + v.foreign + ["its title"] * (title != "Look </script> here")


def sound(v: Visit) -> list[str]:
    """Names, contrast, width of a phone; by day and by night."""
    faults = v.axe()
    v.page.emulate_media(color_scheme="dark")
    return faults + v.axe() + v.sideways()


def tab(v: Visit, selector: str) -> None:
    """Walk to an element by Tab alone."""
    v.page.click("h1")
    for _ in range(12):
        v.page.keyboard.press("Tab")
        if v.page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab does not come to {selector}")


def ring(v: Visit, shape: str) -> list[str]:
    """Is it seen where the focus is?"""
    look = """s => { const c = getComputedStyle(document.querySelector(s));
                     return c.outlineStyle + c.outlineColor + c.stroke + c.r; }"""
    on = v.page.evaluate(look, shape)
    v.page.evaluate("document.activeElement.blur()")
    return ["the focus is not seen"] * (on == v.page.evaluate(look, shape))


def chooses(v: Visit) -> list[str]:
    """Arrow keys walk through the options; table and caption follow."""
    tab(v, "input[type=radio]")
    faults = []
    for key, size, shots in [("", "small", 0), ("ArrowRight", "large", 0), ("Tab", "large", 0),
                             ("ArrowDown", "large", 2), ("ArrowDown", "large", 4)]:
        if key:
            v.page.keyboard.press(key)
        cell = made.TABLE[(size == "large"), shots // 2]
        rows = [[c.inner_text() for c in r.query_selector_all("td")]
                for r in v.page.query_selector_all(".panel tbody tr")]
        faults += [f"{rows} at {size}, {shots}"] * (rows != cell)
        said = v.page.inner_text(".panel caption[aria-live=polite]")
        faults += [f"said {said}"] * (said != f"size: {size}. shots: {shots}")
    return faults + ring(v, "fieldset:last-of-type input:checked + span")


def drags(v: Visit) -> list[str]:
    """Arrow keys and the pointer move a handle; texts and dots follow."""
    hand, faults = v.page.locator("[role=slider]").nth(1), []

    def off(first, second, when):
        names, level = ["low", "mid", "high"], made.STORY[first, second]["texts"]
        said = v.page.locator(".panel-texts li").all_inner_texts()
        dots = [float(d.get_attribute("cy")) for d in v.page.locator(".panel-dot").all()]
        want = [190 - 85 * k for k in (first, second)]
        return [f"{when}: {said}, {dots}"] * (
            said != level or dots != want or hand.get_attribute("aria-valuetext") != names[second]
            or hand.get_attribute("aria-valuenow") != str(second))
    group = v.page.get_attribute(".panel svg[role=group]", "aria-label", timeout=3000)
    faults += ["the drawing's name"] * (group != v.page.inner_text(".panel figcaption"))
    tab(v, "[role=slider]:nth-of-type(2)")
    for key, level in [("", 1), ("ArrowUp", 2), ("ArrowUp", 2), ("Home", 0), ("ArrowLeft", 0),
                       ("ArrowRight", 1), ("End", 2), ("ArrowDown", 1)]:
        if key:
            v.page.keyboard.press(key)
        faults += off(1, level, key)
    faults += ring(v, "[role=slider]:nth-of-type(2) .panel-knob")
    box, track = hand.bounding_box(), v.page.locator("rect.panel-track").nth(0).bounding_box()
    faults += [f"{box} is small for a finger"] * (min(box["width"], box["height"]) < 40)
    v.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    v.page.mouse.down()
    v.page.mouse.move(box["x"], box["y"] - 400, steps=4)
    faults += off(1, 2, "dragged up")
    v.page.mouse.up()
    v.page.mouse.move(box["x"], box["y"] + 400)
    faults += off(1, 2, "let go")
    v.page.mouse.click(track["x"] + 9, track["y"] + 0.9 * track["height"])
    return faults + off(0, 2, "clicked below")


def plays(v: Visit) -> list[str]:
    """It waits for a click, plays to the end, stops; the slider goes where
    it is put, also by keyboard; the run changes at the same moment."""
    def off(moment, row, waits, when):
        car = v.page.get_attribute(".panel-play g, .panel svg g", "transform")
        here = (made_low - float(car.split()[1][:-1])) / 40 - 0.5
        got = (v.page.inner_text(".panel-clock"), round(here, 2),
               [q.text_content() for q in v.page.query_selector_all(".panel-queue")])
        return [f"{when}: {got}"] * (got != (moment, row, waits))
    made_low, one, two = 124, ["", "•", "9 •"], ["••", "", ""]
    v.page.clock.run_for(400)
    faults = off("a", 0, one, "before")
    v.page.focus("button")
    v.page.keyboard.press("Enter")
    v.page.clock.run_for(400)
    faults += ["it does not move"] * (v.page.inner_text("button") != "Pause"
                                      or v.page.inner_text(".panel-clock") in "ae")
    v.page.keyboard.press("Enter")
    stood = v.page.inner_text(".panel-clock")
    v.page.clock.run_for(400)
    faults += ["it does not stop"] * (v.page.inner_text(".panel-clock") != stood)
    v.page.keyboard.press("Enter")
    v.page.clock.run_for(1500)
    faults += off("e", 2, one, "at the end")
    faults += ["the button"] * (v.page.inner_text("button") != "Play")
    tab(v, "input[type=range]")
    for key, moment, row in [("Home", "a", 0), ("ArrowRight", "b", 0.5), ("ArrowRight", "c", 1)]:
        v.page.keyboard.press(key)
        faults += off(moment, row, one, key)
    said = v.page.get_attribute("input[type=range]", "aria-valuetext")
    faults += ["its value in words"] * (said != "c") + ring(v, "input[type=range]")
    tab(v, "input[type=radio]")
    v.page.keyboard.press("ArrowRight")
    v.page.keyboard.press("Tab")
    faults += off("c", 1, two, "the other run")
    words = v.page.text_content(".panel-spoken")
    return faults + [words] * (words != "A at 2: 2; B at 3: empty; 2 waiting at 1")


ASKED = {"choose": chooses, "draw": drags, "play": plays}


@pytest.mark.parametrize("kind", ASKED)
def test_a_panel(browser, plant, kind):
    folder = plant(kind)
    with Visit(browser, serve(folder)[1], clock=True) as v:
        assert not looks(v) and not ASKED[kind](v) and not sound(v)
    page = browser.new_page()
    page.goto(f"file://{folder}/index.html")
    assert page.is_visible("figure.panel") and not page.is_visible("img")
    page.close()


@pytest.mark.parametrize("kind,question,old,new", [
    ("choose", looks, "panel.hidden = false", ""),
    ("choose", looks, '"panel-instead"', '"x"'),
    ("choose", looks, "let made", "fetch('https://example.org/x'); let made"),
    ("choose", sound, 'add(one, "span", {}, option)', ""),
    ("choose", chooses, '"caption", {"aria-live": "polite"}', '"caption", {}'),
    ("choose", chooses, "sum * all.length", "sum"),
    ("choose", chooses, "body.replaceChildren();", ""),
    ("draw", sound, '"aria-label": `${name}, ${grid.names[0]}`,', ""),
    ("draw", sound, "panel.hidden = false", "panel.hidden = !(panel.style.minWidth = '40em')"),
    ("draw", drags, "aria-label\": grid.title", "aria-label\": grid.kind"),
    ("draw", drags, "tabindex: 0", "tabindex: -1"),
    ("draw", drags, "ArrowUp: 1", "ArrowUp: -1"),
    ("draw", drags, "Math.max(level, 0)", "level"),
    ("draw", drags, "handle.setPointerCapture(event.pointerId);", ""),
    ("draw", drags, "track.onclick = ", ""),
    ("draw", drags, "grid.values[cell + i]", "grid.values[i]"),
    ("draw", drags, '["panel-track", 22]', '["panel-track", 8]'),
    ("draw", drags, "sum * (top + 1)", "sum * top"),
    ("play", sound, '"label", {class: "panel-time"}', '"div", {class: "panel-time"}'),
    ("play", plays, "  set(0);\n", "  button.onclick();\n"),
    ("play", plays, "playing = !playing", "playing = true"),
    ("play", plays, "playing = playing && now < frames - 1;", ""),
    ("play", plays, ", ariaValueText: clock.textContent", ""),
    ("play", plays, "run = grid.runs[k]; ", ""),
    ("play", plays, "mid(a + part", "mid(b + part")])
def test_a_planted_fault_is_found(browser, plant, kind, question, old, new):
    assert SCRIPT.count(old) == 1
    with Visit(browser, serve(plant(kind, SCRIPT.replace(old, new)))[1], clock=True) as v:
        v.page.set_default_timeout(1000)
        try:
            found = question(v)
        except (AssertionError, TimeoutError) as lost:    # Tab, or a wait, in vain
            found = [lost]
        assert found


def test_without_scripts_the_picture_stays(browser, plant):
    page = browser.new_page(java_script_enabled=False)
    page.goto(serve(plant("draw"))[1])
    assert page.is_visible("img") and not page.is_visible("figure.panel")
    assert page.inner_text("main").split() == ["A", "page", "Before"]
    page.close()


def test_less_motion_is_respected(browser, plant):
    """It jumps from frame to frame: halfway positions are never drawn."""
    url = serve(plant("play"))[1]
    for motion in ("reduce", "no-preference"):
        context = browser.new_context(reduced_motion=motion)
        page = context.new_page()
        page.goto(url)
        page.click("button")
        seen = set()
        for _ in range(25):
            seen.add(page.get_attribute(".panel svg g", "transform"))
            page.wait_for_timeout(20)
        assert (len(seen) <= 5) == (motion == "reduce"), seen
        context.close()


def test_the_script_is_small_and_asks_for_nothing():
    assert len([line for line in SCRIPT.splitlines() if line.strip()]) <= 150
    assert re.findall(r"https?://[^\"]+", SCRIPT) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"fetch|XMLHttp|import|eval|innerHTML|\bsrc\b", SCRIPT)


def test_the_site_loads_the_script_where_it_has_a_panel(browser):
    host, kept = serve(site())[1], []
    for name in pages(site()):
        html = (site() / name).read_text()
        has = '<figure class="panel"' in html
        assert has == (re.search(r"<script defer [^>]*_static/interactive\.js", html) is not None)
        kept += [name] * has
    for name in kept:
        with Visit(browser, host + name, width=360) as v:
            faults = v.page.evaluate("""[...document.querySelectorAll('figure.panel')].filter(p =>
                p.hidden || !p.previousElementSibling.matches('.panel-instead:has(img), img'))
                .map(p => p.textContent.slice(0, 80))""")
            small = v.page.evaluate("""[...document.querySelectorAll('.panel svg')].map(s =>
                14 * Math.min(s.getBoundingClientRect().width / s.viewBox.baseVal.width,
                    s.getBoundingClientRect().height / s.viewBox.baseVal.height))""")
            assert not faults and not v.errors and min(small, default=12) >= 11.9, name
