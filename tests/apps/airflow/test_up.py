"""What a person sees and gets of `relevo up`, from the same real run as the chain's tests."""

from tests.apps.airflow.conftest import Story


def test_everything_is_started_and_its_addresses_are_said(story: Story) -> None:
    first = story.output[0]
    for port in story.laptop.ports.values():
        assert f"http://127.0.0.1:{port}" in first
    assert "everything runs" in first


def test_a_broken_use_case_is_said_at_once(story: Story) -> None:
    assert "broken/use_case.py: RuntimeError: no such column" in story.output[0].partition("starting")[0]


def test_each_finished_batch_is_a_line(story: Story) -> None:
    assert "flats  batch 0         250 rows  trained: no champion yet" in story.output[0]
    assert "version 1 is champion: first model" in story.output[0]
    assert "flats  all 3 batches are worked off" in story.output[1]
    assert story.output[1].count("worked off") == 1


def test_ctrl_c_stops_all_with_no_process_left(story: Story) -> None:
    assert len(story.processes_before_stop) > 8
    assert story.processes_after_stop == []
    assert story.stop_code == 0
    assert f"full logs are in {story.laptop.home / 'logs'}" in story.output[0].replace("\n", " ")


def test_a_second_up_goes_on_where_the_first_was_stopped(story: Story) -> None:
    assert "flats  goes on after batch" in story.output[1]
    assert "batch 0 " not in story.output[1]
    assert "batch 2 " in story.output[1]
