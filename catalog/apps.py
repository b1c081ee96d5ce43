from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import checks, receivers  # noqa: F401  (registers the checks, connects the receivers)
        from catalog.access import checks as checks_of_access  # noqa: F401  (registers the checks)
        from catalog.access import origins  # noqa: F401  (connects the receiver)
        from catalog.search_language import keep_language

        post_migrate.connect(keep_language, sender=self)
