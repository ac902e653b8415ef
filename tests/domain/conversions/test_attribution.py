from collections.abc import Callable
from dataclasses import replace

import pytest

from linkage.domain.conversions.attribution import (
    attribute,
    claimed_affiliates,
    without_introducers,
    without_introductions,
)
from linkage.domain.conversions.claims import NO_OTHER_HALF, Claims, People
from linkage.domain.people.customers import Binding, KnownCustomer
from tests.domain.claims import (
    BINDING,
    CLICK,
    COUPON,
    EVERYTHING,
    LEAD,
    MEMBERS,
    TERMS,
    ago,
    came_of,
    clicked,
    decided,
    joined,
    sent_coupon,
)
from tests.domain.examples import NOW, VENDOR

JOINT = f"joint: {NO_OTHER_HALF}"

# ---- the order


def test_the_order_is_exclusive_coupon_click_shared_coupon_lead_joint_named_introducer() -> None:
    """Whoever comes first is taken away, and the next one wins, to the last."""
    left = replace(EVERYTHING, coupon=replace(COUPON, exclusive=True))
    won = [decided(left)]
    for taken in (
        {"coupon": COUPON},
        {"click_id": None, "click": None},
        {"coupon_code": None, "coupon": None},
        {"lead_id": None, "lead": None},
        {"joint_id": None, "joint": None},
        {"named_affiliate_id": None},
        {"introducers": ()},
    ):
        left = replace(left, **taken)
        won.append(decided(left))
    assert [(each.model, each.affiliate_id) for each in won] == [
        ("coupon", "cou"),
        ("click", "ann"),
        ("coupon", "cou"),
        ("lead", "lea"),
        ("joint", "joi"),
        ("named", "bob"),
        ("introducer", "cid"),
        (None, None),
    ]


def test_every_candidate_is_kept_with_why_it_lost() -> None:
    told = decided(EVERYTHING, "cid").candidates
    assert [(c.model, c.reference, c.affiliate_id, c.won, c.why) for c in told] == [
        ("click", "clk_1", "ann", True,
         "the click was sent with the conversion, within the window"),
        ("coupon", "ANN10", "cou", False, "the click comes first"),
        ("lead", "cnv_l", "lea", False, "the click comes first"),
        ("joint", "cnv_j", None, False, "the click comes first"),
        ("named", "bob", "bob", False, "the click comes first"),
        ("introducer", "cnv_0", "cid", False, "an affiliate earns nothing on its own purchase"),
    ]  # fmt: skip


FIRST_WITHOUT_OBJECTION = [
    pytest.param(replace(EVERYTHING, click=None), "coupon", "cou", id="an unknown click"),
    pytest.param(
        replace(EVERYTHING, click=replace(CLICK, affiliate_id="out"), coupon=None),
        "lead",
        "lea",
        id="two lost claims leave the third",
    ),
    pytest.param(
        replace(EVERYTHING, named_affiliate_id="nobody"), "click", "ann", id="a bad name harms none"
    ),
    pytest.param(
        replace(EVERYTHING, coupon=replace(COUPON, exclusive=True, paused=True)),
        "click",
        "ann",
        id="an exclusive coupon that does not count",
    ),
    pytest.param(
        replace(EVERYTHING, coupon=replace(COUPON, exclusive=True, affiliate_id="new")),
        "click",
        "ann",
        id="an exclusive coupon of somebody not approved",
    ),
]


@pytest.mark.parametrize(("claims", "model", "affiliate_id"), FIRST_WITHOUT_OBJECTION)
def test_the_first_claim_without_an_objection_wins(
    claims: Claims, model: str, affiliate_id: str
) -> None:
    found = decided(claims)
    assert (found.model, found.affiliate_id, found.reason) == (model, affiliate_id, None)
    assert [each.model for each in found.candidates if each.won] == [model]
    assert found.click == (claims.click if model == "click" else None)


# ---- each claim: where it still counts, and where it no longer does

