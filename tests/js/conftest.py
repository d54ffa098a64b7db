"""A headless Chromium for the browser tests, and an empty page with the zone editor on it."""

from __future__ import annotations

import functools
import http.server
import importlib.util
import os
import shutil
import sys
import threading
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


_spec = importlib.util.spec_from_file_location("comfy_page", Path(__file__).with_name("comfy_page.py"))
sys.modules["comfy_page"] = _page = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_page)


@pytest.fixture(scope="module")
def browser():
    """Chromium from the system (CHROMIUM, else the PATH); skips where it or Playwright is missing.

    Closed after each module: while Playwright is open its event loop runs, and no other test could start one.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not program:
        pytest.skip("no Chromium: install one, or set CHROMIUM to its program")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    """Serves the checkout and says nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def files_url():
    """Address of the checkout over HTTP: modules cannot be imported from file:// addresses."""
    handler = functools.partial(QuietFiles, directory=str(ROOT))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class EditorPage:
    """The zone editor on an empty page, worked with mouse and keys. Points are pixels of the picture, 600x400."""

    def __init__(self, page, files_url: str):
        self.page = page
        page.evaluate(
            """async (base) => {
                const { ZoneEditor } = await import(`${base}/js/lib/zone_editor_view.js`);
                window.written = [];
                window.editor = new ZoneEditor({ onChange: (text) => window.written.push(text) });
                document.body.innerHTML = "<div id=host style='width:600px;height:700px'></div>";
                document.querySelector("#host").append(editor.element);
                editor.setPicture(`${base}/assets/photos/coffee.png`);
            }""",
            files_url,
        )
        page.wait_for_function("editor.stage.picture && editor.stage.view")

    def __getattr__(self, name: str):
        return getattr(self.page, name)

    @property
    def zones(self) -> list[dict]:
        """The zones as last written to the host."""
        return self.page.evaluate("JSON.parse(window.written.at(-1) ?? '[]')")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Screen position of a picture pixel's corner."""
        return tuple(
            self.page.evaluate(
                """([x, y]) => {
                    const { canvas, view } = editor.stage;
                    const box = canvas.getBoundingClientRect();
                    const host = box.width / canvas.clientWidth;
                    return [box.left + (view.x + x * view.scale) * host, box.top + (view.y + y * view.scale) * host];
                }""",
                [x, y],
            )
        )

    def drag(self, *points: tuple[float, float], release: bool = True) -> None:
        """Press at the first picture point, pass through the others, and let go."""
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=4)
        if release:
            self.page.mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def press(self, *keys: str) -> None:
        """Keys for the picture, which takes the focus first."""
        self.page.evaluate("editor.stage.focus()")
        for key in keys:
            self.page.keyboard.press(key)

    def tool(self, name: str) -> None:
        self.page.click(f"[data-tool={name}]")

    def load(self, text: str) -> None:
        self.page.evaluate("(text) => editor.setText(text)", text)


@pytest.fixture(scope="module")
def empty_page(browser, files_url):
    """One page for many tests: opening it takes longer than most of them."""
    page = browser.new_page(viewport={"width": 1000, "height": 760})
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(f"{files_url}/assets/photos/coffee.png")
    yield page
    page.close()


@pytest.fixture
def editor(empty_page, files_url):
    empty_page.errors.clear()
    yield EditorPage(empty_page, files_url)
    assert empty_page.errors == []
