"""The books: accounts, entries and lines of a double-entry journal, append-only.

That an entry balances, has lines, keeps one currency and is never changed afterwards is held by triggers
(`migrations/sql/books.sql`), not by the code that writes.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from counterfoil.tables.columns import Moment, moment, one_of


class BooksAccount(SQLModel, table=True):
    """One account of the chart, e.g. `Assets:Stripe:Clearing`."""

    __tablename__ = "books_accounts"
    __table_args__ = (one_of("kind", ("asset", "liability", "equity", "income", "expense"), "books_accounts_kind"),)

    code: str = Field(primary_key=True)
    kind: str
    title: str = Field(sa_type=Text)
    opened_at: Moment = moment(default_now=True)


class BooksEntry(SQLModel, table=True):
    """One journal entry; `write_key` ties it to the write that made it, once."""

    __tablename__ = "books_entries"
    __table_args__ = (
        UniqueConstraint("write_key", name="books_entries_write_key"),
        Index("books_entries_date", "entry_date", "id"),
    )

    id: UUID = Field(primary_key=True)
    write_key: str
    entry_date: date
    memo: str = Field(sa_type=Text)
    currency: str
    #: The document it is about, in the provider's words: `in_…` or `ch_…`; not an entry, which may not be there yet.
    refers_to: str | None = Field(default=None, sa_type=Text)
    event_id: UUID | None = None
    posted_at: Moment = moment(default_now=True)


class BooksLine(SQLModel, table=True):
    """One line: debit positive, credit negative, in minor units of the entry's currency.

    That entry and account exist is checked by the balance trigger, for all lines of a statement at once: foreign keys
    would ask once a line and lock the same few accounts for every entry.
    """

    __tablename__ = "books_lines"
    __table_args__ = (
        CheckConstraint("amount_minor <> 0", name="books_lines_not_zero"),
        Index("books_lines_account", "account"),
    )

    entry_id: UUID = Field(primary_key=True)
    position: int = Field(primary_key=True)
    account: str
    amount_minor: int = Field(sa_type=BigInteger)
    currency: str
    memo: str | None = Field(default=None, sa_type=Text)
