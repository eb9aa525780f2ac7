"""Which writes need a person: the first rule that matches decides, and some things no file switches off."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from asking import Office

import destinations
from contracts.money import Money
from counterfoil.settings import settings
from destinations import stripe
from engine.sending.approving import proposed
from exceptions_queue.policy import Policy, PolicyRefused, Proposed, load

INVOICE = Proposed(
    destination="stripe",
    operation="create_draft_invoice",
    handler="deal_closed_won",
    amount_minor=5000,
    currency="EUR",
    fields=frozenset({"plan", "mrr"}),
    confidence=0.8,
    is_new_target=True,
)


@pytest.fixture
def rules(tmp_path: Path) -> Any:
    """Reads a policy from its text."""

    def read(text: str) -> Policy:
        file = tmp_path / "rules.toml"
        file.write_text(text)
        return load(file)

    return read


def a_rule(condition: str, *, name: str = "mine", people: int = 1) -> str:
    """One rule with these conditions."""
    return f'[[rule]]\nname = "{name}"\npeople = {people}\n{condition}\n'


def test_the_first_rule_that_matches_decides(rules: Any) -> None:
    """Also when a later one is stricter: the order of the file is what its author meant."""
    policy = rules(a_rule("", name="first", people=0) + a_rule("", name="second", people=2))
    assert (policy.decide(INVOICE).rule, policy.decide(INVOICE).needed) == ("first", 0)
    turned = rules(a_rule("", name="second", people=2) + a_rule("", name="first", people=0))
    assert (turned.decide(INVOICE).rule, turned.decide(INVOICE).needed) == ("second", 2)


def test_without_a_rule_nobody_is_asked(rules: Any) -> None:
    """What is asked about is said; an empty file says nothing."""
    assert rules("").decide(INVOICE).needed == 0


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        ('destination = ["hubspot", "stripe"]', {"destination": "books"}),
        ('operation = ["refund", "create_draft_invoice"]', {"operation": "create_customer"}),
        ('handler = ["deal_closed_won"]', {"handler": "invoice_paid"}),
        ('handler = ["deal_closed_won"]', {"handler": None}),
        ('field = ["mrr", "owner"]', {"fields": frozenset({"plan"})}),
        ('currency = ["EUR"]', {"currency": "USD"}),
        ('currency = ["EUR"]', {"currency": None}),
        ("amount_from_minor = 5000", {"amount_minor": 4999}),
        ("amount_from_minor = 5000", {"amount_minor": None}),
        ("amount_below_minor = 5001", {"amount_minor": 5001}),
        ("amount_below_minor = 5001", {"amount_minor": None}),
        ("confidence_below = 0.81", {"confidence": 0.81}),
        ("confidence_below = 0.81", {"confidence": None}),
        ("new_target = true", {"is_new_target": False}),
        ('destination = ["stripe"]\ncurrency = ["EUR"]', {"currency": "USD"}),
        ('destination = ["stripe"]\ncurrency = ["EUR"]', {"destination": "books"}),
    ],
)
def test_each_condition_decides_by_itself(rules: Any, condition: str, other: dict[str, Any]) -> None:
    """The invoice meets it; the same invoice with one thing different does not."""
    policy = rules(a_rule(condition))
    assert policy.decide(INVOICE).rule == "mine"
    assert policy.decide(replace(INVOICE, **other)).rule == "none"


def test_new_target_can_ask_about_what_is_known(rules: Any) -> None:
    """`false` means the second write to a record and all after it."""
    policy = rules(a_rule("new_target = false"))
    assert policy.decide(INVOICE).needed == 0
    assert policy.decide(replace(INVOICE, is_new_target=False)).needed == 1


def test_amounts_have_bands_by_currency(rules: Any) -> None:
    """Each currency has its own; money that goes back is as large as money that comes."""
    policy = rules(
        a_rule('currency = ["JPY"]\namount_from_minor = 1_000_000', name="yen.two", people=2)
        + a_rule('currency = ["EUR"]\namount_from_minor = 50_000', name="eur.two", people=2)
        + a_rule('currency = ["EUR"]\namount_from_minor = 5_000', name="eur.one")
    )

    def people(amount_minor: int, currency: str) -> int:
        return int(policy.decide(replace(INVOICE, amount_minor=amount_minor, currency=currency)).needed)

    assert [people(amount, "EUR") for amount in (4_999, 5_000, 49_999, 50_000, -50_000)] == [0, 1, 1, 2, 2]
    assert [people(amount, "JPY") for amount in (50_000, 1_000_000)] == [0, 2]


def test_the_amount_of_the_settings_is_meant_by_name(rules: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """`approval_minor` is COUNTERFOIL_APPROVAL_MINOR, 10,000.00 unless somebody says otherwise."""
    policy = rules(a_rule('amount_from_minor = "approval_minor"'))
    assert policy.decide(replace(INVOICE, amount_minor=999_999)).needed == 0
    assert policy.decide(replace(INVOICE, amount_minor=1_000_000)).needed == 1
    monkeypatch.setenv("COUNTERFOIL_APPROVAL_MINOR", "5000")
    settings.cache_clear()
    assert policy.decide(INVOICE).needed == 1


@pytest.mark.parametrize(
    ("what", "rule"),
    [({"spends": True}, "always.spends"), ({"deletes": True}, "always.deletes"), ({"must_ask": "edited"}, "edited")],
)
@pytest.mark.parametrize("file", ["", a_rule("", people=0)])
def test_some_things_no_file_switches_off(rules: Any, file: str, what: dict[str, Any], rule: str) -> None:
    """Spending, deleting, and what was asked about before."""
    decided = rules(file).decide(replace(INVOICE, **what))
    assert (decided.needed, decided.rule) == (1, rule)
    assert rules(a_rule("", people=2)).decide(replace(INVOICE, **what)).needed == 2


def test_what_spends_or_deletes_says_so_itself() -> None:
    """The destinations' own declarations reach the policy: a refund spends, deleting a customer deletes."""
    destination = destinations.find()["stripe"]
    refund = stripe.refund(key="k", subject="s", payment_intent="pi_1", amount=Money(100, "EUR"))
    assert proposed(refund, destination, "h", set(), None).spends
    delete = replace(refund, operation="delete_customer", amount=None, body={"customer": "cus_1"})
    assert proposed(delete, destination, "h", set(), None).deletes


