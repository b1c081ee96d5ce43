"""What outlives a run of `make chaos` or `make load` is found, named and ended."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from tests.marked import Mark
from tests.servers import OwnServers

# Its parent ends at once and leaves it behind, in a session of its own.
ORPHAN = "setsid sleep 600 >/dev/null 2>&1 & echo $!"


def test_what_was_left_behind_is_named_and_killed() -> None:
    with Mark() as mark, Mark() as other:
        started = subprocess.run(
            ["sh", "-c", ORPHAN], env=os.environ | mark.environment, capture_output=True, text=True, check=True
        )
        (process,) = mark.living()
        (left,) = mark.left(0.2)
        assert left == f"process {process.pid}, child of {process.ppid()}: sleep 600"
        assert started.stdout.strip() == str(process.pid)
        assert other.living() == []
    assert not psutil.pid_exists(process.pid)
    assert mark.left() == []


def test_what_ends_in_time_was_not_left() -> None:
    with Mark() as mark:
        with subprocess.Popen(["cat"], env=os.environ | mark.environment, stdin=subprocess.PIPE):
            assert len(mark.living()) == 1
        assert mark.left() == []


@pytest.mark.timeout(120)
def test_servers_are_known_by_where_they_run(server_folder: Path) -> None:
    server_folder.chmod(0o755)
    with Mark(server_folder) as mark:
        with OwnServers(server_folder) as servers:
            living = {process.pid for process in mark.living()}
            assert {servers.postmaster().pid, servers.redis_server().pid} < living  # Postgres has helpers besides
        assert mark.left() == []
