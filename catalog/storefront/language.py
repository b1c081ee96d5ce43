"""In which language a page speaks: the one that the shopper chose, else the first of the browser's that the shop has.

Only the storefront's pages do so. The admin and the API speak settings.LANGUAGE_CODE.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast

from django.http import HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.cache import patch_vary_headers

Arguments = ParamSpec("Arguments")
View = Callable[Concatenate[HttpRequest, Arguments], HttpResponseBase]


def in_shoppers_language(view: View[Arguments]) -> View[Arguments]:
    """A view whose texts are in the shopper's language. It must have rendered its answer when it returns."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Arguments.args, **names: Arguments.kwargs) -> HttpResponseBase:
        language = translation.get_language_from_request(request)
        with translation.override(language):
            response = view(request, *args, **names)
        response.headers["Content-Language"] = language
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    return cast(View[Arguments], answer)
