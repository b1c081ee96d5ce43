"""What the people of a shop do in its admin, each flow from the page alone."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from catalog.demo.drawing import draw_product
from catalog.models import Product, ProductImage
from recommender.models import EmbeddingJob, Rule
from tests.browser.conftest import Shop
from tests.browser.desk import looked_at, sign_in
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.worker]


def drawn(kind: str, number: int, view: int = 9) -> bytes:
    buffer = io.BytesIO()
    draw_product(kind, number, 200, view=view).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def file(name: str, data: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


def photos_of(product: Product) -> list[tuple[int, str]]:
    return list(product.images.values_list("pk", "alt"))


def test_the_desk(page: Page, coloured_shop: Shop) -> None:
    """One shop and one browser for all flows: to start them takes longer than the flows do."""
    url = coloured_shop.url
    sign_in(page, url)
    looked_at(page, "admin-home")
    a_product_is_edited_with_its_photos(page, url, coloured_shop.folder)
    similar_items_are_looked_through_and_ruled(page, url)
    many_products_are_made_of_a_zip(page, url)
    failed_photos_are_tried_again(page)


def a_product_is_edited_with_its_photos(page: Page, url: str, folder: Path) -> None:
    product = Product.objects.filter(sku__startswith="DRAWN-MUG").order_by("pk")[0]
    page.get_by_role("link", name="Products", exact=True).first.click()
    looked_at(page, "admin-products")
    page.get_by_role("searchbox", name="Search").fill(product.sku)
    page.keyboard.press("Enter")
    page.get_by_role("link", name=product.title, exact=True).last.click()
    outcomes = page.get_by_label("What became of new photos").locator("li")
    before = product.images.count()

    # Edits that are not saved stay, whatever is done to photos meanwhile.
    page.get_by_label("Brand", exact=False).first.fill("Kilnworks")
    expect(page.get_by_text("Unsaved changes")).to_be_visible()
    known = next(folder.joinpath("images").iterdir())
    page.get_by_label("Add photos").set_input_files(
        [file("side.jpg", drawn("mug", 1)), file("notes.jpg", b"no photo"), file("known.jpg", known.read_bytes())]
    )
    expect(outcomes).to_have_count(3)
    expect(outcomes.nth(0)).to_contain_text("added")
    expect(outcomes.nth(1)).to_contain_text("the file is not a photo")
    expect(outcomes.nth(2)).to_contain_text("the same file as a photo of")
    wait_until(lambda: product.images.count() == before + 2, seconds=10, what="two photos more")
    cards = page.locator("[data-photos] > li")
    expect(cards).to_have_count(before + 2)
    page.get_by_role("button", name="Embed again").first.click()
    expect(page.locator(".messagelist")).to_contain_text("1 photo is embedded again")
    expect(page.get_by_label("Brand", exact=False).first).to_have_value("Kilnworks")

    # By dragging, then by keys alone: the last photo comes first, and has a text.
    moved = cards.last.get_attribute("data-image")
    cards.last.locator(".desk-photo-picture").drag_to(cards.first.locator(".desk-photo-picture"))
    expect(cards.last).not_to_have_attribute("data-image", str(moved))
    last = ProductImage.objects.get(pk=int(cards.last.get_attribute("data-image") or 0))
    card = page.locator(f'[data-image="{last.pk}"]')
    card.get_by_role("button", name="earlier").focus()
    for _ in range(before + 1):
        page.keyboard.press("ArrowLeft")
    expect(card.get_by_text("Main photo")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("From the side")
    expect(card.get_by_label("Alternative text")).to_have_value("From the side")
    page.get_by_role("button", name="Add an attribute").click()
    page.keyboard.type("glaze")
    page.keyboard.press("Tab")
    page.keyboard.type("matt")
    expect(page.locator("[data-embedding] .is-done")).to_have_count(before + 2, timeout=20_000)
    looked_at(page, "admin-product")

    # Leaving is asked about, and staying keeps everything.
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("location.href = '/admin/'")
    wait_until(lambda: asked == ["beforeunload"], seconds=5, what="the question whether to leave")
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist .success")).to_contain_text("was changed successfully")
    product.refresh_from_db()
    assert (product.brand, product.attributes["glaze"]) == ("Kilnworks", "matt")
    assert photos_of(product)[0] == (last.pk, "From the side")

    replaced = page.locator(f'[data-image="{last.pk}"]')
    replaced.get_by_label("Replace by").set_input_files(file("better.jpg", drawn("mug", 1, view=5)))
    expect(outcomes.first).to_contain_text("in the place of the photo before")
    assert ProductImage.objects.get(pk=last.pk).digest != last.digest
    expect(page.get_by_text("Unsaved changes")).to_have_count(0)


def similar_items_are_looked_through_and_ruled(page: Page, url: str) -> None:
    product = Product.objects.filter(sku__startswith="DRAWN-LAMP").order_by("pk")[0]
    page.goto(f"{url}/admin/catalog/product/{product.pk}/change/")
    panel = page.locator("#similar-items")
    items = panel.locator("ol > li")
    expect(items).to_have_count(12)
    expect(items.first).to_contain_text("shape")
    panel.get_by_label("In stock only").check()
    expect(panel.get_by_text("sold out")).to_have_count(0)
    panel.get_by_label("Brand").fill("nobody")
    page.keyboard.press("Tab")
    expect(panel.get_by_text("Nothing similar passes these filters")).to_be_visible()
    panel.get_by_label("Brand").fill("")
    page.keyboard.press("Tab")
    expect(items).not_to_have_count(0)
    first = items.first.locator("a span").inner_text()
    items.first.get_by_role("button", name="Never show").click()
    expect(panel.get_by_role("heading", name="Never shown here")).to_be_visible()
    rule = Rule.objects.get(kind=Rule.Kind.HIDE)
    assert (rule.for_product_id, rule.product and rule.product.title) == (product.pk, first)
    third = items.nth(2).locator("a span").inner_text()
    place = items.nth(2).get_by_label("Place of")
    place.fill("1")
    place.press("Enter")
    expect(page.locator(".messagelist")).to_contain_text("is pinned at place 1")
    assert Rule.objects.get(kind=Rule.Kind.PIN).place == 1
    looked_at(page, "admin-similar")
    panel.get_by_role("button", name="Take back").first.click()
    expect(page.locator(".messagelist")).to_contain_text("Taken back")
    assert third


def many_products_are_made_of_a_zip(page: Page, url: str) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in (
            ("new/green-cup_1.jpg", drawn("mug", 40)),
            ("new/green-cup_2.jpg", drawn("mug", 40, view=3)),
            ("new/lamp.jpg", drawn("lamp", 41)),
            ("new/readme.txt", b"hello"),
            ("__MACOSX/new/._lamp.jpg", b"clutter"),
        ):
            archive.writestr(name, data)
    page.goto(f"{url}/admin/catalog/product/")
    page.get_by_role("link", name="Add many by their photos").click()
    page.get_by_label("Photos and ZIP files").set_input_files(
        [{"name": "new.zip", "mimeType": "application/zip", "buffer": buffer.getvalue()}]
    )
    outcome = page.get_by_label("What became of each file").locator("li")
    expect(outcome).to_contain_text("3 photos, 1 not taken")
    expect(outcome).to_contain_text("readme.txt: the file is not a photo")
    page.get_by_role("button", name="See what will be made").click()
    expect(page.get_by_role("heading", name="What will be made")).to_contain_text("2 new products (3 photos)")
    assert not Product.objects.filter(sku="GREEN-CUP").exists()
    shown = "[...document.querySelectorAll('.desk-group img')].every(one => one.complete && one.naturalWidth > 0)"
    page.wait_for_function(shown)
    looked_at(page, "admin-bulk")
    page.get_by_label("Title").first.fill("A green cup")
    page.get_by_role("button", name="Make these products").click()
    expect(page.locator(".messagelist .success")).to_contain_text("2 products have new photos")
    made = Product.objects.get(sku="GREEN-CUP")
    assert (made.title, made.published, made.images.count()) == ("A green cup", False, 2)


def failed_photos_are_tried_again(page: Page) -> None:
    image = ProductImage.objects.latest("pk")
    wait_until(
        lambda: EmbeddingJob.objects.filter(image=image, state=EmbeddingJob.State.DONE).exists(),
        seconds=20,
        what="the embedding of the newest photo",
    )
    EmbeddingJob.objects.filter(image=image).update(state=EmbeddingJob.State.FAILED, reason="truncated")
    page.get_by_role("link", name="Lookalike").click()
    for _ in range(20):  # the page counts the queue once in a second or more
        if page.get_by_role("button", name="Try again: truncated").count():
            break
        page.wait_for_timeout(300)
        page.reload()
    looked_at(page, "admin-home")
    page.get_by_role("button", name="Try again: truncated").click()
    expect(page.locator(".messagelist .success")).to_contain_text("1 photo is embedded again")
