"""Every type of problem that the API answers with, and the words of its page: what it means, and what to do.

A type's name is its problem's title in small letters and hyphens: `Problem(404, "Unknown product", …)` is `unknown-product`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings

WITHOUT_PAGE = "about:blank"  # RFC 9457: means what the status says and no more
_NO_LETTERS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class ProblemType:
    """`title`: as in the problem; `statuses`: with which it is answered; `meaning` and `remedy`: sentences of the page."""

    title: str
    statuses: tuple[int, ...]
    meaning: str
    remedy: str

    @property
    def name(self) -> str:
        """As in the address of its page."""
        return name_of(self.title)

    @property
    def path(self) -> str:
        return path_of(self.name)


def name_of(title: str) -> str:
    """`Bad parameter` → `bad-parameter`."""
    return _NO_LETTERS.sub("-", title.lower()).strip("-")


def path_of(name: str) -> str:
    """Where the page of a type is, on this host."""
    return f"/problems/{name}/"


def type_of(title: str) -> str:
    """The member `type` of a problem of this title: the URL of the type's page; WITHOUT_PAGE where there is none."""
    name = name_of(title)
    return f"{settings.PUBLIC_URL}{path_of(name)}" if name in TYPES else WITHOUT_PAGE


def _of_status(status: int, meaning: str, remedy: str) -> ProblemType:
    """A problem that has no title but its status's."""
    return ProblemType(HTTPStatus(status).phrase, (status,), meaning, remedy)


