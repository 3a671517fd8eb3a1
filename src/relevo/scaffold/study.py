"""From a table to decisions: sample, kinds, a reading of all rows, task, roles, batches, ranges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from relevo.domain.contract import Column
from relevo.domain.policy import Policy
from relevo.domain.use_case import Task
from relevo.errors import UseCaseBroken
from relevo.scaffold.batches import Cut, choose_cut
from relevo.scaffold.facts import Facts, gather
from relevo.scaffold.findings import Findings
from relevo.scaffold.kinds import guess_kind
from relevo.scaffold.ranges import contract_column
from relevo.scaffold.roles import choose_identity, choose_slice, leave_out
from relevo.scaffold.sample import Sample, draw_sample
from relevo.scaffold.survey import Survey, survey
from relevo.scaffold.table import Table, open_table
from relevo.scaffold.target import Goal, choose_task, is_long_tailed, rare_classes


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read, before anything but the task is decided. `others` are all columns but the target."""

    table: Table
    sample: Sample
    goal: Goal
    survey: Survey
    facts: dict[str, Facts]
    target: Facts
    others: list[Facts]


def study(
    name: str, path: Path, target: str, path_in_case: str, asked: Task | None
) -> Findings:
    """Everything a use case needs to know about the table. Reads it twice or a little more, in flat memory."""
    read = _read(open_table(path, target), target, asked)
    cut = choose_cut(
        read.others,
        read.target,
        read.survey.rows,
        read.survey.places,
        dates_can_cut=read.table.usual_delimiter,
    )
    leave_out(read.others, read.target, read.goal.task, cut)
    identity, identity_why = choose_identity(read.others)
    if not any(fact.is_feature for fact in read.others):
        raise UseCaseBroken(_no_features(path, read.others))
    return _findings(name, path_in_case, read, cut, identity, identity_why)


def _read(table: Table, target: str, asked: Task | None) -> _Reading:
    sample = draw_sample(table)
    guesses = {
        name: guess_kind(name, sample.columns[name], spelled=table.spelled)
        for name in table.names
    }
    goal = choose_task(target, guesses[target], asked)
    guesses[target] = goal.guess
    columns = tuple(guess.column(name) for name, guess in guesses.items())
    found = survey(table, columns, target if goal.task == "classification" else None)
    facts = gather(found, sample, guesses, spelled=table.spelled)
    others = [fact for name, fact in facts.items() if name != target]
    return _Reading(table, sample, goal, found, facts, facts[target], others)


def _findings(
    name: str,
    path: str,
    read: _Reading,
    cut: Cut,
    identity: tuple[str, ...],
    identity_why: str,
) -> Findings:
    log = read.goal.task == "regression" and is_long_tailed(
        read.target.values, read.target.extent.low
    )
    return Findings(
        name=name,
        table=read.table.path.name,
        path=path,
        rows=read.survey.rows,
        bad_rows=read.survey.bad_rows,
        task=read.goal.task,
        task_why=read.goal.why,
        log_target=log,
        target=read.target.name,
        identity=identity,
        identity_why=identity_why,
        slices=choose_slice(read.others),
        cut=cut,
        columns=_columns(read, {*identity, cut.by}, log),
        facts=read.facts,
        notes=tuple(_notes(read, cut)),
    )


def _columns(read: _Reading, needed: set[str | None], log: bool) -> tuple[Column, ...]:
    return tuple(
        contract_column(
            fact,
            is_target=fact is read.target,
            is_needed=fact.is_feature or fact.name in needed,
            log_target=log and fact is read.target,
        )
        for fact in read.facts.values()
    )


def _notes(read: _Reading, cut: Cut) -> list[str]:
    notes = [f"{fact.name}: {fact.note}" for fact in read.facts.values() if fact.note]
    notes += [
        f"{name or 'columns'}: left out of the contract ({why})"
        for name, why in read.table.left_out.items()
    ]
    if missing := read.target.missing:
        notes.append(
            f"{missing:,} rows have no {read.target.name}: they are kept, and not learned from"
        )
    if read.goal.task == "classification" and (rare := rare_classes(read.goal.guess)):
        notes.append(
            f"rare classes, with fewer than 5 rows: {', '.join(rare[:5])}; hard to learn and to judge"
        )
    if read.sample.ragged:
        shown = "; ".join(read.sample.ragged)
        notes.append(
            f"{read.sample.ragged_rows} rows do not fit the header and go to quarantine: {shown}"
        )
    if bad := read.survey.bad_rows:
        notes.append(
            f"{bad:,} of {read.survey.rows:,} rows break the contract and go to quarantine"
        )
    if cut.waiting:
        path = read.table.path
        notes.append(
            f"the last {cut.waiting} rows wait for a full batch; if no more will come: touch '{path}.finished'"
        )
    least, a_batch = Policy().min_rows_to_measure, read.survey.rows // cut.batches
    if read.survey.rows < least:
        notes.append(f"{read.survey.rows} rows are few: expect weak evidence")
    elif a_batch < least:
        notes.append(
            f"batches of about {a_batch} rows: drift is measured on {least} (min_rows_to_measure in the policy)"
        )
    return notes


def _no_features(path: Path, others: list[Facts]) -> str:
    shown = ", ".join(f"{fact.name!r} is {fact.out}" for fact in others[:5])
    return f"{path} has no column to learn from: {shown}; add columns that say something about the target"
