"""Token buckets in a process, by a clock that the test moves, and what an answer says of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from catalog.access import buckets
from catalog.access.admission import Admission, settled
from catalog.access.buckets import Charge, ProcessBuckets, bucket


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("rate", "burst"), [(1.0, 20), (3.0, 25), (6.0, 20), (7.0, 100), (0.1, 20), (14_000.0, 500)])
def test_a_bucket_gives_its_burst_at_once_and_then_its_rate(rate: float, burst: int) -> None:
    clock = Clock()
    counting = ProcessBuckets(clock)
    one = (Charge(bucket("address", "a", rate=rate, burst=burst), 1),)
    assert [counting.count(one).admitted for _ in range(burst + 2)] == [True] * burst + [False] * 2
    clock.now += 5.001 / rate
    assert [counting.count(one).admitted for _ in range(7)] == [True] * 5 + [False] * 2
    clock.now += 10 * burst / rate  # it holds no more than its burst
    assert sum(counting.count(one).admitted for _ in range(2 * burst)) == burst


def test_tokens_are_taken_from_all_buckets_or_from_none() -> None:
    counting = ProcessBuckets(Clock())
    large, small = bucket("address", "a", rate=1.0, burst=100), bucket("key", "1", rate=1.0, burst=20)
    both = (Charge(large, 7), Charge(small, 7))
    assert [counting.count(both).admitted for _ in range(5)] == [True, True, False, False, False]
    assert counting.count((Charge(large, 86),)).admitted
    assert not counting.count((Charge(large, 1),)).admitted
    assert counting.count((Charge(small, 6),)).admitted and not counting.count((Charge(small, 1),)).admitted


def test_many_threads_get_no_more_than_there_is() -> None:
    counting = ProcessBuckets(Clock())
    one = (Charge(bucket("address", "a", rate=1.0, burst=500), 1),)
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda _: counting.count(one).admitted, range(2000))) == 500


def test_memory_is_bounded_and_full_buckets_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MOST_KEPT", 10)
    clock = Clock()
    counting = ProcessBuckets(clock)

    def take(whose: str) -> bool:
        return counting.count((Charge(bucket("address", whose, rate=1.0, burst=20), 20),)).admitted

    assert all(take(f"early{number}") for number in range(9))
    clock.now += 25
    assert take("late") and all(take(f"more{number}") for number in range(5))
    assert not take("late")


def test_an_answer_says_what_is_left_and_a_refusal_when_there_is_enough() -> None:
    clock = Clock()
    counting = ProcessBuckets(clock)
    charges = (
        Charge(bucket("address", "a", rate=2.0, burst=60), 5),
        Charge(bucket("key", "1", rate=10.0, burst=20), 5),
    )
    admission = settled(Admission(charges=charges), counting.count(charges))
    assert admission.refusal is None
    assert dict(admission.headers) == {
        "RateLimit-Policy": '"address";q=60;w=30, "key";q=20;w=2',
        "RateLimit": '"address";r=55;t=3, "key";r=15;t=1',
    }
    assert [counting.count(charges).admitted for _ in range(3)] == [True] * 3
    refused = settled(Admission(charges=charges), counting.count(charges))
    assert refused.refusal is not None and refused.refusal.status == 429
    assert refused.refusal.headers == {"Retry-After": "1"} and refused.refusal.extra == {"policy": "key"}
    assert dict(refused.headers)["RateLimit"] == '"address";r=40;t=10, "key";r=0;t=2'
    clock.now += 0.5
    assert counting.count(charges).admitted


def test_who_waits_as_long_as_retry_after_says_is_admitted() -> None:
    clock = Clock()
    counting = ProcessBuckets(clock)
    charges = (Charge(bucket("address", "a", rate=0.3, burst=20), 11),)
    assert counting.count(charges).admitted
    refusal = settled(Admission(charges=charges), counting.count(charges)).refusal
    assert refusal is not None and refusal.headers == {"Retry-After": "7"}
    clock.now += 7
    assert counting.count(charges).admitted
