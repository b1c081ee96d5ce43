from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "catalog"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog import checks as checks_of_addresses  # noqa: F401  (registers the checks)
        from catalog import receivers  # noqa: F401  (connects the receivers)
        from catalog.access import checks, origins  # noqa: F401  (registers the checks, connects the receiver)
