from datetime import timedelta

import pytest

from linkage.domain import clock
from linkage.domain.people.client_codes import Client, ClientCode, code_key, new_code
from linkage.domain.people.customers import Customer
from tests.domain.examples import NOW

SECRET = "a secret"
CLIENT = Client(Customer(phone="+263773047653"), "7K0M1XQ2")
MADE = clock.text(NOW - timedelta(hours=1))
KEY = code_key(SECRET, "mem_shop", "mem_ann", CLIENT)


def test_a_code_is_eight_characters_and_never_the_same() -> None:
    codes = {new_code() for _ in range(200)}
    assert len(codes) == 200
    assert all(len(code) == 8 and not set(code) & set("OILU") for code in codes)


@pytest.mark.parametrize("said", ["7k0m1xq2", "7KOM-IXQ2", " 7k0m lxq2 ", "7KoMlXQ2"])
def test_a_code_may_be_said_and_typed_in_any_way(said: str) -> None:
    assert code_key(SECRET, "mem_shop", "mem_ann", Client(CLIENT.customer, said)) == KEY


@pytest.mark.parametrize(
    ("vendor_id", "affiliate_id", "client"),
    [
        pytest.param("mem_other", "mem_ann", CLIENT, id="another vendor"),
        pytest.param("mem_shop", "mem_bob", CLIENT, id="another affiliate"),
        pytest.param(
            "mem_shop", "mem_ann", Client(Customer("+263773047654"), CLIENT.code), id="client"
        ),
        pytest.param("mem_shop", "mem_ann", Client(CLIENT.customer, "7K0M1XQ3"), id="code"),
    ],
)
def test_a_code_is_one_affiliates_at_one_vendor_for_one_client(
    vendor_id: str, affiliate_id: str, client: Client
) -> None:
    assert code_key(SECRET, vendor_id, affiliate_id, client) != KEY
    assert CLIENT.code not in KEY


@pytest.mark.parametrize(
    ("code", "objection"),
    [
        (ClientCode(KEY, MADE, clock.text(NOW + timedelta(milliseconds=1))), None),
        (ClientCode(KEY, MADE, clock.text(NOW)), "the client's code had expired"),
        (
            ClientCode(KEY, clock.text(NOW + timedelta(seconds=301)), "2027-01-01T00:00:00.000Z"),
            "the client's code was made after the purchase",
        ),
        (
            ClientCode(KEY, MADE, clock.text(NOW + timedelta(days=3)), used_by="cnv_1"),
            "the client's code was used before",
        ),
    ],
    ids=["good", "expired", "made later", "used"],
)
def test_a_code_proves_one_purchase_in_its_time(code: ClientCode, objection: str | None) -> None:
    assert code.objection(NOW) == objection
