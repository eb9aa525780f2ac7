"""A bound on the time of pure code: a handler that never ends must not end the worker.

Calls to others carry deadlines of their own. A loop in a handler has none, so a watchdog raises `TimeIsUp` inside the
thread. That is safe here and nowhere else: between `enter` and `leave` nothing is written or sent, and `leave` takes
the same lock as the watchdog, so that the exception cannot strike later.
"""

import ctypes
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class TimeIsUp(BaseException):
    """The handler took longer than its limit. Not an Exception, so that a handler's own `except` does not eat it."""


class Watchdog:
    """Watches the pure steps of this process's threads."""

    #: How often it looks; a limit is kept to this much.
    LOOK_SECONDS = 0.1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._until: dict[int, float] = {}
        self._thread: threading.Thread | None = None

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raises TimeIsUp inside the block once `seconds` have passed."""
        me = threading.get_ident()
        with self._lock:
            self._until[me] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._until.pop(me, None)

    def _watch(self) -> None:
        while True:
            time.sleep(self.LOOK_SECONDS)
            now = time.monotonic()
            with self._lock:
                for thread, until in list(self._until.items()):
                    if now > until:
                        del self._until[thread]
                        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TimeIsUp))


watchdog = Watchdog()
