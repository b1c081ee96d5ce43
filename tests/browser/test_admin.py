"""What a shop's staff do: a photo uploaded in the admin is found among the similar items of its class, soon."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from pathlib import Path

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from catalog.demo.drawing import draw_product
from catalog.models import Product
from tests.browser.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.worker]

SEARCHABLE_SECONDS = 5.0


def test_an_uploaded_photo_is_searchable_within_seconds(page: Page, shop: Shop, tmp_path: Path) -> None:
    # Hashed as the web server's process does it, not as the tests' settings say.
    User.objects.create(
        username="keeper",
        password=make_password("open-sesame-42", hasher="pbkdf2_sha256"),
        is_staff=True,
        is_superuser=True,
    )
    photo = tmp_path / "new-lamp.jpg"
    draw_product("lamp", 1, 256, view=9).save(photo, quality=90)

    page.goto(f"{shop.url}/admin/")
    page.get_by_label("Username").fill("keeper")
    page.get_by_label("Password").fill("open-sesame-42")
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{shop.url}/admin/catalog/product/add/")
    page.get_by_label("Sku", exact=False).first.fill("LAMP-NEW")
    page.get_by_label("Title", exact=False).first.fill("A new lamp")
    page.locator("input[type=file]").first.set_input_files(photo)
    page.get_by_role("button", name="Save and continue editing").click()
    saved = time.monotonic()
    expect(page.locator(".messagelist .success")).to_contain_text("A new lamp")

    new = Product.objects.get(sku="LAMP-NEW")
    lamps = Product.objects.filter(category__slug__contains="lamps").order_by("id")
    of_its_class = lamps[1]  # drawn with the same seed: the most alike
    found: list[int] = []
    while new.pk not in found:
        assert time.monotonic() - saved < SEARCHABLE_SECONDS, f"not among {found} after {SEARCHABLE_SECONDS} s"
        found = _similar(shop, of_its_class.pk)
        time.sleep(0.05)

    # And the other way about: its own similar items are of its class, in the API as on its admin page.
    similar = Product.objects.in_bulk(_similar(shop, new.pk))
    assert all(product.title.startswith("Lamp") for product in list(similar.values())[:3])
    page.reload()
    expect(page.get_by_text("done", exact=False).first).to_be_visible()
    expect(page.locator("a", has=page.locator("img"), has_text=re.compile("Lamp")).first).to_be_visible()


def _similar(shop: Shop, product: int) -> list[int]:
    """Ids of the similar items, best first."""
    with urllib.request.urlopen(f"{shop.url}/api/v1/products/{product}/similar/?limit=6", timeout=10) as answer:
        return [hit["product"]["id"] for hit in json.load(answer)["results"]]
