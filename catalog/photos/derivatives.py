"""Derivatives (catalog.derivatives): made from the stored photo when first asked for, then kept in storage."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.core.files.storage import default_storage

from catalog.derivatives import FORMATS, derivative_extension
from catalog.photos.on_demand import MadeOnDemand
from catalog.photos.reading import derived_file
from catalog.photos.storage_errors import storage_errors
from catalog.storage_names import derivative_path


def derivative_file(digest: str, extension: str) -> Any:
    """The derivative of a photo: an open file of storage, bytes that were made just now, or None.

    None: there is no such photo, it has no derivative of this extension, or it cannot be decoded. Raises DecodersBusy and
    StorageUnavailable, which may pass.
    """
    name = derivative_path(digest, extension)
    try:
        with storage_errors("the photo could not be read"):
            return default_storage.open(name)
    except FileNotFoundError:
        return _of_format[extension].made(
            digest, name=name, fits=lambda photo: derivative_extension(photo) == extension
        )


_of_format = {
    extension: MadeOnDemand("photos", partial(derived_file, format=format)) for extension, format in FORMATS.items()
}
