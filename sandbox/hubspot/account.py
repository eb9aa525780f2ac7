"""One HubSpot account as it is set up: its number, people, added properties, rules and limits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.hubspot.kinds import Kind
from sandbox.hubspot.properties import Property


@dataclass(frozen=True, slots=True)
class Owner:
    """A person to whom records can belong."""

    id: str
    email: str
    first_name: str
    last_name: str
    user_id: int
    archived: bool = False

    def as_json(self) -> dict[str, Any]:
        """As the API shows an owner."""
        return {
            "id": self.id, "email": self.email, "firstName": self.first_name, "lastName": self.last_name,
            "type": "PERSON", "userId": self.user_id, "userIdIncludingInactive": self.user_id,
            "createdAt": "2024-01-01T00:00:00Z", "updatedAt": "2024-01-01T00:00:00Z", "archived": self.archived,
        }  # fmt: skip


@dataclass(slots=True)
class Account:
    """What is configured, as opposed to what is in the CRM."""

    portal_id: int = 62515
    app_id: int = 54321
    owners: tuple[Owner, ...] = (
        Owner("9001", "ada@example.com", "Ada", "Example", 501),
        Owner("9002", "ben@example.com", "Ben", "Example", 502),
    )
    properties: tuple[tuple[Kind, Property], ...] = ()
    #: Scopes of particular tokens; every other one that begins with `pat-` may do all, or read if it ends with `-ro`.
    scopes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    #: (kind's type id, property) -> what the admin's validation rule says; it holds for the API, from 2026-09 on.
    rules: dict[tuple[str, str], str] = field(default_factory=dict)
    time_zone: str = "UTC"
    #: How long a write stays hidden from searches; HubSpot promises nothing, a second is a good day.
    search_lag_seconds: float = 1.0
    searches_per_second: int | None = 5  #: for each token; None: no limit, here and below
    per_ten_seconds: int | None = None  #: for each token
    per_day: int | None = None  #: for the account
    posts_webhooks: bool = True  #: False: nobody takes them, so none are kept
    #: After how long a webhook goes out at the latest; each one draws its own delay.
    hook_delay_seconds: float = 0.0
    #: About how long until the first retry of a webhook; doubles every time.
    hook_retry_seconds: float = 2.0
    #: HubSpot only says that partial upserts by email "are not supported". Here they do the worst that can mean: what
    #: is not sent is cleared.
    email_upsert_clears: bool = True
