"""A3: with four eyes on, one operator alone pays; by HTTP, as the thief would."""

from dataclasses import dataclass

import pytest

from linkage.flow.payouts import planning
from linkage.tables.settings import current_settings
from tests.api.client import Answer, Client, client_with_key
from tests.api.conftest import NETWORK, Network, aws, first_key, first_members, network
from tests.api.recording import record

__all__ = ["aws", "first_key", "first_members", "network"]

OLD = "2026-01-01T00:00:00.000Z"
ON, OFF = NETWORK | {"four_eyes": True}, NETWORK | {"four_eyes": False}

OWN_NAMES = ["mallory", "MALLORY", " Mallory ", "\uff2d\uff21LLORY"]
"""Of the same person; the last has two letters of full width."""


@dataclass(frozen=True)
class Two:
    """Four eyes are on; Mallory runs the network beside Rudo, who is honest and away."""

    network: Network
    mallory: Client
    rudo: Client

    def planned(self) -> str:
        """A batch that Mallory has planned."""
        made = record(self.mallory, "/v1/payout-batches", {"currency": "USD"})
        assert made.status == 201
        return made.body["id"]

    def approve(self, batch_id: str, by: Client) -> Answer:
        return record(by, "/v1/payout-batches/{batch_id}/approval", batch_id=batch_id)

    def decide(self, asked: Answer, by: Client) -> Answer:
        assert asked.status == 202, asked.body
        proposal_id = asked.body["proposal"]["id"]
        return record(by, "/v1/proposals/{proposal_id}/approval", proposal_id=proposal_id)

    def refused(self, answer: Answer) -> None:
        assert (answer.status, answer.code) == (409, "four_eyes"), answer.body


@pytest.fixture
def two(network: Network) -> Two:
    planning._queue.create_queue(QueueName="work")
    made = Two(
        network,
        client_with_key("operator", person="mallory", created_at=OLD),
        client_with_key("operator", person="rudo", created_at=OLD),
    )
    assert made.rudo.put("/v1/network", ON).status == 200
    return made


def test_off_approve_on(two: Two) -> None:
    batch_id = two.planned()
    asked = two.mallory.put("/v1/network", OFF)
    two.refused(two.decide(asked, two.mallory))
    two.refused(two.approve(batch_id, two.mallory))
    assert two.mallory.put("/v1/network", ON).status == 200
    assert current_settings().four_eyes
    assert two.approve(batch_id, two.rudo).status == 200


def test_off_with_another_in_good_faith_approve_on(two: Two) -> None:
    """What was planned under four eyes is approved under four eyes."""
    batch_id = two.planned()
    assert two.decide(two.mallory.put("/v1/network", OFF), two.rudo).status == 200
    assert not current_settings().four_eyes
    two.refused(two.approve(batch_id, two.mallory))


def test_planned_while_they_were_off_approved_while_they_are_on(two: Two) -> None:
    two.decide(two.mallory.put("/v1/network", OFF), two.rudo)
    batch_id = two.planned()
    assert two.mallory.put("/v1/network", ON).status == 200
    two.refused(two.approve(batch_id, two.mallory))


@pytest.mark.parametrize("name", OWN_NAMES)
def test_a_second_key_of_ones_own_made_a_second_before_planning(two: Two, name: str) -> None:
    """In whatever letters: while four eyes are on, no operator's key is one person's to make."""
    asked = two.mallory.post("/v1/keys", {"role": "operator", "person": name})
    assert asked.status == 202
    assert asked.body.get("secret") is None
    half = Client(asked.body["first_half"])
    assert half.get("/v1/network").status == 401
    two.refused(two.decide(asked, two.mallory))
    batch_id = two.planned()
    assert two.approve(batch_id, half).status == 401


