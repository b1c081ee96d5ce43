"""Exports of Shopify: a product is several rows, a row a variant, a photo or both."""

from __future__ import annotations

from pathlib import Path

from tests.catalog.feeds.mapping.mapping import photos, rows_of

HEADER = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,"
    "Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,Variant Taxable,Variant Barcode,"
    "Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,Google Shopping / Gender,Variant Image,"
    "Variant Weight Unit,Variant Tax Code,Cost per item,Price / International,Compare At Price / International,Status"
)


def line(**cells: str) -> str:
    by_name = {name.lower().replace(" ", "_"): f'"{text}"' for name, text in cells.items()}
    return ",".join(by_name.get(name.lower().replace(" ", "_"), "") for name in HEADER.split(","))


def test_a_product_of_two_variants_and_a_row_that_is_a_photo_alone(tmp_path: Path) -> None:
    tee = {"Handle": "tee"}
    lines = [
        line(
            **tee,
            **{"Title": "Tee", "Body (HTML)": "<p>Soft &amp; warm</p><ul><li>Cotton</li></ul>", "Vendor": "Acme"},
            **{"Type": "Shirts", "Tags": "summer, new", "Published": "true", "Status": "active"},
            **{"Option1 Name": "Size", "Option1 Value": "S", "Option2 Name": "Colour", "Option2 Value": "Red"},
            **{"Variant SKU": "'T-S", "Variant Price": "8.00", "Variant Compare At Price": "10.00"},
            **{
                "Variant Inventory Tracker": "shopify",
                "Variant Inventory Qty": "0",
                "Variant Inventory Policy": "deny",
            },
            **{
                "Image Src": "https://x.example/2.jpg",
                "Image Position": "2",
                "Variant Image": "https://x.example/s.jpg",
            },
            **{"Google Shopping / Gender": "unisex"},
        ),
        line(
            **tee,
            **{"Option1 Value": "M", "Option2 Value": "Blue", "Variant SKU": "T-M", "Variant Price": "12.00"},
            **{"Variant Inventory Qty": "0", "Image Src": "https://x.example/1.jpg", "Image Position": "1"},
        ),
        line(**tee, **{"Image Src": "https://x.example/s.jpg", "Image Position": "3"}),
    ]
    (small, medium), notices = rows_of(tmp_path, "\n".join([HEADER, *lines]))
    assert notices == ["columns as Shopify exports them"]
    assert photos(small) == ["https://x.example/s.jpg", "https://x.example/1.jpg", "https://x.example/2.jpg"]
    assert photos(medium) == ["https://x.example/1.jpg", "https://x.example/2.jpg", "https://x.example/s.jpg"]
    for values in (small, medium):
        assert {
            name: values[name] for name in ("title", "brand", "product_type", "item_group_id", "status", "tags")
        } == {
            "title": ["Tee"],
            "brand": ["Acme"],
            "product_type": ["Shirts"],
            "item_group_id": ["tee"],
            "status": ["active"],
            "tags": ["summer", "new"],
        }
        assert values["description"] == ["Soft & warm\nCotton"]
        assert values["gender"] == ["unisex"]
    assert [small[name] for name in ("id", "Size", "Colour", "price", "sale_price", "availability")] == [
        *(["T-S"], ["S"], ["Red"], ["10.00"], ["8.00"], ["0"])
    ]
    assert [medium[name] for name in ("id", "Size", "Colour", "price", "sale_price", "availability")] == [
        *(["T-M"], ["M"], ["Blue"], ["12.00"], [], ["in stock"])
    ]


def test_a_product_without_options_or_skus(tmp_path: Path) -> None:
    header = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price"
    content = f"{header}\nmug,Mug,Title,Default Title,,9\ncup,Cup,Colour,Red,,8\ncup,,,Blue,,8\n"
    mug, red, blue = rows_of(tmp_path, content)[0]
    assert [values["id"] for values in (mug, red, blue)] == [["mug"], ["cup-Red"], ["cup-Blue"]]
    assert "Title" not in mug and blue["Colour"] == ["Blue"]


def test_the_newer_names_of_the_columns(tmp_path: Path) -> None:
    header = "Title,URL handle,Description,Vendor,SKU,Option1 name,Option1 value,Price,Compare-at price,Product image URL,Status"
    content = f"{header}\nMug,mug,<b>Hot</b>,Acme,M1,Colour,Red,9,12,https://x.example/a.jpg,draft\n"
    (mug,), notices = rows_of(tmp_path, content)
    assert notices == ["columns as Shopify exports them"]
    assert mug == {
        "id": ["M1"],
        "title": ["Mug"],
        "description": ["Hot"],
        "brand": ["Acme"],
        "status": ["draft"],
        "item_group_id": ["mug"],
        "price": ["12"],
        "sale_price": ["9"],
        "Colour": ["Red"],
        "image_link": ["https://x.example/a.jpg"],
        "additional_image_link": [],
    }
