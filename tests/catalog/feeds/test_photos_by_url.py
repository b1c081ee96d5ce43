"""What an import does with photos by URL that are there already: asked for anew, replaced, tried again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalog import signals
from catalog.models import PhotoOrigin, Product, ProductImage
from catalog.photos.fetch import Fetched
from catalog.photos.fetched import store_fetched
from catalog.photos.store import digest_of
from tests.catalog.factories import photo_bytes
from tests.catalog.feeds.files import run_import, write_feed

pytestmark = pytest.mark.django_db
HEADER = "id,title,image_link,additional_image_link"


def url(name: str) -> str:
    return f"https://shop.example/{name}.jpg"


def of(folder: Path, names: str, *options: str) -> list[int]:
    """Import a product with photos of these letters; updated and unchanged products, photos added and removed."""
    first, *others = (url(name) for name in names)
    feed = write_feed(folder, f'1,Hat,{first},"{",".join(others)}"', header=HEADER)
    report, _, succeeded = run_import(feed, *options)
    assert succeeded
    return [report[key] for key in ("updated", "unchanged", "photos_added", "photos_removed")]


def arrives(name: str, seed: int) -> None:
    """A worker has fetched a photo."""
    store_fetched(ProductImage.objects.get(source_url=url(name)), Fetched(photo_bytes(seed)))


def shown() -> str:
    """The letters of the photos that can be shown, in their order."""
    images = Product.objects.get(sku="1").images.exclude(digest="")
    return "".join(image.source_url[len(url("")) - 4 : -4] for image in images)


def due() -> list[tuple[str, bool]]:
    rows = PhotoOrigin.objects.filter(due_at__isnull=False).order_by("image__position")
    return [
        (address[len(url("")) - 4 : -4], whole) for address, whole in rows.values_list("image__source_url", "whole")
    ]


def test_stored_photos_are_asked_for_anew_at_each_import(tmp_path: Path) -> None:
    of(tmp_path, "abc")
    arrives("a", 1)
    arrives("b", 2)
    assert due() == []
    assert of(tmp_path, "abc") == [0, 1, 0, 0]
    assert due() == [("a", False), ("b", False)]
    assert of(tmp_path, "abc", "--refetch") == [0, 1, 0, 0]
    assert due() == [("a", True), ("b", True)]


def test_a_dry_run_asks_for_nothing(tmp_path: Path) -> None:
    of(tmp_path, "a")
    arrives("a", 1)
    of(tmp_path, "a", "--dry-run", "--refetch")
    assert due() == []


def test_a_photo_from_a_file_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(photo_bytes(1))
    feed = write_feed(tmp_path, "1,Hat,a.png,", header=HEADER)
    for _ in range(2):
        run_import(feed, "--refetch")
    assert PhotoOrigin.objects.count() == 0


def test_an_old_photo_is_shown_until_its_successor_is_stored(tmp_path: Path) -> None:
    of(tmp_path, "ab")
    arrives("a", 1)
    arrives("b", 2)
    assert of(tmp_path, "xb") == [1, 0, 1, 1]
    assert shown() == "ab"
    assert of(tmp_path, "xb") == [0, 1, 0, 0]
    assert shown() == "ab"
    arrives("x", 3)
    assert shown() == "xb"
    assert of(tmp_path, "xb") == [0, 1, 0, 0]


def test_each_old_photo_waits_for_a_successor_of_its_own_and_the_rest_for_none(tmp_path: Path) -> None:
    of(tmp_path, "abc")
    for seed, name in enumerate("abc"):
        arrives(name, seed)
    assert of(tmp_path, "xy") == [1, 0, 2, 3]
    assert shown() == "ab"
    arrives("y", 5)
    assert shown() == "ay"
    arrives("x", 6)
    assert shown() == "xy"


def test_a_successor_that_is_named_no_more_hands_on_what_waited_for_it(tmp_path: Path) -> None:
    of(tmp_path, "a")
    arrives("a", 1)
    of(tmp_path, "x")
    assert of(tmp_path, "y") == [1, 0, 1, 1]
    assert shown() == "a"
    arrives("y", 2)
    assert shown() == "y"
    assert ProductImage.objects.count() == 1


def test_an_old_photo_that_is_named_again_stays(tmp_path: Path) -> None:
    of(tmp_path, "a")
    arrives("a", 1)
    of(tmp_path, "x")
    assert of(tmp_path, "a") == [1, 0, 0, 1]
    assert (shown(), ProductImage.objects.count()) == ("a", 1)
    assert of(tmp_path, "ax") == [1, 0, 1, 0]
    arrives("x", 2)
    assert shown() == "ax"


def test_a_photo_without_successor_goes_at_once(tmp_path: Path) -> None:
    of(tmp_path, "ab")
    arrives("a", 1)
    arrives("b", 2)
    assert of(tmp_path, "a") == [1, 0, 0, 1]
    assert shown() == "a"
    write_feed(tmp_path, "1,Hat,,", header=HEADER)
    run_import(tmp_path / "feed.csv")
    assert shown() == ""


def test_a_photo_of_a_file_takes_the_place_of_one_by_url_at_once(tmp_path: Path) -> None:
    of(tmp_path, "a")
    arrives("a", 1)
    (tmp_path / "b.png").write_bytes(photo_bytes(2))
    report, _, _ = run_import(write_feed(tmp_path, "1,Hat,b.png,", header=HEADER))
    assert (report["photos_added"], report["photos_removed"]) == (1, 1)
    assert list(ProductImage.objects.values_list("digest", flat=True)) == [digest_of(photo_bytes(2))]


def test_photos_that_are_still_to_be_fetched_are_announced(tmp_path: Path) -> None:
    heard: list[list[int]] = []

    def awaited(image_ids: list[int], **_: Any) -> None:
        heard.append(image_ids)

    signals.photos_awaited.connect(awaited)
    try:
        of(tmp_path, "ab")
        arrives("a", 1)
        of(tmp_path, "ab")
    finally:
        signals.photos_awaited.disconnect(awaited)
    assert heard == [[ProductImage.objects.get(source_url=url("b")).pk]]
