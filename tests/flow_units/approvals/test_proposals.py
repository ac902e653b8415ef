"""What takes two persons: asked for by one, carried out once by another, or not at all."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import pytest

from linkage.domain.errors import ConflictError, InvalidFieldError, NotFoundError
from linkage.domain.people.api_keys import Key
from linkage.domain.people.members import Split
from linkage.domain.people.proposals import PROPOSAL_DAYS, Asked, Proposal
from linkage.domain.terms.network import PayoutSchedule
from linkage.flow.approvals.approving import ACTIONS, approve
from linkage.flow.conversions import releasing
from linkage.flow.people import changing_members, managing_keys
from linkage.flow.people.proposing import act, withdraw
from linkage.flow.terms import publishing_settings
from linkage.tables import api_keys, members
from linkage.tables.audit import list_records
from linkage.tables.conversions import get_conversion
from linkage.tables.proposals import get_proposal, list_proposals
from linkage.tables.settings import current_settings, publish_settings
from tests.domain.examples import operator
from tests.flow_units.network import ANN, SPO, VENDOR, CrashError, Network, Writes

TENDAI = operator("key_tendai", person="tendai")
TENDAI_TOO = operator("key_other", person="tendai")
RUDO = operator("key_rudo", person="rudo")
ZUVA = operator("key_zuva", person="zuva")
NOBODY = operator("key_old")
BANK = {"type": "bank", "account": "0012345678"}


@dataclass(frozen=True)
class Guarded:
    """What is for two persons: what is asked, what is so once it is done, another's change."""

    action: str
    asked: Callable[[Network], Asked]
    seen: Callable[[Network], Any]
    after: Any
    other: Callable[[Network], Any]

    def ask(self, network: Network, by: Key) -> Proposal:
        found = act(self.action, ACTIONS[self.action], self.asked(network), by)[1]
        assert found is not None
        return found


def settings_asked(**changes: Any) -> Asked:
    now = current_settings()
    return Asked(asdict(replace(now, version=now.version + 1, **changes)))


def changes_asked(member_id: str, **changes: Any) -> Asked:
    return Asked({"member_id": member_id, "changes": changes})


def set_meanwhile(member_id: str, **changes: Any) -> Callable[[Network], Any]:
    return lambda _: members.set_member(member_id, **changes)


def publish_meanwhile(_: Network) -> None:
    now = current_settings()
    publish_settings(replace(now, version=now.version + 1, name="Another"))


def held_id(network: Network) -> str:
    return network.report("o-held", 10_000, program_id="prg_man").conversion_id


SCHEDULE = PayoutSchedule((1,), 8, "UTC", ("USD",))


def schedule_now() -> PayoutSchedule | None:
    """The schedule in force, whenever it began."""
    schedule = current_settings().payout_schedule
    return schedule and replace(schedule, since="")


