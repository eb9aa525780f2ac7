"""Texts as the judge sees them: fields put together, and the forms under which two texts count as the same."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

#: Characters of one text that are looked at: a mail with its whole history is about what stands at its top.
CHARACTERS_MAX = 4_000

_WORD = re.compile(r"\w+")


def joined(fields: Mapping[str, str], names: Sequence[str]) -> str:
    """The named fields and only those, in the question's order; field names are no part of the text."""
    return "\n".join(fields[name].strip() for name in names if fields.get(name, "").strip())[:CHARACTERS_MAX]


def folded(text: str) -> str:
    """Case, accents, punctuation and spacing folded away: what must agree for an exact repeat."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(_WORD.findall("".join(c for c in plain if not unicodedata.combining(c))))


def grams(text: str) -> Iterator[str]:
    """Words, pairs of words, and pieces of three to five letters inside a word: spelling mistakes keep most of them."""
    words = folded(text).split()
    for first, second in pairwise(words):
        yield f"{first} {second}"
    for word in words:
        yield word
        edged = f"<{word}>"
        for size in (3, 4, 5):
            for start in range(len(edged) - size + 1):
                yield edged[start : start + size]
