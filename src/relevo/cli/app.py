"""All commands. Each says what it does in `--help`, does it through bootstrap, and prints through `show`."""

from __future__ import annotations

import logging
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console

from relevo.cli import show
from relevo.errors import InvalidInput, NotFound, RelevoError
from relevo.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from relevo.app import Loop
    from relevo.loop.run_batch import BatchResult

app = typer.Typer(
    help="Continuous training for tabular models: batches come in, a better model goes out, anyone can read why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
console = Console()
errors = Console(stderr=True)

Case = Annotated[str, typer.Argument(help="a use case; `relevo cases` lists them")]
Number = Annotated[
    int, typer.Argument(help="a batch's number, as `relevo history` shows it")
]
WantedTask = Literal["regression", "classification"]
Reason = Annotated[
    str, typer.Option("--reason", help="why; it is kept on record", prompt="Why")
]


def main() -> None:
    """Run a command; an error of ours is one clear message and exit code 1."""
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "PASSIVE"
    )  # threads that spin cost fivefold on a shared core
    os.environ.setdefault(
        "ARROW_DEFAULT_MEMORY_POOL", "system"
    )  # gives memory back between batches
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    logging.getLogger("relevo").setLevel(logging.INFO)
    try:
        app()
    except RelevoError as error:
        errors.print(f"[red]error:[/red] {show.plain(str(error))}", highlight=False)
        sys.exit(1)


@contextmanager
def _working(name: str) -> Iterator[Loop]:
    from relevo.app import open_loop

    with open_loop(name).working(
        f"{os.environ.get('USER', 'someone')}@pid-{os.getpid()}"
    ) as loop:
        yield loop


def _reading(name: str) -> Loop:
    from relevo.app import open_loop

    return open_loop(name)


@app.command(rich_help_panel="Look")
def cases() -> None:
    """List the use cases and what each predicts."""
    from relevo.bootstrap import find_use_cases, load_use_case

    settings = Settings()
    show.cases(
        console,
        [load_use_case(name, settings) for name in find_use_cases(settings)],
        settings.use_cases,
    )


@app.command(rich_help_panel="Look")
def status(case: Case) -> None:
    """Show the champion, the challenger, the newest batch, and anything that waits for a person."""
    show.status(console, _reading(case))


@app.command(rich_help_panel="Look")
def history(case: Case) -> None:
    """Print a line a batch: what was decided, and why."""
    show.history(console, _reading(case))


@app.command(rich_help_panel="Look")
def explain(case: Case, batch: Number) -> None:
    """Show all the evidence on a batch: its rows, the decision, the training, the contest, the policy."""
    show.explain(console, _reading(case), batch)


@app.command(rich_help_panel="Work")
def run(
    case: Case,
    batches: Annotated[
        int | None, typer.Option("--batches", "-n", min=1, help="stop after this many")
    ] = None,
) -> None:
    """Run the loop without Airflow: batch after batch until the source has no more."""
    done: list[BatchResult] = []
    with _working(case) as loop, show.Working(console, case, batches) as working:
        while batches is None or len(done) < batches:
            result = loop.run_batch(working.step)
            if result is None:
                break
            done.append(result)
            working.finished(result)
    show.closing(console, loop, done)


@app.command(rich_help_panel="Work")
def retrain(case: Case, reason: Reason) -> None:
    """Train, contest and publish now, on all rows so far."""
    with _working(case) as loop, show.Working(console, case, 1) as working:
        working.finished(loop.retrain(reason, working.step))


@app.command(rich_help_panel="Order")
def promote(
    case: Case,
    version: Annotated[str, typer.Argument(help="a registered version")],
    reason: Reason,
) -> None:
    """Make a version champion by hand."""
    show.move(console, _reading(case).promote(version, reason))


@app.command(rich_help_panel="Order")
def rollback(case: Case, reason: Reason) -> None:
    """Hand the baton back to the champion before this one."""
    show.move(console, _reading(case).roll_back(reason))


@app.command(rich_help_panel="Order")
def accept(case: Case, batch: Number, reason: Reason) -> None:
    """Let a stopped batch's good rows pass, or give a lost batch up."""
    _judge(case, batch, "accepted", reason)


