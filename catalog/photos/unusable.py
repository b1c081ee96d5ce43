"""Files that shops name as photos and that are none: what each is, and what to send instead."""

from __future__ import annotations

import re

READ = "JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF"

_RAW = "a camera's raw file", "develop it and send JPEG"
_VIDEO = "a video", "send one picture of it as JPEG or PNG"
_SOUND = "a sound file", f"send {READ}"
_DRAWING = "send it drawn as PNG, at least 500 pixels a side"
_SAVE = "save it as JPEG or PNG"
# How a file begins → what it is, and what to do.
_STARTS: dict[bytes, tuple[str, str]] = {
    b"%PDF-": ("a PDF document", "send its picture as JPEG or PNG"),
    b"%!PS": ("a PostScript drawing", _DRAWING),
    b"\xc5\xd0\xd3\xc6": ("a PostScript drawing", _DRAWING),
    b"\xd7\xcd\xc6\x9a": ("a Windows metafile, a drawing", _DRAWING),
    b"8BPS": ("a Photoshop document", _SAVE),
    b"gimp xcf": ("a GIMP document", _SAVE),
    b"\x00\x00\x01\x00": ("an icon (ICO)", "send the photo itself as JPEG or PNG"),
    b"icns": ("an icon (ICNS)", "send the photo itself as JPEG or PNG"),
    b"\x00\x00\x00\x0cJXL ": ("a JPEG XL picture", _SAVE),
    b"\xff\x0a": ("a JPEG XL picture", _SAVE),
    b"\x00\x00\x00\x0cjP  ": ("a JPEG 2000 picture", _SAVE),
    b"\xff\x4f\xff\x51": ("a JPEG 2000 picture", _SAVE),
    b"II\xbc": ("a JPEG XR picture", _SAVE),
    b"DDS ": ("a texture (DDS)", _SAVE),
    b"#?RADIANCE": ("a Radiance HDR picture", _SAVE),
    b"\x76\x2f\x31\x01": ("an OpenEXR picture", _SAVE),
    b"PK\x03\x04": ("a zip archive or an office document", "send each photo as a file of its own"),
    b"Rar!": ("a RAR archive", "send each photo as a file of its own"),
    b"7z\xbc\xaf": ("a 7z archive", "send each photo as a file of its own"),
    b"\x1f\x8b": ("a gzip file", "send the photo unpacked; SVG drawings (SVGZ) as PNG"),
    b"\x1a\x45\xdf\xa3": _VIDEO,
    b"FLV\x01": _VIDEO,
    b"\x00\x00\x01\xba": _VIDEO,
    b"\x00\x00\x01\xb3": _VIDEO,
    b"OggS": ("a sound or video file", _VIDEO[1]),
    b"ID3": _SOUND,
    b"FUJIFILMCCD-RAW": _RAW,
    b"IIRO": _RAW,
    b"IIRS": _RAW,
    b"MMOR": _RAW,
    b"IIU\x00": _RAW,
    b"FOVb": _RAW,
    b"\x00MRM": _RAW,
    b"II\x1a\x00\x00\x00HEAPCCDR": _RAW,
}
# What follows "RIFF" and a size.
_RIFF = {b"AVI ": _VIDEO, b"WAVE": _SOUND}
# Only so much of a text is looked at.
_HEAD = 4096
_MARKUP = re.compile(rb"<\s*(?:[a-z0-9]+:)?(svg|html)\b|<!doctype\s+(svg|html)\b", re.IGNORECASE)
_PAGE = (
    "an HTML page",
    "the address probably leads to a page or to an error: send the photo's own, which answers with the photo alone",
)
_SVG = "an SVG drawing, which has no pixels", _DRAWING

# Tags of a TIFF that only raw files have: DNGVersion; a reduced picture first (NewSubfileType 1), the large ones in SubIFDs.
_DNG_VERSION, _SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330


def unusable(data: bytes) -> str:
    """What the file is and what to send instead, in one sentence, for a file that no decoder reads."""
    what, instead = _kind(data)
    return f"the file is {what}; {instead}"


def raw_tiff(data: bytes, tags: object) -> str | None:
    """The same sentence for a camera's raw file that begins as a TIFF, whose first picture is a small preview; else None.

    `tags`: those of its first directory, by number.
    """
    if not isinstance(tags, dict) and not hasattr(tags, "get"):
        return None
    get = tags.get
    subfile = get(_SUBFILE_TYPE, 0)
    is_preview = isinstance(subfile, int) and bool(subfile & 1) and get(_SUB_IFDS) is not None
    if data[8:10] == b"CR" or get(_DNG_VERSION) is not None or is_preview:
        return f"the file is {_RAW[0]}; {_RAW[1]}"
    return None


def _kind(data: bytes) -> tuple[str, str]:
    for start, kind in _STARTS.items():
        if data.startswith(start):
            return kind
    if data.startswith(b"RIFF") and data[8:12] in _RIFF:
        return _RIFF[data[8:12]]
    if data[4:8] == b"ftyp":
        return _RAW if data[8:12] == b"crx " else _VIDEO
    if data[4:8] in (b"moov", b"mdat", b"wide"):  # QuickTime before it named its type
        return _VIDEO
    head = _text(data[:_HEAD])
    if found := _MARKUP.search(head):
        return _SVG if (found[1] or found[2]).lower() == b"svg" else _PAGE
    if head[:1] in (b"{", b"[", b"<") and head.isascii():
        return "a text (JSON, XML or the like)", _PAGE[1]
    return "not a photo", f"send {READ}"


def _text(head: bytes) -> bytes:
    """The start of a text in ASCII or UTF-8, of UTF-16 too, without byte order mark and leading space."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[2:].replace(b"\0", b"")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()
