"""`bench photo_search` in a process of its own: `python -m recommender.bench.photo_search.process FOLDER SEARCHES [CATALOG]`
on a private, empty database.

Says on standard error what it does and prints one JSON object.
"""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import numpy as np
import orjson
from django.conf import settings

if TYPE_CHECKING:
    from recommender.encoder.types import ImageEncoder

DRAWN_PRODUCTS = 200
# Photos that ask in turn: searches beyond them repeat the pictures, but never a file.
PHOTOS = 120
CLIENTS = 4
_BLOCK = 20
_WARMING = 40

Say = Callable[[str], None]


def main() -> int:
    django.setup()
    from catalog.feeds.rows import FeedError
    from recommender.bench.temporary import open_tables

    folder, searches = Path(sys.argv[1]), int(sys.argv[2])
    catalogue = Path(sys.argv[3]) if len(sys.argv) > 3 else None
    open_tables(folder)
    try:
        result = measure(folder, searches, catalogue, lambda text: print(text, file=sys.stderr, flush=True))
    except (FeedError, NoPhotos) as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.write(orjson.dumps(result).decode())
    return 0


class NoPhotos(RuntimeError):
    """The catalogue holds no photo that could be embedded."""


def measure(folder: Path, searches: int, catalogue: Path | None, say: Say) -> dict[str, Any]:
    """Everything that the report shows: one client at a time, several, and the memory of one web process after `searches`.

    Raises FeedError and NoPhotos.
    """
    from recommender.bench.memory import web_memory
    from recommender.bench.search.http import free_port, load_requests, served
    from recommender.encoder.serving import COMPILED, encoder_for
    from recommender.encoder.store import current_encoder

    photos = _shop(folder, catalogue, say)
    encoder = encoder_for(current_encoder(), runtime=COMPILED)
    numbers = _Numbers()
    port = free_port()
    command = [sys.executable, "-m", "config.web", "--port", str(port)]
    environment = {**os.environ, "HTTPS": "false", "ALLOWED_HOSTS": "localhost,127.0.0.1"}

    def ask(count: int, clients: int) -> list[float]:
        return load_requests(port, numbers.uploads(photos, count), connections=clients)[0]

    say(f"one client: {searches} searches, in turns with decode and forward of the same photos")
    with served(command, port, "/readyz", environment, str(settings.BASE_DIR)):
        ask(_WARMING, CLIENTS)
        alone, decode, forward = _in_turns(port, encoder, photos, numbers, searches)
        say(f"{CLIENTS} clients: {searches} searches")
        together = ask(searches, CLIENTS)
    say(f"one web process: {searches} searches by {CLIENTS} clients")
    with served(command, port, "/readyz", {**environment, "WEB_PROCESSES": "1"}, str(settings.BASE_DIR)) as server:
        (before,) = web_memory(server)
        ask(searches, CLIENTS)
        (after,) = web_memory(server)
    arithmetic = [sum(pair) for pair in zip(decode, forward, strict=True)]
    return {
        "encoder": encoder_name(),
        "photo_bytes": round(float(np.median([len(photo) for photo in photos]))),
        "searches": searches,
        "clients": CLIENTS,
        "web_processes": settings.WEB_PROCESSES,
        "one_client": figures(alone),
        "decode": figures(decode),
        "forward": figures(forward),
        "decode_and_forward": figures(arithmetic),
        "p50_over_decode_and_forward": round(float(np.median(alone) / np.median(arithmetic)), 3),
        "several_clients": figures(together),
        "p99_over_p50": round(float(np.percentile(together, 99) / np.median(together)), 3),
        "memory": {"before": before, "after": after},
    }


def encoder_name() -> str:
    from recommender.encoder.store import current_encoder

    return current_encoder().name


def figures(seconds: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "answers": len(seconds)}


class _Numbers:
    """Counts files from one, so that none is asked twice."""

    def __init__(self) -> None:
        self._next = 0

    def take(self, count: int) -> range:
        taken = range(self._next, self._next + count)
        self._next += count
        return taken

    def uploads(self, photos: Sequence[bytes], count: int) -> Any:
        from recommender.bench.photo_search.photos import distinct, upload

        return iter([upload(photo) for photo in distinct(photos, self.take(count))])


def _in_turns(
    port: int, encoder: ImageEncoder, photos: Sequence[bytes], numbers: _Numbers, searches: int
) -> tuple[list[float], list[float], list[float]]:
    """Seconds of each search, of decoding its photo (framing included), and of its forward (colours included).

    A block of searches over HTTP, then the same photos in this process, in one thread.
    """
    from recommender.bench.photo_search.photos import distinct, upload
    from recommender.bench.search.http import load_requests
    from recommender.encoder.preprocess import photo_to_pixels

    alone: list[float] = []
    decode: list[float] = []
    forward: list[float] = []
    for start in range(0, searches, _BLOCK):
        block = distinct(photos, numbers.take(min(_BLOCK, searches - start)))
        alone += load_requests(port, iter([upload(photo) for photo in block]), connections=1)[0]
        for photo in block:
            began = time.perf_counter()
            pixels = photo_to_pixels(io.BytesIO(photo), side=encoder.side, recipe=encoder.recipe)
            decoded = time.perf_counter()
            encoder.features(pixels)
            decode.append(decoded - began)
            forward.append(time.perf_counter() - decoded)
    return alone, decode, forward


def _shop(folder: Path, catalogue: Path | None, say: Say) -> list[bytes]:
    """Fill the shop; the photos to ask with: those of the catalogue, or drawn ones that it does not hold."""
    from django.core.management import call_command

    from catalog.models import ProductImage
    from recommender.bench.photo_search.photos import drawn_photos
    from recommender.bench.relevance.shop import embed, import_catalogue

    path = catalogue
    if path is None:
        call_command("draw_catalogue", str(folder / "drawn"), products=DRAWN_PRODUCTS, verbosity=0)
        path = folder / "drawn" / "products.csv"
    products = import_catalogue(path, say)
    say(f"{products} products: embedding their photos")
    embed(say)
    if catalogue is None:
        return drawn_photos(PHOTOS)
    rows = list(ProductImage.objects.filter(features__isnull=False).order_by("id").distinct())
    if not rows:
        raise NoPhotos(f"{catalogue} holds no photo that could be embedded: see above")
    photos = []
    for row in rows[:: max(1, len(rows) // PHOTOS)][:PHOTOS]:
        with row.file.open() as file:
            photos.append(file.read())
    return photos


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    began = time.perf_counter()
    code = main()
    print(f"done in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    sys.exit(code)
