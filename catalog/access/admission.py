"""The one decision about a request of the API: who asks, whether they may, and whether it is too often.

It is made by the function that `settings.API_ADMISSION` names, and asked exactly once a request: by Django REST framework's
classes (catalog.access.drf), or by what answers before Django is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, cast

from django.conf import settings
from django.http.cookie import parse_cookie
from django.utils.module_loading import import_string

from catalog.api.problems import Problem

# Where a decision that was made before Django is reached stands in the request's WSGI environment. No header of a caller can
# have this name.
ADMISSION = "catalog.admission"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for what, as far as the decision looks at it.

    `path` is decoded and has no query string. `address` is the connection's other end: a proxy's, where there is one.
    `header` gives a header's value by its lower-case name, None where it is absent; one that was sent several times is one
    list.
    """

    method: str
    path: str
    address: str
    header: Callable[[str], str | None] = field(compare=False, repr=False)

    @property
    def session(self) -> str:
        """The key of the session in the caller's cookie, or ""; whether there is such a session is not looked up."""
        return parse_cookie(self.header("cookie") or "").get(settings.SESSION_COOKIE_NAME, "")


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """Whose key a request has: a secret one may write, a publishable one may not. `name`: what people call it.

    `id`: that of the key; None for somebody who is logged in at the admin, whose user is `user_id`.
    """

    id: int | None
    name: str
    kind: Literal["publishable", "secret"]
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision. `refusal` is the answer to who is not admitted, None for who is.

    A refusal has a status: 401 where it is not known who asks, 403 where they may not, 429 where they ask too often. Its
    headers, such as `WWW-Authenticate` or `Retry-After`, are sent with it. `key`: that of the request; None: it has none.
    """

    refusal: Problem | None = None
    key: KeyIdentity | None = None


ADMITTED = Admission()
Policy = Callable[[Asker], Admission]


def admit(asker: Asker) -> Admission:
    """Decide by `settings.API_ADMISSION`, the dotted path of a Policy.

    A policy is called on the server's event loop too: it waits for nothing, neither Postgres nor Redis.
    Raises ImportError where the setting names nothing.
    """
    policy = cast(Policy, import_string(settings.API_ADMISSION))
    return policy(asker)


def everyone(asker: Asker) -> Admission:
    """The policy of an API that is open: whoever asks is admitted, as often as they like."""
    return ADMITTED
