"""What catalog announces to other apps, inside the writing transaction, for single and bulk writes alike.

`photos_stored(image_ids: list[int])`: photos whose file is new or replaced.
`products_changed(product_ids: list[int], hidden: bool)`: products written or deleted; `hidden` when one may have
become invisible (unpublished, deleted, photo removed), so that no answer given before may be shown again.
"""

from django.dispatch import Signal

photos_stored = Signal()
products_changed = Signal()
