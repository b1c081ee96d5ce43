"""Small feeds with drawn photos on disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from django.core.management import CommandError, call_command

from tests.catalog.factories import photo_bytes

HEADER = "id,title,image_link,additional_image_link,availability,price,brand,product_type"


def write_photo(folder: Path, name: str, seed: int) -> Path:
    """A drawn photo in a file; `name` may hold folders."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photo_bytes(seed))
    return path


def write_feed(folder: Path, *rows: str, header: str = HEADER, name: str = "feed.csv") -> Path:
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def run_import(path: Path, *options: str) -> tuple[dict[str, Any], list[str], bool]:
    """The report, the problems on standard error, and whether the command succeeded."""
    out, err = StringIO(), StringIO()
    try:
        call_command("import_products", str(path), "--json", *options, stdout=out, stderr=err, verbosity=0)
    except CommandError:
        succeeded = False
    else:
        succeeded = True
    return json.loads(out.getvalue()), err.getvalue().splitlines(), succeeded


def counts(report: dict[str, Any]) -> Sequence[int]:
    """Created, updated, unchanged, photos added, photos removed, problems."""
    names = ("created", "updated", "unchanged", "photos_added", "photos_removed", "problem_count")
    return [report[name] for name in names]
