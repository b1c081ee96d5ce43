from django.urls import path, re_path

from catalog.api import problem_pages
from catalog.derivatives import SMALL_SIDES
from catalog.photos import views as photo_views
from catalog.storefront import photo_views as photo_search_views
from catalog.storefront import views as storefront_views

urlpatterns = [
    path("", storefront_views.products, name="storefront"),
    path("products/<int:product_id>/", storefront_views.product, name="storefront-product"),
    path("products/<int:product_id>/similar/", storefront_views.similar, name="storefront-similar"),
    # Ends as the API's explanations do, whose threads in the server it shares (config.server.table).
    path("products/<int:product_id>/similar/<int:other_id>/why/", storefront_views.why, name="storefront-why"),
    path("search/", photo_search_views.photo_search, name="storefront-photo-search"),
    path("search/url/", photo_search_views.photo_url_search, name="storefront-photo-url-search"),
    path("colors/", storefront_views.color_search, name="storefront-color-search"),
    path("language/", storefront_views.language, name="storefront-language"),
    path("favicon.ico", storefront_views.icon),
    path("problems/", problem_pages.problem_types, name="problem-types"),
    path("problems/<slug:name>/", problem_pages.problem_type, name="problem-type"),
    re_path(r"^media/photos/(?P<digest>[0-9a-f]{64})\.(?P<extension>jpg|png|webp)\Z", photo_views.photo, name="photo"),
    re_path(
        r"^media/photos/(?P<folder>[0-9a-f]{2})/(?P<digest>[0-9a-f]{64})\.(?P<extension>[a-z]{3,4})\Z",
        photo_views.stored_photo,
    ),
    re_path(r"^media/thumbnails/(?P<digest>[0-9a-f]{64})\.jpg\Z", photo_views.thumbnail, name="thumbnail"),
    re_path(
        rf"^media/thumbnails/(?P<digest>[0-9a-f]{{64}})\.(?P<side>{'|'.join(map(str, SMALL_SIDES))})\.webp\Z",
        photo_views.small_picture,
        name="small-picture",
    ),
]
