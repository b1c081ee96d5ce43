"""Strategies and checks for what callers and merchandisers write, for the short run of the suite and `make fuzz` alike."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_from_bytes

import orjson
from django.test import Client
from hypothesis import strategies as st

API = "/api/v1/"
FILTERS = (
    "category",
    "brand",
    "min_price",
    "max_price",
    "currency",
    "in_stock",
    "exclude",
    "attr.colour",
    "attr.",
    "attr.\0",
)
OPTIONS = ("limit", "min_score", "min_results", "diversity", "exact", "threshold", "crop", "image", "other_image")
OPTIONS += ("color_weight", "hex", "min_confidence")
LISTS = ("page", "page_size", "search", "format", "version", "lang", "next", "_", "")
BODIES = ("positive", "negative", "products", "image_url")
ADMIN_LISTS = (
    "q",
    "p",
    "o",
    "e",
    "all",
    "category",
    "reason",
    "state",
    "published",
    "in_stock",
    "priority",
    "encoder__id__exact",
)
ADMIN_LISTS += (
    "id__exact",
    "category__id__exact",
    "price__gte",
    "attributes__a",
    "_popup",
    "_to_field",
    "_facets",
    "next",
)
ADMIN_LISTS += ("app_label", "model_name", "field_name", "term", "_changelist_filters", "image", "created_at__year")

ODD_NUMBERS = (
    "0",
    "-1",
    "1",
    "9" * 5000,
    "-" + "9" * 5000,
    "0" * 5000,
    str(2**31),
    str(2**63),
    str(2**64),
    "1e999",
    "-1e999",
)
ODD_NUMBERS += (
    "1e-999",
    "5e-324",
    "nan",
    "sNaN",
    "-inf",
    "Infinity",
    "1_0",
    "+1",
    "٣",
    "²",
    "0x10",
    "1.",
    ".5",
    "19,99",
    "10" * 200,
)
ODD_TEXTS = (
    "",
    "\0",
    "a\0b",
    "a\r\nX: b",
    "'",
    '"',
    "\\",
    "%",
    "_",
    "{}",
    "[]",
    "[" * 5000,
    "null",
    "true",
    "all",
    "clothing",
    "red",
)
ODD_TEXTS += (
    "\u202e",
    "🧥" * 50,
    "\ufffe",
    "x" * 9000,
    "a,b",
    ",",
    "../../etc/passwd",
    "http://[",
    "//evil.example",
    "en",
    "1,2,3",
)
ODD_TEXTS += ("0,0,5e-324,5e-324", "0,0,1e-9,1", "nan,0,1,1", "0.9999999,0,1,1", "0,0,1,1", "application/json")

TEXT = st.one_of(
    st.sampled_from(ODD_NUMBERS + ODD_TEXTS),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.from_regex(r"[-+]?[0-9]{0,40}(\.[0-9]{0,40})?([eE][-+]?[0-9]{1,9})?", fullmatch=True),
)
# What stands behind a name in a query string: texts, and bytes that need not be UTF-8.
ENCODED = st.one_of(TEXT.map(quote), st.binary(max_size=20).map(quote_from_bytes))


def names(*known: str) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(known), st.sampled_from(known), st.text(max_size=8).filter(_is_unicode))


def queries(*known: str) -> st.SearchStrategy[str]:
    """Query strings of a few parameters."""
    pairs = st.tuples(names(*known).map(quote), ENCODED).map("=".join)
    return st.lists(pairs, max_size=4).map("&".join)


# Half a surrogate pair is written as JSON allows it, by its escape.
_JSON_TEXT = st.one_of(TEXT, st.text(max_size=20))
_JSON_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from([10**400, -1, 0]),
    _JSON_TEXT,
)
JSON = st.recursive(
    _JSON_LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_JSON_TEXT, inner, max_size=3),
    max_leaves=8,
)
_RAW = st.sampled_from(
    ["[" * 100_000, "[" * 600 + "]" * 600, "1e999", "9" * 5000, "NaN", '"\\ud800"', '"\\u0000"', "{", "\x00"]
)

# Attributes as a merchandiser may paste them: an object whose members are of any kind.
JSON_MEMBERS = st.lists(
    st.tuples(_JSON_TEXT.map(json.dumps), st.one_of(JSON.map(json.dumps), _RAW)).map(": ".join), max_size=3
).map(lambda members: "{" + ", ".join(members) + "}")


def json_bodies(*known: str, ids: Sequence[int]) -> st.SearchStrategy[bytes]:
    """Bodies whose members are known or not, of any value; the same member may stand twice; some are no JSON."""
    values = st.one_of(JSON.map(_dumps), _RAW, st.lists(st.sampled_from(ids), max_size=3).map(_dumps))
    members = st.tuples(st.one_of(names(*known), _JSON_TEXT).map(_dumps), values).map(": ".join)
    objects = st.lists(members, max_size=5).map(lambda written: "{" + ", ".join(written) + "}")
    return st.one_of(objects, objects, objects, JSON.map(_dumps), _RAW).map(_in_bytes)


@dataclass(frozen=True)
class Form:
    """A multipart body with its content type."""

    body: bytes
    content_type: str


def forms(*known: str, photo: bytes) -> st.SearchStrategy[Form]:
    """Fields of known and other names and any bytes, with a photo or something else as the file."""
    text = st.one_of(TEXT.map(_in_bytes), st.binary(max_size=30))
    field = st.tuples(names(*known).map(_in_bytes), st.none(), text)
    file_names = st.one_of(st.just(b"a.png"), st.binary(max_size=20))
    file = st.tuples(
        st.sampled_from([b"image", b"image", b"photo"]), file_names, st.sampled_from([photo, photo, b"", b"x"])
    )
    charsets = st.sampled_from(["", "", "; charset=utf-8", "; charset=iso-8859-1"])
    return st.builds(_form, st.lists(field, max_size=4), st.lists(file, min_size=1, max_size=2), charsets)


def check_answer(client: Client, method: str, path: str, **request: Any) -> None:
    """Never a server's error; what is refused is told as problem details, and which parameter it was."""
    response = client.generic(method, path, **request)
    told = (method, path[:300], {name: str(value)[:600] for name, value in request.items()}, response.content[:300])
    assert response.status_code < 500, told
    if response.status_code < 400:
        return
    assert response.headers["Content-Type"] == "application/problem+json", told
    problem = orjson.loads(response.content)
    assert problem["status"] == response.status_code and problem["detail"], told
    of_the_whole_body = problem["title"] in ("Not JSON", "Not an object") or "the request's body" in problem["detail"]
    assert response.status_code != 400 or problem.get("parameter") is not None or of_the_whole_body, told


def check_page(client: Client, path: str, form: Mapping[str, Any] | None = None) -> int:
    """A page of the admin, sent a form if there is one: shown, sent elsewhere or refused (its status), no server's error."""
    response = client.get(path) if form is None else client.post(path, form)
    assert response.status_code < 500, (path[:300], str(form)[:1500], response.content[:300])
    return response.status_code


def _form(fields: list[tuple[bytes, None, bytes]], files: list[tuple[bytes, bytes, bytes]], charset: str) -> Form:
    parts = []
    for name, file_name, data in [*fields, *files]:
        head = b'Content-Disposition: form-data; name="' + _one_line(name) + b'"'
        if file_name is not None:
            head += b'; filename="' + _one_line(file_name) + b'"\r\nContent-Type: image/png'
        parts.append(b"--edge\r\n" + head + b"\r\n\r\n" + data + b"\r\n")
    return Form(b"".join(parts) + b"--edge--\r\n", f"multipart/form-data; boundary=edge{charset}")


def _one_line(name: bytes) -> bytes:
    return name.replace(b'"', b"").replace(b"\r", b"").replace(b"\n", b"")


def _dumps(value: object) -> str:
    return json.dumps(value)


def _in_bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
