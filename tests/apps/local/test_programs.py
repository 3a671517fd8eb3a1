import json
from pathlib import Path

import pytest

from relevo.errors import NotFound
from relevo.local.programs import KEPT_TOKEN, Program, kept_token, programs
from relevo.local.running import Running
from relevo.local.screen import Screen
from relevo.settings import Settings


def settings(**chosen: object) -> Settings:
    return Settings(_env_file=None, **chosen)  # type: ignore[call-arg, arg-type]


def by_name(chosen: Settings) -> dict[str, Program]:
    return {program.name: program for program in programs(chosen)}


def test_the_programs_are_started_in_the_order_in_which_they_are_needed() -> None:
    assert list(by_name(settings())) == ["data-api", "mlflow", "api", "airflow", "ui"]


def test_the_api_serves_every_use_case_and_keeps_its_token_between_starts(
    tmp_path: Path,
) -> None:
    for name in ("flats", "rents"):
        (tmp_path / "use_cases" / name).mkdir(parents=True)
        (tmp_path / "use_cases" / name / "use_case.py").touch()
    token = kept_token(tmp_path / "home")
    assert len(token) >= 32
    assert kept_token(tmp_path / "home") == token
    assert (tmp_path / "home" / KEPT_TOKEN).stat().st_mode & 0o077 == 0
    api = programs(settings(use_cases=tmp_path / "use_cases"), token)[2]
    assert (api.env["RELEVO_API_CASES"], api.env["RELEVO_API_TOKEN"]) == (
        "flats,rents",
        token,
    )


def test_what_a_setting_places_elsewhere_is_not_started_here_and_is_used_by_tasks() -> (
    None
):
    found = by_name(
        settings(tracking_uri="http://mlflow:5000", source_url="http://data:8000")
    )
    assert list(found) == ["api", "airflow", "ui"]
    assert found["airflow"].env["RELEVO_TRACKING_URI"] == "http://mlflow:5000"
    assert found["airflow"].env["RELEVO_SOURCE_URL"] == "http://data:8000"


def test_tasks_get_the_settings_of_the_supervisor_with_whole_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    env = by_name(settings(mlflow_port=5001, data_api_port=8001))["airflow"].env
    assert env["RELEVO_HOME"] == str(tmp_path / ".relevo")
    assert env["RELEVO_USE_CASES"] == str(tmp_path / "use_cases")
    assert env["RELEVO_TRACKING_URI"] == "http://127.0.0.1:5001"
    assert env["RELEVO_SOURCE_URL"] == "http://127.0.0.1:8001"
    assert json.loads(env["RELEVO_RELOAD_URLS"]) == ["http://127.0.0.1:8989"]


def test_airflow_asks_nobody_to_log_in_and_listens_on_this_machine_alone() -> None:
    env = by_name(settings(airflow_port=8081))["airflow"].env
    assert env["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS"] == "True"
    assert env["AIRFLOW__API__HOST"] == "127.0.0.1"
    assert env["AIRFLOW__API__PORT"] == "8081"
    assert env["AIRFLOW__CORE__LOAD_EXAMPLES"] == "False"


def test_a_preference_for_airflow_in_the_environment_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "8")
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", "/elsewhere")
    env = by_name(settings())["airflow"].env
    assert env["AIRFLOW__CORE__PARALLELISM"] == "8"
    assert env["AIRFLOW__CORE__DAGS_FOLDER"].endswith("apps/airflow/dags")


def test_airflow_is_ready_when_all_its_parts_are() -> None:
    ready = by_name(settings())["airflow"].is_ready
    parts = {
        name: {"status": "healthy"}
        for name in ("metadatabase", "scheduler", "dag_processor")
    }
    assert ready(json.dumps(parts).encode())
    assert not ready(json.dumps(parts | {"scheduler": {"status": None}}).encode())


def test_a_program_that_is_not_installed_is_named(tmp_path: Path) -> None:
    missing = Program(
        name="airflow",
        command=(str(tmp_path / "airflow"),),
        port=1,
        setting="RELEVO_AIRFLOW_PORT",
    )
    with pytest.raises(NotFound, match=r"airflow cannot be started.*make setup"):
        Running(missing, tmp_path, Screen(["airflow"]))


def test_all_modules_that_tasks_are_given_ready_made_exist() -> None:
    import importlib.util

    preloaded = (
        by_name(settings())["airflow"]
        .env["AIRFLOW__SCHEDULER__MP_FORKSERVER_PRELOAD"]
        .split(",")
    )
    assert [name for name in preloaded if importlib.util.find_spec(name) is None] == []


def test_the_ui_sees_what_the_tasks_see_and_listens_on_this_machine_alone() -> None:
    env = by_name(settings(ui_port=8502, mlflow_port=5001, api_port=8990))["ui"].env
    assert env["RELEVO_UI_PORT"] == "8502"
    assert env["RELEVO_UI_HOST"] == "127.0.0.1"
    assert json.loads(env["RELEVO_UI_APIS"]) == {"prod": "http://127.0.0.1:8990"}
    assert env["RELEVO_TRACKING_URI"] == "http://127.0.0.1:5001"
