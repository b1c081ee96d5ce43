"""The judge of the load run finds a mix-up of spaces, and takes no other choice at the edge of a page for one."""

from __future__ import annotations

from dataclasses import replace

from tests.load import judge
from tests.load.judge import Truth
from tests.load.storefront import Asked

# Photos 12 and 13 are equally far in "plain": the last of two places may be either's.
PLAIN = Truth(page=(11, 12), distances={11: 0.1, 12: 0.25, 13: 0.25, 14: 0.4})
LEARNED = Truth(page=(11, 12), distances={11: 0.02, 12: 0.07, 13: 0.5, 14: 0.6})
TRUTHS = {"plain": {"product 1": PLAIN}, "learned": {"product 1": LEARNED}}
GOOD = Asked(0.0, "product 1", False, 200, 0.01, "plain", ((11, 0.1), (12, 0.25)))
NO_ANSWER = replace(GOOD, space="", places=(), wrong="no answer: TimeoutError")


def test_good_answers_and_another_photo_at_the_edge() -> None:
    edge = replace(GOOD, places=((11, 0.1), (13, 0.25)))
    assert judge.recall([GOOD] * 99 + [edge], TRUTHS) == 0.995
    assert judge.wrong([GOOD] * 99 + [edge], TRUTHS) == []
    assert judge.unnoticed([GOOD] * 99 + [edge], TRUTHS) == []


def test_an_exact_answer_is_compared_photo_by_photo() -> None:
    edge = replace(GOOD, exact=True, places=((11, 0.1), (13, 0.25)))
    assert judge.wrong([replace(GOOD, exact=True), edge, edge], TRUTHS) == [
        "2×: an answer of space plain about product 1 is not what that space answers: not (11, 13) but (11, 12)"
    ]


def test_the_same_photos_under_the_name_of_another_space() -> None:
    assert judge.wrong([GOOD, replace(GOOD, space="learned")], TRUTHS) == [
        "1×: an answer of space learned about product 1 is not what that space answers: "
        "photo 11 is not at the distance 0.1"
    ]


def test_one_place_of_another_space() -> None:
    mixed = replace(GOOD, places=((11, 0.1), (12, 0.07)))
    assert judge.wrong([mixed], TRUTHS) == [
        "1×: an answer of space plain about product 1 is not what that space answers: "
        "photo 12 is not at the distance 0.07"
    ]


def test_an_answer_about_what_nothing_is_known_of() -> None:
    strangers = [replace(GOOD, space="retired"), replace(GOOD, about="product 2"), replace(GOOD, places=((15, 0.1),))]
    assert [sentence for sentence in judge.wrong(strangers, TRUTHS) if sentence.startswith("1×")] == [
        "1×: an answer of space retired about product 1: nothing is known of it",
        "1×: an answer of space plain about product 2: nothing is known of it",
        "1×: an answer of space plain about product 1 is not what that space answers: photo 15 is not at the distance 0.1",
    ]


def test_no_answer_and_poor_recall() -> None:
    poor = replace(GOOD, places=((11, 0.1), (14, 0.4)))
    assert judge.wrong([GOOD, poor, NO_ANSWER], TRUTHS) == [
        "1×: no answer: TimeoutError",
        "answers through the index hold 0.7500 of what the exact ones hold",
    ]


def test_two_spaces_that_cannot_be_told_apart_are_said() -> None:
    assert judge.unnoticed([GOOD, GOOD, NO_ANSWER], {**TRUTHS, "learned": {"product 1": PLAIN}}) == [
        "2×: an answer of space plain about product 1 would pass for one of space learned"
    ]
