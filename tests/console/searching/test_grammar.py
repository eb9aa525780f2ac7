"""What people type is understood, or refused with its place and what would be; an id means what it is."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.searching import FIELDS, Amount, NotUnderstood, Span, parse

#: A Saturday.
NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)


def day(number: int, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of the month."""
    return datetime(2026, 11, number, hour, minute, tzinfo=UTC)


def test_fields_words_and_phrases_stand_side_by_side() -> None:
    """In any order; quotation marks keep blanks together."""
    wanted = parse('class:contract_violation amount>1000 "two words" since:yesterday one', NOW)
    assert [(term.field, term.op) for term in wanted.terms] == [("class", ":"), ("amount", ">"), ("since", ":")]
    assert wanted.values("class") == ["contract_violation"]
    assert wanted.words == ("two words", "one")


@pytest.mark.parametrize(
    "text",
    [
        "evt_1",
        "stripe:in_123",
        "books:invoice:in_123:paid",
        "0192f3a0-0000-7000-8000-000000000000",
        "a=b",
        "x>1",
        "50%",
    ],
)
def test_an_id_or_key_means_what_it_is(text: str) -> None:
    """Colons and signs included; nobody has to quote what they copied."""
    wanted = parse(text, NOW, prefixes={"stripe"})
    assert (wanted.terms, wanted.words) == ((), (text,))


def test_a_key_goes_together_with_fields() -> None:
    """What begins like the sources of this installation is a key there too."""
    wanted = parse("status:exception stripe:in_1 a=b x>1", NOW, prefixes={"stripe"})
    assert (len(wanted.terms), wanted.words) == (1, ("stripe:in_1", "a=b", "x>1"))


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("yesterday", day(20), day(21)),
        ("today", day(21), day(22)),
        ("2026-11-20", day(20), day(21)),
        ("2026-11-20T15:00", day(20, 15), day(20, 15, 1)),
        ("2026-11-20T15:00Z", day(20, 15), day(20, 15, 1)),
        ("yesterday@3pm", day(20, 15), day(20, 15, 1)),
        ('"yesterday 12 am"', day(20), day(20, 0, 1)),
        ("Yesterday-12pm", day(20, 12), day(20, 12, 1)),
        ("15:30", day(21, 15, 30), day(21, 15, 31)),
        ("3h", day(21, 15, 30), day(21, 15, 31)),
        ("90m", day(21, 17), day(21, 17, 1)),
        ("2d", day(19, 18, 30), day(19, 18, 31)),
        ("1w", day(14, 18, 30), day(14, 18, 31)),
        ("now", NOW, NOW + timedelta(minutes=1)),
    ],
)
def test_times_are_words_dates_or_how_long_ago(text: str, begins: datetime, ends: datetime) -> None:
    """In UTC, as everything here is."""
    assert parse(f"since:{text}", NOW).values("since") == [Span(begins, ends)]


@pytest.mark.parametrize(
    ("text", "op", "number", "currency"),
    [
        ("amount>1000", ">", "1000", None),
        ("amount:42.00EUR", ":", "42.00", "EUR"),
        ("amount=42eur", ":", "42", "EUR"),
        ("amount<=1,000.50", "<=", "1000.50", None),
        ("amount:>=5USD", ">=", "5", "USD"),
        ('amount:"42 EUR"', ":", "42", "EUR"),
    ],
)
def test_amounts_are_in_whole_units(text: str, op: str, number: str, currency: str | None) -> None:
    """Exact, with or without the currency."""
    (term,) = parse(text, NOW).terms
    assert (term.op, term.value) == (op, Amount(Decimal(number), currency))


def test_an_amount_counts_in_the_units_of_its_currency() -> None:
    """Forty-two yen have no hundredths, dinars have thousandths."""
    scales = {tuple(codes[:1]): minor for codes, minor in Amount(Decimal("42.5"), None).by_scale()}
    assert sorted(scales.values()) == [Decimal("42.5"), Decimal(4250), Decimal(42500)]
    assert [minor for _, minor in Amount(Decimal(42), "JPY").by_scale()] == [Decimal(42)]


@pytest.mark.parametrize(
    ("text", "position", "why"),
    [
        ("clas:x source:stripe", 1, "Did you mean class?"),
        ("source:stripe colour:red", 15, "there is no field “colour”"),
        ("source:", 1, "needs a value"),
        ('source:"a', 8, "not closed"),
        ("status>x", 1, "takes a colon"),
        ("amount>much", 8, "not an amount"),
        ("amount:5-", 8, "not an amount"),
        ("amount:5QQQ", 8, "no currency"),
        ("since:soon", 7, "not a time"),
        ("since:2026-02-30", 7, "not a time"),
        ("at:25:00", 4, "not a time"),
        ("at:13pm", 4, "not a time"),
        # Half an hour earlier there is no time.
        ("at:0001-01-01@12am", 4, "not a time"),
        ("at:9999-12-31@11:45pm", 4, "not a time"),
        ("case:17", 6, "not an id"),
        (" ".join(["source:a"] * 21), 1, "more than"),
    ],
)
def test_what_is_not_understood_is_refused_with_its_place(text: str, position: int, why: str) -> None:
    """Nothing is guessed and nothing is left out silently: a filter that is dropped would show too much."""
    with pytest.raises(NotUnderstood, match=why) as refused:
        parse(text, NOW)
    assert refused.value.position == position


def test_the_refusal_of_an_unknown_field_lists_what_there_is() -> None:
    """So that nobody has to look it up."""
    with pytest.raises(NotUnderstood) as refused:
        parse("source:a colour:red", NOW)
    assert all(field in str(refused.value) for field in FIELDS)


def test_a_single_word_that_looks_like_a_field_is_a_word_with_a_hint() -> None:
    """It may be a key; where nothing is found, people are told what it looked like."""
    wanted = parse("clas:contract_violation", NOW)
    assert wanted.words == ("clas:contract_violation",)
    assert wanted.hint is not None
    assert "Did you mean class?" in wanted.hint


@given(
    st.text(max_size=60) | st.lists(st.sampled_from([*FIELDS, ":", ">", '"', " ", "x", "1"]), max_size=12).map("".join)
)
def test_whatever_is_typed_is_understood_or_refused(text: str) -> None:
    """No text is our fault, and the place lies in it."""
    place = 1
    try:
        parse(text, NOW)
    except NotUnderstood as wrong:
        place = wrong.position
    assert 1 <= place <= len(text) + 1


@given(st.text(st.characters(exclude_characters=':"<>='), max_size=60))
def test_words_keep_what_was_typed(text: str) -> None:
    """Every character that is no blank."""
    assert "".join(parse(text, NOW).words) == "".join(text.split())


def test_every_field_has_an_example_that_is_understood() -> None:
    """The help can be typed as it stands."""
    for field, meaning in FIELDS.items():
        for example in _examples(meaning):
            assert parse(example, NOW).terms[0].field == field


def _examples(meaning: str) -> list[Any]:
    return meaning.partition("e.g. ")[2].split(", ") if "e.g. " in meaning else []
