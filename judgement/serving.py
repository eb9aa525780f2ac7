"""The judges of this process: one per question, brought up to date with people's labels before it answers.

A label counts within a fraction of a second everywhere: its own words are answered as the person said, and what it
teaches is taken in; the next training makes the most of it. Whoever comes first without a training makes one.
"""

import threading
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from contracts import questions
from contracts.answers import Answer, Question
from counterfoil import clock, telemetry
from counterfoil.database import Connection
from judgement import labels, models
from judgement.local.encoder import Encoder
from judgement.local.fitting import Example, own_examples
from judgement.local.keeping import KeptUnusable, keep, restore
from judgement.local.repeats import SHIPPED, Said
from judgement.local.weights import find_encoder
from judgement.training import Labelled, Taught, examples, is_worse, measured, train

#: How old what this process knows of labels may be.
STALE_SECONDS = 0.2

_NEWS = f"""
    SELECT (SELECT coalesce(max(seq), 0) FROM labels WHERE question = %(question)s) AS seq,
           (SELECT number {models.ANSWERING}) AS number
"""


class Serving:
    """One question's judge in this process, safe for its threads. A challenger's is of another training (`which`)."""

    def __init__(self, question: Question, which: models.Which = models.ANSWERS) -> None:
        self.question = question
        self._which = which
        self._lock = threading.Lock()
        self._taught: Taught | None = None
        self._number = 0
        self._seq = 0
        self._looked = float("-inf")

    def answer(
        self, conn: Connection, given: Mapping[str, str], counterparty: str | None = None
    ) -> tuple[Answer, Taught]:
        """The local tier's answer, and the judge's thresholds. Needs a connection in autocommit."""
        with self._lock:
            taught = self._up_to_date(conn)
            answer = taught.judge.answer(given, counterparty=counterparty)
            # With the training's number: which one it was shall be known when another one answers.
            return answer.model_copy(update={"model": f"{answer.model}/{self._number}"}), taught

    def golden(self, conn: Connection) -> dict[str, Any]:
        """How the judge of now does on the golden set; a second or so, in which nobody else is answered."""
        with self._lock:
            taught = self._up_to_date(conn)
            return measured(
                taught.judge, [each for each in all_labels(conn, self.question) if each.use == "golden"]
            ).report

    def _up_to_date(self, conn: Connection) -> Taught:
        now = clock.ticks_seconds()
        if self._taught is not None and now - self._looked < STALE_SECONDS:
            return self._taught
        values = {"question": self.question.name, "version": self.question.version, **self._which._asdict()}
        news = conn.execute(_NEWS, values).fetchone()
        assert news is not None
        if self._taught is None or news["number"] != self._number:
            self._load(conn)
        if news["seq"] > self._seq:
            self._learn(labels.after(conn, self.question.name, self._seq))
        self._looked = now
        assert self._taught is not None
        return self._taught

    def _load(self, conn: Connection) -> None:
        """The training that answers this very version of the question, or a new one. Raises: NoSuchModel."""
        kept = models.answering(conn, self.question, self._which)
        if kept is None and self._which.number is not None:
            raise models.NoSuchModel(f"{self.question.name} has no training {self._which.number} of these words")
        if kept is None:
            with models.locked(conn, self.question.name):
                # Another process may have been faster.
                kept = models.answering(conn, self.question, self._which)
                if kept is None:
                    candidate = self._which.candidate
                    self._taught, self._seq, self._number = trained_anew(conn, self.question, candidate=candidate)
        if kept is not None:
            self._taught, self._seq, self._number = _restored(conn, self.question, kept), kept.labels_seq, kept.number
        for each in labels.after(conn, self.question.name, 0):
            if each.seq <= self._seq:
                self._remember(each)

    def _learn(self, new: Sequence[labels.StoredLabel]) -> None:
        assert self._taught is not None
        for each in new:
            self._remember(each)
            if each.use == "learn" and each.label in self.question.label_names:
                self._taught.judge.learn(Example(str(each.id), each.fields, each.label, each.author, each.counterparty))
            self._seq = each.seq

    def _remember(self, label: labels.StoredLabel) -> None:
        """Whatever it is used for: its own words are answered so from now on."""
        assert self._taught is not None
        self._taught.judge.remember(label.fields, label.author, Said(str(label.id), label.label, label.counterparty))


@cache
def serving(name: str) -> Serving:
    """The judge of a question in this process. Raises: KeyError."""
    return Serving(questions.find()[name])


@cache
def encoder() -> Encoder | None:
    """The sentence encoder, if its weights were put in place."""
    return find_encoder()


def all_labels(conn: Connection, question: Question, *, up_to: int | None = None) -> list[Labelled]:
    """Shipped examples, then people's labels in their order; of one person's labels of one input the newest counts."""
    shipped = [
        Labelled(f"shipped:{row['id']}", row["fields"], row["label"], row["use"], SHIPPED)
        for row in questions.examples(question.name)
    ]
    newest: dict[tuple[str, str], labels.StoredLabel] = {}
    for each in labels.after(conn, question.name, 0):
        if up_to is None or each.seq <= up_to:
            newest[each.input_hash, each.author] = each
    told = sorted(newest.values(), key=lambda each: each.seq)
    return shipped + [
        Labelled(
            str(each.id),
            each.fields,
            each.label,
            each.use,
            each.author,
            each.uniform,
            each.counterparty,
            each.amount_minor,
        )
        for each in told
    ]


def trained_anew(conn: Connection, question: Question, *, candidate: bool = False) -> tuple[Taught, int, int]:
    """A training with all labels of now; active unless it is worse than the one before, or of a mere candidate.

    With the question's lock (`models.locked`), on a connection in autocommit.
    """
    seq = labels.newest(conn, question.name)
    labelled = all_labels(conn, question, up_to=seq)
    taught = train(question, labelled, encoder())
    before = None if candidate else models.answering(conn, question)
    # On the golden set of now: it grew since, and what is new in it may be harder for both.
    worse = before is not None and is_worse(taught.report, _restored(conn, question, before, labelled).report)
    refused = "worse on the golden set" if worse else ""
    with conn.transaction():
        number = models.keep(
            conn,
            question,
            labels_seq=seq,
            artifact=keep(taught.judge),
            report=taught.report,
            refused=refused,
            candidate=candidate,
        )
    telemetry.log.info("model.trained", question=question.name, number=number, labels_seq=seq, refused=refused or None)
    return taught, seq, number


def _restored(
    conn: Connection, question: Question, kept: models.Kept, held: Sequence[Labelled] | None = None
) -> Taught:
    """A training as it was made; measured with the labels of then, or with those that are given."""
    labelled = all_labels(conn, question, up_to=kept.labels_seq)
    known = [*own_examples(question), *(each for each in examples(labelled) if each.label in question.label_names)]
    try:
        return measured(restore(kept.artifact, question, known, encoder()), labelled if held is None else held)
    except KeptUnusable as unusable:
        # Kept with other weights or by another version of the code: the labels are what counts.
        telemetry.log.warning("model.unusable", question=question.name, number=kept.number, why=str(unusable))
        fitted = train(question, labelled, encoder())
        return fitted if held is None else measured(fitted.judge, held)
