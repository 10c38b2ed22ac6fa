"""Ctrl-C that waits for the current step."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Interrupt", "deferred_interrupts"]


class Interrupt:
    """Whether someone asked to stop."""

    asked = False


@contextmanager
def deferred_interrupts() -> Iterator[Interrupt]:
    """Within the block, SIGINT is noted instead of raised; a second one is raised at once.

    Outside the main thread, where signals cannot be caught, nothing changes.
    """
    interrupt = Interrupt()
    if threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def note(number: int, frame: FrameType | None) -> None:
        if interrupt.asked:
            signal.default_int_handler(number, frame)
        interrupt.asked = True

    before = signal.signal(signal.SIGINT, note)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, before)
