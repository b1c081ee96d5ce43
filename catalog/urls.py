from django.urls import path, re_path

from catalog.api import problem_pages
from catalog.photos import views as photo_views
from catalog.storefront import views as storefront_views

urlpatterns = [
    path("", storefront_views.products, name="storefront"),
    path("products/<int:product_id>/", storefront_views.product, name="storefront-product"),
    path("search/", storefront_views.photo_search, name="storefront-photo-search"),
    path("colors/", storefront_views.color_search, name="storefront-color-search"),
    path("favicon.ico", storefront_views.icon),
    path("problems/", problem_pages.problem_types, name="problem-types"),
    path("problems/<slug:name>/", problem_pages.problem_type, name="problem-type"),
    re_path(r"^media/photos/(?P<digest>[0-9a-f]{64})\.(?P<extension>jpg|png|webp)\Z", photo_views.photo, name="photo"),
    re_path(
        r"^media/photos/(?P<folder>[0-9a-f]{2})/(?P<digest>[0-9a-f]{64})\.(?P<extension>[a-z]{3,4})\Z",
        photo_views.stored_photo,
    ),
    re_path(r"^media/thumbnails/(?P<digest>[0-9a-f]{64})\.jpg\Z", photo_views.thumbnail, name="thumbnail"),
]