GUARDED = {
    "four eyes turned off": Guarded(
        publishing_settings.PUBLISH,
        lambda _: settings_asked(four_eyes=False),
        lambda _: current_settings().four_eyes,
        False,
        publish_meanwhile,
    ),
    "a schedule, of which one decides": Guarded(
        publishing_settings.PUBLISH,
        lambda _: settings_asked(payout_schedule=SCHEDULE),
        lambda _: schedule_now(),
        SCHEDULE,
        publish_meanwhile,
    ),
    "a payout method": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked("mem_ann", payout_method=BANK),
        lambda _: members.get_member("mem_ann").payout_method,
        BANK,
        set_meanwhile("mem_ann", payout_method={"type": "manual"}),
    ),
    "no payout method, and a name": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked("mem_ann", payout_method=None, name="Ann Moyo"),
        lambda _: (members.get_member("mem_ann").payout_method, members.get_member("mem_ann").name),
        (None, "Ann Moyo"),
        set_meanwhile("mem_ann", name="Anne"),
    ),
    "groups, by which it may earn more": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked("mem_ann", groups=["gold"]),
        lambda _: members.get_member("mem_ann").groups,
        ("gold",),
        set_meanwhile("mem_ann", groups=["silver"]),
    ),
    "whom it is known as": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked("mem_ann", phone="+263773999999"),
        lambda _: members.get_member("mem_ann").phone,
        "+263773999999",
        set_meanwhile("mem_ann", phone="+263773999998"),
    ),
    "a name alone": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked("mem_ann", name="Ann Moyo"),
        lambda _: members.get_member("mem_ann").name,
        "Ann Moyo",
        set_meanwhile("mem_ann", name="Anne"),
    ),
    "a higher bound on a day's bindings": Guarded(
        publishing_settings.PUBLISH,
        lambda _: settings_asked(bindings_per_day_max=51),
        lambda _: current_settings().bindings_per_day_max,
        51,
        publish_meanwhile,
    ),
    "splits": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked("mem_ann", splits=[{"member_id": "mem_spo", "share_bps": 100}]),
        lambda _: members.get_member("mem_ann").splits,
        (Split("mem_spo", 100),),
        set_meanwhile("mem_ann", splits=[{"member_id": "mem_top", "share_bps": 100}]),
    ),
    "a limit raised": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked(VENDOR, confirmed_max_minor={"USD": 5_001, "EUR": 1}),
        lambda _: members.get_member(VENDOR).confirmed_max_minor,
        {"USD": 5_001, "EUR": 1},
        set_meanwhile(VENDOR, confirmed_max_minor={"USD": 3_000}),
    ),
    "a limit taken away": Guarded(
        changing_members.CHANGE,
        lambda _: changes_asked(VENDOR, confirmed_max_minor=None),
        lambda _: members.get_member(VENDOR).confirmed_max_minor,
        None,
        set_meanwhile(VENDOR, confirmed_max_minor={"USD": 3_000}),
    ),
    "a suspension lifted": Guarded(
        changing_members.STATUS,
        lambda _: Asked({"member_id": "mem_spo", "status": "approved"}),
        lambda _: members.get_member("mem_spo").status,
        "approved",
        set_meanwhile("mem_spo", status="approved"),
    ),
    "an operator's key": Guarded(
        managing_keys.CREATE,
        lambda _: Asked(
            {"role": "operator", "member_id": None, "person": "zuva"},
            {"key_id": "key_new", "first_half": "half"},
        ),
        lambda _: (api_keys.find_key("key_new") or NOBODY).person,
        "zuva",
        lambda _: api_keys.put_key(replace(ZUVA, key_id="key_new", person="")),
    ),
    "a member's further key": Guarded(
        managing_keys.CREATE,
        lambda _: Asked(
            {"role": "affiliate", "member_id": "mem_spo", "person": ""},
            {"key_id": "key_new", "first_half": "half"},
        ),
        lambda _: (api_keys.find_key("key_new") or NOBODY).member_id,
        "mem_spo",
        lambda _: api_keys.put_key(replace(ZUVA, key_id="key_new", person="")),
    ),
    "another person's key revoked": Guarded(
        managing_keys.REVOKE,
        lambda _: Asked({"key_id": "key_rudo"}),
        lambda network: api_keys.get_key("key_rudo").revoked_at == now_text(network),
        True,
        lambda _: api_keys.revoke_key("key_rudo", "2026-11-21T00:00:00.000Z", []),
    ),
    "a held confirmation released": Guarded(
        releasing.RELEASE,
        lambda network: Asked({"conversion_id": held_id(network)}),
        lambda network: get_conversion(held_id(network)).status,
        "confirmed",
        lambda network: network.reject(get_conversion(held_id(network))),
    ),
}
each = pytest.mark.parametrize("guarded", GUARDED.values(), ids=GUARDED)


def now_text(network: Network) -> str:
    return network.moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture
