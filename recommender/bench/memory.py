"""The memory of a process of a bench."""

from __future__ import annotations

import resource
from pathlib import Path


def most_megabytes() -> float:
    """The most resident memory that this process ever held, in MB (10⁶ bytes).

    Linux tells it; getrusage there counts what the parent held before, too.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024 / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # macOS counts bytes
