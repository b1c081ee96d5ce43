"""`bench search`: recall, latency, filters and HTTP at several sizes, beside other engines, in one run."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recommender.bench.circumstances import circumstances
from recommender.bench.outcome import publish
from recommender.index.base import UnknownCombination
from recommender.index.pgvector import options

if TYPE_CHECKING:
    from recommender.bench.search.seeds import Seeds

SIZES = [10_000]
PEERS = ("hnswlib", "faiss", "annoy", "milvus")


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--vectors", type=_sizes, default=SIZES, metavar="N[,N…]", help="sizes, 10000 by default")
    parser.add_argument(
        "--peers", type=_peers, default=list(PEERS), metavar="a,b", help="any of faiss, hnswlib, annoy, milvus; `none`"
    )
    parser.add_argument(
        "--graphs", type=_graphs, default=[], metavar="16/64,…", help="judge indexes of these m/ef_construction, too"
    )
    parser.add_argument("--json", type=Path, metavar="F", help="write everything that was measured")
    parser.add_argument("--plot", type=Path, metavar="F.png", help="recall over latency (needs matplotlib)")
    parser.add_argument("--markdown", type=Path, metavar="F.md", help="write the tables")


def handle(
    command: BaseCommand,
    *,
    vectors: Sequence[int],
    peers: Sequence[str],
    graphs: Sequence[str],
    json: Path | None,
    plot: Path | None,
    markdown: Path | None,
    **_: Any,
) -> None:
    """Measure every size in a private database, then print the table. Raises CommandError, also for missed targets."""
    from recommender.bench.search import report
    from recommender.bench.search.seeds import EncoderNotCompiled, seeds

    try:
        photos = seeds(command.stderr.write)
    except EncoderNotCompiled as error:
        raise CommandError(str(error)) from error
    result: dict[str, Any] = {
        "command": _command(vectors, peers, graphs, json, plot, markdown),
        **circumstances(),
        "seeds": photos.words,
        "runs": [_run(photos, count, peers, graphs, command) for count in vectors],
    }
    result["targets"] = report.targets(result["runs"])
    if plot is not None:
        try:
            report.draw(result["runs"], plot)
        except ImportError as error:
            raise CommandError("--plot needs matplotlib: pip install -r requirements/bench.txt") from error
    page = report.markdown(result, plot=plot.name if plot else None)
    publish(command, result, page, json=json, markdown=markdown)


def _run(
    photos: Seeds, count: int, peers: Sequence[str], graphs: Sequence[str], command: BaseCommand
) -> dict[str, Any]:
    from recommender.bench.temporary import temporary_shop

    with temporary_shop() as (folder, environment):
        np.savez(folder / "seeds.npz", features=photos.features, colours=photos.colours)
        arguments = [sys.executable, "-m", "recommender.bench.search.process", str(folder), str(count)]
        arguments += [",".join(peers), ",".join(graphs)]
        done = subprocess.run(arguments, env=environment, cwd=settings.BASE_DIR, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise CommandError(f"the bench of {count:,} vectors ended with code {done.returncode}; see above")
    result: dict[str, Any] = orjson.loads(done.stdout)
    command.stderr.write(f"{count:,} vectors: done")
    return result


def _command(
    vectors: Sequence[int],
    peers: Sequence[str],
    graphs: Sequence[str],
    json: Path | None,
    plot: Path | None,
    markdown: Path | None,
) -> str:
    words = [
        "manage.py bench search",
        f"--vectors {','.join(map(str, vectors))}",
        f"--peers {','.join(peers) or 'none'}",
    ]
    words += [f"--graphs {','.join(graphs)}"] if graphs else []
    words += [f"--{name} {path}" for name, path in (("json", json), ("plot", plot), ("markdown", markdown)) if path]
    return " ".join(words)


def _sizes(text: str) -> list[int]:
    try:
        sizes = [int(part) for part in text.replace("_", "").split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1000:
        raise ArgumentTypeError(f"{text!r}: whole numbers of at least 1000 are needed, separated by commas")
    return sizes


def _peers(text: str) -> list[str]:
    names = [] if text in ("", "none") else text.split(",")
    for name in names:
        if name not in PEERS:
            raise ArgumentTypeError(f"{name!r} is no peer; there are {', '.join(PEERS)}")
    return names


def _graphs(text: str) -> list[str]:
    graphs = text.split(",")
    for graph in graphs:
        m, _, ef_construction = graph.partition("/")
        if not (m.isdecimal() and ef_construction.isdecimal()):
            raise ArgumentTypeError(f"{graph!r}: m/ef_construction is needed, such as 16/64")
        try:
            options.check(
                metric="cosine",
                index="hnsw",
                dimensions=256,
                parameters={"m": int(m), "ef_construction": int(ef_construction)},
            )
        except UnknownCombination as error:
            raise ArgumentTypeError(f"{graph}: {error}") from error
    return graphs
