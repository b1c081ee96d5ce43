"""Exports of WooCommerce: variations inherit from their parent, attributes are numbered columns."""

from __future__ import annotations

from pathlib import Path

from tests.catalog.feeds.mapping.mapping import photos, rows_of

HEADER = (
    'ID,Type,SKU,Name,Published,"Is featured?","Visibility in catalog","Short description",Description,"Date sale price starts",'
    '"Date sale price ends","Tax status","In stock?",Stock,"Backorders allowed?","Weight (kg)","Sale price","Regular price",Categories,'
    'Tags,Images,Parent,Position,"Attribute 1 name","Attribute 1 value(s)","Attribute 1 visible","Attribute 1 global",'
    '"Attribute 2 name","Attribute 2 value(s)","Attribute 2 visible","Attribute 2 global"'
)
PARENT = (
    '44,variable,hoodie,Hoodie,1,0,visible,Short,"<p>Warm</p>",,,taxable,1,,0,1.5,,,"Clothing > Hoodies, Sale, Home\\, Garden > Rugs",'
    '"warm, new","https://x.example/a.jpg, https://x.example/red.jpg",,0,Color,"Blue, Red",1,1,Logo,"Yes, No",1,0'
)
RED = "45,variation,hoodie-red,Hoodie - Red,1,0,visible,,,2026-11-01,2026-11-30,taxable,1,7,0,,42,45,,,https://x.example/red.jpg,hoodie,1,Color,Red,,1,Logo,No,,0"
BLUE = "46,variation,,,1,0,visible,,,,,taxable,0,,0,,,45,,,,id:44,2,Color,Blue,,1,Logo,,,0"
CAP = "47,simple,cap,Cap,-1,0,visible,,,,,taxable,backorder,,0,,,9,Caps,,https://x.example/cap.jpg,,0,,,,,,,,"


def test_variations_inherit_and_their_parent_is_no_product(tmp_path: Path) -> None:
    (red, blue, cap), notices = rows_of(tmp_path, "\n".join([HEADER, PARENT, RED, BLUE, CAP]))
    assert notices == ["columns as WooCommerce exports them"]
    assert red == {
        "id": ["hoodie-red"],
        "title": ["Hoodie - Red"],
        "description": ["Warm"],
        "product_type": ["Clothing > Hoodies", "Sale", "Home, Garden > Rugs"],
        "item_group_id": ["hoodie"],
        "published": ["1"],
        "price": ["45"],
        "sale_price": ["42"],
        "sale_price_effective_date": ["2026-11-01/2026-11-30"],
        "availability": ["1"],
        "Color": ["Red"],
        "Logo": ["No"],
        "tags": ["warm", "new"],
        "image_link": ["https://x.example/red.jpg"],
        "additional_image_link": ["https://x.example/a.jpg"],
    }
    assert [blue[name] for name in ("id", "title", "item_group_id", "Color", "Logo", "price", "availability")] == [
        *(["46"], ["Hoodie"], ["hoodie"], ["Blue"], ["Yes", "No"], ["45"], ["0"])
    ]
    assert photos(blue) == ["https://x.example/a.jpg"]
    assert [cap[name] for name in ("id", "published", "availability", "product_type")] == [
        *(["cap"], ["-1"], ["backorder"], ["Caps"])
    ]


def test_variations_may_come_before_their_parent_and_a_parent_alone_is_a_product(tmp_path: Path) -> None:
    lonely = PARENT.replace("44,variable,hoodie,", "50,variable,lonely,")
    (red, alone), _ = rows_of(tmp_path, "\n".join([HEADER, RED, PARENT, lonely]))
    assert (red["description"], red["item_group_id"]) == (["Warm"], ["hoodie"])
    assert alone["id"] == ["lonely"] and photos(alone) == ["https://x.example/a.jpg", "https://x.example/red.jpg"]
