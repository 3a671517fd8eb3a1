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
from relevo.scaffold.document import write_case
from relevo.scaffold.readme import readme, report
from relevo.scaffold.study import Findings, study
from relevo.settings import Settings

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


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
    path = _path_for(table, folder, use_cases)
    found = study(name, table, target.strip(), path, task)
    _write(found, folder, use_cases)
    return NewCase(report(found), folder / "use_case.py")


def _check_name(name: str) -> None:
    if _NAME.fullmatch(name):
        return
    ascii_ = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", ascii_.lower()).strip("_")
    if not slug[:1].isalpha():
        slug = f"case_{slug}".rstrip("_")
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
    written = write_case(found)
    texts = {
        "README.md": readme(found),
        "columns.json": written.names,
        "use_case.py": written.text,
    }
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / name for name in texts]
    before = {file: file.read_bytes() for file in files if file.exists()}
    try:
        for name, text in texts.items():
            if text:
                (folder / name).write_text(text, encoding="utf-8")
        settings = Settings().model_copy(update={"use_cases": use_cases})
        load_use_case(found.name, settings)
    except (RelevoError, OSError):
        for file in files:
            file.unlink(missing_ok=True)
        for file, content in before.items():
            file.write_bytes(content)
        if not any(folder.iterdir()):
            folder.rmdir()
        raise
