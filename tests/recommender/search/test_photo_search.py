"""Photos as queries, over the API: real photos through the real encoder, a fake one where the model is not the point."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import orjson
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from numpy.typing import NDArray
from PIL import Image
from pytest_django import Settings

from catalog.photos.decoder_pool import decoder_pool
from catalog.photos.fetch import FetchFailed, FetchRefused, PhotoFetcher
from catalog.photos.reading import inspect_photo
from config.server import application
from recommender.api import photo_search
from recommender.encoder import serving
from recommender.models import Encoder, Space
from recommender.projection.apply import project_query
from tests.catalog.factories import photo_bytes
from tests.catalog.photo_server import Server, reply
from tests.catalog.photos.files import grey_tiff, many_scans, tile_tiff
from tests.recommender.search.gallery import Shop, make_space, unit
from tests.web.caller import MULTIPART, form
from tests.web.rsgi import Answer, Sent, asked, running

URL = "/api/v1/search/image/"
RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)


class ColourEncoder:
    """Features are the mean colour and a constant, 8 numbers."""

    side, dimensions, pooling, recipe = 8, 8, "mean", 1

    def __init__(self) -> None:
        self.photos = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def maps(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return self.features(pixels)[None, None, :]

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.photos += 1
        self.meanwhile()
        return colour(pixels.reshape(-1, 3).mean(axis=0))


def colour(rgb: Any) -> NDArray[np.float32]:
    vector = np.zeros(8, np.float32)
    vector[:3] = np.asarray(rgb) / 255
    return vector


@pytest.fixture
def encoder() -> Iterator[ColourEncoder]:
    encoder = ColourEncoder()
    with serving.injected(encoder):
        yield encoder


@pytest.fixture
def colours(shop: Shop) -> dict[str, int]:
    return {
        name: shop.add(unit(colour(rgb)), brand=name).pk
        for name, rgb in (("red", RED), ("green", GREEN), ("blue", BLUE))
    }


def ask(client: Client, data: bytes | None, name: str = "photo.png", query: str = "", **fields: str) -> Any:
    files = {} if data is None else {"image": SimpleUploadedFile(name, data)}
    return client.post(URL + query, {**files, **fields})


def halves(left: tuple[int, int, int], right: tuple[int, int, int]) -> bytes:
    image = Image.new("RGB", (80, 40), left)
    image.paste(right, (40, 0, 80, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def problem(response: Any, status: int, parameter: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body.get("parameter")) == (status, status, parameter), body
    assert response.headers["Content-Type"] == "application/problem+json"
    return body


def products(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [result["product"]["id"] for result in response.json()["results"]]


def test_a_photo_finds_its_colour(client: Client, colours: dict[str, int], encoder: ColourEncoder) -> None:
    data = photo_bytes(colour=GREEN)
    response = ask(client, data, limit="2")
    assert products(response)[0] == colours["green"] and len(products(response)) == 2
    body = response.json()
    assert body["query"] == {"sha256": hashlib.sha256(data).hexdigest(), "crop": None}
    assert list(body) == ["status", "space", "exact", "fallback", "confidence_basis", "took_ms", "query", "results"]
    assert body["results"][0]["score"] == pytest.approx(1, abs=0.01)


def test_filters_stand_in_form_or_query_string(client: Client, colours: dict[str, int], encoder: ColourEncoder) -> None:
    data = photo_bytes(colour=GREEN)
    assert products(ask(client, data, brand="red")) == [colours["red"]]
    assert products(ask(client, data, query="?brand=blue")) == [colours["blue"]]
    problem(ask(client, data, query="?limit=3", limit="4"), 400, "limit")
    problem(ask(client, data, colour="red"), 400, "colour")


def test_a_crop_is_what_is_looked_at(client: Client, colours: dict[str, int], encoder: ColourEncoder) -> None:
    data = halves(RED, BLUE)
    left, right = ask(client, data, crop="0,0,0.5,1"), ask(client, data, crop="0.5,0,0.5,1.0004")
    assert products(left)[0] == colours["red"] and products(right)[0] == colours["blue"]
    assert right.json()["query"]["crop"] == [0.5, 0.0, 0.5, 1.0]
    for crop in ("0,0,1", "a,b,c,d", "0.5,0,0.6,1", "-0.1,0,1,1", "0,0,0,1", "nan,0,1,1", "0,0,1,inf"):
        problem(ask(client, data, crop=crop), 400, "crop")


def test_the_same_photo_is_encoded_once(client: Client, colours: dict[str, int], encoder: ColourEncoder) -> None:
    data = photo_bytes(colour=RED)
    first, second = ask(client, data), ask(client, data, limit="1")
    assert (products(first)[:1], encoder.photos) == (products(second), 1)
    ask(client, data, crop="0,0,0.5,0.5")
    ask(client, photo_bytes(colour=BLUE))
    assert encoder.photos == 3
    Encoder.objects.update(sha256="e" * 64)
    from recommender.spaces import active as spaces

    spaces.forget_active_space()
    ask(client, data)
    assert encoder.photos == 4


def test_what_is_no_photo(client: Client, colours: dict[str, int], encoder: ColourEncoder, settings: Settings) -> None:
    assert problem(ask(client, b"<html>" + b"x" * 200), 415)["reason"] == "not_an_image"
    assert problem(ask(client, b""), 415)["reason"] == "not_an_image"
    whole = photo_bytes(seed=4, size=(300, 300), format="JPEG")
    assert problem(ask(client, whole[: len(whole) // 2]), 422)["reason"] == "truncated"
    problem(ask(client, None), 400, "image")
    problem(client.post(URL, {"image": "text, no file"}), 400, "image")
    settings.MAX_PHOTO_PIXELS = 1000
    assert problem(ask(client, photo_bytes(size=(64, 48))), 413)["reason"] == "bomb"
    assert encoder.photos == 0


def test_photos_that_decoders_cannot_take(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, settings: Settings
) -> None:
    answer = problem(ask(client, many_scans(4992, 2500)), 413)
    assert (answer["reason"], "more than 100 scans" in answer["detail"]) == ("bomb", True)
    assert problem(ask(client, tile_tiff(side=20_000)), 413)["reason"] == "bomb"
    grey = np.full((16, 16), 4095, np.uint16)
    assert problem(ask(client, grey_tiff(grey, bits=14)), 415)["reason"] == "unsupported"
    assert ask(client, grey_tiff(grey, bits=12)).status_code == 200
    assert ask(client, grey_tiff(grey.astype(np.uint32) << 20, bits=32)).status_code == 200
    assert encoder.photos == 2


def test_a_photo_for_which_there_is_no_time_may_come_again(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, settings: Settings
) -> None:
    decoder_pool().close()
    inspect_photo(io.BytesIO(photo_bytes()))
    (pid,) = decoder_pool().processes()
    os.kill(pid, signal.SIGSTOP)
    settings.PHOTO_SECONDS = 0.2
    answer = ask(client, photo_bytes(colour=RED))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    settings.PHOTO_SECONDS = 5.0
    assert ask(client, photo_bytes(colour=RED)).status_code == 200


def test_two_photos_are_one_too_many(client: Client, colours: dict[str, int], encoder: ColourEncoder) -> None:
    files = [SimpleUploadedFile(f"{i}.png", photo_bytes(i)) for i in range(2)]
    problem(client.post(URL, {"image": files}), 400, "image")


def test_a_photo_that_is_too_large_is_refused_before_and_while_it_is_read(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, settings: Settings
) -> None:
    settings.MAX_PHOTO_BYTES = 100_000
    problem(ask(client, b"x" * 300_000), 413, "image")  # by its announced length
    problem(ask(client, b"x" * 120_000), 413, "image")  # announced as little more than a form may have
    response = client.generic("POST", URL, b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="")
    problem(response, 411)
    assert encoder.photos == 0


def test_bodies_that_are_not_taken(client: Client, colours: dict[str, int], encoder: ColourEncoder) -> None:
    problem(client.post(URL, photo_bytes(), content_type="image/png"), 415)
    problem(client.post(URL, b"{}", content_type="application/json"), 400, "image_url")
    problem(client.post(URL, b"{", content_type="application/json"), 400)
    problem(client.get(URL), 405)
    problem(client.post(URL, b"--x--", content_type="multipart/form-data; boundary=\xff"), 400)


def test_a_photo_by_url(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fetched(url: str) -> bytes:
        asked.append(url)
        if "gone" in url:
            raise FetchRefused("http_status", "shop.example answered 404")
        if "huge" in url:
            raise FetchRefused("too_large", "the photo is larger than 20 MB")
        if "slow" in url:
            raise FetchFailed("shop.example broke off")
        return photo_bytes(colour=BLUE)

    def post(url: object, **more: object) -> Any:
        body = orjson.dumps({"image_url": url, **more})
        return client.post(URL, body, content_type="application/json")

    monkeypatch.setattr(photo_search, "fetch_photo", fetched)
    response = post("https://shop.example/blue.png", limit=1, crop=[0, 0, 1, 1])
    assert products(response) == [colours["blue"]] and asked == ["https://shop.example/blue.png"]
    assert response.json()["query"]["crop"] == [0, 0, 1, 1]
    problem(post("https://shop.example/gone.png"), 400, "image_url")
    problem(post("https://shop.example/huge.png"), 413, "image_url")
    problem(post("https://shop.example/slow.png"), 502, "image_url")
    problem(post(5), 400, "image_url")


def test_a_url_that_redirects_to_no_url_is_a_bad_parameter(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(lambda stream, request: stream.sendall(reply("302 Found", b"", "Location: http://[1/x.jpg")))
    fetcher = PhotoFetcher(
        resolve=lambda host, port: ["127.0.0.1"], refusal=lambda address: None, ports=[80, 443, server.port]
    )
    monkeypatch.setattr(photo_search, "fetch_photo", fetcher.fetch)
    body = orjson.dumps({"image_url": f"http://shop.example:{server.port}/a.jpg"})
    problem(client.post(URL, body, content_type="application/json"), 400, "image_url")
    assert len(server.asked) == 1
    server.close()


@pytest.mark.django_db(transaction=True)
def test_slow_servers_of_photos_deny_no_upload(encoder: ColourEncoder, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(make_space())
    red = shop.add(unit(colour(RED)))
    leave = threading.Event()

    def hang(stream: socket.socket, request: bytes) -> None:
        leave.wait(60)

    slow = Server(hang)
    fetcher = PhotoFetcher(resolve=lambda host, port: ["127.0.0.1"], refusal=lambda address: None, ports=[slow.port])
    monkeypatch.setattr(photo_search, "fetch_photo", fetcher.fetch)
    by_url = Sent(
        URL,
        "POST",
        pairs=[("Content-Type", "application/json")],
        chunks=[orjson.dumps({"image_url": f"http://shop.example:{slow.port}/a.jpg"})],
    )
    photo = form(photo_bytes(colour=RED))
    upload = Sent(URL, "POST", pairs=[("Content-Type", MULTIPART)], chunks=[photo])

    async def ask_all(server: application.Server) -> tuple[list[int], list[Answer]]:
        waiting = [asyncio.create_task(asked(server, by_url)) for _ in range(20)]
        while not slow.asked:
            await asyncio.sleep(0.01)
        uploads = await asyncio.gather(*(asked(server, upload) for _ in range(20)))
        leave.set()
        return [answer.status for answer in await asyncio.gather(*waiting)], uploads

    with running(WSGIHandler()) as (loop, server):
        by_urls, uploads = loop.run(asyncio.wait_for(ask_all(server), 60))
    slow.close()
    assert [json.loads(answer.body)["results"][0]["product"]["id"] for answer in uploads] == [red.pk] * 20
    assert by_urls == [502] * 20 and len(slow.asked) == 20


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/x.png", "http://[::1]/x.png", "file:///etc/passwd", "http://169.254.169.254/"]
)
def test_addresses_of_our_own_network_are_not_asked(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, url: str
) -> None:
    response = client.post(URL, orjson.dumps({"image_url": url}), content_type="application/json")
    problem(response, 400, "image_url")


def test_the_answer_tells_no_name_of_our_own_network(
    client: Client, colours: dict[str, int], encoder: ColourEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name at a private address and a name that nobody knows are answered alike, and no address is named."""

    def resolve(host: str, port: int) -> list[str]:
        if host == "known.internal":
            return ["10.20.30.40"]
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(photo_search, "fetch_photo", PhotoFetcher(resolve=resolve).fetch)
    answers = []
    for host in ("known.internal", "unknown.internal"):
        body = orjson.dumps({"image_url": f"http://{host}/a.jpg"})
        response = client.post(URL, body, content_type="application/json")
        problem(response, 400, "image_url")
        answers.append(response.content)
    assert answers[0] == answers[1] and b"10.20.30.40" not in answers[0]


def test_a_photo_of_the_shop_finds_itself_through_the_real_encoder(client: Client, compiled_lite0: Encoder) -> None:
    encoder = serving.encoder_for(compiled_lite0)
    shop = Shop(make_space(compiled_lite0, dimensions=compiled_lite0.dimensions))
    pictures = [photo_bytes(seed, size=(256, 256)) for seed in range(6)]
    from recommender.encoder.preprocess import photo_to_pixels

    pixels = [photo_to_pixels(io.BytesIO(data), side=encoder.side, recipe=encoder.recipe) for data in pictures]
    added = [shop.add(project_query(shop.space, encoder.features(each))) for each in pixels]
    for data, product in zip(pictures, added, strict=True):
        body = ask(client, data).json()
        assert body["results"][0]["product"]["id"] == product.pk
        assert body["results"][0]["score"] == pytest.approx(1, abs=1e-3)
    assert Space.objects.get().dimensions == 1280
