"""The built-in books: a double-entry journal in our own database, written in the transaction that completes the run.

Debit is positive, credit negative; every entry comes to zero, which the database holds (`migrations/sql/books.sql`),
not this file. Entries are never changed: a mistake is answered by a reversing entry. The entry's id is the write's.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from contracts.money import AMOUNT_MINOR_MAX, DECIMALS, Money
from counterfoil.database import Connection
from destinations.base import Effect, EffectInvalid, Receipt, Safety
from destinations.chart import chart

NAME = "books"
POST_ENTRY = "post_entry"

#: A journal entry is read by people; what needs more lines than this is an import, not an event.
LINES_MAX = 1000
MEMO_LENGTH_MAX = 500
#: A provider's id as it also stands as a link in a plain-text ledger.
_DOCUMENT = re.compile(r"[A-Za-z0-9_.-]{1,100}", re.ASCII)

#: Rows fetched per round trip while reading the journal, so that a large one is not held in memory.
_ROWS_PER_FETCH = 2000


class JournalLine(NamedTuple):
    """One line as a handler wants it: debit positive, credit negative."""

    account: str
    amount_minor: int
    memo: str | None = None


def journal(
    *,
    key: str,
    subject: str,
    on: date,
    memo: str,
    amount: Money,
    lines: Sequence[JournalLine],
    refers_to: str | None = None,
    evidence: dict[str, Any] | None = None,
) -> Effect:
    """The effect of posting one entry in the currency of `amount` (which is what caps and approvals look at).

    `refers_to` names the document that the entry is about or takes back, by the provider's id.

    Raises: EffectInvalid, so that a handler whose entry does not balance fails where it is built.
    """
    body: dict[str, Any] = {
        "date": on.isoformat(),
        "memo": memo,
        "currency": amount.currency,
        "lines": [{"account": line.account, "amount_minor": line.amount_minor, "memo": line.memo} for line in lines],
    }
    if refers_to is not None:
        body["refers_to"] = refers_to
    effect = Effect(NAME, POST_ENTRY, key, subject, amount, body, evidence or {})
    DESTINATION.check(effect)
    return effect


class Books:
    """The destination; its safety is the transaction it shares with the run."""

    name = NAME
    safety: Safety = "same_transaction"

    def check(self, effect: Effect) -> None:
        """Raises: EffectInvalid, with every problem."""
        problems = list(_problems(effect))
        if problems:
            raise EffectInvalid(effect.key, problems)

    def apply_many(self, conn: Connection, effects: Mapping[UUID, Effect]) -> dict[UUID, Receipt]:
        """Post all entries in one statement; a key that is posted is compared, never posted again."""
        # Sorted, so that two groups with common keys wait for each other instead of locking crosswise.
        entries = sorted(effects.items(), key=lambda item: item[1].key)
        accounts = {line["account"] for _, effect in entries for line in effect.body["lines"]}
        opened = _json([chart().accounts[code] for code in sorted(accounts)])
        rows = _json([{"id": id, "write_key": effect.key, **effect.body} for id, effect in entries])
        found = conn.execute(_POST, (opened, rows)).fetchone()
        written = set(found["ids"] or ()) if found else set[UUID]()
        receipts = {id: Receipt("written", str(id)) for id in written}
        if len(written) == len(entries):
            return receipts
        return receipts | _standing(conn, {id: effect for id, effect in entries if id not in written})

    def inverse(self, effect: Effect, *, on: date) -> Effect:
        """The reversing entry: the same lines with their signs turned, as of `on`; both entries stay."""
        lines = [{**line, "amount_minor": -line["amount_minor"]} for line in effect.body["lines"]]
        body = {**effect.body, "date": on.isoformat(), "memo": _reversal_memo(effect.body["memo"]), "lines": lines}
        return Effect(NAME, POST_ENTRY, effect.key, effect.subject, effect.amount, body)


DESTINATION = Books()


def _reversal_memo(memo: str) -> str:
    return f"Reversal of: {memo}"[:MEMO_LENGTH_MAX]


def _problems(effect: Effect) -> Iterator[str]:
    body = effect.body
    if effect.operation != POST_ENTRY:
        yield f"the books know {POST_ENTRY}, not {effect.operation}"
    try:
        date.fromisoformat(body.get("date", ""))
    except (TypeError, ValueError):
        yield f"date {body.get('date')!r} is no day"
    if body.get("currency") not in DECIMALS:
        yield f"currency {body.get('currency')!r} is unknown"
    elif effect.amount is None or effect.amount.currency != body["currency"]:
        yield "the amount of the effect is not in the entry's currency"
    if not _readable(body.get("memo")):
        yield f"memo is 1 to {MEMO_LENGTH_MAX} printable characters"
    document = body.get("refers_to")
    if document is not None and not (isinstance(document, str) and _DOCUMENT.fullmatch(document)):
        yield "what the entry refers to is an id: up to 100 letters, digits, underscores, dots and dashes"
    lines = body.get("lines")
    if not isinstance(lines, list) or not 2 <= len(lines) <= LINES_MAX:
        yield f"an entry has 2 to {LINES_MAX} lines"
        return
    # Written out, because every effect passes here, and a generator per line and memo costs twice as much.
    accounts = chart().accounts
    for number, line in enumerate(lines, 1):
        amount, account, memo = line.get("amount_minor"), line.get("account"), line.get("memo")
        if type(amount) is not int or not 0 < abs(amount) <= AMOUNT_MINOR_MAX:
            yield f"line {number}: the amount is a whole number, not zero, up to {AMOUNT_MINOR_MAX} either way"
        if account not in accounts:
            yield f"line {number}: account {account!r} is not in the chart"
        if memo is not None and not _readable(memo):
            yield f"line {number}: memo is 1 to {MEMO_LENGTH_MAX} printable characters"
    amounts = [line.get("amount_minor") for line in lines]
    if all(type(amount) is int for amount in amounts) and sum(amounts):
        yield f"the lines do not balance: {sum(amounts)} over"


def _readable(memo: object) -> bool:
    return isinstance(memo, str) and len(memo) <= MEMO_LENGTH_MAX and memo.isprintable() and bool(memo.strip())


# Lines are posted for the entries that are new, so that a key that stands gets nothing twice.
_POST = """
WITH opened AS (
    INSERT INTO books_accounts (code, kind, title)
    SELECT code, kind, title FROM jsonb_to_recordset(%s::jsonb) AS r(code text, kind text, title text) ORDER BY code
    ON CONFLICT (code) DO NOTHING
), given AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS r(id uuid, write_key text, date date, memo text, currency text,
         refers_to text, lines jsonb)
), posted AS (
    INSERT INTO books_entries (id, write_key, entry_date, memo, currency, refers_to)
    SELECT id, write_key, date, memo, currency, refers_to FROM given ORDER BY write_key
    ON CONFLICT (write_key) DO NOTHING
    RETURNING id
), lined AS (
    INSERT INTO books_lines (entry_id, position, account, amount_minor, currency, memo)
    SELECT g.id, l.position, l.account, l.amount_minor, g.currency, l.memo
    FROM given g,
         ROWS FROM (jsonb_to_recordset(g.lines) AS (account text, amount_minor bigint, memo text))
         WITH ORDINALITY AS l(account, amount_minor, memo, position)
    WHERE g.id = ANY (ARRAY(SELECT id FROM posted))
)
SELECT array_agg(id) AS ids FROM posted
"""

_STANDING = """
SELECT e.id, e.write_key, e.entry_date, e.memo, e.currency, e.refers_to,
       jsonb_agg(jsonb_build_array(l.account, l.amount_minor, l.memo) ORDER BY l.position) AS lines
