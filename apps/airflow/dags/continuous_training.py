"""Continuous training: one DAG per use case. A run processes one batch and triggers the next, while there is data.

Tasks only call the library, which makes each of them safe to run again; between tasks only ids pass.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, Param, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from relevo.app import Loop, open_loop
from relevo.bootstrap import find_use_cases, load_use_case
from relevo.domain.evidence import Action
from relevo.domain.use_case import UseCase
from relevo.errors import RelevoError
from relevo.settings import Settings

log = logging.getLogger("relevo.airflow")

FIRST_DAY = datetime(2024, 1, 1, tzinfo=UTC)
# The first delay is Airflow's own setting, [core] default_task_retry_delay; each one after it is twice as long.
PATIENCE = {
    "retries": 3,
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=10),
}
# The pod of a step that holds all rows; other executors ignore it. Sizes: taskSizes in charts/airflow/values.yaml.
LARGE = {"pod_template_file": "/opt/airflow/task_sizes/large.yaml"}
CHAIN = "(dag_run.conf or {}).get('chain', run_id)"
NEXT_TASK = {Action.TRAIN: "train_model", Action.SKIP: "skip_training"}
NEXT_LINK = "((dag_run.conf or {}).get('link', 1) | int + 1)"
DOC = """
### {title}
Continuous training of **{name}**. A run processes one batch and triggers the run for the next one. When the source
has no more data, all tasks are skipped, the run is green and the chain has ended. `{schedule}` looks for new data.

A run that starts by schedule or by hand while a chain is active does nothing. Give a run a `reason` to train even
where the evidence does not call for it. Why each decision was made: `relevo history {name}`,
`relevo explain {name} BATCH`.
"""


@contextmanager
def _failing_at_once() -> Iterator[None]:
    """What a retry would not mend fails without retries, with the library's message."""
    try:
        yield
    except RelevoError as error:
        if error.retryable:
            raise
        raise AirflowFailException(str(error)) from error


@contextmanager
def _holding(case: str) -> Iterator[Loop]:
    """The case's loop, held for this DAG run."""
    with (
        _failing_at_once(),
        open_loop(case).working(str(get_current_context()["run_id"])) as loop,
    ):
        yield loop


@task
def evaluate_run_and_load_raw_data(case: str) -> int:
    """Brings in the next batch, exactly once, and stores its rows in RAW as they came.

    A batch that a killed run left half-way comes first. No more data: all tasks are skipped, and the chain ends.
    """
    context = get_current_context()
    reason = context["params"].get("reason") or ""
    if reason:
        # put on record without holding the case, so that an active chain sees it too
        with _failing_at_once():
            if open_loop(case).request_training(reason):
                log.info("training of %s is requested: %s", case, reason)
    if _chain_is_active(context):
        log.info("a chain of %s is active: this run does nothing", case)
        raise AirflowSkipException("a chain is active; this run does nothing")
    with _holding(case) as loop:
        batch = loop.next_batch()
    if batch is None:
        log.info("the source of %s has no more data: the chain ends", case)
        raise AirflowSkipException("no more data")
    counts = f"{batch.rows:,} rows, {batch.bad_rows:,} of them bad"
    log.info("batch %d of %s: %s", batch.number, case, counts)
    return batch.id


def _chain_is_active(context: Any) -> bool:
    """True for a run from outside the chain while another run is queued or running."""
    if (context["dag_run"].conf or {}).get("chain"):
        return False
    live: int = context["ti"].get_dr_count(
        dag_id=context["dag"].dag_id, states=["queued", "running"]
    )
    return live > 1


@task
def preprocess_and_split(case: str, batch_id: int) -> int:
    """Writes the batch's good rows to CLEAN, each in its split: train, validation or holdout.

    Rows that break the contract are in quarantine, with the reason.
    """
    with _holding(case) as loop:
        log.info("%s clean rows", f"{loop.prepare(batch_id):,}")
    return batch_id


@task.branch
def train_decision(case: str, batch_id: int) -> str:
    """Decides on evidence whether to train. The log has the decision in a sentence; `relevo explain` has it all."""
    with _holding(case) as loop:
        decision = loop.decide_all(batch_id)
    log.info("%s: %s", decision.action, decision.sentence)
    get_current_context()["ti"].xcom_push(key="decision_id", value=decision.id)
    return NEXT_TASK[decision.action]


