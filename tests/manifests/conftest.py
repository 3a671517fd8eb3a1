"""Everything in Git, rendered once."""

from __future__ import annotations

import pytest

from tests.manifests.pods import Pod, pods_of
from tests.manifests.rendering import (
    ROOT,
    Component,
    Manifest,
    applications_of,
    kustomize,
    render_all,
)


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
