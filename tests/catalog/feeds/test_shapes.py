"""Feeds of every shape that shops export, as they come: each was once read as nothing, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.catalog.feeds.readers import Values, read, refusal, values

GOOGLE = "http://base.google.com/ns/1.0"
KETTLE: Values = {"id": ["A1"], "title": ["Kettle"], "price": ["10.00 EUR"]}
FIELDS = "<id>A1</id><title>Kettle</title><price>10.00 EUR</price>"
G_FIELDS = "<g:id>A1</g:id><g:title>Kettle</g:title><g:price>10.00 EUR</g:price>"


@pytest.mark.parametrize(
    "document",
    [
        f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="{GOOGLE}"><title>s</title><entry>{G_FIELDS}</entry></feed>',
        f"<products><product>{FIELDS}</product></products>",
        f"<DATA><ROW>{FIELDS}</ROW><ROW>{FIELDS.replace('A1', 'A2')}</ROW></DATA>",
        f"<listings><listing>{FIELDS}</listing></listings>",
        f"<catalog><products><product>{FIELDS}</product></products></catalog>",
        f"<katalog><zbozi>{FIELDS}</zbozi><zbozi>{FIELDS}</zbozi></katalog>",
        f"<export><zbozi>{FIELDS}</zbozi></export>",
        f"<product>{FIELDS}</product>",
        '<rows><row id="A1" title="Kettle" price="10.00 EUR"/><row id="A2" title="Pan" price="1 EUR"/></rows>',
        '<rows><row><field name="id">A1</field><field name="title">Kettle</field><field name="price">10.00 EUR</field></row></rows>',
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:g="{GOOGLE}">'
        '<channel rdf:about="x"><title>s</title><items><rdf:Seq><rdf:li rdf:resource="y"/></rdf:Seq></items></channel>'
        f'<item rdf:about="y">{G_FIELDS}</item></rdf:RDF>',
        f"<shop><categories>{''.join(f'<category><id>{n}</id><name>c</name></category>' for n in range(50))}</categories>"
        f"<goods><good>{FIELDS}</good></goods></shop>",
        f"<shop><stock><thing>{FIELDS}<images><image><url>x</url><alt>y</alt></image><image><url>z</url><alt>y</alt></image>"
        f"</images></thing><thing>{FIELDS}</thing></stock></shop>",
        f"<!-- <item>{FIELDS}</item> --><store><offers><offer>{FIELDS}</offer></offers></store>",
    ],
)
def test_items_of_any_name_are_found(tmp_path: Path, document: str) -> None:
    first = values(tmp_path, document)[0]
    assert {name: first[name] for name in KETTLE} == KETTLE


@pytest.mark.parametrize(
    "namespace", [GOOGLE, f"{GOOGLE}/", "https://base.google.com/ns/1.0", "HTTP://Base.Google.com/ns/1.0/"]
)
@pytest.mark.parametrize("prefix", ["g", "goog"])
def test_googles_namespace_in_any_spelling(tmp_path: Path, namespace: str, prefix: str) -> None:
    item = f"<item><title>RSS</title>{G_FIELDS}</item>".replace("g:", f"{prefix}:")
    rss = f'<rss version="2.0" xmlns:{prefix}="{namespace}"><channel>{item}</channel></rss>'
    assert values(tmp_path, rss) == [KETTLE]
    inside = f'<rss><channel><item xmlns:{prefix}="{namespace}">{item[6:]}</channel></rss>'
    assert values(tmp_path, inside) == [KETTLE]


def test_an_undeclared_prefix_is_googles(tmp_path: Path) -> None:
    assert values(tmp_path, f"<rss><channel><item>{G_FIELDS}</item></channel></rss>") == [KETTLE]


def test_what_was_found_is_noticed(tmp_path: Path) -> None:
    assert read(tmp_path, f"<a><products><product>{FIELDS}</product></products></a>")[2] == ["items are <product>"]
    assert read(tmp_path, f"<rss><channel><item>{G_FIELDS}</item></channel></rss>")[2] == []


def test_yml_is_read_under_our_names(tmp_path: Path) -> None:
    document = (
        '<?xml version="1.0" encoding="windows-1251"?><!DOCTYPE yml_catalog SYSTEM "shops.dtd">'
        "<yml_catalog date='2026-01-01'><shop><name>Чайники</name><categories><category id='1'>Дом</category>"
        "<category id='2' parentId='1'>Чайники</category></categories><offers>"
        "<offer id='A3' available='false'><name>Чайник</name><url>https://a.example/3</url><price>10</price>"
        "<oldprice>12.5</oldprice><currencyId>RUR</currencyId><categoryId>2</categoryId><picture>1.jpg</picture>"
        "<picture>2.jpg</picture><vendor>Acme</vendor><param name='Цвет'>красный</param></offer>"
        "<offer id='A4'><vendor>Acme</vendor><model>Kettle 3</model><price>7</price></offer></offers></shop></yml_catalog>"
    )
    good, bad, notices = read(tmp_path, document.encode("cp1251"))
    assert (bad, notices) == ([], ["items are <offer>", "read as cp1251"])
    assert good == [
        {
            "title": ["Чайник"],
            "link": ["https://a.example/3"],
            "price": ["12.5 RUB"],
            "image_link": ["1.jpg", "2.jpg"],
            "brand": ["Acme"],
            "Цвет": ["красный"],
            "id": ["A3"],
            "availability": ["out of stock"],
            "product_type": ["Дом > Чайники"],
            "sale_price": ["10 RUB"],
        },
        {"brand": ["Acme"], "model": ["Kettle 3"], "price": ["7"], "id": ["A4"], "title": ["Acme Kettle 3"]},
    ]


def test_atoms_own_elements_serve_where_googles_are_missing(tmp_path: Path) -> None:
    entry = (
        "<entry><id>A1</id><title>Kettle</title><updated>2026-01-01</updated><published>2026-01-01</published>"
        '<link rel="self" href="https://a.example/self"/><link href="https://a.example/1"/>'
        '<summary type="text">Of steel</summary><author><name>Me</name></author></entry>'
    )
    assert values(tmp_path, f'<feed xmlns="http://www.w3.org/2005/Atom">{entry}</feed>') == [
        {
            "id": ["A1"],
            "title": ["Kettle"],
            "link": ["https://a.example/1"],
            "description": ["Of steel"],
        }
    ]


def test_what_is_inside_elements_of_xml(tmp_path: Path) -> None:
    inside = (
        '<id>1</id><title>x</title><price currency="EUR">10</price><images><image main="1">a.jpg</image><image>b.jpg</image>'
        "</images><variant><sku>a</sku></variant><variant><sku>b</sku><size>L</size></variant>"
        "<description>New: <b>steel</b> &amp; <br/>glass</description><dc:creator>me</dc:creator>"
    )
    assert values(tmp_path, f"<products><product>{inside}</product></products>") == [
        {
            "id": ["1"],
            "title": ["x"],
            "price": ["10"],
            "price.@currency": ["EUR"],
            "images.image": ["a.jpg", "b.jpg"],
            "images.image.@main": ["1", ""],
            "variant.sku": ["a", "b"],
            "variant.size": ["", "L"],
            "description": ["New: <b>steel</b> &amp; <br>glass"],
        }
    ]


@pytest.mark.parametrize(
    ("broken", "title", "notice"),
    [
        ("a.png?v=1&width=9", "a.png?v=1&width=9", "raw & mended: 1, first in line 2"),
        ("R&D &copy; A&nbsp;B", "R&D © A\u00a0B", "raw & mended: 1, first in line 2"),
        ("Caf&eacute;", "Café", "named entities of HTML read: 1, first in line 2"),
        ("size < 5", "size < 5", "raw < mended: 1, first in line 2"),
        ("a\x0bb&#0;", "ab", "control characters left out: 2, first in line 2"),
        ("<![CDATA[R&D\x01]]>", "R&D", "control characters left out: 1, first in line 2"),
    ],
)
def test_what_is_meant_is_mended_and_noticed(tmp_path: Path, broken: str, title: str, notice: str) -> None:
    items = f"<item><g:id>1</g:id>\n<g:title>{broken}</g:title></item><item><g:id>2</g:id></item>"
    good, bad, notices = read(tmp_path, f"<rss><channel>\n{items}</channel></rss>")
    assert bad == []
    assert good == [{"id": ["1"], "title": [title]}, {"id": ["2"]}]
    assert notices[0] == notice


def test_a_mislabelled_byte_in_xml_is_mended_and_noticed(tmp_path: Path) -> None:
    item = "<item><g:id>1</g:id><g:title>Größe</g:title></item>\n".encode()
    data = b'<?xml version="1.0" encoding="UTF-8"?><rss><channel>\n' + item * 3 + item.replace("ß".encode(), b"\xdf")
    good, bad, notices = read(tmp_path, data + b"</channel></rss>")
    assert [row["title"] for row in good] == [["Größe"]] * 4 and bad == []
    assert notices == ["bytes that are not utf-8, read as cp1252: 1, first in line 5"]


BROKEN = [
    ("<item><g:id>2</g:id><b>x</item>", "line 3: the XML of this item is not well formed (mismatched tag, line 3)"),
    ("<item><g:id>2</g:id>", "line 3: <item> is not closed before the next one"),
    (
        "<item><g:id>2</g:id><![CDATA[x</item>",
        "line 3: the XML of this item is not well formed (unclosed CDATA section, line 3)",
    ),
    ("<g:id>2</g:id></item>", "line 3: an item ends here that begins nowhere: its <item> cannot be read"),
    (
        "<item>" + "<a>" * 70 + "</a>" * 70 + "<!-- x --></item>",
        "line 3: an item of more than 1,048,576 characters, or of more than 60 levels",
    ),
    (f"<item><g:id>{'x' * 1_100_000}</g:id></item>", "line 3: an item of more than 1,048,576 characters"),
    (
        f"<item><g:id>{'x' * 5_000_000}</g:id></item>",
        "line 3: an item of more than 1,048,576 characters, or of more than 60 levels",
    ),
]


@pytest.mark.parametrize(("broken", "reason"), BROKEN, ids=range(len(BROKEN)))
def test_whatever_else_is_broken_costs_that_item_alone(tmp_path: Path, broken: str, reason: str) -> None:
    one = "<item><g:id>{}</g:id><g:d><![CDATA[<item>]]></g:d></item>\n"
    document = f"<rss><channel>\n{one.format(1)}{broken}\n{one.format(3)}{one.format(4)}</channel></rss>"
    good, bad, _ = read(tmp_path, document)
    assert [row["id"] for row in good] == [["1"], ["3"], ["4"]]
    assert bad == [reason]


def test_a_comment_that_never_ends_hides_no_item(tmp_path: Path) -> None:
    one = "<item><g:id>{}</g:id></item>"
    document = f"<rss><channel>{one.format(1)}<item></channel><!--</item>{one.format(2)}</channel></rss>"
    good, bad, _ = read(tmp_path, document)
    assert [row["id"] for row in good] == [["1"], ["2"]] and len(bad) == 1


def test_a_long_comment_hides_what_is_in_it(tmp_path: Path) -> None:
    one = "<item><g:id>{}</g:id></item>\n"
    comment = f"<!-- {one.format(9) * 50_000} -->"
    good, bad, _ = read(tmp_path, f"<rss><channel>{one.format(1)}{comment}{one.format(2)}</channel></rss>")
    assert ([row["id"] for row in good], bad) == ([["1"], ["2"]], [])


def test_xml_that_is_cut_off_says_where(tmp_path: Path) -> None:
    item = "<item><g:id>1</g:id></item>\n"
    cut = "the feed ends inside this item: it was cut off"
    assert read(tmp_path, f"<rss><channel>\n{item}{item[:15]}")[1] == [f"line 3: {cut}"]
    assert read(tmp_path, f"<rss><channel>\n{item}{item}")[1] == [
        "line 4: the XML ends before </rss>: the feed was cut off"
    ]


@pytest.mark.parametrize("text", ['<!DOCTYPE rss [<!ENTITY a "aaaa">]>', '<!DOCTYPE yml_catalog SYSTEM "/etc/passwd">'])
def test_dtds_are_refused(tmp_path: Path, text: str) -> None:
    good, bad, _ = read(tmp_path, f"<rss>{text}<channel><item>{G_FIELDS}</item></channel></rss>")
    assert good == [] and bad[0].startswith("line 1: a DTD or an entity in the XML is refused")


PRODUCT = {"id": "G2", "title": "a"}


@pytest.mark.parametrize(
    "document",
    [
        [PRODUCT],
        {"products": [PRODUCT]},
        {"id": "export", "title": "All", "items": [PRODUCT]},
        {"data": {"items": [PRODUCT]}},
        {"data": {"products": {"edges": [{"cursor": "x", "node": PRODUCT}]}}},
        {"categories": [{"id": 1, "name": "c"}] * 3, "catalogue": [PRODUCT]},
        {"pages": [{"products": [PRODUCT]}]},
        PRODUCT,
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_json_documents(tmp_path: Path, document: object, indent: int | None) -> None:
    assert values(tmp_path, json.dumps(document, indent=indent)) == [{"id": ["G2"], "title": ["a"]}]


def test_what_is_inside_objects_of_json(tmp_path: Path) -> None:
    line = (
        '{"id": 12345678901234567890123, "title": "a", "price": {"value": 12.50, "currency": "EUR"}, "color": ["red", "blue"],'
        ' "sizes": [["S"], ["M"]], "media": [{"src": "a.jpg", "alt": "x"}, {"src": "b.jpg"}], "on": false, "off": null}'
    )
    wanted = {
        "id": ["12345678901234567890123"],
        "title": ["a"],
        "price.value": ["12.50"],
        "price.currency": ["EUR"],
        "color": ["red", "blue"],
        "sizes": ["S", "M"],
        "media.src": ["a.jpg", "b.jpg"],
        "media.alt": ["x", ""],
        "on": ["false"],
        "off": [""],
    }
    assert values(tmp_path, line) == values(tmp_path, f"[{line}]") == [wanted]


def test_json_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    good, bad, _ = read(tmp_path, '[{"id": "1", "title": "a"}, {"id": "2"')
    assert good == [{"id": ["1"], "title": ["a"]}]
    assert (
        len(bad) == 1 and bad[0].startswith("line 2: the JSON breaks off") and bad[0].endswith("after item 1 was read")
    )


def test_an_object_without_end_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    assert refusal(tmp_path, '[{"id": "' + "x" * 5_000_000).startswith("a single text of more than 4,194,304 bytes")
    assert refusal(tmp_path, "[" * 100_000) == "nested more than 500 deep"
    good, bad, _ = read(tmp_path, json.dumps([PRODUCT, {"id": ["x" * 1000] * 2000}, PRODUCT]))
    assert len(good) == 2 and bad == ["item 2: larger than 1,048,576 characters, or nested too deep"]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        ("", "feed.csv", "an empty file"),
        ("\ufeff \n", "feed.csv", "an empty file"),
        (
            "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
            "feed.csv",
            "an HTML page (502 Bad Gateway) and no feed; does its address ask for a login?",
        ),
        ("<html><title>Log in</title></html>", "feed.xml", "an HTML page (Log in) and no feed; does its address ask for a login?"),
        ("sku_code,label\n1,a\n", "feed.csv", "its columns name neither id nor title: sku_code, label"),
        ("Service Unavailable\nTry later\n", "feed.csv", "its columns name neither id nor title: Service Unavailable"),
        ("id,title\n", "feed.csv", "a table of the columns id, title and no row"),
        ("<rss><channel><title>s</title></channel></rss>", "feed.xml", "XML without an item: <rss> with <channel>, <title>, and no element in it has the fields of a product"),
        ("<error>x</error>", "feed.xml", "XML without an item: <error>, which is empty, and no element in it has the fields of a product"),
        ('{"error": "gone", "status": 404}', "feed.json", "its columns name neither id nor title: error, status"),
        ('{\n"error": {"code": 404}}', "feed.json", "a JSON object with error and without a list of products"),
        ("[]", "feed.json", "JSON without a list of objects: one object a product is needed"),
        (b"%PDF-1.7\n", "feed.csv", "no feed but a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "feed.xls", "no feed but an Excel file of the old kind (.xls); save it as .xlsx or CSV"),
    ],
)  # fmt: skip
def test_what_is_no_feed_is_named(tmp_path: Path, content: str | bytes, name: str, reason: str) -> None:
    assert refusal(tmp_path, content, name) == reason


@pytest.mark.django_db
def test_the_command_fails_for_what_is_no_feed(tmp_path: Path) -> None:
    path = tmp_path / "feed.csv"
    path.write_text("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>")
    with pytest.raises(CommandError, match=r"feed\.csv: an HTML page \(502 Bad Gateway\)"):
        call_command("import_products", str(path), verbosity=0)
