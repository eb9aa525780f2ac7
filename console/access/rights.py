"""The rights, the roles, and the one table that says which role has which right; where a grant holds.

    look          see everything but what is masked          control     rollout, pauses, replays and reversals of many
    reveal        see personal data, which is logged         judge       label what a model left open, let questions out
    act           work on cases, events and writes           roster      who answers for what
    approve       say yes or no to a write                   administer  people, their grants, tokens

A grant is `role`, `role@source`, `role:handler` or `role@source:handler`. Whoever has a role anywhere may look
everywhere; every other right holds only inside the grant.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal, NamedTuple, get_args

Right = Literal["look", "reveal", "act", "approve", "control", "judge", "roster", "administer"]
Role = Literal["viewer", "operator", "approver", "owner", "admin"]

RIGHTS: Final[tuple[Right, ...]] = get_args(Right)
ROLES: Final[tuple[Role, ...]] = get_args(Role)

#: Nobody's role has all of them: whoever lets people in does not move money, and the other way round.
OF_ROLE: Final[Mapping[str, frozenset[Right]]] = {
    "viewer": frozenset({"look"}),
    "operator": frozenset({"look", "reveal", "act", "judge"}),
    "approver": frozenset({"look", "reveal", "approve"}),
    "owner": frozenset({"look", "reveal", "act", "judge", "control", "roster"}),
    "admin": frozenset({"look", "roster", "administer"}),
}

#: Names of sources and handlers as they are configured.
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}"
_GRANT = re.compile(rf"(?P<what>[a-z]+)(?:@(?P<source>{_NAME}))?(?::(?P<handler>{_NAME}))?")


class GrantUnknown(ValueError):
    """A grant that nobody can be given; the message says why."""


class Grant(NamedTuple):
    """Rights, and where they hold: None is everywhere."""

    what: str
    rights: frozenset[Right]
    source: str | None = None
    handler: str | None = None

    def covers(self, right: Right, source: str | None, handler: str | None) -> bool:
        """Whether this right holds for a thing of that source and handler; what has none is covered everywhere only."""
        return (
            right in self.rights
            and (self.source is None or self.source == source)
            and (self.handler is None or self.handler == handler)
        )

    def __str__(self) -> str:
        place = (f"@{self.source}" if self.source else "") + (f":{self.handler}" if self.handler else "")
        return self.what + place


ALL: Final = Grant("all", frozenset(RIGHTS))


def grant(text: str, *, single: bool = False) -> Grant:
    """A grant as it is written; `single`: a right by itself is one too, as tokens have them. Raises: GrantUnknown."""
    found = _GRANT.fullmatch(text)
    if found is None:
        raise GrantUnknown(f"{text!r} is not written like approver, approver@stripe or operator:invoice_paid")
    what = found["what"]
    rights = OF_ROLE.get(what)
    if rights is None and single and what in RIGHTS:
        rights = frozenset({what})
    if rights is None:
        known = [*ROLES, *(RIGHTS if single else ())]
        raise GrantUnknown(f"{what!r} is none of {', '.join(known)}")
    return Grant(what, rights, found["source"], found["handler"])


def grants(texts: Iterable[str], *, single: bool = False) -> tuple[Grant, ...]:
    """Several of them. Raises: GrantUnknown."""
    return tuple(grant(text, single=single) for text in texts)
