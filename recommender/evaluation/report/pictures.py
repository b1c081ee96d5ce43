"""Photos as small pictures inside the report, so that the page needs no other file."""

from __future__ import annotations

import base64
import io

from django.core.files.storage import default_storage
from PIL import Image

from catalog.models import ProductImage
from catalog.photos.reading import PhotoError, decode_photo

_SIDE = 112


class Pictures:
    """Small JPEGs as `data:` URLs by the id of a photo, each made once."""

    def __init__(self) -> None:
        self._urls: dict[int, str] = {}

    def url(self, image_id: int) -> str:
        """The picture of a photo; "" where the photo is gone or its file cannot be read."""
        if image_id not in self._urls:
            self._urls[image_id] = _url(image_id)
        return self._urls[image_id]


def _url(image_id: int) -> str:
    image = ProductImage.objects.filter(pk=image_id).first()
    if image is None:
        return ""
    try:
        with default_storage.open(str(image.file)) as file:
            picture = decode_photo(io.BytesIO(file.read()), at_least=_SIDE)
    except (OSError, PhotoError):
        return ""
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=70)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
