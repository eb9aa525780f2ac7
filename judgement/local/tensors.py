"""Reading and writing the container that weights come in: named arrays, nothing that could be executed.

The format is that of safetensors: the length of a header (8 bytes, little endian), the header (JSON), then the data.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Dtypes that the weights use; anything else is refused.
_TYPES = {"F32": "<f4", "I8": "|i1", "U8": "|u1", "I64": "<i8", "F64": "<f8"}
_NAMES = {np.dtype(kind): name for name, kind in _TYPES.items()}
#: A header beyond this is not one of ours: it would be parsed before anything else is known about the file.
_HEADER_BYTES_MAX = 16_000_000


class TensorsUnreadable(ValueError):
    """The file is not a container of arrays, or is cut off."""


def read(data: bytes) -> dict[str, NDArray[Any]]:
    """All arrays by name, as views of the data.

    Raises:
        TensorsUnreadable: the data is not what it should be.
    """
    size = int.from_bytes(data[:8], "little")
    if len(data) < 8 or size > min(_HEADER_BYTES_MAX, len(data) - 8):
        raise TensorsUnreadable("no header where one should be")
    found: dict[str, NDArray[Any]] = {}
    try:
        header = json.loads(data[8 : 8 + size])
        header.pop("__metadata__", None)
        for name, entry in header.items():
            begin, end = entry["data_offsets"]
            raw = memoryview(data)[8 + size + begin : 8 + size + end]
            found[name] = np.frombuffer(raw, dtype=_TYPES[entry["dtype"]]).reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise TensorsUnreadable(f"the header does not fit the data: {type(fault).__name__}") from fault
    return found


def write(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The same bytes for the same arrays, whatever their order."""
    header: dict[str, Any] = {}
    chunks: list[bytes] = []
    offset = 0
    for name in sorted(arrays):
        raw = np.ascontiguousarray(arrays[name]).tobytes()
        header[name] = {
            "dtype": _NAMES[arrays[name].dtype],
            "shape": list(arrays[name].shape),
            "data_offsets": [offset, offset + len(raw)],
        }
        chunks.append(raw)
        offset += len(raw)
    head = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    head += b" " * (-len(head) % 8)
    return b"".join([len(head).to_bytes(8, "little"), head, *chunks])
