"""Makes the Secrets of secrets.toml that are missing. Run again it changes nothing."""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
import tomllib
from pathlib import Path
from typing import TypeVar

from cluster_api import create_secret, read_secret

SOURCE, ENVIRONMENT = "relevo-data", "serving"
VALUE = re.compile(r"\{([a-z-]+)\.(\w+)\}")
Table = dict[str, dict[str, dict[str, str]]]
Value = TypeVar("Value")


def by_namespace(table: dict[str, Value], folder: Path) -> dict[str, Value]:
    """What `serving` has, each environment gets: a file named like its namespace is in the folder."""
    environments = sorted(file.name for file in folder.glob("relevo-*"))
    return {
        namespace: value
        for name, value in table.items()
        for namespace in (environments if name == ENVIRONMENT else [name])
    }


def draw(kind: str) -> str:
    if kind == "password":
        return secrets.token_hex(24)
    if kind == "fernet":
        return base64.urlsafe_b64encode(os.urandom(32)).decode()
    if kind.startswith("="):
        return kind[1:]
    raise SystemExit(
        f"secrets.toml: {kind!r} is no kind of value; there are password, fernet and =TEXT"
    )


def fill(text: str, sources: dict[str, dict[str, str]]) -> str:
    return VALUE.sub(lambda match: sources[match[1]][match[2]], text)


def sources_of(table: Table) -> set[str]:
    """The Secrets that others are copied from."""
    texts = [
        text
        for names in table.values()
        for values in names.values()
        for text in values.values()
    ]
    return {match[1] for text in texts for match in VALUE.finditer(text)}


def main(path: Path) -> None:
    parts = tomllib.loads(path.read_text())
    made, copied = (
        by_namespace(parts[name], path.parent) for name in ("made", "copied")
    )
    for namespace, names in made.items():
        for name, kinds in names.items():
            report(
                namespace,
                name,
                create_secret(
                    namespace, name, {key: draw(kind) for key, kind in kinds.items()}
                ),
            )
    sources = {name: read_secret(SOURCE, name) for name in sources_of(copied)}
    for namespace, names in copied.items():
        for name, texts in names.items():
            values = {key: fill(text, sources) for key, text in texts.items()}
            report(namespace, name, create_secret(namespace, name, values))


def report(namespace: str, name: str, made: bool) -> None:
    print(f"{namespace}/{name} {'made' if made else 'exists'}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
