"""Run as a program: a small shop with an active space in the database of DATABASE_URL; prints two products' ids and a superuser's session."""

from __future__ import annotations

import os

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    from tests.recommender.search.gallery import Shop, make_space, random_units

    call_command("migrate", verbosity=0)
    vectors = random_units(30)
    products = Shop(make_space()).add_many([(vectors[place : place + 1], {}) for place in range(30)])
    call_command("collectstatic", interactive=False, verbosity=0)
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    print(products[0].pk, products[1].pk, client.cookies["sessionid"].value)


if __name__ == "__main__":
    main()
