"""Run a command as a process of its own: how long it takes and the most memory it holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Cost:
    seconds: float
    peak_mb: float
    output: str


def run(arguments: list[str], env: dict[str, str] | None = None) -> Cost:
    """Run Python with these arguments; its peak is that of the process itself, children apart."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(arguments)} failed with {code}:\n{output}")
    return Cost(seconds, usage.ru_maxrss / 1024, output)


@dataclass(frozen=True)
class Figure:
    """`ours` against `beside`; `aim` is a bound on the ratio or on ours, in words."""

    name: str
    ours: float
    beside: float
    unit: str
    aim: str

    @property
    def ratio(self) -> float:
        return self.ours / self.beside


def report(benchmark: str, figures: list[Figure], **facts: Any) -> None:
    """Print a table and leave it as JSON under benchmarks/results/."""
    RESULTS.mkdir(exist_ok=True)
    rows = [{**asdict(figure), "ratio": round(figure.ratio, 4)} for figure in figures]
    (RESULTS / f"{benchmark}.json").write_text(
        json.dumps({"figures": rows, **facts}, indent=2) + "\n"
    )
    width = max(len(figure.name) for figure in figures)
    print(f"\n{benchmark}")
    for figure in figures:
        print(
            f"  {figure.name:<{width}}  {figure.ours:>12,.3f} against {figure.beside:>12,.3f} {figure.unit:<8}"
            f" ratio {figure.ratio:>7.3f}   aim: {figure.aim}"
        )
