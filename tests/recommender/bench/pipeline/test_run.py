"""The bench of the pipeline: it measures in a shop of its own, and says what it missed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from recommender.bench.pipeline import run as pipeline
from recommender.bench.pipeline.photo_sets import LARGE_SIDE, write_photos
from recommender.bench.pipeline.processes import bench_processes
from recommender.bench.temporary import temporary_shop
from recommender.models import EmbeddingJob, Encoder

ROW = pipeline.Row(
    size="small",
    processes=1,
    photos=8,
    decode=600.0,
    forward=200.0,
    colour=1200.0,
    insert=600.0,
    ideal=109.1,
    pipeline=104.0,
    of_ideal=0.95,
    colour_cost=0.09,
    naive=10.4,
    of_naive=10.0,
    megabytes=140.0,
)
QUICK = {"p50_seconds": 0.1, "p95_seconds": 0.2}


def databases() -> set[str]:
    """Those that this process made for a bench: another worker of the tests may run one too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [f"bench_{os.getpid()}_"])
        return {name for (name,) in cursor.fetchall()}


def test_the_ideal_is_one_photo_after_the_other() -> None:
    assert pipeline.ideal_rate(600.0, 200.0, 600.0) == pytest.approx(120.0)
    assert pipeline.ideal_rate(600.0, 200.0, 1200.0, 600.0) == pytest.approx(1 / (1 / 120 + 1 / 1200))


def test_what_was_missed_is_said() -> None:
    assert pipeline.missed_targets([ROW], {"idle": QUICK, "importing": QUICK}) == []
    slow = pipeline.Row(**{**ROW.__dict__, "of_ideal": 0.8, "colour_cost": 0.13, "of_naive": 4.0, "megabytes": 300.0})
    missed = pipeline.missed_targets([slow], {"idle": {"p95_seconds": 2.5}, "importing": {"p95_seconds": 6.0}})
    assert len(missed) == 6
    assert missed[0] == "small photos on 1: 0.80 of the ideal, wanted 0.9"
    assert missed[1] == "small photos on 1: framing and colours cost 13% of the photos a second, wanted at most 10%"


def test_the_table_holds_every_row_and_what_was_missed() -> None:
    result = {
        "date": "2026-11-25",
        "machine": "2 cores",
        "encoder": "efficientnet-lite0",
        "photos": "drawn",
        "rows": [ROW.__dict__],
        "latency": {"idle": QUICK, "importing": QUICK},
        "missed": ["one thing"],
    }
    text = pipeline.table(result)
    assert "| small | 1 | 600 | 200 | 1200 | 600 | 109 | 104 | 0.95 | 9% | 10.4 | 10.0 | 140 |" in text
    assert text.endswith("missed: one thing")


def test_a_folder_that_does_not_exist_is_named(db: None) -> None:
    with pytest.raises(CommandError, match="no-such-folder: there is no such folder"):
        call_command("bench", "pipeline", "--photos", "no-such-folder")


@pytest.mark.long
@pytest.mark.worker
def test_it_measures_in_a_shop_of_its_own_and_leaves_nothing(
    transactional_db: None, compiled_lite0: Encoder, settings: object, tmp_path: Path
) -> None:
    settings.ENCODER = "efficientnet-lite0"  # type: ignore[attr-defined]
    before = databases()
    with temporary_shop() as (folder, environment):
        environment["ENCODER"] = "efficientnet-lite0"
        write_photos(None, folder, small=24, large=2)
        pipeline.run_module(environment, "recommender.bench.pipeline.process", str(folder), "open")
        with bench_processes(folder, environment, 2) as processes:
            for command in ("decode", "forward", "colour"):
                assert processes.measure(command, "small").photos == 24
            processes.measure("reset", "small", share=0)
            assert processes.measure("insert", "small").photos == 24
            processes.measure("reset", "small", share=1)
            embedded = processes.measure("embed", "small")
        assert embedded.photos == 24
        assert embedded.megabytes <= pipeline.MOST_MEGABYTES
    assert databases() == before
    assert not folder.exists()
    assert EmbeddingJob.objects.count() == 0


def test_large_photos_are_large(tmp_path: Path) -> None:
    from PIL import Image

    write_photos(None, tmp_path, small=2, large=1)
    with Image.open(next((tmp_path / "large").iterdir())) as image:
        assert max(image.size) == LARGE_SIDE
