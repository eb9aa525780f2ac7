"""Telling people over real HTTP: receipts, fallbacks, bounds on time, and the case when nobody could be told."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from counterfoil import database, keys
from exceptions_queue import cases, channels, notify

Connection = database.Connection


@pytest.fixture
def people(use_owners: Callable[..., Path], reached_by: Callable[..., str]) -> Callable[..., None]:
    """Say how Rhea (revops), her deputy Tomas and the last resort are reached."""

    def say(rhea: list[str], tomas: list[str], *, fallback: str = "log://", **others: list[str]) -> None:
        use_owners(reached_by({"rhea": rhea, "tomas": tomas, **others}, fallback=fallback))

    return say


def a_case(conn: Connection, failure_class: str = "contract_violation", **more: Any) -> UUID:
    """A fresh case, committed, with its notice pending."""
    event_id = keys.new_id()
    incident = cases.Incident(event_id, failure_class, source="stripe", handler="invoice_paid", rule="sums", **more)
    case_id = cases.open_many(conn, [incident])[event_id]
    conn.commit()
    return case_id


def receipts(conn: Connection, *, about: str = "contract_violation") -> list[tuple[str, str | None, str]]:
    """Recipient, channel and status of every attempt to tell about a case of this class, in order."""
    conn.rollback()
    rows = conn.execute(
        "SELECT n.* FROM notifications n JOIN cases c ON c.id = n.case_id WHERE c.failure_class = %s"
        " ORDER BY n.created_at, n.id",
        (about,),
    ).fetchall()
    return [(row["recipient"], row["channel"], row["status"]) for row in rows]


def deliver_all() -> list[str]:
    """Passes until nothing is due; what became of each attempt, also of those about people who were not reached."""
    seen: list[str] = []
    for _ in range(20):
        counts = notify.deliver_pending()
        if not counts:
            return seen
        seen += [status for status, count in counts.items() for _ in range(count)]
    raise AssertionError("deliveries never come to an end")


def test_the_owner_is_told_what_how_much_and_what_to_do(conn: Connection, target: Any, people: Any) -> None:
    """One message over the person's channel; the receipt says when, to whom and how."""
    people([target.url("ok")], [target.url("ok")])
    case_id = a_case(conn, amount_minor=123_456, currency="usd")

    assert deliver_all() == ["sent"]
    assert receipts(conn) == [("rhea", "json", "sent")]
    row = conn.execute("SELECT * FROM notifications").fetchone()
    assert row is not None
    assert row["sent_at"] is not None
    [(_, body)] = target.taken
    assert "breaks its contract (sums) in invoice_paid" in body["title"]
    assert "at stake: 1234.56 USD" in body["message"]
    assert "what to do" in body["message"]
    assert str(case_id) in body["message"]


def test_without_any_configuration_the_log_is_the_channel(conn: Connection) -> None:
    """The packaged roster writes a line, and the receipt calls it that."""
    case_id = a_case(conn)
    with capture_logs() as lines:
        assert deliver_all() == ["sent"]
    assert receipts(conn) == [("rhea", "log", "sent")]
    [line] = [line for line in lines if line["event"] == "notification.logged"]
    assert (line["case_id"], line["recipient"]) == (str(case_id), "rhea")


def test_a_channel_that_refuses_is_followed_by_the_next(conn: Connection, target: Any, people: Any) -> None:
    """The person's second channel, before anybody else is bothered."""
    people([target.url("broken"), target.url("ok")], [target.url("ok")])
    a_case(conn)

    assert deliver_all() == ["fallback", "sent"]
    assert receipts(conn) == [("rhea", "json", "fallback"), ("rhea", "json#2", "sent")]
    first, second = conn.execute("SELECT * FROM notifications ORDER BY id").fetchall()
    assert second["fallback_of"] == first["id"]
    assert first["detail"] == "the channel did not take it"


def test_a_roster_that_changes_meanwhile_cannot_send_a_message_round_in_circles(
    conn: Connection, target: Any, people: Any
) -> None:
    """The deputy who was next is gone: the last resort comes next, not the owner again."""
    people([target.url("broken")], [target.url("broken")])
    a_case(conn)
    assert notify.deliver_pending() == {"fallback": 1}
    people(["log://"], ["log://"])
    deliver_all()
    assert receipts(conn) == [("rhea", "json", "fallback"), (notify.LAST_RESORT, "log", "sent")]


