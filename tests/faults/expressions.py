"""The DynamoDB expressions this product writes, parsed once each; anything else is refused.

Refused means `UnsupportedError`: the stand-in does not guess at what it was not compared on.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

type Value = dict[str, Any]
type Item = dict[str, Value]
type Read = Callable[[Item], Value | None]

EXPRESSION_BYTES_MAX, OPERATORS_MAX = 4096, 300
PLACEHOLDER_BYTES_MAX = 255
_TOKEN = re.compile(r"\s*(#\w+|:\w+|[A-Za-z_]\w*|<=|>=|[=<>(),+-])")
_RESERVED = frozenset(ReservedKeywords.get_reserved_keywords())
_COMPARATORS = {
    "=": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


class UnsupportedError(Exception):
    """The product asked for something the stand-in was never compared with DynamoDB on."""


class InvalidError(Exception):
    """DynamoDB would answer ValidationException, with this message."""


@dataclass(frozen=True)
class Operand:
    """An attribute (`#name` or a bare name) or a `:value`."""

    token: str

    def read(self, item: Item, given: "Given") -> Value | None:
        """The value, None when the item has no such attribute."""
        if self.token[0] == ":":
            return given.values[self.token]
        return item.get(given.name(self.token))


@dataclass(frozen=True)
class Given:
    """The placeholders of one operation."""

    names: Mapping[str, str]
    values: Mapping[str, Value]

    def name(self, token: str) -> str:
        """The attribute behind a name."""
        return self.names[token] if token[0] == "#" else token


@dataclass(frozen=True)
class Clause:
    """One node of a condition: `kind` is and, or, exists, missing, begins_with, between or a
    comparator; `parts` are nodes or operands."""

    kind: str
    parts: tuple[Any, ...]

    def holds(self, item: Item, given: Given) -> bool:
        """Whether the condition is true of an item ({} for one that does not exist)."""
        if self.kind == "and":
            return all(part.holds(item, given) for part in self.parts)
        if self.kind == "or":
            return any(part.holds(item, given) for part in self.parts)
        read = [part.read(item, given) for part in self.parts]
        if self.kind == "exists":
            return read[0] is not None
        if self.kind == "missing":
            return read[0] is None
        return compared(self.kind, *read)


def compared(kind: str, value: Value | None, *others: Value | None) -> bool:
    """A comparison of attribute values; never true of an attribute that is missing."""
    if value is None or any(other is None for other in others):
        return False
    if any(other.keys() != value.keys() for other in others if other):
        return False
    ((own, content),) = value.items()
    plain = [next(iter(other.values())) for other in others if other]
    if kind == "=":
        return bool(content == plain[0])
    if own not in {"S", "N"}:
        raise UnsupportedError(f"{kind} of {own}")
    if own == "N":
        content, plain = int(content), [int(each) for each in plain]
    if kind == "begins_with":
        if own != "S":
            raise UnsupportedError("begins_with of a number")
        return str(content).startswith(plain[0])
    if kind == "between":
        return bool(plain[0] <= content <= plain[1])
    return bool(_COMPARATORS[kind](content, plain[0]))


@dataclass(frozen=True)
class Change:
    """One part of an update: `action` SET, ADD or REMOVE of an attribute."""

    action: str
    target: Operand
    sign: str = ""
    operands: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Parsed[T]:
    """An expression with the placeholders it uses."""

    content: T
    tokens: frozenset[str]


class _Tokens:
    def __init__(self, text: str) -> None:
        if len(text.encode()) > EXPRESSION_BYTES_MAX:
            raise InvalidError("Expression size has exceeded the maximum allowed size")
        self.text, self.all, self.at = text, [], 0
        place = 0
        while place < len(text.rstrip()):
            found = _TOKEN.match(text, place)
            if not found:
                raise UnsupportedError(f"{text[place:]!r} in {text!r}")
            if found[1][0] in "#:" and len(found[1].encode()) > PLACEHOLDER_BYTES_MAX:
                raise InvalidError("An expression placeholder is longer than 255 bytes")
            self.all.append(found[1])
            place = found.end()

    def next(self) -> str:
        self.at += 1
        return self.peek(-1)

    def peek(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.all[place] if place < len(self.all) else ""

    def word(self) -> str:
        """The next token if it is a key word, in capitals; else nothing."""
        return self.peek().upper() if self.peek()[:1].isalpha() else ""

    def take(self, wanted: str) -> None:
        if self.next().upper() != wanted:
            raise UnsupportedError(f"no {wanted!r} where one belongs in {self.text!r}")

    def operand(self) -> Operand:
        token = self.next()
        if not token or (token[0] not in "#:" and not (token[0].isalpha() or token[0] == "_")):
            raise UnsupportedError(f"{token!r} in {self.text!r}")
        if token.upper() in _RESERVED:
            raise InvalidError(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        return Operand(token)

    def parsed[T](self, content: T, actions: int = 0) -> Parsed[T]:
        """What was parsed; `actions` are the operators of it that have no sign of their own."""
        if self.peek():
            raise UnsupportedError(f"{self.peek()!r} at the end of {self.text!r}")
        if actions + sum(map(_is_operator, self.all)) > OPERATORS_MAX:
            raise InvalidError(f"The expression has more than {OPERATORS_MAX} operators")
        return Parsed(content, frozenset(each for each in self.all if each[0] in "#:"))


def _is_operator(token: str) -> bool:
    """DynamoDB does not say just what it counts, so every sign, connective and function counts."""
    return token in _COMPARATORS or token in {"+", "-"} or token.upper() in _OPERATING_WORDS


@lru_cache(maxsize=10_000)
def condition(text: str) -> Parsed[Clause]:
    """A condition, a filter or a key condition."""
    tokens = _Tokens(text)
    return tokens.parsed(_either(tokens))


def projection(text: str) -> Parsed[tuple[Operand, ...]]:
    """The whole attributes a read asks for."""
    tokens = _Tokens(text)
    wanted = [tokens.operand()]
    while tokens.peek() == ",":
        tokens.next()
        wanted.append(tokens.operand())
    return tokens.parsed(tuple(wanted))


def _either(tokens: _Tokens) -> Clause:
    parts = [_both(tokens)]
    while tokens.word() == "OR":
        tokens.next()
        parts.append(_both(tokens))
    return parts[0] if len(parts) == 1 else Clause("or", tuple(parts))


def _both(tokens: _Tokens) -> Clause:
    parts = [_term(tokens)]
    while tokens.word() == "AND":
        tokens.next()
        parts.append(_term(tokens))
    return parts[0] if len(parts) == 1 else Clause("and", tuple(parts))


_FUNCTIONS = {
    "attribute_exists": ("exists", 1),
    "attribute_not_exists": ("missing", 1),
    "begins_with": ("begins_with", 2),
}


_OPERATING_WORDS = frozenset({"AND", "OR", "BETWEEN", "IF_NOT_EXISTS", *map(str.upper, _FUNCTIONS)})


def _term(tokens: _Tokens) -> Clause:
    if tokens.peek() == "(":
        tokens.next()
        inner = _either(tokens)
        tokens.take(")")
        return inner
    if tokens.peek(1) == "(":
        if tokens.peek() not in _FUNCTIONS:
            raise UnsupportedError(f"{tokens.peek()} in {tokens.text!r}")
        kind, count = _FUNCTIONS[tokens.next()]
        return Clause(kind, _arguments(tokens, count))
    left = tokens.operand()
    if tokens.word() == "BETWEEN":
        tokens.next()
        low = tokens.operand()
        tokens.take("AND")
        return Clause("between", (left, low, tokens.operand()))
    comparator = tokens.next()
    if comparator not in _COMPARATORS:
        raise UnsupportedError(f"{comparator!r} in {tokens.text!r}")
    return Clause(comparator, (left, tokens.operand()))


def _arguments(tokens: _Tokens, count: int) -> tuple[Operand, ...]:
    tokens.take("(")
    found = [tokens.operand()]
    for _ in range(count - 1):
        tokens.take(",")
        found.append(tokens.operand())
    tokens.take(")")
    return tuple(found)


@lru_cache(maxsize=10_000)
def update(text: str) -> Parsed[tuple[Change, ...]]:
    """An update expression: SET, ADD and REMOVE of whole attributes."""
    tokens, changes = _Tokens(text), []
    while tokens.peek():
        action = tokens.next().upper()
        if action not in {"SET", "ADD", "REMOVE"}:
            raise UnsupportedError(f"{action} in {text!r}")
        changes.append(_change(action, tokens))
        while tokens.peek() == ",":
            tokens.next()
            changes.append(_change(action, tokens))
    return tokens.parsed(tuple(changes), sum(each.action != "SET" for each in changes))


def _change(action: str, tokens: _Tokens) -> Change:
    target = tokens.operand()
    if action == "REMOVE":
        return Change(action, target)
    if action == "ADD":
        return Change(action, target, "+", (tokens.operand(),))
    tokens.take("=")
    first = _set_operand(tokens)
    if tokens.peek() in {"+", "-"}:
        sign = tokens.next()
        return Change(action, target, sign, (first, _set_operand(tokens)))
    return Change(action, target, "", (first,))


def _set_operand(tokens: _Tokens) -> Any:
    if tokens.peek() == "if_not_exists" and tokens.peek(1) == "(":
        tokens.next()
        return _arguments(tokens, 2)
    return tokens.operand()


def changed(item: Item, changes: tuple[Change, ...], given: Given) -> Item:
    """The item after an update; every operand is read before anything changes."""
    result, targets = dict(item), set()
    for change in changes:
        name = given.name(change.target.token)
        if name in targets:
            raise InvalidError("Two document paths overlap with each other")
        targets.add(name)
        if change.action == "REMOVE":
            result.pop(name, None)
            continue
        read = [_operand_value(operand, item, given) for operand in change.operands]
        if change.action == "ADD":
            read.insert(0, item.get(name, {"N": "0"}))
        result[name] = _sum(change.sign, read) if change.sign else read[0]
    return result


def _operand_value(operand: Any, item: Item, given: Given) -> Value:
    choices = operand if isinstance(operand, tuple) else (operand,)
    for choice in choices:
        value = choice.read(item, given)
        if value is not None:
            return dict(value)
    raise InvalidError(
        "The provided expression refers to an attribute that does not exist in the item"
    )


def _sum(sign: str, terms: list[Value]) -> Value:
    if any("N" not in term for term in terms):
        raise InvalidError("An operand in the update expression has an incorrect data type")
    first, second = (int(term["N"]) for term in terms)
    return {"N": str(first + second if sign == "+" else first - second)}
