"""The storefront goes on where the API wants keys: its pages need none, and their scripts have the cookie of the page they came with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import call_command
from playwright.sync_api import Page, expect
from pytest_django import Settings

from tests.load.web import web_server
from tests.workers import process_environment

pytestmark = [pytest.mark.browser]


@pytest.fixture
def url(
    transactional_db: None, static_files: Path, drawn_catalogue: Path, tmp_path: Path, settings: Settings
) -> Iterator[str]:
    call_command("import_products", drawn_catalogue / "products.csv", verbosity=0)
    environment = process_environment(
        API_ACCESS="keys", API_ADDRESS_RATE="20", OPERATORS="192.0.2.1", HTTPS="false", WEB_PROCESSES="1", STATIC_ROOT=str(static_files)
    )  # fmt: skip
    with web_server(environment, tmp_path / "log") as url:
        yield url


def test_pages_of_the_shop_may_ask_the_api_and_others_may_not(page: Page, url: str) -> None:
    page.goto(url)
    card = page.locator("#products .card[data-product]").first
    expect(card).to_be_visible()
    asked = (
        "path => fetch(path, {headers: {Accept: 'application/json'}, cache: 'no-store'}).then(answer => answer.status)"
    )
    assert page.evaluate(asked, "/api/v1/categories/") == 200
    assert page.evaluate(asked, "/api/v1/status/") == 401
    page.context.clear_cookies()
    assert page.evaluate(asked, "/api/v1/categories/") == 401
    page.get_by_label("Order").select_option("Name")
    expect(page).to_have_url(f"{url}/?sort=title")
    expect(card).to_be_visible()
    assert page.evaluate(asked, "/api/v1/categories/") == 200
