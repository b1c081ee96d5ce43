"""Photos in JSON: those that stay by their id, new ones by the URL that they are to be fetched from."""

from __future__ import annotations

from typing import Any

from catalog.changes.product_photos import MOST_PHOTOS
from catalog.changes.wishes import PhotoWish
from catalog.photos.fetch import FetchRefused, PhotoFetcher
from catalog.writes.exact_json import WrittenNumber
from catalog.writes.members import Members, identity, shown, text_of, web_address

MAX_ALT = 500
# What answers say of a photo beside its id and alternative text; of one with an id it is passed over, so that an answer can be
# sent back.
_OF_ANSWERS = ("url", "thumbnail", "width", "height", "position", "source_url")


def fetchable(value: Any) -> str:
    """The URL of a photo. Raises ValueError where it can be seen not to be fetched, whatever its host answers."""
    url = web_address(needed=True)(value)
    try:
        PhotoFetcher().check(url)
    except FetchRefused as error:
        raise ValueError(str(error)) from error
    return url


def read_photos(members: Members, name: str, *, new_alone: bool = False) -> tuple[PhotoWish, ...] | None:
    """The photos of a list, in its order; None where there is no such member. `new_alone`: none of them has an id."""
    if name not in members:
        return None
    given = members.given[name]
    if not isinstance(given, list):
        members.wrong(f"{shown(given)} is no list of photos", name)
        return None
    if len(given) > MOST_PHOTOS:
        members.wrong(f"{len(given)} photos, at most {MOST_PHOTOS}", name)
        return None
    found = [_photo(members, name, number, value, new_alone) for number, value in enumerate(given)]
    _refuse_twice(members, name, found)
    return tuple(found)


def _refuse_twice(members: Members, name: str, found: list[PhotoWish]) -> None:
    seen: set[int | str] = set()
    for number, photo in enumerate(found):
        known_by = photo.id if photo.id is not None else photo.url
        if known_by and known_by in seen:
            members.wrong("the same photo stands in the list before", name, number)
        seen.add(known_by)


def _photo(members: Members, name: str, number: int, value: Any, new_alone: bool) -> PhotoWish:
    """An id, a URL, or an object with one of them."""
    at = members.place(name, number)
    if isinstance(value, WrittenNumber):
        value = {"id": value}
    elif isinstance(value, str):
        value = {"url": value}
    if not isinstance(value, dict):
        members.wrong(f"{shown(value)} is no photo; write an id or a URL", name, number)
        return PhotoWish(at)
    inner = Members(value, at=members.pointer(name, number))
    has_id = "id" in inner and not new_alone
    inner.refuse_unknown(("id", "alt", *_OF_ANSWERS) if has_id else ("url", "alt"))
    image_id = inner.read("id", identity, None) if has_id else None
    url = inner.read("url", fetchable, "") if not has_id else ""
    alt = inner.read("alt", text_of(MAX_ALT), None)
    if not has_id and "url" not in inner:
        inner.wrong("a new photo needs a url", "url")
    members.errors += inner.errors
    return PhotoWish(at, id=image_id, url=url, alt=alt)
