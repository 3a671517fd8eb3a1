"""All that was found out about a table, and decided."""

from __future__ import annotations

from dataclasses import dataclass

from relevo.domain.contract import Column
from relevo.domain.use_case import Task
from relevo.scaffold.batches import Cut
from relevo.scaffold.facts import Facts


@dataclass(frozen=True, slots=True)
class Findings:
    """`columns` are the contract's, in the table's order; `facts` are of the same columns, by name."""

    name: str
    table: str
    path: str  # as the use case names it
    rows: int
    bad_rows: int
    task: Task
    task_why: str
    log_target: bool
    target: str
    identity: tuple[str, ...]
    identity_why: str
    slices: tuple[str, ...]
    cut: Cut
    columns: tuple[Column, ...]
    facts: dict[str, Facts]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        return self.name.replace("_", " ").capitalize()

    @property
    def features(self) -> tuple[str, ...]:
        return tuple(
            c.name
            for c in self.columns
            if c.name != self.target and self.facts[c.name].is_feature
        )

    @property
    def left_out(self) -> dict[str, str]:
        return {name: fact.out for name, fact in self.facts.items() if fact.out}
