"""A server that failed rests; then one thread tries for all."""

from __future__ import annotations

import threading

import pytest

from catalog.breaker import Breaker


class Clock:
    """The time that `time.monotonic` tells."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("time.monotonic", clock)
    return clock


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(rest_seconds=1.0, trial_seconds=5.0)


def admits_another(breaker: Breaker) -> bool:
    """Whether another thread may ask."""
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(breaker.admits()))
    thread.start()
    thread.join()
    return found[0]


def test_a_server_that_answers_is_asked_by_all(breaker: Breaker) -> None:
    assert breaker.closed and breaker.admits() and admits_another(breaker)
    assert not breaker.succeeded()


def test_after_a_failure_nobody_asks_until_the_rest_is_over(breaker: Breaker, clock: Clock) -> None:
    assert breaker.failed() and not breaker.failed()  # the first says that it is news
    clock.now += 0.9
    assert not breaker.closed and not breaker.admits() and not admits_another(breaker)
    clock.now += 0.2
    assert breaker.admits() and breaker.admits() and not admits_another(breaker)


def test_what_the_trial_finds_counts_for_all(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.now += 1.1
    assert breaker.admits()
    assert not breaker.failed()  # no news
    assert not breaker.admits() and not admits_another(breaker)
    clock.now += 1.1
    assert admits_another(breaker) and not breaker.admits()
    assert breaker.succeeded() and not breaker.succeeded()
    assert breaker.closed and breaker.admits() and admits_another(breaker)


def test_a_trial_of_which_nothing_is_heard_does_not_keep_the_others_out(breaker: Breaker, clock: Clock) -> None:
    breaker.failed()
    clock.now += 1.1
    assert breaker.admits()
    clock.now += 4.9
    assert not admits_another(breaker)
    clock.now += 0.2
    assert admits_another(breaker)
