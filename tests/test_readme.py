"""The README's examples run as they stand, on a shop with drawn products, against the shipped web server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.conftest import Shop, coloured_shop, drawn_catalogue, server, static_files, web

__all__ = ["coloured_shop", "drawn_catalogue", "server", "static_files", "web"]

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()
CURL = shutil.which("curl")
# Each answer on a line of its own; an error of the server, or of the address, ends the examples.
WATCHED = '#!/bin/sh\nexec {curl} --fail --silent --show-error --write-out "\\n" "$@"\n'


def _examples() -> str:
    section = README.partition("## The API by example\n")[2].partition("\n## ")[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.mark.worker
@pytest.mark.skipif(CURL is None, reason="no curl on PATH (Debian: apt-get install curl)")
def test_the_api_examples_run(coloured_shop: Shop, tmp_path: Path) -> None:
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "curl").write_text(WATCHED.format(curl=CURL))
    (commands / "curl").chmod(0o755)
    script = f'set -euo pipefail\nPATH="{commands}:$PATH"\n' + _examples().replace(
        "http://127.0.0.1:8000", coloured_shop.url
    )
    result = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr + result.stdout
    answers = [json.loads(line) for line in result.stdout.splitlines() if line]
    assert len(answers) == len(re.findall(r"^curl (?!-s)", _examples(), re.MULTILINE))
    searched = [answer for answer in answers if "space" in answer and "results" in answer]
    assert len(searched) == 12
    assert {answer["status"] for answer in searched} == {"ready"}
    empty = [place for place, answer in enumerate(searched) if not answer["results"]]
    assert empty == [8]  # products/…/duplicates/: no photo of the drawn products is there twice
