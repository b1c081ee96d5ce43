"""The examples of the README and of the pages in docs/ run as they stand, on a shop with drawn products, against the shipped web server."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry

from catalog.models import ApiKey, Product
from recommender.models import Space
from tests.browser.conftest import Shop, coloured_shop, drawn_catalogue, server, static_files, web
from tests.pages import API, COMMANDS, CURL, blocks, run, runnable
from tests.workers import process_environment

__all__ = ["coloured_shop", "drawn_catalogue", "server", "static_files", "web"]

DEMO = "http://127.0.0.1:8000"
SEARCHES = 18  # answers of searches in the examples

pytestmark = [
    pytest.mark.worker,
    pytest.mark.skipif(CURL is None, reason="no curl on PATH (Debian: apt-get install curl)"),
]


def test_the_examples_run(coloured_shop: Shop, drawn_catalogue: Path, tmp_path: Path) -> None:
    """One test, because to embed the shop's photos takes longer than all of it."""
    _run_the_api(coloured_shop.url, tmp_path)
    _run_the_commands(coloured_shop.url, drawn_catalogue, tmp_path)


def _run_the_api(url: str, folder: Path) -> None:
    examples = [block for page, heading in API for block in runnable(page, "sh", heading=heading)]
    told = run(folder, examples, environment=process_environment(), replaced={DEMO: url})
    answers = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    searched = [answer for answer in answers if "space" in answer and "results" in answer]
    assert len(searched) == SEARCHES
    assert {answer["status"] for answer in searched} == {"ready"}
    # No photo of the drawn products is there twice.
    assert [answer["query"]["image"] for answer in searched if not answer["results"]] == ["all"]
    [example] = runnable("docs/api.md", "python")
    subprocess.run([sys.executable, "-c", example.text.replace(DEMO, url)], cwd=folder, check=True, timeout=60)
    similar = json.loads((folder / "similar.json").read_text())
    assert set(similar) == {f"sku:{sku}" for sku in Product.objects.values_list("sku", flat=True)}
    assert {len(row) for row in similar.values()} == {8}
    assert {key.name for key in ApiKey.objects.all()} == {"examples of the API page", "examples of writes"}
    _hold_writes()
    [wrong] = [answer for answer in answers if answer.get("status") == 400]
    [told_wrong] = [example for example in map(json.loads, _texts("json")) if "detail" in example]
    assert {**wrong, "instance": ""} == {**told_wrong, "instance": ""}


def _texts(language: str) -> list[str]:
    return [block.text for block in blocks("docs/api.md", language)]


def _hold_writes() -> None:
    """What the examples made is gone, and the history has it under the key's name."""
    assert not Product.objects.filter(sku__startswith="EXAMPLE").exists()
    entries = LogEntry.objects.filter(change_message__contains="examples of writes").order_by("pk")
    assert [(entry.object_repr, entry.action_flag) for entry in entries] == [
        ("Scarf (EXAMPLE-1)", ADDITION),
        ("Scarf (EXAMPLE-1)", CHANGE),
        ("Scarf (EXAMPLE-1)", CHANGE),
        ("Scarf (EXAMPLE-1)", CHANGE),
        ("Cap (EXAMPLE-2)", ADDITION),
        ("Scarf (EXAMPLE-1)", DELETION),
        ("Cap (EXAMPLE-2)", DELETION),
    ]


def _run_the_commands(url: str, catalogue: Path, folder: Path) -> None:
    """Those of the first day, and those of incidents."""
    commands = [block for page, heading in COMMANDS for block in runnable(page, "sh", heading=heading)]
    run(
        folder,
        commands,
        environment=process_environment(ENCODER="efficientnet-lite0"),
        # A metric of 72 photos has few dimensions, and those drawn by a program teach it nothing, for which it is refused.
        replaced={
            DEMO: url,
            "/data/feed:": f"{catalogue}:",
            "--labels category": "--labels category --dims 32",
            "spaces activate learned": "spaces activate learned --force",
        },
    )
    assert Space.objects.get(state=Space.State.ACTIVE).name == "learned"