COUNTS = [
    pytest.param(clicked(clicked_at=ago(days=30)), "ann", id="a click, the window's last instant"),
    pytest.param(clicked(clicked_at=ago(seconds=-300)), "ann", id="a click of a clock 300 s ahead"),
    pytest.param(clicked(program_id="prg_9"), "ann", id="a click for any program of the vendor"),
    pytest.param(sent_coupon(starts_on="2026-11-21"), "cou", id="a coupon on its first day"),
    pytest.param(sent_coupon(ends_on="2026-11-21"), "cou", id="a coupon on its last day"),
    pytest.param(came_of(event="signup"), "lea", id="a signup is a lead"),
    pytest.param(came_of(occurred_at=ago(days=30)), "lea", id="a lead, the last instant"),
    pytest.param(joined(occurred_at=ago(days=30)), "joi", id="the other half 30 days before"),
    pytest.param(joined(occurred_at=ago(days=-30)), "joi", id="the other half 30 days after"),
]


@pytest.mark.parametrize(("claims", "affiliate_id"), COUNTS)
def test_a_claim_counts_to_the_end_of_its_time(claims: Claims, affiliate_id: str) -> None:
    assert decided(claims).affiliate_id == affiliate_id


OWN_OBJECTIONS = [
    pytest.param(Claims(click_id="clk_1"), "click: there is no such click", id="unknown click"),
    pytest.param(
        clicked(vendor_id="other"), "click: the click belongs to another vendor", id="foreign click"
    ),
    pytest.param(
        clicked(clicked_at=ago(days=30, milliseconds=1)),
        "click: the click is older than the program's window of 30 days",
        id="a click too old by a millisecond",
    ),
    pytest.param(
        clicked(clicked_at=ago(seconds=-300, milliseconds=-1)),
        "click: the click came after the conversion",
        id="a click after the sale",
    ),
    pytest.param(
        Claims(coupon_code="NONE"), "coupon: there is no such coupon", id="unknown coupon"
    ),
    pytest.param(
        sent_coupon(program_id="prg_2"),
        "coupon: the coupon is for another program",
        id="a coupon of another program",
    ),
    pytest.param(sent_coupon(paused=True), "coupon: the coupon is paused", id="paused coupon"),
    pytest.param(
        sent_coupon(starts_on="2026-11-22"),
        "coupon: the coupon is not valid before 2026-11-22",
        id="a coupon before its time",
    ),
    pytest.param(
        sent_coupon(ends_on="2026-11-20"),
        "coupon: the coupon was not valid after 2026-11-20",
        id="a coupon after its time",
    ),
    pytest.param(Claims(lead_id="cnv_l"), "lead: there is no such lead", id="unknown lead"),
    pytest.param(
        came_of(vendor_id="other"), "lead: there is no such lead", id="another vendor's lead"
    ),
    pytest.param(
        came_of(event="sale"), "lead: it is a sale, not a lead or a signup", id="a sale is no lead"
    ),
    pytest.param(
        came_of(affiliate_id=None), "lead: the lead belongs to no affiliate", id="nobody's lead"
    ),
    pytest.param(came_of(rejected=True), "lead: the lead was rejected", id="rejected lead"),
    pytest.param(came_of(refunded=True), "lead: the lead was refunded in full", id="refunded lead"),
    pytest.param(
        came_of(occurred_at=ago(days=31)),
        "lead: the lead is older than the program's window of 30 days",
        id="old lead",
    ),
    pytest.param(
        came_of(occurred_at=ago(hours=-1)),
        "lead: the lead came after the conversion",
        id="a lead after the sale",
    ),
    pytest.param(
        Claims(joint_id="cnv_j"),
        JOINT,
        id="unknown other half",
    ),
    pytest.param(
        joined(program_id="prg_7"),
        JOINT,
        id="a program that is not promoted with this one",
    ),
    pytest.param(
        joined(partners=("prg_7",)),
        JOINT,
        id="a program that does not name this one back",
    ),
    pytest.param(
        joined(vendor_id=VENDOR),
        JOINT,
        id="the vendor's own conversion",
    ),
    pytest.param(
        joined(affiliate_id=None),
        JOINT,
        id="nobody's other half",
    ),
    pytest.param(
        joined(event="click"),
        JOINT,
        id="a day of clicks as the other half",
    ),
    pytest.param(joined(rejected=True), JOINT, id="rejected other half"),
    pytest.param(
        joined(refunded=True),
        JOINT,
        id="refunded other half",
    ),
    pytest.param(
        joined(occurred_at=ago(days=-31)),
        JOINT,
        id="the other half too late",
    ),
    pytest.param(
        Claims(),
        "no click, no named affiliate and no introducer of this customer",
        id="no claim at all",
    ),
    pytest.param(
        Claims(click_id="clk_0", named_affiliate_id="nobody"),
        "click: there is no such click; named: there is no such affiliate",
        id="each reason in order",
    ),
]


