"""From a table to decisions: sample, kinds, a reading of all rows, task, roles, batches, ranges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relevo.domain.contract import Column
from relevo.domain.policy import Policy
from relevo.domain.use_case import Task
from relevo.errors import UseCaseBroken
from relevo.scaffold.batches import Cut, choose_cut
from relevo.scaffold.facts import ColumnFacts, gather
from relevo.scaffold.kinds import guess_kind
from relevo.scaffold.ranges import contract_column, target_column
from relevo.scaffold.roles import choose_identity, choose_slice, leave_out
from relevo.scaffold.sample import TableSample, draw_sample
from relevo.scaffold.survey import Survey, survey
from relevo.scaffold.table import Table, check_table
from relevo.scaffold.target import (
    TargetChoice,
    choose_task,
    is_long_tailed,
    rare_classes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """`columns` are the contract's, in the table's order; `facts` are of the same columns, by name."""

    name: str
    table: str
    path: str  # as the use case names it
    rows: int
    task: Task
    task_why: str
    log_target: bool
    target: str
    identity: tuple[str, ...]
    identity_why: str
    slices: tuple[str, ...]
    cut: Cut
    columns: tuple[Column, ...]
    facts: dict[str, ColumnFacts]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(
            name
            for name, fact in self.facts.items()
            if name != self.target and fact.is_feature
        )

    @property
    def left_out(self) -> dict[str, str]:
        return {name: fact.out for name, fact in self.facts.items() if fact.out}


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read, before anything but the task is decided. `others` are all columns but the target."""

    table: Table
    sample: TableSample
    choice: TargetChoice
    survey: Survey
    facts: dict[str, ColumnFacts]
    target: ColumnFacts
    others: list[ColumnFacts]


def study(
    name: str, path: Path, target: str, path_in_case: str, requested: Task | None
) -> Findings:
    """Everything a use case needs to know about the table. Reads it twice or a little more, in flat memory."""
    read = _read(check_table(path, target), target, requested)
    cut = choose_cut(
        read.others,
        read.target,
        read.survey.class_rows,
        dates_can_cut=read.table.usual_delimiter,
    )
    task = read.choice.task
    leave_out(read.others, read.target, task, cut)
    identity, identity_why = choose_identity(read.others)
    if not any(fact.is_feature for fact in read.others):
        reasons = ", ".join(f"{fact.name!r} is {fact.out}" for fact in read.others[:5])
        raise UseCaseBroken(
            f"{path} has no column to learn from: {reasons}; add columns that say something about the target"
        )
    log_target = task == "regression" and is_long_tailed(read.target)
    return Findings(
        name=name,
        table=path.name,
        path=path_in_case,
        rows=read.survey.rows,
        task=task,
        task_why=read.choice.why,
        log_target=log_target,
        target=target,
        identity=identity,
        identity_why=identity_why,
        slices=choose_slice(read.others),
        cut=cut,
        columns=_columns(read, {*identity, cut.by}, log_target),
        facts=read.facts,
        notes=tuple(_notes(read, cut)),
    )


def _read(table: Table, target: str, requested: Task | None) -> _Reading:
    sample = draw_sample(table)
    guesses = {
        name: guess_kind(name, sample.columns[name], spelled=table.spelled)
        for name in table.names
    }
    choice = choose_task(target, guesses[target], requested)
    guesses[target] = choice.guess
    columns = tuple(guess.column(name) for name, guess in guesses.items())
    classes = {"classification": target, "regression": None}
    surveyed = survey(table, columns, classes[choice.task])
    facts = gather(surveyed, sample, guesses, spelled=table.spelled)
    others = [fact for name, fact in facts.items() if name != target]
    return _Reading(table, sample, choice, surveyed, facts, facts[target], others)


def _columns(
    read: _Reading, needed: set[str | None], log_target: bool
) -> tuple[Column, ...]:
    columns = {
        name: contract_column(fact, is_needed=fact.is_feature or name in needed)
        for name, fact in read.facts.items()
    }
    target = target_column(read.target, log_target=log_target)
    return tuple({**columns, target.name: target}.values())


def _notes(read: _Reading, cut: Cut) -> list[str]:
    table, rows = read.table, read.survey.rows
    notes = [f"{fact.name}: {fact.note}" for fact in read.facts.values() if fact.note]
    for name, why in table.left_out.items():
        notes.append(f"{name or 'columns'}: left out of the contract ({why})")
    if missing := read.target.missing:
        notes.append(
            f"{missing:,} rows have no {read.target.name}: they are kept, and not learned from"
        )
    rare = rare_classes(read.choice.guess)
    if rare and read.choice.task == "classification":
        notes.append(
            f"rare classes, with fewer than 5 rows: {', '.join(rare[:5])}; hard to learn and to judge"
        )
    if ragged := read.sample.ragged_rows:
        shown = "; ".join(read.sample.ragged)
        notes.append(
            f"{ragged} rows do not fit the header and go to quarantine: {shown}"
        )
    if bad := read.survey.bad_rows:
        notes.append(
            f"{bad:,} of {rows:,} rows break the contract and go to quarantine"
        )
    if cut.waiting:
        notes.append(
            f"the last {cut.waiting} rows wait for a full batch; if no more will come: touch '{table.path}.finished'"
        )
    measured, batch_rows = Policy().min_rows_to_measure, rows // cut.batches
    if rows < measured:
        notes.append(f"{rows} rows are few: expect weak evidence")
    elif batch_rows < measured:
        notes.append(
            f"batches of about {batch_rows} rows: drift is measured on {measured} (min_rows_to_measure in the policy)"
        )
    return notes
