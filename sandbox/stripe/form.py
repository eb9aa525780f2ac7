"""Parameters as Stripe takes them: `a[b][0][c]=x` in a form, every value a text, and what each endpoint makes of it.

A specification maps a parameter's name to a reader; what is not in it is refused, as Stripe refuses it. An empty text
unsets what it is given for and becomes None. Page: https://docs.stripe.com/api/metadata
"""

from collections.abc import Callable, Mapping
from typing import Any

from sandbox.stripe.errors import invalid, missing, unknown

METADATA_KEYS_MAX = 50
METADATA_KEY_LENGTH_MAX = 40
METADATA_VALUE_LENGTH_MAX = 500
#: Stripe's largest amount has twelve digits in a few currencies and eight in most; nothing here comes near either.
AMOUNT_MAX = 999_999_999_999
#: How deep names may nest; nothing of Stripe's is deeper than four.
DEPTH_MAX = 6

Reader = Callable[[str, Any], Any]
Spec = Mapping[str, Reader]


def nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Pairs as nested members. Raises: Refused when two of them contradict each other."""
    if not any("[" in name for name, _ in pairs):
        return dict(pairs)
    whole: dict[str, Any] = {}
    for name, value in pairs:
        head, _, rest = name.partition("[")
        steps = [head, *(rest.removesuffix("]").split("][") if rest else ())]
        if len(steps) > DEPTH_MAX:
            raise invalid(name, "The parameter is nested too deeply.")
        at = whole
        for step in steps[:-1]:
            at = at.setdefault(step, {})
            if not isinstance(at, dict):
                raise invalid(name, "The parameter is given both as a value and as a hash.")
        last = steps[-1] or str(len(at))
        if isinstance(at.get(last), dict):
            raise invalid(name, "The parameter is given both as a value and as a hash.")
        at[last] = value
    return whole


def read(params: Mapping[str, Any], spec: Spec, *, required: tuple[str, ...] = (), within: str = "") -> dict[str, Any]:
    """The parameters by their specification. Raises: Refused before anything began."""
    for name in required:
        if params.get(name) in (None, ""):
            raise missing(f"{within}[{name}]" if within else name)
    done: dict[str, Any] = {}
    for name, value in params.items():
        full = f"{within}[{name}]" if within else name
        reader = spec.get(name)
        if reader is None:
            if name == "expand":
                continue
            raise unknown(full)
        done[name] = reader(full, value)
    return done


def text(name: str, value: Any) -> str | None:
    """A text, or nothing."""
    if not isinstance(value, str):
        raise invalid(name, f"{name} is not a text.")
    return value or None


def integer(name: str, value: Any) -> int | None:
    """A whole number; Stripe knows no other amounts."""
    if value == "":
        return None
    digits = value.removeprefix("-") if isinstance(value, str) else ""
    if not (digits.isascii() and digits.isdigit()) or int(value) > AMOUNT_MAX:
        raise invalid(name, f"{name} is not an integer in bounds.", "parameter_invalid_integer")
    return int(value)


def amount(name: str, value: Any) -> int:
    """A whole number above zero."""
    found = integer(name, value)
    if found is None or found < 1:
        raise invalid(name, f"{name} has to be at least 1.", "parameter_invalid_integer")
    return found


def boolean(name: str, value: Any) -> bool:
    """True or false."""
    if value not in ("true", "false"):
        raise invalid(name, f"{name} is neither true nor false.")
    return bool(value == "true")


def moment(name: str, value: Any) -> int | None:
    """Seconds since 1970."""
    return None if value in ("", "now") else integer(name, value)


def currency(name: str, value: Any) -> str:
    """Three letters, given back in lower case."""
    if not (isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha()):
        raise invalid(name, f"{name} is not a currency.")
    return value.lower()


def one_of(*words: str) -> Reader:
    """One of these words."""

    def reader(name: str, value: Any) -> str:
        if value not in words:
            raise invalid(name, f"{name} is none of {', '.join(words)}.")
        return str(value)

    return reader


def metadata(name: str, value: Any) -> dict[str, str] | None:
    """Keys and texts, within Stripe's limits; None clears them all, an empty text clears one."""
    if value == "":
        return None
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise invalid(name, f"{name} is not a hash of texts.")
    for key, content in value.items():
        if not 0 < len(key) <= METADATA_KEY_LENGTH_MAX or "[" in key or "]" in key:
            raise invalid(f"{name}[{key}]", f"A key has 1 to {METADATA_KEY_LENGTH_MAX} characters and no brackets.")
        if len(content) > METADATA_VALUE_LENGTH_MAX:
            raise invalid(f"{name}[{key}]", f"A value has at most {METADATA_VALUE_LENGTH_MAX} characters.")
    return value


def merge_metadata(present: Mapping[str, str], given: Mapping[str, str] | None) -> dict[str, str]:
    """What an update makes of metadata. Raises: Refused over the limit of keys."""
    if given is None:
        return {}
    merged = {key: value for key, value in {**present, **given}.items() if value != ""}
    if len(merged) > METADATA_KEYS_MAX:
        raise invalid("metadata", f"An object has at most {METADATA_KEYS_MAX} keys of metadata.")
    return merged


def anything(_: str, value: Any) -> Any:
    """Accepted and not read."""
    return value


def items(spec: Spec, *, required: tuple[str, ...] = ()) -> Reader:
    """A list of hashes, in the order of their numbers."""

    def reader(name: str, value: Any) -> list[dict[str, Any]]:
        if value == "":
            return []
        if not isinstance(value, dict) or not all(key.isdigit() for key in value):
            raise invalid(name, f"{name} is not an array.")
        ordered = sorted(value.items(), key=lambda pair: int(pair[0]))
        return [part(spec, required=required)(f"{name}[{number}]", each) for number, each in ordered]

    return reader


def part(spec: Spec, *, required: tuple[str, ...] = ()) -> Reader:
    """A hash with its own specification."""

    def reader(name: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise invalid(name, f"{name} is not a hash.")
        return read(value, spec, required=required, within=name)

    return reader


def texts(name: str, value: Any) -> list[str]:
    """A list of texts."""
    if value == "":
        return []
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise invalid(name, f"{name} is not an array.")
    return list(value.values())
