"""Makes the changes that callers want of products: up to hundreds at once, in statements for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from datetime import datetime

from django.db import DataError, IntegrityError, transaction
from django.utils import timezone

from catalog import announce
from catalog.announce import Priority
from catalog.changes.attempts import attempted
from catalog.changes.existing import Existing, find_products
from catalog.changes.history import Author, Written, remember
from catalog.changes.planning import Categories, check_version, new_sku, plan
from catalog.changes.products import ProductChange, delete_products, write_changes
from catalog.changes.refusals import Refused, invalid, undone
from catalog.changes.versions import version_of
from catalog.changes.wishes import Change, Done, Operation, Outcome
from catalog.edit_history import Edit, edited_by, record
from catalog.models import Product

Result = Outcome | Refused
# What is to be done: a product is written, or the one of this row is deleted.
_Planned = ProductChange | Product | Refused


class _NothingDone(Exception):
    """Rolls back a batch that is made as a whole or not at all. `planned`: the refusals among it are why."""

    def __init__(self, planned: list[_Planned]) -> None:
        self.planned = planned


def change_product(change: Change, *, author: Author) -> Outcome:
    """Make one change. Raises Refused."""
    (result,) = change_products([change], author=author, together=False, priority="upload")
    if isinstance(result, Refused):
        raise result
    return result


def change_products(
    changes: Sequence[Change], *, author: Author, together: bool, priority: Priority = "import"
) -> list[Result]:
    """Make changes of different products in one transaction; what became of each, in their order.

    `together`: none is made where one is refused. Else the others are made, each by itself where the database does not take
    them as a whole.
    """
    try:
        return attempted(lambda: _made(changes, author, together, priority))
    except (Refused, DataError, IntegrityError) as error:
        refused = (
            error if isinstance(error, Refused) else Refused("invalid", f"the database refuses it: {_line(error)}")
        )
    if together or len(changes) == 1:
        return [refused] * len(changes)
    one_by_one = (change_products([one], author=author, together=False, priority=priority) for one in changes)
    return [result for results in one_by_one for result in results]


def _made(changes: Sequence[Change], author: Author, together: bool, priority: Priority) -> list[Result]:
    try:
        with edited_by(author.user_id, str(author)), transaction.atomic():
            categories = Categories.of(named for change in changes for named in change.wish.categories)
            existing = _locked(changes)
            before = {pk: copy(product) for pk, product in existing.by_id.items()}
            planned = list(_planned(changes, existing, categories, timezone.now()))
            if together and any(isinstance(one, Refused) for one in planned):
                raise _NothingDone(planned)
            written = _written(planned, author, priority)
            record(Edit(before.get(one.product.pk), one.product) for one in planned if isinstance(one, ProductChange))
            return written
    except _NothingDone as nothing:
        return [one if isinstance(one, Refused) else undone() for one in nothing.planned]


def _locked(changes: Sequence[Change]) -> Existing:
    """The products that are named, and those that have a SKU which is to be given to another."""
    targets = [change.target for change in changes]
    given = [str(sku) for change in changes if (sku := change.wish.fields.get("sku"))]
    deletes = any(change.operation is Operation.DELETE for change in changes)
    return find_products(
        skus=[*(target.sku for target in targets if target.sku), *given],
        ids=[target.id for target in targets if target.id is not None],
        lock="key" if given or deletes else "row",
    )


def _planned(
    changes: Sequence[Change], existing: Existing, categories: Categories, now: datetime
) -> Iterator[_Planned]:
    """A product, or a SKU, is an item's that names it first: what several items of a batch make of it would depend on luck."""
    taken: dict[int | str, int] = {}
    for place, change in enumerate(changes):
        target = change.target
        product = existing.product(target)
        names = {
            product.pk if product else str(target),
            *(f"sku:{sku}" for sku in [change.wish.fields.get("sku")] if sku),
        }
        try:
            if earlier := [taken[name] for name in names if name in taken]:
                raise Refused(
                    "taken", f"item {earlier[0]} of the batch names this product too; send it in a later batch"
                )
            yield _plan_one(change, product, existing, categories, now)
            taken |= dict.fromkeys(names, place)
        except Refused as refused:
            yield refused.within(change.at)


def _plan_one(
    change: Change, product: Product | None, existing: Existing, categories: Categories, now: datetime
) -> _Planned:
    check_version(change, product)
    if change.same_id is not None and change.same_id != (product.pk if product else None):
        raise invalid("id", f"{change.same_id} is not the id of product {change.target}; leave it out")
    if change.operation is Operation.DELETE:
        assert product is not None
        return product
    sku = change.wish.fields.get("sku")
    owner = existing.by_sku.get(str(sku)) if sku else None
    if owner is not None and owner != product:
        raise Refused("taken", f"product {owner.pk} has the SKU {sku} already; PUT products/sku:{sku}/ replaces it")
    planned = plan(product, change.wish, existing, categories, now)
    if product is None and not planned.product.sku:
        planned.product.sku = new_sku(change.target)
    return planned


def _written(planned: Sequence[_Planned], author: Author, priority: Priority) -> list[Result]:
    """Write what is planned, remember it in the history, and say what became of each."""
    changed = [one for one in planned if isinstance(one, ProductChange)]
    # By SKU, so that two batches that make the same products do not wait for each other.
    changed.sort(key=lambda one: one.product.sku)
    with announce.together(priority=priority):
        write_changes([one for one in changed if not one.is_unchanged], priority=priority)
        if gone := [one.pk for one in planned if isinstance(one, Product)]:
            delete_products(gone)
    remember(author, (_remembered(one) for one in planned if not isinstance(one, Refused)))
    return [_result(one) for one in planned]


def _remembered(one: ProductChange | Product) -> Written | None:
    if isinstance(one, Product):
        return Written(one, "deleted", "deleted")
    if one.is_unchanged:
        return None
    if one.is_new:
        return Written(one.product, "created", "created")
    return Written(one.product, "changed", f"changed {_words(one)}")


def _words(change: ProductChange) -> str:
    """What was changed, as the history says it."""
    words = sorted(name.removesuffix("_id") for name in change.fields)
    words += ["further categories"] if change.further is not None else []
    words += [] if change.photos.are_none else ["photos"]
    return ", ".join(words)


def _result(one: _Planned) -> Result:
    if isinstance(one, Refused):
        return one
    if isinstance(one, Product):
        return Outcome("deleted", one.pk, one.sku)
    product = one.product
    done: Done = "created" if one.is_new else "unchanged" if one.is_unchanged else "changed"
    return Outcome(done, product.pk, product.sku, version_of(product.pk, product.updated_at))


def _line(error: Exception) -> str:
    return str(error).splitlines()[0]
