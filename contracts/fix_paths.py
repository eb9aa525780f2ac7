"""Paths into a payload, as fixes name them: `data.object.lines.data[].price.product`.

`[]` stands for each element of a list. All paths of one fix follow the same lists, so each `[]` means the same element
in its conditions and in its settings.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

#: As deep and as long as anything that people name; what providers send is flatter.
DEPTH_MAX: Final = 12
PATH_MAX: Final = 200

#: The step that stands for each element of a list.
EACH: Final = "[]"

Steps = tuple[str, ...]
#: Where each `[]` of a path stands: one position per list, from the outside in.
Bound = tuple[int, ...]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")


def steps_of(path: str) -> Steps | None:
    """The path, step by step; None when it is not written like one."""
    if len(path) > PATH_MAX:
        return None
    steps: list[str] = []
    for part in path.split("."):
        name = part.removesuffix(EACH)
        if not _NAME.fullmatch(name):
            return None
        steps += [name, EACH] if name != part else [name]
    return tuple(steps) if len(steps) <= DEPTH_MAX and steps[-1] != EACH else None


def lists_of(steps: Steps) -> Steps:
    """The path down to its last list; empty when it follows none."""
    return steps[: len(steps) - steps[::-1].index(EACH)] if EACH in steps else ()


def follow_same_lists(paths: list[Steps]) -> bool:
    """Whether the lists of every path lie on the way to the innermost one."""
    innermost = max((lists_of(steps) for steps in paths), key=len, default=())
    return all(innermost[: len(lists)] == lists for lists in map(lists_of, paths))


def elements(document: Any, lists: Steps, above: Bound = ()) -> Iterator[Bound]:
    """Every element of these lists, by its positions; one empty binding where no list is followed."""
    for at, step in enumerate(lists):
        if step == EACH:
            for position, each in enumerate(document if isinstance(document, list) else ()):
                yield from elements(each, lists[at + 1 :], (*above, position))
            return
        document = document.get(step) if isinstance(document, dict) else None
    yield above


def placed(steps: Steps, bound: Bound) -> tuple[str | int, ...]:
    """The path with the positions of one element in place of `[]`."""
    positions = iter(bound)
    return tuple(next(positions) if step == EACH else step for step in steps)


def look(document: Any, place: tuple[str | int, ...]) -> tuple[Any, bool]:
    """What stands there (None: nothing, or null), and whether something could: no text and no list is in the way."""
    for step in place:
        if document is None:
            return None, True
        if isinstance(step, int) and isinstance(document, list):
            document = document[step]
        elif isinstance(step, str) and isinstance(document, dict):
            document = document.get(step)
        else:
            return None, False
    return document, True


def is_open(document: Any, place: tuple[str | int, ...]) -> bool:
    """Whether text can be written there: there is text or nothing, and nothing is in the way. Never a number."""
    standing, reached = look(document, place)
    return reached and (standing is None or type(standing) is str)


def put(document: Any, place: tuple[str | int, ...], value: str) -> bool:
    """Write text there, with the objects on the way that are missing; False when that cannot be done."""
    if not is_open(document, place):
        return False
    for step in place[:-1]:
        if isinstance(step, str) and document.get(step) is None:
            document[step] = {}
        document = document[step]
    document[place[-1]] = value
    return True


def begins(one: Steps, other: Steps) -> bool:
    """Whether one path is the other one, or leads to it."""
    return one == other[: len(one)] or other == one[: len(other)]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Which event about what this is, and when: a part of a name is enough.
IDENTITY_WORDS: Final = _words(
    "id ids key keys type object created updated occurred at on time date timestamp period livemode mode account portal"
    " app event version status state previous sequence"
)
#: Whose it is, or what it refers to: the whole name.
REFERENCES: Final = _words(
    "customer company contact deal ticket invoice subscription subscription_item payment payment_intent payment_method"
    " charge refund payout dispute credit_note source destination product plan parent application on_behalf_of"
    " transfer_data issuer"
)
#: Money, and whatever it is worked out from: a part of a name is enough.
MONEY_WORDS: Final = _words(
    "price cost fee fees tax taxes rate rates percent percentage discount discounts coupon quantity qty unit units"
    " cents decimal net gross paid due remaining refunded captured credit debit exchange money value worth sum balance"
    " amount amounts currency currencies total totals subtotal minor"
)
#: As above, even as a part of a longer word, and on the way to it.
MONEY_PARTS: Final = ("amount", "currenc", "total", "balance", "_minor")
#: What a family of providers lets a rule fill in: below this place, or nothing (an event is its identity and a value).
SETTABLE_BELOW: Final[Mapping[str, Steps | None]] = {"stripe": ("data", "object"), "hubspot": None}

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def protected(provider: str, steps: Steps) -> str | None:
    """Why a rule may not write there, in words; None when it may."""
    below = SETTABLE_BELOW.get(provider, ())
    if below is None:
        return f"events of {provider} hold nothing that a rule may fill in"
    if steps[: len(below)] != below or len(steps) <= len(below):
        return f"a rule fills in what stands below {'.'.join(below)} only"
    names = [step for step in steps if step != EACH]
    last = names[-1]
    words = {word.lower() for word in _WORD.findall(last)}
    if words & MONEY_WORDS or any(part in name.lower() for name in names for part in MONEY_PARTS):
        return "it is money, or what money is worked out from; a rule never raises what is written"
    if words & IDENTITY_WORDS or last.lower() in REFERENCES or "previous_attributes" in names:
        return "it says which event this is, or about what; a rule never changes that"
    return None
