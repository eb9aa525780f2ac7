"""Fixes: data that fills in what is missing, and cannot touch what a write is worth or about."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import contracts
from contracts import exact, fix_paths, fixes
from contracts.fixes import Fix, FixInvalid

SAMPLES = Path(contracts.__file__).parent / "samples" / "stripe"
LINE = "data.object.lines.data[]"
PRODUCT = f"{LINE}.pricing.price_details.product"
CATEGORY = f"{LINE}.metadata.revenue_category"
CUSTOMER = "data.object.customer"
COUNTRY = "data.object.customer_address.country"


def a_fix(when: dict[str, Any], set: dict[str, str], id: str = "one") -> Fix:
    """A fix about paid invoices."""
    return fixes.parse("stripe", "stripe", ["invoice.paid"], when, set, id=id)


def categorise(product: str, category: str, id: str = "one") -> Fix:
    """This product is this revenue category."""
    return a_fix({PRODUCT: product, CATEGORY: None}, {CATEGORY: category}, id)


def an_invoice(*products: str | None, **members: Any) -> str:
    """A payload with one line per product."""
    lines = [
        {"amount": 10 * at, "metadata": {}, "pricing": {"price_details": {"product": product}}}
        for at, product in enumerate(products)
    ]
    return json.dumps({"id": "evt_1", "data": {"object": {"customer": "cus_1", "lines": {"data": lines}, **members}}})


def categories(body: str) -> list[str | None]:
    """The category of each line."""
    return [line["metadata"].get("revenue_category") for line in json.loads(body)["data"]["object"]["lines"]["data"]]


def test_only_the_lines_that_meet_the_conditions_are_filled_in() -> None:
    """`[]` is the same element in conditions and settings."""
    done = fixes.apply(an_invoice("prod_a", "prod_b", "prod_a"), [categorise("prod_a", "services")])
    assert categories(done.body) == ["services", None, "services"]
    assert done.applied == (
        fixes.Applied(
            "one",
            {f"data.object.lines.data.{at}.metadata.revenue_category": "services" for at in (0, 2)},
        ),
    )


def test_the_objects_on_the_way_are_made() -> None:
    """An address that is null gets a country; one that is there keeps everything else."""
    rule = a_fix({CUSTOMER: "cus_1", COUNTRY: None}, {COUNTRY: "DE"})
    for address in (None, {}, {"city": "Bonn", "country": None}):
        done = json.loads(fixes.apply(an_invoice(customer_address=address), [rule]).body)
        assert done["data"]["object"]["customer_address"] == {**(address or {}), "country": "DE"}
    for standing in ("Bonn", ["DE"], {"country": "FR"}, {"country": 49}, 7):
        assert fixes.apply(an_invoice(customer_address=standing), [rule]).applied == ()


def test_a_text_is_replaced_only_where_the_rule_names_it() -> None:
    """`Consulting` becomes `services`; whatever else stands there stays."""
    rule = a_fix({CATEGORY: "Consulting"}, {CATEGORY: "services"})
    body = an_invoice("prod_a", "prod_b").replace('"metadata": {}', '"metadata": {"revenue_category": "Consulting"}', 1)
    assert categories(fixes.apply(body, [rule]).body) == ["services", None]


@pytest.mark.parametrize("value", ["cus_1", 12, True, None])
def test_a_condition_is_met_by_its_own_kind_of_value_only(value: Any) -> None:
    """12 is not "12", true is not 1, and null is nothing else."""
    path = "data.object.found"
    rule = a_fix({CUSTOMER: "cus_1", path: value, COUNTRY: None}, {COUNTRY: "DE"})
    for found in ("cus_1", "12", 12, 12.0, 1, True, False, None, [], {}):
        is_same = type(found) is type(value) and found == value
        assert bool(fixes.apply(an_invoice(found=found), [rule]).applied) == is_same, found


@pytest.mark.parametrize(
    "path",
    [
        "data.object.amount_paid",
        "data.object.currency",
        "data.object.total",
        "data.object.lines.data[].amount",
        "data.object.lines.data[].price.unit_amount_decimal",
        "data.object.lines.data[].price.currency_options.usd.label",
        "data.object.lines.data[].quantity",
        "data.object.lines.data[].taxes[].tax_behavior",
        "data.object.totalAmount",
        "data.object.metadata.netto_amount_text",
        "data.object.id",
        "data.object.customer",
        "data.object.lines.data[].pricing.price_details.product",
        "data.object.subscription",
        "data.object.status_transitions.paid_at",
        "data.object.created",
        "data.object.status",
        "data.object.metadata.orderId",
        "data.previous_attributes.description",
        "data.object",
        "id",
        "type",
        "account",
        "livemode",
        "created",
    ],
)
def test_money_and_identity_cannot_be_named(path: str) -> None:
    """A rule never raises what is written, nor makes another event of it."""
    with pytest.raises(FixInvalid, match="a rule"):
        a_fix({CUSTOMER: "cus_1", path: None}, {path: "x"})


def test_nothing_of_an_event_that_is_one_value_can_be_filled_in() -> None:
    """A property of HubSpot may be an amount."""
    with pytest.raises(FixInvalid, match="hubspot"):
        fixes.parse(
            "hubspot",
            "hubspot",
            ["deal.propertyChange"],
            {"objectId": 7, "propertyValue": "1"},
            {"propertyValue": "2"},
        )


@pytest.mark.parametrize(
    ("when", "set", "says"),
    [
        ({}, {COUNTRY: "DE"}, "when: 1 to 5"),
        ({CUSTOMER: "cus_1"}, {}, "set: 1 to 5"),
        ({f"data.object.a{n}": "x" for n in range(6)}, {COUNTRY: "DE"}, "when: 1 to 5"),
        ({COUNTRY: None}, {COUNTRY: "DE"}, "others have not"),
        ({"data.object.object": "invoice", COUNTRY: None}, {COUNTRY: "DE"}, "others have not"),
        ({CUSTOMER: "cus_1"}, {COUNTRY: "DE"}, "what stands there before"),
        ({CUSTOMER: "cus_1", COUNTRY: "DE"}, {COUNTRY: "DE"}, "already"),
        ({CUSTOMER: 1.5, COUNTRY: None}, {COUNTRY: "DE"}, "whole number"),
        ({CUSTOMER: "cus_1", COUNTRY: None}, {COUNTRY: 49}, "no numbers"),
        ({CUSTOMER: "cus_1", COUNTRY: None}, {COUNTRY: "\u202e"}, "text of 1"),
        ({CUSTOMER: "cus_1", "data.object.a..b": None}, {COUNTRY: "DE"}, "not written like"),
        ({CUSTOMER: "cus_1", "data[]": None}, {COUNTRY: "DE"}, "not written like"),
        ({"data.object.x[].y": "1", "data.object.z[].w": None}, {"data.object.z[].w": "1"}, "different lists"),
        (
            {CUSTOMER: "c", "data.object.a": None, "data.object.a.b": None},
            {"data.object.a": "1", "data.object.a.b": "1"},
            "text already",
        ),
    ],
)
def test_a_rule_that_could_do_harm_or_nothing_is_refused(when: Any, set: Any, says: str) -> None:
    """With every reason, before anything is stored."""
    with pytest.raises(FixInvalid, match=says):
        a_fix(when, set)


def test_two_that_disagree_write_neither() -> None:
    """Neither the older nor the newer wins; a third one that agrees with nobody else is applied all the same."""
    country = a_fix({CUSTOMER: "cus_1", COUNTRY: None}, {COUNTRY: "DE"}, "three")
    rules = [categorise("prod_a", "services", "one"), categorise("prod_a", "usage", "two"), country]
    for order in (rules, rules[::-1]):
        done = fixes.apply(an_invoice("prod_a", customer_address={}), order)
        assert categories(done.body) == [None]
        assert done.disagreeing == ("one", "two")
        assert [one.fix_id for one in done.applied] == ["three"]


def test_what_cannot_be_in_force_together_is_said() -> None:
    """The same place with another text, or one that waits for the other; not two products, nor the same twice."""
    services = categorise("prod_a", "services")
    assert fixes.disagreement(services, categorise("prod_a", "usage")) == f"both write {CATEGORY}"
    assert fixes.disagreement(services, a_fix({CATEGORY: "services"}, {CATEGORY: "usage"})) is not None
    assert fixes.disagreement(services, a_fix({CUSTOMER: "cus_1", CATEGORY: None}, {CATEGORY: "usage"})) is not None
    assert fixes.disagreement(services, categorise("prod_b", "usage")) is None
    assert fixes.disagreement(services, categorise("prod_a", "services")) is None
    of_any_line = a_fix({PRODUCT: "prod_a", COUNTRY: None}, {COUNTRY: "DE"})
    of_another = a_fix({PRODUCT: "prod_b", COUNTRY: None}, {COUNTRY: "FR"})
    assert fixes.disagreement(of_any_line, of_another) == f"both write {COUNTRY}", "one invoice may hold both products"


def test_numbers_keep_every_digit_and_words_every_character() -> None:
    """What the rule does not name is the same text again, halves of surrogate pairs included."""
    numbers = '"rate": 0.10000000000000000001, "zeros": 12.10, "big": 123456789012345678901'
    odd = numbers + ', "half": "\\ud83d", "é": "\\u0000"'
    body = an_invoice("prod_a")[:-1] + f", {odd}}}"
    done = fixes.apply(body, [categorise("prod_a", "services")])
    assert done.applied
    for number in ("0.10000000000000000001", "12.10", "123456789012345678901"):
        assert number in done.body
    was, now = exact.read(body), exact.read(done.body)
    del now["data"]["object"]["lines"]["data"][0]["metadata"]["revenue_category"]
    assert now == was


@pytest.mark.parametrize("body", ["", "[]", "NaN", '{"data": NaN, "x": "prod_a"}', "[" * 5000, '"prod_a"', "prod_a"])
def test_what_is_no_document_stays_as_it_is(body: str) -> None:
    """Its contract says what is wrong with it."""
    assert fixes.apply(body, [categorise("prod_a", "services")]) == fixes.Mended(body)


texts = st.sampled_from(["prod_a", "prod_b", "services", "usage", "DE", 'é\\"', "cus_1"])
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "metadata", "amount", "country"]), inner, max_size=3)
    ),
    max_leaves=12,
)
PATHS = ["data.object.a", "data.object.b.country", "data.object.b[].a", "data.object.b[].metadata.a", "data.object.a.b"]


@st.composite
def rules(draw: Any, id: str) -> Fix | None:
    """A rule over a few paths, if it is one."""
    chosen = draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True))
    when = {path: draw(st.none() | texts | st.integers(0, 3)) for path in chosen}
    path = draw(st.sampled_from(chosen))
    try:
        return a_fix(when, {path: draw(texts)}, id)
    except FixInvalid:
        return None


def leaves(value: Any, at: tuple[Any, ...] = ()) -> dict[tuple[Any, ...], Any]:
    """Every value that is no container, by its place."""
    if isinstance(value, dict):
        return {place: leaf for name, each in value.items() for place, leaf in leaves(each, (*at, name)).items()}
    if isinstance(value, list):
        return {place: leaf for number, each in enumerate(value) for place, leaf in leaves(each, (*at, number)).items()}
    return {at: value}


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["a", "b", "amount"]), values), rules("one"), rules("two"))
def test_whatever_the_rules_and_the_payload(holds: dict[str, Any], one: Fix | None, two: Fix | None) -> None:
    """Only text or nothing is written over, no number changes, order means nothing, and a second time does nothing."""
    body = json.dumps({"data": {"object": holds}})
    given_ = [rule for rule in (one, two) if rule is not None]
    done = fixes.apply(body, given_)
    assert done == fixes.apply(body, given_[::-1])
    was, now = leaves(json.loads(body)), leaves(json.loads(done.body))
    told = {place for each in done.applied for place in each.set}
    for place in was.keys() | now.keys():
        if was.get(place) != now.get(place) or (place in was) != (place in now):
            assert was.get(place) is None or isinstance(was[place], str)
            if place in now:
                assert isinstance(now[place], str)
                assert ".".join(map(str, place)) in told
    if len(given_) < 2 or fixes.disagreement(given_[0], given_[1]) is None:
        assert done.disagreeing == ()
        assert fixes.apply(done.body, given_) == fixes.Mended(done.body)


@pytest.mark.parametrize("sample", ["invoice.paid.json", "invoice.paid@2024-06-20.json"])
def test_a_real_invoice_keeps_its_money(sample: str) -> None:
    """What the contract says it amounts to is the same afterwards, and so is every number in it."""
    body = (SAMPLES / sample).read_text()
    customer = json.loads(body)["data"]["object"]["customer"]
    path = "data.object.metadata.region"
    done = fixes.apply(body, [a_fix({CUSTOMER: customer, path: None}, {path: "north"})])
    assert done.applied
    contract = contracts.find("stripe", "invoice.paid", json.loads(body)["api_version"], body)
    assert contract.check(body).amount() == contract.check(done.body).amount() is not None
    numbers = [leaf for leaf in leaves(exact.read(body)).items() if isinstance(leaf[1], exact.Number)]
    assert numbers == [leaf for leaf in leaves(exact.read(done.body)).items() if isinstance(leaf[1], exact.Number)]


def test_paths_are_bounded() -> None:
    """As deep as anything that people name, and no deeper."""
    assert fix_paths.steps_of(".".join("abcdefghijkl")) == tuple("abcdefghijkl")
    assert fix_paths.steps_of(".".join("abcdefghijklm")) is None
    assert fix_paths.steps_of("a" * 201) is None
