"""The product admin: photos in and out, errors at their fields, bulk actions announced."""

from __future__ import annotations

import re
import zlib
from typing import Any

import numpy as np
import pytest
from django.contrib.admin.sites import AdminSite
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.admin import ProductAdmin
from catalog.models import Category, Product, ProductImage
from catalog.photos import store
from catalog.photos.sweep import sweep_files
from tests.catalog.conftest import Heard
from tests.catalog.factories import make_category, make_image, make_product, photo_bytes
from tests.catalog.photos.files import grey_tiff, many_scans

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def upload(seed: int = 1, *, data: bytes | None = None, name: str = "photo.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, photo_bytes(seed) if data is None else data)


def form_of(product: Product | None, *rows: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What the product's page posts: its own fields, and one row for each photo and each new one."""
    images = list(product.images.all()) if product else []
    posted = {
        "title": product.title if product else "New",
        "sku": product.sku if product else "new",
        "in_stock": "on",
        "published": "on",
        "attributes": "{}",
        "images-TOTAL_FORMS": max(len(rows), len(images)),
        "images-INITIAL_FORMS": len(images),
    }
    for number, image in enumerate(images):
        posted |= {f"images-{number}-id": image.pk, f"images-{number}-product": product.pk if product else ""}
        posted |= {f"images-{number}-position": image.position, f"images-{number}-alt": image.alt}
    for number, row in enumerate(rows):
        posted |= {f"images-{number}-{name}": value for name, value in row.items()}
    return posted | fields


def post(staff: Client, product: Product | None, *rows: dict[str, Any], **fields: Any) -> Any:
    where = f"{product.pk}/change" if product else "add"
    return staff.post(f"/admin/catalog/product/{where}/", form_of(product, *rows, **fields))


def photo_errors(response: Any, number: int = 0) -> list[str]:
    assert response.status_code == 200
    [formset] = [inline.formset for inline in response.context["inline_admin_formsets"]]
    return list(formset.forms[number].errors.get("file", []))


def test_a_product_with_photos_is_added(staff: Client, heard: Heard) -> None:
    response = post(staff, None, {"file": upload(1)}, {"file": upload(2), "alt": "back"})
    assert response.status_code == 302
    product = Product.objects.get(sku="new")
    assert [(image.digest, image.position, image.alt) for image in product.images.all()] == [
        (store.describe(photo_bytes(1)).digest, 0, ""),
        (store.describe(photo_bytes(2)).digest, 1, "back"),
    ]
    assert all(default_storage.exists(image.file.name) for image in product.images.all())
    assert heard.stored == [(list(product.images.values_list("pk", flat=True)), "upload")]


def test_several_photos_at_once_are_put_last(staff: Client) -> None:
    product = make_image(seed=9).product
    assert post(staff, product, new_photos=[upload(1), upload(2)]).status_code == 302
    wanted = [store.describe(photo_bytes(seed)).digest for seed in (9, 1, 2)]
    assert list(product.images.values_list("digest", flat=True)) == wanted
    assert [image.position for image in product.images.all()] == [0, 1, 2]


def test_a_photo_is_replaced_in_its_row(staff: Client, heard: Heard) -> None:
    image = make_image(seed=1, alt="front")
    heard.clear()
    assert post(staff, image.product, {"file": upload(2)}).status_code == 302
    replaced = ProductImage.objects.get()
    assert (replaced.pk, replaced.alt) == (image.pk, "front")
    assert replaced.digest == store.describe(photo_bytes(2)).digest
    assert heard.stored == [([image.pk], "upload")]
    assert dict((ids[0], hidden) for ids, hidden in heard.changed)[image.product_id] is True


def test_a_photo_by_url_is_replaced_by_a_file(staff: Client) -> None:
    image = ProductImage.objects.create(product=make_product(), source_url="https://shop.example/a.jpg")
    assert post(staff, image.product, {}).status_code == 302
    assert post(staff, image.product, {"file": upload(2)}).status_code == 302
    image.refresh_from_db()
    assert (image.source_url, image.digest) == ("", store.describe(photo_bytes(2)).digest)


def test_a_photo_is_deleted(staff: Client, heard: Heard) -> None:
    image = make_image()
    heard.clear()
    assert post(staff, image.product, {"DELETE": "on"}).status_code == 302
    assert not ProductImage.objects.exists()
    assert (([image.product_id], True) in heard.changed, heard.stored) == (True, [])


def test_saving_without_a_change_announces_no_photo(staff: Client, heard: Heard) -> None:
    image = make_image()
    heard.clear()
    assert post(staff, image.product).status_code == 302
    assert heard.stored == []


def bomb() -> bytes:
    """A PNG whose header claims 30,000 × 30,000 pixels."""
    data = bytearray(photo_bytes(1))
    data[16:24] = (30000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"plain text", "the file is not a photo"),
        (photo_bytes(1)[:20], "header is damaged"),
        (photo_bytes(1)[:3000], "damaged or cut short"),
        (bomb(), "the picture claims too many pixels"),
        (many_scans(64, 101), "a JPEG of more than 100 scans"),
        (grey_tiff(np.zeros((16, 16), np.uint16), bits=14), "of a kind that is not read"),
        (photo_bytes(1) + b"x" * 200_000, "the file is larger than"),
    ],
)
def test_what_is_wrong_with_a_photo_stands_at_its_field(
    staff: Client, settings: Any, data: bytes, message: str
) -> None:
    settings.MAX_PHOTO_BYTES = 100_000
    product = make_product()
    [error] = photo_errors(post(staff, product, {"file": upload(data=data, name="mine.png")}))
    assert error.startswith("mine.png: ") and message in error
    assert not ProductImage.objects.exists()


