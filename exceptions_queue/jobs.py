"""What people do to a job over many, be it a replay of events or a reversal of writes: start, pause, resume, cancel."""

from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from counterfoil import audit
from counterfoil.database import Connection
from counterfoil.ledger import NOW, move
from counterfoil.lifecycle import ReplayState
from exceptions_queue.refusals import JobEnded, JobNotFound, JobNotPaused, JobNotPlanned, JobNotRunning, signed


@dataclass(frozen=True)
class Job:
    """One kind of job; its two tables are named for it. What is on its way goes on, whatever is done to the job."""

    kind: Literal["replay", "reversal"]

    def start(self, conn: Connection, job_id: UUID, *, who: str, reason: str) -> None:
        """Let a planned job run. Raises: JobNotFound, JobNotPlanned, ReasonMissing."""
        who, reason = signed(who, reason)
        if (now := self.get(conn, job_id, lock=True)["status"]) != ReplayState.PLANNED:
            raise JobNotPlanned(f"the {self.kind} is {now}; only a planned one is started")
        move(conn, self.kind, [job_id], ReplayState.RUNNING, sets={"started_at": NOW})
        self._record(conn, job_id, who, "started", reason=reason)

    def pause(self, conn: Connection, job_id: UUID, *, who: str, reason: str) -> None:
        """Hold a running job: nothing more is begun until it is resumed.

        Raises: JobNotFound, JobNotRunning, ReasonMissing.
        """
        who, reason = signed(who, reason)
        if not move(conn, self.kind, [job_id], ReplayState.PAUSED):
            raise JobNotRunning(f"the {self.kind} is {self.get(conn, job_id)['status']}; only a running one is paused")
        self._record(conn, job_id, who, "paused", reason=reason)

    def resume(self, conn: Connection, job_id: UUID, *, who: str, reason: str) -> None:
        """Let a paused job go on where it was. Raises: JobNotFound, JobNotPaused, ReasonMissing."""
        who, reason = signed(who, reason)
        if (now := self.get(conn, job_id, lock=True)["status"]) != ReplayState.PAUSED:
            raise JobNotPaused(f"the {self.kind} is {now}; only a paused one is resumed")
        move(conn, self.kind, [job_id], ReplayState.RUNNING)
        self._record(conn, job_id, who, "resumed", reason=reason)

    def cancel(self, conn: Connection, job_id: UUID, *, who: str, reason: str) -> None:
        """Stop a job: what was not begun stays as it is. Raises: JobNotFound, JobEnded, ReasonMissing."""
        who, reason = signed(who, reason)
        if not move(conn, self.kind, [job_id], ReplayState.CANCELLED, sets={"finished_at": NOW}):
            raise JobEnded(f"the {self.kind} is {self.get(conn, job_id)['status']} already")
        left = conn.execute(
            f"UPDATE {self.kind}_items SET status = 'skipped', detail = 'cancelled'"
            f" WHERE {self.kind}_id = %s AND status = 'planned'",
            (job_id,),
        ).rowcount
        self._record(conn, job_id, who, "cancelled", reason=reason, left=left)

    def get(self, conn: Connection, job_id: UUID, *, lock: bool = False) -> dict[str, Any]:
        """The job's row. Raises: JobNotFound."""
        held = " FOR UPDATE" if lock else ""
        found = conn.execute(f"SELECT * FROM {self.kind}s WHERE id = %s{held}", (job_id,)).fetchone()
        if found is None:
            raise JobNotFound(f"there is no {self.kind} {job_id}")
        return found

    def _record(self, conn: Connection, job_id: UUID, who: str, done: str, **detail: Any) -> None:
        audit.append(conn, "desk", [audit.Entry(who, f"{self.kind}.{done}", f"{self.kind}:{job_id}", detail)])
