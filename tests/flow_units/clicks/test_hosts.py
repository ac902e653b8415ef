"""A change of a vendor's hosts: one write, which the edge follows to its end whatever dies."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from botocore.client import BaseClient

from linkage.domain.clicks.links import Link
from linkage.flow.clicks import edge_publishing
from linkage.flow.clicks.edge_publishing import publish_page
from linkage.tables import edge_links, host_changes, links, members
from linkage.tables.dynamodb.batch_reads import read
from linkage.tables.host_changes import HostsChange, reading_changes
from tests.flow_units.network import VENDOR, CrashError, Network, Writes, table
from tests.flow_units.standin_edge import StandinEdge
from tests.handlers import load_handler

LINKS = 130
KEY = f"hosts#{VENDOR}"


@pytest.fixture
def edge(network: Network, monkeypatch: pytest.MonkeyPatch) -> StandinEdge:
    """A store in which all links of the vendor are, which lead to two hosts."""
    standin = StandinEdge()
    monkeypatch.setattr(edge_links, "client", standin)
    monkeypatch.setattr(edge_publishing, "_PAUSE_MAX_S", 0.0)
    members.set_member(VENDOR, hosts=["old.example", "kept.example"])
    for number in range(LINKS):
        host = "kept" if number % 10 == 0 else "old"
        code = code_of(number)
        links.put_link(
            Link(
                code=code,
                link_id=f"lnk_{number:03d}",
                status="active",
                destination_url=f"https://{host}.example/",
                program_id="prg_now",
                vendor_id=VENDOR,
                affiliate_id="mem_ann",
                sub={},
                expires_at=None,
            ),
            ("old.example", "kept.example"),
            None,
        )
        edge_publishing.publish([code])
    assert len(standin.values) == LINKS
    return standin


def code_of(number: int) -> str:
    digits = "23456789AB"
    return "abcdef" + "".join(digits[int(each)] for each in f"{number:03d}")


def change(*hosts: str) -> None:
    stored = members.get_stored_member(VENDOR)
    members.change_member(stored, {"hosts": list(hosts)}, [host_changes.begin(VENDOR)])


def latest() -> HostsChange:
    found = read(reading_changes([VENDOR]))[VENDOR]
    assert found is not None
    return found


@contextmanager
def streamed() -> Iterator[list[str]]:
    """The keys of items of the links table as they are written: what its stream will deliver."""
    keys: list[str] = []
    real = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, given: Any) -> Any:
        answer = real(client, operation, given)
        written = [given] if operation in {"PutItem", "UpdateItem"} else []
        for each in given.get("TransactItems", ()) if operation == "TransactWriteItems" else ():
            written += each.values()
        keys.extend(
            (each.get("Key") or each["Item"])["code"]["S"]
            for each in written
            if each["TableName"] == "links"
        )
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", call)
        yield keys


def deliver(keys: list[str], handler: Callable[..., Any], *, most: int = 100) -> int:
    """Delivers the stream until it is empty, each record again if its batch dies; how many."""
    for delivered in range(most):
        if not keys:
            return delivered
        key = keys.pop(0)
        try:
            handler({"Records": [{"dynamodb": {"Keys": {"code": {"S": key}}}}]}, Context())
        except CrashError:
            keys.insert(0, key)
    raise AssertionError(f"the queue does not end: {keys}")


class Context:
    function_name = "publish_links"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn"
    aws_request_id = "test"


def kept(edge: StandinEdge) -> set[str]:
    return set(edge.values)


LEFT = {code_of(number) for number in range(0, LINKS, 10)}


def test_a_change_is_two_writes_however_many_links_there_are(edge: StandinEdge) -> None:
    with Writes().watched(), streamed() as keys:
        change("kept.example")
    assert keys == [KEY]
    assert {tuple(item["allowed_hosts"]) for item in table("links")} == {
        ("old.example", "kept.example"),
        (),
    }


def test_the_edge_follows_and_the_member_shows_its_end(edge: StandinEdge) -> None:
    handler = load_handler("publish_links").handler
    with streamed() as keys:
        change("kept.example")
        assert latest().published_at is None
        deliver(keys, handler)
    assert kept(edge) == LEFT
    assert latest().published_at == "2026-11-21T09:00:00.000Z"


def test_a_call_that_has_no_time_left_lets_the_next_go_on(
    edge: StandinEdge, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = load_handler("publish_links")
    seconds = iter(range(0, 10_000, 6))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))
    with streamed() as keys:
        change("kept.example")
        # A page for each call (the second look at the clock is over its ten seconds), and the end.
        delivered = deliver(keys, module.handler)
    assert delivered > LINKS // edge_links.KEYS_MAX
    assert kept(edge) == LEFT
    assert latest().published_at


@pytest.mark.parametrize("write", range(1, 12))
@pytest.mark.parametrize("when", ["before", "after"])
def test_whatever_dies_on_the_way_the_edge_is_followed_to_the_end(
    edge: StandinEdge, monkeypatch: pytest.MonkeyPatch, write: int, when: str
) -> None:
    module = load_handler("publish_links")
    seconds = iter(range(0, 10_000, 6))
    monkeypatch.setattr(module.time, "monotonic", lambda: float(next(seconds)))
    crashed = 0

    def crash() -> None:
        nonlocal crashed
        crashed += 1
        if crashed == write and when == "before":
            raise CrashError

    edge.before_update = crash
    with streamed() as keys, Writes((write, when)).watched(), suppress(CrashError):
        change("kept.example")
        deliver(keys, module.handler)
    with streamed() as keys:
        if latest_or_none() is None:  # the change itself died, and nothing of it is there
            assert members.get_member(VENDOR).hosts == ("old.example", "kept.example")
            change("kept.example")
        else:
            keys.append(KEY)  # delivered again
        deliver(keys, module.handler)
    assert kept(edge) == LEFT
    assert latest().published_at


def latest_or_none() -> HostsChange | None:
    return read(reading_changes([VENDOR]))[VENDOR]


def test_a_newer_change_begins_anew_and_the_older_one_ends_nothing(edge: StandinEdge) -> None:
    handler = load_handler("publish_links").handler
    with streamed() as keys:
        change("kept.example")
        older, updates = latest(), 0

        def overtaken() -> None:
            nonlocal updates
            updates += 1
            if updates == 2:
                change("old.example")

        edge.before_update = overtaken
        deliver(keys, handler)
        host_changes.end(older, "2026-11-21T09:00:00.000Z")
        host_changes.go_on(older, "lnk_999")
    assert latest().change > older.change
    assert latest().published_at
    assert kept(edge) == {code_of(number) for number in range(LINKS)} - LEFT


def test_a_record_that_comes_again_after_the_end_does_nothing(edge: StandinEdge) -> None:
    handler = load_handler("publish_links").handler
    with streamed() as keys:
        change("kept.example")
        deliver(keys, handler)
        edge.calls.clear()
        keys.append(KEY)
        assert deliver(keys, handler) == 1
    assert edge.calls == []


def test_links_and_a_change_in_one_batch_are_both_published(edge: StandinEdge) -> None:
    handler = load_handler("publish_links").handler
    change("kept.example")
    edge.values.clear()
    codes = [code_of(0), KEY, code_of(10), KEY]
    records = [{"dynamodb": {"Keys": {"code": {"S": code}}}} for code in codes]
    assert handler({"Records": records}, Context()) == {"batchItemFailures": []}
    assert kept(edge) == LEFT


def test_publishing_every_link_wakes_a_change_that_nobody_follows_any_more(
    edge: StandinEdge,
) -> None:
    change("kept.example")
    with streamed() as keys:
        after, pages = None, 0
        while pages == 0 or after:
            _, after = publish_page(after)
            pages += 1
        assert keys == [KEY]
        assert kept(edge) == LEFT
        deliver(keys, load_handler("publish_links").handler)
    assert latest().published_at
    with streamed() as keys:
        while pages := pages - 1:
            publish_page(None)
        assert keys == []


def test_a_link_made_meanwhile_is_published_by_the_new_hosts(edge: StandinEdge) -> None:
    change("kept.example")
    made = links.find_link(code_of(1))
    assert made
    # The one who makes it has read the vendor before its hosts changed.
    links.put_link(made._replace(code="zzzzzzzz", link_id="lnk_999"), ("old.example",), None)
    edge_publishing.publish(["zzzzzzzz"])
    assert "zzzzzzzz" not in edge.values


def test_a_key_of_a_change_is_no_link(network: Network) -> None:
    change("kept.example")
    assert links.list_links("mem_ann", 10, None).data == []
    assert links.walk_vendor(VENDOR, None, 10) == ([], None)
