"""What a route is: method, path, the function that answers, and the types of everything that goes in and out."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple
from uuid import UUID

from pydantic import BaseModel

from console.access.rights import Right
from console.auth import Actor
from console.fields import Asked

#: Under which everything below stands.
PREFIX = "/api/v1"
#: What a change to something that the address names may be refused with, beside what any request may.
NOT_THERE_OR_NOT_NOW = (404, 409)


class Asking(NamedTuple):
    """One request, read and validated."""

    actor: Actor
    id: UUID | None
    query: Any
    body: Any
    idempotency_key: str | None
    name: str | None = None

    @property
    def named(self) -> str:
        """The name in the path, on routes that have one."""
        assert self.name is not None, "Bug: this route's path has no name"
        return self.name

    @property
    def one(self) -> UUID:
        """The id in the path, on routes that have one."""
        assert self.id is not None, "Bug: this route's path has no id"
        return self.id


#: What a route's function gives back: a model, or the text of an answer that was given before.
Reply = BaseModel | str


@dataclass(frozen=True)
class Route:
    """One line of the table."""

    method: Literal["GET", "POST", "PUT"]
    path: str
    call: Callable[[Asking], Reply]
    summary: str
    answer: Any
    query: type[BaseModel] | None = None
    body: type[Asked] | None = None
    #: Statuses beside 200 and those that every route may give.
    refusals: tuple[int, ...] = ()
    #: What it takes; there is no default that somebody could forget.
    right: Right = field(kw_only=True)

    @property
    def changes(self) -> bool:
        """Whether it is more than a look."""
        return self.method != "GET"

    @property
    def has_id(self) -> bool:
        """Whether the path names one thing."""
        return "{id}" in self.path

    @property
    def has_name(self) -> bool:
        """Whether the path names one thing by a word."""
        return "{name}" in self.path

    @property
    def name(self) -> str:
        """A stable name for generated clients, e.g. `get_events_id_explain`."""
        words = self.path.replace("{id}", "id").replace("{name}", "name").strip("/").replace("/", "_")
        return f"{self.method.lower()}_{words}"
