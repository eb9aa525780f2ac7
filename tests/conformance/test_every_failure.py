"""What holds for every failure class: found in the catalogue, so that adding one needs no line here."""

import re
from pathlib import Path

import pytest

from counterfoil import clock
from exceptions_queue import failures, owners
from exceptions_queue.failures import CATALOGUE, Failure

PAGE = (Path(__file__).parents[2] / "docs" / "failures.md").read_text()
EVERY = pytest.mark.parametrize("failure", CATALOGUE.values(), ids=CATALOGUE)

#: The codes that others build on; the API, metrics, dashboards and owners files name them.
PROMISED = (
    "contract_violation",
    "contract_unknown",
    "identity_conflict",
    "wrong_account",
    "context_missing",
    "low_confidence",
    "model_output_invalid",
    "model_unavailable",
    "out_of_bounds",
    "approval_needed",
    "write_refused",
    "write_in_doubt",
    "write_not_applied",
    "destination_unavailable",
    "handler_bug",
    "run_stuck",
    "coverage_gap",
    "signature_burst",
)


def test_every_promised_code_is_there() -> None:
    """A code is never renamed and never goes away."""
    assert set(PROMISED) <= set(CATALOGUE)


@EVERY
def test_it_says_what_it_is_and_what_to_do(failure: type[Failure]) -> None:
    """A sentence when it happens, a title for a list, advice that a person can follow."""
    assert (failure.__doc__ or "").strip().endswith(".")
    assert 10 <= len(failure.title) <= 60
    assert not failure.title.endswith(".")
    assert failure.advice.endswith(".")
    assert len(failure.advice.split()) >= 8
    assert failure.by_itself.endswith(".")


@EVERY
def test_somebody_living_owns_it_and_somebody_else_hears_next(failure: type[Failure]) -> None:
    """P9, with the packaged roster: an owner who is present, and a way up that reaches another person."""
    whose = owners.load(owners.PACKAGED).resolve(failure.code, at=clock.now())
    assert whose.role == failure.role
    assert {rung.person for rung in whose.escalation} - {whose.owner}


@EVERY
def test_it_has_a_page(failure: type[Failure]) -> None:
    """Its section of docs/failures.md says the same as the catalogue."""
    section = re.search(rf"^## `{failure.code}`\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert section, f"docs/failures.md has no section `{failure.code}`"
    said = " ".join(section[1].split())
    for words in (failure.title, failure.advice, failure.by_itself, f"`{failure.role}`", (failure.__doc__ or "")):
        assert " ".join(words.split()) in said


@EVERY
def test_it_can_be_raised_with_nothing_but_its_class(failure: type[Failure]) -> None:
    """Every default makes sense; what is given is kept, without secrets."""
    assert str(failure()) == failure.title
    told = failure("mail to kim@example.com", rule="r", destination="books", data={"password": "x"}, amount_minor=5)
    assert str(told) == "mail to ***"
    assert (told.rule, told.destination, told.data, told.amount_minor) == ("r", "books", {"password": "***"}, 5)


def test_a_class_that_leaves_its_owner_without_words_is_refused_where_it_is_written() -> None:
    """No code, no title, no role, no advice, no docstring: each is refused with what is missing."""
    complete = {
        "code": "a_new_one",
        "title": "Something new happened",
        "role": "platform",
        "advice": "Do this.",
        "__doc__": "When it happens.",
    }
    for missing in complete:
        words = {name: value for name, value in complete.items() if name != missing}
        with pytest.raises(TypeError, match="docstring" if missing == "__doc__" else missing):
            type("ANewOne", (Failure,), words)
    with pytest.raises(TypeError, match="is not a code"):
        type("ANewOne", (Failure,), {**complete, "code": "A New One"})
    with pytest.raises(TypeError, match="RunStuck has the code"):
        type("ANewOne", (Failure,), {**complete, "code": "run_stuck"})
    assert "a_new_one" not in CATALOGUE


def test_a_teams_own_class_is_in_the_catalogue_and_has_an_owner() -> None:
    """Defined anywhere, found everywhere."""
    words = {
        "code": "refund_too_late",
        "title": "A refund after the period closed",
        "role": "finance_ops",
        "advice": "Book it in the open period.",
        "__doc__": "A refund arrives after its period was closed.",
        "__module__": __name__,
    }
    made = type("RefundTooLate", (Failure,), words)
    try:
        assert failures.of("refund_too_late") is made
        assert owners.load(owners.PACKAGED).resolve("refund_too_late", at=clock.now()).owner == "fiona"
    finally:
        del CATALOGUE["refund_too_late"]


def test_an_unknown_code_is_somebodys_mistake_with_an_owner() -> None:
    """Asking for a class that nobody defined is a bug of whoever asks, not a crash of the worker."""
    with pytest.raises(failures.HandlerBug) as raised:
        failures.of("no_such_class")
    assert raised.value.rule == "unknown_failure_class"
