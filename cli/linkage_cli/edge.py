"""`linkage edge publish`: every link into the edge's store again, as it is now."""

import json
import sys
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from linkage_cli.errors import CommandError

OUTPUT = "PublishLinksFunctionName"
COUNTS = ("kept", "removed", "without_room")
READ_TIMEOUT_S = 90
"""Longer than the function may run: asked twice it would only do its work twice."""

app = typer.Typer(help="The optional edge.", no_args_is_help=True)


class EdgeError(CommandError):
    """The stage has no edge, or its links could not be published."""


@app.callback()
def group() -> None:
    """The optional edge."""


@app.command("publish")
def publish_command(
    stage: Annotated[str, typer.Option(help="The stage on AWS, for example prod.")],
) -> None:
    """Publish every link to the edge: after turning it on, or after another key was listed."""
    session = boto3.Session()
    try:
        function = publisher_of(stage, session.client("cloudformation"))
        config = Config(read_timeout=READ_TIMEOUT_S, retries={"max_attempts": 0})
        counts = publish(session.client("lambda", config=config), function)
    except CommandError as error:
        sys.exit(str(error))
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"The links were not all published: {error} Run the same command again.")
    print(
        f"Published {counts['kept']:,} links; took {counts['removed']:,} out that are paused or do"
        " not fit."
    )
    if counts["without_room"]:
        sys.exit(
            f"{counts['without_room']:,} links found no room: the store holds 5 MB. The links API"
            " answers for them."
        )


def publisher_of(stage: str, cloudformation: Any) -> str:
    """The name of the function that publishes a stage's links; raises EdgeError without an edge."""
    name = f"Linkage-{stage}-edge"
    try:
        stacks = cloudformation.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise EdgeError(
            f"There is no stack {name} in this AWS account and region. Check --stage, AWS_PROFILE"
            f" and AWS_REGION, or deploy it first: npx cdk deploy -c stage={stage} -c edge=true"
            " --all"
        ) from error
    outputs: dict[str, str] = {
        each["OutputKey"]: each["OutputValue"] for each in stacks[0].get("Outputs", [])
    }
    if OUTPUT not in outputs:
        raise EdgeError(f"The stack {name} has no output {OUTPUT}. Deploy it again.")
    return outputs[OUTPUT]


def publish(functions: Any, name: str) -> dict[str, int]:
    """Has the function publish page after page, and adds up what it did; raises EdgeError."""
    totals = dict.fromkeys(COUNTS, 0)
    after: str | None = None
    while True:
        answer = functions.invoke(FunctionName=name, Payload=json.dumps({"after": after}))
        page = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise EdgeError(
                f"{name} failed: {page.get('errorMessage', page)}. Its log says more; run the same"
                " command again."
            )
        for count in COUNTS:
            totals[count] += page[count]
        after = page["after"]
        if after is None:
            return totals
