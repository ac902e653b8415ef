"""Calls that meet a documented limit of DynamoDB in full, or pass it by one."""

from collections.abc import Callable
from typing import Any

from linkage.tables.dynamodb import transactions

type Call = tuple[str, dict[str, Any]]
type Made = Callable[[int], Call]

TABLE = {"TableName": "conversions"}
KEY = {"conversion_id": "cnv_1", "fact": "x"}
LARGE = 400_000


def put(**attributes: Any) -> Call:
    return "PutItem", {**TABLE, "Item": transactions.to_wire(KEY | attributes)}


def update(text: str, **more: Any) -> Call:
    key = transactions.to_wire(KEY)
    return "UpdateItem", {**TABLE, "Key": key, "UpdateExpression": text, **more}


def values(**of: Any) -> dict[str, Any]:
    wire = transactions.to_wire({f":{name}": value for name, value in of.items()})
    return {"ExpressionAttributeValues": wire}


def padded(text: str, size: int) -> str:
    """The text with spaces that mean nothing, so many bytes in all."""
    return text + " " * (size - len(text))


def query(text: str, kept: str | None = None) -> Call:
    names = {"#id": "conversion_id"} | ({"#status": "status"} if kept else {})
    arguments: dict[str, Any] = {
        "KeyConditionExpression": text,
        "ExpressionAttributeNames": names,
        **values(id="cnv_1"),
    }
    if kept:
        arguments["FilterExpression"] = kept
    return "Query", TABLE | arguments


def removing(count: int) -> Call:
    names = {f"#{number}": f"due_{number}" for number in range(count)}
    return update("REMOVE " + ", ".join(names), ExpressionAttributeNames=names)


def adding(count: int) -> Call:
    names = {f"#{number}": f"due_{number}" for number in range(count)}
    text = "ADD " + ", ".join(f"{name} :one" for name in names)
    return update(text, ExpressionAttributeNames=names, **values(one=1))


def placeholder(size: int) -> Call:
    name = "#" + "a" * (size - 1)
    return update(f"REMOVE {name}", ExpressionAttributeNames={name: "a"})


def held(functions: int) -> Call:
    """A condition of so many functions with an AND between any two."""
    clauses = " AND ".join(["attribute_exists(a)"] * functions)
    return update("REMOVE b", ConditionExpression=clauses)


def compared(count: int) -> Call:
    """A condition on so many values of 250,000 bytes."""
    clauses = " OR ".join(f"a = :{n}" for n in range(count))
    many = {str(n): f"{n}{'.' * 249_999}" for n in range(count)}
    return update(
        "REMOVE b", ConditionExpression=f"{clauses} OR fact = :x", **values(**many, x="x")
    )


def nested(levels: int, kind: str) -> Call:
    value: Any = 1
    for _ in range(levels - 1):
        value = {"a": value} if kind == "map" else [value]
    return put(content=value)


def digits(count: int) -> Call:
    operation, arguments = put()
    return operation, arguments | {"Item": arguments["Item"] | {"a": {"N": "9" * count}}}


def puts(count: int, size: int = 1) -> Call:
    items = [
        {"Put": {**TABLE, "Item": transactions.to_wire({**KEY, "fact": str(n), "a": "." * size})}}
        for n in range(count)
    ]
    return "TransactWriteItems", {"TransactItems": items}


def gets(count: int) -> Call:
    keys = [transactions.to_wire({**KEY, "fact": str(number)}) for number in range(count)]
    return "BatchGetItem", {"RequestItems": {"conversions": {"Keys": keys}}}


def batch_writes(count: int, size: int = 1) -> Call:
    ((_, wanted),) = puts(count, size)[1].items()
    writes = [{"PutRequest": {"Item": each["Put"]["Item"]}} for each in wanted]
    return "BatchWriteItem", {"RequestItems": {"conversions": writes}}


def key_of(**attributes: Any) -> Call:
    return "GetItem", {**TABLE, "Key": transactions.to_wire(KEY | attributes)}


def sized(size: int) -> Call:
    """A put of an item of just so many bytes."""
    return put(a="." * (size - len("conversion_idcnv_1factxa")))


INVALID = "ValidationException"

LIMITS: dict[str, tuple[int, Made, bool]] = {
    "bytes of an update": (4096, lambda n: update(padded("REMOVE b", n)), False),
    "bytes of a condition": (
        4096,
        lambda n: update(
            "REMOVE b", ConditionExpression=padded("attribute_not_exists(b)", n)
        ),
        False,
    ),
    "bytes of a key condition": (4096, lambda n: query(padded("#id = :id", n)), False),
    "bytes of a filter": (
        4096,
        lambda n: query("#id = :id", padded("attribute_exists(#status)", n)),
        False,
    ),
    "removals of an update": (300, removing, False),
    "additions of an update": (300, adding, False),
    "functions and ANDs of a condition": (150, held, False),
    "bytes of a placeholder": (255, placeholder, False),
    "megabytes of values": (8, compared, False),
    "levels of maps": (32, lambda n: nested(n, "map"), False),
    "levels of lists": (32, lambda n: nested(n, "list"), False),
    "digits of a number": (38, digits, False),
    "bytes of a partition key": (2048, lambda n: put(conversion_id="a" * n), True),
    "bytes of a partition key that is read": (2048, lambda n: key_of(conversion_id="a" * n), False),
    "bytes of a sort key": (1024, lambda n: put(fact="a" * n), True),
    "bytes of a sort key, by bytes": (1024, lambda n: put(fact="é" * 511 + "a" * (n - 1022)), True),
    "bytes of an index's partition key": (2048, lambda n: put(unposted="a" * n), False),
    "bytes of an index's sort key": (1024, lambda n: put(accepted_at="a" * n), False),
    "bytes of an item": (400 * 1024, sized, False),
    "items of a transaction": (100, puts, True),
    "large items of a transaction": (10, lambda n: puts(n, LARGE), False),
    "keys of a batch": (100, gets, True),
    "writes of a batch": (25, batch_writes, False),
}  # fmt: skip
"""The most, a call with so much of it, and whether moto knows that limit too."""
