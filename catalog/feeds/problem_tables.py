"""The problems of a run as a table for a spreadsheet."""

from __future__ import annotations

import csv
from io import StringIO

from catalog.models import FeedRun
from catalog.spreadsheets import spreadsheet_cell

_BYTE_ORDER_MARK = "\ufeff"  # without it Excel does not read UTF-8


def problems_csv(run: FeedRun) -> str:
    """Line, place and reason of each problem that was kept, and how many were not."""
    text = StringIO()
    table = csv.writer(text)
    table.writerow(["line", "place", "reason"])
    table.writerows(map(spreadsheet_cell, problem) for problem in run.problems)
    if more := run.problem_count - len(run.problems):
        table.writerow(["", "", f"{more} more problems were not kept; correct these and read the feed again"])
    return _BYTE_ORDER_MARK + text.getvalue()
