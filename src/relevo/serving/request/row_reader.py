"""Rows from the bytes of a request: a fast path for what is right, a slow one that explains what is not.

There is one truth, `checking.checked`. The fast path takes only what that takes too, and leaves the rest to it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import filterfalse
from typing import Annotated, Any, NoReturn, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from relevo.domain.cells import Cell, Misfit, Row, printable, type_name
from relevo.domain.contract import Column
from relevo.errors import RelevoError
from relevo.serving.request.field_rules import checked_cell
from relevo.serving.responses import Problem

SHOWN_PROBLEMS = 100
INT64 = 2**63
MOST_REMEMBERED, LONGEST_REMEMBERED = (
    10_000,
    100,
)  # words or codes of a column, and characters of each
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, Misfit)


class RowsRefused(RelevoError):
    http_status = 422

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        super().__init__(
            f"{first.field} = {first.value} {first.message}; allowed: {first.allowed}"
        )
        self.problems = problems


class _Problems(list[Problem]):
    """As many as are shown. A body of 8 MB can have millions: none is looked for behind these."""

    def add(self, problem: Problem) -> None:
        self.append(problem)
        if len(self) == SHOWN_PROBLEMS:
            raise RowsRefused(self)


class RowReader:
    """Reads one object, or a list of up to `max_rows`. `strict` refuses names that are no field."""

    def __init__(
        self, columns: Sequence[Column], max_rows: int, *, strict: bool = True
    ) -> None:
        self._columns, self.max_rows, self._strict = tuple(columns), max_rows, strict
        self._names = tuple(column.name for column in columns)
        self._known_names = frozenset(self._names)
        row: Any = msgspec.defstruct(
            "Row",
            [_slot(place, column) for place, column in enumerate(columns)],
            rename={f"f{place}": name for place, name in enumerate(self._names)},
            kw_only=True,
            forbid_unknown_fields=strict,
            gc=False,
        )
        self._row_type = row
        self._decode = msgspec.json.Decoder(
            Union[row, Annotated[list[row], Meta(max_length=max_rows)]]  # noqa: UP007
        ).decode
        self._finish = [
            (p, finish)
            for p, c in enumerate(columns)
            if (finish := _finish(c)) is not None
        ]

    def read(self, body: bytes) -> Row | list[Row]:
        """Cells in the order of the columns. RowsRefused names every field that is wrong."""
        try:
            decoded: Any = self._decode(body)
            given = (
                [astuple(row) for row in decoded]
                if type(decoded) is list
                else [astuple(decoded)]
            )
            rows, present = self._finished(given)
        except UNREADABLE:
            return self._explained(body)
        # each field that is there brought one colon: any more stand in a text, or in a name that is given twice
        if body.count(b":") != present:
            return self._explained(body)
        return rows if type(decoded) is list else rows[0]

    def read_mapping(self, row: Mapping[str, object]) -> Row:
        """A row that a dialect has made of another body."""
        try:
            rows, _ = self._finished([astuple(msgspec.convert(row, self._row_type))])
        except UNREADABLE:
            return self._one_row(row)
        return rows[0]

    def _finished(self, given: list[tuple[Any, ...]]) -> tuple[list[Row], int]:
        """The rows, a column at a time, and how many cells were given."""
        columns: list[Any] = list(zip(*given, strict=True))
        absent = 0
        for place, column in enumerate(columns):
            if missing := column.count(UNSET):
                absent += missing
                columns[place] = [None if cell is UNSET else cell for cell in column]
        for place, finish in self._finish if given else ():
            columns[place] = map(finish, columns[place])
        return list(zip(*columns, strict=True)), len(given) * len(self._names) - absent

    def _explained(self, body: bytes) -> Row | list[Row]:
        try:
            return self._one_by_one(parse(body))
        except RecursionError:
            _refuse("", "", "is nested too deeply", self._known())

    def _one_by_one(self, parsed: Any) -> Row | list[Row]:
        if not isinstance(parsed, list):
            return self._one_row(parsed)
        if len(parsed) > self.max_rows:
            _refuse(
                "",
                f"{len(parsed)} rows",
                "is too long a list",
                f"at most {self.max_rows} rows a request",
            )
        problems = _Problems()
        rows = [self._row(row, index, problems) for index, row in enumerate(parsed)]
        if problems:
            raise RowsRefused(problems)
        return rows

    def _one_row(self, parsed: Any) -> Row:
        problems = _Problems()
        row = self._row(parsed, UNSET, problems)
        if problems:
            raise RowsRefused(problems)
        return row

    def _row(self, given: Any, index: int | UnsetType, problems: _Problems) -> Row:
        if not isinstance(given, dict):
            message = f"is {type_name(given)}, not an object"
            problems.add(Problem("", printable(given), message, self._known(), index))
            return ()
        if self._strict:
            for name in filterfalse(self._known_names.__contains__, given):
                shown, value = printable(name), printable(given[name])
                message = "is not a field of this model"
                problems.add(Problem(shown, value, message, self._known(), index))
        return tuple(
            self._cell(column, given.get(column.name), index, problems)
            for column in self._columns
        )

    def _cell(
        self, column: Column, value: object, index: int | UnsetType, problems: _Problems
    ) -> Cell:
        try:
            return checked_cell(column, value)
        except Misfit as misfit:
            shown = "" if value is None else printable(value)
            problems.add(
                Problem(column.name, shown, str(misfit), column.admitted, index)
            )
            return None

    def _known(self) -> str:
        return f"an object of {', '.join(self._names)}"


def parse(body: bytes) -> Any:
    """JSON, strictly: UTF-8, no NaN, no name twice in an object. RecursionError where it is nested too deeply."""
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except ValueError as error:  # JSON, Unicode, and integers of thousands of digits
        _refuse(
            "", "", f"is not JSON that can be read: {printable(error)}", "JSON in UTF-8"
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        _refuse(
            printable(twice),
            printable(found[twice]),
            "is given twice",
            "each field once",
        )
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse(field: str, value: str, message: str, allowed: str) -> NoReturn:
    raise RowsRefused([Problem(field, value, message, allowed)])


def _slot(place: int, column: Column) -> tuple[str, Any] | tuple[str, Any, Any]:
    kind = column.kind.request_type(column)
    return (
        (f"f{place}", Union[kind, None, UnsetType], UNSET)  # noqa: UP007
        if column.nullable
        else (f"f{place}", kind)
    )


class Remembered(dict[Any, Cell]):
    """What a cell becomes, worked out once for as many different cells as words and codes usually have."""

    def __init__(self, finish: Callable[[Any], Cell]) -> None:
        super().__init__({None: None})
        self._finish = finish

    def __missing__(self, cell: Any) -> Cell:
        finished = self._finish(cell)
        if len(self) < MOST_REMEMBERED and len(str(cell)) <= LONGEST_REMEMBERED:
            self[cell] = finished
        return finished


def _finish(column: Column) -> Callable[[Any], Cell] | None:
    """What is left to do to a cell that has its fast type; Misfit where the type did not tell all."""
    if column.kind.is_settled_by_type:
        return None
    if column.is_categorical:
        return Remembered(lambda value: checked_cell(column, value)).__getitem__
    return lambda value: None if value is None else checked_cell(column, value)
