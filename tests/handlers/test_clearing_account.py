"""Whatever happens at Stripe and however it is told, the books hold what Stripe holds."""

from collections.abc import Callable
from typing import Any

from company_at_stripe import Company
from hypothesis import given
from hypothesis import strategies as st

from engine import Plan, Skip

Planned = Callable[..., Any]

small = st.integers(1, 10**6)
share = st.integers(1, 100)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("pay"), small, st.integers(0, 10**5)),
        st.tuples(st.just("refund"), st.integers(0, 9), share),
        st.tuples(st.just("fail"), st.integers(0, 9), share),
        st.tuples(st.just("note"), st.integers(0, 9), share, share, share),
        st.tuples(st.just("dispute"), st.integers(0, 9), st.integers(0, 3000)),
        st.tuples(st.just("close"), st.integers(0, 9), st.booleans()),
    ),
    min_size=1,
    max_size=25,
)


def _lived(currency: str, happened: list[Any]) -> Company:
    """A company to which all this happened, as far as it could."""
    company = Company(currency)
    company.pay(10_000, 1_900)
    for what, *how in happened:
        charge = company.charges[how[0] % len(company.charges)]
        open_part = 0 if charge.disputed else charge.left
        match what:
            case "pay":
                company.pay(*how)
            case "refund" if open_part:
                company.refund(charge, max(1, open_part * how[1] // 100))
            case "fail" if company.refunds:
                company.fail(how[0] % len(company.refunds))
            case "note" if charge.gross > charge.noted:
                _note(company, charge, *how[1:])
            case "dispute" if open_part:
                company.dispute(charge, how[1])
            case "close" if company.disputes:
                company.close(how[0] % len(company.disputes), how[1])
    return company


def _note(company: Company, charge: Any, part: int, refunded: int, outside: int) -> None:
    total = max(1, (charge.gross - charge.noted) * part // 100)
    tax = total * 19 // 119
    refund = min(total * refunded // 100, 0 if charge.disputed else charge.left)
    company.note(charge, total - tax, tax, refund, (total - refund) * outside // 100)


class Books:
    """Keys and contents as the ledger keeps them: the first stands, what contradicts it is for a person."""

    def __init__(self) -> None:
        self.written: dict[str, Any] = {}
        self.contradicting: dict[str, Any] = {}

    def take(self, outcome: Any) -> None:
        assert isinstance(outcome, Plan | Skip), outcome
        for effect in outcome.effects if isinstance(outcome, Plan) else ():
            assert sum(line["amount_minor"] for line in effect.body["lines"]) == 0
            if self.written.setdefault(effect.key, effect).digest != effect.digest:
                self.contradicting[effect.digest] = effect

    def balance(self, account: str) -> int:
        """The account with what waits for a person, because Stripe does not wait."""
        told = [*self.written.values(), *self.contradicting.values()]
        lines = [line for effect in told for line in effect.body["lines"]]
        return sum(line["amount_minor"] for line in lines if line["account"].startswith(account))


@given(
    happened=steps,
    currency=st.sampled_from(["eur", "jpy", "kwd"]),
    random=st.randoms(use_true_random=False),
)
def test_the_books_hold_what_stripe_holds(planned: Planned, happened: list[Any], currency: str, random: Any) -> None:
    """Each event comes twice and has a twin of another id, all in any order; every account is what the model says."""
    company = _lived(currency, happened)
    twins = [event | {"id": f"{event['id']}_twin"} for event in company.events]
    told = [*company.events, *company.events, *twins]
    random.shuffle(told)
    books = Books()
    for event in told:
        books.take(planned(event))
    assert books.balance("Assets:Stripe:Clearing") == company.held
    assert books.balance("Assets:Stripe:Disputes") == company.undecided
    assert books.balance("Expenses:DisputesLost") == company.lost
    assert books.balance("Expenses:Stripe:DisputeFees") == company.fees
    assert -books.balance("Liabilities:CustomerCredit") == company.credit_owed
    assert -books.balance("Liabilities:Tax:Sales") == company.tax_owed
    assert -books.balance("Assets:OutsideStripe") == company.outside_owed
    assert books.balance("Income:Refunds") == company.refunded_without_note


@given(happened=steps.filter(lambda all: not any(what == "fail" for what, *_ in all)))
def test_without_failed_refunds_nothing_contradicts_itself(planned: Planned, happened: list[Any]) -> None:
    """Every event of a fact tells the same, so no person is asked."""
    books = Books()
    for event in _lived("eur", happened).events:
        books.take(planned(event))
    assert books.contradicting == {}
