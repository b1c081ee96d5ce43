"""What workers do of a feed because somebody asked for it on a page: `sampling` and `trying`."""

from __future__ import annotations

SAMPLE, TRIAL = "sample_feed", "try_feed"