_ALL = (
    ProblemType(
        "Bad parameter",
        (400,),
        "A parameter of the query string, a field of the form or a member of the JSON body cannot be taken: it is unknown, out of"
        " its bounds, given too often, or does not go with another one. `parameter` names it.",
        "Read `detail`: it names what was given and what would do. Send the request again with that corrected.",
    ),
    ProblemType(
        "Not JSON",
        (400,),
        "The body is not JSON, or not in UTF-8.",
        "Send one JSON object, written by a JSON library rather than by hand. `detail` says where reading stopped.",
    ),
    ProblemType(
        "Not an object",
        (400,),
        "The body is JSON, but a list, a text or a number.",
        'Send an object: `{"positive": [17, 42]}`, not `[17, 42]`.',
    ),
    _of_status(
        400,
        "The request cannot be read, or says something that this endpoint cannot do.",
        "Read `detail`, and look at how the request was built: its headers, its encoding, and how its body ends.",
    ),
    ProblemType(
        "Key needed",
        (401,),
        "This shop answers its API only to those who have a key, and the request had none.",
        "Send a key as `Authorization: Bearer lk_…`; a publishable one may stand in `X-Api-Key`. The shop's admin makes keys under"
        " API keys.",
    ),
    ProblemType(
        "Key not valid",
        (401,),
        "The key that was sent is unknown, has expired or was revoked.",
        "Compare it with the key as it was shown when it was made. If it was replaced, use its successor; else ask for another.",
    ),
    _of_status(
        401,
        "The request does not say who sends it, and this endpoint needs to know.",
        "Send a key as `Authorization: Bearer lk_…`.",
    ),
    ProblemType(
        "Wrong origin",
        (403,),
        "The key is for the pages of certain origins, and the request came from a page elsewhere.",
        "Add the page's origin, such as `https://shop.example`, to the key in the admin, or use a key of that page's own.",
    ),
    ProblemType(
        "Key may not write",
        (403,),
        "A publishable key reads and no more, for it stands in pages that everybody can read.",
        "Write from a server, with a secret key.",
    ),
    ProblemType(
        "Not an operator",
        (403,),
        "The endpoint tells how the service is, which is for those who run it.",
        "Ask from a network of the setting OPERATORS, or with a secret key.",
    ),
    _of_status(
        403,
        "The request was understood, and is not allowed to whoever sent it.",
        "Read `detail`: it says what is lacking.",
    ),
    ProblemType(
        "Unknown product",
        (404,),
        "No published product has this number or SKU.",
        "Look it up with `GET /api/v1/products/?ids=…`. A product that was hidden or has expired is not found either.",
    ),
    _of_status(
        404,
        "Nothing is at this address, or what was there is gone.",
        "Compare the address with the reference at `/api/docs/`: paths end with a slash, and SKUs are percent-encoded.",
    ),
    _of_status(
        405,
        "The address is right, but not for this method.",
        "Use one of the methods that the header `Allow` names.",
    ),
    _of_status(
        406,
        "The request's `Accept` asks for a format that is not made.",
        "Accept `application/json`, or leave the header out.",
    ),
    _of_status(
        408,
        "The body did not arrive in time.",
        "Send the request again, over a better line or with a smaller photo.",
    ),
    ProblemType(
        "Nothing to explain",
        (409,),
        "A photo of one of the two products has no vector yet, so there is no likeness to explain.",
        "Wait until the photo is embedded, which takes seconds after it was added, and ask again.",
    ),
    _of_status(
        409,
        "The change contradicts what is there: another product has the SKU, or the photo is there already.",
        "Read what is there, and decide which of the two shall stay.",
    ),
    _of_status(
        411,
        "A photo was sent without saying how long the body is.",
        "Send `Content-Length`. Libraries do so unless a body is streamed to them.",
    ),
    _of_status(
        412,
        "The product is another version than the one that `If-Match` names: somebody has written it since it was read.",
        "Read it again, make the change to what is there now, and send that with the new ETag.",
    ),
    ProblemType(
        "Photo too large",
        (413,),
        "The photo has more bytes than are taken; `detail` says how many may be sent.",
        "Send a smaller copy: the search looks at a few hundred pixels a side.",
    ),
    ProblemType(
        "Too many items",
        (413,),
        "A batch holds more items than are taken at once.",
        "Send several batches.",
    ),
    _of_status(
        413,
        "The body has more bytes than this endpoint takes; `detail` says how many it may have.",
        "Send less at a time.",
    ),
    ProblemType(
        "Not a usable photo",
        (409, 413, 415, 422),
        "The file is no photo, is of a format that is not read, is damaged, or has too many pixels. `reason` says which in a word.",
        "Send a JPEG, PNG or WebP that other programs open.",
    ),
    _of_status(
        415,
        "The body is of a type that this endpoint does not read.",
        "Send `application/json`; a photo as `multipart/form-data`, too.",
    ),
    ProblemType(
        "The query cancels itself out",
        (422,),
        "`positive` and `negative` hold what looks the same, so that nothing is left to look for.",
        "Leave out one of the two, or weigh them by repeating other products.",
    ),
    _of_status(
        422,
        "The request can be read, but what it holds cannot be used.",
        "Read `detail`: it says what, and what would do.",
    ),
    _of_status(
        424,
        "Another item of the same batch was refused, and the batch was to be done as a whole.",
        "Correct the items that have other problems, and send the batch again.",
    ),
    _of_status(
        429,
        "This address, or this key, sent more requests than it may. `policy` says which of the two counts.",
        "Wait as many seconds as `Retry-After` says. `RateLimit` on every answer tells what is left.",
    ),
    _of_status(
        431,
        "The request's headers are too long.",
        "Send fewer or shorter headers and cookies.",
    ),
    _of_status(
        500,
        "The server failed: a mistake of ours, not of the request.",
        "Send it again once. If it fails again, tell the shop's operator the `X-Request-ID` of the answer: the log has the reason.",
    ),
    ProblemType(
        "The photo could not be fetched",
        (502,),
        "The host of `image_url` does not answer, answers with an error, or too slowly.",
        "Open the address in a browser. If it works there, send the photo itself as a form's `image`.",
    ),
    ProblemType(
        "Busy",
        (503,),
        "Others are being answered, and the request was not begun.",
        "Send it again after the seconds of `Retry-After`.",
    ),
    ProblemType(
        "Not available",
        (503,),
        "Something that the answer needs is not there now: the database, the vector index, or a space to search in.",
        "Send it again after the seconds of `Retry-After`. `/readyz` names what is missing.",
    ),
)

TYPES: Mapping[str, ProblemType] = {one.name: one for one in sorted(_ALL, key=lambda one: (one.statuses, one.title))}
