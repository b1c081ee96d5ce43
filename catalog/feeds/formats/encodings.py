"""Judges which encoding a feed is written in: its mark, the zeros of UTF-16 and UTF-32, UTF-8, what it says, its letters."""

from __future__ import annotations

import codecs
import re
from contextlib import suppress
from typing import BinaryIO

from charset_normalizer import from_bytes

from catalog.feeds.formats.languages import best_reading

MISREAD = "cp1252"  # what a byte that is not UTF-8 is read as, alone among bytes that are
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Bytes a character, and of each of these bytes in what share of the characters it is zero, at least and at most.
_WIDE: dict[str, tuple[int, dict[int, tuple[float, float]]]] = {
    "utf-32-le": (4, {3: (1, 1), 2: (0.9, 1), 0: (0, 0.1)}),
    "utf-32-be": (4, {0: (1, 1), 1: (0.9, 1), 3: (0, 0.1)}),
    "utf-16-le": (2, {1: (0.2, 1), 0: (0, 0.1)}),
    "utf-16-be": (2, {0: (0.2, 1), 1: (0, 0.1)}),
}
_WIDE_SAMPLE = 1024
_SAMPLE = 64 * 1024  # bytes of lines beyond ASCII that are judged
_SEARCHED = 64 * 1024 * 1024  # bytes that are searched for them
_CHUNK = 1024 * 1024
_SURE = 0.9
# Scripts of one language each, and how much of a text they are at least. Chinese shares its characters with all of them.
_SCRIPTS = (
    ("cp932", re.compile("[\u3041-\u30ff]"), 0.2),
    ("euc_jp", re.compile("[\u3041-\u30ff]"), 0.2),
    ("cp949", re.compile("[\uac00-\ud7a3]"), 0.9),
)
_CHINESE = ["gb18030", "big5"]


def marked(start: bytes) -> tuple[str, int]:
    """Encoding by byte-order mark, or by where the zeros of its first characters stand, and the mark's length; or ""."""
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name, len(mark)
    head = start[:_WIDE_SAMPLE]
    for name, (width, zeros) in _WIDE.items():
        columns = {offset: head[offset::width] for offset in zeros}
        if len(head) >= 2 * width and all(
            low <= columns[offset].count(0) / len(columns[offset]) <= high for offset, (low, high) in zeros.items()
        ):
            return name, 0
    return "", 0


def judge(file: BinaryIO, declared: str = "") -> str:
    """The encoding of a file without a mark. `declared`: what its XML declaration says; bytes that deny it overrule it."""
    sample = _telling_lines(file)
    if not sample or _is_utf8(sample):
        return "utf-8"
    name = known(declared)
    if name and name != "utf-8":
        return name
    valid, invalid = _utf8_counts(sample)
    if valid > invalid:
        return "utf-8"
    reading = best_reading(sample)
    if reading.explained >= _SURE:
        return reading.encoding
    return _asian(sample) or (reading.encoding if reading.explained > 0 else MISREAD)


def known(name: str) -> str:
    """Python's name of an encoding of text, Windows' in place of the smaller one it contains, or ""."""
    try:
        found = codecs.lookup(name.strip()).name if name else ""
        "".encode(found or "utf-8")
    except (LookupError, ValueError, UnicodeError):
        return ""
    wider = {"iso8859-1": "cp1252", "ascii": "cp1252", "shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030"}
    return "" if found.startswith(("utf-16", "utf-32", "utf-7", "idna", "punycode")) else wider.get(found, found)


def _asian(sample: bytes) -> str:
    """The encoding of several bytes a character that reads all of the sample as Japanese, Korean or Chinese, or ""."""
    for name, script, share in _SCRIPTS:
        with suppress(UnicodeDecodeError):
            text = codecs.getincrementaldecoder(name)().decode(sample)
            beyond = sum(not character.isascii() for character in text)
            if beyond and len(script.findall(text)) >= share * beyond:
                return name
    match = from_bytes(sample, cp_isolation=_CHINESE, threshold=0.4).best()
    return match.encoding if match is not None else ""


def _telling_lines(file: BinaryIO) -> bytes:
    """Pieces of the file around its bytes beyond ASCII; the file is left at its start."""
    sample = bytearray()
    searched = 0
    while len(sample) < _SAMPLE and searched < _SEARCHED and (chunk := file.read(_CHUNK)):
        searched += len(chunk)
        if not chunk.isascii():
            for line in (chunk + file.readline(_CHUNK)).splitlines(keepends=True):
                if not line.isascii() and len(sample) < _SAMPLE:
                    sample += line[:_SAMPLE]
    file.seek(0)
    return bytes(sample)


def _is_utf8(sample: bytes) -> bool:
    """Whether it is UTF-8 but for a last character that was cut."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _utf8_counts(sample: bytes) -> tuple[int, int]:
    """How many characters beyond ASCII are whole in UTF-8, and how many bytes belong to none."""
    text = sample.decode("utf-8", "surrogateescape")
    beyond = [character for character in text if not character.isascii()]
    invalid = sum("\udc80" <= character <= "\udcff" for character in beyond)
    return len(beyond) - invalid, invalid
