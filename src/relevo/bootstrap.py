"""Where ports meet adapters: the one place that knows both, from settings.

Adapters are imported where they are first needed: `relevo --help` and the parsing of a DAG must not wait for MLflow.
"""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from relevo.domain.batch import Batch
from relevo.domain.policy import Policy
from relevo.domain.use_case import (
    FileBatches,
    HttpBatches,
    SourceFactory,
    SourceOptions,
    UseCase,
)
from relevo.errors import NotFound, RelevoError, UseCaseBroken
from relevo.ports.source import BatchSource
from relevo.settings import Settings

if TYPE_CHECKING:
    from relevo.domain.dialect import Dialect
    from relevo.ports.predictions import PredictionStore
    from relevo.ports.registry import Aliases, ModelRegistry, ReloadNotifier
    from relevo.ports.store import ObjectStore
    from relevo.ports.warehouse import Record, Warehouse
    from relevo.releases.publisher import Publisher

log = logging.getLogger(__name__)

SERVING_PATIENCE = 2.0  # seconds; a person waits for the answer
LOOP_PATIENCE = 90.0  # seconds; nobody does


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def find_use_cases(settings: Settings) -> list[str]:
    """Names of the folders that hold a use case; nothing is imported."""
    return sorted(path.parent.name for path in settings.use_cases.glob("*/use_case.py"))


def load_use_case(name: str, settings: Settings) -> UseCase:
    """The CASE of `use_cases/NAME/use_case.py`, which may import what lies beside it; opens no connection."""
    path = settings.use_cases / name / "use_case.py"
    if not path.is_file():
        known = (
            ", ".join(find_use_cases(settings))
            or "none yet; make one with `relevo new`"
        )
        raise NotFound(
            f"no use case {name!r} in {settings.use_cases}/; there are: {known}"
        )
    package = f"relevo_use_case_{name}"
    spec = importlib.util.spec_from_file_location(
        package, path, submodule_search_locations=[str(path.parent)]
    )
    if spec is None or spec.loader is None:
        raise UseCaseBroken(f"{path}: cannot be imported as Python")
    for loaded in [
        module for module in sys.modules if module.startswith(package + ".")
    ]:
        del sys.modules[loaded]  # of another folder, or as it was before an edit
    importlib.invalidate_caches()
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UseCaseBroken(f"{path}: {type(error).__name__}: {error}") from error
    case = getattr(module, "CASE", None)
    if not isinstance(case, UseCase):
        raise UseCaseBroken(f"{path}: define CASE = UseCase(…)")
    if case.name != name:
        raise UseCaseBroken(
            f"{path}: its CASE is named {case.name!r}; a use case is named as its folder, {name!r}"
        )
    return case


def load_dialects(names: Iterable[str], settings: Settings) -> dict[str, Dialect]:
    """By use case, of those that have one. A broken use case is logged, and hides no other."""
    dialects = {}
    for name in names:
        try:
            dialect = load_use_case(name, settings).dialect
        except NotFound:
            continue  # served from its release alone
        except UseCaseBroken as error:
            log.warning("%s is served without a dialect of its own: %s", name, error)
            continue
        if dialect is not None:
            dialects[name] = dialect
    return dialects