def two(network: Network, monkeypatch: pytest.MonkeyPatch) -> Network:
    """Four eyes are on, Spo is suspended, and a confirmation of the shop is beyond its limit."""
    monkeypatch.setattr(managing_keys, "new_half", lambda: "other")
    of_member = replace(RUDO, key_id="key_spo", role="affiliate", member_id="mem_spo", person="")
    for key in (TENDAI, TENDAI_TOO, RUDO, of_member):
        api_keys.put_key(key)
    members.set_member("mem_spo", status="suspended")
    members.set_member(VENDOR, confirmed_max_minor={"USD": 1})
    assert network.confirm(get_conversion(held_id(network))).held_reason
    members.set_member(VENDOR, confirmed_max_minor={"USD": 5_000})
    publish_settings(replace(current_settings(), version=2, four_eyes=True))
    network.pass_time(hours=1)
    network.save()
    return network


def stored(network: Network) -> str:
    """All that is stored but what waits and what is recorded."""
    kept = {name: table for name, table in network.standin.tables.items()}
    kept.pop("proposals")
    kept.pop("audit")
    return repr({name: sorted(map(repr, table.items())) for name, table in kept.items()})


@each
def test_one_person_changes_nothing_and_another_carries_it_out(
    two: Network, guarded: Guarded
) -> None:
    before = stored(two)
    asked = guarded.ask(two, TENDAI)
    assert guarded.ask(two, TENDAI_TOO).proposal_id == asked.proposal_id
    late = replace(RUDO, created_at=now_text(two).replace(".000Z", ".001Z"))
    for alone, why in (
        (TENDAI, "another person"),
        (TENDAI_TOO, "another person"),
        (NOBODY, "two named persons"),
        (late, "younger"),
    ):
        with pytest.raises(ConflictError, match=why) as refused:
            approve(asked.proposal_id, alone)
        assert refused.value.code == "four_eyes"
    assert stored(two) == before
    two.pass_time(minutes=1)
    done, _, replayed = approve(asked.proposal_id, RUDO)
    assert (done.status, done.decided_by_person, replayed) == ("approved", "rudo", False)
    assert guarded.seen(two) == guarded.after
    (record, made) = [
        each
        for each in list_records(100, None, subject=asked.subject).data
        if each.by_key in {"key_rudo", "key_tendai"}
    ]
    assert (record.by_key, record.by_person) == ("key_rudo", "rudo")
    assert "tendai asked for it" in (record.why or "")
    assert (made.action, made.by_person) == ("proposal.made", "tendai")


@each
def test_a_key_that_names_nobody_asks_for_nothing_that_nobody_could_approve(
    two: Network, guarded: Guarded
) -> None:
    before = two.everything()
    with pytest.raises(ConflictError, match="linkage keys name") as refused:
        guarded.ask(two, NOBODY)
    assert refused.value.code == "four_eyes"
    assert two.everything() == before


@each
def test_it_is_carried_out_once(two: Network, guarded: Guarded) -> None:
    asked = guarded.ask(two, TENDAI)
    approve(asked.proposal_id, RUDO)
    after = two.everything()
    two.pass_time(minutes=1)
    assert approve(asked.proposal_id, RUDO)[1:] == ({}, True)
    for decide in (partial(approve, asked.proposal_id, ZUVA), partial(withdraw, asked.proposal_id)):
        with pytest.raises(ConflictError) as refused:
            decide(*() if decide.func is approve else (ZUVA,))
        assert refused.value.code == "proposal_approved"
    assert two.everything() == after


@each
def test_what_was_changed_meanwhile_is_not_carried_out(two: Network, guarded: Guarded) -> None:
    asked = guarded.ask(two, TENDAI)
    guarded.other(two)
    before = two.everything()
    with pytest.raises(ConflictError) as refused:
        approve(asked.proposal_id, RUDO)
    assert refused.value.code == "changed_meanwhile"
    assert two.everything() == before
    assert withdraw(asked.proposal_id, RUDO)[0].status == "withdrawn"


