"""Every operation of the API, called with the client that openapi-python-client generates. Run and type-checked beside it:

    python python_calls.py URL SECRET_KEY FOLDER_OF_PHOTOS PRODUCT OTHER

It prints `{operation: status}` as JSON. It is no part of the project's package: the client is only there when a test has made it.
"""

from __future__ import annotations

import json
import sys
from http import HTTPStatus
from pathlib import Path
from types import ModuleType

from lookalike_client import AuthenticatedClient, Client
from lookalike_client.api.catalogue import categories_list, products_list, products_retrieve
from lookalike_client.api.search import (
    duplicates,
    product_colors,
    recommendations,
    search_color,
    search_image,
    similar_batch,
    similar_products,
    why_similar,
)
from lookalike_client.api.service import status
from lookalike_client.api.writes import (
    product_image_delete,
    product_image_replace,
    product_image_update,
    product_images_add,
    product_images_set,
    products_batch,
    products_create,
    products_delete,
    products_replace,
    products_update,
)
from lookalike_client.models import (
    AllPhotos,
    Answer,
    AnswerStatusEnum,
    Batch,
    BatchAnswer,
    BatchItem,
    BatchOutcomes,
    BatchRequest,
    BatchRequestAttributes,
    Categories,
    EditedPhoto,
    NewProduct,
    NewProductAttributesType0,
    OpEnum,
    PhotoOutcomes,
    PhotoToKeepOrAdd,
    PhotoUpload,
    PhotoUrl,
    Problem,
    Product,
    ProductChanges,
    ProductColors,
    ProductPage,
    ProductsListAttributes,
    ProductsListSort,
    RecommendationsRequest,
    RecommendationsRequestAttributes,
    SimilarProductsAttributes,
    Status,
    UploadedPhoto,
    UploadedPhotos,
    WholeProduct,
    Why,
    WrittenImage,
    WrittenProduct,
)
from lookalike_client.types import UNSET, File


