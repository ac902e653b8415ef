"""How far an import is: a bar on a terminal, elsewhere a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LINE_EVERY_S = 10.0

type Advance = Callable[[int, int], None]


@contextmanager
def progress(doing: str, total: int | None) -> Iterator[Advance]:
    """Gives what to tell how many are done, and how many of these failed; shown on stderr."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _Lines(doing, total, console)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console) as shown:
        task = shown.add_task(doing, total=total)
        yield lambda done, failed: shown.update(task, completed=done)


class _Lines:
    """A plain line every so many seconds, for a log."""

    def __init__(self, doing: str, total: int | None, console: Console) -> None:
        self._doing, self._total, self._console = doing, total, console
        self._said_at = time.monotonic()

    def __call__(self, done: int, failed: int) -> None:
        now = time.monotonic()
        if now - self._said_at < LINE_EVERY_S:
            return
        self._said_at = now
        of = f" of {self._total:,}" if self._total is not None else ""
        also = f", {failed:,} failed" if failed else ""
        self._console.print(f"{self._doing}: {done:,}{of}{also}", markup=False, soft_wrap=True)
