"""The built site, a server for it, and the questions asked of a page.

Each question answers with a list of faults, empty where all is well, so
that a planted fault can show that the question is able to find one.
"""

import contextlib
import functools
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import axe_playwright_python
import pytest
import yaml
from bs4 import BeautifulSoup

from tools.repoint import here

ROOT = Path(__file__).resolve().parents[2]
CONFIG = here(yaml.safe_load((ROOT / "_config.yml").read_text(
    encoding="utf-8")))   # a clone on GitHub points at itself
URL, BASE = CONFIG["html"]["baseurl"], urlsplit(CONFIG["html"]["baseurl"]).path
REPOSITORY = urlsplit(CONFIG["repository"]["url"]).path.strip("/")
LAUNCH = re.compile(rf"(github\.com|/github)/{REPOSITORY}/blob/[^/]+/([^?#]+)")
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
DOCS = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
FLAGS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync
    --disable-background-networking --disable-component-update""".split()


@functools.cache
def site() -> Path:
    """The built book: LAB1784_SITE, else _build/html, else built now."""
    folder = Path(os.environ.get("LAB1784_SITE", ROOT / "_build/html"))
    if not (folder / "index.html").exists():
        out = tempfile.mkdtemp()
        subprocess.run([Path(sys.executable).with_name("jupyter-book"), "build", ROOT, "-W",
                        "-n", "--keep-going", "--path-output", out], check=True)
        folder = Path(out, "_build/html")
    return folder


def pages(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.html"))


@functools.cache
def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


@functools.cache
def anchors(path: Path) -> set[str]:
    return {e["id"] for e in soup(path).find_all(id=True)}


def dead_links(folder: Path, page: str) -> list[str]:
    """Links and sources inside the site that lead nowhere."""
    faults = []
    for tag in soup(folder / page).find_all(True):
        for link in filter(None, map(tag.get, ("href", "src"))):
            if re.match(r"[a-z]+:|//", link):
                continue
            path, anchor = urldefrag(urljoin(f"{BASE}{page}", link))
            name = path.removeprefix(BASE) or "index.html"
            target = folder / unquote(urlsplit(name).path)
            if not path.startswith(BASE) or not target.is_file():
                faults.append(f"{link} leads to no file")
            elif anchor and unquote(anchor) not in anchors(target):
                faults.append(f"{link} leads to no such place")
    return faults


def dead_launches(folder: Path, page: str) -> list[str]:
    """Links to Colab and to the source that name no file of the repository."""
    found = [m for a in soup(folder / page).find_all("a", href=True)
             if (m := LAUNCH.search(a["href"]))]
    if page.startswith("notebooks/") and "/github" not in {m[1] for m in found}:
        return ["a notebook without a launch link"]
    return [f"no {m[2]}" for m in found if not (ROOT / m[2]).exists()]


def poor_images(folder: Path, page: str) -> list[str]:
    """Images without alt text, or with a file name for one."""
    return [f"alt {i.get('alt')!r} of {i['src']}" for i in soup(folder / page).find_all("img")
            if len(i.get("alt", "").split()) < 2 or re.search(r"\.(png|svg|gif)\b", i["alt"])]


class Handler(SimpleHTTPRequestHandler):
    """A folder under BASE, gzipped; 404.html for what is not there."""

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        name = path[len(BASE):] if path.startswith(BASE) else "404.html"
        file = Path(self.directory, name or "index.html")
        self.send_response(200 if file.is_file() else 404)
        file = file if file.is_file() else Path(self.directory, "404.html")
        data = file.read_bytes() if file.is_file() else b""
        data = gzip.compress(data)
        self.send_header("Content-Type", self.guess_type(str(file)))
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):      # the page was left
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def serve(folder: Path) -> tuple[ThreadingHTTPServer, str]:
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}{BASE}"


def launch(playwright):
    """Chromium from the PATH; where there is none, skip, or fail in CI."""
    found = [*filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))]
    if found:
        return playwright.chromium.launch(executable_path=found[0], args=FLAGS)
    needed = {"CI", "LAB1784_REQUIRE_BROWSER"} & set(os.environ)
    (pytest.fail if needed else pytest.skip)(
        "no chromium on the PATH: the pages were not opened in a browser")


WHITE = ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
# Colours change at once, and of the thousands of coloured words of code one
# of each colour will do.
STILL = """document.head.append(Object.assign(document.createElement("style"),
        {textContent: "*, ::before, ::after { transition: none !important }"}));
    const seen = {};
    document.querySelectorAll("pre span[class]").forEach(e => {
        if (seen[e.className]) e.replaceWith(e.textContent);
        seen[e.className] = 1; })"""


class Visit:
    """A first visit to a page, with what happened while it loaded; with
    `clock`, `page.clock.run_for` moves the page's time on."""

    def __init__(self, browser, url: str, width: int = 1280, wait: str = "load",
                 clock: bool = False):
        self.context = browser.new_context(
            viewport={"width": width, "height": 800}, color_scheme="light")
        self.page = page = self.context.new_page()
        self.foreign, self.errors, self.bytes = [], [], 0
        page.on("request", lambda r: None if r.url.startswith(
            ("data:", url.split(BASE)[0])) else self.foreign.append(r.url))
        page.on("console", lambda m: m.type == "error" and self.errors.append(m.text))
        page.on("pageerror", lambda e: self.errors.append(str(e)))
        page.on("response", lambda r: setattr(
            self, "bytes", self.bytes + int(r.headers.get("content-length", 0))))
        if clock:
            page.clock.install()
        page.goto(url, wait_until=wait)
        page.evaluate(STILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def axe(self, *rules: str, inside: str = "html") -> list[str]:
        """Violations of these rules of axe, of all where none is named."""
        self.page.evaluate(f"window.axe || eval({json.dumps(AXE)})")
        options = {"runOnly": list(rules)} if rules else {}
        found = self.page.evaluate(
            "([inside, options]) => axe.run(inside, options)",
            [inside, options | {"resultTypes": ["violations"], "preload": False}])
        return [f"{v['id']}: {n['html'][:120]}" for v in found["violations"] for n in v["nodes"]]

    def dark(self) -> None:
        self.page.emulate_media(color_scheme="dark")
        self.page.wait_for_selector("html[data-theme=dark]")

    def headings(self) -> list[str]:
        levels = self.page.evaluate("""[...document.querySelectorAll(
            'main :is(h1, h2, h3, h4, h5, h6)')]
            .filter(e => e.getClientRects().length).map(e => +e.tagName[1])""")
        return [f"h{a} is followed by h{b}" for a, b in zip([0] + levels, levels)
                if b > a + 1 or a and b == 1]

    def sideways(self) -> list[str]:
        """Does the page scroll sideways on the narrowest of phones?"""
        self.page.set_viewport_size({"width": 320, "height": 740})
        width = self.page.evaluate("document.documentElement.scrollWidth")
        return [f"{width} pixels wide"] if width > 320 else []

    def all_images(self) -> list[str]:
        """Scroll, which fetches the rest; the images that do not come."""
        self.page.evaluate("scrollBy(0, 9)")
        self.page.wait_for_function("[...document.images].every(i => i.complete)")
        return self.page.evaluate("""[...document.images].filter(
            i => !i.naturalWidth || !i.getAttribute('height')).map(i => i.src)""")

    def faint_on_paper(self) -> list[str]:
        """Text that prints paler than a reader would like, or on a ground."""
        self.page.emulate_media(media="print")
        found = self.page.evaluate("""[...document.querySelectorAll(
            'main :is(h1, h2, p, td, li, pre, summary, a)')].filter(e =>
            e.getClientRects().length).filter(e => {
                const c = getComputedStyle(e).color.match(/[\\d.]+/g).map(Number);
                return 0.3 * c[0] + 0.6 * c[1] + 0.1 * c[2] > 130; })
            .map(e => e.tagName + ': ' + e.textContent.trim().slice(0, 60)).concat(
            [...document.querySelectorAll("main img")].filter(
                i => getComputedStyle(i).filter !== "none").map(i => i.src))""")
        ground = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        self.page.emulate_media(media="screen")
        return found + [f"the ground is {ground}"] * (ground not in WHITE)
