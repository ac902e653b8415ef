"""Finds a running network: here by `.linkage/local.json`, on AWS by its stack's outputs."""

import getpass
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from linkage_cli.errors import CommandError
from linkage_cli.local_aws import REGION, environment_for, is_loopback, replace_environment
from linkage_cli.places import LOCAL_FILE

LOCAL_STAGE = "local"


class NetworkNotFoundError(CommandError):
    """No network runs where the command was told to look."""


@dataclass(frozen=True)
class Network:
    """A deployed stage: AWS clients for it, and what its stack says of itself."""

    stage: str
    session: boto3.Session
    endpoint_url: str | None
    outputs: Mapping[str, str]

    def client(self, service: str) -> Any:
        """A boto3 client of one AWS service."""
        return client_of(self.session, service, self.endpoint_url)

    def table(self, noun: str) -> str:
        """The name of a noun's table; raises NetworkNotFoundError if the stack names none."""
        output = f"{noun.capitalize()}TableName"
        if output not in self.outputs:
            raise NetworkNotFoundError(
                f"The stack Linkage-{self.stage} has no output {output}. Deploy this version of "
                f"Linkage to it first: npx cdk deploy -c stage={self.stage}"
            )
        return self.outputs[output]

    def environment(self) -> dict[str, str]:
        """What makes AWS clients that read the environment talk to this network."""
        region = self.session.region_name
        named = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}
        if self.endpoint_url is None:
            return named
        port = urlsplit(self.endpoint_url).port
        return environment_for(port, {}) if port else named


@contextmanager
def tables_of(network: Network, nouns: Iterable[str]) -> Iterator[None]:
    """While it lasts, the product's own modules, imported within, use this network's tables.

    Raises NetworkNotFoundError if the stack lacks one.
    """
    before = dict(os.environ)
    names = {f"{noun.upper()}_TABLE": network.table(noun) for noun in nouns}
    replace_environment(before | names | network.environment())
    try:
        yield
    finally:
        replace_environment(before)


def principal(network: Network) -> str:
    """Who runs a command, for the audit record: `cli:` and the AWS principal, or here the user."""
    if network.stage == LOCAL_STAGE:
        return f"cli:{getpass.getuser()}"
    return f"cli:{network.client('sts').get_caller_identity()['Arn']}"


def client_of(session: boto3.Session, service: str, endpoint_url: str | None = None) -> Any:
    """A boto3 client; without an endpoint boto3 follows AWS_ENDPOINT_URL by itself."""
    return session.client(service, endpoint_url=endpoint_url)  # type: ignore[call-overload]


def find_network(stage: str | None, *, local: bool) -> Network:
    """The network of a stage, or the one `make dev` runs; raises NetworkNotFoundError."""
    if local == (stage is not None):
        raise NetworkNotFoundError(
            "Say which network: --stage prod for one on AWS, or --local for the one make dev runs."
        )
    if stage is None:
        return _local_network()
    session = boto3.Session()
    return Network(stage, session, None, _outputs(stage, session, None))


def read_local(file: Path = LOCAL_FILE) -> dict[str, Any]:
    """What the running local network says of itself; raises NetworkNotFoundError."""
    try:
        local: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise NetworkNotFoundError(
            "No network runs on this machine. Start one in another terminal: make dev"
        ) from None
    except ValueError as error:
        raise NetworkNotFoundError(
            f"{file} is not what make dev writes ({error}). Stop make dev and start it again."
        ) from error
    return local


def _local_network() -> Network:
    api = urlsplit(read_local()["api_url"])
    endpoint_url = f"{api.scheme}://{api.netloc}"
    if not is_loopback(endpoint_url):
        raise NetworkNotFoundError(f"{LOCAL_FILE} names {endpoint_url}, which is not this machine.")
    session = boto3.Session(
        aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
    )
    outputs = _outputs(LOCAL_STAGE, session, endpoint_url)
    return Network(LOCAL_STAGE, session, endpoint_url, outputs)


def _outputs(stage: str, session: boto3.Session, endpoint_url: str | None) -> dict[str, str]:
    name = f"Linkage-{stage}"
    try:
        cloudformation = client_of(session, "cloudformation", endpoint_url)
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise NetworkNotFoundError(f"AWS refused to describe {name}: {error}") from error
        raise NetworkNotFoundError(
            f"There is no stack {name} in this AWS account and region. Check --stage, AWS_PROFILE "
            f"and AWS_REGION, or deploy it first: npx cdk deploy -c stage={stage}"
        ) from error
    except BotoCoreError as error:
        raise NetworkNotFoundError(
            f"AWS could not be asked for {name}: {error} Check AWS_PROFILE and AWS_REGION."
        ) from error
    return {each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])}
