"""What a shopper does: looks around, turns the dial, asks why, searches by photo; with a keyboard, a phone, or without scripts."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, Route, expect

from catalog.models import Product
from tests.browser.conftest import PRODUCTS, Shop
from tests.browser.screens import seen_at_both_widths
from tests.catalog.photos.test_heif import HEIC

pytestmark = [pytest.mark.browser, pytest.mark.worker]

MOST_BYTES = 300 * 1024  # of a first view, without photos
MOST_REQUESTS = 4  # the page, its style, its script and its icon
MEASURED = """
    window.shifts = 0; window.largest = null;
    new PerformanceObserver(list => { for (const one of list.getEntries()) if (!one.hadRecentInput) window.shifts += one.value; })
        .observe({type: "layout-shift", buffered: true});
    new PerformanceObserver(list => { const one = list.getEntries().at(-1);
        window.largest = {url: one.url, text: one.url ? "" : one.element?.textContent ?? ""}; })
        .observe({type: "largest-contentful-paint", buffered: true});
"""


def cards(page: Page, place: str = "main") -> Locator:
    return page.locator(f"{place} .card[data-product]")


def ids(found: Locator) -> list[str]:
    shown: list[str] = found.evaluate_all("all => all.map(each => each.dataset.product)")
    return shown


def settled(page: Page, place: str) -> None:
    expect(page.locator(place)).to_have_attribute("aria-busy", "false")


def told(page: Page, words: str) -> None:
    """In a notice, in the place of a list."""
    expect(page.locator(".notice").get_by_text(words)).to_be_visible()


def others_of_its_kind(title: str) -> int:
    """How many products are of the category of one, its variants counted once and its own not at all."""
    product = Product.objects.get(title=f"{title} (drawn)")
    rows = Product.objects.filter(category=product.category).values_list("group", "pk")
    return len({group or str(pk) for group, pk in rows} - {product.group or str(product.pk)})


def answered(page: Page, product: str, weight: str) -> list[str]:
    """What the API answers to a product at a weight of colour."""
    found: list[str] = page.evaluate(
        """async ([product, weight]) => {
            const answer = await fetch(`/api/v1/products/${product}/similar/?limit=12&color_weight=${weight}`);
            return (await answer.json()).results.map((each) => String(each.product.id));
        }""",
        [product, weight],
    )
    assert len(found) == 12
    return found


def test_a_shopper_looks_around(page: Page, coloured_shop: Shop) -> None:
    """One test, because to embed the shop's photos takes as long as all of it."""
    page.add_init_script(MEASURED)
    _first_view(page, coloured_shop)
    _narrows_the_catalogue(page, coloured_shop)
    _looks_at_a_product(page, coloured_shop)
    _turns_the_dial(page)
    _asks_why(page)
    _follows_a_colour(page)
    _meets_a_slow_and_a_dead_shop(page, coloured_shop)


def _first_view(page: Page, shop: Shop) -> None:
    response = page.goto(shop.url)
    assert response is not None
    expect(cards(page)).to_have_count(24)
    page.wait_for_function("document.images[0].complete && window.largest")
    _weighs_little(page)
    assert page.evaluate("window.shifts") == 0
    _largest_is_in(page, response.text())
    seen_at_both_widths(page, "storefront")
    page.set_viewport_size({"width": 360, "height": 800})
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_role("link", name="Home 24")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Home 24")).to_be_hidden()
    page.set_viewport_size({"width": 1280, "height": 900})


def _weighs_little(page: Page) -> None:
    """Without photos; and every picture that came is WebP, no larger than the screen shows it."""
    came: list[dict[str, Any]] = page.evaluate(
        """[...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
            .map(one => ({url: one.name, bytes: one.transferSize}))"""
    )
    photos = [one for one in came if "/media/" in one["url"]]
    rest = [one for one in came if "/media/" not in one["url"]]
    assert sum(one["bytes"] for one in rest) <= MOST_BYTES, rest
    assert 0 < len(rest) <= MOST_REQUESTS, rest
    assert photos and all(one["url"].endswith(".240.webp") for one in photos)
    sizes = page.locator("main img").evaluate_all("all => all.map(one => [one.width > 0, one.hasAttribute('height')])")
    assert sizes == [[True, True]] * 24