@app.command(rich_help_panel="Order")
def reject(case: Case, batch: Number, reason: Reason) -> None:
    """Keep all rows of a stopped batch out; the chain goes on without them."""
    _judge(case, batch, "rejected", reason)


def _judge(case: str, number: int, state: str, reason: str) -> None:
    from relevo.domain.batch import BatchState

    with _working(case) as loop:
        batch = loop.judge_batch(number, BatchState(state), reason)
    what = (
        f"batch {number} of {case} is {state}"
        if batch
        else f"batch {number} of {case} is given up"
    )
    console.print(f"{what}; go on with: relevo run {case}", highlight=False)


@app.command(rich_help_panel="Work")
def predict(
    case: Case,
    values: Annotated[
        list[str] | None,
        typer.Argument(help="NAME=VALUE for each field; a field left out is missing"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", help="CSV or Parquet with a row a prediction"),
    ] = None,
) -> None:
    """Ask the champion, for one row or a file of them."""
    from relevo.cli.predicting import predict_file, predict_row

    loop = _reading(case)
    if file is not None:
        predict_file(console, loop, file)
    elif values:
        predict_row(console, loop, values)
    else:
        fields = " ".join(f"{name}=…" for name in loop.case.features)
        raise InvalidInput(
            f"say what to predict: relevo predict {case} {fields}, or --file ROWS.csv"
        )


@app.command(rich_help_panel="Work")
def restore_predictions(
    case: Case,
    environment: Annotated[
        str, typer.Option("--environment", help="whose predictions")
    ] = "prod",
    day: Annotated[
        str, typer.Option("--day", help="only of this one, such as 2026-11-21")
    ] = "",
) -> None:
    """Bring predictions that only the object store has back into the database; those it has stay as they are."""
    from relevo.bootstrap import ServingPorts
    from relevo.serving.log.restore import restore

    ports = ServingPorts(Settings())
    found = restore(case, environment, day, ports.artifacts, ports.predictions)
    console.print(
        f"{found.lines:,} predictions of {case} in {environment} are in {found.objects:,} objects; "
        f"{found.new:,} were missing in the database and are there now, {found.refused:,} it cannot hold",
        highlight=False,
    )


@app.command(rich_help_panel="Look")
def replay(
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
            "--retrain", help="train anew where evidence would have been other"
        ),
    ] = False,
) -> None:
    """Show what another policy would have decided over the batches already seen."""
    from relevo.cli.replaying import replay_recorded, replay_trained

    loop = _reading(case)
    (replay_trained if retrain else replay_recorded)(console, loop, policy)


@app.command(rich_help_panel="Begin")
def new(
    name: Annotated[
        str, typer.Argument(help="the use case's name, such as house_prices")
    ],
    table: Annotated[Path, typer.Option("--from", help="a CSV or Parquet file")],
    target: Annotated[str, typer.Option("--target", help="the column to predict")],
    task: Annotated[
        Literal["regression", "classification"] | None,
        typer.Option("--task", help="what to do where the target could be either"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="write over a use case of that name")
    ] = False,
) -> None:
    """Write a use case from a table: contract, task, features, ready to run."""
    from relevo.scaffold import new_case

    made = new_case(name, table, target, Settings().use_cases, task=task, force=force)
    for line in made.report:
        console.print(line, highlight=False, markup=False)
    console.print(f"\nwrote {made.path}; run it: [bold]relevo run {name}[/bold]")


@app.command(rich_help_panel="Begin")
def migrate() -> None:
    """Bring the warehouse's tables to this version's shape, those of every use case too. Run again it changes nothing."""
    from relevo.bootstrap import find_use_cases

    settings = Settings()
    names = find_use_cases(settings)
    if not names:
        raise NotFound(
            f"no use case in {settings.use_cases}/, so there are no tables to make; set RELEVO_USE_CASES"
        )
    for name in names:
        _ = _reading(name).warehouse  # is migrated when it is opened
        console.print(f"the tables of {name} are as they should be", highlight=False)


@app.command(rich_help_panel="Begin")
def up() -> None:
    """Run everything on this machine: data API, MLflow, Airflow. Ctrl-C stops it, a second `up` goes on."""
    from relevo.local import up as start

    sys.exit(start(Settings()))
