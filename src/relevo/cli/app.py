"""All commands. Each says what it does in `--help`, does it through `relevo.app`, and prints through `show`."""

from __future__ import annotations

import csv
import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.text import Text

from relevo.cli import show
from relevo.domain.arrival import FORMATS
from relevo.errors import InvalidInput, NotFound, RelevoError
from relevo.settings import Settings

if TYPE_CHECKING:
    from relevo.app import Loop
    from relevo.domain.batch import BatchState
    from relevo.domain.use_case import UseCase
    from relevo.loop.run_batch import BatchResult

app = typer.Typer(
    help="Continuous training for tabular models: batches come in, a better model goes out, anyone can read why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Case = Annotated[str, typer.Argument(help="a use case; `relevo cases` lists them")]
BatchNumber = Annotated[
    int, typer.Argument(help="a batch's number, as `relevo history` shows it")
]
Reason = Annotated[
    str, typer.Option("--reason", help="why; it is kept on record", prompt="Why")
]


def main() -> None:
    """Run a command; an error of ours is one clear message and exit code 1."""
    # threads that spin while they wait cost fivefold on a shared core
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    # Arrow's own pool keeps the memory of a batch; the system's gives it back
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("relevo").setLevel(logging.INFO)
    try:
        app()
    except RelevoError as error:
        message = Text.assemble(("error:", "red"), f" {error}")
        errors.print(message, soft_wrap=True)
        sys.exit(1)


def _open(name: str) -> Loop:
    from relevo.app import open_loop

    return open_loop(name)


@contextmanager
def _holding(name: str) -> Iterator[Loop]:
    """The loop of a use case, held by this process."""
    user = os.environ.get("USER", "someone")
    with _open(name).working(f"{user}@pid-{os.getpid()}") as loop:
        yield loop


@app.command("cases", rich_help_panel="Look")
def list_cases() -> None:
    """List the use cases and what each predicts."""
    from relevo.bootstrap import find_use_cases, load_use_case

    settings = Settings()
    found = [load_use_case(name, settings) for name in find_use_cases(settings)]
    show.print_cases(console, found, settings.use_cases)


@app.command("status", rich_help_panel="Look")
def show_status(case: Case) -> None:
    """Show the champion, the challenger, the newest batch, and what needs an admin action."""
    show.print_status(console, case, _open(case).status())


@app.command("history", rich_help_panel="Look")
def show_history(case: Case) -> None:
    """Print one line per decision: the batch, what was decided, and why."""
    show.print_history(console, case, _open(case).history())


@app.command("explain", rich_help_panel="Look")
def explain_batch(case: Case, batch: BatchNumber) -> None:
    """Show all evidence on a batch: its rows, the decision, the training, the contest, the policy."""
    show.print_batch(console, _open(case).explain(batch))


@app.command(rich_help_panel="Work")
def run(
    case: Case,
    batches: Annotated[
        int | None, typer.Option("--batches", "-n", min=1, help="stop after this many")
    ] = None,
) -> None:
    """Run the loop without Airflow: batch after batch until the source has no more."""
    results: list[BatchResult] = []
    with _holding(case) as loop, show.ProgressBar(console, case, batches) as progress:
        while batches is None or len(results) < batches:
            result = loop.run_batch(progress.step)
            if result is None:
                break
            results.append(result)
            progress.finished(result)
    show.print_results(console, case, loop.champion(), results)


@app.command("retrain", rich_help_panel="Work")
def retrain_now(case: Case, reason: Reason) -> None:
    """Train, contest and publish now, on all rows so far."""
    with _holding(case) as loop, show.ProgressBar(console, case, 1) as progress:
        progress.finished(loop.retrain(reason, progress.step))


@app.command(rich_help_panel="Admin actions")
def promote(
    case: Case,
    version: Annotated[str, typer.Argument(help="a registered version")],
    reason: Reason,
) -> None:
    """Make a version the champion."""
    show.print_move(console, _open(case).promote(version, reason))


@app.command(rich_help_panel="Admin actions")
def rollback(case: Case, reason: Reason) -> None:
    """Make the previous champion the champion again."""
    show.print_move(console, _open(case).roll_back(reason))


@app.command(rich_help_panel="Admin actions")
def accept(case: Case, batch: BatchNumber, reason: Reason) -> None:
    """Use the good rows of a stopped batch, or continue without a lost batch."""
    from relevo.domain.batch import BatchState

    _judge(case, batch, BatchState.ACCEPTED, reason)


@app.command(rich_help_panel="Admin actions")
def reject(case: Case, batch: BatchNumber, reason: Reason) -> None:
    """Use no row of a stopped batch; the loop continues without it."""
    from relevo.domain.batch import BatchState

    _judge(case, batch, BatchState.REJECTED, reason)


def _judge(case: str, number: int, state: BatchState, reason: str) -> None:
    with _holding(case) as loop:
        batch = loop.judge_batch(number, state, reason)
    outcome = f"is {state}"
    if batch is None:
        outcome = "is given up"
    go_on = f"go on with: relevo run {case}"
    show.say(console, f"batch {number} of {case} {outcome}; {go_on}")


@app.command(rich_help_panel="Work")
def predict(
    case: Case,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            help="NAME=VALUE for each field; one that is left out is missing"
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="CSV or Parquet, one row per prediction"),
    ] = None,
) -> None:
    """Predict with the champion: one row, or a file of rows."""
    loop = _open(case)
    if file is not None:
        _predict_file(loop, file)
    elif values:
        row = io.BytesIO(_csv_of(loop.case, values))
        for line in loop.predict(row, "csv"):
            show.say(console, f"{line} {loop.case.unit}".rstrip())
    else:
        fields = " ".join(f"{name}=…" for name in loop.case.features)
        raise InvalidInput(
            f"say what to predict: relevo predict {case} {fields}, or --file ROWS.csv"
        )


