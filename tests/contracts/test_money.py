"""Money is whole minor units of a currency whose decimals we know."""

import pytest

from contracts.money import DECIMALS, CurrencyUnknown, Money, decimal_text, known_currency


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (0, "USD", "0.00"),
        (5, "USD", "0.05"),
        (-5, "USD", "-0.05"),
        (123456, "EUR", "1234.56"),
        (1200, "JPY", "1200"),
        (-1, "XAF", "-1"),
        (1234, "KWD", "1.234"),
        (-7, "BHD", "-0.007"),
        (2**63 + 1, "USD", "92233720368547758.09"),
    ],
)
def test_digits_are_moved_and_nothing_is_divided(amount_minor: int, currency: str, text: str) -> None:
    """The decimal text is exact at every size and in every kind of currency."""
    assert decimal_text(amount_minor, currency) == text


@pytest.mark.parametrize(("currency", "decimals"), [("UGX", 2), ("ISK", 2), ("MGA", 0), ("HUF", 2), ("TND", 3)])
def test_decimals_are_the_providers_where_it_differs_from_iso(currency: str, decimals: int) -> None:
    """The provider counts krónur and shillings in hundredths and ariary whole, whatever ISO says."""
    assert DECIMALS[currency] == decimals


def test_the_provider_table_is_whole() -> None:
    """Exactly the currencies without and with three decimals that the provider documents."""
    whole = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
    assert {code for code, decimals in DECIMALS.items() if decimals == 0} == set(whole.split())
    assert {code for code, decimals in DECIMALS.items() if decimals == 3} == {"BHD", "JOD", "KWD", "OMR", "TND"}


@pytest.mark.parametrize("amount", [1.0, True, "1", None])
def test_money_is_made_of_whole_numbers_only(amount: object) -> None:
    """A float, a truth value or text is no amount."""
    with pytest.raises(TypeError):
        Money(amount, "USD")  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["usd", "XXX", "", "EURO", "ＵＳＤ"])
def test_money_in_an_unknown_currency_is_refused(code: str) -> None:
    """Unknown decimals would make an unknown amount."""
    with pytest.raises(CurrencyUnknown):
        Money(1, code)
    with pytest.raises(CurrencyUnknown):
        decimal_text(1, code)


def test_two_currencies_do_not_add() -> None:
    """Adding is for one currency."""
    assert Money(1, "USD") + -Money(3, "USD") == Money(-2, "USD")
    with pytest.raises(ValueError, match="cannot add EUR to USD"):
        Money(1, "USD") + Money(1, "EUR")


def test_a_currency_is_known_in_either_case() -> None:
    """Payloads write currencies in lower case."""
    assert known_currency("usd")
    assert known_currency("USD")
    assert not known_currency("xxx")
    assert not known_currency(None)
