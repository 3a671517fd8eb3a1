"""What the apps' images have in common, read from their Dockerfile; `make images` builds them."""

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
DOCKERFILE = (ROOT / "apps" / "Dockerfile").read_text()
STAGE = r"^FROM (\S+)(?: AS (\S+))?$"


def dockerfile(app: str) -> str:
    """The stages that the app's image is made of, the base first: of a stage, what it builds on and copies from."""
    text = DOCKERFILE.replace("${APP}", app)
    starts = list(re.finditer(STAGE, text, re.M))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    stages = {
        start[2]: text[start.start() : end]
        for start, end in zip(starts, ends, strict=True)
    }

    def made_of(name: str | None) -> str:
        stage = stages.get(name, "")
        sources = re.findall(r"^FROM (\S+)|^COPY --from=(\S+)", stage, re.M)
        return "".join(made_of(base or copied) for base, copied in sources) + stage

    return made_of(None)  # the last stage has no name


def test_make_images_builds_every_app() -> None:
    (listed,) = re.findall(r"^IMAGES := (.*)$", (ROOT / "Makefile").read_text(), re.M)

    assert sorted(listed.split()) == APPS
    assert list((ROOT / "apps").rglob("*Dockerfile*")) == [ROOT / "apps" / "Dockerfile"]


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
    bases, names = zip(*re.findall(STAGE, DOCKERFILE, re.M), strict=True)

    assert len(re.findall(r"uv==(\S+)", DOCKERFILE)) == 1
    assert set(bases) - set(names) == {"${PYTHON_IMAGE}", "${APP}"}
    assert set(APPS) <= set(names)
    assert len(re.findall(r"^ARG PYTHON_IMAGE=", DOCKERFILE, re.M)) == 1
