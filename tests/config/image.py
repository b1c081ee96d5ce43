"""What the images of docker/Dockerfile hold, without an engine that builds them: their files, and the packages they lack."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path

from tests.requirements import canonical, pinned

PROJECT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = (PROJECT / "docker" / "Dockerfile").read_text()
IGNORED = [line for line in (PROJECT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]

# Put on PYTHONPATH, this makes a process see no package but those that an image installs.
BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}: no package of this image", name=name)
sys.meta_path.insert(0, Blocker())
"""


def copied() -> dict[str, str]:
    """What the Dockerfile copies from the project → where to, in all stages."""
    return dict(re.findall(r"^COPY (?!--from)(\S+) (\S+)$", DOCKERFILE, re.MULTILINE))


def stages() -> dict[str, str]:
    """Name → text of each stage of the Dockerfile, in order."""
    parts = re.split(r"^FROM \S+ AS (\S+)\n", DOCKERFILE, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def in_context(name: str) -> bool:
    """Whether .dockerignore lets a file of the project through: its last line that fits decides."""
    kept = True
    for line in IGNORED:
        pattern = line.removeprefix("!")
        if _fits(name, pattern):
            kept = line.startswith("!")
    return kept


def lay_application(folder: Path) -> None:
    """The files of the application, as the images hold them."""
    for source in copied():
        if source.startswith("requirements/"):
            continue
        for path in _files(PROJECT / source):
            name = str(path.relative_to(PROJECT))
            if in_context(name):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / name)


def hide_packages(folder: Path, requirements: str) -> set[str]:
    """Lay into `folder` what hides every installed package that a list does not name; returns the hidden modules."""
    there = set(pinned(requirements))
    absent = {
        module
        for module, distributions in packages_distributions().items()
        if module not in sys.stdlib_module_names and there.isdisjoint(map(canonical, distributions))
    }
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(BLOCKER.format(absent=absent))
    return absent


def _fits(name: str, pattern: str) -> bool:
    """A pattern fits a path and all below it; `**/` stands for any folder above."""
    parts = name.split("/")
    pattern = pattern.replace("**/", "*")
    return any(fnmatch("/".join(parts[:count]), pattern) for count in range(1, len(parts) + 1))


def _files(path: Path) -> Iterator[Path]:
    yield from (each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
