"""The model registry in MLflow: one run per training, a logged model with its release files, a registered version."""

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
from mlflow.types import ColSpec, Schema, TensorSpec

from relevo.adapters.mlflow.aliases import ABSENT, LONGEST_TAG, no_version
from relevo.domain.model_version import ModelVersion, RunRecord
from relevo.domain.release import Release, digest_of
from relevo.errors import ModelRefused, StoreUnavailable
from relevo.releases.release_folder import ReleaseFolder
from relevo.whole_file import whole_folder

DECISION_TAG = "relevo.decision"
DIGEST_TAG = "relevo.digest"
SQLITE = "sqlite:///"
LONGEST_PARAMETER = 6000  # MLflow's own limit
UNREACHABLE = ("TEMPORARILY_UNAVAILABLE", "INTERNAL_ERROR")

logging.getLogger("mlflow").setLevel(logging.WARNING)
# it misses pip, which uv does not install
logging.getLogger("mlflow.utils.environment").setLevel(logging.ERROR)


def create_database(database: Path) -> None:
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
        self._uri = tracking_uri
        self._cache = cache
        self._artifacts = artifacts
        if tracking_uri.startswith(SQLITE):
            create_database(Path(tracking_uri.removeprefix(SQLITE)))
        mlflow.set_tracking_uri(tracking_uri)
        with self._reached():
            self._client = MlflowClient(tracking_uri)

    def register(
        self, case: str, run: RunRecord, folder: Path, decision_key: str
    ) -> ModelVersion:
        tags = {**run.tags, DECISION_TAG: decision_key}
        digest = digest_of(ReleaseFolder(folder).model_bytes())
        with self._reached():
            experiment = self._experiment(run.experiment)
            self._end_abandoned_runs(experiment, decision_key)
            run_id = self._log_run(experiment, run, folder, tags)
            model_id = self._log_model(experiment, case, run_id, folder)
            self._client.set_terminated(run_id)
            # last: a version is complete or absent
            version = self._client.create_model_version(
                case,
                source=f"models:/{model_id}",
                run_id=run_id,
                tags={**tags, DIGEST_TAG: digest},
                model_id=model_id,
            )
        return _version(version)

    def find(self, case: str, decision_key: str) -> ModelVersion | None:
        query = f"name='{case}' and tag.`{DECISION_TAG}`='{decision_key}'"
        with self._reached():
            versions = self._client.search_model_versions(query)
        return next(map(_version, versions), None)

    def versions(self, case: str) -> list[ModelVersion]:
        with self._reached():
            versions = list(self._search(case))
            if not versions:
                return []
            aliases = self._client.get_registered_model(case).aliases
        names: dict[str, list[str]] = {}
        for alias, number in aliases.items():
            names.setdefault(str(number), []).append(alias)
        return [
            _version(version, tuple(names.get(str(version.version), ())))
            for version in versions
        ]

    def version(self, case: str, number: str) -> ModelVersion:
        for version in self.versions(case):
            if version.number == number:
                return version
        raise no_version(case, number)

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
                self._client.set_model_version_tag(
                    case, number, key, value[:LONGEST_TAG]
                )

    def fetch(self, case: str, number: str) -> Path:
        folder = self._cache / case / number
        digest = self.version(case, number).tags.get(DIGEST_TAG, "")
        if _matches(folder, digest):
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        with self._reached(), whole_folder(folder) as unfinished:
            mlflow.artifacts.download_artifacts(
                f"models:/{case}/{number}", dst_path=str(unfinished)
            )
            if not _matches(unfinished, digest):
                raise ModelRefused(
                    f"version {number} of {case}: its model is not the file that was registered (digest {digest[:12]}…); "
                    f"restore the artifact store, or promote another version with `relevo promote {case} VERSION --reason …`"
                )
        return folder

    def _experiment(self, name: str) -> str:
        experiment = self._client.get_experiment_by_name(name)
        if experiment is not None:
            return str(experiment.experiment_id)
        location: str | None = None
        if self._artifacts:
            location = f"{self._artifacts}/{name}"
        return str(self._client.create_experiment(name, artifact_location=location))

    def _end_abandoned_runs(self, experiment: str, decision_key: str) -> None:
        """A run of this decision that still runs belongs to a process that was killed."""
        query = f"tags.`{DECISION_TAG}` = '{decision_key}' and attributes.status = 'RUNNING'"
        for run in self._client.search_runs([experiment], query):
            self._client.set_terminated(run.info.run_id, status="KILLED")

    def _log_run(
        self, experiment: str, run: RunRecord, folder: Path, tags: dict[str, str]
    ) -> str:
        created = self._client.create_run(experiment, run_name=run.name, tags=tags)
        run_id = str(created.info.run_id)
        params = [
            Param(key, str(value)[:LONGEST_PARAMETER])
            for key, value in run.parameters.items()
        ]
        now = int(datetime.now(UTC).timestamp() * 1000)
        metrics = [Metric(key, value, now, 0) for key, value in run.metrics.items()]
        note = RunTag("mlflow.note.content", _note(folder))
        self._client.log_batch(run_id, metrics, params, [note])
        pictures = ReleaseFolder(folder).pictures
        if pictures.is_dir():
            self._client.log_artifacts(run_id, str(pictures), pictures.name)
        return run_id

    def _log_model(self, experiment: str, case: str, run_id: str, folder: Path) -> str:
        """An MLflow model of the ONNX file, so that `mlflow models serve` runs it, with the release files beside it."""
        release = ReleaseFolder(folder)
        with tempfile.TemporaryDirectory(prefix="relevo-") as temporary:
            path = Path(temporary) / "model"
            mlflow.onnx.save_model(
                onnx.load(str(release.model)),
                str(path),
                signature=tensor_signature(release.release()),
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

    def _search(self, case: str) -> Iterator[Any]:
        token: str | None = None
        while token != "":
            page = self._client.search_model_versions(
                f"name='{case}'",
                max_results=200,
                order_by=["version_number DESC"],
                page_token=token,
            )
            yield from page
            token = page.token or ""

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except MlflowException as error:
            if error.error_code in UNREACHABLE or "API request" in str(error):
                raise StoreUnavailable(
                    f"MLflow at {self._uri} does not answer: {error}; start it or correct RELEVO_TRACKING_URI"
                ) from error
            raise


def _matches(folder: Path, digest: str) -> bool:
    model = ReleaseFolder(folder).model
    return model.is_file() and digest_of(model.read_bytes()) == digest


def tensor_signature(release: Release) -> ModelSignature:
    """Of tensors: of plain columns MLflow hands text on in a form that ONNX Runtime refuses."""
    types = {True: np.dtype(str), False: np.dtype(np.float32)}
    inputs: list[ColSpec | TensorSpec] = [
        TensorSpec(types[field.is_categorical], (-1, 1), field.name)
        for field in release.fields
    ]
    outputs = {
        "regression": TensorSpec(types[False], (-1, 1), "prediction"),
        "classification": TensorSpec(
            types[False], (-1, len(release.classes)), "probabilities"
        ),
    }
    return ModelSignature(Schema(inputs), Schema([outputs[release.task]]))


def _note(folder: Path) -> str:
    card = ReleaseFolder(folder).card
    if not card.is_file():
        return ""
    return card.read_text()[:LONGEST_TAG]


def _version(version: Any, aliases: tuple[str, ...] = ()) -> ModelVersion:
    return ModelVersion(
        number=str(version.version),
        run_id=str(version.run_id),
        created_at=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        tags=dict(version.tags),
        aliases=aliases,
    )
