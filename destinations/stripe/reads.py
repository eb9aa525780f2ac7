"""Read-only questions to Stripe: for handlers that need context, for looking before and after a write, for reconciling.

Lists are read to their end or not at all: half a list proves nothing. They are preferred to Stripe's search, which
shows what was written only after a while.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from destinations.http import Failed, Http
from destinations.stripe import answers, wire
from exceptions_queue.failures import ContextMissing

#: The most that one page may have.
PAGE_MAX = 100
#: Longer lists are not read: ten thousand entries are a hundred requests, more than one question is worth.
ENTRIES_MAX = 10_000


class Unreadable(Failed):
    """A read was answered, but not with what was asked for; `down`: because Stripe as a whole does not work."""

    def __init__(self, detail: str, *, down: bool = False) -> None:
        self.down = down
        super().__init__(detail)


class TooMany(Unreadable):
    """A list that is longer than we read."""


def find(http: Http, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The object at a path; None when Stripe says that there is none, or that it was deleted. Raises: http.Failed."""
    answer = http.call("GET", path, params=wire.form(params or {}))
    if answer.status == 404 and answer.member("error", "code") == "resource_missing":
        return None
    body = answer.body
    if answer.status != 200 or not isinstance(body, dict) or not isinstance(body.get("object"), str):
        reply = answers.read(answer, wire.setting(http))
        raise Unreadable(f"GET {path}: {reply.detail}", down=reply.down)
    return None if body.get("deleted") is True else body


def every(http: Http, path: str, params: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """All entries of a list, page by page. Raises: http.Failed; TooMany."""
    asked = {"limit": PAGE_MAX, **(params or {})}
    for _ in range(0, ENTRIES_MAX, PAGE_MAX):
        page = find(http, path, asked)
        entries = page.get("data") if page else None
        if page is None or not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
            raise Unreadable(f"GET {path}: this is no list")
        yield from entries
        if page.get("has_more") is False:
            return
        if page.get("has_more") is not True or not entries:
            raise Unreadable(f"GET {path}: the list does not say whether it ends")
        asked["starting_after"] = entries[-1]["id"]
    raise TooMany(f"GET {path}: more than {ENTRIES_MAX} entries")


def _is_entry(entry: object) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("id"), str)


def invoice(http: Http, id: str) -> dict[str, Any]:
    """An invoice with all of its lines, however many. Raises: http.Failed, ContextMissing."""
    found = _get(http, "invoices", id)
    lines = found.get("lines")
    if not isinstance(lines, dict) or lines.get("has_more") is not False or not isinstance(lines.get("data"), list):
        found = {**found, "lines": {"object": "list", "has_more": False, "data": invoice_lines(http, id)}}
    return found


def invoice_lines(http: Http, id: str) -> list[dict[str, Any]]:
    """All lines of an invoice. Raises: http.Failed."""
    return list(every(http, f"/v1/invoices/{id}/lines"))


def charge(http: Http, id: str) -> dict[str, Any]:
    """A charge. Raises: http.Failed, ContextMissing."""
    return _get(http, "charges", id)


def customer(http: Http, id: str) -> dict[str, Any]:
    """A customer who was not deleted. Raises: http.Failed, ContextMissing."""
    return _get(http, "customers", id)


def subscription(http: Http, id: str) -> dict[str, Any]:
    """A subscription. Raises: http.Failed, ContextMissing."""
    return _get(http, "subscriptions", id)


def payout(http: Http, id: str) -> dict[str, Any]:
    """A payout. Raises: http.Failed, ContextMissing."""
    return _get(http, "payouts", id)


def payout_parts(http: Http, id: str) -> list[dict[str, Any]]:
    """The balance transactions that a payout is made of, the payout's own included. Raises: http.Failed."""
    return list(every(http, "/v1/balance_transactions", {"payout": id}))


def events(
    http: Http,
    *,
    types: Iterable[str] = (),
    created_gte: datetime | None = None,
    delivery_success: bool | None = None,
    entries_max: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Events, the newest first; Stripe keeps them for thirty days. Raises: http.Failed."""
    asked: dict[str, Any] = {"types": sorted(types)} if types else {}
    if created_gte is not None:
        asked["created"] = {"gte": int(created_gte.timestamp())}
    if delivery_success is not None:
        asked["delivery_success"] = delivery_success
    return islice(every(http, "/v1/events", asked), entries_max)


def _get(http: Http, kind: str, id: str) -> dict[str, Any]:
    found = find(http, f"/v1/{kind}/{id}")
    if found is None:
        raise ContextMissing(f"Stripe has no {kind} {id}", rule=f"stripe_{kind}_missing", destination="stripe")
    return found
