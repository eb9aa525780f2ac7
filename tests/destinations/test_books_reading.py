"""Reading the books: the trial balance comes to zero, and both exports say the same as the tables."""

import csv
import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core import data as beans

from contracts.money import Money, decimal_text
from counterfoil import keys
from counterfoil.database import Connection
from destinations import books_export
from destinations.books import DESTINATION, JournalLine, journal, trial_balance

SPITEFUL = [
    'quote " and \\ backslash',
    "=1+1",
    "ünïcödé — ₿ 中文",
    "@SUM(A1)",
    "trailing \\",
    "; comment",
    "#tag ^link",
]


@pytest.fixture
def posted(conn: Connection) -> Connection:
    """Entries in currencies with none, two and three decimals, with memos that forms may stumble over."""
    effects = {}
    for number, (currency, amount) in enumerate(
        [("EUR", 1200), ("JPY", 7), ("KWD", 1), ("ISK", 305), ("USD", 10**15)] * 2
    ):
        memo = SPITEFUL[number % len(SPITEFUL)]
        effects[keys.new_id()] = journal(
            key=f"books:invoice:in_{number}:paid",
            subject="stripe:in",
            on=date(2026, 10, 25 + number % 5),
            memo=memo,
            amount=Money(amount, currency),
            lines=[JournalLine("Assets:Stripe:Clearing", amount, memo), JournalLine("Income:Other", -amount)],
            refers_to=f"in_{number}" if number < 5 else None,
        )
    DESTINATION.apply_many(conn, effects)
    conn.commit()
    return conn


def test_the_trial_balance_comes_to_zero_in_every_currency(posted: Connection) -> None:
    """Every debit has its credit."""
    totals: dict[str, int] = {}
    for row in trial_balance(posted):
        totals[row.currency] = totals.get(row.currency, 0) + row.balance_minor
    assert totals == dict.fromkeys(("EUR", "JPY", "KWD", "ISK", "USD"), 0)


def test_the_trial_balance_may_look_back(posted: Connection) -> None:
    """Up to and including a day; before the first entry there is nothing."""
    assert trial_balance(posted, until=date(2026, 10, 24)) == []
    assert {row.currency for row in trial_balance(posted, until=date(2026, 10, 25))} == {"EUR"}


def test_the_trial_balance_says_account_kind_and_count(posted: Connection) -> None:
    """Assets first, income later."""
    rows = trial_balance(posted)
    assert [row.kind for row in rows] == ["asset"] * 5 + ["income"] * 5
    assert (rows[0].account, rows[0].currency, rows[0].balance_minor, rows[0].lines) == (
        "Assets:Stripe:Clearing",
        "EUR",
        2400,
        2,
    )


def test_csv_has_one_row_per_line_and_sums_to_zero(posted: Connection) -> None:
    """Amounts are exact decimals, and a spreadsheet finds no formula."""
    out = io.StringIO()
    assert books_export.export_csv(posted, out) == 20
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert len(rows) == 20
    assert sum(Decimal(row["amount"]) for row in rows if row["currency"] == "KWD") == 0
    assert {row["amount"] for row in rows if row["currency"] == "KWD"} == {"0.001", "-0.001"}
    assert {row["amount"] for row in rows if row["currency"] == "JPY"} == {"7", "-7"}
    assert not any(row["memo"].startswith(("=", "@")) for row in rows)
    assert {row["refers_to"] for row in rows} == {"", "in_0", "in_1", "in_2", "in_3", "in_4"}


def test_beancount_accepts_the_ledger_and_reads_the_same_balances(posted: Connection, tmp_path: Path) -> None:
    """Its own checker finds no error, and account by account it adds up to our trial balance."""
    path = tmp_path / "books.beancount"
    with path.open("w", encoding="utf-8") as out:
        assert books_export.export_beancount(posted, out) == 10
    entries, errors, _ = loader.load_file(str(path))
    assert errors == []
    transactions = [entry for entry in entries if isinstance(entry, beans.Transaction)]
    assert {entry.narration for entry in transactions} == set(SPITEFUL)
    links = {entry.meta["write_key"]: entry.links for entry in transactions}
    assert (links["books:invoice:in_0:paid"], links["books:invoice:in_5:paid"]) == ({"in_0"}, set())
    found: dict[tuple[str, str], Decimal] = {}
    for entry in transactions:
        for posting in entry.postings:
            place = (posting.account, posting.units.currency)
            found[place] = found.get(place, Decimal()) + posting.units.number
    ours = trial_balance(posted)
    assert found == {(r.account, r.currency): Decimal(decimal_text(r.balance_minor, r.currency)) for r in ours}


def test_empty_books_are_a_valid_ledger(conn: Connection, tmp_path: Path) -> None:
    """The first export comes before the first entry."""
    path = tmp_path / "empty.beancount"
    with path.open("w", encoding="utf-8") as out:
        assert books_export.export_beancount(conn, out) == 0
    assert loader.load_file(str(path))[1] == []
    assert books_export.export_csv(conn, io.StringIO()) == 0
