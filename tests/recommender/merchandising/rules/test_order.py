"""The order of conflicts is said in the same words on the page of the preview and in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

from recommender.merchandising.rules.order import ORDER
from recommender.search.ranking.emphasis import CANDIDATES

PAGE = Path(__file__).resolve().parents[4] / "docs" / "merchandising.md"


def test_the_page_has_the_order_word_for_word() -> None:
    section = PAGE.read_text(encoding="utf-8").split("### Which rule has its way")[1].split("\n### ")[0]
    points = re.findall(r"^\d\. (.*?)(?=^\d\. |\Z)", section, re.MULTILINE | re.DOTALL)
    assert tuple(" ".join(point.split()) for point in points) == ORDER
    assert f"the nearest {CANDIDATES}," in ORDER[6]
