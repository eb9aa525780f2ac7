"""Caps and closed books: what passes unasked within a window, however many workers ask at one instant."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from taking_back import an_office

from counterfoil import database, keys
from counterfoil.database import Connection
from counterfoil.settings import settings
from exceptions_queue import caps, policy

HOURLY = """
[[cap]]
name = "hourly"
window_seconds = 3600
destination = ["hubspot"]
{limits}
"""


@pytest.fixture
def use_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts a policy in force."""

    def use(text: str) -> None:
        file = tmp_path / "policy.toml"
        file.write_text(text)
        monkeypatch.setenv("COUNTERFOIL_POLICY", str(file))
        settings.cache_clear()
        policy.policy.cache_clear()

    yield use
    policy.policy.cache_clear()


def a_use(*, account: str | None = "hubspot:1", amount: int | None = None, currency: str | None = None,
          destination: str = "hubspot", operation: str = "upsert_company") -> caps.Use:  # fmt: skip
    return caps.Use(keys.new_id(), destination, operation, "a_handler", amount, currency, account)


def let_through(conn: Connection, wanted: list[caps.Use]) -> list[bool]:
    """As a commit does it: ask, then count what passes."""
    with conn.transaction():
        full = caps.over(conn, wanted)
        caps.count(conn, [use for use in wanted if use.write_id not in full])
    return [use.write_id not in full for use in wanted]


def test_many_workers_together_do_not_pass_a_cap(database_url: str, use_policy: Callable[[str], None]) -> None:
    """Twelve at one instant, five writes each, room for twenty: twenty pass, the rest asks a person.

    Fails without the cap's lock, or when it is let go before what passes is counted.
    """
    use_policy(HOURLY.format(limits="count_max = 20"))
    together = threading.Barrier(12)
    passed: list[bool] = []

    def work() -> None:
        with database.connect() as conn:
            conn.rollback()
            together.wait(20)
            for _ in range(5):
                passed.extend(let_through(conn, [a_use()]))

    threads = [threading.Thread(target=work) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(passed), sum(passed)) == (60, 20)


def test_what_is_rolled_back_takes_no_room(conn: Connection, use_policy: Callable[[str], None]) -> None:
    """A commit that fails has let nothing through; asked again, the same write is the same."""
    use_policy(HOURLY.format(limits="count_max = 1"))
    one = a_use()
    with conn.transaction(force_rollback=True):
        assert caps.over(conn, [one]) == {}
        caps.count(conn, [one])
    assert let_through(conn, [one]) == [True]
    assert let_through(conn, [one]) == [True], "it counts once"
    assert let_through(conn, [a_use()]) == [False]


@pytest.mark.parametrize(
    ("limits", "uses", "passes"),
    [
        ("count_max = 2", [a_use(), a_use(), a_use()], [True, True, False]),
        ("accounts_max = 1", [a_use(), a_use(), a_use(account="hubspot:2")], [True, True, False]),
        (
            "sum_max_minor = { EUR = 100 }",
            [a_use(amount=60, currency="EUR"), a_use(amount=50, currency="EUR"), a_use(amount=40, currency="EUR")],
            [True, False, True],
        ),
        ("sum_max_minor = { EUR = 100 }", [a_use(amount=-101, currency="EUR")], [False]),
        ("sum_max_minor = { EUR = 100 }", [a_use(amount=900, currency="USD"), a_use()], [True, True]),
        ("count_max = 1", [a_use(destination="stripe"), a_use(destination="stripe")], [True, True]),
        ("count_max = 1\noperation = ['create_task']", [a_use(), a_use(operation="create_task")], [True, True]),
    ],
    ids=["count", "accounts", "sum", "size of the amount", "other currencies", "other destinations", "operation"],
)
def test_a_cap_counts_what_it_names(
    conn: Connection, use_policy: Callable[[str], None], limits: str, uses: list[caps.Use], passes: list[bool]
) -> None:
    """The first ones get what room there is; a smaller one that still fits passes after a larger one that did not."""
    use_policy(HOURLY.format(limits=limits))
    assert let_through(conn, uses) == passes


