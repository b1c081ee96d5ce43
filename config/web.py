"""`python -m config.web [--host H] [--port P]`: the web server, granian with the RSGI application of config.rsgi."""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
from django.conf import settings

from config.usable import end_unless_usable

METRICS = "lookalike-metrics-"
CONNECTIONS = 4096  # open at a time in one process; further callers wait until one is closed

# For the C libraries of web processes. glibc else gives each thread a heap of its own, and keeps what was large once for the
# next large block: what an encoder takes while it is loaded would stay for good. The products of matrices that a search needs
# are too small for threads, and the other cores are for other processes.
LIBRARIES = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": str(256 * 1024), "OPENBLAS_NUM_THREADS": "1"}


def command(*, host: str, port: int) -> list[str]:
    """granian's command line: one process a core; the threads are the application's own (config.server.lanes)."""
    arguments = ["--interface", "rsgi", "--host", host, "--port", str(port), "--no-ws", "--http", "1"]
    arguments += ["--workers", str(settings.WEB_PROCESSES), "--backpressure", str(CONNECTIONS)]
    arguments += ["--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "warning"]
    return [sys.executable, "-m", "granian", *arguments, "config.rsgi:application"]


def allow_connections() -> None:
    """Raise this process's limit of open files to what CONNECTIONS need, as far as the system allows: each holds one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def metrics_folder() -> str:
    """An empty folder in which the processes of this server share their counters (see recommender.monitoring.metrics).

    Its name holds the server's process id; the folders of servers that have ended are removed.
    """
    root = Path(tempfile.gettempdir())
    for old in root.glob(f"{METRICS}{os.getuid()}-*"):
        if not psutil.pid_exists(int(old.name.rpartition("-")[2])):
            shutil.rmtree(old, ignore_errors=True)
    folder = root / f"{METRICS}{os.getuid()}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return str(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    end_unless_usable()
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", metrics_folder())
    for name, value in LIBRARIES.items():
        os.environ.setdefault(name, value)
    allow_connections()
    line = command(host=arguments.host, port=arguments.port)
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
