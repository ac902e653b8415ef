"""Finds a running network: here by `.linkage/local.json`, on AWS by its stack's outputs."""

import getpass
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from linkage_cli.errors import CommandError
from linkage_cli.local.local_aws import REGION, environment_for, is_loopback, replace_environment
from linkage_cli.local.places import LOCAL_FILE

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

    def client(self, service: str, config: Config | None = None) -> Any:
        """A boto3 client of one AWS service."""
        return client_of(self.session, service, self.endpoint_url, config)

    def table(self, noun: str) -> str:
        """The name of a noun's table; raises NetworkNotFoundError if the stack names none."""
        return self.named(f"{noun.capitalize()}TableName")

    def named(self, output: str) -> str:
        """An output of the stack; raises NetworkNotFoundError if it has none of that name."""
        if output not in self.outputs:
            raise NetworkNotFoundError(
                f"The stack Linkage-{self.stage} has no output {output}. Deploy this version of "
                f"Linkage to it first: npx cdk deploy -c stage={self.stage}"
            )
        return self.outputs[output]

    def environment(self, environ: Mapping[str, str]) -> dict[str, str]:
        """A copy of an environment in which AWS clients that read it talk to this network alone."""
        port = urlsplit(self.endpoint_url or "").port
        if port:
            return environment_for(port, environ)
        region = self.session.region_name
        named = {"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {}
        return {**environ, **named}


@contextmanager
def tables_of(network: Network, nouns: Iterable[str], **also: str) -> Iterator[None]:
    """While it lasts, the product's own modules, imported within, use this network's tables.

    `also` are further variables of the environment. Raises NetworkNotFoundError if the stack lacks
    a table.
    """
    before = dict(os.environ)
    names = {f"{noun.upper()}_TABLE": network.table(noun) for noun in nouns}
    replace_environment(network.environment(before) | names | also)
    try:
        yield
    finally:
        replace_environment(before)


def principal(network: Network) -> str:
    """Who runs a command, for the audit record: `cli:` and the AWS principal, or here the user."""
    if network.stage == LOCAL_STAGE:
        return f"cli:{_user()}"
    return f"cli:{network.client('sts').get_caller_identity()['Arn']}"


def _user() -> str:
    """Who is signed in here, or the number of a user that nobody named, as in a container."""
    try:
        return getpass.getuser()
    except OSError:
        return str(os.getuid())


def client_of(
    session: boto3.Session,
    service: str,
    endpoint_url: str | None = None,
    config: Config | None = None,
) -> Any:
    """A boto3 client: with an endpoint of this machine it knows nothing of the shell's.

    Without one it is AWS as the shell has it, and boto3 follows AWS_ENDPOINT_URL by itself.
    """
    with _only_here(endpoint_url):
        return session.client(  # type: ignore[call-overload]
            service, endpoint_url=endpoint_url, config=config
        )


@contextmanager
def _only_here(endpoint_url: str | None) -> Iterator[None]:
    """While it lasts, boto3 finds no profile, Region, proxy or certificates but the emulator's."""
    port = urlsplit(endpoint_url or "").port
    if port is None:
        yield
        return
    before = dict(os.environ)
    replace_environment(environment_for(port, before))
    try:
        yield
    finally:
        replace_environment(before)


def find_network(stage: str | None, *, local: bool) -> Network:
    """The network of a stage, or the one `make dev` runs; raises NetworkNotFoundError.

    Of one on AWS it says on stderr which it is, before anything is done to it.
    """
    if local == (stage is not None):
        raise NetworkNotFoundError(
            "Say which network: --stage prod for one on AWS, or --local for the one make dev runs."
        )
    if stage is None:
        return _local_network()
    session = boto3.Session()
    stack = _stack(stage, session, None)
    print(_whereabouts(stage, stack), file=sys.stderr, flush=True)
    return Network(stage, session, None, _outputs(stack))


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
    with _only_here(endpoint_url):
        session = boto3.Session(
            aws_access_key_id="test", aws_secret_access_key="test", region_name=REGION
        )
    outputs = _outputs(_stack(LOCAL_STAGE, session, endpoint_url))
    return Network(LOCAL_STAGE, session, endpoint_url, outputs)


def _whereabouts(stage: str, stack: Mapping[str, Any]) -> str:
    """Which network this is: its stage, account and Region, and where the shell sends its calls."""
    *_, region, account = stack["StackId"].split(":")[:5]
    elsewhere = [name for name in sorted(os.environ) if name.startswith("AWS_ENDPOINT_URL")]
    by = "".join(f", by {name} {os.environ[name]}" for name in elsewhere if os.environ[name])
    return f"Linkage-{stage} in account {account}, {region}{by}"


def _stack(stage: str, session: boto3.Session, endpoint_url: str | None) -> Mapping[str, Any]:
    """A stage's stack as CloudFormation describes it; raises NetworkNotFoundError."""
    name = f"Linkage-{stage}"
    try:
        cloudformation = client_of(session, "cloudformation", endpoint_url)
        stack: Mapping[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
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
    return stack


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
