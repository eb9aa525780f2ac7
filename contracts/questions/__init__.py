"""The questions that ship with Counterfoil, and what people would answer to inputs written for them.

One module per question with `QUESTION`, and beside it `<name>.jsonl`: one labelled input a line. Imports pydantic and
the standard library only. To add one, see docs/questions.md; nothing is listed anywhere.
"""

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from contracts.answers import Question

Use = Literal["learn", "calibrate", "golden"]

#: Of a hundred inputs. What is measured with is never taught.
_LEARN, _CALIBRATE = 60, 25


@cache
def find() -> Mapping[str, Question]:
    """Every question that ships, by name."""
    found: dict[str, Question] = {}
    for info in pkgutil.iter_modules(__path__):
        question = importlib.import_module(f"{__name__}.{info.name}").QUESTION
        assert question.name == info.name, f"Bug: {info.name}.py holds a question called {question.name}"
        found[question.name] = question
    return MappingProxyType(found)


def next_of(name: str) -> Question | None:
    """The version that may be tried beside it: `NEXT` in the question's module, with other words. Raises: KeyError."""
    question = find()[name]
    found: Question | None = getattr(importlib.import_module(f"{__name__}.{name}"), "NEXT", None)
    assert found is None or found.name == name, f"Bug: NEXT in {name}.py is called {found.name}"
    return None if found is None or found.version == question.version else found


def examples(name: str) -> list[dict[str, Any]]:
    """Its labelled inputs: `id`, `fields`, `label` (None: none of these), `use`; none when no file lies beside it."""
    path = Path(__path__[0]) / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def use_of(input_hash: str) -> Use:
    """What a label of this input is for, shipped or a person's.

    Drawn from the input itself, so that the same words are never on both sides.
    """
    drawn = int.from_bytes(hashlib.sha256(f"shipped:{input_hash}".encode()).digest()[:4]) % 100
    if drawn < _LEARN:
        return "learn"
    return "calibrate" if drawn < _LEARN + _CALIBRATE else "golden"
