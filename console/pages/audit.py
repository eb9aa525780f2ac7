"""Audit: who changed what and when; whether the chain holds; both to keep."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from console import answers, fields, masking, problems, sealed
from console.access import reveals
from console.pages import render
from console.pages.page import Answer, File, Page, Shown, Visit
from console.queries import audit, trail
from counterfoil import clock

ROWS = 50
#: Of a list that is kept as a file: as many as a sheet bears, read in portions, each of which looks through a bounded
#: part of the audit. Together they take a few seconds of the database.
FILE_ROWS, FILE_PORTION, FILE_PORTIONS = 50_000, 2_000, 100
#: Of the whole chain as a file made for one browser; a longer one is for `counterfoil audit export`.
CHAIN_MAX = 100_000
#: What a sheet would take as the beginning of a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def show(visit: Visit) -> Shown:
    """The page."""
    return _page(visit, None)


def verify(visit: Visit) -> Shown:
    """The page, and whether the chain holds."""
    return _page(visit, trail.verify())


def _page(visit: Visit, verified: trail.Verified | None) -> Shown:
    found = _masked(trail.read(_asked(visit), visit.query.get("cursor"), ROWS))
    data = {"found": found, "verified": verified, "link_of": link_of, "told": said, "file_rows": FILE_ROWS}
    return Shown("audit/all.html", "Audit", data)


def _masked(found: trail.Trail) -> trail.Trail:
    """What somebody edited stands in the entry about it; whose it is, is hidden as on every page."""
    return found._replace(items=[one.model_copy(update={"detail": masking.masked(one.detail)}) for one in found.items])


def keep_list(visit: Visit) -> File:
    """The entries of a filter, as a table for a sheet, made while it is sent."""
    asked, cursor = _asked(visit), visit.query.get("cursor")
    # The first portion now: what is wrong with the question is said before anything is sent.
    first = trail.read(asked, cursor, FILE_PORTION)
    return File(f"audit-{visit.now:%Y-%m-%d}.csv", "text/csv; charset=utf-8", _sheet(visit, asked, first))


def _sheet(visit: Visit, asked: trail.Asked, portion: trail.Trail) -> Iterator[str]:
    yield _lines([("at", "who", "change", "thing", "detail", "place")])
    rows = 0
    for number in range(1, FILE_PORTIONS + 1):
        rows += len(portion.items)
        yield _lines(_row(one) for one in _masked(portion).items)
        if portion.next_cursor is None:
            return
        if rows >= FILE_ROWS or number == FILE_PORTIONS:
            break
        portion = trail.read(asked, portion.next_cursor, min(FILE_PORTION, FILE_ROWS - rows))
    rest = urlencode({**visit.query, "cursor": portion.next_cursor})
    yield _lines([(f"Older entries may fit; they are at /audit/list.csv?{rest}",)])


def _row(one: answers.Audit) -> tuple[str, ...]:
    place = f"{one.lane}/{one.seq}"
    return tuple(map(cell, (one.at, one.actor, one.action, one.subject or "", detail_text(one.detail), place)))


def _lines(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def keep_chain(visit: Visit) -> Answer:
    """The whole chain, sealed, to be verified anywhere: with everything in it, so that who took it is kept."""
    if sum(seq for seq, _ in audit.heads().values()) > CHAIN_MAX:
        raise problems.Conflict("the chain is too long for a browser: `counterfoil audit export FILE` writes it")
    reveals.record(visit.person.name, "audit:chain")
    with audit.whole() as (heads, rows):
        content = b"".join(sealed.lines(heads, rows)).decode()
    return File(f"audit-{visit.now:%Y-%m-%d}.jsonl", "application/jsonl", content)


def cell(text: str) -> str:
    """Text of others in a sheet is text, never a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def detail_text(detail: object) -> str:
    """What an entry says beside who did what, on one line."""
    if not isinstance(detail, dict):
        return str(detail)
    return "; ".join(f"{name}: {value}" for name, value in detail.items() if value not in (None, "", [], {}))


def said(detail: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What an entry says, name by name, as a person reads it; an id says of what it is, and needs no name."""
    found = []
    for name, value in detail.items():
        if value in (None, "", [], {}):
            continue
        if isinstance(value, str) and render.names_an_id(f"{name} {value}"):
            found.append(("", f"{name} {value}"))
        elif isinstance(value, list) and all(isinstance(one, str | int) for one in value):
            found.append((name, ", ".join(map(str, value))))
        else:
            found.append((name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
    return found


def link_of(subject: str | None) -> str | None:
    """The page of what an entry is about."""
    kind, _, name = (subject or "").partition(":")
    path = {"event": "/events", "case": "/cases", "write": "/writes", "handler": "/handlers", "question": "/judgement"}
    path |= {"replay": "/replays", "run": "/runs"}
    return f"{path[kind]}/{name}" if kind in path and name else None


def _asked(visit: Visit) -> trail.Asked:
    """The filters of the address; blanks were not said."""
    query = {name: value.strip() for name, value in visit.query.items() if value.strip()}
    return trail.Asked(
        thing=query.get("thing"),
        actor=query.get("actor"),
        action=query.get("action"),
        since=_moment(query, "since"),
        until=_moment(query, "until"),
    )


def _moment(query: dict[str, str], name: str) -> datetime | None:
    """A time as the API writes it, or as a browser's field does (in UTC). Raises: NotAsked."""
    text = query.get(name)
    if text is None:
        return None
    for written in (text, f"{text}:00Z", f"{text}Z", f"{text}T00:00:00Z"):
        try:
            return fields.moment(written)
        except ValueError:
            continue
    fault = problems.Fault(field=name, detail=f"write it like {clock.rfc3339(clock.now())}")
    raise problems.NotAsked("the time cannot be read", [fault])


PAGES = (
    Page("GET", "/audit", show),
    Page("GET", "/audit/list.csv", keep_list),
    Page("GET", "/audit/chain.jsonl", keep_chain, right="reveal"),
    Page("POST", "/audit/verify", verify, on="/audit"),
)
