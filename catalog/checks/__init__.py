"""Django checks, run before a command, a worker or the web server begins."""

from catalog.checks import addresses, safety

__all__ = ["addresses", "safety"]
