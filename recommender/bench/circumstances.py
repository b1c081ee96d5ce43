"""Under what circumstances a bench was run: figures mean little without them."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from django.utils import timezone


def circumstances() -> dict[str, str]:
    """`date`: ISO, UTC; `machine`: cores, processor and Python in words."""
    return {
        "date": timezone.now().date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
