"""The readers: every format gives the same rows, a spoilt row costs itself alone."""

from __future__ import annotations

import json
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from catalog.feeds.reading import open_feed
from catalog.feeds.rows import BadRow, FeedError, FeedRow

CELLS = {"id": "7", "title": 'A "red" hat, wide', "brand": "Dune", "price": "59.50 EUR", "colour": "rot\nund grün"}


def read(path: Path) -> list[FeedRow | BadRow]:
    with open_feed(path) as feed:
        return list(feed.rows)


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def simple(rows: list[FeedRow | BadRow]) -> list[tuple[int, str]]:
    """Lines of good rows with their ids, lines of bad ones with their reasons."""
    return [(row.line, row.values["id"][0]) if isinstance(row, FeedRow) else (row.line, row.reason) for row in rows]


def delimited(cells: dict[str, str], delimiter: str) -> str:
    quoted = ['"' + value.replace('"', '""') + '"' for value in cells.values()]
    return delimiter.join(cells) + "\n" + delimiter.join(quoted) + "\n"


def rss(*items: str) -> str:
    return (
        '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0"><channel>'
        f"<title>Shop</title>\n{''.join(items)}</channel></rss>"
    )


def item(cells: dict[str, str]) -> str:
    return "<item>" + "".join(f"<g:{name}>{escape(value)}</g:{name}>" for name, value in cells.items()) + "</item>\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("feed.csv", delimited(CELLS, ",")),
        ("feed.csv", delimited(CELLS, ";")),
        ("feed.tsv", delimited(CELLS, "\t")),
        ("feed.txt", delimited(CELLS, "\t")),
        ("feed.csv", "\ufeff" + delimited(CELLS, ",")),
        ("feed.csv", delimited(CELLS, ",").encode("utf-16")),
        ("feed.csv", delimited(CELLS, ",").replace("\n", "\r\n").replace("rot\r\n", "rot\n")),
        ("feed.jsonl", json.dumps(CELLS) + "\n"),
        ("feed.dat", json.dumps(CELLS, ensure_ascii=False)),
        ("feed.xml", rss(item(CELLS))),
        ("feed", rss(item(CELLS)).encode("utf-16")),
    ],
)
def test_every_format_gives_the_same_cells(tmp_path: Path, name: str, content: str | bytes) -> None:
    [row] = read(written(tmp_path, name, content))
    assert isinstance(row, FeedRow)
    assert row.values == {key: [value] for key, value in CELLS.items()}


def test_lists_of_photos_in_every_format(tmp_path: Path) -> None:
    wanted = ["a.jpg", "b.jpg"]
    csv = 'id,additional_image_link\n1,"a.jpg,b.jpg"\n'
    twice = "id,additional_image_link,additional image link\n1,a.jpg,b.jpg\n"
    lines = '{"id": 1, "additional_image_link": ["a.jpg", "b.jpg"]}'
    link = "<g:additional_image_link>{}</g:additional_image_link>"
    xml = rss(f"<item><g:id>1</g:id>{link.format('a.jpg')}{link.format('b.jpg')}</item>")
    for name, content in (("a.csv", csv), ("b.csv", twice), ("c.jsonl", lines), ("d.xml", xml)):
        [row] = read(written(tmp_path, name, content))
        assert isinstance(row, FeedRow) and row.values["additional_image_link"] == wanted, name


@pytest.mark.parametrize(
    ("cell", "wanted"),
    [
        ("https://a.example/w_200,h_300/x.jpg", ["https://a.example/w_200,h_300/x.jpg"]),
        (
            "https://a.example/w_200,h_300/x.jpg, HTTP://b.example/y,z.jpg,https://c.example/,",
            ["https://a.example/w_200,h_300/x.jpg", "HTTP://b.example/y,z.jpg", "https://c.example/"],
        ),
        ("a.jpg, b.jpg", ["a.jpg", "b.jpg"]),
        ("", []),
    ],
)
def test_urls_of_photos_may_hold_commas(tmp_path: Path, cell: str, wanted: list[str]) -> None:
    csv = f'id,additional_image_link\n1,"{cell}"\n'
    lines = json.dumps({"id": 1, "additional_image_link": cell})
    for name, content in (("a.csv", csv), ("a.jsonl", lines)):
        [row] = read(written(tmp_path, name, content))
        assert isinstance(row, FeedRow)
        assert [text.strip() for text in row.values["additional_image_link"] if text] == wanted, name