def _largest_is_in(page: Page, source: str) -> None:
    largest = page.evaluate("window.largest")
    assert (largest["url"].rpartition("/")[2] or largest["text"].strip()) in source


def _narrows_the_catalogue(page: Page, shop: Shop) -> None:
    expect(page.locator("#count")).to_have_text(f"{PRODUCTS} items")
    page.get_by_role("link", name="Next →").click()
    expect(page).to_have_url(f"{shop.url}/?page=2")
    expect(page.get_by_text("Page 2 of 2")).to_be_visible()
    expect(page.get_by_role("link", name="Fashion 24")).to_be_visible()
    page.get_by_role("link", name="Fashion 24").click()
    page.get_by_label("Order", exact=True).select_option("Price: low to high")
    expect(page).to_have_url(f"{shop.url}/?category=fashion&sort=price")
    prices = [float(text[1:]) for text in cards(page).locator("strong").all_inner_texts()]
    assert len(prices) == 24 and prices == sorted(prices)
    page.get_by_role("searchbox").fill("shoes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("“shoes”")
    expect(cards(page)).to_have_count(6)
    there = Product.objects.filter(title__startswith="Shoe", in_stock=True).count()
    assert 0 < there < 6
    expect(cards(page).filter(has_text="Sold out")).to_have_count(6 - there)
    page.get_by_role("link", name=f"In stock {there}", exact=True).click()
    expect(cards(page)).to_have_count(there)
    page.go_back()
    expect(cards(page)).to_have_count(6)
    page.goto(f"{shop.url}/?search=xylophone")
    told(page, "We have nothing like that")
    seen_at_both_widths(page, "nothing-found")
    assert page.goto(f"{shop.url}/products/987654321/").status == 404  # type: ignore[union-attr]
    expect(page.get_by_text("This page is not here")).to_be_visible()


def _looks_at_a_product(page: Page, shop: Shop) -> None:
    response = page.goto(f"{shop.url}/products/{Product.objects.get(title='Shoe 000 (drawn)').pk}/")
    assert response is not None
    expect(page.get_by_role("heading", level=1)).to_have_text("Shoe 000 (drawn)")
    expect(cards(page, "#similar")).to_have_count(12)
    page.wait_for_function("window.largest && document.getElementById('stage').complete")
    assert page.evaluate("window.shifts") == 0
    _largest_is_in(page, response.text())
    pictures = page.locator("#similar img")
    pictures.last.scroll_into_view_if_needed()
    page.wait_for_function("[...document.querySelectorAll('#similar img')].every(one => one.naturalWidth > 0)")
    page.evaluate("scrollTo(0, 0)")
    words = page.locator("body").inner_text()
    for unwanted in ("Admin", " ms", "cosine", "category=", "color_weight"):
        assert unwanted not in words
    seen_at_both_widths(page, "product")
    seen_at_both_widths(page, "similar", at="#similar")
    first = ids(cards(page, "#similar"))
    page.locator("#strip a").nth(1).click()
    expect(page).to_have_url(re.compile(r"\?photo=2$"))
    settled(page, "#similar")
    expect(page.locator("#stage")).to_have_js_property("complete", True)
    assert page.evaluate(
        "document.getElementById('stage').currentSrc.includes(document.querySelector('#strip [aria-current] img').src.split('/').pop().slice(0, 64))"
    )
    page.reload()
    expect(page.locator("#strip a").nth(1)).to_have_attribute("aria-current", "true")
    page.locator("#strip a").first.click()
    settled(page, "#similar")
    assert ids(cards(page, "#similar")) == first


def _turns_the_dial(page: Page) -> None:
    product = page.url.split("/products/")[1].split("/")[0]
    dial = page.get_by_role("slider", name="Alike by shape or by colour")
    expect(dial).to_have_value("0.18")
    expect(dial).to_have_attribute("aria-valuetext", "82 % shape, 18 % colour")
    assert ids(cards(page, "#similar")) == answered(page, product, "0.18")
    top = page.locator("#similar").bounding_box()
    dial.focus()
    page.keyboard.press("End")
    expect(dial).to_have_attribute("aria-valuetext", "0 % shape, 100 % colour")
    expect(page).to_have_url(re.compile(r"\?color_weight=1$"))
    settled(page, "#similar")
    expect(page.get_by_role("status")).to_have_text("12 similar items")
    assert ids(cards(page, "#similar")) == answered(page, product, "1")
    assert page.locator("#similar").bounding_box() == top
    held: list[Route] = []
    page.route(
        re.compile(r"color_weight=0\.9"), lambda route: held.append(route)
    )  # a late answer takes no newer one's place
    with page.expect_request(re.compile(r"color_weight=0\.9")):
        dial.fill("0.9")
    expect(page.locator("#similar")).to_have_attribute("aria-busy", "true")
    dial.fill("0")
    expect(page).to_have_url(re.compile(r"\?color_weight=0$"))
    settled(page, "#similar")
    for route in held:
        route.continue_()
    assert ids(cards(page, "#similar")) == answered(page, product, "0")
    assert all(title.startswith("Shoe") for title in cards(page, "#similar").locator("h3").all_inner_texts()[:2])
    page.get_by_label("Same category").check()
    settled(page, "#similar")
    expect(cards(page, "#similar")).to_have_count(others_of_its_kind("Shoe 000"))
    page.reload()
    expect(cards(page, "#similar")).to_have_count(others_of_its_kind("Shoe 000"))
    expect(dial).to_have_value("0")
    page.get_by_label("Same category").uncheck()
    expect(cards(page, "#similar")).to_have_count(12)


def _asks_why(page: Page) -> None:
    page.locator("#similar .why-link").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("img")).to_have_count(2, timeout=20_000)
    expect(dialog.locator(".why-sentence")).to_contain_text("alike")
    page.wait_for_function("[...document.querySelectorAll('#why img')].every(one => one.naturalWidth > 0)")
    seen_at_both_widths(page, "why")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator("#similar .why-link").first).to_be_focused()


