"""What a person should see of what the programs print. All of it goes to their log files."""

from __future__ import annotations

import ast
import re

WORRY = re.compile(r"\b(error|critical|fatal|traceback|exception)\b", re.IGNORECASE)
# 2026-11-21 09:18:40.890913+00:00 [warning  ] a message   [relevo.loop.ingest] dag_id=… task_id=…
AIRFLOW = re.compile(
    r"\d{4}-\S+( \S+)? \[(?P<level>\w+) *\] (?P<message>.*?) +\[(?P<logger>[\w.]+)\](?P<rest>( \w+=.*)?)$"
)
TASK = re.compile(r"dag_id=continuous_training_(?P<case>\S+).*?task_id=(?P<task>\S+)")
RAISED = re.compile(
    r"'exc_type': '(?P<type>\w+)', 'exc_value': (?P<quote>['\"])(?P<value>.*?)(?P=quote), 'exc_notes'"
)
GONE = re.compile(
    r"Executor .* <TaskInstance: continuous_training_(?P<case>\w+)\.(?P<task>\w+) .*> finished with state"
)
RUN_FAILED = re.compile(
    r"Marking run <DagRun continuous_training_(?P<case>\w+) @ .*> failed "
)
OURS = ("AirflowFailException", "AirflowSkipException")


def worries(line: str) -> str | None:
    """Errors alone."""
    return line if WORRY.search(line) else None


def airflow_line(line: str) -> str | None:
    """Warnings of the loop, and how a task failed. What became of a batch is told by `progress`."""
    if gone := GONE.search(line):
        return f"{gone['case']} {gone['task']}: its process has ended without a word, as one that is killed; it is tried again"
    if failed := RUN_FAILED.search(line):
        return f"{failed['case']}: the run has failed and the chain with it; Airflow asks again as scheduled"
    found = AIRFLOW.search(line)
    if (
        found is None or found["logger"] == "task.stderr"
    ):  # libraries chat there, and Airflow calls all of it errors
        return None
    level, message, rest = found["level"], found["message"], found["rest"]
    where = TASK.search(rest)
    subject = f"{where['case']} {where['task']}: " if where else ""
    if message.startswith("Task failed with exception"):
        return subject + _raised(rest)
    if level in ("critical", "error") or (
        level == "warning" and found["logger"].startswith("relevo.")
    ):
        return subject + message
    return None


def _raised(rest: str) -> str:
    """The error that a task ended with, as a person would say it; the task's log has the rest."""
    found = RAISED.search(rest)
    if found is None:
        return "failed; its log in Airflow says why"
    try:
        said = ast.literal_eval(f"{found['quote']}{found['value']}{found['quote']}")
    except (SyntaxError, ValueError):
        said = found["value"]
    return said if found["type"] in OURS else f"{found['type']}: {said}"
