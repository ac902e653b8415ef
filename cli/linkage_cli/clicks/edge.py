"""`linkage edge publish`: every link into the edge's store again, as it is now."""

import json
import sys
from typing import Annotated, Any

import typer
from botocore.config import Config
from botocore.exceptions import ClientError

from linkage_cli.command_line import aws_errors, commands
from linkage_cli.errors import CommandError, ExitCode
from linkage_cli.networks import find_network

OUTPUT = "PublishLinksFunctionName"
COUNTS = ("kept", "removed", "without_room")
READ_TIMEOUT_S = 90
"""Longer than the function may run: asked twice it would only do its work twice."""

app = commands("The optional edge.")


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
    with aws_errors("The links were not all published", "Run the same command again."):
        network = find_network(stage, local=False)
        function = publisher_of(stage, network.client("cloudformation"))
        config = Config(read_timeout=READ_TIMEOUT_S, retries={"max_attempts": 0})
        counts = publish(network.client("lambda", config), function)
    print(
        f"Published {counts['kept']:,} links; took {counts['removed']:,} out that are paused or do"
        " not fit."
    )
    if counts["without_room"]:
        print(
            f"{counts['without_room']:,} links found no room: the store holds 5 MB. The links API"
            " answers for them.",
            file=sys.stderr,
        )
        raise typer.Exit(ExitCode.findings)


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
