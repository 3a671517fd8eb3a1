"""Everything that differs between installations, from RELEVO_… variables or a .env file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from relevo.errors import InvalidSetting


class EnvSettings(BaseSettings):
    """A value that makes no sense is named as the variable that people set."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            wrong = [
                f"{self._variable(str(fault['loc'][0]))}: {fault['msg']}; got {fault['input']!r}"
                for fault in error.errors()
            ]
            raise InvalidSetting("\n".join(wrong)) from None
        except SettingsError as error:
            # its message names the field in quotes; the cause says what is wrong
            name = self._variable(str(error).split('"')[1])
            raise InvalidSetting(f"{name}: is no JSON; {error.__cause__}") from None

    @classmethod
    def _variable(cls, field: str) -> str:
        return f"{cls.model_config['env_prefix']}{field}".upper()


class Settings(EnvSettings):
    """With nothing set, all state lies under `.relevo/` in the folder Relevo is started in."""

    model_config = SettingsConfigDict(
        env_prefix="RELEVO_", env_file=".env", extra="ignore", frozen=True
    )

    home: Path = Field(Path(".relevo"), description="where local state is kept")
    use_cases: Path = Field(Path("use_cases"), description="the folder of use cases")
    warehouse_url: str = Field(
        "", description="SQLAlchemy URL; empty: SQLite under home"
    )
    tracking_uri: str = Field(
        "", description="MLflow; empty: SQLite and local files under home"
    )
    landing_store: str = Field(
        "", description="s3://bucket or a folder; empty: a folder under home"
    )
    artifacts_store: str = Field(
        "", description="s3://bucket or a folder; empty: a folder under home"
    )
    s3_endpoint: str = Field(
        "", description="for S3 that is not Amazon's, such as MinIO"
    )
    source_url: str = Field(
        "http://127.0.0.1:8000",
        description="the data API of HTTP sources that name none",
    )
    source_group: int | None = Field(
        None, description="overrides the group of HTTP sources"
    )
    source_can_repeat: bool | None = Field(
        None, description="overrides can_repeat of HTTP sources"
    )
    source_may_restart: bool | None = Field(
        None, description="overrides may_restart of HTTP sources"
    )
    source_timeout: float = Field(
        60.0, gt=0, description="seconds without a byte before a request fails"
    )
    source_tries: int = Field(
        5,
        ge=1,
        description="requests to a source that may be retried, before a batch fails",
    )
    reload_urls: tuple[str, ...] = Field(
        (), description="APIs to notify after publishing, as a JSON list"
    )
    commit: str = Field("", description="the commit that runs; empty: read from git")
    data_api_port: int = Field(
        8000, description="the port of the data API under `make up`"
    )
    mlflow_port: int = Field(5000, description="the port of MLflow under `make up`")
    api_port: int = Field(
        8989, description="the port of the inference API under `make up`"
    )
    airflow_port: int = Field(8080, description="the port of Airflow under `make up`")
    ui_port: int = Field(8501, description="the port of the UI under `make up`")

    @property
    def warehouse(self) -> str:
        return self.warehouse_url or f"sqlite:///{self.home.absolute()}/warehouse.db"

    @property
    def tracking(self) -> str:
        return self.tracking_uri or f"sqlite:///{self.home.absolute()}/mlflow.db"

    @property
    def landing(self) -> str:
        return self.landing_store or str(self.home.absolute() / "landing")

    @property
    def artifacts(self) -> str:
        return self.artifacts_store or str(self.home.absolute() / "api-artifacts")
