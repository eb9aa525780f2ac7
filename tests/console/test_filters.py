"""Filters of the lists, over rows: each field narrows what it says, together they narrow more, ids stay ids."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from console import problems
from console.asks import CasesAsk, EventsAsk, WritesAsk
from console.queries import cases, events, filters, writes
from counterfoil import clock, database, keys, lifecycle
from engine import mentioning
from exceptions_queue import owners

Connection = database.Connection


class World(NamedTuple):
    """What the lists hold."""

    booked: UUID
    stuck: UUID
    deal: UUID
    write: UUID
    case: UUID


@pytest.fixture
def world(conn: Connection) -> World:
    """An invoice that is booked, one on a desk, and a deal of long ago."""
    owners.forget()
    booked, stuck, deal = (
        _event(conn, "stripe", "in_1", _invoice("cus_1", "anna@example.com", "Acme Blue GmbH", 4200, "eur"), "done"),
        _event(conn, "stripe", "in_2", _invoice("cus_2", "ben@example.com", "Blue Ltd", 250_000, "usd"), "exception"),
        _event(conn, "hubspot", "62:0-3:5501", '{"objectId": 5501}', "ignored", ago=timedelta(days=40)),
    )
    write, case = keys.new_id(), keys.new_id()
    conn.execute(
        "INSERT INTO writes (id, key, destination, operation, status, subject, amount_minor, currency, digest,"
        " event_id, handler, confirmed_at) VALUES (%s, 'books:invoice:in_1:paid', 'books', 'post_entry', 'confirmed',"
        " 'stripe:in_1', 4200, 'EUR', 'd', %s, 'invoice_paid', now())",
        (write, booked),
    )
    conn.execute(
        "INSERT INTO cases (id, failure_class, fingerprint, title, events, source, handler)"
        " VALUES (%s, 'contract_violation', 'f', 'totals differ', 1, 'stripe', 'invoice_paid')",
        (case,),
    )
    conn.execute(
        "INSERT INTO case_events (case_id, event_id, amount_minor, currency) VALUES (%s, %s, 250000, 'USD')",
        (case, stuck),
    )
    mentioning.run_once(conn)
    conn.commit()
    return World(booked, stuck, deal, write, case)


def _invoice(customer: str, email: str, name: str, total: int, currency: str) -> str:
    return (
        f'{{"data": {{"object": {{"object": "invoice", "customer": "{customer}", "customer_email": "{email}",'
        f' "customer_name": "{name}", "total": {total}, "currency": "{currency}"}}}}}}'
    )


def _event(conn: Connection, source: str, thing: str, body: str, status: str, ago: timedelta = timedelta(0)) -> UUID:
    at = clock.now() - ago
    event_id = UUID(int=(int(at.timestamp() * 1000) << 80) | (keys.new_id().int & ((1 << 80) - 1)))
    conn.execute(
        "INSERT INTO events (id, source, provider, key, type, subject, status, handler, received_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            event_id,
            source,
            source,
            f"evt_of_{thing}",
            "invoice.paid" if source == "stripe" else "deal.propertyChange",
            f"{source}:{thing}",
            status,
            "invoice_paid" if source == "stripe" else "deal_closed_won",
            at,
        ),
    )
    conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (event_id, body))
    return event_id


def found(q: str, **more: Any) -> set[UUID]:
    """Events that a text finds."""
    return {event.id for event in events.find_page(EventsAsk(q=q, **more)).items}


EVENTS = [
    ("source:stripe", "booked stuck"),
    ("type:deal.propertyChange", "deal"),
    ("status:exception", "stuck"),
    ("handler:invoice_paid", "booked stuck"),
    ("subject:stripe:in_1", "booked"),
    ("key:evt_of_in_2", "stuck"),
    ("key:books:invoice:in_1:paid", "booked"),
    ("destination:books", "booked"),
    ("operation:post_entry", "booked"),
    ("class:contract_violation", "stuck"),
    ("owner:rhea", "stuck"),
    ("owner:nobody", ""),
    ("customer:cus_1", "booked"),
    ("customer:anna@example.com", "booked"),
    ("customer:Blue", "booked stuck"),
    ('customer:"acme blue"', "booked"),
    ("customer:cus", ""),
    ("email:Ben@Example.com", "stuck"),
    ("deal:5501", "deal"),
    ("invoice:in_2", "stuck"),
    ("amount:42.00EUR", "booked"),
    ("amount:42", "booked"),
    ("amount:42USD", ""),
    ("amount:42.001", ""),
    ("amount>42", "stuck"),
    ("amount>=42", "booked stuck"),
    ("amount<100", "booked"),
    ("amount>1000USD", "stuck"),
    ("since:yesterday", "booked stuck"),
    ("until:yesterday", "deal"),
    ("at:today source:stripe", "booked stuck"),
    ("at:40d", "deal"),
    ("source:stripe amount>1000 class:contract_violation customer:cus_2 since:3h", "stuck"),
    ("source:stripe customer:cus_1 status:exception", ""),
    ("source:stripe stripe:in_1", "booked"),
    ("source:stripe in_2", "stuck"),
    ("source:stripe ben@example.com", "stuck"),
    ('source:stripe "of_in_1"', "booked"),
    ("cus_1", "booked"),
    ("anna@example.com", "booked"),
    ("acme", "booked"),
    ("5501", "deal"),
]


def test_each_field_narrows_the_events(world: World) -> None:
    """One line per meaning; all in one world, because each costs a database."""
    names = {getattr(world, name): name for name in ("booked", "stuck", "deal")}
    assert {q: " ".join(sorted(names[id] for id in found(q))) for q, _ in EVENTS} == dict(EVENTS)


def test_ids_of_case_and_event_narrow_too(world: World) -> None:
    """Whatever page they were copied from."""
    assert found(f"case:{world.case}") == {world.stuck}
    assert found(f"event:{world.deal}") == {world.deal}


def test_filters_of_the_form_and_of_the_text_hold_together(world: World) -> None:
    """The one does not lift the other."""
    assert found("source:stripe", status=lifecycle.EventState.DONE) == {world.booked}
    assert found("amount>1", source="hubspot") == set()


def test_a_key_that_looks_like_a_filter_is_still_found(conn: Connection, world: World) -> None:
    """An identity is whatever the provider says."""
    odd = _event(conn, "stripe", "x", "{}", "done")
    conn.execute("UPDATE events SET key = 'source:stripe amount>1' WHERE id = %s", (odd,))
    conn.commit()
    assert found("source:stripe amount>1") == {odd}


CASES = [
    ("class:contract_violation", True),
    ("status:open source:stripe", True),
    ("status:resolved", False),
    ("owner:rhea", True),
    ("owner:marek", False),
    ("customer:cus_2", True),
    ("customer:cus_1", False),
    ("amount>2000", True),
    ("amount:2500USD", True),
    ("amount>2500", False),
    ("type:invoice.paid", True),
    ("key:evt_of_in_2", True),
    ("subject:stripe:in_2", True),
    ("since:1h handler:invoice_paid", True),
    ("totals", True),
    ("differ totals", True),
    ("ben@example.com", True),
    ("anna@example.com", False),
]


def test_fields_narrow_the_cases(world: World) -> None:
    """By themselves, by their events, by the money at stake."""
    found = {q: [case.id for case in cases.find_page(CasesAsk(q=q)).items] for q, _ in CASES}
    assert found == {q: [world.case] * finds for q, finds in CASES}


WRITES = [
    ("destination:books operation:post_entry status:confirmed", True),
    ("key:books:invoice:in_1:paid", True),
    ("books:invoice:in_1:paid", True),
    ("in_1:paid", True),
    ("customer:cus_1", True),
    ("email:anna@example.com", True),
    ("source:stripe type:invoice.paid", True),
    ("source:hubspot amount>1", False),
    ("amount:42.00", True),
    ("amount>42", False),
    ("class:contract_violation", False),
]


def test_fields_narrow_the_writes(world: World) -> None:
    """By themselves and by the event that caused them."""
    found = {q: [write.id for write in writes.find_page(WritesAsk(q=q)).items] for q, _ in WRITES}
    assert found == {q: [world.write] * finds for q, finds in WRITES}


def test_what_a_list_cannot_mean_is_refused_with_its_place(world: World) -> None:
    """A filter that is not understood never means everything."""
    for q, place in (("status:open", 1), ("source:a colour:b", 10), ("source:stripe since:soon", 21)):
        with pytest.raises(problems.NotAcceptable, match=f"character {place}:") as refused:
            found(q)
        assert refused.value.errors[0].field == "q"


def test_a_text_is_looked_for_among_the_newest_rows_only(
    conn: Connection, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that what is not there costs the same at a million events; inside of a window it is the window's newest."""
    monkeypatch.setattr("console.queries.page.LATELY_ROWS", 1)
    assert found("evt_of") == {world.stuck, world.booked}
    old = datetime.now(UTC) - timedelta(days=39)
    assert {one.id for one in events.find_page(EventsAsk(q="evt_of", until=old)).items} == {world.deal}


def test_every_field_is_known_to_some_list() -> None:
    """The help names nothing that can never be asked."""
    from console.searching import FIELDS

    known = {name for kind in filters._FIELDS.values() for name in kind}
    assert known | {"status", "amount", "since", "until", "at"} == set(FIELDS)


@pytest.fixture(autouse=True)
def roster() -> Callable[[], None]:
    """No roster of another test stays in force."""
    owners.forget()
    return owners.forget
