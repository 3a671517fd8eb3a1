from relevo.local.output_filter import airflow_line, errors_only

STAMP = "scheduler  | 2026-11-21 09:18:40.890913+00:00"
WHERE = "dag_id=continuous_training_flats loc=x.py:47 map_index=-1 run_id=scheduled__1 task_id=train_model ti_id=01"


def test_what_airflow_says_of_itself_is_left_to_its_log() -> None:
    assert (
        airflow_line("scheduler  | ____  /| |_  /__  ___/_  /_ __  /_  __ \\_ | /| / /")
        is None
    )
    assert (
        airflow_line(
            f"{STAMP} [info     ] Loaded executor: :LocalExecutor: [airflow.executors] loc=a.py:3"
        )
        is None
    )
    assert (
        airflow_line(
            f"{STAMP} [warning  ] ASGI app factory detected. [uvicorn.error] loc=config.py:521"
        )
        is None
    )


def test_a_warning_of_the_loop_is_shown_with_its_case_and_task() -> None:
    line = f"{STAMP} [warning  ] the source cannot be reached; try 2 of 5 follows [relevo.loop.ingest] {WHERE}"
    assert (
        airflow_line(line)
        == "flats train_model: the source cannot be reached; try 2 of 5 follows"
    )


def test_a_failed_task_is_told_in_the_librarys_words() -> None:
    detail = "[{'exc_type': 'AirflowFailException', 'exc_value': \"batch 3 of flats: 'rent' holds text\", 'exc_notes': []"
    line = f"{STAMP} [error    ] Task failed with exception     [task] dag_id=continuous_training_flats error_detail={detail}"
    assert (
        airflow_line(f"{line} loc=x.py:1 task_id=train_model")
        == "flats train_model: batch 3 of flats: 'rent' holds text"
    )


def test_an_error_that_is_not_ours_is_shown_with_its_type() -> None:
    detail = (
        "[{'exc_type': 'ValueError', 'exc_value': 'añejo\\nand more', 'exc_notes': []"
    )
    line = f"{STAMP} [error    ] Task failed with exception     [task] dag_id=continuous_training_flats error_detail={detail}"
    assert (
        airflow_line(f"{line} task_id=train_model")
        == "flats train_model: ValueError: añejo\nand more"
    )


def test_a_task_whose_process_was_killed_is_told_plainly() -> None:
    instance = "<TaskInstance: continuous_training_flats.train_model scheduled__1 [running] ti_id=01>"
    said = f"Executor LocalExecutor(parallelism=2) reported that the task instance {instance} finished with state success"
    line = airflow_line(
        f"{STAMP} [error    ] {said}, but its attribute is running. [airflow.task] loc=taskinstance.py:1"
    )
    assert (
        line
        == "flats train_model: its process has ended without a word, as one that is killed; it is tried again"
    )


def test_a_failed_run_is_told() -> None:
    run = "<DagRun continuous_training_flats @ 2026-11-21 09:00: scheduled__1, state:running, run_type: scheduled>"
    line = airflow_line(
        f"{STAMP} [info     ] Marking run {run} failed [airflow.models.dagrun.DagRun] loc=dagrun.py:1219"
    )
    assert (
        line
        == "flats: the run has failed and the chain with it; Airflow asks again as scheduled"
    )


def test_of_quiet_programs_only_errors_are_shown() -> None:
    assert (
        errors_only('INFO:     127.0.0.1:48146 - "GET /health HTTP/1.1" 200 OK') is None
    )
    assert errors_only("ERROR group 1: the cursor file is corrupt") is not None
