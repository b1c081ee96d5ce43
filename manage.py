#!/usr/bin/env python
"""Django's command line; without DATABASE_URL and REDIS_URL it borrows the local servers for the command."""

import sys

from config.local.services import borrowed_services


def main() -> None:
    from django.core.management import execute_from_command_line

    with borrowed_services():
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
