"""Looks for products that show the same photo, and keeps what is to be decided."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef

from catalog.errands.registry import ErrandFailed, Progress
from catalog.models import Errand
from recommender.index.types import SpaceGone
from recommender.models import DuplicateCluster, DuplicateDecision
from recommender.monitoring.status import photos_in
from recommender.search.answers import NoActiveSpace
from recommender.search.cluster_list import Cluster, duplicate_clusters
from recommender.search.space import current_space

ERRAND = "find_duplicates"
MOST_CLUSTERS = 5_000  # kept of one search, those most alike first: more than a person decides
MOST_PRODUCTS = 1_000  # of a cluster


def find_duplicates(errand: Errand, progress: Progress) -> dict[str, Any]:
    """Does the errand: compare all photos, and keep the clusters that nobody has decided. Raises ErrandFailed."""
    try:
        total, done = photos_in(current_space()), 0

        def advance(photos: int) -> None:
            nonlocal done
            done += photos
            progress("comparing photos", done, total)

        progress("comparing photos", 0, total)
        found = duplicate_clusters(threshold=settings.DUPLICATE_THRESHOLD, progress=advance)
    except NoActiveSpace as error:
        raise ErrandFailed(str(error)) from error
    except SpaceGone as error:
        raise ErrandFailed("the active space was retired meanwhile; look again") from error
    duplicates = [_kept(one) for one in found.clusters if one.kind == "duplicates"]
    open_now = keep(duplicates)
    return {"photos": found.photos, "clusters": open_now, "unreadable": len(found.unreadable)}


def keep(found: list[DuplicateCluster]) -> int:
    """Put what was found in place of what an earlier search found; how many clusters are to be decided."""
    with transaction.atomic():
        DuplicateCluster.objects.all().delete()
        DuplicateCluster.objects.bulk_create(found[:MOST_CLUSTERS])
        decided = DuplicateDecision.objects.filter(products__contains=OuterRef("products"))
        DuplicateCluster.objects.filter(Exists(decided)).delete()
        return DuplicateCluster.objects.count()


def _kept(cluster: Cluster) -> DuplicateCluster:
    members = cluster.members[: MOST_PRODUCTS - 1]
    best = members[0].likeness
    return DuplicateCluster(
        products=[cluster.product_id, *(member.product_id for member in members)],
        images=[cluster.image_id, *(member.image_id for member in members)],
        cosine=None if best is None else best.cosine,
    )
