"""Encodings and forms that cannot be read are the caller's error, whatever is asked."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client, RequestFactory

from config.content_types import FormRequest, known_encodings

pytestmark = pytest.mark.django_db


def through_wsgi(
    method: str, path: str, content_type: str, body: bytes = b"", query: str = "", cookie: str = ""
) -> tuple[str, dict[str, str], bytes]:
    django = WSGIHandler()
    django.request_class = FormRequest
    environ = dict(RequestFactory().get("/").environ)
    environ |= {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_TYPE": content_type, "QUERY_STRING": query}
    environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "HTTP_HOST": "localhost"}
    environ["HTTP_COOKIE"] = cookie
    told: list[Any] = []
    parts = known_encodings(django)(environ, lambda status, headers, *_: told.extend([status, dict(headers)]))
    return told[0], told[1], b"".join(parts)


@pytest.mark.parametrize(
    "charset", ["base64", "idna", "punycode", "undefined", "zlib", "unicode_escape", "utf-16", "x\0", "no-such"]
)
@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=edge", "application/x-www-form-urlencoded"]
)
def test_encodings_that_are_not_served_are_415(charset: str, kind: str) -> None:
    status, headers, body = through_wsgi(
        "POST", "/api/v1/recommendations/", f"{kind}; charset={charset}", b"x", "brand=%5Cud800"
    )
    assert status == "415 Unsupported Media Type" and headers["Content-Type"] == "application/problem+json"
    assert b"send UTF-8" in body and b'"/api/v1/recommendations/"' in body


@pytest.mark.parametrize(
    "parameters",
    ["x*=no-such''a", "x*=a; x*0=b", "x*=idna''a%2E%2E", "x*0*=undefined''a", "charset*=x\0''a", f'x="{";" * 300_000}'],
)
@pytest.mark.parametrize("path", ["/healthz", "/api/v1/products/1/", "/admin/login/"])
def test_content_types_that_cannot_be_read_are_415(parameters: str, path: str) -> None:
    began = time.process_time()
    status, headers, body = through_wsgi("GET", path, f"application/json; {parameters}")
    assert status == "415 Unsupported Media Type" and headers["Content-Type"] == "application/problem+json"
    assert b"the Content-Type" in body
    assert time.process_time() - began < 1


@pytest.mark.parametrize("path", ["/api/v1/search/image/", "/admin/login/"])
@pytest.mark.parametrize("name", ["name*=utf-8''a; name*0=b", "name=image; filename*=a; filename*0=b"])
def test_parts_whose_headers_contradict_themselves_are_400(path: str, name: str) -> None:
    form = f"--edge\r\nContent-Disposition: form-data; {name}\r\n\r\nx\r\n--edge--\r\n".encode()
    status, _, answer = through_wsgi(
        "POST", path, "multipart/form-data; boundary=edge", form, cookie=f"csrftoken={'a' * 32}"
    )
    assert status == "400 Bad Request" and b"server failed" not in answer


@pytest.mark.parametrize("charset", ["utf-8", '"UTF8"', "us-ascii", "ISO-8859-1"])
def test_json_is_utf_8_whatever_is_said_of_it(charset: str) -> None:
    body = '{"brand": "Kärcher"}'.encode()
    status, _, answer = through_wsgi(
        "POST", "/api/v1/recommendations/", f"application/json; charset={charset}", body, "x=%c3%a4"
    )
    assert status == "400 Bad Request" and b'"parameter":"positive"' in answer


def test_forms_are_read_in_latin_1_too() -> None:
    form = b'--edge\r\nContent-Disposition: form-data; name="limit"\r\n\r\nk\xe4se\r\n--edge--\r\n'
    for charset, value in (("ISO-8859-1", "käse"), ("utf-8", "k\ufffdse")):
        content_type = f"multipart/form-data; boundary=edge; charset={charset}"
        form_with_photo = form.replace(
            b"--edge--", b'--edge\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\nx\r\n--edge--'
        )
        status, _, answer = through_wsgi("POST", "/api/v1/search/image/", content_type, form_with_photo)
        assert status == "400 Bad Request" and f"'{value}' is no whole number".encode() in answer


def test_a_query_of_too_many_parameters_is_400_in_any_encoding() -> None:
    query = "&".join(["a=1"] * 2000)
    for kind in ("application/json; charset=iso-8859-1", "multipart/form-data; boundary=edge; charset=iso-8859-1"):
        status, headers, _ = through_wsgi("POST", "/api/v1/search/image/", kind, b"{}", query)
        assert status == "400 Bad Request" and headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query", ["version=a%0d%0aX", "version=%00", "version=2.0.0", "lang=%00", "lang=a%0d%0aX", "version=%d0%96"]
)
def test_the_schema_ignores_what_it_does_not_know(client: Client, query: str) -> None:
    plain = client.get("/api/schema/")
    answer = client.get(f"/api/schema/?{query}")
    assert (answer.status_code, answer.content) == (200, plain.content)
    assert answer["Content-Disposition"] == plain["Content-Disposition"]
