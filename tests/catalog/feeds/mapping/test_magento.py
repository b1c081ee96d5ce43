"""Exports of Magento 2: variants come before the configurable that lists them."""

from __future__ import annotations

from pathlib import Path

from tests.catalog.feeds.mapping.mapping import photos, rows_of

HEADER = (
    "sku,store_view_code,attribute_set_code,product_type,categories,product_websites,name,description,short_description,weight,"
    "product_online,tax_class_name,visibility,price,special_price,special_price_from_date,special_price_to_date,url_key,"
    "base_image,additional_images,additional_attributes,qty,is_in_stock,configurable_variations"
)
SMALL = (
    'MH01-S,,Top,simple,"Default Category/Men,Default Category/Men/Tops",base,Hoodie-S-Black,<p>Soft</p>,,1,1,Goods,'
    'Not Visible Individually,52,40,11/1/26,11/30/26,h-s,/m/h/s.jpg,"/m/h/s2.jpg,/m/h/s3.jpg",'
    '"color=Black,manufacturer=Acme,climate=Cold|Cool,fit=Slim, long",100,1,'
)
LARGE = "MH01-L,,Top,simple,,base,Hoodie-L-Black,,,1,1,Goods,Not Visible Individually,52,,,,h-l,,,color=Black,0,0,"
PARENT = (
    'MH01,,Top,configurable,Default Category/Men/Tops,base,Hoodie,"<p>Warm</p>",,1,1,Goods,"Catalog, Search",,,,,h,/m/h/all.jpg,,,0,1,'
    '"sku=MH01-S,size=S,color=Black|sku=MH01-L,size=L,color=Black"'
)
GERMAN = "MH01-S,de,Top,,,,Kapuzenpulli,,,,,,,,,,,,,,,,,"
BAG = "24-MB01,,Bag,simple,Default Category/Gear/Bags,base,Bag,,,,2,Goods,Catalog,34,,,,bag,,,,5,1,"


def test_variants_inherit_from_their_configurable_which_is_no_product(tmp_path: Path) -> None:
    (small, large, bag), notices = rows_of(tmp_path, "\n".join([HEADER, SMALL, LARGE, PARENT, GERMAN, BAG]))
    assert notices == ["columns as Magento exports them"]
    assert small == {
        "id": ["MH01-S"],
        "title": ["Hoodie-S-Black"],
        "description": ["Soft"],
        "product_type": ["Men > Tops"],
        "item_group_id": ["MH01"],
        "published": ["true"],
        "price": ["52"],
        "sale_price": ["40"],
        "sale_price_effective_date": ["2026-11-01/2026-11-30"],
        "availability": ["1"],
        "brand": ["Acme"],
        "color": ["Black"],
        "climate": ["Cold", "Cool"],
        "fit": ["Slim, long"],
        "size": ["S"],
        "image_link": ["m/h/s.jpg"],
        "additional_image_link": ["m/h/s2.jpg", "m/h/s3.jpg"],
    }
    assert [large[name] for name in ("description", "product_type", "size", "availability")] == [
        *(["Warm"], ["Men > Tops"], ["L"], ["0"])
    ]
    assert photos(large) == ["m/h/all.jpg"]
    assert [bag[name] for name in ("id", "published", "product_type")] == [["24-MB01"], ["false"], ["Gear > Bags"]]
    assert "item_group_id" not in bag


def test_rows_of_store_views_that_repeat_the_type_are_no_second_products(tmp_path: Path) -> None:
    german = "24-MB01,de,Bag,simple,,,Tasche,,,,,,,,,,,,,,,,,"
    only_german = "24-MB02,de,Bag,simple,,,Rucksack,,,,,,,,,,,,,,,,,"
    rows, _ = rows_of(tmp_path, "\n".join([HEADER, german, BAG, only_german]))
    assert [(row["id"], row["title"]) for row in rows] == [(["24-MB01"], ["Bag"]), (["24-MB02"], ["Rucksack"])]
