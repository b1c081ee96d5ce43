"""A process that stores photos as an import does, one product each but for those of the API, until all are in: `python -m tests.chaos.importer FIRST LAST`.

It may be killed at any moment: started again it goes on where it stopped, as an import does.
"""

from __future__ import annotations

import sys

import django


def main(first: int, last: int) -> None:
    django.setup()
    from catalog.models import Product, ProductImage
    from catalog.photos.store import add_photo
    from tests.chaos.pictures import Fate, is_by_api, photo

    finished = set(ProductImage.objects.values_list("product__sku", flat=True))
    finished |= set(Product.objects.filter(attributes__chaos=Fate.DELETED).values_list("sku", flat=True))
    for number in range(first, last):
        if is_by_api(number) or f"chaos-{number}" in finished:
            continue
        product, _ = Product.objects.get_or_create(sku=f"chaos-{number}", defaults={"title": f"Chaos {number}"})
        add_photo(product=product, data=photo(number), priority="import")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