def test_a_window_moves_on(conn: Connection, use_policy: Callable[[str], None]) -> None:
    """An hour later there is room again; what no window reaches is forgotten, what one reaches is not."""
    use_policy(HOURLY.format(limits="count_max = 1"))
    assert let_through(conn, [a_use(), a_use()]) == [True, False]
    conn.execute("UPDATE cap_uses SET at = at - interval '3601 s'")
    conn.commit()
    assert let_through(conn, [a_use()]) == [True]
    with conn.transaction():
        assert caps.forget(conn) == {"forgotten": 0}
        conn.execute("UPDATE cap_uses SET at = at - interval '32 days'")
        assert caps.forget(conn) == {"forgotten": 2}


def test_two_caps_both_hold_and_never_in_a_circle(database_url: str, use_policy: Callable[[str], None]) -> None:
    """Workers that ask for the same caps in other orders wait for each other, and all come through."""
    other = HOURLY.replace('"hourly"', '"other"').replace('["hubspot"]', '["stripe"]')
    use_policy(HOURLY.format(limits="count_max = 7") + other.format(limits="count_max = 5"))
    passed: dict[str, int] = {"hubspot": 0, "stripe": 0}
    guard = threading.Lock()

    def work(turn: int) -> None:
        with database.connect() as conn:
            conn.rollback()
            for _ in range(4):
                names = ["hubspot", "stripe"][:: 1 if turn % 2 else -1]
                uses = [a_use(destination=name) for name in names]
                for use, through in zip(uses, let_through(conn, uses), strict=True):
                    with guard:
                        passed[use.destination] += through

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert passed == {"hubspot": 7, "stripe": 5}


def test_a_full_cap_asks_a_person_and_drops_nothing(
    conn: Connection, use_policy: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Through the whole engine: two companies are changed, the third waits for a yes with the cap's name, then is."""
    use_policy(HOURLY.format(limits="count_max = 2"))
    with an_office(conn, monkeypatch) as office:
        for number in (1, 2, 3):
            office.hubspot.make("companies", name=f"Acorn {number}", stripe_customer_id=f"cus_{number}", plan="basic")
            _company_event(conn, number)
        office.work()
        plans = [office.plan_of(number) for number in (1, 2, 3)]
        assert sorted(plans) == ["basic", "pro", "pro"]
        (asked,) = conn.execute("SELECT rule, status FROM approvals").fetchall()
        (case,) = conn.execute("SELECT failure_class, status FROM cases").fetchall()
        conn.rollback()
        assert (asked["rule"], case["failure_class"]) == ("cap:hourly", "approval_needed")
        assert office.approve_all() == 1
        assert [office.plan_of(number) for number in (1, 2, 3)] == ["pro"] * 3
        (row,) = conn.execute("SELECT count(*) AS n FROM cap_uses").fetchall()
        conn.rollback()
        assert row["n"] == 3, "what people let through counts too"


def test_nothing_is_booked_into_closed_books(
    conn: Connection, use_policy: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On the last closed day: a case with the amount, and no entry. The day after: booked."""
    use_policy("[books]\nlocked_until = 2026-11-20\n")
    with an_office(conn, monkeypatch) as office:
        _company_event(conn, 7, type="ticket.creation")
        office.work()
        (case,) = conn.execute(
            "SELECT c.failure_class, m.amount_minor, m.currency FROM cases c JOIN case_events m ON m.case_id = c.id"
        ).fetchall()
        conn.rollback()
        assert (case["failure_class"], case["amount_minor"], case["currency"]) == ("out_of_bounds", 4200, "EUR")
        assert office.balances() == {}
        assert policy.policy().books.locked_until == date(2026, 11, 20)
        use_policy("[books]\nlocked_until = 2026-11-19\n")
        _company_event(conn, 8, type="ticket.creation")
        office.work()
        assert office.balances()["Assets:Stripe:Clearing"] == 4200


def _company_event(conn: Connection, number: int, *, type: str = "company.creation") -> UUID:
    """One due event of the fixtures' own."""
    id = keys.new_id()
    body: dict[str, Any] = {
        "portalId": 1, "objectId": number, "occurredAt": 1_795_000_000_000 + number, "subscriptionType": type,
    }  # fmt: skip
    conn.execute(
        "INSERT INTO events (id, source, provider, key, type, subject, occurred_at, due_at)"
        " VALUES (%s, 'hubspot', 'hubspot', %s, %s, %s, now(), now())",
        (id, f"{type}/{number}", type, f"hubspot:1:{type}:{number}"),
    )
    conn.execute("INSERT INTO payloads (event_id, version, body) VALUES (%s, 0, %s)", (id, json.dumps(body)))
    conn.commit()
    return id
