"""A merchandiser's rule from the form to the shop: looked at before it is kept, obeyed, taken back; by keyboard and at both widths."""

from __future__ import annotations

import json
import urllib.request

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from catalog.models import Product
from tests.browser.axe import assert_accessible
from tests.browser.conftest import PROJECT, Shop
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.worker]
OBEYED_SECONDS = 5.0
SCREENSHOTS = PROJECT / ".local" / "screenshots"


def similar(shop: Shop, product: Product) -> list[str]:
    with urllib.request.urlopen(f"{shop.url}/api/v1/products/{product.pk}/similar/?limit=6") as answer:
        return [one["product"]["sku"] for one in json.load(answer)["results"]]


def shoot(page: Page, name: str) -> None:
    """The page at both widths, without anything that is wider than it."""
    for width in (1440, 360):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_rule_is_looked_at_kept_obeyed_and_taken_back(page: Page, shop: Shop) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    # Hashed as the web server's process does it, not as the tests' settings say.
    password = make_password("open-sesame-42", hasher="pbkdf2_sha256")
    User.objects.create(username="keeper", password=password, is_staff=True, is_superuser=True)
    asked = Product.objects.order_by("pk").first()
    assert asked is not None
    before = similar(shop, asked)
    hidden = before[0]

    page.goto(f"{shop.url}/admin/login/?next=/admin/recommender/rule/add/")
    page.get_by_label("Username").fill("keeper")
    page.get_by_label("Password").fill("open-sesame-42")
    page.keyboard.press("Enter")
    page.get_by_role("combobox", name="Kind").select_option("hide")
    expect(page.get_by_label("Place")).to_be_hidden()
    page.get_by_role("combobox", name="Which").select_option("product")
    page.locator("#id_product").fill(hidden)
    page.get_by_label("Reason").fill("sold badly")
    assert_accessible(page)
    shoot(page, "admin-rule-form")
    page.get_by_role("button", name="Look at before and after").press("Enter")
    expect(page.get_by_role("heading", name="Before and after")).to_be_visible()
    expect(page.locator(".is-gone").first).to_be_visible()
    assert_accessible(page)
    shoot(page, "admin-rule-preview")
    page.get_by_role("button", name="Save this rule").press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("was added successfully")
    assert_accessible(page)
    shoot(page, "admin-rules")
    wait_until(lambda: hidden not in similar(shop, asked), seconds=OBEYED_SECONDS)

    page.locator("#result_list").get_by_role("link", name=hidden).first.click()
    page.get_by_role("button", name="Undo the last change").press("Enter")
    expect(page.locator(".messagelist .success")).to_contain_text("was taken back; the rule is off")
    assert_accessible(page)
    wait_until(lambda: similar(shop, asked) == before, seconds=OBEYED_SECONDS)
