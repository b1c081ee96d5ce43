"""The bench of the search in words and pictures: targets, tables, one plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

LARGE = 1_000_000
COLOURS = ("#c0392b", "#2c6fbb", "#2a9d62", "#8e5bb5", "#c98a1b")


def targets(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was promised for each size that was run, and whether it holds."""
    found: list[dict[str, Any]] = []

    def add(name: str, value: float, limit: float, *, least: bool = False) -> None:
        met = value >= limit if least else value <= limit
        found.append({"target": name, "value": value, "limit": f"{'≥' if least else '≤'} {limit:g}", "met": met})

    for run in runs:
        size, large = f"{run['vectors']:,}", run["vectors"] >= LARGE
        if run["vectors"] >= 100_000:
            add(f"{size}: cold p50 over HTTP / bare SQL", run["http"]["cold_over_bare_p50"], 2 if large else 3.5)
        if "hot_over_peer" in run["http"]:
            add(f"{size}: hot answers a second / FastAPI + hnswlib", run["http"]["hot_over_peer"], 1, least=True)
        worst = max(run["filters"][1:], key=lambda row: row["p99_over_unfiltered"])
        if run["vectors"] >= 100_000:
            add(
                f"{size}: worst filtered p99 / unfiltered ({_cell(worst)})",
                worst["p99_over_unfiltered"],
                6 if large else 3.5,
            )
        least = min(run["filters"], key=lambda row: row["recall"])
        add(f"{size}: least recall@10 under a filter ({_cell(least)})", least["recall"], 0.95, least=True)
        add(f"{size}: short pages", sum(row["short_pages"] for row in run["filters"]), 0)
        add(f"{size}: bytes of index a photo", run["bytes_of_index_a_photo"], 900)
        worst = run["worst"]
        name = f"{size}: per cent of {worst['queries']:,} products that found fewer than half of their true ten"
        add(name, round(100 * worst["worst_share"], 4), 0.1 if run["vectors"] > 100_000 else 0.05)
        dial = run["dial"]
        lowest = min(dial["tenths"], key=lambda tenth: tenth["recall"])
        name = f"{size}: least recall@10 on the dial (color_weight {lowest['weight']:g})"
        add(name, lowest["recall"], 0.95, least=True)
        if run["vectors"] >= 100_000:
            add(f"{size}: cold p50 at the space's own weight / without parts", dial["own_over_plain_p50"], 1.1)
    by_size = {run["vectors"]: _default(run) for run in runs}
    if LARGE in by_size and 10_000 in by_size:
        ratio = round(by_size[LARGE]["p50_ms"] / by_size[10_000]["p50_ms"], 2)
        add("p50 at 1,000,000 / p50 at 10,000", ratio, 2.5)
        for count in (10_000, LARGE):
            add(f"{count:,}: recall@10 at that p50", by_size[count]["recall"], 0.95, least=True)
    return found


