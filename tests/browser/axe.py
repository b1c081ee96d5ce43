"""What axe finds wrong with a page for people who see, hear or move differently."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

_GRAVE = ("serious", "critical")
# Preloading writes a style into the page, as the content policy forbids; it serves one check, of sheets that lock orientation.
_OPTIONS = {"resultTypes": ["violations"], "preload": False}


def assert_accessible(page: Page) -> None:
    """No finding of axe that is serious or critical. The message names each element that one concerns."""
    found = Axe().run(page, options=_OPTIONS).response["violations"]
    grave = [
        f"{one['id']} ({one['impact']}): {one['help']}: {', '.join(node['html'][:160] for node in one['nodes'][:5])}"
        for one in found
        if one["impact"] in _GRAVE
    ]
    assert grave == [], f"{page.url}:\n" + "\n".join(grave)
