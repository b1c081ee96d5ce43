"""Whatever callers and merchandisers write is answered or refused by name; nothing is a server's error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.models import Product
from recommender import redis_client
from recommender.encoder import serving
from recommender.spaces import active as spaces
from tests.catalog.factories import make_category, photo_bytes
from tests.fuzz import parameters
from tests.fuzz.parameters import API, Form, check_answer, check_page
from tests.recommender.search.gallery import Shop, make_space, random_units

pytestmark = pytest.mark.django_db
any_speed = settings(suppress_health_check=list(HealthCheck))
# Pages cost ten times what answers do.
fewer = settings(any_speed, max_examples=max(20, settings().max_examples // 5))
PHOTO = photo_bytes(1)


class EvenEncoder:
    """Answers every photo alike, 8 numbers."""

    side, dimensions, pooling, recipe = 8, 8, "mean", 1

    def features(self, pixels: np.typing.NDArray[np.uint8]) -> np.typing.NDArray[np.float32]:
        return np.ones(8, np.float32)

    def maps(self, pixels: np.typing.NDArray[np.uint8]) -> np.typing.NDArray[np.float32]:
        return np.ones((1, 1, 8), np.float32)


@dataclass(frozen=True)
class OpenShop:
    """A client of a shop in which every address of the API has something to answer."""

    client: Client
    products: list[int]

    def paths(self) -> list[str]:
        one, other = self.products[:2]
        similar = [f"products/{one}/similar/", f"products/{one}/duplicates/", f"products/{one}/similar/{other}/why/"]
        odd = [
            f"products/{2**63}/",
            f"products/{'9' * 5000}/",
            f"products/{2**63}/similar/",
            f"products/{one}/similar/{2**64}/why/",
        ]
        return ["products/", f"products/{one}/", "categories/", "status/", *similar, *odd]


@pytest.fixture
def open_shop() -> Iterator[OpenShop]:
    spaces.forget_active_space()
    redis_client.breaker().succeeded()
    shop = Shop(make_space())
    category = make_category("Clothing")
    rows = random_units(4, seed=12)
    wanted = [
        (rows[i : i + 1], {"brand": "a,b", "category": category, "attributes": {"colour": "red"}}) for i in range(4)
    ]
    products = [product.pk for product in shop.add_many(wanted)]
    with serving.injected(EvenEncoder()):
        yield OpenShop(Client(raise_request_exception=False), products)
    spaces.forget_active_space()


@any_speed
@given(data=st.data())
def test_query_strings(open_shop: OpenShop, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(open_shop.paths()), "path")
    query = data.draw(parameters.queries(*parameters.FILTERS, *parameters.OPTIONS, *parameters.LISTS), "query")
    with undone():
        check_answer(open_shop.client, "GET", f"{API}{path}?{query}")


@fewer
@given(query=parameters.queries(*parameters.LISTS), accept=parameters.TEXT.filter(str.isascii))
@example(query="version=a%0d%0aX", accept="*/*")
def test_the_schemas_parameters(open_shop: OpenShop, query: str, accept: str) -> None:
    for path in ("/api/schema/", "/api/docs/"):
        check_answer(open_shop.client, "GET", f"{path}?{query}", headers={"Accept": accept})


@any_speed
@given(data=st.data())
def test_json_bodies(open_shop: OpenShop, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(["recommendations/", "similar/batch/", "search/image/"]), "path")
    known = (*parameters.BODIES, *parameters.FILTERS, *parameters.OPTIONS)
    body = data.draw(parameters.json_bodies(*known, ids=open_shop.products), "body")
    with undone():
        check_answer(open_shop.client, "POST", f"{API}{path}", data=body, content_type="application/json")


@any_speed
@given(form=parameters.forms(*parameters.FILTERS, *parameters.OPTIONS, photo=PHOTO))
def test_forms(open_shop: OpenShop, form: Form) -> None:
    with undone():
        check_answer(open_shop.client, "POST", f"{API}search/image/", data=form.body, content_type=form.content_type)


ADMIN_PAGES = [
    *(
        "",
        "catalog/product/",
        "catalog/category/",
        "recommender/embeddingjob/",
        "recommender/space/",
        "auth/user/",
        "login/",
    ),
    *("autocomplete/", "jsi18n/", "catalog/product/add/", "catalog/product/{}/change/", "catalog/product/{}/history/"),
    *("catalog/product/{}/delete/", "catalog/product/{}/similar/", "recommender/embeddingjob/{}/change/", "r/{}/{}/"),
]


@fewer
@given(
    page=st.sampled_from(ADMIN_PAGES),
    key=st.one_of(st.just(None), parameters.ENCODED),
    query=parameters.queries(*parameters.ADMIN_LISTS),
)
def test_the_admins_addresses(staff: OpenShop, page: str, key: str | None, query: str) -> None:
    number = staff.products[0] if key is None else key
    with undone():
        check_page(staff.client, f"/admin/{page.format(number, number)}?{query}")


ATTRIBUTES = st.one_of(
    parameters.JSON_MEMBERS, parameters.JSON_MEMBERS, parameters.JSON.map(json.dumps), parameters.TEXT
)
PLAIN_FORM = {"title": "Coat", "sku": "new", "published": "on", "attributes": "{}"}
PLAIN_FORM |= {"images-TOTAL_FORMS": "0", "images-INITIAL_FORMS": "0"}
OF_THE_FORM = (
    "title",
    "sku",
    "price",
    "currency",
    "brand",
    "url",
    "group",
    "description",
    "category",
    "in_stock",
    "published",
)
OF_ITS_PHOTOS = ("images-TOTAL_FORMS", "images-INITIAL_FORMS", "images-0-id", "images-0-position", "images-0-alt")


@fewer
@given(
    attributes=ATTRIBUTES,
    fields=st.dictionaries(st.sampled_from(OF_THE_FORM + OF_ITS_PHOTOS), parameters.TEXT, max_size=3),
    there=st.booleans(),
)
@example(attributes='{"a": NaN}', fields={}, there=True)
@example(attributes='{"a": "\\ud800"}', fields={}, there=False)
@example(attributes='{"a": ' + "[" * 100_000, fields={}, there=False)
@example(attributes="{}", fields={"price": "1e999999999"}, there=False)
def test_the_product_form(staff: OpenShop, attributes: str, fields: dict[str, str], there: bool) -> None:
    """It is saved, or shown again with its errors; what was saved is answered and edited again."""
    form = PLAIN_FORM | {"attributes": attributes} | fields
    with undone():
        last = Product.objects.latest("pk").pk
        page = f"{staff.products[0]}/change" if there else "add"
        status = check_page(staff.client, f"/admin/catalog/product/{page}/", form)
        assert status in (200, 302)
        if status == 302:
            saved = staff.products[0] if there else Product.objects.filter(pk__gt=last).get().pk
            assert check_page(staff.client, f"/admin/catalog/product/{saved}/change/") == 200
            check_answer(staff.client, "GET", f"{API}products/{saved}/")


ACTIONS = st.one_of(st.sampled_from(["delete_selected", "publish", "unpublish", "embed_again"]), parameters.TEXT)
OF_A_LIST = ("_selected_action", "select_across", "index", "post", "_save", "form-TOTAL_FORMS")


@fewer
@given(
    page=st.sampled_from(["catalog/product/", "catalog/category/", "recommender/embeddingjob/", "auth/user/"]),
    action=ACTIONS,
    fields=st.dictionaries(st.sampled_from(OF_A_LIST), parameters.TEXT, max_size=3),
)
def test_the_admins_actions(staff: OpenShop, page: str, action: str, fields: dict[str, str]) -> None:
    with undone():
        check_page(staff.client, f"/admin/{page}", {"action": action} | fields)


@fewer
@given(
    fields=st.dictionaries(
        st.sampled_from(["name", "slug", "treebeard_position", "treebeard_ref_node"]), parameters.TEXT
    )
)
@example(fields={"name": "a", "slug": "\0", "treebeard_ref_node": "9" * 5000})
def test_the_category_form(staff: OpenShop, fields: dict[str, str]) -> None:
    with undone():
        assert check_page(
            staff.client, "/admin/catalog/category/add/", {"treebeard_position": "sorted-child"} | fields
        ) in (200, 302)
        check_page(
            staff.client, "/admin/catalog/category/move/", fields | {"node": fields.get("treebeard_ref_node", "")}
        )


@pytest.fixture
def staff(open_shop: OpenShop) -> OpenShop:
    open_shop.client.force_login(User.objects.create_superuser("keeper"))
    return open_shop


class undone:
    """What an example wrote is gone before the next one."""

    def __enter__(self) -> None:
        self._block = transaction.atomic()
        self._block.__enter__()

    def __exit__(self, *raised: Any) -> None:
        transaction.set_rollback(True)
        self._block.__exit__(*raised)
