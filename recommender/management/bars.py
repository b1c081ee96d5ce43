"""Progress of long work as bars on a terminal, one a stage; in a log, a line where a stage begins and ends."""

from __future__ import annotations

from types import TracebackType
from typing import Any, TextIO

from tqdm import tqdm


class Bars:
    """A `recommender.progress.Progress`: called with the stage, what is done and the total."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._bar: tqdm[Any] | None = None
        self._stage = ""

    def __enter__(self) -> Bars:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage != self._stage or self._bar is None:
            self._close()
            self._stage = stage
            interval = 0.1 if self._stream.isatty() else 10.0
            self._bar = tqdm(desc=stage, total=total, file=self._stream, mininterval=interval, unit_scale=True)
        self._bar.total = total
        self._bar.update(min(done, total) - self._bar.n)

    def warn(self, text: str) -> None:
        """A line that does not tear the bar."""
        tqdm.write(text, file=self._stream)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.refresh()
            self._bar.close()
            self._bar = None
