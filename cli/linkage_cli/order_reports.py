"""Reports orders to the API: one customer's in their order, several customers at once."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from linkage_cli.api_client import Api, ApiError, NoAnswerError, UnreachableError
from linkage_cli.order_file import Order, RowError

# With a wrong key or program every other row would only fail the same way.
HOPELESS = {401, 403, 404}

type Chain = Sequence[tuple[Order, str | None]]


@dataclass(frozen=True)
class Terms:
    """What every order of one import has in common."""

    program_id: str
    event: str
    currency: str
    vendor_id: str | None = None

    def report(self, order: Order, click_id: str | None) -> dict[str, Any]:
        """The conversion as the API takes it."""
        body: dict[str, Any] = {
            "program_id": self.program_id,
            "event": self.event,
            "external_id": order.order_id,
            "amount_minor": order.amount_minor,
            "currency": self.currency,
        }
        if order.customer_id:
            body["customer"] = {"id": order.customer_id}
        optional = {
            "click_id": click_id,
            "occurred_at": order.occurred_at,
            "coupon": order.coupon,
            "vendor_id": self.vendor_id,
        }
        return body | {name: value for name, value in optional.items() if value}


@dataclass
class Outcome:
    """What became of the rows; `hopeless` is what stopped the whole import."""

    new: int = 0
    already_there: int = 0
    errors: list[RowError] = field(default_factory=list)
    hopeless: ApiError | None = None


def report_orders(
    chains: Iterable[Chain], terms: Terms, api: Api, jobs: int, advance: Callable[[], None]
) -> Outcome:
    """Reports every chain, `jobs` of them at once; calls `advance` after each order."""
    reporting = _Reporting(terms, api, advance)
    with ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(reporting.report, chain) for chain in chains]
        try:
            for each in running:
                each.result()
        except BaseException:
            reporting.stop()
            raise
    return reporting.outcome()


def chains_of(orders: Iterable[Order], first_clicks: Mapping[str, str]) -> list[Chain]:
    """Each customer's orders in file order, the first with its click; without a customer, alone."""
    chains: dict[object, list[tuple[Order, str | None]]] = {}
    for order in orders:
        chain = chains.setdefault(order.customer_id or order.row, [])
        is_first = order.customer_id and not chain
        first = first_clicks.get(order.customer_id or "") if is_first else None
        chain.append((order, order.click_id or first))
    return list(chains.values())


class _Reporting:
    """The state that the threads of one import share."""

    def __init__(self, terms: Terms, api: Api, advance: Callable[[], None]) -> None:
        self._terms, self._api, self._advance = terms, api, advance
        self._lock, self._stopped = threading.Lock(), threading.Event()
        self._replays: Counter[bool] = Counter()
        self._errors: list[RowError] = []
        self._hopeless: ApiError | None = None

    def stop(self) -> None:
        self._stopped.set()

    def outcome(self) -> Outcome:
        errors = sorted(self._errors, key=lambda error: error.row)
        return Outcome(self._replays[False], self._replays[True], errors, self._hopeless)

    def report(self, chain: Chain) -> None:
        """Reports one customer's orders. A refused order does not stop the next ones, but one that
        never arrived does: reported later, it would come after them."""
        blocked = ""
        for order, click_id in chain:
            if blocked or self._stopped.is_set():
                self._fail(order, blocked or "Not sent, because the import was stopped.")
                continue
            try:
                answer = self._api.post("/v1/conversions", self._terms.report(order, click_id))
            except NoAnswerError as trouble:
                self._give_up(trouble)
                self._fail(order, str(trouble))
            except UnreachableError as trouble:
                self._fail(order, str(trouble))
                blocked = f"Not sent, because row {order.row} of this customer comes first."
            except ApiError as refusal:
                self._refused(order, refusal)
            else:
                with self._lock:
                    self._replays[answer.replayed] += 1
                    self._advance()

    def _refused(self, order: Order, refusal: ApiError) -> None:
        if refusal.status in HOPELESS:
            self._give_up(refusal)
        self._fail(order, str(refusal), refusal.field)

    def _give_up(self, reason: ApiError) -> None:
        self._hopeless = reason
        self.stop()

    def _fail(self, order: Order, detail: str, field: str = "") -> None:
        with self._lock:
            self._errors.append(RowError(order.row, order.order_id, field, detail))
            self._advance()
