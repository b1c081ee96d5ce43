"""What every operation of the OpenAPI schema has in common, added to what its view says: refusals, headers, ETags, keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from catalog.api.examples import refused
from catalog.api.introduction import INTRODUCTION, TAGS
from catalog.api.problems import CONTENT_TYPE
from catalog.caching import NOT_STORED, REVALIDATED

PROBLEM = {"$ref": "#/components/schemas/Problem"}
EVERYWHERE = {
    401: "A key is needed, or the one that was sent is not valid.",
    403: "The key, or whoever asks, may not do this.",
    429: "Too many requests by this address or key; ask again after Retry-After.",
    500: "The server failed; its log has the reason under the answer's X-Request-ID.",
    503: "Busy, or not available; ask again after Retry-After.",
}
# Refused by the HTTP server while it reads the head of the request, so without a body and headers of ours.
WITHOUT_BODY = {
    414: "The address is too long: more than 64 KB; send the parameters of a search in the body of a POST.",
    431: "The headers are too many or too long.",
}
OF_BODIES = {
    400: "A body that cannot be read, or a bad parameter, named in `parameter`.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "A type of body that is not taken.",
}
HEADERS = {
    "X-Request-ID": ("What the server's log names the request by; taken from the request where that has one.", "string"),
    "RateLimit": ("Tokens that are left in each bucket, where requests are counted: `\"address\";r=59;t=1`.", "string"),
    "RateLimit-Policy": ("The buckets themselves: `\"address\";q=60;w=12`.", "string"),
    "Retry-After": ("Seconds after which to ask again.", "integer"),
    "WWW-Authenticate": ("How to send a key.", "string"),
    "Location": ("Where the product is that was made.", "string"),
    "ETag": ("Names this answer, `took_ms` aside, for If-None-Match, or the version of a written product, for If-Match.", "string"),
    "Cache-Control": ("Who may keep the answer, and how long.", "string"),
}  # fmt: skip
SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer lk_pub_…` or `lk_sec_…`: a publishable key reads, a secret one may write.",
    },
    "publishableKey": {
        "type": "apiKey",
        "in": "header",
        "name": "X-Api-Key",
        "description": "A publishable key, from a page of the shop.",
    },
}
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match",
    str,
    OpenApiParameter.HEADER,
    description="The ETag of an answer that is known: 304 if it is still right.",
)


class ApiSchema(AutoSchema):
    """settings.REST_FRAMEWORK's DEFAULT_SCHEMA_CLASS."""

    def get_override_parameters(self) -> list[Any]:
        return [IF_NONE_MATCH] if self._is_revalidated() else []

    def get_operation(self, *place: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*place)
        if operation is not None:
            operation["responses"] = self._responses(operation)
            if "requestBody" in operation:
                operation["requestBody"]["required"] = True
        return operation

    def _is_revalidated(self) -> bool:
        return self.method == "GET" and getattr(self.view, "cache_control", REVALIDATED) != NOT_STORED

    def _responses(self, operation: dict[str, Any]) -> dict[str, Any]:
        """Those that the view names, in their order, and those that any may give."""
        common = EVERYWHERE | (OF_BODIES if "requestBody" in operation else {})
        responses = {str(status): {"description": text} for status, text in common.items()} | operation["responses"]
        if self._is_revalidated():
            responses["304"] = {"description": "The answer that the caller has is still right."}
        for status, response in responses.items():
            if int(status) >= 400:
                response["content"] = {CONTENT_TYPE: {"schema": PROBLEM, "example": refused(int(status), self.path)}}
            elif not response["description"]:
                response["description"] = "The answer."
            names = self._headers(int(status), "writes" in operation["tags"])
            response["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
        responses |= {str(status): {"description": text} for status, text in WITHOUT_BODY.items()}
        return dict(sorted(responses.items()))

    def _headers(self, status: int, writes: bool) -> list[str]:
        also = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(status, [])
        if writes and status == 201:
            also = ["Location"]
        tagged = status in (200, 201, 304) and (writes or self._is_revalidated())
        return ["X-Request-ID", "Cache-Control", "RateLimit", "RateLimit-Policy", *also, *(["ETag"] if tagged else [])]


def complete(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: what the document says as a whole."""
    result["info"]["description"] = INTRODUCTION
    result["servers"] = [{"url": settings.PUBLIC_URL or "/", "description": "This shop."}]
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    result["security"] = [
        {},
        *({name: []} for name in SECURITY),
    ]  # {}: without a key, where the shop lets everybody ask
    result["components"]["securitySchemes"] = SECURITY
    result["components"]["headers"] = {
        name: {"description": text, "schema": {"type": kind}} for name, (text, kind) in HEADERS.items()
    }
    for name in _in_requests(result):
        result["components"]["schemas"][name]["additionalProperties"] = False  # an unknown member is refused
    return result


def _in_requests(document: dict[str, Any]) -> set[str]:
    """The components that requests are made of."""
    operations = [one for path in document["paths"].values() for one in path.values()]
    left = [*_named_in([one.get("requestBody", {}) for one in operations])]
    found: set[str] = set()
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += _named_in(document["components"]["schemas"][name])
    return {name for name in found if document["components"]["schemas"][name].get("type") == "object"}


def _named_in(part: Any) -> Iterator[str]:
    """The names of components that a part of the document refers to."""
    if isinstance(part, list):
        for one in part:
            yield from _named_in(one)
    elif isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield value.rpartition("/")[2]
            else:
                yield from _named_in(value)
