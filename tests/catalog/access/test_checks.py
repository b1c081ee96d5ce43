"""Settings of access that cannot work are named before anything is served."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks
from pytest_django import Settings


def said() -> list[str]:
    return [issue.msg for issue in run_checks() if (issue.id or "").startswith("catalog.E02")]


def test_the_settings_as_shipped_work() -> None:
    assert said() == []


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("API_ACCESS", "closed", "API_ACCESS is 'closed'; set it to open or keys"),
        ("API_ACCESS", "", "API_ACCESS is ''; set it to open or keys"),
        ("TRUSTED_PROXIES", ["10.0.0.0/8", "proxy"], "TRUSTED_PROXIES: 'proxy' does not appear to be"),
        ("OPERATORS", ["10.0.0.0/99"], "OPERATORS: '10.0.0.0/99' does not appear to be"),
        ("API_ADDRESS_RATE", -1.0, "API_ADDRESS_RATE is -1; set it to tokens a second, or to 0 to count nothing"),
        ("API_KEY_RATE", float("nan"), "API_KEY_RATE is nan; set it to tokens a second"),
        (
            "API_KEY_BURST",
            19,
            "API_KEY_BURST is 19; set it to 20 or more, for the dearest request takes so many tokens",
        ),
    ],
)
def test_what_cannot_work_is_named(settings: Settings, name: str, value: Any, sentence: str) -> None:
    setattr(settings, name, value)
    (error,) = said()
    assert error.startswith(sentence)
