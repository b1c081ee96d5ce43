"""No cell of a CSV file that people open is a formula."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from catalog.spreadsheets import spreadsheet_cell

PROJECT = Path(__file__).resolve().parent.parent.parent
# What they write is read by programs: a drawn feed, and the feeds of a bench.
FOR_PROGRAMS = {"catalog/management/commands/draw_catalogue.py", "recommender/bench/importing/feeds.py"}


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "=cmd|' /C calc'!A0", "\uff1d1", "\uff0b1"]
)
def test_a_text_that_begins_like_a_formula_stays_text(text: str) -> None:
    assert spreadsheet_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["", "a=1", "1-2", " =1", "'=1", -1, 2.5, -0.5, None, True])
def test_all_else_is_written_as_it_is(value: object) -> None:
    assert spreadsheet_cell(value) is value


def test_whatever_writes_csv_for_people_writes_its_cells_so() -> None:
    writers = set()
    for app in ("catalog", "config", "recommender"):
        for path in (PROJECT / app).rglob("*.py"):
            text = path.read_text()
            names = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
            if names & {"writer", "DictWriter"} and "import csv" in text:
                writers.add(str(path.relative_to(PROJECT)))
    careful = {name for name in writers if "spreadsheet_cell" in (PROJECT / name).read_text()}
    assert writers - careful == FOR_PROGRAMS
    assert careful == {"catalog/feeds/problem_tables.py", "recommender/management/commands/find_duplicates.py"}
