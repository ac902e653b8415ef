"""Layers and function code, as `make layers` left them under `build/`."""

from pathlib import Path

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.settings import StageSettings

RUNTIME = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.ARM_64


class LayersNotBuiltError(FileNotFoundError):
    """Something under `build/` is missing; the message says how to build it."""


class Layers(Construct):
    """`vendor` (pinned third-party code), `core` (ours, shared) and `api` (manage_network's); the
    edge's stack has `edge` in the place of the last."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        settings: StageSettings,
        build_dir: Path,
        *,
        names: tuple[str, ...] = ("vendor", "core", "api"),
    ) -> None:
        super().__init__(scope, construct_id)
        self._functions_dir = build_dir / "functions"
        # The emulator runs functions on this machine, so compiled wheels must fit it.
        layers_dir = build_dir / "layers" / ("host" if settings.is_local else "aws")
        self._versions = {name: self._layer(name, layers_dir) for name in names}

    def versions(self, names: tuple[str, ...]) -> list[lambda_.ILayerVersion]:
        """The named layers, in the order given."""
        return [self._versions[name] for name in names]

    def code(self, function_name: str) -> lambda_.Code:
        """The asset of one function. Raises LayersNotBuiltError."""
        return lambda_.Code.from_asset(_built(self._functions_dir / function_name))

    def _layer(self, name: str, layers_dir: Path) -> lambda_.LayerVersion:
        return lambda_.LayerVersion(
            self,
            name.capitalize(),
            code=lambda_.Code.from_asset(_built(layers_dir / name)),
            compatible_runtimes=[RUNTIME],
            compatible_architectures=[ARCHITECTURE],
            description=f"Linkage: {name}",
        )


def _built(folder: Path) -> str:
    if not folder.is_dir():
        command = "make edge" if folder.name == "edge" else "make layers"
        raise LayersNotBuiltError(f"{folder} is missing. Run `{command}` first, then try again.")
    return str(folder)
