"""Kinds of columns. A kind is one class: how its values are parsed, stored, checked and shown.

A kind of your own is a subclass of `Kind` with a name, in the file of its use case. `parse`
is all that it must have: whole columns are then parsed cell by cell.
Arrow is imported where whole columns are handled, since the inference API does not have it.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Union

import msgspec
import numpy as np
from numpy.typing import NDArray

from relevo.domain.cells import Cell, Misfit, is_punctuation, listed, spell, type_name
from relevo.errors import UseCaseBroken

if TYPE_CHECKING:
    import pyarrow as pa

    from relevo.domain.contract import Column

# in a format without types; "None" may well be a category
MISSING_WORDS = frozenset(
    {"", "NA", "N/A", "n/a", "<NA>", "NaN", "nan", "NULL", "null"}
)
MOST_DESCRIBED = 200  # of the admitted values, in a refusal
# the largest float32, which is what models take
LARGEST = 3.4028234663852886e38
INT64 = 2**63
EPOCH = datetime(1970, 1, 1)
MICROSECONDS_PER_DAY = 86_400_000_000
_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


class NotWhole(Exception):
    """A column cannot be parsed as a whole: some cell needs to be looked at on its own."""


def _parse_number(value: object, spelled: bool) -> float:
    if spelled and isinstance(value, str) and _NUMERAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Misfit(f"is {type_name(value)}, not a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isinf(number):
        raise Misfit("is infinite")
    return number


def _whole(number: float) -> float:
    if not number.is_integer():
        raise Misfit("is not a whole number")
    return number


def _range(column: Column, low: float, high: float) -> tuple[float, float]:
    """What the column admits of that which its type can hold."""
    if column.low is not None:
        low = max(low, column.low)
    if column.high is not None:
        high = min(high, column.high)
    return low, high


def _number_array(array: pa.Array, spelled: bool) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind, types = array.type, pa.types
    is_text = spelled and types.is_string(kind)
    is_number = types.is_integer(kind) or types.is_floating(kind)
    _require(is_text or is_number or types.is_decimal(kind))
    numbers = array.cast(pa.float64())
    _require_none(pc.is_inf(numbers))
    missing = pc.is_nan(numbers)
    if pc.any(missing).as_py():
        _require(not is_text)  # the text "nan" is a word that somebody wrote
        numbers = pc.if_else(missing, None, numbers)
    return numbers


def _require_none(mask: pa.Array) -> None:
    import pyarrow.compute as pc

    _require(not pc.any(mask).as_py())


def _require(holds: bool) -> None:
    if not holds:
        raise NotWhole


class Kind:
    """The base of all kinds, and their directory: `Kind.named("number")`."""

    NUMBER: ClassVar[Kind]
    INTEGER: ClassVar[Kind]
    BOOLEAN: ClassVar[Kind]
    DATE: ClassVar[Kind]
    CATEGORY: ClassVar[Kind]
    CODE: ClassVar[Kind]
    TEXT: ClassVar[Kind]
    _all: ClassVar[dict[str, Kind]] = {}

    name: ClassVar[str]
    noun: ClassVar[str]  # "a number", for a person whose value was refused
    raw: ClassVar[str]  # the Arrow type in RAW
    clean: ClassVar[str | None]  # the Arrow type in CLEAN; None: it is not kept there
    is_categorical: ClassVar[bool] = False  # models take its text, not a number
    any_text: ClassVar[bool] = False  # "?" and "-" are values, not gaps
    missing_words: ClassVar[frozenset[str]] = MISSING_WORDS
    body_type: ClassVar[Any]  # what JSON of a source may hold, read at once
    schema: ClassVar[dict[str, Any]]  # JSON Schema of a value; `type` is a list
    # a value of the request type needs no further reading, checking or canonical form
    is_settled_by_type: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        # a base without a name of its own is no kind
        if "name" in cls.__dict__:
            Kind._all[cls.name] = cls()
            setattr(Kind, cls.name.upper(), Kind._all[cls.name])

    @staticmethod
    def named(name: str) -> Kind:
        try:
            return Kind._all[name]
        except KeyError:
            raise UseCaseBroken(
                f"no kind of column {name!r}; there are {', '.join(Kind._all)}; "
                "import the module that defines it in use_case.py"
            ) from None

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        # copied or sent to another process it stays the same object, which `is` compares
        return Kind.named, (self.name,)

    # a cell
    def read(self, value: object, *, spelled: bool) -> Cell:
        """The value as RAW stores it, None for missing; Misfit where it cannot be.

        `spelled`: the format has no types (CSV), so "3" may be a number and "yes" a
        boolean. JSON's and Parquet's text is text.
        """
        if value is None or value != value:
            return None
        if spelled and not self.any_text and is_punctuation(value):
            return None
        return self.parse(value, spelled)

    def parse(self, value: object, spelled: bool) -> Cell:
        """`read` of a value that is there."""
        raise NotImplementedError

    def canonical(self, cell: Any, column: Column) -> Cell:  # noqa: ARG002
        """A cell that is there, as CLEAN and models know it."""
        return cell  # type: ignore[no-any-return]

    def number(self, cell: Any) -> float:
        """What a model takes for a cell that is there, where the kind is no category."""
        return float(cell)

    # a column of cells
    @property
    def raw_type(self) -> pa.DataType:
        import pyarrow as pa

        return pa.type_for_alias(self.raw)

    @property
    def clean_type(self) -> pa.DataType:
        import pyarrow as pa

        return pa.type_for_alias(self.clean)

    @property
    def frame_type(self) -> pa.DataType:
        """CLEAN's type on its way to a model: the text of a category comes as codes."""
        import pyarrow as pa

        if self.is_categorical:
            return pa.dictionary(pa.int32(), self.clean_type)
        return self.clean_type

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:
        """`read` of a whole column; NotWhole or an Arrow error where a cell does not fit."""
        raise NotWhole(f"{len(array)} cells, one by one, spelled: {spelled}")

    def canonical_array(self, array: pa.Array, column: Column) -> pa.Array:
        """`canonical` of a whole column: each distinct value once."""
        import pyarrow as pa

        if type(self).canonical is Kind.canonical:
            return array
        encoded = array.dictionary_encode()
        cells = [
            self.canonical(cell, column) for cell in encoded.dictionary.to_pylist()
        ]
        return pa.array(cells, self.clean_type).take(encoded.indices)

    def numbers(self, array: pa.Array) -> NDArray[np.float64]:
        """`number` of a whole column, NaN where it is missing."""
        import pyarrow as pa

        values = array.cast(pa.float64(), safe=False)
        return np.asarray(values.to_numpy(zero_copy_only=False))

    def inputs(self, array: pa.Array) -> NDArray[np.float32]:
        """The numbers as a model takes them; its graph bounds what a float32 cannot hold."""
        with np.errstate(over="ignore"):
            return self.numbers(array).astype(np.float32)

    # a request to the API
    def request_type(self, column: Column) -> Any:  # noqa: ARG002
        """The msgspec type of values that need no explanation."""
        return str

    def json_schema(self, column: Column) -> dict[str, Any]:
        null: list[None] = [None] if column.nullable else []
        facts = {
            "description": column.doc or None,
            "minimum": column.low,
            "maximum": column.high,
            "enum": column.values and [*column.values, *null],
        }
        return {
            **self.schema,
            "type": [*self.schema["type"], *("null" for _ in null)],
            **{name: fact for name, fact in facts.items() if fact is not None},
        }

    def describe(self, column: Column) -> str:
        """What the column admits, for a person whose value was refused."""
        low, high = column.low, column.high
        if column.values is not None:
            return f"one of {listed(column.values, MOST_DESCRIBED)}"
        if low is not None and high is not None:
            return f"{self.noun} from {spell(low)} to {spell(high)}"
        if low is not None:
            return f"{self.noun} of at least {spell(low)}"
        if high is not None:
            return f"{self.noun} of at most {spell(high)}"
        return self.noun

    def from_number(self, number: float) -> Cell:
        """The value that a person would write for a model's number."""
        return float(f"{number:.6g}")

    def example(self, column: Column) -> Cell:
        """A value that the column takes, where its usual ones are unknown."""
        if column.values:
            return column.values[0]
        return self.from_number(max(column.low or 0.0, 0.0))


