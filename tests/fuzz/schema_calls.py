"""Requests that Schemathesis makes of the schema, sent to a running server, and what must hold of each answer."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict
from schemathesis import Case, GenerationMode
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.transport import Response

load_all_checks()
# That each answer is one that the schema names: its status, its media type, its headers' and its body's shape.
OF_THE_SCHEMA = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    )
]
# Headers of HTTP itself and of any web site, which no operation need name.
GENERAL = {
    *("allow", "connection", "content-language", "content-length", "content-type", "date", "server", "vary"),
    *("cross-origin-opener-policy", "referrer-policy", "x-content-type-options", "x-frame-options"),
}
_PHOTO = "http://127.0.0.1/photo.jpg"  # which no server here fetches
# A value that is taken of what random ones hardly ever meet; None: leave it out.
TAKEN: Mapping[str, Any] = {
    **dict.fromkeys(("attributes", "cursor", "page", "other_image", "crop", "min_results", "ids")),
    **{"currency": "EUR", "fields": ["id", "score"], "facets": ["brand"], "hex": "c04a1f:3,fff", "search": "dress"},
    **{"min_price": "1.50", "max_price": "2000", "limit": 3, "If-Match": None, "If-None-Match": None},
}
TAKEN_OF_WRITES: Mapping[str, Any] = {
    **dict.fromkeys(
        ("id", "category", "further_categories", "url", "expires_at", "list_price", "sale_price", "sale_from")
    ),
    **dict.fromkeys(("sale_until", "If-Match", "If-None-Match", "if_match", "position")),
    **{
        "attributes": {"colour": "red"},
        "currency": "EUR",
        "price": "9.50",
        "group": "",
        "brand": "b",
        "alt": "a",
        "op": "patch",
    },
    **{"images": [{"url": _PHOTO}], "title": "Coat", "description": ""},
}


class Operations:
    """The operations of the schema that a server serves.

    `products`: numbers of some that it has. `written`: of others with a photo of each, which operations that write may
    change and delete. `categories`: slugs. `key`: a secret one.
    """

    def __init__(
        self, url: str, *, products: Sequence[int], written: Mapping[int, int], categories: Sequence[str], key: str
    ) -> None:
        schema = schemathesis.openapi.from_url(f"{url}/api/schema/?format=json")
        found = (result.ok() for result in schema.get_all_operations())
        last = sorted(
            found, key=lambda one: (one.method == "delete", -len(one.path))
        )  # what is deleted can be written before
        self.by_name: dict[str, Any] = {one.definition.raw["operationId"]: one for one in last}
        self._url, self._products, self._written, self._images, self._categories, self._key = (
            url,
            products,
            [*written],
            written,
            categories,
            key,
        )
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy: nothing leaves this machine

    def cases(self, name: str) -> st.SearchStrategy[Case]:
        """Requests of right and wrong values, most of them about products that there are."""
        right = self.by_name[name].as_strategy(generation_mode=GenerationMode.POSITIVE)
        made = st.one_of(right, self.by_name[name].as_strategy(generation_mode=GenerationMode.NEGATIVE))
        product = st.sampled_from(self._written if self._writes(name) else self._products)
        return st.one_of(
            st.builds(self._likely, right, product, product, st.just("taken")),
            st.builds(self._likely, made, product, product, st.sampled_from(("taken", "known product", "as made"))),
        )

    def _writes(self, name: str) -> bool:
        return "writes" in self.by_name[name].definition.raw["tags"]

    def check(self, case: Case) -> int:
        """Send it; returns the status of the answer, of which everything is as the schema says."""
        response = case.call(base_url=self._url, session=self._session)
        case.validate_response(response, checks=OF_THE_SCHEMA)
        _check_headers(case, response)
        return int(response.status_code)

    def _likely(self, case: Case, product: int, other: int, how: str) -> Case:
        case.body = _on_this_machine(case.body)
        body = case.body if isinstance(case.body, dict) else {}
        if how == "as made":
            return case
        writes = self._writes(case.operation.definition.raw["operationId"])
        if writes:
            case.headers["Authorization"] = f"Bearer {self._key}"
        for name, known in (("product", product), ("other", other), ("image", self._images.get(product, 1))):
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = str(known)
        for name in {"positive", "products"} & body.keys():
            body[name] = [product, other]
        if how == "taken":
            if body and case.query:
                case.query = {}  # what stands in both is given twice
            items = body.get("items", [])
            for parameters in (case.query, case.headers, body, *(items if isinstance(items, list) else [])):
                if isinstance(parameters, (dict, CaseInsensitiveDict)):
                    taken = TAKEN_OF_WRITES if writes else TAKEN | {"category": [self._categories[0]]}
                    _take(parameters, taken if parameters is body else taken | {"image": None})
            if case.operation.definition.raw["operationId"] == "product_images_set" and body:
                body["images"] = [
                    {"id": self._images[product]}
                ]  # whoever names all photos may name those that there are
        return case


def _take(parameters: MutableMapping[str, Any], taken: Mapping[str, Any]) -> None:
    parameters.pop("negative", None)
    for name in {*parameters} & {*taken}:
        if taken[name] is None:
            del parameters[name]
        else:
            parameters[name] = taken[name]


def _on_this_machine(value: Any) -> Any:
    """A body in which every URL of a photo is one of this machine: no other is asked for it."""
    if isinstance(value, list):
        return [_on_this_machine(one) for one in value]
    if isinstance(value, dict):
        mine = {name: _PHOTO for name in ("url", "image_url") if isinstance(value.get(name), str)}
        return {name: _on_this_machine(one) for name, one in value.items()} | mine
    return value


def _check_headers(case: Case, response: Response) -> None:
    declared = case.operation.definition.raw["responses"][str(response.status_code)].get("headers", {})
    unknown = {name.lower() for name in response.headers} - {name.lower() for name in declared} - GENERAL
    assert not unknown, (case.method, case.path, response.status_code, unknown)
