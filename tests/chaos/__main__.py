"""`python -m tests.chaos [--photos 5000] [--kills 100] [--seed 1] [--json F]`: what `make chaos` runs.

A private Postgres and Redis, a worker of two processes, beat and the web server, in a temporary folder. Exit 1 and a list
of what is wrong unless every decodable photo is done, once, every other failed with its reason, and no process outlived
the one that made it, or the run.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from tests.chaos.run import Chaos, Result
from tests.marked import Mark
from tests.servers import OwnServers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--keep", action="store_true", help="leave the folder with its logs")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="chaos-"))
    folder.chmod(0o755)
    began = time.monotonic()
    with Mark(folder) as mark:
        os.environ |= mark.environment
        result = _shop_under_fire(folder, arguments)
        result.wrong += [f"outlived the run: {process}" for process in mark.left()]
    report = {"seed": arguments.seed, "set_up_and_run_seconds": time.monotonic() - began, **asdict(result)}
    _print(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1) + "\n")
    if result.wrong or arguments.keep:
        print(f"logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if result.wrong else 0


def _shop_under_fire(folder: Path, arguments: argparse.Namespace) -> Result:
    """Start everything, run, count, and stop everything."""
    with OwnServers(folder) as servers:
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "MEDIA_ROOT": str(folder / "media"),
            "SECRET_KEY": "of the chaos run alone, which nobody visits but itself",
            "HTTPS": "false",
            "DEBUG": "false",
            "SWEEP_SECONDS": "1",
            "WEB_PROCESSES": "1",
        }
        _set_up()
        from tests.chaos import counts

        chaos = Chaos(folder, servers, photos=arguments.photos, kills=arguments.kills, seed=arguments.seed)
        result = chaos.run()
        result.done, result.failed = counts.done(), counts.failed_by_reason()
        result.wrong += counts.what_is_wrong(arguments.photos)
        result.crashes_counted = counts.crashes()
    return result


def _set_up() -> None:
    """An empty shop with an encoder and its first space."""
    import django
    from django.core.management import call_command

    django.setup()
    logging.getLogger("django.db").setLevel(logging.ERROR)
    call_command("migrate", verbosity=0)
    from tests.chaos.shop import open_shop

    open_shop()


def _print(report: dict[str, object]) -> None:
    kills = report["kills"]
    assert isinstance(kills, dict)
    print("| photos | done | failed | kills | attempts counted as crashes | uploads repeated | seconds | wrong |")
    print("|---|---|---|---|---|---|---|---|")
    wrong = report["wrong"]
    assert isinstance(wrong, list)
    print(
        f"| {report['photos']} | {report['done']} | {report['failed']} | {sum(kills.values())} | {report['crashes_counted']} "
        f"| {report['uploads_repeated']} | {report['seconds']:.0f} | {len(wrong)} |"
    )
    print("kills: " + ", ".join(f"{name} {count}" for name, count in sorted(kills.items())))
    for sentence in wrong:
        print(sentence)


if __name__ == "__main__":
    sys.exit(main())