def _follows_a_colour(page: Page) -> None:
    page.locator(".product .swatch").first.click()
    expect(page).to_have_url(re.compile(r"/colors/\?hex=[0-9a-f]{6}$"))
    expect(cards(page)).to_have_count(24)
    seen_at_both_widths(page, "colours")
    page.locator("#color").evaluate(
        "one => { one.value = '#2c58b2'; one.dispatchEvent(new Event('change', {bubbles: true})); }"
    )
    expect(page).to_have_url(re.compile(r"hex=%232c58b2$"))
    expect(cards(page)).to_have_count(24)


def _meets_a_slow_and_a_dead_shop(page: Page, shop: Shop) -> None:
    page.clock.install()
    page.goto(f"{shop.url}/products/{Product.objects.get(title='Shoe 000 (drawn)').pk}/")
    held: list[Route] = []
    part = re.compile(r"/similar/\?")
    page.route(part, lambda route: held.append(route))
    with page.expect_request(part):
        page.get_by_label("In stock").check()
    page.clock.run_for(4100)
    told(page, "This takes longer than usual")
    page.clock.run_for(16_000)
    told(page, "That took too long")
    seen_at_both_widths(page, "slow", at="#similar")
    page.unroute(part)
    page.route(part, lambda route: route.abort())
    page.locator("#similar [data-again]").click()
    told(page, "We cannot reach the shop")
    page.unroute(part)
    page.route(part, lambda route: route.fulfill(status=404, body="nothing"))
    page.locator("#similar [data-again]").click()
    told(page, "That did not work")
    page.unroute(part)
    page.locator("#similar [data-again]").click()
    expect(cards(page, "#similar")).to_have_count(12)


def test_a_shopper_searches_by_photo(page: Page, chromium: Browser, shop: Shop, tmp_path: Path) -> None:
    photos = sorted((shop.folder / "images").iterdir())
    page.goto(f"{shop.url}/search/")
    seen_at_both_widths(page, "photo-search")
    _chooses_a_photo_and_a_part(page, photos[0], tmp_path)
    _comes_back(page, photos[1])
    _drops_and_pastes(page, shop, photos[2])
    _fails_and_is_told(page, tmp_path)
    with chromium.new_context(java_script_enabled=False, locale="de-DE") as context:
        _goes_without_scripts(context.new_page(), shop, photos[0])


