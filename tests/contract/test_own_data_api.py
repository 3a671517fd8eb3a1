"""The source and Relevo's own data API, each other's counterpart, over a real socket."""

import io
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from relevo_data_api.app import create_data_api
from relevo_data_api.settings import DataApiSettings

from relevo.adapters.http_source import HttpSource
from relevo.domain.arrival import BatchSummary, SourceResponse
from relevo.domain.contract import Contract, code, date, number
from relevo.errors import SourceError
from relevo.formats import read_rows
from tests.servers import free_port

HOUSES = Contract(
    (number("price", 1), code("zip_code", 5), date("prev_sold_date", nullable=True)),
    "price",
    ("zip_code",),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    port = free_port()
    settings = DataApiSettings(
        state_dir=tmp_path_factory.mktemp("cursors"),
        groups="2=campaign",
        campaign_scale=0.001,
    )
    server = uvicorn.Server(
        uvicorn.Config(create_data_api(settings), port=port, log_level="warning")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def facts(answer: SourceResponse | None) -> BatchSummary:
    assert answer is not None
    reading = read_rows(
        io.BytesIO(b"".join(answer.chunks)), answer.format, HOUSES, answer.number
    )
    for _ in reading:
        pass
    return reading.facts()


def test_the_campaign_comes_in_order_to_its_end_and_again_after_a_restart(
    url: str, tmp_path: Path
) -> None:
    source = HttpSource(url, 2, can_repeat=True, may_restart=True)
    with source.repeat(0) as answer:
        assert answer is None
    batches: list[BatchSummary] = []
    while True:
        with source.next(None) as answer:
            if answer is None:
                break
            batches.append(facts(answer))
    assert [(batch.number, batch.bad_rows) for batch in batches] == [
        (k, 0) for k in range(6)
    ]
    for batch in batches:
        with source.repeat(batch.number) as answer:
            assert facts(answer) == batch
    with source.repeat(6) as answer:
        assert answer is None
    source.restart()
    with source.next(5) as answer:
        assert facts(answer) == batches[0]


def test_a_group_it_does_not_have_is_an_error(url: str) -> None:
    with (
        pytest.raises(SourceError, match="group 7 does not exist"),
        HttpSource(url, 7).next(None),
    ):
        pass
