"""P11: an onlooker in the database sees every change of state; each has its audit entry in the same transaction."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import moves
import pytest
from moves import Move
from taking_back import SIGNED, Office, an_office

import destinations
from counterfoil import clock, database
from counterfoil.lifecycle import CASE_MOVES, REPLAY_MOVES, WRITE_MOVES, CaseState
from counterfoil.lifecycle import WriteState as W
from engine import pausing, reversals, rollout, withdrawing
from engine.controls import FULL, Rollout
from engine.sending import settling
from exceptions_queue import approvals, cases, escalation, replay

Look = Callable[..., Any]

#: Nothing changed but in whose hands it is: a worker took an event and gave it back, which its run tells; a destination
#: that is away was looked at; a destination is known from now on. That an event was received, the door tells.
IN_HAND: set[Move] = {
    ("event", "queued", "running"),
    ("event", "waiting", "running"),
    ("event", "running", "queued"),
    ("event", None, "queued"),
    ("destination", None, "closed"),
    ("destination", "open", "half_open"),
    ("destination", "half_open", "open"),
}
#: Moves of writes that this story does not take: they need another destination, or a race.
ELSEWHERE: set[tuple[W, W]] = {
    (W.PLANNED, W.REFUSED),
    (W.PLANNED, W.SUPERSEDED),
    (W.PLANNED, W.CONFIRMED),
    (W.AWAITING_APPROVAL, W.PLANNED),
    (W.AWAITING_APPROVAL, W.SUPERSEDED),
    (W.APPROVED, W.PLANNED),
    (W.APPROVED, W.AWAITING_APPROVAL),
    (W.APPROVED, W.EXPIRED),
    (W.APPROVED, W.SUPERSEDED),
    (W.APPROVED, W.REFUSED),
    (W.SENDING, W.APPROVED),
    (W.SENDING, W.REFUSED),
    (W.IN_DOUBT, W.REFUSED),
    (W.SHADOW, W.PLANNED),
    (W.REJECTED, W.PLANNED),
    (W.EXPIRED, W.PLANNED),
    (W.REFUSED, W.PLANNED),
    (W.REFUSED, W.SUPERSEDED),
    (W.SUPERSEDED, W.PLANNED),
}


@pytest.fixture
def office(conn: database.Connection, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    with an_office(conn, monkeypatch) as made:
        moves.watch(conn)
        yield made


def companies(office: Office, *numbers: int) -> None:
    """Writes to HubSpot."""
    for number in numbers:
        office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
        office.hear("company.creation", number)


def told(office: Office) -> None:
    """Nothing happened that the audit does not say."""
    office.conn.rollback()
    assert moves.untold(office.conn) <= IN_HAND
    office.conn.rollback()


def write_ids(look: Look, handler: str) -> list[UUID]:
    """Confirmed writes of a handler."""
    return [
        row["id"]
        for row in look("SELECT id FROM writes WHERE handler = %s AND status = 'confirmed' ORDER BY id", handler)
    ]


def people_decide(office: Office, look: Look) -> None:
    """Yes, no, and no answer."""
    for number in (900, 901, 902):
        office.hear("ticket.creation", number)
    office.work()
    asked = [row["write_id"] for row in look("SELECT write_id FROM approvals ORDER BY id")]
    with office.conn.transaction():
        approvals.reject(office.conn, asked[0], who="paul", reason="no")
    with office.conn.transaction():
        office.conn.execute("SET LOCAL session_replication_role = replica")
        office.conn.execute("UPDATE approvals SET expires_at = now() WHERE write_id = %s", (asked[1],))
    with office.conn.transaction():
        approvals.expire(office.conn)
    office.approve_all()


def answers_are_lost(office: Office, look: Look) -> None:
    """Refused for now; found there by a probe; settled by hand, as done and as absent."""
    companies(office, 10)
    office.hubspot.fault("rate_limited", method="POST", path="*/upsert")
    office.work()
    office.later()
    companies(office, 11)
    office.hubspot.fault("drop_after", method="POST", path="*/upsert")
    office.work()
    office.later()
    for number, happened in ((12, True), (13, False)):
        doubt = in_doubt(office, look, number)
        with office.conn.transaction():
            settling.probe(office.conn, doubt, **SIGNED)
        office.work()
        with office.conn.transaction():
            reference = "13" if happened else None
            settling.settle(office.conn, doubt, happened=happened, reference=reference, **SIGNED)
        office.work()


def in_doubt(office: Office, look: Look, number: int) -> UUID:
    """A write that cannot be told from what stands there, about which HubSpot has been asked in vain."""
    companies(office, number)
    office.hubspot.fault("reset_before", method="POST", path="*/upsert")
    office.work()
    with office.conn.transaction():
        office.conn.execute("UPDATE writes SET probes = 20 WHERE status = 'in_doubt'")
    by_hand(office, number)
    office.later()
    (doubt,) = look("SELECT id FROM writes WHERE status = 'in_doubt' AND due_at IS NULL")
    return UUID(str(doubt["id"]))


def by_hand(office: Office, number: int) -> None:
    """Somebody changes a company's plan at HubSpot."""
    ids = {row["properties"]["stripe_customer_id"]: row["id"] for row in office.hubspot.records("companies")}
    office.hubspot.by_hand("edit", "companies", ids[f"cus_{number}"], properties={"plan": "gold"})


