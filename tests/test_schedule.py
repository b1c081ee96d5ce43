"""The order of the tests names files that are there, and those that load Keras are together."""

from __future__ import annotations

from pathlib import Path

from tests.schedule import KERAS, LONGEST_FIRST

PROJECT = Path(__file__).resolve().parent.parent
# Their Keras is in processes that they start.
ELSEWHERE = {"tests/config/test_docker.py", "tests/recommender/pipeline/test_workers.py"}


def test_files_that_are_put_first_are_there_and_named_once() -> None:
    assert len(set(LONGEST_FIRST)) == len(LONGEST_FIRST)
    assert [name for name in LONGEST_FIRST if not (PROJECT / name).is_file()] == []


def test_tests_of_keras_share_a_process() -> None:
    files = (path for path in (PROJECT / "tests").rglob("test_*.py") if "pytest.mark.keras" in path.read_text())
    marked = {str(path.relative_to(PROJECT)) for path in files}
    assert marked - {"tests/test_schedule.py"} == set(KERAS) | ELSEWHERE
