"""Attributes of a product as rows of a name and a value, so that nobody writes JSON."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms.fields import InvalidJSONInput

from catalog.attributes import MAX_DEPTH, UnusableAttribute, check_attributes, flat
from catalog.texts import printable

_EMPTY_ROWS = 2  # for who has no scripts; with scripts there is a button for more


class AttributeRows(forms.Widget):
    """A row for each value, several rows of one name for a list, and empty rows.

    `was`: the value as it was stored, in JSON, so that a number that is not touched stays a number, and a new number in its place
    is one too; all else is text. `rows` says that there are rows, even where the last one was removed. Whoever posts the whole as JSON under the field's own name is understood as well.
    """

    template_name = "admin/catalog/product/attribute_rows.html"

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        context["widget"] |= {"rows": _rows(value), "empty": range(_EMPTY_ROWS)}
        return context

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        if name in data:
            return data[name]
        names, values, were = (data.getlist(f"{name}-{part}") for part in ("name", "value", "was"))
        found: dict[str, list[Any]] = {}
        lists: set[str] = set()
        for label, text, was in zip(names, values, were, strict=False):
            label, before = label.strip(), _json(was)
            if isinstance(before, list):
                lists.add(label)
            if label and (text.strip() or not isinstance(before, list)):
                found.setdefault(label, []).append(_typed(text, before))
            elif label:
                found.setdefault(label, [])
        return json.dumps(
            {label: all_ if label in lists or len(all_) != 1 else all_[0] for label, all_ in found.items()}
        )

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and f"{name}-rows" not in data

    def id_for_label(self, id_: str) -> str:
        return ""


class AttributesField(forms.JSONField):
    """Names and values, laid flat. What can be written but not kept is an error that says so."""

    widget = AttributeRows

    def to_python(self, value: Any) -> Any:
        """Raises ValidationError."""
        try:
            attributes = super().to_python(value)
        except RecursionError as error:
            message = f"This is nested too deeply to be read; {MAX_DEPTH} levels are enough."
            raise ValidationError(message, code="unusable") from error
        except ValueError as error:  # Python refuses to convert numbers of thousands of digits
            raise ValidationError("A number has too many digits; write it as text.", code="unusable") from error
        if attributes is None:
            return {}
        if not isinstance(attributes, dict):
            raise ValidationError('Write names and values: {"colour": "red"}', code="not_an_object")
        try:
            check_attributes(attributes)
        except UnusableAttribute as error:
            raise ValidationError(str(error), code="unusable") from error
        return flat(attributes)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was refused is shown again as it was written."""
        try:
            return self.to_python(data)
        except ValidationError:
            return InvalidJSONInput(data)


def _rows(value: Any) -> list[dict[str, str]]:
    """Of the stored attributes, or of what was written, in JSON; none of what is no JSON object."""
    attributes = _json(value)
    if not isinstance(attributes, dict):
        return []
    rows = []
    for name, one in flat(attributes).items():
        for item in (one or [""]) if isinstance(one, list) else [one]:
            was = [item] if isinstance(one, list) else item
            rows.append({"name": printable(name), "value": printable(_text(item)), "was": json.dumps(was)})
    return rows


def _json(text: Any) -> Any:
    try:
        return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _typed(text: str, before: Any) -> Any:
    """The text, or the number or truth value that it reads as where there was one before."""
    if isinstance(before, list):
        before = before[0] if before else ""
    if isinstance(before, str) or before is None:
        return text
    read = _json(text.strip())
    is_truth = isinstance(read, bool)
    return read if isinstance(read, (int, float)) and is_truth is isinstance(before, bool) else text
