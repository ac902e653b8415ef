from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from linkage.domain.errors import ConflictError, InvalidFieldError
from linkage.domain.ledger.ledger import Balance
from linkage.domain.payouts.payouts import (
    Batch,
    Payout,
    Skip,
    checked_cutoff,
    debit_transaction,
    decide,
    paid_transaction,
    payout_id,
    require_approvable,
    require_cancellable,
    require_settleable,
    return_transaction,
    scheduled_batch_id,
)
from linkage.domain.people.api_keys import Key
from linkage.domain.people.audit import SCHEDULE
from linkage.domain.people.members import Member
from tests.domain.examples import AFFILIATE, MEMBER, operator

BATCH = Batch("bat_1", "USD", "2026-11-21", "planning", "2026-11-21T09:00:00.000Z", "key_1")
DUES = {"2026-11-20": 700, "2026-11-21": 300, "2026-11-22": 5_000}


def balance(dues: dict[str, int]) -> Balance:
    return Balance(AFFILIATE, "USD", sum(dues.values()), 4, dues)


DECIDED = [
    pytest.param(MEMBER, balance(DUES), 1, 1_000, id="all that is due through the cutoff"),
    pytest.param(MEMBER, balance(DUES), 1_000, 1_000, id="exactly the minimum"),
    pytest.param(
        MEMBER, balance(DUES), 1_001, "is below the minimum of 10.01 USD", id="one too little"
    ),
    pytest.param(
        MEMBER, balance({**DUES, "2026-11-19": -999}), 1, 1, id="a clawback due earlier counts"
    ),
    pytest.param(
        MEMBER, balance({**DUES, "2026-11-19": -1000}), 1, "nothing to pay", id="sum of 0"
    ),
    pytest.param(
        MEMBER,
        balance({**DUES, "2026-11-19": -1001}),
        1,
        "later earnings cover it first",
        id="in debt",
    ),
    pytest.param(MEMBER, balance({"2026-11-22": 5}), 1, "nothing to pay", id="not due yet"),
    pytest.param(MEMBER, None, 1, "nothing to pay", id="no balance"),
    pytest.param(None, balance(DUES), 1, "nothing to pay", id="no such member"),
    pytest.param(
        replace(MEMBER, status="suspended"), balance(DUES), 1, "is suspended", id="suspended"
    ),
    pytest.param(
        replace(MEMBER, payout_method=None), balance(DUES), 1, "no payout method", id="no method"
    ),
]


@pytest.mark.parametrize(("member", "of", "minimum_minor", "expected"), DECIDED)
def test_an_affiliate_is_paid_what_is_due_or_skipped_for_a_reason(
    member: Member | None, of: Balance | None, minimum_minor: int, expected: int | str
) -> None:
    decided = decide(BATCH, member, of, minimum_minor)
    if isinstance(decided, Payout):
        assert decided.amount_minor == expected
        assert decided.payout_id == payout_id("bat_1", AFFILIATE)
        assert (decided.name, decided.method) == (MEMBER.name, MEMBER.payout_method)
    else:
        assert isinstance(decided, Skip)
        assert str(expected) in decided.reason
        assert decided.affiliate_id == AFFILIATE


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    st.dictionaries(
        st.dates(date(2026, 11, 1), date(2026, 12, 31)).map(date.isoformat),
        st.integers(-10_000, 10_000),
        max_size=8,
    )
)
def test_a_debit_removes_exactly_the_dues_it_pays(dues: dict[str, int]) -> None:
    decided = decide(BATCH, MEMBER, balance(dues), 1)
    through = {due: minor for due, minor in dues.items() if due <= BATCH.cutoff}
    if isinstance(decided, Skip):
        assert sum(through.values()) <= 0
        return
    transaction = debit_transaction(decided, BATCH, balance(dues))
    (line,), (posting,) = transaction.lines, transaction.postings
    assert line.dues == {due: -minor for due, minor in through.items()}
    assert posting.amount_minor == -line.amount_minor == sum(through.values())
    assert (posting.source, posting.target) == (f"affiliate:{AFFILIATE}", "payouts:bat_1")
    assert transaction.transaction_id == decided.payout_id


PAYOUT = Payout(
    "pay_1", "bat_1", AFFILIATE, 1_000, "USD", "sent", BATCH.created_at, "Tendai", {"type": "bank"}
)


def test_a_paid_payout_leaves_through_the_bank_and_touches_no_balance() -> None:
    transaction = paid_transaction(PAYOUT, "2026-11-23T09:00:00.000Z")
    (posting,) = transaction.postings
    assert (posting.source, posting.target, posting.amount_minor) == ("payouts:bat_1", "bank", 1000)
    assert transaction.lines == ()
    assert transaction.transaction_id == "pay_1/paid"


