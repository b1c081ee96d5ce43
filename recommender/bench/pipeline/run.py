"""`bench pipeline`: how near the pipeline comes to what the machine can do, and what a naive worker makes of it.

The ideal, one photo after the other, is 1/(1/D + 1/F + 1/C + 1/I) photos a second, where D, F, C and I are the rates of
decoding, of the network, of framing and counting colours, and of inserting alone, on the same cores in the same run. They, the pipeline and the naive worker are measured
in turn, round after round, and each rate is that of all its rounds together, because other work on the machine comes and goes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import harmonic_mean
from typing import Any

from django.conf import settings

from recommender.bench.circumstances import circumstances
from recommender.bench.pipeline import encoders
from recommender.bench.pipeline.photo_sets import default_photos, write_photos
from recommender.bench.pipeline.processes import Processes, bench_processes
from recommender.bench.temporary import temporary_shop

LEAST_OF_IDEAL, LEAST_OF_NAIVE, MOST_MEGABYTES = 0.9, 5.0, 250.0
# Of the photos a second that there would be without framing and colours, they cost at most this share.
MOST_OF_COLOUR = 0.1
MOST_IDLE_SECONDS, MOST_IMPORTING_SECONDS = 2.0, 5.0
SMALL, LARGE, ROUNDS = 304, 128, 8

Say = Callable[[str], None]


@dataclass(frozen=True)
class Row:
    """Photos a second, and the shares that count.

    `colour`: of framing and counting colours; `colour_cost`: the share of the ideal without them that they take away.
    """

    size: str
    processes: int
    photos: int
    decode: float
    forward: float
    colour: float
    insert: float
    ideal: float
    pipeline: float
    of_ideal: float
    colour_cost: float
    naive: float
    of_naive: float
    megabytes: float


def run(*, photos: Path | None = None, say: Say = lambda line: None, compare_encoders: bool = True) -> dict[str, Any]:
    """Measure everything in a temporary shop. `photos`: a folder; by default the real ones, or drawn where there are none.

    The result holds the rows, the latencies, the comparison of encoders, and `missed`: the targets not reached.
    """
    source = photos or default_photos()
    with temporary_shop() as (folder, environment):
        say("photos: " + (f"{SMALL} of {source.name}" if source else f"{SMALL} drawn") + f", {LARGE} of 2,000 pixels")
        write_photos(source, folder, small=SMALL, large=LARGE)
        run_module(environment, "recommender.bench.pipeline.process", str(folder), "open")
        rows = []
        for count in sorted({1, _cores()}):
            with (
                bench_processes(folder, environment, count) as processes,
                bench_processes(folder, environment, count, one_core=count == 1) as naive,
            ):
                for size in ("small", "large"):
                    rows.append(_measure(processes, naive, size, count, say))
        say("uploads: until they can be found, at rest and during an import of 10,000")
        latency = json.loads(run_module(environment, "recommender.bench.pipeline.latency", str(folder)))
    result: dict[str, Any] = {
        **circumstances(),
        "photos": "drawn" if source is None else source.name,
        "encoder": settings.ENCODER,
        "cores": _cores(),
        "rows": [asdict(row) for row in rows],
        "latency": latency,
        "missed": missed_targets(rows, latency),
    }
    if compare_encoders:
        feed = source.parent / "products.csv" if source else None
        result["encoders"] = encoders.compare(feed if feed and feed.exists() else None, report=say)
        if not result["encoders"]["passes"]:
            result["missed"].append(f"{encoders.INT8} may not be the default encoder")
    return result


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _measure(processes: Processes, naive: Processes, size: str, count: int, say: Say) -> Row:
    rounds: list[tuple[float, ...]] = []
    photos, megabytes = 0, 0.0
    for number in range(ROUNDS):
        say(f"{size} photos on {count} core{'s' if count > 1 else ''}, round {number + 1} of {ROUNDS}")
        decode = processes.measure("decode", size).rate
        forward = processes.measure("forward", size).rate
        colour = processes.measure("colour", size).rate
        processes.measure("reset", size, share=0)
        insert = processes.measure("insert", size).rate
        processes.measure("reset", size, share=1)
        pipeline = processes.measure("embed", size)
        photos, megabytes = pipeline.photos, pipeline.megabytes
        processes.measure("reset", size, share=0)
        rounds.append((decode, forward, colour, insert, pipeline.rate, naive.measure("naive", size).rate))
    decode, forward, colour, insert, end_to_end, naively = map(harmonic_mean, zip(*rounds, strict=True))
    ideal = ideal_rate(decode, forward, colour, insert)
    return Row(
        size=size,
        processes=count,
        photos=photos,
        decode=decode,
        forward=forward,
        colour=colour,
        insert=insert,
        ideal=ideal,
        pipeline=end_to_end,
        of_ideal=end_to_end / ideal,
        colour_cost=1 - ideal / ideal_rate(decode, forward, insert),
        naive=naively,
        of_naive=end_to_end / naively,
        megabytes=megabytes,
    )


def ideal_rate(*steps: float) -> float:
    """Photos a second of one photo after the other, from those of each step alone."""
    return 1 / sum(1 / rate for rate in steps)


def missed_targets(rows: list[Row], latency: dict[str, dict[str, float]]) -> list[str]:
    """A sentence for each target that was not reached. `latency`: by `idle` and `importing`, its p95_seconds."""
    missed = []
    for row in rows:
        where = f"{row.size} photos on {row.processes}"
        if row.of_ideal < LEAST_OF_IDEAL:
            missed.append(f"{where}: {row.of_ideal:.2f} of the ideal, wanted {LEAST_OF_IDEAL}")
        if row.colour_cost > MOST_OF_COLOUR:
            missed.append(
                f"{where}: framing and colours cost {row.colour_cost:.0%} of the photos a second, wanted at most {MOST_OF_COLOUR:.0%}"
            )
        if row.of_naive < LEAST_OF_NAIVE:
            missed.append(f"{where}: {row.of_naive:.1f} × the naive worker, wanted {LEAST_OF_NAIVE:.0f}")
        if row.megabytes > MOST_MEGABYTES:
            missed.append(f"{where}: {row.megabytes:.0f} MB a process, wanted at most {MOST_MEGABYTES:.0f}")
    for name, most in (("idle", MOST_IDLE_SECONDS), ("importing", MOST_IMPORTING_SECONDS)):
        if latency[name]["p95_seconds"] > most:
            missed.append(f"upload to searchable, {name}: p95 {latency[name]['p95_seconds']:.2f} s, wanted {most:.0f}")
    return missed


def table(result: dict[str, Any]) -> str:
    """The result as text for people (Markdown)."""
    lines = [
        f"{result['encoder']}, {result['photos']} photos; photos a second ({result['date']}, {result['machine']})",
        "",
        "| photos | processes | decode D | forward F | colour C | insert I | ideal | pipeline | of ideal | cost of C | naive | × naive | MB a process |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in result["rows"]:
        rates = " | ".join(
            f"{row[name]:.0f}" for name in ("decode", "forward", "colour", "insert", "ideal", "pipeline")
        )
        lines.append(
            f"| {row['size']} | {row['processes']} | {rates} | {row['of_ideal']:.2f} | {row['colour_cost']:.0%} | {row['naive']:.1f} "
            f"| {row['of_naive']:.1f} | {row['megabytes']:.0f} |"
        )
    lines += ["", "| upload to searchable | p50 | p95 |", "|---|---|---|"]
    for name, seconds in result["latency"].items():
        lines.append(f"| {name} | {seconds['p50_seconds']:.2f} s | {seconds['p95_seconds']:.2f} s |")
    if "encoders" in result:
        lines += ["", encoders.table(result["encoders"])]
    lines += ["", *(f"missed: {sentence}" for sentence in result["missed"])]
    return "\n".join(lines).rstrip()


def run_module(environment: dict[str, str], module: str, *arguments: str) -> str:
    """Run a module in a process of that environment; returns what it printed. Raises RuntimeError where it failed."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{module} ended with code {done.returncode}; see above")
    return done.stdout
