"""Lines for a person, each behind the short name of who says it."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

COLOURS = ("cyan", "magenta", "blue", "yellow", "bright_cyan", "bright_magenta")
SUPERVISOR = "relevo"


class Screen:
    """Aligned and coloured; rich leaves the colours out where NO_COLOR is set or nobody looks."""

    def __init__(self, names: Iterable[str], console: Console | None = None) -> None:
        names = list(names)
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._width = max(map(len, [SUPERVISOR, *names]))
        self._styles = {
            SUPERVISOR: "bold green",
            **{name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)},
        }
        self._lock = threading.Lock()

    def say(self, line: str, name: str = SUPERVISOR, style: str = "") -> None:
        head = Text(f"{name:<{self._width}} | ", style=self._styles.get(name, ""))
        with self._lock:
            self._console.print(head + Text(line, style=style))

    def warn(self, line: str) -> None:
        self.say(line, style="bold red")
