"""Start the programs, show what happens, stop them all."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from relevo.errors import FirstModelRefused
from relevo.local.programs import Program, kept_token, programs
from relevo.local.progress import Progress
from relevo.local.running import Running
from relevo.local.screen import Screen
from relevo.local.sessions import end_sessions
from relevo.local.single_run import Watcher, alone, check_ports
from relevo.settings import Settings

# seconds
READY_WITHIN = 600.0  # a machine that is busy otherwise may take minutes
REPORT_EVERY = 60.0
LOOK_EVERY = 2.0
HEALTH_EVERY = 10.0
UNHEALTHY_FOR = 90.0  # a training takes the processors for a while
GREETING = (
    "one line follows per batch; `relevo explain CASE BATCH` in another terminal shows more",
    "Ctrl-C stops everything; a second `relevo up` goes on where it was",
)


def up(settings: Settings) -> int:
    """Run everything until Ctrl-C (0), or until a program fails or a first model is refused (1)."""
    return supervise(settings, programs(settings, kept_token(settings.home)))


def supervise(settings: Settings, wanted: list[Program]) -> int:
    screen = Screen(program.name for program in wanted)
    with alone(settings.home.absolute()) as lock:
        check_ports(wanted)
        supervisor = Supervisor(settings, screen, Watcher(lock))
        with supervisor.stopping_on_signals():
            return supervisor.run(wanted)


class ProgramFailed(Exception):
    """A program ended, or does not answer; the message is for a person."""

    def __init__(self, running: Running, what: str) -> None:
        super().__init__(f"{running.program.name} {what}")
        self.running = running


class Supervisor:
    def __init__(self, settings: Settings, screen: Screen, watcher: Watcher) -> None:
        self._settings = settings
        self._screen = screen
        self._watcher = watcher
        self._logs = settings.home.absolute() / "logs"
        self._running: list[Running] = []
        self._stop = threading.Event()
        self._force = False  # a second Ctrl-C
        self._health_due = 0.0

    @contextmanager
    def stopping_on_signals(self) -> Iterator[None]:
        def stop(_: int, __: FrameType | None) -> None:
            self._force = self._stop.is_set()
            self._stop.set()

        before = {
            name: signal.signal(name, stop)
            for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }
        try:
            yield
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)

    def run(self, wanted: list[Program]) -> int:
        try:
            progress = Progress(self._settings, self._screen)
            progress.begin()
            self._start(wanted)
            self._wait_until_ready()
            self._greet()
            while not self._stop.wait(LOOK_EVERY):
                self._check()
                progress.look()
        except ProgramFailed as failure:
            self._show_end(failure)
            return 1
        except FirstModelRefused as refusal:
            self._screen.warn(f"{refusal}; stopping everything")
            return 1
        finally:
            self._end()
        return 0

    def _start(self, wanted: list[Program]) -> None:
        """All at once: a program spends most of its start importing, and none needs another to get up."""
        self._logs.mkdir(parents=True, exist_ok=True)
        for program in wanted:
            running = Running(program, self._logs, self._screen)
            self._watcher.watch(running.session)
            self._running.append(running)
        self._screen.say(f"starting {', '.join(program.name for program in wanted)}")

    def _wait_until_ready(self) -> None:
        started = reported = time.monotonic()
        for running in self._running:
            name = running.program.name
            while not self._stop.wait(0.3):
                self._check_alive()
                seconds = time.monotonic() - started
                if running.is_healthy():
                    self._screen.say(f"ready after {seconds:.0f} s", name)
                    break
                if seconds > READY_WITHIN:
                    raise ProgramFailed(
                        running, f"is not ready after {READY_WITHIN:.0f} s"
                    )
                if time.monotonic() - reported > REPORT_EVERY:
                    reported = time.monotonic()
                    self._screen.say(f"still starting, after {seconds:.0f} s", name)

    def _greet(self) -> None:
        if self._stop.is_set():
            return
        self._screen.say("everything runs; look at", style="bold")
        for running in self._running:
            program = running.program
            self._screen.say(f"  {program.url}  {program.look}", program.name)
        for line in GREETING:
            self._screen.say(line)

    def _check(self) -> None:
        self._check_alive()
        if time.monotonic() < self._health_due:
            return
        self._health_due = time.monotonic() + HEALTH_EVERY
        for running in self._running:
            if running.is_healthy():
                continue
            if (seconds := running.seconds_unhealthy) > UNHEALTHY_FOR:
                raise ProgramFailed(
                    running, f"has not been healthy for {seconds:.0f} s"
                )

    def _check_alive(self) -> None:
        for running in self._running:
            if running.exit_code is not None:
                raise ProgramFailed(
                    running, f"has ended by itself (exit code {running.exit_code})"
                )

    def _show_end(self, failure: ProgramFailed) -> None:
        self._screen.warn(f"{failure}; stopping everything. Its last lines:")
        for line in failure.running.last_lines:
            self._screen.say(line, failure.running.program.name)

    def _end(self) -> None:
        if self._running:
            self._screen.say(
                "stopping everything; a running task has 15 s (Ctrl-C again: none)"
            )
        sessions = [running.session for running in self._running]
        end_sessions(sessions, force=lambda: self._force)
        for running in self._running:
            running.close()
        self._watcher.dismiss()
        self._screen.say(
            f"stopped; full logs are in {self._logs}; `relevo up` goes on where this ended"
        )
