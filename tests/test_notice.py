"""LICENSE and NOTICE: the licence is Apache's, and every pinned package is listed under one that we may use beside it."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.notice import FORBIDDEN, KNOWN, NOTICE, listed, notice, packages, problems, stated_licence
from tests.requirements import LISTS

PROJECT = Path(__file__).resolve().parent.parent
APACHE_2 = (
    "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"  # of LICENSE-2.0.txt as Apache publishes it
)


def test_the_licence_is_apache_2_word_for_word() -> None:
    assert hashlib.sha256((PROJECT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_every_pinned_package_is_in_the_notice_and_no_other() -> None:
    assert list(listed()) == packages()
    assert set(KNOWN) <= set(packages())


def test_the_notice_says_what_the_installed_packages_say() -> None:
    assert NOTICE.read_text() == notice(), "run `make requirements`"
    installed = {package: licence for package in packages() if (licence := stated_licence(package))}
    assert {"django", "psycopg", "numpy", "pytest"} <= installed.keys()


@pytest.mark.parametrize(
    ("licence", "forbidden"),
    [
        ("GPL-3.0-or-later", True),
        ("AGPL-3.0-only", True),
        ("MIT AND GPL-2.0-only", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("GNU Affero General Public License v3", True),
        ("LGPL-3.0-only", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("MPL-2.0", False),
        ("Apache-2.0", False),
    ],
)
def test_gpl_and_agpl_are_told_from_lgpl(licence: str, forbidden: bool) -> None:
    assert bool(FORBIDDEN.search(licence)) is forbidden


def test_no_package_is_under_gpl_or_agpl_and_none_is_left_out() -> None:
    assert problems(packages(), listed()) == []
    assert problems(["kept", "new"], {"kept": "MIT", "old": "GPL-3.0-only"}) == [
        "NOTICE does not list new: run `make requirements`",
        "old is under GPL-3.0-only, which this product may not use: choose another package",
    ]


def test_the_check_needs_no_package() -> None:
    checked = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            "import sys; sys.path.insert(0, '.'); import runpy; sys.argv[1:] = ['--check'];"
            "runpy.run_module('tests.notice', run_name='__main__')",
        ],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_the_workflow_looks_at_every_list_of_packages() -> None:
    workflow = yaml.safe_load((PROJECT / ".github" / "workflows" / "ci.yml").read_text())
    steps = [step["run"] for step in workflow["jobs"]["packages"]["steps"] if "run" in step]
    assert steps[0] == "python -m tests.notice --check"
    assert steps[2].startswith("for list in requirements.txt requirements/*.txt; do pip-audit ")
    lists = {"requirements.txt", *(f"requirements/{path.name}" for path in (PROJECT / "requirements").glob("*.txt"))}
    assert lists == set(LISTS.values())
