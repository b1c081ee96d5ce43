"""docs/operations.md and what the service really tells: every metric, every alert, every member of status/, readyz and the log."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
import yaml
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from config.server.access_log import Answered, line
from recommender.monitoring.metrics import exposition
from tests.catalog.factories import make_image
from tests.pages import PROJECT, blocks, part

PAGE = "docs/operations.md"
NAMES = re.compile(r"\blookalike_[a-z_]+\b")
OF_A_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")


def rules() -> list[dict[str, Any]]:
    [block] = [block for block in blocks(PAGE, "yaml") if block.text.startswith("groups:")]
    [group] = yaml.safe_load(block.text)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def first_column(heading: str) -> list[str]:
    """The names in the first column of the tables under a heading, in order."""
    cells = [row.split(" | ")[0] for row in part(PAGE, heading).splitlines() if row.startswith("| `")]
    return [name for cell in cells for name in re.findall(r"`(\w+)`", cell)]


@pytest.fixture
def families(db: None, client: Client) -> dict[str, set[str]]:
    """Each metric of /metrics → its labels, with a photo in the catalogue and a request answered."""
    make_image()
    assert client.get("/api/v1/products/").status_code == 200
    found = {}
    for family in text_string_to_metric_families(exposition().decode()):
        name = family.name + ("_total" if family.type == "counter" else "")
        found[name] = {label for sample in family.samples for label in sample.labels} - {"le"}
    return found


def test_the_page_names_every_metric_and_no_other(families: dict[str, set[str]]) -> None:
    assert sorted(first_column("## Metrics")) == sorted(families)
    text = (PROJECT / PAGE).read_text()
    assert {OF_A_HISTOGRAM.sub("", name) for name in NAMES.findall(text)} == set(families)


def test_the_page_names_the_labels_that_a_metric_has(families: dict[str, set[str]]) -> None:
    rows = [row.split(" | ") for row in part(PAGE, "## Metrics").splitlines() if row.startswith("| `lookalike_")]
    told = {row[0].strip("| `"): set(re.findall(r"`(\w+)`", row[1])) for row in rows}
    assert {name: labels - told[name] for name, labels in families.items() if labels - told[name]} == {}
    assert told["lookalike_jobs"] == families["lookalike_jobs"] == {"state"}
    assert told["lookalike_requests_total"] == families["lookalike_requests_total"] == {"route", "method", "status"}


def test_each_alert_asks_for_metrics_that_are_there_and_says_how_urgent_it_is(families: dict[str, set[str]]) -> None:
    assert len(rules()) == len({rule["alert"] for rule in rules()}) == 13
    for rule in rules():
        assert set(rule) - {"for"} == {"alert", "expr", "labels"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert re.fullmatch(r"\d+m", rule.get("for", "0m")), rule["alert"]
        asked = {OF_A_HISTOGRAM.sub("", name) for name in NAMES.findall(rule["expr"])}
        assert asked <= set(families) and (asked or rule["expr"] == 'up{job="lookalike"} == 0')
        assert all(rule["expr"].count(one) == rule["expr"].count(other) for one, other in ("()", "{}", "[]"))


def test_each_alert_has_a_row_that_says_what_to_do() -> None:
    assert first_column("## Alerts") == [rule["alert"] for rule in rules()]


def test_the_thresholds_of_recall_are_those_of_the_log(settings: Any) -> None:
    low = next(rule["expr"] for rule in rules() if rule["alert"] == "LookalikeRecallLow")
    assert low.startswith(f"lookalike_recall < {settings.RECALL_WARN_BELOW:g} ")


@pytest.mark.django_db
def test_the_page_names_what_readyz_and_status_tell(client: Client) -> None:
    told = set(first_column("## At a glance"))
    ready, status = client.get("/readyz").json(), client.get("/api/v1/status/").json()
    assert set(ready) == {"ready", "missing", "checks"}
    assert set(ready["checks"]) | set(status) == told


def test_the_page_names_every_member_of_the_access_log() -> None:
    scope = SimpleNamespace(query_string="q=1", client="127.0.0.1:5")
    answered = Answered(scope, "GET", "/", {}, 200, [], 5, 0.0, 0.1)  # type: ignore[arg-type]
    assert set(first_column("## Logs")) == {*orjson.loads(line(answered)), "dropped"}
