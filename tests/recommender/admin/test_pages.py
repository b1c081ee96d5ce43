"""The admin's pages over the queue and over a product's photos."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from recommender.models import EmbeddingJob, ImageFeatures, Space
from recommender.pipeline import embed
from recommender.pipeline.queue_status import queue_status
from recommender.records.calibration import LABELS, PERCENTILE, Curve
from recommender.spaces import active
from tests.catalog.factories import make_image, make_product, photo_bytes
from tests.recommender.search.calibrations import calibration_of

JOBS = "admin:recommender_embeddingjob_changelist"
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def fail_one(reason: str = "truncated") -> EmbeddingJob:
    job = EmbeddingJob.objects.get(image=make_image())
    job.state, job.reason, job.error, job.attempts = "failed", reason, f"it is {reason}", 1
    job.save()
    return job


def test_the_queue_is_shown_above_its_jobs(colour_space: Space, staff: Client) -> None:
    fail_one()
    make_image()
    queue_status(fresh=True)
    page = staff.get(reverse(JOBS)).content.decode()
    assert "oldest pending" in page and '<a href="?reason=truncated">truncated</a> 1' in page
    only_failed = staff.get(reverse(JOBS), {"reason": "truncated"})
    assert [job.reason for job in only_failed.context["cl"].result_list] == ["truncated"]


def test_embed_again_for_one_for_many_and_for_all_failed(colour_space: Space, staff: Client) -> None:
    failed = [fail_one() for _ in range(4)]
    staff.post(reverse("admin:recommender_embed_one_again", args=[failed[0].pk]))
    assert EmbeddingJob.objects.filter(state="failed").count() == 3
    staff.post(reverse(JOBS), {"action": "embed_again", "_selected_action": [job.pk for job in failed[1:3]]})
    assert list(EmbeddingJob.objects.filter(state="failed")) == [failed[3]]
    page = staff.post(reverse("admin:recommender_embed_failed_again"), follow=True).content.decode()
    assert "1 photo is embedded again." in page
    assert set(EmbeddingJob.objects.values_list("state", "priority")) == {("pending", 0)}


def test_nobody_embeds_again_without_the_right_to(colour_space: Space, client: Client) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_embeddingjob"))
    client.force_login(looker)
    fail_one()
    assert "Embed all failed again" not in client.get(reverse(JOBS)).content.decode()
    assert client.post(reverse("admin:recommender_embed_failed_again")).status_code == 403
    assert EmbeddingJob.objects.get().state == "failed"


def test_a_product_page_shows_states_with_reasons_and_similar_items_as_pictures(
    colour_space: Space, staff: Client
) -> None:
    product = make_product(title="The red one")
    make_image(product, colour="red")
    whole = photo_bytes(5, size=(300, 200))
    make_image(product, data=whole[: len(whole) // 2])
    for title, colour in [("Reddish", (250, 10, 10)), ("Blue", "blue")]:
        make_image(make_product(title=title), colour=colour)
    url = reverse("admin:catalog_product_change", args=[product.pk])
    assert "similar items appear here in a moment" in staff.get(url).content.decode()
    embed.work(seconds=10)
    page = staff.get(url).content.decode()
    assert "is-done" in page and "is-failed" in page and "truncated" in page
    assert page.index("<span>Reddish</span>") < page.index("<span>Blue</span>")
    assert page.count("/media/thumbnails/") >= 4


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        (LABELS, "Of 100 answers with this score so many have the same label"),
        (PERCENTILE, "Of 100 answers so many have a lower score"),
    ],
)
def test_similar_items_say_what_their_scores_mean(colour_space: Space, staff: Client, basis: str, said: str) -> None:
    image = make_image(colour="red")
    make_image(make_product(), colour="blue")
    embed.work(seconds=10)
    url = reverse("admin:recommender_similar_items", args=[image.product_id])
    assert "confidence" not in staff.get(url).json()["similar"]
    curve = Curve(weight=0.0, scores=(0.0,), confidences=(72.6,))
    Space.objects.filter(pk=colour_space.pk).update(calibration=calibration_of(curve, basis=basis).as_json())
    active.forget_active_space()
    shown = staff.get(url).json()["similar"]
    assert f'<span title="{said}">confidence 73</span>' in shown


def test_a_products_photos_are_embedded_again_all_or_one(colour_space: Space, staff: Client) -> None:
    product = make_product()
    first, second = make_image(product), make_image(product)
    embed.work(seconds=10)
    again = reverse("admin:recommender_embed_product_again", args=[product.pk])
    staff.post(f"{again}?image={second.pk}")
    states = EmbeddingJob.objects.order_by("image_id").values_list("image_id", "state")
    assert list(states) == [(first.pk, "done"), (second.pk, "pending")]
    staff.post(again)
    assert set(EmbeddingJob.objects.values_list("state", flat=True)) == {"pending"}
    embed.work(seconds=10)
    changes = reverse("admin:catalog_product_changelist")
    staff.post(changes, {"action": "embed_again", "_selected_action": [product.pk]})
    assert set(EmbeddingJob.objects.values_list("state", flat=True)) == {"pending"}
    assert ImageFeatures.objects.count() == 2


def test_the_page_learns_what_became_of_a_pending_photo(colour_space: Space, staff: Client) -> None:
    image = make_image()
    url = reverse("admin:recommender_similar_items", args=[image.product_id])
    assert staff.get(url).json()["pending"] is True
    embed.work(seconds=10)
    answer = staff.get(url).json()
    assert answer["pending"] is False
    assert "is-done" in answer["states"][str(image.pk)]


def test_encoders_and_spaces_are_there_to_look_at(colour_space: Space, staff: Client) -> None:
    for name, key in [("encoder", colour_space.encoder_id), ("space", colour_space.pk)]:
        assert staff.get(reverse(f"admin:recommender_{name}_changelist")).status_code == 200
        assert staff.get(reverse(f"admin:recommender_{name}_change", args=[key])).status_code == 200
        assert staff.get(reverse(f"admin:recommender_{name}_add")).status_code == 403


def test_a_space_is_shown_with_its_fit_and_long_lists_only_counted(colour_space: Space, staff: Client) -> None:
    colour_space.fit_summary = {
        "photos": 70,
        "classes": ["<b>bags</b>", "hats"],
        "held_out": list(range(900_000, 902_500)),
    }
    colour_space.save()
    page = staff.get(f"/admin/recommender/space/{colour_space.pk}/change/", follow=True).content.decode()
    assert "2,500" in page and "900001" not in page and "{&quot;" not in page
    assert "&lt;b&gt;bags" in page and "hats" in page


def test_a_space_whose_figures_are_malformed_is_shown_with_what_is_wrong(colour_space: Space, staff: Client) -> None:
    Space.objects.filter(pk=colour_space.pk).update(quality={"judged_at": "yesterday", "p_at_10": 0.734})
    page = staff.get(f"/admin/recommender/space/{colour_space.pk}/change/", follow=True).content.decode()
    assert f"space {colour_space.name}, quality, key judged_at: a date and time in ISO 8601 is needed" in page
    listed = staff.get(reverse("admin:recommender_space_changelist")).content.decode()
    assert "key judged_at: a date and time in ISO 8601 is needed" in listed
