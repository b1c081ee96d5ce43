"""The admin's history of what was written by the API: which product, by whom, and what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.contrib.contenttypes.models import ContentType

from catalog.models import Product

# No form of the admin makes a name with a blank, so this is nobody else's. One user for all keys: an entry needs one, and says
# which key it was in its text, since keys come and go and a history is to stay. Nobody can sign in with it.
USER_OF_KEYS = "API key"
_FLAGS = {"created": ADDITION, "changed": CHANGE, "deleted": DELETION}
_TEXT = 200  # characters of a product's name, as the admin keeps


@dataclass(frozen=True)
class Author:
    """Who writes: a person by the id of their user, or the key of this name."""

    user: int | None = None
    key: str = ""

    def user_id(self) -> int:
        """The user of the entries; that of keys is made when the first one writes, in the transaction of what is written."""
        if self.user is not None:
            return self.user
        nobody = {"is_active": False, "password": make_password(None)}
        user, _ = get_user_model().objects.get_or_create(username=USER_OF_KEYS, defaults=nobody)
        return int(user.pk)

    def __str__(self) -> str:
        return f"By key {self.key}" if self.user is None else "By API"


@dataclass(frozen=True)
class Written:
    """One entry: a product, what was done to it, and that in words. One that is deleted has its id still."""

    product: Product
    done: Literal["created", "changed", "deleted"]
    words: str


def remember(author: Author, written: Iterable[Written | None]) -> None:
    """Write the entries in one statement; None: nothing was done. Call it in the transaction that writes the products."""
    entries = [one for one in written if one is not None]
    if not entries:
        return
    kind, user_id = ContentType.objects.get_for_model(Product), author.user_id()
    LogEntry.objects.bulk_create(
        LogEntry(
            user_id=user_id,
            content_type=kind,
            object_id=str(one.product.pk),
            object_repr=str(one.product)[:_TEXT],
            action_flag=_FLAGS[one.done],
            change_message=f"{author}: {one.words}.",
        )
        for one in entries
    )
