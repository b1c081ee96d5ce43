"""Somebody who is signed in at the admin of a shop under chaos: its pages, and the API by the same session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http.cookiejar import CookieJar
from urllib.request import HTTPCookieProcessor, OpenerDirector, Request, build_opener

from tests.multipart import multipart

PASSWORD = "drawn at random by nobody"
USER = "chaos"
SECONDS = 30


class Session:
    """A session at `address`. Raises what urllib raises where the server is away."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._cookies = CookieJar()
        self._opener: OpenerDirector = build_opener(HTTPCookieProcessor(self._cookies))
        fields = hidden_fields(self.get("/admin/login/"))
        body, content_type = multipart(fields=fields | {"username": USER, "password": PASSWORD})
        self.send("POST", "/admin/login/?next=/admin/", body, content_type)

    def get(self, path: str) -> str:
        """The page at a path."""
        return self.send("GET", path, None, "")

    def send(self, method: str, path: str, body: bytes | None, content_type: str) -> str:
        """The text of an answer. Raises HTTPError for one that is an error."""
        request = Request(self._address + path, data=body, method=method)
        request.add_header("Referer", self._address)
        if body is not None:
            request.add_header("Content-Type", content_type)
            request.add_header("X-CSRFToken", self._tokens().get("csrftoken", ""))
        with self._opener.open(request, timeout=SECONDS) as answer:
            text: str = answer.read().decode()
            return text

    def _tokens(self) -> Mapping[str, str]:
        return {cookie.name: cookie.value or "" for cookie in self._cookies}


def hidden_fields(page: str) -> dict[str, str]:
    """The hidden fields of a form: CSRF token and the formset's counts."""
    hidden = re.findall(r'<input type="hidden" name="([^"]+)"(?: value="([^"]*)")?', page)
    return {name: value for name, value in hidden if "__prefix__" not in name}
