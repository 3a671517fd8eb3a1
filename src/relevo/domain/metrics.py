"""Every metric once: its name in records, what people call it, its unit, and which way is better."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from relevo.domain.identity import Split
from relevo.domain.use_case import Task
from relevo.domain.wording import amount, fixed_percent


class Unit(StrEnum):
    SHARE = "share"  # a fraction of one, shown as percent
    TARGET = "target"  # an amount in the unit of the target
    PLAIN = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """`name` is how it is stored; `short` stands in a sentence, `label` at a column or an axis."""

    name: str
    short: str
    label: str
    meaning: str
    unit: Unit = Unit.PLAIN
    more_is_better: bool = False
    complement_of: str = ""  # stored as this metric, which it is one less
    before: str = ""  # older records have this metric in its place

    def of(
        self, metrics: Mapping[str, float], split: Split | None = None
    ) -> float | None:
        """Its value; the metrics of a split are stored with its name in front, as in `test_mae`."""
        prefix = f"{split}_" if split else ""
        older = metrics.get(prefix + self.before)
        value = metrics.get(prefix + (self.complement_of or self.name), older)
        if value is None or not self.complement_of:
            return value
        return 1 - value

    def text(self, value: float) -> str:
        if self.unit is Unit.SHARE:
            return fixed_percent(value)
        return amount(value)


RMSE = Metric(
    name="rmse",
    short="RMSE",
    label="RMSE",
    meaning="root mean square error",
    unit=Unit.TARGET,
)
MSE = Metric(
    name="mse", short="MSE", label="Mean square error", meaning="mean square error"
)
MAE = Metric(
    name="mae",
    short="MAE",
    label="Mean absolute error",
    meaning="mean absolute error",
    unit=Unit.TARGET,
)
CAPPED_MAE = Metric(
    name="capped_mae",
    short="capped MAE",
    label="Mean absolute error, the worst 1 % capped",
    meaning="mean absolute error; the worst hundredth count as the worst of the others",
    unit=Unit.TARGET,
    before=MAE.name,
)
MEDIAN_AE = Metric(
    name="median_ae",
    short="median error",
    label="Median absolute error",
    meaning="half of the errors are smaller",
    unit=Unit.TARGET,
)
MAPE = Metric(
    name="mape",
    short="MAPE",
    label="MAPE",
    meaning="mean error as a share of the true value",
    unit=Unit.SHARE,
)
CAPPED_MAPE = Metric(
    name="capped_mape",
    short="capped MAPE",
    label="MAPE, a row at most 100 %",
    meaning="mean error as a share of the true value; no row counts more than 100 %",
    unit=Unit.SHARE,
    before=MAPE.name,
)
R2 = Metric(
    name="r2",
    short="R²",
    label="R²",
    meaning="share of the variance explained",
    more_is_better=True,
)
ACCURACY = Metric(
    name="accuracy",
    short="accuracy",
    label="Accuracy",
    meaning="share answered right",
    unit=Unit.SHARE,
    more_is_better=True,
)
ERROR_RATE = Metric(
    name="error_rate",
    short="error rate",
    label="Error rate",
    meaning="share answered wrong",
    unit=Unit.SHARE,
    complement_of=ACCURACY.name,
)
LOG_LOSS = Metric(
    name="log_loss",
    short="log loss",
    label="Log loss",
    meaning="cost of the probabilities given; 0 is perfect",
)
F1_MACRO = Metric(
    name="f1_macro",
    short="F1",
    label="F1, classes alike",
    meaning="F1, every class counted alike",
    more_is_better=True,
)
AUC = Metric(
    name="auc",
    short="AUC",
    label="AUC",
    meaning="chance that a true case is ranked above a false one",
    more_is_better=True,
)
METRICS = {
    metric.name: metric
    for metric in (
        RMSE,
        MSE,
        MAE,
        CAPPED_MAE,
        MEDIAN_AE,
        MAPE,
        CAPPED_MAPE,
        R2,
        ACCURACY,
        ERROR_RATE,
        LOG_LOSS,
        F1_MACRO,
        AUC,
    )
}
# the first that was measured says most
TYPICAL = (CAPPED_MAPE, MAPE, CAPPED_MAE, MAE, ACCURACY, RMSE)


def headline(task: Task, log_target: bool) -> Metric:
    """The one error that people of this task talk about, which no single row can move far."""
    if task == "classification":
        return ERROR_RATE
    if log_target:
        return CAPPED_MAPE
    return CAPPED_MAE


def typical(
    metrics: Mapping[str, float],
    splits: Iterable[Split] = (Split.TEST, Split.VALIDATION, Split.TRAIN),
) -> tuple[Metric, float] | None:
    """How good answers usually are, on rows that the model has not seen where there were any."""
    for split in splits:
        for metric in TYPICAL:
            if (value := metrics.get(f"{split}_{metric.name}")) is not None:
                return metric, value
    return None
