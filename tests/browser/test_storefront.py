"""What a shopper sees: products, a product, and items that look like it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PRODUCTS, Shop

pytestmark = [pytest.mark.browser, pytest.mark.worker]


def test_from_the_storefront_to_a_product_to_a_similar_item(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    cards = page.locator("#products .card[data-product]")
    expect(cards.first).to_be_visible()
    expect(page.locator("#count")).to_contain_text(str(PRODUCTS))
    shoe = page.get_by_role("link", name=re.compile("^Shoe 000"))
    shoe.first.click()

    expect(page).to_have_url(re.compile(r"/products/\d+/$"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Shoe 000 (drawn)")
    similar = page.locator("#similar .card[data-product]")
    expect(similar.first).to_be_visible()
    expect(similar).to_have_count(12)
    scores = [
        float(text) for text in similar.locator(".score").evaluate_all("all => all.map(each => each.title.slice(6))")
    ]
    assert scores == sorted(scores, reverse=True) and 0 < scores[-1] <= scores[0] <= 1
    titles = similar.locator("h3").all_inner_texts()
    first = titles[0]
    assert "Shoe 000 (drawn)" not in titles
    # A bag and a bottle are striped in the very same colours; of shoes there are three more, all in others.
    assert any(title.startswith("Shoe") for title in titles[:3])
    page.locator("input[type=range]").fill("0")  # by shape alone a shoe comes first
    expect(similar.first.locator("h3")).to_have_text(re.compile("^Shoe"))
    expect(page.locator("#similar")).to_have_attribute("aria-busy", "false")
    first = similar.first.locator("h3").inner_text()
    assert first != "Shoe 000 (drawn)"
    pictures = similar.locator("img")
    expect(pictures).to_have_count(12)
    pictures.last.scroll_into_view_if_needed()
    for picture in pictures.all():
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("image => image.naturalWidth") > 0

    similar.first.locator("a").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(first)
    expect(similar.first).to_be_visible()
    titles = similar.locator("h3").all_inner_texts()
    assert first not in titles and len(set(titles)) == len(titles)


def test_a_narrow_screen_is_not_scrolled_sideways(page: Page, products: Shop) -> None:
    page.set_viewport_size({"width": 375, "height": 800})
    page.goto(products.url)
    expect(page.locator("#products .card[data-product]").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_api_docs_show_the_operations(page: Page, web: str) -> None:
    page.goto(f"{web}/api/docs/")
    expect(page.get_by_role("button", name="get /api/v1/status/", exact=True)).to_be_visible()
