"""Exports of the other shop systems, each with the columns that it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from catalog.feeds.sale_dates import read_interval
from tests.catalog.feeds.mapping.mapping import Values, photos, rows_of


def of(values: Values, *names: str) -> list[list[str]]:
    return [values[name] for name in names]


def test_prestashop(tmp_path: Path) -> None:
    header = (
        "Product ID;Active (0/1);Name *;Categories (x,y,z...);Price tax excluded;Tax rules ID;Wholesale price;On sale (0/1);"
        "Discount amount;Discount percent;Discount from (yyyy-mm-dd);Discount to (yyyy-mm-dd);Reference #;Supplier;Manufacturer;EAN13;"
        "Quantity;Summary;Description;Tags (x,y,z...);Image URLs (x,y,z...);Feature (Name:Value:Position:Customized)"
    )
    content = (
        f"{header}\n1;1;Dress;Home,Women,Dresses;20.00;1;10;1;;10;2026-11-01;2026-11-30;demo_1;;Acme;123;5;Short;<p>Long</p>;red,new;"
        "https://x.example/1.jpg,https://x.example/2.jpg;Material:Cotton:1,Style:Casual:2\n2;0;Hat;Home;9;1;;0;;;;;;;;;0;;;;;\n"
    )
    (dress, hat), notices = rows_of(tmp_path, content)
    assert notices == ["columns as PrestaShop exports them"]
    assert of(
        dress, "id", "title", "description", "brand", "product_type", "published", "quantity", "price", "sale_price"
    ) == [*(["demo_1"], ["Dress"], ["Long"], ["Acme"], ["Women", "Dresses"], ["1"], ["5"], ["20.00"], ["18.00"])]
    assert of(dress, "sale_price_effective_date", "Material", "Style", "tags", "gtin") == [
        *(["2026-11-01/2026-11-30"], ["Cotton"], ["Casual"], ["red", "new"], ["123"])
    ]
    assert photos(dress) == ["https://x.example/1.jpg", "https://x.example/2.jpg"]
    assert of(hat, "id", "published", "product_type", "sale_price", "image_link") == [["2"], ["0"], ["Home"], [], []]


def test_vendure(tmp_path: Path) -> None:
    content = (
        "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets\n"
        "Laptop,laptop,<p>Fast</p>,a.jpg|b.jpg,category:Computers|brand:Apple,screen|RAM,13 inch|8GB,L-13,1299.00,standard,100,false,,\n"
        ",,,,,,15 inch|16GB,L-15,1899.00,standard,0,true,c.jpg,colour:grey\n"
    )
    (small, large), notices = rows_of(tmp_path, content)
    assert notices == ["columns as Vendure exports them"]
    assert of(small, "id", "item_group_id", "screen", "RAM", "availability", "product_type", "brand") == [
        *(["L-13"], ["laptop"], ["13 inch"], ["8GB"], ["in stock"], ["Computers"], ["Apple"])
    ]
    assert of(large, "id", "title", "description", "screen", "availability", "colour", "price") == [
        *(["L-15"], ["Laptop"], ["Fast"], ["15 inch"], ["0"], ["grey"], ["1899.00"])
    ]
    assert (photos(small), photos(large)) == (["a.jpg", "b.jpg"], ["c.jpg", "a.jpg", "b.jpg"])


def test_medusa(tmp_path: Path) -> None:
    first = (
        "Product Id;Product Handle;Product Title;Product Description;Product Status;Product Thumbnail;Product Type;Product Tags;Variant Id;"
        "Variant SKU;Variant Inventory Quantity;Variant Allow Backorder;Variant Manage Inventory;Price EUR;Price USD;Option 1 Name;"
        "Option 1 Value;Image 1 Url;Image 2 Url\n"
        "prod_1;shirt;Shirt;Soft;published;https://x.example/t.jpg;Tops;new;var_1;S-1;0;false;true;12.50;14;Size;S;https://x.example/t.jpg;"
        "https://x.example/2.jpg\n"
    )
    second = (
        "Product Id,Product Handle,Product Title,Product Status,Product Thumbnail,Variant Id,Variant SKU,Variant Price EUR,"
        "Variant Option 1 Name,Variant Option 1 Value,Product Image 1 Url\n"
        "prod_1,shirt,Shirt,draft,,var_1,,12.5,Size,S,https://x.example/1.jpg\n"
    )
    (one,), notices = rows_of(tmp_path, first)
    assert notices == [
        "columns as Medusa exports them",
        "of prices in EUR, USD (line 2) the one in EUR was taken; --currency says which of them is wanted",
    ]
    assert of(one, "id", "item_group_id", "status", "product_type", "price", "currency", "availability", "Size") == [
        *(["S-1"], ["shirt"], ["published"], ["Tops"], ["12.50"], ["EUR"], ["0"], ["S"])
    ]
    assert photos(one) == ["https://x.example/t.jpg", "https://x.example/2.jpg"]
    (two,), _ = rows_of(tmp_path, second)
    assert of(two, "id", "status", "price", "currency", "Size") == [["var_1"], ["draft"], ["12.5"], ["EUR"], ["S"]]
    assert photos(two) == ["https://x.example/1.jpg"]


def test_commercetools(tmp_path: Path) -> None:
    content = (
        "productType,variantId,id,sku,prices,tax,categories,images,name.de,name.en,slug.en,description.en,colour.en,creationDate\n"
        "shoe,1,p1,S-1,DE-EUR 19000;USD 21000,vat,Women>Shoes;Sale,https://x.example/1.jpg|0|0;https://x.example/2.jpg,,Shoe,shoe,Nice,red,2020\n"
        ",2,,S-2,JPY 9000,,,https://x.example/3.jpg,,,,,blue,\n"
    )
    (one, two), notices = rows_of(tmp_path, content)
    assert notices == [
        "columns as commercetools exports them",
        "of prices in EUR, USD (line 2) the one in EUR was taken; --currency says which of them is wanted",
    ]
    assert of(
        one, "id", "title", "item_group_id", "price.centAmount", "price.currencyCode", "product_type", "colour"
    ) == [*(["S-1"], ["Shoe"], ["shoe"], ["19000"], ["EUR"], ["Women>Shoes", "Sale"], ["red"])]
    assert photos(one) == ["https://x.example/1.jpg", "https://x.example/2.jpg"]
    assert of(
        two, "id", "title", "item_group_id", "price.centAmount", "price.currencyCode", "colour", "image_link"
    ) == [*(["S-2"], ["Shoe"], ["shoe"], ["9000"], ["JPY"], ["blue"], ["https://x.example/3.jpg"])]


def test_awin(tmp_path: Path) -> None:
    content = (
        "aw_deep_link,product_name,aw_product_id,merchant_product_id,merchant_image_url,description,merchant_category,search_price,"
        "merchant_name,category_name,aw_image_url,currency,brand_name,in_stock,colour,merchant_deep_link\n"
        "https://a.example/1,Mug,9,M1,https://x.example/1.jpg,Hot,Home > Mugs,9.50,Shop,Kitchen,https://a.example/1.jpg,GBP,Acme,1,red,"
        "https://x.example/m1\n"
    )
    (mug,), notices = rows_of(tmp_path, content)
    assert notices == ["columns as Awin exports them"]
    assert mug == {
        "id": ["M1"],
        "title": ["Mug"],
        "description": ["Hot"],
        "link": ["https://x.example/m1"],
        "price": ["9.50"],
        "currency": ["GBP"],
        "availability": ["1"],
        "brand": ["Acme"],
        "product_type": ["Home > Mugs"],
        "colour": ["red"],
        "image_link": ["https://x.example/1.jpg"],
        "additional_image_link": [],
    }


def test_google_and_facebook_are_named_and_change_nothing(tmp_path: Path) -> None:
    names = "id,title,description,link,image_link,availability,price"
    (row,), notices = rows_of(tmp_path, f"{names}\n1,Mug,Hot,https://x.example/m,a.jpg,in stock,9 EUR\n")
    assert notices == ["columns as Google exports them"] and row["price"] == ["9 EUR"]
    names += ",fb_product_category,image[0].url"
    (row,), notices = rows_of(
        tmp_path, f"{names}\n1,Mug,Hot,https://x.example/m,,in stock,9 EUR,7,https://x.example/0.jpg\n"
    )
    assert notices == ["columns as Facebook exports them"] and photos(row) == ["https://x.example/0.jpg"]


def document(folder: Path, item: dict[str, Any]) -> tuple[list[Values], list[str]]:
    return rows_of(folder, json.dumps({"products": [item]}), "feed.json")


def test_shopifys_products_json(tmp_path: Path) -> None:
    item = {
        "id": 1,
        "title": "Tee",
        "handle": "tee",
        "body_html": "<p>Soft</p>",
        "vendor": "Acme",
        "product_type": "Shirts",
        "tags": ["new"],
        "variants": [
            {
                "id": 11,
                "title": "S",
                "option1": "S",
                "option2": None,
                "sku": "T-S",
                "price": "8.00",
                "compare_at_price": "10.00",
            }
            | {"available": True, "featured_image": {"id": 5, "src": "https://x.example/s.jpg"}},
            {
                "id": 12,
                "title": "M",
                "option1": "M",
                "option2": None,
                "sku": "",
                "price": "9.00",
                "compare_at_price": None,
            }
            | {"available": False, "featured_image": None},
        ],
        "images": [
            {"id": 4, "src": "https://x.example/1.jpg", "variant_ids": []},
            {"id": 5, "src": "https://x.example/s.jpg", "variant_ids": [11]},
        ],
        "options": [{"name": "Size", "position": 1, "values": ["S", "M"]}],
    }
    (small, medium), notices = document(tmp_path, item)
    assert "columns as Shopify exports them" in notices
    assert of(small, "id", "price", "sale_price", "availability", "Size", "item_group_id") == [
        *(["T-S"], ["10.00"], ["8.00"], ["in stock"], ["S"], ["tee"])
    ]
    assert of(medium, "id", "price", "sale_price", "availability", "Size", "description") == [
        *(["12"], ["9.00"], [], ["out of stock"], ["M"], ["Soft"])
    ]
    assert photos(small) == ["https://x.example/s.jpg", "https://x.example/1.jpg"]
    assert photos(medium) == ["https://x.example/1.jpg", "https://x.example/s.jpg"]


def test_woocommerces_rest_interface(tmp_path: Path) -> None:
    item = {
        "id": 7,
        "name": "Tee",
        "slug": "tee",
        "permalink": "https://x.example/tee",
        "status": "publish",
        "description": "<p>Soft</p>",
        "sku": "T",
        "price": "8",
        "regular_price": "10",
        "sale_price": "8",
        "stock_status": "onbackorder",
        "categories": [{"id": 1, "name": "Shirts"}, {"id": 2, "name": "Sale"}],
        "images": [{"id": 1, "src": "https://x.example/1.jpg"}, {"id": 2, "src": "https://x.example/2.jpg"}],
        "attributes": [{"name": "Colour", "options": ["Red", "Blue"]}],
    }
    (tee,), notices = document(tmp_path, item)
    assert "columns as WooCommerce exports them" in notices
    assert of(tee, "id", "title", "price", "sale_price", "availability", "status", "product_type", "Colour") == [
        *(["T"], ["Tee"], ["10"], ["8"], ["onbackorder"], ["publish"], ["Shirts", "Sale"], ["Red", "Blue"])
    ]
    assert photos(tee) == ["https://x.example/1.jpg", "https://x.example/2.jpg"]


def test_medusas_interface(tmp_path: Path) -> None:
    item = {
        "id": "prod_1",
        "title": "Tee",
        "handle": "tee",
        "thumbnail": "https://x.example/1.jpg",
        "status": "published",
        "images": [{"id": "i", "url": "https://x.example/2.jpg"}],
        "options": [{"id": "o", "title": "Size"}],
        "variants": [
            {
                "id": f"var_{size}",
                "sku": f"T-{size}",
                "prices": [{"amount": 9.5, "currency_code": "eur"}],
                "options": [{"value": size}],
            }
            for size in "SM"
        ],
    }
    (small, medium), notices = document(tmp_path, item)
    assert "columns as Medusa exports them" in notices
    assert of(small, "id", "price", "currency", "Size") == [["T-S"], ["9.5"], ["EUR"], ["S"]]
    assert of(medium, "id", "item_group_id", "Size") == [["T-M"], ["tee"], ["M"]]
    assert photos(medium) == ["https://x.example/1.jpg", "https://x.example/2.jpg"]


def test_commercetools_projections(tmp_path: Path) -> None:
    def variant(number: int) -> dict[str, Any]:
        price = {"value": {"centAmount": 1999, "currencyCode": "EUR", "fractionDigits": 2}}
        images = [{"url": f"https://x.example/{number}.jpg"}]
        return {
            "id": number,
            "sku": f"S{number}",
            "prices": [price],
            "images": images,
            "attributes": [{"name": "colour", "value": "red"}],
        }

    item = {
        "id": "p",
        "name": {"en": "Shoe"},
        "slug": {"en": "shoe"},
        "masterVariant": variant(1),
        "variants": [variant(2), variant(3)],
    }
    rows, notices = document(tmp_path, item)
    assert "columns as commercetools exports them" in notices
    assert [of(row, "id", "title", "price.centAmount", "colour", "image_link") for row in rows] == [
        [[f"S{number}"], ["Shoe"], ["1999"], ["red"], [f"https://x.example/{number}.jpg"]] for number in (1, 2, 3)
    ]


def test_medusas_template_has_variants_without_sku_and_id(tmp_path: Path) -> None:
    header = "Product Handle,Product Title,Variant Id,Variant SKU,Option 1 Name,Option 1 Value"
    rows, _ = rows_of(tmp_path, f"{header}\nmug,Mug,,,Size,One Size\nmug,Mug,,,Size,Large\n")
    assert [row["id"] for row in rows] == [["mug-One Size"], ["mug-Large"]]


def test_prestashops_zero_dates_are_none() -> None:
    assert read_interval("0000-00-00/0000-00-00 00:00:00") == (None, None)
    assert read_interval("0000-00-00/2026-11-30")[1] is not None
