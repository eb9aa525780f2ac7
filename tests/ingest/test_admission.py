"""Waiting for a commit: together, bounded, and isolated from what Postgres will not take."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from ingest.limits import Limits
from ingest.waiting import HALF_EVENTS_MIN

OpenDoor = Callable[..., Any]


def test_requests_that_arrive_together_share_a_commit(running: Any, a_stripe_event: Any, holding: Any) -> None:
    """Forty requests that gather behind a slow commit become two transactions, not forty; each gets its own answer."""
    with ThreadPoolExecutor(41) as senders:
        with holding(running.url, "events"):
            first = senders.submit(running.stripe, a_stripe_event("evt_first"))
            time.sleep(0.2)
            rest = [senders.submit(running.stripe, a_stripe_event(f"evt_{n}x")) for n in range(40)]
            time.sleep(0.5)
        assert first.result().json["accepted"] == 1
        answers = [one.result().json["events"][0] for one in rest]
    assert [answer["key"] for answer in answers] == [f"evt_{n}x" for n in range(40)]
    groups = [json.loads(row["detail"])["new"] for row in running.rows("SELECT detail FROM audit_entries ORDER BY seq")]
    assert sum(groups) == 41
    assert len(groups) <= 4


def test_a_steady_stream_shares_commits_and_enough_wait_for_nobody(open_door: OpenDoor, a_stripe_event: Any) -> None:
    """After one commit the next few gather for a moment; as soon as they are enough they go; the first never waits."""
    running = open_door(Limits(gather_seconds=0.6))
    began = time.monotonic()
    assert running.stripe(a_stripe_event("evt_first")).status == 200
    with ThreadPoolExecutor(HALF_EVENTS_MIN) as senders:
        few = [senders.submit(running.stripe, a_stripe_event(f"evt_{n}few")) for n in range(HALF_EVENTS_MIN - 1)]
        assert {one.result().status for one in few} == {200}
        assert time.monotonic() - began >= 0.6
        enough = [senders.submit(running.stripe, a_stripe_event(f"evt_{n}more")) for n in range(HALF_EVENTS_MIN)]
        assert {one.result().status for one in enough} == {200}
    groups = [json.loads(row["detail"])["new"] for row in running.rows("SELECT detail FROM audit_entries ORDER BY seq")]
    assert groups == [1, HALF_EVENTS_MIN - 1, HALF_EVENTS_MIN]


def test_what_waits_is_bounded_and_everybody_hears_within_five_seconds(
    open_door: OpenDoor, a_stripe_event: Any, holding: Any
) -> None:
    """With the ledger blocked: beyond the bound 429 at once, the waiting 503 in time; afterwards it goes on."""
    running = open_door(Limits(waiting_events_max=20))

    def send(number: int) -> tuple[float, Any]:
        began = time.monotonic()
        reply = running.stripe(a_stripe_event(f"evt_{number}y"))
        return time.monotonic() - began, reply

    with ThreadPoolExecutor(60) as senders, holding(running.url, "events"):
        replies = list(senders.map(send, range(60)))
    statuses = Counter(reply.status for _, reply in replies)
    assert set(statuses) == {429, 503}
    # Twenty wait; at most twenty more, who waited before them, are in the group that is under way.
    assert statuses[429] >= 20
    assert max(took for took, _ in replies) < 5
    assert max(took for took, reply in replies if reply.status == 429) < 1
    assert all(int(reply.headers["retry-after"]) >= 1 for _, reply in replies)
    assert {reply.headers["content-type"] for _, reply in replies} == {"application/problem+json"}
    began = time.monotonic()
    while running.stripe(a_stripe_event("evt_after")).status != 200:
        assert time.monotonic() - began < 3
    # Whoever was told 503 comes again; whether or not the first attempt was committed after all, there is one row.
    for number in range(60):
        assert running.stripe(a_stripe_event(f"evt_{number}y")).status == 200
    assert running.rows("SELECT count(*) FROM events") == [{"count": 61}]


def test_an_unready_door_says_so_while_it_is_blocked(running: Any, a_stripe_event: Any, holding: Any) -> None:
    """`/readyz` is 503 within two seconds while no event could be committed, `/healthz` stays 200."""
    with ThreadPoolExecutor(1) as senders, holding(running.url, "events"):
        senders.submit(running.stripe, a_stripe_event())
        time.sleep(0.6)
        began = time.monotonic()
        ready = running.get("/readyz")
        assert ready.status == 503
        assert "Postgres" in ready.json["detail"]
        assert time.monotonic() - began < 2
        assert running.get("/healthz").status == 200


def refuse_key(url: str, pattern: str, sqlstate: str) -> None:
    """Make this Postgres refuse some keys with an error of the given class."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.key ~ '{pattern}' THEN"
            f" RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END IF; RETURN NEW; END $$;"
            " CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


