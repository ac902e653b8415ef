"""Reports staged orders to the API: one customer's in their order, several customers at once."""

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from linkage.domain.ids import external
from linkage_cli.api_client import (
    Api,
    ApiError,
    NoAnswerError,
    StrangeAnswerError,
    UnreachableError,
)
from linkage_cli.orders.progress import Advance
from linkage_cli.orders.staging import GivenBack, Order, Staging, refund_body

HOPELESS = {401, 403, 404}
"""With a wrong key or program every other row would only fail the same way."""
FAILURES_IN_A_ROW_MAX = 20
"""So many orders that the API could not take after each other: then it takes none."""
STOPPED = "Not sent, because the import was stopped."
LOOK_S = 0.2


@dataclass
class Outcome:
    """What became of the orders; `hopeless` is what stopped the whole import."""

    new: int = 0
    already_there: int = 0
    failed: int = 0
    refunds_new: int = 0
    refunds_already_there: int = 0
    not_sent: int = 0
    hopeless: str | None = None
    interrupted: bool = False


class Reporting:
    """One import under way: the state that its threads share."""

    def __init__(
        self, staging: Staging, api: Api, stopped: threading.Event, *, by_date: bool
    ) -> None:
        self._staging, self._api, self._stopped = staging, api, stopped
        self._chains = staging.chains(by_date=by_date)
        self._lock = threading.Lock()
        self._replays: Counter[tuple[str, bool]] = Counter()
        self._failed = self._failed_in_a_row = 0
        self._hopeless: ApiError | None = None
        self._bug: BaseException | None = None

    def run(self, jobs: int, advance: Advance) -> Outcome:
        """Reports every order, `jobs` chains at once; tells `advance` how many were and failed.

        An interruption ends it as soon as what was sent is answered; a second one at once.
        """
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(jobs)]
        for worker in workers:
            worker.start()
        interrupted = False
        while any(worker.is_alive() for worker in workers):
            try:
                for worker in workers:
                    worker.join(LOOK_S)
                advance(self._count("order") + self._failed, self._failed)
            except KeyboardInterrupt:
                if interrupted:
                    raise
                interrupted = True
                self._stopped.set()
        if self._bug:
            raise self._bug
        return self._outcome(interrupted=interrupted)

    def _count(self, what: str) -> int:
        return self._replays[what, False] + self._replays[what, True]

    def _outcome(self, *, interrupted: bool) -> Outcome:
        if self._hopeless:
            self._staging.tell(
                "INSERT INTO error SELECT s.row, s.order_id, '', ? FROM turn t JOIN sale s ON "
                "s.order_id = t.order_id WHERE t.position NOT IN (SELECT position FROM done)",
                STOPPED,
            )
        ((failed,),) = self._staging.ask("SELECT count(*) FROM error")
        ((waiting,),) = self._staging.ask(
            "SELECT (SELECT count(*) FROM turn) - (SELECT count(*) FROM done)"
        )
        return Outcome(
            new=self._replays["order", False],
            already_there=self._replays["order", True],
            failed=failed,
            refunds_new=self._replays["refund", False],
            refunds_already_there=self._replays["refund", True],
            not_sent=waiting,
            hopeless=str(self._hopeless) if self._hopeless else None,
            interrupted=interrupted and waiting > 0,
        )

    def _work(self) -> None:
        """Reports chain after chain until there is none; a bug in it is raised by `run`."""
        try:
            while (chain := self._next_chain()) is not None:
                self._report_chain(self._staging.orders(*chain))
        except BaseException as error:  # noqa: BLE001 (a thread has nobody to raise it to)
            self._bug = error
            self._stopped.set()

    def _next_chain(self) -> tuple[int, int] | None:
        with self._lock:
            return None if self._stopped.is_set() else next(self._chains, None)

    def _report_chain(self, orders: Iterator[Order]) -> None:
        """Reports orders in turn. A refused order does not stop its customer's next ones, but one
        that never arrived does: reported later, it would come after them."""
        blocked: dict[str, int] = {}
        for order in orders:
            if self._stopped.is_set():
                return
            if order.chain in blocked:
                first = blocked[order.chain]
                why = f"Not sent, because row {first} of this customer comes first."
                self._fail(order, order.row, why)
            elif not self._report(order):
                blocked[order.chain] = order.row
            self._staging.tell("INSERT INTO done VALUES (?)", order.position)

    def _report(self, order: Order) -> bool:
        """Reports an order and its refunds; whether the customer's next ones may follow."""
        try:
            sold = self._sent("order", "/v1/conversions", self._body(order), order.order_id)
            for refund in order.refunds:
                self._refund(order, sold, refund)
        except UnreachableError as trouble:
            self._failed_in_a_row += 1
            if isinstance(trouble, NoAnswerError) or self._failed_in_a_row >= FAILURES_IN_A_ROW_MAX:
                self._give_up(trouble)
            self._fail(order, order.row, str(trouble))
            return False
        except ApiError as refusal:
            if refusal.status in HOPELESS or isinstance(refusal, StrangeAnswerError):
                self._give_up(refusal)
            self._fail(order, order.row, str(refusal), refusal.field)
        return True

    def _body(self, order: Order) -> dict[str, Any]:
        click_id = order.body.get("click_id") or self._staging.click_of(order)
        return order.body | ({"click_id": click_id} if click_id else {})

    def _refund(self, order: Order, sold: dict[str, Any], refund: GivenBack) -> None:
        """Reports what was given back, or of what was in all what the network does not know yet."""
        amount_minor = refund.amount_minor
        if refund.in_all:
            amount_minor -= int(sold.get("refunded_minor", 0))
        if amount_minor <= 0:
            with self._lock:
                self._replays["refund", True] += 1
            return
        path = f"/v1/conversions/{quote(sold['id'], safe='')}/refunds"
        try:
            self._sent("refund", path, refund_body(refund, amount_minor), refund.external_id)
        except UnreachableError:
            raise
        except ApiError as refusal:
            if isinstance(refusal, StrangeAnswerError):
                raise
            self._fail(order, refund.row, f"Its refund: {refusal}", refusal.field)

    def _sent(self, what: str, path: str, body: dict[str, Any], external_id: str) -> dict[str, Any]:
        """The answer to what was sent; raises ApiError, also if it is not the answer to that."""
        answer = self._api.post(path, body)
        self._api.require_of_linkage(answer, _is_of(answer.body, external_id))
        with self._lock:
            self._failed_in_a_row = 0
            self._replays[what, answer.replayed] += 1
        said: dict[str, Any] = answer.body
        return said

    def _give_up(self, reason: ApiError) -> None:
        self._hopeless = self._hopeless or reason
        self._stopped.set()

    def _fail(self, order: Order, row: int, detail: str, field: str = "") -> None:
        self._staging.fail(row, order.order_id, field, detail)
        with self._lock:
            self._failed += 1


def _is_of(body: Any, external_id: str) -> bool:
    """Whether a body is of the conversion or the refund that has this external id."""
    return (
        isinstance(body, dict)
        and str(body.get("id") or body.get("conversion_id")).startswith("cnv_")
        and external(str(body.get("external_id"))) == external(external_id)
    )
