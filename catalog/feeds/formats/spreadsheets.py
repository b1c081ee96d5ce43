"""Excel's .xlsx: the first visible sheet that has a header, its numbers and dates as a person reads them."""

from __future__ import annotations

import datetime
import re
import zipfile
import zlib
from collections.abc import Iterator
from decimal import Decimal
from typing import BinaryIO

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from catalog.feeds.formats.delimited import Header
from catalog.feeds.rows import BadRow, FeedError, FeedRow, Notices, Number

# A workbook is read whole: of so many bytes unpacked, and of so many cells from its first to its last one.
MAX_BYTES = 150 * 1024 * 1024
MAX_CELLS = 5_000_000
_CHUNK = 1024 * 1024
_SIGNIFICANT = 15  # digits that Excel keeps of a number
_CELL = re.compile(
    rb"<(?:\w+:)?c\s[^>]*?\br\s*=\s*[\"']\s*([A-Za-z]{1,8})([0-9]{1,12})|<(?:\w+:)?c\s[^>]*?\br\s*=\s*[\"'][^\"']*&"
)
_OVERLAP = 300  # bytes of a cell's tag that two chunks may share
_LOCAL_HEADER = 30

Cell = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta


def read_spreadsheet(file: BinaryIO, notices: Notices) -> Iterator[FeedRow | BadRow]:
    """Rows below the first row that has cells. Raises FeedError."""
    _check_size(file)
    try:
        with CalamineWorkbook.from_filelike(file) as workbook:
            yield from _rows(workbook, notices)
    except (CalamineError, OSError, ValueError) as error:
        raise FeedError(f"a spreadsheet that cannot be read ({error})") from error


def _rows(workbook: CalamineWorkbook, notices: Notices) -> Iterator[FeedRow | BadRow]:
    for number, metadata in enumerate(workbook.sheets_metadata):
        if metadata.typ is not SheetTypeEnum.WorkSheet or metadata.visible is not SheetVisibleEnum.Visible:
            continue
        rows = _texts(workbook.get_sheet_by_index(number))
        line, names = next(((line, cells) for line, cells in rows if sum(map(bool, cells)) > 1), (0, []))
        if not names:
            continue
        if len(workbook.sheet_names) > 1:
            notices.say(f"read the sheet {metadata.name!r}")
        while not names[-1]:
            names.pop()
        header = Header(names, line, notices)
        for line, cells in rows:
            del cells[len(names) :]
            if any(cells):
                yield FeedRow(line, header.row(cells), complete=False, where=f"row {line}")
        return
    raise FeedError("a spreadsheet without a header: no visible sheet has a row of names")


def _texts(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    """The number of each row and its cells as texts."""
    first = sheet.start[0] + 1 if sheet.start else 1
    for line, cells in enumerate(sheet.iter_rows(), first):
        yield line, [_text(cell) for cell in cells]


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return cell.strip()
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int):
        return Number(cell)
    if isinstance(cell, float):
        return Number(_plain(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell) if isinstance(cell, datetime.timedelta) else cell.isoformat()


def _plain(number: float) -> str:
    """`1234.0` → `1234`, `0.30000000000000004` → `0.3`, without an exponent."""
    text = f"{number:.{_SIGNIFICANT}g}"
    return f"{Decimal(text):f}" if "e" in text else text


def _check_size(file: BinaryIO) -> None:
    """Refuse what would not fit into memory, without believing what the archive says of its sizes. Raises FeedError."""
    left = MAX_BYTES
    try:
        with zipfile.ZipFile(file) as archive:
            for member in archive.infolist():
                rows, columns = 0, 0
                tail = b""
                for chunk in _inflated(file, member):
                    left -= len(chunk)
                    if left < 0:
                        raise FeedError(
                            f"a spreadsheet of more than {MAX_BYTES / 1024**2:,.0f} MB unpacked; save it as CSV"
                        )
                    if "worksheets/" in member.filename:
                        rows, columns = _extent(tail + chunk, rows, columns)
                        tail = chunk[-_OVERLAP:]
                if rows * columns > MAX_CELLS:
                    raise FeedError(f"a spreadsheet of {rows:,} rows and {columns:,} columns; save it as CSV")
    except (zipfile.BadZipFile, zlib.error, ValueError, OSError) as error:
        raise FeedError(f"a spreadsheet that cannot be unpacked ({error})") from error
    finally:
        file.seek(0)


def _inflated(file: BinaryIO, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """A member's real content, piece by piece, as far as its compressed bytes go."""
    file.seek(member.header_offset)
    header = file.read(_LOCAL_HEADER)
    if len(header) < _LOCAL_HEADER:
        raise zipfile.BadZipFile("a member without a header")
    names = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    file.seek(names, 1)
    stored = member.compress_type == zipfile.ZIP_STORED
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    remaining = member.compress_size
    while remaining > 0 and (packed := file.read(min(_CHUNK, remaining))):
        remaining -= len(packed)
        while packed and not inflate.eof:
            yield packed if stored else inflate.decompress(packed, _CHUNK)
            packed = b"" if stored else inflate.unconsumed_tail


def _extent(part: bytes, rows: int, columns: int) -> tuple[int, int]:
    """The last row and column of the cells that a part of a sheet names."""
    for letters, digits in _CELL.findall(part):
        if not letters:
            raise FeedError("a spreadsheet whose cells are named in a way that Excel does not write")
        rows = max(rows, int(digits))
        columns = max(columns, _column(letters))
    return rows, columns


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - 64
    return number
