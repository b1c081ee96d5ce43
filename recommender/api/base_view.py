"""What the views of the search API have in common."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.response import Response

from catalog.api.json_view import JsonView
from catalog.caching import REVALIDATED, kept_as


class SearchView(JsonView):
    """A JsonView with `get`, and HEAD by it, or with `post`.

    `cache_control`: for whom and how long its good answers may be kept (catalog.caching).
    Bodies are read by recommender.api.json_body and photo_search, which bound them and name what is wrong in them.
    """

    http_method_names = ["get", "head", "post"]
    cache_control: ClassVar[str] = REVALIDATED

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        return kept_as(cls.cache_control)(super().as_view(**initkwargs))

    @property
    def default_response_headers(self) -> dict[str, str]:
        """None: `Allow` is for who used another method."""
        return {}


def json_answer(data: Any) -> Response:
    """200 with `data`, or with bytes that are JSON already."""
    return Response(data)
