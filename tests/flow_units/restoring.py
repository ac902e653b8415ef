"""What a restore leaves: older tables, a bucket with every file, a queue with whatever is in it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from linkage.domain.errors import ConflictError
from linkage.flow.payouts import payout_file_checks, planning
from linkage.flow.payouts.rebooking import Rebooked, rebook
from linkage.tables import payout_files
from linkage.tables.dynamodb import transactions
from linkage_cli.ledger import ledger_check
from linkage_cli.ledger.audit import Report, audit
from tests.domain.examples import operator
from tests.faults.standin import Saved
from tests.flow_units.network import WRITES, Network

BY = ("cli:arn:aws:iam::123456789012:user/op", "")


def restore(network: Network, saved: Saved) -> None:
    """Puts the tables back; files and messages stay."""
    network.standin.go_back(saved)


def exported(network: Network, batch_id: str) -> None:
    """A batch from its planning to its file."""
    network.start_batch(batch_id)
    network.deliver_work()
    planning.approve(batch_id, operator("key_2"))
    network.deliver_approvals()


def book_again(batch_id: str) -> Rebooked:
    return rebook(batch_id, BY)


def checked(network: Network) -> Report:
    """What `linkage ledger check` says of the tables and the bucket."""
    tables = ledger_check.Tables(transactions.client, {noun: noun for noun in ledger_check.NOUNS})
    files = [
        {"batch_id": key.removeprefix("payouts/").removesuffix(".csv"), "body": text.encode()}
        for key, text in network.files().items()
    ]
    return audit(replace(ledger_check.read(tables), files=files), network.moment)


def findings(network: Network) -> list[str]:
    return [str(each) for each in checked(network).findings]


def refusal_of_a_plan(network: Network, batch_id: str = "bat_next") -> ConflictError | None:
    """Why no batch can be planned now; None if one was."""
    try:
        network.start_batch(batch_id)
    except ConflictError as refused:
        return refused
    return None


def missing() -> tuple[str, ...]:
    return payout_file_checks.files_without_batch()


def key_of(batch_id: str) -> dict[str, str]:
    """Where a batch's file is."""
    return {"Bucket": payout_files._BUCKET, "Key": f"payouts/{batch_id}.csv"}


def take_file(batch_id: str) -> Callable[[], None]:
    """Takes a file out of the bucket; what is given back puts it there again."""
    content, said = _read(batch_id)
    payout_files._files.delete_object(**key_of(batch_id))

    def put_back() -> None:
        write_file(batch_id, content, said)

    return put_back


def write_file(batch_id: str, content: bytes, said: dict[str, str] | None = None) -> None:
    """Writes a file by hand; without what is `said` beside it, as an earlier release did."""
    payout_files._files.put_object(**key_of(batch_id), Body=content, Metadata=said or {})


def moments(network: Network, act: Callable[[], object]) -> list[Saved]:
    """The tables before an act, and after each of its writes."""
    saved, real = [network.standin.saved()], BaseClient._make_api_call

    def call(client: BaseClient, operation: str, arguments: Any) -> Any:
        answer = real(client, operation, arguments)
        if operation in WRITES:
            saved.append(network.standin.saved())
        return answer

    with patch.object(BaseClient, "_make_api_call", call):
        act()
    return saved


type Bucket = dict[str, tuple[bytes, dict[str, str]]]
"""Each file, and what is said beside it, by its batch."""


def bucket() -> Bucket:
    """All that is in the bucket."""
    return {batch_id: _read(batch_id) for batch_id in payout_files.batches_with_file()}


def _read(batch_id: str) -> tuple[bytes, dict[str, str]]:
    found = payout_files._files.get_object(**key_of(batch_id))
    return found["Body"].read(), found["Metadata"]


def fill(network: Network, files: Bucket) -> None:
    """Makes the bucket hold these files and no others, and no message wait."""
    network._empty()
    for batch_id, (content, said) in files.items():
        write_file(batch_id, content, said)