def much_is_taken_back(office: Office, look: Look) -> None:
    """One, one that is kept, many, and many that are cancelled."""
    companies(office, 21, 22)
    office.hear("ticket.creation", 1)
    office.work()
    first, second = write_ids(look, "sets_the_plan")[-2:]
    office.reverse(first)
    by_hand(office, 22)
    office.reverse(second)
    office.work()
    for cancelled in (True, False):
        with office.conn.transaction():
            id = reversals.plan_reversal(office.conn, {"handler": "posts_an_entry"}, destinations.find(), **SIGNED)
            if cancelled:
                reversals.cancel(office.conn, id, **SIGNED)
            else:
                reversals.start(office.conn, id, **SIGNED)
                reversals.pause(office.conn, id, **SIGNED)
                reversals.resume(office.conn, id, **SIGNED)
    office.carry_on(id, rounds=2)
    office.approve_all()
    office.carry_on(id)
    with office.conn.transaction():
        other = reversals.plan_reversal(office.conn, {"handler": "sets_the_plan"}, destinations.find(), **SIGNED)
        reversals.start(office.conn, other, **SIGNED)
        reversals.cancel(office.conn, other, **SIGNED)
    with office.conn.transaction():
        held = reversals.plan_reversal(office.conn, {"handler": "sets_the_plan"}, destinations.find(), **SIGNED)
        reversals.start(office.conn, held, **SIGNED)
        reversals.pause(office.conn, held, **SIGNED)
        reversals.cancel(office.conn, held, **SIGNED)


def broken(office: Office, number: int) -> UUID:
    """An event that cannot be read."""
    id = office.hear("company.creation", number)
    with office.conn.transaction():
        office.conn.execute("UPDATE payloads SET body = '{}' WHERE event_id = %s", (id,))
    office.work()
    return id


def cases_go_their_ways(office: Office, look: Look) -> None:
    """Every move of a case, from every state."""
    until = clock.now() + timedelta(hours=1)
    steps: dict[str, Callable[[UUID], None]] = {
        "acknowledged": lambda id: signed(office, cases.acknowledge, id),
        "snoozed": lambda id: signed(office, cases.snooze, id, until=until),
        "dismissed": lambda id: signed(office, cases.dismiss, id),
        "open": lambda id: woken(office, id),
        "resolved": lambda id: replayed(office, id),
    }
    ways = [(was, became) for was, targets in CASE_MOVES.items() for became in sorted(targets)]
    for number, (was, became) in enumerate(ways, 100):
        event = broken(office, number)
        (row,) = look("SELECT case_id FROM events WHERE id = %s", event)
        if was != CaseState.OPEN:
            steps[was](row["case_id"])
        steps[became](row["case_id"])
        for left in look("SELECT id FROM cases WHERE status IN ('open', 'acknowledged', 'snoozed')"):
            steps["dismissed"](left["id"])


def signed(office: Office, step: Callable[..., None], id: UUID, **more: Any) -> None:
    """A person does it."""
    with office.conn.transaction():
        step(office.conn, id, **SIGNED, **more)


def woken(office: Office, id: UUID) -> None:
    """Its time comes."""
    with office.conn.transaction():
        office.conn.execute("UPDATE cases SET snoozed_until = now(), due_at = CASE WHEN status <> 'snoozed' THEN now()"
                            " END WHERE id = %s", (id,))  # fmt: skip
        escalation.run_once(office.conn)


