import sys
from pathlib import Path
import pytest
from django.core.management import CommandError, call_command
from recommender.models import Encoder
D = Path("/tmp/wt/judge_runs")
def test_adhoc(transactional_db: None, compiled_lite2_int8: Encoder) -> None:
    try:
        call_command("bench", "relevance", "--catalog", str(D / "fashion"/"products.csv"), "--labels", "category", "--changed", "40", "--json", str(D/"a.json"), "--plot", str(D/"a.svg"), "--markdown", str(D/"a.md"))
    except CommandError as e:
        print(e)
