"""What every test shares: photos in a temporary folder, an empty Redis database of the tests' own, real workers."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import hypothesis
import pytest
import redis
from pytest_django import DjangoDbBlocker, Settings
from xdist.remote import Producer

from config import settings as shipped
from tests.catalog import factories
from tests.database import forget_statistics, make_quick
from tests.schedule import FilesTogether, place
from tests.workers import CeleryWorker, process_environment

# No deadline: the machine may be busy. `make fuzz` looks longer, at new cases each time.
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=5000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))


@pytest.hookimpl(trylast=True)  # pytest-django has put tests that need no fresh database before those that do
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first; the others stay in their order."""
    items.sort(key=place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FilesTogether | None:
    return FilesTogether(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is imported and collected stays to the end: looking through it for garbage again and again was a tenth of the run."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.hookimpl(tryfirst=True)  # before the test's own transaction begins
def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("django_db") or {"db", "transactional_db"} & {*getattr(item, "fixturenames", ())}:
        forget_statistics()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        make_quick()


@pytest.fixture(autouse=True)
def media_in_a_temporary_folder(settings: Settings, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "media")


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Settings) -> None:
    """The hash of production is slow on purpose: a third of a second for each admin that a test logs in."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]


@pytest.fixture(autouse=True)
def factories_from_the_beginning() -> None:
    factories.number_anew()


@pytest.fixture(autouse=True)
def static_files_as_they_lie(settings: Settings) -> None:
    """Pages render without `collectstatic`, which names files by their content."""
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def empty_redis(settings: Settings) -> Iterator[None]:
    """Each test worker has a database of its own, see tests.local_servers; a running demo's is left alone."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushdb()
    yield
    client.flushdb()
    client.close()


@pytest.fixture(autouse=True)
def patience_with_redis(settings: Settings) -> None:
    """On a busy machine Redis may answer later than an answer waits for it, which matters to tests of that time-out alone."""
    settings.REDIS_TIMEOUT_SECONDS = 10.0


@pytest.fixture
def shipped_redis_timeout(settings: Settings, patience_with_redis: None) -> None:
    """For tests in which Redis hangs: who asks waits for it as long as in production."""
    settings.REDIS_TIMEOUT_SECONDS = shipped.REDIS_TIMEOUT_SECONDS


@pytest.fixture
def server_folder() -> Iterator[Path]:
    """For servers' data. Not tmp_path: each pytest session shuts that to other users, root's PostgreSQL among them."""
    with TemporaryDirectory(prefix="lookalike-test-") as folder:
        yield Path(folder)


@pytest.fixture
def celery_worker_factory(
    transactional_db: None, media_in_a_temporary_folder: None, empty_redis: None, tmp_path: Path
) -> Iterator[Callable[..., CeleryWorker]]:
    """`make(processes=1, **environment)` starts a real worker process on the test database; all are killed at the end."""
    workers: list[CeleryWorker] = []

    def make(*, processes: int = 1, **environment: str) -> CeleryWorker:
        name = f"worker{len(workers)}"
        worker = CeleryWorker(
            environment=process_environment(**environment),
            log=tmp_path / f"{name}.log",
            processes=processes,
            name=name,
        )
        workers.append(worker)
        worker.start()
        return worker

    yield make
    for worker in workers:
        worker.kill()


@pytest.fixture
def celery_worker_process(celery_worker_factory: Callable[..., CeleryWorker]) -> CeleryWorker:
    """One real Celery worker process, consuming: see tests.workers.CeleryWorker (stop, kill, kill_child, start, log)."""
    return celery_worker_factory()