@pytest.mark.parametrize(("claims", "reason"), OWN_OBJECTIONS)
def test_a_conversion_nobody_wins_says_why(claims: Claims, reason: str) -> None:
    found = decided(claims)
    assert (found.affiliate_id, found.model, found.click, found.coupon) == (None, None, None, None)
    assert found.reason == reason
    assert not any(each.won for each in found.candidates)


@pytest.mark.parametrize(
    "claims",
    [clicked(vendor_id="other"), came_of(vendor_id="other"), joined(program_id="prg_7")],
    ids=["click", "lead", "joint"],
)
def test_what_is_not_the_vendors_does_not_tell_whose_it_is(claims: Claims) -> None:
    assert [each.affiliate_id for each in decided(claims).candidates] == [None]


# ---- a lead or the other half that an introducer won, and what is known of the customer now

OWN = replace(BINDING, affiliate_id="lea")
ENDED = replace(OWN, unbound_at=ago(days=1))
ENDED_BEFORE = replace(OWN, unbound_at=ago(days=5))
ANEW = replace(OWN, bound_at=ago(days=1))
OPERATOR = "an operator has ended the introduction it came by"
ANOTHER = "the customer was introduced anew since"


@pytest.mark.parametrize(
    ("bindings", "why"),
    [
        pytest.param([OWN], None, id="bound as it was"),
        pytest.param([replace(OWN, expires_at=ago(days=2))], None, id="expired since"),
        pytest.param([ENDED], OPERATOR, id="unbound since"),
        pytest.param([OWN, ENDED], OPERATOR, id="unbound since under one of two keys"),
        pytest.param([OWN, ENDED_BEFORE], None, id="unbound before under another key"),
        pytest.param([ENDED_BEFORE], OPERATOR, id="unbound while it was reported"),
        pytest.param([BINDING], ANOTHER, id="bound by another since"),
        pytest.param([ANEW], ANOTHER, id="bound by the same since"),
        pytest.param([ANEW, ENDED], OPERATOR, id="unbound and bound since"),
        pytest.param([OWN, BINDING], None, id="of two affiliates, each by a key"),
    ],
)
def test_an_introducers_lead_counts_until_an_operator_ends_the_introduction(
    bindings: list[Binding], why: str | None
) -> None:
    known = KnownCustomer(bindings={str(number): each for number, each in enumerate(bindings)})
    for claims in (came_of(customer=known), joined(customer=known, affiliate_id="lea")):
        found = decided(claims)
        assert found.affiliate_id == (None if why else "lea")
        if why:
            assert found.candidates[0].why == (NO_OTHER_HALF if claims.joint else why)


def test_an_introducers_lead_of_who_opted_out_counts_for_nothing() -> None:
    known = KnownCustomer(bindings={"phone_1": OWN}, opted_out=True)
    assert decided(came_of(customer=known)).reason == "lead: the customer has opted out"
    assert decided(joined(customer=known)).reason == JOINT


# ---- the affiliate's standing, the same for every claim


def claimed_by(model: str, name: str) -> Claims:
    """One claim alone, of this model, for this member."""
    claims = {
        "coupon": sent_coupon(affiliate_id=name),
        "click": clicked(affiliate_id=name),
        "lead": came_of(affiliate_id=name),
        "joint": joined(affiliate_id=name),
        "named": Claims(named_affiliate_id=name),
        "introducer": Claims(introducers=(replace(BINDING, affiliate_id=name),)),
    }
    return claims[model]


