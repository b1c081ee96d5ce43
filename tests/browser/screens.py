"""Pages at the widths of a phone and of a desk: looked at by axe, not scrolled sideways, and photographed."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.axe import assert_accessible

PHONE, DESK = 360, 1440
FOLDER = Path(__file__).resolve().parent.parent.parent / ".local" / "screenshots"


def seen_at_both_widths(page: Page, name: str, *, at: str = "body") -> None:
    """Write `name`-1440.png and `name`-360.png, scrolled to the element `at`; the page is left as wide as a desk."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is scrolled sideways at {width}"
        assert_accessible(page)
        page.locator(at).first.evaluate("one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 180)")
        page.evaluate("() => Promise.all(document.getAnimations().map(one => one.finished.catch(() => {})))")
        page.screenshot(path=FOLDER / f"{name}-{width}.png")
