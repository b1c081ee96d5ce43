"""What `make chaos` and `make load` share: a folder and servers of the run's own, a report, and an exit code."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.marked import Mark
from tests.servers import OwnServers

Report = dict[str, Any]


def run_by_itself(
    run: Callable[[Path, OwnServers], Report],
    *,
    name: str,
    settings: dict[str, str],
    table: Callable[[Report], str],
    json_file: Path | None = None,
    keep: bool = False,
) -> int:
    """Run in a temporary folder with a private Postgres and Redis, which this process's environment names meanwhile.

    `run` returns a report, whose `wrong` lists in sentences what must not be. `settings`: more of the environment.
    Processes that outlive the run are wrong, too. `table` is the report in Markdown. The folder, with its logs, stays where
    something is wrong, or to `keep` it. Returns the exit code: 1 where something is wrong.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o755)  # root's PostgreSQL runs as another user
    with Mark(folder) as mark:
        os.environ |= mark.environment
        with OwnServers(folder) as servers:
            os.environ |= _environment(folder, servers) | settings
            report = run(folder, servers)
        report["wrong"] += [f"outlived the run: {process}" for process in mark.left()]
    print(table(report))
    for sentence in report["wrong"]:
        print(f"wrong: {sentence}")
    if json_file:
        json_file.write_text(json.dumps(report, indent=1) + "\n")
    if report["wrong"] or keep:
        print(f"logs are in {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if report["wrong"] else 0


def _environment(folder: Path, servers: OwnServers) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
        "MEDIA_ROOT": str(folder / "media"),
        "SECRET_KEY": "of a run of the tests alone, which nobody visits but itself",
        "HTTPS": "false",
        "DEBUG": "false",
    }
