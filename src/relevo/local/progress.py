"""What becomes of each batch, a line at a time, read from the record that the loop keeps."""

from __future__ import annotations

from collections.abc import Iterator

from relevo.app import Loop, open_loop
from relevo.bootstrap import find_use_cases
from relevo.domain.batch import Batch, Outcome
from relevo.domain.evidence import Action, Decision, Ruling
from relevo.errors import RelevoError
from relevo.local.screen import Screen
from relevo.loop.progress import is_carried_out
from relevo.settings import Settings


class Progress:
    """All use cases of a supervisor; only reads."""

    def __init__(self, settings: Settings, screen: Screen) -> None:
        self._screen = screen
        self._cases: list[CaseProgress] = []
        for name in find_use_cases(settings):
            try:
                self._cases.append(CaseProgress(open_loop(name, settings)))
            except RelevoError as error:
                screen.warn(str(error))

    def begin(self) -> None:
        """Where each case stands, before anything new happens."""
        self._say(case.begin() for case in self._cases)

    def look(self) -> None:
        self._say(case.news() for case in self._cases)

    def _say(self, news: Iterator[Iterator[str]]) -> None:
        for case in news:
            try:
                for line in case:
                    self._screen.say(line)
            except RelevoError as error:
                self._screen.warn(str(error))


class CaseProgress:
    """One use case: what has been told of it, and what is new."""

    def __init__(self, loop: Loop) -> None:
        self._loop, self._name = loop, loop.case.name
        self._told: set[int] = set()
        self._batches_at_end = -1

    def begin(self) -> Iterator[str]:
        batches = self._loop.warehouse.batches.of(self._name)
        self._told = {decision.stored_id for decision in self._finished()}
        if batches:
            yield f"{self._name}  goes on after batch {batches[-1].number}: {len(self._told)} decided so far"
        else:
            yield f"{self._name}  begins: its first batch comes in as soon as Airflow has read the DAG"

    def news(self) -> Iterator[str]:
        fresh = [
            decision
            for decision in self._finished()
            if decision.stored_id not in self._told
        ]
        batches = (
            {batch.id: batch for batch in self._loop.warehouse.batches.of(self._name)}
            if fresh
            else {}
        )
        for decision in fresh:
            self._told.add(decision.stored_id)
            yield from self._lines(batches[decision.batch_id], decision)
        yield from self._end()

    def _finished(self) -> list[Decision]:
        record = self._loop.warehouse.record
        return [
            decision
            for decision in record.decisions(self._name)
            if decision.stored_id in self._told or is_carried_out(decision, record)
        ]

    def _lines(self, batch: Batch, decision: Decision) -> Iterator[str]:
        done = "trained" if decision.action is Action.TRAIN else "skipped"
        head = f"{self._name}  batch {batch.number:<3}"
        yield f"{head} {batch.rows:>9,} rows  {done}: {decision.sentence}"
        for verdict in self._loop.warehouse.record.verdicts(
            self._name, decision.stored_id
        ):
            word = "is champion" if verdict.ruling is Ruling.PROMOTE else "is kept out"
            yield f"{' ' * len(head)} version {verdict.challenger} {word}: {verdict.sentence}"

    def _end(self) -> Iterator[str]:
        """Said once for a chain that has worked off all there is."""
        warehouse = self._loop.warehouse
        attempts = warehouse.attempts.of(self._name, self._loop.source.name)
        batches = len(warehouse.batches.of(self._name))
        if (
            attempts
            and attempts[-1].outcome is Outcome.END
            and batches != self._batches_at_end
        ):
            self._batches_at_end = batches
            when = self._loop.case.policy.schedule
            yield f"{self._name}  all {batches} batches are worked off; Airflow looks for more {when}"
