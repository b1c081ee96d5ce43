"""`bench import`: how fast feeds are read and imported, and in how much memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recommender.bench.circumstances import circumstances
from recommender.bench.importing.feeds import SHAPES, Photos, rows, write_feed
from recommender.bench.importing.report import markdown, targets
from recommender.bench.outcome import publish
from recommender.bench.temporary import temporary_shop

ROWS = 100_000
WORKERS = 2
_ENDLESS = 10**9
_BESIDE_WORKERS = 0.2  # of the rows: enough for a figure, and the workers have photos left to embed
Say = Callable[[str], object]
Measured = dict[str, Any]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--rows", type=int, default=ROWS, help="of the feeds that are imported (default %(default)s)")
    parser.add_argument(
        "--gigabytes", type=float, default=1.0, help="of the feeds that are only read (default %(default)s)"
    )
    parser.add_argument(
        "--workers", type=int, default=WORKERS, help="that embed beside one import (default %(default)s)"
    )
    parser.add_argument("--reading", action="store_true", help="read only: no import, no database")
    parser.add_argument("--json", type=Path, help="write the result to this file")
    parser.add_argument("--markdown", type=Path, help="write the report to this file")


def handle(
    command: BaseCommand, *, json: Path | None, rows: int, gigabytes: float, workers: int, reading: bool, **options: Any
) -> None:
    """Raises CommandError for sizes that cannot be, and where a target was missed."""
    if rows < 100 or gigabytes <= 0 or workers < 0:
        raise CommandError("--rows takes 100 and more, --gigabytes more than 0, --workers 0 and more")
    say = command.stderr.write
    result: Measured = circumstances() | {"gigabytes": gigabytes, "reading": _read(gigabytes, say)}
    if not reading:
        result |= {"rows": rows, "workers": workers, "importing": _import(rows, workers, say)}
    result["targets"] = targets(result)
    publish(command, result, markdown(result), json=json, markdown=options["markdown"])


def _read(gigabytes: float, say: Say) -> Measured:
    """Each shape in a process of its own, so that its peak memory is its own."""
    found: Measured = {}
    for shape in SHAPES:
        say(f"reading {gigabytes:g} GB of {shape} …")
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            path = Path(folder, f"feed.{shape}")
            write_feed(path, rows("", _ENDLESS), until=lambda size: size >= gigabytes * 1e9)
            found[shape] = _rated(_run("read", path))
    return found


def _import(count: int, workers: int, say: Say) -> Measured:
    """New and unchanged rows of CSV and XML, and new ones while workers embed, in a shop of the bench's own."""
    found: Measured = {}
    with temporary_shop() as (folder, environment):
        photos = Photos(folder / "photos")
        _run("prepare", folder, environment)
        for shape in ("csv", "xml"):
            path = folder / f"feed.{shape}"
            write_feed(path, rows(shape, count, photo=photos))
            for which in ("new", "unchanged"):
                say(f"importing {count:,} {which} rows of {shape} …")
                found[f"{shape}, {which}"] = _rated(_run("import", path, environment))
        if workers:
            path = folder / "beside.xml"
            write_feed(path, rows("beside", max(int(count * _BESIDE_WORKERS), 100), photo=photos))
            say(f"importing while {workers} workers embed …")
            with _embedding(workers, environment):
                found["xml, new, while workers embed"] = _rated(_run("import", path, environment))
    return found


def _rated(measured: Measured) -> Measured:
    return measured | {"rate": round(measured["rows"] / max(measured["seconds"], 1e-9))}


def _run(command: str, path: Path, environment: dict[str, str] | None = None) -> Measured:
    process = subprocess.run(
        [*_PROCESS, command, str(path)], cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, check=False
    )
    if process.returncode:
        raise CommandError(f"a process of the bench ended with code {process.returncode}; see above")
    measured: Measured = orjson.loads(process.stdout.splitlines()[-1])
    return measured


@contextmanager
def _embedding(workers: int, environment: dict[str, str]) -> Iterator[None]:
    """Processes that embed the photos of the shop, from when all have begun."""
    started = [
        subprocess.Popen(
            [*_PROCESS, "embed"], cwd=settings.BASE_DIR, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for _ in range(workers)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise CommandError(f"a worker of the bench ended with code {process.wait()}; see above")
        yield
    finally:
        for process in started:
            process.communicate()


_PROCESS = [sys.executable, "-m", "recommender.bench.importing.process"]
