"""Files over real sockets: what the shipped server sends is what Django alone would answer, byte for byte."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from catalog.storage_names import derivative_path
from tests.load.web import web_server
from tests.workers import process_environment

PHOTO = bytes(range(256)) * 3000
DIGEST = "ab" + "c" * 62
SCRIPT = b"look(alike);\n" * 5000
OF_THE_CONNECTION = {"date", "server", "x-request-id", "connection", "transfer-encoding"}
PHOTO_URL, SCRIPT_URL = f"/media/photos/{DIGEST}.jpg", "/static/look.js"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`media` with a photo, `static` with a script and its compressed form."""
    folder = tmp_path_factory.mktemp("files")
    photo = folder / "media" / derivative_path(DIGEST, "jpg")
    photo.parent.mkdir(parents=True)
    photo.write_bytes(PHOTO)
    (folder / "static").mkdir()
    (folder / "static" / "look.js").write_bytes(SCRIPT)
    (folder / "static" / "look.js.gz").write_bytes(gzip.compress(SCRIPT))
    return folder


@pytest.fixture(scope="module")
def web(django_db_setup: None, folder: Path) -> Iterator[str]:
    environment = process_environment(
        WEB_PROCESSES="1", HTTPS="false", MEDIA_ROOT=str(folder / "media"), STATIC_ROOT=str(folder / "static")
    )
    with web_server(environment, folder / "log") as url:
        yield url


@pytest.fixture
def django(folder: Path, settings: Settings) -> Client:
    settings.MEDIA_ROOT, settings.STATIC_ROOT = str(folder / "media"), str(folder / "static")
    settings.ALLOWED_HOSTS = ["localhost"]
    return Client(enforce_csrf_checks=True, headers={"host": "localhost"})


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Accept-Encoding": "gzip"},
        {"Range": "bytes=5-9"},
        {"Range": "bytes=-7"},
        {"Range": "bytes=60000-"},
        {"Range": "bytes=99999999-"},
        {"If-None-Match": f'"{DIGEST}"'},
        {"If-Modified-Since": formatdate(4_000_000_000, usegmt=True)},
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", [PHOTO_URL, SCRIPT_URL, "/api/v1/none/", "/healthz"])
def test_a_file_is_sent_as_django_answers_it(
    web: str, django: Client, path: str, method: str, headers: dict[str, str]
) -> None:
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=20)
    connection.request(method, path, headers=headers | {"Host": "localhost"})
    sent = connection.getresponse()
    body = sent.read()
    answer = django.generic(method, path, headers=headers)
    expected = content(answer)
    assert (sent.status, body) == (answer.status_code, expected)
    ours = {name.lower(): value for name, value in sent.getheaders()}
    theirs = {name.lower(): value for name, value in answer.items()}
    if sent.status in (304, 416):  # servers may say how long nothing is, or not
        ours.pop("content-length", None)
        theirs.pop("content-length", None)
    elif method == "HEAD":
        theirs["content-length"] = str(len(content(django.get(path, headers=headers))))
    else:
        theirs.setdefault("content-length", str(len(expected)))
    assert {name: ours[name] for name in ours.keys() - OF_THE_CONNECTION} == {
        name: theirs[name] for name in theirs.keys() - OF_THE_CONNECTION
    }


def test_a_slow_reader_of_files_holds_no_thread(web: str) -> None:
    slow = []
    for _ in range(20):
        connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=20)
        connection.request("GET", PHOTO_URL, headers={"Host": "localhost"})
        slow.append(connection)
    connection = http.client.HTTPConnection(urlsplit(web).netloc, timeout=20)
    connection.request("GET", PHOTO_URL, headers={"Host": "localhost"})
    assert connection.getresponse().read() == PHOTO
    assert [connection.getresponse().read() == PHOTO for connection in slow] == [True] * 20
