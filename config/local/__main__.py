"""`python -m config.local manage.py COMMAND…`: a command of Django's on servers of this machine.

What is set of DATABASE_URL, REDIS_URL and SECRET_KEY is used; what is not is lent while the command runs. `manage.py`
comes here by itself.
"""

from __future__ import annotations

import sys

from config.local.folder import LocalUnavailable
from config.local.services import borrowed_services
from manage import ended_by_signals, execute


def main() -> None:
    try:
        with ended_by_signals(), borrowed_services():
            execute(sys.argv[1:])
    except LocalUnavailable as error:
        sys.exit(f"manage.py: {error}")


if __name__ == "__main__":
    main()