def test_line_numbers_count_lines_inside_cells(tmp_path: Path) -> None:
    content = 'id,title\n1,"two\nlines"\n\n2,b\n,\n3,c\n'
    assert simple(read(written(tmp_path, "feed.csv", content))) == [(2, "1"), (5, "2"), (7, "3")]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("2,b,c", "3 cells where the header has 2"),
        ("2", "1 cells where the header has 2"),
        ('2,"open', "a quote is opened and never closed"),
        ('2,"a"b', "text after a closing quote; write a quote inside a cell twice"),
        ("2," + "x" * 131_073, "a cell of more than 131,072 characters"),
        (
            '2,"' + "x" * 100_000 + "\n5," + "x" * 100_000 + '"',
            "a cell of more than 131,072 characters, or a quote that is opened and never closed",
        ),
        ("2," + "x" * 1_100_000, "a line of more than 1,048,576 characters"),
    ],
)
def test_a_spoilt_row_of_a_table_costs_itself_alone(tmp_path: Path, bad: str, reason: str) -> None:
    rows = read(written(tmp_path, "feed.csv", f"id,title\n1,a\n{bad}\n3,c\n4,d\n"))
    more = bad.count("\n")  # a line of a cell is read again as a row of its own
    assert [row for row in simple(rows) if row[1] != "5"] == [(2, "1"), (3, reason), (4 + more, "3"), (5 + more, "4")]


def test_an_open_quote_before_a_quoted_row_costs_itself_alone(tmp_path: Path) -> None:
    rows = read(written(tmp_path, "feed.csv", 'id,title\n1,a\n2,"open\n3,c\n4,"d"\n5,e\n'))
    assert [line for line, _ in simple(rows)] == [2, 3, 4, 5, 6]
    assert [row.values["id"][0] for row in rows if isinstance(row, FeedRow)] == ["1", "3", "4", "5"]


def test_trailing_delimiters_are_forgiven(tmp_path: Path) -> None:
    assert simple(read(written(tmp_path, "feed.csv", "id,title,,\n1,a,,\n2,b\n"))) == [(2, "1"), (3, "2")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "an empty file"),
        (",,\n1,a,\n", "line 1: the header is empty"),
        ("id,title,Title\n", "a table of the columns id, title and no row"),
        ('id,"title\n', 'a table of the columns id,"title and no row'),
        ('"id,title\n', r"line 1: the header cannot be read \(a quote is opened and never closed\)"),
    ],
)
def test_a_header_that_cannot_serve_is_an_error_of_the_feed(tmp_path: Path, content: str, message: str) -> None:
    with pytest.raises(FeedError, match=message):
        read(written(tmp_path, "feed.csv", content))


def test_a_feed_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FeedError, match=r"none\.csv cannot be read: No such file"):
        read(tmp_path / "none.csv")


def test_json_values_become_texts(tmp_path: Path) -> None:
    line = '{"id": 7, "price": 59.5, "new": true, "size": null, "shipping": {"country": "DE"}, "tags": ["a", 2]}'
    [row] = read(written(tmp_path, "feed.jsonl", line))
    assert isinstance(row, FeedRow)
    assert row.values == {
        "id": ["7"],
        "price": ["59.5"],
        "new": ["true"],
        "size": [""],
        "shipping.country": ["DE"],
        "tags": ["a", "2"],
    }


