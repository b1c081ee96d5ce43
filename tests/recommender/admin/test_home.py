"""Home: what wants a person, with links and buttons that do what they say."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from catalog.models import Feed, FeedRun, Product
from recommender.models import DailySample, EmbeddingJob, RecallSample, Space
from recommender.monitoring.home import figures
from tests.catalog.factories import make_image, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("keeper"))
    return client


def tiles(client: Client) -> dict[str, str]:
    """The text of each tile by its title, as Home shows it now."""
    figures(fresh=True)
    page = client.get("/admin/").content.decode()
    page = page[: page.index('class="desk-below"')]
    texts = [
        " ".join(re.sub("<[^>]+>", " ", one.partition(">")[2]).split()) for one in page.split('<li class="desk-tile')
    ]
    titles = re.findall(r'<h2>([^<]+)</h2>\s*<p class="desk-number">', page)
    return dict(zip(titles, texts[1:], strict=True))


def sample(days_ago: int, **figures_of_day: object) -> DailySample:
    kept: dict[str, object] = dict.fromkeys(
        "pending failed without_photo placeholders shared_photos feeds_overdue asked unanswered looked_for unshown".split(),
        0,
    )
    return DailySample.objects.create(day=timezone.localdate() - timedelta(days=days_ago), **kept | figures_of_day)


def test_a_new_shop_is_told_what_is_still_to_come(staff: Client) -> None:
    shown = tiles(staff)
    assert list(shown) == [
        "Photos waiting", "Photos failed", "Feeds", "Products without a photo", "Placeholders", "Live recall",
        "Probable duplicates", "Questions without a good answer", "Products that no answer shows",
    ]  # fmt: skip
    assert "not measured yet" in shown["Live recall"]
    assert "The first daily sample is still to come" in shown["Questions without a good answer"]


def test_failed_photos_stand_by_reason_and_one_click_tries_them_again(colour_space: Space, staff: Client) -> None:
    for reason in ("truncated", "truncated", "not_an_image"):
        image = make_image()
        EmbeddingJob.objects.filter(image=image).update(state="failed", reason=reason)
    make_image()
    shown = tiles(staff)
    assert shown["Photos waiting"].startswith("Photos waiting 1")
    assert shown["Photos failed"].startswith("Photos failed 3 not_an_image 1 Try again truncated 2 Try again")
    again = reverse("admin:recommender_embed_failed_again")
    answer = staff.post(again, {"reason": "truncated", "next": "home"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
    assert list(EmbeddingJob.objects.filter(state="failed").values_list("reason", flat=True)) == ["not_an_image"]
    assert "2 photos are embedded again." in staff.get("/admin/").content.decode()


def test_products_without_a_photo_are_counted_and_listed(staff: Client) -> None:
    bare = make_product(title="Bare")
    make_product(title="Hidden", published=False)
    make_image(make_product(title="Shown"))
    assert tiles(staff)["Products without a photo"].startswith("Products without a photo 1")
    listed = staff.get("/admin/catalog/product/?photos=none&published__exact=1").context["cl"].result_list
    assert list(listed) == [bare]


def test_feeds_that_failed_come_first_with_their_last_run(staff: Client) -> None:
    good, bad = (Feed.objects.create(name=name, url=f"https://{name}.example/f") for name in ("good", "bad"))
    FeedRun.objects.create(feed=good, state=FeedRun.State.ENDED, began_at=timezone.now())
    FeedRun.objects.create(feed=bad, state=FeedRun.State.ENDED, began_at=timezone.now())
    FeedRun.objects.create(feed=bad, state=FeedRun.State.FAILED, began_at=timezone.now(), problem_count=7)
    shown = tiles(staff)["Feeds"]
    assert shown.startswith("Feeds 1 late or failed bad failed,") and "7 problems good ended," in shown


def test_recall_and_samples_are_numbers_with_lines(colour_space: Space, staff: Client) -> None:
    for recall in (0.90, 0.995):
        RecallSample.objects.create(space=colour_space, recall=recall, queries=100, worst_share=0.02)
    poor = make_product(title="Poor")
    sample(1, asked=100, unanswered=30, looked_for=50, unshown=10)
    sample(0, asked=200, unanswered=20, unanswered_products=[poor.pk], looked_for=50, unshown=5, shared_photos=4)
    shown = tiles(staff)
    assert shown["Live recall"].startswith("Live recall 99.5% 2.0% of 200 searches found under half")
    assert shown["Questions without a good answer"].startswith("Questions without a good answer 10% 20 of 200 products")
    assert shown["Products that no answer shows"].startswith("Products that no answer shows 10% 5 of 50")
    assert shown["Probable duplicates"].startswith("Probable duplicates 4")
    page = staff.get("/admin/").content.decode()
    assert 'aria-label="From 30 % to 10 % over the last 2 days"' in page
    assert 'aria-label="From 90.0 % to 99.5 % over the last 2 measurements"' in page
    listed = staff.get(f"/admin/catalog/product/?id__in={poor.pk}").context["cl"].result_list
    assert list(listed) == [poor] and f"id__in={poor.pk}" in page


def test_home_costs_the_same_statements_however_large_the_shop() -> None:
    counts = []
    for _ in range(2):
        for _ in range(5):
            make_image()
            feed = Feed.objects.create(name=f"feed {Feed.objects.count()}", url="https://shop.example/f")
            FeedRun.objects.create(feed=feed, state=FeedRun.State.ENDED, began_at=timezone.now())
        with CaptureQueriesContext(connection) as captured:
            figures(fresh=True)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_everybody_sees_what_they_may_and_no_more(client: Client) -> None:
    looker = User.objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_product", content_type__app_label="catalog"))
    client.force_login(looker)
    assert list(tiles(client)) == [
        "Products without a photo", "Questions without a good answer", "Products that no answer shows",
    ]  # fmt: skip
    links = client.get("/admin/").context["main_links"]
    assert links == [("Products", "/admin/catalog/product/")]
    assert Product.objects.count() == 0
