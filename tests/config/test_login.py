"""The admin's log-in: locked after failures, by name and address; what the log says; and where it leads."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.http import HttpRequest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from config.login import caller_network
from config.middleware import POLICY

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"
HOME, ELSEWHERE = "192.0.2.7", "198.51.100.9"
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def ada() -> User:
    return User.objects.create_superuser("ada", password=PASSWORD)


def log_in(client: Client, password: str = "wrong", *, name: str = "ada", address: str = HOME, **more: str) -> Any:
    form = {"username": name, "password": password} | more
    return client.post(LOGIN, form, REMOTE_ADDR=address)


def lock(client: Client, **who: str) -> list[int]:
    return [log_in(client, **who).status_code for _ in range(5)]


def test_the_fifth_failure_locks_the_name_for_the_address(client: Client) -> None:
    assert lock(client) == [200, 200, 200, 200, 429]
    refused = log_in(client, PASSWORD)
    assert refused.status_code == 429 and "_auth_user_id" not in client.session
    assert (refused["Retry-After"], refused["Cache-Control"]) == ("900", "no-store")
    assert refused["Content-Security-Policy"] == POLICY and refused["X-Frame-Options"] == "DENY"
    page = refused.content.decode()
    assert "Please try again in 15 minutes." in page and "ask another administrator" in page


def test_neither_another_address_nor_another_name_is_locked(client: Client) -> None:
    lock(client)
    assert log_in(client, name="grace").status_code == 200
    assert client.get(LOGIN, REMOTE_ADDR=HOME).status_code == 200
    inside = log_in(client, PASSWORD, address=ELSEWHERE)
    assert (inside.status_code, inside["Location"]) == (302, "/admin/")
    assert log_in(Client(), PASSWORD).status_code == 429


def test_a_lock_ends_with_its_time_however_often_it_was_tried_against(client: Client) -> None:
    lock(client)
    before = AccessAttempt.objects.values_list("failures_since_start", "post_data").get()
    assert [log_in(client, PASSWORD).status_code for _ in range(3)] == [429, 429, 429]
    assert AccessAttempt.objects.values_list("failures_since_start", "post_data").get() == before
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(seconds=901))
    assert log_in(client, PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()


def test_a_log_in_that_succeeds_begins_the_count_anew(client: Client) -> None:
    for _ in range(2):
        assert [log_in(client).status_code for _ in range(4)] == [200] * 4
        assert log_in(client, PASSWORD).status_code == 302
        client.logout()
    assert not AccessAttempt.objects.exists()


def test_the_bounds_are_settings(client: Client, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT, settings.AXES_COOLOFF_TIME = 2, timedelta(seconds=60)
    assert [log_in(client).status_code for _ in range(2)] == [200, 429]
    refused = log_in(client)
    assert refused["Retry-After"] == "60" and b"try again in a minute." in refused.content


def test_no_table_and_no_log_line_has_the_password(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(5):
        log_in(client, "hunter2-of-ada")
    kept = str(list(AccessAttempt.objects.values()))
    assert "hunter2" not in kept and "hunter2" not in caplog.text


def test_the_log_names_failures_and_locks(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    lock(client)
    log_in(client, PASSWORD)
    failed = "failed log-in as 'ada' from 192.0.2.7"
    locked = "log-ins as 'ada' from 192.0.2.7 are locked for 15 minutes"
    said = [record.getMessage() for record in caplog.records if record.name in ("config.login", "axes")]
    assert said == [failed] * 5 + [locked, failed, locked]


def test_a_name_cannot_write_log_lines_of_its_own(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    log_in(client, name="x\r\n2026-01-01 INFO forged" + "y" * 100)
    (message,) = [record.getMessage() for record in caplog.records if record.name == "config.login"]
    assert message.startswith(r"failed log-in as 'x\r\n2026-01-01 INFO forgedyyy") and len(message) < 120
    assert message.isprintable()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", None),
        ("/run/socket", None),
    ],
)
def test_callers_of_one_ipv6_network_count_as_one(address: str, network: str | None) -> None:
    request = HttpRequest()
    request.META["REMOTE_ADDR"] = address
    assert caller_network(request) == network


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("", "/admin/"),
        ("/admin/catalog/product/?o=1", "/admin/catalog/product/?o=1"),
        ("http://testserver/admin/auth/", "http://testserver/admin/auth/"),
        ("https://evil.example/", "/admin/"),
        ("//evil.example/", "/admin/"),
        ("/\\evil.example/", "/admin/"),
        ("javascript:alert(1)", "/admin/"),
        ("http:///evil.example", "/admin/"),
        ("\thttps://evil.example/", "/admin/"),
    ],
)
def test_a_log_in_leads_only_where_we_are(client: Client, asked: str, led: str) -> None:
    inside = log_in(client, PASSWORD, next=asked)
    assert (inside.status_code, inside["Location"]) == (302, led)
    assert client.get("/admin/").status_code == 200


def test_the_address_of_the_form_leads_only_where_we_are_too(client: Client) -> None:
    inside = client.post(f"{LOGIN}?next=https://evil.example/", {"username": "ada", "password": PASSWORD})
    assert (inside.status_code, inside["Location"]) == (302, "/admin/")


def test_a_session_from_before_the_lock_was_there_goes_on(client: Client, ada: User) -> None:
    client.force_login(ada, backend="django.contrib.auth.backends.ModelBackend")
    lock(Client())
    assert client.get("/admin/").status_code == 200


def test_while_postgres_is_away_a_log_in_is_told_to_come_back(client: Client) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("the server closed the connection")

    with connection.execute_wrapper(away):
        assert client.get(LOGIN).status_code == 200
        refused = log_in(client, PASSWORD)
    assert refused.status_code == 503 and int(refused["Retry-After"]) > 0
    assert b"Back in a moment" in refused.content
