"""Fitting: from a question and its labelled examples to voters, their weights, and what is outside.

A matter of seconds with hundreds of examples and of a minute or two with ten thousand: it belongs into the
background. Everything is chosen by what the voters say of examples that they did not learn from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.answers import Question
from judgement.local import lexical, outside, pool, text
from judgement.local.encoder import Encoder
from judgement.local.outside import Outside
from judgement.local.voters import Examples, Looks, Voters

Floats = NDArray[np.float32]

#: Out-of-fold rounds: more rounds come nearer to what is deployed, and where examples are few that matters.
_FOLDS, _FOLDS_FEW, _FEW = 5, 10, 2_000


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its label. With an author it is a person's decision; without, a part of the question."""

    id: str
    fields: Mapping[str, str]
    label: str
    author: str = ""
    counterparty: str | None = None


@dataclass(slots=True)
class Fitted:
    """What was learned: the voters, their weights, and the head that tells what is outside."""

    voters: Voters
    weights: Floats
    outside: Outside | None


#: A bare name is no sentence; in this frame it lies nearer to what people write (measured: 1 point of accuracy).
_FRAME = "I want to know about {}"


def own_examples(question: Question) -> list[Example]:
    """What the question says about its labels, as examples: names, descriptions and examples are words too."""
    found = []
    for label in question.labels:
        name = label.name.replace("_", " ")
        said = [name, _FRAME.format(name), label.description, *label.examples]
        for number, each in enumerate(dict.fromkeys(said)):
            found.append(Example(f"{label.name}:{number}", {question.fields[0]: each}, label.name))
    return found


def vectors(question: Question, examples: Sequence[Example], encoder: Encoder | None) -> Examples:
    """Examples as vectors."""
    said = [text.joined(each.fields, question.fields) for each in examples]
    numbers = {name: number for number, name in enumerate(question.label_names)}
    return Examples(
        None if encoder is None else encoder.encode(said),
        lexical.stacked(lexical.counted(each) for each in said),
        np.array([numbers[each.label] for each in examples], np.int64),
    )


def fit(question: Question, known: Sequence[Example], rows: Examples) -> Fitted:
    """Train the voters, weigh them by what they say of examples they did not learn from, and learn what is outside."""
    count = len(question.labels)
    asked = askable(known)
    voters = Voters.trained(rows, count)
    looks, labels = out_of_fold(rows, count, asked)
    weights = pool.fit(looks.opinions, labels, voters.start(decided=bool(len(labels))))
    found = outside.fit(rows, count, weights, asked) or outside.by_distance(looks, weights)
    return Fitted(voters, weights, found)


def askable(known: Sequence[Example]) -> NDArray[np.bool_]:
    """Which examples are like real inputs; a label's own description teaches, but nobody asks it."""
    return np.array([bool(each.author) for each in known], bool)


class OutOfFold(NamedTuple):
    """What voters said of examples that they had not learned from; of likeness only the nearest is kept."""

    looks: Looks
    labels: NDArray[np.int64]


def out_of_fold(rows: Examples, count: int, asked: NDArray[np.bool_]) -> OutOfFold:
    """Ask about every askable example voters that did not learn from it."""
    places = np.flatnonzero(asked)
    folds = _FOLDS if len(places) > _FEW else _FOLDS_FEW
    if len(places) < folds:
        places = places[:0]
    fold = np.random.default_rng(0).permutation(len(places)) % folds
    opinions = np.zeros((len(places), 2 if rows.meaning is None else 4, count), np.float32)
    meaning, letters = (np.zeros((len(places), 1), np.float32) for _ in range(2))
    for number in range(folds if len(places) else 0):
        held = fold == number
        voters = Voters.trained(rows.take(np.setdiff1d(np.arange(len(rows)), places[held])), count)
        asking = rows.take(places[held])
        looks = voters.look(asking.meaning, asking.letters)
        opinions[held], letters[held, 0] = looks.opinions, looks.letters.max(axis=1)
        if looks.meaning is not None:
            meaning[held, 0] = looks.meaning.max(axis=1)
    return OutOfFold(Looks(opinions, None if rows.meaning is None else meaning, letters), rows.labels[places])


def inside_of(fitted: Fitted, looks: Looks) -> NDArray[np.float64]:
    """How likely any label fits, per row; 1 where that could not be learned."""
    if fitted.outside is None:
        return np.ones(len(looks.opinions))
    return fitted.outside.inside(outside.features(looks, fitted.weights))
