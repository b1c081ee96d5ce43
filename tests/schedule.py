"""Which tests begin first, and which run in one process, where several processes share out the tests (pytest-xdist)."""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadFileScheduling

# Loading Keras takes four seconds and 1.6 GB in each process that does it.
KERAS = (
    "tests/recommender/encoder/test_applications.py",
    "tests/recommender/encoder/test_serving.py",
    "tests/recommender/encoder/test_compile.py",
    "tests/recommender/bench/pipeline/test_encoders.py",
    "tests/recommender/encoder/test_lite_port.py",
    "tests/recommender/pipeline/test_keras_runtime.py",
)
# One browser, one set of collected static files and one drawn catalogue.
BROWSER = (
    "tests/browser/test_storefront.py",
    "tests/browser/test_admin.py",
    "tests/browser/test_desk.py",
    "tests/browser/test_dial.py",
    "tests/test_pages.py",
)
# What begins last must not be long: the files that take longest, one after the other.
LONGEST_FIRST = (
    "tests/config/test_demo.py",
    "tests/recommender/evaluation/test_clothing.py",
    *KERAS,
    "tests/recommender/pipeline/test_workers.py",
    *BROWSER,
    "tests/clients/test_clients.py",
    "tests/fuzz/test_schema.py",
    "tests/chaos/test_chaos.py",
    "tests/config/test_docker.py",
    "tests/recommender/search/test_property.py",
    "tests/recommender/bench/photo_search/test_run.py",
    "tests/recommender/bench/relevance/test_run.py",
    "tests/recommender/bench/search/test_run.py",
    "tests/catalog/feeds/test_runs.py",
    "tests/recommender/spaces/test_build.py",
    "tests/recommender/index/test_answers.py",
    "tests/recommender/search/test_why.py",
    "tests/catalog/photos/test_decoders.py",
    "tests/recommender/spaces/test_automatic.py",
    "tests/recommender/bench/pipeline/test_run.py",
    "tests/load/test_load.py",
    "tests/config/test_local_services.py",
    "tests/config/test_local_stopped.py",
    "tests/config/test_database_away.py",
    "tests/config/test_usable.py",
    "tests/config/test_broker.py",
    "tests/recommender/index/test_prepared.py",
    "tests/recommender/spaces/test_parts.py",
    "tests/recommender/spaces/test_switch.py",
    "tests/recommender/spaces/test_command.py",
    "tests/recommender/spaces/test_command_answers.py",
    "tests/recommender/pipeline/test_graves.py",
    "tests/web/test_orphans.py",
    "tests/recommender/search/test_redis_stopped.py",
    "tests/recommender/encoder/test_memory.py",
    "tests/web/test_memory.py",
    "tests/config/test_packages.py",
    "tests/recommender/evaluation/test_another_catalogue.py",
)
_PLACES = {name: number for number, name in enumerate(LONGEST_FIRST)}


def place(item: pytest.Item) -> int:
    """By which tests are put in order; tests of files that are not among the longest are equal."""
    return _PLACES.get(item.nodeid.partition("::")[0], len(_PLACES))


class FilesTogether(LoadFileScheduling):
    """A process takes a whole file at a time, or all files that share what is dear to set up."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return next((files[0] for files in (KERAS, BROWSER) if file in files), file)
