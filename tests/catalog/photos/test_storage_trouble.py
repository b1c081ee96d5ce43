"""A storage that is read-only, full or away is named where it fails, and nothing is half done."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.test import Client

from catalog.models import Product, ProductImage
from catalog.photos import store
from catalog.photos.storage_errors import StorageUnavailable
from tests.catalog.admin.test_pages import photo_errors, post, upload
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.catalog.feeds.files import run_import
from tests.catalog.photos.failing_storage import failing

pytestmark = pytest.mark.django_db
REMEDY = "try again, or tell whoever runs the shop"
TROUBLES = [
    ("EROFS", "the photo could not be stored: Read-only file system"),
    ("ENOSPC", "the photo could not be stored: No space left on device"),
    ("EACCES", "the photo could not be stored: Permission denied"),
    ("Elsewhere", "the photo could not be stored: Elsewhere"),
]


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss"))
    return client


@pytest.mark.parametrize(("error", "said"), TROUBLES)
def test_it_stands_at_the_photos_field_and_the_rest_stays_filled_in(
    staff: Client, settings: Any, error: str, said: str
) -> None:
    product = make_product(brand="before")
    failing(settings, "save", error=error)
    answer = post(staff, product, {"file": upload(1), "alt": "front"}, brand="after", new_photos=[upload(2)])
    assert photo_errors(answer) == [f"photo.png: {said}; {REMEDY}"]
    form = answer.context["adminform"].form
    assert form.errors["new_photos"] == [f"photo.png: {said}; {REMEDY}"]
    assert form["brand"].value() == "after"
    assert b"front" in answer.content and b"secret" not in answer.content and b"bucket.example" not in answer.content
    product.refresh_from_db()
    assert (product.brand, ProductImage.objects.count()) == ("before", 0)


def test_a_new_product_is_not_made_without_its_photo(staff: Client, settings: Any) -> None:
    failing(settings, "save")
    assert len(photo_errors(post(staff, None, {"file": upload(1)}))) == 1
    assert not Product.objects.exists()
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "catalog.photos.storage.WholeFileStorage"}}
    assert post(staff, None, {"file": upload(1)}).status_code == 302
    assert Product.objects.get().images.count() == 1


def test_a_replaced_photo_stays_as_it_was(staff: Client, settings: Any) -> None:
    image = make_image(seed=1)
    failing(settings, "save", error="ENOSPC")
    assert "No space left on device" in photo_errors(post(staff, image.product, {"file": upload(2)}))[0]
    assert ProductImage.objects.get().digest == image.digest and default_storage.exists(image.file.name)


def test_a_storage_that_fails_within_the_transaction_is_told_at_the_field_too(
    staff: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    product, hold = make_product(brand="before"), store.hold

    def fail_then_hold(kept: Any) -> Any:
        failing(settings, "exists")
        return hold(kept)

    monkeypatch.setattr(store, "hold", fail_then_hold)
    answer = post(staff, product, {"file": upload(1)}, brand="after")
    assert photo_errors(answer) == [
        f"photo.png: the stored photos could not be looked at: Read-only file system; {REMEDY}"
    ]
    product.refresh_from_db()
    assert (product.brand, ProductImage.objects.count()) == ("before", 0)


def test_what_needs_no_storage_goes_on(staff: Client, settings: Any) -> None:
    image = make_image(alt="front")
    failing(settings, "save", "open", "exists", "delete")
    assert post(staff, image.product, brand="after").status_code == 302
    assert Product.objects.get().brand == "after"
    assert staff.post(f"/admin/catalog/product/{image.product_id}/delete/", {"post": "yes"}).status_code == 302
    assert not ProductImage.objects.exists()


def test_a_media_folder_that_is_a_file(staff: Client, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "a-file")
    Path(settings.MEDIA_ROOT).write_text("not a folder")
    [said] = photo_errors(post(staff, None, {"file": upload(1)}))
    assert said.startswith("photo.png: the photo could not be stored: ") and said.endswith(REMEDY)
    assert str(tmp_path) not in said and not Product.objects.exists()


@pytest.mark.parametrize(("error", "said"), TROUBLES)
def test_services_say_so(settings: Any, error: str, said: str) -> None:
    image = make_image()
    failing(settings, "save", error=error)
    with pytest.raises(StorageUnavailable) as told:
        store.add_photo(product=image.product, data=photo_bytes(5))
    assert str(told.value) == f"{said}; {REMEDY}"
    with pytest.raises(StorageUnavailable, match=said):
        store.replace_photo(image=image, data=photo_bytes(5))
    assert ProductImage.objects.get().digest == image.digest


@pytest.mark.parametrize("at", ["save", "exists"])
def test_an_import_reports_each_photo_and_takes_the_rest(settings: Any, tmp_path: Path, at: str) -> None:
    folder = tmp_path / "feed"
    folder.mkdir()
    (folder / "a.png").write_bytes(photo_bytes(1))
    (folder / "b.png").write_bytes(photo_bytes(2))
    rows = ["id,title,image_link", "1,Hat,a.png", "2,Coat,", "3,Shoe,b.png", "4,Bag,https://shop.example/c.jpg"]
    (folder / "feed.csv").write_text("\n".join(rows) + "\n")
    had = make_image(make_product(sku="3", title="Old shoe"), seed=9)
    failing(settings, at)
    report, problems, succeeded = run_import(folder / "feed.csv")
    assert (report["rows"], report["created"], report["updated"], report["photos_removed"]) == (4, 3, 1, 0)
    wrong = f"the photo could not be stored: Read-only file system; {REMEDY}"
    assert problems == [f"line 2: a.png: {wrong}", f"line 4: b.png: {wrong}"] and not succeeded
    assert list(Product.objects.order_by("sku").values_list("title", flat=True)) == ["Hat", "Coat", "Shoe", "Bag"]
    assert ProductImage.objects.filter(digest__gt="").get() == had


def test_an_import_of_photos_that_storage_loses_meanwhile_reports_the_row_alone(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(photo_bytes(1))
    (tmp_path / "feed.csv").write_text("id,title,image_link\n1,Hat,a.png\n2,Coat,\n")
    hold = store.hold

    def fail_then_hold(kept: Any) -> Any:
        failing(settings, "exists")
        return hold(kept)

    monkeypatch.setattr(store, "hold", fail_then_hold)
    report, problems, _ = run_import(tmp_path / "feed.csv")
    assert problems == [f"line 2: the stored photos could not be looked at: Read-only file system; {REMEDY}"]
    assert [product.sku for product in Product.objects.all()] == ["2"] and report["created"] == 1


def test_a_file_that_is_gone_is_no_trouble_of_the_storage(settings: Any) -> None:
    with pytest.raises(FileNotFoundError):
        default_storage.open("photos/none.png")
    assert store.keep(photo_bytes(1)).name and io.BytesIO(photo_bytes(1)).read(1)


@pytest.mark.parametrize("error", ["EACCES", "ENOTDIR", "EIO", "Elsewhere"])
def test_photos_that_cannot_be_read_are_not_there_for_now(client: Client, settings: Any, error: str) -> None:
    image = make_image()
    failing(settings, "open", error=error)
    for path in (f"/media/photos/{image.digest}.png", f"/media/thumbnails/{image.digest}.jpg"):
        answer = client.get(path)
        assert (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "5", "no-store")
        assert b"could not be read" in answer.content and b"secret" not in answer.content