def _chooses_a_photo_and_a_part(page: Page, photo: Path, folder: Path) -> None:
    expect(page.locator("#camera")).to_have_attribute("capture", "environment")
    large = folder / "large.jpg"
    with Image.open(photo) as small:
        small.resize((3000, 3000)).save(large, quality=100, subsampling=0)
    page.locator("#file").set_input_files(large)
    expect(page.locator("#results-count")).to_have_text("24 similar items")
    [kept] = page.evaluate(KEPT)
    assert 0 < kept < 150_000 < large.stat().st_size
    whole = ids(cards(page, "#results"))
    page.get_by_role("button", name="Choose a part").click()
    frame = page.get_by_role("button", name="The part we look at")
    expect(frame).to_be_focused()
    expect(page).to_have_url(re.compile(r"crop=0\.1500%2C0\.1500%2C0\.7000%2C0\.7000"))
    for key in ("Shift+ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(r"crop=0\.2500%2C0\.1900%2C0\.7000%2C0\.7000"))
    page.get_by_role("button", name="Lower right corner").focus()
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    expect(page).to_have_url(re.compile(r"crop=0\.2500%2C0\.1900%2C0\.5000%2C0\.6000"))
    outline = page.evaluate("getComputedStyle(document.activeElement, '::after').backgroundColor")
    assert outline == "rgb(255, 138, 102)"
    settled(page, "#results")
    seen_at_both_widths(page, "photo-part")
    box = page.locator("#cropper").bounding_box()
    handle = page.get_by_role("button", name="Upper left corner").bounding_box()
    assert box is not None and handle is not None
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"crop=0\.(49|50)\d\d%2C0\.(49|50)\d\d%2C0\.2\d+%2C0\.(2|3)\d+"))
    settled(page, "#results")
    page.get_by_role("button", name="Whole photo").click()
    expect(page).to_have_url(re.compile(r"\?photo=\w+$"))
    settled(page, "#results")
    assert ids(cards(page, "#results")) == whole


