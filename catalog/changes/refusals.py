"""Why a caller's change was not made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# unknown: there is no such product or photo. taken: another product or photo is in the way. moved: it is of another version than
# the caller knows. invalid: a member cannot be taken. busy: others were writing the same, again and again. undone: another item
# of the batch was refused.
Reason = Literal["unknown", "taken", "moved", "invalid", "busy", "undone"]


@dataclass(frozen=True)
class MemberError:
    """What is wrong with one member of a change. `member`: where it is, such as `price` or `images/2/url` (RFC 6901)."""

    member: str
    detail: str


class Refused(Exception):
    """A change that was not made. The text says why and what to do; `errors` are those of an invalid one."""

    def __init__(self, reason: Reason, detail: str = "", errors: Sequence[MemberError] = ()) -> None:
        super().__init__(detail or "; ".join(f"{error.member}: {error.detail}" for error in errors))
        self.reason = reason
        self.errors = tuple(errors)

    def within(self, at: str) -> Refused:
        """The same of a change that stands at that place of a body."""
        if not at or not self.errors:
            return self
        return Refused(self.reason, errors=[MemberError(f"{at}/{one.member}", one.detail) for one in self.errors])


def invalid(member: str, detail: str) -> Refused:
    """The refusal for one member."""
    return Refused("invalid", errors=[MemberError(member, detail)])
