"""The fixtures of the API's tests: a network of a few members, called through its handlers."""

from tests.api.conftest import (  # noqa: F401, pytest finds fixtures by their names here
    aws,
    first_key,
    first_members,
    network,
    operator,
)
