"""A progress bar with the time left, on standard error; silent unless asked for."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["progress"]


@contextmanager
def progress(total: int, *, done: int, verbose: bool) -> Iterator[Callable[[int, str], None]]:
    """Yield `show(steps done, text)`; it costs nothing when silent, and little when called often."""
    if not verbose:
        yield lambda done, text: None  # noqa: ARG005 - the silent twin takes the same arguments
        return
    from rich.console import Console  # noqa: PLC0415 - the library imports rich only to show something
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task, last = bar.add_task("", total=total, completed=done), 0.0

        def show(done: int, text: str) -> None:
            nonlocal last
            if time.monotonic() - last > 0.1:
                bar.update(task, completed=done, description=text)
                last = time.monotonic()

        yield show
