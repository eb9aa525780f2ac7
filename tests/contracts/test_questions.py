"""The questions that ship, and the examples beside them: enough of each, honest splits, nobody real."""

import re
from collections import Counter, defaultdict

import numpy as np
import pytest

from contracts import questions
from contracts.categories import CATEGORIES
from contracts.questions import find, use_of
from contracts.questions.revenue_category import QUESTION as REVENUE
from judgement.local import lexical, text

NAMES = sorted(find())
#: Per label, of what is taught and measured together.
LEAST = {"revenue_category": 40, "ticket_category": 40, "contact_intent": 40, "ticket_priority": 30, "ticket_route": 30}
#: Letters in common from which on two inputs are one input said twice.
ALIKE = 0.8


def test_the_questions_are_found_by_walking() -> None:
    """A file in the folder is a question; nothing lists them."""
    assert set(LEAST) <= set(NAMES)
    assert all(find()[name].name == name for name in NAMES)


def test_the_revenue_question_is_answered_by_categories_and_nothing_else() -> None:
    """A label that the books do not know could not be booked."""
    assert set(REVENUE.label_names) == set(CATEGORIES.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_label_has_examples_enough(name: str) -> None:
    """Of every kind, and some to which no label fits."""
    counted = Counter(row["label"] for row in questions.examples(name))
    assert {label: counted[label] for label in find()[name].label_names if counted[label] < LEAST.get(name, 30)} == {}
    assert counted[None] >= 10
    assert set(counted) - {None} <= set(find()[name].label_names)


@pytest.mark.parametrize("name", NAMES)
def test_every_label_is_measured(name: str) -> None:
    """A label that no measuring example has could be wrong each time, unseen."""
    seen = defaultdict(set)
    for row in questions.examples(name):
        seen[row["use"]].add(row["label"])
    for use in ("learn", "calibrate", "golden"):
        assert seen[use] - {None} == set(find()[name].label_names), use


@pytest.mark.parametrize("name", NAMES)
def test_the_use_follows_from_the_words(name: str) -> None:
    """Nobody chose what is measured with. Break it: change `use` in one line."""
    question = find()[name]
    rows = questions.examples(name)
    assert [row["id"] for row in rows if row["use"] != use_of(question.input_hash(row["fields"]))] == []
    shares = Counter(row["use"] for row in rows)
    assert 0.5 < shares["learn"] / len(rows) < 0.7
    assert shares["calibrate"] / len(rows) > 0.15
    assert shares["golden"] / len(rows) > 0.1


@pytest.mark.parametrize("name", NAMES)
def test_no_input_is_there_twice(name: str) -> None:
    """Not even nearly: an example that is also taught measures memory. Ids are unique, fields are the question's."""
    question, rows = find()[name], questions.examples(name)
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(set(row["fields"]) <= set(question.fields) and question.input_of(row["fields"]) for row in rows)
    said = [text.joined(row["fields"], question.fields) for row in rows]
    rows_of_counts = lexical.stacked(lexical.counted(each) for each in said).folded(lexical.HEAD_BUCKETS)
    letters = rows_of_counts.dense(np.arange(len(said)), lexical.HEAD_BUCKETS)
    letters /= np.linalg.norm(letters, axis=1, keepdims=True)
    likeness = np.triu(letters @ letters.T, 1)
    twice = [(said[one], said[other]) for one, other in np.argwhere(likeness > ALIKE).tolist()]
    assert twice == []


@pytest.mark.parametrize("name", NAMES)
def test_nobody_real_is_in_them(name: str) -> None:
    """Addresses lead to example.com, and nothing looks like an account or a telephone number."""
    said = [value for row in questions.examples(name) for value in row["fields"].values()]
    hosts = {host for each in said for host in re.findall(r"(?:@|www\.|https?://)([a-z0-9.-]*[a-z])", each)}
    assert hosts <= {"example.com"}
    assert [each for each in said if re.search(r"\b[A-Z]{2}\d{12,}\b|\+\d{6,}|\b\d{13,19}\b", each)] == []


@pytest.mark.parametrize("name", NAMES)
def test_labels_say_what_they_mean(name: str) -> None:
    """They have to work on the first event: a description and two examples that are in none of the measuring rows."""
    question = find()[name]
    rows = {text.folded(text.joined(row["fields"], question.fields)) for row in questions.examples(name)}
    for label in question.labels:
        assert len(label.examples) >= 2
        assert not {text.folded(each) for each in label.examples} & rows
