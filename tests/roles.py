"""The groups that migrations make, which tests that empty all tables take away."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace

from django.apps import apps
from django.contrib.auth.models import Group, User
from django.db import connection


def person(role: str, name: str = "") -> User:
    """Somebody of the staff in that group alone."""
    import_module("recommender.migrations.0009_roles").make_roles(apps, SimpleNamespace(connection=connection))
    user = User.objects.create_user(name or role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user
