"""Templates: how moments, money and other people's text are written on a page."""

import hashlib
import json
import re
import unicodedata
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from console import masking, rules_told
from console.fields import Money, cents, written
from console.pages import beside, wording
from contracts.money import decimal_text
from exceptions_queue import owners

STATIC = Path(__file__).parent / "static"
_NAMED_ID = re.compile(r"\b(write|event|case|run|replay|reversal) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\b")
#: While a page is made for somebody who may not see personal data: what they typed themselves, which stays.
hides: ContextVar[frozenset[str] | None] = ContextVar("hides", default=None)
#: What a browser is told about them; nothing else is served.
KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@lru_cache(maxsize=1)
def files() -> dict[str, tuple[str, bytes]]:
    """Name with a digest of its content -> media type, content: may be kept for ever."""
    found = {}
    for path in sorted(STATIC.iterdir()):
        if path.suffix in KINDS:
            content = path.read_bytes()
            digest = hashlib.sha256(content).hexdigest()[:12]
            found[f"{path.stem}.{digest}{path.suffix}"] = (KINDS[path.suffix], content)
    return found


def static(name: str) -> str:
    """The URL of a file of ours."""
    stem, _, suffix = name.rpartition(".")
    return next(f"/static/{one}" for one in files() if one.startswith(f"{stem}.") and one.endswith(f".{suffix}"))


def visible(value: Any) -> Any:
    """Text of others, with what would hide, turn round or run made visible; line ends and tabs stay.

    Every expression of every template passes here.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    typed = hides.get()
    if typed is not None and value not in typed:
        value = masking.text(value)
    if value.isascii() and value.isprintable():
        return value
    return "".join(one if _is_plain(one) else f"⟨U+{ord(one):04X}⟩" for one in value)


def legible(text: str) -> str:
    """JSON to be edited: what `visible` would replace is escaped as JSON does, so that what comes back is the same."""
    return "".join(one if _is_plain(one) else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    raw = one.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{raw[at]:02x}{raw[at + 1]:02x}" for at in range(0, len(raw), 2))


def document(value: Any) -> str:
    """Data as JSON for people: in lines, in the letters it was written in."""
    return legible(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _is_plain(one: str) -> bool:
    # Cc: control; Cf: invisible and bidirectional; Co, Cs: without meaning. A soft hyphen or a joiner can hide too.
    return one in "\n\t\r" or unicodedata.category(one) not in ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")


def amount(money: Money | dict[str, Any] | None) -> str:
    """`1,234.50 EUR`; nothing where there is none."""
    if money is None:
        return ""
    minor, currency = (
        (money.amount_minor, money.currency) if isinstance(money, Money) else (money["amount_minor"], money["currency"])
    )
    return written(minor, currency)


def typed(money: Money | None) -> str:
    """As somebody types it, its currency aside: `1234.50`."""
    return "" if money is None else decimal_text(money.amount_minor, money.currency)


def moment(at: datetime | None, now: datetime) -> Markup | str:
    """How long ago or ahead, and exactly when on demand."""
    if at is None:
        return ""
    exact = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.strftime("%Y-%m-%dT%H:%M:%SZ"), exact.strftime("%a %d %b %Y %H:%M:%S UTC"), distance(at, now)
    )


def clock_time(at: datetime | None) -> Markup | str:
    """To the millisecond: for timelines."""
    if at is None:
        return ""
    exact = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="milliseconds"),
        exact.strftime("%a %d %b %Y UTC"),
        exact.strftime("%d %b %H:%M:%S.") + f"{exact.microsecond // 1000:03d}",
    )


def distance(at: datetime, now: datetime) -> str:
    """`4 min ago`, `in 2 h`, `3 d ago`."""
    seconds = (now - at).total_seconds()
    size, words = abs(seconds), "just now"
    for most, unit, name in ((90, 1, "s"), (5400, 60, "min"), (129_600, 3600, "h"), (float("inf"), 86_400, "d")):
        if size < most:
            words = f"{max(1, round(size / unit))} {name}"
            break
    if size < 2:
        return "just now"
    return f"{words} ago" if seconds > 0 else f"in {words}"


def stamp(text: str) -> Markup | str:
    """A moment that comes as the API writes it."""
    return clock_time(datetime.fromisoformat(text))


def words(name: str) -> str:
    """A code as words: `low_confidence` is `low confidence`."""
    return name.replace("_", " ")


def names_an_id(text: str) -> bool:
    """Whether it is nothing but what `linked` makes a link of."""
    return _NAMED_ID.fullmatch(text) is not None


def linked(text: str) -> Markup:
    """Text in which `write <id>`, `event <id>` and their like lead there, and are short."""
    text, at = str(visible(text)), 0
    pieces: list[str] = []
    for found in _NAMED_ID.finditer(text):
        link = Markup('<a href="/{}s/{}">{} …{}</a>').format(found[1], found[2], found[1], found[2][-8:])
        pieces += [text[at : found.start()], link]
        at = found.end()
    return Markup("").join([*pieces, text[at:]])


def fresh_key() -> str:
    """Of a form that is rendered once: sent twice, it counts once."""
    return str(uuid4())


@lru_cache(maxsize=1)
def templates() -> Environment:
    """The one environment; a name that a page did not give is our fault, not an empty place."""
    made = Environment(
        loader=PackageLoader("console.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    made.filters |= {"amount": amount, "moment": moment, "clock": clock_time, "words": words, "distance": distance}
    made.filters |= {"named": owners.called, "linked": linked, "stamp": stamp}
    made.filters |= {"cents": cents, "browser": wording.browser}
    made.filters |= {"accounts": beside.entry, "places": beside.beyond_lines}
    made.filters |= {"thing": wording.thing, "telling": wording.telling}
    made.filters |= {
        "found_by_rule": rules_told.found,
        "allowed_by_rule": rules_told.allowed,
        "typed": typed,
        "told_of": beside.told,
    }
    made.filters |= {"masked": masking.text, "hidden": masking.masked, "json": document}
    made.globals |= {"static": static, "fresh_key": fresh_key}
    return made
