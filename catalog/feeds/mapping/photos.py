"""Finds the photos of a row: numbered and repeated columns, and cells that hold several."""

from __future__ import annotations

import re

from catalog.feeds.mapping.shop import Values, key_of

_NOUN = (
    "images?|imgs?|photos?|pictures?|pics?|bild|bilder|fotos?|foto|imagen|imagenes|imagem|imagens|immagine|immagini|"
    "afbeelding|afbeeldingen|zdjecie|zdjecia|zdjęcie|zdjęcia|bilde|kuva|kuvat|obrazek|obrazky|obrázek"
)
_PART = "link|links|url|urls|uri|src|href|path|file|image|img|photo|picture"
# `image_2`, `photo3`, `additional_image_link 2`, `product image url 1`, `images[0].url`, `images.image`.
_PHOTO_COLUMN = re.compile(
    rf"(?:(?:additional|additonal|extra|more|main|product|primary|base|other|alternate)_)*"
    rf"(?:{_NOUN})(?:_(?:link|links|url|urls|uri|src|path|file))?_?\[?(?P<number>\d{{1,3}})?\]?(?:_(?:link|url|uri|src|path|file))?"
    rf"(?:\.@?(?:{_PART}))?"
)
_SUFFIX = r"\.(?:jpe?g|jpe|jfif|png|webp|gif|tiff?|bmp|avif|hei[cf]|svg)"
_IMAGE = re.compile(rf"[^?#]*{_SUFFIX}\s*(?:[?#].*)?", re.IGNORECASE | re.DOTALL)
_BETWEEN_URLS = re.compile(r"(?:\s*[|;,\n\r\t]\s*|\s+)(?=(?:https?:)?//)", re.IGNORECASE)
_URL = re.compile(r"(?:https?:)?//", re.IGNORECASE)
_SEPARATORS = (re.compile(r"\s*[|]\s*"), re.compile(r"\s*;\s*"), re.compile(r"\s*[\n\r\t]+\s*"), re.compile(r"\s*,\s*"))
_BLANKS = re.compile(r"\s+")


def is_photo_column(key: str) -> bool:
    """Whether a column's key says that photos are in it; what is in it decides with it."""
    return _PHOTO_COLUMN.fullmatch(key) is not None


def photo_number(key: str) -> int:
    """The number in a column's name, 0 where there is none."""
    match = _PHOTO_COLUMN.fullmatch(key)
    return int(match["number"]) if match and match["number"] else 0


def looks_like_photos(text: str) -> bool:
    """Whether a cell holds addresses or names of pictures and nothing else."""
    return all(_URL.match(photo) or _IMAGE.fullmatch(photo) for photo in split_photos(text))


def split_photos(text: str) -> list[str]:
    """The photos of one cell, which may be separated by `|`, `;`, commas, line ends or blanks.

    A URL may hold all of those itself, so a list of URLs is split only where the next one begins. A list of paths is split only
    where each piece ends like the name of a picture: the name of a file may hold a comma. Blanks inside a URL are
    written as %20.
    """
    text = text.strip()
    if not text:
        return []
    if _URL.match(text):
        addresses = (piece.strip(" \t\r\n|;,") for piece in _BETWEEN_URLS.split(text))
        return [_address(address) for address in addresses if address]
    for separator in _SEPARATORS:
        if len(pieces := [piece for piece in separator.split(text.strip("|;, ")) if piece]) > 1:
            if all(_URL.match(piece) or _IMAGE.fullmatch(piece) for piece in pieces):
                return [photo for piece in pieces for photo in split_photos(piece)]
    pieces = text.split()
    return pieces if len(pieces) > 1 and all(_IMAGE.fullmatch(piece) for piece in pieces) else [text]


def _address(text: str) -> str:
    return _BLANKS.sub("%20", f"https:{text}" if text.startswith("//") else text)


def put_photos(values: Values, photos: list[str]) -> None:
    """The first photo and the others under our names, each once."""
    different = list(dict.fromkeys(photos))
    values["image_link"] = different[:1]
    values["additional_image_link"] = different[1:]


def photos_of(texts: list[str]) -> list[str]:
    """The photos of several cells, each once."""
    return list(dict.fromkeys(photo for text in texts for photo in split_photos(text)))


def photo_columns(names: list[str]) -> list[str]:
    """The names of columns that hold photos, in the order in which their photos are shown: the main one's first."""
    ranked = []
    for position, name in enumerate(names):
        key = key_of(name)
        if key == "image_link":
            ranked.append((0, 0, position, name))
        elif is_photo_column(key):
            ranked.append((1 if key != "additional_image_link" else 2, photo_number(key), position, name))
    return [name for *_, name in sorted(ranked)]
