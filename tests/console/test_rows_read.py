"""How many rows an answer reads: as many as it may look through, however many there are and whatever of them fits.

A field without an index, a thing that thousands of events name, or something that nobody was ever told once read all of
them.
"""

from collections.abc import Callable
from typing import Any

import pytest
from plans import Read, reads

from console.asks import CasesAsk, EventsAsk, WritesAsk
from console.queries import blocking, cases, events, finding, learning, page, receipts, subjects, writes
from counterfoil import database
from exceptions_queue import owners

Connection = database.Connection

EVENTS, CASES = 12_000, 3_000
#: Everything that is looked through at once is a hundredth of what it is for people; no part of a plan reads more rows.
READ_MAX = 900
#: Which kinds of case there are is read from an index, and kept where there are many.
KINDS = ("cases_desk", "cases_closed")
#: What a case holds up is added up over all that it blocks, in an index.
SUM = "sum(case_events.amount_minor)"

_PAST = """
SET LOCAL session_replication_role = replica;
CREATE FUNCTION pg_temp.id_at(n int) RETURNS uuid LANGUAGE sql AS $$
    SELECT (lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint - 3456000000 + n * 1000), 12, '0') || '7000'
            || lpad(to_hex(n), 16, '8'))::uuid $$;
INSERT INTO events (id, source, provider, key, type, subject, status, received_at)
SELECT pg_temp.id_at(n), 'stripe', 'stripe', 'evt_' || n, 'invoice.paid',
       CASE WHEN n % 2 = 0 THEN 'stripe:in_big' ELSE 'stripe:in_' || n END, 'done',
       now() - interval '40 days' + n * interval '1 second' FROM generate_series(1, {events}) n;
INSERT INTO mentions (kind, value, amount_minor, event_id)
SELECT m.kind, m.value, m.minor, pg_temp.id_at(n) FROM generate_series(1, {events}) n, LATERAL (VALUES
    ('id', 'cus_' || n, 0), ('id', CASE WHEN n < 6000 THEN 'cus_big' ELSE 'cus_other' END, 0),
    ('name', CASE WHEN n < 6000 THEN 'acme' ELSE 'other' END, 0), ('amount', 'EUR', n)) AS m(kind, value, minor);
INSERT INTO writes (id, key, destination, operation, status, subject, digest, event_id, handler, amount_minor, currency,
                    created_at, confirmed_at)
SELECT pg_temp.id_at(n), 'books:' || n, 'books', 'post_entry', 'confirmed', 'stripe:in_big', 'd', pg_temp.id_at(n),
       'invoice_paid', n, 'EUR', now() - interval '40 days', now() - interval '40 days'
FROM generate_series(1, {events}) n;
INSERT INTO cases (id, failure_class, fingerprint, title, status, source, handler, events, opened_at, due_at, closed_at)
SELECT pg_temp.id_at(c), CASE WHEN c % 3 = 0 THEN 'write_refused' ELSE 'contract_violation' END, c::text, 'A case',
       CASE WHEN c % 10 < 3 THEN 'open' ELSE 'resolved' END, 'stripe', 'invoice_paid', 1,
       now() - interval '40 days', now(), CASE WHEN c % 10 >= 3 THEN now() - interval '39 days' END
FROM generate_series(1, {cases}) c;
INSERT INTO case_events (case_id, event_id, amount_minor, currency, cleared_at)
SELECT pg_temp.id_at(CASE WHEN n <= 4000 THEN 1 ELSE 1 + n % {cases} END), pg_temp.id_at(n), 100, 'EUR',
       CASE WHEN n > 4000 AND (1 + n % {cases}) % 10 >= 3 THEN now() END FROM generate_series(1, {events}) n;
INSERT INTO notifications (id, case_id, kind, recipient, channel, status)
SELECT pg_temp.id_at(n), pg_temp.id_at(1), 'opened', 'fiona', 'log://', 'sent' FROM generate_series(1, {events}) n;
"""


@pytest.fixture
def past(conn: Connection, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """Forty days ago many things happened."""
    conn.commit()
    conn.execute(_PAST.format(events=EVENTS, cases=CASES))
    conn.execute("ANALYZE")
    conn.commit()
    # Tables of this size are read whole where an index would serve: that is what is wanted to be seen.
    conn.execute("SET enable_seqscan = off")
    conn.commit()
    for module, name, value in (
        (page, "LOOKED_ROWS", (20, 200)),
        (page, "PROBED_ROWS", (5, 50)),
        (page, "LATELY_ROWS", 100),
        (finding, "FEW", 50),
        (blocking, "PORTION", 200),
    ):
        monkeypatch.setattr(module, name, value)
    return conn


def _list(read: Callable[[Any], Any], ask: type[Any], q: str) -> Callable[[], Any]:
    return lambda: read(ask(q=q, limit=10))


def _reached() -> Any:
    with database.transaction() as conn:
        return receipts.last(conn, owners.roster())


def _large_case() -> Any:
    with database.transaction() as conn:
        row = conn.execute("SELECT id FROM cases ORDER BY id LIMIT 1").fetchone()
    assert row is not None
    return cases.find(row["id"], brief=25)


def _learning() -> Any:
    with database.transaction() as conn:
        return learning.read(conn, "revenue_category")


LISTS: tuple[tuple[Callable[[Any], Any], type[Any], tuple[str, ...]], ...] = (
    (
        events.find_page,
        EventsAsk,
        (
            "source:nowhere", "type:nothing status:waiting", "destination:nowhere", "operation:none", "amount>1",
            "amount>1 type:nothing", "customer:cus_big", "customer:cus_big type:nothing", "customer:acme",
            "customer:cus_7",
            "class:contract_violation", "class:write_refused type:nothing", "owner:rhea", "owner:nobody",
            "subject:stripe:in_big type:nothing", "no-such-word", "cus_big nothing", "acme nothing",
        ),
    ),
    (
        writes.find_page,
        WritesAsk,
        (
            "type:nothing", "source:nowhere", "amount:99999", "customer:cus_big", 
            "class:contract_violation type:nothing", "no-such-word",
        ),
    ),
    (cases.find_page, CasesAsk, ("type:nothing", "customer:cus_big", "subject:stripe:in_big", "acme nothing")),
)  # fmt: skip
PAGES: dict[str, Callable[[], Any]] = {
    "a thing that thousands of events name": lambda: subjects.find("cus_big"),
    "a thing that thousands of events and writes are about": lambda: subjects.find("stripe:in_big"),
    "a case of thousands of events": _large_case,
    "how people are reached": _reached,
    "what a question was taught": _learning,
}


def test_no_list_reads_more_than_it_may_look_through(
    past: Connection, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """Of fields with an index and without, of what is frequent, of what was long ago, of what there is none of."""
    for read, ask, texts in LISTS:
        for q in texts:
            with subtests.test(f"{ask.__name__} {q}"):
                _expect_few(reads(monkeypatch, past, _list(read, ask, q)))


def test_no_page_reads_all_of_a_thing_to_show_its_newest(
    past: Connection, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    """A customer of many years, a person who is never told anything."""
    for name, answer in PAGES.items():
        with subtests.test(name):
            _expect_few(reads(monkeypatch, past, answer))


def _expect_few(read: list[Read]) -> None:
    read = [one for one in read if not one.part.endswith(KINDS) and SUM not in one.sql]
    assert [one for one in read if one.rows > READ_MAX] == []