@each
def test_what_was_withdrawn_or_nobody_decided_is_not_carried_out(
    two: Network, guarded: Guarded
) -> None:
    asked, before = guarded.ask(two, TENDAI), stored(two)
    gone, replayed = withdraw(asked.proposal_id, ZUVA)
    assert (gone.status, gone.decided_by_person, replayed) == ("withdrawn", "zuva", False)
    after = two.everything()
    assert withdraw(asked.proposal_id, TENDAI)[1]
    assert two.everything() == after
    with pytest.raises(ConflictError) as refused:
        approve(asked.proposal_id, RUDO)
    assert refused.value.code == "proposal_withdrawn"
    again = guarded.ask(two, TENDAI)
    assert (again.proposal_id, again.status) == (asked.proposal_id, "open")
    two.pass_time(days=PROPOSAL_DAYS)
    with pytest.raises(ConflictError) as refused:
        approve(asked.proposal_id, RUDO)
    assert refused.value.code == "proposal_expired"
    assert guarded.ask(two, TENDAI).asked_at > again.asked_at
    assert stored(two) == before


@each
def test_with_four_eyes_off_one_person_does_it_at_once(two: Network, guarded: Guarded) -> None:
    now = current_settings()
    publish_settings(replace(now, version=now.version + 1, four_eyes=False))
    name = guarded.action
    wanted = replace_off(guarded.asked(two))
    change, proposal = act(name, ACTIONS[name], wanted, TENDAI)
    assert proposal is None
    assert (change.write is None) == (guarded is GUARDED["four eyes turned off"])
    assert guarded.seen(two) == guarded.after
    assert list_proposals(10, None).data == []


def replace_off(asked: Asked) -> Asked:
    """Settings to be published leave four eyes as they are."""
    return Asked(
        asked.said | ({"four_eyes": False} if "four_eyes" in asked.said else {}), asked.private
    )


@each
def test_dying_at_any_write_of_a_proposal_changes_nothing_in_the_end(
    two: Network, guarded: Guarded
) -> None:
    steps: list[Callable[[str], Any]] = [
        lambda _: guarded.ask(two, TENDAI),
        lambda proposal_id: approve(proposal_id, RUDO),
    ]
    proposal_id = guarded.ask(two, TENDAI).proposal_id
    for step in (steps[0], lambda proposal_id: withdraw(proposal_id, RUDO)):
        two.restore()
        if step is not steps[0]:
            steps[0]("")
        died_at_every_write(two, partial(step, proposal_id))
    two.restore()
    steps[0]("")
    died_at_every_write(two, partial(steps[1], proposal_id))


def died_at_every_write(network: Network, step: Callable[[], Any]) -> None:
    first = network.saved
    network.save()
    writes = Writes()
    with writes.watched():
        step()
    expected = network.everything()
    assert writes.count
    for number in range(1, writes.count + 1):
        for when in ("before", "after"):
            network.restore()
            with Writes((number, when)).watched(), pytest.raises(CrashError):
                step()
            step()
            assert network.everything() == expected, (number, when)
    network.saved = first


@pytest.mark.parametrize(
    ("action", "asked"),
    [
        pytest.param(
            changing_members.CHANGE, changes_asked(VENDOR, hosts=["shop.example"]), id="hosts"
        ),
        pytest.param(
            changing_members.CHANGE,
            changes_asked("mem_ann", payout_method=ANN.payout_method),
            id="the same payout method",
        ),
        pytest.param(
            changing_members.CHANGE,
            changes_asked(VENDOR, confirmed_max_minor={"USD": 4_999, "EUR": 5}),
            id="a limit lowered",
        ),
        pytest.param(
            changing_members.STATUS,
            Asked({"member_id": "mem_ann", "status": "suspended"}),
            id="suspended",
        ),
        pytest.param(
            managing_keys.CREATE,
            Asked(
                {"role": "vendor", "member_id": VENDOR, "person": ""},
                {"key_id": "key_new", "first_half": "half"},
            ),
            id="a vendor's key",
        ),
        pytest.param(managing_keys.REVOKE, Asked({"key_id": "key_other"}), id="a key of one's own"),
    ],
)
def test_what_is_for_one_person_waits_for_nobody(two: Network, action: str, asked: Asked) -> None:
    assert act(action, ACTIONS[action], asked, TENDAI)[1] is None
    assert list_proposals(10, None).data == []


