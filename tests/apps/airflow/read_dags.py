"""Read the DAG file as Airflow does, with no connection allowed, and print what is in it as JSON. Run as a script."""

from __future__ import annotations

import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

DAGS = Path(__file__).parents[3] / "apps" / "airflow" / "dags"


def main() -> None:
    from airflow.dag_processing.dagbag import DagBag

    warm = (
        DAGS.parent / "none"
    )  # what Airflow itself imports to read any file is not ours
    DagBag(dag_folder=str(warm))
    import airflow.providers.standard.operators.empty
    import airflow.providers.standard.operators.trigger_dagrun  # noqa: F401

    known = set(sys.modules)
    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.create_connection = refuse  # type: ignore[assignment]
    started = time.monotonic()
    bag = DagBag(dag_folder=str(DAGS))
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - started,
                "imported": sorted(
                    {name.partition(".")[0] for name in set(sys.modules) - known}
                ),
                "import_errors": bag.import_errors,
                "dags": {name: facts(dag) for name, dag in bag.dags.items()},
            }
        )
    )


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("building a DAG opened a connection")


def facts(dag: Any) -> dict[str, Any]:
    return {
        "display_name": dag.dag_display_name,
        "tags": sorted(dag.tags),
        "doc": dag.doc_md,
        "description": dag.description,
        "schedule": str(dag.schedule),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "paused": dag.is_paused_upon_creation,
        "tasks": [
            {
                "id": task.task_id,
                "then": sorted(task.downstream_task_ids),
                "rule": str(task.trigger_rule.value),
                "retries": task.retries,
                "doc": task.doc_md,
                "kind": task.task_type,
            }
            for task in dag.topological_sort()
        ],
    }


if __name__ == "__main__":
    main()
