"""Money: a whole number of minor units and a currency. No float ever touches it.

Kept apart because every floor needs it and nobody may have a second opinion on decimals.
"""

from dataclasses import dataclass

#: Amounts beyond this are refused as nonsense: a thousand of them still fit a 64-bit column.
AMOUNT_MINOR_MAX = 10**15

#: Currencies without a minor unit, as the payment provider counts them.
#: ISK and UGX are absent on purpose: ISO gives them no decimals, the provider counts them in hundredths.
#: MGA is here although ISO gives it two: the provider counts whole ariary.
_WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
_THOUSANDTHS = "BHD JOD KWD OMR TND"
_HUNDREDTHS = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY
    COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IQD IRR ISK JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MKD MMK MNT MOP MRU MUR MVR MWK
    MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE
    SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED VES WST XCD XCG YER ZAR
    ZMW ZWG
"""

#: Decimals per known currency. A currency that is not here is unknown, and unknown money is never booked.
DECIMALS: dict[str, int] = (
    dict.fromkeys(_WHOLE.split(), 0) | dict.fromkeys(_HUNDREDTHS.split(), 2) | dict.fromkeys(_THOUSANDTHS.split(), 3)
)


class CurrencyUnknown(ValueError):
    """This currency is not in the table of decimals."""


def known_currency(code: object) -> bool:
    """Whether we know how many decimals `code` has, in either case."""
    return isinstance(code, str) and code.isascii() and code.upper() in DECIMALS


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of a known currency; adding two currencies is refused."""

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if type(self.amount_minor) is not int:
            raise TypeError("money is a whole number of minor units")
        if self.currency not in DECIMALS:
            raise CurrencyUnknown(CurrencyUnknown.__doc__)

    def __add__(self, other: "Money") -> "Money":
        if self.currency != other.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.amount_minor + other.amount_minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def __str__(self) -> str:
        return f"{decimal_text(self.amount_minor, self.currency)} {self.currency}"

    def as_json(self) -> dict[str, int | str]:
        """The form of the outer interface."""
        return {"amount_minor": self.amount_minor, "currency": self.currency}


def decimal_text(amount_minor: int, currency: str) -> str:
    """The amount in major units as text, e.g. `-12.05`; digits are moved, nothing is divided.

    Raises: CurrencyUnknown.
    """
    try:
        decimals = DECIMALS[currency]
    except KeyError:
        raise CurrencyUnknown(CurrencyUnknown.__doc__) from None
    sign, digits = ("-" if amount_minor < 0 else ""), str(abs(amount_minor))
    if not decimals:
        return sign + digits
    digits = digits.zfill(decimals + 1)
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
