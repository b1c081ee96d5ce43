import gc

from django.apps import AppConfig


class RecommenderConfig(AppConfig):
    name = "recommender"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from recommender import checks, receivers  # noqa: F401  (registers the checks, connects the receivers)

        # This is the last app: what is imported by now stays, and is not looked through again.
        gc.freeze()
        gc.enable()
