"""What catalog announces to other apps, inside the writing transaction, for single and bulk writes alike.

`photos_stored(image_ids: list[int])`: photos whose file is new or replaced.
`photos_awaited(image_ids: list[int])`: photos by URL that a feed names again and that are still to be fetched, so that a fetch
that failed for good is to be tried again.
`products_changed(product_ids: list[int], hidden: bool)`: products written or deleted; `hidden` when one may have
become invisible (unpublished, deleted, photo removed), so that no answer given before may be shown again.
`errand_asked()`: a person asked for long work, and waits for it.
`feeds_due()`: a person wants feeds to be read at once, and waits for it.
"""

from django.dispatch import Signal

photos_stored = Signal()
photos_awaited = Signal()
products_changed = Signal()
errand_asked = Signal()
feeds_due = Signal()
