"""The form of a new rule: two shapes in words and a general one, and what an event suggests for them."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from console import problems
from contracts import exact
from contracts.categories import CATEGORIES, METADATA_KEY
from contracts.fix_paths import look

_LINE: Final = "data.object.lines.data[]"
CATEGORY: Final = f"{_LINE}.metadata.{METADATA_KEY}"
CUSTOMER: Final = "data.object.customer"
COUNTRY: Final = "data.object.customer_address.country"
#: Where an invoice line names its product, since 2025-03-31 and before.
PRODUCT: Final[Mapping[str, str]] = {
    "now": f"{_LINE}.pricing.price_details.product",
    "before": f"{_LINE}.price.product",
}
#: Whose lines are booked.
INVOICES: Final = ("invoice.paid", "invoice.payment_succeeded")
CHOICES: Final = tuple(dict.fromkeys(CATEGORIES.values()))
SHAPES: Final = ("category", "country", "other")

_WHOLE = re.compile(r"-?\d{1,15}")
_COUNTRY = re.compile(r"[A-Z]{2}")


def title(when: Mapping[str, Any], set: Mapping[str, str]) -> str:
    """A few words for a rule: `Product prod_1 is services`."""
    product = next((when[path] for path in PRODUCT.values() if isinstance(when.get(path), str)), None)
    if set.keys() == {CATEGORY} and product:
        return f"Product {product} is {set[CATEGORY].replace('_', ' ')}"
    if set.keys() == {COUNTRY} and isinstance(when.get(CUSTOMER), str):
        return f"Customer {when[CUSTOMER]} is in {set[COUNTRY]}"
    return " and ".join(f"{path.rsplit('.', 1)[-1]} becomes “{text}”" for path, text in sorted(set.items()))


def content(form: Mapping[str, str]) -> dict[str, Any]:
    """What a form says, as the API takes it. Raises: NotAsked, field by field."""
    shape = form.get("shape", "other")
    said = {"source": form.get("source", "")}
    if shape == "category":
        place = PRODUCT.get(form.get("layout", ""), PRODUCT["now"])
        when = {place: _needed(form, "product"), CATEGORY: form.get("standing", "").strip() or None}
        return {**said, "types": list(INVOICES), "when": when, "set": {CATEGORY: _needed(form, "category")}}
    if shape == "country":
        country = _needed(form, "country").upper()
        if not _COUNTRY.fullmatch(country):
            raise _unreadable("country", "two letters, such as DE")
        when = {CUSTOMER: _needed(form, "customer"), COUNTRY: None}
        return {**said, "types": list(INVOICES), "when": when, "set": {COUNTRY: country}}
    return {
        **said,
        "types": [one for one in re.split(r"[\s,]+", form.get("types", "")) if one],
        "when": {path: value_of(text) for path, text in _lines(form, "when")},
        "set": dict(_lines(form, "set")),
    }


def _needed(form: Mapping[str, str], name: str) -> str:
    text = form.get(name, "").strip()
    if not text:
        raise _unreadable(name, "is missing")
    return text


def _lines(form: Mapping[str, str], name: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for line in filter(str.strip, form.get(name, "").splitlines()):
        path, separator, text = (part.strip() for part in line.partition("="))
        if not (path and separator and text):
            raise _unreadable(name, f"write `path = value`, not {line.strip()[:80]!r}")
        if path in dict(found):
            raise _unreadable(name, f"{path[:80]} is named twice")
        found.append((path, text))
    return found


def _unreadable(field: str, detail: str) -> problems.NotAsked:
    return problems.NotAsked("the rule cannot be read", [problems.Fault(field=field, detail=detail)])


def value_of(text: str) -> str | int | bool | None:
    """`missing`, true, false, a whole number, or text; in quotes, each of them is text."""
    if text in ("missing", "null"):
        return None
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text


def text_of(value: str | int | bool | None) -> str:
    """The other way round."""
    if value is None or isinstance(value, bool):
        return {None: "missing", True: "true", False: "false"}[value]
    return str(value) if isinstance(value, int) or value_of(value) == value else f'"{value}"'


def lines_of(values: Mapping[str, Any]) -> str:
    """Conditions or settings as the form has them."""
    return "\n".join(f"{path} = {text_of(value)}" for path, value in sorted(values.items()))


def suggested(source: str, type: str, body: str, place: str, value: str) -> dict[str, str]:
    """The fields of the form, as one event and one place of it suggest them; what cannot be told is left empty."""
    fields = {"source": source, "types": type}
    try:
        document = exact.read(body)
    except (ValueError, RecursionError):
        return fields
    # No list has a thousand million elements, and Python converts no number of thousands of digits.
    parts = place.split(".") if place else []
    steps: list[str | int] = [int(part) if part.isdecimal() and len(part) < 10 else part for part in parts]
    pattern = re.sub(r"\.\d+(?=\.|$)", "[]", place)
    at: int = next((step for step in steps if isinstance(step, int)), 0)
    customer = _text(document, CUSTOMER, at)
    fields["customer"] = customer
    for layout, path in PRODUCT.items():
        if product := _text(document, path, at):
            fields |= {"product": product, "layout": layout}
    if pattern == CATEGORY and fields.get("product"):
        known = value if value in CHOICES else ""
        return {**fields, "shape": "category", "standing": _text(document, CATEGORY, at), "category": known}
    if pattern == COUNTRY and customer:
        return {**fields, "shape": "country", "country": value}
    if not place:
        return fields
    try:
        standing, _ = look(document, tuple(steps))
    except IndexError:
        return fields
    when: dict[str, Any] = {pattern: standing if type_is_text(standing) else None}
    if fields.get("product") and pattern.startswith(_LINE):
        when[PRODUCT[fields["layout"]]] = fields["product"]
    elif customer:
        when[CUSTOMER] = customer
    return {**fields, "shape": "other", "when": lines_of(when), "set": f"{pattern} = {value}"}


def _text(document: Any, path: str, at: int) -> str:
    steps: list[str | int] = []
    for part in path.split("."):
        steps += [part.removesuffix("[]"), at] if part.endswith("[]") else [part]
    try:
        found, _ = look(document, tuple(steps))
    except IndexError:
        return ""
    return found if type_is_text(found) else ""


def type_is_text(value: Any) -> bool:
    """Whether it is text, and not a number as it was written."""
    return type(value) is str


def event_id(text: str) -> UUID | None:
    """The id in an address, if it is one."""
    try:
        return UUID(text)
    except ValueError:
        return None
