"""New passwords for all of PostgreSQL's users: in the database, in every Secret, and in the pods that use them.

The new ones are stored before the first is set, so a run that was killed is finished by the next.
"""

from __future__ import annotations

import os
import secrets
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg2
from cluster_api import Refused, ask, change_secret, create_secret, read_secret
from make_secrets import ENVIRONMENT, SOURCE, VALUE, Table, by_namespace, fill
from psycopg2 import sql

NAME, NEXT = "postgresql", "postgresql-next"
USED_BY = {
    "relevo-airflow": (
        "airflow-scheduler",
        "airflow-api-server",
        "airflow-dag-processor",
    ),
    ENVIRONMENT: ("inference-api", "streamlit"),
}


def main(path: Path) -> None:
    old = read_secret(SOURCE, NAME)
    create_secret(SOURCE, NEXT, {role: secrets.token_hex(24) for role in old})
    new = read_secret(SOURCE, NEXT)
    set_passwords(connect(old["postgres"], new["postgres"]), new)
    change_secret(SOURCE, NAME, new)
    hand_over(by_namespace(tomllib.loads(path.read_text())["copied"], path.parent), new)
    for namespace, names in by_namespace(USED_BY, path.parent).items():
        for name in names:
            restart(namespace, name)
    ask("DELETE", f"/api/v1/namespaces/{SOURCE}/secrets/{NEXT}")
    print(f"{len(new)} passwords are new")


def connect(*passwords: str) -> Any:
    """With the old password, or the new where a run before this one came so far."""
    for password in passwords[:-1]:
        try:
            return psycopg2.connect(
                user="postgres", password=password, dbname="postgres"
            )
        except psycopg2.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise
    return psycopg2.connect(user="postgres", password=passwords[-1], dbname="postgres")


def set_passwords(connection: Any, passwords: dict[str, str]) -> None:
    with connection, connection.cursor() as cursor:
        for role, password in passwords.items():
            cursor.execute(
                sql.SQL("ALTER ROLE {} PASSWORD %s").format(sql.Identifier(role)),
                (password,),
            )
    connection.close()


def hand_over(copied: Table, passwords: dict[str, str]) -> None:
    for namespace, names in copied.items():
        for name, texts in names.items():
            changed = {
                key: text
                for key, text in texts.items()
                if any(m[1] == NAME for m in VALUE.finditer(text))
            }
            if changed:
                change_secret(
                    namespace,
                    name,
                    {
                        key: fill(text, {NAME: passwords})
                        for key, text in changed.items()
                    },
                )
                print(f"{namespace}/{name} has the new password")


def restart(namespace: str, name: str) -> None:
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/{name}"
    annotations = {
        "kubectl.kubernetes.io/restartedAt": datetime.now(UTC).isoformat(
            timespec="seconds"
        )
    }
    try:
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        ask("PATCH", path, patch, "application/strategic-merge-patch+json")
    except Refused as error:
        if error.status != 404:  # what is not installed need not be started again
            raise
        return
    print(f"{namespace}/{name} is started again")


if __name__ == "__main__":
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    main(Path(sys.argv[1]))
