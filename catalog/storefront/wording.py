"""Sentences for shoppers that depend on what happened."""

from __future__ import annotations

from django.utils.translation import gettext

from catalog.photos.unusable import READ
from catalog.storefront.port import PhotoFault, Why

ALIKE_ENOUGH = 0.08  # a difference of two cosines that a shopper does not see


def photo_fault(fault: PhotoFault) -> tuple[str, str]:
    """Why a photo cannot be searched with: a title, and what would do."""
    kinds = {"kinds": READ.replace(" or ", ", ")}
    return {
        "no_photo": (gettext("No photo yet"), gettext("Choose a photo first, or write the address of one.")),
        "not_a_photo": (
            gettext("That is not a photo"),
            gettext("We can look at these kinds of pictures: %(kinds)s.") % kinds,
        ),
        "too_large": (
            gettext("That photo is too large"),
            gettext("A smaller one will do: a screenshot of it, or a copy that your phone sends in medium size."),
        ),
        "unreadable": (
            gettext("We could not open that photo"),
            gettext("The file seems to be damaged. Another photo will do."),
        ),
        "bad_address": (
            gettext("There is no photo for us at that address"),
            gettext("Copy the address of the picture itself, not of the page around it. It begins with https."),
        ),
        "not_fetched": (
            gettext("We could not reach that address"),
            gettext("The other site did not answer. Save the photo, and choose it from your device."),
        ),
    }[fault]


def why_sentence(why: Why) -> str:
    """What two photos have in common, in one sentence."""
    if why.color is None:
        return gettext("The warmer a spot glows, the more it looks the same in both photos.")
    difference = why.shape - why.color
    if difference > ALIKE_ENOUGH:
        return gettext("It is above all the shape that is alike, most of all where the photos glow.")
    if difference < -ALIKE_ENOUGH:
        return gettext("It is above all the colours that are alike, most of all where the photos glow.")
    return gettext("Shape and colours are alike, most of all where the photos glow.")
