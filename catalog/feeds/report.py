"""What an import tells of itself: counts, problems, notices."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from catalog.feeds.changes import Changes
from catalog.feeds.rows import Notice


@dataclass(frozen=True)
class Problem:
    """A row, cell or photo that did not go in. `place` is "line 7", or a path in a folder tree."""

    line: int
    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}".encode("utf-8", "backslashreplace").decode()


@dataclass
class Report:
    """What an import did, or in a dry run would do. `problems` holds the first ones, `problem_count` counts all.

    `notices`: what was noticed, decided or mended in the feed as a whole, each once, which is no problem. `hidden`: products
    that were hidden because no feed names them any more. `whole`: the feed counts as read to its end.
    """

    dry_run: bool
    rows: int = 0
    changes: Changes = field(default_factory=Changes)
    hidden: int = 0
    problem_count: int = 0
    problems: list[Problem] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    whole: bool = False

    def as_json(self) -> dict[str, Any]:
        counts = {"dry_run": self.dry_run, "rows": self.rows, **asdict(self.changes), "hidden": self.hidden}
        return counts | {
            "problem_count": self.problem_count,
            "problems": [asdict(item) for item in self.problems],
            "notices": [str(notice) for notice in self.notices],
        }
