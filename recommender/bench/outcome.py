"""The outcome of a bench: printed, written to the files that were asked for, and non-zero where a target was missed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from django.core.management.base import BaseCommand, CommandError


def publish(
    command: BaseCommand, result: dict[str, Any], page: str, *, json: Path | None, markdown: Path | None
) -> None:
    """`page`: the result in Markdown. Raises CommandError, after all is written, where one of its `targets` was missed."""
    command.stdout.write(page)
    if json is not None:
        json.write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2) + b"\n")
    if markdown is not None:
        markdown.write_text(page, encoding="utf-8")
    if missed := [one["target"] for one in result["targets"] if not one["met"]]:
        raise CommandError(f"{len(missed)} targets were missed: {'; '.join(missed)}")