@pytest.mark.parametrize(
    ("sqlstate", "status"),
    [("22021", 400), ("22P02", 400), ("54000", 400), ("23514", 503), ("23502", 503)],
)
def test_a_row_that_postgres_refuses_fails_alone(
    running: Any, a_stripe_event: Any, holding: Any, sqlstate: str, status: int
) -> None:
    """Of a group with two bad rows all others are committed. Bad data is the sender's (400), a broken constraint ours
    (503)."""
    refuse_key(running.url, "bad", sqlstate)
    names = [f"evt_{'bad' if n in (7, 19) else 'fine'}_{n}z" for n in range(30)]
    with ThreadPoolExecutor(31) as senders:
        with holding(running.url, "events"):
            senders.submit(running.stripe, a_stripe_event("evt_plug"))
            time.sleep(0.2)
            sent = [senders.submit(running.stripe, a_stripe_event(name)) for name in names]
            time.sleep(0.4)
        statuses = [one.result().status for one in sent]
    assert statuses == [status if "bad" in name else 200 for name in names]
    assert running.rows("SELECT count(*), max(deliveries) FROM events") == [{"count": 29, "max": 1}]


def test_a_deadlock_is_tried_again(running: Any, a_stripe_event: Any) -> None:
    """Rolled back by Postgres in favour of somebody else: the group is recorded at the second attempt."""
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute(
            "CREATE SEQUENCE attempts; CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " IF nextval('attempts') = 1 THEN RAISE EXCEPTION 'no' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$;"
            " CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    assert running.stripe(a_stripe_event()).status == 200
    assert running.rows("SELECT deliveries FROM events") == [{"deliveries": 1}]


def test_a_disk_that_is_full_is_a_503_and_then_over(running: Any, a_stripe_event: Any) -> None:
    """Out of resources: come again; when there is room, it is accepted without a restart."""
    refuse_key(running.url, ".", "53100")
    reply = running.stripe(a_stripe_event())
    assert (reply.status, "retry-after" in reply.headers) == (503, True)
    with psycopg.connect(running.url, autocommit=True) as connection:
        connection.execute("DROP TRIGGER refuse ON events")
    assert running.stripe(a_stripe_event()).status == 200


def test_a_missing_schema_is_named(postgres: str, door_over: Any, a_stripe_event: Any) -> None:
    """A door over an empty database is alive, not ready, accepts nothing, and says what to do."""
    with door_over(postgres) as running:
        assert running.get("/healthz").status == 200
        ready = running.get("/readyz")
        assert ready.status == 503
        assert "counterfoil migrate" in ready.json["detail"]
        assert running.stripe(a_stripe_event()).status == 503


def test_an_ended_session_costs_at_most_one_503(running: Any, a_stripe_event: Any) -> None:
    """The administrator ends the door's session while it rests: the next request finds a new one."""
    running.stripe(a_stripe_event("evt_1"))
    running.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'counterfoil door'")
    time.sleep(0.2)
    assert running.stripe(a_stripe_event("evt_2")).status == 200


@pytest.mark.parametrize("weak", ["synchronous_commit = off", "default_transaction_read_only = on"])
def test_only_durable_commits_count(
    postgres: str, database_url: str, door_over: Any, a_stripe_event: Any, weak: str
) -> None:
    """A database that defaults to lazy commits is overruled; one that takes no writes makes the door unready."""
    name = database_url.split("/")[3].split("?")[0]
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} SET {weak}")
    with door_over(database_url) as running:
        if "read_only" in weak:
            assert running.stripe(a_stripe_event()).status == 503
            assert "no writes" in running.get("/readyz").json["detail"]
            return
        assert running.stripe(a_stripe_event()).status == 200
        admission = running.app.admission
        shown = asyncio.run_coroutine_threadsafe(
            admission._link.connection.fetchval("SHOW synchronous_commit"), admission._tasks[0].get_loop()
        )
        assert shown.result(3) == "on"


