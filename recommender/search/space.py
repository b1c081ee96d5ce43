"""The space that a search goes through: the active one, also where it is switched in the middle of a search."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from recommender.index.types import SpaceGone
from recommender.models import Space
from recommender.search.answers import NoActiveSpace
from recommender.spaces import active as spaces

P = ParamSpec("P")
R = TypeVar("R")


def in_active_space(search: Callable[P, R]) -> Callable[P, R]:
    """Search once more when the space was retired in the middle of a search: there is a new active one."""

    @wraps(search)
    def searched(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return search(*args, **kwargs)
        except SpaceGone:
            spaces.forget_active_space()
            return search(*args, **kwargs)

    return searched


def current_space() -> Space:
    """The active space. Raises NoActiveSpace."""
    space = spaces.active_space()
    if space is None:
        raise NoActiveSpace("no space is active yet: run `manage.py compile_encoder`, then `manage.py embed_images`")
    return space
