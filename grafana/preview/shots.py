"""shots.py FOLDER: the built page in headless Chromium, each answer in FOLDER/data at 1920 and at 1280 pixels: FOLDER/*.png.

Run by tools/dashboards.sh with the playwright that it has installed; Chromium is the system's.
"""

import functools
import shutil
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

WIDTHS = (1920, 1280)


class Quiet(SimpleHTTPRequestHandler):
    """Without a line for each request."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def shoot(browser: Browser, base: str, answers: Path, width: int) -> list[str]:
    """One picture; what the page complained of."""
    said: list[str] = []
    page = browser.new_page(viewport={"width": width, "height": 1080})
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("response", lambda answer: said.append(f"{answer.status} {answer.url}") if answer.status >= 400 else None)
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(f"{base}/index.html?data=data/{answers.name}")
    page.wait_for_function("window.drawn === true", timeout=120_000)
    page.evaluate("document.fonts.ready")
    page.screenshot(path=answers.parents[1] / f"{answers.stem}-{width}.png", full_page=True)
    page.close()
    return said


def main(folder: Path, only: str) -> int:
    """All pictures whose name has `only` in it. -> exit code."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    wrong = 0
    with sync_playwright() as playwright:
        program = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for answers in sorted((folder / "data").glob("*.json")):
            for width in WIDTHS:
                if only not in f"{answers.stem}-{width}":
                    continue
                said = shoot(browser, f"http://127.0.0.1:{server.server_port}", answers, width)
                wrong += bool(said)
                print(f"{answers.stem}-{width}.png", *said[:3], sep="\n  ")
        browser.close()
    server.shutdown()
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
