"""A process that deletes, replaces and re-orders photos as soon as they are in: `python -m tests.chaos.changer PHOTOS SEED`.

It may be killed at any moment: what is done is seen in the shop, the rest is done when it is started again.
"""

from __future__ import annotations

import random
import sys
import time

import django

from tests.chaos.pictures import MOVED_TO, Fate, digest, fate, photo, replaced_by


def main(photos: int, seed: int) -> None:
    django.setup()
    from catalog.models import Product

    order = random.Random(seed)
    left = [number for number in range(photos) if fate(number) is not None]
    while left:
        arrived = set(Product.objects.exclude(images=None, attributes={}).values_list("sku", flat=True))
        order.shuffle(left)
        left = [number for number in left if f"chaos-{number}" not in arrived or not _is_done(number)]
        time.sleep(0.1)


def _is_done(number: int) -> bool:
    """Let the photo meet its fate; False while it is not there yet."""
    from django.db import transaction

    from catalog.models import Product, ProductImage
    from catalog.photos.store import replace_photo

    image = ProductImage.objects.filter(product__sku=f"chaos-{number}").first()
    if image is None:
        return Product.objects.filter(sku=f"chaos-{number}", attributes__chaos=Fate.DELETED).exists()
    match fate(number):
        case Fate.DELETED:
            with transaction.atomic():
                Product.objects.filter(pk=image.product_id).update(attributes={"chaos": Fate.DELETED})
                image.delete()
        case Fate.REPLACED if image.digest != digest(replaced_by(number)):
            replace_photo(image=image, data=photo(replaced_by(number)))
        case Fate.MOVED if image.position != MOVED_TO:
            image.position = MOVED_TO
            image.save()
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
