"""The photos of `bench pipeline`: real ones where there are any, as they are and enlarged to 2,000 pixels."""

from __future__ import annotations

import io
from pathlib import Path

from django.conf import settings
from PIL import Image

from catalog.demo.drawing import KINDS, draw_product
from recommender.bench.pipeline.encoders import DRAWN_SIDE

REAL_PHOTOS = Path("../shared/data/clothing/images")
LARGE_SIDE = 2000
_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}


def default_photos() -> Path | None:
    """The real photos beside the project, where they are."""
    folder = (settings.BASE_DIR / REAL_PHOTOS).resolve()
    return folder if folder.is_dir() else None


def write_photos(source: Path | None, folder: Path, *, small: int, large: int) -> None:
    """Fill `folder`/small with photos of `source` (evenly chosen; drawn ones for None) and `folder`/large with enlarged ones."""
    for name in ("small", "large"):
        (folder / name).mkdir()
    photos = _drawn(small) if source is None else _chosen(source, small)
    for number, data in enumerate(photos):
        (folder / "small" / f"{number:05}").write_bytes(data)
    for number, data in enumerate(photos[:: max(1, len(photos) // large)][:large]):
        (folder / "large" / f"{number:05}").write_bytes(_enlarged(data))


def _chosen(source: Path, count: int) -> list[bytes]:
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in _SUFFIXES)
    if not paths:
        raise ValueError(f"{source} holds no photos ({', '.join(sorted(_SUFFIXES))})")
    step = max(1, len(paths) // count)
    return [path.read_bytes() for path in paths[::step][:count]]


def _drawn(count: int) -> list[bytes]:
    return [
        _jpeg(draw_product(list(KINDS)[number % len(KINDS)], number // len(KINDS), DRAWN_SIDE))
        for number in range(count)
    ]


def _enlarged(data: bytes) -> bytes:
    image = Image.open(io.BytesIO(data)).convert("RGB")
    factor = LARGE_SIDE / max(image.size)
    return _jpeg(image.resize((round(image.width * factor), round(image.height * factor)), Image.Resampling.BICUBIC))


def _jpeg(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