class LoopPorts:
    """One use case with the ports that its loop needs; each is opened when it is first needed."""

    def __init__(
        self, case: UseCase, settings: Settings, patience: float = LOOP_PATIENCE
    ) -> None:
        self.case = case
        self.settings = settings
        self.clock = SystemClock()
        self._patience = patience

    @cached_property
    def warehouse(self) -> Warehouse:
        from relevo.adapters.sql.warehouse import SqlWarehouse

        if not self.settings.warehouse_url:
            self.settings.home.mkdir(parents=True, exist_ok=True)
        warehouse = SqlWarehouse(self.settings.warehouse, self._patience)
        warehouse.migrate()
        warehouse.prepare_case(self.case)
        return warehouse

    @cached_property
    def registry(self) -> ModelRegistry:
        from relevo.adapters.mlflow.registry import MlflowRegistry

        home = self.settings.home.absolute()
        home.mkdir(parents=True, exist_ok=True)
        local = not self.settings.tracking_uri
        return MlflowRegistry(
            self.settings.tracking,
            home / "cache" / "models",
            artifacts=f"file://{home}/mlflow-artifacts" if local else "",
        )

    @cached_property
    def source(self) -> BatchSource:
        declared, settings = self.case.source, self.settings
        folder = settings.use_cases / self.case.name
        if isinstance(declared, FileBatches):
            from relevo.adapters.file_source import FileSource

            return FileSource(
                folder / declared.path,
                by=declared.by,
                every=declared.every,
                rows=declared.rows,
            )
        if isinstance(declared, HttpBatches):
            return _http_source(declared, settings)
        options = SourceOptions(
            folder=folder, url=settings.source_url, timeout=settings.source_timeout
        )
        return _own_source(declared, options)

    @cached_property
    def landing(self) -> ObjectStore:
        return open_store(self.settings.landing, self.settings.s3_endpoint)

    @cached_property
    def artifacts(self) -> ObjectStore:
        return open_store(self.settings.artifacts, self.settings.s3_endpoint)

    @cached_property
    def publisher(self) -> Publisher:
        from relevo.releases.publisher import Publisher

        return Publisher(
            record=self.warehouse.record,
            registry=self.registry,
            store=self.artifacts,
            notify=self.notify,
            clock=self.clock,
        )

    @cached_property
    def notify(self) -> ReloadNotifier:
        from relevo.adapters.reload_notifier import HttpReloadNotifier

        return HttpReloadNotifier(self.settings.reload_urls)

    @cached_property
    def commit(self) -> str:
        from relevo.adapters.git_commit import current_commit

        return self.settings.commit or current_commit(self.settings.use_cases)

    def in_scratch(self, home: Path, policy: Policy, batches: list[Batch]) -> Self:
        """The use case under another policy, in an empty home, with the batches that landed as its source."""
        from relevo.adapters.landed_source import LandedSource

        places = ("warehouse_url", "tracking_uri", "landing_store", "artifacts_store")
        update = {**dict.fromkeys(places, ""), "home": home, "reload_urls": ()}
        settings = self.settings.model_copy(update=update)
        copy = type(self)(replace(self.case, policy=policy), settings)
        copy.source = LandedSource(batches, self.landing)
        numbers = {batch.number for batch in batches}
        for missing in set(range(max(numbers, default=0))) - numbers:
            reason = "given up when it was first run"
            copy.warehouse.attempts.accept_gap(
                self.case.name, copy.source.name, missing, reason
            )
        return copy


class ServingPorts:
    """What answering needs of outside; none of it is asked before it is first needed, and nothing waits long for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = SystemClock()

    @cached_property
    def aliases(self) -> Aliases | None:
        """None where MLflow is no server: then the pointers in the artifacts store lead to the releases."""
        from relevo.adapters.mlflow.aliases import MlflowAliases

        uri = self.settings.tracking_uri
        return MlflowAliases(uri) if uri.startswith(("http://", "https://")) else None

    @cached_property
    def record(self) -> Record:
        from relevo.adapters.sql.database import Database
        from relevo.adapters.sql.record import SqlRecord

        return SqlRecord(Database(self._database(), SERVING_PATIENCE))

    @cached_property
    def predictions(self) -> PredictionStore:
        from relevo.adapters.sql.predictions import SqlPredictions

        return SqlPredictions(self._database())

    @cached_property
    def artifacts(self) -> ObjectStore:
        return open_store(self.settings.artifacts, self.settings.s3_endpoint)

    @cached_property
    def notify(self) -> ReloadNotifier:
        from relevo.adapters.reload_notifier import HttpReloadNotifier

        return HttpReloadNotifier(self.settings.reload_urls)

    def _database(self) -> str:
        if not self.settings.warehouse_url:
            self.settings.home.mkdir(parents=True, exist_ok=True)
        return self.settings.warehouse


def _http_source(declared: HttpBatches, settings: Settings) -> BatchSource:
    from relevo.adapters.http_source import HttpSource

    overrides: dict[str, Any] = {
        "group": settings.source_group,
        "can_repeat": settings.source_can_repeat,
        "may_restart": settings.source_may_restart,
    }
    declared = replace(
        declared,
        **{name: value for name, value in overrides.items() if value is not None},
    )
    return HttpSource(
        declared.url or settings.source_url,
        declared.group,
        can_repeat=declared.can_repeat,
        may_restart=declared.may_restart,
        timeout=settings.source_timeout,
    )


def _own_source(factory: SourceFactory, options: SourceOptions) -> BatchSource:
    path = options.folder / "use_case.py"
    try:
        source = factory(options)
    except RelevoError:
        raise
    except Exception as error:
        raise UseCaseBroken(
            f"{path}: its source cannot be made: {type(error).__name__}: {error}"
        ) from error
    if not isinstance(source, BatchSource):
        raise UseCaseBroken(
            f"{path}: its source is a {type(source).__name__}, which is no BatchSource; "
            "docs/extending.md shows what one has"
        )
    return source


def open_store(location: str, endpoint: str) -> ObjectStore:
    if location.startswith("s3://"):
        from relevo.adapters.objects.s3_store import S3Store

        return S3Store(location.removeprefix("s3://").strip("/"), endpoint)
    from relevo.adapters.objects.folder_store import FolderStore

    return FolderStore(Path(location))
