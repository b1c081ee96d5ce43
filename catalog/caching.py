"""How long callers may keep an answer, and whether the one they have is still right: ETags and 304 (RFC 9110 and 9111)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.template.response import SimpleTemplateResponse
from django.utils.http import parse_etags

# The caller alone keeps it, and asks before each use whether it is still right: what is hidden is gone at once.
REVALIDATED = "private, no-cache"
NOT_STORED = "no-store"
ETAG_BYTES = 20

View = Callable[..., HttpResponseBase]

_KEYS = ("Authorization", "X-Api-Key")
_OF_NOT_MODIFIED = ("Cache-Control", "Content-Location", "ETag", "Expires", "Vary")  # RFC 9110, 15.4.5
# A JSON object up to the number of its `took_ms`, before which there are texts, numbers and the like alone.
_TOOK = re.compile(rb'\{(?:"[^"\\]*":(?:"(?:[^"\\]|\\.)*"|[^"\[\]{},]*),)*"took_ms":(?P<number>[-+.\deE]+)')


def public(seconds: int) -> str:
    """The Cache-Control of what is the same for everybody and changes rarely."""
    return f"public, max-age={seconds}"


def etag_of(content: bytes) -> str:
    """The ETag of an answer, ETAG_BYTES long. `took_ms` of a JSON object does not count, for it is another each time.

    A weak one: a proxy may compress the answer, and what took another time is not the same byte for byte.
    """
    digest = hashlib.blake2b(digest_size=12)
    if took := _TOOK.match(content):
        digest.update(content[: took.start("number")])
        digest.update(memoryview(content)[took.end() :])
    else:
        digest.update(content)
    return f'W/"{base64.urlsafe_b64encode(digest.digest()).decode()}"'


def is_named(etag: str, given: str | None) -> bool:
    """Whether an If-None-Match names this ETag, weak or not, or any there is (`*`)."""
    if not given:
        return False
    if given == etag:
        return True
    plain = etag.removeprefix("W/")
    return any(one == "*" or one.removeprefix("W/") == plain for one in parse_etags(given))


def kept_as(cache_control: str, *, keyless: bool = False) -> Callable[[View], View]:
    """A view whose good answers carry this Cache-Control and, unless NOT_STORED, those to GET and HEAD an ETag: 304 to who has it.

    What is public is private where keys are asked for or sent: a shared cache would give it to callers without one. `keyless`: the
    view is for everybody, whatever API_ACCESS says. An answer of which the view
    says NOT_STORED stays so. An ETag that the view gives is left as it is; it must be another one whenever the answer is another.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, *args: object, **names: object) -> HttpResponseBase:
            response = view(request, *args, **names)
            if isinstance(response, SimpleTemplateResponse) and not response.is_rendered:
                response.add_post_render_callback(lambda rendered: _kept(request, rendered, cache_control, keyless))
                return response
            return _kept(request, response, cache_control, keyless)

        return answer

    return decorate


def not_modified(headers: dict[str, str]) -> HttpResponseNotModified:
    """304 to a caller who has the answer already, with those of its headers that belong to it."""
    return HttpResponseNotModified(headers={name: headers[name] for name in _OF_NOT_MODIFIED if name in headers})


def _kept(request: HttpRequest, response: HttpResponseBase, cache_control: str, keyless: bool) -> HttpResponseBase:
    if response.status_code != 200 or not isinstance(response, HttpResponse):
        return response
    if response.headers.get("Cache-Control") == NOT_STORED:
        return response
    if any(name in request.headers for name in _KEYS) or (settings.API_ACCESS == "keys" and not keyless):
        cache_control = cache_control.replace("public", "private")
    response.headers["Cache-Control"] = cache_control
    if cache_control == NOT_STORED or request.method not in ("GET", "HEAD"):
        return response
    if "ETag" not in response.headers:
        response.headers["ETag"] = etag_of(response.content)
    if is_named(response.headers["ETag"], request.headers.get("If-None-Match")):
        return not_modified(dict(response.items()))
    return response