def test_a_person_who_cannot_be_reached_is_replaced_by_the_deputy(conn: Connection, target: Any, people: Any) -> None:
    """A dead port: the deputy hears instead, both receipts stand, and whoever runs this has a case about the port."""
    people(["json://127.0.0.1:1/dead"], [target.url("ok")])
    a_case(conn)

    assert deliver_all() == ["fallback", "sent", "sent"]
    assert receipts(conn) == [("rhea", "json", "fallback"), ("tomas", "json", "sent")]
    assert receipts(conn, about="notification_failed") == [("pia", "log", "sent")]
    a_case(conn, "contract_unknown")
    assert deliver_all() == ["fallback", "sent"]
    assert len(receipts(conn, about="notification_failed")) == 1, "an outage is one case, and told once"


def test_the_last_resort_hears_when_no_person_does(conn: Connection, target: Any, people: Any) -> None:
    """Owner and deputy dead: the fallback channel takes it."""
    people([target.url("broken")], [target.url("broken")], fallback=target.url("ok"))
    a_case(conn)

    deliver_all()
    assert [status for _, _, status in receipts(conn)] == ["fallback", "fallback", "sent"]
    assert receipts(conn)[-1] == (notify.LAST_RESORT, "json", "sent")
    assert [path for path, _ in target.taken] == ["broken", "broken", "ok"]


def test_when_nobody_can_be_told_that_itself_is_a_case_and_ends_there(
    conn: Connection, target: Any, people: Any
) -> None:
    """All channels of everybody dead: one case for the platform owner, whose own failed message opens no further."""
    dead = [target.url("broken")]
    people(dead, dead, fallback=dead[0], pia=dead, quentin=dead)
    a_case(conn)
    deliver_all()

    conn.rollback()
    rows = conn.execute("SELECT failure_class, handler, events FROM cases ORDER BY id").fetchall()
    assert [(row["failure_class"], row["events"]) for row in rows] == [
        ("contract_violation", 1),
        ("notification_failed", 3),
    ]
    for about in ("contract_violation", "notification_failed"):
        assert [status for _, _, status in receipts(conn, about=about)] == ["fallback", "fallback", "failed"]
    entries = conn.execute("SELECT action FROM audit_entries").fetchall()
    assert [row["action"] for row in entries] == ["case.opened"]


