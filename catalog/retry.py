"""When callers should ask again, in seconds, for a `Retry-After` header."""

from __future__ import annotations

# AWAY: something that the answer needs cannot be reached. BUSY: it can, and has more to do than it can take on.
AWAY_SECONDS, BUSY_SECONDS = 5, 1