FROM books_entries e JOIN books_lines l ON l.entry_id = e.id
WHERE e.write_key = ANY(%s) GROUP BY e.id
"""


def _json(rows: Sequence[Any]) -> str:
    return msgspec.json.encode(rows).decode()


def _standing(conn: Connection, effects: Mapping[UUID, Effect]) -> dict[UUID, Receipt]:
    """Receipts for keys that were posted before, with the same content or another."""
    if not effects:
        return {}
    rows = conn.execute(_STANDING, ([effect.key for effect in effects.values()],)).fetchall()
    posted = {row["write_key"]: row for row in rows}
    return {id: _compared(posted[effect.key], effect.body) for id, effect in effects.items()}


def _compared(row: Mapping[str, Any], body: Mapping[str, Any]) -> Receipt:
    stands = (row["entry_date"].isoformat(), row["memo"], row["currency"], row["refers_to"], row["lines"])
    lines = [[line["account"], line["amount_minor"], line.get("memo")] for line in body["lines"]]
    same = stands == (body["date"], body["memo"], body["currency"], body.get("refers_to"), lines)
    return Receipt("already" if same else "different", str(row["id"]))


class Balance(NamedTuple):
    """One line of the trial balance."""

    account: str
    kind: str
    title: str
    currency: str
    balance_minor: int
    lines: int


def trial_balance(conn: Connection, *, until: date | None = None) -> list[Balance]:
    """Every account's balance per currency, up to and including a day; per currency the balances come to zero."""
    rows = conn.execute(
        """
        SELECT l.account, a.kind, a.title, l.currency, sum(l.amount_minor)::bigint AS balance_minor, count(*) AS lines
        FROM books_lines l JOIN books_accounts a ON a.code = l.account JOIN books_entries e ON e.id = l.entry_id
        WHERE %(until)s::date IS NULL OR e.entry_date <= %(until)s::date
        GROUP BY l.account, a.kind, a.title, l.currency
        ORDER BY array_position(ARRAY['asset', 'liability', 'equity', 'income', 'expense'], a.kind), l.account,
                 l.currency
        """,
        {"until": until},
    ).fetchall()
    return [Balance(**row) for row in rows]


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """One entry as it stands in the books."""

    id: UUID
    write_key: str
    entry_date: date
    memo: str
    currency: str
    refers_to: str | None
    lines: tuple[JournalLine, ...]


def posted_entries(conn: Connection) -> Iterator[PostedEntry]:
    """The whole journal by day, streamed, as one consistent picture."""
    with conn.cursor(name="books_journal") as cursor:
        cursor.itersize = _ROWS_PER_FETCH
        cursor.execute(
            """
            SELECT e.id, e.write_key, e.entry_date, e.memo, e.currency, e.refers_to,
                   (SELECT jsonb_agg(jsonb_build_array(l.account, l.amount_minor, l.memo) ORDER BY l.position)
                    FROM books_lines l WHERE l.entry_id = e.id) AS lines
            FROM books_entries e ORDER BY e.entry_date, e.id
            """
        )
        for row in cursor:
            yield PostedEntry(**{**row, "lines": tuple(JournalLine(*line) for line in row["lines"])})


def opened_accounts(conn: Connection) -> list[tuple[str, str, date]]:
    """Accounts with lines: code, title and the day of the first."""
    rows = conn.execute(
        """
        SELECT a.code, a.title, min(e.entry_date) AS first
        FROM books_lines l JOIN books_entries e ON e.id = l.entry_id JOIN books_accounts a ON a.code = l.account
        GROUP BY a.code, a.title ORDER BY a.code
        """
    ).fetchall()
    return [(row["code"], row["title"], row["first"]) for row in rows]
