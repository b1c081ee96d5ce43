"""One size of `bench search`, in a process of its own on a private, empty database.

Run as `python -m recommender.bench.search.process FOLDER VECTORS PEERS GRAPHS` in the environment of a temporary shop; FOLDER
holds `seeds.npz`. Says on standard error what it does and prints one JSON object. A *cold* answer is one that has to be
searched for, a *hot* one is in Redis already.
"""

from __future__ import annotations

import itertools
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import django
import numpy as np
import orjson
from django.conf import settings

QUERIES = 400
TRUE_QUERIES = 150  # those whose recall is judged by brute force
HOT_PRODUCTS = 300
HOT_SECONDS = 5.0
HOT_ROUNDS = 5
HOT_CONNECTIONS = 32  # enough that processes which share a port get about as many each
K = 10


def main() -> None:
    folder, count, peers = Path(sys.argv[1]), int(sys.argv[2]), [name for name in sys.argv[3].split(",") if name]
    graphs = [name for name in sys.argv[4].split(",") if name]
    django.setup()
    from recommender.bench.temporary import make_tables

    make_tables()
    result = measure(folder, count, peers, graphs, lambda text: print(text, file=sys.stderr, flush=True))
    sys.stdout.write(orjson.dumps(result).decode())


def measure(
    folder: Path, count: int, peers: Sequence[str], graphs: Sequence[str], say: Callable[[str], object]
) -> dict[str, Any]:
    from recommender.bench.search import dial as search_dial
    from recommender.bench.search import graphs as search_graphs
    from recommender.bench.search import peers as search_peers
    from recommender.bench.search import rules as search_rules
    from recommender.bench.search import truth as search_truth
    from recommender.bench.search import worst as search_worst
    from recommender.bench.search.gallery import COLOUR_DIMENSIONS, DIMENSIONS, SHAPE_DIMENSIONS, generate
    from recommender.bench.search.own import curve, sizes
    from recommender.bench.search.shop import write_shop
    from recommender.projection.apply import unit
    from recommender.projection.fit import fit_pca
    from recommender.projection.statistics import Statistics

    photos = np.load(folder / "seeds.npz")
    parts = []
    for rows, dimensions in ((photos["features"], SHAPE_DIMENSIONS), (photos["colours"], COLOUR_DIMENSIONS)):
        statistics = Statistics(rows.shape[1])
        statistics.add(rows)
        parts.append(fit_pca(statistics, dimensions))
    shape, colour = parts
    say(f"deriving {count:,} vectors from {len(photos['features'])} photos")
    gallery = generate(shape.linear(unit(photos["features"])), colour.linear(unit(photos["colours"])), count)
    space, seconds = write_shop(gallery, shape, colour, say)
    rng = np.random.default_rng(2)
    queries = [int(one) for one in rng.choice(count, min(count, 4 * QUERIES), replace=False)]
    judged = queries[:TRUE_QUERIES]
    truth = [search_truth.nearest(gallery, number, K) for number in judged]
    nearness = [
        float(search_truth.likeness(gallery, number)[true[0]]) for number, true in zip(judged, truth, strict=True)
    ]

    say("recall over latency, our index")
    engines = [
        {
            "engine": "pgvector (ours)",
            "build_seconds": seconds["building the index"],
            "bytes": sizes(space)["index_bytes"],
        }
        | {"curve": curve(space, gallery, judged, truth, more=queries[TRUE_QUERIES : 4 * TRUE_QUERIES])}
    ]
    say("the worst queries")
    worst = search_worst.measure(space, gallery)
    say("recall and time at each tenth of the dial")
    dial = search_dial.measure(space, gallery, judged, queries)
    say("in stock first")
    rules = search_rules.measure(gallery, judged, queries)
    skipped = {}
    for name in peers:
        say(f"peer: {name}")
        try:
            engines.append(search_peers.measure(name, gallery.vectors, judged, truth, folder))
        except search_peers.PeerMissing as error:
            skipped[name] = str(error)
    say("over HTTP: cold, hot, filters")
    http = _http(folder, gallery, space, queries, engines, say)
    filters = http.pop("filters")
    of_space = sizes(space)
    return {
        "vectors": count,
        "dimensions": DIMENSIONS,
        "nearest_cosine_median": round(float(np.median(nearness)), 4),
        "seconds": seconds,
        "space": of_space,
        "bytes_of_index_a_photo": round(of_space["index_bytes"] / count, 1),
        "engines": engines,
        "worst": worst,
        "dial": dial,
        "rules": rules,
        "skipped_peers": skipped,
        "filters": filters,
        "http": http,
        "graphs": search_graphs.measure(space, gallery, graphs, say),  # last, for they replace the index
    }


