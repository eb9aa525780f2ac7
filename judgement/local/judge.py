"""The local tier: one question, its remembered examples, and what was learned from them.

    Local.taught(question, examples, encoder)    trains; from the question's own words alone, too
    .answer(fields)                              a label or an abstention, with precedents and evidence
    .learn(example)                              a person's label; counts from the next answer on

Fitting is a matter of seconds to minutes and belongs into the background; a correction is learned in milliseconds and
is remembered by the next fit. What was fitted can be kept (`judgement.local.keeping`) and is there within a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.answers import Abstention, Answer, Precedent, Question
from counterfoil import clock
from judgement.local import lexical, pool, quoting, text
from judgement.local.encoder import Encoder
from judgement.local.fitting import Example, Fitted, fit, inside_of, own_examples, vectors
from judgement.local.repeats import CONFIDENCE, Repeats, Said, Told
from judgement.local.voters import Looks

Floats = NDArray[np.float32]

#: The script that the encoder was made for has letters in nearly every word that it knows.
_UNKNOWN_MAX = 0.5
#: Precedents shown with an answer.
_PRECEDENTS = 3


@dataclass(slots=True)
class Local:
    """A judge for one question. Not safe for several threads while it learns."""

    question: Question
    examples: list[Example]
    encoder: Encoder | None
    fitted: Fitted
    repeats: Repeats = field(default_factory=Repeats)

    def __post_init__(self) -> None:
        for place, example in enumerate(self.examples):
            self._decided(example, place)

    @classmethod
    def taught(cls, question: Question, examples: Sequence[Example], encoder: Encoder | None = None) -> "Local":
        """A judge fitted to the question's own words and these examples."""
        known = [*own_examples(question), *(each for each in examples if each.label in question.label_names)]
        return cls(question, known, encoder, fit(question, known, vectors(question, known, encoder)))

    @property
    def model(self) -> str:
        """What answers: the voters' kind."""
        return f"pool/{self.encoder.name}" if self.encoder else "pool/letters"

    def learn(self, example: Example) -> None:
        """Take in a person's label.

        Raises:
            ValueError: the question has no such label.
        """
        label = self.question.label_names.index(example.label)
        said = self._text(example.fields)
        self.fitted.voters.add(self._meaning(said), lexical.counted(said), label)
        self.examples.append(example)
        self._decided(example, len(self.examples) - 1)

    def remember(self, given: Mapping[str, str], author: str, said: Said) -> None:
        """Answer these very words so from now on, without learning from it: what measures is not taught."""
        if said.label is None or said.label in self.question.label_names:
            self.repeats.remember(self._text(given), author, said)

    def answer(self, given: Mapping[str, str], *, measured: bool = False, counterparty: str | None = None) -> Answer:
        """Answer one input. `measured`: as if its own label, which was not taught, were not remembered.

        `counterparty`: whom it is about. Only for what people decided before: to the voters everybody is alike.
        """
        began = clock.ticks_seconds()
        said = self._text(given)
        found = (
            self._judged(given, said, measured, counterparty) if said else self._abstained(given, Abstention.NO_INPUT)
        )
        return found.model_copy(update={"latency_seconds": clock.ticks_seconds() - began})

    def looks(self, said: str) -> tuple[Floats, float, Looks]:
        """Shares per label, how likely any of them fits, and what that rests on."""
        meaning = self._meaning(said)
        rows = lexical.stacked([lexical.counted(said)])
        looks = self.fitted.voters.look(None if meaning is None else meaning[None], rows)
        shares = pool.pooled(looks.opinions, self.fitted.weights)[0]
        return shares, float(inside_of(self.fitted, looks)[0]), looks

    def _judged(self, given: Mapping[str, str], said: str, measured: bool, counterparty: str | None) -> Answer:
        told = self.repeats.exact(said, taught=measured, counterparty=counterparty)
        if not told and self._unreadable(said):
            return self._abstained(given, Abstention.UNREADABLE)
        shares, inside, looks = self.looks(said)
        if told:
            return self._repeated(given, told, shares, looks)
        near = self.repeats.near(said, looks.letters[0], counterparty=counterparty)
        if near:
            places = [near.example, *(each for each in self._nearest(looks) if each != near.example)]
            return self._answer(given, shares, 1.0, self._precedents(places, looks), decided=near.said.label)
        nearest = self._precedents(self._nearest(looks), looks)
        if self.fitted.outside is not None and inside < self.fitted.outside.cut:
            return self._abstained(given, Abstention.OUTSIDE, shares=shares, inside=inside, precedents=nearest)
        return self._answer(given, shares, inside, nearest)

    def _repeated(self, given: Mapping[str, str], told: Told, shares: Floats, looks: Looks) -> Answer:
        """What was decided about these very words; whoever decided is named first, taught or not."""
        said = [
            Precedent(example_id=each.id, label=each.label, likeness=1.0, author=author)
            for author, each in told
            if each.label is not None
        ]
        known = {each.id for _, each in told}
        others = [each for each in self._precedents(self._nearest(looks), looks) if each.example_id not in known]
        precedents = (*said, *others)[:_PRECEDENTS]
        labels = {each.label for _, each in told}
        label = labels.pop() if len(labels) == 1 else None
        if label is not None:
            return self._answer(given, shares, 1.0, precedents, decided=label)
        why = Abstention.CONTESTED if labels else Abstention.OUTSIDE
        return self._abstained(given, why, shares=shares, precedents=precedents)

    def _answer(
        self,
        given: Mapping[str, str],
        shares: Floats,
        inside: float,
        precedents: tuple[Precedent, ...],
        *,
        decided: str | None = None,
    ) -> Answer:
        """The likeliest label, or the one that was `decided` about the same text before."""
        names, order = self.question.label_names, np.argsort(-shares)
        label = int(order[0]) if decided is None else names.index(decided)
        confidence = float(shares[label])
        if decided is not None:
            confidence = max(confidence, CONFIDENCE)
        other = int(next(each for each in order if each != label))
        fields, head = self.question.fields, self.fitted.voters.heads["hashed"]
        # A person decided about all of these words, though none may speak for it yet to a head that thought otherwise.
        quoted = quoting.quote(head, label, other, given, fields) if decided is None else quoting.opening(given, fields)
        return Answer(
            **self._about(given),
            label=names[label],
            confidence=min(1.0, confidence),
            inside=inside,
            runner_up=names[other],
            runner_up_confidence=min(float(shares[other]), 1.0 if decided is None else 1 - confidence),
            evidence=quoted,
            precedents=precedents[:_PRECEDENTS],
            repeat=decided is not None,
        )

    def _abstained(
        self,
        given: Mapping[str, str],
        reason: Abstention,
        *,
        shares: Floats | None = None,
        inside: float = 1.0,
        precedents: tuple[Precedent, ...] = (),
    ) -> Answer:
        # The best guess stays visible as runner-up: a person who decides may want to know it.
        guess = None if shares is None else int(shares.argmax())
        return Answer(
            **self._about(given),
            abstained=reason,
            inside=inside,
            runner_up=None if guess is None else self.question.label_names[guess],
            runner_up_confidence=0.0 if guess is None or shares is None else min(1.0, float(shares[guess])),
            precedents=precedents,
        )

    def _about(self, given: Mapping[str, str]) -> dict[str, Any]:
        return {
            "question": self.question.name,
            "question_version": self.question.version,
            "input_hash": self.question.input_hash(given),
            "tier": "local",
            "model": self.model,
        }

    def _nearest(self, looks: Looks) -> list[int]:
        likeness = looks.letters[0] if looks.meaning is None else looks.meaning[0]
        return [int(place) for place in np.argsort(-likeness)[:_PRECEDENTS]]

    def _precedents(self, places: Sequence[int], looks: Looks) -> tuple[Precedent, ...]:
        likeness = looks.letters[0] if looks.meaning is None else looks.meaning[0]
        return tuple(
            Precedent(
                example_id=self.examples[place].id,
                label=self.examples[place].label,
                likeness=float(np.clip(likeness[place], 0, 1)),
                author=self.examples[place].author,
            )
            for place in places
        )

    def _unreadable(self, said: str) -> bool:
        if not text.folded(said):
            return True
        return self.encoder is not None and (
            self.encoder.pieces.unknown_share(self.encoder.pieces(said)) > _UNKNOWN_MAX
        )

    def _decided(self, example: Example, place: int) -> None:
        if example.author:  # without one it is a part of the question, which nobody decided
            said = self._text(example.fields)
            self.repeats.teach(said, example.author, Said(example.id, example.label, example.counterparty), place)

    def _text(self, given: Mapping[str, str]) -> str:
        return text.joined(given, self.question.fields)

    def _meaning(self, said: str) -> Floats | None:
        return None if self.encoder is None else self.encoder.encode([said])[0]
