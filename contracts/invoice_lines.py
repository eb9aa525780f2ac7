"""How Stripe writes the lines of an invoice, before and since 2025-03-31.

Both offer the same properties (`tax_list`, `hints`, `discount`), so that nobody else knows which one it looks at.
Page: https://docs.stripe.com/api/invoice-line-item/object
"""

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Any

from pydantic import Field

from contracts.base import Part
from contracts.categories import Hints
from contracts.money import AMOUNT_MINOR_MAX

Minor = Annotated[int, Field(ge=-AMOUNT_MINOR_MAX, le=AMOUNT_MINOR_MAX)]
#: An id, or the object itself where the account expands it.
Reference = str | dict[str, Any] | None


def id_of(reference: Reference) -> str | None:
    """The id, whether or not the object was expanded."""
    found = reference.get("id") if isinstance(reference, dict) else reference
    return found if isinstance(found, str) else None


class Tax(Part):
    """One tax rate's share, uniform over both shapes."""

    amount: Minor

    @property
    @abstractmethod
    def included(self) -> bool: ...

    @property
    @abstractmethod
    def rate_id(self) -> str | None: ...


class TaxBefore(Tax):
    inclusive: bool
    tax_rate: Reference = None

    @property
    def included(self) -> bool:
        return self.inclusive

    @property
    def rate_id(self) -> str | None:
        return id_of(self.tax_rate)


class TaxRateDetails(Part):
    tax_rate: Reference = None


class TaxNow(Tax):
    tax_behavior: str
    tax_rate_details: TaxRateDetails | None = None

    @property
    def included(self) -> bool:
        return self.tax_behavior == "inclusive"

    @property
    def rate_id(self) -> str | None:
        return id_of(self.tax_rate_details.tax_rate) if self.tax_rate_details else None


class DiscountAmount(Part):
    amount: Minor
    discount: Reference = None


class PretaxCredit(Part):
    amount: Minor
    type: str = ""


class Line(Part):
    """A line of the invoice; `amount` is before discounts and includes inclusive tax."""

    id: str | None = None
    amount: Minor | None = None
    currency: str | None = None
    #: What was sold, in somebody's words; whatever else stands there is no reason to refuse the invoice.
    description: Any = None
    metadata: dict[str, Any] | None = None
    discounts: list[Reference] | None = None
    discount_amounts: list[DiscountAmount] | None = None

    @property
    @abstractmethod
    def tax_list(self) -> Sequence[Tax] | None: ...

    @property
    @abstractmethod
    def hints(self) -> Hints: ...

    @property
    @abstractmethod
    def words(self) -> dict[str, str]: ...

    @property
    def discount(self) -> int | None:
        return None if self.discount_amounts is None else sum(d.amount for d in self.discount_amounts)

    @property
    def own_discount(self) -> int:
        """The part that comes from discounts on this very line rather than on the invoice."""
        if not self.discounts:
            return 0
        own = {id_of(discount) for discount in self.discounts}
        return sum(d.amount for d in self.discount_amounts or () if id_of(d.discount) in own)


class Recurring(Part):
    usage_type: str | None = None


class Price(Part):
    id: str | None = None
    nickname: Any = None
    metadata: dict[str, Any] | None = None
    product: Reference = None
    recurring: Recurring | None = None


class LineBefore(Line):
    type: str | None = None
    proration: bool | None = None
    price: Price | None = None
    tax_amounts: list[TaxBefore] | None = None

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.tax_amounts

    @cached_property  # asked by a rule and again by the normal form
    def hints(self) -> Hints:
        price = self.price or _NO_PRICE
        product = price.product if isinstance(price.product, dict) else {}
        return Hints(
            metadata=(self.metadata, price.metadata, product.get("metadata")),
            metered=price.recurring is not None and price.recurring.usage_type == "metered",
            recurring=self.type == "subscription" or price.recurring is not None or bool(self.proration),
            price_id=price.id,
            product_id=id_of(price.product),
        )

    @property
    def words(self) -> dict[str, str]:
        price = self.price or _NO_PRICE
        return _words(self.description, price.product, price.nickname)


class ItemDetails(Part):
    proration: bool | None = None


class LineParent(Part):
    type: str | None = None
    invoice_item_details: ItemDetails | None = None


class PriceDetails(Part):
    price: str | Price | None = None
    product: Reference = None


class Pricing(Part):
    price_details: PriceDetails | None = None


# Made once: an absent part is asked for by every line.
_NO_PRICE = Price()
_NO_DETAILS = PriceDetails()
_NO_PARENT = LineParent()


class LineNow(Line):
    parent: LineParent | None = None
    pricing: Pricing | None = None
    taxes: list[TaxNow] | None = None

    @property
    def tax_list(self) -> Sequence[Tax] | None:
        return self.taxes

    @cached_property  # asked by a rule and again by the normal form
    def hints(self) -> Hints:
        details = (self.pricing and self.pricing.price_details) or _NO_DETAILS
        price = details.price if isinstance(details.price, Price) else _NO_PRICE
        product = details.product if isinstance(details.product, dict) else {}
        parent = self.parent or _NO_PARENT
        prorated = parent.invoice_item_details is not None and bool(parent.invoice_item_details.proration)
        return Hints(
            metadata=(self.metadata, price.metadata, product.get("metadata")),
            metered=price.recurring is not None and price.recurring.usage_type == "metered",
            recurring=parent.type == "subscription_item_details" or price.recurring is not None or prorated,
            price_id=price.id or (details.price if isinstance(details.price, str) else None),
            product_id=id_of(details.product),
        )

    @property
    def words(self) -> dict[str, str]:
        details = (self.pricing and self.pricing.price_details) or _NO_DETAILS
        nickname = details.price.nickname if isinstance(details.price, Price) else None
        return _words(self.description, details.product, nickname)


def _words(description: Any, product: Reference, nickname: Any) -> dict[str, str]:
    """What people wrote about what was sold; ids say nothing to whoever judges it."""
    name = product.get("name") if isinstance(product, dict) else None
    found = {"description": description, "product": name, "price_nickname": nickname}
    return {field: words.strip() for field, words in found.items() if isinstance(words, str) and words.strip()}
