"""What a web process counts has its room on the disk before anything is counted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.server.counters import FOLDER, ROOM_BYTES, keep_room

COUNT = """
from config.server.counters import keep_room
keep_room()
from prometheus_client import Counter, generate_latest
Counter("asked", "Asked.", ["route"]).labels("a").inc()
"""


def test_the_room_is_taken_and_counted_in(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", COUNT], env=os.environ | {FOLDER: str(tmp_path)}, check=True)
    (counter,) = tmp_path.glob("counter_*.db")
    (histogram,) = tmp_path.glob("histogram_*.db")
    assert b"asked_total" in counter.read_bytes()
    for path in (counter, histogram):
        assert (path.stat().st_size, path.stat().st_blocks * 512 >= ROOM_BYTES) == (ROOM_BYTES, True)


def test_a_process_without_room_counts_for_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "gone"))
    keep_room()
    assert FOLDER not in os.environ
