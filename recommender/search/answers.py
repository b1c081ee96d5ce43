"""What a question may come to: an answer, or a reason why there is none; and the space that is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

from recommender.index.types import SpaceGone
from recommender.models import Space
from recommender.search.query_products import Status
from recommender.spaces import active as spaces

P = ParamSpec("P")
R = TypeVar("R")


class NoActiveSpace(RuntimeError):
    """There is no space to search in yet."""


class EncoderChanged(RuntimeError):
    """The active space was switched to another encoder's: encode the photo again."""


class QueryCancelsOut(ValueError):
    """Likes and dislikes leave no direction to search in."""


@dataclass(frozen=True)
class Found:
    """One place of an answer. `distance` is the space's metric; `score` is higher for the more alike."""

    image_id: int
    product_id: int
    score: float
    distance: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """`fallback` is "category" when the page was filled from the query's category.

    `reason` (in a word) and `detail` (in words) say why it failed.
    """

    status: Status
    space: Space
    exact: bool
    query: Mapping[str, object]
    found: Sequence[Found] = field(default_factory=list)
    fallback: str | None = None
    reason: str = ""
    detail: str = ""


def in_active_space(question: Callable[P, R]) -> Callable[P, R]:
    """Ask once more when the space was retired in the middle of a question: there is a new active one."""

    def asked(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return question(*args, **kwargs)
        except SpaceGone:
            spaces.forget_active_space()
            return question(*args, **kwargs)

    return asked


def current_space() -> Space:
    """The active space. Raises NoActiveSpace."""
    space = spaces.active_space()
    if space is None:
        raise NoActiveSpace("no space is active yet: run `manage.py compile_encoder`, then `manage.py embed_images`")
    return space