def told(response: Any) -> list[tuple[str, str]]:
    """Level and text of what a form says once it has saved the product, but for that it has."""
    assert response.status_code == 302
    said = [(one.level_tag, str(one.message)) for one in get_messages(response.wsgi_request)]
    return [one for one in said if one[0] != "success"]


def test_a_bad_file_among_several_costs_no_good_one(staff: Client) -> None:
    photos = [upload(1), upload(data=b"plain text", name="mine.txt"), upload(2)]
    [(level, text)] = told(post(staff, None, new_photos=photos))
    assert level == "warning" and text.startswith("Not added: mine.txt: the file is not a photo")
    digests = [store.describe(photo_bytes(seed)).digest for seed in (1, 2)]
    assert list(ProductImage.objects.values_list("digest", flat=True)) == digests


def test_photos_are_not_chosen_again_when_another_field_was_wrong(staff: Client) -> None:
    refused = post(staff, None, new_photos=[upload(1, name="front.png"), upload(2, name="back.png")], title="")
    assert refused.status_code == 200 and not Product.objects.exists()
    tokens = re.findall(r'name="kept_photos" value="([^"]+)"', refused.content.decode())
    assert len(tokens) == 2 and "front.png" in refused.content.decode()
    assert told(post(staff, None, kept_photos=tokens)) == []
    digests = [store.describe(photo_bytes(seed)).digest for seed in (1, 2)]
    assert list(Product.objects.get().images.values_list("digest", flat=True)) == digests


def test_a_kept_photo_whose_file_was_swept_is_named_and_the_product_is_saved(staff: Client) -> None:
    page = post(staff, None, new_photos=[upload(1, name="front.png")], title="").content.decode()
    tokens = re.findall(r'name="kept_photos" value="([^"]+)"', page)
    assert sweep_files(grace_seconds=-60).removed == 1
    said = told(post(staff, None, kept_photos=[*tokens, "forged"]))
    assert said == [("warning", "Not added: front.png: it is kept no longer; choose it again.")]
    assert Product.objects.get().images.count() == 0


def test_a_photo_is_added_by_url_once(staff: Client) -> None:
    url = "https://shop.example/a.jpg"
    assert told(post(staff, None, new_photo_url=url)) == []
    product = Product.objects.get()
    assert told(post(staff, product, new_photo_url=url)) == []
    assert list(product.images.values_list("source_url", "digest")) == [(url, "")]
    refused = post(staff, product, new_photo_url="http://127.0.0.1/a.jpg")
    [error] = refused.context["adminform"].form.errors["new_photo_url"]
    assert error.endswith("give the photo's public address")


