"""The memory of a process of a bench, and of the web server that it started."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import psutil

_DECODER = "catalog.photos.decoder_process"


def most_megabytes() -> float:
    """The most resident memory that this process ever held, in MB (10⁶ bytes).

    Linux tells it; getrusage there counts what the parent held before, too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes


def web_memory(server: int) -> list[dict[str, Any]]:
    """The memory now, in MB (10⁶ bytes), of each web process of a server with process id `server`, and of its decoders.

    RSS counts pages that processes share as each one's own; PSS divides them among those that share (Linux only, else 0).
    """
    found = []
    for process in psutil.Process(server).children():
        if not _is_web_process(process):
            continue
        full = process.memory_full_info()
        decoders = [child for child in process.children() if _DECODER in child.cmdline()]
        found.append(
            {
                "rss_megabytes": round(full.rss / 1e6, 1),
                "pss_megabytes": round(getattr(full, "pss", 0) / 1e6, 1),
                "threads": process.num_threads(),
                "decoders_rss_megabytes": [round(child.memory_info().rss / 1e6, 1) for child in decoders],
            }
        )
    return found


def _is_web_process(process: psutil.Process) -> bool:
    """multiprocessing starts a resource tracker beside the web processes."""
    return not any("resource_tracker" in word for word in process.cmdline())
