"""Effects for HubSpot as handlers build them: exact values, told in words, refused where they are built."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest

from contracts.money import Money
from destinations.base import Effect, EffectInvalid
from destinations.hubspot import DESTINATION, associate, create_task, upsert_company, upsert_contact, upsert_deal
from destinations.hubspot.api import same_value
from destinations.hubspot.fields import text_of
from destinations.references import receipt_of
from destinations.remote import Image


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        ("pro", "pro"),
        (12, "12"),
        (Money(125050, "EUR"), "1250.50"),
        (Money(1000, "JPY"), "1000"),
        (Money(-5, "KWD"), "-0.005"),
        (date(2026, 2, 1), "2026-02-01"),
        (datetime(2026, 2, 1, 9, 30, tzinfo=UTC), "2026-02-01T09:30:00.000Z"),
        (datetime(2026, 2, 1, 9, 30, 0, 5600, tzinfo=timezone(timedelta(hours=1))), "2026-02-01T08:30:00.005Z"),
    ],
)
def test_a_value_has_one_exact_text(value: Any, text: str) -> None:
    """HubSpot keeps text; money comes from whole minor units."""
    assert text_of(value) == text


@pytest.mark.parametrize("value", [1.5, float("nan"), datetime(2026, 2, 1), b"x", ["a"], {"a": "b"}])
def test_a_value_without_an_exact_text_is_refused(value: Any) -> None:
    """A float above all; a time without a zone; what is no value."""
    with pytest.raises(TypeError):
        text_of(value)


@pytest.mark.parametrize(
    ("sent", "stands", "same"),
    [
        ("49.00", "49", True),
        ("49.00", "49.0000001", False),
        ("2026-02-01T00:00:00.000Z", "1769904000000", True),
        ("2026-02-01T00:00:00.000Z", "2026-02-01T00:00:00Z", True),
        ("2026-02-01", "2026-02-01", True),
        ("2026-02-01T00:00:00.000Z", "2026-02-01T00:00:01Z", False),
        ("007", "7", False),
        ("", "", True),
        ("0", "", False),
        ("Pro", "pro", False),
        ("true", "true", True),
    ],
)
def test_hubspots_form_of_a_value_is_known_again(sent: str, stands: str, same: bool) -> None:
    """Numbers and times come back in another form; text does not."""
    assert same_value(sent, stands) is same
    assert same_value(stands, sent) is same


def test_an_email_is_in_lower_case_and_told_to_nobody_who_need_not_know() -> None:
    """HubSpot writes addresses in lower case; the target, which lands in columns and logs, holds none."""
    effect = upsert_contact(key="k", subject="s", by=("email", "Ada@Example.com"), properties={"phone": "1"})
    assert effect.body["by"]["value"] == "ada@example.com"
    again = upsert_contact(key="l", subject="s", by=("email", "ada@example.COM"), properties={"phone": "2"})
    assert DESTINATION.target(effect) == DESTINATION.target(again)
    assert "@" not in str(DESTINATION.target(effect))


def test_writes_to_one_record_have_one_target() -> None:
    """So that they happen one after the other; from either side an association is one."""
    one = upsert_company(key="k", subject="s", by=("stripe_customer_id", "cus_1"), properties={"plan": "pro"})
    assert DESTINATION.target(one) == "companies/stripe_customer_id=cus_1"
    there = associate(key="k", subject="s", one=("contacts", "1"), other=("companies", "2"))
    back = associate(key="k", subject="s", one=("companies", "2"), other=("contacts", "1"))
    assert DESTINATION.target(there) == DESTINATION.target(back)


def test_what_another_write_makes_may_stand_in_a_value() -> None:
    """The deal gets the id of the invoice that the same plan creates."""
    effect = upsert_deal(
        key="k",
        subject="s",
        by=("hs_object_id", "77"),
        properties={"stripe_invoice_id": receipt_of("stripe:deal:77:invoice"), "dealstage": None},
    )
    assert DESTINATION.render(effect) == [
        "Change the HubSpot deal 77.",
        "Its dealstage becomes nothing.",
        "Its stripe_invoice_id becomes the id of what is created before, by “stripe:deal:77:invoice”.",
    ]


def test_what_is_not_known_to_stand_as_written_is_not_taken_back() -> None:
    """A plan still names the other write; what it stood for is not known here, so it may have been changed."""
    effect = upsert_deal(key="k", subject="s", by=("hs_object_id", "7"), properties={"amount": receipt_of("other")})
    now = Image("v", "7", {"amount": "5"})
    assert DESTINATION.changed_since(effect, {"id": "7"}, now) == ["amount is no longer as it was written"]


def test_nothing_is_sent_while_another_write_is_missing() -> None:
    """An effect whose marks were not filled in is refused before the wire."""
    effect = upsert_deal(key="k", subject="s", by=("hs_object_id", "7"), properties={"amount": receipt_of("other")})
    sent = DESTINATION.send(None, effect, "k", None)  # type: ignore[arg-type]
    assert sent.meaning == "refused"


def test_what_a_receipt_filled_in_is_checked_again() -> None:
    """A reference that is no id of HubSpot's goes nowhere."""
    good = associate(key="k", subject="s", one=("contacts", receipt_of("a")), other=("companies", "2"))
    body = {**good.body, "from": {"type": "contacts", "id": "cus_1/../deals"}}
    filled = Effect(good.destination, good.operation, good.key, good.subject, None, body)
    sent = DESTINATION.send(None, filled, "k", None)  # type: ignore[arg-type]
    assert sent.meaning == "refused"


def test_a_task_is_told_in_sentences() -> None:
    """Whoever approves it reads what it says, for whom and about what."""
    effect = create_task(
        key="k",
        subject="s",
        title="Payment failed",
        text="Call them.\n\nToday.",
        due=datetime(2026, 1, 3, 9, tzinfo=UTC),
        associations=[("companies", "7"), ("contacts", receipt_of("hubspot:contact"))],
        priority="LOW",
    )
    assert DESTINATION.render(effect) == [
        "Create a HubSpot task “Payment failed”.",
        "It is due at 2026-01-03T09:00:00.000Z, with priority LOW.",
        "It is for nobody yet.",
        "It is about companies/7.",
        "It is about contacts/(created before, by “hubspot:contact”).",
        "It says “Call them. / Today.”.",
    ]


@pytest.mark.parametrize(
    "build",
    [
        lambda: upsert_company(key="to ada@example.com", subject="s", by=("a", "b"), properties={"c": "d"}),
        lambda: upsert_company(key="k", subject="s", by=("email", "a@b.co"), properties={"c": "d"}),
        lambda: upsert_contact(key="k", subject="s", by=("email", "nobody"), properties={"c": "d"}),
        lambda: upsert_contact(key="k", subject="s", by=("email", "a@b.co"), properties={"email": "c@d.co"}),
        lambda: upsert_contact(key="k", subject="s", by=("a", "b"), properties={"counterfoil_key": "d"}),
        lambda: upsert_contact(key="k", subject="s", by=("a", "b"), properties={"c": "bell\x07"}),
        lambda: upsert_contact(key="k", subject="s", by=("a", "b"), properties={f"p{n}": "x" for n in range(101)}),
        lambda: associate(key="k", subject="s", one=("contacts", "1"), other=("invoices", "2")),
    ],
)
def test_a_wrong_effect_fails_where_it_is_built(build: Callable[[], Effect]) -> None:
    """With every problem in words, and no address in them."""
    with pytest.raises(EffectInvalid) as invalid:
        build()
    assert invalid.value.problems
    assert "@" not in str(invalid.value)
