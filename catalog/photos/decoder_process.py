"""A process that decodes photos for its parent, one after the other: `python -m catalog.photos.decoder_process SOCKET MEMORY`.

SOCKET is the file descriptor of a stream of JSON lines, MEMORY that of an unnamed file that carries the bytes: the photo with a
request, the pixels or the encoded derivative with the answer. The process limits its own time and memory, so that the limits
hold whatever a C decoder does. It ends when its parent does: at the end of the stream or, in the middle of a photo, by its
alarm.
"""

from __future__ import annotations

import io
import os
import resource
import signal
import socket
import sys
import time
import warnings
from contextlib import suppress
from typing import Any

import orjson
from PIL import Image

from catalog.photos.decoding import (
    Seen,
    photo_derivative,
    photo_facts,
    photo_framed,
    photo_pixels,
    photo_square,
)
from catalog.photos.errors import PhotoError
from catalog.photos.exchange import STRIP_PIXELS, Bounds
from catalog.photos.opening import out_of_memory
from catalog.photos.squares import Square

# Memory beyond what the process has once everything is imported: 100 MB for a picture of 25 million pixels, another 100 MB for
# what decoders need beside it, the file itself, and a reserve.
MOST_BYTES_MORE = 280 * 1024**2

# How derivatives are encoded, by format. Pillow's room for a progressive JPEG is a byte a pixel; the noisiest need .98 at
# quality 90, and more than there is at 94. Compressing a PNG harder takes three times as long and saves a tenth.
_SAVED: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 88, "progressive": True, "optimize": True},
    "PNG": {"compress_level": 4},
    "WEBP": {"quality": 90},
}


def main() -> None:
    requests, memory = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
    _ignore_group_signals()
    warnings.simplefilter("ignore")
    _bound_memory()
    requests.sendall(b"ready\n")
    with suppress(ConnectionResetError):  # a parent that is killed while an answer waits for it
        for line in requests.makefile("rb"):
            request = orjson.loads(line)
            signal.setitimer(signal.ITIMER_REAL, request["seconds"])
            answer = _answer(request, memory)
            signal.setitimer(signal.ITIMER_REAL, 0)
            answer["cpu_seconds"] = time.process_time()
            requests.sendall(orjson.dumps(answer, option=orjson.OPT_APPEND_NEWLINE))


def _ignore_group_signals() -> None:
    """Leave signals that go to the whole process group to the parent, which still waits for the current photo."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _bound_memory() -> None:
    """Limit the address space, so that further allocations fail with MemoryError. Elsewhere than on Linux there is no limit."""
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            taken = int(file.read().split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = taken + MOST_BYTES_MORE
        resource.setrlimit(resource.RLIMIT_AS, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _answer(request: dict[str, Any], memory: int) -> dict[str, Any]:
    try:
        data, bounds = os.pread(memory, request["bytes"], 0), Bounds(**request["bounds"])
        if request["facts_only"]:
            facts = photo_facts(data, bounds)
            return {"width": facts.width, "height": facts.height, "extension": facts.extension}
        if request["derivative"]:
            encoded = _encoded(photo_derivative(data, bounds), request["derivative"])
            os.pwrite(memory, encoded, 0)
            return {"encoded": len(encoded)}
        seen = _decoded(data, bounds, request)
        _write(seen.image, memory)
        return {"width": seen.image.width, "height": seen.image.height, "box": seen.box, "hashes": seen.hashes}
    except PhotoError as error:
        return _refusal(error)
    except MemoryError:
        return _refusal(out_of_memory())


def _decoded(data: bytes, bounds: Bounds, request: dict[str, Any]) -> Seen:
    if request["square"]:
        return photo_square(data, bounds, Square(**request["square"]), hashed=request["hashed"])
    if request["framed"]:
        return photo_framed(data, bounds, **request["framed"], hashed=request["hashed"])
    return Seen(photo_pixels(data, bounds, at_least=request["at_least"]), (0.0, 0.0, 1.0, 1.0))


def _encoded(image: Image.Image, format: str) -> bytes:
    """The picture as a file of a format of `catalog.derivatives`, with pixels and nothing else."""
    buffer = io.BytesIO()
    image.save(buffer, format, **_SAVED[format])
    return buffer.getvalue()


def _refusal(error: PhotoError) -> dict[str, Any]:
    return {"reason": error.reason, "error": str(error)}


def _write(image: Image.Image, memory: int) -> None:
    """Write three bytes a pixel, row by row, strip by strip: for a large picture there is no memory for a second copy."""
    rows, at = max(1, STRIP_PIXELS // image.width), 0
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(top + rows, image.height))
        strip = image if image.height <= rows else image.crop(box)
        at += os.pwrite(memory, strip.tobytes(), at)


if __name__ == "__main__":
    main()