@pytest.mark.parametrize("name", OWN_NAMES)
def test_a_key_made_before_four_eyes_were_on_and_named_as_oneself(two: Two, name: str) -> None:
    two.decide(two.mallory.put("/v1/network", OFF), two.rudo)
    made = two.mallory.post("/v1/keys", {"role": "operator", "person": name})
    assert (made.status, made.body["person"]) == (201, "mallory")
    assert two.mallory.put("/v1/network", ON).status == 200
    two.refused(two.approve(two.planned(), Client(made.body["secret"])))


def test_whoever_was_invented_before_four_eyes_were_on_is_recorded(two: Two) -> None:
    """No name can be proven; whose doing a key is can."""
    two.decide(two.mallory.put("/v1/network", OFF), two.rudo)
    made = two.mallory.post("/v1/keys", {"role": "operator", "person": "Nobody Real"})
    (found,) = two.rudo.get(f"/v1/audit?subject=key%23{made.body['id']}").body["data"]
    assert (found["by_person"], found["after"]["person"]) == ("mallory", "nobody real")


@pytest.mark.parametrize("name", ["mal\u200blory", "\u2060mallory", "mallory\u3164", "..."])
def test_a_name_that_looks_like_another_by_what_nobody_sees_is_refused(two: Two, name: str) -> None:
    answer = two.mallory.post("/v1/keys", {"role": "operator", "person": name})
    assert (answer.status, answer.pointer) == (422, "/person")


def test_whoever_makes_the_key_of_a_third_with_another_has_no_use_of_it(two: Two) -> None:
    asked = two.mallory.post("/v1/keys", {"role": "operator", "person": "Zuva"})
    given = two.decide(asked, two.rudo).body
    first, second = asked.body["first_half"], given["second_half"]
    assert Client(first).get("/v1/network").status == 401
    assert Client(second).get("/v1/network").status == 401
    zuva = Client(first + second)
    assert zuva.get("/v1/network").status == 200
    assert two.approve(two.planned(), zuva).status == 200


def test_a_key_made_for_a_batch_that_is_planned(two: Two) -> None:
    batch_id = two.planned()
    asked = two.mallory.post("/v1/keys", {"role": "operator", "person": "Zuva"})
    zuva = Client(asked.body["first_half"] + two.decide(asked, two.rudo).body["second_half"])
    two.refused(two.approve(batch_id, zuva))


def test_the_other_persons_key_is_not_one_persons_to_revoke(two: Two) -> None:
    asked = two.mallory.delete(f"/v1/keys/{two.rudo.key_id}")
    two.refused(two.decide(asked, two.mallory))
    assert two.rudo.get("/v1/network").status == 200
    assert two.rudo.delete(f"/v1/keys/{two.rudo.key_id}").status == 204
    assert two.rudo.get("/v1/network").status == 401
    two.refused(two.decide(two.mallory.put("/v1/network", OFF), two.mallory))


def test_a_schedule_makes_no_batch_that_its_maker_approves_alone(two: Two) -> None:
    daily = {
        "days_of_month": [*range(1, 29)],
        "hour": 0,
        "time_zone": "UTC",
        "currencies": ["USD"],
    }
    asked = two.mallory.put("/v1/network", ON | {"payout_schedule": daily})
    two.refused(two.decide(asked, two.mallory))
    assert current_settings().payout_schedule is None


def test_where_the_money_goes_is_not_one_persons_to_change(two: Two) -> None:
    path = f"/v1/members/{two.network.affiliate.member_id}"
    own = {"type": "mobile_money", "phone": "+263770000666"}
    for changes in (
        {"payout_method": own},
        {"payout_method": None},
        {"splits": [{"member_id": two.network.other_affiliate.member_id, "share_bps": 9_000}]},
    ):
        two.refused(two.decide(two.mallory.patch(path, changes), two.mallory))
    assert two.network.affiliate.get(path).body["payout_method"] != own


def test_a_key_without_a_name_is_nobodys_second_person(two: Two) -> None:
    batch_id = two.planned()
    two.refused(two.approve(batch_id, two.network.operator))
    two.refused(two.decide(two.mallory.put("/v1/network", OFF), two.network.operator))
