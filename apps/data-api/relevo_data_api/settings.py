"""Settings, each read from the environment variable RELEVO_DATA_API_ and its name in capitals."""

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_PREFIX = "RELEVO_DATA_API_"

StreamName = Literal["king-county", "campaign"]


def parse_groups(value: object) -> object:
    """Turn "1=king-county,2=campaign" into a mapping; a mapping passes as it is."""
    if not isinstance(value, str):
        return value
    groups: dict[int, str] = {}
    for entry in filter(None, map(str.strip, value.split(","))):
        number, _, stream = map(str.strip, entry.partition("="))
        if not number.isdecimal() or stream not in get_args(StreamName):
            streams = " or ".join(get_args(StreamName))
            raise ValueError(
                f"'{entry}' is not NUMBER=STREAM, where STREAM is {streams}"
            )
        if int(number) in groups:
            raise ValueError(f"group {number} is given twice")
        groups[int(number)] = stream
    return groups


def default_groups() -> dict[int, StreamName]:
    """Group 2 serves the campaign; 1 and 3 to 10 serve King County."""
    groups: dict[int, StreamName] = dict.fromkeys(range(1, 11), "king-county")
    return groups | {2: "campaign"}


class DataApiSettings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, frozen=True
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    state_dir: Path = Field(
        default=Path(".relevo/data-api"), description="where the cursors are kept"
    )
    groups: Annotated[
        dict[int, StreamName],
        NoDecode,
        BeforeValidator(parse_groups),
        Field(min_length=1),
    ] = Field(default_factory=default_groups)
    batch_rows: int | None = Field(
        default=None, ge=1, description="at most so many rows in a batch"
    )
    campaign_scale: float = Field(
        default=1.0, gt=0, le=1, description="fraction of the campaign's sizes"
    )
    campaign_seed: int = Field(default=2026, ge=0)
