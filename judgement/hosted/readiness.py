"""Whether the hosted model could be asked, without asking it: for people who set it up."""

from importlib.util import find_spec

from counterfoil.settings import secret
from exceptions_queue.failures import ModelUnavailable
from judgement.hosted.prices import price_of

KEYS = {"anthropic": "ANTHROPIC_API_KEY", "openai": "OPENAI_API_KEY"}


def missing(model: str) -> list[str]:
    """What keeps `vendor:name` from being asked, in words; empty when nothing does."""
    vendor = model.partition(":")[0]
    found = []
    if find_spec("pydantic_ai") is None or find_spec(vendor) is None:
        return ["its library is not installed: pip install 'counterfoil[hosted]'"]
    if secret(KEYS[vendor]) is None:
        found.append(f"{KEYS[vendor]} is not set")
    try:
        price_of(model)
    except ModelUnavailable as unpriced:
        found.append(str(unpriced))
    return found
