"""The alias is followed; what does not fit is refused, and the old model goes on."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from relevo.adapters.objects.folder_store import FolderStore
from relevo.domain.kinds import Kind
from relevo.errors import ModelRefused, StoreUnavailable
from relevo.releases.release_cache import ReleaseCache
from relevo.releases.release_folder import MODEL_FILE, PROFILE_FILE, RELEASE_FILE
from relevo.serving.reload import Pointers, RegistryPoller, Reloader
from relevo.serving.served_case import ServedCase
from tests.serving.conftest import Lines
from tests.serving.releases import (
    HOUSES,
    LINEAR,
    flowers,
    house_fields,
    houses,
    point_at,
    put,
    renamed_kind,
    without_field,
)


@dataclass
class Registry:
    """The one that answers, or does not."""

    aliases: dict[str, str] = field(default_factory=dict)
    is_away: bool = False

    def alias(self, case: str, alias: str) -> str | None:
        if self.is_away:
            raise StoreUnavailable("MLflow does not answer")
        return self.aliases.get(alias)


@dataclass
class World:
    folder: Path
    registry: Registry = field(default_factory=Registry)

    def __post_init__(self) -> None:
        self.store = FolderStore(self.folder / "store")

    def served(
        self, alias: str = "champion", *, with_registry: bool = True
    ) -> tuple[ServedCase, Reloader]:
        """As a process starts."""
        case = ServedCase(HOUSES, "prod", alias, 100, Lines())
        cache = ReleaseCache(self.folder / "disk", HOUSES, self.store)
        reloader = Reloader(
            case, self.registry if with_registry else None, Pointers(self.store), cache
        )
        reloader.start_from_disk()
        return case, reloader

    def spoil(self, version: str, name: str, content: bytes) -> None:
        self.store.put(f"releases/{HOUSES}/{version}/{name}", [content])


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("releases")
    return {"1": houses(folder / "1"), "2": houses(folder / "2", LINEAR)}


@pytest.fixture
def world(tmp_path: Path, releases: dict[str, Path]) -> World:
    world = World(tmp_path)
    for version, folder in releases.items():
        put(world.store, version, folder)
    world.registry.aliases["champion"] = "1"
    return world


def version_of(case: ServedCase) -> str | None:
    return case.model.version if case.model else None


def test_the_alias_is_followed_there_and_back(world: World) -> None:
    case, reloader = world.served()
    assert reloader.reload()
    assert version_of(case) == "1"
    assert not reloader.reload()
    world.registry.aliases["champion"] = "2"
    assert reloader.reload()
    assert version_of(case) == "2"
    world.registry.aliases["champion"] = "1"
    assert reloader.reload()
    assert version_of(case) == "1"
    assert dict(case.reloads) == {"swapped": 3, "unchanged": 1}


def test_with_no_champion_it_is_ready_and_says_so(world: World) -> None:
    world.registry.aliases.clear()
    case, reloader = world.served()
    assert not case.is_ready
    assert not reloader.reload()
    assert case.is_ready
    assert case.model is None


def test_while_nobody_can_tell_it_is_not_ready(world: World) -> None:
    world.registry.is_away = True
    case, reloader = world.served()
    with pytest.raises(StoreUnavailable):
        reloader.reload()
    assert not case.is_ready
    assert case.last_reload is not None
    assert "MLflow does not answer" in case.last_reload.error


def test_a_new_process_starts_from_its_disk_while_all_else_is_away(
    world: World, tmp_path: Path
) -> None:
    world.served()[1].reload()
    world.registry.is_away = True
    (tmp_path / "store").rename(tmp_path / "gone")
    case, reloader = world.served()
    assert version_of(case) == "1"
    with pytest.raises(StoreUnavailable):
        reloader.reload()
    assert version_of(case) == "1"
    assert case.is_ready


def test_a_new_pod_starts_from_the_pointer_while_the_registry_is_away(
    world: World,
) -> None:
    world.registry.is_away = True
    point_at(world.store, "2")
    case, reloader = world.served()
    assert reloader.reload()
    assert version_of(case) == "2"


def test_without_a_registry_the_pointer_is_the_truth(world: World) -> None:
    case, reloader = world.served(with_registry=False)
    assert not reloader.reload()
    assert case.has_none
    point_at(world.store, "1")
    assert reloader.reload()
    assert version_of(case) == "1"


def test_a_refused_first_model_is_a_champion_that_is_missing(world: World) -> None:
    world.registry.aliases.clear()
    case, reloader = world.served()
    assert not reloader.reload()
    assert not case.champion_missing
    world.registry.aliases["challenger"] = "1"
    assert not reloader.reload()
    assert case.champion_missing
    world.registry.aliases["champion"] = "1"
    assert reloader.reload()
    assert not case.champion_missing


def test_a_challenger_is_served_and_until_there_is_one_the_champion(
    world: World,
) -> None:
    case, reloader = world.served("challenger")
    reloader.reload()
    assert case.model is not None
    assert (case.model.version, case.model.alias) == ("1", "champion")
    world.registry.aliases["challenger"] = "2"
    reloader.reload()
    assert (case.model.version, case.model.alias) == ("2", "challenger")


def test_a_disk_whose_release_was_damaged_is_not_believed(
    world: World, tmp_path: Path
) -> None:
    world.served()[1].reload()
    (model,) = (tmp_path / "disk").glob(f"{HOUSES}/1-*/{MODEL_FILE}")
    model.write_bytes(model.read_bytes()[:-1] + b"x")
    case, reloader = world.served()
    assert case.model is None
    reloader.reload()
    assert version_of(case) == "1"


def bad_model(world: World, folder: Path) -> None:
    world.spoil("3", MODEL_FILE, b"not a model")


def half_a_model(world: World, folder: Path) -> None:
    world.spoil("3", MODEL_FILE, (folder / MODEL_FILE).read_bytes()[:5000])


def no_profile(world: World, folder: Path) -> None:
    world.store.delete(f"releases/{HOUSES}/3/{PROFILE_FILE}")


def no_json(world: World, folder: Path) -> None:
    world.spoil("3", RELEASE_FILE, b"{")


def another_case(world: World, folder: Path) -> None:
    put(world.store, "3", flowers(folder.parent / "flowers"))


def says_it_is_ours(world: World, folder: Path) -> None:
    put(world.store, "3", flowers(folder.parent / "ours", case=HOUSES))


def other_fields(world: World, folder: Path) -> None:
    put(world.store, "3", houses(folder.parent / "fields", fields=without_field("bed")))


def other_kind(world: World, folder: Path) -> None:
    put(
        world.store,
        "3",
        houses(folder.parent / "kind", fields=renamed_kind("city", Kind.NUMBER)),
    )


def other_unit(world: World, folder: Path) -> None:
    put(world.store, "3", houses(folder.parent / "unit", unit="EUR"))


def no_classes(world: World, folder: Path) -> None:
    put(
        world.store,
        "3",
        houses(folder.parent / "classes", task="classification", classes=("a", "b")),
    )


SPOILERS = [
    bad_model, half_a_model, no_profile, no_json, another_case, says_it_is_ours, other_fields, other_kind, other_unit,
    no_classes,
]  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILERS, ids=lambda s: s.__name__)
def test_what_does_not_fit_is_refused_and_the_old_model_goes_on(
    world: World, releases: dict[str, Path], tmp_path: Path, spoil: object
) -> None:
    case, reloader = world.served()
    reloader.reload()
    put(world.store, "3", houses(tmp_path / "three"))
    spoil(world, tmp_path / "three")  # type: ignore[operator]
    world.registry.aliases["champion"] = "3"
    for _ in range(2):
        with pytest.raises(ModelRefused):
            reloader.reload()
    assert version_of(case) == "1"
    assert case.reloads["failed"] == 2
    assert case.last_reload is not None
    assert not case.last_reload.ok
    put(world.store, "3", houses(tmp_path / "mended"))
    assert reloader.reload(force=True)
    assert version_of(case) == "3"


def test_a_release_that_loses_a_field_is_refused_by_its_name(
    world: World, tmp_path: Path
) -> None:
    case, reloader = world.served()
    reloader.reload()
    stricter = tuple(
        type(one)(
            **{name: getattr(one, name) for name in one.__slots__} | {"nullable": False}
        )
        for one in house_fields()
    )
    put(world.store, "3", houses(tmp_path / "strict", fields=stricter))
    world.registry.aliases["champion"] = "3"
    with pytest.raises(ModelRefused, match="field 'bed' is number, not number or null"):
        reloader.reload()
    assert version_of(case) == "1"


def test_only_the_serving_release_and_the_one_before_are_kept(
    world: World, tmp_path: Path
) -> None:
    reloader = world.served()[1]
    put(world.store, "3", houses(tmp_path / "three", commit="other"))
    for version in ("1", "2", "3"):
        world.registry.aliases["champion"] = version
        reloader.reload()
    kept = sorted(
        path.name.split("-")[0]
        for path in (tmp_path / "disk" / HOUSES).iterdir()
        if path.is_dir()
    )
    assert kept == ["2", "3"]
    assert (
        json.loads((tmp_path / "disk" / HOUSES / "current.json").read_text())["version"]
        == "3"
    )


def test_a_hint_makes_the_watcher_look_at_once(world: World) -> None:
    case, reloader = world.served()
    looked = threading.Event()
    poller = RegistryPoller([reloader], 3600, [looked.set])
    poller.start()
    try:
        assert looked.wait(30)
        assert version_of(case) == "1"
        world.registry.aliases["champion"] = "2"
        looked.clear()
        poller.notify()
        assert looked.wait(30)
        assert version_of(case) == "2"
    finally:
        poller.close()


@pytest.mark.parametrize(
    "failure",
    [RuntimeError("a fault of ours"), StoreUnavailable("the database is away")],
)
def test_the_watcher_outlives_every_failure_and_tells_it(
    failure: Exception, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    case, reloader = world.served()
    looks = threading.Semaphore(0)

    def fail() -> None:
        looks.release()
        raise failure

    world.registry.is_away = True
    poller = RegistryPoller([reloader], 0.1, [fail])
    poller.start()
    try:
        assert looks.acquire(timeout=30)
        world.registry.is_away = False
        assert looks.acquire(timeout=30)
        assert looks.acquire(timeout=30)
        assert version_of(case) == "1"
        assert str(failure) in caplog.text
    finally:
        poller.close()
