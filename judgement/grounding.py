"""Evidence: words of the input, found there letter for letter. What is not found is invented, and counts as nothing."""

from collections.abc import Iterable, Mapping

from contracts.answers import Question, Span


class NotGrounded(ValueError):
    """A quotation that the input does not hold; the message names the field, never its text."""


def spans(question: Question, fields: Mapping[str, str], quotes: Iterable[tuple[str, str]]) -> tuple[Span, ...]:
    """The place of each (field, words). Raises: NotGrounded.

    Found as it is written and nothing else: letter case, spaces and signs included.
    """
    found = []
    for field, words in quotes:
        if field not in question.fields:
            raise NotGrounded(f"a quotation names {field!r}, which is no field of the input")
        start = fields.get(field, "").find(words) if words.strip() else -1
        if start < 0:
            raise NotGrounded(f"a quotation does not stand in {field}")
        found.append(Span(field=field, start=start, end=start + len(words), text=words))
    return tuple(found)