MODELS = ("coupon", "click", "lead", "joint", "named", "introducer")
STANDINGS = [
    pytest.param("nobody", "there is no such affiliate", id="unknown"),
    pytest.param("shop", "there is no such affiliate", id="no affiliate"),
    pytest.param("new", "the affiliate is applied, not approved", id="not approved yet"),
    pytest.param("out", "the affiliate is suspended, not approved", id="suspended"),
    pytest.param(VENDOR, "an affiliate earns nothing on its own vendor's sale", id="the vendor"),
    pytest.param(
        "bob",
        "the affiliate has the vendor's own phone number or e-mail address",
        id="who shares the vendor's phone",
    ),
    pytest.param("ann", "an affiliate earns nothing on its own purchase", id="the customer"),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("name", "objection"), STANDINGS)
def test_no_claim_helps_an_affiliate_who_may_not_earn(
    model: str, name: str, objection: str
) -> None:
    people = People(MEMBERS, buyers=frozenset(["ann"]), kin=frozenset(["bob"]))
    found = attribute(TERMS, NOW, claimed_by(model, name), people)
    told = NO_OTHER_HALF if model == "joint" else objection
    assert (found.affiliate_id, found.reason) == (None, f"{model}: {told}")


GUESSES = [
    pytest.param(Claims(joint_id="cnv_j"), id="there is none"),
    pytest.param(joined(), id="there is one"),
    pytest.param(joined(partners=()), id="of a program that is promoted with no other"),
    pytest.param(joined(program_id="prg_7"), id="of another program"),
    pytest.param(joined(rejected=True), id="rejected"),
    pytest.param(joined(refunded=True), id="refunded"),
    pytest.param(joined(affiliate_id=None), id="nobody's"),
    pytest.param(joined(affiliate_id="out"), id="a suspended affiliate's"),
    pytest.param(joined(affiliate_id="ann"), id="the customer's own"),
    pytest.param(joined(introduced=True), id="an introducer's"),
    pytest.param(joined(occurred_at=ago(days=-31)), id="too late"),
]


WINNING = ("there is one", "an introducer's")


@pytest.mark.parametrize("guess", GUESSES)
def test_beside_a_claim_that_wins_every_guess_of_the_other_half_is_told_alike(
    guess: Claims,
) -> None:
    """Who sends a claim of its own that comes first could try ids without paying anybody for it."""
    claims = replace(guess, click_id="clk_1", click=CLICK, code_notes={"joi": "it is wrong"})
    found = decided(claims)
    without = decided(replace(claims, joint=None))
    assert found == without
    assert without_introducers(found) == without


@pytest.mark.parametrize("guess", [each for each in GUESSES if each.id not in WINNING])
def test_alone_every_guess_that_does_not_win_is_told_alike(guess: Claims) -> None:
    people = People(MEMBERS, buyers=frozenset(["ann"]))
    assert attribute(TERMS, NOW, guess, people) == decided(Claims(joint_id="cnv_j"))


def test_under_a_paused_program_everybody_loses_for_that_reason() -> None:
    found = decided(EVERYTHING, "ann", paused=True)
    assert (found.affiliate_id, found.reason) == (None, "the program is paused")
    assert {each.why for each in found.candidates} == {"the program is paused"}
    assert len(found.candidates) == 6
    assert decided(Claims(), paused=True).reason == "the program is paused"


def test_an_introducer_is_not_attributed_where_the_program_pays_none() -> None:
    found = decided(Claims(introducers=(BINDING,)), introducer_rate_bps=0)
    assert found.reason == "introducer: the program pays no introducer commission"


def test_why_a_clients_code_proves_nothing_is_said_with_the_candidate() -> None:
    claims = Claims(named_affiliate_id="ann", code_notes={"ann": "the client's code is wrong"})
    assert decided(claims, "ann").reason == (
        "named: an affiliate earns nothing on its own purchase; the client's code is wrong"
    )
    assert decided(claims).candidates[0].why.endswith("; the client's code is wrong")


