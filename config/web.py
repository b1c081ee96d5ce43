"""The web server as it is shipped: granian with the WSGI application. `python -m config.web [--host H] [--port P]`."""

from __future__ import annotations

import argparse
import os
import sys

from django.conf import settings


def command(*, host: str, port: int) -> list[str]:
    """granian's command line: one process a core, a few threads each."""
    arguments = ["--interface", "wsgi", "--host", host, "--port", str(port), "--no-ws"]
    arguments += ["--workers", str(settings.WEB_PROCESSES)]
    arguments += ["--blocking-threads", str(settings.WEB_THREADS)]
    arguments += ["--respawn-failed-workers", "--workers-kill-timeout", "10", "--log-level", "warning"]
    return [sys.executable, "-m", "granian", *arguments, "config.wsgi:application"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    line = command(host=arguments.host, port=arguments.port)
    os.execv(line[0], line)


if __name__ == "__main__":
    main()
