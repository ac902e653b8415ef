"""Bodies as pydantic models: strict types, no unknown fields, and the domain's own checks."""

import re
from collections.abc import Callable
from typing import Annotated, Any, NoReturn, cast

from pydantic import BaseModel, ConfigDict, PlainValidator, ValidationError, ValidationInfo
from pydantic_core import ErrorDetails, PydanticCustomError

from linkage.domain.errors import InvalidFieldError, NotSupportedError
from linkage.domain.fields import checked_integer, checked_text, checked_time
from linkage.domain.money import MAX_AMOUNT_MINOR, WHOLE_BPS, checked_currency

_OURS = "linkage"
_BROKEN = re.compile(r"[\ud800-\udfff]")


class Body(BaseModel):
    """A JSON object of the contract."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def fault(detail: str, *, field: str = "", code: str = "invalid_field") -> PydanticCustomError:
    """What a validator raises: a sentence for the client, at this value or one of its fields."""
    context = {"detail": detail, "field": field, "code": code}
    return PydanticCustomError(_OURS, "{detail}", context)


def checked(check: Callable[[Any, str], Any]) -> PlainValidator:
    """A validator out of a check of the domain, `check(value, pointer)`."""

    def validate(value: Any, info: ValidationInfo) -> Any:
        try:
            return check(value, f"/{info.field_name}")
        except InvalidFieldError as error:
            raise fault(error.detail, code=error.code) from None

    return PlainValidator(validate)


def _not_supported(_: object, pointer: str) -> NoReturn:
    raise NotSupportedError(pointer)


def text(max_length: int) -> PlainValidator:
    """A text of at most so many characters, trimmed, without control characters."""
    return checked(lambda value, pointer: checked_text(value, pointer, max_length))


def whole(low: int, high: int) -> PlainValidator:
    """A JSON integer from low to high."""
    return checked(lambda value, pointer: checked_integer(value, pointer, low, high))


def _raw_text(value: object, pointer: str) -> str:
    if not isinstance(value, str):
        raise InvalidFieldError(pointer, f"{pointer[1:]} must be a text.")
    return value


type Text = Annotated[str, text(255)]
type Id = Annotated[str, text(64)]
type RawText = Annotated[str, checked(_raw_text)]
"""A text taken as it is, for checks that must see every character of it."""
type Bps = Annotated[int, whole(0, WHOLE_BPS)]
type AmountMinor = Annotated[int, whole(1, MAX_AMOUNT_MINOR)]
type Time = Annotated[str, checked(checked_time)]
"""A time as stored: RFC 3339, UTC to the millisecond."""
type Currency = Annotated[str, checked(checked_currency)]
type Later = Annotated[None, checked(_not_supported)]
"""A field of the contract that this version refuses; declare it with the default None."""


def read[B: Body](model: type[B], body: object) -> B:
    """The body as its model; raises InvalidFieldError for the first field to change."""
    _require_object(body)
    try:
        return model.model_validate(body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
        raise _invalid(problems[0]) from None


def _require_object(body: object) -> None:
    if not isinstance(body, dict):
        raise InvalidFieldError("", "Send a JSON object.", code="invalid_body")
    names: list[str] = []
    level: list[Any] = [body]
    while level:
        inner = level.pop()
        if isinstance(inner, dict):
            names += inner
            level += inner.values()
        elif isinstance(inner, list):
            level += inner
    if any(_BROKEN.search(name) for name in names):
        raise InvalidFieldError(
            "", "A field's name contains broken Unicode. Remove it.", code="unknown_field"
        )


def _invalid(problem: ErrorDetails) -> InvalidFieldError:
    context = problem.get("ctx") or {}
    path = [str(step) for step in problem["loc"] if step != "[key]"]
    if problem["type"] == _OURS:
        path += [context["field"]] if context["field"] else []
        return InvalidFieldError(_pointer(path), context["detail"], code=context["code"])
    name = next((step for step in reversed(path) if not step.isdigit()), "The body")
    if problem["type"] == "extra_forbidden":
        return InvalidFieldError(
            _pointer(path), f"{name!r} is not a field of this request. Remove it.", "unknown_field"
        )
    return InvalidFieldError(_pointer(path), _sentence(name, problem["type"], context))


_SENTENCES = {
    "missing": "{name} is required.",
    "literal_error": "{name} must be {expected}.",
    "bool_type": "{name} must be true or false.",
    "list_type": "{name} must be a list.",
    "dict_type": "{name} must be a JSON object.",
    "model_type": "{name} must be a JSON object.",
    "too_short": "{name} must have at least {min_length}.",
    "too_long": "{name} must have at most {max_length}.",
}


def _sentence(name: str, kind: str, context: dict[str, Any]) -> str:
    return _SENTENCES.get(kind, "{name} is not valid.").format_map({**context, "name": name})


def _pointer(path: list[str]) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in path)


def unique(values: object) -> object:
    """A list's check that no item stands in it twice."""
    items = cast("list[object]", values)
    if len(set(items)) < len(items):
        raise fault("The same value stands twice in this list. Remove one.")
    return values