@task(executor_config=LARGE)
def train_model(case: str, decision_id: int) -> int:
    """Trains the candidates on all rows so far and registers the best as challenger."""
    with _holding(case) as loop:
        training = loop.train(decision_id)
    metrics = sorted(training.metrics.items())
    figures = ", ".join(f"{name} {value:.4g}" for name, value in metrics)
    trained = f"{training.estimator} in {training.seconds:.1f} s"
    log.info("version %s: %s; %s", training.version, trained, figures)
    return decision_id


@task(executor_config=LARGE)
def judge_challenger(case: str, decision_id: int) -> int:
    """Champion and challenger predict the same holdout rows; the challenger must win by more than chance."""
    with _holding(case) as loop:
        verdict = loop.contest(decision_id)
    log.info("%s: %s", verdict.ruling, verdict.sentence)
    return decision_id


@task
def publish_champion(case: str, decision_id: int) -> None:
    """A winner becomes champion and its files go to the bucket; a loser is tagged with the reason.

    Fails, and the chain with it, where a first model is refused: without a champion nothing serves.
    """
    with _holding(case) as loop:
        move = loop.publish(decision_id)
    if move:
        log.info("version %s is champion now", move.version)
    else:
        log.info("the champion stays")


def continuous_training(case: UseCase) -> DAG:
    """The DAG of a use case. Opens no connection."""
    title, schedule = case.title or case.name, case.policy.schedule
    with (
        DAG(
            dag_id(case.name),
            description=f"{title}: batches come in, a better model goes out",
            doc_md=DOC.format(title=title, name=case.name, schedule=schedule),
            schedule=schedule,
            start_date=FIRST_DAY,
            catchup=False,
            max_active_runs=1,
            is_paused_upon_creation=False,
            auto_register=False,  # one that proves to be broken below must not be found all the same
            default_args=PATIENCE,
            tags=["relevo", case.name],
            params={
                "reason": Param(
                    "",
                    type="string",
                    title="Reason",
                    description="why to train; empty: evidence decides",
                )
            },
        ) as dag
    ):
        # Any: Airflow hands a task's result on as a stand-in for the value
        loaded: Any = evaluate_run_and_load_raw_data(case.name)
        prepared: Any = preprocess_and_split(case.name, loaded)
        decision: Any = train_decision(case.name, prepared)
        trained: Any = train_model(case.name, decision["decision_id"])
        skipped = EmptyOperator(
            task_id="skip_training",
            doc_md="No training; the log of `train_decision` has why.",
        )
        decision >> [trained, skipped]
        judged: Any = judge_challenger(case.name, trained)
        [publish_champion(case.name, judged), skipped] >> _rerun(case.name)
    dag.validate()
    return dag


def _rerun(case: str) -> TriggerDagRunOperator:
    return TriggerDagRunOperator(
        task_id="trigger_dag_rerun",
        doc_md="Triggers the run for the next batch. Both branches end here; without data nothing is triggered.",
        trigger_dag_id=dag_id(case),
        # named, so that a task that was killed after it had triggered does not fork the chain when it is retried
        trigger_run_id=f"chain__{{{{ {CHAIN} }}}}__{{{{ {NEXT_LINK} }}}}",
        conf={"chain": f"{{{{ {CHAIN} }}}}", "link": f"{{{{ {NEXT_LINK} }}}}"},
        skip_when_already_exists=True,
        logical_date=None,  # or each re-trigger makes a new version of the DAG
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
    )


def broken(name: str, message: str) -> DAG:
    """A DAG that only fails, with why: an import error of this file would take the other use cases down with it."""
    with DAG(
        dag_id(name),
        dag_display_name=f"{dag_id(name)} (BROKEN)",
        description=f"BROKEN: {message}",
        doc_md=f"### {name} cannot be loaded\n```\n{message}\n```",
        schedule="@hourly",
        start_date=FIRST_DAY,
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        tags=["relevo", "broken"],
    ) as dag:
        use_case_is_broken(message)
    return dag


@task(retries=0)
def use_case_is_broken(message: str) -> None:
    """Fails until the use case's file is mended."""
    raise AirflowFailException(message)


def dag_id(case: str) -> str:
    return f"continuous_training_{case}"


def _dag(case: str, settings: Settings) -> DAG:
    try:
        return continuous_training(load_use_case(case, settings))
    except RelevoError as error:
        message = str(error)
    except Exception as error:  # noqa: BLE001
        message = f"{settings.use_cases / case / 'use_case.py'}: {type(error).__name__}: {error}"
    return broken(case, message)


for name in find_use_cases(Settings()):
    globals()[dag_id(name)] = _dag(name, Settings())
