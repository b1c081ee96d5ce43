"""A merchandiser's and an operator's work, in one shop: a feed to its products, duplicates to a decision, a space to its switch."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from catalog.models import Feed, Product
from recommender.models import DuplicateDecision, EmbeddingJob, Space
from tests.browser.conftest import Shop
from tests.browser.desk import looked_at, sign_in
from tests.waiting import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.worker, pytest.mark.long]
LONG = 30_000  # milliseconds in which a worker on a busy machine does what was asked


def a_feed(folder: Path, file: Path) -> None:
    """Some of the shop's products under German names, two of them new and with one and the same photo."""
    photos = sorted((folder / "images").iterdir())
    rows = [
        ["Artikelnummer", "Bezeichnung", "Preis", "Bild", "Farbe"],
        ["NEW-1", "Lampe Fjord", "129,00", photos[0].name, "rot"],
        ["NEW-2", "Lampe Fjord II", "139,00", photos[0].name, "blau"],
        ["NEW-3", "Ohne Bild", "nicht bekannt", "", "grün"],
    ]
    with zipfile.ZipFile(file, "w") as archive:
        text = io.StringIO()
        csv.writer(text, delimiter=";").writerows(rows)
        archive.writestr("feed.csv", text.getvalue())
        archive.write(photos[0], photos[0].name)


def test_a_feed_its_duplicates_and_a_space(page: Page, shop: Shop, tmp_path: Path) -> None:
    sign_in(page, shop.url)
    imports_a_feed(page, shop, tmp_path / "feed.zip")
    decides_on_duplicates_by_keys(page, shop)
    switches_to_a_new_space(page, shop)


def imports_a_feed(page: Page, shop: Shop, file: Path) -> None:
    a_feed(shop.folder, file)
    page.goto(f"{shop.url}/admin/catalog/feed/add/")
    page.get_by_label("Name:").fill("Lamps of a supplier")
    page.get_by_label("File:").set_input_files(file)
    page.get_by_label("Currency:").fill("EUR")
    looked_at(page, "feed-add")
    page.get_by_role("button", name="Save", exact=True).click()
    # A worker reads the first rows, and the page comes by itself.
    title = page.get_by_label("Title")
    expect(title).to_have_value("Bezeichnung", timeout=LONG)
    expect(page.get_by_role("heading", name="Lampe Fjord", exact=True)).to_be_visible()
    expect(page.get_by_text("129.00 EUR")).to_be_visible()
    assert page.locator(".lk-samples img").first.evaluate("image => image.naturalWidth") > 0
    page.get_by_label("Brand").select_option("Farbe")
    page.get_by_role("button", name="Show what becomes of it").click()
    expect(page.locator(".lk-samples dd", has_text="rot").first).to_be_visible()
    page.get_by_label("Brand").select_option("")
    looked_at(page, "feed-columns")
    page.get_by_role("button", name="Keep it, and see what would change").click()
    expect(page.get_by_role("heading", name="3 new")).to_be_visible(timeout=LONG)
    expect(page.get_by_role("heading", name="1 problem")).to_be_visible()
    assert not Product.objects.filter(sku="NEW-1").exists()
    page.get_by_role("button", name="Run it now").click()
    row = page.locator("tbody tr", has_text="ended")
    expect(row).to_be_visible(timeout=LONG)
    assert Product.objects.filter(sku__startswith="NEW").count() == 3
    looked_at(page, "feed-runs")
    row.get_by_role("link").click()
    expect(page.get_by_text("is no price").or_(page.get_by_text("nicht bekannt")).first).to_be_visible()
    # The second time there is nothing new; a changed price is shown as old and new.
    Product.objects.filter(sku="NEW-1").update(title="Lampe", price="99.00")
    feed = Feed.objects.get(name="Lamps of a supplier")
    page.goto(f"{shop.url}/admin/catalog/feed/{feed.pk}/trial/")
    page.get_by_role("button", name="Try it again").click()
    expect(page.get_by_role("heading", name="1 changed")).to_be_visible(timeout=LONG)
    expect(page.locator(".lk-changes del").first).to_have_text("99")
    looked_at(page, "feed-trial")
    page.goto(f"{shop.url}/admin/catalog/feed/{feed.pk}/history/")
    looked_at(page, "feed-history")


def decides_on_duplicates_by_keys(page: Page, shop: Shop) -> None:
    left = EmbeddingJob.objects.exclude(state=EmbeddingJob.State.DONE)
    wait_until(lambda: not left.exists(), seconds=60, what="the embedding of the feed's photos")
    page.goto(f"{shop.url}/admin/recommender/duplicatecluster/")
    page.get_by_role("button", name="Look for duplicates").press("Enter")
    expect(page.get_by_role("heading", name="to decide")).to_be_visible(timeout=LONG)
    cluster = page.locator("form.lk-card", has_text="Lampe Fjord II")
    expect(cluster).to_be_visible()
    # By the keyboard alone: from the first tick on to the decision.
    ticks = cluster.get_by_role("checkbox")
    ticks.first.focus()
    page.keyboard.press("Space")
    expect(ticks.first).not_to_be_checked()
    page.keyboard.press("Space")
    button = cluster.get_by_role("button", name="One product, several variants")
    for _ in range(2 * ticks.count() + 1):
        if button.evaluate("one => one === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("one product, several variants.")).to_be_visible()
    decision = DuplicateDecision.objects.get()
    groups = set(Product.objects.filter(pk__in=decision.products).values_list("group", "group_decided"))
    assert len(groups) == 1 and next(iter(groups))[1] is True
    looked_at(page, "duplicates")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_text("Taken back")).to_be_visible()


def switches_to_a_new_space(page: Page, shop: Shop) -> None:
    before = Space.objects.get(state="active")
    page.goto(f"{shop.url}/admin/recommender/space/")
    page.get_by_role("link", name="Build a space").click()
    page.get_by_label("Dimensions").fill("9999")
    page.get_by_role("button", name="Build it").click()
    expect(page.get_by_role("alert")).to_contain_text("Dimensions 9999")
    looked_at(page, "space-build")
    page.get_by_label("Dimensions").fill("96")
    page.get_by_label("Name").fill("finer")
    page.get_by_role("button", name="Build it").click()
    expect(page.get_by_role("status")).to_be_visible()
    expect(page.get_by_role("link", name="finer")).to_be_visible(timeout=2 * LONG)
    expect(page.get_by_role("status")).to_have_count(0, timeout=2 * LONG)
    looked_at(page, "spaces")
    page.get_by_role("link", name="finer").click()
    expect(page.get_by_role("heading", name="What the guard says")).to_be_visible()
    looked_at(page, "space")
    page.get_by_role("link", name="Twenty products side by side").click()
    expect(page.locator(".lk-compared > li")).to_have_count(20)
    looked_at(page, "space-compare")
    page.go_back()
    activate = page.get_by_role("button", name="Activate", exact=True)
    if activate.count():
        activate.click()
    else:
        page.get_by_label("I am sure").check()
        page.get_by_role("button", name="Activate it all the same").click()
    expect(page.get_by_text("It answers the shop")).to_be_visible(timeout=LONG)
    page.goto(f"{shop.url}/admin/recommender/space/{before.pk}/change/")
    page.get_by_role("button", name="Retire").click()
    expect(page.get_by_text("retired", exact=True)).to_be_visible(timeout=LONG)
    assert dict(Space.objects.values_list("name", "state")) == {"finer": "active", before.name: "retired"}
