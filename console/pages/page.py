"""What a page is: method, path, right, and the function that answers; what it is given and what it gives back."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from console import idempotency
from console.access.people import Person
from console.access.rights import Right
from console.access.sessions import Session
from console.api.route import Asking
from console.auth import Actor
from console.problems import NotAsked, NotFound


@dataclass(frozen=True)
class Visit:
    """One request, read: who asks, for what, with which words."""

    session: Session | None
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, str]
    #: Fields that a form has several times, as check boxes are.
    many: Mapping[str, list[str]]
    #: What was asked, without the host: where to come back to.
    url: str
    now: datetime
    #: For what is kept about sign-ins.
    address: str = ""
    agent: str = ""
    #: What the cookie of a browser holds in which somebody signed in before.
    known: str = field(default="", repr=False)
    #: What the session's cookie holds; a browser on its way to the identity provider has one and is nobody yet.
    token: str = field(default="", repr=False)

    @property
    def person(self) -> Person:
        """Who asks; on pages that need a right there is somebody."""
        assert self.session is not None, "Bug: a page without a right has nobody"
        return self.session.person

    @property
    def one(self) -> UUID:
        """The id in the path. Raises: NotFound."""
        try:
            return UUID(self.path["id"])
        except ValueError:
            raise NotFound("there is nothing with this id") from None

    @property
    def named(self) -> str:
        """The name in the path."""
        return self.path["name"]

    def asking(self, *, query: Any = None, body: Any = None) -> Asking:
        """The same question, as the API's functions take it; a form's `key` makes a second click nothing new.

        Raises: NotAsked.
        """
        key = self.form.get("key") or None
        if key is not None and len(key) > idempotency.KEY_MAX:
            raise NotAsked(f"a form's key has at most {idempotency.KEY_MAX} characters")
        return Asking(
            actor=Actor(self.person.name, frozenset()),
            id=self.one if "id" in self.path else None,
            query=query,
            body=body,
            idempotency_key=key,
            name=self.path.get("name"),
        )


class Shown(NamedTuple):
    """A template and what it shows."""

    template: str
    title: str
    data: dict[str, Any]
    status: int = 200


class Go(NamedTuple):
    """Elsewhere, with a sentence that is shown there once."""

    to: str
    said: str = ""
    #: A new session's token; empty: the session is over.
    session: str | None = None
    #: With a session: what this browser will be known by.
    known: str | None = None


class File(NamedTuple):
    """Something to keep, as a file."""

    name: str
    media_type: str
    #: In pieces, each of whole lines, where it is made while it is sent.
    content: str | Iterator[str]


Answer = Shown | Go | File


@dataclass(frozen=True)
class Page:
    """One line of the table."""

    method: Literal["GET", "POST"]
    path: str
    call: Callable[[Visit], Answer]
    #: Nobody has to be signed in: None.
    right: Right | None = "look"
    #: Of a form: the path of the page it stands on, which is shown again with what was wrong.
    on: str = ""
    #: Values that the table gives to the function's visit, so that several lines share one function.
    fixed: Mapping[str, str] = field(default_factory=dict)
    #: It shows nobody's data but the visitor's own.
    own: bool = False
