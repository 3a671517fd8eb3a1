"""The model registry in MLflow: a run a training, a logged model with its release files, a registered version."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import mlflow.artifacts
import mlflow.onnx
import numpy as np
import onnx
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

from relevo.domain.model_version import ModelVersion, RunRecord
from relevo.domain.release import Release, digest_of
from relevo.errors import ModelRefused, NotFound, StoreUnavailable
from relevo.releases.release_folder import ReleaseFolder

DECISION_TAG = "relevo.decision"
DIGEST_TAG = "relevo.digest"
SQLITE = "sqlite:///"
ABSENT = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")

for chatty, level in (
    ("mlflow", logging.WARNING),
    ("mlflow.utils.environment", logging.ERROR),
):  # misses pip under uv
    logging.getLogger(chatty).setLevel(level)


def make_whole(database: Path) -> None:
    """A new SQLite file of MLflow's, complete or absent: its migrations, killed half-way, leave one that never opens."""
    if database.exists():
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    unfinished = database.with_name(f"{database.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    MlflowClient(f"{SQLITE}{unfinished}").search_experiments(max_results=1)
    unfinished.replace(database)


class MlflowRegistry:
    """`artifacts` is where a new experiment keeps files; empty leaves it to the tracking server."""

    def __init__(self, tracking_uri: str, cache: Path, artifacts: str = "") -> None:
        self._uri, self._cache, self._artifacts = tracking_uri, cache, artifacts
        if tracking_uri.startswith(SQLITE):
            make_whole(Path(tracking_uri.removeprefix(SQLITE)))
        mlflow.set_tracking_uri(tracking_uri)
        with self._reached():
            self._client = MlflowClient(tracking_uri)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except MlflowException as error:
            if "API request" in str(error) or error.error_code in (
                "TEMPORARILY_UNAVAILABLE",
                "INTERNAL_ERROR",
            ):
                raise StoreUnavailable(
                    f"MLflow at {self._uri} does not answer: {error}; start it or correct RELEVO_TRACKING_URI"
                ) from error
            raise

    def register(
        self, case: str, run: RunRecord, folder: Path, decision_key: str
    ) -> ModelVersion:
        with self._reached():
            experiment = self._experiment(run.experiment)
            self._end_abandoned_runs(experiment, decision_key)
            run_id = self._log_run(experiment, run, folder, decision_key)
            model_id = self._log_model(experiment, case, run_id, folder)
            self._client.log_batch(
                run_id,
                metrics=[Metric(k, v, _millis(), 0) for k, v in run.metrics.items()],
            )
            self._client.set_terminated(run_id)
            tags = {
                **run.tags,
                DECISION_TAG: decision_key,
                DIGEST_TAG: digest_of(ReleaseFolder(folder).model_bytes()),
            }
            created = self._client.create_model_version(
                case,
                source=f"models:/{model_id}",
                run_id=run_id,
                tags=tags,
                model_id=model_id,
            )
            return _version(created)

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        location = f"{self._artifacts}/{name}" if self._artifacts else None
        return str(self._client.create_experiment(name, artifact_location=location))

    def _end_abandoned_runs(self, experiment: str, decision_key: str) -> None:
        """A run of this decision that still runs belongs to a process that was killed."""
        query = f"tags.`{DECISION_TAG}` = '{decision_key}' and attributes.status = 'RUNNING'"
        for run in self._client.search_runs([experiment], query):
            self._client.set_terminated(run.info.run_id, status="KILLED")

    def _log_run(
        self, experiment: str, run: RunRecord, folder: Path, decision_key: str
    ) -> str:
        tags = {**run.tags, DECISION_TAG: decision_key}
        run_id = str(
            self._client.create_run(
                experiment, run_name=run.name, tags=tags
            ).info.run_id
        )
        params = [
            Param(key, str(value)[:6000]) for key, value in run.parameters.items()
        ]
        self._client.log_batch(
            run_id, params=params, tags=[RunTag("mlflow.note.content", _note(folder))]
        )
        pictures = ReleaseFolder(folder).pictures
        if pictures.is_dir():
            self._client.log_artifacts(run_id, str(pictures), pictures.name)
        return run_id

    def _log_model(self, experiment: str, case: str, run_id: str, folder: Path) -> str:
        """An MLflow model of the ONNX file, so that `mlflow models serve` runs it, with the release files beside it."""
        release = ReleaseFolder(folder).release()
        with tempfile.TemporaryDirectory(prefix="relevo-") as temporary:
            path = Path(temporary) / "model"
            mlflow.onnx.save_model(
                onnx.load(str(ReleaseFolder(folder).model)),
                str(path),
                signature=tensor_signature(release),
                pip_requirements=["onnxruntime", "numpy", "pandas"],
            )
            shutil.copytree(folder, path, dirs_exist_ok=True)
            model = self._client.create_logged_model(
                experiment, name=case, source_run_id=run_id, model_type="onnx"
            )
            self._client.log_model_artifacts(model.model_id, str(path))
            self._client.finalize_logged_model(model.model_id, "READY")
        try:
            self._client.create_registered_model(case)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return str(model.model_id)

    def find(self, case: str, decision_key: str) -> ModelVersion | None:
        query = f"name='{case}' and tag.`{DECISION_TAG}`='{decision_key}'"
        with self._reached():
            found = self._client.search_model_versions(query)
        return _version(found[0]) if found else None

    def versions(self, case: str) -> list[ModelVersion]:
        with self._reached():
            found: list[Any] = []
            token: str | None = None
            while True:
                page = self._client.search_model_versions(
                    f"name='{case}'",
                    max_results=200,
                    order_by=["version_number DESC"],
                    page_token=token,
                )
                found += page
                token = page.token
                if not token:
                    break
            aliases = self._aliases(case) if found else {}
        return [
            _version(
                one,
                tuple(a for a, number in aliases.items() if number == str(one.version)),
            )
            for one in found
        ]

    def _aliases(self, case: str) -> dict[str, str]:
        return {
            alias: str(number)
            for alias, number in self._client.get_registered_model(case).aliases.items()
        }

    def version(self, case: str, number: str) -> ModelVersion:
        for version in self.versions(case):
            if version.number == number:
                return version
        raise NotFound(
            f"{case} has no version {number}; `relevo status {case}` lists those it has"
        )

    def alias(self, case: str, alias: str) -> str | None:
        with self._reached():
            try:
                return str(self._client.get_model_version_by_alias(case, alias).version)
            except MlflowException as error:
                if error.error_code in ABSENT:
                    return None
                raise

    def set_alias(self, case: str, alias: str, number: str) -> None:
        with self._reached():
            self._client.set_registered_model_alias(case, alias, number)

    def tag(self, case: str, number: str, tags: dict[str, str]) -> None:
        with self._reached():
            for key, value in tags.items():
                self._client.set_model_version_tag(case, number, key, value[:5000])

    def fetch(self, case: str, number: str) -> Path:
        folder = self._cache / case / number
        digest = self.version(case, number).tags.get(DIGEST_TAG, "")
        if _matches(folder, digest):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with self._reached():
            mlflow.artifacts.download_artifacts(
                f"models:/{case}/{number}", dst_path=str(folder)
            )
        if not _matches(folder, digest):
            raise ModelRefused(
                f"version {number} of {case}: its model is not the file that was registered (digest {digest[:12]}…); "
                f"restore the artifact store, or promote another version with `relevo promote {case} VERSION --reason …`"
            )
        return folder


def _matches(folder: Path, digest: str) -> bool:
    model = ReleaseFolder(folder).model
    return model.is_file() and digest_of(model.read_bytes()) == digest


def tensor_signature(release: Release) -> ModelSignature:
    """Of tensors: of plain columns MLflow hands text on in a form that ONNX Runtime refuses."""
    column = (-1, 1)
    answers = {
        "regression": ("prediction", column),
        "classification": ("probabilities", (-1, len(release.classes))),
    }
    name, shape = answers[release.task]
    types = {True: np.dtype(str), False: np.dtype(np.float32)}
    inputs = [
        TensorSpec(types[field.is_categorical], column, field.name)
        for field in release.fields
    ]
    outputs = [TensorSpec(np.dtype(np.float32), shape, name)]
    return ModelSignature(Schema(inputs), Schema(outputs))


def _note(folder: Path) -> str:
    card = ReleaseFolder(folder).card
    return card.read_text()[:5000] if card.is_file() else ""


def _millis() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)


def _version(found: Any, aliases: tuple[str, ...] = ()) -> ModelVersion:
    created = datetime.fromtimestamp(found.creation_timestamp / 1000, UTC)
    return ModelVersion(
        str(found.version), str(found.run_id), created, dict(found.tags), aliases
    )