def replayed(office: Office, id: UUID) -> None:
    """What it blocks can be read after all, and goes through."""
    with office.conn.transaction():
        blocked = "SELECT event_id FROM case_events WHERE case_id = %s AND cleared_at IS NULL"
        for row in office.conn.execute(blocked, (id,)).fetchall():
            office.conn.execute(
                "UPDATE payloads SET body = (SELECT body FROM payloads WHERE body <> '{}' LIMIT 1) WHERE event_id = %s",
                (row["event_id"],),
            )
            replay.replay_event(office.conn, row["event_id"], from_step="start", **SIGNED)
    office.work()


def replays_run(office: Office, look: Look) -> None:
    """Planned, started, paused, resumed, finished; cancelled when planned, running, paused."""
    for after in ("finished", "planned", "running", "paused"):
        with office.conn.transaction():
            id = replay.plan_replay(office.conn, {"type": "ticket.creation"}, from_step="start", **SIGNED)
            if after != "planned":
                replay.start(office.conn, id, **SIGNED)
            if after in ("finished", "paused"):
                replay.pause(office.conn, id, **SIGNED)
            if after == "finished":
                replay.resume(office.conn, id, **SIGNED)
            else:
                replay.cancel(office.conn, id, **SIGNED)
        for _ in range(4):
            with office.conn.transaction():
                replay.advance(office.conn)
            office.work()
    assert {row["status"] for row in look("SELECT status FROM replays")} == {"finished", "cancelled"}


def it_is_away_and_held(office: Office, look: Look) -> None:
    """An outage that ends; a pause that is lifted; a handler into shadow and out again."""
    office.hubspot.exchange.faults.down(True)
    companies(office, *range(40, 60))
    for _ in range(3):
        office.work()
        office.later()
    assert look("SELECT breaker FROM destination_states WHERE destination = 'hubspot'")[0]["breaker"] != "closed"
    office.hubspot.exchange.faults.down(False)
    for _ in range(4):
        office.later()
    with office.conn.transaction():
        pausing.pause(office.conn, "destination", "hubspot", known=["hubspot"], **SIGNED)
    companies(office, 70)
    office.work()
    with office.conn.transaction():
        rollout.change(office.conn, "sets_the_plan", Rollout("shadow"), **SIGNED)
    with office.conn.transaction():
        withdrawing.run_once(office.conn)
    with office.conn.transaction():
        pausing.resume(office.conn, "destination", "hubspot", **SIGNED)
    with office.conn.transaction():
        rollout.change(office.conn, "sets_the_plan", FULL, force=True, **SIGNED)


def test_every_change_of_state_has_its_entry(office: Office, look: Look) -> None:
    """A long day with every kind of move: none without an entry in its transaction, and all of them happened."""
    companies(office, 1, 2)
    office.work()
    for chapter in (people_decide, answers_are_lost, much_is_taken_back, replays_run, it_is_away_and_held):
        chapter(office, look)
        told(office)
    cases_go_their_ways(office, look)
    told(office)
    seen = moves.seen(office.conn)
    wanted = {("case", str(a), str(b)) for a, targets in CASE_MOVES.items() for b in targets}
    wanted |= {
        (thing, str(a), str(b)) for thing in ("replay", "reversal") for a, ts in REPLAY_MOVES.items() for b in ts
    }
    wanted |= {("write", str(a), str(b)) for a, ts in WRITE_MOVES.items() for b in ts if (a, b) not in ELSEWHERE}
    wanted |= {("pause", None, "hubspot"), ("pause", "hubspot", None), ("rollout", None, "shadow")}
    wanted |= {("destination", "closed", "open"), ("destination", "half_open", "closed")}
    wanted |= {("approval", "open", end) for end in ("approved", "rejected", "expired")}
    assert wanted - seen == set()


def test_the_onlooker_sees_what_is_not_told(office: Office, look: Look) -> None:
    """A change behind our back is seen as such."""
    companies(office, 1)
    office.work()
    with office.conn.transaction():
        office.conn.execute("UPDATE events SET status = 'ignored'")
    with pytest.raises(AssertionError, match="ignored"):
        told(office)
