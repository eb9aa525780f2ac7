"""What holds for every contract and every sample: found by walking, so that adding one needs no line here."""

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.base import Contract, ContractUnknown, every, find

SAMPLES = Path(contracts.__file__).parent / "samples"
FILES = sorted(SAMPLES.glob("*/*.json"))


def _type_of(path: Path) -> str:
    """`invoice.paid@thin.json` is a variant of the sample for `invoice.paid`."""
    return path.stem.split("@")[0]


def _contract_of(path: Path) -> type[Contract] | None:
    body = path.read_bytes()
    try:
        return find(path.parent.name, _type_of(path), json.loads(body).get("api_version"), body)
    except ContractUnknown:
        return None


CHECKED = [(path, contract) for path in FILES if (contract := _contract_of(path))]
CHECKED_IDS = [f"{path.parent.name}/{path.stem}" for path, _ in CHECKED]


@pytest.mark.parametrize("contract", every(), ids=lambda contract: contract.version)
def test_a_contract_says_what_it_is(contract: type[Contract]) -> None:
    """Name, number, types and a sentence."""
    assert re.fullmatch(rf"{contract.source}\.[a-z_.]+/[1-9]\d*", contract.version)
    assert contract.types
    assert (contract.__doc__ or "").strip()


def test_no_two_contracts_share_a_version() -> None:
    """The version is what a run remembers."""
    versions = [contract.version for contract in every()]
    assert len(versions) == len(set(versions))


@pytest.mark.parametrize("contract", every(), ids=lambda contract: contract.version)
def test_a_contract_has_a_sample(contract: type[Contract]) -> None:
    """A contract without a real sample is an opinion."""
    assert any(found is contract for _, found in CHECKED)


@pytest.mark.parametrize(("path", "contract"), CHECKED, ids=CHECKED_IDS)
def test_a_sample_keeps_its_contract_in_every_form(path: Path, contract: type[Contract]) -> None:
    """As bytes, as text and parsed, with the same result."""
    body = path.read_bytes()
    seen = [contract.check(body), contract.check(body.decode()), contract.check(json.loads(body))]
    assert seen[0] == seen[1] == seen[2]
    assert contract.at_stake(body) == seen[0].amount()


@pytest.mark.parametrize(("path", "contract"), CHECKED, ids=CHECKED_IDS)
def test_a_damaged_sample_only_ever_breaks_its_contract(path: Path, contract: type[Contract]) -> None:
    """Every member in turn replaced by nonsense or removed: accepted or ContractBroken, no other exception."""
    whole = json.loads(path.read_bytes())
    for place in _places(whole):
        for nonsense in (None, [], {}, "x", -1, 1.5, True, 10**30, ...):
            damaged = _with(whole, place, nonsense)
            contract.at_stake(damaged)
            with contextlib.suppress(contracts.ContractBroken):
                contract.check(damaged)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_sample_is_synthetic(path: Path) -> None:
    """Mails and links lead to example.com, so that nobody real is in here."""
    text = path.read_text("utf-8")
    for host in re.findall(r"[@/]([a-z0-9.-]+\.[a-z]{2,})\b", text):
        if host.endswith((".com", ".org", ".net", ".io")):
            assert host.endswith("example.com") or host == "docs.stripe.com"


def test_there_are_samples_enough_to_try_things() -> None:
    """At least twenty types of Stripe's and eight kinds of HubSpot's."""
    assert len({_type_of(path) for path in FILES if path.parent.name == "stripe"}) >= 20
    assert len({_type_of(path) for path in FILES if path.parent.name == "hubspot"}) >= 8


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "stripe"], ids=lambda path: path.stem)
def test_a_stripe_sample_names_itself(path: Path) -> None:
    """The file's name is the event's type, thin forms included."""
    event = json.loads(path.read_bytes())
    assert event["type"].removeprefix("v1.") == _type_of(path)
    assert event["object"] == ("v2.core.event" if event["type"].startswith("v1.") else "event")


def _places(tree: Any, way: tuple[int | str, ...] = ()) -> list[tuple[int | str, ...]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in items for place in ((*way, key), *_places(value, (*way, key)))]


def _with(tree: Any, place: tuple[int | str, ...], value: Any) -> Any:
    """A copy with `value` at `place`, or without it for `...`; shares what it does not change."""
    key, *rest = place
    copy = dict(tree) if isinstance(tree, dict) else list(tree)
    if rest:
        copy[key] = _with(copy[key], tuple(rest), value)
    elif value is ...:
        del copy[key]
    else:
        copy[key] = value
    return copy
