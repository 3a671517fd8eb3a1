from typing import Any

import pytest

from tests.apps.airflow import flats_of_three_batches

DAG = "continuous_training_flats"
HEAVY = {
    "mlflow",
    "xgboost",
    "sklearn",
    "onnx",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scipy",
    "matplotlib",
}


@pytest.fixture(scope="module")
def read(read_dags: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    use_cases = tmp_path_factory.mktemp("use_cases")
    flats_of_three_batches.write(use_cases)
    source = (use_cases / "flats" / "use_case.py").read_text()
    (use_cases / "never").mkdir()
    never = source.replace('name="flats"', 'name="never"').replace(
        "Policy(", 'Policy(schedule="now and then", '
    )
    (use_cases / "never" / "use_case.py").write_text(never)
    found: dict[str, Any] = read_dags(use_cases)
    return found


@pytest.fixture(scope="module")
def dag(read: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = read["dags"][DAG]
    return found


def test_each_use_case_has_a_dag_that_bears_its_name(read: dict[str, Any]) -> None:
    assert set(read["dags"]) == {
        f"continuous_training_{name}" for name in ("flats", "broken", "never")
    }
    assert read["dags"][DAG]["tags"] == ["flats", "relevo"]


def test_the_tasks_are_the_steps_of_the_loop_in_their_order(
    dag: dict[str, Any],
) -> None:
    assert {task["id"]: task["then"] for task in dag["tasks"]} == {
        "evaluate_run_and_load_raw_data": ["preprocess_and_split"],
        "preprocess_and_split": ["train_decision"],
        "train_decision": ["skip_training", "train_model"],
        "train_model": ["judge_challenger"],
        "judge_challenger": ["publish_champion"],
        "publish_champion": ["trigger_dag_rerun"],
        "skip_training": ["trigger_dag_rerun"],
        "trigger_dag_rerun": [],
    }


def test_the_decision_is_a_branch_and_both_branches_join_in_the_rerun(
    dag: dict[str, Any],
) -> None:
    tasks = {task["id"]: task for task in dag["tasks"]}
    assert tasks["train_decision"]["kind"] == "_BranchPythonDecoratedOperator"
    assert tasks["trigger_dag_rerun"]["rule"] == "none_failed_min_one_success"
    others = {
        task["rule"] for name, task in tasks.items() if name != "trigger_dag_rerun"
    }
    assert others == {"all_success"}


def test_runs_are_a_chain_that_starts_by_itself_and_looks_back_at_nothing(
    dag: dict[str, Any],
) -> None:
    assert (dag["max_active_runs"], dag["catchup"], dag["paused"], dag["schedule"]) == (
        1,
        False,
        False,
        "@hourly",
    )


def test_a_person_can_read_in_airflow_what_the_dag_and_each_task_do(
    dag: dict[str, Any],
) -> None:
    assert "relevo history flats" in dag["doc"]
    assert all(task["doc"] for task in dag["tasks"])


def test_each_task_is_retried(dag: dict[str, Any]) -> None:
    assert {task["retries"] for task in dag["tasks"]} == {3}


def test_building_the_dags_imports_nothing_heavy_opens_no_connection_and_is_quick(
    read: dict[str, Any],
) -> None:
    assert not HEAVY & set(read["imported"])
    assert read["seconds"] < 2  # 0.4 s on a machine that does nothing else


def test_a_broken_use_case_has_a_dag_that_says_so_and_harms_no_other(
    read: dict[str, Any],
) -> None:
    assert read["import_errors"] == {}
    broken = read["dags"]["continuous_training_broken"]
    assert [task["id"] for task in broken["tasks"]] == ["use_case_is_broken"]
    assert "BROKEN" in broken["display_name"]
    assert "RuntimeError: no such column" in broken["doc"]


def test_a_schedule_that_airflow_cannot_read_breaks_its_use_case_alone(
    read: dict[str, Any],
) -> None:
    never = read["dags"]["continuous_training_never"]
    assert "never/use_case.py" in never["doc"]
    assert "BROKEN" in never["display_name"]
