"""`gather_texts`: bring the translations of the storefront's texts up to date, after a text was changed or translated."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from catalog.storefront import texts


class Command(BaseCommand):
    help = (
        "Write catalog/locale: texts that are new or gone, and what servers read of them. Names the untranslated ones."
    )
    requires_system_checks = ()

    def handle(self, **options: Any) -> None:
        for language in texts.languages():
            missing = texts.write(language)
            self.stdout.write(f"{language}: {len(missing)} texts are not translated")
            for text in missing:
                self.stdout.write(f"  {text}")
