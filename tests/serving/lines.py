"""Lines as the API logs them, and what became of them."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from relevo.adapters.sql.predictions import SqlPredictions
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.ports.store import ObjectStore


def new_receipt() -> str:
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(10)}"


def line(receipt: str, **over: Any) -> bytes:
    logged = {
        "receipt": receipt,
        "case": "flats",
        "environment": "prod",
        "at": datetime.now(UTC)
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z"),
        "version": "3",
        "input": {"rooms": 2, "city": "Bogotá"},
        "output": 100.0,
        "output_text": None,
        "status": 200,
        "error": "",
        "latency_ms": 0.25,
    }
    return (
        json.dumps(logged | over, ensure_ascii=False, separators=(",", ":")).encode()
        + b"\n"
    )


def make_tables(url: str) -> None:
    warehouse = SqlWarehouse(url)
    warehouse.migrate()
    warehouse.close()


def in_database(store: SqlPredictions) -> Counter[str]:
    with store.database.reading() as connection:
        return Counter(
            connection.execute(sa.select(store.database.tables.log.c.receipt)).scalars()
        )


def in_objects(objects: ObjectStore) -> Counter[str]:
    found: Counter[str] = Counter()
    for key in objects.list("predictions/prod/flats/"):
        with objects.open(key) as stream:
            found.update(json.loads(each)["receipt"] for each in stream)
    return found
