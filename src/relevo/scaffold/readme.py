"""The README of a new use case: what was decided, why, and where to change it."""

from __future__ import annotations

from relevo.domain.contract import Column
from relevo.scaffold.facts import Facts
from relevo.scaffold.findings import Findings
from relevo.scaffold.python_text import number_text

MOST_SHOWN = 80


def report(found: Findings) -> tuple[str, ...]:
    """What was decided, a line each."""
    out = found.left_out
    suspects = [name for name, why in out.items() if why.startswith("suspect")]
    others = ", ".join(
        f"{name} ({why.split(':')[0]})"
        for name, why in list(out.items())[:12]
        if name not in suspects
    )
    more = f", and {len(out) - 12} more" if len(out) > 12 else ""
    scale = (
        ", learned on a log scale (positive, with a long tail)"
        if found.log_target
        else ""
    )
    return (
        f"{found.table}: {found.rows:,} rows, {len(found.columns)} columns",
        f"target {found.target}: {found.task}, {found.task_why}{scale}",
        f"identity {', '.join(found.identity)}: {found.identity_why}",
        f"batches: {found.cut.why}",
        f"features: {len(found.features)} of {len(found.columns) - 1} columns",
        *([f"no features: {others}{more}"] if others else []),
        *(
            f"SUSPECT {name}: {out[name].removeprefix('suspect: ')}"
            for name in suspects
        ),
        *(f"note: {note}" for note in found.notes),
    )


def readme(found: Findings) -> str:
    lines = [
        f"# {found.title}",
        f"Predicts `{found.target}` ({found.task}) from {len(found.features)} columns of `{found.path}`. "
        f"Written by `relevo new`; change `use_case.py` as you like, nothing writes it again.",
        "",
        f"    relevo run {found.name}",
        "",
        "## What was decided",
        *(f"- {_inline(line)}" for line in report(found)),
        "",
        "## Columns",
        *_columns(found),
        "",
        "Ranges reach from 0 (or as far below as above) to at least ten times the largest value seen; a column may "
        "have gaps where the table has any, or is too short to tell.",
        "",
        "## To change it",
        "- a feature more or less: `features`; a suspect belongs there only if it is known before the target is.",
        "- what one thing is, so that its rows stay on one side of the holdout: `identity`.",
        "- other batches: `source`, by rows or by a date's day, week or month. A source may grow at its end.",
        "- when to train and what a challenger must win by: `policy`.",
    ]
    return "\n".join(lines) + "\n"


def _columns(found: Findings) -> list[str]:
    rows = [
        "| column | kind | filled | values | range | use |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    rows += [
        _row(found, column, found.facts[column.name])
        for column in found.columns[:MOST_SHOWN]
    ]
    if (hidden := len(found.columns) - MOST_SHOWN) > 0:
        rows.append(f"\nand {hidden} more, as `use_case.py` lists them.")
    return rows


def _row(found: Findings, column: Column, fact: Facts) -> str:
    use = "target" if column.name == found.target else fact.out or "feature"
    use += ", identity" if column.name in found.identity else ""
    use += f"; {fact.note}" if fact.note else ""
    limits = " to ".join(
        "" if bound is None else number_text(bound)
        for bound in (column.low, column.high)
    )
    limits = (
        f"{column.digits} digits"
        if column.digits is not None
        else limits.strip()
        if limits != " to "
        else ""
    )
    filled = f"{fact.filled / fact.rows:.0%}" if fact.filled != fact.rows else "all"
    cells = [column.name, column.kind.name, filled, f"{fact.distinct:,}", limits, use]
    return "| " + " | ".join(_inline(cell).replace("|", "\\|") for cell in cells) + " |"


def _inline(text: str) -> str:
    return (
        "".join(c if c.isprintable() else " " for c in text)
        .replace("<", "&lt;")
        .replace("*", "\\*")
    )
