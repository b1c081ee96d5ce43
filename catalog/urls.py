from django.urls import path, re_path

from catalog import media, pages

urlpatterns = [
    path("", pages.products, name="storefront"),
    path("products/<int:product_id>/", pages.product, name="storefront-product"),
    path("search/", pages.photo_search, name="storefront-photo-search"),
    path("favicon.ico", pages.icon),
    re_path(
        r"^media/photos/(?P<folder>[0-9a-f]{2})/(?P<digest>[0-9a-f]{64})\.(?P<extension>[a-z]{3,4})\Z",
        media.photo,
        name="photo",
    ),
    re_path(r"^media/thumbnails/(?P<digest>[0-9a-f]{64})\.jpg\Z", media.thumbnail, name="thumbnail"),
]
