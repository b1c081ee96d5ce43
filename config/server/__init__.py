"""From granian's RSGI to Django: bodies are read before a thread is taken, and slow requests hold only their own kind."""
