"""What a user sees while something long is done: one line a step."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console


class Progress(Protocol):
    """Told of each step as it begins, and of how far the current one is."""

    def begin(self, step: str) -> None: ...

    def detail(self, text: str) -> None: ...


class Silent:
    """Progress that nobody watches."""

    def begin(self, step: str) -> None: ...

    def detail(self, text: str) -> None: ...


class Shown:
    """Progress on a console: alive on a terminal, a plain line a step elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status = console.status("")
        self._step = ""
        self._begun_at = 0.0

    def begin(self, step: str) -> None:
        """Ticks off the step before, with its time, and shows this one."""
        self.end()
        self._step, self._begun_at = step, time.monotonic()
        if self._console.is_terminal:
            self._status.update(step)
            self._status.start()
        else:
            self._console.print(f"{step} …")

    def detail(self, text: str) -> None:
        """How far the current step is; off a terminal it would only be noise."""
        self._status.update(f"{self._step}: {text}")

    def end(self) -> None:
        """Ticks off the last step."""
        self.abandon()
        if self._step and self._console.is_terminal:
            seconds = time.monotonic() - self._begun_at
            self._console.print(f"[green]✓[/green] {self._step} [dim]{seconds:.1f} s[/dim]")
        self._step = ""

    def abandon(self) -> None:
        """Stops the animation; an unfinished step stays unticked."""
        self._status.stop()


@contextmanager
def shown(console: Console) -> Iterator[Shown]:
    """Progress on `console` for as long as the block lasts."""
    progress = Shown(console)
    try:
        yield progress
    finally:
        progress.abandon()
