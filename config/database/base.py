"""Django's PostgreSQL backend with a health check that costs no round trip, and an end to every wait of a web process."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from config.database.watched import Driver, bounded


class DatabaseWrapper(base.DatabaseWrapper):
    """A server that ends a connection says so on it: an idle connection on which nothing came is taken for healthy.

    Django asks `SELECT 1` before the first query of each request; that was a twentieth of a cold answer's time. It is still asked
    where something came, or where a transaction was left open. A server that vanished without a word is found out by
    the keep-alives of the settings, or by the query that meets it (config.database.watched).
    """

    Database = Driver()  # type: ignore[assignment]  # Django asks a module, and needs its names only

    def get_connection_params(self) -> dict[str, Any]:
        return bounded(super().get_connection_params())

    def is_usable(self) -> bool:
        if self.connection is None or self.connection.closed:
            return False
        if self.connection.info.transaction_status == TransactionStatus.IDLE:
            arrived = select.poll()
            arrived.register(self.connection.fileno(), select.POLLIN)
            if not arrived.poll(0):
                return True
        return super().is_usable()
