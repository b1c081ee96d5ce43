"""Run as a program: what bounded waits do to statements that take their time. Prints one JSON object."""

from __future__ import annotations

import json
import os
import time

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import OperationalError, connection

    from config.database.watched import bound_waits

    def asked(statement: str) -> object:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone()[0]

    found = {"unbound": asked("SHOW statement_timeout")}
    connection.close()
    bound_waits()
    found["bound"] = asked("SHOW statement_timeout")
    session = asked("SELECT pg_backend_pid()")
    found["slow"] = asked("SELECT 'slept' FROM pg_sleep(1)")
    began = time.monotonic()
    try:
        asked("SELECT pg_sleep(20)")
    except OperationalError as error:
        found["too slow"] = str(error).strip()
    found["seconds"] = time.monotonic() - began
    found["same session"] = asked("SELECT pg_backend_pid()") == session
    print(json.dumps(found))


if __name__ == "__main__":
    main()