@pytest.mark.parametrize("cause", ["failed", "cancelled"])
def test_a_payout_that_did_not_leave_returns_due_at_once(cause: str) -> None:
    transaction = return_transaction(PAYOUT, cause, "2026-11-23T23:30:00.000Z", "It failed.")
    (line,) = transaction.lines
    assert (line.affiliate_id, dict(line.dues)) == (AFFILIATE, {"2026-11-23": 1_000})
    assert transaction.transaction_id == f"pay_1/{cause}"
    assert transaction.why == ("It failed.",)


TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("sent", "cutoff"),
    [(None, "2026-11-21"), ("2026-11-21", "2026-11-21"), ("2026-02-28", "2026-02-28")],
)
def test_a_cutoff_is_a_date_up_to_today(sent: str | None, cutoff: str) -> None:
    assert checked_cutoff(sent, TODAY) == cutoff


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ("2026-11-22", "later than today, 2026-11-21 UTC"),
        ("2026-02-29", "YYYY-MM-DD"),
        ("yesterday", "YYYY-MM-DD"),
        ("21.11.2026", "YYYY-MM-DD"),
        ("20261121", "YYYY-MM-DD"),
        ("2026-W47-6", "YYYY-MM-DD"),
        ("2026-1-1", "YYYY-MM-DD"),
        ("", "YYYY-MM-DD"),
    ],
)
def test_any_other_cutoff_is_refused(sent: str, sentence: str) -> None:
    with pytest.raises(InvalidFieldError, match=sentence) as refused:
        checked_cutoff(sent, TODAY)
    assert refused.value.pointer == "/cutoff"


def test_a_scheduled_batch_and_a_payout_have_one_id_each() -> None:
    assert scheduled_batch_id("USD", TODAY) == scheduled_batch_id("USD", date(2026, 11, 21))
    others = {
        scheduled_batch_id("USD", TODAY),
        scheduled_batch_id("ZWG", TODAY),
        scheduled_batch_id("USD", date(2026, 11, 22)),
        payout_id("bat_1", "a"),
        payout_id("bat_1", "b"),
        payout_id("bat_2", "a"),
    }
    assert len(others) == 6


STATUSES = ("planning", "planned", "approved", "exported", "settled", "cancelled")


@pytest.mark.parametrize("status", STATUSES)
def test_a_batch_moves_only_along_its_states(status: str) -> None:
    batch = replace(BATCH, status=status, created_by_person="tendai")
    steps = {
        "approve": (
            lambda: require_approvable(batch, RUDO, four_eyes=True),
            {"planned"},
        ),
        "cancel": (lambda: require_cancellable(batch), {"planned"}),
        "settle": (lambda: require_settleable(batch), {"exported", "settled"}),
    }
    for require, allowed in steps.values():
        if status in allowed:
            require()
            continue
        with pytest.raises(ConflictError) as refused:
            require()
        assert refused.value.code == f"batch_{status}"
        assert status in refused.value.detail


RUDO = operator("key_2", person="rudo")
LATE = replace(RUDO, created_at="2099-01-01T00:00:00.000Z")
PLANNED = replace(BATCH, status="planned", created_by_person="tendai")


@pytest.mark.parametrize(
    ("then", "now", "batch", "approver", "refused"),
    [
        (False, False, PLANNED, operator("key_1", person="tendai"), None),
        (False, False, PLANNED, operator("key_1"), None),
        (False, True, PLANNED, operator("key_1", person="tendai"), "another person"),
        (True, False, PLANNED, operator("key_1", person="tendai"), "another person"),
        (True, True, PLANNED, operator("key_9", person="tendai"), "another person"),
        (True, True, PLANNED, operator("key_9"), "two named persons"),
        (True, True, replace(PLANNED, created_by_person=""), RUDO, "two named persons"),
        (True, False, PLANNED, RUDO, None),
        (True, True, PLANNED, replace(RUDO, created_at=BATCH.created_at), None),
        (True, True, PLANNED, LATE, "younger"),
        (True, True, replace(PLANNED, created_by=SCHEDULE, created_by_person=""), RUDO, None),
        (True, True, replace(PLANNED, created_by=SCHEDULE, created_by_person=""), LATE, "younger"),
    ],
)
def test_a_batch_is_approved_by_the_stricter_rules_of_then_and_now(
    *, then: bool, now: bool, batch: Batch, approver: Key, refused: str | None
) -> None:
    made = replace(batch, four_eyes=then)
    if refused is None:
        require_approvable(made, approver, four_eyes=now)
        return
    with pytest.raises(ConflictError, match=refused) as error:
        require_approvable(made, approver, four_eyes=now)
    assert error.value.code == "four_eyes"
