"""A web process is prepared when it takes its first request, and takes requests also where that was not possible."""

from __future__ import annotations

import http.client
import io
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from recommender.encoder import serving
from recommender.encoder.preprocess import photo_to_pixels
from recommender.encoder.store import save_encoder
from recommender.models import Encoder
from tests.catalog.factories import photo_bytes
from tests.load.web import PROJECT, web_server
from tests.recommender.compiled import compiled_encoder
from tests.recommender.search.gallery import Shop, make_space, unit
from tests.waiting import free_port
from tests.web.caller import MULTIPART, form
from tests.workers import process_environment

IMPORT = "import sys, config.rsgi; print('recommender.api.similar' in sys.modules)"


@pytest.mark.usefixtures("transactional_db")
def test_the_first_photo_finds_an_encoder_and_a_decoder(tmp_path: Path) -> None:
    row = save_encoder(compiled_encoder("efficientnet-lite0"))
    encoder, photo = serving.encoder_for(row), photo_bytes(1, size=(256, 256))
    shop = Shop(make_space(row, dimensions=row.dimensions))
    shop.add(
        unit(
            encoder.features(photo_to_pixels(io.BytesIO(photo), side=encoder.side, recipe=encoder.recipe))[
                : row.dimensions
            ]
        )
    )
    environment = process_environment(WEB_PROCESSES="1", HTTPS="false")
    with web_server(environment, tmp_path / "log") as url:
        assert len(_decoders_of_children()) == 1
        Encoder.objects.update(compiled=b"", sha256="gone")  # what was not loaded by now cannot be loaded
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        connection.request("POST", "/api/v1/search/image/", form(photo), {"Content-Type": MULTIPART})
        response = connection.getresponse()
        assert (response.status, response.read()[:1]) == (200, b"{")


def test_without_postgres_the_views_are_ready_and_the_log_says_what_is_not() -> None:
    away = {"DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_port()}/nothing"}
    command = [sys.executable, "-c", IMPORT]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | away, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert done.stderr.count("nothing is prepared for the first photo search of this process: ") == 1


def _decoders_of_children() -> list[psutil.Process]:
    """The decoders of processes that this one started; those of its own do not count."""
    others = [one for one in psutil.Process().children(recursive=True) if one.ppid() != os.getpid()]
    return [one for one in others if "catalog.photos.decoder_process" in one.cmdline()]
