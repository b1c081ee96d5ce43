"""`bench relevance` from a feed to its report, in a shop of its own; and arguments that cannot be."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from recommender.bench.relevance import targets
from recommender.models import Encoder

CONTESTANTS = ["histogram", "unframed", "plain", "first", "pca", "pca+colour"]
LABELS = ["category", "attribute:colour", "category and attribute:colour"]


def databases() -> set[str]:
    """Those that this process made for a bench."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"bench_{os.getpid()}_"])
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.long
@pytest.mark.worker
def test_a_catalogue_is_measured_from_its_feed_to_the_report(
    transactional_db: None, compiled_lite2_int8: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "LEAST", 1)  # the few drawn products are too alike for two colours' gain
    folder, out = tmp_path / "drawn", StringIO()
    call_command("draw_catalogue", str(folder), products=40, side=64, verbosity=0)
    files = {name: tmp_path / f"relevance.{name}" for name in ("json", "svg", "md")}
    arguments = ["--catalog", str(folder / "products.csv"), "--labels", ",".join(LABELS[:2]), "--changed", "2"]
    arguments += ["--json", str(files["json"]), "--plot", str(files["svg"]), "--markdown", str(files["md"])]
    with pytest.raises(CommandError, match=r"^\d+ targets were missed: .*own weight over shape alone"):
        call_command("bench", "relevance", *arguments, stdout=out)
    result = orjson.loads(files["json"].read_bytes())
    assert (result["products"], result["photos"], result["queries"]) == (
        40,
        32,
        32,
    )  # each fifth is a variant of another
    assert result["labels"] == LABELS and list(result["contestants"]) == CONTESTANTS
    weights = sorted([*(tenth / 10 for tenth in range(11)), result["space"]["color_weight"]])
    assert [one["weight"] for one in result["dial"]] == weights
    for label in LABELS:
        ceiling = result["ceilings"][label]["p@10"]
        assert 0 < ceiling < 1
        assert all(by_label[label]["p@10"][1] <= ceiling + 1e-4 for by_label in result["contestants"].values())
        own = next(one for one in result["dial"] if one["weight"] == result["space"]["color_weight"])
        assert own["p@10"][label] == result["contestants"]["pca+colour"][label]["p@10"]
        assert result["dial"][0]["p@10"][label] == result["contestants"]["pca"][label]["p@10"]
    assert result["robustness"]["plain"]["photos"] == 2
    assert result["confidence"] == []  # 40 products are too few to say it
    assert out.getvalue() == files["md"].read_text() and "(relevance.svg)" in out.getvalue()
    assert files["svg"].read_text().startswith("<svg xmlns=")
    assert databases() == set()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--catalog", "no-such-feed.csv"], "no-such-feed.csv: there is no such file or folder"),
        (["--labels", "category,colour"], "there are no labels 'colour'"),
        (["--labels", "brand,brand"], "brand is named twice"),
        (["--labels", "product"], "by product nothing can be found"),
        (["--changed", "0"], "'0': a whole number of at least 1 is needed"),
        (["--queries", "many"], "'many': a whole number"),
        (["--plot", "dial.png"], "--plot dial.png: a name that ends in .svg or .html is needed"),
        (["--json", "no-such-folder/r.json"], "there is no folder no-such-folder"),
    ],
)
def test_what_cannot_be_measured_is_said_before_any_work(db: None, arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as raised:
        call_command("bench", "relevance", *arguments)
    assert words in str(raised.value)
