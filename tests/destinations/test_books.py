"""The books: once per key, in groups, and refused before anything is written when it makes no sense."""

from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from contracts.money import AMOUNT_MINOR_MAX, Money
from counterfoil import keys
from counterfoil.database import Connection
from destinations.base import Effect, EffectInvalid
from destinations.books import DESTINATION, JournalLine, journal, trial_balance


def an_entry(key: str = "books:invoice:in_1:paid", amount: int = 1200, **changes: Any) -> Effect:
    lines = [
        JournalLine("Assets:Stripe:Clearing", amount, "collected"),
        JournalLine("Income:Subscriptions", -(amount - 200), "il_1"),
        JournalLine("Liabilities:Tax:Sales", -200),
    ]
    given = {"key": key, "subject": "stripe:in_1", "on": date(2026, 11, 2), "memo": "Invoice 1 paid"}
    return journal(**{**given, "amount": Money(amount, "EUR"), "lines": lines, **changes})


def _group(*effects: Effect) -> dict[UUID, Effect]:
    return {keys.new_id(): effect for effect in effects}


def _count(conn: Connection, table: str) -> int:
    row = conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
    assert row is not None
    return int(row["n"])


def test_a_group_is_posted_in_one_go(conn: Connection) -> None:
    """Every effect gets its receipt, and the entry's id is the write's."""
    group = _group(*(an_entry(f"books:invoice:in_{n}:paid") for n in range(50)))
    receipts = DESTINATION.apply_many(conn, group)
    conn.commit()
    assert {id: receipt.reference for id, receipt in receipts.items()} == {id: str(id) for id in group}
    assert {receipt.status for receipt in receipts.values()} == {"written"}
    assert (_count(conn, "books_entries"), _count(conn, "books_lines")) == (50, 150)


def test_a_group_costs_the_same_number_of_statements_whatever_its_size(conn: Connection) -> None:
    """One statement for the whole group; a statement per entry would be the old way."""
    conn.cursor_factory = CountingCursor
    counts = []
    for size in (1, 40):
        CountingCursor.executed = 0
        DESTINATION.apply_many(conn, _group(*(an_entry(f"books:invoice:in_{size}_{n}:paid") for n in range(size))))
        counts.append(CountingCursor.executed)
    assert counts == [1, 1]


class CountingCursor(psycopg.Cursor[Any]):
    """A cursor that counts what it sends."""

    executed = 0

    def execute(self, *args: Any, **kwargs: Any) -> "CountingCursor":
        CountingCursor.executed += 1
        return super().execute(*args, **kwargs)


def test_applying_twice_writes_once(conn: Connection) -> None:
    """The key is the identity: the second write finds the first, whatever its own id is."""
    first = DESTINATION.apply_many(conn, _group(an_entry()))
    again = DESTINATION.apply_many(conn, _group(an_entry()))
    conn.commit()
    (one,), (two,) = first.values(), again.values()
    assert (one.status, two.status) == ("written", "already")
    assert one.reference == two.reference
    assert _count(conn, "books_entries") == 1


def test_other_content_under_a_key_is_told_and_not_written(conn: Connection) -> None:
    """Two amounts for one fact are a contradiction for a person, not an update."""
    DESTINATION.apply_many(conn, _group(an_entry(amount=1200)))
    (receipt,) = DESTINATION.apply_many(conn, _group(an_entry(amount=1300))).values()
    assert receipt.status == "different"
    assert [balance.balance_minor for balance in trial_balance(conn) if balance.kind == "asset"] == [1200]


