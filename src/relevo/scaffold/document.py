"""The text of a use_case.py: at most 60 lines that a person would keep."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from relevo.scaffold.column_groups import column_options, group_columns, pattern_of
from relevo.scaffold.python_text import (
    WIDTH,
    call,
    fits,
    one_per_line,
    python_string,
    tuple_of,
)
from relevo.scaffold.study import Findings

MOST_LINES = 60
IMPORTS = (
    "from relevo.domain.policy import Policy",
    "from relevo.domain.use_case import FileBatches, UseCase",
    "from relevo.learning.candidates import BoostedTrees, LinearBaseline",
)
READ_NAMES = (
    'NAMES = json.loads(Path(__file__).with_name("columns.json").read_text("utf-8"))'
)
TASK_LINES = {
    "classification": '    task="classification",',
    "regression": '    unit="",  # of the target, such as EUR',
}


@dataclass(frozen=True, slots=True)
class CaseText:
    """`names` is the text of columns.json, where a wide table needs one."""

    text: str
    names: str = ""


def write_case(found: Findings) -> CaseText:
    """The plainest form that is short enough."""
    for form in (_listed, _all_but, _grouped):
        written = form(found)
        if written.text.count("\n") <= MOST_LINES:
            break
    return written


def _listed(found: Findings) -> CaseText:
    columns = ["        columns=(", *_column_calls(found, 12), "        ),"]
    features = tuple_of(4, "features=", list(map(python_string, found.features)))
    return CaseText(_text(found, columns, features))


def _all_but(found: Findings) -> CaseText:
    out = [python_string(name) for name in (found.target, *found.left_out)]
    constants = [
        *("COLUMNS = (", *_column_calls(found, 4), ")"),
        *tuple_of(0, "NO_FEATURES = ", out, ""),
    ]
    names = "column.name for column in COLUMNS if column.name not in NO_FEATURES"
    features = call(4, "features=tuple", [names])
    return CaseText(_text(found, ["        columns=COLUMNS,"], features, constants))


def _grouped(found: Findings) -> CaseText:
    groups = group_columns(found)
    constants = [group.definition for group in groups if group.definition]
    filed = {
        group.key: group.names
        for group in groups
        if group.is_many and not group.definition
    }
    imports: list[str] = []
    names = ""
    if filed:
        imports = ["import json", "from pathlib import Path", ""]
        constants.append(READ_NAMES)
        names = json.dumps(filed, ensure_ascii=False, indent=1) + "\n"
    columns = [line for group in groups for line in group.contract_lines(12)]
    features = [group.in_tuple for group in groups if group.is_feature]
    text = _text(
        found,
        ["        columns=(", *columns, "        ),"],
        tuple_of(4, "features=", features),
        constants,
        imports,
    )
    return CaseText(text, names)


def _text(
    found: Findings,
    columns: list[str],
    features: list[str],
    constants: Sequence[str] = (),
    imports: Sequence[str] = (),
) -> str:
    kinds = sorted({column.kind.name for column in found.columns})
    lines = [f'"""{_docstring(found)}"""', "", *imports]
    contract = f"from relevo.domain.contract import Contract, {', '.join(kinds)}"
    if fits(contract):
        lines.append(contract)
    else:
        names = ["Contract", *kinds]
        lines += one_per_line(0, "from relevo.domain.contract import ", names, "")
    lines += [*IMPORTS, ""]
    if constants:
        lines += [*constants, ""]
    lines += _case(found, columns, features)
    return "\n".join(lines) + "\n"


def _docstring(found: Findings) -> str:
    features = f"{found.target} from {len(found.features)} columns of {found.table}"
    about = f"{found.title}: {features}, as `relevo new` read it."
    plain = "".join(c if c.isprintable() and c not in '"\\' else " " for c in about)
    if fits(f'"""{plain}"""'):
        return plain
    return f"{found.title}, as `relevo new` read its table."


def _case(found: Findings, columns: list[str], features: list[str]) -> list[str]:
    lines = [
        "CASE = UseCase(",
        f"    name={python_string(found.name)},",
        f"    title={python_string(found.title)},",
        TASK_LINES[found.task],
        "    contract=Contract(",
        _noted(f"        target={python_string(found.target)},", found.task_why),
        *_with_note(_identity(found.identity), found.identity_why),
        *columns,
        "    ),",
        *_left_out(found),
        *features,
    ]
    if found.log_target:
        lines.append("    log_target=True,  # positive, with a long tail")
    lines.append("    candidates=(LinearBaseline(), BoostedTrees()),")
    if found.slices:
        lines += tuple_of(4, "slices=", list(map(python_string, found.slices)))
    source = _with_note(_source(found), found.cut.why)
    return [*lines, "    policy=Policy(),", *source, ")"]


def _identity(names: Sequence[str]) -> list[str]:
    """One line where a tuple or a pattern fits into it, else one line per name."""
    lines = tuple_of(8, "identity=", list(map(python_string, names)))
    if len(lines) > 1 and (pattern := pattern_of(names)):
        line = f"        identity={pattern},"
        if fits(line):
            return [line]
    return lines


def _source(found: Findings) -> list[str]:
    cut = found.cut
    options = [f"rows={cut.rows}"]
    if cut.by is not None:
        options = [f"by={python_string(cut.by)}", f'every="{cut.every}"']
    return call(4, "source=FileBatches", [python_string(found.path), *options])


def _left_out(found: Findings) -> list[str]:
    if not found.left_out:
        return []
    reasons = found.left_out.items()
    listed = ", ".join(f"{_plain(name)} ({_short(why)})" for name, why in reasons)
    lines = textwrap.wrap(f"no features: {listed}", WIDTH - 40)
    if len(lines) > 3:
        lines = [f"{len(found.left_out)} columns are no features: README.md says why"]
    return [f"    # {line}" for line in lines]


def _column_calls(found: Findings, indent: int) -> list[str]:
    lines: list[str] = []
    for column in found.columns:
        options = column_options(column, python_string(column.name))
        note = _short(found.facts[column.name].note)
        lines += _with_note(call(indent, column.kind.name, options), note)
    return lines


def _with_note(lines: list[str], note: str) -> list[str]:
    if len(lines) > 1:
        return lines
    return [_noted(lines[0], note)]


def _noted(line: str, note: str) -> str:
    """The line with a comment behind it, where both fit."""
    noted = f"{line}  # {_plain(note)}"
    if note and fits(noted):
        return noted
    return line


def _short(note: str) -> str:
    return note.split(":")[0].split(";")[0]


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).rstrip()
