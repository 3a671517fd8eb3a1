"""A row's side: on what a row is about, never on its answer, so old and new models meet rows neither has seen."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

SEPARATOR = "\x1f"
MISSING = "\x00"


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


def canonical(value: object) -> str:
    """One spelling for each thing: 601, 601.0 and "601" are the same; so are " Seattle" and "seattle"."""
    if value is None or value != value:
        return MISSING
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value).strip().casefold()


def identities(salt: str, columns: Sequence[Sequence[object]]) -> NDArray[np.int64]:
    """The first 64 bits of SHA-256 over the salt and each row's identity columns."""
    prefix = hashlib.sha256(salt.encode())
    digests = bytearray()
    for row in zip(
        *([canonical(v) for v in column] for column in columns), strict=True
    ):
        digest = prefix.copy()
        digest.update(SEPARATOR.join(row).encode())
        digests += digest.digest()[:8]
    return np.frombuffer(bytes(digests), dtype=">i8").astype(np.int64)


def sides(
    identity: NDArray[np.int64], holdout_share: float, validation_share: float
) -> NDArray[np.str_]:
    """Test, validation or train by the identity's place in 0..1; the shares may grow without moving a test row to train."""
    place = (identity.astype(np.float64) + 2.0**63) / 2.0**64
    chosen = np.full(len(identity), Split.TRAIN.value, dtype="<U10")
    chosen[place < holdout_share] = Split.TEST.value
    chosen[place >= 1 - validation_share] = Split.VALIDATION.value
    return chosen
