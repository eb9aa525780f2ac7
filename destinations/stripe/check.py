"""What can be known of an effect for Stripe without asking Stripe: members, ids, texts, amounts, metadata.

Limits are Stripe's own where it documents them, else far above what anybody needs and below what it takes.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from contracts.money import AMOUNT_MINOR_MAX, DECIMALS, Money
from destinations import references
from destinations.base import KEY_LENGTH_MAX, Effect

#: Under these members of an object's metadata our key is found again: of the write that made it, of the last change.
MADE_BY = "counterfoil_key"
CHANGED_BY = "counterfoil_change"
RESERVED = "counterfoil_"

#: https://docs.stripe.com/metadata: 50 entries, of which two stay ours.
METADATA_ENTRIES_MAX = 48
METADATA_KEY_MAX = 40
METADATA_VALUE_MAX = 500
#: The second request of a write has a key of its own with this at its end.
SUB_KEY = "/lines"
#: A plan that is made again after a refusal adds a number to its key, which needs room too.
KEY_MAX = KEY_LENGTH_MAX - len(SUB_KEY) - len("~99")

_ID = re.compile(r"[a-z]{2,8}_[A-Za-z0-9_]{1,200}", re.ASCII)
_EMAIL = re.compile(r"[^@\s]{1,254}@[^@\s]{1,254}")


def key(effect: Effect) -> Iterator[str]:
    """Keys travel in headers, metadata and logs, which is no place for a person's address."""
    if "@" in effect.key:
        yield "the key looks like an e-mail address; keys travel in logs"
    if effect.key != effect.key.strip():
        yield "the key begins or ends with a space, which a header does not keep"
    if len(effect.key) > KEY_MAX:
        yield f"a key for Stripe has up to {KEY_MAX} characters"


def members(body: Mapping[str, Any], needed: set[str], allowed: set[str], where: str = "") -> Iterator[str]:
    """Nothing missing and nothing that nobody would send."""
    for name in sorted(needed - body.keys()):
        yield f"{where}{name} is missing"
    for name in sorted(str(name) for name in body.keys() - needed - allowed):
        yield f"{where}{name!r} is not known here"


def is_id(value: object, prefixes: tuple[str, ...]) -> bool:
    """Whether it is an id of one of these kinds (`cus_`)."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None and value.startswith(prefixes)


def id(name: str, value: object, *prefixes: str) -> Iterator[str]:
    """An id of one of these kinds, or what a write before this one made."""
    if not is_receipt(value) and not is_id(value, prefixes):
        yield f"{name} is an id that begins with {' or '.join(prefixes)}"


def is_receipt(value: object) -> bool:
    """Whether it stands for the reference of a write before this one."""
    return isinstance(value, dict) and value.keys() == {references.MARK} and isinstance(value[references.MARK], str)


def text(name: str, value: object, length_max: int, *, needed: bool = True) -> Iterator[str]:
    """One line of text."""
    if value is None and not needed:
        return
    if not isinstance(value, str) or not value.strip() or len(value) > length_max or not value.isprintable():
        yield f"{name} is 1 to {length_max} printable characters"


def email(name: str, value: object, *, needed: bool = True) -> Iterator[str]:
    """An address: one @ between two texts without spaces."""
    if value is None and not needed:
        return
    if not isinstance(value, str) or not _EMAIL.fullmatch(value) or not value.isprintable():
        yield f"{name} is an e-mail address"


def whole(name: str, value: object, least: int, most: int) -> Iterator[str]:
    """A whole number within bounds."""
    if type(value) is not int or not least <= value <= most:
        yield f"{name} is a whole number from {least} to {most}"


def amount(name: str, value: object) -> Iterator[str]:
    """Whole minor units, more than nothing."""
    yield from whole(name, value, 1, AMOUNT_MINOR_MAX)


def money(effect: Effect, amount_minor: object) -> Iterator[str]:
    """The effect's amount, which caps and approvals look at, is the one that would be sent."""
    currency = effect.body.get("currency")
    if currency not in DECIMALS:
        yield f"currency {currency!r} is unknown"
    elif effect.amount is None or effect.amount.as_json() != {"amount_minor": amount_minor, "currency": currency}:
        yield "the amount of the effect is not what its body says"


def no_money(effect: Effect) -> Iterator[str]:
    """An effect that moves no money says so."""
    if effect.amount is not None:
        yield f"{effect.operation} moves no money, so it has no amount"


def metadata(value: object, *, removes: bool = False) -> Iterator[str]:
    """A map of short texts; with `removes`, None takes an entry away."""
    if not isinstance(value, dict) or len(value) > METADATA_ENTRIES_MAX:
        yield f"metadata is a map of up to {METADATA_ENTRIES_MAX} entries"
        return
    for name, entry in value.items():
        if not isinstance(name, str) or not 0 < len(name) <= METADATA_KEY_MAX or set(name) & set("[]"):
            yield f"a key of metadata has 1 to {METADATA_KEY_MAX} characters and no square brackets"
        elif name.startswith(RESERVED):
            yield f"metadata that begins with {RESERVED} is ours"
        if not (removes and entry is None) and not (isinstance(entry, str) and 0 < len(entry) <= METADATA_VALUE_MAX):
            yield f"a value of metadata is a text of 1 to {METADATA_VALUE_MAX} characters"


def shown(value: object, made: str) -> str:
    """An id for people; what does not exist yet is named by what will make it."""
    return f"(the {made} created before)" if is_receipt(value) else str(value)


def money_text(amount_minor: int, currency: str) -> str:
    """An amount for people."""
    return str(Money(amount_minor, currency))


def marker(made: Mapping[str, Any], name: str) -> str | None:
    """What stands under one of our names in the metadata of an object of Stripe's."""
    metadata = made.get("metadata")
    found = metadata.get(name) if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else None
