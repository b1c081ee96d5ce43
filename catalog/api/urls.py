from django.urls import path

from catalog.api.products import categories

# products/ and products/{id}/ can be written, too: catalog.writes.urls
urlpatterns = [
    path("categories/", categories, name="categories"),
]
