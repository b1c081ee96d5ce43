"""What the papers say is there: files, targets, commands and settings by name, and the steps of CONTRIBUTING as they stand."""

from __future__ import annotations

import argparse
import io
import re
import sys
import tokenize
import types
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class

from catalog.feeds.columns import read_columns
from catalog.feeds.rows import FeedRow
from recommender.encoder.lite_architecture import blocks
from tests.requirements import LISTS
from tests.rooms import ORDER

HERE = Path(__file__).resolve()
PROJECT = HERE.parent.parent
PAPERS = {path.name: path.read_text() for path in [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]}
TEXT = "\n".join(PAPERS.values())
# What is written as code: blocks, and spans within a line.
BLOCKS = re.findall(r"^```\w*\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
SPANS = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", TEXT, flags=re.MULTILINE | re.DOTALL))
CODE = "\n".join([*BLOCKS, *SPANS])
APPS = ("catalog", "config", "recommender", "tests")
FOLDERS = (*APPS, "docs", "docker", "requirements", r"\.github")
REGISTRY = PROJECT / "recommender" / "encoder" / "registry.py"
STEPS = "Set-up, Where things are, Add a filter, Add a ranking step, Add an encoder, Add an engine".split(", ")


def test_the_papers_are_there() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} <= set(PAPERS)
    assert {
        "api.md",
        "architecture.md",
        "deployment.md",
        "feeds.md",
        "operations.md",
        "measured.md",
        "merchandising.md",
        "privacy.md",
        "settings.md",
    } <= set(PAPERS)


def test_every_link_leads_somewhere() -> None:
    for name, text in PAPERS.items():
        folder = PROJECT if (PROJECT / name).exists() else PROJECT / "docs"
        targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", text)
        assert [target for target in targets if "://" not in target and not (folder / target).exists()] == [], name


def test_files_that_are_named_are_there() -> None:
    named = set(re.findall(rf"(?<![\w/.-])(?:{'|'.join(FOLDERS)})/[\w./-]*\w", CODE))
    assert {"docker/compose.yaml", "catalog/filters/entries/stock.py", "requirements/web.txt"} <= named
    assert {name for name in named if not (PROJECT / name).exists()} == set()


def test_modules_that_are_named_are_there() -> None:
    named = set(re.findall(rf"(?<![\w/.-])(?:{'|'.join(APPS)})(?:\.[A-Za-z_]\w*)+(?![\w/])", CODE))
    assert {"config.local", "tests.chaos"} <= named
    assert {name for name in named if not (PROJECT / name.replace(".", "/")).exists() and not resolves(name)} == set()


def test_targets_of_make_that_are_named_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+)(?: [a-z -]+)?:", (PROJECT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", CODE, re.MULTILINE))
    assert {"demo", "test", "requirements"} <= named <= targets


def test_commands_and_options_that_are_named_are_there() -> None:
    lines = re.sub(r"\s*\\\n\s*", " ", CODE)  # a command over several lines
    named = re.findall(r"(?:manage\.py|(?:web|worker|setup) manage) ([a-z_]+)(.*)", lines)
    assert {"import_products", "spaces", "createsuperuser"} <= {name for name, _ in named} <= set(get_commands())
    ours = [(name, rest) for name, rest in named if get_commands()[name] in APPS]
    wrong = {(name, option) for name, rest in ours for option in options(rest) if option not in options_of(name)}
    assert wrong == set()


def options(text: str) -> list[str]:
    return re.findall(r"--[a-z][a-z-]*", text.partition("#")[0])


def options_of(command: str) -> set[str]:
    """The options that a command of ours takes, and those of the actions it has (`spaces build`)."""
    parser = load_command_class(str(get_commands()[command]), command).create_parser("manage.py", command)
    pages = [parser.format_help()]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            pages += [each.format_help() for each in action.choices.values()]
    return set(options(" ".join(pages)))


