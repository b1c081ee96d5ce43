"""`python -m tests.chaos [--photos 5000] [--kills 100] [--seed 1] [--json F]`: what `make chaos` runs.

A private Postgres and Redis, a worker of two processes, beat and the web server, in a temporary folder. Exit 1 and a list
of what is wrong unless every decodable photo is done, once, every other failed with its reason, what the API accepted is there,
once, and no process outlived the one that made it, or the run.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.api_writer import wrong_writes
from tests.chaos.pictures import is_by_api
from tests.chaos.run import Chaos
from tests.runs import Report, run_by_itself
from tests.servers import OwnServers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    arguments = parser.parse_args()
    return run_by_itself(
        lambda folder, servers: _shop_under_fire(folder, servers, arguments),
        name="chaos",
        settings={"SWEEP_SECONDS": "1", "WEB_PROCESSES": "1"},
        table=_table,
        json_file=arguments.json,
        keep=arguments.keep,
    )


def _shop_under_fire(folder: Path, servers: OwnServers, arguments: argparse.Namespace) -> Report:
    """Set up, run, and count what became of every photo."""
    began = time.monotonic()
    _set_up()
    from tests.chaos import counts

    chaos = Chaos(folder, servers, photos=arguments.photos, kills=arguments.kills, seed=arguments.seed)
    result = chaos.run()
    result.done, result.failed = counts.done(), counts.failed_by_reason()
    result.wrong += counts.what_is_wrong(arguments.photos)
    result.wrong += wrong_writes(filter(is_by_api, range(arguments.photos)))
    result.crashes_counted = counts.crashes()
    return {"seed": arguments.seed, "set_up_and_run_seconds": time.monotonic() - began, **asdict(result)}


def _set_up() -> None:
    """An empty shop with an encoder and its first space."""
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger("django.db").setLevel(logging.ERROR)
    call_command("migrate", verbosity=0)
    from tests.chaos.shop import open_shop

    open_shop()


def _table(report: Report) -> str:
    kills = report["kills"]
    return (
        "| photos | done | failed | kills | attempts counted as crashes | uploads repeated | writes accepted | writes repeated "
        "| seconds | wrong |\n|---|---|---|---|---|---|---|---|---|---|\n"
        f"| {report['photos']} | {report['done']} | {report['failed']} | {sum(kills.values())} | {report['crashes_counted']} "
        f"| {report['uploads_repeated']} | {report['writes_accepted']} | {report['writes_repeated']} "
        f"| {report['seconds']:.0f} | {len(report['wrong'])} |\n"
        "kills: " + ", ".join(f"{name} {count}" for name, count in sorted(kills.items()))
    )


if __name__ == "__main__":
    sys.exit(main())
