"""One real `relevo up`: what its Airflow does with a chain of batches, and what a person sees of it.

All in one file, as all of it is seen in one session and a worker takes whole files.
"""

from collections import Counter

from tests.apps.airflow.conftest import Story
from tests.apps.airflow.flats_of_three_batches import BATCHES, rows

STEPS = (
    "evaluate_run_and_load_raw_data",
    "preprocess_and_split",
    "train_decision",
    "train_model",
    "judge_challenger",
    "publish_champion",
    "trigger_dag_rerun",
)


def test_one_run_works_one_batch_off_to_the_end_of_data(story: Story) -> None:
    assert story.laptop.decided()[:BATCHES] == [
        (0, "train", ""),
        (1, "skip", ""),
        (2, "train", ""),
    ]
    assert story.runs_at_end == dict.fromkeys(story.runs_at_end, "success")
    assert [run for run in story.runs_at_end if run.startswith("chain__")] == [
        f"chain__{story.killed_run}__{link}" for link in range(2, BATCHES + 2)
    ]


def test_the_end_of_data_is_a_green_run_of_skipped_tasks(story: Story) -> None:
    last = story.laptop.tasks(f"chain__{story.killed_run}__{BATCHES + 1}")
    assert {state for state, _ in last.values()} == {"skipped"}


def test_the_end_of_the_chain_triggers_nothing(story: Story) -> None:
    assert story.runs_after_waiting == story.runs_at_end


def test_a_task_killed_while_it_trains_is_tried_again_and_the_chain_goes_on(
    story: Story,
) -> None:
    tasks = story.laptop.tasks(story.killed_run)
    assert tasks["train_model"] == ("success", 2)
    assert {tasks[step][0] for step in STEPS} == {"success"}


def test_no_row_is_lost_or_doubled_by_kills_and_stops(story: Story) -> None:
    stored = story.laptop.ask(
        "warehouse.db",
        "SELECT b.number, r.flat, r.city, r.size, r.rent FROM raw__flats r JOIN audit__batches b ON b.id = r.batch_id",
    )
    sent = [
        (batch, float(a), b, float(c), float(d))
        for batch in range(BATCHES)
        for a, b, c, d in rows(batch)
    ]
    assert Counter(stored) == Counter(sent)


def test_a_killed_training_leaves_one_model_version_a_decision(story: Story) -> None:
    trained = story.laptop.ask(
        "warehouse.db", "SELECT decision_id, version FROM audit__trainings ORDER BY id"
    )
    assert [version for _, version in trained] == ["1", "2", "3"]
    assert len({decision for decision, _ in trained}) == len(trained)


def test_the_branch_that_was_not_taken_is_skipped_and_the_chain_still_goes_on(
    story: Story,
) -> None:
    tasks = story.laptop.tasks(f"chain__{story.killed_run}__2")
    assert [
        tasks[step][0]
        for step in ("train_model", "judge_challenger", "publish_champion")
    ] == ["skipped"] * 3
    assert (tasks["skip_training"][0], tasks["trigger_dag_rerun"][0]) == (
        "success",
        "success",
    )


def test_a_run_by_hand_while_the_chain_lives_starts_nothing(story: Story) -> None:
    tasks = story.laptop.tasks(story.run_by_hand_in_chain)
    assert {state for state, _ in tasks.values()} == {"skipped"}
    assert story.laptop.runs()[story.run_by_hand_in_chain] == "success"
    assert not any(
        run.startswith(f"chain__{story.run_by_hand_in_chain}")
        for run in story.laptop.runs()
    )


def test_a_run_by_hand_with_a_reason_trains_although_there_is_no_new_data(
    story: Story,
) -> None:
    assert story.laptop.decided()[BATCHES:] == [
        (BATCHES - 1, "train", "the agency has new rules")
    ]
    tasks = story.laptop.tasks(story.run_by_hand_with_reason)
    assert {tasks[step][0] for step in STEPS} == {"success"}


def test_the_log_of_a_task_has_the_decision_and_the_verdict_in_a_sentence(
    story: Story,
) -> None:
    logs = {
        path.parent.name: path.read_text()
        for path in story.laptop.home.glob(
            "airflow/logs/dag_id=*flats/run_id=sched*/*/*.log"
        )
    }
    assert "no champion yet" in logs["task_id=train_decision"]
    assert "first model" in logs["task_id=judge_challenger"]


def test_between_tasks_only_ids_and_the_name_of_a_branch_pass(story: Story) -> None:
    passed = story.laptop.ask(
        "airflow/airflow.db",
        "SELECT task_id, key, value FROM xcom WHERE dag_id LIKE '%flats' AND key NOT LIKE '%link%'",
    )
    small = [
        value for _, key, value in passed if key in ("return_value", "decision_id")
    ]
    assert len(small) >= 10
    assert all(len(str(value)) < 20 for value in small)


def test_a_broken_use_case_fails_in_red_and_the_others_run(story: Story) -> None:
    assert set(story.laptop.runs("continuous_training_broken").values()) == {"failed"}


def test_everything_is_started_and_its_addresses_are_said(story: Story) -> None:
    first = story.output[0]
    for port in story.laptop.ports.values():
        assert f"http://127.0.0.1:{port}" in first
    assert "everything runs" in first


def test_a_broken_use_case_is_said_at_once(story: Story) -> None:
    assert (
        "broken/use_case.py: RuntimeError: no such column"
        in story.output[0].partition("starting")[0]
    )


def test_each_finished_batch_is_a_line(story: Story) -> None:
    assert (
        "flats  batch 0         250 rows  trained: no champion yet" in story.output[0]
    )
    assert "version 1 is champion: first model" in story.output[0]
    assert "flats  all 3 batches are processed" in story.output[1]
    assert story.output[1].count("are processed") == 1


def test_ctrl_c_stops_all_with_no_process_left(story: Story) -> None:
    assert len(story.processes_before_stop) > 8
    assert story.processes_after_stop == []
    assert story.stop_code == 0
    assert f"full logs are in {story.laptop.home / 'logs'}" in story.output[0].replace(
        "\n", " "
    )


def test_a_second_up_goes_on_where_the_first_was_stopped(story: Story) -> None:
    assert "flats  goes on after batch" in story.output[1]
    assert "batch 0 " not in story.output[1]
    assert "batch 2 " in story.output[1]
