"""Strategies and checks for readers of feeds, shared by the short run of the suite and the long one of `make fuzz`."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import escape

from hypothesis import strategies as st

from catalog.feeds.columns import RowError, read_columns
from catalog.feeds.expected import with_known_columns
from catalog.feeds.reading import open_feed
from catalog.feeds.rows import BadRow, FeedError, FeedRow

COLUMNS = ["id", "title", "brand", "colour"]
Table = list[dict[str, str]]
Rows = list[FeedRow | BadRow]

_CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
_XML_CELL = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), min_size=1, max_size=20)
ROWS = st.lists(st.fixed_dictionaries({name: _CELL for name in COLUMNS}), min_size=1, max_size=8).filter(
    lambda rows: any(cell.strip() for row in rows for cell in row.values())
)
XML_ROWS = st.lists(st.fixed_dictionaries({name: _XML_CELL for name in COLUMNS}), min_size=1, max_size=5)
NOISE = st.text(st.sampled_from('",;\t\r\n<>&{}[]: ab1é\\gx\x00\ufeff'), max_size=200)
SPOILT_LINES = st.text(st.sampled_from('",ab1é \t'), max_size=30)
# What XML can be broken with, but for a whole start or end tag of an item.
MARKUP = st.lists(
    st.sampled_from(
        (
            *("<", ">", "</", "/>", "&", "&#0;", "&nbsp;", "<a", "<a>", "</a>", "<g:id>", "</g:title>", "<!--", "-->"),
            *("<![CDATA[", "]]>", "<?", '"', "'", "=", " x", "\x01", "\udce9", "</channel>", "</rss>", "<item", "é"),
        )
    ),
    max_size=12,
).map("".join)
FILE_NAMES = st.sampled_from(["a.csv", "a.tsv", "a.txt", "a.json", "a.jsonl", "a.xml", "a.xlsx", "a.gz", "a.zip", "a"])

# Words of shops in encodings that no mark names: an encoding can be told by words, not by random characters.
WORDS = {
    "cp1252": ["Größe", "Müller", "crème brûlée", "très léger", "café", "niño pequeño", "perché", "rød grød", "5 €"],
    "cp1250": ["żółta łódź", "ręcznie robiona", "świeca", "příliš žluťoučký", "kůň", "tükörfúrógép"],
    "iso8859_2": ["żółta łódź", "ręcznie robiona", "świeca", "příliš žluťoučký", "kůň"],
    "cp1251": ["красный чайник", "из нержавеющей стали", "Нож", "ЧАЙНИК"],
    "cp1253": ["κόκκινος βραστήρας", "ατσάλι"],
    "cp1254": ["kırmızı çaydanlık", "büyük ağaç"],
    "cp932": ["赤いやかん", "ステンレス製", "ケトル"],
    "euc_jp": ["赤いやかん", "ステンレス製の鍋"],
    "cp949": ["빨간 주전자", "스테인리스"],
}


@st.composite
def word_tables(draw: st.DrawFn) -> tuple[str, Table]:
    """An encoding and rows of words that can be written in it."""
    encoding = draw(st.sampled_from(sorted(WORDS)))
    word = st.sampled_from([*WORDS[encoding], "Kettle", "4 l"])
    first = {name: WORDS[encoding][0] for name in COLUMNS}
    rows = draw(st.lists(st.fixed_dictionaries({name: word for name in COLUMNS}), max_size=8))
    return encoding, [first, *rows]


def read(data: bytes, name: str = "feed") -> Rows:
    """The rows of a file of this content, read as an import reads them. Raises FeedError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, name)
        path.write_bytes(data)
        with open_feed(path) as feed:
            return list(with_known_columns(feed.rows))


def good(rows: Rows) -> Table:
    assert not [row for row in rows if isinstance(row, BadRow)]
    return [{name: values[0] for name, values in row.values.items()} for row in rows if isinstance(row, FeedRow)]


def write_table(rows: Table, delimiter: str, *, escaped: bool = False, end: str = "\r\n") -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream,
        delimiter=delimiter,
        quoting=csv.QUOTE_ALL,
        doublequote=not escaped,
        escapechar="\\" if escaped else None,
        lineterminator=end,
    )
    writer.writerow(COLUMNS)
    writer.writerows([row[name] for name in COLUMNS] for row in rows)
    return stream.getvalue()


def write_json(rows: Table) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def write_xml(rows: Table, item: str = "item") -> bytes:
    items = "".join(
        f"<{item}>" + "".join(f"<g:{name}>{escape(value)}</g:{name}>" for name, value in row.items()) + f"</{item}>\n"
        for row in rows
    )
    return f'<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>{items}</channel></rss>'.encode()


def packed(data: bytes, how: str) -> bytes:
    if how == "gz":
        return gzip.compress(data, 1)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("feed.txt", data)
    return stream.getvalue()


def without_blank(rows: Table) -> Table:
    """Rows of empty cells are passed over."""
    return [row for row in rows if any(cell.strip() for cell in row.values())]


def stripped(row: dict[str, str]) -> dict[str, str]:
    """Elements without text are left out."""
    return {name: cell.strip() for name, cell in row.items() if cell.strip()}


def check_any_bytes(data: bytes, name: str) -> None:
    """Whatever a file holds, it gives rows in the order of its lines or an error that says why; so do the columns."""
    last = 0
    with suppress(FeedError):
        for row in read(data, name):
            assert row.line >= last
            last = row.line
            if isinstance(row, FeedRow):
                with suppress(RowError):
                    read_columns(row)


def check_spoilt_line(spoilt: str, where: int) -> None:
    """Good rows stand whatever line is put between them."""
    numbers = [f"{number},title {number},brand,blue" for number in range(6)]
    lines = [",".join(COLUMNS), *numbers[:where], spoilt, *numbers[where:]]
    rows = read(("\n".join(lines) + "\n").encode())
    ids = [row.values["id"][0] for row in rows if isinstance(row, FeedRow) and row.line != where + 2]
    assert ids == [str(number) for number in range(6)]


def check_spoilt_item(markup: str, where: int) -> None:
    """Whatever stands inside an item costs that item at most: the items around it are read."""
    items = [f"<item>\n<g:id>{number}</g:id><g:title>t</g:title></item>" for number in range(6)]
    items[where] = f"<item>\n<g:id>x</g:id>{markup}</item>"
    document = f'<rss xmlns:g="http://base.google.com/ns/1.0"><channel>\n{"".join(items)}\n</channel></rss>'
    rows = read(document.encode("utf-8", "surrogateescape"))
    ids = [row.values.get("id", [""])[0] for row in rows if isinstance(row, FeedRow)]
    assert [one for one in ids if one.isdigit()] == [str(number) for number in range(6) if number != where]


def check_cut_off(count: int, length: int) -> None:
    """Of XML that breaks off, the items before are read, and the last row says that it was cut off."""
    whole = write_xml([{name: f"{number}" for name in COLUMNS} for number in range(count)])
    data = whole[: -1 - length % (len(whole) - 1)]
    before = data.count(b"</item>")
    try:
        rows = read(data)
    except FeedError:
        assert before == 0
        return
    assert [row.values["id"][0] for row in rows[:before] if isinstance(row, FeedRow)] == list(map(str, range(before)))
    last = rows[-1]
    assert len(rows) == before + 1 and isinstance(last, BadRow) and "cut off" in last.reason
