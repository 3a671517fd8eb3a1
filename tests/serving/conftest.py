"""Models to serve, made once."""

from __future__ import annotations

import pytest

from relevo.serving.log.prediction_log import Waiting
from relevo.serving.model import ServedModel
from relevo.serving.served_case import ServedCase
from tests.serving.releases import HOUSES, IRIS, LINEAR, flowers, houses, loaded


class Lines:
    """A log in memory: what answering writes, and no more."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def append(self, lines: bytes) -> None:
        self.lines += lines.splitlines()

    def find(self, receipt: str) -> None:
        return None

    def waiting(self) -> Waiting:
        return Waiting(len(self.lines), 0, 0.0)


@pytest.fixture(scope="session")
def trees(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return loaded(houses(tmp_path_factory.mktemp("trees")))


@pytest.fixture(scope="session")
def linear(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return loaded(houses(tmp_path_factory.mktemp("linear"), LINEAR), "2")


@pytest.fixture(scope="session")
def species(tmp_path_factory: pytest.TempPathFactory) -> ServedModel:
    return loaded(flowers(tmp_path_factory.mktemp("species")), case=IRIS)


@pytest.fixture
def case(trees: ServedModel) -> ServedCase:
    return served(trees)


def served(model: ServedModel) -> ServedCase:
    case = ServedCase(model.release.case, "prod", "champion", 10_000, Lines())
    case.swap(model)
    return case


__all__ = ["HOUSES", "Lines", "served"]
