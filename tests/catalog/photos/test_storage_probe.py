"""`/readyz` learns whether storage can be written and read, at next to no cost and without leaving files."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.test import Client

from catalog.photos import storage_probe
from catalog.photos.storage import WholeFileStorage
from catalog.photos.storage_probe import StorageProbe, written_and_read
from tests.catalog.photos.failing_storage import failing
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    storage_probe.forget()
    yield
    storage_probe.forget()


def files(settings: Any) -> list[str]:
    return [path.name for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


class CountingStorage(WholeFileStorage):
    """Counts what it is asked to save; waits for `gate` first."""

    saved = 0
    gate = threading.Event()

    def _save(self, name: str, content: Any) -> str:
        type(self).saved += 1
        assert self.gate.wait(30)
        return super()._save(name, content)


@pytest.fixture
def counting(settings: Any) -> Iterator[type[CountingStorage]]:
    CountingStorage.saved = 0
    CountingStorage.gate.set()
    backend = {"BACKEND": "tests.catalog.photos.test_storage_probe.CountingStorage"}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    yield CountingStorage
    CountingStorage.gate.set()


def test_a_storage_that_works_is_asked_once_in_a_while_and_left_clean(counting: Any, settings: Any) -> None:
    probe = StorageProbe()
    assert [probe.trouble() for _ in range(1000)] == [""] * 1000
    assert (counting.saved, files(settings)) == (1, [])


@pytest.mark.parametrize(
    ("at", "error", "said"),
    [
        ("save", "EROFS", "cannot be written: Read-only file system"),
        ("save", "ENOSPC", "cannot be written: No space left on device"),
        ("exists", "Elsewhere", "cannot be asked: Elsewhere"),
        ("open", "EACCES", "cannot be read: Permission denied"),
        ("delete", "EROFS", "cannot be deleted from: Read-only file system"),
    ],
)
def test_what_fails_is_said_without_paths_and_seen_to_end(settings: Any, at: str, error: str, said: str) -> None:
    whole, probe = settings.STORAGES, StorageProbe()
    failing(settings, at, error=error)
    assert probe.trouble() == said
    settings.STORAGES = whole
    wait_until(lambda: not probe.trouble(), what="seeing that the trouble is over")
    assert files(settings) == []


def test_files_do_not_pile_up_where_deleting_fails(settings: Any) -> None:
    failing(settings, "delete")
    assert {written_and_read() for _ in range(5)} == {"cannot be deleted from: Read-only file system"}
    assert len(files(settings)) == 1


def test_django_s_own_storages_will_do(settings: Any) -> None:
    for backend in ("FileSystemStorage", "InMemoryStorage"):
        name = f"django.core.files.storage.{backend}"
        settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": name}}
        assert [written_and_read() for _ in range(3)] == ["", "", ""]
        assert default_storage.listdir("probes") == ([], [])


def test_a_media_folder_that_is_a_file(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = str(tmp_path / "a-file")
    Path(settings.MEDIA_ROOT).write_text("not a folder")
    said = written_and_read()
    assert said.startswith("cannot be written: ") and str(tmp_path) not in said


def test_a_storage_that_hangs_holds_nobody_for_long(counting: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage_probe, "PATIENCE_SECONDS", 0.2)
    counting.gate.clear()
    probe = StorageProbe()
    assert probe.trouble() == "does not answer within 0.2 s"
    began = time.monotonic()
    assert {probe.trouble() for _ in range(50)} == {"does not answer within 0.2 s"}
    assert time.monotonic() - began < 2 and counting.saved == 1
    counting.gate.set()
    wait_until(lambda: not probe.trouble(), what="seeing the storage's answer")
    assert counting.saved == 1


@pytest.mark.django_db
def test_readyz_names_storage(client: Client, settings: Any) -> None:
    assert client.get("/readyz").json()["checks"]["storage"] == "ok"
    storage_probe.forget()
    failing(settings, "save")
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "storage" in answer.json()["missing"]
    assert answer.json()["checks"]["storage"] == "cannot be written: Read-only file system"
    assert client.get("/healthz").status_code == 200
