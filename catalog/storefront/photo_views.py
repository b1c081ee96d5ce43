"""Search by photo: its page, and the answers to a photo by upload or by URL, as a page or for scripts as the list alone.

A photo is looked at and not kept. Both forms are answered by POST, which changes nothing here and so needs no token.
"""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from catalog.caching import NOT_STORED
from catalog.parameters import Parameters
from catalog.storefront import port
from catalog.storefront.language import in_shoppers_language
from catalog.storefront.lists import SHOWN, Listed, listed, part, refusal
from catalog.storefront.photo_form import Narrowed, preview_of
from catalog.storefront.port import PhotoRefused
from catalog.storefront.views import HEADER_OF_SCRIPTS, page

_TEMPLATE = "catalog/photo_search.html"
_MOST_URL = 2000  # characters


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@in_shoppers_language
def photo_search(request: HttpRequest) -> HttpResponseBase:
    """The page; by POST, what looks like the photo of the form."""
    if request.method != "POST":
        given = {name: list(values) for name, values in request.GET.lists()}
        return page(request, _TEMPLATE, {"narrowed": Narrowed.of(given)})
    try:
        photo, fields = port.search().upload(request)
    except PhotoRefused as refused:
        return _answer(request, refusal(refused.fault), Narrowed({}))
    if not photo:
        return _answer(request, refusal("no_photo"), Narrowed.of(fields))
    return _searched(request, photo, fields)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@in_shoppers_language
def photo_url_search(request: HttpRequest) -> HttpResponseBase:
    """What looks like the photo at the form's `image_url`."""
    if request.method != "POST":
        return redirect("storefront-photo-search")
    fields = {name: [str(value) for value in values] for name, values in request.POST.lists()}
    url = (fields.get("image_url") or [""])[-1].strip()
    if not url:
        return _answer(request, refusal("no_photo"), Narrowed.of(fields))
    if len(url) > _MOST_URL or not url.lower().startswith(("http://", "https://")):
        return _answer(request, refusal("bad_address"), Narrowed.of(fields), url=url)
    return _searched(request, url, fields)


def _searched(request: HttpRequest, photo: bytes | str, fields: Parameters) -> HttpResponse:
    narrowed = Narrowed.of(fields)
    files: list[bytes] = []

    def ask() -> port.Found:
        parameters = {**narrowed.parameters, "limit": [str(SHOWN)]}
        found, file = port.search().by_photo(request, photo=photo, parameters=parameters)
        files.append(file)
        return found

    answer = listed(ask, nothing=gettext("Nothing in the shop looks like it. Try another part of the photo."))
    wanted = HEADER_OF_SCRIPTS not in request.headers or bool(fields.get("preview"))
    preview = preview_of(files[0]) if files and wanted else ""
    return _answer(request, answer, narrowed, preview=preview, url=photo if isinstance(photo, str) else "")


def _answer(
    request: HttpRequest, answer: Listed, narrowed: Narrowed, *, preview: str = "", url: str = ""
) -> HttpResponse:
    context = {"preview": preview, "narrowed": narrowed, "url": url}
    if HEADER_OF_SCRIPTS in request.headers:
        response = part(request, answer, **context)
    else:
        response = page(request, _TEMPLATE, {"list": answer, **context}, status=answer.status)
    response.headers["Cache-Control"] = NOT_STORED  # it tells of a shopper's photo
    return response
