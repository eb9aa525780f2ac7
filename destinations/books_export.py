"""The journal in the two forms that accountants take elsewhere: CSV and a plain-text ledger.

Apart from the books, because a form is no fact: nothing here decides or stores anything.
"""

import csv
from typing import TextIO

from contracts.money import decimal_text
from counterfoil.database import Connection
from destinations.books import opened_accounts, posted_entries

COLUMNS = (
    *("date", "entry", "line", "account", "amount", "currency", "amount_minor"),
    *("memo", "line_memo", "write_key", "refers_to"),
)

#: A spreadsheet takes text that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_csv(conn: Connection, out: TextIO) -> int:
    """One row per line, oldest first; returns how many."""
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    count = 0
    for entry in posted_entries(conn):
        for position, line in enumerate(entry.lines, 1):
            amount = decimal_text(line.amount_minor, entry.currency)
            memo, line_memo = _harmless(entry.memo), _harmless(line.memo or "")
            head = (entry.entry_date.isoformat(), str(entry.id), position, line.account)
            tail = (memo, line_memo, entry.write_key, _harmless(entry.refers_to or ""))
            writer.writerow((*head, amount, entry.currency, line.amount_minor, *tail))
            count += 1
    return count


def export_beancount(conn: Connection, out: TextIO) -> int:
    """The journal in beancount's syntax (https://beancount.github.io/docs/), oldest first; returns the entries."""
    out.write('option "title" "Counterfoil"\n\n')
    for code, title, first in opened_accounts(conn):
        out.write(f"{first.isoformat()} open {code}\n  title: {_quoted(title)}\n")
    count = 0
    for entry in posted_entries(conn):
        # A link joins all entries about one document, whichever came first.
        link = f" ^{entry.refers_to}" if entry.refers_to else ""
        out.write(f"\n{entry.entry_date.isoformat()} * {_quoted(entry.memo)}{link}\n")
        out.write(f"  entry: {_quoted(str(entry.id))}\n  write_key: {_quoted(entry.write_key)}\n")
        for line in entry.lines:
            out.write(f"  {line.account}  {decimal_text(line.amount_minor, entry.currency)} {entry.currency}\n")
            if line.memo:
                out.write(f"    memo: {_quoted(line.memo)}\n")
        count += 1
    return count


def _quoted(text: str) -> str:
    """A beancount string: backslash and quote escaped, on one line."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def _harmless(text: str) -> str:
    return "'" + text if text.startswith(_FORMULA) else text
