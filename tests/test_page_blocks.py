"""The blocks of the pages for developers and operators: which are run, which are not and why, and what else can be read of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.pages import API, COMMANDS, PROJECT, TABLES, blocks

PAGES = ("docs/api.md", "docs/deployment.md", "docs/operations.md")
PAPERS = {path.name: path.read_text() for path in [*PROJECT.glob("*.md"), *(PROJECT / "docs").glob("*.md")]}


def test_every_link_to_a_heading_leads_to_one() -> None:
    headings = {name: set(anchors(text)) for name, text in PAPERS.items()}
    linked = [
        (name, Path(target).name or name, anchor)
        for name, text in PAPERS.items()
        for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", text)
    ]
    assert len(linked) > 20
    assert [link for link in linked if link[2] not in headings.get(link[1], ())] == []


def anchors(text: str) -> list[str]:
    """What a link to each heading ends with, as GitHub makes it."""
    titles = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_these_pages_is_run_or_says_why_not(page: str) -> None:
    parts = [heading for named, heading in (*API, *COMMANDS, *TABLES) if named == page]
    run = {block for heading in parts for block in blocks(page, heading=heading)}
    commands = [block for block in blocks(page) if block.language in ("sh", "python", "js", "ts")]
    assert len(commands) >= 6
    assert [str(block) for block in commands if block not in run and not block.not_run] == []
    assert {block.language for block in blocks(page)} <= {
        "sh",
        "python",
        "js",
        "ts",
        "json",
        "http",
        "yaml",
        "ini",
        "nginx",
        "caddy",
    }


def test_what_is_written_as_json_is_json() -> None:
    found = [block for page in PAGES for block in blocks(page, "json")]
    assert len(found) == 2
    assert all(isinstance(json.loads(block.text), dict) for block in found)


def test_lines_for_a_file_of_settings_name_settings() -> None:
    lines = [line for block in blocks("docs/deployment.md", "ini") for line in block.text.splitlines()]
    known = re.findall(r"^# ([A-Z_]+)=", (PROJECT / ".env.example").read_text(), re.MULTILINE)
    assert len(lines) == 7
    assert {line.partition("=")[0] for line in lines} <= set(known)
