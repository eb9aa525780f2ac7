"""The wire under every destination: whatever breaks says whether the request may have arrived."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from destinations.exchange import Network, Reply, Unanswered, Unsent
from destinations.http import Http, NotConfigured

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Told: yes\r\n\r\n{}"
#: What a listener does with a connection; it keeps what it was sent.
Behaviour = Callable[[socket.socket, list[bytes]], None]
Listening = Callable[[Behaviour], tuple[str, list[bytes]]]


@pytest.fixture
def listening() -> Iterator[Listening]:
    """Starts a listener that does as it is told; gives its address and what came in."""
    opened: list[socket.socket] = []

    def listen(behave: Behaviour) -> tuple[str, list[bytes]]:
        server = socket.create_server(("127.0.0.1", 0))
        opened.append(server)
        heard: list[bytes] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    behave(connection, heard)

        threading.Thread(target=serve, daemon=True).start()
        return f"http://127.0.0.1:{server.getsockname()[1]}", heard

    yield listen
    for server in opened:
        server.close()


def request_of(connection: socket.socket) -> bytes:
    """One whole request."""
    got = b""
    while b"\r\n\r\n" not in got or (b"Content-Length: 3" in got and not got.endswith(b"x=1")):
        part = connection.recv(65_536)
        if not part:
            break
        got += part
    return got


def answering(answer: bytes) -> Behaviour:
    """One request, one answer, and the connection is closed."""

    def behave(connection: socket.socket, heard: list[bytes]) -> None:
        heard.append(request_of(connection))
        connection.sendall(answer)

    return behave


def post(base: str, path: str = "/v1/things?a=1") -> Reply:
    return Network(base).exchange("POST", base + path, {"Idempotency-Key": "k"}, b"x=1", 0.5)


def test_what_is_asked_is_what_arrives(listening: Listening) -> None:
    """Path, query, headers and body as given, also behind an address with a path of its own; headers any spelling."""
    base, heard = listening(answering(FINE))
    reply = post(f"{base}/gateway")
    assert (reply.status, reply.headers.get("x-told"), reply.body) == (200, "yes", b"{}")
    assert heard[0].startswith(b"POST /gateway/v1/things?a=1 HTTP/1.1\r\n")
    assert b"Idempotency-Key: k\r\n" in heard[0]
    assert heard[0].endswith(b"\r\n\r\nx=1")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{",
        b"not HTTP at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_an_answer_that_breaks_off_says_nothing_of_what_was_done(listening: Listening, answer: bytes) -> None:
    """It was sent: nobody may take it for not sent."""
    base, heard = listening(answering(answer))
    with pytest.raises(Unanswered):
        post(base)
    assert len(heard) == 1, "a second attempt that nobody decided on"


def test_an_answer_that_does_not_come_is_waited_for_so_long(listening: Listening) -> None:
    """Half a second here; the connection is not used again."""
    ended = threading.Event()
    base, heard = listening(lambda connection, heard: (heard.append(request_of(connection)), ended.wait(5), None)[-1])
    with pytest.raises(Unanswered):
        post(base)
    ended.set()
    assert len(heard) == 1


def test_a_redirect_is_an_answer(listening: Listening) -> None:
    """A write that followed one would be made somewhere else."""
    base, heard = listening(answering(b"HTTP/1.1 302 Found\r\nLocation: /v1/other\r\nContent-Length: 0\r\n\r\n"))
    assert post(base).status == 302
    assert len(heard) == 1


def test_a_connection_that_was_closed_meanwhile_is_made_anew(listening: Listening) -> None:
    """Kept connections die in silence; the next request must not, and must not be sent twice either."""
    closed = threading.Semaphore(0)

    def behave(connection: socket.socket, heard: list[bytes]) -> None:
        answering(FINE)(connection, heard)
        connection.close()
        closed.release()

    base, heard = listening(behave)
    wire = Network(base)
    for number in range(3):
        assert wire.exchange("POST", f"{base}/{number}", {}, b"", 0.5).status == 200
        assert closed.acquire(timeout=5)
    assert len(heard) == 3


def test_nobody_listens_and_no_such_name_are_not_sent() -> None:
    """No connection, no request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unsent):
        post(f"http://127.0.0.1:{port}")
    with pytest.raises(Unsent):
        post("http://no-such-host.invalid")


@pytest.mark.parametrize("base", ["ftp://example.com", "example.com", "", "http://"])
def test_an_address_that_is_none_is_said_before_anything_is_sent(base: str) -> None:
    """Whoever set it can read which."""
    with pytest.raises(NotConfigured):
        Http(base, {}, write=True)


def test_a_certificate_that_nobody_trusts_means_not_sent(tmp_path: Path, listening: Listening) -> None:
    """The request never left: it may be sent again once the certificate is right."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(self_signed(tmp_path))

    def behave(connection: socket.socket, heard: list[bytes]) -> None:
        try:
            heard.append(server.wrap_socket(connection, server_side=True).recv(65_536))
        except OSError:
            return

    base, heard = listening(behave)
    with pytest.raises(Unsent, match="not trusted"):
        post(base.replace("http:", "https:"))
    assert not any(heard)


def self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 that only it vouches for, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
