"""The one decision about a request of the API: who asks, whether they may, and whether it is too often.

It is made by the function that `settings.API_ADMISSION` names (catalog.access.policy has the one that is shipped), and asked
exactly once a request: by Django REST framework's classes (catalog.access.drf), or by what answers before Django is reached.

It has two steps, for counting takes a round trip to Redis and the first step none. The policy says who asks, whether they may,
and which buckets are to give how many tokens; whoever asked it has the tokens counted, and `settled` makes the end of it. In a
thread `admit` does all of that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, cast

from django.conf import settings
from django.http.cookie import parse_cookie
from django.utils.module_loading import import_string

from catalog.access.buckets import Charge, Counted, Counter, limit_headers, too_often
from catalog.api.problems import Problem

# Where a decision that was made before Django is reached stands in the request's WSGI environment. No header of a caller can
# have this name.
ADMISSION = "catalog.admission"


class Undecided(Exception):
    """A policy would have to wait for Postgres to decide, and may not."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for what, as far as the decision looks at it.

    `path` is decoded and has no query string; `query` has it as it was sent. `address` is the connection's other end: a
    proxy's, where there is one. `header` gives a header's value by its lower-case name, None where it is absent; one that was
    sent several times is one list. `may_wait`: whether the decision may take the time of a statement in Postgres; on an event
    loop it may not.
    """

    method: str
    path: str
    address: str
    header: Callable[[str], str | None] = field(compare=False, repr=False)
    query: str = field(default="", compare=False)
    may_wait: bool = field(default=True, compare=False)

    @property
    def session(self) -> str:
        """The key of the session in the caller's cookie, or ""; whether there is such a session is not looked up."""
        return self.cookie(settings.SESSION_COOKIE_NAME)

    def cookie(self, name: str) -> str:
        """The value of a cookie, or ""."""
        sent = self.header("cookie")
        return parse_cookie(sent).get(name, "") if sent else ""


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """Whose key a request has. `id`: that of the row; None for a page of the shop and for an admin who is logged in.

    `user_id`: the admin's, None for a key.
    """

    id: int | None
    name: str
    kind: Literal["publishable", "secret"]
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """The decision. `refusal` is the answer to who is not admitted, None for who is.

    A refusal has a status: 401 where it is not known who asks, 403 where they may not, 429 where they ask too often. Its
    headers, such as `WWW-Authenticate` or `Retry-After`, are sent with it. `key`: whose key it was asked with, None without
    one. `charges`: the tokens that the request costs; `counted`: they have been taken. `headers` belong to every answer.
    """

    refusal: Problem | None = None
    key: KeyIdentity | None = None
    charges: tuple[Charge, ...] = ()
    counted: bool = False
    headers: tuple[tuple[str, str], ...] = ()


ADMITTED = Admission()
Policy = Callable[[Asker], Admission]


def decide(asker: Asker) -> Admission:
    """The first step, by `settings.API_ADMISSION`, the dotted path of a Policy.

    A policy is called on the server's event loop too: there it waits for nothing, and raises Undecided where it would have to.
    Raises ImportError where the setting names nothing.
    """
    policy = cast(Policy, import_string(settings.API_ADMISSION))
    return policy(asker)


def settled(admission: Admission, counted: Counted | None) -> Admission:
    """The decision once its charges, or further ones of the same buckets, are counted; None where there were none."""
    if counted is None:
        return admission
    charges = admission.charges
    refusal = admission.refusal if counted.admitted else too_often(charges, counted)
    return replace(admission, refusal=refusal, counted=True, headers=limit_headers(charges, counted))


def admit(asker: Asker) -> Admission:
    """The whole decision, its tokens counted. Raises Undecided, as `decide` does."""
    admission = decide(asker)
    return settled(admission, count(admission.charges)) if admission.charges else admission


def charged_up_to(admission: Admission, tokens: int) -> Admission:
    """The decision about a request that turns out to cost so many tokens in all; the same where it was charged as many."""
    further = tuple(
        Charge(charge.bucket, tokens - charge.tokens) for charge in admission.charges if tokens > charge.tokens
    )
    if not further:
        return admission
    counted = settled(replace(admission, charges=further), count(further))
    return replace(counted, charges=tuple(Charge(charge.bucket, tokens) for charge in further))


def count(charges: Sequence[Charge]) -> Counted:
    """Take tokens by `settings.API_COUNTER`, the dotted path of a Counter."""
    counter = cast(Counter, import_string(settings.API_COUNTER))
    return counter(charges)