def _comes_back(page: Page, other: Path) -> None:
    page.get_by_label("Category").select_option("bags")
    page.get_by_label("In stock").check()
    expect(page.locator("#results-count")).to_have_text(re.compile(r"^[1-6] similar items$"))
    page.get_by_role("button", name="Choose a part").click()
    expect(page).to_have_url(re.compile("category=bags&in_stock=true&crop=0.15"))
    settled(page, "#results")
    before, first = page.url, ids(cards(page, "#results"))
    page.locator("#file").set_input_files(other)
    expect(page).not_to_have_url(before)
    settled(page, "#results")
    page.go_back()
    for again in (lambda: None, lambda: page.reload()):
        again()
        expect(page).to_have_url(before)
        expect(page.get_by_label("Category")).to_have_value("bags")
        expect(page.get_by_label("In stock")).to_be_checked()
        expect(page.locator("#frame")).to_be_visible()
        expect(page.locator("#photo")).to_have_attribute("src", re.compile("^blob:"))
        settled(page, "#results")
        expect(cards(page, "#results").first).to_be_visible()
        assert ids(cards(page, "#results")) == first
    cards(page, "#results").first.locator("a").click()
    expect(page.get_by_role("heading", name="Visually similar")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(before)
    expect(cards(page, "#results").first).to_be_visible()
    assert ids(cards(page, "#results")) == first


# Bytes of the photos in the browser's storage, as they are sent.
KEPT = """() => new Promise((resolve) => {
    const request = indexedDB.open("lookalike", 1);
    request.onsuccess = () => {
        const all = request.result.transaction("photos").objectStore("photos").getAll();
        all.onsuccess = () => { request.result.close(); resolve(all.result.map((one) => one.photo.blob.size)); };
    };
})"""
GIVE = """([kind, files, text]) => {
    const data = new DataTransfer();
    for (const [name, type, bytes] of files) data.items.add(new File([Uint8Array.from(atob(bytes), c => c.charCodeAt(0))], name, {type}));
    if (text) data.setData("text/plain", text);
    const event = kind === "drop" ? new DragEvent("drop", {dataTransfer: data, bubbles: true, cancelable: true})
        : new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true});
    document.body.dispatchEvent(event);
}"""


def _drops_and_pastes(page: Page, shop: Shop, photo: Path) -> None:
    file = [photo.name, "image/jpeg", base64.b64encode(photo.read_bytes()).decode()]
    found = []
    for kind in ("drop", "paste"):
        page.goto(f"{shop.url}/search/")
        page.evaluate(GIVE, [kind, [file], ""])
        expect(page.locator("#results-count")).to_have_text("24 similar items")
        found.append(ids(cards(page, "#results")))
    ours = page.locator("#results img").first.evaluate("one => one.src")
    page.goto(f"{shop.url}/search/")
    page.evaluate(GIVE, ["drop", [], ours])
    expect(page.locator("#results-count")).to_have_text("24 similar items")
    found.append(ids(cards(page, "#results")))
    assert found[0] == found[1] and found[2][0] == found[0][0]
    page.locator("#file").set_input_files(HEIC / "quarters.heic")  # of a kind that Chromium cannot show
    expect(page.locator("#photo")).to_have_attribute("src", re.compile("^data:image/jpeg"))
    expect(cards(page, "#results").first).to_be_visible()
    page.get_by_role("button", name="Choose a part").click()
    expect(page).to_have_url(re.compile("crop=0.15"))
    settled(page, "#results")
    expect(cards(page, "#results")).to_have_count(24)
    page.goto(f"{shop.url}/search/")
    page.evaluate(GIVE, ["paste", [], "http://127.0.0.1:9/lamp.jpg"])
    told(page, "There is no photo for us at that address")
    page.reload()
    expect(page.get_by_label("Or the address of a photo on the web")).to_have_value("http://127.0.0.1:9/lamp.jpg")
    told(page, "There is no photo for us at that address")


def _fails_and_is_told(page: Page, folder: Path) -> None:
    page.goto(page.url.split("?")[0])
    for name, content, words in (
        ("notes.txt", b"no picture at all", "That is not a photo"),
        ("broken.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 30, "We could not open that photo"),
    ):
        (folder / name).write_bytes(content)
        page.locator("#file").set_input_files(folder / name)
        told(page, words)
        expect(page.locator("#results-count")).to_have_text("")
    seen_at_both_widths(page, "photo-refused")
    page.route(
        re.compile(r"/search/$"), lambda route: route.abort() if route.request.method == "POST" else route.continue_()
    )
    page.get_by_label("In stock").check()
    told(page, "We cannot reach the shop")
    page.unroute_all()


def _goes_without_scripts(page: Page, shop: Shop, photo: Path) -> None:
    page.goto(shop.url)
    page.get_by_role("link", name="Weiter →").click()
    page.get_by_label("Reihenfolge").select_option("Name")
    page.get_by_role("button", name="Sortieren").click()
    expect(page).to_have_url(f"{shop.url}/?sort=title")
    page.get_by_role("link", name=re.compile("^Bag 000")).click()
    expect(cards(page, "#similar")).to_have_count(12)
    page.get_by_label("Gleiche Kategorie").check()
    page.get_by_role("button", name="Zeigen").click()
    expect(cards(page, "#similar")).to_have_count(others_of_its_kind("Bag 000"))
    page.locator("#similar .why-link").first.click()
    expect(page.locator(".why-pair img")).to_have_count(2)
    page.goto(f"{shop.url}/search/")
    page.locator("#file").set_input_files(photo)
    page.get_by_label("Kategorie").select_option("bags")
    page.locator("#upload").get_by_role("button", name="Suchen").click()
    expect(cards(page, "#results").first).to_be_visible()
    expect(page.locator("#photo")).to_be_visible()
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Search by photo")).to_be_visible()


def test_the_api_docs_show_the_operations(page: Page, web: str) -> None:
    page.goto(f"{web}/api/docs/")
    expect(page.get_by_role("button", name="get /api/v1/status/", exact=True)).to_be_visible()
