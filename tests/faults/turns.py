"""Several things at once: each goes on by one call to AWS at a time, in an order by a seed."""

from collections.abc import Callable
from random import Random
from threading import Semaphore, Thread, current_thread
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient


class _Doing(Thread):
    """One of the things that are done; it waits before each of its calls until it is its turn."""

    def __init__(self, act: Callable[[], Any], back: Semaphore) -> None:
        super().__init__(daemon=True)
        self._act, self._back, self._turn = act, back, Semaphore(0)
        self.failed: BaseException | None = None
        self.over = False

    def run(self) -> None:
        self._turn.acquire()
        try:
            self._act()
        except BaseException as error:  # noqa: BLE001, told to whoever had it done
            self.failed = error
        self.over = True
        self._back.release()

    def wait(self) -> None:
        """Lets the others go on, until it is its turn again."""
        self._back.release()
        self._turn.acquire()

    def go_on(self) -> None:
        """Does what comes up to its next call, and waits for that."""
        self._turn.release()
        self._back.acquire()


def at_once(
    random: Random, acts: list[Callable[[], Any]], *, after_each: Callable[[], None]
) -> list[BaseException | None]:
    """What each act failed with, or None; `after_each` sees everything between any two calls."""
    back = Semaphore(0)
    doing = [_Doing(act, back) for act in acts]
    real = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, arguments: Any) -> Any:
        thread = current_thread()
        if isinstance(thread, _Doing):
            thread.wait()
        return real(client, operation, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        for each in doing:
            each.start()
        while live := [each for each in doing if not each.over]:
            random.choice(live).go_on()
            after_each()
    return [each.failed for each in doing]
