"""What the `linkage` command and an operator read from a deployed stack."""

from collections.abc import Mapping

from aws_cdk import CfnOutput, Stack


def add_outputs(stack: Stack, values: Mapping[str, str]) -> None:
    """Put each value among the stack's outputs, under exactly its name."""
    for name, value in values.items():
        CfnOutput(stack, name, value=value)