def test_spoilt_json_lines_cost_themselves_alone(tmp_path: Path) -> None:
    deep = '{"a":' * 13 + "{}" + "}" * 13
    bad = ["{", "[1]", deep, '{"id": "\ud800"}', "x" * 1_100_000]
    lines = [b'{"id": "1"}', b"", *(line.encode("utf-8", "surrogatepass") for line in bad), b'{"id": "2"}']
    rows = read(written(tmp_path, "feed.jsonl", b"\n".join(lines)))
    assert [row.line for row in rows] == [1, 3, 4, 5, 6, 7, 8]
    assert [row.values["id"] for row in rows if isinstance(row, FeedRow)] == [["1"], ["\u00ed\u00a0\u20ac"], ["2"]]
    reasons = [row.reason for row in rows if isinstance(row, BadRow)]
    assert reasons[1] == "not a JSON object: a product is written as one"
    assert reasons[2] == "a: nested more than 12 deep"
    assert reasons[3] == "a line of more than 1,048,576 characters"


def test_rss_reads_its_own_and_googles_elements(tmp_path: Path) -> None:
    one = (
        "<item><title>Plain</title><g:title>Better</g:title><guid>9</guid><pubDate>today</pubDate>"
        '<description><![CDATA[<b>x</b>]]></description><a:x xmlns:a="other">y</a:x>'
        "<g:shipping><g:country>DE</g:country></g:shipping></item>\n"
    )
    rows = read(written(tmp_path, "feed.xml", rss(one, item({"id": "2"}))))
    assert [row.line for row in rows] == [3, 4]
    assert isinstance(rows[0], FeedRow)
    assert rows[0].values == {
        "title": ["Better"],
        "id": ["9"],
        "description": ["<b>x</b>"],
        "shipping.country": ["DE"],
    }


def test_xml_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    rows = read(written(tmp_path, "feed.xml", rss(item({"id": "1"}), item({"id": "2"}), "<item><oops></item>")))
    assert [row.line for row in rows] == [3, 4, 5]
    assert isinstance(rows[2], BadRow) and rows[2].reason == (
        "the XML of this item is not well formed (mismatched tag, line 5)"
    )


@pytest.mark.parametrize(
    "declaration",
    ['<!DOCTYPE rss [<!ENTITY a "aaaa">]>', '<!DOCTYPE rss SYSTEM "file:///etc/passwd">'],
)
def test_entities_and_dtds_are_refused(tmp_path: Path, declaration: str) -> None:
    content = rss(item({"id": "1"})).replace("<rss", declaration + "<rss", 1)
    [row] = read(written(tmp_path, "feed.xml", content))
    assert isinstance(row, BadRow) and row.reason.startswith("a DTD or an entity in the XML is refused")


@pytest.mark.parametrize("name", ["feed.csv", "feed.jsonl", "feed.xml"])
def test_a_long_feed_is_read_as_it_is_asked_for(tmp_path: Path, name: str) -> None:
    """Bounded memory: the parsers take rows off the file one by one, so that most of it is unread at the first row."""
    numbers = range(20_000)
    if name.endswith("csv"):
        content = "id,title\n" + "".join(f"{number},{'x' * 60}\n" for number in numbers)
    elif name.endswith("jsonl"):
        content = "".join(f'{{"id": {number}, "title": "{"x" * 60}"}}\n' for number in numbers)
    else:
        content = rss(*(item({"id": str(number), "title": "x" * 60}) for number in numbers))
    with open_feed(written(tmp_path, name, content)) as feed:
        next(feed.rows)
        assert feed.position <= 256 * 1024 < 1024 * 1024 < feed.size
        assert sum(1 for _ in feed.rows) == len(numbers) - 1
        assert feed.position == feed.size


def test_a_folder_tree_is_a_feed(tmp_path: Path) -> None:
    for name in ("Dress/Summer/red_one.jpg", "Dress/blue-two.PNG", "loose.webp", ".hidden/x.jpg", "Dress/notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    rows = read(tmp_path)
    assert all(isinstance(row, FeedRow) for row in rows)
    assert [
        [row.values[key][0] for key in ("id", "title", "product_type")] for row in rows if isinstance(row, FeedRow)
    ] == [
        ["loose.webp", "Loose", ""],
        ["Dress/blue-two.PNG", "Blue two", "Dress"],
        ["Dress/Summer/red_one.jpg", "Red one", "Dress > Summer"],
    ]
