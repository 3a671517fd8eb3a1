"""The model card: what a release is, for someone who was not there, in Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relevo.domain.contract import Column
from relevo.domain.identity import Split
from relevo.domain.metrics import MAPE, METRICS
from relevo.domain.release import Release
from relevo.domain.use_case import UseCase
from relevo.domain.wording import ranges, table_number

LISTED_CLASSES = 20
LISTED_VALUES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CardFacts:
    """What a card says. `batches` are numbers, `rows` by split, `scores` and `errors` by candidate."""

    case: UseCase
    release: Release
    reason: str
    batches: tuple[int, ...]
    rows: Mapping[str, int]
    scores: Mapping[str, float]
    errors: Mapping[str, str] = field(default_factory=dict)
    # loss by slice, where it was measured
    slices: Mapping[str, float] = field(default_factory=dict)
    version: str = ""


def model_card(facts: CardFacts) -> str:
    """Depends on the facts alone: the same facts give the same card."""
    parts = [_head, _data, _features, _metrics, _candidates, _slices, _limits]
    return "\n\n".join(filter(None, (part(facts) for part in parts))) + "\n"


def _head(facts: CardFacts) -> str:
    case, release = facts.case, facts.release
    predicts = f"`{release.target}`"
    if release.unit:
        predicts += f" in {release.unit}"
    if release.classes:
        predicts += f", one of: {_some(release.classes, LISTED_CLASSES)}"
    name = case.title or case.name
    if facts.version:
        name += f", version {facts.version}"
    rows = [
        ("Predicts", predicts),
        ("Estimator", f"`{release.estimator}`"),
        ("Trained at", release.trained_at),
        ("Trained because", facts.reason),
        ("Decision", str(release.decision_id)),
        ("Code", f"`{release.commit}`"),
        ("Model file, SHA-256", f"`{release.digest}`"),
    ]
    return f"# Model card: {name}\n\n{_table(('', ''), rows)}"


def _data(facts: CardFacts) -> str:
    batches = ranges(facts.batches) or "none"
    rows = [(split, f"{facts.rows[split]:,}") for split in Split if split in facts.rows]
    identity = ", ".join(f"`{name}`" for name in facts.case.contract.identity)
    return (
        f"## Data\n\nBatches {batches}. SHA-256 of the data: `{facts.release.data_sha256}`.\n\n{_table(('Split', 'Rows'), rows)}\n\n"
        f"A row's split follows from what it is about ({identity}), so all rows about one thing are in one split, "
        "and none ever changes it. Validation rows stop the training in time and may then be learned from; "
        "only test rows are unseen."
    )


def _features(facts: CardFacts) -> str:
    rows = [
        (f"`{column.name}`", column.kind.name, _admitted(column), column.doc)
        for column in facts.release.fields
    ]
    return f"## Features\n\n{_table(('Name', 'Kind', 'Admitted', 'Meaning'), rows)}"


def _admitted(column: Column) -> str:
    parts = [_some(column.values or (), LISTED_VALUES), _bounds(column)]
    if column.nullable:
        parts.append("may be missing")
    return "; ".join(filter(None, parts))


def _bounds(column: Column) -> str:
    if column.low is not None and column.high is not None:
        return f"{column.low:,.15g} to {column.high:,.15g}"
    if column.low is not None:
        return f"at least {column.low:,.15g}"
    if column.high is not None:
        return f"at most {column.high:,.15g}"
    return ""


def _metrics(facts: CardFacts) -> str:
    metrics = facts.release.metrics
    measured = [
        metric
        for metric in METRICS.values()
        if any(f"{split}_{metric.name}" in metrics for split in Split)
    ]
    if not measured:
        return ""
    rows = [
        (
            f"`{metric.name}`",
            *(_number(metric.of(metrics, split)) for split in Split),
            metric.meaning,
        )
        for metric in measured
    ]
    text = "Measured on the ONNX file that serves."
    if facts.release.unit:
        text += f" Errors are in {facts.release.unit}, those of a {MAPE.short} are fractions of one."
    table = _table(("Metric", *Split, "Meaning"), rows)
    return f"## Metrics\n\n{text}\n\n{table}"


def _candidates(facts: CardFacts) -> str:
    names = {name: f"`{name}`" for name in (*facts.scores, *facts.errors)}
    names[facts.release.estimator] = f"`{facts.release.estimator}` (chosen)"
    rows = [(names[name], table_number(score)) for name, score in facts.scores.items()]
    rows += [(names[name], f"failed: {why}") for name, why in facts.errors.items()]
    if not rows:
        return ""
    scored_on = "the validation rows"
    # a single candidate is not compared with any, so it is not cross-validated
    if len(rows) > 1:
        scored_on = "cross-validation inside the training rows"
    table = _table(("Candidate", "Loss"), rows)
    return f"## Candidates\n\nMean loss by {scored_on}; less is better.\n\n{table}"


def _slices(facts: CardFacts) -> str:
    if not facts.slices:
        return ""
    rows = [(name, table_number(loss)) for name, loss in facts.slices.items()]
    table = _table(("Slice", "Loss"), rows)
    return f"## Slices\n\nMean loss on the test rows.\n\n{table}"


def _limits(facts: CardFacts) -> str:
    release = facts.release
    lines = [
        f"Meant to estimate `{release.target}` for rows like those above. It knows what these batches held and nothing later.",
        "It finds what goes together, not what causes what: changing a field does not tell what a real change would do.",
        "A category that training never saw, or a field that is missing, is answered from what is known on average.",
    ]
    if release.task == "regression":
        lines.append(
            "Beyond the lowest and highest values of the training rows its answers are guesses; trees answer too low up there."
        )
    if release.log_target:
        lines.append(
            "It was chosen by errors of the logarithm: they are alike as shares of the value, not in absolute terms."
        )
    return "## Use and limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _some(names: Sequence[str], most: int) -> str:
    shown = ", ".join(names[:most])
    if len(names) > most:
        shown += " …"
    return shown


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return table_number(value)


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
