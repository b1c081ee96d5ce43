"""The folder of local data. Whatever in it cannot be used is reported in a sentence that names the path and the remedy."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
ELSEWHERE = "or set LOCAL_DIR to another folder"
# Django warns of shorter keys. Those made here are longer, so a shorter one was cut off.
LEAST_KEY_LENGTH = 50


class LocalUnavailable(RuntimeError):
    """Something that a machine without servers of its own needs cannot be used; the message says what to do."""


class LocalFolderUnusable(LocalUnavailable):
    """The folder of local data, or something in it, is not what is needed there."""


def local_folder() -> Path:
    """Where local data lives: `.local` in the project, or LOCAL_DIR."""
    return Path(os.path.realpath(_named()))


def make_folder() -> Path:
    """`local_folder()`, made where it is missing. Raises LocalFolderUnusable unless this user may write there."""
    _refuse_dangling(_named())
    folder = local_folder()
    with in_words(folder):
        folder.mkdir(parents=True, exist_ok=True)
        mine = os.geteuid() in (0, folder.stat().st_uid) and os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    if not mine:
        raise LocalFolderUnusable(
            f"{folder} belongs to another user or cannot be written: run as that user, or set LOCAL_DIR to a folder of yours"
        )
    return folder


def check_entries(folder: Path, *, folders: Sequence[str], files: Sequence[str]) -> None:
    """Raises LocalFolderUnusable where something of these names is there and is of another kind, or not for this user."""
    for name in [*folders, *files]:
        path = folder / name
        _refuse_dangling(path)
        if not path.exists():
            continue
        if name in folders and not path.is_dir():
            raise LocalFolderUnusable(f"{path} is not a folder, and one is needed there: move it away, {ELSEWHERE}")
        if name in files and not path.is_file():
            raise LocalFolderUnusable(f"{path} is not a file, and one is needed there: move it away, {ELSEWHERE}")
        if not os.access(path, os.R_OK | os.W_OK | (os.X_OK if name in folders else 0)):
            raise LocalFolderUnusable(_not_allowed(path))


@contextmanager
def in_words(folder: Path) -> Iterator[None]:
    """Turns every OSError of the work inside, below `folder`, into a LocalFolderUnusable with a sentence."""
    try:
        yield
    except OSError as error:
        raise LocalFolderUnusable(_sentence(error, folder)) from error


def secret_key(folder: Path) -> str:
    """The secret key that the folder holds; a new one is made where there is none or it was cut off."""
    file = folder / "secret_key"
    held = file.read_text(errors="replace").strip() if file.exists() else ""
    if len(held) >= LEAST_KEY_LENGTH:
        return held
    made = secrets.token_urlsafe(48)
    beside = file.with_name(file.name + ".new")  # a process killed in between leaves the old key or the new one
    beside.touch(mode=0o600)
    beside.write_text(made)
    beside.replace(file)
    return made


def _named() -> Path:
    return Path(os.environ.get("LOCAL_DIR") or PROJECT / ".local")


def _refuse_dangling(path: Path) -> None:
    if path.is_symlink() and not path.exists():
        raise LocalFolderUnusable(
            f"{path} is a link to {os.readlink(path)}, which is not there: make that, remove the link, {ELSEWHERE}"
        )


def _not_allowed(path: Path) -> str:
    return f"{path} cannot be read and written by this user: change its owner or its mode, {ELSEWHERE}"


def _sentence(error: OSError, folder: Path) -> str:
    path = Path(error.filename) if isinstance(error.filename, str) else folder
    match error.errno:
        case errno.ENOTDIR | errno.EEXIST:
            blocking = next((each for each in [path, *path.parents] if each.exists() and not each.is_dir()), path)
            return f"{blocking} is not a folder, and one is needed there: move it away, {ELSEWHERE}"
        case errno.EISDIR:
            return f"{path} is not a file, and one is needed there: move it away, {ELSEWHERE}"
        case errno.EACCES | errno.EPERM:
            return _not_allowed(path)
        case errno.ENOSPC | errno.EDQUOT:
            return f"no space is left on the disk of {path}: free some, {ELSEWHERE}"
        case errno.EROFS:
            return f"{path} is on a disk that is mounted read-only: mount it otherwise, {ELSEWHERE}"
        case _:
            return f"{path} cannot be used ({os.strerror(error.errno or 0).lower()}): move it away, {ELSEWHERE}"
