"""Photo files of any content: a picture, or the reason why there is none; nothing else happens."""

from __future__ import annotations

import io

from hypothesis import given

from catalog.photos.reading import decode_photo
from tests.fuzz import photos


def test_every_whole_file_is_read() -> None:
    for number, data in enumerate(photos.whole_files()):
        assert decode_photo(io.BytesIO(data)).size == (photos.SIDE, photos.SIDE), number


@given(data=photos.spoilt_files())
def test_no_file_breaks_a_reader(data: bytes) -> None:
    photos.check_any_file(data)