def markdown(result: dict[str, Any], *, plot: str | None) -> str:
    """The whole report as one Markdown page."""
    lines = [
        "# Search bench",
        "",
        f"{result['date']}, {result['machine']}. Vectors derived from {result['seeds']}.",
        "",
    ]
    lines += ["```", result["command"], "```", ""]
    lines += ["## Targets", "", "| target | value | limit | met |", "|---|---|---|---|"]
    for one in result["targets"]:
        lines.append(f"| {one['target']} | {one['value']:g} | {one['limit']} | {'yes' if one['met'] else '**no**'} |")
    lines += ["", "## Engines, unfiltered, one query at a time", ""]
    lines += ["| vectors | engine | knob | recall@10 | p50 ms | p99 ms | queries/s | build s | bytes a photo |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for run in result["runs"]:
        for engine in run["engines"]:
            for point in engine["curve"]:
                knob = next((name for name in ("ef", "search_k") if name in point), "")
                lines.append(
                    f"| {run['vectors']:,} | {engine['engine']} | {knob} {point[knob]} | {point['recall']:.3f} | {point['p50_ms']:.2f}"
                    f" | {point['p99_ms']:.2f} | {point['per_second']:,} | {engine['build_seconds']:g}"
                    f" | {engine['bytes'] / run['vectors']:.0f} |"
                )
        for name, why in run["skipped_peers"].items():
            lines.append(f"| {run['vectors']:,} | {name} | {why} | | | | | | |")
    if plot:
        lines += ["", f"![recall over latency]({plot})"]
    lines += [
        "",
        "## The worst queries: how many found so many of their true ten, by the index with its own settings",
        "",
        "Products ask as the API does: where the index did not come by the product's own photo, all are compared. The index alone is"
        " asked by the same vectors, as by a query photo that is not in the catalogue.",
        "",
    ]
    lines += [
        f"| vectors | asked by | queries | recall@10 | {' | '.join(map(str, range(11)))} | fewer than 5 |",
        "|---" * 16 + "|",
    ]
    for run in result["runs"]:
        for name, worst in (("products", run["worst"]), ("the index alone", run["worst"]["index_alone"])):
            lines.append(
                f"| {run['vectors']:,} | {name} | {worst['queries']:,} | {worst['recall']:.4f}"
                f" | {' | '.join(map(str, worst['found']))} | {100 * worst['worst_share']:.3f} % |"
            )
    if any(run["graphs"] for run in result["runs"]):
        lines += ["", "The index alone with other parameters; p50 and p99 of one at a time:", ""]
        lines += [
            "| vectors | m | ef_construction | ef_search | recall@10 | fewer than 5 | p50 ms | p99 ms | bytes a photo | build s |"
        ]
        lines += ["|---" * 10 + "|"]
    for run in result["runs"]:
        for row in run["graphs"]:
            lines.append(
                f"| {run['vectors']:,} | {row['m']} | {row['ef_construction']} | {row['ef_search']} | {row['recall']:.4f}"
                f" | {100 * row['worst_share']:.3f} % | {_times(row)} | {row['bytes_a_photo']:g} | {row['build_seconds']:g} |"
            )
    lines += ["", "## The dial: recall@10 and time of cold answers by `color_weight`, in one process", ""]
    lines += ["| vectors | color_weight | recall@10 | p50 ms | p99 ms |", "|---|---|---|---|---|"]
    for run in result["runs"]:
        for tenth in run["dial"]["tenths"]:
            lines.append(f"| {run['vectors']:,} | {tenth['weight']:g} | {tenth['recall']:.3f} | {_times(tenth)} |")
    lines += [
        "",
        "At the space's own weight, beside the same vectors and index in a space without parts, in turns:",
        "",
    ]
    lines += ["| vectors | color_weight | p50 ms with parts | without | ratio |", "|---|---|---|---|---|"]
    for run in result["runs"]:
        dial = run["dial"]
        lines.append(
            f"| {run['vectors']:,} | {dial['own_weight']:g} | {dial['own']['p50_ms']:.2f} | {dial['plain']['p50_ms']:.2f}"
            f" | {dial['own_over_plain_p50']:g} |"
        )
    lines += [
        "",
        "## Rules: cold answers with *in stock first* in force, and with no rule, in turns, in one process",
        "",
    ]
    lines += ["| vectors | recall@10 | p50 ms in stock first | no rule | ratio |", "|---|---|---|---|---|"]
    for run in result["runs"]:
        rules = run["rules"]
        lines.append(
            f"| {run['vectors']:,} | {rules['stock_first']['recall']:.3f} | {rules['stock_first']['p50_ms']:.2f}"
            f" | {rules['none']['p50_ms']:.2f} | {rules['stock_first_over_none_p50']:g} |"
        )
    lines += [
        "",
        "## Over HTTP (the shipped server, all production middleware, keys and buckets on, 12 products with their fields)",
        "",
    ]
    lines += [
        "| vectors | bare SQL p50 / p99 ms | cold p50 / p99 ms | cold / bare | hot a second | peer a second (recall) | hot / peer |"
    ]
    lines += ["|---|---|---|---|---|---|---|"]
    for run in result["runs"]:
        http = run["http"]
        peer = http.get("peer")
        beside = f"{peer['per_second']:,} ({peer['recall']:.3f})" if peer else "not installed"
        lines.append(
            f"| {run['vectors']:,} | {_pair(http['bare_sql'])} | {_pair(http['cold'])} | {http['cold_over_bare_p50']:g}"
            f" | {http['hot']['per_second']:,} | {beside} | {http.get('hot_over_peer', '')} |"
        )
    lines += ["", "## Filters (over HTTP as above, in one random order; everything included)", ""]
    for run in result["runs"]:
        lines += [
            f"### {run['vectors']:,} vectors",
            "",
            "| filter | passes % | p50 ms | p99 ms | p99 / unfiltered | recall@10 | short pages |",
        ]
        lines += ["|---|---|---|---|---|---|---|"]
        for row in run["filters"]:
            lines.append(
                f"| {row['filter']} | {row['per_cent']:g} | {row['p50_ms']:.2f} | {row['p99_ms']:.2f}"
                f" | {row['p99_over_unfiltered']:g} | {row['recall']:.3f} | {row['short_pages']} |"
            )
        steps = "; ".join(f"{name} {value:g} s" for name, value in run["seconds"].items())
        lines += [
            "",
            f"Building: {steps}. Index {run['space']['index_bytes'] / 2**20:.0f} MB, partition with all indexes",
        ]
        lines += [
            f"{run['space']['partition_bytes'] / 2**20:.0f} MB. Median cosine to the nearest: {run['nearest_cosine_median']:.3f}.",
            "",
        ]
    return "\n".join(lines).rstrip() + "\n"


def draw(runs: Sequence[dict[str, Any]], path: Path) -> None:
    """recall@10 over median latency, one panel a size. Raises ImportError where matplotlib is not installed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(runs), figsize=(4.8 * len(runs), 4.2), squeeze=False, layout="constrained")
    names = list(dict.fromkeys(engine["engine"] for run in runs for engine in run["engines"]))
    for panel, run in zip(panels[0], runs, strict=True):
        for engine in run["engines"]:
            curve = sorted(engine["curve"], key=lambda point: point["p50_ms"])
            ours = "ours" in engine["engine"]
            panel.plot(
                [point["p50_ms"] for point in curve],
                [point["recall"] for point in curve],
                marker="o",
                markersize=5 if ours else 3.5,
                linewidth=2.2 if ours else 1.4,
                color=COLOURS[names.index(engine["engine"]) % len(COLOURS)],
                label=engine["engine"],
            )
        panel.axhline(0.95, color="#999999", linewidth=0.8, linestyle=":")
        panel.set_xscale("log")
        panel.set_title(f"{run['vectors']:,} vectors of {run['dimensions']}-d", fontsize=11)
        panel.set_xlabel("median latency, ms (one query at a time)")
        panel.grid(alpha=0.25, which="both")
        panel.spines[["top", "right"]].set_visible(False)
    panels[0][0].set_ylabel("recall@10")
    panels[0][-1].legend(frameon=False, fontsize=9, loc="lower right")
    figure.savefig(path, dpi=130)
    pyplot.close(figure)


def _default(run: dict[str, Any]) -> dict[str, Any]:
    """Our point at the default ef_search."""
    from recommender.index.pgvector.options import Parameters

    ours = next(engine for engine in run["engines"] if "ours" in engine["engine"])
    return next(point for point in ours["curve"] if point["ef"] == Parameters().ef_search)


def _cell(row: dict[str, Any]) -> str:
    return row["filter"] if row["filter"] == "none" else f"{row['filter']} {row['per_cent']:g} %"


def _pair(figures: dict[str, float]) -> str:
    return f"{figures['p50_ms']:.2f} / {figures['p99_ms']:.2f}"


def _times(figures: dict[str, float]) -> str:
    return f"{figures['p50_ms']:.2f} | {figures['p99_ms']:.2f}"
