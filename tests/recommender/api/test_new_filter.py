"""A filter is one file: put where the others are, it is read, applied, described and named everywhere."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.index import partitions
from recommender.models import Space
from tests.recommender.search.gallery import Shop, make_space, random_units
from tests.workers import process_environment

PROJECT = Path(__file__).resolve().parents[3]
NEW_FILTER = '''
"""`title_ends=x`: products by the last letters of their titles."""

from dataclasses import dataclass
from typing import Self

from catalog.filters.base import Condition, Filter, Parameter
from catalog.parameters import InvalidParameter, Parameters, read_one


@dataclass(frozen=True)
class TitleEnds(Filter):
    letters: str

    parameters = (Parameter("title_ends", {"type": "string", "maxLength": 9}, "The last letters of the title."),)

    @classmethod
    def read(cls, parameters: Parameters) -> Self | None:
        letters = read_one(parameters, "title_ends")
        if letters is not None and len(letters) > 9:
            raise InvalidParameter("title_ends", "nine letters at most")
        return None if letters is None else cls(letters)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return (Condition("right({product}.title, length({letters})) = {letters}", {"letters": self.letters}),)

    @property
    def named(self) -> dict[str, str]:
        return {"title_ends": self.letters}
'''
# A process of the product that finds the new file among the filters, asked over HTTP's two kinds of handlers.
PROCESS = """
import json, os, sys
from catalog.filters import entries
entries.__path__.append(sys.argv[1])
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "localhost"})
print(json.dumps([[response.status_code, response.json()] for response in map(client.get, sys.argv[2:])]))
"""


@pytest.fixture
def space(transactional_db: None) -> Iterator[Space]:
    made = make_space()
    yield made
    partitions.drop_partition(made)  # no model of Django's, so nobody else empties it


def test_a_filter_that_is_added_touches_one_file(space: Space, tmp_path: Path) -> None:
    vectors = random_units(4)
    asking, one, other, _ = Shop(space).add_many(
        [(vectors[place : place + 1], {"title": title}) for place, title in enumerate(("-", "box", "fox", "fog"))]
    )
    (tmp_path / "title_ends.py").write_text(NEW_FILTER)
    similar, listed = f"/api/v1/products/{asking.pk}/similar/", "/api/v1/products/"
    queries = ("?title_ends=ox", f"?title_ends={'x' * 10}", "?title_end=ox")
    urls = [f"{path}{query}" for query in queries for path in (listed, similar)]
    ran = subprocess.run(
        [sys.executable, "-c", PROCESS, str(tmp_path), *urls, "/api/schema/?format=json"],
        cwd=PROJECT,
        env=process_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    *answers, (_, schema) = json.loads(ran.stdout)

    assert [status for status, _ in answers] == [200, 200, 400, 400, 400, 400]
    found, searched, *refused = [body for _, body in answers]
    assert [result["id"] for result in found["results"]] == [one.pk, other.pk]
    assert {result["product"]["id"] for result in searched["results"]} == {one.pk, other.pk}
    assert found["query"] == {"title_ends": "ox"} and searched["query"]["title_ends"] == "ox"
    assert [problem["parameter"] for problem in refused] == ["title_ends"] * 2 + ["title_end"] * 2
    assert all("title_ends: nine letters at most" in problem["detail"] for problem in refused[:2])
    assert all(
        ", title_ends, attr.<name>.min, attr.<name>.max and attr.<name>" in problem["detail"] for problem in refused[2:]
    )
    for path in (listed, "/api/v1/products/{product}/similar/"):
        (described,) = [one for one in schema["paths"][path]["get"]["parameters"] if one["name"] == "title_ends"]
        assert described == {
            "in": "query",
            "name": "title_ends",
            "schema": {"type": "string", "maxLength": 9},
            "description": "The last letters of the title.",
        }
