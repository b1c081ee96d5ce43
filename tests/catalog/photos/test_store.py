"""Photos are stored by their content, announced, and never lost to the sweep."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from catalog.models import Product, ProductImage
from catalog.photos import store
from catalog.photos.reading import PhotoError
from catalog.photos.store import DuplicatePhoto, add_photo, replace_photo
from catalog.photos.sweep import Swept, sweep_files
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_image, make_product, photo_bytes

pytestmark = pytest.mark.django_db


def stored_files(settings: Any) -> list[str]:
    root = Path(settings.MEDIA_ROOT)
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_a_photo_is_named_by_its_content_and_knows_its_size(settings: Any) -> None:
    data = photo_bytes(1, size=(80, 50))
    image = add_photo(product=make_product(), data=data)
    digest = hashlib.sha256(data).hexdigest()
    assert (image.digest, image.width, image.height) == (digest, 80, 50)
    assert image.file.name == f"photos/{digest[:2]}/{digest}.png"
    assert stored_files(settings) == [image.file.name]
    with image.file.open() as file:
        assert file.read() == data


def test_identical_files_are_one_file(settings: Any) -> None:
    first, second = make_image(seed=5), make_image(seed=5)
    assert first.product_id != second.product_id
    assert first.file.name == second.file.name
    assert len(stored_files(settings)) == 1


def test_photos_are_put_last_unless_a_position_is_given() -> None:
    product = make_product()
    images = [make_image(product, position=position) for position in (None, None, 7, None)]
    assert [image.position for image in images] == [0, 1, 7, 8]


def test_the_same_file_twice_on_a_product_is_refused() -> None:
    image = make_image(seed=5)
    with pytest.raises(DuplicatePhoto) as refused:
        make_image(image.product, seed=5)
    assert refused.value.reason == "duplicate"
    assert image.product.images.count() == 1


@pytest.mark.parametrize(("data", "reason"), [(b"no photo", "not_an_image"), (b"", "not_an_image")])
def test_what_is_no_photo_is_refused_and_leaves_nothing(data: bytes, reason: str, settings: Any) -> None:
    with pytest.raises(PhotoError) as refused:
        add_photo(product=make_product(), data=data)
    assert refused.value.reason == reason
    assert stored_files(settings) == []
    assert ProductImage.objects.count() == 0


def test_a_replaced_photo_keeps_its_row(heard: Heard) -> None:
    image = make_image(seed=1, alt="front")
    heard.clear()
    replaced = replace_photo(image=image, data=photo_bytes(2))
    assert (replaced.pk, replaced.alt) == (image.pk, "front")
    assert replaced.digest == hashlib.sha256(photo_bytes(2)).hexdigest()
    assert heard.stored == [([image.pk], "upload")]
    assert heard.changed == [([image.product_id], True)]


def test_replacing_a_photo_by_itself_says_nothing(heard: Heard) -> None:
    image = make_image(seed=1)
    heard.clear()
    replace_photo(image=image, data=photo_bytes(1))
    assert (heard.stored, heard.changed) == ([], [])


def test_a_half_written_file_is_written_again() -> None:
    data = photo_bytes(1)
    kept = store.describe(data)
    default_storage.save(kept.name, ContentFile(data[:100]))
    store.keep(data)
    assert default_storage.size(kept.name) == len(data)


def test_a_storage_write_that_fails_leaves_no_file(settings: Any) -> None:
    class Failing(ContentFile):
        def chunks(self, chunk_size: int | None = None) -> Any:
            yield b"some"
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        default_storage.save("photos/ab/x.png", Failing(b""))
    assert stored_files(settings) == []


def age(name: str, seconds: float = 7200) -> None:
    path = default_storage.path(name)
    then = os.stat(path).st_mtime - seconds
    os.utime(path, (then, then))


def test_the_sweep_removes_old_files_that_no_row_names(settings: Any) -> None:
    kept, gone, young = make_image(seed=1), make_image(seed=2), make_image(seed=3)
    leftover = f"{kept.file.name}.0123.partial"
    default_storage.save(leftover, ContentFile(b"half"))
    default_storage.save(f"thumbnails/{gone.digest[:2]}/{gone.digest}.srgb.jpg", ContentFile(b"small"))
    default_storage.save(f"derivatives/{gone.digest[:2]}/{gone.digest}.png", ContentFile(b"shown"))
    default_storage.save(f"derivatives/{kept.digest[:2]}/{kept.digest}.png", ContentFile(b"shown"))
    default_storage.save("photos/ab/README.txt", ContentFile(b"somebody else's"))
    for image in (gone, young):
        image.product.delete()
    for name in stored_files(settings):
        if name != young.file.name:
            age(name)
    assert sweep_files(dry_run=True) == Swept(seen=7, removed=4)
    assert sweep_files() == Swept(seen=7, removed=4)
    assert stored_files(settings) == sorted(
        ["photos/ab/README.txt", f"derivatives/{kept.digest[:2]}/{kept.digest}.png", kept.file.name, young.file.name]
    )
    assert sweep_files(grace_seconds=0).removed == 1
    assert default_storage.exists(kept.file.name)


def test_the_sweep_removes_thumbnails_that_were_made_without_profiles(settings: Any) -> None:
    image = make_image(seed=1)
    thumbnails = [f"thumbnails/{image.digest[:2]}/{image.digest}{ending}" for ending in (".jpg", ".srgb.jpg")]
    for name in thumbnails:
        default_storage.save(name, ContentFile(b"small"))
        age(name)
    assert sweep_files() == Swept(seen=3, removed=1)
    assert stored_files(settings) == sorted([image.file.name, thumbnails[1]])


def test_a_file_swept_before_its_row_is_written_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweep comes exactly between the file and the transaction that names it."""
    keep, calls = store.keep, []

    def keep_then_sweep(data: bytes, *args: Any) -> Any:
        kept = keep(data, *args)
        if not calls:
            calls.append(sweep_files(grace_seconds=-60).removed)
        return kept

    monkeypatch.setattr(store, "keep", keep_then_sweep)
    image = add_photo(product=make_product(), data=photo_bytes(1))
    assert calls == [1]
    assert default_storage.exists(image.file.name)


