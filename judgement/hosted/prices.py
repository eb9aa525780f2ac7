"""What a call can cost at most, before it is made, and what it did cost. Money here is millionths of a US dollar."""

from dataclasses import dataclass
from decimal import ROUND_UP, Decimal

from counterfoil.settings import settings
from exceptions_queue.failures import ModelUnavailable

#: Tokens of one answer: a label and five quotations.
ANSWER_TOKENS_MAX = 700
#: What a vendor adds around our words (schema of the answer, its own framing), in tokens.
FRAME_TOKENS_MAX = 1_500


@dataclass(frozen=True, slots=True)
class Price:
    """Millionths of a dollar per token."""

    per_token_in: Decimal
    per_token_out: Decimal

    def of(self, tokens_in: int, tokens_out: int) -> int:
        """Whole millionths, rounded up: a budget is never passed by rounding."""
        exact = self.per_token_in * tokens_in + self.per_token_out * tokens_out
        return int(exact.to_integral_value(ROUND_UP))

    def at_most(self, bytes_in: int) -> int:
        """The bound for two attempts. No token is shorter than a byte; the second attempt also sends the first one."""
        first = bytes_in + FRAME_TOKENS_MAX
        second = first + ANSWER_TOKENS_MAX + FRAME_TOKENS_MAX
        return self.of(first + second, 2 * ANSWER_TOKENS_MAX)


def price_of(model: str) -> Price:
    """The price of `vendor:name`: as configured, else as the price list that is installed says.

    Raises: ModelUnavailable for a model without a price: what cannot be budgeted is not asked.
    """
    configured = settings().model_price
    if configured:
        each_in, each_out = (Decimal(part) for part in configured.split(","))
        return Price(each_in, each_out)
    from genai_prices import Usage, calc_price

    vendor, _, name = model.partition(":")
    try:
        million_in = calc_price(Usage(input_tokens=1_000_000), name, provider_id=vendor).total_price
        million_out = calc_price(Usage(output_tokens=1_000_000), name, provider_id=vendor).total_price
    except LookupError:
        raise ModelUnavailable(
            f"the price of {model} is not known; set COUNTERFOIL_MODEL_PRICE", rule="model_unpriced"
        ) from None
    return Price(million_in, million_out)
