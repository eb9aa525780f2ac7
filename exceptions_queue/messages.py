"""What a person reads: one case, or their day. Plain lines that mail, Slack and Teams show alike; nothing of a payload.

An address stands alone at the end of its line, so that every program makes a link of it and of nothing more.
"""

from collections.abc import Mapping
from typing import Any

from contracts.money import decimal_text, known_currency
from counterfoil.settings import settings
from exceptions_queue import failures
from exceptions_queue.cases import Stake
from exceptions_queue.channels import Message

_VERBS = {
    "opened": "New case",
    "grew": "Case has grown",
    "assigned": "Case assigned to you",
    "woken": "Case is awake again",
    "lapsed": "Acknowledged, but still open",
    "escalated": "Nobody has answered",
}


def of_case(row: Mapping[str, Any], stake: Stake, token: str | None = None) -> Message:
    """Which case, how much, what to do; with a link to take it, where there is a person to take it."""
    at_stake = amounts(stake.at_stake) or "no amount known"
    known = failures.find(row["failure_class"])
    title, console = one_line(row["title"]), console_address()
    lines = [
        title,
        f"class: {row['failure_class']}    status: {row['case_status']}",
        f"events: {row['events']}, {stake.blocked} blocked now    at stake: {at_stake}",
        f"what to do: {known.advice}" if known is not None else "",
        f"look at it: {console}/cases/{row['case_id']}" if console else "",
        f"I have it: {console}/told/{token}" if console and token else "",
        f"at a terminal: counterfoil cases {row['case_id']}",
    ]
    # These go to the log as they are: the token does not belong here.
    fields = {
        "case_id": str(row["case_id"]),
        "kind": row["kind"],
        "recipient": row["recipient"],
        "failure_class": row["failure_class"],
        "blocked": stake.blocked,
        "at_stake": at_stake,
    }
    return Message(f"{_VERBS.get(row['kind'], 'Case')}: {title}", "\n".join(filter(None, lines)), fields)


def of_day(row: Mapping[str, Any]) -> Message:
    """The digest as it was written when the day's was made."""
    fields = {"kind": row["kind"], "recipient": row["recipient"], "cases": row["digest_cases"]}
    return Message(row["digest_title"], row["digest_body"], fields)


def console_address() -> str | None:
    """Where the console is; None where nobody told us and a guess would lead people to the wrong place."""
    config = settings()
    return None if config.is_production and config.console_url is None else config.console_address


def amounts(by_currency: Mapping[str, int]) -> str:
    """Money as people write it, every currency; empty when there is none."""
    return ", ".join(_shown(amount, currency) for currency, amount in by_currency.items())


def one_line(text: str) -> str:
    """A title cannot begin a line of its own: the lines are ours."""
    return " ".join(text.split())


def _shown(amount_minor: int, currency: str) -> str:
    if known_currency(currency):
        return f"{decimal_text(amount_minor, currency.upper())} {currency.upper()}"
    return f"{amount_minor} minor units of {currency}"
