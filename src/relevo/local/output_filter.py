"""What a person should see of what the programs print. All of it goes to their log files."""

from __future__ import annotations

import ast
import re

ERRORS = re.compile(r"\b(error|critical|fatal|traceback|exception)\b", re.IGNORECASE)
# 2026-11-21 09:18:40.890913+00:00 [warning  ] a message   [relevo.loop.ingest] dag_id=… task_id=…
AIRFLOW = re.compile(
    r"\d{4}-\S+( \S+)? \[(?P<level>\w+) *\] (?P<message>.*?) +\[(?P<logger>[\w.]+)\](?P<rest>( \w+=.*)?)$"
)
TASK = re.compile(r"dag_id=continuous_training_(?P<case>\S+).*?task_id=(?P<task>\S+)")
RAISED = re.compile(
    r"'exc_type': '(?P<type>\w+)', 'exc_value': (?P<value>(?P<quote>['\"]).*?(?P=quote)), 'exc_notes'"
)
KILLED = re.compile(
    r"Executor .* <TaskInstance: continuous_training_(?P<case>\w+)\.(?P<task>\w+) .*> finished with state"
)
RUN_FAILED = re.compile(
    r"Marking run <DagRun continuous_training_(?P<case>\w+) @ .*> failed "
)
OURS = ("AirflowFailException", "AirflowSkipException")


def errors_only(line: str) -> str | None:
    if ERRORS.search(line):
        return line
    return None


def airflow_line(line: str) -> str | None:
    """Warnings of the loop, and how a task failed. What became of a batch is told by `progress`."""
    if killed := KILLED.search(line):
        return f"{killed['case']} {killed['task']}: its process has ended without a word, as one that is killed; it is tried again"
    if failed := RUN_FAILED.search(line):
        return f"{failed['case']}: the run has failed and the chain with it; Airflow asks again as scheduled"
    parts = AIRFLOW.search(line)
    # on standard error libraries report all sorts of things, and Airflow calls all of it errors
    if parts is None or parts["logger"] == "task.stderr":
        return None
    subject = ""
    if task := TASK.search(parts["rest"]):
        subject = f"{task['case']} {task['task']}: "
    if parts["message"].startswith("Task failed with exception"):
        return subject + _raised(parts["rest"])
    levels = {"critical", "error"}
    if parts["logger"].startswith("relevo."):
        levels.add("warning")
    if parts["level"] in levels:
        return subject + parts["message"]
    return None


def _raised(rest: str) -> str:
    """The error that a task ended with, as a person would say it; the task's log has the rest."""
    raised = RAISED.search(rest)
    if raised is None:
        return "failed; its log in Airflow says why"
    value = raised["value"]
    try:
        message = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        message = value[1:-1]
    if raised["type"] in OURS:
        return str(message)
    return f"{raised['type']}: {message}"
