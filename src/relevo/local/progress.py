"""What becomes of each batch, one line at a time, read from the record that the loop keeps."""

from __future__ import annotations

from collections.abc import Iterator

from relevo.app import Loop, open_loop
from relevo.bootstrap import find_use_cases
from relevo.errors import FirstModelRefused, RelevoError
from relevo.local.screen import Screen
from relevo.loop.history import DONE, RULED
from relevo.loop.run_batch import BatchResult
from relevo.releases.publisher import require_champion
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
        self._show(case.begin() for case in self._cases)

    def look(self) -> None:
        self._show(case.news() for case in self._cases)

    def _show(self, news: Iterator[Iterator[str]]) -> None:
        for lines in news:
            try:
                for line in lines:
                    self._screen.say(line)
            except FirstModelRefused:
                raise
            except RelevoError as error:
                self._screen.warn(str(error))


class CaseProgress:
    """One use case: what has been shown of it, and what is new."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._name = loop.case.name
        self._shown: set[int] = set()
        self._batches_at_end: int | None = None

    def begin(self) -> Iterator[str]:
        finished = self._loop.finished(self._shown)
        self._shown |= {result.decision.stored_id for result in finished}
        history = self._loop.history()
        if history:
            last, _ = history[-1]
            yield f"{self._name}  goes on after batch {last.number}: {len(finished)} decided so far"
        else:
            yield f"{self._name}  begins: its first batch comes in as soon as Airflow has read the DAG"

    def news(self) -> Iterator[str]:
        for result in self._loop.finished(self._shown):
            if result.verdict:
                champion = self._loop.champion().version
            yield from self._lines(result)
            # not before the registry has answered: a refusal that it hides now is seen at the next look
            self._shown.add(result.decision.stored_id)
            if result.verdict:
                require_champion(result.verdict, champion)
        # said once, until there are more
        batches = self._loop.batches_at_end()
        if batches is not None and batches != self._batches_at_end:
            self._batches_at_end = batches
            when = self._loop.case.policy.schedule
            yield f"{self._name}  all {batches} batches are processed; Airflow looks for more {when}"

    def _lines(self, result: BatchResult) -> Iterator[str]:
        batch, decision, verdict = result.batch, result.decision, result.verdict
        head = f"{self._name}  batch {batch.number:<3}"
        yield f"{head} {batch.rows:>9,} rows  {DONE[decision.action]}: {decision.sentence}"
        if verdict:
            version = f"version {verdict.challenger} {RULED[verdict.ruling]}"
            yield f"{' ' * len(head)} {version}: {verdict.sentence}"
