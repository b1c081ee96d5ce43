"""Callers with keys, as a test's decision knows them, and those who are signed in at the admin."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpResponse
from django.test import Client

from catalog.access.admission import Admission, Asker, KeyIdentity

SECRET = KeyIdentity(1, "shop sync", "secret")
PUBLISHABLE = KeyIdentity(2, "the shop's page", "publishable")
_KEYS = {"Bearer lk_sec_test": SECRET, "Bearer lk_pub_test": PUBLISHABLE}
API = "/api/v1/products/"


def decide(asker: Asker) -> Admission:
    """Everyone is admitted, with the key that they send."""
    return Admission(key=_KEYS.get(asker.header("authorization") or ""))


def decide_for_people(asker: Asker) -> Admission:
    """Everyone is admitted as somebody who is logged in at the admin."""
    return Admission(key=KeyIdentity(None, "admin ada", "secret", user_id=1))


class Caller:
    """Calls the API with a key; bodies are JSON."""

    def __init__(self, token: str = "lk_sec_test", client: Client | None = None) -> None:
        self.client = client or Client()
        self.token = token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`path` after products/; `headers`: such as if_match."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        data = b"" if body is None else body if isinstance(body, bytes) else orjson.dumps(body)
        return self.client.generic(method, API + path, data, "application/json", headers=sent)  # type: ignore[return-value]

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.call("POST", path, body, **headers)

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.call("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.call("DELETE", path, **headers)

    def upload(
        self, method: str, path: str, *photos: bytes, name: str = "image", alt: list[str] | None = None
    ) -> HttpResponse:
        """Photos as files of a form."""
        parts = [
            f'--edge\r\nContent-Disposition: form-data; name="{name}"; filename="{number}.png"\r\n'
            "Content-Type: image/png\r\n\r\n".encode()
            + photo
            + b"\r\n"
            for number, photo in enumerate(photos)
        ]
        parts += [
            f'--edge\r\nContent-Disposition: form-data; name="alt"\r\n\r\n{text}\r\n'.encode() for text in alt or []
        ]
        return self.client.generic(  # type: ignore[return-value]
            method,
            API + path,
            b"".join(parts) + b"--edge--\r\n",
            "multipart/form-data; boundary=edge",
            headers={"Authorization": f"Bearer {self.token}"},
        )


def read(response: HttpResponse, status: int) -> Any:
    """The JSON of an answer of that status."""
    assert response.status_code == status, (response.status_code, response.content[:1000])
    return orjson.loads(response.content)
