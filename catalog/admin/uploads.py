"""Photo files that are sent to the admin: judged and stored before any row is written, and known by a token until it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse

from catalog.photos.reading import EXTENSIONS, PhotoError
from catalog.photos.storage_errors import StorageUnavailable
from catalog.photos.store import KeptPhoto
from catalog.photos.uploads import keep_upload

Upload = Any  # an UploadedFile, with what was stored of it (`kept`) and the hashes of its picture (`hashes`)
# Browsers that do not know HEIC by its type know it by its suffix.
ACCEPT = ",".join([*(f"image/{name.lower()}" for name in EXTENSIONS if name != "MPO"), "image/heic", ".heic", ".heif"])
_SALT = "catalog.admin.uploads"


def keep_uploads(uploads: Iterable[Upload]) -> None:
    """Store the uploads before the transaction of the form begins; what is wrong with one is told by `kept_upload`."""
    for upload in uploads:
        upload.seek(0)
        try:
            stored = keep_upload(upload.read(settings.MAX_PHOTO_BYTES + 1))
            upload.kept, upload.hashes = stored.kept, stored.hashes
        except (PhotoError, StorageUnavailable) as error:
            upload.kept = error


def kept_upload(upload: Upload) -> KeptPhoto:
    """Raises ValidationError with the reason as its code."""
    if not hasattr(upload, "kept"):
        keep_uploads([upload])
    if isinstance(upload.kept, (PhotoError, StorageUnavailable)):
        code = upload.kept.reason if isinstance(upload.kept, PhotoError) else "storage"
        raise ValidationError(f"{upload.name}: {upload.kept}", code=code)
    kept: KeptPhoto = upload.kept
    return kept


def token_of(name: str, kept: KeptPhoto) -> str:
    """What a page names a stored file by that no row refers to yet; `name`: that of the file as it was sent."""
    return signing.dumps([name, kept.digest, kept.name, kept.width, kept.height], salt=_SALT)


def shown_kept(name: str, kept: KeptPhoto) -> dict[str, str]:
    """What a page shows of a stored file that no row refers to yet."""
    token = token_of(name, kept)
    picture = reverse("admin:catalog_product_kept_picture", args=[token])
    return {"name": name, "token": token, "digest": kept.digest, "thumbnail": picture}


def of_token(token: str) -> tuple[str, KeptPhoto]:
    """The name that was sent and the stored file. Raises ValidationError for what is no token, or one whose file may be gone."""
    try:
        name, *kept = signing.loads(token, salt=_SALT, max_age=settings.FILE_GRACE_SECONDS)
    except signing.BadSignature as error:
        raise ValidationError(
            "A photo that was sent before is kept no longer; choose it again.", code="gone"
        ) from error
    return name, KeptPhoto(*kept)
