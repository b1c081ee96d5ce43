"""Who may ask for what: by the mode, the kind of the key, the page it stands in, a page of the shop, an admin's session."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from catalog.access import pages
from catalog.access.admission import ADMITTED, Asker, KeyIdentity, Undecided
from catalog.access.policy import by_key
from catalog.models import ApiKey
from tests.catalog.access.askers import SIMILAR, STATUS, asker, bearer, publishable, secret

pytestmark = pytest.mark.django_db
PHOTO = "/api/v1/search/image/"
PRODUCT = "/api/v1/products/1/"
SHOP = "https://shop.example"


@pytest.fixture(params=["open", "keys"])
def either(request: pytest.FixtureRequest, settings: Settings) -> str:
    settings.API_ACCESS = request.param
    return str(request.param)


@pytest.fixture
def keys(settings: Settings) -> None:
    settings.API_ACCESS = "keys"


def status(asked: Asker) -> int:
    """200 of who is admitted, else the refusal's status."""
    refusal = by_key(asked).refusal
    return 200 if refusal is None else refusal.status


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", SIMILAR), ("GET", STATUS), ("POST", PHOTO), ("DELETE", SIMILAR), ("PATCH", PRODUCT), ("OPTIONS", SIMILAR)],
)
def test_an_open_api_admits_who_sends_no_key_for_everything(method: str, path: str) -> None:
    """An endpoint that writes asks for a key by itself."""
    assert by_key(asker(path, method)) is ADMITTED


@pytest.mark.parametrize("authorization", ["Basic c2hvcDpzZWNyZXQ=", "Bearer eyJhbGciOi", "Bearer ", "lk_sec_x", ""])
def test_what_others_put_into_the_headers_is_nobodys_key(settings: Settings, authorization: str) -> None:
    asked = asker(Authorization=authorization, X_Api_Key="a-gateway's")
    assert by_key(asked) is ADMITTED
    settings.API_ACCESS = "keys"
    refusal = by_key(asked).refusal
    assert refusal is not None and (refusal.status, refusal.title) == (401, "Key needed")
    assert refusal.headers == {"WWW-Authenticate": 'Bearer realm="lookalike"'}


@pytest.mark.parametrize("token", ["lk_pub_nobody", "lk_sec_nobody", "lk_sec_" + "x" * 5000])
def test_a_key_that_does_not_exist_is_refused_in_both_modes(either: str, token: str) -> None:
    for headers in (bearer(token), {"X-Api-Key": token}):
        refusal = by_key(asker(**headers)).refusal
        assert refusal is not None and (refusal.status, refusal.title) == (401, "Key not valid")
        assert refusal.headers == {"WWW-Authenticate": 'Bearer realm="lookalike", error="invalid_token"'}
        assert token not in refusal.detail


def test_a_key_that_has_expired_or_was_revoked_is_refused_in_both_modes(either: str) -> None:
    expired = secret(expires_at=timezone.now() - timedelta(seconds=1))
    refusal = by_key(asker(**bearer(expired))).refusal
    assert refusal is not None and refusal.status == 401 and "expired at" in refusal.detail
    revoked = secret()
    ApiKey.objects.filter(kind="secret").update(revoked_at=timezone.now())
    refusal = by_key(asker(**bearer(revoked))).refusal
    assert refusal is not None and refusal.status == 401 and "was revoked" in refusal.detail
    assert ApiKey.objects.exclude(last_used_at=None).count() == 0


def test_a_key_expires_at_its_moment_though_it_is_remembered() -> None:
    token = secret(expires_at=timezone.now() + timedelta(seconds=0.3))
    asked = asker(**bearer(token))
    assert status(asked) == 200
    deadline = time.monotonic() + 5
    while status(asked) == 200 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert status(asker(may_wait=False, **bearer(token))) == 401