def _predict_file(loop: Loop, file: Path) -> None:
    if not file.is_file():
        raise NotFound(f"{file}: no such file")
    with file.open("rb") as stream:
        for line in loop.predict(stream, FORMATS.get(file.suffix, "csv")):
            show.say(console, line)


def _csv_of(case: UseCase, pairs: list[str]) -> bytes:
    """NAME=VALUE pairs as a file of one row."""
    row: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or name not in case.features:
            features = ", ".join(case.features)
            raise InvalidInput(
                f"{pair!r} is not NAME=VALUE of a feature; {case.name} has {features}"
            )
        row[name] = value
    text = io.StringIO()
    writer = csv.DictWriter(text, case.features)
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue().encode()


@app.command(rich_help_panel="Work")
def restore_predictions(
    case: Case,
    environment: Annotated[
        str, typer.Option("--environment", help="the environment that predicted")
    ] = "prod",
    day: Annotated[
        str, typer.Option("--day", help="only this day, such as 2026-11-21")
    ] = "",
) -> None:
    """Copy predictions that the database lacks from the object store into it."""
    from relevo.bootstrap import ServingPorts
    from relevo.serving.log.restore import restore

    ports = ServingPorts(Settings())
    counts = restore(case, environment, day, ports.artifacts, ports.predictions)
    stored = f"{counts.lines:,} predictions of {case} in {environment}"
    restored = f"{counts.new:,} were missing in the database and are there now"
    show.say(
        console,
        f"{stored} are in {counts.objects:,} objects; {restored}, {counts.refused:,} it cannot hold",
    )


@app.command("replay", rich_help_panel="Look")
def replay_policy(
    case: Case,
    policy: Annotated[
        Path,
        typer.Option(
            "--policy", help="TOML with the policy's settings that differ", exists=True
        ),
    ],
    retrain: Annotated[
        bool,
        typer.Option(
            "--retrain", help="train again, for evidence that depends on the champion"
        ),
    ] = False,
) -> None:
    """Show what another policy would have decided over the batches already seen."""
    loop = _open(case)
    if not retrain:
        show.print_replay(console, loop.replay(policy), policy.name)
        return
    decisions = []
    with show.ProgressBar(console, f"{case} (replay)", None) as progress:
        for result, decision in loop.replay_trained(policy, progress.step):
            if result:
                progress.finished(result)
            decisions.append(decision)
    show.print_replay(console, decisions, policy.name)


@app.command(rich_help_panel="Begin")
def new(
    name: Annotated[str, typer.Argument(help="the use case's name, such as rents")],
    table: Annotated[Path, typer.Option("--from", help="a CSV or Parquet file")],
    target: Annotated[str, typer.Option("--target", help="the column to predict")],
    task: Annotated[
        Literal["regression", "classification"] | None,
        typer.Option("--task", help="the task, where the target fits both"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="overwrite a use case of that name")
    ] = False,
) -> None:
    """Write a use case from a table: contract, task and features, ready to run."""
    from relevo.scaffold import new_case

    written = new_case(
        name, table, target, Settings().use_cases, task=task, force=force
    )
    for line in written.report:
        show.say(console, line)
    console.print(f"\nwrote {written.path}; run it: [bold]relevo run {name}[/bold]")


@app.command(rich_help_panel="Begin")
def migrate() -> None:
    """Migrate the warehouse's tables to this version, those of every use case too. Safe to run again."""
    from relevo.bootstrap import find_use_cases

    settings = Settings()
    names = find_use_cases(settings)
    if not names:
        raise NotFound(
            f"no use case in {settings.use_cases}/, so there are no tables to make; set RELEVO_USE_CASES"
        )
    for name in names:
        _ = _open(name).warehouse  # is migrated when it is opened
        show.say(console, f"the tables of {name} are up to date")


@app.command("up", rich_help_panel="Begin")
def start_everything() -> None:
    """Run everything on this machine: data API, MLflow, Airflow, inference API and UI. Ctrl-C stops it."""
    from relevo.local import up

    sys.exit(up(Settings()))
