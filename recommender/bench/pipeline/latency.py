"""How long an upload takes until it can be found, with a real worker: at rest, and in the middle of a bulk import.

Run as `python -m recommender.bench.pipeline.latency FOLDER` in the environment of a temporary shop; prints one JSON object.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

UPLOADS = 40
IMPORTED = 10_000
PATIENCE_SECONDS = 120.0


def _wait(condition: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            raise RuntimeError(f"{what} took more than {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.01)


def measure(folder: Path) -> dict[str, dict[str, float]]:
    from recommender.models import EmbeddingJob

    photos = [path.read_bytes() for path in sorted((folder / "small").iterdir())]
    _upload(photos[0], 0)
    _wait(lambda: not EmbeddingJob.objects.exclude(state="done").exists(), "the first upload")
    at_rest = [_upload(photos[number % len(photos)], number) for number in range(1, UPLOADS + 1)]
    _queue_imports()
    _wait(lambda: EmbeddingJob.objects.filter(state="done", priority=10).count() > 50, "the import's beginning")
    importing = [_upload(photos[number % len(photos)], number) for number in range(UPLOADS + 1, 2 * UPLOADS + 1)]
    left = EmbeddingJob.objects.filter(state="pending").count()
    if not left:
        raise RuntimeError(f"the import of {IMPORTED} photos ended before the uploads did")
    return {"idle": _summary(at_rest), "importing": _summary(importing) | {"left_of_import": left}}


def _upload(data: bytes, number: int) -> float:
    """Seconds from the beginning of an upload to the moment its photo can be found."""
    from catalog.models import Product
    from catalog.photos.store import add_photo
    from recommender.models import ImageVector

    product = Product.objects.create(sku=f"upload-{number}", title="Upload")
    # A comment makes a file of its own, so that no features are at hand to be copied.
    own = data[:2] + b"\xff\xfe\x00\x0a" + f"{number:08}".encode() + data[2:]
    began = time.monotonic()
    image = add_photo(product=product, data=own)
    _wait(lambda: ImageVector.objects.filter(image_id=image.pk).exists(), "an upload")
    return time.monotonic() - began


def _queue_imports() -> None:
    """Rows of their own digests on the files that are there: each is read, decoded and encoded as any other."""
    from catalog.models import Product, ProductImage
    from recommender.models import EmbeddingJob
    from recommender.pipeline import doorbell, jobs

    names = list(ProductImage.objects.filter(product__sku="small").values_list("file", flat=True))
    product = Product.objects.create(sku="import", title="Import")
    rows = [
        ProductImage(
            product=product, file=names[number % len(names)], digest=hashlib.sha256(b"%d" % number).hexdigest()
        )
        for number in range(IMPORTED)
    ]
    created = ProductImage.objects.bulk_create(rows, batch_size=1000)
    jobs.enqueue([row.pk for row in created], priority=EmbeddingJob.Priority.IMPORT)
    doorbell.ring()


def _summary(seconds: list[float]) -> dict[str, float]:
    p50, p95 = np.percentile(seconds, [50, 95])
    return {"uploads": len(seconds), "p50_seconds": float(p50), "p95_seconds": float(p95), "most_seconds": max(seconds)}


def main() -> None:
    import django

    django.setup()
    command = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "WARNING"]
    worker = subprocess.Popen([*command, "--without-gossip", "--without-mingle"], stdout=subprocess.DEVNULL)
    try:
        result = measure(Path(sys.argv[1]))
    finally:
        worker.terminate()
        worker.wait()
    print(json.dumps(result))


if __name__ == "__main__":
    main()
