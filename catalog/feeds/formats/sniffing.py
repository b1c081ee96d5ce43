"""Tells by its content what a file is; its name decides only what the content leaves open."""

from __future__ import annotations

import codecs
import json
import re
import zipfile
from typing import BinaryIO, Literal

from catalog.feeds.formats.utf8 import Encoded
from catalog.feeds.rows import MAX_LINE, FeedError, Notices

Container = Literal["gzip", "zip", "xlsx", ""]
Kind = Literal["xml", "json", "json lines", "table"]

_GZIP = b"\x1f\x8b"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# What is no feed, by its first bytes.
_OTHERS = (
    (b"%PDF", "a PDF"),
    (b"\xff\xd8\xff", "a JPEG photo"),
    (b"\x89PNG", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"\xd0\xcf\x11\xe0", "an Excel file of the old kind (.xls); save it as .xlsx or CSV"),
    (b"BZh", "a bzip2 archive; send it as gz or zip"),
    (b"\xfd7zXZ", "an xz archive; send it as gz or zip"),
    (b"7z\xbc\xaf", "a 7z archive; send it as gz or zip"),
    (b"Rar!", "a RAR archive; send it as gz or zip"),
    (b"(\xb5/\xfd", "a Zstandard archive; send it as gz or zip"),
    (b"SQLite format 3", "an SQLite database"),
    (b"PAR1", "a Parquet file; save it as CSV"),
)
_TAR_AT, _TAR = 257, b"ustar"
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?\sencoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_HTML = re.compile(r"(?:<\?xml[^>]*>|<!--.*?-->|\s)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_TITLE = re.compile(r"<title[^>]*>\s*(.*?)\s*</title>|<h1[^>]*>\s*(.*?)\s*</h1>", re.IGNORECASE | re.DOTALL)
_JSON_OBJECT, _JSON_LIST = re.compile(r'\{\s*(?:["}]|\Z)'), re.compile(r"\[\s*(?:[\[{\]]|\Z)")
_JSON_SUFFIXES = {".json", ".jsonl", ".ndjson"}
_OF_A_PRODUCT = {"id", "sku", "title", "name", "handle"}
_START = 4096


def container(file: BinaryIO) -> Container:
    """What a file is packed in. Raises FeedError for an empty file, and for what is known and no feed."""
    start = _start(file)
    if not start.strip(b"\0 \t\r\n" + codecs.BOM_UTF8):
        raise FeedError("an empty file")
    if start.startswith(_GZIP):
        return "gzip"
    if start.startswith(_ZIP):
        return _kind_of_zip(file)
    for magic, what in _OTHERS:
        if start.startswith(magic):
            raise FeedError(f"no feed but {what}")
    if start[_TAR_AT:].startswith(_TAR):
        raise FeedError("no feed but a tar archive; send it as zip")
    return ""


def declared_encoding(file: BinaryIO) -> str:
    """The encoding that an XML declaration names, or ""."""
    found = _DECLARED.search(_start(file)[:400])
    return found[1].decode("ascii") if found else ""


def kind(source: Encoded, suffix: str) -> Kind:
    """Raises FeedError for an HTML page, which is what a shop's server sends instead of a feed when something is wrong."""
    with source.open(Notices()) as stream:
        start = stream.read(_START).decode("utf-8", "replace").lstrip()
    if not start:
        raise FeedError("an empty file")
    if _HTML.match(start):
        raise FeedError(f"an HTML page{_titled(start)} and no feed; does its address ask for a login?")
    if start.startswith("<"):
        return "xml"
    if _JSON_LIST.match(start):
        return "json"
    if _JSON_OBJECT.match(start):
        return _kind_of_json(source)
    return "json lines" if suffix in _JSON_SUFFIXES else "table"


def _kind_of_json(source: Encoded) -> Kind:
    """Objects, one a line; or one document, which may be a line too, or a line a page."""
    with source.open(Notices()) as stream:
        lines = iter(lambda: stream.readline(MAX_LINE), b"")
        first = next((line for line in lines if line.strip()), b"")
        second = next((line for line in lines if line.strip()), b"")
    follows = second.lstrip().startswith(b"{")
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        return "json lines" if follows and first.rstrip().endswith(b"}") else "json"
    identified = isinstance(value, dict) and bool({name.lower() for name in value} & _OF_A_PRODUCT)
    return "json" if _holds_objects(value) and not (second and identified) else "json lines"


def _holds_objects(value: object) -> bool:
    """Whether an object holds a list of objects somewhere."""
    return isinstance(value, dict) and any(
        (isinstance(inner, list) and any(isinstance(one, dict) for one in inner)) or _holds_objects(inner)
        for inner in value.values()
    )


def _kind_of_zip(file: BinaryIO) -> Container:
    try:
        with zipfile.ZipFile(file) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise FeedError(f"a zip archive that cannot be read ({error})") from error
    finally:
        file.seek(0)
    if "xl/workbook.xml" in names or "xl/workbook.bin" in names:
        return "xlsx"
    if "content.xml" in names and "mimetype" in names:
        raise FeedError("an OpenDocument file; save it as .xlsx or CSV")
    return "zip"


def _titled(page: str) -> str:
    found = _TITLE.search(page)
    text = " ".join(re.sub(r"<[^>]*>", " ", (found[1] or found[2] or "") if found else "").split())
    if not text:
        text = " ".join(re.sub(r"<[^>]*>", " ", page).split())
    return f" ({text[:80]})" if text else ""


def _start(file: BinaryIO) -> bytes:
    file.seek(0)
    start = file.read(_START)
    file.seek(0)
    return start
