"""Over real sockets, from an installation that stored photos only: pictures without what cameras wrote, ETags, other origins."""

from __future__ import annotations

import http.client
import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import orjson
import pytest
from django.core.files.storage import default_storage
from PIL import Image
from pytest_django import Settings

from catalog.models import ProductImage
from tests.catalog.factories import make_image, make_product
from tests.catalog.photos.test_derivatives import SECRETS, told
from tests.load.web import PROJECT, web_server
from tests.workers import process_environment

PUBLIC, PAGES = "https://shop.example.com", "https://www.example.com"
FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Running:
    url: str
    image: ProductImage

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()


@pytest.fixture
def running(transactional_db: None, settings: Settings, tmp_path: Path) -> Iterator[Running]:
    """A photo on its side, with GPS, an artist and more in it, and the server with a public address and a listed origin."""
    settings.MEDIA_ROOT = str(tmp_path / "media")
    image = make_image(make_product(title="Hat"), data=told("JPEG", orientation=6))
    environment = process_environment(WEB_PROCESSES="1", HTTPS="false", PUBLIC_URL=f"{PUBLIC}/", CORS_ORIGINS=PAGES)
    with web_server(environment, tmp_path / "log") as url:
        yield Running(url, image)


def test_pictures_and_answers_as_callers_get_them(running: Running) -> None:
    digest, product = running.image.digest, f"/api/v1/products/{running.image.product_id}/"
    assert [*Path(default_storage.path("")).iterdir()] == [Path(default_storage.path("photos"))]
    first = running.ask(product, Origin=PAGES)
    assert (first.status, first.headers["access-control-allow-origin"]) == (200, PAGES)
    assert (first.headers["cache-control"], first.headers["vary"]) == ("private, no-cache", "origin")
    (shown,) = orjson.loads(first.body)["images"]
    assert (shown["url"], shown["thumbnail"], shown["width"], shown["height"]) == (
        *(f"{PUBLIC}/media/photos/{digest}.jpg", f"{PUBLIC}/media/thumbnails/{digest}.jpg", 48, 64),
    )
    again = running.ask(product, If_None_Match=first.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert again.headers.get("content-length", str(len(first.body))) == str(len(first.body))
    head = running.ask(product, "HEAD")
    assert (head.status, head.body, head.headers["etag"]) == (200, b"", first.headers["etag"])
    old = running.ask(f"/media/{running.image.file.name}", Origin="https://anybody.example")
    assert (old.status, old.headers["location"]) == (301, f"/media/photos/{digest}.jpg")
    assert not any(secret in old.body for secret in SECRETS)
    for address in (shown["url"], shown["thumbnail"]):
        path = urlsplit(address).path
        made = running.ask(path)
        for _ in range(2):  # made just now; kept, and sent by the server as a file
            answer = running.ask(path)
            assert (answer.status, answer.body) == (200, made.body)
            assert answer.headers["cache-control"] == FOR_EVER and answer.headers["etag"] == f'"{digest}"'
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers["content-type"] == "image/jpeg"
            assert answer.headers["content-length"] == str(len(made.body))
        picture = Image.open(io.BytesIO(made.body))
        assert picture.size == (48, 64) and not picture.getexif() and not any(one in made.body for one in SECRETS)
        unchanged = running.ask(path, If_None_Match=f'"{digest}"')
        assert (unchanged.status, unchanged.body, unchanged.headers["cache-control"]) == (304, b"", FOR_EVER)
    preflight = running.ask(product, "OPTIONS", Origin=PAGES, Access_Control_Request_Method="GET")
    assert (preflight.status, preflight.headers["access-control-max-age"]) == (200, "86400")
    missing = running.ask("/api/v1/products/999999/", Origin=PAGES)
    assert (missing.status, missing.headers["cache-control"]) == (404, "no-store")
    assert missing.headers["access-control-allow-origin"] == PAGES


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PUBLIC_URL", "shop.example.com", "PUBLIC_URL is 'shop.example.com', and addresses in answers begin with it"),
        ("CORS_ORIGINS", "https://a.example,*", "CORS_ORIGINS has '*', which no browser sends as an origin"),
    ],
)
def test_the_server_does_not_begin_with_an_address_that_cannot_be_meant(name: str, value: str, said: str) -> None:
    environment = process_environment(HTTPS="false", **{name: value})
    command = [sys.executable, "-m", "config.web", "--port", "0"]
    ended = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1 and said in ended.stderr
