"""Keeping what was fitted: as bytes that hold numbers only, and back.

The texts stay where they were (the ledger); what is kept names their ids, in order, and refuses to be used with others.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.answers import Question
from judgement.local import tensors
from judgement.local.encoder import Encoder
from judgement.local.fitting import Example, Fitted
from judgement.local.heads import Head
from judgement.local.judge import Local
from judgement.local.lexical import Sparse
from judgement.local.outside import Outside
from judgement.local.voters import Examples, Voters

#: Changes whenever what the voters do with their numbers changes: older bytes are then fitted anew, not misread.
_FORMAT = "1"


class KeptUnusable(ValueError):
    """The bytes are damaged, or belong to another question, encoder or set of examples: fit anew."""


def keep(judge: Local) -> bytes:
    """Everything that fitting took time for."""
    voters, outside = judge.fitted.voters, judge.fitted.outside
    arrays: dict[str, NDArray[Any]] = {
        "of": np.frombuffer(_of(judge.question, judge.examples, judge.encoder), np.uint8),
        "weights": judge.fitted.weights,
        "starts": voters.examples.letters.starts,
        "buckets": voters.examples.letters.buckets.astype(np.int64),
        "values": voters.examples.letters.values,
        "labels": voters.examples.labels,
    }
    if voters.examples.meaning is not None:
        arrays["meaning"] = voters.examples.meaning
    for name, head in voters.heads.items():
        arrays[f"head.{name}.weight"], arrays[f"head.{name}.bias"] = head.weight, head.bias
    if outside is not None:
        arrays["outside.standard"] = np.stack([outside.middle, outside.spread])
        arrays["outside.weight"] = np.append(outside.weight, outside.cut)
    return tensors.write(arrays)


def restore(data: bytes, question: Question, examples: Sequence[Example], encoder: Encoder | None) -> Local:
    """The judge as it was kept; `examples` are all of them, in their order, the question's own first.

    Raises:
        KeptUnusable: it was kept of something else.
    """
    try:
        arrays = tensors.read(data)
        if bytes(arrays["of"]) != _of(question, examples, encoder):
            raise KeptUnusable("kept of another question, encoder or set of examples")
        letters = Sparse(arrays["starts"], arrays["buckets"].astype(np.int32), arrays["values"])
        rows = Examples(arrays.get("meaning"), letters, arrays["labels"])
        # Copies: what is read from bytes cannot be changed, and a correction nudges the heads.
        heads = {
            name: Head(arrays[f"head.{name}.weight"].copy(), arrays[f"head.{name}.bias"].copy())
            for name in ("dense", "hashed")
            if f"head.{name}.weight" in arrays
        }
        found: Outside | None = None
        if "outside.weight" in arrays:
            middle, spread = arrays["outside.standard"]
            found = Outside(middle, spread, arrays["outside.weight"][:-1], float(arrays["outside.weight"][-1]))
        fitted = Fitted(Voters(rows, len(question.labels), heads), arrays["weights"], found)
    except (tensors.TensorsUnreadable, KeyError) as fault:
        raise KeptUnusable("damaged, or kept by another version") from fault
    return Local(question, list(examples), encoder, fitted)


def _of(question: Question, examples: Sequence[Example], encoder: Encoder | None) -> bytes:
    digest = hashlib.sha256(f"{_FORMAT}\0{question.version}\0{encoder.name if encoder else ''}\0".encode())
    for example in examples:
        digest.update(f"{example.id}\0{example.label}\0".encode())
    return digest.digest()
