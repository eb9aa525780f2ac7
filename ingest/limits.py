"""Every bound of the door in one place: what a client may take of it, and how long it lets anybody wait."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds; tests shorten the deadlines, nothing else does."""

    #: Largest body in bytes; the settings say it (1 MiB, many times any known event).
    body_bytes_max: int = 1_048_576
    #: Longest request target in bytes; HubSpot's longest known stay far below.
    target_bytes_max: int = 8192
    #: All header lines together; as generous as the common proxies.
    head_bytes_max: int = 16_384
    #: Senders use about 15.
    headers_max: int = 100
    #: From the first byte of a request to the end of its head.
    head_seconds: float = 10.0
    #: From the end of the head to the end of the body, in all: a trickle does not extend it.
    body_seconds: float = 10.0
    #: A client that does not read its answer; we ourselves have answered long before.
    answer_seconds: float = 30.0
    #: An idle connection; longer than the usual proxies keep theirs, so that they are the ones to close.
    idle_seconds: float = 75.0
    #: How long a refused client may go on sending before the connection is cut: it should get to read the answer.
    linger_seconds: float = 1.0
    #: Open connections; each costs about 20 kB and a file descriptor.
    connections_max: int = 1000

    #: A group takes no further request once it holds this many events: beyond, a row costs no less.
    group_events_max: int = 200
    #: ... or this many bytes, so that one statement stays a few milliseconds long.
    group_bytes_max: int = 4_194_304
    #: A group of a few events begins no sooner than this after the one before it, so that a steady stream shares
    #: commits also where Postgres would have time for one each: its time is the worker's too.
    gather_seconds: float = 0.004
    #: Events that may wait for a commit; about a second of work on a small machine.
    waiting_events_max: int = 4000
    #: ... and bytes, which is what the door's memory is made of.
    waiting_bytes_max: int = 33_554_432
    #: How long a request waits for its commit before it is told to come back; providers give up at 5 s or later.
    wait_seconds: float = 4.0
    #: What one group may take in Postgres before Postgres itself ends it.
    statement_seconds: float = 3.0
    #: ... and before the door gives the connection up.
    group_seconds: float = 3.3
    #: One attempt to connect.
    connect_seconds: float = 2.0
    #: Between attempts while Postgres is away.
    reconnect_seconds: float = 0.2
    #: How long `/readyz` waits for its proof.
    ready_seconds: float = 1.0
    #: How long a stopping door finishes what it has begun.
    stop_seconds: float = 10.0
