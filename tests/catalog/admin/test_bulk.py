"""Many products by their photos: what is refused of a ZIP, what belongs together, and that nothing is made before it was shown."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog.changes.photo_groups import CannotMake, NamedPhoto, PhotoGroup, grouped, make
from catalog.models import Product, ProductImage
from catalog.photos import store
from catalog.photos.archives import MOST_FILES, MOST_UNPACKED, ArchiveError, unpacked
from catalog.photos.store import KeptPhoto
from tests.catalog.admin.test_pages import upload
from tests.catalog.factories import make_category, make_image, make_product, photo_bytes

URL = "/admin/catalog/product/bulk/"


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("boss", password="x"))
    return client


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    buffer.seek(0)
    return buffer


def taken(file: io.BytesIO) -> dict[str, str]:
    """What is wrong with each file of an archive, "" of those that are taken."""
    return {one.name: one.error for one in unpacked(file)}


def test_what_computers_put_into_archives_is_passed_over() -> None:
    names = ["a.jpg", "folder/", "__MACOSX/._a.jpg", "folder/.DS_Store", "folder/Thumbs.db", "folder/b.jpg"]
    assert taken(packed(dict.fromkeys(names, b"x"))) == {"a.jpg": "", "folder/b.jpg": ""}


def test_a_folder_around_everything_says_nothing() -> None:
    assert list(taken(packed(dict.fromkeys(["new/x/a.jpg", "new/x/b.jpg"], b"x")))) == ["a.jpg", "b.jpg"]
    assert list(taken(packed(dict.fromkeys(["new/x/a.jpg", "new/y/a.jpg"], b"x")))) == ["x/a.jpg", "y/a.jpg"]


def test_a_bomb_is_refused_file_by_file_by_what_is_read_and_not_by_what_is_claimed(settings: Any) -> None:
    settings.MAX_PHOTO_BYTES = 1000
    honest = packed({"small.jpg": b"x", "large.jpg": bytes(1001)})
    larger = "the file is larger than 0.000953674 MB; send a smaller one"
    assert taken(honest) == {"small.jpg": "", "large.jpg": larger}
    data = bytearray(packed({"liar.jpg": bytes(100_000)}).getvalue())
    for at in (22, data.rindex(b"PK\x01\x02") + 24):  # the size in both of its headers
        data[at : at + 4] = struct.pack("<I", 10)
    [(name, error)] = taken(io.BytesIO(bytes(data))).items()
    assert name == "liar.jpg" and error != ""


def test_the_whole_of_an_archive_is_bounded(settings: Any) -> None:
    many = packed({f"{number}.jpg": b"x" for number in range(MOST_FILES + 1)})
    with pytest.raises(ArchiveError, match=f"it holds {MOST_FILES + 1} files; send {MOST_FILES} at a time"):
        list(unpacked(many))
    settings.MAX_PHOTO_BYTES = MOST_UNPACKED
    large = packed({"a.jpg": bytes(MOST_UNPACKED // 2 + 1), "b.jpg": bytes(MOST_UNPACKED // 2), "c.jpg": b"x"})
    assert taken(large) == {
        "a.jpg": "",
        "b.jpg": "the ZIP file unpacks to more than 512 MB; send the rest in another",
        "c.jpg": "",
    }


def test_a_directory_of_millions_is_not_read() -> None:
    data = bytearray(packed({"a.jpg": b"x"}).getvalue())
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = struct.pack("<L", 2 * 1024**2)
    with pytest.raises(ArchiveError, match="it lists too many files"):
        list(unpacked(io.BytesIO(bytes(data))))
    far = data[:end] + b"PK\x06\x07" + bytes(16) + data[end:]
    with pytest.raises(ArchiveError, match="it lists too many files"):
        list(unpacked(io.BytesIO(bytes(far))))


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"PK\x05\x06", b"no archive at all" * 10])
def test_what_is_no_archive_is_refused_as_a_whole(data: bytes) -> None:
    with pytest.raises(ArchiveError, match="it is no ZIP file, or a damaged one; pack it again"):
        list(unpacked(io.BytesIO(data)))


def test_files_with_passwords_other_methods_or_damage_are_named() -> None:
    assert list(taken(packed({"a.jpg": b"x" * 500}, zipfile.ZIP_LZMA)).values()) == [
        "it is packed in a way that is not read; pack it as an ordinary ZIP"
    ]
    data = bytearray(packed({"a.jpg": b"x" * 500}, zipfile.ZIP_STORED).getvalue())
    damaged = bytearray(data)
    damaged[60] ^= 1
    assert list(taken(io.BytesIO(bytes(damaged))).values()) == ["it is damaged in the ZIP file; pack it again"]
    for at in (6, data.rindex(b"PK\x01\x02") + 8):
        data[at] |= 1
    assert list(taken(io.BytesIO(bytes(data))).values()) == ["it has a password; pack it without one"]


def photo(name: str, digest: str = "") -> NamedPhoto:
    return NamedPhoto(name, KeptPhoto((digest or name).encode().hex().ljust(64, "0")[:64], "", 1, 1))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["red-shoe_1.jpg", "red-shoe_2.jpg", "lamp.jpg"], [("Red shoe", "RED-SHOE", 2), ("Lamp", "LAMP", 1)]),
        (["Cup front.jpg", "cup BACK.jpg", "Cup (3).jpg"], [("Cup", "CUP", 3)]),
        (["shop/a/1.jpg", "shop/a/2.jpg", "shop/b/1.jpg"], [("A", "A", 2), ("B", "B", 1)]),
        (["sku123.jpg", "sku124.jpg"], [("Sku123", "SKU123", 1), ("Sku124", "SKU124", 1)]),
        (["1.jpg", "2.jpg"], [("1", "1", 1), ("2", "2", 1)]),
        (["Äpfel_1.jpg", "äpfel_2.jpg"], [("Äpfel", "ÄPFEL", 2)]),
    ],
)
def test_photos_of_one_name_or_folder_are_one_product(names: list[str], groups: list[tuple[str, str, int]]) -> None:
    found = grouped([photo(name) for name in names], by_name=True)
    assert [(one.title, one.sku, len(one.photos)) for one in found] == groups


@pytest.mark.django_db
def test_or_each_photo_is_one_with_a_sku_of_its_own() -> None:
    found = grouped([photo("a/cup.jpg"), photo("b/cup.jpg"), photo("again.jpg", "a/cup.jpg")], by_name=False)
    assert [(one.title, one.sku) for one in found] == [("Cup", "CUP"), ("Cup", "CUP-2")]


def previewed(staff: Client, *files: SimpleUploadedFile, **chosen: str) -> tuple[str, dict[str, Any]]:
    """The page that shows what will be made, and what its form sends."""
    page = staff.post(URL, {"files": list(files), **chosen}).content.decode()
    form: dict[str, Any] = {"make": "on"}
    made = page[page.index('id="make"') :] if 'id="make"' in page else ""
    for tag in re.findall(r"<input [^>]*>", made):
        name, value = (re.search(rf'{part}="([^"]*)"', tag) for part in ("name", "value"))
        if name and value and "checkbox" not in tag and name[1] != "csrfmiddlewaretoken":
            form.setdefault(name[1], []).append(value[1])
    return page, form


def test_nothing_is_made_before_it_was_shown_and_then_all_of_it(staff: Client) -> None:
    there = make_image(make_product(sku="LAMP", title="A lamp"), seed=9)
    archive = packed({"x/cup_1.png": photo_bytes(1), "x/cup_2.png": photo_bytes(2), "x/readme.txt": b"hello"})
    files = [
        SimpleUploadedFile("many.zip", archive.getvalue()),
        upload(3, name="lamp.png"),
        upload(data=b"no", name="bad.png"),
    ]
    page, form = previewed(staff, *files)
    assert Product.objects.count() == 1
    assert "1 new product, and 1 that is there and gets photos (3 photos)" in page
    assert "<strong>readme.txt</strong>: the file is not a photo" in page and "<strong>bad.png</strong>" in page
    assert "Added to A lamp" in page
    make_category("Kitchen")
    answer = staff.post(URL, form | {"category": "kitchen", "published": "on"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/catalog/product/")
    cup = Product.objects.get(sku="CUP")
    assert (cup.title, cup.published, cup.category and cup.category.slug, cup.images.count()) == (
        "Cup",
        True,
        "kitchen",
        2,
    )
    assert list(there.product.images.values_list("position", flat=True)) == [0, 1]


def test_a_picture_that_is_there_is_named(staff: Client) -> None:
    image = make_image(make_product(title="The first"), seed=4)
    page, _ = previewed(staff, upload(4, name="copy.png"))
    assert f'A photo of <a href="/admin/catalog/product/{image.product_id}/change/">The first</a> already' in page


def test_what_cannot_be_made_is_shown_again_and_keeps_nothing_else_out(staff: Client) -> None:
    _, form = previewed(staff, upload(1, name="a.png"), upload(2, name="b.png"))
    answer = staff.post(URL, form | {"title-0": ""})
    page = answer.content.decode()
    assert answer.status_code == 200 and "a title of 1 to 500 characters is needed" in page
    assert list(Product.objects.values_list("sku", flat=True)) == ["B"]
    _, form = previewed(staff, upload(1, name="a.png"))
    digest = re.search(r'name="skip-0" value="(\w+)"', page)
    assert digest is not None
    assert staff.post(URL, form | {"skip-0": digest[1]}).status_code == 302
    assert ProductImage.objects.count() == 1


def test_a_product_that_is_there_gets_photos_from_who_may_change_it(client: Client, db: None) -> None:
    make_product(sku="CUP")
    clerk = User.objects.create_user("clerk", is_staff=True)
    clerk.user_permissions.add(
        *Permission.objects.filter(codename__in=["add_product", "add_productimage", "view_product"])
    )
    client.force_login(clerk)
    _, form = previewed(client, upload(1, name="cup.png"))
    page = client.post(URL, form).content.decode()
    assert "a product has this SKU, and you may not change it; give another one" in page
    assert not ProductImage.objects.exists()
    assert client.post(URL, form | {"sku-0": "CUP-2"}).status_code == 302
    assert Product.objects.get(sku="CUP-2").images.count() == 1


def test_a_product_has_no_more_photos_than_a_page_can_hold(db: None) -> None:
    photos = [NamedPhoto(f"{number}.png", store.keep(photo_bytes(number, size=(8, 8)))) for number in range(101)]
    with pytest.raises(CannotMake, match="a product may have 100 photos; leave some out"):
        make(PhotoGroup("Cup", "CUP", photos), category=None, published=False)
    assert not Product.objects.exists()
    assert make(PhotoGroup("Cup", "CUP", photos[:100]), category=None, published=False).images.count() == 100


def test_a_zip_is_unpacked_for_the_page(staff: Client) -> None:
    archive = SimpleUploadedFile("a.zip", packed({"a.png": photo_bytes(1), "b.txt": b"hello"}).getvalue())
    answer = staff.post(f"{URL}unpack/", {"photo": archive}).json()
    assert [one["name"] for one in answer["kept"]] == ["a.png"]
    [refused] = answer["refused"]
    assert refused.startswith("b.txt: the file is not a photo")
    page = staff.post(URL, {"kept_photos": [one["token"] for one in answer["kept"]]}).content.decode()
    assert "1 new product (1 photo)" in page
    other = staff.post(f"{URL}unpack/", {"photo": upload(1)})
    assert (other.status_code, other.json()["error"]) == (422, "This is no ZIP file; choose one, or photos.")
