import os
import pty
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from relevo.app import open_loop
from relevo.errors import AlreadyRunning, FirstModelRefused, PortInUse
from relevo.local.programs import programs
from relevo.local.single_run import alone, check_ports
from relevo.settings import Settings
from tests.apps.airflow.laptop import free_ports
from tests.apps.local.supervised import program
from tests.loop.test_first_model_refused import REFUSING
from tests.loop.test_own_source import settings_with, write_batch

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started = []

    def begin(*behaviours: str, **options: object) -> subprocess.Popen[str]:
        wanted = [
            f"{one}={port}"
            for one, port in zip(behaviours, free_ports(len(behaviours)), strict=True)
        ]
        command = [
            sys.executable,
            "-m",
            "tests.apps.local.supervised",
            str(tmp_path),
            *wanted,
        ]
        env = {
            **os.environ,
            "RELEVO_HOME": str(tmp_path),
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "200",
        }
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, **options}
        process = subprocess.Popen(command, env=env, text=True, **options)  # type: ignore[call-overload]
        started.append(process)
        return process  # type: ignore[no-any-return]

    yield begin
    for process in started:
        if process.poll() is None:
            process.terminate()
            process.wait(30)


def test_ctrl_c_ends_every_process_whatever_group_it_is_in(
    start: Start, tmp_path: Path
) -> None:
    process = start("fine", "also_fine")
    read_until(process, "everything runs")
    assert (
        len(processes_of(tmp_path)) == 6
    )  # supervisor, watcher, two programs with a child each
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert processes_of(tmp_path) == []


def test_a_program_that_will_not_end_is_killed_at_the_second_ctrl_c(
    start: Start, tmp_path: Path
) -> None:
    process = start("deaf")
    read_until(process, "everything runs")
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping everything")
    time.sleep(0.5)
    assert processes_of(tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    assert processes_of(tmp_path) == []


def test_a_program_that_dies_stops_everything_and_its_last_lines_are_shown(
    start: Start, tmp_path: Path
) -> None:
    process = start("fine", "dies")
    output, _ = process.communicate(timeout=40)
    assert process.returncode == 1
    assert "dies has ended by itself (exit code 3)" in output
    assert re.search(r"dies +\| my last words", output)
    assert processes_of(tmp_path) == []


def test_a_killed_supervisor_leaves_no_process(start: Start, tmp_path: Path) -> None:
    process = start("fine", "also_fine")
    read_until(process, "everything runs")
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while processes_of(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert processes_of(tmp_path) == []


def test_a_second_supervisor_of_a_home_is_refused_until_the_first_has_stopped(
    tmp_path: Path,
) -> None:
    with (
        alone(tmp_path),
        pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}.*RELEVO_HOME"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):
        pass


def test_a_port_in_use_is_named_with_its_program_and_setting_before_anything_starts() -> (
    None
):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        wanted = programs(Settings(airflow_port=port))  # type: ignore[call-arg]
        with pytest.raises(
            PortInUse,
            match=rf"port {port}, which airflow needs, is in use.*RELEVO_AIRFLOW_PORT=\d+",
        ):
            check_ports([one for one in wanted if one.name == "airflow"])


def test_a_port_given_twice_is_refused() -> None:
    port = free_ports(1)[0]
    with pytest.raises(PortInUse, match=r"RELEVO_ONE_PORT.*RELEVO_TWO_PORT"):
        check_ports([program(port, "one"), program(port, "two")])


def test_output_is_prefixed_filtered_and_kept_whole_in_a_file(
    start: Start, tmp_path: Path
) -> None:
    process = start("fine", "also_fine")
    output = read_until(process, "everything runs")
    assert "fine      | an error worth reading" in output
    assert "also_fine | an error worth reading" in output
    assert "chatter" not in output
    assert "chatter" in (tmp_path / "logs" / "fine.log").read_text()
    process.send_signal(signal.SIGINT)
    assert f"full logs are in {tmp_path}/logs" in process.communicate(timeout=20)[0]


@pytest.mark.parametrize("no_colour", [True, False])
def test_names_are_coloured_on_a_terminal_unless_no_color_is_set(
    start: Start, no_colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_colour:
        monkeypatch.setenv("NO_COLOR", "1")
    ours, theirs = pty.openpty()
    process = start("fine", stdout=theirs, stderr=theirs)
    seen = b""
    while b"everything runs" not in seen:
        seen += os.read(ours, 4096)
    process.send_signal(signal.SIGINT)
    process.wait(20)
    os.close(ours)
    os.close(theirs)
    assert (b"\x1b[36m" in seen) is not no_colour


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if words in line:
            return seen
    raise AssertionError(f"ended without {words!r}:\n{seen}")


def processes_of(home: Path) -> list[str]:
    """Living processes that were started for this home, their supervisor among them."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if (
                entry.name.isdecimal()
                and f"RELEVO_HOME={home}\0".encode() in (entry / "environ").read_bytes()
            ):
                found.append(
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                )
        except OSError:
            continue
    return [line for line in found if line]


def test_a_refused_first_model_stops_everything_and_says_what_to_do(
    start: Start, tmp_path: Path
) -> None:
    settings = settings_with(tmp_path, REFUSING).model_copy(update={"home": tmp_path})
    write_batch(settings.use_cases / "flats" / "exports", 0)
    process = start("works")
    read_until(process, "goes on where it was")
    loop = open_loop("flats", settings)
    with loop.working("test"), pytest.raises(FirstModelRefused):
        loop.run_batch(lambda _: None)
    output, _ = process.communicate(timeout=40)
    assert process.returncode == 1
    assert "flats has no champion: version 1: first model refused" in output
    assert "relevo promote flats 1" in output
    assert processes_of(tmp_path) == []
