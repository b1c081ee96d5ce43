"""Each setting exists once, is listed with its default and a reason, and production's checks pass."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent
LINES = (PROJECT / ".env.example").read_text().splitlines()
TREE = ast.parse((PROJECT / "config" / "settings.py").read_text())


def _declared() -> dict[str, str | None]:
    """Name → default as .env.example writes it, None where there is none, of each `env.type("NAME", default=…)`."""
    found: dict[str, str | None] = {}
    for node in ast.walk(TREE):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("env."):
            name = ast.literal_eval(node.args[0])
            assert name not in found, f"{name} is read twice"
            default = [keyword.value for keyword in node.keywords if keyword.arg == "default"]
            found[name] = _written(default[0]) if default else ""
    return found


def _written(default: ast.expr) -> str:
    source = ast.unparse(default)
    if source.startswith("str(BASE_DIR"):
        return source.removeprefix("str(").removesuffix(")").replace("'", "")
    if any(isinstance(node, ast.Name) for node in ast.walk(default)):
        return source
    value = eval(source)
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _listed() -> dict[str, str]:
    pairs = [
        line.removeprefix("# ").split("=", 1)
        for line in LINES
        if line[2:].partition("=")[0].isidentifier() and "=" in line
    ]
    assert len({name for name, _ in pairs}) == len(pairs), "a setting is listed twice"
    return {name: value for name, value in pairs if name.isupper()}


def test_the_example_lists_every_setting_with_its_default() -> None:
    assert _listed() == _declared() | {"LOCAL_DIR": ".local"}


@pytest.mark.parametrize("name", sorted(_listed()))
def test_each_setting_has_a_reason(name: str) -> None:
    at = next(index for index, line in enumerate(LINES) if line.startswith(f"# {name}="))
    assert LINES[at - 1].startswith("# ") and LINES[at - 1].endswith("."), f"no reason above {name}"


def _python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=clean | {"ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "config.settings"} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


PRODUCTION = {
    "SECRET_KEY": "a-key-of-the-tests-that-is-long-enough-0123456789-abc",
    "DATABASE_URL": "postgres://shop:secret@db.example.com:5433/shop",
    "REDIS_URL": "redis://redis.example.com/0",
}


@pytest.mark.parametrize(
    ("asked", "header"),
    [
        ({}, "max-age=86400"),
        ({"HSTS_SECONDS": "31536000"}, "max-age=31536000"),
        ({"HSTS_SECONDS": "0"}, None),
        ({"HSTS_SUBDOMAINS": "true", "HSTS_PRELOAD": "true"}, "max-age=86400; includeSubDomains; preload"),
    ],
)
def test_browsers_keep_to_https_for_a_day_unless_more_is_asked(asked: dict[str, str], header: str | None) -> None:
    code = """
import django; django.setup()
from django.http import HttpResponse
from django.middleware.security import SecurityMiddleware
from django.test import RequestFactory
answer = lambda **more: SecurityMiddleware(lambda request: HttpResponse())(RequestFactory().get("/", **more))
told = answer(HTTP_X_FORWARDED_PROTO="https", HTTP_HOST="localhost")
print(told.status_code, told.headers.get("Strict-Transport-Security"))
plain = answer(HTTP_HOST="localhost")
print(plain.status_code, plain.headers["Location"], plain.headers.get("Strict-Transport-Security"))
"""
    result = _python(code, **PRODUCTION | asked)
    assert result.stdout.splitlines() == [f"200 {header}", "301 https://localhost/ None"], result.stderr


@pytest.mark.parametrize("missing", sorted(PRODUCTION))
def test_production_does_not_start_without_what_it_must_say(missing: str) -> None:
    result = _python("import config.settings", **{k: v for k, v in PRODUCTION.items() if k != missing})
    assert result.returncode == 1
    assert f"Set the {missing} environment variable" in result.stderr


def test_the_environment_is_read_typed() -> None:
    code = """
from django.conf import settings as s
print(s.DATABASES["default"]["HOST"], s.DATABASES["default"]["PORT"], s.HTTPS, s.LEASE_SIZE, s.ALLOWED_HOSTS)
"""
    result = _python(code, **PRODUCTION, LEASE_SIZE="4", ALLOWED_HOSTS="shop.example.com,www.shop.example.com")
    assert result.stdout.strip() == "db.example.com 5433 True 4 ['shop.example.com', 'www.shop.example.com']"


def test_the_env_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("LEASE_SIZE=3\nMAX_ATTEMPTS=7\n")
    code = "from django.conf import settings as s; print(s.LEASE_SIZE, s.MAX_ATTEMPTS)"
    result = _python(code, **PRODUCTION, ENV_FILE=str(file), LEASE_SIZE="5")
    assert result.stdout.strip() == "5 7"


def test_the_example_itself_changes_nothing() -> None:
    code = "from django.conf import settings as s; print(s.SECRET_KEY == 'k', s.LEASE_SIZE)"
    result = _python(code, **PRODUCTION | {"SECRET_KEY": "k"}, ENV_FILE=str(PROJECT / ".env.example"))
    assert result.stdout.strip() == "True 8"


def test_the_table_of_settings_has_each_with_its_default() -> None:
    lines = (PROJECT / "docs" / "settings.md").read_text().splitlines()
    rows = [line.split(" | ")[:2] for line in lines if line.startswith("| `")]
    assert {name.strip("| `"): default.strip("` ") for name, default in rows} == _listed()
