"""A web process stays small: what it imports, and what searches by photo in all its threads at once leave in it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from recommender.bench.memory import web_memory
from recommender.encoder.store import save_encoder
from tests.catalog.factories import photo_bytes
from tests.load.web import PROJECT, web_server
from tests.recommender.compiled import compiled_encoder
from tests.recommender.search.gallery import make_space
from tests.waiting import free_port
from tests.web.caller import MULTIPART, form
from tests.workers import process_environment

MOST_MEGABYTES = 150
CALLERS, PHOTOS_EACH = 5, 4

UNNEEDED = (
    *("celery", "kombu", "scipy", "tensorflow", "keras", "pandas", "matplotlib", "sklearn", "recommender.bench"),
    *(
        "jinja2",
        "django.test",
        "drf_spectacular.plumbing",
        "sqlite3",
        "recommender.evaluation.report",
        "catalog.feeds.reading",
    ),
    *("requests", "charset_normalizer", "pygments", "opentelemetry", "babel", "ijson", "python_calamine"),
    *("pi_heif", "PIL.JpegImagePlugin", "PIL.TiffImagePlugin", "PIL.WebPImagePlugin", "catalog.photos.decoding"),
)


def test_a_web_process_imports_nothing_large_that_it_does_not_need() -> None:
    code = f"import sys, config.rsgi; print([name for name in {UNNEEDED} if sys.modules.get(name)])"
    away = {"DATABASE_URL": f"postgres://nobody@127.0.0.1:{free_port()}/nothing"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=os.environ | away, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.skipif(sys.platform != "linux", reason="the C library of other systems keeps memory otherwise")
@pytest.mark.usefixtures("transactional_db")
def test_photo_searches_by_all_threads_leave_a_web_process_below_its_bound(tmp_path: Path) -> None:
    row = save_encoder(compiled_encoder("efficientnet-lite2-int8"))
    make_space(row, dimensions=row.dimensions)
    statuses: list[int] = []
    together = threading.Barrier(CALLERS)

    def search(url: str, caller: int) -> None:
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        together.wait()
        for number in range(PHOTOS_EACH):
            photo = photo_bytes(caller * PHOTOS_EACH + number, size=(600, 400), format="JPEG")
            connection.request("POST", "/api/v1/search/image/", form(photo), {"Content-Type": MULTIPART})
            response = connection.getresponse()
            statuses.append(response.status)
            response.read()

    with web_server(process_environment(WEB_PROCESSES="1", HTTPS="false"), tmp_path / "log") as url:
        callers = [threading.Thread(target=search, args=(url, number)) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        port = urlsplit(url).port
        (server,) = {one.pid for one in psutil.Process().children() if any(str(port) == word for word in one.cmdline())}
        (memory,) = web_memory(server)
    assert statuses == [200] * CALLERS * PHOTOS_EACH
    assert memory["rss_megabytes"] <= MOST_MEGABYTES, memory
