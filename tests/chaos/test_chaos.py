"""A hundred and twenty photos, a kill of every kind: what `make chaos` does, small enough for every run of the tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.chaos.pictures import BROKEN_EVERY, BY_API_EVERY
from tests.chaos.processes import PROJECT
from tests.chaos.run import KINDS

PHOTOS, KILLS, SEED = 120, len(KINDS), 20


@pytest.mark.long
@pytest.mark.worker
@pytest.mark.timeout(180)
def test_every_photo_comes_to_its_own_end_whatever_is_killed(tmp_path: Path) -> None:
    report_file = tmp_path / "chaos.json"
    command = [sys.executable, "-m", "tests.chaos", "--photos", str(PHOTOS), "--kills", str(KILLS)]
    command += ["--seed", str(SEED), "--json", str(report_file)]
    run = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    report = json.loads(report_file.read_text())
    assert report["wrong"] == []
    assert min(report["changed"].values()) >= 4
    assert report["done"] == PHOTOS - PHOTOS // BROKEN_EVERY - report["changed"]["deleted"]
    assert report["failed"] == {"truncated": PHOTOS // BROKEN_EVERY}
    assert report["kills"] == Counter(KINDS)
    assert report["writes_accepted"] == 5 * (PHOTOS // BY_API_EVERY)
