"""One question about an event, which a hosted model is asked; beside it the folder where the question lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts import questions
from contracts.answers import Item
from contracts.hubspot import PropertyChanged
from engine import Ask, Outcome, Skip, handles

questions.__path__.append(str(Path(__file__).parents[1] / "paying_questions"))


@handles(
    source="hubspot",
    types=["ticket.propertyChange"],
    contract=PropertyChanged,
    asks={
        "wish": Ask(questions.find()["wish"], lambda event, _: [Item("text", {"text": event.propertyValue or ""})]),
    },
)
def wish_told(event: PropertyChanged, context: Mapping[str, Any]) -> Outcome:
    """Do nothing with it: what counts is who was asked."""
    return Skip(f"wants {context['wish']['text']['label']}")
