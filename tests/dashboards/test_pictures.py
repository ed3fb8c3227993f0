"""Pictures in the pages: there, small, and each of them used."""

import re

from dashboards.asking import ROOT

FOLDER = ROOT / "docs/pictures"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LIMIT = 150_000  # bytes: a page of three is loaded at once


def test_pages_show_what_is_there_and_nothing_else_is() -> None:
    shown = {
        (page.parent / picture).resolve()
        for page in PAGES
        for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text())
    }
    assert shown == {path.resolve() for path in FOLDER.iterdir()}
    assert all(path.stat().st_size < LIMIT for path in shown)
