"""Everything a file says, kept apart on disk until it was read whole: then shown, then reported.

SQLite, in a file that has no name and goes with the process, so that 200,000 orders take no more
memory than ten.
"""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from linkage.domain.conversions.requests import report_in
from linkage.domain.errors import InvalidFieldError
from linkage.domain.ids import external
from linkage.domain.money import MAX_AMOUNT_MINOR, amount_text
from linkage.domain.people.api_keys import Key
from linkage_cli.orders.layouts import Further, LeftOut, Note, Refund, Said, Sale

BATCH = 200
TWICE = "The order stands in row {other} too, with other content. Take one of them out."
NO_SALE = "it gives money back, and its sale is not among these"
NOBODY = "\x01"
"""What the chain of an order without a customer begins with: no cell has it."""
OF_THE_WHOLE = ("customer", "currency", "occurred_at")
"""What every line of one order says alike."""
NAME_MAX = 200
REASON = "Given back, as the shop's export says."
"""Affiliates read it, so it says nothing of the customer."""

_SCHEMA = """
CREATE TABLE sale (order_id TEXT PRIMARY KEY, row INTEGER, chain TEXT, body TEXT, amount INTEGER,
  currency TEXT, occurred TEXT, status TEXT);
CREATE INDEX sale_of ON sale (chain);
CREATE TABLE twice (order_id TEXT PRIMARY KEY, row INTEGER);
CREATE TABLE refund (row INTEGER, order_id TEXT, name TEXT, amount INTEGER, currency TEXT,
  occurred TEXT, chain TEXT, in_all INTEGER, status TEXT, external_id TEXT);
CREATE INDEX refund_of ON refund (order_id);
CREATE TABLE left_out (row INTEGER, order_id TEXT, why TEXT, status TEXT, currency TEXT,
  amount INTEGER);
CREATE TABLE error (row INTEGER, order_id TEXT, field TEXT, detail TEXT);
CREATE TABLE click (customer TEXT PRIMARY KEY, click_id TEXT, url TEXT);
CREATE TABLE turn (position INTEGER PRIMARY KEY, order_id TEXT, chain TEXT);
CREATE INDEX turn_of ON turn (chain);
CREATE TABLE done (position INTEGER PRIMARY KEY);
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
"""


@dataclass(frozen=True)
class Terms:
    """What every order of one import has in common."""

    program_id: str
    event: str
    vendor_id: str | None = None

    def body(self, sale: Sale) -> dict[str, Any]:
        """The conversion as the API takes it, without a click that its customer came by."""
        body: dict[str, Any] = {
            "program_id": self.program_id,
            "event": self.event,
            "external_id": sale.order_id,
            "amount_minor": sale.amount_minor,
            "currency": sale.currency,
        }
        optional = {
            "customer": dict(sale.customer),
            "click_id": sale.click_id,
            "occurred_at": sale.occurred_at,
            "coupon": sale.coupon,
            "vendor_id": self.vendor_id,
        }
        return body | {name: value for name, value in optional.items() if value}

    def require_reportable(self, body: Mapping[str, Any]) -> None:
        """Raises InvalidFieldError for what the API would refuse whatever the network knows."""
        role = "operator" if self.vendor_id else "vendor"
        report_in(body, Key("", role, None if self.vendor_id else "mem_", "", ""))


@dataclass(frozen=True)
class GivenBack:
    """A refund to report: this amount, or with `in_all` what is missing of it."""

    row: int
    external_id: str
    amount_minor: int
    in_all: bool


@dataclass(frozen=True)
class Order:
    """A staged order in its turn, with what to report of it; `row` is its line in the file."""

    position: int
    row: int
    chain: str
    order_id: str
    body: dict[str, Any]
    refunds: Sequence[GivenBack]


