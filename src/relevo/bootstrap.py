"""Where ports meet adapters: the one place that knows both, from settings.

Adapters are imported where they are first needed: `relevo --help` and the parsing of a DAG must not wait for MLflow.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from relevo.domain.use_case import FileBatches, UseCase
from relevo.errors import NotFound, UseCaseBroken
from relevo.settings import Settings

if TYPE_CHECKING:
    from relevo.domain.batch import Batch
    from relevo.domain.evidence import Decision, Move, Training, Verdict
    from relevo.ports import (
        Aliases,
        BatchSource,
        ModelRegistry,
        ObjectStore,
        PredictionStore,
        Record,
        ReloadHint,
        Warehouse,
    )

LONGEST_WAIT = 30.0
SERVING_PATIENCE = 2.0  # seconds; a person waits for the answer
LOOP_PATIENCE = 90.0  # seconds; nobody does


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def find_use_cases(settings: Settings) -> list[str]:
    """Names of the folders that hold a use case; nothing is imported."""
    return sorted(path.parent.name for path in settings.use_cases.glob("*/use_case.py"))


def load_use_case(name: str, settings: Settings) -> UseCase:
    """The CASE of `use_cases/NAME/use_case.py`; opens no connection."""
    path = settings.use_cases / name / "use_case.py"
    if not path.is_file():
        known = ", ".join(find_use_cases(settings)) or "none yet; make one with `relevo new`"
        raise NotFound(f"no use case {name!r} in {settings.use_cases}/; there are: {known}")
    spec = importlib.util.spec_from_file_location(f"relevo_use_case_{name}", path)
    if spec is None or spec.loader is None:
        raise UseCaseBroken(f"{path}: cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise UseCaseBroken(f"{path}: {type(error).__name__}: {error}") from error
    case = getattr(module, "CASE", None)
    if not isinstance(case, UseCase):
        raise UseCaseBroken(f"{path}: define CASE = UseCase(…)")
    if case.name != name:
        raise UseCaseBroken(f"{path}: its CASE is named {case.name!r}; a use case is named as its folder, {name!r}")
    return case


class Loop:
    """One use case with all its ports. Each step may be run again, by another process too, with the same result."""

    def __init__(self, case: UseCase, settings: Settings, patience: float = LOOP_PATIENCE) -> None:
        self.case, self.settings, self.clock, self._patience = case, settings, SystemClock(), patience

    @cached_property
    def warehouse(self) -> Warehouse:
        from relevo.adapters.sql_warehouse.warehouse import SqlWarehouse

        if not self.settings.warehouse_url:
            self.settings.home.mkdir(parents=True, exist_ok=True)
        warehouse = SqlWarehouse(self.settings.warehouse, self._patience)
        warehouse.migrate()
        warehouse.prepare_case(self.case)
        return warehouse

    @cached_property
    def registry(self) -> ModelRegistry:
        from relevo.adapters.mlflow_registry import MlflowRegistry

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
        wanted = self.case.source
        if isinstance(wanted, FileBatches):
            from relevo.adapters.file_source import FileSource

            folder = self.settings.use_cases / self.case.name
            return FileSource(folder / wanted.path, by=wanted.by, every=wanted.every, rows=wanted.rows)
        from relevo.adapters.http_source import HttpSource

        over = self.settings
        return HttpSource(
            wanted.url or over.source_url,
            wanted.group if over.source_group is None else over.source_group,
            can_repeat=wanted.can_repeat if over.source_can_repeat is None else over.source_can_repeat,
            may_restart=wanted.may_restart if over.source_may_restart is None else over.source_may_restart,
            timeout=over.source_timeout,
        )

    @cached_property
    def landing(self) -> ObjectStore:
        return open_store(self.settings.landing, self.settings.s3_endpoint)

    @cached_property
    def artifacts(self) -> ObjectStore:
        return open_store(self.settings.artifacts, self.settings.s3_endpoint)

    @cached_property
    def hint(self) -> ReloadHint:
        from relevo.adapters.reload_hint import HttpReloadHint

        return HttpReloadHint(self.settings.reload_urls)

    @contextmanager
    def working(self, holder: str) -> Iterator[Loop]:
        """Hold the case while working on it; first carries out what a killed process left half-way."""
        with self.warehouse.lease(self.case.name, holder):
            if any(move.done_at is None for move in self.warehouse.moves(self.case.name)):
                from relevo.loop.publish import finish_open_moves

                finish_open_moves(self.case.name, self.warehouse, self.registry, self.artifacts, self.hint)
            yield self

    def ingest(self) -> Batch | None:
        from relevo.loop.ingest import ingest

        return ingest(self.case, self.source, self.warehouse, self.landing, self.settings.source_tries, _back_off)

    def prepare(self, batch_id: int) -> int:
        from relevo.loop.prepare import prepare

        return prepare(self.case, self.warehouse.batch(batch_id), self.warehouse)

    def decide(self, batch_id: int) -> Decision:
        from relevo.loop.decide import decide

        return decide(self.case, self.warehouse.batch(batch_id), self.warehouse, self.registry, self.clock)

    def open_decisions(self, batch_id: int) -> list[Decision]:
        """Decisions on a batch that are not carried out yet, a person's request beside the batch's own."""
        from relevo.loop.progress import is_carried_out

        decisions = self.warehouse.decisions(self.case.name, batch_id)
        return [decision for decision in decisions if not is_carried_out(decision, self.warehouse)]

    def train(self, decision_id: int) -> Training:
        from relevo.loop.train import train

        decision = self.warehouse.decision(decision_id)
        return train(self.case, decision, self.warehouse, self.registry, self.artifacts, self.clock, self.commit)

    def contest(self, decision_id: int) -> Verdict:
        from relevo.loop.contest import contest

        return contest(self.case, self.warehouse.decision(decision_id), self.warehouse, self.registry, self.clock)

    def publish(self, decision_id: int) -> Move | None:
        from relevo.loop.publish import publish

        verdict = self.warehouse.verdicts(self.case.name, decision_id)[0]
        return publish(verdict, self.warehouse, self.registry, self.artifacts, self.hint, self.clock)

    @cached_property
    def commit(self) -> str:
        from relevo.adapters.git_commit import current_commit

        return self.settings.commit or current_commit(self.settings.use_cases)


def open_loop(name: str, settings: Settings | None = None, patience: float = LOOP_PATIENCE) -> Loop:
    """The loop of a use case. Connections are opened when a step first needs them; see `patience` of the warehouse."""
    settings = settings or Settings()
    return Loop(load_use_case(name, settings), settings, patience)


class ServingPorts:
    """What answering needs of outside; none of it is asked before it is first needed, and nothing waits long for it."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.clock = settings, SystemClock()

    @cached_property
    def aliases(self) -> Aliases | None:
        """None where MLflow is no server: then the pointers in the artifacts store lead to the releases."""
        from relevo.adapters.mlflow_aliases import MlflowAliases

        uri = self.settings.tracking_uri
        return MlflowAliases(uri) if uri.startswith(("http://", "https://")) else None

    @cached_property
    def record(self) -> Record:
        from relevo.adapters.sql_warehouse.record import Record

        return Record(self._database(), SERVING_PATIENCE)

    @cached_property
    def predictions(self) -> PredictionStore:
        from relevo.adapters.sql_predictions import SqlPredictions

        return SqlPredictions(self._database())

    @cached_property
    def artifacts(self) -> ObjectStore:
        return open_store(self.settings.artifacts, self.settings.s3_endpoint)

    @cached_property
    def hint(self) -> ReloadHint:
        from relevo.adapters.reload_hint import HttpReloadHint

        return HttpReloadHint(self.settings.reload_urls)

    def _database(self) -> str:
        if not self.settings.warehouse_url:
            self.settings.home.mkdir(parents=True, exist_ok=True)
        return self.settings.warehouse


def open_store(location: str, endpoint: str) -> ObjectStore:
    if location.startswith("s3://"):
        from relevo.adapters.s3_store import S3Store

        return S3Store(location.removeprefix("s3://").strip("/"), endpoint)
    from relevo.adapters.folder_store import FolderStore

    return FolderStore(Path(location))


def _back_off(try_number: int) -> None:
    time.sleep(min(LONGEST_WAIT, 0.5 * 2**try_number))
