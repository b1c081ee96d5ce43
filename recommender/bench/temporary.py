"""A shop of the bench's own: a database that is made and dropped, photos in a temporary folder, an empty Redis database."""

from __future__ import annotations

import os
import pickle
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.core.management import call_command
from django.db import ProgrammingError, connection
from psycopg import sql

from recommender import redis_client
from recommender.encoder.store import EncoderNotCompiled, current_encoder
from recommender.models import Encoder, Rule
from recommender.spaces.first import ensure_first_space

ENCODER_FILE = "encoder.pickle"


@contextmanager
def temporary_shop() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder, and the environment of processes that use the temporary shop and nothing of the real one.

    The folder holds the compiled encoder of the settings as ENCODER_FILE, where the real shop has one.
    """
    name = f"bench_{os.getpid()}_{secrets.token_hex(4)}"
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        _write_encoder(folder)
        with _empty_redis() as redis_url:
            yield folder, _environment(name, folder, redis_url)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        shutil.rmtree(folder, ignore_errors=True)


def open_tables(folder: Path) -> None:
    """In a process of the temporary shop: its tables, and the encoder that lies in the folder, or one that is compiled now,
    with the first space."""
    make_tables()
    laid = folder / ENCODER_FILE
    if laid.exists():
        Encoder.objects.create(**pickle.loads(laid.read_bytes()))
        ensure_first_space(encoder=current_encoder())
    else:
        call_command("compile_encoder", verbosity=0, stdout=sys.stderr)


def make_tables() -> None:
    """The tables of a new shop, without the rule that a new shop has: benches measure likeness alone."""
    call_command("migrate", verbosity=0)
    Rule.objects.all().delete()


def _environment(database: str, folder: Path, redis_url: str) -> dict[str, str]:
    url = urlsplit(os.environ["DATABASE_URL"])
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": settings.SECRET_KEY,
        "DATABASE_URL": urlunsplit(url._replace(path=f"/{database}")),
        "REDIS_URL": redis_url,
        "MEDIA_ROOT": str(folder / "media"),
        "LOG_LEVEL": "WARNING",
    }


@contextmanager
def _empty_redis() -> Iterator[str]:
    """A database of the same Redis that holds nothing, emptied again at the end; two benches at once take two."""
    base = settings.REDIS_URL.rpartition("/")[0]
    for number in range(15, 0, -1):
        url = f"{base}/{number}"
        with redis_client.connect(url) as client:
            if client.dbsize() == 0 and client.set("bench:in-use", os.getpid(), nx=True):
                yield url
                client.flushdb()
                return
    raise RuntimeError("every database of this Redis holds something: the bench needs an empty one")


def _write_encoder(folder: Path) -> None:
    try:
        row = Encoder.objects.get(pk=current_encoder().pk)
    except (EncoderNotCompiled, ProgrammingError):  # without tables, too
        return
    fields = {
        field.attname: getattr(row, field.attname) for field in Encoder._meta.concrete_fields if field.name != "id"
    }
    fields = {name: bytes(value) if isinstance(value, memoryview) else value for name, value in fields.items()}
    (folder / ENCODER_FILE).write_bytes(pickle.dumps(fields))
