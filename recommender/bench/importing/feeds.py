"""Feeds of the bench, written row by row: a product of twelve columns, with one small photo of its own or with none."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image

SHAPES = ("csv", "xml", "json")
PHOTO_BYTES = 2000
_SIDE = 64
_SEED = 11
_DRAWN = 50
_COLOURS = ("red", "blue", "green", "black", "white")
_DESCRIPTION = "Ein schöner Kessel für jeden Herd, aus Edelstahl & Glas. " * 5
Row = dict[str, str]


def write_feed(path: Path, rows: Iterator[Row], *, until: Callable[[int], bool] = lambda size: False) -> int:
    """Write a feed of the shape that the suffix names, until the rows or its bytes are enough; returns the rows."""
    writer = {".csv": _write_csv, ".xml": _write_xml, ".json": _write_json}[path.suffix]
    with path.open("w", encoding="utf-8", newline="") as file:
        count = 0

        def counted() -> Iterator[Row]:
            nonlocal count
            for row in rows:
                if count % 1000 == 0 and until(file.tell()):
                    return
                count += 1
                yield row

        writer(file, counted())
    return count


def rows(prefix: str, count: int, *, photo: Callable[[str], str] = lambda sku: "") -> Iterator[Row]:
    """`photo`: the reference of a product's photo, by its id."""
    for number in range(count):
        sku = f"{prefix}{number}"
        yield {
            "id": sku,
            "title": f"Kettle, number {number}",
            "description": _DESCRIPTION,
            "link": f"https://shop.example/kettles/{sku}",
            "image_link": photo(sku),
            "availability": "in stock" if number % 5 else "out of stock",
            "price": f"{number % 200}.50 EUR",
            "brand": f"Brand {number % 40}",
            "product_type": f"Home > Kitchen > Kettles {number % 30}",
            "color": _COLOURS[number % len(_COLOURS)],
            "size": f"{number % 7} l",
            "gtin": f"{4006381000000 + number}",
        }


class Photos:
    """Photos of about two kilobytes in a folder, each of its own content: drawn pictures with a comment of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        drawn = np.random.default_rng(_SEED).integers(0, 256, (_DRAWN, 8, 8, 3), np.uint8)
        self._drawn = [_jpeg(pixels) for pixels in drawn]

    def __call__(self, sku: str) -> str:
        """Write the photo of a product; returns its path relative to the feed, which lies beside the folder."""
        start = self._drawn[hash_of(sku) % _DRAWN]
        comment = f"{sku} ".encode().ljust(max(PHOTO_BYTES - len(start), len(sku) + 1), b".")
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
        (self._folder / f"{sku}.jpg").write_bytes(start[:2] + segment + start[2:])
        return f"{self._folder.name}/{sku}.jpg"


def hash_of(sku: str) -> int:
    """The same number for an id in every run."""
    return sum(sku.encode())


def _jpeg(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).resize((_SIDE, _SIDE)).save(stream, "JPEG", quality=75)
    return stream.getvalue()


def _write_csv(file: TextIO, rows: Iterator[Row]) -> None:
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
        writer.writerow(row)


def _write_xml(file: TextIO, rows: Iterator[Row]) -> None:
    file.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>\n'
    )
    for row in rows:
        cells = "".join(f"<g:{name}>{escape(text)}</g:{name}>" for name, text in row.items() if text)
        file.write(f"<item>{cells}</item>\n")
    file.write("</channel></rss>\n")


def _write_json(file: TextIO, rows: Iterator[Row]) -> None:
    file.write('{"shop": "Kettles", "products": [')
    for number, row in enumerate(rows):
        file.write((",\n" if number else "\n") + json.dumps(row, ensure_ascii=False))
    file.write("\n]}\n")
