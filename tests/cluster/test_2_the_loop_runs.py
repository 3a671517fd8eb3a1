import httpx

from tests.cluster.kubernetes import pods, query, reach, until
from tests.cluster.loop import CASE, DAG, ask_to_train, batches, rulings, runs
from tests.cluster.report import Report
from tests.cluster.repository import Repository

TWO_BATCHES = 600


def test_the_dag_works_two_batches_off_and_triggers_itself(
    deployed: Repository, report: Report
) -> None:
    chained = until(
        TWO_BATCHES,
        "a run that the run before it triggered",
        lambda: [run for run in runs("success") if run.startswith("chain__")],
    )

    loaded = until(
        TWO_BATCHES,
        "two batches",
        lambda: found if len(found := batches()) >= 2 else None,
    )
    report.note(f"run {chained[0]}; batches {loaded}")


def test_each_task_ran_in_a_pod_of_its_own(
    deployed: Repository, report: Report
) -> None:
    ran = query(
        "airflow",
        f"SELECT task_id, hostname FROM task_instance WHERE dag_id = '{DAG}' AND state = 'success' AND hostname <> ''",
    )

    hosts = [host for _, host in ran]
    fixed = {
        pod["metadata"]["name"] for pod in pods("relevo-airflow", "component=scheduler")
    }
    report.note(f"{len(hosts)} tasks, {len(set(hosts))} pods")
    assert len(hosts) >= 10
    assert len(set(hosts)) == len(hosts)
    assert not fixed & set(hosts)


def test_the_first_model_is_champion_in_mlflow(deployed: Repository) -> None:
    with reach("relevo-mlflow", "service/mlflow", 5000) as mlflow:
        found = httpx.get(
            f"{mlflow}/api/2.0/mlflow/registered-models/alias",
            params={"name": CASE, "alias": "champion"},
        )

    assert found.status_code == 200, found.text
    assert rulings()[found.json()["model_version"]["version"]] == "promote"


def test_a_wish_to_train_is_carried_out_and_a_loser_stays_challenger(
    deployed: Repository, report: Report
) -> None:
    """The same rows again cannot win by more than chance. A batch may come between: its rows are new, so ask again."""
    for number in range(1, 5):
        before = set(rulings())
        ask_to_train(f"cluster test {number}")
        until(
            TWO_BATCHES,
            "the wish's verdict",
            lambda known=before: set(rulings()) - known,
        )  # type: ignore[misc]
        newest = max(rulings(), key=int)
        if rulings()[newest] == "keep":
            break

    report.note(f"versions {rulings()}")
    assert rulings()[newest] == "keep"
