"""What a use case wants decided: one small typed object, stored with every decision."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from relevo.errors import UseCaseBroken

Trigger = Literal[
    "first",
    "rows",
    "input_drift",
    "target_drift",
    "error",
    "new_categories",
    "age",
    "person",
]
ALL_TRIGGERS: tuple[Trigger, ...] = get_args(Trigger)
SHARES = (
    "new_rows_share",
    "bad_rows_share",
    "holdout_share",
    "validation_share",
    "error_probability",
)
CLASSIC_TRIGGERS: tuple[Trigger, ...] = ("first", "rows", "person")


@dataclass(frozen=True, slots=True)
class Policy:
    """Shares are fractions of one. A trigger that is not listed is measured and shown but trains nothing."""

    triggers: tuple[Trigger, ...] = ALL_TRIGGERS
    new_rows_share: float = 0.60
    input_drift: float = 0.25
    target_drift: float = 0.25
    error_rise: float = 0.10
    new_category_share: float = 0.05
    max_age_days: float | None = None
    min_rows_to_measure: int = 200  # drift and error of fewer rows say nothing

    bad_rows_share: float = 0.20  # above it a batch is stopped
    holdout_share: float = 0.20
    validation_share: float = 0.10

    promotion: Literal["contest", "classic"] = "contest"
    # of promoting an equal model, over all contests of the case's life
    error_probability: float = 0.05
    # the loss must fall by at least this share of the champion's
    min_effect: float = 0.005
    # judged on at most this many holdout rows, chosen by identity
    contest_rows: int = 100_000
    rmse_rise: float = 0.02
    slice_rise: float = 0.05
    min_slice_rows: int = 100
    max_size_mb: float = 50.0
    scoring_time_ratio: float = 3.0
    onnx_tolerance: float = 1e-4

    schedule: str = "@hourly"  # when to look for new data after a chain has ended
    seed: int = 7

    def __post_init__(self) -> None:
        if unknown := set(self.triggers) - set(ALL_TRIGGERS):
            raise UseCaseBroken(
                f"policy: no trigger {sorted(unknown)[0]!r}; there are {', '.join(ALL_TRIGGERS)}"
            )
        for name in SHARES:
            if not 0 < getattr(self, name) < 1:
                raise UseCaseBroken(
                    f"policy: {name} is {getattr(self, name)}; it must lie between 0 and 1"
                )
        if self.holdout_share + self.validation_share > 0.8:
            raise UseCaseBroken(
                "policy: holdout_share and validation_share leave less than 20 % of the rows to train on"
            )

    @staticmethod
    def of(values: dict[str, Any]) -> Policy:
        """A policy from plain values, such as those of a TOML file; an unknown name is an error."""
        settings = {field.name for field in fields(Policy)}
        if unknown := set(values) - settings:
            raise UseCaseBroken(
                f"policy: no setting {sorted(unknown)[0]!r}; there are {', '.join(sorted(settings))}"
            )
        if "triggers" in values:
            values = {**values, "triggers": tuple(values["triggers"])}
        return Policy(**values)
