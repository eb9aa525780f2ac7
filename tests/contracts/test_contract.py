"""The protocol of contracts: strict types, all violations at once, nothing personal repeated."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.base import ContractBroken, ContractUnknown, find
from contracts.stripe import InvoicePaidBefore20250331, InvoicePaidReference, InvoicePaidSince20250331

SAMPLES = Path(contracts.__file__).parent / "samples"


def _sample(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SAMPLES / "stripe" / f"{name}.json").read_text("utf-8"))
    return loaded


@pytest.fixture
def event() -> dict[str, Any]:
    return _sample("invoice.paid")


def _violations(payload: Any) -> list[contracts.Violation]:
    with pytest.raises(ContractBroken) as broken:
        InvoicePaidSince20250331.check(payload)
    return list(broken.value.violations)


@pytest.mark.parametrize("bad", [100.0, "100", True, 1e3, None])
def test_an_amount_is_a_whole_number_or_the_contract_is_broken(event: dict[str, Any], bad: object) -> None:
    """No float, text, truth value or nothing becomes an amount."""
    event["data"]["object"]["lines"]["data"][0]["amount"] = bad
    for payload in (event, json.dumps(event), json.dumps(event).encode()):
        fields = {violation.field for violation in _violations(payload)}
        assert "data.object.lines.data.0.amount" in fields


def test_whole_numbers_stay_exact_beyond_what_a_float_holds() -> None:
    """2**53 + 1 arrives as itself in every form of the payload, not as its even neighbour."""
    occurred = 2**53 + 1
    event = json.loads((SAMPLES / "hubspot" / "deal.creation.json").read_text("utf-8")) | {"objectId": occurred}
    contract = find("hubspot", "deal.creation", None)
    for payload in (event, json.dumps(event), json.dumps(event).encode()):
        assert contract.check(payload).objectId == occurred  # type: ignore[attr-defined]


def test_every_violation_is_reported_at_once(event: dict[str, Any]) -> None:
    """Shape and meaning: a person sees the whole list, not one fault per attempt."""
    invoice = event["data"]["object"]
    invoice["customer"] = None
    invoice["currency"] = "zzz"
    invoice["total"] += 1
    invoice["status"] = "open"
    invoice["lines"]["data"][1]["amount"] = "many"
    del invoice["subtotal"]
    rules = {violation.rule for violation in _violations(event)}
    assert rules >= {"customer_present", "currency_known", "status_is_paid", "wrong_type", "field_missing"}


def test_meaning_is_judged_as_far_as_it_can_be_when_the_shape_is_broken(event: dict[str, Any]) -> None:
    """A wrong type in one place does not hide a missing customer in another."""
    event["data"]["object"]["number"] = 42
    event["data"]["object"]["customer"] = None
    assert {violation.rule for violation in _violations(event)} == {"wrong_type", "customer_present"}


def test_a_violation_says_where_what_and_what_to_do(event: dict[str, Any]) -> None:
    """Field, value, bound and advice are there for the person who has to mend it."""
    event["data"]["object"]["total"] += 5
    violation = next(v for v in _violations(event) if v.rule == "total_adds_up")
    assert violation.field == "data.object.total"
    assert violation.value == "18962"
    assert violation.bound.startswith("18957")
    assert violation.advice.startswith("Off by 0.05 EUR. ")


def test_a_violation_repeats_nothing_that_a_person_wrote(event: dict[str, Any]) -> None:
    """Names and mails in the wrong place do not travel into cases and logs."""
    secret = "Jo Example <jo@example.com>"
    event["data"]["object"]["customer"] = [secret]
    event["data"]["object"]["currency"] = secret
    event["data"]["object"]["total"] = secret
    event["data"]["object"]["lines"]["data"][0]["metadata"] = {"revenue_category": secret}
    with pytest.raises(ContractBroken) as broken:
        InvoicePaidSince20250331.check(event)
    told = str(broken.value) + json.dumps([violation.as_json() for violation in broken.value.violations])
    assert "jo@example.com" not in told


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"{", b'"text"', b"\xff\xfe", b'{"data": NaN}', "{]"])
def test_what_is_no_object_breaks_the_contract_and_nothing_else(payload: bytes | str) -> None:
    """No other exception leaves a check."""
    assert _violations(payload)
    assert InvoicePaidSince20250331.at_stake(payload) is None


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("member", ['"nobody_reads_this": {}, ', '"metadata": {{"a": {}}}, '])
def test_what_is_not_json_breaks_the_contract_wherever_it_stands(number: str, member: str) -> None:
    """Text with NaN is refused even in members that the contract ignores; the word inside a text is a word."""
    text = json.dumps(_sample("invoice.paid"))
    spoiled = "{" + member.format(number) + text[1:]
    for payload in (spoiled, spoiled.encode()):
        assert {violation.rule for violation in _violations(payload)} == {"wrong_type"}
    InvoicePaidSince20250331.check("{" + member.format(f'"{number}"') + text[1:])


def test_the_money_at_stake_is_told_even_when_the_contract_is_broken(event: dict[str, Any]) -> None:
    """A case needs the amount although the payload is wrong."""
    event["data"]["object"]["customer"] = None
    event["data"]["object"]["lines"] = "gone"
    assert InvoicePaidSince20250331.at_stake(event) == contracts.Money(18957, "EUR")


@pytest.mark.parametrize(
    "spoil", [{"currency": "zzz"}, {"currency": 7}, {"amount_paid": 1.5, "amount_due": None, "total": "x"}]
)
def test_unclear_money_is_not_guessed(event: dict[str, Any], spoil: dict[str, Any]) -> None:
    """Without a known currency or a whole amount there is no money at stake that could be summed up."""
    event["data"]["object"] |= spoil
    assert InvoicePaidSince20250331.at_stake(event) is None


@pytest.mark.parametrize(
    ("api_version", "expected"),
    [
        ("2020-08-27", InvoicePaidBefore20250331),
        ("2024-06-20", InvoicePaidBefore20250331),
        ("2025-03-30.acacia", InvoicePaidBefore20250331),
        ("2025-03-31.basil", InvoicePaidSince20250331),
        ("2026-10-28.endive", InvoicePaidSince20250331),
    ],
)
def test_the_api_version_picks_the_contract(api_version: str, expected: type) -> None:
    """Both edges of each window are where they should be."""
    assert find("stripe", "invoice.paid", api_version, b"{}") is expected


@pytest.mark.parametrize("api_version", ["2019-12-03", "someday", "", "9999", "2025-13-40.basil"])
def test_a_version_outside_every_window_is_unknown(api_version: str) -> None:
    """A shape that nobody has read is not guessed at."""
    with pytest.raises(ContractUnknown):
        find("stripe", "invoice.paid", api_version, b"{}")


def test_a_type_without_contract_is_unknown() -> None:
    """There is no contract for everything."""
    with pytest.raises(ContractUnknown):
        find("stripe", "balance.available", "2026-10-28.endive", b"{}")


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        ("invoice.paid", InvoicePaidSince20250331),
        ("invoice.paid@2024-06-20", InvoicePaidBefore20250331),
        ("invoice.paid@thin", InvoicePaidReference),
    ],
)
def test_without_an_api_version_the_shape_decides(sample: str, expected: type) -> None:
    """Stripe may leave the version empty."""
    payload = json.dumps(_sample(sample)).encode()
    assert find("stripe", "invoice.paid", None, payload) is expected


def test_a_bare_invoice_without_version_is_read_as_the_newest_shape() -> None:
    """With no mark of either shape both read the same."""
    assert find("stripe", "invoice.paid", None, b'{"data": {"object": {}}}') is InvoicePaidSince20250331


@pytest.mark.parametrize(
    "change",
    [
        lambda invoice: invoice.update(total_tax_amounts=[{"amount": 10, "inclusive": True}]),
        lambda invoice: invoice.update(tax=10),
    ],
)
def test_tax_of_the_other_shape_is_not_read_past(
    event: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    """Tax inside the price under the old name would otherwise become revenue."""
    change(event["data"]["object"])
    assert "of_this_version" in {violation.rule for violation in _violations(event)}


def test_members_that_nobody_knows_do_not_matter(event: dict[str, Any]) -> None:
    """Providers add members at any time."""
    event["new"] = {"deep": [1.5, None]}
    event["data"]["object"]["surprise"] = 1.5
    assert InvoicePaidSince20250331.check(event).amount() == contracts.Money(18957, "EUR")
