"""The whole API against its own document: every operation, with what the document allows and with what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    positive_data_acceptance,
    unsupported_method,
)

from tests.apps.inference_api.conftest import TOKEN, Place, process

# A receipt that fits its pattern need not exist, and an order may be refused: these are answers, no faults of the document.
NOT_CHECKED = [positive_data_acceptance, unsupported_method, not_a_server_error]


@pytest.fixture(scope="module")
def schema(
    tmp_path_factory: pytest.TempPathFactory, make_place: Callable[[Path], Place]
) -> Iterator[Any]:
    with process(make_place(tmp_path_factory.mktemp("document"))) as api:
        yield schemathesis.openapi.from_url(f"{api.url}/openapi.json")


def operations(schema: Any, mode: GenerationMode) -> Iterator[Any]:
    """Nothing can be wrong with a request that has no body."""
    for found in schema.get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.POSITIVE or operation.body:
            yield operation


@pytest.mark.parametrize(
    ("mode", "count"), [(GenerationMode.POSITIVE, 14), (GenerationMode.NEGATIVE, 6)]
)
def test_every_operation_answers_as_its_document_says(
    schema: Any, mode: GenerationMode, count: int
) -> None:
    """503 is for what is away: here the registry, which promote and rollback need."""

    def check(case: Any) -> None:
        answer = case.call_and_validate(headers=TOKEN, excluded_checks=NOT_CHECKED)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        assert answer.headers["x-request-id"]

    tried = list(operations(schema, mode))
    for operation in tried:
        run = given(operation.as_strategy(generation_mode=mode))(check)
        settings(
            max_examples=15, deadline=None, suppress_health_check=list(HealthCheck)
        )(run)()
    assert len(tried) == count
