"""Whether a page can be used by everybody, as far as axe can tell."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def assert_accessible(page: Page) -> None:
    """axe finds nothing serious or critical in the page as it is now."""
    found = Axe().run(page).response["violations"]
    grave = [
        (one["impact"], one["id"], [node["html"][:200] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert grave == [], page.url
