import pytest
from tests.catalog.factories import make_image, make_product, photo_bytes
@pytest.mark.django_db
def test_smoke():
    a = make_image(); b = make_image(a.product, seed=3)
    assert [i.position for i in a.product.images.all()] == [0, 1]
    make_product(category="A > B > C")
