"""What the segments of a JPEG say: how many scans it has, whether it ends, and how to tell whether one cut short is whole.

Markers and segments are those of ITU-T T.81 (JPEG), annex B. Free of Django, because decoder processes use it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from catalog.photos.errors import PhotoError

# Scans of one JPEG. Encoders write about 10; decoding a scan visits every pixel, however few bytes the scan has.
MOST_SCANS = 100
# Segments of one JPEG. 20 MB of metadata takes about 320.
MOST_SEGMENTS = 5_000
# 0xFF and a byte that begins a segment: neither stuffing, fill bytes, TEM, restarts nor SOI (T.81, table B.1).
_MARKER = re.compile(rb"\xff([^\x00\x01\xff\xd0-\xd8])", re.DOTALL)
_RESTART = re.compile(rb"\xff([\xd0-\xd7])")
_END_OF_IMAGE, _START_OF_SCAN = 0xD9, 0xDA
_END = b"\xff\xd9"
# Two pieces of noise of which each bit differs, without 0xFF: whichever bit a decoder asks for next, they answer differently.
_NOISE = bytes(1 + (97 * number + 40) % 254 for number in range(256))
_OTHER_NOISE = bytes(255 - value for value in _NOISE)


@dataclass(frozen=True)
class JpegScans:
    """The scans of a JPEG's first picture.

    `count`: how many it has; `first_components`: colours that the first of them carries; `ends`: whether the picture has its
    end marker; `refined`: for each colour and each of its 64 coefficients, the lowest bit that came; `last_at`: where the
    data of the last scan begins.
    """

    count: int
    first_components: int
    ends: bool = True
    refined: Mapping[int, list[int]] = field(default_factory=dict)
    last_at: int = 0


def jpeg_scans(data: bytes) -> JpegScans:
    """Walk over the segments of a JPEG's first picture. Raises PhotoError `bomb` for more of them than photos have."""
    scans = first = last_at = 0
    refined: defaultdict[int, list[int]] = defaultdict(lambda: [_MISSING] * 64)
    at = 2
    for _ in range(MOST_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None or found[1][0] == _END_OF_IMAGE:
            return JpegScans(scans, first, found is not None, refined, last_at)
        at = found.end()
        size = max(2, int.from_bytes(data[at : at + 2], "big"))
        if found[1][0] == _START_OF_SCAN:
            scans += 1
            first = first or int.from_bytes(data[at + 2 : at + 3], "big")
            last_at = at + size
            _refine(refined, data[at + 2 : last_at])
            if scans > MOST_SCANS:
                raise PhotoError(
                    "bomb",
                    f"the picture is a JPEG of more than {MOST_SCANS} scans; save it as a plain (baseline) JPEG",
                )
        at += size
    raise PhotoError(
        "bomb", f"the picture is a JPEG of more than {MOST_SEGMENTS:,} segments; save it again without its metadata"
    )


# More than the 13 bits by which a coefficient may be shifted.
_MISSING = 14


def _refine(refined: Mapping[int, list[int]], header: bytes) -> None:
    """Note what a scan brings: the colours and coefficients that its header names, down to the bit it names (T.81, B.2.3)."""
    colours = header[1 : 1 + 2 * header[0] : 2] if header else b""
    if len(header) != 4 + 2 * len(colours):
        return
    first, last, bits = header[-3:]
    for colour in colours:
        for number in range(first, min(last, 63) + 1):
            refined[colour][number] = min(refined[colour][number], bits & 15)


def endings(data: bytes, scans: JpegScans, colours: int) -> list[bytes]:
    """The same JPEG, which lacks its end marker, with different ends; [] where a scan of it is missing for certain.

    Where all its rows are there, all of them decode to the same picture, since what follows the last row is passed over.
    Where some are missing, each makes up other ones: grey, one noise, and the opposite noise, which goes on after the next
    restart marker too.
    """
    if len(scans.refined) < colours or any(any(bits) for bits in scans.refined.values()):
        return []
    whole = data.rstrip(b"\xff")
    restarts = _RESTART.findall(data, scans.last_at)
    restart = b"\xff" + bytes([0xD0 + (restarts[-1][0] - 0xD0 + 1) % 8 if restarts else 0xD0])
    return [whole + _END, *(whole + noise + restart + noise + _END for noise in (_NOISE, _OTHER_NOISE))]
