"""JSON that is read and written again without a digit changing: numbers stay the text that they were.

Whoever parses an amount into a binary float and writes it again may write another one.
"""

import json
from typing import Any


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def read(text: str) -> Any:
    """The document, its numbers as `Number`. Raises: ValueError, RecursionError."""
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=_no_number)


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def written(value: Any) -> str:
    """The document as text; everything beyond ASCII is escaped, so that halves of surrogate pairs stay what they are.

    Raises: RecursionError.
    """
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(name)}:{written(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(written(each) for each in value) + "]"
    assert value is None or isinstance(value, str | bool), "Bug: a document holds what was not read from one"
    return json.dumps(value)
