"""What commands print: sentences first, then the numbers behind them."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from relevo.domain.batch import Batch, BatchState, Outcome
from relevo.domain.evidence import (
    Action,
    Decision,
    Evidence,
    Move,
    Ruling,
    Training,
    Verdict,
)
from relevo.domain.identity import Split
from relevo.domain.metrics import typical
from relevo.domain.policy import Policy
from relevo.domain.release import CHALLENGER, CHAMPION
from relevo.domain.use_case import UseCase
from relevo.domain.wording import number
from relevo.errors import NotFound
from relevo.loop.run_batch import BatchResult

if TYPE_CHECKING:
    from relevo.app import Loop

MARKS = {True: "[green]yes[/green]", False: "no", None: "[dim]unknown[/dim]"}


def plain(text: str) -> str:
    """Text that may hold brackets, as it is."""
    return escape(text)


def cases(console: Console, found: list[UseCase], folder: Path) -> None:
    if not found:
        console.print(
            f"no use case in {folder}/ yet; make one: relevo new NAME --from TABLE --target COLUMN"
        )
        return
    table = Table(
        "use case", "predicts", "from", "batches come from", box=None, pad_edge=False
    )
    for case in found:
        unit = f" ({case.unit})" if case.unit else ""
        table.add_row(
            case.name,
            f"{case.contract.target}{unit}",
            ", ".join(case.features)[:60],
            case.source_label,
        )
    console.print(table)


def status(console: Console, loop: Loop) -> None:
    name, warehouse = loop.case.name, loop.warehouse
    batches = warehouse.batches.of(name)
    if not batches:
        console.print(f"{name} has no rows yet; bring them in: relevo run {name}")
        return
    last = batches[-1]
    console.print(
        f"[bold]{name}[/bold]  {len(batches)} batches, {sum(b.rows for b in batches):,} rows"
    )
    console.print(
        f"newest batch   {last.number}, {last.rows:,} rows, {last.state}, loaded {last.loaded_at:%Y-%m-%d %H:%M} UTC"
    )
    for alias in (CHAMPION, CHALLENGER):
        console.print(f"{alias:<14} {_version(loop, alias)}", highlight=False)
    for verdict in warehouse.record.verdicts(name)[-1:]:
        console.print(
            f"last contest   {plain(verdict.sentence)}", highlight=False, soft_wrap=True
        )
    _waiting(console, loop, last)


def _version(loop: Loop, alias: str) -> str:
    number = loop.registry.alias(loop.case.name, alias)
    if number is None:
        return "none yet"
    training = next(
        (
            t
            for t in loop.warehouse.record.trainings(loop.case.name)
            if t.version == number
        ),
        None,
    )
    if training is None:
        return f"version {number}"
    return f"version {number}, {training.estimator}, {_headline(training)}, trained {training.trained_at:%Y-%m-%d %H:%M} UTC"


def _headline(training: Training) -> str:
    if (measured := typical(training.metrics, [Split.TEST])) is None:
        return "no test rows"
    metric, value = measured
    return f"{metric.short} {metric.text(value)}"


def _waiting(console: Console, loop: Loop, last: Batch) -> None:
    if last.state is BatchState.STOPPED:
        console.print(
            f"[red]waits[/red]          batch {last.number} is stopped, {last.bad_share:.0%} of its rows are bad: "
            f"relevo accept|reject {loop.case.name} {last.number} --reason …"
        )
    if lost := loop.warehouse.attempts.of(
        loop.case.name, last.source, Outcome.UNANSWERED
    ):
        console.print(
            f"[yellow]open[/yellow]           {len(lost)} requests got no answer; the next run finds out what they lost"
        )


def history(console: Console, loop: Loop) -> None:
    """A line a decision: batch, trained or skipped, and the sentence."""
    name, warehouse = loop.case.name, loop.warehouse
    decided: dict[int, list[Decision]] = {}
    for decision in warehouse.record.decisions(name):
        decided.setdefault(decision.batch_id, []).append(decision)
    batches = warehouse.batches.of(name)
    if not batches:
        console.print(f"{name} has no batches yet; bring them in: relevo run {name}")
    for batch in batches:
        for line in [history_line(batch, one) for one in decided.get(batch.id, [])] or [
            _undecided(batch)
        ]:
            console.print(line, highlight=False, soft_wrap=True, markup=False)


def history_line(batch: Batch, decision: Decision) -> str:
    done = "trained" if decision.action is Action.TRAIN else "skipped"
    return f"batch {batch.number:<2} {done}  {decision.sentence}"


def _undecided(batch: Batch) -> str:
    if batch.state is BatchState.STOPPED:
        return f"batch {batch.number:<2} stopped  {batch.bad_share:.0%} of its rows break the contract"
    return f"batch {batch.number:<2} loaded   not decided on yet"


def explain(console: Console, loop: Loop, number: int) -> None:
    name, warehouse = loop.case.name, loop.warehouse
    batch = next(
        (b for b in reversed(warehouse.batches.of(name)) if b.number == number), None
    )
    if batch is None:
        raise NotFound(
            f"{name} has no batch {number}; `relevo history {name}` lists those it has"
        )
    console.rule(f"batch {batch.number} of {name}", align="left")
    console.print(
        f"{batch.rows:,} rows from {batch.source}, {batch.bad_rows:,} in quarantine, {batch.state} {batch.reason}"
    )
    console.print(
        f"sha256 {batch.sha256}  landed at {batch.object_key}",
        soft_wrap=True,
        highlight=False,
    )
    for column, reason, cells in warehouse.batches.bad_cell_counts(batch):
        console.print(
            f"  quarantine: {plain(column)} {plain(reason)}: {cells:,} cells",
            highlight=False,
        )
    for decision in warehouse.record.decisions(name, batch.id):
        _decision(console, loop, decision)


def _decision(console: Console, loop: Loop, decision: Decision) -> None:
    console.rule(f"decision: {decision.action}", align="left")
    console.print(plain(decision.sentence), highlight=False)
    _evidence(console, decision.evidence, "calls for training")
    for training in loop.warehouse.record.trainings(decision.case, decision.stored_id):
        _training(console, training)
    for verdict in loop.warehouse.record.verdicts(decision.case, decision.stored_id):
        _verdict(console, verdict)
    console.rule("policy", align="left")
    differs = {
        f.name for f in fields(Policy) if f.default != decision.policy.get(f.name)
    }
    for key, value in decision.policy.items():
        console.print(
            f"  {key:<22} {value}{'  (not the default)' if key in differs else ''}",
            highlight=False,
        )


def _evidence(console: Console, evidence: tuple[Evidence, ...], question: str) -> None:
    table = Table(
        "evidence", "value", "limit", question, "in words", box=None, pad_edge=False
    )
    for one in evidence:
        table.add_row(
            one.name,
            _number(one.value),
            _number(one.threshold),
            MARKS[one.passed],
            plain(one.sentence),
        )
    console.print(table)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return number(value)


def _training(console: Console, training: Training) -> None:
    console.rule(f"training: version {training.version}", align="left")
    rows = ", ".join(f"{side} {count:,}" for side, count in training.rows.items())
    console.print(
        f"{training.estimator} on {len(training.batches)} batches ({rows}) in {training.seconds:.1f} s; run {training.run_id}",
        highlight=False,
    )
    names = sorted(
        {
            metric.split("_", 1)[1]
            for metric in training.metrics
            if metric.startswith("test_")
        }
    )
    table = Table("metric", "train", "validation", "test", box=None, pad_edge=False)
    for metric in names:
        table.add_row(
            metric,
            *(
                _number(training.metrics.get(f"{s}_{metric}"))
                for s in ("train", "validation", "test")
            ),
        )
    console.print(table)


def _verdict(console: Console, verdict: Verdict) -> None:
    console.rule(f"contest: {verdict.ruling}", align="left")
    console.print(plain(verdict.sentence), highlight=False)
    _evidence(console, verdict.evidence, "passed")


def move(console: Console, moved: Move) -> None:
    console.print(
        f"version {moved.version} of {moved.case} is champion now (before: {moved.previous or 'none'}): {plain(moved.reason)}",
        highlight=False,
    )


def closing(console: Console, loop: Loop, done: list[BatchResult]) -> None:
    """The table at the end of a run."""
    if not done:
        console.print(
            f"the source has no more batches for {loop.case.name}; see relevo history {loop.case.name}"
        )
        return
    table = Table(
        "batch",
        "rows",
        "bad",
        "decision",
        "version",
        "test",
        "verdict",
        box=None,
        pad_edge=False,
    )
    for one in done:
        table.add_row(
            str(one.batch.number),
            f"{one.batch.rows:,}",
            f"{one.batch.bad_rows:,}",
            str(one.decision.action),
            one.training.version if one.training else "",
            _headline(one.training) if one.training else "",
            str(one.verdict.ruling) if one.verdict else "",
        )
    console.print(table)
    console.print(f"champion: {_version(loop, CHAMPION)}", highlight=False)
    console.print(
        f"why: relevo history {loop.case.name}; all the evidence: relevo explain {loop.case.name} BATCH",
        soft_wrap=True,
    )


class Working:
    """A progress bar over batches, and a line for each that is finished."""

    def __init__(self, console: Console, case: str, batches: int | None) -> None:
        self._case, self._started = case, time.monotonic()
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task(case, total=batches)

    def __enter__(self) -> Working:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def step(self, what: str) -> None:
        self._progress.update(
            self._task, description=f"{self._case}  {plain(what)[:70]}"
        )

    def finished(self, worked: BatchResult) -> None:
        self._progress.advance(self._task)
        out = self._progress.console
        out.print(
            history_line(worked.batch, worked.decision),
            highlight=False,
            soft_wrap=True,
            markup=False,
        )
        if worked.verdict and worked.training:
            word = "promoted" if worked.verdict.ruling is Ruling.PROMOTE else "kept out"
            line = f"         version {worked.training.version} {word}: {worked.verdict.sentence}"
            out.print(line, highlight=False, soft_wrap=True, markup=False)
