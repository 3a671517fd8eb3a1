"""Ingest of the campaign into PostgreSQL against a bare COPY of the same rows.

Ours lands each batch, hashes it, reads it, checks the contract and loads it with its record, from bodies that lie on disk
as a server would send them; the bare COPY gets the rows as ready-made CSV. Both write 1,084,909 rows of 12 columns.
"""

from __future__ import annotations

import io
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.csv as pc
from relevo_data_api.streams.campaign import Campaign

from benchmarks.measure import Figure, report
from relevo.adapters.objects.folder_store import FolderStore
from relevo.adapters.sql.warehouse import SqlWarehouse
from relevo.bootstrap import load_use_case
from relevo.domain.arrival import SourceResponse
from relevo.domain.evidence import Action, Decision
from relevo.domain.use_case import UseCase
from relevo.formats import read_rows
from relevo.loop.ingest import ingest
from relevo.ports.warehouse import Warehouse
from relevo.settings import Settings
from tests.servers.postgres import running_postgres

SQL_TYPES = {
    "number": "double precision",
    "code": "double precision",
    "date": "timestamp",
}


class Bodies:
    """A source whose batches lie on disk."""

    name = "bodies"
    can_repeat = True
    can_restart = False

    def __init__(self, folder: Path, batches: int) -> None:
        self._paths = [folder / f"{number}.json" for number in range(batches)]

    @contextmanager
    def next(self, after: int | None) -> Iterator[SourceResponse | None]:
        number = 0 if after is None else after + 1
        if number >= len(self._paths):
            yield None
            return
        with self._paths[number].open("rb") as stream:
            yield SourceResponse("json", iter(lambda: stream.read(1 << 20), b""))

    repeat = next

    def restart(self) -> None:
        """Nothing moves."""


def write_bodies(folder: Path) -> int:
    campaign = Campaign()
    for number in range(campaign.batches):
        with (folder / f"{number}.json").open("wb") as file:
            file.writelines(campaign.stream(number))
    return campaign.batches


def ingest_all(
    case: UseCase, warehouse: Warehouse, folder: Path, batches: int
) -> float:
    source, landing = Bodies(folder, batches), FolderStore(folder / "landing")
    started = time.perf_counter()
    while batch := ingest(case, source, warehouse, landing, 1):
        warehouse.record.add_decision(
            Decision(
                case=case.name,
                batch_id=batch.id,
                action=Action.SKIP,
                sentence="",
                evidence=(),
                policy={},
                decided_at=datetime.now(UTC),
            )
        )
    return time.perf_counter() - started


def bare_copy(url: str, case: UseCase, folder: Path, batches: int) -> float:
    """COPY of ready CSV, one transaction a batch; making the CSV is not timed."""
    columns = ", ".join(
        f'"{c.name}" {SQL_TYPES.get(c.kind.name, "text")}' for c in case.contract
    )
    connection, seconds = psycopg2.connect(url.replace("+psycopg2", "")), 0.0
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE bare (batch_id integer, position integer, {columns}, PRIMARY KEY (batch_id, position))"
        )
    for number in range(batches):
        text = _as_csv(folder / f"{number}.json", case, number)
        started = time.perf_counter()
        with connection, connection.cursor() as cursor:
            cursor.copy_expert("COPY bare FROM STDIN (FORMAT csv)", text, size=1 << 20)
        seconds += time.perf_counter() - started
    connection.close()
    return seconds


def _as_csv(body: Path, case: UseCase, number: int) -> io.BytesIO:
    out = io.BytesIO()
    position = 0
    with body.open("rb") as stream:
        for chunk in read_rows(stream, "json", case.contract, None):
            rows = (
                chunk.rows.drop_columns(["_rest"])
                if "_rest" in chunk.rows.schema.names
                else chunk.rows
            )
            rows = rows.add_column(
                0, "position", pa.array(np.arange(position, position + len(rows)))
            )
            rows = rows.add_column(0, "batch_id", pa.array(np.full(len(rows), number)))
            pc.write_csv(rows, out, pc.WriteOptions(include_header=False))
            position += len(rows)
    out.seek(0)
    return out


def main() -> None:
    case = load_use_case("house_prices", Settings())
    with tempfile.TemporaryDirectory() as temporary, running_postgres() as server:
        folder = Path(temporary)
        batches = write_bodies(folder)
        warehouse = SqlWarehouse(server.url)
        warehouse.migrate()
        warehouse.prepare_case(case)
        ours = ingest_all(case, warehouse, folder, batches)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        bare = bare_copy(server.url, case, folder, batches)
        rows = warehouse.batches.rows_until(
            case.name, warehouse.batches.of(case.name)[-1].id
        )
    report(
        "ingest", [Figure("rows a second, ingest against a bare COPY", rows / ours, rows / bare, "rows/s", "ratio at least 0.5")],
        rows=rows, peak_mb=round(peak),
    )  # fmt: skip


if __name__ == "__main__":
    main()
