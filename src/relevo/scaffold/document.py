"""The text of a use_case.py: at most 60 lines that a person would keep."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from relevo.domain.contract import Column
from relevo.domain.kinds import Kind
from relevo.scaffold.findings import Findings
from relevo.scaffold.python_text import (
    WIDTH,
    arguments,
    assigned_tuple,
    number_text,
    quoted,
    width,
)
from relevo.scaffold.wide import Group, group_columns, identity_lines

MOST_LINES = 60


@dataclass(frozen=True, slots=True)
class Document:
    """`names` is the text of columns.json, where a wide table needs one."""

    text: str
    names: str = ""


def write_document(found: Findings) -> Document:
    """The plainest form that is short enough."""
    forms: tuple[Callable[[Findings], Document], ...] = (_listed, _all_but, _grouped)
    for form in forms:
        document = form(found)
        if document.text.count("\n") <= MOST_LINES:
            break
    return document


def _listed(found: Findings) -> Document:
    columns = call_columns(found, 12)
    features = assigned_tuple(
        4, "features=", [quoted(name) for name in found.features], ","
    )
    return Document(
        _text([], found, ["        columns=(", *columns, "        ),"], features)
    )


def _all_but(found: Findings) -> Document:
    out = [quoted(name) for name in (found.target, *found.left_out)]
    constants = [
        "COLUMNS = (",
        *call_columns(found, 4),
        ")",
        *assigned_tuple(0, "NO_FEATURES = ", out),
    ]
    features = [
        "    features=tuple(column.name for column in COLUMNS if column.name not in NO_FEATURES),"
    ]
    return Document(_text(constants, found, ["        columns=COLUMNS,"], features))


def _grouped(found: Findings) -> Document:
    groups = group_columns(found)
    constants = [line for group in groups if group.text for line in group.text]
    filed = {
        group.key: list(group.names)
        for group in groups
        if not group.text and len(group.names) > 1
    }
    if filed:
        constants.append(
            'NAMES = json.loads(Path(__file__).with_name("columns.json").read_text("utf-8"))'
        )
    columns = ["        columns=("]
    for group in groups:
        columns += _group_lines(group)
    features = assigned_tuple(
        4, "features=", [group.spread for group in groups if group.is_feature], ","
    )
    names = json.dumps(filed, ensure_ascii=False, indent=1) + "\n" if filed else ""
    text = _text(
        constants, found, [*columns, "        ),"], features, with_json=bool(filed)
    )
    return Document(text, names)


def _group_lines(group: Group) -> list[str]:
    head, options = f"{_head(group.column)}(", _options(group.column, group.source)
    if not group.tail:
        return arguments(12, head, options, "),")
    line = f"            *({head}{', '.join(options)}){group.tail},"
    if width(line) <= WIDTH:
        return [line]
    made = arguments(16, head, options, ")")
    return [" " * 12 + "*(", *made, " " * 16 + group.tail.strip()[:-1], " " * 12 + "),"]


def _text(
    constants: list[str],
    found: Findings,
    columns: list[str],
    features: list[str],
    *,
    with_json: bool = False,
) -> str:
    kinds = sorted({_head(column) for column in found.columns})
    head = [
        f'"""{_docstring(found)}"""',
        "",
        *(["import json", "from pathlib import Path", ""] if with_json else []),
        f"from relevo.domain.contract import Contract, {', '.join(kinds)}",
        "from relevo.domain.policy import Policy",
        "from relevo.domain.use_case import FileBatches, UseCase",
        "from relevo.learning.candidates import BoostedTrees, LinearBaseline",
        "",
        *([*constants, ""] if constants else []),
    ]
    return "\n".join([*head, *_case(found, columns, features), ""])


def _case(found: Findings, columns: list[str], features: list[str]) -> list[str]:
    is_class = found.task == "classification"
    log = (
        ["    log_target=True,  # positive, with a long tail"]
        if found.log_target
        else []
    )
    slices = (
        assigned_tuple(4, "slices=", [quoted(name) for name in found.slices], ",")
        if found.slices
        else []
    )
    return [
        "CASE = UseCase(",
        f"    name={quoted(found.name)},",
        f"    title={quoted(found.title)},",
        *(
            ['    task="classification",']
            if is_class
            else ['    unit="",  # of the target, such as EUR']
        ),
        "    contract=Contract(",
        *_noted(f"        target={quoted(found.target)},", found.task_why),
        *_with_note(identity_lines(found.identity), found.identity_why),
        *columns,
        "    ),",
        *_left_out(found),
        *features,
        *log,
        "    candidates=(LinearBaseline(), BoostedTrees()),",
        *slices,
        "    policy=Policy(),",
        *_with_note(_source(found), found.cut.why),
        ")",
    ]


def _docstring(found: Findings) -> str:
    about = f"{found.title}: {found.target} from {len(found.features)} columns of {found.table}, as `relevo new` read it."
    plain = "".join(c if c.isprintable() and c not in '"\\' else " " for c in about)
    return (
        plain
        if width(plain) <= WIDTH - 6
        else f"{found.title}, as `relevo new` read its table."
    )


def _source(found: Findings) -> list[str]:
    cut = found.cut
    options = [quoted(found.path)]
    options += (
        [f"by={quoted(cut.by)}", f"every={quoted(cut.every or '')}"]
        if cut.by is not None
        else [f"rows={cut.rows}"]
    )
    return arguments(4, "source=FileBatches(", options, "),")


def _left_out(found: Findings) -> list[str]:
    listed = ", ".join(
        f"{_plain(name)} ({_short(why)})" for name, why in found.left_out.items()
    )
    lines = textwrap.wrap(f"no features: {listed}", WIDTH - 40) if listed else []
    if len(lines) > 3:
        lines = [f"{len(found.left_out)} columns are no features: README.md says why"]
    return [f"    # {line}" for line in lines]


def call_columns(found: Findings, indent: int) -> list[str]:
    lines: list[str] = []
    for column in found.columns:
        made = arguments(
            indent, f"{_head(column)}(", _options(column, quoted(column.name)), "),"
        )
        note = found.facts[column.name].note
        lines += _with_note(made, _short(note)) if note else made
    return lines


def _head(column: Column) -> str:
    return column.kind.name


def _options(column: Column, name: str) -> list[str]:
    options = [name]
    if column.digits is not None:
        options.append(f"digits={column.digits}")
    if column.low is not None and column.kind is not Kind.CODE:
        options.append(f"low={number_text(column.low)}")
    if column.high is not None and column.kind is not Kind.CODE:
        options.append(f"high={number_text(column.high)}")
    if column.nullable and column.kind is not Kind.TEXT:
        options.append("nullable=True")
    return options


def _with_note(lines: list[str], note: str) -> list[str]:
    return _noted(lines[0], note) if len(lines) == 1 else lines


def _noted(line: str, note: str) -> list[str]:
    """The line with a comment behind it, where both fit."""
    noted = f"{line}  # {_plain(note)}"
    return [noted if note and width(noted) <= WIDTH else line]


def _short(note: str) -> str:
    return note.split(":")[0].split(";")[0]


def _plain(text: str) -> str:
    return "".join(
        character if character.isprintable() else " " for character in text
    ).rstrip()