class Calls:
    """`told`: the status of each operation's good answer, by the operation's name."""

    def __init__(self, url: str, key: str, photos: Path, product: str, other: str) -> None:
        self.url, self.client = url, Client(base_url=url)
        self.with_key = AuthenticatedClient(base_url=url, token=key)
        self.photos, self.product, self.other = sorted(photos.iterdir()), product, other
        self.told: dict[str, int] = {}

    def note(self, operation: ModuleType, status: HTTPStatus) -> None:
        """The generator names a module after each operation."""
        self.told[operation.__name__.rpartition(".")[2]] = status

    def catalogue(self) -> None:
        tree = categories_list.sync_detailed(client=self.client)
        assert isinstance(tree.parsed, Categories)
        slug = tree.parsed.results[0].slug
        self.note(categories_list, tree.status_code)

        page = products_list.sync_detailed(
            client=self.client,
            category=[slug],
            page_size=2,
            sort=ProductsListSort.PRICE_DESCENDING,
            facets=["brand", "price"],
        )
        assert isinstance(page.parsed, ProductPage) and len(page.parsed.results) == 2
        first = page.parsed.results[0]
        assert isinstance(first.sku, str) and isinstance(first.brand, str)
        self.note(products_list, page.status_code)
        colours = ProductsListAttributes.from_dict({"attr.colour": ["red", "blue"]})
        of_brands = products_list.sync(client=self.client, brand=[first.brand, "no such brand"], attributes=colours)
        assert isinstance(of_brands, ProductPage) and of_brands.count < page.parsed.count
        behind = products_list.sync(
            client=self.client, cursor=page.parsed.next_cursor or UNSET, sort=ProductsListSort.PRICE_DESCENDING
        )
        assert isinstance(behind, ProductPage) and behind.results

        one = products_retrieve.sync_detailed(f"sku:{first.sku}", client=self.client)
        assert isinstance(one.parsed, Product) and one.parsed.id == first.id
        self.note(products_retrieve, one.status_code)
        again = products_retrieve.sync_detailed(
            f"sku:{first.sku}", client=self.client, if_none_match=one.headers["ETag"]
        )
        assert again.status_code == HTTPStatus.NOT_MODIFIED
        missing = products_retrieve.sync(str(10**12), client=self.client)
        assert isinstance(missing, Problem) and missing.type_ == "/problems/not-found/"

    def search(self) -> None:
        number = int(self.product)
        similar = similar_products.sync_detailed(
            self.product, client=self.client, limit=3, min_confidence=1, fields=["id", "title", "image.url", "score"]
        )
        assert isinstance(similar.parsed, Answer) and len(similar.parsed.results) == 3
        assert similar.parsed.status is AnswerStatusEnum.READY
        self.note(similar_products, similar.status_code)
        red = similar_products.sync(
            self.product, client=self.client, attributes=SimilarProductsAttributes.from_dict({"attr.colour": "red"})
        )
        assert isinstance(red, Answer)

        why = why_similar.sync_detailed(self.product, self.other, client=self.client)
        assert isinstance(why.parsed, Why) and why.parsed.query.overlay.startswith("data:image/png")
        self.note(why_similar, why.status_code)

        same = duplicates.sync_detailed(self.product, client=self.client, threshold=0.9)
        assert isinstance(same.parsed, Answer)
        self.note(duplicates, same.status_code)

        colors = product_colors.sync_detailed(self.product, client=self.client)
        assert isinstance(colors.parsed, ProductColors) and colors.parsed.colors
        self.note(product_colors, colors.status_code)
        hexes = ",".join(one.hex_ for one in colors.parsed.colors)
        coloured = search_color.sync_detailed(client=self.client, hex_=hexes, limit=5)
        assert isinstance(coloured.parsed, Answer) and len(coloured.parsed.results) == 5
        self.note(search_color, coloured.status_code)

        liked = RecommendationsRequest(
            positive=[number, f"sku:{self.sku_of(self.other)}"],
            limit=4,
            exclude=[number],
            attributes=RecommendationsRequestAttributes.from_dict({"colour": ["no such colour"]}),
        )
        none = recommendations.sync(client=self.client, body=liked)
        assert isinstance(none, Answer) and none.results == []
        liked.attributes = UNSET
        recommended = recommendations.sync_detailed(client=self.client, body=liked)
        assert isinstance(recommended.parsed, Answer) and len(recommended.parsed.results) == 4
        self.note(recommendations, recommended.status_code)

        many = BatchRequest(products=[number, 10**12], in_stock=True, attributes=BatchRequestAttributes())
        batch = similar_batch.sync_detailed(client=self.with_key, body=many)
        assert isinstance(batch.parsed, BatchAnswer) and batch.parsed.unknown == [10**12]
        self.note(similar_batch, batch.status_code)

    def search_by_photo(self) -> None:
        with self.photos[0].open("rb") as file:
            form = PhotoUpload(image=File(payload=file, file_name=self.photos[0].name), limit=2, in_stock=True)
            found = search_image.sync_detailed(client=self.client, body=form, crop="0,0,1,1")
        assert isinstance(found.parsed, Answer) and len(found.parsed.results) == 2
        self.note(search_image, found.status_code)
        private = search_image.sync_detailed(client=self.client, body=PhotoUrl(image_url="http://127.0.0.1/a.jpg"))
        assert private.status_code == HTTPStatus.BAD_REQUEST
        assert isinstance(private.parsed, Problem) and private.parsed.parameter == "image_url"

    def write(self) -> None:
        new = NewProduct(
            sku="NEW-1",
            title="A new coat",
            price="120.00",
            currency="EUR",
            attributes=NewProductAttributesType0.from_dict({"colour": ["red", "blue"]}),
        )
        made = products_create.sync_detailed(client=self.with_key, body=new)
        assert isinstance(made.parsed, WrittenProduct) and made.parsed.price == "120.00"
        self.note(products_create, made.status_code)
        name, known = "sku:NEW-1", made.headers["ETag"]
        changes = ProductChanges(price="99.50", in_stock=False)
        changed = products_update.sync_detailed(name, client=self.with_key, body=changes, if_match=known)
        assert isinstance(changed.parsed, WrittenProduct) and changed.parsed.title == "A new coat"
        self.note(products_update, changed.status_code)
        stale = products_update.sync_detailed(name, client=self.with_key, body=changes, if_match=known)
        assert stale.status_code == HTTPStatus.PRECONDITION_FAILED
        whole = products_replace.sync_detailed(name, client=self.with_key, body=WholeProduct(title="A coat"))
        assert isinstance(whole.parsed, WrittenProduct) and whole.parsed.price is None
        self.note(products_replace, whole.status_code)
        self.write_photos(name)
        items = [
            BatchItem(op=OpEnum.PATCH, sku="NEW-1", brand="Coats"),
            BatchItem(op=OpEnum.PATCH, sku="NO-SUCH-SKU", brand="Coats"),
        ]
        batch = products_batch.sync_detailed(client=self.with_key, body=Batch(items=items))
        assert isinstance(batch.parsed, BatchOutcomes) and [one.status for one in batch.parsed.results] == [200, 404]
        self.note(products_batch, batch.status_code)
        self.note(products_delete, products_delete.sync_detailed(name, client=self.with_key).status_code)
        refused = products_create.sync(client=self.client, body=new)
        assert isinstance(refused, Problem) and refused.status == HTTPStatus.UNAUTHORIZED

    def write_photos(self, name: str) -> None:
        first, second = self.photos[:2]
        with first.open("rb") as file:
            form = UploadedPhotos(image=[File(payload=file, file_name=first.name)], alt=["A coat"])
            added = product_images_add.sync_detailed(name, client=self.with_key, body=form)
        assert isinstance(added.parsed, PhotoOutcomes) and isinstance(added.parsed.results[0].image, WrittenImage)
        self.note(product_images_add, added.status_code)
        image = added.parsed.results[0].image.id
        edited = product_image_update.sync_detailed(name, image, client=self.with_key, body=EditedPhoto(alt="Coat"))
        assert isinstance(edited.parsed, WrittenImage) and edited.parsed.alt == "Coat"
        self.note(product_image_update, edited.status_code)
        with second.open("rb") as file:
            other = UploadedPhoto(image=File(payload=file, file_name=second.name))
            replaced = product_image_replace.sync_detailed(name, image, client=self.with_key, body=other)
        assert isinstance(replaced.parsed, WrittenImage)
        self.note(product_image_replace, replaced.status_code)
        kept = AllPhotos(images=[PhotoToKeepOrAdd(id=replaced.parsed.id)])
        every = product_images_set.sync_detailed(name, client=self.with_key, body=kept)
        assert isinstance(every.parsed, WrittenProduct) and len(every.parsed.images) == 1
        self.note(product_images_set, every.status_code)
        removed = product_image_delete.sync_detailed(name, every.parsed.images[0].id, client=self.with_key)
        self.note(product_image_delete, removed.status_code)

    def service(self) -> None:
        answer = status.sync_detailed(client=self.with_key)
        assert isinstance(answer.parsed, Status) and answer.parsed.space is not None
        self.note(status, answer.status_code)
        stranger = AuthenticatedClient(base_url=self.url, token="lk_sec_unknown")
        assert status.sync_detailed(client=stranger).status_code == HTTPStatus.UNAUTHORIZED

    def sku_of(self, product: str) -> str:
        found = products_retrieve.sync(product, client=self.client, fields=["sku"])
        assert isinstance(found, Product) and isinstance(found.sku, str)
        return found.sku


def main(url: str, key: str, photos: str, product: str, other: str) -> None:
    calls = Calls(url, key, Path(photos), product, other)
    calls.catalogue()
    calls.search()
    calls.search_by_photo()
    calls.write()
    calls.service()
    print(json.dumps(calls.told))


if __name__ == "__main__":
    main(*sys.argv[1:])
