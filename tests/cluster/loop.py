"""What the loop in the cluster has done, as its databases tell."""

from __future__ import annotations

import json

from tests.cluster.kubernetes import kubectl, query

CASE = "house_prices"
DAG = f"continuous_training_{CASE}"


def batches() -> list[int]:
    """Numbers of the batches that are loaded."""
    return [
        int(number)
        for (number,) in query(
            "relevo",
            f"SELECT number FROM audit.batches WHERE \"case\" = '{CASE}' ORDER BY 1",
        )
    ]


def rulings() -> dict[str, str]:
    """Of each version that was judged: promote or keep."""
    return dict(
        query(
            "relevo",
            f"SELECT challenger, ruling FROM audit.verdicts WHERE \"case\" = '{CASE}'",
        )
    )  # type: ignore[arg-type]


def runs(state: str) -> list[str]:
    return [
        run
        for (run,) in query(
            "airflow",
            f"SELECT run_id FROM dag_run WHERE dag_id = '{DAG}' AND state = '{state}'",
        )
    ]


def trigger(**conf: str) -> None:
    """As a person would, from Airflow's own command line."""
    command = ["airflow", "dags", "trigger", DAG, "--conf", json.dumps(conf)]
    kubectl(
        "exec",
        "--namespace=relevo-airflow",
        "deployment/airflow-scheduler",
        "--container=scheduler",
        "--",
        *command,
    )


def ask_to_train(reason: str) -> None:
    trigger(reason=reason)


def logged() -> int:
    """Answers of prod that have reached the database."""
    ((count,),) = query(
        "relevo",
        "SELECT count(*) FROM predictions.log WHERE environment = 'prod' AND status = 200",
    )
    return int(count)
