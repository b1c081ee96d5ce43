"""The bench of photo searches in words: targets and tables."""

from __future__ import annotations

from typing import Any

MOST_OVER_ARITHMETIC = 1.4
MOST_P99_OVER_P50 = 3.0
MOST_MEGABYTES = 150.0


def targets(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What was promised, and whether it holds."""
    clients, searches = result["clients"], result["searches"]
    found = [
        ("p50 of a search / decode and forward", result["p50_over_decode_and_forward"], MOST_OVER_ARITHMETIC),
        (f"p99 / p50 at {clients} clients", result["p99_over_p50"], MOST_P99_OVER_P50),
        (
            f"MB of a web process after {searches:,} searches (RSS)",
            result["memory"]["after"]["rss_megabytes"],
            MOST_MEGABYTES,
        ),
    ]
    return [
        {"target": name, "value": value, "limit": f"≤ {limit:g}", "met": value <= limit} for name, value, limit in found
    ]


def markdown(result: dict[str, Any]) -> str:
    """The whole report as one Markdown page."""
    before, after = result["memory"]["before"], result["memory"]["after"]
    clients = result["clients"]
    rows = {
        "search over HTTP, one client": "one_client",
        "decode and forward of the same photos, in turns with them": "decode_and_forward",
        "of which decode and framing": "decode",
        "of which forward and colours": "forward",
        f"search over HTTP, {clients} clients": "several_clients",
    }
    lines = [
        "# Photo search bench",
        "",
        f"{result['date']}, {result['machine']}. {result['encoder']}, photos {result['photos']} (median "
        f"{result['photo_bytes'] / 1000:.0f} kB), {result['web_processes']} web processes.",
        "",
        "```",
        result["command"],
        "```",
        "",
        "| target | value | limit | met |",
        "|---|---|---|---|",
    ]
    for one in result["targets"]:
        lines.append(f"| {one['target']} | {one['value']:g} | {one['limit']} | {'yes' if one['met'] else '**no**'} |")
    lines += ["", "| | p50 ms | p99 ms | photos |", "|---|---|---|---|"]
    for words, name in rows.items():
        one = result[name]
        lines.append(f"| {words} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} | {one['answers']:,} |")
    lines += [
        "",
        f"One web process, {result['searches']:,} searches by {clients} clients:",
        "",
        "| | RSS MB | PSS MB | threads | its decoders, RSS MB each |",
        "|---|---|---|---|---|",
    ]
    for words, one in (("before", before), ("after", after)):
        decoders = ", ".join(f"{each:.0f}" for each in one["decoders_rss_megabytes"])
        lines.append(
            f"| {words} | {one['rss_megabytes']:.0f} | {one['pss_megabytes']:.0f} | {one['threads']} | {decoders} |"
        )
    return "\n".join(lines) + "\n"
