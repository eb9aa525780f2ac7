"""The chart of accounts is refused as a whole when a line of it makes no sense."""

from importlib import resources

import pytest

from contracts.categories import CATEGORIES
from destinations.chart import ChartBroken, chart, parse, revenue_account

TEXT = resources.files("destinations").joinpath("chart.toml").read_text("utf-8")


def test_every_category_has_an_income_account() -> None:
    """No line of an invoice is without a place."""
    for category in set(CATEGORIES.values()):
        assert chart().accounts[chart().revenue[category]].kind == "income"
    assert revenue_account("a category of tomorrow") == "Income:Other"


@pytest.mark.parametrize(
    ("addition", "problem"),
    [
        ('[[account]]\ncode = "Cash"\n', "'Cash'"),
        ('[[account]]\ncode = "Assets:petty cash"\n', "petty"),
        ('[[account]]\ncode = "Income:Usage"\ntitle = "again"\n', "twice"),
    ],
)
def test_a_bad_account_is_named(addition: str, problem: str) -> None:
    """The message says which account and why."""
    with pytest.raises(ChartBroken, match=problem):
        parse(addition + TEXT)


def test_an_account_that_is_used_must_exist() -> None:
    """Revenue that leads nowhere is found at start, not at the first invoice."""
    with pytest.raises(ChartBroken, match="Income:Nowhere"):
        parse(TEXT.replace('usage = "Income:Usage"', 'usage = "Income:Nowhere"'))
