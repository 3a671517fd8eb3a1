"""The whole API against its own document: every operation, with what it allows and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance, unsupported_method

from tests.apps.inference_api.conftest import TOKEN, Place, process

# A receipt that fits its pattern need not exist, and orders may be refused: those are answers, not faults of the document.
NOT_CHECKED = [positive_data_acceptance, negative_data_rejection, unsupported_method]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, make_place: Callable[[Path], Place]) -> Iterator[Any]:
    with ExitStack() as stack:
        url = stack.enter_context(process(make_place(tmp_path_factory.mktemp("document")))).url
        yield schemathesis.openapi.from_url(f"{url}/openapi.json")


schema = schemathesis.pytest.from_fixture("api")


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_answers_as_its_document_says(case: Any) -> None:
    case.call_and_validate(headers=TOKEN, excluded_checks=NOT_CHECKED)


@schema.parametrize()
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_operation_fails_without_a_token(case: Any) -> None:
    assert case.call().status_code < 500 or "/promote" in case.path or "/rollback" in case.path