def test_settings_and_constants_that_are_named_are_there() -> None:
    sources = [*(path for app in APPS for path in (PROJECT / app).rglob("*.py")), PROJECT / "Makefile"]
    known = set(re.findall(r"\b[A-Z][A-Z_]+\b", "\n".join(path.read_text() for path in sources if path != HERE)))
    known |= set(re.findall(r"\b[A-Z][A-Z_]+\b", (PROJECT / "docker" / "compose.yaml").read_text()))
    named = {name for span in SPANS for name in re.findall(r"^([A-Z]+_[A-Z_]+)(?:=.*)?$", span)}
    assert {"WEB_THREADS", "LEASE_SIZE", "VECTOR_ENGINE"} <= named
    assert named - known == set()


def test_the_architecture_names_every_room() -> None:
    section = PAPERS["architecture.md"].partition("## Rooms\n")[2].partition("\n## ")[0]
    for app, layers in ORDER.items():
        table = section.partition(f"| {app} | what is in it |")[2].partition("\n\n")[0]
        cells = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
        assert {name for cell in cells for name in re.findall(r"`(\w+)`", cell)} == set(" ".join(layers).split()), app


@pytest.mark.parametrize("app", APPS)
def test_comments_and_texts_in_code_name_modules_that_are_there(app: str) -> None:
    """A file that was moved keeps its old name in prose until somebody looks."""
    missing = {
        f"{path.relative_to(PROJECT)}: {name}"
        for path in sorted((PROJECT / app).rglob("*.py"))
        for name in modules_in_prose(path.read_text())
        if not resolves(name)
    }
    assert missing == set()


def test_a_module_that_is_not_there_is_found_in_prose() -> None:
    source = '# see catalog.nowhere\n"""Of recommender.models.Space, and config.gone.Thing."""\ncatalog.gone\nx = "catalog.nosuch"\n'
    found = modules_in_prose(source)
    assert found == {"catalog.nowhere", "recommender.models.Space", "config.gone.Thing"}
    assert {name for name in found if not resolves(name)} == found - {"recommender.models.Space"}


def modules_in_prose(source: str) -> set[str]:
    """Dotted names of modules of ours, and of what is in them, in comments and in docstrings."""
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    prose = [token.string for token in tokens if token.type == tokenize.COMMENT]
    prose += [token.string for token in tokens if token.type == tokenize.STRING and token.string.startswith('"""')]
    dotted = rf"(?<![\w/.@:-])(?:{'|'.join(APPS)})(?:\.[A-Za-z_]\w*)+(?![\w/(])"
    return {name for text in prose for name in re.findall(dotted, text)}


def resolves(name: str) -> bool:
    """Whether it is a module of ours or, read off its file, something that stands in one."""
    *folder, last = name.split(".")
    path = PROJECT.joinpath(*folder)
    if (path / last).is_dir() or (path / f"{last}.py").is_file():
        return True
    if path.is_dir():
        return (path / "__init__.py").is_file() and re.search(
            rf"\b{last}\b", (path / "__init__.py").read_text()
        ) is not None
    file = path.with_suffix(".py")
    if file.is_file():
        return re.search(rf"\b{last}\b", file.read_text()) is not None
    return len(folder) > 2 and resolves(".".join(folder))  # a member of a class


def test_the_columns_of_the_feeds_page_are_those_that_are_read() -> None:
    table = PAPERS["feeds.md"].partition("## Columns\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    names = [name for row in rows for name in re.findall(r"`(\w+)`", row[0])]
    assert len(names) == 20
    cells = {
        "link": "https://example.com/",
        "price": "59.50 EUR",
        "sale_price": "49.50 EUR",
        "sale_price_effective_date": "2026-11-27/2026-11-30",
        "availability": "in stock",
        "quantity": "3",
        "inventory": "3",
        "published": "true",
        "status": "active",
        "removed": "false",
    }
    row = read_columns(FeedRow(1, {name: [cells.get(name, "x")] for name in [*names, "colour"]}, complete=True))
    assert row.attributes == {"colour": "x"}
    assert (row.sku, row.category, row.photos) == ("x", ("x",), ("x",))
    assert {name for name, value in row.fields.items() if value not in (None, "")} == {
        *("title", "description", "brand", "group", "url", "in_stock", "currency")
    }
    assert set(row.prices) == {"regular", "sale", "begins", "ends"}


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
