"""Only the encoder imports TensorFlow, and nobody who serves does; tests touch nothing private of what they test."""

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
PATCHING = {"setattr", "delattr", "patch", "object"}


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


def _private_names(source: str) -> list[str]:
    """Private names of production, and of whatever is patched, that a test's file uses: `line: name` of each."""
    tree = ast.parse(source)
    imported: set[str] = set()
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in APPS:
            imported |= {alias.asname or alias.name for alias in node.names}
            found += [(node.lineno, alias.name) for alias in node.names if _is_private(alias.name)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_private(node.attr):
            owner = ast.unparse(node.value).split(".")[0].split("(")[0]
            if owner in imported and node.attr != "_meta":  # Django's documented name
                found.append((node.lineno, ast.unparse(node)))
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in PATCHING:
            names = [each.value for each in node.args[:2] if isinstance(each, ast.Constant)]
            found += [(node.lineno, name) for name in names if isinstance(name, str) and _is_private(name)]
    return [f"{line}: {name}" for line, name in sorted(found)]


def _is_private(name: str) -> bool:
    last = name.split(".")[-1]
    return last.startswith("_") and not last.startswith("__")


def test_tests_use_no_private_name_of_what_they_test() -> None:
    """What is patched or read behind the public names holds an implementation, not a behaviour."""
    files = sorted((PROJECT / "tests").rglob("*.py"))
    found = {_name(path): names for path in files if (names := _private_names(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("from recommender.pipeline.embed import _work", "_work"),
        ("from recommender.pipeline import embed\nembed._refused.clear()", "embed._refused"),
        ("from recommender.pipeline import embed\nmonkeypatch.setattr(embed, '_refused', {})", "_refused"),
        ("monkeypatch.setattr('keras.src.backend._HOME', '')", "keras.src.backend._HOME"),
        ("from unittest import mock\nwith mock.patch.object(object, '_work'):\n    pass", "_work"),
        ("from recommender.index.registry import vector_index\nvector_index()._routes", "vector_index()._routes"),
    ],
)
def test_private_names_are_found(source: str, name: str) -> None:
    assert [each.partition(": ")[2] for each in _private_names(source)] == [name]


IMPORT_THE_WEB = """
import gc
import config
assert not gc.isenabled()
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
import gc, sys
assert gc.isenabled() and gc.get_freeze_count() > 50_000, gc.get_freeze_count()
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "keras", "torch", "jax", "scipy"}))
"""


@pytest.mark.django_db
@pytest.mark.parametrize("code", [IMPORT_THE_WEB, IMPORT_THE_WORKER], ids=["web", "worker"])
def test_who_serves_does_not_import_tensorflow_and_looks_for_garbage_once_it_is_set_up(code: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", code + SAY],
        cwd=PROJECT,
        env=process_environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (result.returncode, result.stdout.strip()) == (0, "[]"), result.stderr
