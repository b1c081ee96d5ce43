"""`bench relevance` from a feed to its report, in a shop of its own."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from catalog.models import Product
from recommender.models import Encoder

CONTESTANTS = ["histogram", "unframed", "plain", "first", "pca", "pca+colour"]


def databases() -> set[str]:
    """Those that this process made for a bench."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"bench_{os.getpid()}_"])
        return {name for (name,) in cursor.fetchall()}


def test_a_catalogue_is_measured_from_its_feed_to_the_report(
    transactional_db: None, compiled_lite2_int8: Encoder, tmp_path: Path
) -> None:
    folder, out, errors = tmp_path / "drawn", StringIO(), StringIO()
    call_command("draw_catalogue", str(folder), products=48, side=96, verbosity=0)
    files = {name: tmp_path / f"relevance.{name}" for name in ("json", "svg", "md")}
    arguments = ["--catalog", str(folder / "products.csv"), "--labels", "category,attribute:colour", "--changed", "6"]
    arguments += ["--json", str(files["json"]), "--plot", str(files["svg"]), "--markdown", str(files["md"])]
    with pytest.raises(CommandError, match=r"^\d+ targets were missed: "):
        call_command("bench", "relevance", *arguments, stdout=out, stderr=errors)
    result = orjson.loads(files["json"].read_bytes())
    print(out.getvalue(), result)
    assert result["products"] == 48