def test_who_applied_is_approved_by_one(two: Network) -> None:
    members.put_member(replace(SPO, member_id="mem_new", status="applied"))
    asked = Asked({"member_id": "mem_new", "status": "approved"})
    assert act(changing_members.STATUS, changing_members.plan_status, asked, TENDAI)[1] is None
    assert members.get_member("mem_new").status == "approved"


def test_a_vendor_that_applied_is_approved_by_two(two: Network) -> None:
    members.put_member(replace(SPO, member_id="mem_new", status="applied", roles=("vendor",)))
    asked = Asked({"member_id": "mem_new", "status": "approved"})
    assert act(changing_members.STATUS, changing_members.plan_status, asked, TENDAI)[1] is not None
    assert members.get_member("mem_new").status == "applied"


def test_hosts_are_sent_apart_from_what_waits(two: Network) -> None:
    both = changes_asked(VENDOR, hosts=["shop.example"], payout_method=BANK)
    with pytest.raises(InvalidFieldError) as refused:
        act(changing_members.CHANGE, changing_members.plan_change, both, TENDAI)
    assert refused.value.pointer == "/hosts"


def test_what_was_asked_for_is_forgotten_once_it_is_decided(two: Network) -> None:
    asked = GUARDED["a payout method"].ask(two, TENDAI)
    assert get_proposal(asked.proposal_id).asked.said["changes"]["payout_method"] == BANK
    assert "0012345678" not in repr(list_records(10, None, subject=asked.subject).data)
    approve(asked.proposal_id, RUDO)
    assert get_proposal(asked.proposal_id).asked == Asked({})
    held = two.standin.tables
    assert "0012345678" not in repr([*held["proposals"].items(), *held["audit"].items()])


def test_of_two_who_approve_at_once_one_carries_it_out(two: Network) -> None:
    api_keys.put_key(ZUVA)
    asked = GUARDED["a payout method"].ask(two, TENDAI)
    real, raced = changing_members.get_stored_member, []

    def slow(member_id: str) -> Any:
        found = real(member_id)
        if not raced:
            raced.append(member_id)
            approve(asked.proposal_id, ZUVA)
        return found

    changing_members.get_stored_member = slow
    try:
        with pytest.raises(ConflictError) as refused:
            approve(asked.proposal_id, RUDO)
    finally:
        changing_members.get_stored_member = real
    assert refused.value.code == "proposal_approved"
    assert get_proposal(asked.proposal_id).decided_by_key == "key_zuva"


def test_a_proposal_that_never_was_is_not_found(two: Network) -> None:
    for decide in (approve, withdraw):
        with pytest.raises(NotFoundError):
            decide("prp_none", RUDO)


# ---- turning them on


def turn_on() -> None:
    act(
        publishing_settings.PUBLISH,
        publishing_settings.plan_publish,
        settings_asked(four_eyes=True),
        TENDAI,
    )


@pytest.mark.parametrize(
    ("held", "stands"),
    [
        ((), False),
        ((TENDAI,), False),
        ((TENDAI, TENDAI_TOO), False),
        ((TENDAI, NOBODY), False),
        ((NOBODY, replace(NOBODY, key_id="key_old2")), False),
        ((TENDAI, replace(RUDO, revoked_at="2026-06-01T00:00:00.000Z")), False),
        ((TENDAI, replace(RUDO, role="vendor", member_id=VENDOR)), False),
        ((TENDAI, RUDO), True),
    ],
)
def test_four_eyes_are_turned_on_with_live_keys_of_two_persons(
    network: Network, held: tuple[Key, ...], stands: bool
) -> None:
    for key in held:
        api_keys.put_key(key)
    if stands:
        turn_on()
        assert current_settings().four_eyes
        return
    with pytest.raises(ConflictError, match="linkage keys name") as refused:
        turn_on()
    assert refused.value.code == "one_person"
    assert not current_settings().four_eyes
