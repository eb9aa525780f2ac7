"""Everything that exists in one account and mode: objects by noun, and what is told when one changes."""

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe.errors import no_such
from sandbox.stripe.events import Cause, Outbox
from sandbox.stripe.search import Index
from sandbox.stripe.shapes import copied

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class Terms:
    """What can be set about a stand-in; the defaults are Stripe's."""

    account: str = "acct_sandbox"
    api_version: str = "2026-10-28.endive"
    #: Secret keys that exist; None: any that looks like one.
    keys: frozenset[str] | None = None
    #: Requests per second and account; None: unlimited. Stripe's sandbox has 25, live 100.
    rate_per_second: float | None = None
    search_lag_seconds: float = 1.0
    key_lifetime_seconds: float = 86_400.0
    #: Before a webhook that was not taken comes again; doubles each time.
    retry_seconds: float = 1.0
    #: `snapshot`, `thin` or `both`.
    hook_form: str = "snapshot"
    #: Types that are posted; None: all.
    hook_types: frozenset[str] | None = None
    #: Webhooks are posted at all: without a receiver nobody takes them off the list.
    posts: bool = True


class World:
    """One account in one mode. Nothing here is shared between worlds."""

    def __init__(self, account: str | None, livemode: bool, terms: Terms, now: Callable[[], float],
                 rng: random.Random) -> None:  # fmt: skip
        """Begin empty; `account` is None for the platform's own."""
        self.account = account
        self.livemode = livemode
        self.terms = terms
        self.clock = now
        self._rng = rng
        self.tables: dict[str, dict[str, dict[str, Any]]] = {}
        self.lines: dict[str, list[dict[str, Any]]] = {}  #: of invoices, all of them
        self.links: dict[str, str] = {}  #: the invoice payment of an invoice
        self.declining: set[str] = set()  #: customers whose cards say no
        self.index = Index(now, terms.search_lag_seconds)
        self.outbox = Outbox(self.account, livemode, terms.api_version, terms.posts)
        self.cause = Cause()

    def now(self) -> int:
        """Whole seconds: that is all that Stripe's objects say."""
        return int(self.clock())

    def new_id(self, prefix: str, length: int = 14) -> str:
        """An id that nobody has; `in_1S` begins one as it is, `cus` still needs its underscore."""
        begin = prefix if "_" in prefix else f"{prefix}_"
        return begin + "".join(self._rng.choices(_ALPHABET, k=length))

    def table(self, noun: str) -> dict[str, dict[str, Any]]:
        """All objects of a noun, oldest first."""
        return self.tables.setdefault(noun, {})

    def every(self, noun: str) -> Iterator[dict[str, Any]]:
        """All objects of a noun, newest first: the order of Stripe's lists."""
        return reversed(self.table(noun).values())

    def get(self, noun: str, found: str, *, param: str = "id") -> dict[str, Any]:
        """One object. Raises: Refused."""
        made = self.table(noun).get(found)
        if made is None:
            raise no_such(noun, found, param=param)
        return made

    def add(self, made: dict[str, Any]) -> dict[str, Any]:
        """Keep a new object."""
        made["livemode"] = self.livemode
        self.table(made["object"])[made["id"]] = made
        self.index.note(made)
        return made

    def remove(self, made: dict[str, Any]) -> None:
        """Forget an object; searches forget it later."""
        del self.table(made["object"])[made["id"]]
        self.index.forget(made)

    def tell(self, kind: str, about: dict[str, Any], previous: dict[str, Any] | None = None) -> None:
        """Make an event of a change that is complete."""
        is_posted = self.terms.hook_types is None or kind in self.terms.hook_types
        found = self.new_id("evt_1S", 18)
        self.outbox.tell(found, kind, about, previous, self.clock(), self.cause, is_posted=is_posted)

    def change(self, made: dict[str, Any], kind: str | None = None, **members: Any) -> dict[str, Any]:
        """Change an object and, if anything is different now, tell. Gives what it was before, as far as it changed."""
        before = {name: copied(made[name]) for name, value in members.items() if name in made and made[name] != value}
        new = [name for name in members if name not in made]
        made.update(members)
        if before or new:
            self.index.note(made)
            if kind is not None:
                self.tell(kind, made, before)
        return before


@dataclass(slots=True)
class Call:
    """One request to an endpoint: where, with what, and for which object."""

    world: World
    params: dict[str, Any]  #: nested texts, not read yet
    ids: tuple[str, ...] = ()  #: from the path

    @property
    def id(self) -> str:
        """The object in the path."""
        return self.ids[0]


#: An endpoint: makes the object that is answered.
Endpoint = Callable[[Call], Any]


@dataclass
class Routes:
    """Endpoints by method and path; `*` stands for an id."""

    _found: dict[tuple[str, int], list[tuple[tuple[str, ...], Endpoint]]] = field(default_factory=dict)

    def extend(self, routes: Iterable[tuple[str, str, Endpoint]]) -> None:
        """Take a noun's endpoints; those without an id come first, so that `search` is no id."""
        for method, path, endpoint in routes:
            steps = tuple(path.strip("/").split("/"))
            known = self._found.setdefault((method, len(steps)), [])
            known.append((steps, endpoint))
            known.sort(key=lambda route: route[0].count("*"))

    def find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]] | None:
        """The endpoint and the ids in the path."""
        steps = path.strip("/").split("/")
        for pattern, endpoint in self._found.get((method, len(steps)), ()):
            if all(want in ("*", step) for want, step in zip(pattern, steps, strict=True)):
                return endpoint, tuple(step for want, step in zip(pattern, steps, strict=True) if want == "*")
        return None
