"""The served cases with all that keeps them going: releases, logs, registry polls, and what
is asked of outside.
"""

import logging
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

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
from relevo.serving.log.prediction_log import Limits, PredictionLog
from relevo.serving.reload import Pointers, RegistryPoller, Reloader
from relevo.serving.responses import Receipt
from relevo.serving.served_case import ServedCase
from relevo.settings import Settings
from relevo_inference_api.settings import ApiSettings

log = logging.getLogger(__name__)

# for shipping what is left, after the 10 s that requests have to end: a pod has 60 s for both
CLOSING_SECONDS = 20.0
LIVE_DAYS = 7
LIVE_EVERY_SECONDS = 300.0  # it is a join over a week of predictions


class Service:
    """Made without asking anybody; `start` answers from disk at once and asks in the background."""

    def __init__(
        self, names: Sequence[str], settings: ApiSettings, places: Settings
    ) -> None:
        self.settings, self.ports = settings, ServingPorts(places)
        self._names = names
        self.state = (settings.state_dir or places.home / "inference-api").absolute()
        self.cases: dict[str, ServedCase] = {}
        self.reloaders: dict[str, Reloader] = {}
        self._next_live_error = 0.0

    def start(self) -> None:
        for name in self._names:
            self._open(name)
        drifts = [case.measure_drift for case in self.cases.values()]
        self.poller = RegistryPoller(
            self.reloaders.values(),
            self.settings.poll_seconds,
            [*drifts, self._measure_live_error],
        )
        for case in self.cases.values():
            case.log.start()
        self.poller.start()

    def _open(self, name: str) -> None:
        ports, settings = self.ports, self.settings
        case = ServedCase(
            name=name,
            environment=settings.environment,
            alias=settings.alias,
            max_rows=settings.max_rows,
            log=PredictionLog(
                self.state / "predictions",
                name,
                settings.environment,
                ports.predictions,
                ports.artifacts,
                Limits(most_bytes=settings.log_bytes // len(self._names)),
            ),
        )
        cache = ReleaseCache(self.state / "releases", name, ports.artifacts)
        reloader = Reloader(case, ports.aliases, Pointers(ports.artifacts), cache)
        reloader.start_from_disk()
        self.cases[name] = case
        self.reloaders[name] = reloader

    def close(self) -> None:
        self.poller.close()
        deadline = time.monotonic() + CLOSING_SECONDS
        for case in self.cases.values():
            case.log.close(max(0.0, deadline - time.monotonic()))

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
        """The response comes from the version promoted.

        The move stands where this reload fails, which /health tells.
        """
        try:
            self.reload(name)
        except RelevoError as error:
            log.warning(
                "%s: version %s is promoted and does not serve yet: %s",
                name,
                move.version,
                error,
            )
        return move

    def label(self, labels: list[tuple[str, str]]) -> None:
        self.ports.predictions.label(labels)
        self._next_live_error = 0.0

    def trace(self, receipt: str) -> Receipt:
        """The whole story of a prediction; NotFound names the receipt."""
        unshipped = (case.log.find(receipt) for case in self.cases.values())
        logged = next(filter(None, unshipped), None)
        is_shipped = logged is None
        if logged is None:
            logged = self.ports.predictions.find(receipt)
        if logged is None:
            raise NotFound(
                f"no prediction has the receipt {receipt!r}; it is the 32 characters that came with the answer"
            )
        return receipt_of(
            logged, *self._release_of(logged), self.ports.record, shipped=is_shipped
        )

    def _release_of(
        self, logged: LoggedPrediction
    ) -> tuple[Release | None, dict[str, Any]]:
        """The release and what it was trained on, also where another one serves by now."""
        name, version = logged["case"], logged["version"]
        case = self.cases.get(name)
        model = case and case.model  # read once: it may be swapped
        if model and model.version == version:
            return model.release, model.training
        prefix = release_prefix(name, version or "")
        try:
            with self.ports.artifacts.open(f"{prefix}/{RELEASE_FILE}") as stream:
                release = Release.from_dict(msgspec.json.decode(stream.read()))
            with self.ports.artifacts.open(f"{prefix}/{TRAINING_FILE}") as stream:
                return release, msgspec.json.decode(stream.read())
        except (StoreUnavailable, NotFound):
            return None, {}

    def _measure_live_error(self) -> None:
        if time.monotonic() < self._next_live_error:
            return
        self._next_live_error = time.monotonic() + LIVE_EVERY_SECONDS
        since = datetime.now(UTC) - timedelta(days=LIVE_DAYS)
        for case in self.cases.values():
            # a database that is unavailable leaves no figure that is old
            case.live_error = {}
            if case.model is not None:
                live = self.ports.predictions.live_error(
                    case.name, case.environment, since, case.model.release.task
                )
                case.live_error = live.by_metric
