"""Only the encoder imports TensorFlow, and nobody who serves does."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workers import process_environment

PROJECT = Path(__file__).resolve().parent.parent
APPS = ("config", "recommender", "catalog")
FILES = [path for app in APPS for path in sorted((PROJECT / app).rglob("*.py"))]
TENSORFLOW = {"tensorflow", "keras"}


def _name(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def _imports(path: Path) -> Iterator[tuple[str, ast.AST]]:
    """Every module a file imports, by absolute name, with the node that does."""
    package = path.relative_to(PROJECT).with_suffix("").parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            yield ".".join([*above, *([node.module] if node.module else [])]), node


def test_tensorflow_is_imported_only_inside_functions_of_the_encoder() -> None:
    for path in FILES:
        top = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
        for module, node in _imports(path):
            if module.split(".")[0] in TENSORFLOW:
                assert _name(path).startswith("recommender/encoder/"), f"{_name(path)} imports {module}"
                assert node.lineno not in {each.lineno for each in top}, f"{_name(path)} imports {module} at its top"  # type: ignore[attr-defined]


IMPORT_THE_WEB = """
import config.rsgi
from django.urls import get_resolver
def visit(resolver):
    for pattern in resolver.url_patterns:
        if hasattr(pattern, "url_patterns"):
            visit(pattern)
        else:
            pattern.callback
visit(get_resolver())
"""
IMPORT_THE_WORKER = """
from config.celery import app
import django
django.setup()
app.loader.import_default_modules()
app.finalize()
assert any(name.startswith("recommender.") for name in app.tasks), sorted(app.tasks)
"""
SAY = """
import sys
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "torch", "jax"}))
"""


@pytest.mark.django_db
@pytest.mark.parametrize("code", [IMPORT_THE_WEB, IMPORT_THE_WORKER], ids=["web", "worker"])
def test_who_serves_does_not_import_tensorflow(code: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code + SAY],
        cwd=PROJECT,
        env=process_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout.strip()) == (0, "[]"), result.stderr
