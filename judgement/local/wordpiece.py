"""Cutting text into the word pieces that the sentence encoder was trained on: uncased, as published."""

import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

#: Longer than this a "word" is an encoded blob; the published tokenizer gives up at the same place.
WORD_MAX = 100
#: Word pieces of one text. The price of an answer grows with them: this many keep it near 20 ms on one core.
PIECES_MAX = 128

_UNKNOWN, _BEGIN, _END = "[UNK]", "[CLS]", "[SEP]"


class WordPieces:
    """A vocabulary and the greedy longest match over it."""

    def __init__(self, vocabulary: Sequence[str]) -> None:
        self._ids = {piece: index for index, piece in enumerate(vocabulary)}
        self.unknown = self._ids[_UNKNOWN]
        self._begin, self._end = self._ids[_BEGIN], self._ids[_END]
        # Words come back: the pieces of the commonest few thousand are looked up instead of matched again.
        self._pieces_of = lru_cache(maxsize=20_000)(self._match)

    def __call__(self, text: str) -> list[int]:
        """The ids of a text, with its beginning and end marks."""
        ids = [self._begin]
        for word in words(text):
            ids.extend(self._pieces_of(word))
            if len(ids) >= PIECES_MAX - 1:
                break
        return [*ids[: PIECES_MAX - 1], self._end]

    def unknown_share(self, ids: Sequence[int]) -> float:
        """How much of a text the vocabulary does not know: near 1 for a script that it was not made for."""
        inner = ids[1:-1]
        return sum(each == self.unknown for each in inner) / len(inner) if inner else 0.0

    def _match(self, word: str) -> tuple[int, ...]:
        if len(word) > WORD_MAX:
            return (self.unknown,)
        found, start = [], 0
        while start < len(word):
            end, mark = len(word), "##" if start else ""
            while end > start and mark + word[start:end] not in self._ids:
                end -= 1
            if end == start:
                return (self.unknown,)  # one unknown character makes the whole word unknown
            found.append(self._ids[mark + word[start:end]])
            start = end
        return tuple(found)


def words(text: str) -> Iterator[str]:
    """Lower-case words and single marks, without accents."""
    for chunk in _spaced(text).split():
        bare = "".join(c for c in unicodedata.normalize("NFD", chunk.lower()) if unicodedata.category(c) != "Mn")
        word = ""
        for character in bare:
            if _is_mark(character):
                if word:
                    yield word
                yield character
                word = ""
            else:
                word += character
        if word:
            yield word


def _spaced(text: str) -> str:
    """Without control characters; every ideograph a word of its own."""
    if text.isascii() and text.isprintable():
        return text
    out = []
    for character in text:
        if character.isspace():
            out.append(" ")
        elif character == "�" or unicodedata.category(character).startswith("C"):
            continue
        else:
            out.append(f" {character} " if _is_ideograph(character) else character)
    return "".join(out)


def _is_mark(character: str) -> bool:
    if character.isascii():
        return not character.isalnum()
    return unicodedata.category(character).startswith("P")


def _is_ideograph(character: str) -> bool:
    code = ord(character)
    return (
        0x4E00 <= code <= 0x9FFF or 0x3400 <= code <= 0x4DBF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x2FA1F
    )