class Staging:
    """The orders of one file. May be used by several threads; to be closed."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._lock = threading.Lock()
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.executescript(_SCHEMA)
        self._db.create_function("money", 2, amount_text, deterministic=True)
        self.rows = self.further = self.repeated = 0
        self.notes: Counter[str] = Counter()

    def close(self) -> None:
        """Removes everything that was kept."""
        self._db.close()

    def ask(self, question: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows that answer a question in SQL."""
        with self._lock:
            return self._db.execute(question, values).fetchall()

    def tell(self, statement: str, *values: Any) -> None:
        """Changes what is kept."""
        with self._lock:
            self._db.execute(statement, values)

    def tell_all(self, statement: str, values: Iterable[Sequence[Any]]) -> None:
        """Changes what is kept, once for each."""
        with self._lock:
            self._db.execute("BEGIN")
            self._db.executemany(statement, values)
            self._db.execute("COMMIT")

    def each(self, question: str) -> Iterator[tuple[Any, ...]]:
        """The rows that answer a question, one by one, while nothing else is asked or told."""
        yield from self._db.execute(question)

    # What a file says, row by row

    def begin(self) -> None:
        """Before the first row: what is added until `settle` is written at once."""
        self._db.execute("BEGIN")

    def add(self, said: Said) -> None:
        """Keeps what a row says."""
        match said:
            case Sale():
                self._add_sale(said)
            case Refund():
                self._add_refund(said)
            case LeftOut():
                self.leave_out(said)
            case Further():
                self.further += 1
            case Note():
                self.notes[said.what] += 1

    def leave_out(self, out: LeftOut) -> None:
        """Keeps that a row is not reported, and why."""
        values = (out.row, out.order_id, out.why, out.status, out.currency, out.amount_minor)
        self.tell("INSERT INTO left_out VALUES (?, ?, ?, ?, ?, ?)", *values)

    def fail(self, row: int, order_id: str, field: str, detail: str) -> None:
        """Keeps that a row cannot be reported, and why."""
        self.tell("INSERT INTO error VALUES (?, ?, ?, ?)", row, order_id, field, detail)

    def _add_sale(self, sale: Sale) -> None:
        body = self._terms.body(sale)
        try:
            # A line of an order may be below 0, the whole of it not: `settle` looks at that.
            whole = body | {"amount_minor": 0} if sale.adds else body
            self._terms.require_reportable(whole)
        except InvalidFieldError as error:
            field = (error.pointer or "").lstrip("/").replace("/", ".")
            self.fail(sale.row, sale.order_id, field, error.detail)
            return
        # The same id in another form is the same order to the API.
        order_id = external(sale.order_id)
        twice = self.ask("SELECT row FROM twice WHERE order_id = ?", order_id)
        known = self.ask("SELECT row, body FROM sale WHERE order_id = ?", order_id)
        if twice:
            self.fail(sale.row, order_id, "", TWICE.format(other=twice[0][0]))
        elif known:
            self._again(sale, order_id, body, known[0])
        else:
            chain = next(iter(sale.customer.values()), "") or f"{NOBODY}{sale.row}"
            self.tell(
                "INSERT INTO sale VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                order_id,
                sale.row,
                chain,
                json.dumps(body),
                sale.amount_minor,
                sale.currency,
                sale.occurred_at,
                sale.status,
            )

    def _again(
        self, sale: Sale, order_id: str, body: dict[str, Any], known: tuple[Any, ...]
    ) -> None:
        """A second row of an order: a line more of it, the same once more, or a contradiction."""
        row, text = known
        before = json.loads(text)
        if sale.adds and all(before.get(name) == body.get(name) for name in OF_THE_WHOLE):
            self.further += 1
            both = before["amount_minor"] + sale.amount_minor
            added = json.dumps(body | before | {"amount_minor": both})
            change = "UPDATE sale SET amount = ?, body = ? WHERE order_id = ?"
            self.tell(change, both, added, order_id)
        elif not sale.adds and before == body:
            self.repeated += 1
        else:
            self.tell("DELETE FROM sale WHERE order_id = ?", order_id)
            self.tell("INSERT INTO twice VALUES (?, ?)", order_id, row)
            self.fail(row, order_id, "", TWICE.format(other=sale.row))
            self.fail(sale.row, order_id, "", TWICE.format(other=row))

    def _add_refund(self, refund: Refund) -> None:
        if refund.amount_minor < 0:
            self.fail(refund.row, refund.name, "", "What is given back cannot be below 0.")
            return
        if len(refund.name) > NAME_MAX:
            self.fail(refund.row, refund.name, "", f"Its number has over {NAME_MAX} characters.")
            return
        chain = next(iter(refund.customer.values()), "")
        if refund.order_id is None:
            change = (
                "UPDATE refund SET amount = amount + ? WHERE name = ? AND chain = ? AND order_id "
                "IS NULL"
            )
            with self._lock:
                lines = (refund.amount_minor, refund.name, chain)
                if self._db.execute(change, lines).rowcount:
                    self.further += 1
                    return
        self.tell(
            "INSERT INTO refund VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            refund.row,
            refund.order_id and external(refund.order_id),
            refund.name,
            refund.amount_minor,
            refund.currency,
            refund.occurred_at,
            chain,
            refund.in_all,
            refund.status,
        )

    # What all rows say together

    def settle(self, *, by_date: bool) -> None:
        """Once every row was added: gives refunds their sales, and every order its turn.

        One customer's orders follow each other, by date where they have one; with `by_date` all
        orders do.
        """
        self._name_sales()
        self._drop_bad()
        self._name_refunds()
        order = "s.occurred, s.row" if by_date else "c.occurred, c.row, s.chain, s.occurred, s.row"
        self.tell(
            "INSERT INTO turn SELECT row_number() OVER (ORDER BY " + order + "), s.order_id, "
            "s.chain FROM sale s JOIN (SELECT chain, min(occurred) AS occurred, min(row) AS row "
            "FROM sale GROUP BY chain) c ON c.chain = s.chain"
        )
        self._db.execute("COMMIT")

    def _name_sales(self) -> None:
        """Finds, for what names no sale, the customer's latest one before it with so much left."""
        memos = self.ask(
            "SELECT rowid, chain, currency, occurred, amount FROM refund WHERE order_id IS NULL "
            "ORDER BY occurred, row"
        )
        for rowid, chain, currency, occurred, amount in memos:
            found = self.ask(
                "SELECT s.order_id FROM sale s WHERE s.chain = ? AND s.currency = ? AND "
                "s.occurred <= ? AND s.amount - (SELECT coalesce(sum(r.amount), 0) FROM refund r "
                "WHERE r.order_id = s.order_id) >= ? ORDER BY s.occurred DESC, s.row DESC LIMIT 1",
                chain,
                currency,
                occurred,
                amount,
            )
            if found:
                self.tell("UPDATE refund SET order_id = ? WHERE rowid = ?", found[0][0], rowid)

    def _drop_bad(self) -> None:
        """Sales below 0 and refunds beyond a sale are errors; refunds of no sale are left out."""
        bad = f"FROM sale WHERE amount NOT BETWEEN 0 AND {MAX_AMOUNT_MINOR}"
        self.tell(
            "INSERT INTO error SELECT row, order_id, '', 'Its lines add up to ' || "
            f"money(amount, currency) || ', which no order can come to.' {bad}"
        )
        self.tell(f"DELETE {bad}")
        alone = "(order_id IS NULL OR order_id NOT IN (SELECT order_id FROM sale))"
        self.tell(
            "INSERT INTO left_out SELECT row, name, ?, status, currency, -amount FROM refund "
            f"WHERE {alone} AND amount > 0 AND row NOT IN (SELECT row FROM error)",
            NO_SALE,
        )
        self.tell(f"DELETE FROM refund WHERE {alone}")
        sold = "(SELECT amount FROM sale WHERE sale.order_id = refund.order_id)"
        # What was given back in all may hold taxes and postage: no more than the sale counts.
        self.tell(f"UPDATE refund SET amount = min(amount, {sold}) WHERE in_all")
        # The same order may stand there once more, in a later export that has more of it back.
        self.tell(
            "DELETE FROM refund WHERE amount = 0 OR in_all AND EXISTS (SELECT 1 FROM refund r "
            "WHERE r.order_id = refund.order_id AND r.in_all AND (r.amount > refund.amount OR "
            "r.amount = refund.amount AND r.rowid < refund.rowid))"
        )
        over = (
            "WHERE order_id IN (SELECT r.order_id FROM refund r JOIN sale s ON s.order_id = "
            "r.order_id GROUP BY r.order_id HAVING sum(r.amount) > s.amount)"
        )
        self.tell(
            "INSERT INTO error SELECT row, order_id, '', 'With ' || money(amount, currency) || "
            f"' more is given back than was sold. Mend the amounts.' FROM refund {over}"
        )
        self.tell(f"DELETE FROM refund {over}")

    def _name_refunds(self) -> None:
        """Gives each refund an id that the same one has in the next export, too."""
        self.tell(
            "UPDATE refund SET external_id = CASE WHEN name <> order_id THEN name || ': ' ELSE '' "
            "END || money(amount, currency) || CASE WHEN in_all THEN ' in all' "
            "ELSE ' on ' || occurred END"
        )
        self.tell(
            "UPDATE refund SET external_id = external_id || ', no. ' || number FROM (SELECT rowid "
            "AS id, row_number() OVER (PARTITION BY order_id, external_id ORDER BY row) AS number "
            "FROM refund) WHERE refund.rowid = id AND number > 1"
        )

    # What is to be reported

    def orders(self, first: int, last: int) -> Iterator[Order]:
        """The orders whose turns are from `first` to `last`, in that order."""
        for begin in range(first, last + 1, BATCH):
            found = self.ask(
                "SELECT t.position, s.row, t.chain, s.order_id, s.body FROM turn t JOIN sale s "
                "ON s.order_id = t.order_id WHERE t.position BETWEEN ? AND ? ORDER BY t.position",
                begin,
                min(last, begin + BATCH - 1),
            )
            for position, row, chain, order_id, body in found:
                refunds = self._refunds_of(order_id)
                yield Order(position, row, chain, order_id, json.loads(body), refunds)

    def _refunds_of(self, order_id: str) -> list[GivenBack]:
        found = self.ask(
            "SELECT row, external_id, amount, in_all FROM refund WHERE order_id = ? ORDER BY "
            "occurred, row",
            order_id,
        )
        return [GivenBack(row, name, amount, bool(in_all)) for row, name, amount, in_all in found]

    def chains(self, *, by_date: bool) -> Iterator[tuple[int, int]]:
        """The turns of what has to be reported one after the other: from, to."""
        (end,) = self.ask("SELECT coalesce(max(position), 0) FROM turn")[0]
        last = 0
        while last < end:
            first = last + 1
            (last,) = (
                (end,)
                if by_date
                else self.ask(
                    "SELECT max(position) FROM turn WHERE chain = (SELECT chain FROM turn WHERE "
                    "position = ?)",
                    first,
                )[0]
            )
            yield first, last

    def click_of(self, order: Order) -> str | None:
        """The click that a customer's first order carries, if one was given or made for it."""
        found = self.ask(
            "SELECT click_id FROM click WHERE customer = ? AND ? = (SELECT min(position) FROM turn "
            "WHERE chain = ?)",
            order.chain,
            order.position,
            order.chain,
        )
        return found[0][0] if found else None


def refund_body(refund: GivenBack, amount_minor: int) -> dict[str, Any]:
    """A refund as the API takes it, with what is to be given back now."""
    return {
        "external_id": refund.external_id,
        "amount_minor": amount_minor,
        "reason": REASON,
    }
