"""Calling things that fail now and then."""

import time
from collections.abc import Callable

ATTEMPTS = 3


def with_retries(call: Callable[[], str], pause: float = 0.2) -> str:
    """The answer of ``call``; waits longer after each failure, raises the last one."""
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except ConnectionError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(pause * 2**attempt)
    raise AssertionError("unreachable")
