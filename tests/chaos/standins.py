"""A stand-in of a provider in a process of its own, and a wire before it that writes down every byte."""

import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx
from company import ROOT

#: The first line of a request on the wire, as HTTP/1.1 has it.
REQUEST = re.compile(rb"(?:^|\r\n)([A-Z]{3,7}) (/\S*) HTTP/1\.1\r\n")


class Standin:
    """`python -m sandbox.<provider>`: over real HTTP, with a journal and faults."""

    def __init__(self, provider: str, *words: str, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"sandbox.{provider}", "--port", "0", *words],
            cwd=ROOT, env=dict(env), stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, f"{provider} does not listen"

    def journal(self) -> list[dict[str, Any]]:
        """Every request that arrived."""
        found: list[dict[str, Any]] = self._ask("GET", "journal")["items"]
        return found

    def posts(self) -> list[dict[str, Any]]:
        """The requests that would change something, as they arrived."""
        return [entry for entry in self.journal() if entry["method"] != "GET"]

    def down(self, is_down: bool) -> None:
        """Off the net, or back."""
        self._ask("POST", "faults", {"down": is_down})

    def objects(self, kind: str) -> list[dict[str, Any]]:
        """What it holds."""
        found: list[dict[str, Any]] = self._ask("GET", "state")["objects"][kind]
        return found

    def close(self) -> None:
        """Ended, by its pid."""
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        return httpx.request(method, f"{self.url}/_sandbox/{path}", json=body, timeout=10, trust_env=False).json()


class Wire:
    """Passes bytes on between clients and one server, and keeps what the clients sent."""

    def __init__(self, url: str) -> None:
        self._to = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._sent: list[bytearray] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def requests(self) -> list[tuple[str, str]]:
        """Method and path of everything that went out, read from the bytes themselves."""
        found = [match for sent in list(self._sent) for match in REQUEST.findall(bytes(sent))]
        return [(method.decode(), path.decode()) for method, path in found]

    def close(self) -> None:
        """No further connections."""
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(self._to)
            kept = bytearray()
            self._sent.append(kept)
            threading.Thread(target=_pump, args=(client, server, kept), daemon=True).start()
            threading.Thread(target=_pump, args=(server, client, bytearray()), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    try:
        while data := source.recv(65536):
            kept += data
            sink.sendall(data)
    except OSError:
        pass
    finally:
        for each in (source, sink):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)


def unix_seconds() -> float:
    """The clock that the journal of a stand-in goes by."""
    return time.time()
