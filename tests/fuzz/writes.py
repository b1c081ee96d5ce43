"""Strategies for what callers with a key may send: bodies of products, photos and batches that are nearly right, or not at all."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.fuzz.parameters import JSON, TEXT, json_bodies

MEMBERS = (
    *("id", "sku", "group", "title", "description", "category", "further_categories", "brand", "price", "list_price"),
    *(
        "currency",
        "sale_price",
        "sale_from",
        "sale_until",
        "in_stock",
        "url",
        "attributes",
        "published",
        "expires_at",
        "images",
    ),
    *("op", "if_match", "mode", "items", "alt", "position"),
)
_URLS = st.sampled_from(
    ["https://a.b/c.jpg", "http://a.b:22/", "http://[", "https://a.b/" + "x" * 3000, "https://ä.example/b"]
)
_MOMENTS = st.sampled_from(
    ["2199-01-01", "2020-01-01T00:00:00Z", "9999-12-31", "0001-01-01T00:00:00+14:00", "2199-01-01T08:00+99:99", ""]
)
_NUMBERS = st.sampled_from(
    [0, 1, 19.99, "19.99", "0.001", -1, 1e300, 10**400, 1e-300, "1e5", 9999999999.999, 10**10, None]
)
_CATEGORIES = st.sampled_from(
    ["clothing", "Clothing > New", ">", " > ", "a >" * 70, "\0 > a", {"slug": "clothing"}, None]
)
_PHOTOS = st.lists(
    st.one_of(
        _URLS,
        st.integers(-1, 9),
        st.fixed_dictionaries({}, optional={"id": st.integers(0, 9), "url": _URLS, "alt": TEXT}),
    ),
    max_size=3,
)
_LIKELY = {
    **dict.fromkeys(["price", "list_price", "sale_price"], _NUMBERS),
    **dict.fromkeys(["sale_from", "sale_until", "expires_at"], _MOMENTS),
    **{
        "category": _CATEGORIES,
        "further_categories": st.lists(_CATEGORIES, max_size=3),
        "images": _PHOTOS,
        "url": _URLS,
    },
    **dict.fromkeys(["in_stock", "published"], st.booleans()),
    **dict.fromkeys(["title", "brand", "group", "description"], st.one_of(TEXT, st.just("x"))),
    **{"currency": st.sampled_from(["EUR", "kwd", "", "EURO"]), "attributes": st.dictionaries(TEXT, JSON, max_size=3)},
    **{"sku": st.one_of(st.sampled_from(["new", "SKU-1", "sku-2"]), TEXT)},
}
_ATTRIBUTE = st.one_of(st.sampled_from(["red", 7, 0.5, True, None, ["a", "b"], {"unit": "cm"}]), st.text(max_size=5))
_GOOD = {
    **dict.fromkeys(["price", "list_price", "sale_price"], st.sampled_from([10, "19.99", 0, None, 12.5])),
    **dict.fromkeys(["sale_from", "sale_until"], st.sampled_from(["2199-01-01", "2020-01-01T00:00:00Z", None])),
    **dict.fromkeys(["in_stock", "published"], st.booleans()),
    **{
        "category": st.sampled_from(["clothing", "Clothing > New", None]),
        "brand": st.sampled_from(["Aalto", "", None]),
    },
    **{
        "currency": st.sampled_from(["EUR", "kwd"]),
        "attributes": st.dictionaries(st.text("abc.", min_size=1), _ATTRIBUTE),
    },
    **{"images": st.lists(st.sampled_from(["https://a.b/1.jpg", "https://a.b/2.jpg"]), unique=True)},
}
PRODUCT = st.one_of(
    st.fixed_dictionaries({}, optional=_GOOD).map(lambda product: {"sku": "new", "title": "Coat", **product}),
    st.fixed_dictionaries({}, optional=_GOOD),
    st.fixed_dictionaries({}, optional=_LIKELY),
)


def product_bodies(ids: list[int]) -> st.SearchStrategy[bytes]:
    """A product's members, likely ones or any."""
    return st.one_of(PRODUCT.map(_dumps), PRODUCT.map(_dumps), json_bodies(*MEMBERS, ids=ids))


def batch_bodies(ids: list[int]) -> st.SearchStrategy[bytes]:
    """Batches of a few items."""
    op = st.sampled_from(["create", "replace", "patch", "delete", "upsert"])
    target = st.one_of(
        st.fixed_dictionaries({"id": st.sampled_from([*ids, 2**63, -1])}),
        st.fixed_dictionaries({"sku": st.sampled_from(["new", "SKU-1", "other", "\0"])}),
    )
    item = st.builds(lambda op, target, product: {**product, "op": op, **target}, op, target, PRODUCT)
    items = st.lists(st.one_of(item, item, item, JSON), max_size=4)
    batch = st.fixed_dictionaries({"items": items}, optional={"mode": st.sampled_from(["each", "all", "some"])})
    return st.one_of(batch.map(_dumps), batch.map(_dumps), json_bodies(*MEMBERS, ids=ids))


def _dumps(value: object) -> bytes:
    return json.dumps(value).encode(errors="surrogatepass")
