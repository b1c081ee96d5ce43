"""The history of what is edited by hand or by API: what changed, and by whom; imports write none."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from catalog.access.issuing import issue
from catalog.changes.timeline import Difference, Entry, timeline
from catalog.edit_history import KEPT, edited_by
from catalog.models import ApiKey, Category, Feed, Product
from tests.catalog.admin.test_pages import post
from tests.catalog.factories import make_product
from tests.catalog.writes.keys import Caller, read

pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def import_feed(folder: Path, text: str) -> None:
    path = folder / "feed.csv"
    path.write_text(text)
    call_command("import_products", path, feed="shop", verbosity=0)


def written(product: Product) -> dict[str, str]:
    """What the product's page has in its fields."""
    category = product.category_id or ""
    return {
        "title": product.title,
        "brand": product.brand,
        "price": f"{product.price or ''}",
        "currency": product.currency,
        "category": f"{category}",
    }


def edits(product: Product) -> list[tuple[str, str, tuple[Difference, ...]]]:
    return [(one.who, one.said, one.differences) for one in timeline(Product, product.pk)]


def test_an_import_writes_none_and_what_it_changed_is_nobodys(tmp_path: Path, keeper: Client) -> None:
    import_feed(tmp_path, "id,title,brand,Colour\na,Hat,Aalto,red\n")
    product = Product.objects.get()
    assert Product.edits.count() == 0 and Category.edits.count() == 0 and Feed.edits.count() == 0
    with edited_by(lambda: User.objects.get().pk):
        product.title = "Straw hat"
        product.save()
    import_feed(tmp_path, "id,title,brand,Colour\na,Hat,Brisk,blue\n")
    assert Product.edits.count() == 2
    product.refresh_from_db()
    with edited_by(lambda: User.objects.get().pk):
        product.title = "Sun hat"
        product.save()
    assert edits(product) == [
        ("keeper", "Changed.", (Difference("title", "Hat", "Sun hat"),)),
        (
            "",
            "Changed by imports or other programs up to then.",
            (
                Difference("title", "Straw hat", "Hat"),
                Difference("brand", "Aalto", "Brisk"),
                Difference("Colour", "red", "blue"),
            ),
        ),
        ("keeper", "Changed.", (Difference("title", "Hat", "Straw hat"),)),
    ]


def test_the_page_shows_what_a_person_changed(keeper: Client) -> None:
    product = make_product(sku="a", title="Hat", brand="Aalto")
    assert post(keeper, product, **written(product) | {"title": "Straw hat", "brand": ""}).status_code == 302
    (entry,) = timeline(Product, product.pk)
    assert entry.who == "keeper" and entry.said.startswith("Changed Title, Brand")
    assert entry.differences == (Difference("title", "Hat", "Straw hat"), Difference("brand", "Aalto", "–"))
    shown = keeper.get(reverse("admin:catalog_product_history", args=[product.pk])).content.decode()
    assert entry.said in shown and "<td>Hat</td><td>Straw hat</td>" in shown


def test_saving_without_a_change_leaves_no_values(keeper: Client) -> None:
    product = make_product(sku="a", title="Hat")
    assert post(keeper, product, **written(product)).status_code == 302
    assert Product.edits.count() == 0


def test_hiding_and_deleting_many_is_kept(keeper: Client) -> None:
    products = [make_product(sku=sku) for sku in "ab"]
    listed = reverse("admin:catalog_product_changelist")
    chosen = [product.pk for product in products]
    keeper.post(listed, {"action": "unpublish", "_selected_action": chosen})
    assert [entry.differences for entry in timeline(Product, chosen[0])] == [(Difference("published", "yes", "no"),)]
    keeper.post(listed, {"action": "delete_selected", "_selected_action": chosen, "post": "yes"})
    rows = Product.edits.filter(history_type="-").values_list("sku", "history_user__username")
    assert sorted(rows) == [("a", "keeper"), ("b", "keeper")]


def test_a_write_by_api_names_the_key_and_the_values() -> None:
    product = make_product(sku="a", title="Hat", brand="Aalto")
    key = issue(ApiKey(name="nightly build " + "x" * 80, kind=ApiKey.Kind.SECRET))
    read(Caller(token=key.token).patch(f"{product.pk}/", {"brand": "Brisk"}), 200)
    (entry,) = timeline(Product, product.pk)
    assert (entry.who, entry.said) == ("API key", f"By key nightly build {'x' * 80}: changed brand.")
    assert entry.differences == (Difference("brand", "Aalto", "Brisk"),)
    assert Product.edits.latest("history_id").history_change_reason == f"By key nightly build {'x' * 80}"


def test_a_category_and_a_feed_are_kept_and_not_what_workers_write(keeper: Client) -> None:
    feed = Feed.objects.create(name="shop", url="https://shop.example/feed.csv")
    page = reverse("admin:catalog_feed_change", args=[feed.pk])
    sent = {"name": feed.name, "url": feed.url, "schedule": "hand", "currency": "EUR"}
    assert keeper.post(page, sent).status_code == 302
    assert [one.differences for one in timeline(Feed, feed.pk)] == [(Difference("currency", "–", "EUR"),)]
    feed.refresh_from_db()
    with edited_by(lambda: User.objects.get().pk):
        feed.runs += 1
        feed.save()
    assert Feed.edits.count() == 2
    category = Category.objects.add_root({"name": "Hats", "slug": "hats"})
    with edited_by(lambda: User.objects.get().pk):
        category.name = "Caps"
        category.save()
    assert timeline(Category, category.pk)[0].differences == (Difference("name", "Hats", "Caps"),)


def test_the_newest_rows_are_kept_alone() -> None:
    product, user = make_product(sku="a"), User.objects.create(username="keeper")
    for number in range(KEPT + 5):
        with edited_by(lambda: user.pk):
            product.title = f"Hat {number}"
            product.save()
    titles = list(Product.edits.order_by("history_id").values_list("title", flat=True))
    assert titles == [f"Hat {number}" for number in range(5, KEPT + 5)]


def test_a_timeline_of_nothing(keeper: Client) -> None:
    product = make_product()
    entries: list[Entry] = timeline(Product, product.pk)
    assert entries == []
    shown = keeper.get(reverse("admin:catalog_product_history", args=[product.pk])).content.decode()
    assert "Nobody has edited this here or by API" in shown


def test_an_edit_has_the_words_that_were_logged_with_it(keeper: Client) -> None:
    """Other entries of the same minute stand alone."""
    feed = Feed.objects.create(name="shop", url="https://shop.example/feed.csv")
    page = reverse("admin:catalog_feed_change", args=[feed.pk])
    keeper.post(reverse("admin:catalog_feed_changelist"), {"action": "run_now", "_selected_action": [feed.pk]})
    keeper.post(page, {"name": feed.name, "url": feed.url, "schedule": "hand", "currency": "EUR"})
    keeper.post(reverse("admin:catalog_feed_changelist"), {"action": "run_now", "_selected_action": [feed.pk]})
    assert [(one.said, [each.what for each in one.differences]) for one in timeline(Feed, feed.pk)] == [
        ("Asked to be read.", []),
        ("Changed Currency.", ["currency"]),
        ("Asked to be read.", []),
    ]
