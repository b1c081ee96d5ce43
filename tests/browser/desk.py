"""The admin as the people of a shop use it: signing in, and pictures of its pages at both widths."""

from __future__ import annotations

import base64
from pathlib import Path

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from playwright.sync_api import Page

from tests.browser.axe import assert_accessible

SCREENSHOTS = Path(__file__).resolve().parent.parent.parent / ".local" / "screenshots"
WIDTHS = (1440, 360)


def sign_in(page: Page, url: str, **rights: bool) -> User:
    """A superuser, signed in. Hashed as the web server's process does it, not as the tests' settings say."""
    password = make_password("open-sesame-42", hasher="pbkdf2_sha256")
    user = User.objects.create(username="keeper", password=password, is_staff=True, is_superuser=True, **rights)
    page.goto(f"{url}/admin/")
    page.get_by_label("Username").fill("keeper")
    page.get_by_label("Password").fill("open-sesame-42")
    page.get_by_role("button", name="Log in").click()
    return user


def looked_at(page: Page, name: str) -> None:
    """The page at both widths: nothing serious for axe, nothing wider than the window, and a picture in SCREENSHOTS."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    size = page.viewport_size
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert_accessible(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} is {wide} pixels wider than a window of {width}"
        _picture(page, SCREENSHOTS / f"{name}-{width}.png")
    if size:
        page.set_viewport_size(size)


def _picture(page: Page, file: Path) -> None:
    """The whole page. Not by Playwright's own function, which writes a style into the page, as the content policy forbids."""
    session = page.context.new_cdp_session(page)
    taken = session.send("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
    file.write_bytes(base64.b64decode(taken["data"]))
    session.detach()