@pytest.mark.parametrize(
    ("method", "path", "of_publishable"),
    [
        ("GET", SIMILAR, 200),
        ("HEAD", SIMILAR, 200),
        ("POST", PHOTO, 200),
        ("POST", "/api/v1/recommendations/", 200),
        ("POST", "/api/v1/similar/batch/", 200),
        ("GET", "/api/v1/products/", 200),
        ("POST", "/api/v1/products/", 403),
        ("PATCH", PRODUCT, 403),
        ("DELETE", SIMILAR, 403),
        ("PUT", PHOTO, 403),
        ("GET", STATUS, 403),
    ],
)
def test_a_publishable_key_reads_and_a_secret_one_may_do_everything(
    keys: None, method: str, path: str, of_publishable: int
) -> None:
    assert status(asker(path, method)) == 401
    assert status(asker(path, method, **bearer(publishable()))) == of_publishable
    assert status(asker(path, method, X_Api_Key=publishable())) == of_publishable
    assert status(asker(path, method, **bearer(secret()))) == 200


def test_where_the_api_is_open_a_publishable_key_reads_and_writes_nothing() -> None:
    token = publishable()
    assert status(asker(STATUS, **bearer(token))) == 200
    assert status(asker(PRODUCT, "PATCH", **bearer(token))) == 403


def test_the_decision_tells_whose_key_it_was(either: str) -> None:
    token = secret()
    key = ApiKey.objects.get()
    assert by_key(asker(**bearer(token))).key == KeyIdentity(key.pk, "build", "secret")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Origin": SHOP}, 200),
        ({"Origin": "https://shop.example:443"}, 200),
        ({"Origin": "https://m.shop.example:8443"}, 200),
        ({"Origin": "http://shop.example"}, 403),
        ({"Origin": "https://shop.example:444"}, 403),
        ({"Origin": "https://shop.example.evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "https://evil.example", "Referer": f"{SHOP}/p/1"}, 403),
        ({"Referer": f"{SHOP}/p/1?a=b"}, 200),
        ({"Referer": "https://evil.example/?https://shop.example"}, 403),
        ({"Referer": "https://shop.example@evil.example/"}, 403),
        ({"Referer": "http://["}, 403),
        ({}, 200),
    ],
)
def test_a_key_for_pages_is_used_by_no_others(either: str, headers: dict[str, str], expected: int) -> None:
    token = publishable(SHOP, "HTTPS://M.shop.example:8443/")
    assert status(asker(X_Api_Key=token, **headers)) == expected


def test_a_key_without_pages_is_for_all(keys: None) -> None:
    assert status(asker(X_Api_Key=publishable(), Origin="https://anywhere.example")) == 200


def test_what_holds_nothing_of_the_shop_needs_no_key(keys: None) -> None:
    assert [status(asker(path)) for path in ("/api/schema/", "/api/docs/")] == [200, 200]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/products/sku:a/api/schema/"),
        ("GET", "/api/schema/x"),
        ("POST", "/api/v1/products/sku:a/search/image/"),
    ],
)
def test_a_path_that_ends_like_an_endpoint_is_not_it(keys: None, method: str, path: str) -> None:
    assert status(asker(path, method)) == 401
    assert status(asker(path, method, **bearer(publishable()))) == (200 if method == "GET" else 403)


def test_a_preflight_needs_no_key_and_no_token(keys: None, settings: Settings) -> None:
    settings.API_ADDRESS_RATE = 1.0
    asked = asker(method="OPTIONS", Access_Control_Request_Method="GET", Origin=SHOP)
    assert by_key(asked) is ADMITTED
    assert status(asker(method="OPTIONS")) == 401


def test_on_an_event_loop_nothing_is_looked_up(keys: None, settings: Settings, django_assert_num_queries: Any) -> None:
    token = publishable()
    asked = asker(may_wait=False, **bearer(token))
    with django_assert_num_queries(0), pytest.raises(Undecided):
        by_key(asked)
    with django_assert_num_queries(0), pytest.raises(Undecided):
        by_key(asker(may_wait=False, Cookie=f"{settings.SESSION_COOKIE_NAME}=x"))
    with django_assert_num_queries(2):  # the key, and that it is in use
        assert status(asker(**bearer(token))) == 200
    with django_assert_num_queries(0):
        assert [status(asked), status(asker(**bearer(token))), status(asker(may_wait=False))] == [200, 200, 401]


