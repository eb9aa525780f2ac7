"""One item as it was judged, and what a challenger said beside it: what a decision is recorded from."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from contracts.answers import Answer, Item
from judgement.verdict import Circumstances, Verdict


class Judgement(NamedTuple):
    """One item as it was judged. `local`: what the tiers on this machine said, where a hosted model answered."""

    item: Item
    answer: Answer
    verdict: Verdict
    local: Answer
    known: Circumstances


@dataclass(frozen=True, slots=True)
class Second:
    """What the challenger said of an item, and the champion at the same moment."""

    trial_id: UUID
    item: str
    champion: Answer
    champion_would_act: bool
    #: None: it failed, for the reason that `fault` names.
    answer: Answer | None
    would_act: bool = False
    model: str = ""
    fault: str | None = None

    def as_row(self, decision_id: UUID) -> dict[str, Any]:
        """As it is kept beside the decision."""
        said = self.answer
        return {
            "decision_id": str(decision_id),
            "trial_id": str(self.trial_id),
            "input_hash": self.champion.input_hash,
            "label": said.label if said else None,
            "confidence": said.score if said and said.label else None,
            "would_act": self.would_act,
            "model": said.model if said else self.model,
            "fault": self.fault,
            "cost_micro_usd": _micro(said) if said else 0,
            "latency_ms": said.latency_seconds * 1000 if said else None,
            "champion_label": self.champion.label,
            "champion_would_act": self.champion_would_act,
            "champion_cost_micro_usd": _micro(self.champion),
            "champion_latency_ms": self.champion.latency_seconds * 1000,
        }


def _micro(answer: Answer) -> int:
    return int(answer.cost * Decimal(1_000_000))
