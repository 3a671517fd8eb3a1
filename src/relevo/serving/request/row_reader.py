"""Rows from a request's bytes: a fast path for right ones, a slow one that explains the others.

`checked_cell` has the rules. The fast path accepts only what that accepts, and leaves the
rest to it.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import filterfalse
from typing import Annotated, Any, NoReturn, Union

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from relevo.domain.cells import IS_MISSING, Cell, Misfit, Row, printable, type_name
from relevo.domain.contract import Column
from relevo.errors import RelevoError
from relevo.serving.responses import Problem

SHOWN_PROBLEMS = 100
REMEMBERED_CELLS = 10_000  # categories or codes of a column: a few MB at most
REMEMBERED_CHARACTERS = 100  # characters of each
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
    """As many as are shown: a body of 8 MB can have millions, which would take 600 MB."""

    def add(
        self, index: int | UnsetType, field: str, value: str, message: str, allowed: str
    ) -> None:
        self.append(Problem(field, value, message, allowed, index))
        if len(self) == SHOWN_PROBLEMS:
            raise RowsRefused(self)


class RowReader:
    """Reads one object, or a list of up to `max_rows`. `strict` refuses names that are no field."""

    def __init__(
        self, columns: Sequence[Column], max_rows: int, *, strict: bool = True
    ) -> None:
        self._columns = tuple(columns)
        self.max_rows = max_rows
        self._strict = strict
        self._names = {column.name: None for column in columns}
        row: Any = _row_type(columns, strict)
        self._row_type = row
        self._decode = msgspec.json.Decoder(
            Union[row, Annotated[list[row], Meta(max_length=max_rows)]]  # noqa: UP007
        ).decode
        self._finish = [
            (index, _finish(column))
            for index, column in enumerate(columns)
            if not column.kind.is_settled_by_type
        ]

    def read(self, body: bytes) -> Row | list[Row]:
        """Cells in the order of the columns. RowsRefused names every field that is wrong."""
        try:
            decoded: Any = self._decode(body)
            is_list = type(decoded) is list
            cells = [astuple(row) for row in (decoded if is_list else (decoded,))]
            rows, present = self._finished(cells)
        except UNREADABLE:
            return self._explained(body)
        # each field that is there brought one colon: any more stand in a text, or in a name
        # that is given twice
        if body.count(b":") != present:
            return self._explained(body)
        return rows if is_list else rows[0]

    def read_mapping(self, row: Mapping[str, object]) -> Row:
        """A row that a dialect has made of another body."""
        try:
            rows, _ = self._finished([astuple(msgspec.convert(row, self._row_type))])
        except UNREADABLE:
            return self._checked([row], [UNSET])[0]
        return rows[0]

    def _finished(self, cells: list[tuple[Any, ...]]) -> tuple[list[Row], int]:
        """The rows, made a column at a time, and how many cells the body held."""
        if not cells:
            return [], 0
        columns: list[Any] = list(zip(*cells, strict=True))
        present = len(cells) * len(columns)
        for index, column in enumerate(columns):
            if missing := column.count(UNSET):
                present -= missing
                columns[index] = [None if cell is UNSET else cell for cell in column]
        for index, finish in self._finish:
            columns[index] = map(finish, columns[index])
        return list(zip(*columns, strict=True)), present

    def _explained(self, body: bytes) -> Row | list[Row]:
        try:
            parsed = parse(body)
        except RecursionError:
            _refuse("", "", "is nested too deeply", self._expected)
        if not isinstance(parsed, list):
            return self._checked([parsed], [UNSET])[0]
        if len(parsed) > self.max_rows:
            limit = f"at most {self.max_rows} rows per request"
            _refuse("", f"{len(parsed)} rows", "is too long a list", limit)
        return self._checked(parsed, range(len(parsed)))

    def _checked(
        self, parsed: Sequence[Any], indices: Iterable[int | UnsetType]
    ) -> list[Row]:
        problems = _Problems()
        rows = [
            self._row(row, index, problems)
            for row, index in zip(parsed, indices, strict=True)
        ]
        if problems:
            raise RowsRefused(problems)
        return rows

    def _row(self, parsed: Any, index: int | UnsetType, problems: _Problems) -> Row:
        add = partial(problems.add, index)
        if not isinstance(parsed, dict):
            message = f"is {type_name(parsed)}, not an object"
            add("", printable(parsed), message, self._expected)
            return ()
        if self._strict:
            for name in filterfalse(self._names.__contains__, parsed):
                message = "is not a field of this model"
                add(printable(name), printable(parsed[name]), message, self._expected)
        cells: list[Cell] = []
        for column in self._columns:
            value = parsed.get(column.name)
            try:
                cells.append(checked_cell(column, value))
            except Misfit as misfit:
                shown = "" if value is None else printable(value)
                add(column.name, shown, str(misfit), column.admitted)
        return tuple(cells)

    @property
    def _expected(self) -> str:
        return f"an object of {', '.join(self._names)}"


def checked_cell(column: Column, value: object) -> Cell:
    """The value as the model knows it: a code by its name, a category without stray blanks.

    Misfit says what is wrong.
    """
    cell = column.kind.read(value, spelled=False)
    if cell is None:
        if not column.nullable:
            raise Misfit(IS_MISSING)
        return None
    if rule := column.broken_rule(cell):
        raise Misfit(column.reason(rule))
    return column.kind.canonical(cell, column)


def parse(body: bytes) -> Any:
    """JSON, strictly: UTF-8, no NaN, no name twice in an object.

    RecursionError where it is nested too deeply.
    """
    try:
        return json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_no_constant
        )
    except ValueError as error:  # JSON, Unicode, and integers of thousands of digits
        _refuse(
            "", "", f"is not JSON that can be read: {printable(error)}", "JSON in UTF-8"
        )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        shown = printable(values[twice])
        _refuse(printable(twice), shown, "is given twice", "each field once")
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _refuse(field: str, value: str, message: str, allowed: str) -> NoReturn:
    raise RowsRefused([Problem(field, value, message, allowed)])


def _row_type(columns: Sequence[Column], strict: bool) -> Any:
    # a field's name need not be a name of Python
    slots = {f"f{index}": column for index, column in enumerate(columns)}
    return msgspec.defstruct(
        "Row",
        [(slot, *_slot(column)) for slot, column in slots.items()],
        rename={slot: column.name for slot, column in slots.items()},
        kw_only=True,
        forbid_unknown_fields=strict,
        gc=False,  # cells refer to nothing, so the collector need not look
    )


def _slot(column: Column) -> list[Any]:
    """The type of its cells, and what stands for one that may be left out."""
    cell = column.kind.request_type(column)
    if not column.nullable:
        return [cell]
    return [Union[cell, None, UnsetType], UNSET]  # noqa: UP007


class Remembered(dict[Any, Cell]):
    """What a cell becomes, computed once for as many different cells as categories
    usually have.
    """

    def __init__(self, finish: Callable[[Any], Cell]) -> None:
        super().__init__({None: None})
        self._finish = finish

    def __missing__(self, cell: Any) -> Cell:
        finished = self._finish(cell)
        if len(self) < REMEMBERED_CELLS and len(str(cell)) <= REMEMBERED_CHARACTERS:
            self[cell] = finished
        return finished


def _finish(column: Column) -> Callable[[Any], Cell]:
    """What is left to do to a cell of the fast type; Misfit where a rule is not in that type."""
    finish = partial(checked_cell, column)
    if column.is_categorical:
        return Remembered(finish).__getitem__
    return lambda value: None if value is None else finish(value)
