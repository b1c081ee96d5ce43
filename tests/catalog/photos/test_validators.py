"""Asking a server whether a file has changed, on this machine's loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from catalog.photos.fetch import Fetched, FetchRefused, PhotoFetcher
from catalog.photos.validators import NOTHING, Validators
from tests.catalog.photo_server import Server, reply

DATE, LATER = "Sun, 01 Nov 2026 10:00:00 GMT", "Mon, 02 Nov 2026 10:00:00 GMT"
TAGGED = Validators('"1"', DATE, 5)
Ask = Callable[..., tuple[Fetched | None, str]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """What asking a server gives, that answers with these bytes, and the request that it got."""
    servers: list[Server] = []

    def asked(answer: bytes, known: Validators = NOTHING) -> tuple[Fetched | None, str]:
        server = Server(lambda stream, _: stream.sendall(answer))
        servers.append(server)
        fetcher = PhotoFetcher(
            resolve=lambda host, port: ["127.0.0.1"], refusal=lambda address: None, ports=[server.port], seconds=10
        )
        found = fetcher.fetch_validated(f"http://shop.example:{server.port}/a.jpg", known)
        return found, server.asked[0].decode()

    yield asked
    for server in servers:
        server.close()


def test_what_the_server_says_of_a_file_is_kept(ask: Ask) -> None:
    found, request = ask(reply("200 OK", b"photo", 'ETag: "1"', f"Last-Modified: {DATE}"))
    assert found == Fetched(b"photo", TAGGED)
    assert "If-" not in request


def test_a_server_is_asked_by_what_it_said(ask: Ask) -> None:
    found, request = ask(reply("304 Not Modified"), TAGGED)
    assert found is None
    assert 'If-None-Match: "1"\r\n' in request and f"If-Modified-Since: {DATE}\r\n" in request


def test_not_modified_unasked_is_no_photo(ask: Ask) -> None:
    with pytest.raises(FetchRefused, match="304"):
        ask(reply("304 Not Modified"), Validators(length=5))


@pytest.mark.parametrize(
    ("headers", "known", "unchanged"),
    [
        (['ETag: "1"', f"Last-Modified: {DATE}"], TAGGED, True),
        (['ETag: "1"'], TAGGED, True),
        ([], Validators(length=5), True),
        ([], Validators(length=6), False),
        (['ETag: "2"', f"Last-Modified: {DATE}"], TAGGED, False),
        (['ETag: "1"', f"Last-Modified: {LATER}"], TAGGED, False),
        (['ETag: "1"'], Validators('"1"', "", 6), False),
        ([], NOTHING, False),
    ],
)
def test_a_server_that_knows_no_conditions(ask: Ask, headers: list[str], known: Validators, unchanged: bool) -> None:
    """It answers in full; the headers show whether the body is worth reading."""
    found, _ = ask(reply("200 OK", b"photo", *headers), known)
    assert (found is None) is unchanged


def test_nothing_is_known_of_a_length_that_the_server_does_not_tell(ask: Ask) -> None:
    found, _ = ask(b"HTTP/1.1 200 OK\r\n\r\nphoto", Validators(length=5))
    assert found == Fetched(b"photo", NOTHING)


@pytest.mark.parametrize("tag", [b'"\xe4"', b'"' + b"x" * 600 + b'"', b'"\x01"'])
def test_a_tag_that_cannot_be_sent_back_counts_as_none(ask: Ask, tag: bytes) -> None:
    found, _ = ask(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: " + tag + b"\r\n\r\nphoto")
    assert found == Fetched(b"photo", Validators(length=5))
