"""The dial from shape to colour on a product's page, and its own colours, by which is searched."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect

from tests.browser.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.worker]


def shown(page: Page) -> list[str]:
    return page.locator("#similar .card[data-product]").evaluate_all("all => all.map(each => each.dataset.product)")


def answered(page: Page, weight: str, *, limit: int = 12) -> list[str]:
    """What the API answers to this page's product at a weight."""
    found = page.evaluate(
        """async ([weight, limit]) => {
            const id = document.getElementById("product").dataset.id;
            const answer = await fetch(`/api/v1/products/${id}/similar/?limit=${limit}&color_weight=${weight}`);
            return (await answer.json()).results.map((each) => String(each.product.id));
        }""",
        [weight, limit],
    )
    assert isinstance(found, list) and found
    return found


def open_product(page: Page, shop: Shop) -> None:
    page.goto(shop.url)
    page.get_by_role("link", name=re.compile("^Shoe 000")).first.click()
    expect(page.locator("#similar .card[data-product]")).to_have_count(12)


def test_the_dial_asks_again_as_it_moves(page: Page, coloured_shop: Shop) -> None:
    open_product(page, coloured_shop)
    dial = page.get_by_role("slider", name="Alike by shape or by colour")
    expect(dial).to_be_visible()
    expect(dial).to_have_value("0.18")
    expect(dial).to_have_attribute("aria-valuetext", "82 % shape, 18 % colour")
    assert shown(page) == answered(page, "0.18")
    asked: list[str] = []

    def note(request: Request) -> None:
        if "/similar/?" in request.url and "limit=12" in request.url:
            asked.append(request.url)

    page.on("request", note)
    top = page.locator("#similar").bounding_box()
    dial.focus()
    with page.expect_response(re.compile(r"color_weight=1$")):
        page.keyboard.press("End")
    expect(dial).to_have_attribute("aria-valuetext", "0 % shape, 100 % colour")
    expect(page.locator("#similar")).to_have_attribute("aria-busy", "false")
    assert shown(page) == answered(page, "1")
    assert page.locator("#similar").bounding_box()["y"] == top["y"]  # type: ignore[index]

    asked.clear()
    with page.expect_response(re.compile(r"color_weight=0\.8$")):  # moved twice in a moment, it asks once
        dial.evaluate("""each => ["0.9", "0.8"].forEach((value) => {
            each.value = value;
            each.dispatchEvent(new Event("input"));
        })""")
    expect(page.locator("#similar")).to_have_attribute("aria-busy", "false")
    assert [url.rpartition("&")[2] for url in asked] == ["color_weight=0.8"]
    assert shown(page) == answered(page, "0.8")

    page.reload()
    expect(dial).to_have_value("0.18")


def test_a_late_answer_never_takes_the_place_of_a_newer_one(page: Page, coloured_shop: Shop) -> None:
    open_product(page, coloured_shop)
    held: list[Route] = []
    page.route(re.compile(r"color_weight=1$"), lambda route: held.append(route))  # the answer is kept back
    dial = page.get_by_role("slider", name="Alike by shape or by colour")
    dial.focus()
    page.keyboard.press("End")
    expect(page.locator("#similar")).to_have_attribute("aria-busy", "true")
    with page.expect_response(re.compile(r"color_weight=0$")):
        page.keyboard.press("Home")
    expect(page.locator("#similar")).to_have_attribute("aria-busy", "false")
    for route in held:
        route.abort()
    assert shown(page) == answered(page, "0")


def test_own_colours_are_links_to_what_has_them(page: Page, coloured_shop: Shop, tmp_path: Path) -> None:
    open_product(page, coloured_shop)
    swatches = page.locator(".product .swatch")
    expect(swatches.first).to_be_visible()
    first = swatches.first
    hex_ = first.get_attribute("title")
    assert hex_ is not None and re.match(r"#[0-9a-f]{6}, \d+ %$", hex_)
    expect(first).to_have_accessible_name(f"Search by the colour {hex_[:7]}")
    page.screenshot(path=os.environ.get("SCREENSHOTS", str(tmp_path)) + "/product.png", full_page=True)
    first.click()
    expect(page).to_have_url(re.compile(rf"/colors/\?hex={hex_[1:7]}$"))
    cards = page.locator("#results .card[data-product]")
    expect(cards.first).to_be_visible()
    expect(page.locator("#colors .swatch")).to_have_count(1)
    page.screenshot(path=os.environ.get("SCREENSHOTS", str(tmp_path)) + "/colors.png", full_page=True)
    page.set_viewport_size({"width": 375, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_the_dial_is_hidden_where_the_space_has_no_colour(page: Page, colourless_shop: Shop) -> None:
    open_product(page, colourless_shop)
    expect(page.locator("#dial")).to_be_hidden()
    expect(page.get_by_role("slider")).to_have_count(0)
    expect(page.locator(".product .swatch")).to_have_count(0)
