"""The model card: what a release is, for someone who was not there, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relevo.domain.contract import Column
from relevo.domain.release import Release
from relevo.domain.use_case import UseCase

SIDES = ("train", "validation", "test")
MEANINGS = {
    "rmse": "root mean square error",
    "mse": "mean square error",
    "mae": "mean absolute error",
    "median_ae": "half of the errors are smaller",
    "mape": "mean error as a share of the true value",
    "r2": "share of the variance explained",
    "accuracy": "share answered right",
    "log_loss": "cost of the probabilities given; 0 is perfect",
    "f1_macro": "F1, every class counted alike",
    "auc": "chance that a true case is ranked above a false one",
}


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says. `batches` are numbers, `rows` by side, `scores` and `errors` by candidate."""

    case: UseCase
    release: Release
    reason: str
    batches: tuple[int, ...]
    rows: Mapping[str, int]
    scores: Mapping[str, float]
    errors: Mapping[str, str] = field(default_factory=dict)
    slices: Mapping[str, float] = field(
        default_factory=dict
    )  # loss by slice, where it was measured
    version: str = ""


def model_card(facts: CardFacts) -> str:
    """Depends on the facts alone: the same facts give the same card."""
    parts = [_head, _data, _features, _metrics, _candidates, _slices, _limits]
    return "\n\n".join(text for part in parts if (text := part(facts))) + "\n"


def _head(facts: CardFacts) -> str:
    case, release = facts.case, facts.release
    answer = f"`{release.target}`" + (f" in {release.unit}" if release.unit else "")
    if release.classes:
        shown = ", ".join(_cell(name) for name in release.classes[:20])
        answer += f", one of: {shown}" + (" …" if len(release.classes) > 20 else "")
    rows = [
        ("Predicts", answer),
        ("Estimator", f"`{release.estimator}`"),
        ("Trained at", release.trained_at),
        ("Trained because", facts.reason),
        ("Decision", str(release.decision_id)),
        ("Code", f"`{release.commit}`"),
        ("Model file, SHA-256", f"`{release.digest}`"),
    ]
    name = f"{case.title or case.name}{f', version {facts.version}' if facts.version else ''}"
    return f"# Model card: {name}\n\n{_table(('', ''), rows)}"


def _data(facts: CardFacts) -> str:
    batches = _ranges(facts.batches)
    rows = [(side, f"{facts.rows[side]:,}") for side in SIDES if side in facts.rows]
    return (
        f"## Data\n\nBatches {batches}. SHA-256 of the data: `{facts.release.data_sha256}`.\n\n{_table(('Side', 'Rows'), rows)}\n\n"
        f"A row's side follows from what it is about ({', '.join(f'`{name}`' for name in facts.case.contract.identity)}), "
        "so no house, person or thing is on two sides, and none ever changes sides. Validation rows stop the training in "
        "time and may then be learned from; only test rows are unseen."
    )


def _features(facts: CardFacts) -> str:
    rows = [
        (f"`{one.name}`", one.kind.name, _admitted(one), one.doc)
        for one in facts.release.fields
    ]
    return f"## Features\n\n{_table(('Name', 'Kind', 'Admitted', 'Meaning'), rows)}"


def _admitted(one: Column) -> str:
    parts = []
    if one.values:
        parts.append(
            ", ".join(one.values[:10]) + (" …" if len(one.values) > 10 else "")
        )
    if one.low is not None or one.high is not None:
        low, high = (
            "" if bound is None else f"{bound:,.15g}" for bound in (one.low, one.high)
        )
        parts.append(
            f"{low} to {high}"
            if low and high
            else f"at least {low}"
            if low
            else f"at most {high}"
        )
    return "; ".join([*parts, *(["may be missing"] if one.nullable else [])])


def _metrics(facts: CardFacts) -> str:
    metrics = facts.release.metrics
    names = dict.fromkeys(
        name.removeprefix(f"{side}_")
        for side in SIDES
        for name in metrics
        if name.startswith(f"{side}_")
    )
    rows = [
        (
            f"`{name}`",
            *(_number(metrics.get(f"{side}_{name}")) for side in SIDES),
            MEANINGS.get(name, ""),
        )
        for name in names
    ]
    if not rows:
        return ""
    unit = (
        f" Errors are in {facts.release.unit}, `mape` is a fraction of one."
        if facts.release.unit
        else ""
    )
    return f"## Metrics\n\nMeasured on the ONNX file that serves.{unit}\n\n{_table(('Metric', *SIDES, 'Meaning'), rows)}"


def _candidates(facts: CardFacts) -> str:
    best = facts.release.estimator
    rows = [
        (f"`{n}`" + (" (chosen)" if n == best else ""), _number(score))
        for n, score in facts.scores.items()
    ]
    rows += [
        (f"`{name}`", f"failed: {reason}") for name, reason in facts.errors.items()
    ]
    if not rows:
        return ""
    how = (
        "cross-validation inside the training rows"
        if len(rows) > 1
        else "the validation rows"
    )
    return f"## Candidates\n\nMean loss by {how}; less is better.\n\n{_table(('Candidate', 'Loss'), rows)}"


def _slices(facts: CardFacts) -> str:
    rows = [(name, _number(loss)) for name, loss in facts.slices.items()]
    return (
        f"## Slices\n\nMean loss on the test rows.\n\n{_table(('Slice', 'Loss'), rows)}"
        if rows
        else ""
    )


def _limits(facts: CardFacts) -> str:
    release = facts.release
    lines = [
        f"Meant to estimate `{release.target}` for rows like those above. It knows what these batches held and nothing later.",
        "It finds what goes together, not what causes what: changing a field does not tell what a real change would do.",
        "A word that training never saw, or a field that is missing, is answered from what is known on average.",
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


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines
    )


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.4g}"


def _ranges(numbers: tuple[int, ...]) -> str:
    """0, 1, 2, 5 is "0 to 2, 5"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return (
        ", ".join(str(low) if low == high else f"{low} to {high}" for low, high in runs)
        or "none"
    )
