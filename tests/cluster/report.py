"""What a run leaves for people: reports/cluster.md, with what was checked, how long it took, and pictures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "reports"
SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–"}


@dataclass
class Report:
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def note(self, sentence: str) -> None:
        """A figure or a finding, told with the test that runs."""
        self.notes.append(sentence)

    def add(self, test: str, outcome: str, seconds: float) -> None:
        promise = test.removeprefix("test_").replace("_", " ")
        notes = "; ".join(self.notes)
        self.lines.append(
            f"| {SIGNS[outcome]} | {promise} | {seconds:.0f} s | {notes} |"
        )
        self.notes.clear()

    def picture(self, name: str) -> Path:
        folder = FOLDER / "cluster"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.png"

    def write(self) -> None:
        FOLDER.mkdir(exist_ok=True)
        minutes = (datetime.now(UTC) - self.began).total_seconds() / 60
        pictures = [
            f"![{one.stem}](cluster/{one.name})"
            for one in sorted((FOLDER / "cluster").glob("*.png"))
        ]
        head = [
            f"# Checked on a cluster, {self.began:%Y-%m-%d %H:%M} UTC, in {minutes:.1f} minutes",
            "",
        ]
        table = [
            "| | promise | took | seen |",
            "| --- | --- | --- | --- |",
            *self.lines,
            "",
        ]
        (FOLDER / "cluster.md").write_text("\n".join([*head, *table, *pictures, ""]))
