"""Turns what a caller wants of a product into its changes, once the product is locked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from catalog.categories import CategoryTree
from catalog.changes.existing import Existing
from catalog.changes.photos import PhotoReference, plan_photos
from catalog.changes.pricing import priced
from catalog.changes.products import ProductChange
from catalog.changes.refusals import MemberError, Refused, invalid
from catalog.changes.versions import is_current, version_of
from catalog.changes.wishes import CategoryWish, Change, Operation, PhotoWish, ProductWish, Target
from catalog.currencies import shown_digits
from catalog.models import Category, Product, ProductImage
from catalog.sales import Pricing

MAX_SKU = Product._meta.get_field("sku").max_length or 0


@dataclass
class Categories:
    """The categories that wishes name: ids by slug and by path."""

    slugs: Mapping[str, int] = field(default_factory=dict)
    tree: CategoryTree | None = None

    @classmethod
    def of(cls, wishes: Iterable[CategoryWish]) -> Categories:
        """Find them, and make those paths that are missing. Call it before products are locked: others lock the tree first."""
        named = list(wishes)
        slugs = {wish.slug for wish in named if wish.slug}
        paths = dict.fromkeys(wish.path for wish in named if wish.path)
        tree = CategoryTree() if paths else None
        for path in paths:
            assert tree is not None
            tree.make(path)
        return cls(dict(Category.objects.filter(slug__in=slugs).values_list("slug", "pk")) if slugs else {}, tree)

    def id_of(self, wish: CategoryWish) -> int | None:
        """None where no category has the slug."""
        return self.tree.find(wish.path) if wish.path and self.tree is not None else self.slugs.get(wish.slug)


def check_version(change: Change, product: Product | None) -> None:
    """Whether the product is there, or not, and of a version, as the change supposes. Raises Refused."""
    makes = change.operation is Operation.CREATE or (change.operation is Operation.REPLACE and change.target.id is None)
    if product is None:
        if not makes:
            raise Refused("unknown", f"there is no product {change.target}")
        if change.if_match:
            raise Refused(
                "moved", f"there is no product {change.target}, of whatever version; leave out the version to make it"
            )
        return
    if change.operation is Operation.CREATE:
        detail = f"product {product.pk} has the SKU {product.sku} already; PUT products/sku:{product.sku}/ replaces it"
        raise Refused("taken", detail)
    if change.if_none:
        raise Refused("moved", f"product {product.pk} is there already; leave out If-None-Match to replace it")
    check_match(change.if_match, product)


def check_match(if_match: str, product: Product) -> None:
    """Whether a product is of a version that the caller knows; "": of any. Raises Refused."""
    version = version_of(product.pk, product.updated_at)
    if if_match and not is_current(if_match, version):
        raise Refused(
            "moved", f'product {product.pk} was written meanwhile, and is "{version}" now; read it and try again'
        )


def new_sku(target: Target) -> str:
    """The SKU by which a product is named that is to be made. Raises Refused where no product can have it."""
    sku = target.sku
    if sku != sku.strip() or not sku:
        raise invalid("sku", "a SKU has no blanks around it, and is not empty")
    if len(sku) > MAX_SKU:
        raise invalid("sku", f"{len(sku)} characters, at most {MAX_SKU}")
    return sku


def plan(
    product: Product | None, wish: ProductWish, existing: Existing, categories: Categories, now: datetime
) -> ProductChange:
    """The changes that make a product, None for a new one, what is wished. Raises Refused, with all that is wrong."""
    change = ProductChange(product or Product(), is_new=product is None)
    errors: list[MemberError] = []
    for name, value in wish.fields.items():
        change.set(name, value)
    with _kept_in(errors):
        _plan_prices(change, wish, now)
    with _kept_in(errors):
        _plan_categories(change, wish, categories, existing.further[product.pk] if product else set())
    with _kept_in(errors):
        _plan_photos(change, wish, existing.photos[product.pk] if product else [])
    with _kept_in(errors):
        _plan_offer(change, wish, now)
    if errors:
        raise Refused("invalid", errors=errors)
    _plan_attributes(change, wish)
    return change


@contextmanager
def _kept_in(errors: list[MemberError]) -> Iterator[None]:
    """Keep the errors of a refusal inside the block, so that those of other members are found, too."""
    try:
        yield
    except Refused as refused:
        errors += refused.errors


def _plan_prices(change: ProductChange, wish: ProductWish, now: datetime) -> None:
    digits = shown_digits(change.product.currency)
    for name, given in wish.prices.items():
        if isinstance(given, Decimal) and given != round(given, digits):
            raise invalid(
                name, f"{given} has more decimals than are shown in {change.product.currency or 'it'}, {digits}"
            )
    if wish.prices or wish.whole:
        before = Pricing(None) if wish.whole else Pricing.of(change.product)
        for name, value in priced(before, wish.prices, now).fields(now).items():
            change.set(name, value)


def _plan_attributes(change: ProductChange, wish: ProductWish) -> None:
    if wish.attributes is not None:
        before = {} if wish.whole else dict(change.product.attributes)
        wanted = {**before, **wish.attributes}
        change.set("attributes", {name: value for name, value in wanted.items() if value is not None})


def _plan_categories(change: ProductChange, wish: ProductWish, categories: Categories, have: set[int]) -> None:
    found = {named: categories.id_of(named) for named in wish.categories}
    if errors := [
        MemberError(
            named.member, f"no category has the slug {named.slug!r}; write a path, like Clothing > Dress, to make one"
        )
        for named, category in found.items()
        if category is None
    ]:
        raise Refused("invalid", errors=errors)
    if wish.category is not None:
        change.set("category_id", found[wish.category[0]] if wish.category else None)
    named_further = have if wish.further is None else {found[named] for named in wish.further}
    further = {category for category in named_further if category is not None} - {change.product.category_id}
    change.further = further if further != have else None


def _plan_photos(change: ProductChange, wish: ProductWish, have: list[ProductImage]) -> None:
    if wish.photos is None:
        return
    by_id = {image.pk: image for image in have}
    if errors := [
        MemberError(photo.member, f"the product has no photo {photo.id}; give the URL of a new one")
        for photo in wish.photos
        if photo.id is not None and photo.id not in by_id
    ]:
        raise Refused("invalid", errors=errors)
    references = [_reference(photo, by_id) for photo in wish.photos]
    change.set_photos(plan_photos(change.product, references, have, complete=True, at_once=True))


def _reference(photo: PhotoWish, by_id: Mapping[int, ProductImage]) -> PhotoReference:
    return PhotoReference(photo.url, None, image=None if photo.id is None else by_id[photo.id], alt=photo.alt)


def _plan_offer(change: ProductChange, wish: ProductWish, now: datetime) -> None:
    """As in the admin: who says whether a product is shown undoes what feeds had withdrawn, and what is over is not shown."""
    product = change.product
    if wish.fields.get("published") is not None:
        change.set("withdrawn", False)
    over = product.expires_at is not None and product.expires_at <= now
    if over and product.published and {"published", "expires_at"} & change.fields:
        member = "expires_at" if "expires_at" in wish.fields else "published"
        detail = "the moment expires_at is over; give null or a later one, or published false"
        raise Refused("invalid", errors=[MemberError(member, detail)])
