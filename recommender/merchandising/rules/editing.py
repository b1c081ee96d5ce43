"""Writing rules: the one way in which a person, or a page on their behalf, makes, changes and takes back a rule.

A rule is never deleted, so that who made it and why stays known: it is switched off, or undone. Every search obeys a change
within seconds (recommender.merchandising.rules.in_force).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from catalog.edit_history import edited_by
from recommender.models import Rule

User = AbstractBaseUser | None  # None: the software itself

BOOST, BURY = 1.2, 0.8  # factors of a boost and a bury where nobody says how much

# What undoing restores. Who made a rule and when never changes.
_UNDONE = (
    *("kind", "scope", "for_product_id", "for_category_id", "for_brand", "target", "product_id", "attribute", "value"),
    *("brand", "price_from", "price_to", "place", "factor", "starts_at", "ends_at", "enabled", "reason"),
)


class UnknownRule(LookupError):
    """There is no rule of this id."""

    def __init__(self, rule_id: int) -> None:
        super().__init__(f"there is no rule {rule_id}")


def pin(for_product_id: int | None, product_id: int, place: int, *, by: User, reason: str = "") -> Rule:
    """Pin a product at a place (1 is the first) of the answers for another one; None: of all answers.

    Pinned there already, it moves to the new place. Raises ValidationError.
    """
    return _about_product(Rule.Kind.PIN, for_product_id, product_id, by=by, reason=reason, place=place)


def hide(for_product_id: int | None, product_id: int, *, by: User, reason: str = "") -> Rule:
    """Never show a product, nor another of its variant group, in answers for another one; None: in any answer. Raises ValidationError."""
    return _about_product(Rule.Kind.HIDE, for_product_id, product_id, by=by, reason=reason)


def boost(for_product_id: int | None, product_id: int, *, by: User, reason: str = "", factor: float = BOOST) -> Rule:
    """Multiply a product's score by a factor above 1 in the answers for another one; None: in all. Raises ValidationError."""
    return _about_product(Rule.Kind.BOOST, for_product_id, product_id, by=by, reason=reason, factor=factor)


def bury(for_product_id: int | None, product_id: int, *, by: User, reason: str = "", factor: float = BURY) -> Rule:
    """Multiply a product's score by a factor below 1 in the answers for another one; None: in all. Raises ValidationError."""
    return _about_product(Rule.Kind.BURY, for_product_id, product_id, by=by, reason=reason, factor=factor)


def save(rule: Rule, *, by: User) -> Rule:
    """Make a new rule or keep the changes to one, so that `undo` can take them back. Raises ValidationError."""
    rule.full_clean(exclude=["before", "created_by", "changed_by"])
    with edited_by(lambda: _id(by)), transaction.atomic():
        kept = Rule.objects.select_for_update().filter(pk=rule.pk).first() if rule.pk else None
        rule.before = {"enabled": False} if kept is None else _values(kept)
        if kept is None:
            rule.created_by_id = _id(by)
        rule.changed_by_id = _id(by)
        rule.save()
    return rule


def switch(rule_id: int, *, enabled: bool, by: User) -> Rule:
    """Switch a rule on or off; its times are left as they are. Raises UnknownRule, ValidationError."""
    rule = _existing(rule_id)
    rule.enabled = enabled
    return save(rule, by=by)


def undo(rule_id: int, *, by: User) -> Rule:
    """Take back the last change of a rule: one that was only made is switched off. Undone twice, the change is there again.

    Raises UnknownRule, and ValidationError where what it said before is not possible any more.
    """
    with transaction.atomic():
        rule = _existing(rule_id)
        fields = {field.attname: field for field in Rule._meta.concrete_fields}
        for name, value in rule.before.items():
            setattr(rule, name, fields[name].to_python(value))
        return save(rule, by=by)


def _about_product(
    kind: Rule.Kind, for_product_id: int | None, product_id: int, *, by: User, reason: str, **fields: Any
) -> Rule:
    """The rule of this kind between the two products, made or changed."""
    pair = {
        "kind": kind,
        "scope": Rule.Scope.EVERYWHERE if for_product_id is None else Rule.Scope.PRODUCT,
        "for_product_id": for_product_id,
        "target": Rule.Target.PRODUCT,
        "product_id": product_id,
    }
    rule = Rule.objects.filter(**pair, starts_at=None, ends_at=None).order_by("-enabled", "-id").first() or Rule(**pair)
    rule.enabled = True
    rule.reason = reason or rule.reason
    for name, value in fields.items():
        setattr(rule, name, value)
    return save(rule, by=by)


def _existing(rule_id: int) -> Rule:
    rule = Rule.objects.filter(pk=rule_id).first()
    if rule is None:
        raise UnknownRule(rule_id)
    return rule


def _values(rule: Rule) -> dict[str, Any]:
    """What undoing restores, as JSON holds it."""
    values = {name: getattr(rule, name) for name in _UNDONE}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _id(by: User) -> int | None:
    return None if by is None else int(by.pk)
