"""A small use case for the loop's tests: rents of flats, from the foreign server."""

from __future__ import annotations

from pathlib import Path

from relevo.settings import Settings

USE_CASE = """
from relevo.domain.contract import Contract, category, number
from relevo.domain.policy import Policy
from relevo.domain.use_case import HttpBatches, UseCase
from relevo.learning.candidates import LinearBaseline

CASE = UseCase(
    name="flats",
    unit="EUR",
    contract=Contract(
        target="rent",
        identity=("flat",),
        columns=(
            number("flat"),
            category("city", nullable=True),
            number("size", low=1, high=1000),
            number("rent", low=1, high=100_000),
        ),
    ),
    features=("city", "size"),
    candidates=(LinearBaseline(),),
    log_target=True,
    slices=("city",),
    policy=Policy(min_rows_to_measure=50, error_rise=0.6),
    source=HttpBatches(group=1),
)
"""


def flats_settings(folder: Path, url: str, **more: object) -> Settings:
    """Settings of a fresh home with the use case written beside it."""
    case = folder / "use_cases" / "flats"
    if not case.is_dir():
        case.mkdir(parents=True)
        (case / "use_case.py").write_text(USE_CASE)
    values = {
        "home": folder / "home",
        "use_cases": folder / "use_cases",
        "source_url": url,
        "source_timeout": 1.0,
        "commit": "test",
    }
    return Settings(_env_file=None, **(values | more))  # type: ignore[call-arg]
