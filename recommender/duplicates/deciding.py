"""Decisions on products that show the same photo: made, remembered, and taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from catalog import announce
from catalog.edit_history import Edit, record
from catalog.models import Product, ProductImage
from recommender.merchandising.placeholders import UnknownPhoto, rule
from recommender.models import DuplicateCluster, DuplicateDecision, Placeholder

Kind = DuplicateDecision.Kind
_MAX_GROUP = Product._meta.get_field("group").max_length or 0


class CannotDecide(ValueError):
    """The decision cannot be made; the text says why and what to do."""


def decide(
    *, cluster_id: int, kind: DuplicateDecision.Kind, products: Collection[int], by: int | None
) -> DuplicateDecision:
    """Decide on those `products` of a cluster, and take them out of it. `by`: the id of the user.

    One variant group takes in the other variants of each product, too. Workers apply a ruling that a photo is a placeholder
    (recommender.tasks.apply_rulings), which the caller asks for. Raises CannotDecide.
    """
    with transaction.atomic():
        cluster = DuplicateCluster.objects.select_for_update().filter(pk=cluster_id).first()
        if cluster is None:
            raise CannotDecide("somebody has decided on these products meanwhile, or a newer search does not find them")
        photos = dict(zip(cluster.products, cluster.images, strict=True))
        chosen = [product for product in cluster.products if product in products]
        if len(chosen) < (1 if kind == Kind.PLACEHOLDER else 2):
            raise CannotDecide("choose the products that the decision is of: at least two")
        decision = DuplicateDecision(
            kind=kind, products=sorted(chosen), images=[photos[one] for one in chosen], decided_by_id=by
        )
        if kind == Kind.GROUP:
            decision.group, decision.before = _grouped(chosen)
        elif kind == Kind.PLACEHOLDER:
            decision.digest = _ruled(photos[chosen[0]], Placeholder.Ruling.PLACEHOLDER)
        decision.save()
        _take_out(cluster, chosen, keeps_first=kind == Kind.GROUP)
    return decision


def take_back(*, decision_id: int) -> DuplicateDecision:
    """Undo a decision, and put its products where others can be decided. Raises CannotDecide.

    A product whose group was changed by somebody since then stays as it is.
    """
    with transaction.atomic():
        decision = DuplicateDecision.objects.select_for_update().filter(pk=decision_id).first()
        if decision is None:
            raise CannotDecide("the decision was taken back already")
        if decision.kind == Kind.GROUP:
            _ungrouped(decision)
        elif decision.kind == Kind.PLACEHOLDER:
            try:
                rule(digest=decision.digest, ruling=Placeholder.Ruling.NONE)
            except UnknownPhoto:
                pass  # no product shows it any more, so nothing is to be undone
        owners = dict(ProductImage.objects.filter(pk__in=decision.images).values_list("product_id", "pk"))
        if len(owners) > 1:
            DuplicateCluster.objects.create(products=list(owners), images=list(owners.values()), cosine=None)
        decision.delete()
    return decision


def _grouped(chosen: Sequence[int]) -> tuple[str, Mapping[str, tuple[str, bool]]]:
    """The group that the products and their variants have now, and the groups before by product."""
    groups = set(Product.objects.filter(pk__in=chosen).exclude(group="").values_list("group", flat=True))
    products = list(
        Product.objects.select_for_update(no_key=True).filter(Q(pk__in=chosen) | Q(group__in=groups)).order_by("pk")
    )
    by_id = {product.pk: product for product in products}
    present = [by_id[pk] for pk in chosen if pk in by_id]
    if len(present) < 2:
        raise CannotDecide("the other products were deleted meanwhile; look for duplicates again")
    name = next((one.group for one in present if one.group), "") or _free_name(present[0].sku)
    before = {str(product.pk): (product.group, product.group_decided) for product in products}
    _write_groups(products, dict.fromkeys(by_id, (name, True)))
    return name, before


def _ungrouped(decision: DuplicateDecision) -> None:
    before = {int(pk): (str(group), bool(decided)) for pk, (group, decided) in decision.before.items()}
    same = Product.objects.filter(pk__in=before, group=decision.group)
    products = list(same.select_for_update(no_key=True).order_by("pk"))
    _write_groups(products, before)


def _write_groups(products: Sequence[Product], wanted: Mapping[int, tuple[str, bool]]) -> None:
    now = timezone.now()
    by_value: dict[tuple[str, bool], list[int]] = {}
    for product in products:
        by_value.setdefault(wanted[product.pk], []).append(product.pk)
    for (group, decided), ids in by_value.items():
        Product.objects.filter(pk__in=ids).update(group=group, group_decided=decided, updated_at=now)
    changed = {product.pk: product for product in Product.objects.filter(pk__in=[one.pk for one in products])}
    record(Edit(product, changed[product.pk]) for product in products)
    announce.products_changed(list(changed), hidden=True)  # an answer may have shown several of the group


def _free_name(sku: str) -> str:
    """The SKU, unless a group of other products is called so."""
    name, number = sku[:_MAX_GROUP], 2
    while Product.objects.filter(group=name).exists():
        name, number = f"{sku[: _MAX_GROUP - 12]}-{number}", number + 1
    return name


def _ruled(image_id: int, ruling: Placeholder.Ruling) -> str:
    digest = ProductImage.objects.filter(pk=image_id).values_list("digest", flat=True).first() or ""
    try:
        rule(digest=digest, ruling=ruling)
    except UnknownPhoto as error:
        raise CannotDecide("the photo was replaced or deleted meanwhile; look for duplicates again") from error
    return digest


def _take_out(cluster: DuplicateCluster, chosen: Sequence[int], *, keeps_first: bool) -> None:
    """What is left to be decided: the others, and one of a new group beside them."""
    gone = set(chosen[1:] if keeps_first else chosen)
    left = [pair for pair in zip(cluster.products, cluster.images, strict=True) if pair[0] not in gone]
    if len(left) < 2:
        cluster.delete()
        return
    cluster.products, cluster.images = [product for product, _ in left], [image for _, image in left]
    cluster.save(update_fields=["products", "images"])
