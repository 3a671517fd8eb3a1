"""The README of a new use case: what was decided, why, and where to change it."""

from __future__ import annotations

from relevo.domain.contract import Column
from relevo.domain.wording import percent
from relevo.scaffold.python_text import number_text
from relevo.scaffold.study import Findings

MOST_SHOWN = 80
MOST_REASONS = 12
TEMPLATE = """# {title}
Predicts `{target}` ({task}) from {features} columns of `{path}`. \
Written by `relevo new`; change `use_case.py` as you like, nothing writes it again.

    relevo run {name}

## What was decided
{report}

## Columns
| column | kind | filled | values | range | use |
| --- | --- | --- | --- | --- | --- |
{columns}

Ranges reach from 0 (or as far below as above) to at least ten times the largest value seen; \
a column may have gaps where the table has any, or is too short to tell.

## To change it
- a feature more or less: `features`; a suspect belongs there only if it is known before the target is.
- what one thing is, so that its rows stay on one side of the holdout: `identity`.
- other batches: `source`, by rows or by a date's day, week or month. A source may grow at its end.
- when to train and what a challenger must win by: `policy`.
"""


def report(found: Findings) -> tuple[str, ...]:
    """What was decided, one line each."""
    suspects = {
        name: why.removeprefix("suspect: ")
        for name, why in found.left_out.items()
        if why.startswith("suspect")
    }
    shown = list(found.left_out.items())[:MOST_REASONS]
    others = ", ".join(
        f"{name} ({why.split(':')[0]})" for name, why in shown if name not in suspects
    )
    target = f"target {found.target}: {found.task}, {found.task_why}"
    if found.log_target:
        target += ", learned on a log scale (positive, with a long tail)"
    lines = [
        f"{found.table}: {found.rows:,} rows, {len(found.columns)} columns",
        target,
        f"identity {', '.join(found.identity)}: {found.identity_why}",
        f"batches: {found.cut.why}",
        f"features: {len(found.features)} of {len(found.columns) - 1} columns",
    ]
    if others and (more := len(found.left_out) - MOST_REASONS) > 0:
        others += f", and {more} more"
    if others:
        lines.append(f"no features: {others}")
    lines += [f"SUSPECT {name}: {why}" for name, why in suspects.items()]
    return (*lines, *(f"note: {note}" for note in found.notes))


def readme(found: Findings) -> str:
    columns = [_row(found, column) for column in found.columns[:MOST_SHOWN]]
    if (hidden := len(found.columns) - MOST_SHOWN) > 0:
        columns.append(f"\nand {hidden} more, as `use_case.py` lists them.")
    return TEMPLATE.format(
        title=found.title,
        target=found.target,
        task=found.task,
        features=len(found.features),
        path=found.path,
        name=found.name,
        report="\n".join(f"- {_inline(line)}" for line in report(found)),
        columns="\n".join(columns),
    )


def _row(found: Findings, column: Column) -> str:
    fact = found.facts[column.name]
    use = fact.out or "feature"
    if column.name == found.target:
        use = "target"
    if column.name in found.identity:
        use += ", identity"
    if fact.note:
        use += f"; {fact.note}"
    filled = "all"
    if fact.missing:
        filled = percent(fact.filled / fact.rows)
    cells = [column.name, column.kind.name, filled, f"{fact.distinct:,}"]
    cells = [
        _inline(cell).replace("|", "\\|") for cell in (*cells, _range(column), use)
    ]
    return f"| {' | '.join(cells)} |"


def _range(column: Column) -> str:
    if column.digits is not None:
        return f"{column.digits} digits"
    if column.low is None:
        return ""
    text = f"{number_text(column.low)} to"
    if column.high is not None:
        text += f" {number_text(column.high)}"
    return text


def _inline(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return plain.replace("<", "&lt;").replace("*", "\\*")
