"""The chart of accounts: which accounts exist, of which kind, and where revenue of each category goes.

Read once from `chart.toml` beside it, and refused as a whole when a line of it makes no sense.
"""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources

#: The first part of a code and the kind it stands for; these five are also what beancount knows.
KINDS = {
    "Assets": "asset",
    "Liabilities": "liability",
    "Equity": "equity",
    "Income": "income",
    "Expenses": "expense",
}

#: What both the books and beancount accept: parts that begin with a capital or digit, letters, digits and dashes.
_CODE = re.compile(rf"(?:{'|'.join(KINDS)})(?::[A-Z0-9][A-Za-z0-9-]*)+")

CLEARING = "Assets:Stripe:Clearing"
OUTSIDE = "Assets:OutsideStripe:Clearing"
SALES_TAX = "Liabilities:Tax:Sales"
CUSTOMER_CREDIT = "Liabilities:CustomerCredit"
SHIPPING = "Income:Shipping"
REFUNDS = "Income:Refunds"
CREDIT_NOTES = "Income:CreditNotes"
DISPUTED = "Assets:Stripe:Disputes"
DISPUTE_FEES = "Expenses:Stripe:DisputeFees"
DISPUTES_LOST = "Expenses:DisputesLost"
BANK = "Assets:Bank:InTransit"
STRIPE_FEES = "Expenses:Stripe:Fees"

#: What handlers name; a chart without one of them is refused at start, not at the first event.
_NAMED = (
    *(CLEARING, OUTSIDE, SALES_TAX, CUSTOMER_CREDIT, SHIPPING, REFUNDS, CREDIT_NOTES),
    *(DISPUTED, DISPUTE_FEES, DISPUTES_LOST, BANK, STRIPE_FEES),
)


class ChartBroken(ValueError):
    """The chart of accounts makes no sense; the message lists why."""


@dataclass(frozen=True, slots=True)
class Account:
    code: str
    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    accounts: dict[str, Account]
    revenue: dict[str, str]


@cache
def chart() -> Chart:
    """The chart of this installation. Raises: ChartBroken."""
    return parse(resources.files("destinations").joinpath("chart.toml").read_text("utf-8"))


def parse(text: str) -> Chart:
    """A chart from its file's text. Raises: ChartBroken, naming every fault."""
    data = tomllib.loads(text)
    problems: list[str] = []
    accounts: dict[str, Account] = {}
    for entry in data.get("account", []):
        code, title = str(entry.get("code", "")), str(entry.get("title", ""))
        if not _CODE.fullmatch(code):
            problems.append(f"account {code!r}: begin with one of {', '.join(KINDS)}, then parts like :Stripe")
        elif code in accounts:
            problems.append(f"account {code!r} is there twice")
        else:
            accounts[code] = Account(code, KINDS[code.split(":", 1)[0]], title)
    revenue = {str(category): str(code) for category, code in data.get("revenue", {}).items()}
    for code in (*_NAMED, *revenue.values()):
        if code not in accounts:
            problems.append(f"account {code!r} is used and not in the chart")
    if problems:
        raise ChartBroken("; ".join(problems))
    return Chart(accounts, revenue)


def category_of(account: str) -> str | None:
    """The category of revenue whose account this is; None where it is that of none or of several."""
    found = [category for category, code in chart().revenue.items() if code == account]
    return found[0] if len(found) == 1 else None


def revenue_account(category: str) -> str:
    """The account for a category of revenue; a category without one goes to the account for everything else."""
    revenue = chart().revenue
    return revenue.get(category, revenue["other"])
