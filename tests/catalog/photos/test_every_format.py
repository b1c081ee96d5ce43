"""Every kind of file that is read is read wherever photos come in: the admin, an import, and the thumbnails of what they stored."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from catalog.models import Product, ProductImage
from tests.catalog.feeds.files import run_import
from tests.fuzz.photos import SIDE, whole_files

pytestmark = pytest.mark.django_db


def check_thumbnails(client: Client) -> None:
    images = list(ProductImage.objects.all())
    assert len(images) == len(set(whole_files()))
    for image in images:
        assert (image.width, image.height) == (SIDE, SIDE)
        answer = client.get(f"/media/thumbnails/{image.digest}.jpg")
        assert answer.status_code == 200, image.file.name
        assert Image.open(io.BytesIO(answer.content)).size == (SIDE, SIDE)


def test_all_are_uploaded_in_the_admin(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    photos = [SimpleUploadedFile(f"{number}.photo", data) for number, data in enumerate(whole_files())]
    form = {"title": "Coat", "sku": "1", "published": "on", "attributes": "{}", "new_photos": photos}
    answer = client.post("/admin/catalog/product/add/", form | {"images-TOTAL_FORMS": 0, "images-INITIAL_FORMS": 0})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    check_thumbnails(client)


def test_all_are_imported(client: Client, tmp_path: Path) -> None:
    rows = ["id,title,image_link"]
    for number, data in enumerate(whole_files()):
        (tmp_path / f"{number}.photo").write_bytes(data)
        rows.append(f"{number},Coat {number},{number}.photo")
    (tmp_path / "feed.csv").write_text("\n".join(rows) + "\n")
    _, problems, succeeded = run_import(tmp_path / "feed.csv")
    assert problems == [] and succeeded
    assert Product.objects.count() == len(whole_files())
    check_thumbnails(client)