class Number(Kind):
    name, noun = "number", "a number"
    raw = clean = "float64"
    body_type = float | None
    schema: ClassVar = {"type": ["number"]}
    is_settled_by_type = True

    parse = staticmethod(_parse_number)
    read_array = staticmethod(_number_array)

    def canonical(self, cell: float, column: Column) -> float:  # noqa: ARG002
        return max(-LARGEST, min(LARGEST, cell))

    def canonical_array(self, array: pa.Array, column: Column) -> pa.Array:  # noqa: ARG002
        return array  # CLEAN keeps what RAW has

    def request_type(self, column: Column) -> Any:
        low, high = _range(column, -LARGEST, LARGEST)
        return Annotated[float, msgspec.Meta(ge=low, le=high)]


class Integer(Kind):
    name, noun = "integer", "a whole number"
    raw = clean = "int64"
    body_type = int | float | None
    schema: ClassVar = {"type": ["integer"]}
    is_settled_by_type = True

    def parse(self, value: object, spelled: bool) -> int:
        if isinstance(value, int) and not isinstance(value, bool):
            whole = value
        else:
            whole = int(_whole(_parse_number(value, spelled)))
            if isinstance(value, str) and value.strip().lstrip("+-").isdecimal():
                whole = int(value)  # exact, where a float of more than 2^53 is not
        if not -INT64 <= whole < INT64:
            raise Misfit("is too large for a whole number")
        return whole

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:
        import pyarrow as pa
        import pyarrow.compute as pc

        if spelled and pa.types.is_string(array.type):
            # Arrow would read hexadecimal
            _require_none(pc.match_substring(array, "x", ignore_case=True))
        elif not pa.types.is_integer(array.type):
            array = _number_array(array, spelled=False)
        return array.cast(pa.int64())

    def request_type(self, column: Column) -> Any:
        low, high = _range(column, -INT64, INT64 - 1)
        return Annotated[int, msgspec.Meta(ge=math.ceil(low), le=math.floor(high))]

    def from_number(self, number: float) -> int:
        return int(number)


