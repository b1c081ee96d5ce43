"""What the papers say is there: files, targets, commands and settings by name, and the steps of CONTRIBUTING as they stand."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from catalog.feeds.columns import read_columns
from catalog.feeds.rows import FeedRow
from recommender.encoder.lite_architecture import blocks
from tests.requirements import LISTS

PROJECT = Path(__file__).resolve().parent.parent
PAPERS = {path.name: path.read_text() for path in [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]}
CODE = "\n".join(PAPERS.values())
OURS = {"catalog", "recommender", "config", "tests", "docs", "docker", "requirements", ".github"}
REGISTRY = PROJECT / "recommender" / "encoder" / "registry.py"
STEPS = "Set-up, Where things are, Add a filter, Add a ranking step, Add an encoder, Add an engine".split(", ")


def test_the_papers_are_there() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} <= set(PAPERS)
    assert {"architecture.md", "deployment.md", "feeds.md", "integration.md", "measured.md", "settings.md"} <= set(
        PAPERS
    )


def test_files_that_are_named_are_there() -> None:
    named = set(re.findall(r"`((?:[\w.-]+/)+[\w.-]+)`", CODE))
    missing = {name for name in named if name.split("/")[0] in OURS and not (PROJECT / name).exists()}
    assert missing == set()


def test_make_targets_that_are_named_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+)(?: [a-z -]+)?:", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", CODE)) <= targets


def test_commands_that_are_named_are_there() -> None:
    named = set(re.findall(r"(?:`manage\.py|python manage\.py|(?:web|worker|setup) manage) ([a-z_]+)", CODE))
    assert {"import_products", "spaces", "createsuperuser"} <= named <= set(get_commands())


def test_the_columns_of_the_feeds_page_are_those_that_are_read() -> None:
    table = PAPERS["feeds.md"].partition("## Columns\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    assert len(names) == 12
    cells = {"link": "https://example.com/", "price": "59.50 EUR", "availability": "in stock"}
    row = read_columns(FeedRow(1, {name: [cells.get(name, "x")] for name in [*names, "colour"]}, complete=True))
    assert row.attributes == {"colour": "x"}
    assert (row.sku, row.category, row.photos) == ("x", ("x",), ("x",))
    assert {name for name, value in row.fields.items() if value not in (None, "")} == {
        *("title", "description", "brand", "group", "url", "in_stock", "price", "currency")
    }


def test_contributing_has_its_sections_each_ended_by_a_test() -> None:
    sections = re.split(r"^## ", PAPERS["CONTRIBUTING.md"], flags=re.MULTILINE)[1:]
    assert [section.partition("\n")[0] for section in sections] == STEPS
    for section in sections[2:]:
        assert re.search(r"^\d\. .*(?:\n.*)*`tests/", section, re.MULTILINE), section


def test_an_encoder_is_the_one_entry_that_contributing_names() -> None:
    section = PAPERS["CONTRIBUTING.md"].partition("## Add an encoder\n")[2]
    block = re.search(r"```text\n(.*?)```", section, re.DOTALL)
    assert block is not None
    before = "ENCODERS: dict[str, EncoderSpec] = {\n    spec.name: spec\n    for spec in (\n"
    source = REGISTRY.read_text()
    assert source.count(before) == 1
    registry = types.ModuleType("registry_with_more")
    sys.modules[registry.__name__] = registry  # dataclasses look their module up
    try:
        exec(source.replace(before, before + block[1]), vars(registry))
    finally:
        del sys.modules[registry.__name__]
    large = registry.encoder_spec("efficientnetv2-m")
    assert (large.architecture, large.side, large.dimensions) == ("EfficientNetV2M", 480, 1280)
    lite = registry.encoder_spec("efficientnet-lite3")
    assert (lite.side, lite.dimensions, lite.shift, lite.scale) == (280, 1280, 127.0, 128.0)
    # As efficientnet_lite_builder.py builds it: 24 blocks, the last of 384 channels.
    assert (len(blocks(lite)), blocks(lite)[-1].filters_out) == (24, 384)


def test_the_workflow_runs_what_is_run_here_on_every_python() -> None:
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
    job = workflow["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["bash .ci/run"]
    assert (PROJECT / ".ci" / "run").read_text().rstrip().endswith("exec make test")


def test_the_hooks_run_the_linters_of_make_lint() -> None:
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    recipe = (PROJECT / "Makefile").read_text().partition("\nlint:")[2].partition("\n\n")[0]
    linters = set(re.findall(r"ruff (?:check|format)", recipe))
    assert {" ".join(hook["entry"].split()[2:4]) for hook in hooks if "ruff" in hook["entry"]} == linters
    assert all(hook["entry"].startswith(".venv/bin/python ") for hook in hooks)


@pytest.mark.parametrize("asked", LISTS)
def test_each_list_says_what_it_is_for(asked: str) -> None:
    assert (PROJECT / asked).read_text().startswith("# ")
