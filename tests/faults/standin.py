"""DynamoDB in memory, at botocore's own door: fast enough for a hundred thousand facts.

It answers every call of boto3 and pynamodb made in this process, in DynamoDB's own form, and
refuses (`UnsupportedError`) what it does not know. `test_standin.py` compares it with moto. Stored
items are replaced and never changed, so they can be handed out and kept.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient

from tests.aws_tables import TABLES
from tests.faults.expressions import (
    Given,
    InvalidError,
    Item,
    Operand,
    Parsed,
    UnsupportedError,
    changed,
    compared,
    condition,
    projection,
    update,
)
from tests.faults.store import Index, Key, Table, check_item, size_of

PAGE_BYTES_MAX = 1024 * 1024
BATCH_BYTES_MAX = 16 * 1024 * 1024
PLACEHOLDERS_BYTES_MAX = 2 * 1024 * 1024
TRANSACTION_BYTES_MAX = 4 * 1024 * 1024
TRANSACTION_ITEMS_MAX, BATCH_GET_MAX, BATCH_WRITE_MAX = 100, 100, 25

type Arguments = Mapping[str, Any]
type Saved = Mapping[str, dict[Key, Item]]


class RefusedError(Exception):
    """An error DynamoDB answers: its code, its message, and what else it says."""

    def __init__(self, code: str, message: str, **also: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.also = code, message, also


@dataclass(frozen=True)
class _Write:
    """One write, checked: what it does to which item, and the answer it was asked to give."""

    table: Table
    key: Key
    item: Item | None
    size: int
    changes: Any
    condition: Any
    given: Given
    returns_old: bool

    def refusal(self) -> dict[str, Any] | None:
        """The cancellation reason if the condition does not hold."""
        stored = self.table.find(self.key)
        if self.condition is None or self.condition.content.holds(stored or {}, self.given):
            return None
        reason = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
        return reason | ({"Item": dict(stored)} if stored and self.returns_old else {})

    def result(self) -> tuple[Item, int]:
        """The item as it will be stored, and its size; raises InvalidError for what cannot be."""
        if self.item is not None:
            return self.item, self.size
        names = self.table.keys
        before = self.table.find(self.key)
        if before is None:
            before = {name: {"S": value} for name, value in zip(names, self.key, strict=False)}
        item = changed(before, self.changes, self.given)
        # A balance has hundreds of due dates, of which an update changes one.
        touched = {self.given.name(change.target.token) for change in self.changes}
        size = self.table.sizes.get(self.key) or size_of(before)
        for version, sign in ((before, -1), (item, 1)):
            size += sign * size_of({name: version[name] for name in touched if name in version})
        check_item(self.table, item, size)
        return item, size


_PROJECTING = ("ProjectionExpression", "ExpressionAttributeNames")


class Standin:
    """The tables, and a door to them that answers as DynamoDB does.

    `before` is called ahead of each operation, and may raise a RefusedError or act by itself.
    """

    def __init__(self) -> None:
        self.tables = {noun: Table(noun, *shape) for noun, shape in TABLES.items()}
        self.calls: dict[str, int] = {}
        self._operations: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "GetItem": self._get_item,
            "PutItem": lambda arguments: self._write_one("Put", arguments),
            "DeleteItem": self._delete_item,
            "UpdateItem": lambda arguments: self._write_one("Update", arguments),
            "TransactWriteItems": self._transact_write,
            "BatchGetItem": self._batch_get,
            "BatchWriteItem": self._batch_write,
            "Query": self._query,
            "Scan": self._scan,
        }

    def answer(self, operation: str, arguments: Arguments) -> dict[str, Any]:
        """DynamoDB's answer; raises RefusedError for its errors."""
        if operation not in self._operations:
            raise UnsupportedError(operation)
        self.calls[operation] = self.calls.get(operation, 0) + 1
        try:
            return self._operations[operation](arguments)
        except InvalidError as error:
            raise RefusedError("ValidationException", str(error)) from error

    @contextmanager
    def serving(
        self,
        around: Callable[[str, Arguments, Callable[[], Any]], Any] | None = None,
        others: Mapping[str, Callable[[Arguments], Any]] = MappingProxyType({}),
        *,
        alone: bool = True,
    ) -> Iterator[None]:
        """Answers every call of the process; `around(operation, arguments, go)` may interfere.

        `others` answer operations of other services, by names such as `sqs SendMessage`; unless it
        is `alone`, what they do not answer goes where it would without it.
        """
        elsewhere = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, arguments: Arguments) -> Any:
            service = client.meta.service_model.service_name
            if service != "dynamodb":
                if f"{service} {operation}" not in others:
                    if not alone:
                        return elsewhere(client, operation, arguments)
                    raise UnsupportedError(f"{service} {operation}")
                return others[f"{service} {operation}"](arguments)
            try:
                if around is None:
                    return self.answer(operation, arguments)
                return around(operation, arguments, lambda: self.answer(operation, arguments))
            except RefusedError as error:
                raise _client_error(client, operation, error) from None

        with patch.object(BaseClient, "_make_api_call", call):
            yield

    # ---- going back

    def saved(self) -> Saved:
        """What the tables hold now, for `go_back`."""
        return {name: table.saved() for name, table in self.tables.items()}

    def go_back(self, saved: Saved) -> None:
        """Makes the tables hold again what they did."""
        for name, kept in saved.items():
            self.tables[name].go_back(kept)

    # ---- reading

    def _table(self, name: str) -> Table:
        if name not in self.tables:
            raise RefusedError("ResourceNotFoundException", "Requested resource not found")
        return self.tables[name]

    def _get_item(self, arguments: Arguments) -> dict[str, Any]:
        _only(arguments, "TableName", "Key", "ConsistentRead", *_PROJECTING)
        table = self._table(arguments["TableName"])
        item = table.find(table.key_of(arguments["Key"]))
        return {"Item": _chosen([item], arguments)[0]} if item else {}

    def _batch_get(self, arguments: Arguments) -> dict[str, Any]:
        _only(arguments, "RequestItems")
        responses: dict[str, list[Item]] = {}
        asked = [(t, k) for t, wanted in arguments["RequestItems"].items() for k in wanted["Keys"]]
        if not 1 <= len(asked) <= BATCH_GET_MAX:
            raise InvalidError(f"A batch has 1 to {BATCH_GET_MAX} keys, not {len(asked)}")
        keys = [(name, self._table(name).key_of(key)) for name, key in asked]
        if len(set(keys)) < len(keys):
            raise InvalidError("Provided list of item keys contains duplicates")
        unprocessed: dict[str, dict[str, Any]] = {}
        bytes_read = 0
        for name, wanted in arguments["RequestItems"].items():
            _only(wanted, "Keys", "ConsistentRead", *_PROJECTING)
            table, responses[name], left = self._table(name), [], []
            for asked_key in wanted["Keys"]:
                key = table.key_of(asked_key)
                item = table.find(key)
                size = table.sizes[key] if item else 0
                if bytes_read + size > BATCH_BYTES_MAX:
                    left.append(asked_key)
                elif item:
                    bytes_read += size
                    responses[name].append(dict(item))
            responses[name] = _chosen(responses[name], wanted)
            if left:
                unprocessed[name] = {**wanted, "Keys": left}
        return {"Responses": responses, "UnprocessedKeys": unprocessed}

    def _query(self, arguments: Arguments) -> dict[str, Any]:
        _only(
            arguments,
            *("TableName", "IndexName", "KeyConditionExpression", "FilterExpression"),
            *("ExpressionAttributeNames", "ExpressionAttributeValues", "ConsistentRead"),
            *("ScanIndexForward", "Limit", "ExclusiveStartKey", "ProjectionExpression", "Select"),
        )
        table = self._table(arguments["TableName"])
        index = _index_of(table, arguments)
        keyed = condition(arguments["KeyConditionExpression"])
        kept = arguments.get("FilterExpression") and condition(arguments["FilterExpression"])
        text = arguments.get("ProjectionExpression")
        wanted = projection(text) if text else None
        given = _given(arguments, keyed, kept, wanted)
        names = (index.partition, index.sort) if index else table.keys
        partition, sort_test = _key_condition(table, keyed.content, names, given)
        if index:
            rows = index.entries.get(partition, [])
        else:
            rows = sorted((sort, (partition, sort)) for sort in table.partitions.get(partition, ()))
        if sort_test:
            rows = [row for row in rows if compared(sort_test[0], {"S": row[0]}, *sort_test[1])]
        if not arguments.get("ScanIndexForward", True):
            rows = rows[::-1]
        start = arguments.get("ExclusiveStartKey")
        if start:
            last = (start[names[1]]["S"], table.key_in(start))
            forward = arguments.get("ScanIndexForward", True)
            rows = [row for row in rows if (row > last if forward else row < last)]
        page = _page(table, index, rows, arguments.get("Limit"), kept, given)
        if arguments.get("Select"):
            return _counted(page, arguments["Select"])
        return _projected(page, wanted.content, given) if wanted else page

    def _scan(self, arguments: Arguments) -> dict[str, Any]:
        _only(
            arguments,
            *("TableName", "FilterExpression", "ExpressionAttributeNames", "ConsistentRead"),
            *("ExpressionAttributeValues", "Limit", "ExclusiveStartKey"),
        )
        table = self._table(arguments["TableName"])
        kept = arguments.get("FilterExpression") and condition(arguments["FilterExpression"])
        given = _given(arguments, kept)
        rows = [("", key) for key in table.sorted_keys()]
        if arguments.get("ExclusiveStartKey"):
            rows = rows[bisect_left(rows, ("", table.key_of(arguments["ExclusiveStartKey"]))) + 1 :]
        return _page(table, None, rows, arguments.get("Limit"), kept, given)

    # ---- writing

    def _checked(self, kind: str, arguments: Arguments, *also: str) -> _Write:
        common = ("TableName", "ConditionExpression", "ReturnValuesOnConditionCheckFailure")
        placeholders = ("ExpressionAttributeNames", "ExpressionAttributeValues")
        own = {"Put": ("Item",), "Update": ("Key", "UpdateExpression"), "ConditionCheck": ("Key",)}
        if kind not in own:
            raise UnsupportedError(kind)
        _only(arguments, *common, *placeholders, *own[kind], *also)
        table = self._table(arguments["TableName"])
        text = arguments.get("ConditionExpression")
        wanted = condition(text) if text else None
        changes = update(arguments["UpdateExpression"]) if kind == "Update" else None
        given = _given(arguments, wanted, changes)
        if kind == "Put":
            item, size = dict(arguments["Item"]), size_of(arguments["Item"])
            check_item(table, item, size)
            key = table.key_in(item)
        else:
            item, size, key = None, 0, table.key_of(arguments["Key"])
        for change in changes.content if changes else ():
            if given.name(change.target.token) in table.keys:
                raise InvalidError("Cannot update attribute. This attribute is part of the key")
        returns_old = arguments.get("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
        content = changes.content if changes else None
        return _Write(table, key, item, size, content, wanted, given, returns_old)

    def _write_one(self, kind: str, arguments: Arguments) -> dict[str, Any]:
        write = self._checked(kind, arguments, "ReturnValues")
        reason = write.refusal()
        if reason:
            also = {"Item": reason["Item"]} if "Item" in reason else {}
            raise RefusedError("ConditionalCheckFailedException", reason["Message"], **also)
        item, size = write.result()
        write.table.store(write.key, item, size)
        returned = arguments.get("ReturnValues", "NONE")
        if returned not in {"NONE", "ALL_NEW"}:
            raise UnsupportedError(f"ReturnValues {returned}")
        return {"Attributes": dict(item)} if returned == "ALL_NEW" else {}

    def _delete_item(self, arguments: Arguments) -> dict[str, Any]:
        _only(arguments, "TableName", "Key")
        table = self._table(arguments["TableName"])
        table.store(table.key_of(arguments["Key"]), None)
        return {}

    def _batch_write(self, arguments: Arguments) -> dict[str, Any]:
        _only(arguments, "RequestItems")
        asked = [(t, r) for t, each in arguments["RequestItems"].items() for r in each]
        if not 1 <= len(asked) <= BATCH_WRITE_MAX:
            raise InvalidError(f"A batch has 1 to {BATCH_WRITE_MAX} writes, not {len(asked)}")
        writes: dict[tuple[str, Key], Item | None] = {}
        bytes_written = 0
        for name, request in asked:
            ((kind, values),) = request.items()
            table, item = self._table(name), None
            if kind == "PutRequest":
                item = dict(values["Item"])
                size = size_of(item)
                check_item(table, item, size)
                bytes_written += size
            key = table.key_in(item) if item else table.key_of(values["Key"])
            if (name, key) in writes:
                raise InvalidError("Provided list of item keys contains duplicates")
            writes[name, key] = item
        if bytes_written > BATCH_BYTES_MAX:
            raise InvalidError("The batch has more than 16 MB")
        for (name, key), item in writes.items():
            self.tables[name].store(key, item, size_of(item or {}))
        return {"UnprocessedItems": {}}

    def _transact_write(self, arguments: Arguments) -> dict[str, Any]:
        _only(arguments, "TransactItems", "ClientRequestToken")
        operations = arguments["TransactItems"]
        if not 1 <= len(operations) <= TRANSACTION_ITEMS_MAX:
            raise InvalidError(f"A transaction has 1 to {TRANSACTION_ITEMS_MAX} items")
        writes, kinds = [], []
        for operation in operations:
            ((kind, values),) = operation.items()
            writes.append(self._checked(kind, values))
            kinds.append(kind)
        if len({(write.table.name, write.key) for write in writes}) < len(writes):
            raise InvalidError("Transaction request cannot include multiple operations on one item")
        reasons, results = [], []
        for write, kind in zip(writes, kinds, strict=True):
            reason, result = write.refusal(), None
            if reason is None and kind != "ConditionCheck":
                try:
                    result = write.result()
                except InvalidError as error:
                    reason = {"Code": "ValidationError", "Message": str(error)}
            reasons.append(reason or {"Code": "None"})
            results.append(result)
        if any(reason["Code"] != "None" for reason in reasons):
            raise cancelled(reasons)
        if sum(result[1] for result in results if result) > TRANSACTION_BYTES_MAX:
            raise InvalidError("The aggregate size of the transaction exceeds 4 MB")
        for write, result in zip(writes, results, strict=True):
            if result is not None:
                write.table.store(write.key, *result)
        return {}


def cancelled(reasons: list[dict[str, Any]]) -> RefusedError:
    """The refusal of a transaction, with a reason for each of its items."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    return RefusedError(
        "TransactionCanceledException",
        f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]",
        CancellationReasons=reasons,
    )


def _client_error(client: BaseClient, operation: str, error: RefusedError) -> Exception:
    answer = {
        "Error": {"Code": error.code, "Message": error.message},
        "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}},
        **error.also,
    }
    made: Exception = client.exceptions.from_code(error.code)(answer, operation)
    return made


def _only(arguments: Arguments, *known: str) -> None:
    for name in arguments:
        if name not in known and name != "ReturnConsumedCapacity":
            raise UnsupportedError(f"the argument {name}")


def _given(arguments: Arguments, *used: Parsed[Any] | None) -> Given:
    names = arguments.get("ExpressionAttributeNames", {})
    values = arguments.get("ExpressionAttributeValues", {})
    tokens = frozenset().union(*(parsed.tokens for parsed in used if parsed))
    if tokens != names.keys() | values.keys():
        undefined = sorted(tokens - names.keys() - values.keys())
        unused = sorted((names.keys() | values.keys()) - tokens)
        raise InvalidError(f"Expression placeholders: undefined {undefined}, unused {unused}")
    if sum(map(len, names.values())) + size_of(values) > PLACEHOLDERS_BYTES_MAX:
        raise InvalidError("The expression's names and values have more than 2 MB")
    return Given(names, values)


def _index_of(table: Table, arguments: Arguments) -> Index | None:
    name = arguments.get("IndexName")
    if name is None:
        return None
    if name not in table.indexes:
        raise InvalidError(f"The table does not have the specified index: {name}")
    if arguments.get("ConsistentRead"):
        raise InvalidError("Consistent reads are not supported on global secondary indexes")
    return table.indexes[name]


def _key_condition(
    table: Table, test: Any, names: tuple[str, ...], given: Given
) -> tuple[str, Any]:
    parts = test.parts if test.kind == "and" else (test,)
    partition, sort = "", None
    for part in parts:
        name, *operands = part.parts
        values = [given.values[operand.token] for operand in operands]
        for value in values:
            table.check_key(given.name(name.token), value)
        if given.name(name.token) == names[0] and part.kind == "=" and not partition:
            partition = values[0]["S"]
        elif given.name(name.token) == names[-1] and len(names) > 1 and sort is None:
            sort = (part.kind, values)
        else:
            raise InvalidError("Query condition missed key schema element")
    if not partition:
        raise InvalidError(f"Query condition missed key schema element: {names[0]}")
    return partition, sort


def _page(
    table: Table,
    index: Index | None,
    rows: list[tuple[str, Key]],
    limit: int | None,
    kept: Parsed[Any] | None,
    given: Given,
) -> dict[str, Any]:
    items, bytes_read = [], 0
    for count, (_, key) in enumerate(rows, start=1):
        item = table.partitions[key[0]][key[1]]
        if index and not index.whole:
            wanted = (*table.keys, index.partition, index.sort)
            item = {name: item[name] for name in wanted}
        bytes_read += table.sizes[key]
        if kept is None or kept.content.holds(item, given):
            items.append(dict(item))
        if count == limit or (bytes_read > PAGE_BYTES_MAX and count < len(rows)):
            names = table.keys + ((index.partition, index.sort) if index else ())
            last = {name: item[name] for name in names}
            return _answer(items, count) | {"LastEvaluatedKey": last}
    return _answer(items, len(rows))


def _projected(page: dict[str, Any], wanted: tuple[Operand, ...], given: Given) -> dict[str, Any]:
    names = {given.name(operand.token) for operand in wanted}
    items = [{name: item[name] for name in names if name in item} for item in page["Items"]]
    return page | {"Items": items}


def _chosen(items: list[Item], arguments: Arguments) -> list[Item]:
    """Copies of the items, with the attributes alone that were asked for by name."""
    text = arguments.get("ProjectionExpression")
    if not text:
        return [dict(item) for item in items]
    wanted = projection(text)
    return list(_projected({"Items": items}, wanted.content, _given(arguments, wanted))["Items"])


def _counted(page: dict[str, Any], select: str) -> dict[str, Any]:
    if select != "COUNT":
        raise UnsupportedError(f"Select {select}")
    return {name: value for name, value in page.items() if name != "Items"}


def _answer(items: list[Item], scanned: int) -> dict[str, Any]:
    return {"Items": items, "Count": len(items), "ScannedCount": scanned}
