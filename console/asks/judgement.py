"""What people say about decisions and questions."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.asks.base import Change
from console.fields import NumberIn, Word


class CorrectAsk(Change):
    """What an item is, said by a person."""

    label: Word | None = Field(description="one of the question's labels; null: none of these")


class ModeAsk(Change):
    """How far a question is let out."""

    mode: Literal["shadow", "ask", "automatic"]


class RollbackAsk(Change):
    """Which training answers again."""

    number: NumberIn | None = Field(None, description="left out: the one before")


class TrialAsk(Change):
    """Which challenger answers beside a question, and how often; nothing acts on it."""

    challenger: Annotated[str, Field(pattern=r"^(training:[0-9]{1,9}|next|hosted)$")] = Field(
        description="`training:N`: another training; `next`: the question's next version; `hosted`: the model alone"
    )
    share: float = Field(0.2, gt=0, le=1, description="of the inputs, always the same ones")


class LabelLine(BaseModel):
    """One line of a file of labels; what an export says beside it is left alone."""

    fields: dict[Word, Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00]*$")]] = Field(min_length=1)
    label: Word | None
    author: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    uniform: bool = Field(False, description="chance alone drew it from this traffic: it certifies thresholds")

    model_config = ConfigDict(extra="ignore", strict=True, hide_input_in_errors=True)
