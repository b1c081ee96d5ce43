"""A decision that a test makes, in the place of the shop's."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from catalog.access.admission import Admission, Asker
from catalog.api.problems import Problem


class Policy:
    """Admits everyone until it has a `refusal`. `asked`: whom it decided about, in order."""

    def __init__(self) -> None:
        self.refusal: Problem | None = None
        self.asked: list[Asker] = []

    def __call__(self, asker: Asker) -> Admission:
        self.asked.append(asker)
        return Admission(self.refusal)


decide = Policy()
REFUSALS = [
    Problem(401, "Who asks?", "send a key", headers={"WWW-Authenticate": 'Bearer realm="shop"'}),
    Problem(403, detail="this key may not", key="pk_1"),
    Problem(429, detail="ask again in 7 s", headers={"Retry-After": "7"}),
]


@pytest.fixture
def policy(settings: Settings) -> Policy:
    """The policy that decides in this test."""
    settings.API_ADMISSION = "tests.catalog.access.policies.decide"
    decide.refusal = None
    decide.asked = []
    return decide
