"""What a metric is called is known in one place; elsewhere it is imported."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from relevo.domain.metrics import METRICS

ROOT = Path(__file__).parents[2]
HOME = "src/relevo/domain/metrics.py"
# names of XGBoost's own measures, which are not ours to choose
FOREIGN = {"src/relevo/learning/boosting.py": {"rmse", "mae"}}
COMMON = {"f1", "auc", "mean square error", "median error"}  # too short, or plain words
NAMES = {metric.name for metric in METRICS.values()} | {
    metric.short for metric in METRICS.values()
}
WORD = re.compile(
    rf"(?<![\w-])(?:test_|validation_|train_)?({'|'.join(sorted(map(re.escape, NAMES - COMMON)))})(?![\w-])",
    re.IGNORECASE,
)
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in ("src", "apps", "use_cases")
    for path in (ROOT / folder).rglob("*.py")
    if ".venv" not in path.parts
)


def strings(tree: ast.Module) -> list[str]:
    """All that are no documentation."""
    documentation = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in documentation
    ]


@pytest.mark.parametrize("file", [file for file in FILES if file != HOME])
def test_no_other_file_spells_a_metric(file: str) -> None:
    found = {
        match.group(1).lower()
        for text in strings(ast.parse((ROOT / file).read_text(encoding="utf-8")))
        for match in WORD.finditer(text)
    }
    assert found - FOREIGN.get(file, set()) == set(), (
        f"import it from {HOME} instead of spelling it"
    )


def test_each_metric_has_its_own_name_and_a_meaning() -> None:
    assert all(name == metric.name for name, metric in METRICS.items())
    assert all(metric.label and metric.meaning for metric in METRICS.values())
