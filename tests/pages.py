"""The fenced blocks of the pages in docs/ and of the README, and running those of the shell.

A block is run unless an HTML comment stands on the line before it, which readers do not see: `<!-- not run: why -->`, or
`<!-- answers 400 -->` where the last answer is to have that status.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests import docker

PROJECT = Path(__file__).resolve().parent.parent
CURL = shutil.which("curl")
# Tells each answer's status on standard error, where the script names its blocks, too.
_CURL = '#!/bin/sh\nexec {curl} --silent --show-error "$@" --write-out "\\n%{{stderr}}@status %{{http_code}}\\n"\n'
_DOCKER = '#!/bin/sh\nexec {python} {file} "$@"\n'
_FENCED = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


# What is run, by page and heading: of API, COMMANDS on a shop that is served, of TABLES on a database alone.
API = (("README.md", "## Ask it"), ("docs/api.md", ""))
COMMANDS = (("docs/deployment.md", "## From a bare server to HTTPS"), ("docs/operations.md", ""))
TABLES = tuple(
    ("docs/deployment.md", f"## {name}") for name in ("Keys and limits", "Upgrade", "Back-up", "Restore", "Roll back")
)


@dataclass(frozen=True)
class Block:
    """`line`: of its fence. `not_run`: why. `status`: of its last answer, where that is an error or 304."""

    page: str
    line: int
    language: str
    text: str
    not_run: str = ""
    status: int | None = None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def blocks(page: str, language: str = "", *, heading: str = "") -> list[Block]:
    """The blocks of a page, of one language where that is said, and of the part below one heading where that is said."""
    numbers = _lines(page, heading)
    found = (block for block in _blocks(page) if block.line in numbers)
    return [block for block in found if not language or block.language == language]


def runnable(page: str, language: str, *, heading: str = "") -> list[Block]:
    """Those of them that are run."""
    return [block for block in blocks(page, language, heading=heading) if not block.not_run]


def run(folder: Path, found: Sequence[Block], *, environment: Mapping[str, str], replaced: Mapping[str, str]) -> str:
    """Run the blocks one after another in one shell, and hold the status of every answer to what its block says.

    They run in a folder that looks like the project's to them. `docker` is tests/docker.py. `replaced`: texts of the pages and
    what stands for them in a test. Returns what was written to standard output.
    """
    _furnish(folder)
    script = f'set -euo pipefail\nPATH="{folder / "bin"}:$PATH"\n'
    script += "\n".join(f"echo '@block {number}' >&2\n{block.text}" for number, block in enumerate(found))
    for old, new in replaced.items():
        script = script.replace(old, new)
    result = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=dict(environment), capture_output=True, text=True, timeout=200
    )
    told = result.stderr.split("@block ")[1:]
    assert result.returncode == 0, f"{found[len(told) - 1]}: {told[-1:]}\n{result.stdout[-3000:]}"
    for block, errors in zip(found, told, strict=True):
        statuses = [int(status) for status in re.findall(r"^@status (\d+)$", errors, re.MULTILINE)]
        assert len(statuses) >= len(re.findall(r"\bcurl ", block.text)), f"{block}: {errors}"
        assert _as_told(block, statuses), f"{block}: {statuses}\n{result.stdout[-3000:]}"
    return result.stdout


def _furnish(folder: Path) -> None:
    for name in (".venv", "manage.py", "docker"):
        if not (folder / name).exists():
            (folder / name).symlink_to(PROJECT / name)
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in {
        "curl": _CURL.format(curl=CURL),
        "docker": _DOCKER.format(python=sys.executable, file=docker.__file__),
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)


def _as_told(block: Block, statuses: Sequence[int]) -> bool:
    """Whether all are of success, but for the last where the block names another."""
    *before, last = statuses or (200,)
    return all(200 <= each < 300 for each in before) and (last == block.status if block.status else 200 <= last < 300)


def _blocks(page: str) -> Iterator[Block]:
    text = (PROJECT / page).read_text()
    for found in _FENCED.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        above = text[: found.start()].rstrip("\n").rpartition("\n")[2]
        not_run = re.fullmatch(r"<!-- not run: (.+) -->", above)
        status = re.fullmatch(r"<!-- answers (\d+) -->", above)
        yield Block(
            page,
            line,
            found["language"],
            found["text"],
            not_run[1] if not_run else "",
            int(status[1]) if status else None,
        )


def part(page: str, heading: str) -> str:
    """The text of a page below one heading, up to the next of its depth."""
    lines = (PROJECT / page).read_text().splitlines()
    return "\n".join(lines[number - 1] for number in _lines(page, heading))


def _lines(page: str, heading: str) -> range:
    """The numbers of those lines; of all, where no heading is named."""
    lines = (PROJECT / page).read_text().splitlines()
    if not heading:
        return range(1, len(lines) + 1)
    begin = lines.index(heading) + 2
    beginnings = tuple("#" * depth + " " for depth in range(1, heading.index(" ") + 1))
    fenced = False
    for number in range(begin, len(lines) + 1):
        fenced ^= lines[number - 1].startswith("```")
        if not fenced and lines[number - 1].startswith(beginnings):
            return range(begin, number)
    return range(begin, len(lines) + 1)
