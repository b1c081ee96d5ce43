"""A stand-in for `docker`, for commands of the pages where there is no engine: `python docker.py compose … | run …`.

`compose run SERVICE` does what docker/entrypoint.sh would do in that service's container, on this machine, and `compose exec db` runs a
program of Postgres against DATABASE_URL. `up`, `stop` and `ps` look whether the file and the services exist. `run IMAGE PROGRAM` runs
a program in this machine's folders instead of those that are mounted; the volume of photos is MEDIA_ROOT.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import yaml

PHOTOS = "lookalike_media"


def main(arguments: list[str]) -> None:
    what, *rest = arguments
    {"compose": _compose, "run": _run}[what](rest)


def _compose(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--env-file")
    parser.add_argument("-f", "--file", type=Path, required=True)
    actions = parser.add_subparsers(dest="action", required=True)
    run, execute = actions.add_parser("run"), actions.add_parser("exec")
    run.add_argument("--rm", action="store_true", required=True)
    run.add_argument("-v", dest="mounts", action="append", default=[])
    execute.add_argument("-T", action="store_true", required=True)
    for one in (run, execute):
        one.add_argument("service")
        one.add_argument("command", nargs=argparse.REMAINDER)
    up = actions.add_parser("up")
    up.add_argument("--build", action="store_true")
    up.add_argument("--detach", action="store_true", required=True)
    up.add_argument("--scale")
    for one in (up, actions.add_parser("stop"), actions.add_parser("ps")):
        one.add_argument("services", nargs="*")
    asked = parser.parse_args(arguments)
    services = yaml.safe_load(asked.file.read_text())["services"]
    named = [asked.service] if "service" in asked else asked.services
    if unknown := set(named) - set(services):
        sys.exit(f"no such service in {asked.file}: {', '.join(sorted(unknown))}")
    if asked.action == "run":
        if "build" not in services[asked.service]:
            sys.exit(f"{asked.service} is no service of ours")
        _in_container(asked.command, asked.mounts)
    elif asked.action == "exec":
        _beside_postgres(asked.command, services[asked.service]["environment"])


def _beside_postgres(command: list[str], settings: dict[str, str]) -> None:
    """A program of Postgres, of the database and user that the service makes: with DATABASE_URL in place of both."""
    program, *words = command
    try:
        user = words.index("-U")
        assert words[user + 1] == settings["POSTGRES_USER"]
        del words[user : user + 2]
        name = next(word for word in words if word.removeprefix("--dbname=") == settings["POSTGRES_DB"])
    except (AssertionError, StopIteration, ValueError):
        sys.exit(f"{command}: name the user and the database of the service")
    words.remove(name)
    os.execvp(program, [program, f"--dbname={os.environ['DATABASE_URL']}", *words])


def _in_container(command: list[str], mounts: list[str]) -> None:
    """`manage …` of docker/entrypoint.sh, with paths of this machine for those of the container."""
    program, *arguments = [_outside(word, mounts) for word in command]
    if program != "manage":
        sys.exit(f"only `manage` is run here, not {program}")
    os.execv(sys.executable, [sys.executable, "manage.py", *arguments])


def _run(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rm", action="store_true", required=True)
    parser.add_argument("-v", dest="mounts", action="append", default=[])
    parser.add_argument("image", choices=["alpine"])
    parser.add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    mounts = [mount.replace(f"{PHOTOS}:", f"{os.environ['MEDIA_ROOT']}:") for mount in asked.mounts]
    program, *words = [_outside(word, mounts) for word in asked.command]
    os.execvp(program, [program, *words])


def _outside(word: str, mounts: list[str]) -> str:
    for mount in mounts:
        here, there, *_ = mount.split(":")
        if word == there or word.startswith(f"{there}/"):
            return here + word.removeprefix(there)
    return word


if __name__ == "__main__":
    main(sys.argv[1:])