def test_two_workers_with_one_key_write_once(conn: Connection, database_url: str) -> None:
    """The second waits for the first to commit and then finds its entry."""
    DESTINATION.apply_many(conn, _group(an_entry()))
    with psycopg.connect(database_url, row_factory=psycopg.rows.dict_row) as other:
        other.execute("SET lock_timeout = '200ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            DESTINATION.apply_many(other, _group(an_entry()))
        other.rollback()
        conn.commit()
        (receipt,) = DESTINATION.apply_many(other, _group(an_entry())).values()
        assert receipt.status == "already"


def test_what_an_entry_refers_to_stands_and_counts_as_content(conn: Connection) -> None:
    """The document's id is kept; the same entry about another document is another entry."""
    DESTINATION.apply_many(conn, _group(an_entry(refers_to="in_1")))
    assert conn.execute("SELECT refers_to FROM books_entries").fetchall() == [{"refers_to": "in_1"}]
    for document, status in (("in_1", "already"), ("in_2", "different"), (None, "different")):
        (receipt,) = DESTINATION.apply_many(conn, _group(an_entry(refers_to=document))).values()
        assert receipt.status == status


def test_what_is_rolled_back_was_never_posted(conn: Connection) -> None:
    """The entry lives and dies with the transaction of the run, accounts included."""
    DESTINATION.apply_many(conn, _group(an_entry()))
    conn.rollback()
    assert (_count(conn, "books_entries"), _count(conn, "books_lines"), _count(conn, "books_accounts")) == (0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"lines": [JournalLine("Assets:Stripe:Clearing", 5), JournalLine("Income:Other", -4)]}, "balance: 1 over"),
        ({"lines": [JournalLine("Assets:Stripe:Clearing", 5)]}, "2 to 1000 lines"),
        ({"lines": []}, "2 to 1000 lines"),
        ({"lines": [JournalLine("Assets:Nowhere", 5), JournalLine("Income:Other", -5)]}, "not in the chart"),
        ({"lines": [JournalLine("Income:Other", 0), JournalLine("Income:Other", 0)]}, "not zero"),
        ({"lines": [JournalLine("Income:Other", 5.0), JournalLine("Income:Other", -5)]}, "whole number"),  # type: ignore[arg-type]
        ({"lines": [JournalLine("Income:Other", True), JournalLine("Income:Other", -1)]}, "whole number"),
        (
            {
                "lines": [
                    JournalLine("Income:Other", AMOUNT_MINOR_MAX + 1),
                    JournalLine("Income:Usage", -AMOUNT_MINOR_MAX - 1),
                ]
            },
            "whole number",
        ),
        ({"memo": " "}, "memo"),
        ({"memo": "two\nlines"}, "memo"),
        ({"memo": "nul\x00"}, "memo"),
        ({"memo": "x" * 501}, "memo"),
        ({"refers_to": ""}, "refers to"),
        ({"refers_to": "in_1 ^in_2"}, "refers to"),
        ({"refers_to": "in_é"}, "refers to"),
        ({"key": "clé"}, "printable ASCII"),
        ({"key": ""}, "printable ASCII"),
        ({"key": "k" * 256}, "printable ASCII"),
    ],
)
def test_an_entry_that_makes_no_sense_is_refused_where_it_is_built(changes: dict[str, Any], problem: str) -> None:
    """The handler that builds it fails, not the commit."""
    with pytest.raises(EffectInvalid, match=problem):
        an_entry(**changes)


@pytest.mark.parametrize(
    ("member", "value", "problem"),
    [
        ("date", "02.11.2026", "no day"),
        ("date", None, "no day"),
        ("currency", "XYZ", "unknown"),
        ("currency", "USD", "not in the entry's currency"),
        ("lines", None, "2 to 1000 lines"),
        ("memo", 7, "memo"),
    ],
)
def test_an_effect_made_by_hand_is_checked_as_well(member: str, value: object, problem: str) -> None:
    """The gate sees effects that did not come through the helper."""
    effect = an_entry()
    forged = Effect("books", "post_entry", effect.key, "s", effect.amount, {**effect.body, member: value})
    with pytest.raises(EffectInvalid, match=problem):
        DESTINATION.check(forged)


def test_all_problems_are_listed() -> None:
    """One pass over a bad entry finds everything."""
    with pytest.raises(EffectInvalid) as invalid:
        an_entry(memo="", lines=[JournalLine("Nowhere", 0), JournalLine("Income:Other", 5)])
    assert len(invalid.value.problems) == 4


def test_the_digest_is_of_what_is_written() -> None:
    """Evidence may change without making another write of it; an amount may not."""
    assert an_entry().digest == an_entry(evidence={"why": "later"}).digest
    assert an_entry().digest != an_entry(memo="Invoice 2 paid").digest
    assert Effect.from_json(an_entry().as_json()).digest == an_entry().digest
