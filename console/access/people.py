"""People and programs that may do something: their grants, and the rows behind them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from console.access import rights
from console.access.rights import Grant, Right
from console.problems import NotAllowed

#: What the names of tokens begin with that belong to nobody; no user's name has a colon.
OF_NOBODY = "token:"
#: As in the owners file; short enough for every place where it is shown.
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
EMAIL_MAX = 254


@dataclass(frozen=True)
class Person:
    """Somebody who asks: a user, or a token (`user_id` is None for one that belongs to nobody)."""

    name: str
    title: str
    grants: tuple[Grant, ...] = ()
    user_id: UUID | None = None
    #: Of a token of a person: what they themselves may; both must allow.
    at_most: tuple[Grant, ...] | None = None

    def may(self, right: Right, source: str | None = None, handler: str | None = None) -> bool:
        """Whether the right holds for a thing of that source and handler. Whoever may look, looks everywhere."""
        if right == "look":
            return self.may_somewhere(right)
        return _covers(self.grants, right, source, handler) and (
            self.at_most is None or _covers(self.at_most, right, source, handler)
        )

    def may_somewhere(self, right: Right) -> bool:
        """Whether there is anything at all that the right holds for."""
        return _has(self.grants, right) and (self.at_most is None or _has(self.at_most, right))


def _covers(grants: Iterable[Grant], right: Right, source: str | None, handler: str | None) -> bool:
    return any(grant.covers(right, source, handler) for grant in grants)


def _has(grants: Iterable[Grant], right: Right) -> bool:
    return any(right in grant.rights for grant in grants)


def must_be_one(who: str) -> None:
    """Whoever edits does not approve; that says something only where whoever edits is a person. Raises: NotAllowed."""
    if who.startswith(OF_NOBODY):
        raise NotAllowed("only people correct what is written: a token that does belongs to a user")


def of_row(row: Mapping[str, Any]) -> Person:
    """The person of a row of `users`."""
    return Person(row["name"], row["title"], readable(row["grants"]), row["id"])


def readable(texts: Iterable[str], *, single: bool = False) -> tuple[Grant, ...]:
    """Grants of a row; one that this version does not know gives nothing."""
    found = []
    for text in texts:
        try:
            found.append(rights.grant(text, single=single))
        except rights.GrantUnknown:
            continue
    return tuple(found)
