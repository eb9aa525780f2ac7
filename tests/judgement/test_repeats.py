"""What was decided about the same words: by whom, about whom, and when it is no answer."""

import numpy as np
import pytest

from judgement.local.repeats import NEAR_EXACT, SHIPPED, Repeats, Said

SETUP = "Setup"


def _repeats(*said: tuple[str, str | None, str | None]) -> Repeats:
    """Author, about whom, label; in this order, about the same words."""
    made = Repeats()
    for place, (author, who, label) in enumerate(said):
        made.teach(SETUP, author, Said(str(place), label, who), place)
    return made


def _labels(made: Repeats, who: str | None) -> set[str | None]:
    return {each.label for _, each in made.exact("setup!", counterparty=who)}


@pytest.mark.parametrize(
    ("said", "who", "labels"),
    [
        # Two customers mean different things by one word: each gets its own, however often the other was said since.
        ([("ann", "acorn", "services"), ("ann", "birch", "usage")], "acorn", {"services"}),
        ([("ann", "acorn", "services"), ("bo", "birch", "usage")], "birch", {"usage"}),
        # Of a third one nobody knows which it means.
        ([("ann", "acorn", "services"), ("ann", "birch", "usage")], "cedar", {"services", "usage"}),
        ([("ann", "acorn", "services"), ("ann", "birch", "usage")], None, {"services", "usage"}),
        ([("ann", "acorn", "services"), ("ann", "birch", "services")], "cedar", {"services"}),
        # Whoever changed their mind disputes nothing, about one customer or about all.
        ([("ann", "acorn", "services"), ("ann", "acorn", "usage")], "acorn", {"usage"}),
        ([("ann", "acorn", "services"), ("ann", None, "usage")], "acorn", {"usage"}),
        ([("ann", "acorn", "services"), ("ann", None, "usage")], "cedar", {"usage"}),
        ([("ann", None, "usage"), ("ann", "acorn", "services")], "acorn", {"services"}),
        # Two people about one customer do.
        ([("ann", "acorn", "services"), ("bo", "acorn", "usage")], "acorn", {"services", "usage"}),
        # What was shipped is nobody's word where somebody spoke; None of the labels is an answer like others.
        ([(SHIPPED, None, "services"), ("ann", "birch", "usage")], "acorn", {"usage"}),
        ([(SHIPPED, None, "services")], "acorn", {"services"}),
        ([("ann", "acorn", None)], "acorn", {None}),
    ],
)
def test_the_same_counterparty_comes_first(
    said: list[tuple[str, str | None, str | None]], who: str | None, labels: set[str | None]
) -> None:
    """Earlier answers about the same counterparty decide; without one, all that was said, disagreeing or not. Break it:
    keep the newest of each author, whoever it was about."""
    assert _labels(_repeats(*said), who) == labels


def test_what_is_nearly_the_same_is_answered_as_it_is_now() -> None:
    """By what stands of those words, not by what was said first; where people disagree about them, not at all."""
    near = np.array([NEAR_EXACT + 0.01, NEAR_EXACT], np.float32)
    changed = _repeats(("ann", None, "services"), ("ann", None, "usage"))
    found = changed.near("Setup fee", near, counterparty=None)
    assert found is not None
    assert found.said.label == "usage"
    assert _repeats(("ann", None, "services"), ("bo", None, "usage")).near("Setup fee", near, counterparty=None) is None
    apart = _repeats(("ann", "acorn", "services"), ("ann", "birch", "usage"))
    assert apart.near("Setup fee", near, counterparty="cedar") is None
    found = apart.near("Setup fee", near, counterparty="birch")
    assert found is not None
    assert found.said.label == "usage"
