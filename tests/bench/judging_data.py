"""The data that the judge is measured with: read from a folder given by name, never shipped, dev rows never learned."""

import csv
import hashlib
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from contracts.answers import Label, Question
from judgement.local import fitting
from judgement.local.encoder import Encoder, Floats
from judgement.local.fitting import Example
from judgement.local.voters import Examples

Row = tuple[str, str]


class Remembering:
    """An encoder that computes no vector twice, over runs: a text's vector does not change."""

    def __init__(self, encoder: Encoder) -> None:
        self.name, self.pieces, self.width = encoder.name, encoder.pieces, encoder.width
        self._encoder = encoder
        self._file = Path(tempfile.gettempdir()) / f"counterfoil-bench-{encoder.name}.npz"
        self._known: dict[str, Floats] = {}
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as kept:
                self._known = dict(zip(kept["keys"].tolist(), kept["vectors"], strict=True))

    def encode(self, texts: Sequence[str]) -> Floats:
        """One unit vector per text."""
        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        new = {key: text for key, text in zip(keys, texts, strict=True) if key not in self._known}
        if new:
            self._known.update(zip(new, self._encoder.encode(list(new.values())), strict=True))
        if len(new) > 500:
            np.savez(self._file, keys=np.array(list(self._known)), vectors=np.stack(list(self._known.values())))
        return np.stack([self._known[key] for key in keys])


@dataclass(frozen=True)
class Task:
    """A question with what may be learned and what is measured."""

    question: Question
    train: list[Row]
    dev: list[Row]
    val: list[Row]
    outside_dev: list[str]

    @property
    def names(self) -> tuple[str, ...]:
        """The labels."""
        return self.question.label_names

    def few(self, count: int, seed: int) -> list[Row]:
        """So many training rows per label."""
        random = np.random.default_rng(seed)
        found: list[Row] = []
        for name in self.names:
            own = [row for row in self.train if row[1] == name]
            found += [own[place] for place in random.permutation(len(own))[:count]]
        return found


def banking(folder: Path) -> Task:
    """BANKING77."""

    def rows(name: str) -> list[Row]:
        with (folder / "banking77" / name).open(newline="") as file:
            return [(row["text"].strip(), _name(row["category"])) for row in csv.DictReader(file)]

    return Task(_question("banking", rows("train.csv")), rows("train.csv"), rows("dev.csv"), [], [])


def clinc(folder: Path) -> Task:
    """CLINC150 with its requests that none of the labels fits."""
    data = json.loads((folder / "clinc150" / "data.json").read_text())
    parts = {name: [(text.strip(), _name(label)) for text, label in rows] for name, rows in data.items()}
    outside = [text for text, _ in parts["oos_dev"]]
    return Task(_question("clinc", parts["train"]), parts["train"], parts["dev"], parts["val"], outside)


def rows_of(task: Task, rows: Sequence[Row], encoder: Encoder | None) -> Examples:
    """Rows as vectors."""
    return fitting.vectors(task.question, as_examples(rows), encoder)


def as_examples(rows: Sequence[Row], author: str = "somebody") -> list[Example]:
    """Rows as decisions of a person."""
    return [Example(str(number), {"text": text}, label, author) for number, (text, label) in enumerate(rows)]


def _question(name: str, rows: Sequence[Row]) -> Question:
    labels = sorted({label for _, label in rows})
    return Question(
        name=name,
        labels=tuple(Label(name=label, description=label.replace("_", " ")) for label in labels),
        fields=("text",),
    )


def _name(label: str) -> str:
    return label.lower().strip("?")