def page_cookie() -> str:
    response = HttpResponse()
    pages.give_cookie(response)
    return f"a=b; {pages.COOKIE}={response.cookies[pages.COOKIE].value}" if pages.COOKIE in response.cookies else ""


def test_a_page_of_the_shop_reads_for_a_day(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    cookie = page_cookie()
    for path, method, expected in (
        (SIMILAR, "GET", 200),
        (PHOTO, "POST", 200),
        (PRODUCT, "PATCH", 401),
        (STATUS, "GET", 401),
    ):
        assert status(asker(path, method, Cookie=cookie)) == expected, path
    admission = by_key(asker(Cookie=cookie, may_wait=False))
    assert admission.key == KeyIdentity(None, "page of the shop", "publishable")
    for later, expected in ((23 * 3600, 200), (24 * 3600, 401), (-3600, 401)):
        monkeypatch.setattr(time, "time", lambda later=later: now + later)
        assert status(asker(Cookie=cookie)) == expected, later


@pytest.mark.parametrize("forged", ["", "499999", "499999:x", ":", "x:y"])
def test_a_cookie_that_was_not_given_here_is_none(keys: None, settings: Settings, forged: str) -> None:
    assert status(asker(Cookie=f"{pages.COOKIE}={forged}")) == 401
    cookie = page_cookie()
    settings.SECRET_KEY = "another"
    assert status(asker(Cookie=cookie)) == 401


def test_pages_of_an_open_shop_have_no_cookie() -> None:
    assert page_cookie() == ""


def logged_in(settings: Settings, **fields: Any) -> tuple[User, str]:
    user = User.objects.create_user("boss", password="x", **fields)
    client = Client()
    client.force_login(user)
    return user, f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def test_an_admin_who_is_logged_in_counts_as_a_secret_key(keys: None, settings: Settings) -> None:
    user, cookie = logged_in(settings, is_staff=True, is_superuser=True)
    own = {"Cookie": cookie, "Host": "shop.example", "Origin": SHOP}
    assert by_key(asker(STATUS, **own)).key == KeyIdentity(None, "admin boss", "secret", user.pk)
    assert status(asker(PRODUCT, "PATCH", **own)) == 200
    for other in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": ""}):
        assert status(asker(PRODUCT, "PATCH", **{**own, **other})) == 401
    assert status(asker(PRODUCT, "PATCH", Cookie=cookie, Host="shop.example", Referer=f"{SHOP}/api/docs/")) == 200
    assert status(asker(PRODUCT, "PATCH", Cookie=cookie, Host="shop.example")) == 401
    user.set_password("another")
    user.save()
    assert status(asker(STATUS, **own)) == 401


def test_an_admin_writes_in_an_open_api_too(settings: Settings) -> None:
    user, cookie = logged_in(settings, is_staff=True, is_superuser=True)
    admission = by_key(asker(PRODUCT, "PATCH", Cookie=cookie, Host="shop.example", Origin=SHOP))
    assert admission.key == KeyIdentity(None, "admin boss", "secret", user.pk)


def test_who_may_not_write_everything_is_judged_by_what_they_write(keys: None, settings: Settings) -> None:
    """By the views that write, which know what is asked; operators' endpoints are closed to them."""
    user, cookie = logged_in(settings, is_staff=True)
    own = {"Cookie": cookie, "Host": "shop.example", "Origin": SHOP}
    assert status(asker(**own)) == 200
    assert by_key(asker(PRODUCT, "PATCH", **own)).key == KeyIdentity(None, "admin boss", "publishable", user.pk)
    assert status(asker(STATUS, **own)) == 403
    names = ["add_product", "change_product", "delete_product"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="catalog"))
    assert status(asker(PRODUCT, "PATCH", **own)) == 200


def test_a_customer_who_is_logged_in_is_nobody(keys: None, settings: Settings) -> None:
    _, cookie = logged_in(settings)
    assert status(asker(Cookie=cookie)) == 401


