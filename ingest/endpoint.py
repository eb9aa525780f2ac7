"""The door of one source: verify, split, admit, answer. No I/O of its own, so that every listener can use it."""

from functools import partial

import msgspec

from counterfoil import clock, keys, telemetry
from counterfoil.ledger.record import NewEvent, Row
from counterfoil.settings import Settings
from counterfoil.telemetry import metrics
from ingest.admit import Admission
from ingest.answers import JSON, Answer, Problem, Reply
from ingest.groups import Verdict
from ingest.heads import check_delivery
from ingest.known import Again, mark_of
from ingest.limits import Limits
from ingest.providers.base import Received, Rejected, Request, Unreadable
from ingest.rejections import Rejections
from ingest.sources import Source
from ingest.waiting import Ticket

TEXT = ((b"content-type", b"text/plain; charset=utf-8"),)

_encode = msgspec.json.Encoder().encode


class Accepted(msgspec.Struct, gc=False):
    """What a sender is told: how many events are new, how many were known, and which row each one is."""

    accepted: int
    duplicates: int
    events: list[Verdict]


class Endpoint:
    """Everything that is done for one source."""

    #: The queue before the ledger; there is none before the door's lifespan begins.
    admission: Admission

    def __init__(self, source: Source, config: Settings, limits: Limits, rejections: Rejections) -> None:
        """Keep what every request needs at hand."""
        self._source = source
        self._provider = source.provider
        self._config = config
        self._limits = limits
        self._rejections = rejections

    def check_head(self, method: str, headers: dict[str, str]) -> None:
        """Judge a request before its body is read. Raises: Problem."""
        check_delivery(method, headers, self._provider, self._limits)

    def url_of(self, scheme: str, host: str, target: bytes) -> str:
        """The complete URL that was called, if the signature covers it; else nobody needs to put it together."""
        if not self._provider.signs_url:
            return ""
        # Without a public URL in development only: in production such a source does not start.
        return (self._config.public_url or f"{scheme}://{host}") + target.decode("latin-1")

    def take(self, client: str | None, url: str, headers: dict[str, str], body: bytes, reply: Reply) -> None:
        """Take one complete request; `reply` is called once, now or when its events are committed."""
        source, provider = self._source, self._provider
        try:
            request = Request("POST", url, headers, body)
            provider.verify(request, source.secrets, clock.unix_seconds())
            mark = mark_of(source.name, body) if provider.body_tells_all else b""
            if mark and (again := self.admission.known.find(source.name, mark)):
                return self._admit(again, client, body, reply)
            proof = provider.challenge(request)
            if proof is not None:
                answer = Answer(200, proof, JSON if proof[:1] == b"{" else TEXT)
                metrics.deliveries.labels(source.name, "200").inc()
            elif events := [new_event(source, event) for event in provider.split(request)]:
                return self._admit(events, client, body, reply, mark)
            else:
                return self._accept(reply, b"", [])
        except Rejected as rejected:
            answer = self.refused(Problem(rejected.status, rejected.reason, rejected.detail), client, len(body))
        except Problem as problem:
            answer = self.refused(problem, client, len(body))
        except Exception as bug:
            # Nothing that a sender sent may end here; if it does, it is ours, and the sender is to come back.
            telemetry.log.exception("door.failed", source=source.name)
            telemetry.report_failure(bug, failure_class="door", owner=None, handler=None, event_id=None)
            ours = Problem(503, "door_failed", "The event could not be accepted now. Send it again.")
            answer = self.refused(ours, client, len(body))
        reply(answer)

    def _admit(
        self, events: list[NewEvent] | Again, client: str | None, body: bytes, reply: Reply, mark: bytes = b""
    ) -> None:
        refuse = partial(self._refuse, reply, client, len(body))
        self.admission.admit(Ticket(self._source.name, events, len(body), partial(self._accept, reply, mark), refuse))

    def refused(self, problem: Problem, client: str | None, body_bytes: int | None = None) -> Answer:
        """The answer of a request that is refused, now that it is counted."""
        metrics.deliveries.labels(self._source.name, str(problem.status)).inc()
        self._rejections.add(self._source.name, problem, client=client, body_bytes=body_bytes)
        return problem.answer()

    def _refuse(self, reply: Reply, client: str | None, body_bytes: int, problem: Problem) -> None:
        reply(self.refused(problem, client, body_bytes))

    def _accept(self, reply: Reply, mark: bytes, verdicts: list[Verdict]) -> None:
        # A second copy of these bytes may be no more than counted; of what was known before, who can say?
        if mark and len(verdicts) == 1 and not verdicts[0].duplicate:
            self.admission.known.keep(mark, verdicts[0].id, verdicts[0].key)
        if self._provider.empty_answer:
            return reply(Answer(200, b""))
        duplicates = sum([verdict.duplicate for verdict in verdicts])
        reply(Answer(200, _encode(Accepted(len(verdicts) - duplicates, duplicates, verdicts))))


def new_event(source: Source, event: Received | Unreadable) -> NewEvent:
    """The row of one event; a fault does not keep it out, it makes the engine open a case."""
    provider = source.provider.name
    if isinstance(event, Unreadable):
        # Kept as text whatever its bytes are; it is shown to a person, nothing else reads it.
        body = event.payload.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
        fault = {"class": "contract_violation", "rule": "unreadable", "detail": event.problem}
        return NewEvent(Row(keys.new_id(), source.name, provider, event.key, "unreadable", fault=fault), body)
    objection = source.objection(event)
    row = Row(
        keys.new_id(),
        source.name,
        provider,
        event.key,
        event.type,
        event.content_hash,
        event.subject,
        event.occurred_at,
        event.api_version,
        event.account,
        event.livemode,
        event.form,
        None if objection is None else {"class": "wrong_account", "rule": objection[0], "detail": objection[1]},
    )
    return NewEvent(row, event.payload.decode())
