"""Callers that never finish sending, beside callers who do: the shipped server, over real sockets, with a real encoder."""

from __future__ import annotations

import http.client
import io
import time
from pathlib import Path
from urllib.parse import urlsplit

from recommender.encoder import serving
from recommender.encoder.preprocess import photo_to_pixels
from recommender.models import Encoder
from recommender.projection.apply import project_query
from tests.catalog.factories import photo_bytes
from tests.load.web import web_server
from tests.recommender.search.gallery import Shop, make_space
from tests.web.caller import MULTIPART, Caller, form
from tests.workers import process_environment

HANGING = 100
PHOTO_SEARCH = "/api/v1/search/image/"


def test_half_sent_bodies_hold_nobody_else(transactional_db: None, compiled_lite0: Encoder, tmp_path: Path) -> None:
    encoder = serving.encoder_for(compiled_lite0)
    shop = Shop(make_space(compiled_lite0, dimensions=compiled_lite0.dimensions))
    photos = [photo_bytes(seed, size=(256, 256)) for seed in range(4)]
    pixels = [photo_to_pixels(io.BytesIO(photo), side=encoder.side, recipe=encoder.recipe) for photo in photos]
    products = [shop.add(project_query(shop.space, encoder.features(each))).pk for each in pixels]
    environment = process_environment(WEB_PROCESSES="1", HTTPS="false", BODY_SECONDS="60")

    def ask(method: str, path: str, body: bytes | None, content_type: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        connection.request(method, path, body, {"Content-Type": content_type, "Host": "localhost"})
        response = connection.getresponse()
        return response.status, response.read()

    requests = [("GET", f"/api/v1/products/{products[0]}/similar/?limit={limit}", None, "") for limit in range(1, 4)]
    requests += [("POST", PHOTO_SEARCH, form(photo), MULTIPART) for photo in photos[:3]]
    requests += [("GET", "/healthz", None, "")] * 3
    with web_server(environment, tmp_path / "log") as url:
        assert ask("POST", PHOTO_SEARCH, form(photos[3]), MULTIPART)[0] == 200  # the encoder is loaded
        hanging = [Caller(url) for _ in range(HANGING)]
        for number, one in enumerate(hanging):
            path = ("/api/v1/recommendations/", PHOTO_SEARCH, "/admin/login/", "/healthz")[number % 4]
            one.send(path, b"{", f"Content-Type: {MULTIPART}", "Content-Length: 9")
        for request in requests:
            began = time.monotonic()
            status, body = ask(*request)
            assert (status, time.monotonic() - began < 1) == (200, True), (request[:2], body)
        for one in hanging:
            one.socket.close()
