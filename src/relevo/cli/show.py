"""What commands print: sentences first, then the numbers behind them."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from relevo.domain.batch import Batch, BatchState
from relevo.domain.evidence import Action, Decision, Evidence, Move, Training, Verdict
from relevo.domain.identity import Split
from relevo.domain.metrics import typical
from relevo.domain.policy import Policy
from relevo.domain.use_case import UseCase
from relevo.domain.wording import percent
from relevo.loop.history import DONE, RULED, AliasedVersion, BatchHistory, CaseStatus
from relevo.loop.replay import ReplayedDecision
from relevo.loop.run_batch import BatchResult

MARKS = {True: "[green]yes[/green]", False: "no", None: "[dim]unknown[/dim]"}
MINUTE = "%Y-%m-%d %H:%M UTC"


def say(console: Console, line: str) -> None:
    """One line that the terminal may wrap, as it is: it may hold brackets."""
    console.print(line, soft_wrap=True, markup=False)


def print_cases(console: Console, found: list[UseCase], folder: Path) -> None:
    if not found:
        command = "relevo new NAME --from TABLE --target COLUMN"
        say(console, f"no use case in {folder}/ yet; make one: {command}")
        return
    table = _table("use case", "predicts", "from", "batches come from")
    for case in found:
        predicts = case.contract.target
        if case.unit:
            predicts += f" ({case.unit})"
        features = ", ".join(case.features)[:60]
        table.add_row(case.name, predicts, features, case.source_label)
    console.print(table)


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def print_status(console: Console, name: str, status: CaseStatus) -> None:
    if not status.batches:
        say(console, f"{name} has no rows yet; bring them in: relevo run {name}")
        return
    newest = status.batches[-1]
    rows = sum(batch.rows for batch in status.batches)
    loaded = f"{newest.state}, loaded {newest.loaded_at:{MINUTE}}"
    console.print(f"[bold]{name}[/bold]  {len(status.batches)} batches, {rows:,} rows")
    lines = {"newest batch": f"{newest.number}, {newest.rows:,} rows, {loaded}"}
    lines |= {alias.alias: version(alias) for alias in status.aliases}
    if status.last_verdict:
        lines["last contest"] = status.last_verdict.sentence
    if newest.state is BatchState.STOPPED:
        bad = f"{percent(newest.bad_share)} of its rows are bad"
        command = f"relevo accept|reject {name} {newest.number} --reason …"
        lines["waits"] = f"batch {newest.number} is stopped, {bad}: {command}"
    if status.unanswered:
        lines["open"] = (
            f"{status.unanswered} requests got no answer; the next run finds out what they lost"
        )
    for label, line in lines.items():
        say(console, f"{label:<14} {line}")


def version(alias: AliasedVersion) -> str:
    if alias.version is None:
        return "none yet"
    if alias.training is None:
        return f"version {alias.version}"
    training = alias.training
    model = f"version {alias.version}, {training.estimator}, {_headline(training)}"
    return f"{model}, trained {training.trained_at:{MINUTE}}"


def _headline(training: Training) -> str:
    if (measured := typical(training.metrics, [Split.TEST])) is None:
        return "no test rows"
    metric, value = measured
    return f"{metric.short} {metric.text(value)}"


def print_history(
    console: Console, name: str, history: list[tuple[Batch, list[Decision]]]
) -> None:
    """One line per decision: batch, trained or skipped, and the sentence."""
    if not history:
        say(console, f"{name} has no batches yet; bring them in: relevo run {name}")
    for batch, decisions in history:
        for decision in decisions:
            say(console, history_line(batch, decision))
        if not decisions:
            say(console, f"batch {batch.number:<2} {_undecided(batch)}")


def history_line(batch: Batch, decision: Decision) -> str:
    return f"batch {batch.number:<2} {DONE[decision.action]}  {decision.sentence}"


def _undecided(batch: Batch) -> str:
    if batch.state is BatchState.STOPPED:
        return f"stopped  {percent(batch.bad_share)} of its rows break the contract"
    return "loaded   not decided on yet"


def print_batch(console: Console, history: BatchHistory) -> None:
    batch = history.batch
    console.rule(f"batch {batch.number} of {batch.case}", align="left")
    rows = f"{batch.rows:,} rows from {batch.source}, {batch.bad_rows:,} in quarantine"
    say(console, f"{rows}, {batch.state} {batch.reason}".rstrip())
    say(console, f"sha256 {batch.sha256}  landed at {batch.object_key}")
    for column, reason, cells in history.bad_cells:
        say(console, f"  quarantine: {column} {reason}: {cells:,} cells")
    for result in history.results:
        _decision(console, result, history.failures)


def _decision(
    console: Console, result: BatchResult, failures: dict[str, list[str]]
) -> None:
    decision = result.decision
    console.rule(f"decision: {decision.action}", align="left")
    say(console, decision.sentence)
    _evidence(console, decision.evidence, "calls for training")
    if result.training:
        _training(console, result.training)
        for sentence in failures[result.training.version]:
            say(console, sentence)
    if result.verdict:
        _verdict(console, result.verdict)
    console.rule("policy", align="left")
    # as the record has it: a tuple is a list there
    defaults = json.loads(json.dumps(asdict(Policy())))
    for key, value in decision.policy.items():
        line = f"  {key:<22} {value}"
        if value != defaults.get(key):
            line += "  (not the default)"
        say(console, line)


def _evidence(console: Console, evidence: tuple[Evidence, ...], question: str) -> None:
    table = _table("evidence", "value", "limit", question, "in words")
    for each in evidence:
        numbers = _number(each.value), _number(each.threshold)
        table.add_row(each.name, *numbers, MARKS[each.passed], Text(each.sentence))
    console.print(table)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.4g}"


def _training(console: Console, training: Training) -> None:
    console.rule(f"training: version {training.version}", align="left")
    rows = ", ".join(f"{split} {count:,}" for split, count in training.rows.items())
    data = f"{len(training.batches)} batches ({rows})"
    time_taken = f"{training.seconds:.1f} s; run {training.run_id}"
    say(console, f"{training.estimator} on {data} in {time_taken}")
    table = _table("metric", *Split)
    names = (name.removeprefix("test_") for name in training.metrics if name[:5] == "test_")  # fmt: skip
    for name in sorted(names):
        values = (training.metrics.get(f"{split}_{name}") for split in Split)
        table.add_row(name, *map(_number, values))
    console.print(table)


def _verdict(console: Console, verdict: Verdict) -> None:
    console.rule(f"contest: {verdict.ruling}", align="left")
    say(console, verdict.sentence)
    _evidence(console, verdict.evidence, "passed")


def print_move(console: Console, moved: Move) -> None:
    before = moved.previous or "none"
    champion = f"version {moved.version} of {moved.case} is champion now"
    say(console, f"{champion} (before: {before}): {moved.reason}")


def print_results(
    console: Console, case: str, champion: AliasedVersion, results: list[BatchResult]
) -> None:
    """The table at the end of a run."""
    if not results:
        line = f"the source has no more batches for {case}; see relevo history {case}"
        say(console, line)
        return
    table = _table("batch", "rows", "bad", "decision", "version", "test", "verdict")
    for result in results:
        batch = result.batch
        row = [str(batch.number), f"{batch.rows:,}", f"{batch.bad_rows:,}"]
        row.append(result.decision.action)
        if result.training:
            row += [result.training.version, _headline(result.training)]
        if result.verdict:
            row.append(result.verdict.ruling)
        table.add_row(*row)
    console.print(table)
    say(console, f"champion: {version(champion)}")
    evidence = f"all the evidence: relevo explain {case} BATCH"
    say(console, f"why: relevo history {case}; {evidence}")


def print_replay(
    console: Console, decisions: list[ReplayedDecision], policy_file: str
) -> None:
    table = _table("batch", "rows", "was", "would be", "why")
    for each in decisions:
        would_be = str(each.would_be or "unknown")
        if each.would_be is not each.was:
            would_be = f"[bold yellow]{would_be}[/bold yellow]"
        batch = str(each.batch.number), f"{each.batch.rows:,}"
        table.add_row(*batch, each.was, would_be, Text(each.why))
    console.print(table)
    trained = sum(each.would_be is Action.TRAIN for each in decisions)
    before = sum(each.was is Action.TRAIN for each in decisions)
    say(
        console,
        f"with {policy_file}: {trained} trainings for sure, instead of {before}",
    )


class ProgressBar:
    """A bar over batches, and a line for each that is finished."""

    def __init__(self, console: Console, case: str, batches: int | None) -> None:
        self._case = case
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(case, total=batches)

    def __enter__(self) -> ProgressBar:
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
        line = Text(f"{self._case}  {what[:70]}")
        self._progress.update(self._task, description=line.markup)

    def finished(self, result: BatchResult) -> None:
        self._progress.advance(self._task)
        say(self._progress.console, history_line(result.batch, result.decision))
        if result.verdict and result.training:
            ruled = f"version {result.training.version} {RULED[result.verdict.ruling]}"
            line = f"         {ruled}: {result.verdict.sentence}"
            say(self._progress.console, line)
