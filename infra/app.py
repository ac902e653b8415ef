"""The CDK app: one stack, `Linkage-<stage>`, for the stage chosen with `-c stage=…`; and beside it
`Linkage-<stage>-edge` with `-c edge=true`."""

import sys
from pathlib import Path

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from infra.edge.stack import EdgeStack
from infra.layers import LayersNotBuiltError
from infra.setting_forms import StageSettingsError
from infra.settings import StageSettings
from infra.stack import LinkageStack

BUILD_DIR = Path(__file__).resolve().parent.parent / "build"


def add_network(app: App, build_dir: Path = BUILD_DIR) -> LinkageStack:
    """The stack of the stage in the app's context, with the AwsSolutions rules watching it."""
    settings = StageSettings.from_context(app.node.get_all_context())
    Validations.of(app).add_plugins(AwsSolutionsChecks(app))
    network = LinkageStack(app, f"Linkage-{settings.stage}", settings, build_dir)
    if settings.edge:
        EdgeStack(app, f"Linkage-{settings.stage}-edge", settings, build_dir, network)
    return network


def main() -> None:
    """Synthesise; what an operator can mend is said in a sentence, not in a traceback."""
    network = App()
    try:
        add_network(network)
    except (StageSettingsError, LayersNotBuiltError) as error:
        sys.exit(str(error))
    network.synth()


if __name__ == "__main__":
    main()
