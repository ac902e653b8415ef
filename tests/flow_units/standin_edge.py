"""A stand-in for the edge's store, which the mock of AWS does not have.

It takes only what the service's own model allows, and refuses as the service does: a version that
is not the latest, a key to delete that is not there, more than it has room for.
"""

from collections.abc import Callable
from typing import Any

import botocore.session
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

_MODEL = botocore.session.get_session().get_service_model("cloudfront-keyvaluestore")
PAIR_BYTES_MAX = 1024
KEYS_MAX = 50


class StandinEdge:
    """The client of a store that holds `values`; `before_update` runs before each write."""

    def __init__(self, room_bytes: int = 5 * 1024 * 1024) -> None:
        self.values: dict[str, str] = {}
        self.calls: list[str] = []
        self.before_update: Callable[[], None] = lambda: None
        self._room_bytes = room_bytes
        self._version = 1

    def touch(self) -> None:
        """As if another had written."""
        self._version += 1

    def describe_key_value_store(self, **sent: Any) -> dict[str, Any]:
        self._called("DescribeKeyValueStore", sent)
        return {"ETag": str(self._version)}

    def get_key(self, **sent: Any) -> dict[str, Any]:
        self._called("GetKey", sent)
        if sent["Key"] not in self.values:
            raise _refused("ResourceNotFoundException", "GetKey")
        return {"Key": sent["Key"], "Value": self.values[sent["Key"]]}

    def update_keys(self, **sent: Any) -> dict[str, Any]:
        self._called("UpdateKeys", sent)
        self.before_update()
        if sent["IfMatch"] != str(self._version):
            raise _refused("ConflictException", "UpdateKeys")
        puts = {each["Key"]: each["Value"] for each in sent["Puts"]}
        deletes = {each["Key"] for each in sent["Deletes"]}
        assert 0 < len(puts) + len(deletes) <= KEYS_MAX
        assert all(_bytes(*pair) <= PAIR_BYTES_MAX for pair in puts.items())
        if not deletes <= self.values.keys():
            raise _refused("ResourceNotFoundException", "UpdateKeys")
        values = {k: v for k, v in self.values.items() if k not in deletes} | puts
        if sum(_bytes(*pair) for pair in values.items()) > self._room_bytes:
            raise _refused("ServiceQuotaExceededException", "UpdateKeys")
        self.values = values
        self.touch()
        return {"ETag": str(self._version)}

    def _called(self, operation: str, sent: dict[str, Any]) -> None:
        self.calls.append(operation)
        shape = _MODEL.operation_model(operation).input_shape
        report = ParamValidator().validate(sent, shape)
        assert not report.has_errors(), report.generate_report()


def _bytes(key: str, value: str) -> int:
    return len(key.encode()) + len(value.encode())


def _refused(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
