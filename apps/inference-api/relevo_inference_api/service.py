"""The served cases with all that keeps them going: releases, logs, the watcher, and what is asked of outside."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from relevo.bootstrap import ServingPorts
from relevo.domain.evidence import Move
from relevo.domain.prediction import LoggedPrediction
from relevo.domain.release import Release
from relevo.errors import NotFound, RelevoError, StoreUnavailable
from relevo.releases.publisher import Publisher
from relevo.releases.release_cache import ReleaseCache
from relevo.releases.release_folder import RELEASE_FILE, TRAINING_FILE
from relevo.releases.stored_release import release_prefix
from relevo.serving.case_responses import receipt_of
from relevo.serving.drift import measure_drift
from relevo.serving.log.prediction_log import Limits, PredictionLog
from relevo.serving.reload import Pointers, RegistryPoller, Reloader
from relevo.serving.responses import Receipt
from relevo.serving.served_case import ServedCase
from relevo.settings import Settings
from relevo_inference_api.settings import ApiSettings

log = logging.getLogger(__name__)

SHIPPING_SECONDS = 20.0
LIVE_DAYS = 7
LIVE_EVERY_SECONDS = 300.0


class Service:
    """Made without asking anybody; `start` answers from disk at once and asks in the background."""

    def __init__(self, settings: ApiSettings, places: Settings) -> None:
        self.settings, self.ports = settings, ServingPorts(places)
        self.state = (settings.state_dir or places.home / "inference-api").absolute()
        self.cases: dict[str, ServedCase] = {}
        self.reloaders: dict[str, Reloader] = {}
        self._logs: list[PredictionLog] = []
        self._live_at = 0.0

    def start(self) -> None:
        ports, settings = self.ports, self.settings
        limits = Limits(most_bytes=settings.log_bytes // len(settings.cases))
        for name in settings.cases:
            kept = PredictionLog(
                self.state / "predictions",
                name,
                settings.environment,
                ports.predictions,
                ports.artifacts,
                limits,
            )
            self._logs.append(kept)
            case = ServedCase(
                name, settings.environment, settings.alias, settings.max_rows, kept
            )
            cache = ReleaseCache(self.state / "releases", name, ports.artifacts)
            self.cases[name] = case
            self.reloaders[name] = Reloader(
                case, ports.aliases, Pointers(ports.artifacts), cache
            )
            self.reloaders[name].start_from_disk()
        drifts = [partial(measure_drift, case) for case in self.cases.values()]
        self.poller = RegistryPoller(
            self.reloaders.values(),
            settings.poll_seconds,
            [*drifts, self._measure_live_error],
        )
        for kept in self._logs:
            kept.start()
        self.poller.start()

    def close(self) -> None:
        self.poller.close()
        until = time.monotonic() + SHIPPING_SECONDS
        for kept in self._logs:
            kept.close(max(0.0, until - time.monotonic()))

    def reload(self, name: str) -> bool:
        return self.reloaders[name].reload(force=True)

    def promote(self, name: str, version: str, reason: str) -> Move:
        return self._follow(name, self._publisher().promote(name, version, reason))

    def rollback(self, name: str, reason: str) -> Move:
        return self._follow(name, self._publisher().roll_back(name, reason))

    def _publisher(self) -> Publisher:
        ports = self.ports
        if ports.aliases is None:
            raise StoreUnavailable(
                "the registry has no address; set RELEVO_TRACKING_URI to the URL of MLflow"
            )
        return Publisher(
            record=ports.record,
            registry=ports.aliases,
            store=ports.artifacts,
            notify=ports.notify,
            clock=ports.clock,
        )

    def _follow(self, name: str, move: Move) -> Move:
        """Who ordered is answered by the version ordered. The move stands where this reload fails, which /health tells."""
        try:
            self.reload(name)
        except RelevoError as error:
            log.warning(
                "%s: version %s was ordered and does not serve yet: %s",
                name,
                move.version,
                error,
            )
        return move

    def label(self, labels: list[tuple[str, str]]) -> None:
        self.ports.predictions.label(labels)
        self._live_at = 0.0

    def trace(self, receipt: str) -> Receipt:
        """The whole story of a prediction; NotFound names the receipt."""
        shipped = False
        found = next(
            (line for kept in self._logs if (line := kept.find(receipt)) is not None),
            None,
        )
        if found is None:
            found, shipped = self.ports.predictions.find(receipt), True
        if found is None:
            raise NotFound(
                f"no prediction has the receipt {receipt!r}; it is the 32 characters that came with the answer"
            )
        release, training = self._release_of(found)
        return receipt_of(found, release, training, self.ports.record, shipped=shipped)

    def _release_of(
        self, found: LoggedPrediction
    ) -> tuple[Release | None, dict[str, object]]:
        case, version = self.cases.get(found["case"]), found["version"]
        if (
            case is not None
            and (model := case.model) is not None
            and model.version == version
        ):
            return model.release, model.training
        folder = release_prefix(found["case"], version or "")
        try:
            with self.ports.artifacts.open(f"{folder}/{RELEASE_FILE}") as stream:
                release = Release.from_dict(msgspec.json.decode(stream.read()))
            with self.ports.artifacts.open(f"{folder}/{TRAINING_FILE}") as stream:
                return release, msgspec.json.decode(stream.read())
        except (StoreUnavailable, NotFound):
            return None, {}

    def _measure_live_error(self) -> None:
        if time.monotonic() < self._live_at + LIVE_EVERY_SECONDS and self._live_at:
            return
        self._live_at = time.monotonic()
        since = datetime.now(UTC) - timedelta(days=LIVE_DAYS)
        for case in self.cases.values():
            case.live_error = {}  # a database that is away leaves none that is old
            if (model := case.model) is not None:
                live = self.ports.predictions.live_error(
                    case.name, case.environment, since, model.release.task
                )
                case.live_error = live.by_metric