@pytest.mark.parametrize("said", ["high", -0.1, 1.1, float("nan"), [0.95], {}])
def test_a_confidence_that_is_none_is_no_confidence(said: Any) -> None:
    """What cannot be compared must not pass as sure."""
    refund = stripe.refund(key="k", subject="s", payment_intent="pi_1", amount=Money(100, "EUR"))
    unsure = replace(refund, evidence={"confidence": said})
    assert proposed(unsure, destinations.find()["stripe"], "h", set(), None).confidence == 0.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rule", "not TOML"),
        (a_rule("amount = 5"), "amount"),
        (a_rule("", people=3), "people"),
        (a_rule("", people=-1), "people"),
        (a_rule("expires_hours = 0"), "expires_hours"),
        (a_rule("confidence_below = 90"), "confidence_below"),
        (a_rule('amount_from_minor = "much"'), "approval_minor"),
        (a_rule('destination = "stripe"'), "destination"),
        (a_rule("", name="One Rule"), "name"),
        (a_rule("") + a_rule(""), "two rules are called mine"),
        ('[[rule]]\nname = "x"', "people"),
        ('[[cap]]\nname = "x"\nwindow_seconds = 5', "count_max"),
        ('[[cap]]\nname = "x"\ncount_max = 5', "window_seconds"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(rules: Any, text: str, told: str) -> None:
    """By name and place, before anything is decided by it."""
    with pytest.raises(PolicyRefused, match=told):
        rules(text)


def test_a_file_that_is_not_there_is_no_empty_policy(tmp_path: Path) -> None:
    """Nobody is let through because a path was mistyped."""
    with pytest.raises(PolicyRefused, match="cannot be read"):
        load(tmp_path / "nowhere.toml")


def test_the_shipped_policy_asks_about_what_it_says() -> None:
    """Invoices always, large amounts one person, very large ones two, unsure answers one."""
    policy = load()
    small = replace(INVOICE, amount_minor=1, confidence=None)
    assert policy.decide(small).rule == "bills_a_customer"
    task = replace(small, destination="hubspot", operation="create_task")
    assert policy.decide(task).needed == 0
    assert policy.decide(replace(task, confidence=0.89)).rule == "unsure"
    assert [
        policy.decide(replace(task, amount_minor=amount)).needed for amount in (999_999, 1_000_000, 10_000_000)
    ] == [
        0,
        1,
        2,
    ]


COMPANY = "company.propertyChange"


def test_the_first_write_to_an_account_asks_the_second_does_not(office: Office) -> None:
    """Novelty is about what was written there before, by whatever event."""
    office.follow(a_rule("new_target = true", name="new"))
    office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.event(COMPANY, 5, "pro")
    request = office.asked()
    assert request["rule"] == "new"
    office.reject(request)
    office.event(COMPANY, 1005, "gold")
    assert office.approve(office.asked())
    office.event(COMPANY, 2005, "silver")
    assert office.states() == {
        "hubspot:company:5:plan": "rejected",
        "hubspot:company:1005:plan": "confirmed",
        "hubspot:company:2005:plan": "confirmed",
    }
    office.hubspot.make("companies", name="Birch", stripe_customer_id="cus_6", plan="basic")
    office.event(COMPANY, 6, "pro")
    assert office.asked()["key"] == "hubspot:company:6:plan"


def test_an_unsure_plan_asks_and_a_sure_one_does_not(office: Office) -> None:
    """The bound is the rule's; what says nothing about itself is not unsure."""
    office.follow(a_rule("confidence_below = 0.9", name="unsure"))
    for number, value in enumerate(("pro~0.5", "pro~0.95", "pro"), 5):
        office.hubspot.make("companies", name="Acorn", stripe_customer_id=f"cus_{number}", plan="basic")
        office.event(COMPANY, number, value)
    assert office.states() == {
        "hubspot:company:5:plan": "awaiting_approval",
        "hubspot:company:6:plan": "confirmed",
        "hubspot:company:7:plan": "confirmed",
    }
    assert office.asked()["shown"]["confidence"] == 0.5


def test_a_field_and_a_handler_are_rules_of_the_engine_too(office: Office) -> None:
    """The names that a plan has, not only those that a test made up."""
    office.hubspot.make("companies", name="Acorn", stripe_customer_id="cus_5", plan="basic")
    office.follow(a_rule('field = ["mrr"]') + a_rule('handler = ["drafts_an_invoice"]', name="hers"))
    office.event(COMPANY, 5, "pro")
    assert office.states() == {"hubspot:company:5:plan": "confirmed"}
    office.follow(a_rule('field = ["plan"]', name="plan"))
    office.hubspot.make("companies", name="Birch", stripe_customer_id="cus_6", plan="basic")
    office.event(COMPANY, 6, "pro")
    assert office.asked()["rule"] == "plan"
