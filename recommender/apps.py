import gc

from django.apps import AppConfig


class RecommenderConfig(AppConfig):
    name = "recommender"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from catalog.errands.registry import register
        from recommender import checks, receivers  # noqa: F401  (registers the checks, connects the receivers)

        register("find_duplicates", "recommender.duplicates.finding.find_duplicates")
        for kind, doer in {"build": "build", "judge": "judge", "activate": "switch", "retire": "take_away"}.items():
            register(f"{kind}_space", f"recommender.spaces.errands.{doer}")

        # This is the last app: what is imported by now stays, and is not looked through again.
        gc.freeze()
        gc.enable()
