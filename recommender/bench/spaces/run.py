"""`bench spaces`: how long the fits of a space take and how much memory, at sizes of galleries that are drawn by seed."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recommender.bench.circumstances import circumstances
from recommender.evaluation.report.tables import table

SIZES = (100_000, 1_000_000)
DIMENSIONS = 1280
MOST_MEGABYTES = 1000
STAGES = {
    "compare": "near-duplicates of held-out photos",
    "gather": "statistics, two fits at once",
    "pca": "fit pca to 256",
    "shrinkage": "choose the shrinkage of learned",
    "learned": "fit learned to 128",
    "project": "project to 128",
}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--photos", type=int, nargs="+", default=list(SIZES), metavar="N", help="sizes (default: %(default)s)"
    )
    parser.add_argument("--dims", type=int, default=DIMENSIONS, help="of the features (default %(default)s)")
    parser.add_argument("--json", type=Path, help="write the result to this file")


def handle(command: BaseCommand, *, photos: Sequence[int], dims: int, json: Path | None, **_: Any) -> None:
    """Raises CommandError for sizes that cannot be, and where a fit took more memory than it may."""
    if min(photos) < 1000 or dims < 1:
        raise CommandError("--photos takes 1000 and more, --dims 1 and more")
    result = circumstances() | run(photos, dims, say=command.stderr.write)
    command.stdout.write(shown(result))
    if json:
        json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    if result["missed"]:
        raise CommandError(f"{len(result['missed'])} targets were missed")


def run(sizes: Sequence[int], dimensions: int, *, say: Callable[[str], object]) -> dict[str, Any]:
    """Each size in a process of its own, so that its peak memory is its own: `sizes`, and the targets `missed`."""
    found = []
    for size in sizes:
        say(f"{size:,} photos of {dimensions} features …")
        command = [sys.executable, "-m", "recommender.bench.spaces.process", str(size), str(dimensions)]
        process = subprocess.run(command, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=False)
        if process.returncode:
            raise CommandError(f"the process of the bench ended with code {process.returncode}; see above")
        found.append(orjson.loads(process.stdout))
    missed = [
        f"{one['photos']:,} photos: {one['megabytes']:,.0f} MB of at most {MOST_MEGABYTES}"
        for one in found
        if one["megabytes"] >= MOST_MEGABYTES
    ]
    return {"dimensions": dimensions, "most_megabytes": MOST_MEGABYTES, "sizes": found, "missed": missed}


def shown(result: dict[str, Any]) -> str:
    sizes = result["sizes"]
    head = ["seconds", *(f"{one['photos']:,} photos" for one in sizes)]
    rows = [[words, *(f"{one['seconds'][stage]:.1f}" for one in sizes)] for stage, words in STAGES.items()]
    rows.append(["all of it", *(f"{sum(one['seconds'].values()):.1f}" for one in sizes)])
    rows.append(["peak memory of the process, MB", *(f"{one['megabytes']:,.0f}" for one in sizes)])
    about = f"Fits on drawn features of {result['dimensions']} dimensions; drawing them is not counted, and no database is asked."
    return "\n".join([about, table(head, rows), *(f"missed: {one}" for one in result["missed"])])
