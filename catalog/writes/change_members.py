"""A change of one product in JSON: a body of its own, or an item of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from catalog.changes.refusals import Refused
from catalog.changes.wishes import Change, Operation, ProductWish, Target
from catalog.models import Product
from catalog.writes.members import Members, identity, text_of
from catalog.writes.product_members import MEMBERS, read_product

MAX_SKU = Product._meta.get_field("sku").max_length
_OPERATIONS = {operation.value: operation for operation in Operation}
_MATCH_LENGTH = 2000


def read_change(
    body: Mapping[str, Any],
    operation: Operation,
    target: Target | None,
    *,
    if_match: str = "",
    if_none: bool = False,
) -> Change:
    """The change of a request for one product; `target`: that of the path, None of a new product. Raises Refused."""
    members = Members(body)
    members.refuse_unknown(MEMBERS if target is not None else MEMBERS[1:])
    wish = read_product(members, whole=operation is not Operation.PATCH)
    same_id = members.read("id", identity, None)
    if target is None:
        if "sku" not in members:
            members.wrong("is missing; every product needs one", "sku")
        target = Target(sku=str(wish.fields.get("sku") or ""))
    elif operation is Operation.REPLACE and target.sku and wish.fields.get("sku") not in (None, target.sku):
        members.wrong(f"is not the SKU in the path; PATCH can give product {target} another", "sku")
    _check(members)
    return Change(operation, target, _less_same_sku(wish, target), if_match, if_none, same_id)


def read_item(item: Mapping[str, Any], at: str) -> Change:
    """The change of a batch's item, whose `id`, or else `sku`, says of which product. Raises Refused."""
    members = Members(item, at=at)
    operation = members.read("op", _operation, None) if "op" in members else None
    if "op" not in members:
        members.wrong(f"is missing; it is one of {', '.join(_OPERATIONS)}", "op")
    product_id = members.read("id", identity, None)
    sku = members.read("sku", text_of(MAX_SKU, needed=True), "")
    if_match = members.read("if_match", text_of(_MATCH_LENGTH), "")
    if operation is Operation.CREATE and ("id" in members or "sku" not in members):
        members.wrong("a new product has a sku and no id", "id" if "id" in members else "sku")
    elif "id" not in members and "sku" not in members:
        members.wrong("give the id or the sku of the product", "id")
    members.refuse_unknown(("op", "if_match", *(MEMBERS if operation is not Operation.DELETE else ("id", "sku"))))
    wish = ProductWish()
    if operation not in (None, Operation.DELETE):
        wish = read_product(members, whole=operation is not Operation.PATCH)
    _check(members)
    assert operation is not None
    target = Target(sku=sku) if product_id is None else Target(id=product_id)
    return Change(operation, target, _less_same_sku(wish, target), if_match, at=at)


def _operation(value: Any) -> Operation:
    operation = _OPERATIONS.get(value) if isinstance(value, str) else None
    if operation is None:
        raise ValueError(f"is one of {', '.join(_OPERATIONS)}")
    return operation


def _check(members: Members) -> None:
    """Raises Refused with all that is wrong."""
    if members.errors:
        # Some are told by two readers; a sku that cannot be read is said once.
        raise Refused("invalid", errors=list(dict.fromkeys(members.errors)))


def _less_same_sku(wish: ProductWish, target: Target) -> ProductWish:
    """A SKU that only says which product is meant is not given to it: one that is kept decomposed stays so."""
    if target.sku and wish.fields.get("sku") == target.sku:
        return ProductWish(**{**vars(wish), "fields": {key: one for key, one in wish.fields.items() if key != "sku"}})
    return wish
