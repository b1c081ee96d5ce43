"""`bench photo_search`: what a search by photo takes beside its arithmetic, and the memory that it leaves in a web process."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recommender.bench.arguments import at_least_one
from recommender.bench.circumstances import circumstances
from recommender.bench.outcome import publish

SEARCHES = 1000


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--catalog", type=Path, metavar="PATH", help="a feed or a folder, as import_products takes it; default: drawn"
    )
    parser.add_argument(
        "--searches", type=at_least_one, default=SEARCHES, metavar="N", help=f"of each measurement ({SEARCHES})"
    )
    parser.add_argument("--json", type=Path, metavar="F", help="write everything that was measured")
    parser.add_argument("--markdown", type=Path, metavar="F.md", help="write the tables")


def handle(
    command: BaseCommand, *, catalog: Path | None, searches: int, json: Path | None, markdown: Path | None, **_: Any
) -> None:
    """Measure in a private database, then print the tables. Raises CommandError, also for missed targets."""
    from recommender.bench.photo_search import report

    if catalog is not None and not catalog.expanduser().exists():
        raise CommandError(f"--catalog {catalog}: there is no such file or folder")
    words = ["manage.py bench photo_search", *([f"--catalog {catalog}"] if catalog else []), f"--searches {searches}"]
    result: dict[str, Any] = {
        "command": " ".join(words),
        **circumstances(),
        "photos": "drawn" if catalog is None else f"of {catalog}",
        **_run(searches, None if catalog is None else catalog.expanduser().resolve()),
    }
    result["targets"] = report.targets(result)
    publish(command, result, report.markdown(result), json=json, markdown=markdown)


def _run(searches: int, catalogue: Path | None) -> dict[str, Any]:
    from recommender.bench.temporary import temporary_shop

    with temporary_shop() as (folder, environment):
        arguments = [sys.executable, "-m", "recommender.bench.photo_search.process", str(folder), str(searches)]
        arguments += [] if catalogue is None else [str(catalogue)]
        done = subprocess.run(arguments, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise CommandError(f"the process of the bench ended with code {done.returncode}; see above")
    result: dict[str, Any] = orjson.loads(done.stdout)
    return result
