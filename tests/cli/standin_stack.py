"""A stand-in for CloudFormation: stacks by name, since moto's needs what nothing else here does."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from linkage_cli import networks


def standin_stacks(
    monkeypatch: pytest.MonkeyPatch, stacks: Mapping[str, Mapping[str, str]]
) -> None:
    """Makes these the only stacks there are; every other AWS client stays the real one."""
    real = networks.client_of

    class CloudFormation:
        def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
            if StackName not in stacks:
                message = f"Stack with id {StackName} does not exist"
                error = {"Error": {"Code": "ValidationError", "Message": message}}
                raise ClientError(error, "DescribeStacks")
            outputs = [
                {"OutputKey": key, "OutputValue": value} for key, value in stacks[StackName].items()
            ]
            stack_id = f"arn:aws:cloudformation:eu-west-1:123456789012:stack/{StackName}/0"
            return {"Stacks": [{"StackId": stack_id, "Outputs": outputs}]}

    def client_of(
        session: Any, service: str, endpoint_url: str | None = None, config: Any = None
    ) -> Any:
        return (
            CloudFormation()
            if service == "cloudformation"
            else real(session, service, endpoint_url, config)
        )

    monkeypatch.setattr(networks, "client_of", client_of)
