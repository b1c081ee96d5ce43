"""Spaces in the admin: built, judged, compared, activated and retired by a person, done by a worker."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from catalog.errands.running import run_next
from catalog.models import Errand
from recommender.models import Space
from recommender.search.compared import PRODUCTS, compare
from tests.roles import person

pytestmark = pytest.mark.django_db
LIST = reverse("admin:recommender_space_changelist")


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(person("operator"))
    return client


def page(name: str, space: Space) -> str:
    return reverse(f"admin:recommender_space_{name}", args=[space.pk])


def done() -> Errand:
    assert run_next() and not run_next()
    errand = Errand.objects.latest("pk")
    assert errand.state == "done", errand.error
    return errand


def build(operator: Client, encoder: int, **fields: Any) -> Space:
    sent = {"projection": "pca", "encoder": encoder, "dimensions": 12, **fields}
    answer = operator.post(reverse("admin:recommender_space_build"), sent)
    assert answer.status_code == 302, answer.context["form"].errors
    assert "Building a space:" in operator.get(LIST).content.decode()
    return Space.objects.get(name=done().result["space"])


def test_a_space_is_built_judged_compared_activated_and_the_other_retired(operator: Client, plain_space: Space) -> None:
    space = build(operator, plain_space.encoder_id, name="finer", projection="learned", labels="category", dimensions=6)
    assert (space.name, space.projection, space.dimensions, space.state) == ("finer", "learned", 6, "ready")
    shown = operator.get(page("change", space)).content.decode()
    assert "What the guard says" in shown and "mAP@50" in shown and "<svg" in shown and "{&quot;" not in shown
    listed = operator.get(LIST).content.decode()
    assert "finer" in listed and plain_space.name in listed
    compared = operator.get(page("compare", space))
    assert compared.status_code == 200 and compared.context["with_pk"] == plain_space.pk
    assert len(compared.context["rows"]) == PRODUCTS
    operator.post(page("ask", space), {"what": "judge_space"})
    done()
    guard = operator.get(page("change", space)).context["guard"]
    assert guard.objections == []
    operator.post(page("ask", space), {"what": "activate_space"})
    assert "Activating it:" in operator.get(page("change", space)).content.decode()
    assert done().result["before"] == plain_space.name
    shown = operator.get(page("change", space)).content.decode()
    assert f"It answers the shop; {plain_space.name} stays ready" in shown
    operator.post(page("ask", plain_space), {"what": "retire_space"})
    done()
    assert dict(Space.objects.values_list("name", "state")) == {"finer": "active", plain_space.name: "retired"}
    assert "1 retired" in operator.get(LIST).content.decode()


def test_what_changed_is_marked(operator: Client, plain_space: Space) -> None:
    space = build(operator, plain_space.encoder_id)
    rows = compare(plain_space, space, seed=1)
    assert len(rows) == PRODUCTS and [row.changed for row in rows] == sorted(
        (row.changed for row in rows), reverse=True
    )
    for row in rows:
        before, after = [one.id for one in row.before], [one.id for one in row.after]
        assert len(before) == len(after) == 6 and row.id not in before + after
        assert [one.change == "gone" for one in row.before] == [one not in after for one in before]
        assert [one.change == "new" for one in row.after] == [one not in before for one in after]
        places = {one: place for place, one in enumerate(before)}
        moves = [places[one] - place if one in places else 0 for place, one in enumerate(after)]
        expected = [f"up {move}" if move > 0 else f"down {-move}" if move < 0 else "" for move in moves]
        assert [one.change for one in row.after if one.change != "new"] == [
            move for move, one in zip(expected, after, strict=True) if one in places
        ]
    assert sum(row.changed for row in rows) > 0
    assert [row.id for row in compare(plain_space, space, seed=2)] != [row.id for row in rows]
    assert all(row.changed == 0 for row in compare(space, space, seed=1))


def test_the_form_says_what_is_wrong_before_any_work(operator: Client, plain_space: Space) -> None:
    def errors(**fields: Any) -> dict[str, list[str]]:
        sent = {"projection": "pca", "encoder": plain_space.encoder_id, **fields}
        answer = operator.post(reverse("admin:recommender_space_build"), sent)
        assert answer.status_code == 200
        found: dict[str, list[str]] = answer.context["form"].errors
        return found

    assert "dimensions 999: pca of drawn@1 has 1 to 24" in errors(dimensions="999")["__all__"][0]
    assert "there are no labels &#x27;colour&#x27;" in str(errors(labels="colour")["__all__"])
    assert "weight of colour 0.3" in errors(colour_weight="0.3")["__all__"][0]
    assert errors(name="a b")["name"] == ["letters, digits, - and _ only"]
    assert errors(name=plain_space.name)["name"] == ["there is a space of this name already: choose another"]
    assert set(errors(projection="tsne")) == {"projection"}
    assert Errand.objects.count() == 0


def test_the_guard_refuses_in_its_words_and_is_gone_over_by_one_who_is_sure(
    operator: Client, plain_space: Space
) -> None:
    space = build(operator, plain_space.encoder_id)
    shown = operator.get(page("change", space)).content.decode()
    assert "It would not let this space answer" in shown and "Activate it all the same" in shown
    operator.post(page("ask", space), {"what": "activate_space"})
    assert run_next()
    errand = Errand.objects.latest("pk")
    assert errand.state == "failed" and "wholly below 0" in errand.error
    assert "It was not activated" in operator.get(page("change", space)).content.decode()
    answer = operator.post(page("ask", space), {"what": "activate_space", "force": "on"})
    assert [str(one) for one in get_messages(answer.wsgi_request)] == [
        "Nothing was done: tick that you are sure to go over the guard's objections."
    ]
    operator.post(page("ask", space), {"what": "activate_space", "force": "on", "sure": "on"})
    done()
    assert Space.objects.get(pk=space.pk).state == "active"


def test_the_active_space_is_not_retired(operator: Client, plain_space: Space) -> None:
    operator.post(page("ask", plain_space), {"what": "retire_space"})
    assert run_next()
    assert Errand.objects.get().error == "it is active: activate another first"


def test_a_reader_looks_and_asks_for_nothing(client: Client, plain_space: Space) -> None:
    client.force_login(person("analyst"))
    for address in (LIST, page("change", plain_space), page("compare", plain_space)):
        assert client.get(address).status_code == 200
    assert client.get(reverse("admin:recommender_space_build")).status_code == 403
    for what in ("activate_space", "judge_space", "retire_space", "build_space", "find_duplicates", ""):
        assert client.post(page("ask", plain_space), {"what": what}).status_code == 403
    client.force_login(person("merchandiser"))
    assert client.get(LIST).status_code == 403
