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

#: One figure or one "not" more is a long text's smallest difference and may be its whole point.
_TELLING = re.compile(r"\S*\d\S*|\b(?:no|not|never|without|cannot|\w+n['’]?t)\b")


@dataclass(frozen=True, slots=True)
class Repeat:
    """A remembered decision about the same text."""

    example: int  #: its place in the memory
    likeness: float  #: 1: the same words


class Repeats:
    """Texts that a person decided about, by their folded form."""

    def __init__(self) -> None:
        self._places: dict[str, list[int]] = {}
        self._telling: dict[int, tuple[str, ...]] = {}

    def add(self, text: str, place: int) -> None:
        """Remember a person's decision."""
        self._places.setdefault(folded(text), []).append(place)
        self._telling[place] = telling(text)

    def exact(self, text: str) -> list[int]:
        """The places of all decisions about these very words; letter case, accents and punctuation do not count."""
        return [place for place in self._places.get(folded(text), []) if self._telling[place] == telling(text)]

    def near(self, text: str, likeness: Floats) -> Repeat | None:
        """The nearest decision in letters, when near enough and with the same figures and denials."""
        told = telling(text)
        for place in np.flatnonzero(likeness >= NEAR_EXACT)[np.argsort(-likeness[likeness >= NEAR_EXACT])].tolist():
            if self._telling.get(place) == told:
                return Repeat(place, float(likeness[place]))
        return None


def telling(text: str) -> tuple[str, ...]:
    return tuple(sorted(each.strip(".,;:!?)(") for each in _TELLING.findall(text.casefold())))
