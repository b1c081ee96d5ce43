"""Groups of permissions for the people of a shop: merchandiser, analyst, operator.

A group that the shop has already made under one of these names keeps the permissions that the shop gave it. Django makes
permissions only after all migrations, so those that are named here are made here where they are missing.
"""

from django.contrib.auth import get_permission_codename
from django.db import migrations

_READ, _EDIT, _ALL = ("view",), ("view", "change"), ("view", "add", "change", "delete")

ROLES = {
    "merchandiser": {
        "catalog.product": _ALL,
        "catalog.productimage": _ALL,
        "catalog.category": _ALL,
        "catalog.feed": _ALL,
        "catalog.feedrun": _READ,
        "recommender.rule": _ALL,
        "recommender.duplicatecluster": _EDIT,
        "recommender.duplicatedecision": _READ,
        "recommender.placeholder": _EDIT,
        "recommender.embeddingjob": _EDIT,
    },
    "analyst": dict.fromkeys(
        (
            *("catalog.product", "catalog.productimage", "catalog.category", "catalog.feed", "catalog.feedrun"),
            *("recommender.rule", "recommender.duplicatecluster", "recommender.duplicatedecision"),
            *("recommender.placeholder", "recommender.embeddingjob", "recommender.encoder", "recommender.space"),
        ),
        _READ,
    ),
    "operator": {
        "catalog.apikey": _ALL,
        "catalog.feedrun": _READ,
        "catalog.product": _READ,
        "catalog.productimage": _READ,
        "catalog.category": _READ,
        "recommender.embeddingjob": _EDIT,
        "recommender.encoder": _ALL,
        "recommender.space": _ALL,
        "recommender.placeholder": _READ,
    },
}


def make_roles(apps, schema_editor):
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    for name, models in ROLES.items():
        group, is_new = groups.get_or_create(name=name)
        if is_new:
            known = {label: actions for label, actions in models.items() if _is_known(apps, label)}
            group.permissions.set(
                _permission(apps, schema_editor, label, action) for label, actions in known.items() for action in actions
            )


def _is_known(apps, label):
    """Whether the tables have the model by now."""
    try:
        apps.get_model(label)
    except LookupError:
        return False
    return True


def _permission(apps, schema_editor, label, action):
    alias = schema_editor.connection.alias
    app, model = label.split(".")
    options = apps.get_model(app, model)._meta
    kind, _ = apps.get_model("contenttypes", "ContentType").objects.using(alias).get_or_create(app_label=app, model=model)
    permission, _ = (
        apps.get_model("auth", "Permission")
        .objects.using(alias)
        .get_or_create(
            content_type=kind,
            codename=get_permission_codename(action, options),
            defaults={"name": f"Can {action} {options.verbose_name_raw}"},
        )
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("recommender", "0008_duplicates"),
        ("catalog", "0012_edit_history_and_errands"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    # Backwards the groups stay: people may be in them.
    operations = [migrations.RunPython(make_roles, migrations.RunPython.noop)]
