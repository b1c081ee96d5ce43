"""Rooms know only what stands below them: no arrow back, no circle, no corridor, nothing of a developer's machine."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.rooms import violations

PROJECT = Path(__file__).resolve().parent.parent


def test_every_import_points_to_what_stands_below() -> None:
    assert violations(PROJECT) == []


def planted(folder: Path, files: Mapping[str, str]) -> list[str]:
    """What is found in a project of these files alone."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return violations(folder)


SEARCH = {"recommender/search/filters.py": ""}


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"catalog/models.py": "import recommender.models"},
            ["catalog/models.py imports recommender.models: catalog knows nothing of recommender"],
        ),
        (
            {"catalog/announce.py": "def say():\n    from config import celery", "config/celery.py": ""},
            ["catalog/announce.py imports config.celery: catalog knows nothing of config"],
        ),
        (
            {"recommender/tasks.py": "from config.celery import app"},
            ["recommender/tasks.py imports config.celery: recommender knows nothing of config"],
        ),
        (
            {"recommender/index/sql.py": "def late():\n    from recommender.search import filters", **SEARCH},
            [
                "recommender/index/sql.py imports recommender.search.filters: "
                "recommender.search stands above recommender.index"
            ],
        ),
        (
            {"recommender/index/sql.py": "from ..search.filters import parse", **SEARCH},
            [
                "recommender/index/sql.py imports recommender.search.filters: "
                "recommender.search stands above recommender.index"
            ],
        ),
        (
            {
                "recommender/encoder/store.py": "from recommender.index.sql import rows",
                "recommender/index/sql.py": "from recommender.projection import apply",
                "recommender/projection/apply.py": "from recommender.encoder import store",
            },
            [
                "recommender/encoder/store.py imports recommender.index.sql: "
                "a circle, for recommender.index leads back to recommender.encoder",
                "recommender/index/sql.py imports recommender.projection.apply: "
                "a circle, for recommender.projection leads back to recommender.index",
                "recommender/projection/apply.py imports recommender.encoder.store: "
                "a circle, for recommender.encoder leads back to recommender.projection",
            ],
        ),
        (
            {"catalog/services/photos.py": "", "recommender/search/utils.py": ""},
            [
                "catalog/services/photos.py is named by no role",
                "recommender/search/utils.py is named by no role",
                "catalog.services has no place in ORDER",
            ],
        ),
        (
            {
                "config/wsgi.py": "from config.demo import steps",
                "config/celery.py": "from config.local.redis import start_redis",
                "config/demo/steps.py": "import config.local.redis",
                "config/local/redis.py": "",
                "manage.py": "def main():\n    from config.local.services import borrowed_services",
            },
            [
                "config/celery.py imports config.local.redis: not in production",
                "config/wsgi.py imports config.demo.steps: not in production",
                "manage.py imports config.local.services: not in production",
            ],
        ),
        (
            {
                "recommender/api/status.py": "from recommender.bench.memory import most_megabytes",
                "recommender/management/commands/bench.py": "from recommender.bench import memory",
                "recommender/bench/memory.py": "",
            },
            [
                "recommender/api/status.py imports recommender.bench.memory: benches are for their command alone",
            ],
        ),
        (
            {
                "recommender/index/registry.py": "from recommender.index.pgvector import engine",
                "recommender/index/pgvector/engine.py": "from recommender.index.pgvector.options import check",
                "recommender/index/pgvector/options.py": "from recommender.index import base",
                "recommender/index/base.py": "",
                "recommender/bench/own.py": "from recommender.index.pgvector import options",
                "recommender/spaces/options.py": "from recommender.index.pgvector.options import check",
            },
            [
                "recommender/index/registry.py imports recommender.index.pgvector.engine: "
                "engines are reached by the port alone",
                "recommender/spaces/options.py imports recommender.index.pgvector.options: "
                "engines are reached by the port alone",
            ],
        ),
        (
            {
                "catalog/migrations/0001_initial.py": "import recommender.models",
                "recommender/search/filters.py": "from recommender.index import sql\nfrom catalog.models import Product",
                "recommender/index/sql.py": "from recommender.models import Space",
            },
            [],
        ),
    ],
    ids="catalog-recommender catalog-config config upward relative circle corridor local bench engine fine".split(),
)
def test_what_breaks_a_rule_is_named(tmp_path: Path, files: Mapping[str, str], found: list[str]) -> None:
    assert planted(tmp_path, files) == found