def test_a_slow_channel_is_bounded_and_the_next_one_takes_over(
    conn: Connection, target: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What does not answer in time counts as not sent; nobody waits for it."""
    monkeypatch.setattr(channels.send_within, "__defaults__", (0.4,))
    people([target.url("slow")], [target.url("ok")])
    a_case(conn)

    began = time.monotonic()
    assert deliver_all() == ["fallback", "sent", "sent"]
    assert time.monotonic() - began < target.slow_seconds
    row = conn.execute("SELECT detail FROM notifications ORDER BY id").fetchone()
    assert row is not None
    assert row["detail"] == "no answer within 0.4 s"


def test_many_slow_sends_cost_one_wait(
    conn: Connection, target: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass sends side by side: twelve hanging channels do not hold the sweeper twelve times."""
    monkeypatch.setattr(channels.send_within, "__defaults__", (0.5,))
    people([target.url("slow")], [target.url("ok")])
    for number in range(12):
        event_id = keys.new_id()
        cases.open_many(conn, [cases.Incident(event_id, "contract_violation", rule=f"rule {number}")])
    conn.commit()

    began = time.monotonic()
    assert notify.deliver_pending() == {"fallback": 12}
    assert time.monotonic() - began < 5


def test_no_transaction_is_open_while_a_message_travels(
    conn: Connection, target: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a network call inside a transaction: while the send hangs, nobody is idle in one."""
    people([target.url("ok")], [target.url("ok")])
    a_case(conn)
    seen: list[int] = []
    send = channels.send_within

    def looking(*given: Any) -> str | None:
        with database.connect(autocommit=True) as other:
            row = other.execute(
                "SELECT count(*) AS open FROM pg_stat_activity"
                " WHERE state LIKE 'idle in transaction%' AND datname = current_database()"
            ).fetchone()
            assert row is not None
            seen.append(row["open"])
        return send(*given)

    conn.commit()
    monkeypatch.setattr(channels, "send_within", looking)
    assert deliver_all() == ["sent"]
    assert seen == [0]


def test_a_message_whose_sender_died_is_sent_by_the_next(conn: Connection) -> None:
    """The claim is a lease: left in `sending`, it is claimed again after its time, and only then."""
    a_case(conn)
    conn.execute("UPDATE notifications SET status = 'sending', attempts = 1, due_at = now() + interval '30 s'")
    conn.commit()
    assert notify.deliver_pending() == {}

    conn.execute("UPDATE notifications SET due_at = now()")
    conn.commit()
    assert notify.deliver_pending() == {"sent": 1}


def test_a_message_that_kills_its_sender_every_time_is_given_up(conn: Connection, people: Any, target: Any) -> None:
    """Bounded: after five claims without an end the next stop is tried instead."""
    people([target.url("ok")], [target.url("ok")])
    a_case(conn)
    conn.execute("UPDATE notifications SET status = 'sending', attempts = %s, due_at = now()", (notify.CLAIMS_MAX,))
    conn.commit()
    assert deliver_all() == ["fallback", "sent", "sent"]
    assert receipts(conn) == [("rhea", "json", "fallback"), ("tomas", "json", "sent")]
    assert len(target.taken) == 1


def test_a_late_receipt_does_not_overwrite_a_newer_one(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lease ran out while sending and somebody else claimed: theirs counts."""
    a_case(conn)

    def taken_over(*_: Any) -> None:
        with database.connect(autocommit=True) as other:
            other.execute("UPDATE notifications SET attempts = attempts + 1")

    monkeypatch.setattr(channels, "send_within", taken_over)
    assert notify.deliver_pending() == {"late": 1}
    assert [status for _, _, status in receipts(conn)] == ["sending"]


def test_an_address_in_the_environment_never_shows(
    conn: Connection, target: Any, people: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P12: receipts and lines name the variable, whatever becomes of the message."""
    monkeypatch.setenv("OPS_HOOK", target.url("broken") + "&X-Token=sekret")
    people(["env:OPS_HOOK"], ["env:OPS_HOOK"])
    a_case(conn)
    with capture_logs() as lines:
        deliver_all()
    assert [channel for _, channel, _ in receipts(conn)] == ["env:OPS_HOOK", "env:OPS_HOOK", "log"]
    everything = str(lines) + str(conn.execute("SELECT * FROM notifications").fetchall())
    assert "127.0.0.1" not in everything
    assert "sekret" not in everything


def test_hanging_sends_are_counted_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads that never return use up their places; then nothing more is started until one comes back."""
    import threading

    # A slow target of an earlier test may still hold a place: begin when all of them are free.
    for _ in range(channels.HANGING_MAX):
        assert channels._hanging.acquire(timeout=20)
    channels._hanging.release(channels.HANGING_MAX)
    release = threading.Event()
    stuck = channels.Channel("stuck", lambda _: "late" if release.wait(10) else "never")
    message = channels.Message("t", "b")
    for _ in range(channels.HANGING_MAX):
        assert channels.send_within(stuck, message, 0.001) == "no answer within 0.001 s"
    assert channels.send_within(stuck, message, 0.001) == "too many earlier messages still hang"

    release.set()
    for _ in range(100):
        if channels.send_within(channels.Channel("quick", lambda _: None), message, 1) is None:
            break
        time.sleep(0.05)
    else:
        raise AssertionError("the places never came back")


def test_two_senders_never_send_one_message_twice(conn: Connection, people: Any, target: Any) -> None:
    """Claims lock: eight threads over thirty messages, each message once."""
    import threading

    people([target.url("ok")], [target.url("ok")])
    for number in range(30):
        cases.open_many(conn, [cases.Incident(keys.new_id(), "contract_violation", rule=f"rule {number}")])
    conn.commit()
    threads = [threading.Thread(target=deliver_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(target.taken) == 30
    assert [status for _, _, status in receipts(conn)] == ["sent"] * 30


def test_a_title_is_text_wherever_it_is_shown_as_html(conn: Connection, target: Any, people: Any) -> None:
    """Mail and Teams are made from our plain lines: what looks like markup in them is none, and lines stay lines."""
    people([target.url("ok") + "&format=html"], ["log://"])
    case_id = a_case(conn)
    conn.execute("UPDATE cases SET title = '<img src=x> & more' WHERE id = %s", (case_id,))
    conn.commit()
    assert deliver_all() == ["sent"]
    [(_, body)] = target.taken
    assert "<img" not in body["message"]
    assert "&lt;img" in body["message"]
    assert "<br" in body["message"]
