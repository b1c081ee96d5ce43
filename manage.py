#!/usr/bin/env python
"""Django's command line; without DATABASE_URL and REDIS_URL it borrows the local servers for the command."""

import signal
import sys

from config.local.folder import LocalUnavailable
from config.local.services import borrowed_services


def main() -> None:
    from django.core.management import execute_from_command_line

    # Asked to end, a command still gives its servers back.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        with borrowed_services():
            execute_from_command_line(sys.argv)
    except LocalUnavailable as error:
        sys.exit(f"manage.py: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
