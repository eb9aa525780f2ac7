"""A bound on the time of pure code: a handler that never ends must not end the work of others.

Calls to others carry deadlines of their own. A loop in a handler has none, so a watchdog raises `TimeIsUp` inside the
thread. That is safe here and nowhere else: inside `limit` nothing is written or sent, and leaving it takes the same
lock as the watchdog, so that the exception cannot strike later.

Some code no exception reaches: it catches everything, or sits in one call that lets no other thread run (a regular
expression that backtracks for years). Under `guard` the process then ends; its leases run out, the crash is counted
against the event, and after a few it is a case.
"""

import ctypes
import faulthandler
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from counterfoil import telemetry

#: The descriptor itself: whatever stands in for `sys.stderr` may have none.
_STDERR = 2


class TimeIsUp(BaseException):
    """The handler took longer than its limit. Not an Exception, so that a handler's own `except` does not eat it."""


class Watchdog:
    """Watches the pure steps of this process's threads."""

    #: How often it looks; a limit is kept to this much.
    LOOK_SECONDS = 0.1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[int, float] = {}
        self._told_at: dict[int, float] = {}
        self._patience_seconds: float | None = None
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raises TimeIsUp inside the block once `seconds` have passed."""
        me = threading.get_ident()
        with self._lock:
            self._until[me] = time.monotonic() + seconds
            self._wake()
        try:
            try:
                yield
            finally:
                self._leave(me)
        except TimeIsUp:
            # It may have struck in the middle of leaving. It comes once, so this time nothing can.
            self._leave(me)
            raise

    @contextmanager
    def guard(self, seconds: float) -> Iterator[None]:
        """End the process when a block goes on `seconds` after TimeIsUp, or no thread gets to run for so long."""
        with self._lock:
            self._patience_seconds = seconds
            self._put_off()
            self._wake()
        try:
            yield
        finally:
            with self._lock:
                self._patience_seconds = None
                faulthandler.cancel_dump_traceback_later()

    def _wake(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
            self._thread.start()

    def _leave(self, thread: int) -> None:
        with self._lock:
            self._until.pop(thread, None)
            self._told_at.pop(thread, None)

    def _watch(self) -> None:
        while True:
            time.sleep(self.LOOK_SECONDS)
            with self._lock:
                self._look(time.monotonic())

    def _look(self, now: float) -> None:
        for thread, until in list(self._until.items()):
            if now > until:
                del self._until[thread]
                self._told_at[thread] = now
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeIsUp))
        if self._patience_seconds is None:
            return
        self._put_off()
        if any(now - told > self._patience_seconds for told in self._told_at.values()):
            telemetry.log.error("process.ended", reason="a handler goes on although its time is up")
            os._exit(1)

    def _put_off(self) -> None:
        """Move the end of the process. Its clock runs outside the interpreter: it strikes when nobody moves it."""
        assert self._patience_seconds is not None
        faulthandler.dump_traceback_later(self._patience_seconds, exit=True, file=_STDERR)


watchdog = Watchdog()
