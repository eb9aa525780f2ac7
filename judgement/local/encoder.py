"""The sentence encoder: a small BERT in numpy, from word pieces to one unit vector per text.

Written out because the usual runtimes cost hundreds of megabytes for what is two dozen lines of arithmetic. Texts of
one length go through together, so that there is no padding and no mask.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from judgement.local.wordpiece import WordPieces

Floats = NDArray[np.float32]

#: Rows per pass: enough to keep the processor busy, little enough to stay in its cache.
_ROWS = 16
_EPSILON = np.float32(1e-12)
#: The published model has heads of this width, whatever its depth.
_HEAD_WIDTH = 32


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer; matrices stand so that `x @ matrix` is what is wanted. Query, key and value are one matrix."""

    qkv: tuple[Floats, Floats]
    joined: tuple[Floats, Floats]
    joined_norm: tuple[Floats, Floats]
    wide: tuple[Floats, Floats]
    narrow: tuple[Floats, Floats]
    narrow_norm: tuple[Floats, Floats]


class Encoder:
    """Texts to unit vectors. Made of the packed weights (see `judgement.local.weights`)."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]], *, name: str) -> None:
        self.name = name
        self.pieces = WordPieces(bytes(arrays["vocabulary"]).decode().split("\n"))
        self._table = arrays["embeddings.word_embeddings.weight"]
        self._scale = arrays.get("embeddings.word_embeddings.weight.scale")
        get = _Unpacked(arrays)
        self._positions = (
            get("embeddings.position_embeddings.weight") + get("embeddings.token_type_embeddings.weight")[0]
        )
        self._norm = (get("embeddings.LayerNorm.weight"), get("embeddings.LayerNorm.bias"))
        depth = sum(key.endswith("intermediate.dense.bias") for key in arrays)
        self._layers = [_layer(get, f"encoder.layer.{index}.") for index in range(depth)]
        self.width = self._positions.shape[1]

    def encode(self, texts: Sequence[str]) -> Floats:
        """One unit vector per text."""
        return self.encode_pieces([self.pieces(text) for text in texts])

    def encode_pieces(self, rows: Sequence[Sequence[int]]) -> Floats:
        """The same, for texts already cut into pieces."""
        out = np.empty((len(rows), self.width), np.float32)
        alike: dict[int, list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            alike[len(row)].append(index)
        for members in alike.values():
            for start in range(0, len(members), _ROWS):
                part = members[start : start + _ROWS]
                out[part] = self._forward(np.array([rows[index] for index in part]))
        return out

    def _forward(self, ids: NDArray[np.int_]) -> Floats:
        count, length = ids.shape
        x = self._table[ids].astype(np.float32)
        if self._scale is not None:
            x *= self._scale[ids][..., None]
        x += self._positions[:length]
        x = _normed(x.reshape(count * length, -1), self._norm)
        for layer in self._layers:
            x = _normed(x + _affine(_attend(_affine(x, layer.qkv), count, length), layer.joined), layer.joined_norm)
            x = _normed(x + _affine(_gelu(_affine(x, layer.wide)), layer.narrow), layer.narrow_norm)
        mean: Floats = x.reshape(count, length, -1).mean(axis=1)
        mean /= np.linalg.norm(mean, axis=1, keepdims=True)
        return mean


class _Unpacked:
    """Weights by name as float32: packed ones are int8 with one scale per row."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def __call__(self, name: str) -> Floats:
        array, scale = self._arrays[name].astype(np.float32), self._arrays.get(name + ".scale")
        return array if scale is None else array * scale[:, None]


def _layer(get: _Unpacked, prefix: str) -> _Layer:
    def pair(name: str) -> tuple[Floats, Floats]:
        weight = get(f"{prefix}{name}.weight")
        return (np.ascontiguousarray(weight.T) if weight.ndim == 2 else weight), get(f"{prefix}{name}.bias")

    parts = [pair(f"attention.self.{name}") for name in ("query", "key", "value")]
    return _Layer(
        qkv=(np.concatenate([weight for weight, _ in parts], axis=1), np.concatenate([bias for _, bias in parts])),
        joined=pair("attention.output.dense"),
        joined_norm=pair("attention.output.LayerNorm"),
        wide=pair("intermediate.dense"),
        narrow=pair("output.dense"),
        narrow_norm=pair("output.LayerNorm"),
    )


def _affine(x: Floats, pair: tuple[Floats, Floats]) -> Floats:
    out: Floats = x @ pair[0]
    out += pair[1]
    return out


def _normed(x: Floats, pair: tuple[Floats, Floats]) -> Floats:
    x = x - x.mean(axis=1, keepdims=True)
    spread = np.einsum("ij,ij->i", x, x) / np.float32(x.shape[1])
    x *= (1 / np.sqrt(spread + _EPSILON))[:, None]
    x *= pair[0]
    x += pair[1]
    return x


def _attend(qkv: Floats, count: int, length: int) -> Floats:
    """Every piece looks at every other of its own text."""
    heads = qkv.shape[1] // (3 * _HEAD_WIDTH)
    q, k, v = qkv.reshape(count, length, 3, heads, _HEAD_WIDTH).transpose(2, 0, 3, 1, 4)
    weight = q @ k.swapaxes(-1, -2)
    weight *= np.float32(1 / np.sqrt(_HEAD_WIDTH))
    weight -= weight.max(axis=-1, keepdims=True)
    np.exp(weight, out=weight)
    weight /= weight.sum(axis=-1, keepdims=True)
    out: Floats = (weight @ v).transpose(0, 2, 1, 3).reshape(count * length, heads * _HEAD_WIDTH)
    return out


def _gelu(x: Floats) -> Floats:
    """x times the normal distribution's cumulative share, by Abramowitz and Stegun 7.1.26 (to 1.5e-7).

    Both signs in one: what is above zero, less |x| times the share in the tail. In place: a third of the time.
    """
    far = np.abs(x)
    z = far * np.float32(np.sqrt(0.5))
    t = z * np.float32(0.3275911)
    t += np.float32(1)
    np.reciprocal(t, out=t)
    tail = t * np.float32(1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(coefficient)
        tail *= t
    z *= -z
    tail *= np.exp(z, out=z)
    tail *= far
    tail *= np.float32(0.5)
    out: Floats = np.maximum(x, 0)
    out -= tail
    return out