def _http(
    folder: Path,
    gallery: Any,
    space: Any,
    queries: Sequence[int],
    engines: Sequence[dict[str, Any]],
    say: Callable[[str], object],
) -> dict[str, Any]:
    """Cold answers beside the same SQL over a bare connection, in turns; filters; hot answers beside the peer's, in turns.

    The server asks for keys and counts each request in the buckets of its key and of its address.
    """
    from recommender.bench.search import filters as search_filters
    from recommender.bench.search.http import free_port, keys_and_buckets, load, served
    from recommender.bench.search.own import BareConnection, write_peer

    port, peer_port = free_port(), free_port()
    ours = [sys.executable, "-m", "config.web", "--port", str(port)]
    access, headers = keys_and_buckets()
    environment = {**os.environ, **access, "HTTPS": "false", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    bare = BareConnection(space)
    cold: list[float] = []
    alone: list[float] = []

    def paths(numbers: Sequence[int], extra: str = "") -> list[str]:
        return [f"/api/v1/products/{number + 1}/similar/{extra}" for number in numbers]

    with served(ours, port, "/readyz", environment, str(settings.BASE_DIR)):
        load(
            port, iter(paths(queries[:200], "?limit=13")), connections=8, headers=headers
        )  # every thread has its connection and plans
        bare.seconds(queries[:200])
        for start in range(
            200, 200 + 2 * QUERIES, 100
        ):  # other products each: nobody finds the caches warmed by the other
            cold += load(port, iter(paths(queries[start : start + 50])), connections=1, headers=headers)[0]
            alone += bare.seconds(queries[start + 50 : start + 100])
        result: dict[str, Any] = {
            "server": "granian, all production middleware, with keys and with buckets for each key and address",
            "cold": _figures(cold),
            "bare_sql": _figures(alone),
            "cold_over_bare_p50": round(float(np.median(cold) / np.median(alone)), 2),
        }
        say("over HTTP: filters")
        ask = search_filters.over_http(port, headers)
        result["filters"] = search_filters.measure(ask, gallery, queries[:QUERIES], queries[:TRUE_QUERIES])
        hot = paths(queries[:HOT_PRODUCTS])
        peer = write_peer(folder, gallery, engines)
        rates: dict[str, list[float]] = {"ours": [], "peer": []}
        hot_seconds: list[float] = []
        if peer is None:
            for _ in range(HOT_ROUNDS):
                hot_seconds, rate = load(
                    port, itertools.cycle(hot), connections=HOT_CONNECTIONS, seconds=HOT_SECONDS, headers=headers
                )
                rates["ours"].append(rate)
        else:
            say(f"hot answers in turns with FastAPI + hnswlib at ef {peer['ef']}")
            command = [
                sys.executable,
                "-m",
                "uvicorn",
                "recommender.bench.search.peer_server:app",
                "--port",
                str(peer_port),
            ]
            command += ["--workers", str(settings.WEB_PROCESSES), "--loop", "uvloop", "--http", "httptools"]
            command += ["--no-access-log", "--log-level", "error"]
            of_peer = {**os.environ, "PEER_FOLDER": str(folder), "PEER_EF": str(peer["ef"])}
            with served(command, peer_port, hot[0], of_peer, str(settings.BASE_DIR)):
                for _ in range(HOT_ROUNDS):
                    for name, where in (("ours", port), ("peer", peer_port)):
                        load(where, iter(hot), connections=HOT_CONNECTIONS, headers=headers)
                        seconds, rate = load(
                            where,
                            itertools.cycle(hot),
                            connections=HOT_CONNECTIONS,
                            seconds=HOT_SECONDS,
                            headers=headers,
                        )
                        rates[name].append(rate)
                        if name == "ours":
                            hot_seconds = seconds
            result["peer"] = peer | {
                "per_second": round(float(np.median(rates["peer"]))),
                "rounds": _rounded(rates["peer"]),
            }
        result["hot"] = _figures(hot_seconds) | {
            "per_second": round(float(np.median(rates["ours"]))),
            "rounds": _rounded(rates["ours"]),
        }
        if peer is not None:
            result["hot_over_peer"] = round(float(np.median(rates["ours"]) / np.median(rates["peer"])), 2)
    return result


def _figures(seconds: Sequence[float]) -> dict[str, float]:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3), "answers": len(seconds)}


def _rounded(values: Sequence[float]) -> list[int]:
    return [round(value) for value in values]


if __name__ == "__main__":
    began = time.perf_counter()
    main()
    print(f"done in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
