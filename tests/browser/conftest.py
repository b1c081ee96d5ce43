"""A shop with drawn products, served by the shipped web server, embedded by a real worker, seen with Chromium."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Page, sync_playwright
from pytest_django import Settings

from catalog.derivatives import SMALL_SIDES
from catalog.models import ProductImage
from catalog.photos.thumbnails import small_picture_bytes
from recommender.encoder.store import save_encoder
from recommender.index import lifecycle
from recommender.index.registry import vector_index
from recommender.models import EmbeddingJob, Space
from recommender.pipeline import embed
from recommender.spaces.first import ensure_first_space
from tests.load.web import web_server
from tests.recommender.compiled import compiled_encoder
from tests.recommender.pipeline.conftest import drop_partitions
from tests.recommender.search.calibrations import linear_calibration
from tests.waiting import wait_until
from tests.workers import CeleryWorker, process_environment

PROJECT = Path(__file__).resolve().parent.parent.parent
PRODUCTS = 48
COLOUR_DIMENSIONS = 32
PHOTO_SECONDS = 60.0  # on a busy machine a decoder may get little of the processor
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Root needs no sandbox; nothing may look for the world outside.
ARGUMENTS = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
--disable-component-update --disable-sync --disable-dev-shm-usage""".split()


@dataclass(frozen=True)
class Shop:
    """`url` of the shop; its pictures lie in `folder`/images."""

    url: str
    folder: Path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH (Debian: apt-get install chromium)")
    # Playwright keeps an event loop in this thread, in which Django would refuse its own database calls.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a fresh profile. A script's error, or an answer of 500, fails the test."""
    with chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB") as context:
        page = context.new_page()
        page.set_default_timeout(10_000)
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on(
            "console", lambda message: wrong.append(message.text) if "Content Security Policy" in message.text else None
        )
        page.on("response", lambda response: wrong.append(response.url) if response.status >= 500 else None)
        yield page
        assert wrong == []


@pytest.fixture(scope="session")
def drawn_catalogue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    call_command("draw_catalogue", folder, products=PRODUCTS, side=256, verbosity=0)
    return folder


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static")
    environment = os.environ | {"STATIC_ROOT": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, timeout=120)
    return folder


@pytest.fixture(scope="module")
def server(
    django_db_setup: None, static_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path]]:
    """The URL of the shipped web server, which the tests of a file share, and the folder of the photos that it serves."""
    folder = tmp_path_factory.mktemp("web")
    media = folder / "media"
    environment = process_environment(
        HTTPS="false",
        WEB_PROCESSES="1",
        STATIC_ROOT=str(static_files),
        MEDIA_ROOT=str(media),
        PHOTO_SECONDS=str(PHOTO_SECONDS),
    )
    with web_server(environment, folder / "log") as url:
        yield url, media


@pytest.fixture
def web(server: tuple[str, Path], transactional_db: None, settings: Settings) -> str:
    """The URL of the web server, over no products yet."""
    url, media = server
    settings.MEDIA_ROOT, settings.PHOTO_SECONDS = str(media), PHOTO_SECONDS
    return url


@pytest.fixture
def shop(web: str, drawn_catalogue: Path, celery_worker_factory: Callable[..., CeleryWorker]) -> Iterator[Shop]:
    """Products with photos that a worker has embedded, and embeds on."""
    ensure_first_space(encoder=save_encoder(compiled_encoder("efficientnet-lite0")))
    _embedded(drawn_catalogue, celery_worker_factory)
    yield Shop(web, drawn_catalogue)
    drop_partitions()


@pytest.fixture
def coloured_shop(
    web: str, drawn_catalogue: Path, celery_worker_factory: Callable[..., CeleryWorker]
) -> Iterator[Shop]:
    """The same in a space of shape and colour, whose weight is .18."""
    _active_space()
    _embedded(drawn_catalogue, celery_worker_factory)
    yield Shop(web, drawn_catalogue)
    drop_partitions()


@pytest.fixture
def embedded_shop(web: str, drawn_catalogue: Path) -> Iterator[Shop]:
    """The same for who asks the API alone: embedded here, without a worker, and no thumbnail is made yet."""
    _active_space()
    call_command("import_products", drawn_catalogue / "products.csv", verbosity=0)
    embed.work(seconds=60)
    assert not EmbeddingJob.objects.exclude(state=EmbeddingJob.State.DONE).exists()
    yield Shop(web, drawn_catalogue)
    drop_partitions()


def _active_space() -> None:
    encoder = save_encoder(compiled_encoder("efficientnet-lite0"))
    matrix = np.random.default_rng(0).normal(size=(encoder.colour_bins, COLOUR_DIMENSIONS)).astype(np.float32)
    space = Space.objects.create(
        name="browsed",
        encoder=encoder,
        projection=Space.Kind.NONE,
        dimensions=encoder.dimensions + COLOUR_DIMENSIONS,
        colour_dimensions=COLOUR_DIMENSIONS,
        colour_weight=0.18,
        colour_matrix=matrix.tobytes(),
        state=Space.State.ACTIVE,
        fit_summary={"photos": 0},
        calibration=linear_calibration().as_json(),
    )
    lifecycle.create(space)
    vector_index().build(space=space)


def _imported(catalogue: Path) -> None:
    """The products of the catalogue, their thumbnails made: where many are to be made at once, some are answered with 503."""
    call_command("import_products", catalogue / "products.csv", verbosity=0)
    for digest in ProductImage.objects.values_list("digest", flat=True).distinct():
        for side in SMALL_SIDES[:2]:  # the drawn photos are no larger
            assert small_picture_bytes(digest, side)


def _embedded(catalogue: Path, workers: Callable[..., CeleryWorker]) -> None:
    """The products of the catalogue, every photo embedded by a worker."""
    _imported(catalogue)
    workers(processes=2)
    left = EmbeddingJob.objects.exclude(state=EmbeddingJob.State.DONE)
    wait_until(lambda: not left.exists(), seconds=60, what="the embedding of all photos")
    assert EmbeddingJob.objects.count() == len(list((catalogue / "images").iterdir())) + _shared_photos()


def _shared_photos() -> int:
    """Variants share photos: rows of the gallery beyond the files."""
    rows = ProductImage.objects.count()
    return rows - ProductImage.objects.values("digest").distinct().count()
