"""The result of `bench import` as a Markdown page, and which of its targets were met. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_MEGABYTES = 250
# Rows a second, by what is measured.
LEAST_READ = {"csv": 30_000, "xml": 10_000}
LEAST_NEW, LEAST_UNCHANGED, LEAST_BESIDE_WORKERS = 1_500, 5_000, 400

Target = dict[str, Any]


def targets(result: Mapping[str, Any]) -> list[Target]:
    """Whether the figures keep what is promised: rates at least, memory at most."""
    found = []
    for shape, one in result["reading"].items():
        size = f"{result['gigabytes']:g} GB of {shape}"
        found.append(_at_most(f"memory for reading {size}, MB", one["megabytes"], MOST_MEGABYTES))
        if shape in LEAST_READ:
            found.append(_at_least(f"rows a second, reading {size}", one["rate"], LEAST_READ[shape]))
    for name, one in result.get("importing", {}).items():
        least = LEAST_UNCHANGED if "unchanged" in name else LEAST_BESIDE_WORKERS if "workers" in name else LEAST_NEW
        found.append(_at_least(f"rows a second, {name}", one["rate"], least))
        found.append(_at_most(f"memory, {name}, MB", one["megabytes"], MOST_MEGABYTES))
    return found


def markdown(result: Mapping[str, Any]) -> str:
    """The whole report as one Markdown page."""
    lines = [
        "# Import bench",
        "",
        f"{result['date']}, {result['machine']}.",
        "",
        f"Feeds of {result['gigabytes']:g} GB, only read; rows a second of processor time.",
        "",
        _table(result["reading"]),
    ]
    if importing := result.get("importing"):
        lines += [
            "",
            f"Feeds of {result['rows']:,} rows, imported, each with a photo of 2 KB; rows a second by the clock. "
            f"{result['workers']} workers embed beside the last one.",
            "",
            _table(importing),
        ]
    lines += ["", *(_line(one) for one in result["targets"]), ""]
    return "\n".join(lines)


def _table(found: Mapping[str, Mapping[str, Any]]) -> str:
    names = ["feed", "rows", "problems", "seconds", "rows a second", "peak memory, MB"]
    cells = [
        [
            name,
            f"{one['rows']:,}",
            f"{one['problems']:,}",
            f"{one['seconds']:.1f}",
            f"{one['rate']:,}",
            f"{one['megabytes']:,}",
        ]
        for name, one in found.items()
    ]
    rows = [names, ["---", *["--:"] * (len(names) - 1)], *cells]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _line(target: Target) -> str:
    return f"- {'met' if target['met'] else 'MISSED'}: {target['target']}: {target['value']:,} ({target['limit']})"


def _at_least(name: str, value: float, least: float) -> Target:
    return {"target": name, "value": value, "limit": f"≥ {least:,}", "met": value >= least}


def _at_most(name: str, value: float, most: float) -> Target:
    return {"target": name, "value": value, "limit": f"≤ {most:,}", "met": value <= most}
