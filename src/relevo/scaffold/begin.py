"""Write a use case from a table: read it, decide, write `use_case.py` and its README, and see that it loads."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from relevo.bootstrap import load_use_case
from relevo.domain.use_case import Task
from relevo.errors import RelevoError, UseCaseBroken, UseCaseExists
from relevo.scaffold.document import write_document
from relevo.scaffold.findings import Findings
from relevo.scaffold.readme import readme, report
from relevo.scaffold.study import study
from relevo.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_FILES = ("README.md", "columns.json", "use_case.py")


@dataclass(frozen=True, slots=True)
class NewCase:
    """What was decided, a line each, and the use case's file."""

    report: tuple[str, ...]
    path: Path


def new_case(
    name: str,
    table: Path,
    target: str,
    use_cases: Path,
    *,
    task: Task | None = None,
    force: bool = False,
) -> NewCase:
    """Infer a use case from a CSV or Parquet file and write it to `use_cases/NAME/`, ready to run.

    `task` overrides what the target looks like. `force` writes over a use case that is there.
    """
    _check_name(name)
    folder = use_cases / name
    if folder.exists() and any(folder.iterdir()) and not force:
        raise UseCaseExists(
            f"use case {name!r} is already there, in {folder}/; choose another name, or write over it with --force"
        )
    found = study(
        name,
        Path(table),
        target.strip(),
        _path_for(Path(table), folder, use_cases),
        task,
    )
    _write(found, folder, use_cases)
    return NewCase(report(found), folder / "use_case.py")


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name):
        return
    plain = (
        unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    )
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    slug = slug if slug[:1].isalpha() else f"case_{slug}".rstrip("_")
    raise UseCaseBroken(
        f"{name!r} is no name for a use case: lower case letters, digits and _, at most 40, a letter first; "
        f"try {slug[:40].rstrip('_')!r}"
    )


def _path_for(table: Path, folder: Path, use_cases: Path) -> str:
    """Relative to the use case where both lie in one project, so that the project may move; else absolute."""
    whole, project = table.resolve(), use_cases.resolve().parent
    if whole.is_relative_to(project) and project != Path(project.anchor):
        return Path(os.path.relpath(whole, folder.resolve())).as_posix()
    return whole.as_posix()


def _write(found: Findings, folder: Path, use_cases: Path) -> None:
    """All files or none: what does not load is taken away again."""
    document = write_document(found)
    texts = {
        "README.md": readme(found),
        "columns.json": document.names,
        "use_case.py": document.text,
    }
    folder.mkdir(parents=True, exist_ok=True)
    before = {
        file: (folder / file).read_bytes()
        for file in _FILES
        if (folder / file).exists()
    }
    try:
        for file, text in texts.items():
            if text:
                (folder / file).write_text(text, encoding="utf-8")
        load_use_case(
            found.name, Settings().model_copy(update={"use_cases": use_cases})
        )
    except (RelevoError, OSError):
        for file in _FILES:
            (folder / file).unlink(missing_ok=True)
            if file in before:
                (folder / file).write_bytes(before[file])
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
