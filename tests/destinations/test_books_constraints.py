"""The database holds the books, whoever writes: these tests speak SQL and bypass all our code.

Remove a trigger from `migrations/sql/books.sql` and the test of its name fails.
"""

from uuid import UUID

import psycopg
import pytest

from counterfoil import keys
from counterfoil.database import Connection

ENTRY = "INSERT INTO books_entries (id, write_key, entry_date, memo, currency) VALUES (%s, %s, '2026-11-02', 'm', %s)"
LINE = "INSERT INTO books_lines (entry_id, position, account, amount_minor, currency) VALUES "


@pytest.fixture
def books(conn: Connection) -> Connection:
    """Books with two accounts and nothing else."""
    conn.execute(
        "INSERT INTO books_accounts (code, kind, title) VALUES ('Assets:A', 'asset', 'a'), ('Income:B', 'income', 'b')"
    )
    conn.commit()
    return conn


def _entry(conn: Connection, currency: str = "EUR") -> UUID:
    id = keys.new_id()
    conn.execute(ENTRY, (id, f"books:{id}", currency))
    return id


def _lines(conn: Connection, entry: UUID, *rows: tuple[int, str, int, str]) -> None:
    values = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    conn.execute(LINE + values, [value for row in rows for value in (entry, *row)])


def _post(conn: Connection) -> UUID:
    """A proper entry, committed."""
    entry = _entry(conn)
    _lines(conn, entry, (1, "Assets:A", 100, "EUR"), (2, "Income:B", -100, "EUR"))
    conn.commit()
    return entry


def test_a_balanced_entry_is_accepted(books: Connection) -> None:
    """The triggers do not stand in the way of what is right."""
    _post(books)


@pytest.mark.parametrize("amounts", [(100, -99), (100, 100), (-1, -1), (9 * 10**18, 9 * 10**18)])
def test_an_unbalanced_entry_is_impossible(books: Connection, amounts: tuple[int, int]) -> None:
    """Off by one, one-sided, or so large that a 64-bit sum would wrap."""
    entry = _entry(books)
    with pytest.raises(psycopg.errors.CheckViolation, match="does not balance"):
        _lines(books, entry, (1, "Assets:A", amounts[0], "EUR"), (2, "Income:B", amounts[1], "EUR"))


def test_an_entry_without_lines_is_impossible(books: Connection) -> None:
    """Found at the commit, because the lines come after it."""
    _entry(books)
    with pytest.raises(psycopg.errors.CheckViolation, match="has no lines"):
        books.commit()


def test_a_single_line_is_impossible(books: Connection) -> None:
    """Double entry has two sides."""
    entry = _entry(books)
    with pytest.raises(psycopg.errors.CheckViolation):
        _lines(books, entry, (1, "Assets:A", 100, "EUR"))


def test_a_line_of_zero_is_impossible(books: Connection) -> None:
    """It says nothing."""
    entry = _entry(books)
    with pytest.raises(psycopg.errors.CheckViolation, match="books_lines_not_zero"):
        _lines(books, entry, (1, "Assets:A", 0, "EUR"), (2, "Income:B", 0, "EUR"))


def test_currencies_do_not_mix(books: Connection) -> None:
    """Neither among the lines nor between lines and entry, even where each currency balances."""
    rows = [(1, "Assets:A", 100, "USD"), (2, "Income:B", -100, "USD")]
    with pytest.raises(psycopg.errors.CheckViolation, match="every line must be"):
        _lines(books, _entry(books), *rows)
    books.rollback()
    with pytest.raises(psycopg.errors.CheckViolation, match="every line must be"):
        _lines(books, _entry(books), *rows, (3, "Assets:A", 5, "EUR"), (4, "Income:B", -5, "EUR"))


def test_an_account_outside_the_chart_is_impossible(books: Connection) -> None:
    """Lines refer to accounts."""
    entry = _entry(books)
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        _lines(books, entry, (1, "Assets:A", 1, "EUR"), (2, "Income:Nowhere", -1, "EUR"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE books_lines SET amount_minor = amount_minor * 2",
        "UPDATE books_lines SET account = 'Income:B'",
        "UPDATE books_lines SET memo = 'better'",
        "DELETE FROM books_lines",
        "TRUNCATE books_lines",
        "UPDATE books_entries SET entry_date = '2020-01-01'",
        "UPDATE books_entries SET posted_at = now()",
        "DELETE FROM books_entries",
        "TRUNCATE books_entries CASCADE",
        "UPDATE books_accounts SET kind = 'expense' WHERE code = 'Assets:A'",
        "UPDATE books_accounts SET code = 'Assets:Z' WHERE code = 'Assets:A'",
        "DELETE FROM books_accounts",
        "TRUNCATE books_accounts CASCADE",
    ],
)
def test_what_is_posted_stands(books: Connection, sql: str) -> None:
    """No statement changes, moves or removes it."""
    _post(books)
    with pytest.raises(psycopg.errors.RestrictViolation, match="append-only"):
        books.execute(sql)


def test_an_account_may_get_a_better_title(books: Connection) -> None:
    """A title is for reading; nothing posted depends on it."""
    books.execute("UPDATE books_accounts SET title = 'better' WHERE code = 'Assets:A'")
    books.commit()


def test_nothing_is_added_to_a_posted_entry(books: Connection) -> None:
    """Not even what balances: it would change what the entry says."""
    entry = _post(books)
    with pytest.raises(psycopg.errors.RestrictViolation, match="is posted"):
        _lines(books, entry, (3, "Assets:A", 5, "EUR"), (4, "Income:B", -5, "EUR"))


def test_a_balanced_start_does_not_cover_a_crooked_rest(books: Connection) -> None:
    """Lines added later in the same transaction are judged together with the first."""
    entry = _entry(books)
    _lines(books, entry, (1, "Assets:A", 100, "EUR"), (2, "Income:B", -100, "EUR"))
    books.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with pytest.raises(psycopg.errors.CheckViolation, match="does not balance"):
        _lines(books, entry, (3, "Assets:A", 5, "EUR"))


def test_an_entry_cannot_be_kept_open_by_its_date_of_posting(books: Connection) -> None:
    """posted_at is the transaction's own time; a time in the future would let lines in later."""
    id = keys.new_id()
    later = ENTRY.replace("currency)", "currency, posted_at)").replace("%s)", "%s, '2099-01-01T00:00:00Z')")
    books.execute(later, (id, f"books:{id}", "EUR"))
    with pytest.raises(psycopg.errors.RestrictViolation, match="is posted"):
        _lines(books, id, (1, "Assets:A", 1, "EUR"), (2, "Income:B", -1, "EUR"))
    books.rollback()
    books.execute(later, (id, f"books:{id}", "EUR"))
    with pytest.raises(psycopg.errors.CheckViolation, match="at the time of its transaction"):
        books.commit()


def test_lines_inside_a_savepoint_are_lines_of_the_transaction(books: Connection) -> None:
    """The engine works in savepoints; the books do not mind."""
    with books.transaction():
        entry = _entry(books)
        _lines(books, entry, (1, "Assets:A", 100, "EUR"), (2, "Income:B", -100, "EUR"))
    books.commit()
