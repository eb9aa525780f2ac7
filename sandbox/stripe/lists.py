"""Lists as Stripe gives them: newest first, at most a hundred, cursors that are ids; and pages of searches."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

from sandbox.stripe import form
from sandbox.stripe.errors import invalid, no_such, wrong
from sandbox.stripe.world import Call

LIMIT_DEFAULT = 10
LIMIT_MAX = 100

_BOUNDS = dict.fromkeys(("gt", "gte", "lt", "lte"), form.integer)
#: What every list takes.
PAGING: form.Spec = {
    "limit": form.integer,
    "starting_after": form.text,
    "ending_before": form.text,
    "created": lambda name, value: (
        form.part(_BOUNDS)(name, value) if isinstance(value, dict) else form.integer(name, value)
    ),
}


def listed(call: Call, noun: str, url: str, filters: form.Spec | None = None) -> dict[str, Any]:
    """The objects of a noun whose members are as the filters say."""
    params = form.read(call.params, {**PAGING, **(filters or {})})
    wanted = {name: params[name] for name in filters or {} if params.get(name) is not None}
    rows = (made for made in call.world.every(noun) if all(made.get(name) == wanted[name] for name in wanted))
    return page(rows, params, url)


def page(rows: Iterable[dict[str, Any]], params: dict[str, Any], url: str) -> dict[str, Any]:
    """One page of rows that come newest first. Raises: Refused."""
    limit = limit_of(params)
    created = params.get("created")
    if created is not None:
        rows = (made for made in rows if _is_between(made["created"], created))
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise wrong("starting_after and ending_before exclude each other.", param="starting_after")
    if before:
        ahead = list(_until(rows, before))
        found, more = ahead[-limit:], len(ahead) > limit
    else:
        taken = list(islice(_beyond(rows, after) if after else rows, limit + 1))
        found, more = taken[:limit], len(taken) > limit
    return {"object": "list", "data": found, "has_more": more, "url": url}


def limit_of(params: dict[str, Any]) -> int:
    """How many. Raises: Refused."""
    limit = params.get("limit")
    if limit is None:
        return LIMIT_DEFAULT
    if not 1 <= limit <= LIMIT_MAX:
        raise invalid("limit", f"limit is between 1 and {LIMIT_MAX}.", "parameter_invalid_integer")
    return int(limit)


def searched(call: Call, noun: str, url: str) -> dict[str, Any]:
    """One page of what a query finds."""
    params = form.read(call.params, {"query": form.text, "limit": form.integer, "page": form.text}, required=("query",))
    found, limit = call.world.index.find(noun, params["query"]), limit_of(params)
    begin = int(params["page"]) if (params.get("page") or "").isdigit() else 0
    more = len(found) > begin + limit
    return {
        "object": "search_result",
        "data": found[begin : begin + limit],
        "has_more": more,
        "next_page": str(begin + limit) if more else None,
        "url": url,
    }


def _is_between(created: int, bounds: Any) -> bool:
    if isinstance(bounds, int):
        return created == bounds
    return all(
        bound is None
        or (
            (created > bound or name != "gt")
            and (created >= bound or name != "gte")
            and (created < bound or name != "lt")
            and (created <= bound or name != "lte")
        )
        for name, bound in bounds.items()
    )


def _beyond(rows: Iterable[dict[str, Any]], cursor: str) -> Iterable[dict[str, Any]]:
    is_found = False
    for made in rows:
        if is_found:
            yield made
        is_found = is_found or made["id"] == cursor
    if not is_found:
        raise no_such("object", cursor, param="starting_after")


def _until(rows: Iterable[dict[str, Any]], cursor: str) -> Iterable[dict[str, Any]]:
    for made in rows:
        if made["id"] == cursor:
            return
        yield made
    raise no_such("object", cursor, param="ending_before")
