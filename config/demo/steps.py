"""Steps of the demo's set-up that run in its own process. Each does nothing if it was done before."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import OperationalError, connection

from catalog.locks import Lock, hold_for_session, release
from recommender import redis_client


class ServerUnusable(RuntimeError):
    """A server that the environment names cannot be used; the message says which and why."""


def check_servers() -> None:
    """Raises ServerUnusable unless Postgres answers and knows pgvector, and Redis answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT default_version FROM pg_available_extensions WHERE name = 'vector'")
            found = cursor.fetchone()
    except OperationalError as error:
        raise ServerUnusable(f"the PostgreSQL of DATABASE_URL cannot be reached: {error}".strip()) from error
    if found is None:
        raise ServerUnusable("the PostgreSQL of DATABASE_URL has no pgvector: install its extension `vector` there")
    try:
        with redis_client.connect(settings.REDIS_URL, seconds=5) as client:
            client.ping()
    except redis_client.AWAY as error:
        raise ServerUnusable(f"the Redis of REDIS_URL cannot be used: {error}") from error


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Two demos do not set up one database at once: the second waits for the first."""
    hold_for_session(Lock.DEMO_SET_UP)
    try:
        yield
    finally:
        release(Lock.DEMO_SET_UP)


def migrate() -> None:
    call_command("migrate", verbosity=0, interactive=False)


def collect_static() -> None:
    """Scripts and styles, named by content and compressed; skipped while the sources are the same."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for path, storage in finder.list(None):
            stat = Path(storage.path(path)).stat()
            digest.update(f"{path} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    note = Path(settings.STATIC_ROOT) / ".collected"
    if not note.exists() or note.read_text() != digest.hexdigest():
        call_command("collectstatic", verbosity=0, interactive=False, clear=True)
        note.write_text(digest.hexdigest())


def create_admin() -> str | None:
    """Make the account `admin` where no superuser is; returns its password, which is kept nowhere else."""
    users = get_user_model()
    if users._default_manager.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    users._default_manager.create_superuser("admin", password=password)
    return password


def encoder_is_compiled() -> bool:
    from recommender.encoder.store import EncoderNotCompiled, current_encoder

    try:
        current_encoder()
    except EncoderNotCompiled:
        return False
    return True


def ensure_a_space() -> None:
    """compile_encoder makes the first space; one interrupted in between left an encoder without."""
    from recommender.encoder.store import current_encoder
    from recommender.spaces.first import ensure_first_space

    ensure_first_space(encoder=current_encoder())


def drawn_feed(folder: Path) -> Path:
    """Where the drawn catalogue is, or will be."""
    return folder / "drawn" / "products.csv"


def upgrade_is_due() -> bool:
    """Whether the space that answers is of another encoder than the settings name, such as one of an earlier version."""
    from recommender.encoder.store import current_encoder
    from recommender.spaces.automatic import active_with_encoder
    from recommender.spaces.upgrade import why_nothing

    return not why_nothing(active_with_encoder(), current_encoder())


def active_name() -> str:
    """The name of the space that answers."""
    from recommender.spaces.automatic import active_with_encoder

    space = active_with_encoder()
    return space.name if space else ""


def improvement_is_due() -> bool:
    """Whether the product would look for a better space by itself: the demo does not wait for beat to find out."""
    from recommender.spaces.automatic import active_with_encoder, why_not

    return not why_not(active_with_encoder())


def fit_confidences() -> None:
    """Fit what scores mean where that is due: the demo does not wait for beat here either."""
    from recommender.spaces.calibrating import calibrate_active

    calibrate_active()
