"""The names under which every object store keeps its bytes."""

from relevo.errors import InvalidInput
from relevo.whole_file import UNFINISHED


def checked_key(key: str) -> str:
    """The key, a relative path of plain names; InvalidInput for what could leave the store."""
    parts = key.split("/")
    if "\x00" in key or any(
        part in ("", ".", "..") or part.startswith(UNFINISHED) for part in parts
    ):
        raise InvalidInput(
            f"object key {key!r} is not a relative path of plain names, such as landing/iris/3.json"
        )
    return key
