"""Everything in Git, rendered once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.manifests.pods import Pod, pods_of
from tests.manifests.rendering import (
    REPOSITORY,
    ROOT,
    Component,
    Manifest,
    applications_of,
    environments_of,
    kustomize,
    render_all,
)


@pytest.fixture(scope="session")
def tree() -> Path:
    """Where everything lies that Argo CD reads."""
    return REPOSITORY


@pytest.fixture(scope="session")
def environments(tree: Path) -> list[str]:
    return environments_of(tree)


@pytest.fixture(scope="session")
def root() -> list[Manifest]:
    """What the root Application applies."""
    return kustomize(ROOT)


@pytest.fixture(scope="session")
def applications(root: list[Manifest]) -> list[Manifest]:
    return applications_of(root)


@pytest.fixture(scope="session")
def components(
    applications: list[Manifest], tmp_path_factory: pytest.TempPathFactory
) -> list[Component]:
    return render_all(applications, tmp_path_factory.mktemp("charts"))


@pytest.fixture(scope="session")
def objects(components: list[Component]) -> list[Manifest]:
    return [one for component in components for one in component.objects]


@pytest.fixture(scope="session")
def pods(components: list[Component]) -> list[Pod]:
    return pods_of(components)