@pytest.mark.parametrize(
    ("address", "headers", "expected"),
    [
        ("127.0.0.1", {}, 200),
        ("::1", {}, 200),
        ("10.0.0.9", {}, 401),
        ("127.0.0.1", {"X_Forwarded_For": "127.0.0.1"}, 401),
        ("127.0.0.1", {"X_Forwarded_Proto": "https"}, 401),
        ("127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 401),
    ],
)
def test_operators_networks_ask_how_the_service_is(
    keys: None, address: str, headers: dict[str, str], expected: int
) -> None:
    assert status(asker(STATUS, address=address, **headers)) == expected
    assert status(asker(SIMILAR, address=address, **headers)) == 401


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"X_Forwarded_For": "10.1.2.3"}, 200),
        ({"X_Forwarded_For": "10.2.2.3"}, 401),
        ({"X_Forwarded_For": "10.1.2.3, 10.2.2.3"}, 401),
        ({"X_Forwarded_For": "10.2.2.3, 10.1.2.3"}, 200),
        ({"X_Forwarded_For": "10.1.2.3, 127.0.0.1"}, 200),
        ({}, 200),  # the proxy's machine itself
        ({"X_Forwarded_Proto": "https"}, 401),  # of whom the proxy says nothing
        ({"X_Forwarded_For": ""}, 401),
        ({"X_Forwarded_For": "unknown"}, 401),
        ({"X_Forwarded_For": "unknown, 127.0.0.1"}, 401),
    ],
)
def test_behind_a_trusted_proxy_it_is_the_callers_address_that_operates(
    keys: None, settings: Settings, headers: dict[str, str], expected: int
) -> None:
    settings.TRUSTED_PROXIES, settings.OPERATORS = ["127.0.0.1"], ["10.1.0.0/16", "127.0.0.1"]
    assert status(asker(STATUS, address="127.0.0.1", **headers)) == expected


def tokens(asked: Asker) -> list[tuple[str, int]]:
    return [(charge.bucket.place, charge.tokens) for charge in by_key(asked).charges]


@pytest.mark.parametrize(
    ("path", "method", "query", "cost"),
    [
        (SIMILAR, "GET", "", 1),
        (SIMILAR, "GET", "limit=12&exact=false", 1),
        (SIMILAR, "GET", "exact=true", 10),
        (SIMILAR, "GET", "limit=3&exact=1", 10),
        (SIMILAR, "GET", "%65xact=yes", 10),
        (PHOTO, "POST", "", 5),
        (PHOTO, "POST", "exact=true", 10),
        ("/api/v1/recommendations/", "POST", "", 1),
        ("/api/v1/similar/batch/", "POST", "", 1),
        (f"{SIMILAR}2/why/", "GET", "", 10),
        ("/api/v1/products/1/duplicates/", "GET", "", 10),
        ("/api/v1/products/", "GET", "", 1),
    ],
)
def test_what_is_dearer_takes_more_tokens(settings: Settings, path: str, method: str, query: str, cost: int) -> None:
    assert tokens(asker(path, method, query=query)) == []
    settings.API_ADDRESS_RATE = 5.0
    assert tokens(asker(path, method, query=query)) == [("bucket:address:192.0.2.7", cost)]


def test_who_is_counted_by_what(keys: None, settings: Settings) -> None:
    page, build, own = publishable(), secret(), secret(rate=2.5, burst=30)
    ids = {key.kind + str(key.rate): key.pk for key in ApiKey.objects.all()}
    address = ("bucket:address:192.0.2.7", 1)
    assert tokens(asker(**bearer(own))) == [(f"bucket:key:{ids['secret2.5']}", 1)]
    assert [tokens(asker(**bearer(token))) for token in (page, build)] == [[], []]
    settings.API_ADDRESS_RATE = 5.0
    assert [tokens(asker(**bearer(token))) for token in (page, build)] == [[address], []]
    settings.API_KEY_RATE = 50.0
    assert tokens(asker(**bearer(page))) == [address, (f"bucket:key:{ids['publishableNone']}", 1)]
    assert tokens(asker(**bearer(build))) == [(f"bucket:key:{ids['secretNone']}", 1)]
    assert tokens(asker()) == tokens(asker(**bearer("lk_sec_x"))) == [address]  # who is refused pays, too
    (charge,) = by_key(asker(**bearer(own))).charges
    assert (charge.bucket.unit, charge.bucket.burst) == (400_000, 30)
