"""What TensorFlow and its converter write to the error stream from C++, past Python's logging: pages of no use to people."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hide_native_output(expected: type[Exception] | tuple[type[Exception], ...]) -> Iterator[None]:
    """Hold back what is written to file descriptor 2; show it when anything but an `expected` error is raised.

    For commands alone: what other threads of the process write meanwhile is held back too.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except expected:
            raise
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
