"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random

FIRST_SECONDS = 0.05
MAX_SECONDS = 2.0


class Backoff:
    """Doubles from `FIRST_SECONDS` to `MAX_SECONDS`, with jitter so that a thousand clients of a restarted service do
    not come back in step. The first attempt after a good connection waits for nothing."""

    def __init__(self) -> None:
        self._next = 0.0

    def reset(self) -> None:
        self._next = 0.0

    def seconds(self) -> float:
        wait = self._next
        self._next = min(MAX_SECONDS, max(FIRST_SECONDS, wait * 2))
        return wait * random.uniform(0.5, 1.0)
