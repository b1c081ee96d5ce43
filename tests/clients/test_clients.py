"""Clients that generators make of the schema: they import, pass their languages' type checkers, and call every operation.

Nobody edits what is generated. The generators are openapi-python-client and, for TypeScript, openapi-typescript with openapi-fetch.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from catalog.models import Product
from tests.browser.conftest import Shop, drawn_catalogue, embedded_shop, server, static_files, web
from tests.catalog.access.askers import publishable, secret
from tests.clients.packages import LISTED, NODE, node_packages

__all__ = ["drawn_catalogue", "embedded_shop", "server", "static_files", "web"]

CALLS = Path(__file__).resolve().parent / "python_calls.py"
BIN = Path(sys.executable).parent


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    """What a program wrote, which must have ended well."""
    ran = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        env={"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(folder), **environment},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ran.returncode == 0, f"{command[0]} {command[1]}\n{ran.stdout[-4000:]}\n{ran.stderr[-4000:]}"
    return ran.stdout + ran.stderr


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = StringIO()
    call_command("spectacular", "--format", "openapi-json", stdout=out)
    path = tmp_path_factory.mktemp("schema") / "schema.json"
    path.write_text(out.getvalue())
    return path


@dataclass(frozen=True)
class Operation:
    """`place`: its method and path. `status`: of its good answer, the first where there are several."""

    name: str
    place: str
    status: int


@pytest.fixture(scope="module")
def operations(schema: Path) -> list[Operation]:
    document: dict[str, Any] = json.loads(schema.read_text())
    return [
        Operation(one["operationId"], f"{method.upper()} {path}", min(map(int, one["responses"])))
        for path, methods in document["paths"].items()
        for method, one in methods.items()
    ]


@pytest.fixture(scope="module")
def python_client(schema: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated package and the calls, of which the generator had nothing to say."""
    folder = tmp_path_factory.mktemp("python")
    said = run(
        *(BIN / "openapi-python-client", "generate", "--path", schema, "--meta", "none", "--fail-on-warning"),
        *("--output-path", "lookalike_client", "--config", CALLS.parent / "openapi_python_client.yml"),
        folder=folder,
    )
    assert "arning" not in said, said
    shutil.copy(CALLS, folder)
    return folder


@pytest.fixture(scope="module")
def typescript_client(schema: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typescript")
    packages = node_packages() / "node_modules"
    (folder / "node_modules").symlink_to(packages)
    for name in ("package.json", "tsconfig.json", "calls.ts"):
        shutil.copy(LISTED / name, folder)
    run(NODE, packages / "openapi-typescript" / "bin" / "cli.js", schema, "--output", "api.d.ts", folder=folder)
    return folder


def test_the_python_client_passes_mypy(python_client: Path) -> None:
    run(sys.executable, "-m", "mypy", "--strict", "lookalike_client", CALLS.name, folder=python_client)


def test_the_typescript_client_passes_tsc(typescript_client: Path) -> None:
    run(NODE, "node_modules/typescript/bin/tsc", folder=typescript_client)


def test_both_clients_call_every_operation_of_a_running_server(
    embedded_shop: Shop, python_client: Path, typescript_client: Path, operations: list[Operation]
) -> None:
    first, second = Product.objects.filter(images__isnull=False).order_by("pk").distinct()[:2]
    asked = embedded_shop.folder / "images", str(first.pk), str(second.pk)
    url, key = embedded_shop.url, secret()
    told = json.loads(run(sys.executable, CALLS.name, url, key, *asked, folder=python_client))
    assert told == {one.name: one.status for one in operations}
    told = json.loads(run(NODE, "calls.ts", url, publishable(), key, *asked, folder=typescript_client))
    assert told == {one.place: one.status for one in operations}


def test_the_lock_names_no_registry() -> None:
    lock = json.loads((LISTED / "package-lock.json").read_text())
    pinned = {name: one for name, one in lock["packages"].items() if name}
    assert [
        name for name, one in pinned.items() if "resolved" in one or not one["integrity"].startswith("sha512-")
    ] == []