def test_an_empty_file_is_refused_at_its_field(staff: Client) -> None:
    assert photo_errors(post(staff, make_product(), {"file": upload(data=b"")}))
    assert not ProductImage.objects.exists()


def test_attributes_are_names_and_values(staff: Client) -> None:
    response = post(staff, make_product(), attributes="[1, 2]")
    assert "attributes" in response.context["adminform"].form.errors
    product = make_product()
    assert post(staff, product, attributes='{"colour": "red"}').status_code == 302
    product.refresh_from_db()
    assert product.attributes == {"colour": "red"}


def test_the_same_file_twice_is_an_error_at_the_later_field(staff: Client) -> None:
    image = make_image(seed=1)
    said = ["the same file is already a photo of this product; choose another"]
    assert photo_errors(post(staff, image.product, {}, {"file": upload(1)}), 1) == said
    assert photo_errors(post(staff, image.product, {}, {"file": upload(2)}, {"file": upload(2)}), 2) == said
    said = "Not added: photo.png: the same file is already a photo of this product; choose another."
    photos = [upload(2), upload(1), upload(2)]
    assert told(post(staff, image.product, {}, new_photos=photos)) == [("warning", said)] * 2
    assert image.product.images.count() == 2


def test_a_file_swept_between_form_and_transaction_is_stored_again(
    staff: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold, swept = store.hold, []

    def sweep_then_hold(kept: Any) -> Any:
        if not swept:
            swept.append(sweep_files(grace_seconds=-60).removed)
        return hold(kept)

    monkeypatch.setattr(store, "hold", sweep_then_hold)
    assert post(staff, make_product(), {"file": upload(1)}, new_photos=[upload(2)]).status_code == 302
    assert swept == [2]
    assert [default_storage.exists(image.file.name) for image in ProductImage.objects.all()] == [True, True]


@pytest.mark.django_db(transaction=True)
def test_files_are_written_outside_the_transaction(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    keep, inside = store.keep, []

    def watched(*args: Any) -> Any:
        inside.append(connection.in_atomic_block)
        return keep(*args)

    monkeypatch.setattr(store, "keep", watched)
    assert post(staff, make_product(), {"file": upload(1)}, new_photos=[upload(2)]).status_code == 302
    assert inside == [False, False]


def test_nobody_without_permission_stores_anything(client: Client, settings: Any) -> None:
    client.force_login(User.objects.create_user("clerk", is_staff=True))
    assert post(client, make_product(), {"file": upload(1)}).status_code == 403
    assert default_storage.exists("photos") is False


def test_hiding_and_publishing_in_bulk_is_announced(staff: Client, heard: Heard) -> None:
    shown, hidden, other = make_product(), make_product(published=False), make_product()
    heard.clear()
    chosen = {"_selected_action": [shown.pk, hidden.pk]}
    staff.post("/admin/catalog/product/", {"action": "unpublish", **chosen})
    assert heard.changed == [([shown.pk], True)]
    heard.clear()
    staff.post("/admin/catalog/product/", {"action": "publish", **chosen})
    assert heard.changed == [([shown.pk, hidden.pk], False)]
    assert set(Product.objects.filter(published=True)) == {shown, hidden, other}


def test_deleting_in_bulk_is_announced_once(staff: Client, heard: Heard) -> None:
    images = [make_image() for _ in range(3)]
    ids = [image.product_id for image in images]
    heard.clear()
    staff.post("/admin/catalog/product/", {"action": "delete_selected", "_selected_action": ids, "post": "yes"})
    assert not Product.objects.exists()
    [(announced, hidden)] = heard.changed
    assert (sorted(announced), hidden) == (ids, True)


def shown_rows(page: str) -> str:
    """The table of a list."""
    return page[page.index('id="result_list"') :]


def test_the_list_shows_thumbnails_and_filters_by_descendants(staff: Client) -> None:
    image = make_image(make_product(title="Summer dress", category="Clothing > Dress"))
    make_product(title="Lamp", category="Home")
    page = staff.get("/admin/catalog/product/?category=clothing").content.decode()
    assert f"/media/thumbnails/{image.digest}.jpg" in page
    assert ("Summer dress" in page, "Lamp" in page) == (True, False)
    page = staff.get("/admin/catalog/product/?q=lamp").content.decode()
    assert ("Summer dress" in page, "Lamp" in page) == (False, True)


def test_the_newest_product_comes_first_and_every_link_has_a_name(staff: Client) -> None:
    for title in ("Old", "Middle", "New"):
        make_product(title=title)
    make_image(make_product(title="Newest"))
    page = shown_rows(staff.get("/admin/catalog/product/").content.decode())
    assert sorted(("Old", "Middle", "New", "Newest"), key=lambda title: page.index(f">{title}<")) == [
        "Newest", "New", "Middle", "Old",
    ]  # fmt: skip
    links = re.findall(r"<a [^>]*>(.*?)</a>", page, re.DOTALL)
    assert all(re.sub("<[^>]*>", "", link).strip() or re.search(r'alt="[^"]+"', link) for link in links)


def test_the_tree_counts_products_with_those_of_descendants(staff: Client) -> None:
    make_product(category="Clothing > Dress")
    make_product(category="Clothing > Dress", published=False)
    make_product(category="Clothing")
    make_category("Home")
    counted = {"Clothing": "3", "Dress": "2", "Home": "0"}
    page = staff.get("/admin/catalog/product/").content.decode()
    assert dict(re.findall(r"<span>(\w+)</span> <small>(\d+)</small>", page)) == counted
    below = Category.objects.get(slug="clothing").pk
    page = staff.get("/admin/catalog/category/").content.decode()
    page += str(staff.get(f"/admin/catalog/category/children/{below}/").json()["result_html"])
    shown = dict(re.findall(r'href="/admin/catalog/product/\?category=(\w+)">(\d+)</a>', page))
    assert shown == {name.lower(): number for name, number in counted.items()}


def test_the_list_costs_the_same_queries_however_long() -> None:
    admin = ProductAdmin(Product, AdminSite())
    queries = []
    for _ in range(2):
        make_image(make_product(category="A"))
        make_image(make_product(category="B"))
        with CaptureQueriesContext(connection) as captured:
            for product in admin.get_queryset(None).select_related("category"):  # type: ignore[arg-type]
                assert admin.photo(product) and product.category
        queries.append(len(captured))
    assert queries == [2, 2]


def test_the_forms_page_shows_each_photo(staff: Client) -> None:
    image = make_image()
    page = staff.get(f"/admin/catalog/product/{image.product_id}/change/").content.decode()
    assert f"/media/thumbnails/{image.digest}.jpg" in page
    assert re.search(r'<input type="file" name="images-0-file"', page)
    assert re.search(r'<input type="file" name="new_photos"[^>]* multiple', page)


def test_a_category_is_chosen_from_the_tree(staff: Client) -> None:
    make_category("Clothing > Dress")
    make_category("Home")
    page = staff.get("/admin/catalog/product/add/").content.decode()
    chosen = re.findall(r"<option[^>]*>([^<]+)</option>", page[page.index('id="id_category"') :])[:4]
    assert chosen == ["---------", "Clothing", "\u2003Dress", "Home"]


def test_a_category_gets_its_slug_from_its_name(staff: Client) -> None:
    parent = make_category("Clothing")
    make_category("Home > Dress")
    form = {"name": "Dress", "slug": "", "treebeard_position": "sorted-child", "treebeard_ref_node": parent.pk}
    assert staff.post("/admin/catalog/category/add/", form).status_code == 302
    assert Category.objects.get(name="Dress", depth=2, path__startswith=parent.path).slug == "clothing-dress"


def test_categories_are_shown_and_moved(staff: Client) -> None:
    dress, home = make_category("Clothing > Dress"), make_category("Home")
    assert b"Clothing" in staff.get("/admin/catalog/category/").content
    with transaction.atomic():
        moved = staff.post("/admin/catalog/category/move/", {"node": dress.pk, "target": home.pk, "relation": "child"})
    assert moved.status_code == 200
    dress.refresh_from_db()
    home.refresh_from_db()
    assert dress.path.startswith(home.path)
    assert Category.objects.find_problems() == ([], [], [], [], [])
