"""Processes of the bench, in step: all prepare, then all begin at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Measured:
    """Photos a second of all processes together; the largest resident memory of one of them so far, in MB.

    A process counts only while it works: in an import of hours the seconds in which one waits for the others' end are nothing.
    """

    photos: int
    rate: float
    megabytes: float


class Processes:
    def __init__(self, processes: Sequence[subprocess.Popen[str]]) -> None:
        self._processes = processes
        for process in processes:
            self._answer(process)

    def measure(self, do: str, size: str, *, share: int | None = None) -> Measured:
        """Let every process `do` its share of the photos of a size; with `share`, the first alone does all, and is told `share`."""
        processes = self._processes if share is None else self._processes[:1]
        for number, process in enumerate(processes):
            command = {"do": do, "size": size, "share": number if share is None else share, "of": len(processes)}
            self._tell(process, json.dumps(command))
        for process in processes:
            self._answer(process)
        for process in processes:
            self._tell(process, "go")
        answers = [self._answer(process) for process in processes]
        rate = sum(answer["photos"] / max(answer["ended"] - answer["began"], 1e-9) for answer in answers)
        return Measured(
            sum(answer["photos"] for answer in answers), rate, max(answer["megabytes"] for answer in answers)
        )

    @staticmethod
    def _tell(process: subprocess.Popen[str], line: str) -> None:
        assert process.stdin is not None
        process.stdin.write(line + "\n")
        process.stdin.flush()

    @staticmethod
    def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"a process of the bench ended with code {process.wait()}; see above")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def bench_processes(
    folder: Path, environment: dict[str, str], count: int, *, one_core: bool = False
) -> Iterator[Processes]:
    """`count` processes of `recommender.bench.pipeline.process`; `one_core`: each is bound to one core, its threads too."""
    command = [sys.executable, "-m", "recommender.bench.pipeline.process", str(folder)]
    core = sorted(os.sched_getaffinity(0))[-1]
    started = [
        subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    try:
        if one_core:
            for process in started:
                os.sched_setaffinity(process.pid, {core})
        yield Processes(started)
    finally:
        for process in started:
            if process.stdin is not None:
                process.stdin.close()
            process.wait()
