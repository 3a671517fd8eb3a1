"""The examples of docs/extending.md, as they stand there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from relevo.domain.frame import Frame
from relevo.domain.use_case import Candidate, Fitted
from relevo.learning.candidates import BoostedTrees, SklearnEstimator

PAGE = Path(__file__).parents[1] / "docs" / "extending.md"


def example(section: str, number: int = 0) -> str:
    """The Python of a section's example."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")[2]
    blocks: list[str] = re.findall(
        r"```python\n(.*?)```", text.partition("\n## ")[0], re.DOTALL
    )
    return blocks[number]


def own_source() -> str:
    """The example of a source, with its imports."""
    return f"""
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from relevo.domain.arrival import SourceResponse
from relevo.domain.use_case import SourceOptions
from relevo.errors import SourceError

{example("Sources")}
"""


def own_kind() -> str:
    """The example of a column kind, with its imports."""
    return f"""
from typing import Any

from relevo.domain.cells import Misfit
from relevo.domain.kinds import Kind

{example("Column kinds")}
"""


def own_dialect(names: tuple[str, ...]) -> str:
    """The example of a dialect, with its imports and the features of its use case."""
    return f"""
from typing import Annotated

from msgspec import Meta, Struct

from relevo.domain.dialect import Dialect, PredictedRow

NAMES = {names!r}

{example("Dialects")}
"""


def own_candidates() -> list[Candidate]:
    """The examples of estimators: one of scikit-learn's, and one of your own."""
    names: dict[str, Any] = {
        "BoostedTrees": BoostedTrees,
        "Fitted": Fitted,
        "Frame": Frame,
        "Any": Any,
        "SklearnEstimator": SklearnEstimator,
    }
    for number in (0, 1):
        exec(example("Estimators", number), names)
    return [names["FOREST"], names["ShallowTrees"]()]
