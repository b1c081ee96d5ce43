"""`manage.py api_keys`: a key is printed once, all are listed, rotated and revoked by number or beginning."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.access.keys import KeyMemory
from catalog.models import ApiKey

pytestmark = pytest.mark.django_db


def api_keys(*words: str) -> str:
    out = StringIO()
    call_command("api_keys", *words, stdout=out)
    return out.getvalue()


def as_json(*words: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(api_keys(*words, "--json"))
    return told


def test_a_key_is_printed_once_and_works() -> None:
    lines = api_keys("create", "nightly build", "--kind", "secret").splitlines()
    key = ApiKey.objects.get()
    assert (
        lines[0] == f"Secret key nightly build ({key.prefix}…), number {key.pk}. This key is shown now and never again."
    )
    record = KeyMemory().record(lines[1], may_wait=True)
    assert record is not None and record.identity.id == key.pk and len(lines) == 2
    assert lines[1] not in api_keys("list") and lines[1] not in api_keys("list", "--json")


def test_what_is_said_of_a_key_is_kept() -> None:
    told = as_json(
        "create", "page", "--kind", "publishable", "--origin", "https://Shop.example/", "--origin", "http://localhost:3000",
        "--rate", "2.5", "--burst", "40", "--days", "90",
    )  # fmt: skip
    assert told["key"].startswith("lk_pub_") and told["prefix"] == told["key"][:13]
    (listed,) = as_json("list")["keys"]
    assert listed == {name: value for name, value in told.items() if name != "key"} | {"last_used_at": None}
    assert (listed["origins"], listed["rate"], listed["burst"]) == (
        ["https://shop.example", "http://localhost:3000"],
        2.5,
        40,
    )
    assert listed["state"] == "valid" and listed["expires_at"] > listed["created_at"]


def test_rotating_shows_the_successor_and_both_are_listed() -> None:
    old = as_json("create", "build", "--kind", "secret")
    lines = api_keys("rotate", old["prefix"], "--hours", "3").splitlines()
    assert lines[1].startswith("lk_sec_") and lines[2].startswith(f"build ({old['prefix']}…) stays valid until ")
    new, before = as_json("list")["keys"]
    assert (new["replaces"], new["expires_at"], new["state"]) == (old["prefix"], None, "valid")
    assert (before["state"], before["replaces"]) == ("valid", None) and before["expires_at"] is not None
    assert f"build (replaces {old['prefix']}…)" in api_keys("list")
    assert as_json("revoke", str(before["id"]))["state"] == "revoked"
    assert [key["state"] for key in as_json("list")["keys"]] == ["valid", "revoked"]


def test_without_keys_the_list_says_what_makes_one() -> None:
    assert api_keys("list") == "There are no keys: `api_keys create` makes one.\n"


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (
            ["create", "build", "--kind", "secret", "--origin", "https://shop.example"],
            "origins are for publishable keys",
        ),
        (["create", "page", "--kind", "publishable", "--origin", "shop.example"], "'shop.example' is no origin"),
        (["create", "build", "--kind", "secret", "--rate", "0"], "greater than or equal to 0.01"),
        (["create", "build", "--kind", "secret", "--burst", "5"], "greater than or equal to 20"),
        (["create", "build"], "--kind"),
        (["create", "build", "--kind", "public"], "invalid choice: 'public'"),
        (["rotate", "lk_sec_nobody"], "no key begins so, or has this number; `api_keys list` shows them"),
        (["rotate", "99999999999999999999"], "no key begins so"),
        (["rotate", "lk_"], "several keys begin so"),
        (["rotate", ""], "no key begins so"),
        (["rotate", "lk_pub_", "--hours", "-1"], "'-1': a number from 0 to 36500 is needed"),
        (["create", "build", "--kind", "secret", "--days", "nan"], "'nan': a number from 0 to 36500 is needed"),
        (["create", "build", "--kind", "secret", "--days", "1e9"], "'1e9': a number from 0 to 36500 is needed"),
        (["create", "build", "--kind", "secret", "--rate", "nan"], "a number of requests a second is needed"),
        (["create", "build", "--kind", "secret", "--rate", "inf"], "a number of requests a second is needed"),
        (["create", "build", "--kind", "secret", "--rate", "x"], "invalid float value: 'x'"),
        (["revoke", "0"], "no key begins so"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], error: str) -> None:
    api_keys("create", "one", "--kind", "publishable")
    api_keys("create", "two", "--kind", "secret")
    with pytest.raises(CommandError, match=error):
        api_keys(*words)
    assert ApiKey.objects.count() == 2
