"""Products that show the same photo: found by a worker, decided by a person, remembered by imports and by the next search."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from catalog.changes.timeline import Difference, timeline
from catalog.errands.running import run_next
from catalog.models import Errand, Product
from recommender.models import DuplicateCluster, DuplicateDecision, Placeholder, Space
from tests.recommender.merchandising.shop import any_files, stock
from tests.roles import person

pytestmark = pytest.mark.django_db
PAGE = reverse("admin:recommender_duplicatecluster_changelist")


@pytest.fixture
def keeper(client: Client) -> Client:
    """A merchandiser, who may decide and no more."""
    client.force_login(person("merchandiser", "keeper"))
    return client


@pytest.fixture
def products(colour_space: Space) -> list[Product]:
    """Three with one photo, two with another, one with its own."""
    one, two, own = any_files(colour_space, 3)
    return stock(colour_space, [[one], [one], [one], [two], [two], [own]])


def look(client: Client) -> list[list[int]]:
    """Look for duplicates as a person does; the products of each cluster."""
    assert client.post(reverse("admin:recommender_duplicatecluster_search")).status_code == 302
    assert run_next()
    assert Errand.objects.latest("pk").state == "done", Errand.objects.latest("pk").error
    return sorted(sorted(one.products) for one in DuplicateCluster.objects.all())


def decide(client: Client, kind: str, chosen: list[Product]) -> str:
    cluster = DuplicateCluster.objects.get(products__contains=[chosen[0].pk])
    url = reverse("admin:recommender_duplicatecluster_decide", args=[cluster.pk])
    answer = client.post(url, {"kind": kind, "product": [one.pk for one in chosen]}, follow=True)
    return answer.content.decode()


def ids(products: list[Product]) -> list[int]:
    return [product.pk for product in products]


def test_clusters_are_found_and_shown_side_by_side(keeper: Client, products: list[Product]) -> None:
    assert "Nobody has looked yet" in keeper.get(PAGE).content.decode()
    assert look(keeper) == [ids(products[:3]), ids(products[3:5])]
    page = keeper.get(PAGE).content.decode()
    assert "2 to decide" in page and "6 photos compared" in page
    shown = [reverse("admin:catalog_product_change", args=[product.pk]) in page for product in products]
    assert shown == [True, True, True, True, True, False]


def test_one_group_is_kept_by_imports_and_by_the_next_search(
    keeper: Client, products: list[Product], tmp_path: Path
) -> None:
    look(keeper)
    assert "3 products: one product, several variants." in decide(keeper, "group", products[:3])
    groups = dict(Product.objects.values_list("sku", "group"))
    assert groups == {"S0": "S0", "S1": "S0", "S2": "S0", "S3": "", "S4": "", "S5": ""}
    feed = tmp_path / "feed.csv"
    feed.write_text("id,title,item_group_id\nS0,Hat,g1\nS1,Hat,g2\nS3,Cap,g3\n")
    call_command("import_products", feed, verbosity=0)
    groups = dict(Product.objects.values_list("sku", "group"))
    assert groups == {"S0": "S0", "S1": "S0", "S2": "S0", "S3": "g3", "S4": "", "S5": ""}
    assert look(keeper) == [ids(products[3:5])]
    last = timeline(Product, products[1].pk)[-1]
    assert (last.who, last.differences) == ("keeper", (Difference("group", "–", "S0"),))


def test_a_group_takes_in_the_other_variants(keeper: Client, colour_space: Space) -> None:
    one, own = any_files(colour_space, 2)
    products = stock(colour_space, [[one], [one], [own]], groups=["", "blue", "blue"])
    look(keeper)
    decide(keeper, "group", products[:2])
    assert set(Product.objects.values_list("group", "group_decided")) == {("blue", True)}


def test_the_same_photo_may_be_fine_until_another_product_shows_it(
    keeper: Client, products: list[Product], colour_space: Space
) -> None:
    look(keeper)
    decide(keeper, "fine", products[:3])
    assert look(keeper) == [ids(products[3:5])]
    (added,) = stock(colour_space, [[any_files(colour_space, 3)[0]]])
    assert look(keeper) == [[*ids(products[:3]), added.pk], ids(products[3:5])]


def test_a_placeholder_is_ruled(keeper: Client, products: list[Product]) -> None:
    look(keeper)
    decide(keeper, "placeholder", products[3:5])
    picture = Placeholder.objects.get()
    assert (picture.digest, picture.ruling) == (products[3].images.get().digest, "placeholder")
    back = reverse("admin:recommender_duplicatecluster_back", args=[DuplicateDecision.objects.get().pk])
    keeper.post(back)
    assert Placeholder.objects.get().ruling == ""


def test_a_decision_of_some_leaves_the_others(keeper: Client, products: list[Product]) -> None:
    look(keeper)
    decide(keeper, "group", products[:2])
    left = sorted(sorted(one.products) for one in DuplicateCluster.objects.all())
    assert left == [[products[0].pk, products[2].pk], ids(products[3:5])]
    decide(keeper, "group", [products[0], products[2]])
    assert set(Product.objects.filter(pk__in=ids(products[:3])).values_list("group", flat=True)) == {"S0"}


def test_a_decision_is_taken_back(keeper: Client, products: list[Product]) -> None:
    Product.objects.filter(pk=products[1].pk).update(group="own")
    look(keeper)
    decide(keeper, "group", products[:3])
    assert set(Product.objects.filter(pk__in=ids(products[:3])).values_list("group", flat=True)) == {"own"}
    back = reverse("admin:recommender_duplicatecluster_back", args=[DuplicateDecision.objects.get().pk])
    assert "Taken back" in keeper.post(back, follow=True).content.decode()
    rows = Product.objects.filter(pk__in=ids(products[:3])).order_by("pk").values_list("group", "group_decided")
    assert list(rows) == [("", False), ("own", False), ("", False)]
    assert sorted(sorted(one.products) for one in DuplicateCluster.objects.all()) == [
        ids(products[:3]),
        ids(products[3:5]),
    ]
    assert "was taken back already" in keeper.post(back, follow=True).content.decode()


def test_one_product_is_no_group(keeper: Client, products: list[Product]) -> None:
    look(keeper)
    assert "choose the products that the decision is of: at least two" in decide(keeper, "group", products[:1])
    assert DuplicateDecision.objects.count() == 0 and DuplicateCluster.objects.count() == 2
    cluster = DuplicateCluster.objects.first()
    assert cluster is not None
    url = reverse("admin:recommender_duplicatecluster_decide", args=[cluster.pk])
    assert keeper.post(url, {"kind": "other"}).status_code == 404
    cluster.delete()
    assert "somebody has decided" in keeper.post(url, {"kind": "fine"}, follow=True).content.decode()


def test_an_analyst_reads_and_decides_nothing(client: Client, keeper: Client, products: list[Product]) -> None:
    look(keeper)
    client.force_login(person("analyst"))
    page = client.get(PAGE)
    assert page.status_code == 200 and "The same photo is fine" not in page.content.decode()
    cluster = DuplicateCluster.objects.first()
    assert cluster is not None
    url = reverse("admin:recommender_duplicatecluster_decide", args=[cluster.pk])
    assert client.post(url, {"kind": "fine"}).status_code == 403
    assert client.post(reverse("admin:recommender_duplicatecluster_search")).status_code == 403


def test_a_shop_without_a_space_is_told(keeper: Client) -> None:
    keeper.post(reverse("admin:recommender_duplicatecluster_search"))
    assert run_next() and not run_next()
    assert Errand.objects.get().state == "failed"
    assert "The last search failed" in keeper.get(PAGE).content.decode()