# ---- the coupon of a sale


COUPON_OF = [
    pytest.param(sent_coupon(), "ANN10", id="it won itself"),
    pytest.param(
        replace(clicked(affiliate_id="cou"), coupon_code="ANN10", coupon=COUPON),
        "ANN10",
        id="its affiliate won by a click",
    ),
    pytest.param(
        replace(clicked(), coupon_code="ANN10", coupon=COUPON), None, id="somebody else won"
    ),
    pytest.param(
        replace(
            clicked(affiliate_id="cou"),
            coupon_code="ANN10",
            coupon=replace(COUPON, ends_on="2026-11-20"),
        ),
        None,
        id="its affiliate won, but it had ended",
    ),
    pytest.param(Claims(named_affiliate_id="cou"), None, id="none was sent"),
]


@pytest.mark.parametrize(("claims", "code"), COUPON_OF)
def test_a_sale_has_its_coupon_if_it_counts_and_is_the_winners(
    claims: Claims, code: str | None
) -> None:
    assert decided(claims).coupon == code


def test_the_claimed_affiliates_are_named_once_each() -> None:
    assert claimed_affiliates(Claims()) == []
    assert claimed_affiliates(replace(EVERYTHING, presented=(CLICK,))) == [
        "ann", "bob", "cid", "cou", "joi", "lea",
    ]  # fmt: skip


def test_the_same_facts_always_decide_the_same() -> None:
    assert decided(EVERYTHING) == decided(EVERYTHING)


# ---- what a vendor may know before it confirms


def test_an_introducer_who_won_is_not_named() -> None:
    told = without_introducers(decided(Claims(introducers=(BINDING,))))
    (candidate,) = told.candidates
    assert (told.model, told.affiliate_id, told.reason) == ("introducer", None, None)
    assert (candidate.affiliate_id, candidate.won) == (None, True)
    assert "introduced the customer is told once" in candidate.why


@pytest.mark.parametrize("affiliate_id", ["cid", "out", "new", "shop", "nobody"])
def test_why_an_introducer_lost_is_not_told(affiliate_id: str) -> None:
    claims = Claims(introducers=(replace(BINDING, affiliate_id=affiliate_id),), coupon_code="NONE")
    told = without_introducers(decided(claims, "cid"))
    assert told.reason == (
        "coupon: there is no such coupon; introducer: what spoke against the introducer is told "
        "once the conversion is confirmed"
    )


def test_all_else_is_told_as_it_is() -> None:
    without = decided(replace(EVERYTHING, introducers=()))
    assert without_introducers(without) == without
    told = without_introducers(decided(EVERYTHING))
    assert (told.affiliate_id, told.model) == ("ann", "click")
    assert told.candidates[:-1] == without.candidates
    paused = decided(EVERYTHING, paused=True)
    assert without_introducers(paused).reason == "the program is paused"


@pytest.mark.parametrize("claim", [came_of, joined])
@pytest.mark.parametrize("introduced", [False, True])
def test_what_comes_of_an_introducers_conversion_is_an_introducers(
    claim: Callable[..., Claims], introduced: bool
) -> None:
    found = decided(claim(introduced=introduced))
    assert found.affiliate_id in {"lea", "joi"}
    assert found.by_introduction == introduced
    told = without_introducers(found)
    assert told.model == found.model
    assert told.affiliate_id == (None if introduced else found.affiliate_id)


def test_claims_without_introductions_say_whose_they_are_by_themselves() -> None:
    introduced = replace(EVERYTHING, lead=replace(LEAD, introduced=True))
    assert claimed_affiliates(EVERYTHING) == ["ann", "bob", "cid", "cou", "joi", "lea"]
    assert claimed_affiliates(without_introductions(EVERYTHING)) == [
        *("ann", "bob", "cou", "joi", "lea")
    ]
    assert claimed_affiliates(without_introductions(introduced)) == ["ann", "bob", "cou", "joi"]
