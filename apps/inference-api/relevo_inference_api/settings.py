"""Settings of this program, each read from RELEVO_API_ and its name in capitals.

Where things are is in relevo.settings.
"""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import NoDecode, SettingsConfigDict

from relevo.settings import EnvSettings


def parse_cases(value: object) -> object:
    """Turn "rents, iris" into names."""
    if not isinstance(value, str):
        return value
    return tuple(filter(None, map(str.strip, value.split(","))))


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(parse_cases)]


class ApiSettings(EnvSettings):
    model_config = SettingsConfigDict(
        env_prefix="RELEVO_API_", env_file=".env", extra="ignore", frozen=True
    )

    cases: Names = Field(
        (), description="what to serve, separated by commas; empty: every use case"
    )
    alias: str = Field(
        "champion", pattern="^(champion|challenger)$", description="what to serve"
    )
    environment: str = Field(
        "prod",
        pattern="^[a-z][a-z0-9-]{0,39}$",
        description="named in logs and metrics",
    )
    host: str = "127.0.0.1"
    port: int = Field(8989, ge=0, le=65535)
    token: str = Field(
        "", description="for reload, labels, promote and rollback; empty: nobody may"
    )
    key: str = Field("", description="for predict and explain; empty: anybody may")
    poll_seconds: float = Field(
        10.0, ge=0.1, description="how often to poll the registry"
    )
    max_rows: int = Field(10_000, ge=1, description="rows a request, at most")
    max_bytes: int = Field(8 << 20, ge=1_000, description="bytes a request, at most")
    log_bytes: int = Field(
        16 << 30,
        ge=64 << 20,
        description="predictions that wait to be shipped, at most, of all use cases together",
    )
    state_dir: Path | None = Field(
        None, description="releases and predictions on disk; must outlive the process"
    )
