"""The lists of packages: what each asks for (`requirements/*.in`) and what is pinned for it."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# What is asked for → what is pinned, by `make requirements`.
LISTS = {
    "requirements/worker.in": "requirements/worker.txt",
    "requirements/web.in": "requirements/web.txt",
    "requirements/compile.in": "requirements/compile.txt",
    "requirements/local.in": "requirements.txt",
    "requirements/test.in": "requirements/test.txt",
    "requirements/bench.in": "requirements/bench.txt",
}


def canonical(name: str) -> str:
    """One spelling of a package's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(path: str) -> dict[str, str]:
    """Package → version of a compiled list."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (PROJECT / path).read_text(), re.MULTILINE)
    return {canonical(name): version for name, version in found}


def wanted(path: str) -> dict[str, str]:
    """Package → version of an .in file and of those that it includes."""
    asked: dict[str, str] = {}
    for line in (PROJECT / path).read_text().splitlines():
        if line.startswith("-r "):
            asked |= wanted(f"requirements/{line[3:].strip()}")
        elif line and not line.startswith("#"):
            name, _, version = line.partition(";")[0].strip().partition("==")
            asked[canonical(name.partition("[")[0])] = version
    return asked