class Boolean(Kind):
    name, noun = "boolean", "true or false"
    raw = clean = "bool"
    body_type = bool | int | None
    schema: ClassVar = {"type": ["boolean"]}
    is_settled_by_type = True
    spellings: ClassVar = {
        **dict.fromkeys(("true", "yes", "1", "1.0"), True),
        **dict.fromkeys(("false", "no", "0", "0.0"), False),
    }

    def parse(self, value: object, spelled: bool) -> bool:
        if spelled and isinstance(value, str):
            value = self.spellings.get(value.strip().casefold(), value)
        if isinstance(value, (bool, int, float)) and value in (0, 1):
            return bool(value)
        raise Misfit(f"is {type_name(value)}, not true or false")

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:  # noqa: ARG002
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_boolean(array.type):
            return array
        numbers = _number_array(array, spelled=False)
        _require_none(pc.invert(pc.is_in(numbers, pa.array([0.0, 1.0, None]))))
        return pc.equal(numbers, 1.0)

    def request_type(self, column: Column) -> Any:  # noqa: ARG002
        return bool

    def from_number(self, number: float) -> bool:
        return number >= 0.5


class Date(Kind):
    """A day or an instant in ISO 8601; models take days since 1970."""

    name, noun = "date", "a date in ISO 8601"
    raw = clean = "timestamp[us]"
    body_type = str | None
    schema: ClassVar = {"type": ["string"], "format": "date"}

    def parse(self, value: object, spelled: bool) -> datetime:  # noqa: ARG002
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value.strip())
            except ValueError:
                raise Misfit("is not a date in ISO 8601") from None
        if isinstance(value, date) and not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)
        if not isinstance(value, datetime):
            raise Misfit(f"is {type_name(value)}, not a date")
        if value.tzinfo is None:
            return value
        try:
            return value.astimezone(UTC).replace(tzinfo=None)
        except OverflowError:
            raise Misfit("is not between the years 1 and 9999") from None

    def number(self, cell: datetime) -> float:
        return float((cell - EPOCH) // timedelta(microseconds=1)) / MICROSECONDS_PER_DAY

    def numbers(self, array: pa.Array) -> NDArray[np.float64]:
        import pyarrow as pa

        return super().numbers(array.cast(pa.int64())) / MICROSECONDS_PER_DAY

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:  # noqa: ARG002
        import pyarrow as pa
        import pyarrow.compute as pc

        types = pa.types
        is_timestamp = types.is_timestamp(array.type)
        if not is_timestamp:
            _require(types.is_string(array.type) or types.is_date(array.type))
        # nanoseconds are cut to microseconds
        is_cut = is_timestamp and array.type.unit == "ns"
        dates = array.cast(self.raw_type, safe=not is_cut)
        pc.min_max(dates).as_py()  # raises outside the years 1 to 9999
        return dates

    def from_number(self, number: float) -> str:
        return (EPOCH + timedelta(days=round(number))).date().isoformat()


class Text(Kind):
    """Free text: kept in RAW, never a feature."""

    name, noun = "text", "text"
    raw = "string"
    clean: ClassVar[str | None] = None
    any_text = True
    missing_words = frozenset({""})  # free text may well say "NA"
    body_type = str | None
    schema: ClassVar = {"type": ["string"]}

    def parse(self, value: object, spelled: bool) -> str | None:  # noqa: ARG002
        if isinstance(value, (dict, list, bytes)):
            raise Misfit(f"is {type_name(value)}, not text")
        text = value.isoformat() if isinstance(value, date) else spell(value)
        if "\x00" in text:
            raise Misfit("holds a NUL character")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Misfit("is not valid Unicode") from None
        return text

    def canonical(self, cell: str, column: Column) -> str | None:  # noqa: ARG002
        return cell.strip() or None

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:  # noqa: ARG002
        import pyarrow as pa
        import pyarrow.compute as pc

        _require(pa.types.is_string(array.type) or pa.types.is_large_string(array.type))
        texts = array.cast(pa.string())
        _require_none(pc.match_substring(texts, "\x00"))
        return texts

    def example(self, column: Column) -> str:
        return (column.values or ("?",))[0]


class Category(Text):
    """One of some words, admitted ones or any; blanks around it do not count."""

    name, noun = "category", "a word"
    clean = "string"
    is_categorical = True
    missing_words = MISSING_WORDS
    # 3 is the word "3"
    schema: ClassVar = {"type": ["string", "number", "boolean"]}

    def parse(self, value: object, spelled: bool) -> str | None:
        return super().parse(value, spelled) or None

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:
        import pyarrow.compute as pc

        texts = super().read_array(array, spelled)
        empty = pc.equal(texts, "")
        if pc.any(empty).as_py():  # seldom: the texts need not be copied
            return pc.if_else(empty, None, texts)
        return texts

    def request_type(self, column: Column) -> Any:
        return Literal[column.values] if column.values else str


class Code(Kind):
    """A number that is a name, such as a ZIP: 601.0 is "00601"."""

    name, noun = "code", "a code in digits"
    raw, clean = "float64", "string"
    is_categorical = True
    body_type = float | None
    schema: ClassVar = {"type": ["string", "integer"]}

    def parse(self, value: object, spelled: bool) -> float:  # noqa: ARG002
        if isinstance(value, (bool, dict, list)):
            raise Misfit(f"is {type_name(value)}, not a code")
        return _whole(_parse_number(value, spelled=True))

    def canonical(self, cell: float, column: Column) -> str:
        return str(int(cell)).zfill(column.digits or 0)

    def read_array(self, array: pa.Array, spelled: bool) -> pa.Array:  # noqa: ARG002
        import pyarrow as pa

        numbers = _number_array(array, spelled=True)
        numbers.cast(pa.int64())  # raises where a number is not whole
        return numbers

    def request_type(self, column: Column) -> Any:
        return Union[Kind.NUMBER.request_type(column), str]  # noqa: UP007

    def describe(self, column: Column) -> str:
        return f"a code of at most {column.digits} digits"

    def example(self, column: Column) -> str:  # noqa: ARG002
        return "0"
