"""Errands: done once by one process, begun again after a death, told in words where they fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from catalog.errands.asking import KEPT, ask, latest, under_way
from catalog.errands.registry import ErrandFailed, Progress, register
from catalog.errands.running import MOST_TRIES, run_next
from catalog.models import Errand

pytestmark = pytest.mark.django_db


def double(errand: Errand, progress: Progress) -> dict[str, Any]:
    progress("doubling", 1, 4)
    assert (Errand.objects.get().stage, Errand.objects.get().lease) != ("", None)
    if errand.options["number"] < 0:
        raise ErrandFailed("only numbers above 0 are doubled; choose another")
    return {"number": 2 * errand.options["number"] if errand.options["number"] else 1 // 0}


@pytest.fixture(autouse=True)
def kind() -> Iterator[None]:
    register("double", "tests.catalog.test_errands.double")
    yield


def test_an_errand_is_done_once() -> None:
    errand = ask("double", about="x", options={"number": 4})
    assert ask("double", about="x", options={"number": 4}) == errand and under_way("double", "x") == errand
    assert run_next() and not run_next()
    done = latest("double", "x")
    assert done is not None and (done.state, done.result, done.tries, done.lease) == ("done", {"number": 8}, 1, None)
    assert under_way("double", "x") is None


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (-1, "only numbers above 0 are doubled; choose another"),
        (0, "ZeroDivisionError: integer division or modulo by zero; the worker's log has more"),
    ],
)
def test_a_failure_is_told(number: int, error: str) -> None:
    ask("double", options={"number": number})
    assert run_next()
    assert list(Errand.objects.values_list("state", "error")) == [("failed", error)]


def test_a_kind_of_another_version_is_refused() -> None:
    ask("triple")
    assert run_next()
    assert Errand.objects.get().error == "this version does nothing of the kind 'triple'"


def test_what_a_dead_process_left_is_begun_again_and_given_up_at_last() -> None:
    errand = ask("double", options={"number": 1})
    Errand.objects.update(state="running", lease=12345, tries=1)
    assert run_next()
    errand.refresh_from_db()
    assert (errand.state, errand.tries) == ("done", 2)
    Errand.objects.update(state="running", lease=12345, tries=MOST_TRIES)
    assert not run_next()
    errand.refresh_from_db()
    assert errand.state == "failed" and errand.error.startswith("3 processes ended while they did it")


def test_a_worker_that_ends_leaves_it_to_another() -> None:
    ask("double", options={"number": 1})
    assert not run_next(stop=lambda: True)
    assert list(Errand.objects.values_list("state", "lease", "stage")) == [("waiting", None, "")]
    assert run_next()


def test_few_are_kept() -> None:
    for number in range(1, KEPT + 5):
        ask("double", options={"number": number})
        assert run_next()
    assert Errand.objects.count() == KEPT + 1
