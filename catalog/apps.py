from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import receivers  # noqa: F401  (connects the receivers)
        from catalog.search_language import keep_language

        post_migrate.connect(keep_language, sender=self)
