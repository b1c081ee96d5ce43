"""`.local` in any state: a sentence that names the path and the remedy, and nothing is started; a command then exits with 1."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from config.local.folder import LEAST_KEY_LENGTH, LocalUnavailable, secret_key
from config.local.services import borrowed_services

PROJECT = Path(__file__).resolve().parent.parent.parent
COMMANDS = {
    "manage.py": ["manage.py", "check"],
    "make demo": ["-m", "config.demo", "--port", "1025"],
    "pytest": ["-m", "pytest", "tests/test_models.py", "-q"],
}
UNSET = ("DATABASE_URL", "REDIS_URL", "MEDIA_ROOT", "STATIC_ROOT", "SECRET_KEY")
# Root may read and write everything: as root these capabilities are dropped before Python begins anew. Prints why each of
# the folders of its arguments is refused, a line each.
UNPRIVILEGED = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
if os.geteuid() == 0:
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0
REFUSALS = '''
import os, sys
from config.local.folder import LocalUnavailable
from config.local.services import borrowed_services
for os.environ["LOCAL_DIR"] in sys.argv[1:]:
    try:
        with borrowed_services():
            print("was used")
    except LocalUnavailable as error:
        print(error)
'''
os.execv(sys.executable, [sys.executable, "-c", REFUSALS, *sys.argv[1:]])
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
    result = _python([*(["-c", before] if before else []), *COMMANDS[command]], LOCAL_DIR=str(folder))
    return result.returncode, result.stderr


def _python(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """A Python to which no server, folder or key is named, but what `environment` says."""
    named = {name: value for name, value in os.environ.items() if name not in UNSET} | environment
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=PROJECT, env=named, capture_output=True, text=True, timeout=120)


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


def assert_said(said: str, path: Path, sentence: str) -> None:
    assert str(path) in said and sentence in said
    assert "set LOCAL_DIR" in said or "set DATABASE_URL" in said


def assert_refused(outcome: tuple[int, str], command: str, path: Path, sentence: str) -> None:
    code, error = outcome
    assert "Traceback" not in error
    (line,) = [line for line in error.splitlines() if line.startswith(f"{command}: ")]
    assert_said(line, path, sentence)
    assert code == 1


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], str]:
    """Why local data cannot lie in a folder, as this process is told when it wants to borrow servers."""

    def said(folder: Path) -> str:
        for name in UNSET:
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("LOCAL_DIR", str(folder))
        with pytest.raises(LocalUnavailable) as refused, borrowed_services():
            pass
        return str(refused.value)

    return said


@pytest.mark.parametrize("state", STATES)
def test_what_cannot_be_used_is_named(local: Path, refusal: Callable[[Path], str], state: str) -> None:
    spoil, name, sentence = STATES[state]
    spoil(local)
    assert_said(refusal(local), local / name, sentence)
    assert not (local / "postgres" / "postmaster.pid").exists()


def test_a_folder_that_cannot_be_made_is_named(local: Path, refusal: Callable[[Path], str]) -> None:
    blocking = local.parent.parent / "file"
    blocking.write_text("")
    assert_said(refusal(blocking / "local"), blocking, NO_FOLDER)


@pytest.mark.parametrize(
    ("command", "state"), [("manage.py", "a file"), ("make demo", "media a file"), ("pytest", "secret_key a folder")]
)
def test_every_command_ends_with_that_sentence_alone(local: Path, command: str, state: str) -> None:
    spoil, name, sentence = STATES[state]
    spoil(local)
    assert_refused(run(local, command), command, local / name, sentence)


def test_what_this_user_may_not_use_is_named(server_folder: Path) -> None:
    names = ["secret_key", "borrowers.lock", "redis/redis.conf", "logs/", "postgres/", ""]
    locals_ = [server_folder / str(number) for number in range(len(names))]
    paths = [local / name for local, name in zip(locals_, names, strict=True)]
    for path, name in zip(paths, names, strict=True):
        if name and not name.endswith("/"):
            path.parent.mkdir(parents=True)
            path.write_text("")
        else:
            path.mkdir(parents=True)
        path.chmod(0o000 if name else 0o500)
    try:
        result = _python(["-c", UNPRIVILEGED, *map(str, locals_)])
    finally:
        for path in paths:
            path.chmod(0o700)
    assert result.returncode == 0, result.stderr
    for said, path, name in zip(result.stdout.splitlines(), paths, names, strict=True):
        assert_said(said, path, "cannot be" if name else "belongs to another user or cannot be written")


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
