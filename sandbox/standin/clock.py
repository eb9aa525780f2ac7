"""A clock that can be moved: lifetimes of keys and lags of searches are waited for without waiting."""

import threading
from collections.abc import Callable


class MovableClock:
    """Seconds since the epoch; stands still without a base."""

    def __init__(self, base: Callable[[], float] | None = None, *, at: float = 0.0) -> None:
        """Follow `base`, or stand at `at`."""
        self._base = base
        self._ahead = at
        self._lock = threading.Lock()

    def __call__(self) -> float:
        """The time now."""
        return self._ahead + (self._base() if self._base else 0.0)

    def advance(self, seconds: float) -> None:
        """Move on; never back."""
        if seconds < 0:
            raise ValueError("a clock does not go back")
        with self._lock:
            self._ahead += seconds
