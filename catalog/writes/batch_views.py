"""`products/batch/`: up to 500 changes in one call, with what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from catalog.access.drf import charge_up_to
from catalog.access.endpoints import MOST
from catalog.api.described import extend_schema
from catalog.api.json_view import as_sent
from catalog.api.problems import Problem, bad_parameter, problem_members
from catalog.changes.batches import change_products
from catalog.changes.history import Author
from catalog.changes.refusals import Refused, invalid, undone
from catalog.changes.wishes import Change, Outcome
from catalog.writes import schema
from catalog.writes.change_members import read_item
from catalog.writes.exact_json import exact_json
from catalog.writes.members import shown
from catalog.writes.refused import problem_of
from catalog.writes.views import KEPT_BY_NOBODY, WriteView, needed
from catalog.writes.writers import author_of

MOST_ITEMS = 500
MOST_BATCH_BYTES = 8 * 1024 * 1024
ITEMS_A_TOKEN = 25  # of a batch, whose items share their statements
_MODES = ("each", "all")
_STATUS = {"created": 201, "changed": 200, "unchanged": 200, "deleted": 204}
_ACTIONS = {"create": ["add"], "replace": ["add", "change"], "patch": ["change"], "delete": ["delete"]}

Read = Change | Refused


class Batch(WriteView):
    """`products/batch/`."""

    @extend_schema(
        operation_id="products_batch",
        summary="Up to 500 changes of products in one call",
        description="207 with an outcome for each item, in their order. With `mode` all they are made together or not at all, and each outcome"
        " says so; with each, which is the default, what is wrong with one does not keep the others out.",
        request=schema.BatchSchema,
        responses={207: schema.BatchOutcomesSchema, **schema.problems(400, 401, 403, 413, 415, 503)},
        tags=["writes"],
    )
    def post(self, request: Request) -> Response:
        author_of(request, [])
        body = exact_json(as_sent(request), most=MOST_BATCH_BYTES)
        mode, items = _mode(body), _items(body)
        author = author_of(request, _permissions(items))
        charge_up_to(request, min(MOST, -(-len(items) // ITEMS_A_TOKEN)))
        read = [_read(item, place) for place, item in enumerate(items)]
        results = _made(read, author, together=mode == "all")
        return Response(
            {"mode": mode, "results": [_outcome(result) for result in results]}, status=207, headers=KEPT_BY_NOBODY
        )


def _mode(body: Mapping[str, Any]) -> str:
    for name in body:
        if name not in ("mode", "items"):
            raise bad_parameter(shown(name).strip("'"), "there is no such member; there are mode and items")
    mode = body.get("mode", "each")
    if mode not in _MODES:
        raise bad_parameter("mode", f"{shown(mode)} is neither each nor all")
    return str(mode)


def _items(body: Mapping[str, Any]) -> list[Any]:
    items = body.get("items")
    if not isinstance(items, list) or not items:
        raise bad_parameter("items", "a list of changes is needed")
    if len(items) > MOST_ITEMS:
        detail = f"items: {len(items)} items, at most {MOST_ITEMS}; send the others in another batch"
        raise Problem(413, "Too many items", detail, parameter="items")
    return items


def _permissions(items: list[Any]) -> list[str]:
    """What a person needs for all items; what is no item needs nothing."""
    objects = [item for item in items if isinstance(item, dict)]
    operations = [str(item.get("op")) for item in objects]
    actions = sorted({action for operation in operations for action in _ACTIONS.get(operation, [])})
    photos = ["add", "change", "delete"] if any("images" in item for item in objects) else []
    return [*needed("product", actions), *needed("productimage", photos)]


def _read(item: Any, place: int) -> Read:
    at = f"items/{place}"
    if not isinstance(item, dict):
        return invalid(at, f"{shown(item)} is no object; write op, the id or sku, and what is to change")
    try:
        return read_item(item, at)
    except Refused as refused:
        return refused


def _made(read: list[Read], author: Author, *, together: bool) -> list[Outcome | Refused]:
    """What became of each item; those that could not be read are not tried, nor, `together`, any other then."""
    changes = [one for one in read if isinstance(one, Change)]
    if together and len(changes) < len(read):
        return [one if isinstance(one, Refused) else undone() for one in read]
    made = iter(change_products(changes, author=author, together=together) if changes else [])
    return [one if isinstance(one, Refused) else next(made) for one in read]


def _outcome(result: Outcome | Refused) -> dict[str, Any]:
    if isinstance(result, Refused):
        problem = problem_of(result)
        return {"status": problem.status, "problem": problem_members(problem)}
    told: dict[str, Any] = {"status": _STATUS[result.done], "id": result.id, "sku": result.sku}
    return told | ({"etag": f'"{result.version}"'} if result.version else {})
