"""`.local` in any state: a sentence that names the path and the remedy, exit code 1, and nothing is started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.local.folder import LEAST_KEY_LENGTH, secret_key

PROJECT = Path(__file__).resolve().parent.parent.parent
COMMANDS = {
    "manage.py": ["manage.py", "check"],
    "make demo": ["-m", "config.demo", "--port", "1025"],
    "pytest": ["-m", "pytest", "tests/test_models.py", "-q"],
}
# Root may read and write everything: as root these capabilities are dropped before the command begins.
UNPRIVILEGED = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
# In a world of its own, the folder of local data is a disk of a few pages.
SMALL_DISK = """
import os, sys
mount = 'mount -t tmpfs -o size=64k none "$LOCAL_DIR" && chmod 755 "$LOCAL_DIR" && exec "$@"'
os.execvp("unshare", ["unshare", "-m", "sh", "-c", mount, "sh", sys.executable, *sys.argv[1:]])
"""
# The disk is full from the beginning: every write of a text fails as the kernel would let it fail.
FULL_DISK = """
import errno, os, pathlib, runpy
def write_text(self, *arguments, **named):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
pathlib.Path.write_text = write_text
runpy.run_module("config.local", run_name="__main__", alter_sys=True)
"""


def run(folder: Path, command: str = "manage.py", *, before: str | None = None) -> tuple[int, str]:
    """Exit code and standard error of a command whose local data shall lie in `folder`."""
    unset = ("DATABASE_URL", "REDIS_URL", "MEDIA_ROOT", "STATIC_ROOT", "SECRET_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    result = subprocess.run(
        [sys.executable, *(["-c", before] if before else []), *COMMANDS[command]],
        cwd=PROJECT,
        env=environment | {"LOCAL_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    return result.returncode, result.stderr


def a_file(name: str) -> Callable[[Path], None]:
    return lambda local: (local / name).touch()


def a_folder(name: str) -> Callable[[Path], None]:
    return lambda local: (local / name).mkdir(parents=True)


def a_dangling_link(name: str) -> Callable[[Path], None]:
    return lambda local: (local / name).symlink_to("/nowhere/at/all")


def itself_a_file(local: Path) -> None:
    local.rmdir()
    local.write_text("")


def itself_a_dangling_link(local: Path) -> None:
    local.rmdir()
    local.symlink_to("/nowhere/at/all")


def of_another_version(local: Path) -> None:
    (local / "postgres").mkdir()
    (local / "postgres" / "PG_VERSION").write_text("15\n")


def without_its_version(local: Path) -> None:
    (local / "postgres").mkdir()
    (local / "postgres" / "PG_VERSION").write_text("")


def of_something_else(local: Path) -> None:
    (local / "postgres").mkdir()
    (local / "postgres" / "thesis.txt").write_text("dear to somebody")


NO_FOLDER, NO_FILE = "is not a folder, and one is needed there: move it away", "is not a file, and one is needed there"
NOT_THERE = "is a link to /nowhere/at/all, which is not there: make that, remove the link"
STATES: dict[str, tuple[Callable[[Path], None], str, str]] = {
    "a file": (itself_a_file, "", NO_FOLDER),
    "a dangling link": (itself_a_dangling_link, "", NOT_THERE),
    **{f"{name} a file": (a_file(name), name, NO_FOLDER) for name in ("postgres", "redis", "logs", "media", "static")},
    **{
        f"{name} a folder": (a_folder(name), name, NO_FILE)
        for name in (
            "secret_key",
            "starting.lock",
            "borrowers.lock",
            "redis/redis.conf",
            "redis/log",
            "logs/postgres.log",
        )
    },
    **{f"{name} a dangling link": (a_dangling_link(name), name, NOT_THERE) for name in ("media", "secret_key")},
    "postgres of another version": (of_another_version, "postgres", "holds the data of PostgreSQL 15, and the one"),
    "postgres cut short": (without_its_version, "postgres", "PG_VERSION was cut off"),
    "postgres of something else": (of_something_else, "postgres", "holds files but no PostgreSQL cluster: move them"),
}


@pytest.fixture
def local(server_folder: Path) -> Path:
    folder = server_folder / "below" / "local"
    folder.mkdir(parents=True)
    return folder


def assert_refused(outcome: tuple[int, str], command: str, path: Path, sentence: str) -> None:
    code, error = outcome
    assert "Traceback" not in error
    (line,) = [line for line in error.splitlines() if line.startswith(f"{command}: ")]
    assert str(path) in line and sentence in line
    assert "set LOCAL_DIR" in line or "set DATABASE_URL" in line
    assert code == 1


@pytest.mark.parametrize("state", STATES)
def test_what_cannot_be_used_is_named(local: Path, state: str) -> None:
    spoil, name, sentence = STATES[state]
    spoil(local)
    assert_refused(run(local), "manage.py", local / name, sentence)
    assert not (local / "postgres" / "postmaster.pid").exists()


def test_a_folder_that_cannot_be_made_is_named(local: Path) -> None:
    blocking = local.parent.parent / "file"
    blocking.write_text("")
    assert_refused(run(blocking / "local"), "manage.py", blocking, NO_FOLDER)


@pytest.mark.parametrize("command", ["make demo", "pytest"])
@pytest.mark.parametrize("state", ["a file", "secret_key a folder", "media a file", "logs a file"])
def test_other_commands_say_the_same(local: Path, command: str, state: str) -> None:
    spoil, name, sentence = STATES[state]
    spoil(local)
    assert_refused(run(local, command), command, local / name, sentence)


@pytest.mark.parametrize("name", ["secret_key", "borrowers.lock", "redis/redis.conf", "logs/", "postgres/", ""])
def test_what_this_user_may_not_use_is_named(local: Path, name: str) -> None:
    path = local / name
    if name.endswith("/"):
        path.mkdir()
    elif name:
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
    path.chmod(0o500 if not name else 0o000)
    try:
        outcome = run(local, before=UNPRIVILEGED)
        assert_refused(
            outcome, "manage.py", path, "cannot be" if name else "belongs to another user or cannot be written"
        )
    finally:
        path.chmod(0o700)


CAN_MOUNT = shutil.which("unshare") and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not CAN_MOUNT, reason="this user may not mount a small disk")
def test_a_disk_too_small_for_postgres_is_named(local: Path) -> None:
    outcome = run(local, before=SMALL_DISK)
    assert_refused(outcome, "manage.py", local, "no space is left on the disk of")


def test_a_full_disk_is_named(local: Path) -> None:
    assert_refused(run(local, before=FULL_DISK), "manage.py", local, "no space is left on the disk of")


def test_a_key_that_is_missing_or_was_cut_off_is_made_anew(tmp_path: Path) -> None:
    made = secret_key(tmp_path)
    assert len(made) >= LEAST_KEY_LENGTH and secret_key(tmp_path) == made
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600
    for content in (b"", b"\n", made[:20].encode(), b"\xff\xfe"):
        (tmp_path / "secret_key").write_bytes(content)
        again = secret_key(tmp_path)
        assert len(again) >= LEAST_KEY_LENGTH and again != made and secret_key(tmp_path) == again
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
