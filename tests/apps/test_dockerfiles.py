"""What the apps' images have in common, read from their Dockerfiles; `make images` builds them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = sorted(
    folder.name
    for folder in (ROOT / "apps").iterdir()
    if (folder / "pyproject.toml").is_file()
)
USERS = {"airflow": "50000:0"}


def dockerfile(app: str) -> str:
    return (ROOT / "apps" / app / "Dockerfile").read_text()


def test_make_images_builds_every_app() -> None:
    (listed,) = re.findall(r"^IMAGES := (.*)$", (ROOT / "Makefile").read_text(), re.M)

    assert sorted(listed.split()) == APPS


@pytest.mark.parametrize("app", APPS)
def test_an_image_runs_as_a_fixed_user_without_rights(app: str) -> None:
    assert re.findall(r"^USER (.*)$", dockerfile(app), re.M) == [
        USERS.get(app, "10001:10001")
    ]


@pytest.mark.parametrize("app", APPS)
def test_an_image_says_the_commit_it_is_built_from(app: str) -> None:
    assert "org.opencontainers.image.revision=${COMMIT}" in dockerfile(app)


@pytest.mark.parametrize("app", APPS)
def test_what_is_installed_comes_from_the_one_lock(app: str) -> None:
    syncs = re.findall(r"uv sync .*", dockerfile(app))

    assert syncs
    assert all(
        "--frozen --no-dev" in sync and f"--package relevo-{app}" in sync
        for sync in syncs
    )
    assert not re.findall(
        r"pip install (?!--no-cache-dir --root-user-action=ignore uv==)",
        dockerfile(app),
    )


def test_every_image_is_built_by_the_same_uv_on_the_same_python() -> None:
    texts = [dockerfile(app) for app in APPS]

    assert len({tuple(re.findall(r"uv==(\S+)", text)) for text in texts}) == 1
    assert {
        one for text in texts for one in re.findall(r"^FROM (\S+)", text, re.M)
    } == {"${PYTHON_IMAGE}"}
    assert (
        len({re.search(r"^ARG PYTHON_IMAGE=.*", text).group() for text in texts}) == 1
    )  # type: ignore[union-attr]
