"""Whose a contact is, by hand."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from tests.abuse.contacts import Introductions

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
BOTH = ("phone", "email")


@dataclass(frozen=True)
class Order:
    name: str
    vendor: str
    contacts: tuple[str, ...]
    reported_at: datetime


class Book:
    """Introductions of a hundred days, told by days."""

    def __init__(self) -> None:
        self.refunded: set[str] = set()
        self.kept = Introductions[Order](
            lambda order, _: order.name not in self.refunded, days=100, per_day_max=3
        )

    def sold(
        self, day: int, affiliate: str, *contacts: str, name: str = "", vendor: str = "shop"
    ) -> None:
        at = START + timedelta(days=day)
        order = Order(name or f"{affiliate} {day}", vendor, contacts, at)
        self.kept.confirmed(order, affiliate, at)

    def whose(self, day: int, *contacts: str) -> str | None:
        found = self.kept.of(contacts, START + timedelta(days=day))
        return found.sale.name if found else None


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.mark.parametrize(("first", "second"), [BOTH, BOTH[::-1]])
def test_the_contact_that_was_introduced_first_tells(book: Book, first: str, second: str) -> None:
    book.sold(0, "ann", first)
    book.sold(1, "xav", second)
    assert [book.whose(2, *BOTH), book.whose(2, second)] == ["ann 0", "xav 1"]


def test_a_free_contact_of_somebody_else_s_customer_stays_free(book: Book) -> None:
    book.sold(0, "ann", "phone")
    book.sold(1, "xav", *BOTH)
    assert book.whose(2, "email") is None
    book.sold(2, "ann", *BOTH)
    assert book.whose(3, "email") == "ann 2"


def test_any_sale_that_stands_keeps_an_introduction(book: Book) -> None:
    book.sold(0, "ann", "phone")
    book.sold(60, "ann", "phone")
    book.sold(70, "ann", "phone")
    book.refunded.add("ann 70")
    assert [book.whose(99, "phone"), book.whose(100, "phone")] == ["ann 0", "ann 60"]
    assert book.whose(160, "phone") is None
    book.refunded.add("ann 0")
    assert book.whose(80, "phone") == "ann 60"


def test_a_contact_of_one_s_own_is_renewed_though_the_customer_is_somebody_else_s(
    book: Book,
) -> None:
    book.sold(0, "ann", "email")
    book.sold(1, "xav", "phone")
    book.sold(50, "xav", *BOTH)
    book.sold(60, "ann", *BOTH)
    assert [book.whose(120, "phone"), book.whose(120, "email")] == ["xav 50", "ann 60"]


def test_the_three_newest_renewals_of_one_vendor_count(book: Book) -> None:
    book.sold(0, "ann", "phone")
    book.sold(10, "ann", "phone", vendor="other")
    for day in (20, 30, 40, 50):
        book.sold(day, "ann", "phone")
    book.refunded |= {"ann 0", "ann 30", "ann 40", "ann 50"}
    assert book.whose(60, "phone") == "ann 10"
    book.refunded.add("ann 10")
    assert book.whose(60, "phone") is None


def test_a_day_has_room_for_so_many_contacts(book: Book) -> None:
    for number in range(2):
        book.sold(0, "xav", f"phone {number}", f"email {number}")
    assert [book.whose(1, each) for each in ("phone 1", "email 1")] == ["xav 0", None]
    book.sold(0, "xav", "phone 2", vendor="other")
    assert book.whose(1, "phone 2") == "xav 0"


def test_operators_end_what_came_together(book: Book) -> None:
    book.sold(0, "xav", "phone", "other's email")
    book.sold(1, "xav", "other's phone", "other's email")
    book.sold(2, "ann", "email")
    book.kept.unbind(BOTH)
    contacts = (*BOTH, "other's phone", "other's email")
    assert {book.whose(3, each) for each in contacts} == {None}
    book.sold(3, "ann", "other's phone")
    assert book.whose(4, "other's phone") == "ann 3"
