"""Evidence: the words of the input that speak loudest for an answer, quoted from their place."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from contracts.answers import Span
from judgement.local import lexical
from judgement.local.heads import Head
from judgement.local.lexical import HEAD_BUCKETS

#: Words of one quotation: enough to be understood, few enough to be looked at.
_WORDS_MAX = 8
#: Of what is quoted whole, because a person judged it whole.
_OPENING_WORDS_MAX = 40
_WORD = re.compile(r"\S+")
#: Words of a field that are weighed; what an answer rests on stands near the top.
_LOOKED_AT_MAX = 200


def quote(head: Head, label: int, against: int, given: Mapping[str, str], fields: Sequence[str]) -> tuple[Span, ...]:
    """The run of words that speaks most for a label and against the runner-up; empty when none speaks for it."""
    best, found = 0.0, ()  # type: tuple[float, tuple[Span, ...]]
    lean = head.weight[:, label] - head.weight[:, against]
    for name in fields:
        text = given.get(name, "")
        words = list(_WORD.finditer(text))[:_LOOKED_AT_MAX]
        weights = [_lean(lean, word.group()) for word in words]
        for first in range(len(words)):
            total = np.cumsum(weights[first : first + _WORDS_MAX])
            last = int(total.argmax())
            if total[last] > best:
                start, end = words[first].start(), words[first + last].end()
                best, found = float(total[last]), (Span(field=name, start=start, end=end, text=text[start:end]),)
    return found


def opening(given: Mapping[str, str], fields: Sequence[str]) -> tuple[Span, ...]:
    """The first words there are: what an answer rests on that a person gave to just this."""
    for name in fields:
        words = list(_WORD.finditer(text := given.get(name, "")))[:_OPENING_WORDS_MAX]
        if words:
            start, end = words[0].start(), words[-1].end()
            return (Span(field=name, start=start, end=end, text=text[start:end]),)
    return ()


def _lean(lean: lexical.Floats, word: str) -> float:
    buckets, values = lexical.counted(word)
    return float(values @ lean[buckets % HEAD_BUCKETS]) if len(buckets) else 0.0
