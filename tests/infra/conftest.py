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
