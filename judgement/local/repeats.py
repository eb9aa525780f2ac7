"""Repeats of a person's decision, answered by look-up: the same words, or all but the same letters.

A trained head alone would change its mind after one correction in a minority of cases. Whoever corrected an answer
expects the same text to be answered so from then on.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

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
    """What somebody decided about a text. `label` None: none of the question's labels."""

    id: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Repeat:
    """A remembered example of nearly the same text."""

    example: int  #: its place in the memory
    likeness: float


_Words = tuple[str, tuple[str, ...]]


class Repeats:
    """What was decided about which words; of each author the newest: whoever changed his mind disputes nothing."""

    def __init__(self) -> None:
        self._said: dict[_Words, dict[str, Said]] = {}
        self._taught: dict[_Words, dict[str, Said]] = {}
        self._telling: dict[int, tuple[str, ...]] = {}

    def remember(self, text: str, author: str, said: Said) -> None:
        """Remember a decision that is not taught."""
        self._said.setdefault(_words(text), {})[author] = said

    def teach(self, text: str, author: str, said: Said, place: int) -> None:
        """Remember a decision that is the example at this place, too."""
        self.remember(text, author, said)
        self._taught.setdefault(_words(text), {})[author] = said
        self._telling[place] = telling(text)

    def exact(self, text: str, *, taught: bool = False) -> Mapping[str, Said]:
        """What was decided about these very words, by author; letter case, accents and punctuation do not count.

        `taught`: of what was taught alone, because what measures must not answer for itself.
        """
        if not folded(text):
            return MappingProxyType({})  # signs alone are no words
        said = (self._taught if taught else self._said).get(_words(text), {})
        people = {author: each for author, each in said.items() if author != SHIPPED}
        return people or said

    def near(self, text: str, likeness: Floats) -> Repeat | None:
        """The nearest decision in letters, when near enough and with the same figures and denials."""
        told = telling(text)
        for place in np.flatnonzero(likeness >= NEAR_EXACT)[np.argsort(-likeness[likeness >= NEAR_EXACT])].tolist():
            if self._telling.get(place) == told:
                return Repeat(place, float(likeness[place]))
        return None


def _words(text: str) -> _Words:
    return folded(text), telling(text)


def telling(text: str) -> tuple[str, ...]:
    return tuple(sorted(each.strip(".,;:!?)(") for each in _TELLING.findall(text.casefold())))
