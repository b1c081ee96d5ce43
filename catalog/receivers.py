"""Announces every single write of a model. Bulk writes send no model signals, so they call catalog.announce themselves."""

from __future__ import annotations

from typing import Any

from django.db.models.signals import post_delete, post_save, pre_save
from django.dispatch import receiver

from catalog import announce
from catalog.models import Product, ProductImage


@receiver(pre_save, sender=Product)
def remember_group(instance: Product, raw: bool, **_: Any) -> None:
    """Keep the former variant group on the instance: a change of group changes which products an answer may hold together."""
    before = None if raw or instance.pk is None else Product.objects.filter(pk=instance.pk).values_list("group").first()
    instance.__dict__["_group_before"] = before[0] if before else None


@receiver(post_save, sender=Product)
def announce_product(instance: Product, created: bool, raw: bool, **_: Any) -> None:
    if raw:
        return
    before = instance.__dict__.pop("_group_before", None)
    regrouped = before is not None and before != instance.group
    announce.products_changed([instance.pk], hidden=not created and (regrouped or not instance.published))


@receiver(post_delete, sender=Product)
def announce_deleted_product(instance: Product, **_: Any) -> None:
    announce.products_changed([instance.pk], hidden=True)


@receiver(pre_save, sender=ProductImage)
def remember_photo(instance: ProductImage, raw: bool, **_: Any) -> None:
    rows = ProductImage.objects.filter(pk=instance.pk).values_list("digest", "source_url", "product_id")
    instance.__dict__["_photo_before"] = None if raw or instance.pk is None else rows.first()


@receiver(post_save, sender=ProductImage)
def announce_photo(instance: ProductImage, created: bool, raw: bool, **_: Any) -> None:
    if raw:
        return
    before = instance.__dict__.pop("_photo_before", None)
    replaced = before is not None and before[:2] != (instance.digest, instance.source_url)
    products = {instance.product_id} | ({before[2]} if before else set())
    if created or replaced:
        announce.photos_stored([instance.pk])
    announce.products_changed(sorted(products), hidden=replaced or len(products) > 1)


@receiver(post_delete, sender=ProductImage)
def announce_deleted_photo(instance: ProductImage, **_: Any) -> None:
    announce.products_changed([instance.product_id], hidden=True)
