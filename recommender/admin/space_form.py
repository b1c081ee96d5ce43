"""The form by which a space is built: what is wrong with it stands there before any work begins."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from recommender.encoder.store import HEAVY, EncoderNotCompiled, current_encoder
from recommender.models import Encoder, Space
from recommender.spaces.colour import LEAST_WEIGHT, MOST_WEIGHT
from recommender.spaces.errand_kinds import options_from
from recommender.spaces.options import InvalidSpace, checked

# What the command calls its options, and what this form does.
_NAMES = {
    "--color-weight": "weight of colour",
    "--color-dims": "dimensions of colour",
    "--dims": "dimensions",
    "--projection": "shape",
    "--labels": "labels",
    "--name": "name",
}
_SHAPES = [
    (Space.Kind.PCA.value, "As this shop's photos differ most (pca)"),
    (Space.Kind.LEARNED.value, "As labels say what is alike (learned)"),
    (Space.Kind.BASIS.value, "As the encoder was trained, fitted on nothing (basis)"),
    (Space.Kind.NONE.value, "Everything that the encoder sees (none)"),
]


class BuildForm(forms.Form):
    """`errand_options` are what the errand keeps."""

    projection = forms.ChoiceField(
        label="Shape", choices=_SHAPES, widget=forms.RadioSelect, initial=Space.Kind.PCA.value
    )
    labels = forms.CharField(
        label="Labels",
        required=False,
        max_length=500,
        help_text="What says that two products are alike, for a learned space and for judging: category, brand, product or "
        "attribute:NAME, several with commas between them. Empty: category.",
    )
    colour_weight = forms.FloatField(
        label="Weight of colour",
        required=False,
        min_value=0,
        max_value=MOST_WEIGHT,
        widget=forms.NumberInput(attrs={"step": "0.01"}),
        help_text=f"The share of colour in a score, {LEAST_WEIGHT} to {MOST_WEIGHT}; 0: no colour. Empty: as is usual.",
    )
    dimensions = forms.IntegerField(
        label="Dimensions", required=False, min_value=1, help_text="Of the whole vector. Empty: as is usual, 256."
    )
    encoder = forms.ModelChoiceField(label="Encoder", queryset=Encoder.objects.none(), empty_label=None)
    name = forms.CharField(
        label="Name", required=False, max_length=100, help_text="Letters, digits, - and _. Empty: named by what it is."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        encoders: Any = self.fields["encoder"]
        encoders.queryset = Encoder.objects.defer(*HEAVY).order_by("-pk")
        try:
            encoders.initial = current_encoder().pk
        except EncoderNotCompiled:
            pass  # the settings name one that is not there: the newest is offered first
        for name, field in self.fields.items():
            if field.help_text:
                field.widget.attrs["aria-describedby"] = f"help-{name}"

    @property
    def errand_options(self) -> dict[str, object]:
        given = self.cleaned_data
        return {
            "encoder": given["encoder"].pk,
            "projection": given["projection"],
            "dimensions": given["dimensions"],
            "colour_weight": given["colour_weight"],
            "labels": given["labels"],
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name and Space.objects.filter(name=name).exists():
            raise ValidationError("there is a space of this name already: choose another")
        if (name and not name.replace("-", "").replace("_", "").isalnum()) or not name.isascii():
            raise ValidationError("letters, digits, - and _ only")
        return name

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if not self.errors:
            try:
                checked(options_from(self.errand_options))
            except InvalidSpace as error:
                self.add_error(None, _in_words(str(error)))
        return given


def _in_words(text: str) -> str:
    for option, name in _NAMES.items():
        text = text.replace(option, name)
    return text
