"""A process of `bench import`: `python -m recommender.bench.importing.process COMMAND [PATH]` prints one JSON object.

`read`: the rows of a feed, nothing done with them; seconds are of the processor. `import`: as `import_products` does;
seconds are of the clock. `embed`: embed whatever is to be embedded until standard input is closed; says when it begins.
"""

from __future__ import annotations

import os
import select
import sys
import time
from pathlib import Path
from typing import Any

import django
import orjson

from recommender.bench.memory import most_megabytes

_LEASE_SECONDS = 1.0


def read(path: Path) -> dict[str, Any]:
    from catalog.feeds.reading import open_feed
    from catalog.feeds.rows import BadRow

    began = time.process_time()
    count = bad = 0
    with open_feed(path) as feed:
        for row in feed.rows:
            count += 1
            bad += isinstance(row, BadRow)
    return {"rows": count, "problems": bad, "seconds": time.process_time() - began}


def import_feed(path: Path) -> dict[str, Any]:
    from catalog.feeds.importing import FeedImport
    from catalog.feeds.reading import open_feed

    began = time.perf_counter()
    with open_feed(path) as feed:
        report = FeedImport(feed).run()
    seconds = time.perf_counter() - began
    changes = report.changes
    return {
        "rows": report.rows,
        "problems": report.problem_count,
        "created": changes.created,
        "unchanged": changes.unchanged,
        "seconds": seconds,
    }


def embed() -> dict[str, Any]:
    from recommender.pipeline.embed import work

    done = work(seconds=_LEASE_SECONDS).done  # loads the network
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not select.select([sys.stdin], [], [], 0)[0]:
        done += work(seconds=_LEASE_SECONDS).done
    return {"done": done}


def prepare(folder: Path) -> dict[str, Any]:
    from recommender.bench.temporary import open_tables

    open_tables(folder)
    return {}


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    command, *paths = sys.argv[1:]
    found = (
        embed()
        if command == "embed"
        else {"read": read, "import": import_feed, "prepare": prepare}[command](Path(paths[0]))
    )
    sys.stdout.write(orjson.dumps(found | {"megabytes": round(most_megabytes())}).decode() + "\n")