def test_a_group_is_as_large_as_allowed_and_no_larger(open_door: OpenDoor, a_stripe_event: Any, holding: Any) -> None:
    """What waits beyond one group goes with the next ones; nobody is forgotten."""
    running = open_door(replace(Limits(), group_events_max=5))
    with ThreadPoolExecutor(31) as senders:
        with holding(running.url, "events"):
            sent = [senders.submit(running.stripe, a_stripe_event(f"evt_{n}g")) for n in range(31)]
            time.sleep(0.6)
        assert {one.result().status for one in sent} == {200}
    groups = [json.loads(row["detail"])["new"] for row in running.rows("SELECT detail FROM audit_entries")]
    assert sum(groups) == 31
    assert max(groups) == 5


def test_a_wide_request_is_never_torn(open_door: OpenDoor, a_hubspot_event: Any) -> None:
    """The events of one request are recorded in one transaction, also when there are more than a group holds."""
    running = open_door(replace(Limits(), group_events_max=5))
    body = json.dumps([a_hubspot_event(n) for n in range(100)]).encode()
    assert running.hubspot(body).json["accepted"] == 100
    [entry] = running.rows("SELECT detail FROM audit_entries")
    assert json.loads(entry["detail"])["new"] == 100


def test_two_doors_that_meet_on_the_same_events_do_not_deadlock(
    database_url: str, door_over: Any, a_hubspot_event: Any
) -> None:
    """Opposite orders of the same hundred identities at two doors, again and again: only 200s, one row each."""
    forward = [a_hubspot_event(n) for n in range(100)]
    with door_over(database_url) as left, door_over(database_url) as right, ThreadPoolExecutor(8) as senders:
        jobs = []
        for number in range(24):
            door = (left, right)[number % 2]
            batch = forward if number % 4 < 2 else list(reversed(forward))
            jobs.append(senders.submit(door.hubspot, json.dumps(batch).encode()))
        assert {job.result().status for job in jobs} == {200}
        assert left.rows("SELECT count(*), min(deliveries), max(deliveries) FROM events") == [
            {"count": 100, "min": 24, "max": 24}
        ]


def test_a_resting_door_holds_no_locks(running: Any, a_stripe_event: Any) -> None:
    """A migration can have the table at once, both before the first event and after it."""
    for _ in range(2):
        with psycopg.connect(running.url) as connection:
            connection.execute("SET LOCAL lock_timeout = '2s'")
            connection.execute("LOCK TABLE events, payloads IN ACCESS EXCLUSIVE MODE")
            connection.rollback()
        assert running.stripe(a_stripe_event()).status == 200


def test_a_url_as_hosts_hand_it_out_is_understood(database_url: str, door_over: Any, a_stripe_event: Any) -> None:
    """Parameters that only libpq knows do not keep the door from its database."""
    with door_over(f"{database_url}&channel_binding=prefer&connect_timeout=10&application_name=shop") as running:
        assert running.stripe(a_stripe_event()).status == 200
