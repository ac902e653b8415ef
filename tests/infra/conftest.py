from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.infra.synthesis import Synthesised, stand_in_build


@pytest.fixture(scope="session")
def build_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stand_in_build(tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="session")
def synthesise(
    build_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Synthesised]:
    @cache
    def once(stage: str) -> Synthesised:
        return Synthesised(stage, tmp_path_factory.mktemp(f"cdk-{stage}"), build_dir)

    return once


@pytest.fixture(scope="session")
def prod(synthesise: Callable[[str], Synthesised]) -> Synthesised:
    return synthesise("prod")


@pytest.fixture(scope="session")
def local(synthesise: Callable[[str], Synthesised]) -> Synthesised:
    return synthesise("local")


@pytest.fixture(scope="session")
def with_edge(build_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    """Stage prod with the optional edge under a name of its own."""
    return Synthesised(
        "prod",
        tmp_path_factory.mktemp("cdk-edge"),
        build_dir,
        edge="true",
        links_domain="go.example.com",
        certificate_arn="arn:aws:acm:eu-west-1:000000000000:certificate/0",
        edge_certificate_arn="arn:aws:acm:us-east-1:000000000000:certificate/1",
        alarm_email="operator@example.com",
    )


@pytest.fixture(scope="session")
def edge(with_edge: Synthesised) -> Synthesised:
    """The edge's own stack."""
    return with_edge.stack("Linkage-prod-edge")