@pytest.mark.django_db(transaction=True)
def test_the_sweep_passes_over_a_file_that_is_being_named() -> None:
    """Another transaction holds the file and has not committed its row yet."""
    kept = store.keep(data := photo_bytes(1))
    product = make_product()
    held, release = threading.Event(), threading.Event()

    def name_slowly() -> None:
        with transaction.atomic():
            assert store.hold([kept]) == []
            held.set()
            release.wait(20)
            image = ProductImage(product=product)
            store.name_file(image, kept)
            image.save()
        connection.close()

    writer = threading.Thread(target=name_slowly)
    writer.start()
    assert held.wait(20)
    try:
        assert sweep_files(grace_seconds=-60).removed == 0
    finally:
        release.set()
        writer.join(20)
    assert sweep_files(grace_seconds=-60).removed == 0
    with default_storage.open(kept.name) as file:
        assert file.read() == data


@pytest.mark.django_db(transaction=True)
def test_uploads_of_the_same_photo_at_once_all_succeed() -> None:
    products = [make_product() for _ in range(6)]
    start = threading.Barrier(len(products))
    failures: list[BaseException] = []

    def upload(product: Product) -> None:
        try:
            start.wait(20)
            add_photo(product=product, data=photo_bytes(1))
        except BaseException as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=upload, args=[product]) for product in products]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
    assert ProductImage.objects.values("digest").distinct().count() == 1
    assert len(default_storage.listdir(f"photos/{ProductImage.objects.first().digest[:2]}")[1]) == 1
