"""The groups that migrations make: what each may do, and that a shop's own group of the same name stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.roles import person


@pytest.fixture
def migrated(transactional_db: None) -> Iterator[None]:
    yield
    call_command("migrate", verbosity=0)


def permissions(name: str) -> set[str]:
    found = Permission.objects.filter(group__name=name).select_related("content_type")
    return {f"{one.content_type.app_label}.{one.codename}" for one in found}


@pytest.mark.django_db
def test_each_role_may_do_its_work_and_no_more() -> None:
    person("analyst")
    every = "catalog.{0}_{1}".format
    edits = {every(action, "product") for action in ("view", "add", "change", "delete")}
    assert edits <= permissions("merchandiser") and "recommender.change_duplicatecluster" in permissions("merchandiser")
    assert not {"catalog.view_apikey", "recommender.change_space"} & permissions("merchandiser")
    assert {one.partition(".")[2].partition("_")[0] for one in permissions("analyst")} == {"view"}
    assert "catalog.view_product" in permissions("analyst") and "catalog.view_apikey" not in permissions("analyst")
    assert {"recommender.add_space", "recommender.delete_space", "catalog.add_apikey"} <= permissions("operator")
    assert "catalog.change_product" not in permissions("operator")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("role", "statuses"),
    [
        ("merchandiser", [200, 200, 200, 403, 403]),
        ("analyst", [200, 200, 200, 200, 403]),
        ("operator", [200, 403, 403, 200, 200]),
    ],
)
def test_pages_open_to_their_roles(client: Client, role: str, statuses: list[int]) -> None:
    client.force_login(person(role))
    models = ["catalog_product", "catalog_feed", "recommender_duplicatecluster", "recommender_space", "catalog_apikey"]
    assert [client.get(reverse(f"admin:{one}_changelist")).status_code for one in models] == statuses


def test_the_permissions_are_those_that_django_makes_and_a_shops_group_stays(migrated: None) -> None:
    call_command("migrate", "recommender", "0008", verbosity=0)
    Group.objects.all().delete()
    Permission.objects.all().delete()
    Group.objects.create(name="analyst")
    call_command("migrate", "recommender", "0009", verbosity=0)
    assert permissions("analyst") == set() and len(permissions("operator")) > 10
    named = dict(Permission.objects.values_list("codename", "name"))
    assert named["change_duplicatecluster"] == "Can change probable duplicate"
    assert named["add_apikey"] == "Can add API key"
    before = Permission.objects.values_list("content_type", "codename").distinct().count()
    assert before == Permission.objects.count()
