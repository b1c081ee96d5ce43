"""Requests that Schemathesis makes of the schema, sent to a running server, and what must hold of each answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
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
# A value that is taken of what random ones hardly ever meet; None: leave it out.
TAKEN: Mapping[str, Any] = {
    **dict.fromkeys(("attributes", "cursor", "page", "image", "other_image", "crop", "min_results", "ids")),
    **{"currency": "EUR", "fields": ["id", "score"], "facets": ["brand"], "hex": "c04a1f:3,fff", "search": "dress"},
    **{"min_price": "1.50", "max_price": "2000", "limit": 3},
}


class Operations:
    """The operations of the schema that a server serves. `products`: numbers of some that it has; `categories`: slugs."""

    def __init__(self, url: str, *, products: Sequence[int], categories: Sequence[str]) -> None:
        schema = schemathesis.openapi.from_url(f"{url}/api/schema/?format=json")
        found = (result.ok() for result in schema.get_all_operations())
        self.by_name: dict[str, Any] = {one.definition.raw["operationId"]: one for one in found}
        self._url, self._products, self._categories = url, products, categories
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy: nothing leaves this machine

    def cases(self, name: str) -> st.SearchStrategy[Case]:
        """Requests of right and wrong values, most of them about products that there are."""
        made = st.one_of(
            self.by_name[name].as_strategy(generation_mode=GenerationMode.POSITIVE),
            self.by_name[name].as_strategy(generation_mode=GenerationMode.NEGATIVE),
        )
        product = st.sampled_from(self._products)
        return st.builds(self._likely, made, product, product, st.sampled_from(("as made", "known product", "taken")))

    def check(self, case: Case) -> int:
        """Send it; returns the status of the answer, of which everything is as the schema says."""
        response = case.call(base_url=self._url, session=self._session)
        case.validate_response(response, checks=OF_THE_SCHEMA)
        _check_headers(case, response)
        return int(response.status_code)

    def _likely(self, case: Case, product: int, other: int, how: str) -> Case:
        body = case.body if isinstance(case.body, dict) else {}
        if isinstance(body.get("image_url"), str):
            body["image_url"] = "http://127.0.0.1/photo.jpg"  # no other machine is asked for a photo
        if how == "as made":
            return case
        for name, known in (("product", product), ("other", other)):
            if name in (case.path_parameters or {}):
                case.path_parameters[name] = str(known)
        for name in {"positive", "products"} & body.keys():
            body[name] = [product, other]
        if how == "taken":
            for parameters in (case.query if isinstance(case.query, dict) else {}, body):
                self._take(parameters)
        return case

    def _take(self, parameters: dict[str, Any]) -> None:
        if "category" in parameters:
            parameters["category"] = [self._categories[0]]
        parameters.pop("negative", None)
        for name in [*parameters]:
            if name not in TAKEN:
                continue
            if TAKEN[name] is None:
                del parameters[name]
            else:
                parameters[name] = TAKEN[name]


def _check_headers(case: Case, response: Response) -> None:
    declared = case.operation.definition.raw["responses"][str(response.status_code)].get("headers", {})
    unknown = {name.lower() for name in response.headers} - {name.lower() for name in declared} - GENERAL
    assert not unknown, (case.method, case.path, response.status_code, unknown)
