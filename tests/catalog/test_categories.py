"""The category tree from paths: slugs that stay, no node twice whoever writes."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from catalog.categories import split_path
from catalog.models import Category
from tests.catalog.factories import make_category

pytestmark = pytest.mark.django_db


def test_paths_are_split_and_tidied() -> None:
    assert split_path(" Clothing >  Summer   dress > ") == ("Clothing", "Summer dress")
    assert split_path(" > ") == ()


def test_missing_nodes_are_made_once() -> None:
    dress = make_category("Clothing > Dress")
    assert make_category("Clothing > Dress") == dress
    assert make_category("Clothing").depth == 1
    assert list(Category.objects.order_by("path").values_list("name", "depth")) == [("Clothing", 1), ("Dress", 2)]


def test_siblings_are_kept_in_the_order_of_their_names() -> None:
    for name in ("Shoes", "Dress", "Hat"):
        make_category(f"Clothing > {name}")
    assert list(Category.objects.order_by("path").values_list("name", flat=True)) == [
        "Clothing",
        "Dress",
        "Hat",
        "Shoes",
    ]


@pytest.mark.parametrize(
    ("paths", "slugs"),
    [
        (["Clothing > Dress"], ["dress"]),
        (["Women > Dress", "Girls > Dress"], ["dress", "girls-dress"]),
        (["A > B > C", "D > B > C", "E > C", "D > B"], ["c", "b-c", "e-c", "d-b"]),
        (["Платья"], ["платья"]),
        (["***", "###"], ["category", "category-2"]),
        (["A b", "A-b", "A  B", "A_b?", "A b!"], ["a-b", "a-b-2", "a-b", "a_b", "a-b-3"]),
    ],
)
def test_slugs_are_short_where_free_and_unique_always(paths: list[str], slugs: list[str]) -> None:
    assert [make_category(path).slug for path in paths] == slugs
    assert [make_category(path).slug for path in paths] == slugs


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_make_no_node_twice() -> None:
    start = threading.Barrier(6)
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            start.wait(20)
            for other in range(4):
                make_category(f"Clothing > Kind {other} > Sort {number % 2}")
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert Category.objects.count() == 1 + 4 + 8
    assert Category.objects.find_problems() == ([], [], [], [], [])
