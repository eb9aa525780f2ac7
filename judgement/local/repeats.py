"""Repeats of a person's decision, answered by look-up: the same words, or all but the same letters.

A trained head alone would change its mind after one correction in a minority of cases. Whoever corrected an answer
expects the same text to be answered so from then on.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgement.local.text import folded

Floats = NDArray[np.float32]

#: So alike in letters that it is the same request. Measured: 64 right of 64, while likeness in meaning is never safe.
NEAR_EXACT = 0.93
#: What one repeat is believed; two in a hundred is what 64 of 64 leaves open.
CONFIDENCE = 0.98

#: Examples that are shipped were not said about this traffic: where people spoke, they do not count.
SHIPPED = "shipped"

#: One figure or one "not" more is a long text's smallest difference and may be its whole point.
_TELLING = re.compile(r"\S*\d\S*|\b(?:no|not|never|without|cannot|\w+n['’]?t)\b")


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody decided about a text. `label` None: none of the question's labels. `about`: whose it was."""

    id: str
    label: str | None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A remembered example of nearly the same text, and what stands of it."""

    example: int  #: its place in the memory
    likeness: float
    said: Said


_Words = tuple[str, tuple[str, ...]]
#: By author and whom it was about, the newest last.
_Answers = dict[tuple[str, str | None], Said]
Told = list[tuple[str, Said]]


class Repeats:
    """What was decided about which words; of each author the newest: whoever changed his mind disputes nothing."""

    def __init__(self) -> None:
        self._said: dict[_Words, _Answers] = {}
        self._taught: dict[_Words, _Answers] = {}
        self._words: dict[int, _Words] = {}

    def remember(self, text: str, author: str, said: Said) -> None:
        """Remember a decision that is not taught."""
        _keep(self._said, _words(text), author, said)

    def teach(self, text: str, author: str, said: Said, place: int) -> None:
        """Remember a decision that is the example at this place, too."""
        self._words[place] = words = _words(text)
        for answers in (self._said, self._taught):
            _keep(answers, words, author, said)

    def exact(self, text: str, *, taught: bool = False, counterparty: str | None = None) -> Told:
        """What was decided about these very words, with its author; letter case, accents and punctuation do not count.

        What was said of the same counterparty, if anything was; else of everybody. `taught`: of what was taught alone,
        because what measures must not answer for itself.
        """
        return self._told(_words(text), self._taught if taught else self._said, counterparty)

    def near(self, text: str, likeness: Floats, *, counterparty: str | None) -> Repeat | None:
        """The nearest decision in letters, when near enough, with the same figures and denials, and undisputed."""
        told = telling(text)
        for place in np.flatnonzero(likeness >= NEAR_EXACT)[np.argsort(-likeness[likeness >= NEAR_EXACT])].tolist():
            words = self._words.get(place)
            if words is None or words[1] != told:
                continue
            said = self._told(words, self._taught, counterparty)
            agreed = said and said[0][1].label is not None and len({each.label for _, each in said}) == 1
            return Repeat(place, float(likeness[place]), said[0][1]) if agreed else None
        return None

    @staticmethod
    def _told(words: _Words, remembered: dict[_Words, _Answers], counterparty: str | None) -> Told:
        if not words[0]:
            return []  # signs alone are no words
        answers = remembered.get(words, {})
        people = {key: said for key, said in answers.items() if key[0] != SHIPPED} or answers
        own = {author for author, about in people if about == counterparty and about is not None}
        if own:
            return list({author: said for (author, about), said in people.items()
                         if author in own and about in (counterparty, None)}.items())  # fmt: skip
        # An answer that was about nobody is about everybody: it takes the place of what its author said before.
        everybody = {author for author, about in people if about is None}
        return [(author, said) for (author, about), said in people.items() if about is None or author not in everybody]


def _keep(remembered: dict[_Words, _Answers], words: _Words, author: str, said: Said) -> None:
    answers = remembered.setdefault(words, {})
    answers.pop((author, said.about), None)
    answers[author, said.about] = said


def _words(text: str) -> _Words:
    return folded(text), telling(text)


def telling(text: str) -> tuple[str, ...]:
    return tuple(sorted(each.strip(".,;:!?)(") for each in _TELLING.findall(text.casefold())))
