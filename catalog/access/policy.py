"""The decision that is shipped: by keys, and by how often a key or an address asks.

With API_ACCESS=open whoever sends no key is admitted. With API_ACCESS=keys every endpoint wants one, but for those that hold nothing of
the shop; pages of the shop and admins who are logged in need none, and operators' networks may ask how the service is.

A key that is sent and is not valid is refused in both modes: who sends one expects its rights and its rate, and would else find out
on the day on which the shop asks for keys. `Authorization` of any other kind, such as a proxy's password, is nobody's key.
"""

from __future__ import annotations

from datetime import datetime
from typing import NoReturn

from django.conf import settings
from django.utils import timezone

from catalog.access import addresses, pages
from catalog.access.admission import ADMITTED, Admission, Asker, KeyIdentity
from catalog.access.buckets import Charge, bucket
from catalog.access.endpoints import PLAIN, Endpoint, endpoint_of, tokens_of
from catalog.access.keys import KeyRecord, memory
from catalog.access.sessions import admin_of
from catalog.access.tokens import token_of
from catalog.api.problems import Problem
from catalog.origins import page_origin

_REALM = 'Bearer realm="lookalike"'
_HOW = "send a key as `Authorization: Bearer …`; the shop's admin makes them under API keys"
_PAGE = KeyIdentity(None, "page of the shop", "publishable")


def by_key(asker: Asker) -> Admission:
    """Who asks, whether they may, and what is to be counted. Raises Undecided for a key or session that is to be looked up."""
    if _is_preflight(asker):
        return ADMITTED
    token, endpoint, record = token_of(asker.header), endpoint_of(asker.path), None
    try:
        if token:
            record = _valid(memory.record(token, may_wait=asker.may_wait), timezone.now())
            key: KeyIdentity | None = record.identity
            _check_place(asker, record)
        else:
            key = _without_key(asker, endpoint)
        _check_rights(asker, endpoint, key)
    except Problem as refusal:
        return Admission(refusal, charges=_charges(asker, None, PLAIN))
    charges = _charges(asker, record, tokens_of(asker, endpoint))
    return Admission(key=key, charges=charges) if key is not None or charges else ADMITTED


def may_operate(asker: Asker) -> None:
    """For what operators ask beside the API, `/metrics` and the details of `/readyz`.

    Returns for everybody where the API is open, else for operators' networks, a secret key and an admin. Raises Problem for
    others.
    """
    if settings.API_ACCESS != "keys" or addresses.is_operator(asker):
        return
    token = token_of(asker.header)
    record = _valid(memory.record(token, may_wait=True), timezone.now()) if token else None
    key = record.identity if record is not None else admin_of(asker)
    if key is None:
        _refuse_nobody()
    if key.kind != "secret":
        _refuse_to_operate()


def _is_preflight(asker: Asker) -> bool:
    """Whether a browser asks if a page of another site may ask; it sends no key with that."""
    return asker.method == "OPTIONS" and asker.header("access-control-request-method") is not None


def _valid(record: KeyRecord | None, now: datetime) -> KeyRecord:
    if record is None:
        why = "there is no such key; send it as it was shown when it was made, or make another"
    elif record.ends is not None and record.ends <= now:
        what = "was revoked" if record.revoked else f"expired at {record.ends:%Y-%m-%d %H:%M} UTC"
        why = f"the key {record.prefix}… {what}; use its successor, or ask the shop's admin for another"
    else:
        return record
    raise Problem(401, "Key not valid", why, headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})


def _check_place(asker: Asker, record: KeyRecord) -> None:
    """A key with a list of pages is for no others.

    A request with neither `Origin` nor `Referer` is let in: it comes from a server, an app or a page of the API's own host, for
    a page elsewhere gets to read an answer only where its browser sent `Origin`.
    """
    sent = asker.header("origin")
    if not record.origins or sent in record.origins:
        return
    address = sent if sent is not None else asker.header("referer")
    if address is None or (origin := page_origin(address)) in record.origins:
        return
    raise Problem(
        403,
        "Wrong origin",
        f"the key {record.prefix}… is not for pages of {origin or 'this address'}; add the origin to the key in the admin, or use"
        " another key",
    )


def _without_key(asker: Asker, endpoint: Endpoint) -> KeyIdentity | None:
    """Whose browser it is, asked only where that makes a difference."""
    reads = endpoint.reads(asker.method)
    if endpoint.public or (settings.API_ACCESS != "keys" and reads):
        return None
    if reads and not endpoint.for_operators and pages.is_valid(asker.cookie(pages.COOKIE)):
        return _PAGE
    return admin_of(asker)


def _check_rights(asker: Asker, endpoint: Endpoint, key: KeyIdentity | None) -> None:
    wants_key = settings.API_ACCESS == "keys"
    if endpoint.public or (key is not None and key.kind == "secret"):
        return
    if wants_key and endpoint.for_operators:
        if addresses.is_operator(asker):
            return
        if key is not None:
            _refuse_to_operate()
    if key is None and wants_key:
        _refuse_nobody()
    # What a person may write, each view of writes asks of their permissions.
    if key is not None and key.user_id is None and not endpoint.reads(asker.method):
        raise Problem(
            403,
            "Key may not write",
            f"{_named(key)} may only read; {asker.method} here wants a secret key, from a server",
        )


def _refuse_nobody() -> NoReturn:
    raise Problem(401, "Key needed", _HOW, headers={"WWW-Authenticate": _REALM})


def _refuse_to_operate() -> NoReturn:
    raise Problem(
        403,
        "Not an operator",
        "this is for the networks of the setting OPERATORS and for secret keys; send one of those",
    )


def _named(key: KeyIdentity) -> str:
    return f"the key {key.name!r}" if key.id is not None else f"the {key.name}"


def _charges(asker: Asker, record: KeyRecord | None, tokens: int) -> tuple[Charge, ...]:
    """A secret key is counted by itself: a server asks for many people. Everybody else is counted by address, a publishable key
    besides by itself."""
    charges = []
    secret = record is not None and record.identity.kind == "secret"
    if settings.API_ADDRESS_RATE and not secret:
        whose = addresses.shared_by_household(addresses.client_address(asker.address, asker.header))
        of_address = bucket("address", whose, rate=settings.API_ADDRESS_RATE, burst=settings.API_ADDRESS_BURST)
        charges.append(Charge(of_address, tokens))
    if record is not None and (rate := record.rate or settings.API_KEY_RATE):
        burst = record.burst or settings.API_KEY_BURST
        charges.append(Charge(bucket("key", str(record.identity.id), rate=rate, burst=burst), tokens))
    return tuple(charges)
