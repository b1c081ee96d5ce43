"""Settings that would leave a door open: which end the process, which are warned of, and which are well."""

from __future__ import annotations

import re
import secrets
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from catalog.checks import safety as checks
from config.local.folder import secret_key

PROJECT = Path(__file__).resolve().parents[2]
PUBLIC = ["shop.example.com"]
KEY = "c41f5e0a9d7b3862f1e4a5d08b69c37e2a10f8d4b5936c7e01a2f9b84d6c5e73"


def found(settings: Settings, **changed: Any) -> list[str]:
    """The ids of what this app's checks find, in order."""
    well = {
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": PUBLIC,
        "DEBUG": False,
        "HTTPS": True,
        "SECURE_HSTS_SECONDS": 86_400,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": False,
        "SECURE_HSTS_PRELOAD": False,
    }
    for name, value in (well | changed).items():
        setattr(settings, name, value)
    return [issue.id for issue in run_checks() if (issue.id or "").startswith("catalog.")]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "is empty"),
        (" " * 60, "is empty"),
        ("x", "has 1 characters, and needs 50"),
        (KEY[:49], "has 49 characters, and needs 50"),
        ("x" * 64, "repeats itself"),
        ("secret12" * 8, "repeats itself"),
        ("0123456789" * 5 + "012", "repeats itself"),
        ("abcabc" + "aabbccc" * 8, "repeats itself"),
        ("django-insecure-" + KEY, "is an example out of a manual"),
        ("ChangeMe" + KEY, "is an example out of a manual"),
    ],
)
def test_a_key_that_can_be_guessed_is_an_error_with_the_remedy(settings: Settings, key: str, words: str) -> None:
    settings.SECRET_KEY = key
    (issue,) = checks.secret_key_is_secret()
    assert issue.id == "catalog.E011" and issue.is_serious()
    assert issue.msg == (f"SECRET_KEY {words}; set it to a long random text, such as that of `openssl rand -hex 32`")
    assert key in ("", "x") or key not in issue.msg


def test_the_keys_that_the_product_makes_are_accepted(settings: Settings, tmp_path: Path) -> None:
    for key in (secret_key(tmp_path), KEY, secrets.token_hex(25), secrets.token_urlsafe(48), "k" * 42 + KEY):
        assert found(settings, SECRET_KEY=key) == []


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({}, []),
        ({"ACCESS_LOG": "json"}, []),
        ({"ACCESS_LOG": "yes"}, ["catalog.E015"]),
        ({"ALLOWED_HOSTS": []}, ["catalog.E012"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["catalog.W011"]),
        ({"ALLOWED_HOSTS": ["https://shop.example.com"]}, ["catalog.W012"]),
        ({"ALLOWED_HOSTS": ["shop.example.com:8000", "[::1]", ".example.com"]}, ["catalog.W012"]),
        ({"DEBUG": True, "HTTPS": False}, ["catalog.E013"]),
        ({"DEBUG": True, "HTTPS": False, "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]"]}, []),
        ({"DEBUG": True, "HTTPS": False, "ALLOWED_HOSTS": []}, []),
        ({"HTTPS": False}, ["catalog.W013"]),
        ({"HTTPS": False, "ALLOWED_HOSTS": ["localhost", "shop.localhost", "127.0.0.1"]}, []),
        ({"SECURE_HSTS_PRELOAD": True}, ["catalog.E014"]),
        ({"SECURE_HSTS_PRELOAD": True, "SECURE_HSTS_SECONDS": 31_536_000}, ["catalog.E014"]),
        (
            {
                "SECURE_HSTS_PRELOAD": True,
                "SECURE_HSTS_SECONDS": 31_536_000,
                "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
            },
            [],
        ),
    ],
)
def test_what_is_found(settings: Settings, changed: dict[str, Any], ids: list[str]) -> None:
    assert found(settings, **changed) == ids


def test_no_two_findings_have_one_id() -> None:
    """SILENCED_SYSTEM_CHECKS names a finding by its id, and would silence another one of the same id too."""
    files = [path for app in ("catalog", "recommender") for path in (PROJECT / app).rglob("*.py")]
    ids = [
        name for path in files for name in re.findall(r'\bid="((?:catalog|recommender)\.[EW]\d+)"', path.read_text())
    ]
    assert len(ids) > 15 and sorted(ids) == sorted(set(ids))
