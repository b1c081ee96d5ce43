"""Small Excel workbooks, written as Excel does but for line ends."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

_NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
DATE = "date:"  # a cell of this beginning and a serial number is written as a date

Cells = Sequence[Sequence[str | float | bool | None]]


def workbook(rows: Cells, *others: Cells, hidden: bool = False, extra: str = "") -> bytes:
    """The file of a workbook of one sheet, and `others` after it. `hidden`: the first. `extra`: XML of more rows in it."""
    sheets = [rows, *others]
    files = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": f'<workbook {_NAMESPACE} xmlns:r="{_RELATIONS}"><sheets>'
        + "".join(
            f'<sheet name="Sheet{number}" sheetId="{number}" r:id="rId{number}"'
            + (' state="hidden"/>' if hidden and number == 1 else "/>")
            for number, _ in enumerate(sheets, 1)
        )
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": _relations(
            {f"rId{number}": ("worksheet", f"worksheets/sheet{number}.xml") for number, _ in enumerate(sheets, 1)}
            | {"rId99": ("styles", "styles.xml")}
        ),
        "xl/styles.xml": f'<styleSheet {_NAMESPACE}><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    for number, sheet in enumerate(sheets, 1):
        more = extra if number == 1 else ""
        files[f"xl/worksheets/sheet{number}.xml"] = (
            f"<worksheet {_NAMESPACE}><sheetData>{_rows(sheet)}{more}</sheetData></worksheet>"
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return stream.getvalue()


def _relations(targets: dict[str, tuple[str, str]]) -> str:
    inside = "".join(
        f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'
        for name, (kind, target) in targets.items()
    )
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'


def _rows(rows: Cells) -> str:
    return "".join(
        f'<row r="{line}">'
        + "".join(_cell(f"{chr(64 + column)}{line}", cell) for column, cell in enumerate(cells, 1))
        + "</row>"
        for line, cells in enumerate(rows, 1)
    )


def _cell(name: str, cell: str | float | bool | None) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return f'<c r="{name}" t="b"><v>{int(cell)}</v></c>'
    if isinstance(cell, str) and cell.startswith(DATE):
        return f'<c r="{name}" s="1"><v>{cell.removeprefix(DATE)}</v></c>'
    if isinstance(cell, str):
        return f'<c r="{name}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    return f'<c r="{name}"><v>{cell!r}</v></c>'
