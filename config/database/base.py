"""Django's PostgreSQL backend with a health check without a round trip, and with bounded waits in web processes."""

from __future__ import annotations

import select
from typing import Any

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus

from config.database.watched import Driver, bounded


class DatabaseWrapper(base.DatabaseWrapper):
    """Takes an idle connection on which nothing has arrived for healthy: a server that ends a connection sends a message.

    Django sends `SELECT 1` before the first query of each request, a twentieth of the time of an answer that is not cached.
    Here it is sent only where something has arrived, or where a transaction was left open. A server that vanished without a
    message is noticed by the keep-alives of the settings, or by the next query (config.database.watched).
    """

    Database = Driver()  # type: ignore[assignment]  # Django expects the module psycopg, of which it uses names

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
